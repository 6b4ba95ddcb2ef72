/* SPDX-License-Identifier: Apache-2.0 */
/* The budget of CPU in a whole monitor, on a clock that the test sets and CPU time that it sets,
 * too: past it the tiers slow down and health says so, reads near a limit go on as before, and all
 * of it ends with the cost. */
#include "check.h"
#include "monitor/monitor.h"
#include "monitor_fixture.h"

static int64_t used_ns, tick_costs_ns, near_costs_ns;
static double left_bytes;
static unsigned ticks, near_reads;

static int64_t cpu_clock(void)
{
    return used_ns;
}

static const struct vagus_metric_desc tank_metrics[] = {
    {.name = "tank.left", .unit = "By", .kind = VAGUS_GAUGE, .tier = VAGUS_TIER_100MS},
};

static int sample_tank(struct vagus_collector *collector, unsigned due)
{
    (void)due;
    ticks++;
    used_ns += tick_costs_ns;
    vagus_put(collector, 0, 0, left_bytes);
    return 0;
}

static int near_tank(struct vagus_collector *collector, size_t instance)
{
    near_reads++;
    used_ns += near_costs_ns;
    vagus_put(collector, 0, instance, left_bytes);
    return 0;
}

static const struct vagus_limited tank_limited = {
    .name = "memory",
    .metrics = (const struct vagus_limited_metric[]){{0, VAGUS_NO_WHOLE}},
    .metric_count = 1,
    .max_rate = 1e9,
    .sample = near_tank,
};

static const struct vagus_collector_desc tank = {.size = sizeof(tank),
                                                 .name = "tank",
                                                 .metrics = tank_metrics,
                                                 .metric_count = 1,
                                                 .sample = sample_tank,
                                                 .limited = &tank_limited,
                                                 .limited_count = 1};

static struct vagus_monitor *begin(double left)
{
    struct vagus_monitor *m = NULL;
    atomic_store(&test_now_ns, 1000 * S);
    used_ns = tick_costs_ns = near_costs_ns = 0;
    left_bytes = left;
    int error = vagus_monitor_open(
        &(struct vagus_monitor_options){
            .size = sizeof(struct vagus_monitor_options),
            .policy_text = "monitor: { cpu: 0.5% }\n"
                           "rules:\n"
                           "  - name: tank\n"
                           "    metric: tank.left\n"
                           "    throttle: { below: 10MiB, clear: 20MiB }\n",
            .clock = &test_clock,
            .flags = VAGUS_STEPPED | VAGUS_NO_COLLECTORS | VAGUS_ANONYMOUS_SEGMENT},
        &m);
    CHECK_EQ(error, 0);
    CHECK_EQ(vagus_collector_add(m, &tank), 0);
    CHECK_EQ(vagus_monitor_start(m), 0);
    m->cpu_clock = cpu_clock; /* as if the thread that steps it did nothing else */
    organ_run(m, 1 * S);
    return m;
}

/* Runs on for so long, and counts. */
static void run(struct vagus_monitor *m, int64_t span_ns)
{
    ticks = near_reads = 0;
    organ_run(m, span_ns);
}

static const char *health_of(struct vagus_monitor *m)
{
    static char text[16384];
    memset(text, 0, sizeof(text));
    FILE *file = fmemopen(text, sizeof(text) - 1, "w");
    CHECK(file != NULL && vagus_health_print(m, file) == 0);
    if (file != NULL)
        fclose(file);
    return text;
}

static double reading(struct vagus_monitor *m, const char *name)
{
    struct vagus_reading r = {0};
    CHECK_EQ(vagus_reading_get(m, name, NULL, &r), 0);
    CHECK_EQ(vagus_reading_state(&r, atomic_load(&test_now_ns)), VAGUS_STATE_OK);
    return r.value;
}

#define SLOWER "its tiers are "

static void what_costs_too_much_is_asked_less_often(void)
{
    struct vagus_monitor *m = begin(1e15);
    tick_costs_ns = 400000; /* each 100 ms: 0.4 % of a core */
    run(m, 30 * S);
    CHECK(ticks >= 299 && ticks <= 301);
    CHECK_NEAR(reading(m, "vagus.monitor.cpu.ratio"), 0.004, 0.0005);
    CHECK(strstr(health_of(m), SLOWER) == NULL);

    tick_costs_ns = 900000;
    organ_run(m, 20 * S);
    run(m, 20 * S);
    CHECK(ticks >= 99 && ticks <= 101); /* half as often is enough */
    CHECK_NEAR(reading(m, "vagus.monitor.stretch"), 2, 0);
    CHECK_CONTAINS(health_of(m), SLOWER "2");

    tick_costs_ns = 4000000;
    organ_run(m, 60 * S);
    run(m, 24 * S);
    CHECK(ticks >= 29 && ticks <= 31); /* eight times, and no slower than that */
    CHECK_CONTAINS(health_of(m), SLOWER "8");
    CHECK(strstr(health_of(m), SLOWER "2") == NULL); /* it says how it is, not how it was */
    CHECK_NEAR(reading(m, "tank.left"), 1e15, 0);    /* good for eight times as long */

    tick_costs_ns = 100000;
    organ_run(m, 120 * S);
    run(m, 10 * S);
    CHECK(ticks >= 99 && ticks <= 101);
    CHECK(strstr(health_of(m), SLOWER) == NULL);
    CHECK_CONTAINS(health_of(m), "keeps to it again");
    CHECK_EQ(vagus_monitor_close(m), 0);
}

static void reads_near_a_limit_keep_their_pace(void)
{
    struct vagus_monitor *m = begin(10.0 * 1024 * 1024 + 4096);
    run(m, 1 * S);
    unsigned calm = near_reads;
    CHECK(calm > 150);
    near_costs_ns = 200000; /* each 5 ms: 4 %, which nobody counts */
    organ_run(m, 20 * S);
    run(m, 1 * S);
    CHECK_EQ(near_reads, calm);
    CHECK_NEAR(reading(m, "vagus.monitor.stretch"), 1, 0);
    tick_costs_ns = 4000000;
    organ_run(m, 60 * S);
    run(m, 8 * S);
    CHECK_NEAR(reading(m, "vagus.monitor.stretch"), 8, 0);
    CHECK(ticks <= 11);
    CHECK(near_reads >= 8 * calm); /* those in place of ticks come on top */
    left_bytes = 9.0 * 1024 * 1024;
    organ_run(m, 5 * MS);
    CHECK(vagus_signal_level(m, VAGUS_THROTTLE) > 0);
    CHECK_EQ(vagus_monitor_close(m), 0);
}

int main(void)
{
    RUN(what_costs_too_much_is_asked_less_often);
    RUN(reads_near_a_limit_keep_their_pace);
    return check_result();
}
