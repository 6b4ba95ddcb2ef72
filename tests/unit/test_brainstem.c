/* SPDX-License-Identifier: Apache-2.0 */
/* One beat of the brainstem, on the test's clock. */
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "brainstem_fixture.h"
#include "malloc_watch.h"
#include "sanitized.h"

/* So long at this value, then a beat; which hooks ran. */
static const char *after_a_while(double value, int64_t span_ns)
{
    atomic_store(&organ_value, value);
    organ_run(m, span_ns);
    trace[0] = '\0';
    CHECK_EQ(vagus_brainstem_beat(stem, NULL), 0);
    return trace;
}

static bool is_wanted(void)
{
    struct pollfd waiting = {.fd = vagus_brainstem_fd(stem), .events = POLLIN};
    return poll(&waiting, 1, 0) == 1;
}

static void a_beat_is_told_what_is_new(void)
{
    begin();
    CHECK_STR(after_a_while(0.9, S), "bdae");
    CHECK_EQ(beat.number, 1);
    CHECK_EQ(beat.elapsed_ns, 0);
    CHECK_EQ(beat.verdict, VAGUS_VERDICT_OK);
    CHECK_EQ(beat.changed,
             VAGUS_BEAT_VERDICT | VAGUS_BEAT_MODE | VAGUS_BEAT_SIGNALS | VAGUS_BEAT_WAITS);
    CHECK_EQ(beat.signal_count, 1); /* the first mode */
    CHECK_STR(signals[0].rule, "calm");
    CHECK_EQ(beat.cap_count, 2);
    CHECK_NEAR(caps[0], 8, 0);
    CHECK(isinf(caps[1]));
    CHECK_EQ(decision, 40 + VAGUS_DECISION_GO);

    CHECK_STR(after_a_while(0.9, S), "bdae");
    CHECK_EQ(beat.number, 2);
    CHECK_EQ(beat.elapsed_ns, S);
    CHECK_EQ(beat.changed, 0);
    CHECK_EQ(beat.signal_count, 0);
    CHECK(beat.self->sequence > beat.self_before->sequence);

    after_a_while(0.08, 200 * MS);
    CHECK_EQ(beat.kinds, VAGUS_THROTTLE | VAGUS_DEFER);
    CHECK_EQ(beat.changed, VAGUS_BEAT_VERDICT | VAGUS_BEAT_SIGNALS);
    CHECK_EQ(beat.verdict_before, VAGUS_VERDICT_OK);
    CHECK_EQ(beat.verdict, VAGUS_VERDICT_DEGRADED);
    CHECK_EQ(beat.signal_count, 2);
    CHECK_EQ(signals[0].kind, VAGUS_DEFER); /* the gravest first */
    CHECK_EQ(vagus_signal_acknowledge(beat.listener, signals[0].sequence, 1), 0);
    CHECK_EQ(decision, 40 + VAGUS_DECISION_WAIT);

    after_a_while(0.18, 2 * S);
    CHECK_EQ(beat.kinds, VAGUS_THROTTLE);
    CHECK_EQ(beat.changed, VAGUS_BEAT_SIGNALS | VAGUS_BEAT_MODE);
    CHECK_STR(beat.self->mode.name, "busy");
    CHECK_NEAR(caps[0], 2, 0);
    CHECK_EQ(signals[beat.signal_count - 1].kind, VAGUS_MODE_CHANGE);
    CHECK_EQ(decision, 40 + VAGUS_DECISION_SLOW);

    after_a_while(0.01, 200 * MS);
    CHECK_EQ(beat.verdict, VAGUS_VERDICT_CRITICAL);
    CHECK_EQ(decision, 40 + VAGUS_DECISION_END);
    end();
}

static void consent_is_asked_while_it_is_waited_for(void)
{
    begin();
    after_a_while(0.18, 3 * S);
    CHECK_STR(beat.self->mode.name, "busy");
    CHECK_STR(after_a_while(0.9, 2 * S), "bcdae");
    CHECK(beat.changed & VAGUS_BEAT_WAITS);
    CHECK_STR(after_a_while(0.9, 2 * S), "bcdae"); /* not yet */
    CHECK_STR(beat.self->mode.name, "busy");
    agrees = true;
    CHECK_STR(after_a_while(0.9, S), "bcdae");
    CHECK_EQ(asked, 3);
    trace[0] = '\0';
    CHECK_EQ(vagus_brainstem_beat(stem, NULL), 0); /* no step in between: not asked again */
    CHECK_STR(trace, "bdae");
    CHECK_STR(after_a_while(0.9, S), "bdae");
    CHECK_STR(beat.self->mode.name, "calm");
    CHECK(beat.changed & VAGUS_BEAT_WAITS);

    /* An agreement to a request that lapsed is none to the next. */
    after_a_while(0.18, 3 * S);
    agrees = true;
    CHECK_STR(after_a_while(0.9, 1200 * MS), "bcdae");
    atomic_store(&organ_value, 0.18);
    atomic_fetch_add(&test_now_ns, 100 * MS); /* the next step senses that */
    organ_run(m, 500 * MS);
    agrees = false;
    CHECK_STR(after_a_while(0.9, 2 * S), "bcdae");
    CHECK_STR(beat.self->mode.name, "busy");
    end();
}

/* A sampler that no longer looks leaves a verdict that no longer holds. */
static void an_overdue_snapshot_is_unknown(void)
{
    begin();
    after_a_while(0.9, S);
    CHECK_EQ(beat.verdict, VAGUS_VERDICT_OK);
    atomic_fetch_add(&test_now_ns, 10 * S);
    trace[0] = '\0';
    CHECK_EQ(vagus_brainstem_beat(stem, NULL), 0);
    CHECK_EQ(beat.verdict, VAGUS_VERDICT_UNKNOWN);
    CHECK(beat.changed & VAGUS_BEAT_VERDICT);
    CHECK_EQ(decision, 40 + VAGUS_DECISION_WAIT);
    CHECK(beat.self == beat.self_before || beat.self->sequence == beat.self_before->sequence);
    /* Nor is anything agreed to by what cannot be seen. */
    after_a_while(0.18, 3 * S);
    organ_run(m, 100 * MS);
    atomic_store(&organ_value, 0.9);
    organ_run(m, 3 * S);
    atomic_fetch_add(&test_now_ns, 10 * S);
    agrees = true;
    trace[0] = '\0';
    CHECK_EQ(vagus_brainstem_beat(stem, NULL), 0);
    CHECK_STR(beat.self->mode.waits_for, "calm");
    CHECK_STR(trace, "bdae");
    end();
}

static void before_there_is_a_snapshot_nothing_is_known(void)
{
    struct vagus_brainstem_options given = options();
    given.decide = NULL;
    open_with(VAGUS_STEPPED);
    CHECK_EQ(vagus_brainstem_create(m, &given, &stem), 0);
    CHECK_EQ(vagus_brainstem_beat(stem, NULL), 0);
    CHECK_EQ(beat.verdict, VAGUS_VERDICT_UNKNOWN);
    CHECK_EQ(beat.self->sequence, 0);
    CHECK_STR(trace, "bae");
    CHECK_EQ(decision, VAGUS_DECISION_WAIT);
    end();
}

static void beats_that_fell_out_are_counted(void)
{
    int64_t next_ns, now_ns;
    begin();
    CHECK_EQ(vagus_brainstem_beat(stem, &next_ns), 0);
    now_ns = atomic_load(&test_now_ns);
    CHECK_EQ(next_ns, now_ns + 100 * MS);
    atomic_store(&test_now_ns, now_ns + 199 * MS);
    CHECK_EQ(vagus_brainstem_beat(stem, &next_ns), 0);
    CHECK_EQ(beat.missed, 0); /* late is not missed */
    CHECK_EQ(next_ns, now_ns + 200 * MS);
    /* Early and by itself, then early and so late that it stands for the regular one. */
    atomic_store(&test_now_ns, now_ns + 250 * MS);
    CHECK_EQ(vagus_brainstem_beat(stem, &next_ns), 0);
    CHECK_EQ(next_ns, now_ns + 300 * MS);
    atomic_store(&test_now_ns, now_ns + 295 * MS);
    CHECK_EQ(vagus_brainstem_beat(stem, &next_ns), 0);
    CHECK_EQ(next_ns, now_ns + 400 * MS);
    atomic_store(&test_now_ns, now_ns + 1450 * MS);
    CHECK_EQ(vagus_brainstem_beat(stem, &next_ns), 0);
    CHECK_EQ(beat.missed, 10);
    CHECK_EQ(next_ns, now_ns + 1500 * MS);
    CHECK_EQ(vagus_brainstem_beat(stem, &next_ns), 0);
    CHECK_EQ(beat.missed, 0);
    CHECK_EQ(beat.missed_total, 10);
    end();
}

static void a_slow_hook_is_named_at_the_next_beat(void)
{
    begin();
    act_takes_ns = 150 * MS;
    CHECK_EQ(vagus_brainstem_beat(stem, NULL), 0);
    CHECK(beat.slow == NULL);
    act_takes_ns = 100 * MS; /* as long as the period, not longer */
    CHECK_EQ(vagus_brainstem_beat(stem, NULL), 0);
    CHECK_STR(beat.slow, "act");
    CHECK_EQ(beat.slow_ns, 150 * MS);
    CHECK_EQ(vagus_brainstem_beat(stem, NULL), 0);
    CHECK(beat.slow == NULL);
    end();
}

static void nonsense_is_refused(void)
{
    static const char *const many[] = {"a", "a", "a", "a", "a", "a", "a", "a", "a",
                                       "a", "a", "a", "a", "a", "a", "a", "a", NULL};
    struct vagus_brainstem_options bad[8];
    struct vagus_brainstem *made = NULL;
    open_with(VAGUS_STEPPED);
    for (int i = 0; i < 8; i++)
        bad[i] = options();
    bad[0].act = NULL;
    bad[1].period_ns = MS - 1;
    bad[2].period_ns = 3601 * S;
    bad[3].rest_ns = 101 * MS;
    bad[4].kinds = 16;
    bad[5].caps = many;
    bad[6].name = "Bad Name";
    bad[7].flags = 1;
    for (int i = 0; i < 8; i++)
        CHECK_EQ(vagus_brainstem_create(m, &bad[i], &made), VAGUS_EINVAL);
    CHECK(made == NULL);
    CHECK_EQ(vagus_brainstem_beat(NULL, NULL), VAGUS_EINVAL);
    CHECK_EQ(vagus_brainstem_run(NULL), VAGUS_EINVAL);
    CHECK_EQ(vagus_brainstem_fd(NULL), VAGUS_EINVAL);
    vagus_brainstem_stop(NULL);
    vagus_brainstem_destroy(NULL);
    vagus_monitor_close(m);
    bad[0] = options();
    CHECK_EQ(vagus_brainstem_create(m, &bad[0], &made), VAGUS_ECLOSED);
}

static unsigned open_descriptors(void)
{
    unsigned count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* A listener like any other: 32 at most; and what was made goes again. */
static void too_many_are_refused_and_nothing_leaks(void)
{
    struct vagus_brainstem *all[33] = {NULL};
    struct vagus_brainstem_options given = options();
    unsigned count = 0;
    open_with(VAGUS_STEPPED);
    while (count < 33 && vagus_brainstem_create(m, &given, &all[count]) == 0)
        count++;
    CHECK_EQ(count, 32);
    for (unsigned i = 0; i < count; i++)
        vagus_brainstem_destroy(all[i]);
    unsigned descriptors = open_descriptors();
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(vagus_brainstem_create(m, &given, &stem), 0);
        vagus_brainstem_destroy(stem);
    }
    CHECK_EQ(open_descriptors(), descriptors);
    /* After the monitor, too. */
    CHECK_EQ(vagus_brainstem_create(m, &given, &stem), 0);
    vagus_monitor_close(m);
    CHECK_EQ(vagus_brainstem_beat(stem, NULL), VAGUS_ECLOSED);
    CHECK_EQ(vagus_brainstem_run(stem), VAGUS_ECLOSED);
    vagus_brainstem_destroy(stem);
}

static void its_descriptor_tells_when_a_beat_is_wanted(void)
{
    begin();
    after_a_while(0.9, S);
    CHECK(!is_wanted());
    organ_run(m, S);
    CHECK(!is_wanted());
    atomic_store(&organ_value, 0.08);
    organ_run(m, 100 * MS);
    CHECK(is_wanted());
    CHECK_EQ(vagus_brainstem_beat(stem, NULL), 0);
    CHECK(!is_wanted());
    vagus_brainstem_stop(stem);
    CHECK(is_wanted());
    CHECK_EQ(vagus_brainstem_beat(stem, NULL), VAGUS_ESTATE);
    CHECK_EQ(vagus_brainstem_run(stem), 0);
    end();
}

static void beat_again(void)
{
    CHECK_EQ(vagus_brainstem_beat(stem, NULL), VAGUS_ESTATE);
    CHECK_EQ(vagus_brainstem_run(stem), VAGUS_ESTATE);
}

static void stop(void)
{
    vagus_brainstem_stop(stem);
}

static void close_it(void)
{
    CHECK_EQ(vagus_monitor_close(m), 0);
}

static void hooks_may_stop_it_and_close_the_monitor(void)
{
    begin();
    inside = beat_again;
    CHECK_EQ(vagus_brainstem_beat(stem, NULL), 0);
    inside = stop;
    trace[0] = '\0';
    CHECK_EQ(vagus_brainstem_run(stem), 0);
    CHECK_STR(trace, "bdae"); /* to its end, and no other */
    end();

    begin();
    inside = close_it;
    CHECK_EQ(vagus_brainstem_run(stem), VAGUS_ECLOSED);
    CHECK_STR(trace, "bdae");
    vagus_brainstem_destroy(stem);
}

/* Another monitor in the same place is another monitor. */
static void a_successor_is_not_taken_for_its_monitor(void)
{
    begin();
    CHECK_EQ(vagus_brainstem_beat(stem, NULL), 0);
    struct vagus_brainstem *orphan = stem;
    struct vagus_monitor *place = m;
    CHECK_EQ(vagus_monitor_close(m), 0);
    open_with(VAGUS_STEPPED);
    CHECK(m == place);
    CHECK_EQ(vagus_monitor_start(m), 0);
    CHECK_EQ(vagus_brainstem_beat(orphan, NULL), VAGUS_ECLOSED);
    vagus_brainstem_destroy(orphan);
    CHECK_EQ(vagus_monitor_close(m), 0);
}

static void a_child_is_inert(void)
{
    if (THREAD_SANITIZED)
        SKIP_TEST("to ThreadSanitizer the locks of the parent are still held in the child");
    begin();
    CHECK_EQ(vagus_brainstem_beat(stem, NULL), 0);
    pid_t child = fork();
    if (child == 0) {
        bool good = vagus_brainstem_beat(stem, NULL) == VAGUS_ECLOSED &&
                    vagus_brainstem_run(stem) == VAGUS_ECLOSED;
        vagus_brainstem_stop(stem); /* a handler that the child has inherited */
        vagus_brainstem_destroy(stem);
        _exit(good ? 0 : 1);
    }
    int status = 1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_EQ(status, 0);
    CHECK(!is_wanted()); /* the parent's loop was not asked for anything */
    CHECK_EQ(vagus_brainstem_beat(stem, NULL), 0);
    end();
}

static void no_beat_allocates(void)
{
    if (!MALLOC_WATCHED)
        SKIP_TEST("a sanitizer brings a malloc of its own");
    begin();
    after_a_while(0.9, S);
    atomic_store(&malloc_count, 0);
    atomic_store(&malloc_watched, true);
    after_a_while(0.18, 3 * S);
    agrees = true;
    after_a_while(0.9, 3 * S);
    after_a_while(0.01, S);
    atomic_store(&malloc_watched, false);
    CHECK_EQ(atomic_load(&malloc_count), 0);
    end();
}

int main(void)
{
    RUN(a_beat_is_told_what_is_new);
    RUN(consent_is_asked_while_it_is_waited_for);
    RUN(an_overdue_snapshot_is_unknown);
    RUN(before_there_is_a_snapshot_nothing_is_known);
    RUN(beats_that_fell_out_are_counted);
    RUN(a_slow_hook_is_named_at_the_next_beat);
    RUN(nonsense_is_refused);
    RUN(too_many_are_refused_and_nothing_leaks);
    RUN(its_descriptor_tells_when_a_beat_is_wanted);
    RUN(hooks_may_stop_it_and_close_the_monitor);
    RUN(a_successor_is_not_taken_for_its_monitor);
    RUN(a_child_is_inert);
    RUN(no_beat_allocates);
    return check_result();
}
