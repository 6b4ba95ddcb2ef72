/* SPDX-License-Identifier: Apache-2.0 */
/* reload: on_change, with a real file: written to, replaced, removed, damaged, at the end of a
 * link. The waits have ends far beyond what is measured. */
#include <sys/wait.h>

#include "reload_fixture.h"
#include "vagus/health.h"

#define RULE(name)                                                                                 \
    "reload: on_change\nrules:\n  - {name: " name                                                  \
    ", metric: organ.headroom, throttle: {below: 99%, clear: 99.5%}, min_hold: 0}\n"

static struct vagus_monitor *monitor;

static struct vagus_monitor *begin(void)
{
    monitor = policy_open(0, RULE("first"));
    CHECK_EQ(vagus_monitor_start(monitor), 0);
    return monitor;
}

/* The rule that a signal is raised for, in time; the value is always beyond. */
static bool judged_by(const char *rule)
{
    for (int i = 0; i < 1500; i++) {
        struct vagus_system_snapshot s;
        if (vagus_snapshot_read(monitor, &s) == 0 && s.signal_count == 1 &&
            strcmp(s.signals[0].rule, rule) == 0)
            return true;
        usleep(10000);
    }
    return false;
}

static bool health_says(const char *words)
{
    static char text[16384];
    for (int i = 0; i < 1500; i++) {
        if (vagus_health_format(monitor, 0, text, sizeof(text), NULL) == 0 &&
            strstr(text, words) != NULL)
            return true;
        usleep(10000);
    }
    return false;
}

static void written_to_and_replaced(void)
{
    begin();
    CHECK(judged_by("first"));
    policy_put(policy_file, RULE("second"));
    CHECK(judged_by("second"));
    policy_put(policy_new, RULE("third"));
    CHECK_EQ(rename(policy_new, policy_file), 0);
    CHECK(judged_by("third"));
    /* As an editor does it that moves the old one aside. */
    CHECK_EQ(rename(policy_file, policy_new), 0);
    usleep(300000);
    CHECK(judged_by("third"));
    policy_put(policy_file, RULE("fourth"));
    CHECK(judged_by("fourth"));
    unlink(policy_new);
    policy_put(policy_file, "rules: [\n");
    CHECK(health_says("policy not reloaded"));
    CHECK(judged_by("fourth"));
    policy_put(policy_file, RULE("fifth"));
    CHECK(judged_by("fifth"));
    CHECK_EQ(vagus_monitor_close(monitor), 0);
}

/* Another path by call is watched from then on. */
static void follows_the_path(void)
{
    char other[80];
    snprintf(other, sizeof(other), "%s/other.yaml", policy_folder);
    begin();
    policy_put(other, RULE("second"));
    CHECK_EQ(vagus_policy_reload(monitor, other, &faults), 0);
    CHECK(judged_by("second"));
    usleep(200000);
    policy_put(other, RULE("third"));
    CHECK(judged_by("third"));
    CHECK_EQ(vagus_monitor_close(monitor), 0);
    unlink(other);
}

static void changed_between_open_and_start(void)
{
    monitor = policy_open(0, RULE("first"));
    usleep(20000); /* a tick of the file system's clock */
    policy_put(policy_file, RULE("second"));
    CHECK_EQ(vagus_monitor_start(monitor), 0);
    CHECK(judged_by("second"));
    /* A forked child leaves the parent's watch alone. */
    pid_t child = fork();
    if (child == 0)
        _exit(vagus_policy_reload(monitor, NULL, NULL) == VAGUS_ECLOSED ? 0 : 1);
    int status = 1;
    waitpid(child, &status, 0);
    CHECK_EQ(status, 0);
    policy_put(policy_file, RULE("third"));
    CHECK(judged_by("third"));
    CHECK_EQ(vagus_monitor_close(monitor), 0);
}

static void where_it_cannot_be(void)
{
    monitor = policy_open(VAGUS_STEPPED, RULE("first"));
    CHECK_EQ(vagus_monitor_start(monitor), 0);
    CHECK(health_says("reload: on_change has no effect here"));
    CHECK_EQ(vagus_monitor_close(monitor), 0);
}

int main(void)
{
    policy_begin();
    RUN(written_to_and_replaced);
    RUN(follows_the_path);
    RUN(changed_between_open_and_start);
    RUN(where_it_cannot_be);
    policy_end();
    return check_result();
}
