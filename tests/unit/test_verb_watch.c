/* SPDX-License-Identifier: Apache-2.0 */
/* vagus snapshot and vagus watch, over a segment that a thread of the test writes. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "check.h"
#include "cli_fixture.h"
#include "segment/reader.h"
#include "segment_fixture.h"
#include "vagus/snapshot_view.h"

extern const struct cli_verb cli_verb_watch;
extern const struct cli_verb cli_verb_snapshot;

static char printed[1 << 20];
static struct segment segment;
static struct vagus_system_snapshot s;

static int run_verb(const struct cli_verb *verb, const char *first, const char *second)
{
    char *argv[] = {(char *)verb->name, (char *)"--dir", fixture_dir,
                    (char *)first,      (char *)second,  NULL};
    int argc = 3;
    while (argv[argc] != NULL)
        argc++;
    struct capture out;
    capture_begin(&out, stdout);
    int status = verb->run(argc, argv);
    capture_end(&out, printed, sizeof(printed));
    return status;
}

static void publish(void)
{
    s.sequence++;
    s.published_ns = clock_now_ns(&clock_of_machine);
    s.good_until_ns = s.published_ns + 600 * VAGUS_SECOND_NS;
    s.wall_ns = clock_wall_ns(&clock_of_machine);
    segment_publish(segment_slots(&segment), s.sequence, &s);
}

static void add_signal(uint32_t kind, uint32_t change)
{
    struct segment_head *head = segment_head(&segment, SEGMENT_SIGNALS);
    struct segment_signal *ring = segment_entries(&segment, SEGMENT_SIGNALS);
    segment_write_begin(&head->stamp);
    struct segment_signal *entry = &ring[head->count++ % SEGMENT_SIGNALS_MAX];
    *entry = (struct segment_signal){
        .signal = {.kind = kind, .change = change, .sequence = head->count, .rule = "degraded"}};
    segment_write_end(&head->stamp);
}

static void begin(void)
{
    REQUIRE(fixture_create("alpha", 9, &segment) == 0);
    memset(&s, 0, sizeof(s));
    s.judged = VAGUS_VERDICT_OK;
    s.memory.headroom = (struct vagus_reading){
        .value = 1 << 30, .taken_ns = clock_now_ns(&clock_of_machine), .good_until_ns = INT64_MAX};
    s.path_count = 1;
    strcpy(s.paths[0].path, "/tmp");
    segment_run(&segment);
}

/* How many lines begin so. */
static int lines(const char *begin_of)
{
    int count = 0;
    for (const char *line = printed; line != NULL && *line != '\0';) {
        count += strncmp(line, begin_of, strlen(begin_of)) == 0;
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    return count;
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

/* Waits until more than so much was printed (the watch flushes each line), and says how much. */
static off_t wait_for_output(off_t more_than)
{
    struct stat st = {0};
    for (int i = 0; i < 20000 && fstat(STDOUT_FILENO, &st) == 0 && st.st_size <= more_than; i++)
        pause_ms(1);
    return st.st_size;
}

static atomic_bool watched;

static void *change_things(void *arg)
{
    (void)arg;
    off_t size = wait_for_output(0);
    s.memory.headroom.value = 1 << 20;
    s.memory.total.error = VAGUS_EIO;
    s.judged = VAGUS_VERDICT_DEGRADED;
    s.path_count = 0;
    add_signal(VAGUS_THROTTLE, VAGUS_SIGNAL_RAISED);
    add_signal(VAGUS_THROTTLE, VAGUS_SIGNAL_CLEARED);
    add_signal(VAGUS_MODE_CHANGE, VAGUS_SIGNAL_UPDATED);
    publish();
    if (atomic_load(&watched))
        wait_for_output(size);
    segment_close(&segment);
    return NULL;
}

static void watch_changes(const char *option)
{
    pthread_t thread;
    begin();
    add_signal(VAGUS_DEFER, VAGUS_SIGNAL_RAISED); /* before the watch: not told */
    publish();
    CHECK_EQ(pthread_create(&thread, NULL, change_things, NULL), 0);
    CHECK_EQ(run_verb(&cli_verb_watch, option, NULL), CLI_OK);
    pthread_join(thread, NULL);
    CHECK_EQ(lines("{\"event\":\"snapshot\","), 1);
    CHECK_EQ(lines("{\"event\":\"signal\","), 2);
    CHECK_EQ(lines("{\"event\":\"mode\","), 1);
    CHECK_EQ(lines("{\"event\":\"end\","), 1);
    CHECK_CONTAINS(printed, "\"agent\":\"alpha\"");
    CHECK_CONTAINS(printed, "\"change\":\"state\",\"what\":\"memory.total\"");
    CHECK_CONTAINS(printed, "\"change\":\"vanished\",\"what\":\"disk{/tmp}\"}");
    CHECK_CONTAINS(printed, "\"after\":\"unknown\"}");
    CHECK_CONTAINS(printed, "\"how\":\"closed\",\"words\":\"");
    fixture_clear();
}

static void each_change_is_a_line(void)
{
    atomic_store(&watched, true);
    watch_changes(NULL);
    CHECK(strstr(printed, "\"what\":\"memory.headroom\"") == NULL);
    CHECK_CONTAINS(printed, "\"before\":\"ok\",\"after\":\"degraded\"}");
    watch_changes("--values");
    CHECK_CONTAINS(printed, "\"change\":\"value\",\"what\":\"memory.headroom\",\"unit\":\"By\","
                            "\"before\":1073741824,\"after\":1048576}");
}

/* What came just before the end, and between two looks, is told all the same. */
static void the_last_word_is_told(void)
{
    atomic_store(&watched, false);
    watch_changes("--every=10s");
}

static void the_time_may_be_over(void)
{
    begin();
    publish();
    CHECK_EQ(run_verb(&cli_verb_watch, "--for=30ms", "--every=5ms"), CLI_OK);
    CHECK_EQ(lines("{"), 1);
    CHECK_EQ(run_verb(&cli_verb_watch, "--every=1us", NULL), CLI_USAGE);
    CHECK_EQ(run_verb(&cli_verb_watch, "-p", "nobody"), CLI_NOT_FOUND);
    segment_close(&segment);
    fixture_clear();
}

static void *overwrite_the_ring(void *arg)
{
    (void)arg;
    wait_for_output(0);
    for (int i = 0; i < SEGMENT_SIGNALS_MAX + 5; i++)
        add_signal(VAGUS_DEFER, VAGUS_SIGNAL_UPDATED);
    return NULL;
}

static void transitions_that_were_overwritten_are_counted(void)
{
    pthread_t thread;
    begin();
    publish();
    CHECK_EQ(pthread_create(&thread, NULL, overwrite_the_ring, NULL), 0);
    CHECK_EQ(run_verb(&cli_verb_watch, "--for=600ms", "--every=500ms"), CLI_OK);
    pthread_join(thread, NULL);
    CHECK_CONTAINS(printed, "{\"event\":\"lost\",\"transitions\":5}\n");
    CHECK_EQ(lines("{\"event\":\"signal\","), SEGMENT_SIGNALS_MAX);
    segment_close(&segment);
    fixture_clear();
}

/* A pipe that nobody reads ends the watch of a process that changes nothing. */
static void a_closed_pipe_ends_it_quietly(void)
{
    int ends[2], kept = dup(STDOUT_FILENO);
    char *argv[] = {(char *)"watch", (char *)"--dir", fixture_dir, NULL};
    begin();
    publish();
    REQUIRE(pipe(ends) == 0);
    fflush(stdout);
    dup2(ends[1], STDOUT_FILENO);
    close(ends[1]);
    message[0] = '\0';
    pid_t child = fork();
    if (child == 0) {
        /* The last reader: it goes when it has the whole first line. */
        char part[4096];
        for (ssize_t got; (got = read(ends[0], part, sizeof(part))) > 0;)
            if (memchr(part, '\n', (size_t)got) != NULL)
                break;
        _exit(0);
    }
    close(ends[0]);
    int status = cli_verb_watch.run(3, argv);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    CHECK_EQ(status, CLI_OK);
    CHECK_STR(message, "");
    segment_close(&segment);
    fixture_clear();
}

static void one_that_ended_is_told_at_once(void)
{
    begin();
    publish();
    segment_close(&segment);
    CHECK_EQ(run_verb(&cli_verb_watch, "-p", "alpha"), CLI_OK);
    CHECK_EQ(lines("{\"event\":\"snapshot\","), 1);
    CHECK_EQ(lines("{\"event\":\"end\","), 1);
    CHECK_EQ(lines("{"), 2);
    fixture_clear();
}

static void a_snapshot_is_shown_in_three_forms(void)
{
    begin();
    CHECK_EQ(run_verb(&cli_verb_snapshot, NULL, NULL), CLI_OK);
    CHECK_CONTAINS(printed, "unknown: nothing was published\n");
    publish();
    CHECK_EQ(run_verb(&cli_verb_snapshot, NULL, NULL), CLI_OK);
    CHECK_CONTAINS(printed, "alpha · pid ");
    CHECK_CONTAINS(printed, "\nok: published ");
    CHECK_CONTAINS(printed, "\n  headroom            1 GiB\n");
    CHECK_EQ(run_verb(&cli_verb_snapshot, "--json", NULL), CLI_OK);
    CHECK_CONTAINS(printed, "{\"verdict\":\"ok\",\"version\":");
    CHECK_EQ(run_verb(&cli_verb_snapshot, "--prompt", NULL), CLI_OK);
    CHECK_STR(printed, "");
    CHECK_EQ(run_verb(&cli_verb_snapshot, "--prompt", "--json"), CLI_USAGE);
    CHECK_EQ(run_verb(&cli_verb_snapshot, "-p", "nobody"), CLI_NOT_FOUND);
    segment_close(&segment);
    CHECK_EQ(run_verb(&cli_verb_snapshot, "-p", "alpha"), CLI_OK);
    CHECK_CONTAINS(printed, " · closed in order\nunknown: published ");
    CHECK_EQ(run_verb(&cli_verb_snapshot, "-palpha", "--prompt"), CLI_OK);
    CHECK_CONTAINS(printed, "Vagus: state unknown, what follows is ");
    fixture_clear();
}

int main(void)
{
    if (!fixture_begin())
        return 77;
    RUN(each_change_is_a_line);
    RUN(the_last_word_is_told);
    RUN(the_time_may_be_over);
    RUN(transitions_that_were_overwritten_are_counted);
    RUN(a_closed_pipe_ends_it_quietly);
    RUN(one_that_ended_is_told_at_once);
    RUN(a_snapshot_is_shown_in_three_forms);
    fixture_end();
    return check_result();
}
