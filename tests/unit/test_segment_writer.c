/* SPDX-License-Identifier: Apache-2.0 */
/* Making, filling and leaving segments, on a real tmpfs. */
#include "segment/writer.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "check.h"
#include "segment/reader.h"
#include "segment_fixture.h"

static void a_file_is_made_whole_and_private(void)
{
    struct segment segment;
    REQUIRE(fixture_create("whole", 3, &segment) == 0);
    CHECK_STR(segment.why_anonymous, "");
    CHECK_CONTAINS(segment.path, "/whole-");
    struct stat st;
    REQUIRE(stat(segment.path, &st) == 0);
    CHECK_EQ(st.st_size, SEGMENT_BYTES_MIN);
    CHECK_EQ(st.st_mode & 0777, 0600);
    CHECK_EQ(st.st_nlink, 1);
    CHECK(st.st_blocks * 512 >= st.st_size); /* every page is reserved */
    CHECK_EQ(segment.header->pid, getpid());
    CHECK_EQ(segment.header->life, SEGMENT_OPENING);
    CHECK_STR(segment.header->agent, "whole");
    CHECK_STR(segment.header->library_version, vagus_version());
    CHECK_EQ(strlen(segment.header->boot_id), 36);
    CHECK(segment.series_blocks >= 2 * 64);
    CHECK(fcntl(segment.fd, F_GETFD) & FD_CLOEXEC);
    segment_discard(&segment);
    CHECK_EQ(fixture_count(""), 0);
}

static void what_is_impossible_is_refused(void)
{
    struct segment segment = {.bytes = 77};
    struct segment_options options = fixture_options("agent", 3);
    options.metrics_max = 4096; /* would need 8 MiB for its series alone */
    CHECK_EQ(segment_create(&options, &segment), VAGUS_EINVAL);
    options = fixture_options("Agent/..", 3);
    CHECK_EQ(segment_create(&options, &segment), VAGUS_EINVAL);
    options = fixture_options("agent", 3);
    options.bytes = SEGMENT_BYTES_MIN - 1;
    CHECK_EQ(segment_create(&options, &segment), VAGUS_EINVAL);
    options.bytes = UINT64_MAX;
    CHECK_EQ(segment_create(&options, &segment), VAGUS_EINVAL);
    CHECK_EQ(segment.bytes, 77);
    CHECK_EQ(fixture_count(""), 0);
}

static void wake(int number)
{
    (void)number;
}

/* A profiler's timer: on older kernels one long reservation would never get to its end. */
static void signals_do_not_starve_the_maker(void)
{
    struct sigaction action = {.sa_handler = wake}, before;
    struct itimerval often = {{0, 300}, {0, 300}}, never = {{0, 0}, {0, 0}};
    struct segment_options options = fixture_options("agent", 3);
    options.bytes = 16 << 20;
    struct segment segment;
    sigaction(SIGALRM, &action, &before);
    setitimer(ITIMER_REAL, &often, NULL);
    int error = segment_create(&options, &segment);
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &before, NULL);
    REQUIRE(error == 0);
    CHECK_STR(segment.why_anonymous, "");
    CHECK(segment.fd >= 0);
    segment_discard(&segment);
}

static void anonymous_on_demand(void)
{
    struct segment segment;
    struct segment_options options = fixture_options("agent", 3);
    options.anonymous = true;
    REQUIRE(segment_create(&options, &segment) == 0);
    CHECK_STR(segment.why_anonymous, "");
    CHECK_STR(segment.path, "");
    CHECK_EQ(segment.fd, -1);
    CHECK_EQ(fixture_count(""), 0);
    segment_close(&segment);
}

static void publication_is_read_back(void)
{
    struct segment segment;
    REQUIRE(fixture_create("agent", 3, &segment) == 0);
    struct vagus_system_snapshot in = {.size = sizeof(in), .version = 1}, out = {.sequence = 99};
    CHECK_EQ(segment_snapshot_copy(segment_slots(&segment), &out, sizeof(out)), VAGUS_EAGAIN);
    CHECK_EQ(out.sequence, 99);
    for (uint64_t n = 1; n <= 9; n++) {
        in.sequence = n * 10;
        segment_publish(segment_slots(&segment), n, &in);
        REQUIRE(segment_snapshot_copy(segment_slots(&segment), &out, sizeof(out)) == 0);
        CHECK_EQ(out.sequence, n * 10);
    }
    /* A writer that stopped in the middle of the next one leaves the newest readable … */
    struct segment_slots *slots = segment.sections[SEGMENT_SNAPSHOT];
    slots->slots[10 % SEGMENT_SLOTS].stamp = 21;
    CHECK_EQ(segment_snapshot_copy(segment_slots(&segment), &out, sizeof(out)), 0);
    /* … and where the slot itself is gone, nothing is touched. */
    slots->slots[9 % SEGMENT_SLOTS].stamp = 27;
    out.sequence = 99;
    CHECK_EQ(segment_snapshot_copy(segment_slots(&segment), &out, sizeof(out)), VAGUS_EAGAIN);
    CHECK_EQ(out.sequence, 99);
    segment_close(&segment);
}

static void closing_leaves_the_black_box(void)
{
    struct segment segment;
    REQUIRE(fixture_create("agent", 3, &segment) == 0);
    char path[256];
    snprintf(path, sizeof(path), "%s", segment.path);
    segment_close(&segment);
    CHECK(segment.header == NULL);
    segment_close(&segment); /* once more is harmless */
    struct segment_reader reader;
    REQUIRE(segment_attach(path, &reader) == 0);
    CHECK(!segment_alive(&reader));
    CHECK_EQ(reader.header.life, SEGMENT_CLOSED);
    CHECK(reader.header.closed_ns >= reader.header.started_ns);
    CHECK(reader.header.closed_wall_ns > 0);
    segment_detach(&reader);
    fixture_clear();
}

static void a_forked_child_writes_into_its_own(void)
{
    struct segment segment;
    REQUIRE(fixture_create("agent", 3, &segment) == 0);
    struct vagus_system_snapshot snapshot = {.sequence = 1};
    segment_publish(segment_slots(&segment), 1, &snapshot);
    pid_t child = fork();
    if (child == 0) {
        segment_after_fork_in_child(&segment);
        memset(segment.header, 0xff, segment.bytes);
        segment_close(&segment); /* must not mark the parent's as closed */
        segment_discard(&segment);
        _exit(0);
    }
    int status;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK_EQ(status, 0);
    CHECK_EQ(segment.header->magic, SEGMENT_MAGIC);
    CHECK_EQ(segment.header->life, SEGMENT_OPENING);
    CHECK_EQ(segment_snapshot_copy(segment_slots(&segment), &snapshot, sizeof(snapshot)), 0);
    struct segment_reader reader;
    REQUIRE(segment_attach(segment.path, &reader) == 0);
    CHECK(segment_alive(&reader)); /* the child's close did not let go of the lock */
    segment_detach(&reader);
    segment_discard(&segment);
}

/* What a parent and its child tell the test. */
struct family {
    char path[256];
    pid_t child;
};

/* Makes a segment, forks a child that stays, and stays itself. */
static void raise_family(int out, bool inert)
{
    struct segment segment;
    struct family family = {.child = 0};
    if (fixture_create("agent", 3, &segment) != 0)
        _exit(1);
    memcpy(family.path, segment.path, sizeof(family.path));
    int ready[2];
    if (pipe(ready) != 0 || (family.child = fork()) < 0)
        _exit(1);
    if (family.child == 0) {
        if (inert)
            segment_after_fork_in_child(&segment);
        if (write(ready[1], "", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    char byte;
    if (read(ready[0], &byte, 1) != 1 || write(out, &family, sizeof(family)) != sizeof(family))
        _exit(1);
    for (;;)
        pause();
}

static void death_shows_while_a_child_lives(void)
{
    /* Without the child's part the lock would outlive the parent: that is the control. */
    for (int inert = 0; inert <= 1; inert++) {
        int pipes[2];
        REQUIRE(pipe(pipes) == 0);
        pid_t parent = fork();
        if (parent == 0)
            raise_family(pipes[1], inert);
        struct family family;
        struct segment_reader reader;
        REQUIRE(read(pipes[0], &family, sizeof(family)) == sizeof(family));
        REQUIRE(segment_attach(family.path, &reader) == 0);
        CHECK(segment_alive(&reader));
        kill(parent, SIGKILL);
        waitpid(parent, NULL, 0);
        CHECK_EQ(kill(family.child, 0), 0);
        CHECK_EQ(segment_alive(&reader), !inert);
        kill(family.child, SIGKILL);
        segment_detach(&reader);
        close(pipes[0]);
        close(pipes[1]);
    }
    fixture_clear();
}

static void readers_do_not_disturb_each_other(void)
{
    struct segment segment;
    struct segment_reader one, two;
    REQUIRE(fixture_create("agent", 3, &segment) == 0);
    REQUIRE(segment_attach(segment.path, &one) == 0 && segment_attach(segment.path, &two) == 0);
    CHECK(segment_alive(&one) && segment_alive(&two));
    segment_close(&segment);
    CHECK(flock(one.fd, LOCK_SH | LOCK_NB) == 0); /* in the middle of asking */
    CHECK(!segment_alive(&two));
    segment_detach(&one);
    segment_detach(&two);
    fixture_clear();
}

/* Makers and sweepers of one folder at once: every maker gets its file. */
static void many_start_at_once(void)
{
    enum { MAKERS = 6, ROUNDS = 20 };
    pid_t makers[MAKERS];
    for (int m = 0; m < MAKERS; m++) {
        makers[m] = fork();
        if (makers[m] != 0)
            continue;
        for (int round = 0; round < ROUNDS; round++) {
            struct segment segment;
            if (fixture_create("agent", 2, &segment) != 0 || segment.fd < 0 ||
                access(segment.path, F_OK) != 0)
                _exit(1);
            segment_close(&segment);
        }
        _exit(0);
    }
    for (int m = 0; m < MAKERS; m++) {
        int status = -1;
        waitpid(makers[m], &status, 0);
        CHECK_EQ(status, 0);
    }
    CHECK(fixture_count("agent-") >= 1);
    CHECK_EQ(fixture_count(""), fixture_count("agent-")); /* no draft is left */
    fixture_clear();
}

int main(void)
{
    if (!fixture_begin())
        return 77;
    RUN(a_file_is_made_whole_and_private);
    RUN(what_is_impossible_is_refused);
    RUN(signals_do_not_starve_the_maker);
    RUN(anonymous_on_demand);
    RUN(publication_is_read_back);
    RUN(closing_leaves_the_black_box);
    RUN(a_forked_child_writes_into_its_own);
    RUN(death_shows_while_a_child_lives);
    RUN(readers_do_not_disturb_each_other);
    RUN(many_start_at_once);
    fixture_end();
    return check_result();
}
