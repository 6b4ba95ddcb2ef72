/* SPDX-License-Identifier: Apache-2.0 */
/* Reads near a limit, on a clock that the test sets: when the next one is due, what it does, and
 * that it ends with the pressure. */
#include "sense/near.h"

#include "check.h"
#include "monitor_fixture.h"

#define KIB 1024.0
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

/* --- The rule alone. --- */

static void half_of_the_time_that_is_left(void)
{
    struct near still = {.moving = 0}, moving = {.moving = 1};
    CHECK_EQ(near_wait_ns(&still, 8e9, 8e9, 1 * S), 500 * MS);
    CHECK_EQ(near_wait_ns(&still, 0.8e9, 8e9, 100 * MS), 50 * MS);
    CHECK_EQ(near_wait_ns(&moving, 0.8e9, 8e9, 100 * MS), 50 * MS);
    CHECK_EQ(near_wait_ns(&still, 1, 8e9, 100 * MS), 5 * MS);
    CHECK_EQ(near_wait_ns(&moving, 1, 8e9, 100 * MS), 1 * MS);
    CHECK_EQ(near_wait_ns(&moving, 0, 8e9, 100 * MS), 1 * MS);
}

static void the_tier_where_it_is_soon_enough(void)
{
    struct near near = {0};
    CHECK_EQ(near_wait_ns(&near, 1.6e9, 8e9, 100 * MS), INT64_MAX);
    CHECK_EQ(near_wait_ns(&near, 1e300, 1e-300, 100 * MS), INT64_MAX);
    CHECK_EQ(near_wait_ns(&near, INFINITY, 8e9, 100 * MS), INT64_MAX);
    CHECK_EQ(near_wait_ns(&near, NAN, 8e9, 100 * MS), INT64_MAX);
    CHECK_EQ(near_wait_ns(&near, 1, 0, 100 * MS), INT64_MAX);
}

/* --- In a monitor. --- */

enum { LEFT, SHARE, WHOLE, COUNT };
static const struct vagus_metric_desc tank_metrics[COUNT] = {
    [LEFT] = {.name = "tank.left",
              .unit = "By",
              .kind = VAGUS_GAUGE,
              .tier = VAGUS_TIER_1S,
              .resolution = 4096},
    [SHARE] = {.name = "tank.share",
               .kind = VAGUS_GAUGE,
               .tier = VAGUS_TIER_1S,
               .max = 1,
               .resolution = 0.001},
    [WHOLE] = {.name = "tank.whole", .unit = "By", .kind = VAGUS_GAUGE, .tier = VAGUS_TIER_10S},
};

static double left_bytes, whole_bytes;
static unsigned slow_reads, near_reads;

static void put_tank(struct vagus_collector *collector)
{
    vagus_put(collector, LEFT, 0, left_bytes);
    vagus_put(collector, SHARE, 0, left_bytes / whole_bytes);
}

static int sample_tank(struct vagus_collector *collector, unsigned due)
{
    slow_reads++;
    put_tank(collector);
    if ((due & 1u << VAGUS_TIER_10S) != 0)
        vagus_put(collector, WHOLE, 0, whole_bytes);
    return 0;
}

static int near_tank(struct vagus_collector *collector, size_t instance)
{
    (void)instance;
    near_reads++;
    put_tank(collector);
    return 0;
}

static const struct vagus_limited tank_limited = {
    .name = "memory",
    .metrics = (const struct vagus_limited_metric[]){{LEFT, VAGUS_NO_WHOLE}, {SHARE, WHOLE}},
    .metric_count = 2,
    .max_rate = GIB,
    .sample = near_tank,
};

static const struct vagus_collector_desc tank = {.size = sizeof(tank),
                                                 .name = "tank",
                                                 .metrics = tank_metrics,
                                                 .metric_count = COUNT,
                                                 .sample = sample_tank,
                                                 .limited = &tank_limited,
                                                 .limited_count = 1};

static struct vagus_monitor *monitor;

static void begin(const char *policy)
{
    atomic_store(&test_now_ns, 1000 * S);
    whole_bytes = GIB;
    slow_reads = near_reads = 0;
    int error = vagus_monitor_open(
        &(struct vagus_monitor_options){.size = sizeof(struct vagus_monitor_options),
                                        .policy_text = policy,
                                        .clock = &test_clock,
                                        .flags = VAGUS_STEPPED | VAGUS_NO_COLLECTORS |
                                                 VAGUS_ANONYMOUS_SEGMENT},
        &monitor);
    CHECK_EQ(error, 0);
    CHECK_EQ(vagus_collector_add(monitor, &tank), 0);
    CHECK_EQ(vagus_monitor_start(monitor), 0);
}

static void end(void)
{
    CHECK_EQ(vagus_monitor_close(monitor), 0);
}

/* Steps to the next deadline; how long that was. */
static int64_t next(void)
{
    int64_t next_ns = 0, from_ns = atomic_load(&test_now_ns);
    CHECK_EQ(vagus_step(monitor, &next_ns), 0);
    atomic_store(&test_now_ns, next_ns);
    return next_ns - from_ns;
}

#define RULE(metric, thresholds) "rules:\n  - name: tank\n    metric: " metric "\n" thresholds

static void calm_is_read_on_its_tier(void)
{
    left_bytes = GIB;
    begin(RULE("tank.left", "    throttle: { below: 10MiB, clear: 20MiB }\n"));
    whole_bytes = 1e15;
    left_bytes = 10 * GIB; /* five seconds for the half */
    organ_run(monitor, 1 * S);
    organ_run(monitor, 10 * S);
    CHECK_EQ(near_reads, 1); /* the first second began with a GiB */
    end();
}

static void bytes_near_a_threshold(void)
{
    left_bytes = 110 * MIB;
    begin(RULE("tank.left", "    throttle: { below: 10MiB, clear: 20MiB }\n"));
    /* 100 MiB at a GiB a second are 97.7 ms. */
    CHECK_EQ(next(), (int64_t)(100.0 / 1024 / 2 * 1e9));
    CHECK_EQ(next(), (int64_t)(100.0 / 1024 / 2 * 1e9));
    CHECK_EQ(near_reads, 1);
    left_bytes = 10 * MIB + 4 * KIB;
    next();
    CHECK_EQ(next(), 1 * MS);
    end();
}

static void a_share_by_the_whole(void)
{
    left_bytes = 0.3 * GIB;
    begin(RULE("tank.share", "    throttle: { below: 20%, clear: 30%, full: 1% }\n"));
    int64_t wait_ns = next();
    CHECK(wait_ns > 49 * MS && wait_ns <= 50 * MS);
    end();
}

static void standing_still_then_rising_then_still(void)
{
    left_bytes = 11 * MIB;
    begin(RULE("tank.left", "    throttle: { below: 10MiB, clear: 20MiB }\n"));
    for (int i = 0; i < 10; i++)
        CHECK_EQ(next(), 5 * MS);
    left_bytes -= 64 * KIB;
    CHECK_EQ(next(), 1 * MS);
    left_bytes -= 64 * KIB;
    CHECK_EQ(next(), 1 * MS);
    /* Still again, and believed after the third read. */
    CHECK_EQ(next(), 1 * MS);
    CHECK_EQ(next(), 1 * MS);
    CHECK_EQ(next(), 5 * MS);
    /* What gets better is no reason for haste. */
    left_bytes += 256 * KIB;
    CHECK_EQ(next(), 5 * MS);
    end();
}

static void the_signal_comes_between_two_ticks(void)
{
    left_bytes = 12 * MIB;
    begin(RULE("tank.left", "    throttle: { below: 10MiB, clear: 20MiB }\n    min_hold: 0s\n"));
    next();
    CHECK_EQ(slow_reads, 1);
    CHECK(vagus_signal_level(monitor, VAGUS_THROTTLE) == 0);
    left_bytes = 9 * MIB;
    next();
    CHECK_EQ(slow_reads, 1);
    CHECK(vagus_signal_level(monitor, VAGUS_THROTTLE) > 0);
    /* It is in the snapshot, too. */
    struct vagus_system_snapshot snapshot;
    CHECK_EQ(vagus_snapshot_read(monitor, &snapshot), 0);
    CHECK_EQ(snapshot.signal_count, 1);
    /* Nothing lies ahead any more: back to the tier. */
    unsigned reads = near_reads;
    organ_run(monitor, 3 * S);
    CHECK_EQ(near_reads, reads);
    end();
}

static double answer(enum vagus_aggregation aggregation)
{
    struct vagus_query_result result = {0};
    struct vagus_query query = {.size = sizeof(query),
                                .names = (const char *const[]){"tank.left", NULL},
                                .from_ns = atomic_load(&test_now_ns) - 5 * S,
                                .to_ns = atomic_load(&test_now_ns),
                                .aggregation = aggregation};
    CHECK_EQ(vagus_metrics_get(monitor, &query, &result, 1, NULL), 0);
    CHECK_EQ(result.error, 0);
    return result.value;
}

/* For as long as one read takes. */
static void spike(double bytes)
{
    double before = left_bytes;
    left_bytes = bytes;
    next();
    left_bytes = before;
    next();
}

static void a_spike_between_two_ticks_is_in_the_series(void)
{
    left_bytes = 11 * MIB;
    begin(RULE("tank.left", "    throttle: { below: 10MiB, clear: 20MiB }\n"));
    organ_run(monitor, 10 * S + 100 * MS);
    CHECK_NEAR(answer(VAGUS_QUERY_COUNT), 5, 0);
    spike(11.05 * MIB); /* no spike, but what any tick might have told */
    spike(10.5 * MIB);
    spike(10.2 * MIB);
    spike(12 * MIB);
    organ_run(monitor, 1 * S);
    CHECK_NEAR(answer(VAGUS_QUERY_COUNT), 7, 0);
    CHECK_NEAR(answer(VAGUS_QUERY_MIN), 10.2 * MIB, 4096);
    CHECK_NEAR(answer(VAGUS_QUERY_MAX), 12 * MIB, 4096);
    CHECK_NEAR(answer(VAGUS_QUERY_LAST), 11 * MIB, 0);
    /* And in the buckets above. */
    organ_run(monitor, 100 * S);
    struct vagus_query_result result = {0};
    struct vagus_query query = {.size = sizeof(query),
                                .names = (const char *const[]){"tank.left", NULL},
                                .to_ns = atomic_load(&test_now_ns),
                                .aggregation = VAGUS_QUERY_MIN};
    CHECK_EQ(vagus_metrics_get(monitor, &query, &result, 1, NULL), 0);
    CHECK_NEAR(result.value, 10.2 * MIB, 4096);
    /* What moves on and on is told by its ticks. */
    left_bytes = 100 * MIB;
    organ_run(monitor, 10 * S);
    for (int i = 0; i < 500; i++) {
        left_bytes -= 64 * KIB;
        organ_run(monitor, 10 * MS);
    }
    CHECK_NEAR(answer(VAGUS_QUERY_COUNT), 5, 0);
    end();
}

static void what_nobody_judges_is_left_alone(void)
{
    left_bytes = 1;
    begin("rules: []\n");
    organ_run(monitor, 5 * S);
    CHECK_EQ(near_reads, 0);
    end();
}

static void the_policy_knows_a_greater_rate(void)
{
    left_bytes = 110 * MIB;
    begin("limits: { max_rate: { memory: 2GiB } }\n" RULE(
        "tank.left", "    throttle: { below: 10MiB, clear: 20MiB }\n"));
    CHECK_EQ(next(), (int64_t)(100.0 / 2048 / 2 * 1e9));
    end();
}

/* Declared: a GiB a second; it goes ten times as fast. */
static void faster_than_was_declared(void)
{
    left_bytes = 20 * GIB;
    begin(RULE("tank.left", "    throttle: { below: 10MiB, clear: 20MiB }\n    min_hold: 0s\n"));
    int64_t from_ns = atomic_load(&test_now_ns);
    do {
        next();
        double gone = (double)(atomic_load(&test_now_ns) - from_ns) / 1e9 * 10 * GIB;
        left_bytes = fmax(0, 20 * GIB - gone);
    } while (left_bytes > 10 * MIB);
    next(); /* it was crossed after 1,999 ms */
    CHECK(atomic_load(&test_now_ns) - from_ns < 2005 * MS);
    CHECK(vagus_signal_level(monitor, VAGUS_THROTTLE) > 0);
    end();
}

static void above_a_threshold_as_well(void)
{
    left_bytes = 5 * MIB;
    begin(RULE("tank.left", "    throttle: { above: 6MiB, clear: 5MiB }\n"));
    CHECK_EQ(next(), 5 * MS);
    left_bytes += 64 * KIB;
    CHECK_EQ(next(), 1 * MS);
    end();
}

int main(void)
{
    RUN(half_of_the_time_that_is_left);
    RUN(the_tier_where_it_is_soon_enough);
    RUN(calm_is_read_on_its_tier);
    RUN(bytes_near_a_threshold);
    RUN(a_share_by_the_whole);
    RUN(standing_still_then_rising_then_still);
    RUN(the_signal_comes_between_two_ticks);
    RUN(a_spike_between_two_ticks_is_in_the_series);
    RUN(what_nobody_judges_is_left_alone);
    RUN(the_policy_knows_a_greater_rate);
    RUN(faster_than_was_declared);
    RUN(above_a_threshold_as_well);
    return check_result();
}
