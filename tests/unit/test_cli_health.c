/* SPDX-License-Identifier: Apache-2.0 */
/* vagus health over real segments: of this process, of one that was killed, of none. The verb is
 * built in here, with what main.c would give it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "check.h"
#include "cli/target.c"
#include "cli/verb_health.c"
#include "cli_fixture.h"
#include "segment_fixture.h"

static char printed[REPORT_JSON_BYTES_MAX];

bool cli_colour(FILE *stream)
{
    (void)stream;
    return false;
}

static char complained[4096];

/* Runs `vagus health --dir FIXTURE …`. */
static int health(const char *first, const char *second, const char *third)
{
    char verb[] = "health", dir[] = "--dir";
    char *argv[] = {verb, dir, fixture_dir, (char *)first, (char *)second, (char *)third, NULL};
    int argc = 3 + (first != NULL) + (second != NULL) + (third != NULL);
    struct capture out, err;
    message[0] = '\0';
    capture_begin(&out, stdout);
    capture_begin(&err, stderr);
    optind = 1;
    int status = cli_verb_health.run(argc, argv);
    capture_end(&err, complained, sizeof(complained));
    capture_end(&out, printed, sizeof(printed));
    return status;
}

static void publish(struct segment *segment, uint32_t judged)
{
    static uint64_t number;
    static struct vagus_system_snapshot snapshot;
    snapshot.size = sizeof(snapshot);
    snapshot.version = VAGUS_SNAPSHOT_VERSION;
    snapshot.judged = judged;
    snapshot.published_ns = vagus_now_ns();
    snapshot.good_until_ns = snapshot.published_ns + 3600 * VAGUS_SECOND_NS;
    segment_publish(segment_slots(segment), ++number, &snapshot);
}

static void nothing_runs(void)
{
    if (!fixture_begin())
        SKIP_TEST("no /dev/shm");
    CHECK_EQ(health(NULL, NULL, NULL), CLI_NOT_FOUND);
    CHECK_CONTAINS(message, "no monitored process runs");
    CHECK_EQ(health("-p", "4242", NULL), CLI_NOT_FOUND);
    CHECK_CONTAINS(message, "no monitored process '4242'");
    CHECK_STR(printed, "");
    fixture_end();
    CHECK_EQ(health(NULL, NULL, NULL), CLI_NOT_FOUND);
    CHECK_CONTAINS(message, "cannot look into");
}

/* A probe must not take a full disk, or a folder that is not its own, for a verdict. */
static void a_failure_is_no_verdict(void)
{
    struct segment segment;
    char verb[] = "health", dir[] = "--dir", file[] = "/dev/null";
    if (!fixture_begin())
        SKIP_TEST("no /dev/shm");
    REQUIRE(fixture_create("alpha", 0, &segment) == 0);
    publish(&segment, VAGUS_VERDICT_OK);
    fflush(stdout);
    int kept = dup(fileno(stdout)), full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    dup2(full, fileno(stdout));
    optind = 1;
    int status = cli_verb_health.run(3, (char *[]){verb, dir, fixture_dir, NULL});
    dup2(kept, fileno(stdout));
    clearerr(stdout);
    close(kept);
    close(full);
    CHECK_EQ(status, 3);
    optind = 1;
    CHECK_EQ(cli_verb_health.run(3, (char *[]){verb, dir, file, NULL}), 3);
    CHECK_CONTAINS(message, "cannot look into /dev/null");
    segment_close(&segment);
    fixture_end();
}

static void the_exit_status_is_the_verdict(void)
{
    struct segment segment;
    char pid[32];
    if (!fixture_begin())
        SKIP_TEST("no /dev/shm");
    REQUIRE(fixture_create("alpha", 0, &segment) == 0);
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    CHECK_EQ(health(NULL, NULL, NULL), 3);
    CHECK_CONTAINS(printed, "vagus: UNKNOWN");
    publish(&segment, VAGUS_VERDICT_OK);
    CHECK_EQ(health(NULL, NULL, NULL), 0);
    CHECK_CONTAINS(printed, "vagus: OK");
    publish(&segment, VAGUS_VERDICT_DEGRADED);
    CHECK_EQ(health("-p", pid, NULL), 1);
    publish(&segment, VAGUS_VERDICT_CRITICAL);
    CHECK_EQ(health("-p", "alpha", "--json"), 2);
    CHECK_CONTAINS(printed, "{\"verdict\":\"critical\"");
    CHECK_EQ(health("-p", "beta", NULL), CLI_NOT_FOUND);
    CHECK_CONTAINS(message, "'beta'; there are:");
    CHECK_CONTAINS(complained, "alpha");
    CHECK_EQ(health("-p", "alhpa", NULL), CLI_NOT_FOUND);
    CHECK_CONTAINS(message, "'alhpa'; did you mean 'alpha'? There are:");
    publish(&segment, 77);
    CHECK_EQ(health(NULL, NULL, NULL), 3);
    segment_close(&segment);
    fixture_end();
}

/* The probes of an orchestrator: 0 is yes, everything else no. */
static void alive_ready_and_brief(void)
{
    struct segment segment;
    if (!fixture_begin())
        SKIP_TEST("no /dev/shm");
    REQUIRE(fixture_create("alpha", 3, &segment) == 0);
    segment_run(&segment);
    CHECK_EQ(health("--ready", NULL, NULL), 1);
    CHECK_STR(printed, "not ready: nothing published yet\n");
    publish(&segment, VAGUS_VERDICT_CRITICAL);
    CHECK_EQ(health("--alive", NULL, NULL), 0);
    CHECK_CONTAINS(printed, "alive: published ");
    CHECK_EQ(health("--ready", NULL, NULL), 0); /* no signal is raised */
    CHECK_STR(printed, "ready: takes work\n");
    CHECK_EQ(health("--brief", NULL, NULL), 2);
    CHECK_CONTAINS(printed, "CRITICAL ");
    CHECK(strchr(printed, '\n') == printed + strlen(printed) - 1);
    CHECK_EQ(health("--alive", "--ready", NULL), CLI_USAGE);
    CHECK_CONTAINS(message, "only one of");
    segment_close(&segment);
    CHECK_EQ(health("--alive", NULL, NULL), CLI_NOT_FOUND);
    CHECK_EQ(health("--alive", "-p", "alpha"), 1);
    CHECK_CONTAINS(printed, "not alive: closed in order");
    fixture_end();
}

static void several_must_be_told_apart(void)
{
    struct segment alpha, beta;
    char pid[32];
    if (!fixture_begin())
        SKIP_TEST("no /dev/shm");
    REQUIRE(fixture_create("alpha", 0, &alpha) == 0);
    REQUIRE(fixture_create("beta", 0, &beta) == 0);
    publish(&beta, VAGUS_VERDICT_OK);
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    CHECK_EQ(health(NULL, NULL, NULL), CLI_USAGE);
    CHECK_CONTAINS(message, "2 monitored processes run");
    CHECK_CONTAINS(complained, "alpha");
    CHECK_CONTAINS(complained, "beta");
    CHECK_EQ(health("-p", pid, NULL), CLI_USAGE);
    CHECK_EQ(health("-p", "beta", NULL), 0);
    segment_close(&alpha);
    segment_close(&beta);
    fixture_end();
}

static void a_killed_process_is_shown_when_asked_for(void)
{
    int ready[2];
    char pid[32], byte;
    if (!fixture_begin())
        SKIP_TEST("no /dev/shm");
    REQUIRE(pipe(ready) == 0);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        struct segment segment;
        if (fixture_create("gamma", 3, &segment) != 0)
            _exit(1);
        publish(&segment, VAGUS_VERDICT_OK);
        if (write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ready[1]);
    CHECK_EQ(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    CHECK_EQ(health("-p", "gamma", NULL), 0);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    CHECK_EQ(health(NULL, NULL, NULL), CLI_NOT_FOUND);
    CHECK_CONTAINS(message, "these ended and can be chosen by -p");
    CHECK_CONTAINS(complained, "gamma");
    snprintf(pid, sizeof(pid), "%d", (int)child);
    CHECK_EQ(health("-p", pid, NULL), 3);
    CHECK_CONTAINS(printed, "UNKNOWN — ended without closing");
    CHECK_EQ(health("-p", "gamma", "--alive"), 1);
    CHECK_CONTAINS(printed, "not alive: ended without closing");
    CHECK_EQ(health("-p", "gamma", "--json"), 3);
    CHECK_CONTAINS(printed, "\"life\":\"ended\",\"alive\":false");
    fixture_end();
}

static void a_closed_process_ended_in_order(void)
{
    struct segment segment;
    if (!fixture_begin())
        SKIP_TEST("no /dev/shm");
    REQUIRE(fixture_create("delta", 3, &segment) == 0);
    publish(&segment, VAGUS_VERDICT_OK);
    segment_close(&segment);
    CHECK_EQ(health("-p", "delta", NULL), 3);
    CHECK_CONTAINS(printed, "UNKNOWN — closed in order");
    fixture_end();
}

static void wrong_arguments_are_named(void)
{
    strcpy(fixture_dir, "/nonexistent");
    CHECK_EQ(health("--jason", NULL, NULL), CLI_USAGE);
    CHECK_CONTAINS(message, "--jason");
    CHECK_EQ(health("-p", NULL, NULL), CLI_USAGE);
    CHECK_CONTAINS(message, "needs a value");
    CHECK_EQ(health("4242", NULL, NULL), CLI_USAGE);
    CHECK_CONTAINS(message, "4242");
}

static void after_a_reboot_the_wall_clock_tells(void)
{
    struct segment_header header = {.started_ns = 5 * VAGUS_SECOND_NS};
    header.started_wall_ns = clock_wall_ns(&clock_of_machine) - 100 * VAGUS_SECOND_NS;
    CHECK(llabs(target_now_ns(&header) - vagus_now_ns()) < 60 * VAGUS_SECOND_NS);
    strcpy(header.boot_id, "00000000-0000-0000-0000-000000000000");
    CHECK(llabs(target_now_ns(&header) - 105 * VAGUS_SECOND_NS) < 60 * VAGUS_SECOND_NS);
    header.started_wall_ns = INT64_MIN;
    CHECK_EQ(target_now_ns(&header), INT64_MAX);
}

int main(void)
{
    RUN(nothing_runs);
    RUN(a_failure_is_no_verdict);
    RUN(the_exit_status_is_the_verdict);
    RUN(alive_ready_and_brief);
    RUN(several_must_be_told_apart);
    RUN(a_killed_process_is_shown_when_asked_for);
    RUN(a_closed_process_ended_in_order);
    RUN(wrong_arguments_are_named);
    RUN(after_a_reboot_the_wall_clock_tells);
    return check_result();
}
