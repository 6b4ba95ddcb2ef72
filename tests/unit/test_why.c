/* SPDX-License-Identifier: Apache-2.0 */
/* The record of each transition: why, who took it, what they say they released, what came of it. */
#include <math.h>
#include <pthread.h>

#include "check.h"
#include "monitor/monitor.h"
#include "monitor_fixture.h"

static struct vagus_monitor *m;
static struct vagus_gauge gauge;

static void begin(const char *keys)
{
    char policy[512];
    struct vagus_monitor_options options = {.size = sizeof(options),
                                            .policy_text = policy,
                                            .clock = &test_clock,
                                            .flags = VAGUS_STEPPED | VAGUS_NO_COLLECTORS |
                                                     VAGUS_ANONYMOUS_SEGMENT};
    snprintf(policy, sizeof(policy),
             "rules:\n"
             "  - name: tank\n"
             "    metric: tank.used\n"
             "    min_hold: 0s\n"
             "    %s\n",
             keys);
    atomic_store(&test_now_ns, 1000 * S);
    REQUIRE(vagus_monitor_open(&options, &m) == 0);
    gauge = vagus_gauge_define(m, &(struct vagus_metric_desc){.name = "tank.used", .unit = "{l}"});
}

static struct vagus_listener listen(const char *name)
{
    struct vagus_listener listener = {0};
    CHECK(
        vagus_listener_add(m,
                           &(struct vagus_listener_desc){.size = sizeof(struct vagus_listener_desc),
                                                         .name = name,
                                                         .kinds = VAGUS_SIGNAL_ANY,
                                                         .flags = VAGUS_LISTENER_POLLED},
                           &listener) == 0);
    return listener;
}

static void hold(double value, int seconds)
{
    vagus_set(gauge, value);
    organ_run(m, seconds * S);
}

static struct segment_signal ring[SEGMENT_SIGNALS_MAX];

/* All records, as others see them; how many. */
static uint64_t read_ring(void)
{
    struct segment_reader reader;
    uint64_t got = 0;
    segment_attach_own(&m->segment, &reader);
    CHECK_EQ(
        segment_read_entries(&reader, SEGMENT_SIGNALS, 0, SEGMENT_SIGNALS_MAX, ring, &got, NULL),
        0);
    return got;
}

/* The record of that signal, from 1; changes of the mode are not counted. */
static struct segment_signal record_of(uint64_t number)
{
    uint64_t count = read_ring();
    for (uint64_t i = 0; i < count; i++)
        if (ring[i].signal.kind != VAGUS_MODE_CHANGE && --number == 0)
            return ring[i];
    CHECK(!"there is such a record");
    return (struct segment_signal){0};
}

static const char *health(uint32_t flags)
{
    static char text[REPORT_JSON_BYTES_MAX];
    CHECK(vagus_health_format(m, flags, text, sizeof(text), NULL) == 0);
    return text;
}

static void what_was_released_stands_beside_the_transition(void)
{
    struct vagus_signal signal;
    begin("throttle: { above: 100, clear: 50 }");
    struct vagus_listener cache = listen("cache"), idle = listen("idle");
    REQUIRE(vagus_monitor_start(m) == 0);
    hold(120, 1);
    REQUIRE(vagus_listener_next(cache, &signal) == 0);
    CHECK_EQ(vagus_signal_acknowledge(cache, signal.sequence, 30), 0);
    CHECK_EQ(vagus_signal_acknowledge(cache, signal.sequence, 12.5), 0);        /* adds up */
    CHECK_EQ(vagus_signal_acknowledge(idle, signal.sequence, 1), VAGUS_ENOENT); /* not taken yet */
    CHECK_EQ(vagus_signal_acknowledge(cache, signal.sequence + 1, 1), VAGUS_ENOENT);
    CHECK_EQ(vagus_signal_acknowledge(cache, signal.sequence, NAN), VAGUS_EINVAL);
    CHECK_EQ(vagus_signal_acknowledge(cache, signal.sequence, -1), VAGUS_EINVAL);
    CHECK_EQ(vagus_signal_acknowledge((struct vagus_listener){0}, signal.sequence, 1),
             VAGUS_ENOENT);
    hold(120, 1);
    struct segment_signal entry = record_of(1);
    CHECK_EQ(entry.told, 2);
    CHECK_EQ(entry.deed_count, 1);
    CHECK_STR(entry.deeds[0].listener, "cache");
    CHECK_NEAR(entry.deeds[0].released, 42.5, 0);
    CHECK_EQ(entry.why, SEGMENT_WHY_THRESHOLD);
    CHECK_EQ(entry.outcome, SEGMENT_OUTCOME_OPEN);
    CHECK_NEAR(entry.level_before, 0, 0);
    hold(40, 1);
    entry = record_of(1);
    CHECK_EQ(entry.outcome, SEGMENT_OUTCOME_RELIEF); /* it cleared */
    CHECK_NEAR(entry.value_after, 40, 0);
    CHECK_EQ(record_of(2).signal.change, VAGUS_SIGNAL_CLEARED);
    CHECK_NEAR(record_of(2).level_before, 1, 0);
    CHECK_CONTAINS(health(VAGUS_HEALTH_JSON),
                   "\"name\":\"cache\",\"took_s\":null,\"released\":42.5");
    CHECK_CONTAINS(health(VAGUS_HEALTH_JSON), "\"acknowledged\":2,\"relieved\":1,\"unrelieved\":0");
    vagus_monitor_close(m);
    CHECK_EQ(vagus_signal_acknowledge(cache, signal.sequence, 1), VAGUS_ENOENT);
}

static void without_relief_within_it_is_looked_at_too(void)
{
    begin("throttle: { above: 100, clear: 50 }");
    listen("idle");
    REQUIRE(vagus_monitor_start(m) == 0);
    hold(120, 29);
    CHECK_EQ(record_of(1).outcome, SEGMENT_OUTCOME_OPEN);
    hold(120, 3);
    CHECK_EQ(record_of(1).outcome, SEGMENT_OUTCOME_NO_RELIEF);
    CHECK(vagus_signal_level(m, VAGUS_DEFER) == 0); /* nothing follows from it */
    vagus_monitor_close(m);
}

static void escalations_and_what_is_missing_say_so(void)
{
    begin("throttle: { above: 100, clear: 50 }\n    relief_within: 5s");
    listen("idle");
    REQUIRE(vagus_monitor_start(m) == 0);
    hold(120, 7);
    CHECK_EQ(record_of(2).signal.kind, VAGUS_DEFER);
    CHECK_EQ(record_of(2).why, SEGMENT_WHY_NO_RELIEF);
    vagus_monitor_close(m);

    begin("throttle: { above: 100, clear: 50 }\n    max_age: 1s\n    on_missing: clear");
    listen("idle");
    REQUIRE(vagus_monitor_start(m) == 0);
    hold(120, 1);
    organ_run(m, 5 * S); /* nobody sets it */
    struct segment_signal entry = record_of(1);
    CHECK_EQ(entry.outcome, SEGMENT_OUTCOME_UNKNOWN);
    CHECK(isnan(entry.value_after));
    CHECK_EQ(record_of(2).why, SEGMENT_WHY_MISSING);
    vagus_monitor_close(m);
}

static void shadow_rules_leave_records_alone(void)
{
    begin("shadow: true\n    escalate_after: 5s\n    throttle: { above: 100, clear: 50 }");
    listen("idle");
    REQUIRE(vagus_monitor_start(m) == 0);
    hold(120, 7);
    CHECK_EQ(record_of(1).shadow, 1);
    CHECK_EQ(record_of(1).outcome, SEGMENT_OUTCOME_NONE);
    CHECK_EQ(record_of(2).signal.kind, VAGUS_DEFER);
    CHECK_EQ(record_of(2).why, SEGMENT_WHY_TOO_LONG);
    hold(40, 1);
    CHECK_EQ(record_of(3).signal.change, VAGUS_SIGNAL_CLEARED);
    CHECK_EQ(record_of(4).signal.change, VAGUS_SIGNAL_CLEARED);
    CHECK(vagus_signal_level(m, VAGUS_SIGNAL_ANY) == 0);
    vagus_monitor_close(m);
}

static void who_relieves_nothing_is_named(void)
{
    struct vagus_signal signal;
    begin("throttle: { above: 100, clear: 50 }\n    relief_within: 2s");
    struct vagus_listener idle = listen("idle"), busy = listen("busy");
    REQUIRE(vagus_monitor_start(m) == 0);
    for (int i = 0; i < 3; i++) {
        CHECK(strstr(health(0), "relieves nothing") == NULL);
        hold(120, 1);
        while (vagus_listener_next(idle, &signal) == 0)
            continue;
        while (vagus_listener_next(busy, &signal) == 0)
            if (signal.change == VAGUS_SIGNAL_RAISED)
                CHECK_EQ(vagus_signal_acknowledge(busy, signal.sequence, 1), 0);
        hold(120, 2);
        hold(40, 1);
    }
    hold(40, 1);
    CHECK_CONTAINS(health(0), "listener idle relieves nothing");
    CHECK(strstr(health(0), "listener busy relieves nothing") == NULL);
    CHECK_CONTAINS(health(VAGUS_HEALTH_JSON), "\"relieved\":0,\"unrelieved\":3");
    vagus_monitor_close(m);
}

/* More listeners than a record has room for, and more transitions than the ring. */
static void records_are_bounded(void)
{
    struct vagus_listener listeners[10];
    struct vagus_signal signal;
    char name[16];
    begin("throttle: { above: 100, clear: 50 }");
    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof(name), "l%d", i);
        listeners[i] = listen(name);
    }
    REQUIRE(vagus_monitor_start(m) == 0);
    hold(120, 1);
    for (int i = 0; i < 10; i++) {
        REQUIRE(vagus_listener_next(listeners[i], &signal) == 0);
        vagus_signal_acknowledge(listeners[i], signal.sequence, i);
    }
    hold(120, 1);
    CHECK_EQ(record_of(1).told, 10);
    CHECK_EQ(record_of(1).deed_count, SEGMENT_DEEDS_MAX);
    for (int i = 0; i < 200; i++)
        hold(i % 2 ? 120 : 40, 1);
    /* What is said of a record that is gone changes no other. */
    vagus_signal_acknowledge(listeners[0], signal.sequence, 77);
    hold(40, 1);
    CHECK_EQ(read_ring(), SEGMENT_SIGNALS_MAX);
    for (uint64_t i = 0; i < SEGMENT_SIGNALS_MAX; i++)
        CHECK_EQ(ring[i].deed_count, 0);
    vagus_monitor_close(m);
}

static struct vagus_listener threaded;
static _Atomic uint64_t taken;

static void release(const struct vagus_signal *signal, void *arg)
{
    (void)arg;
    CHECK_EQ(vagus_signal_acknowledge(threaded, signal->sequence, 5), 0);
    atomic_store(&taken, signal->sequence);
}

static void *acknowledge_much(void *arg)
{
    (void)arg;
    for (int i = 0; i < 2000; i++)
        vagus_signal_acknowledge(threaded, 1, 1);
    return NULL;
}

static void callbacks_and_other_threads_may_acknowledge(void)
{
    pthread_t other;
    atomic_store(&taken, 0);
    begin("throttle: { above: 100, clear: 50 }");
    REQUIRE(
        vagus_listener_add(m,
                           &(struct vagus_listener_desc){.size = sizeof(struct vagus_listener_desc),
                                                         .name = "threaded",
                                                         .kinds = VAGUS_THROTTLE,
                                                         .on_signal = release},
                           &threaded) == 0);
    REQUIRE(vagus_monitor_start(m) == 0);
    hold(120, 1);
    while (atomic_load(&taken) == 0)
        sched_yield();
    REQUIRE(pthread_create(&other, NULL, acknowledge_much, NULL) == 0);
    for (int i = 0; i < 20; i++)
        hold(120, 1);
    REQUIRE(pthread_join(other, NULL) == 0);
    hold(120, 1);
    struct segment_signal entry = record_of(1);
    CHECK_EQ(entry.deed_count, 1);
    CHECK(entry.deeds[0].took_ns >= 0);
    CHECK_NEAR(entry.deeds[0].released, 2005, 0);
    vagus_monitor_close(m);
}

int main(void)
{
    RUN(what_was_released_stands_beside_the_transition);
    RUN(without_relief_within_it_is_looked_at_too);
    RUN(escalations_and_what_is_missing_say_so);
    RUN(shadow_rules_leave_records_alone);
    RUN(who_relieves_nothing_is_named);
    RUN(records_are_bounded);
    RUN(callbacks_and_other_threads_may_acknowledge);
    return check_result();
}
