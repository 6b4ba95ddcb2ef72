/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets over restarts: a crash loop does not reset the day's allowance, neither by the segment
 * nor by the file; what is damaged, out of reach or full is said, and the policy says what holds.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "root_fixture.h"
#include "vagus/vagus.h"

#define LIMIT 1000

static struct vagus_monitor *m;
static struct vagus_budget tokens;
static char state_dir[128], segment_dir[128];

static bool begin(const char *keys, unsigned flags)
{
    char policy[1024];
    struct vagus_fault_list faults;
    snprintf(policy, sizeof(policy),
             "agent: restart\n"
             "state: { dir: %s }\n"
             "segment: { dir: %s, keep: 1 }\n"
             "budgets:\n"
             "  - { name: tokens, limit: %d, window: 24h%s }\n",
             state_dir, segment_dir, LIMIT, keys);
    struct vagus_monitor_options options = {.size = sizeof(options),
                                            .policy_text = policy,
                                            .segment_bytes = 2 << 20,
                                            .metrics_max = 128,
                                            .faults = &faults,
                                            .flags = flags | VAGUS_NO_COLLECTORS};
    int error = vagus_monitor_open(&options, &m);
    for (uint32_t i = 0; error == VAGUS_EPOLICY && i < faults.count; i++)
        fprintf(stderr, "%s\n", faults.faults[i].text);
    return error == 0 && vagus_budget_find(m, "tokens", &tokens) == 0 &&
           vagus_monitor_start(m) == 0;
}

/* How much can be taken at once; it is given back by never being committed. */
static uint64_t left(void)
{
    uint64_t low = 0, high = LIMIT + 1;
    while (high - low > 1) {
        uint64_t middle = (low + high) / 2;
        struct vagus_ticket ticket;
        if (vagus_budget_reserve(tokens, middle, VAGUS_SECOND_NS, &ticket, NULL) == 0) {
            vagus_budget_commit(ticket, 0);
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

static void make_folders(void)
{
    REQUIRE(root_begin());
    snprintf(state_dir, sizeof(state_dir), "%s/state", root_dir);
    snprintf(segment_dir, sizeof(segment_dir), "/dev/shm%s", strrchr(root_dir, '/'));
    mkdir(segment_dir, 0700);
}

static void remove_folders(void)
{
    chmod(state_dir, 0700);
    root_end();
    memcpy(root_dir, segment_dir, sizeof(root_dir));
    root_end();
}

/* A process that spends, and is killed a moment later. */
static void spend_and_die(uint64_t amount, unsigned flags)
{
    int ready[2];
    char byte;
    REQUIRE(pipe(ready) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        bool spent = begin("", flags) && vagus_budget_take(tokens, amount, NULL) == 0;
        usleep(500000); /* a tick, and a write of the file */
        if (write(ready[1], spent ? "y" : "n", 1) == 1)
            pause();
        _exit(1);
    }
    close(ready[1]);
    REQUIRE(pid > 0 && read(ready[0], &byte, 1) == 1);
    CHECK_EQ(byte, 'y');
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(ready[0]);
}

static void a_crash_loop_does_not_reset_the_allowance(void)
{
    make_folders();
    for (int i = 0; i < 5; i++)
        spend_and_die(100, 0);
    REQUIRE(begin("", VAGUS_STEPPED));
    CHECK_EQ(left(), LIMIT - 500);
    vagus_monitor_close(m);
    remove_folders();
}

static void nor_does_it_without_a_segment(void)
{
    make_folders();
    for (int i = 0; i < 4; i++)
        spend_and_die(100, VAGUS_ANONYMOUS_SEGMENT);
    REQUIRE(begin("", VAGUS_STEPPED | VAGUS_ANONYMOUS_SEGMENT));
    CHECK_EQ(left(), LIMIT - 400);
    vagus_monitor_close(m);
    remove_folders();
}

static void write_over_file(const char *bytes)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/restart.budgets", state_dir);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    REQUIRE(fd >= 0);
    CHECK(pwrite(fd, bytes, strlen(bytes), 200) > 0);
    close(fd);
}

static const char *health(void)
{
    static char text[1 << 20];
    CHECK(vagus_health_format(m, VAGUS_HEALTH_JSON, text, sizeof(text), NULL) == 0);
    return text;
}

static void a_damaged_file_leaves_it_to_the_policy(void)
{
    make_folders();
    REQUIRE(begin("", VAGUS_STEPPED | VAGUS_ANONYMOUS_SEGMENT));
    vagus_budget_take(tokens, 100, NULL);
    vagus_monitor_close(m);
    write_over_file("not what was written");
    REQUIRE(begin("", VAGUS_STEPPED | VAGUS_ANONYMOUS_SEGMENT));
    CHECK_EQ(left(), 0);
    CHECK_CONTAINS(health(), "counts as all of it");
    vagus_monitor_close(m);
    write_over_file("not what was written");
    REQUIRE(begin(", unknown: allow", VAGUS_STEPPED | VAGUS_ANONYMOUS_SEGMENT));
    CHECK_EQ(left(), LIMIT);
    CHECK_CONTAINS(health(), "counts as nothing");
    vagus_monitor_close(m);
    remove_folders();
}

/* But the former process's segment is as good as the file. */
static void the_segment_stands_in_for_a_damaged_file(void)
{
    make_folders();
    REQUIRE(begin("", VAGUS_STEPPED));
    vagus_budget_take(tokens, 300, NULL);
    vagus_monitor_close(m);
    write_over_file("not what was written");
    REQUIRE(begin("", VAGUS_STEPPED));
    CHECK_EQ(left(), LIMIT - 300);
    vagus_monitor_close(m);
    remove_folders();
}

static void a_folder_open_to_others_is_not_trusted(void)
{
    make_folders();
    mkdir(state_dir, 0777);
    chmod(state_dir, 0777);
    REQUIRE(begin("", VAGUS_STEPPED | VAGUS_ANONYMOUS_SEGMENT));
    CHECK_EQ(left(), 0);
    CHECK_CONTAINS(health(), "is not known");
    vagus_monitor_close(m);
    remove_folders();
}

/* What another user sees of a folder that is closed to him. */
static int look_as_another(const char *keys, const char *words, uint64_t wanted)
{
    pid_t child = fork();
    if (child == 0) {
        if (setgid(65534) != 0 || setuid(65534) != 0)
            _exit(77);
        bool begun = begin(keys, VAGUS_STEPPED | VAGUS_ANONYMOUS_SEGMENT);
        bool right = begun && left() == wanted && strstr(health(), words) != NULL &&
                     strstr(health(), "Permission denied") != NULL;
        vagus_monitor_close(m);
        _exit(right ? 0 : 1);
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void a_folder_closed_to_us_leaves_it_to_the_policy(void)
{
    if (getuid() != 0)
        SKIP_TEST("only root can become another user");
    make_folders();
    REQUIRE(begin("", VAGUS_STEPPED | VAGUS_ANONYMOUS_SEGMENT));
    vagus_budget_take(tokens, 100, NULL);
    vagus_monitor_close(m);
    CHECK_EQ(chmod(root_dir, 0755), 0);
    CHECK_EQ(look_as_another("", "counts as all of it", 0), 0);
    CHECK_EQ(look_as_another(", unknown: allow", "counts as nothing", LIMIT), 0);
    /* And what is there stays as it was. */
    REQUIRE(begin("", VAGUS_STEPPED | VAGUS_ANONYMOUS_SEGMENT));
    CHECK_EQ(left(), LIMIT - 100);
    vagus_monitor_close(m);
    remove_folders();
}

/* A file in the folder's place: nothing can ever have been kept there, and the monitor runs. */
static void where_no_folder_can_be_nothing_was_kept(void)
{
    make_folders();
    int fd = open(state_dir, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    REQUIRE(fd >= 0);
    close(fd);
    REQUIRE(begin("", VAGUS_ANONYMOUS_SEGMENT));
    CHECK_EQ(left(), LIMIT);
    vagus_budget_take(tokens, 1, NULL);
    for (int i = 0; i < 100 && strstr(health(), "is not kept over restarts") == NULL; i++)
        usleep(50000);
    CHECK_CONTAINS(health(), "spending is not kept over restarts");
    vagus_monitor_close(m);
    remove_folders();
}

static void a_full_disk_leaves_the_former_file(void)
{
    make_folders();
    mkdir(state_dir, 0700);
    if (mount("none", state_dir, "tmpfs", 0, "size=8k,mode=700") != 0) {
        remove_folders();
        SKIP_TEST("no file system may be mounted here");
    }
    REQUIRE(begin("", VAGUS_STEPPED | VAGUS_ANONYMOUS_SEGMENT));
    vagus_budget_take(tokens, 250, NULL);
    vagus_monitor_close(m);
    char path[256];
    snprintf(path, sizeof(path), "%s/fill", state_dir);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    static const char block[4096];
    while (write(fd, block, sizeof(block)) > 0)
        continue;
    close(fd);
    REQUIRE(begin("", VAGUS_ANONYMOUS_SEGMENT));
    CHECK_EQ(left(), LIMIT - 250);
    vagus_budget_take(tokens, 1, NULL);
    for (int i = 0; i < 100 && strstr(health(), "No space left") == NULL; i++)
        usleep(50000);
    CHECK_CONTAINS(health(), "No space left");
    vagus_monitor_close(m);
    REQUIRE(begin("", VAGUS_STEPPED | VAGUS_ANONYMOUS_SEGMENT));
    CHECK_EQ(left(), LIMIT - 250); /* what could be kept */
    vagus_monitor_close(m);
    umount(state_dir);
    remove_folders();
}

int main(void)
{
    RUN(a_crash_loop_does_not_reset_the_allowance);
    RUN(nor_does_it_without_a_segment);
    RUN(a_damaged_file_leaves_it_to_the_policy);
    RUN(the_segment_stands_in_for_a_damaged_file);
    RUN(a_folder_open_to_others_is_not_trusted);
    RUN(a_folder_closed_to_us_leaves_it_to_the_policy);
    RUN(where_no_folder_can_be_nothing_was_kept);
    RUN(a_full_disk_leaves_the_former_file);
    return check_result();
}
