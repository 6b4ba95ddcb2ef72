/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of every kind in a monitor at work: what their windows hold, when they are raised and when
 * that ends. */
#include <math.h>

#include "check.h"
#include "monitor_fixture.h"

static struct vagus_monitor *m;
static struct vagus_gauge gauge;
static struct vagus_counter counter;

static void begin(const char *policy)
{
    struct vagus_fault_list faults = {0};
    struct vagus_monitor_options options = {.size = sizeof(options),
                                            .policy_text = policy,
                                            .clock = &test_clock,
                                            .flags = VAGUS_STEPPED | VAGUS_NO_COLLECTORS |
                                                     VAGUS_ANONYMOUS_SEGMENT,
                                            .faults = &faults};
    atomic_store(&test_now_ns, 1000 * S);
    int error = vagus_monitor_open(&options, &m);
    for (uint32_t i = 0; i < faults.count; i++)
        fprintf(stderr, "%s\n", faults.faults[i].text);
    REQUIRE(error == 0);
    gauge = vagus_gauge_define(
        m, &(struct vagus_metric_desc){.name = "tank.left", .unit = "By", .good_for_ns = 3 * S});
    counter = vagus_counter_define(m, &(struct vagus_metric_desc){.name = "agent.progress"});
    REQUIRE(vagus_monitor_start(m) == 0);
}

static void run(double seconds)
{
    organ_run(m, (int64_t)(seconds * 1e9));
}

static bool raised(uint32_t kind)
{
    return vagus_signal_level(m, kind) > 0;
}

/* Falls by so much each second, for so many seconds. */
static double drain(double from, double by, int seconds)
{
    for (int i = 0; i < seconds; i++, from -= by) {
        vagus_set(gauge, from);
        run(1);
    }
    return from;
}

static const char forecast_policy[] = "rules:\n"
                                      "  - name: empty-soon\n"
                                      "    metric: tank.left\n"
                                      "    kind: forecast\n"
                                      "    window: 1min\n"
                                      "    throttle: { below: 10min, clear: 20min }\n"
                                      "    min_hold: 0s\n";

static void a_forecast_warns_before_the_end(void)
{
    begin(forecast_policy);
    double left = drain(1e9, 0, 90);
    CHECK(!raised(VAGUS_THROTTLE));
    left = drain(left, 1e5, 90); /* nearly three hours left */
    CHECK(!raised(VAGUS_THROTTLE));
    left = drain(left, 5e6, 90); /* less than two minutes */
    CHECK(raised(VAGUS_THROTTLE));
    drain(left, 0, 90);
    CHECK(!raised(VAGUS_THROTTLE));
    vagus_monitor_close(m);
}

/* The published failure: a gap read as a fall to zero, and so as "0 hours to full". */
static void a_gap_is_no_fall(void)
{
    begin(forecast_policy);
    double left = drain(1e9, 0, 90);
    for (int i = 0; i < 5; i++) {
        run(20); /* silent for longer than the value is good */
        CHECK(!raised(VAGUS_THROTTLE));
        left = drain(left, 0, 30);
        CHECK(!raised(VAGUS_THROTTLE));
    }
    vagus_monitor_close(m);
}

static void silence_is_noticed_and_ends(void)
{
    begin("rules:\n"
          "  - name: no-progress\n"
          "    metric: agent.progress\n"
          "    kind: absence\n"
          "    defer: { above: 60s, clear: 2s }\n"
          "    min_hold: 0s\n");
    run(50);
    CHECK(!raised(VAGUS_DEFER));
    vagus_add(counter, 1);
    run(59);
    CHECK(!raised(VAGUS_DEFER));
    run(3);
    CHECK(raised(VAGUS_DEFER));
    vagus_add(counter, 1);
    run(1);
    CHECK(!raised(VAGUS_DEFER));
    vagus_monitor_close(m);
}

static void rules_about_rules(void)
{
    begin("rules:\n"
          "  - { name: low, metric: tank.left, throttle: { below: 100, clear: 200 },\n"
          "      min_hold: 0s, shadow: true }\n"
          "  - { name: silent, metric: agent.progress, kind: absence, min_hold: 0s, shadow: true,\n"
          "      throttle: { above: 10s, clear: 2s } }\n"
          "  - { name: stuck, kind: all, of: [low, silent], resource: agent, min_hold: 0s,\n"
          "      defer: { for: 3s } }\n"
          "  - { name: either, kind: any, of: [low, silent], resource: agent, min_hold: 0s,\n"
          "      throttle: {} }\n");
    vagus_set(gauge, 1000);
    for (int i = 0; i < 15; i++) {
        vagus_add(counter, 1);
        vagus_set(gauge, 1000);
        run(1);
    }
    CHECK(!raised(VAGUS_SIGNAL_ANY));
    drain(50, 0, 2);
    CHECK(raised(VAGUS_THROTTLE));
    CHECK(!raised(VAGUS_DEFER));
    drain(50, 0, 10);
    CHECK(!raised(VAGUS_DEFER)); /* both, but not for three seconds */
    drain(50, 0, 4);
    CHECK(raised(VAGUS_DEFER));
    vagus_add(counter, 1);
    drain(50, 0, 1);
    CHECK(!raised(VAGUS_DEFER));
    CHECK(raised(VAGUS_THROTTLE));
    drain(1000, 0, 2);
    CHECK(!raised(VAGUS_SIGNAL_ANY));
    vagus_monitor_close(m);
}

static void statistics_of_the_series(void)
{
    begin("rules:\n"
          "  - { name: p, metric: tank.left, stat: p90, window: 20s, min_hold: 0s,\n"
          "      throttle: { above: 90, clear: 50 } }\n"
          "  - { name: fast, metric: agent.progress, kind: rate, window: 10s, min_hold: 0s,\n"
          "      defer: { above: 5/s, clear: 2/s } }\n");
    for (int i = 0; i < 30; i++)
        drain(i % 10 == 0 ? 100 : 10, 0, 1); /* a tenth of the values lies above */
    CHECK(!raised(VAGUS_SIGNAL_ANY));
    for (int i = 0; i < 20; i++) {
        drain(100, 0, 1);
        vagus_add(counter, 8);
    }
    CHECK(raised(VAGUS_THROTTLE));
    CHECK(raised(VAGUS_DEFER));
    drain(10, 0, 30);
    CHECK(!raised(VAGUS_SIGNAL_ANY));
    vagus_monitor_close(m);
}

static void windows_too_short_are_named(void)
{
    struct vagus_fault_list faults;
    begin("rules:\n"
          "  - name: empty-soon\n"
          "    metric: tank.left\n"
          "    kind: forecast\n"
          "    window: 10s\n"
          "    throttle: { below: 10min, clear: 20min }\n");
    CHECK_EQ(vagus_wiring_check(m, &faults), VAGUS_EUNWIRED);
    bool told = false;
    for (uint32_t i = 0; i < faults.count; i++)
        told = told || strstr(faults.faults[i].text, "can never answer: 10 samples") != NULL;
    CHECK(told);
    vagus_monitor_close(m);
}

int main(void)
{
    RUN(a_forecast_warns_before_the_end);
    RUN(a_gap_is_no_fall);
    RUN(silence_is_noticed_and_ends);
    RUN(rules_about_rules);
    RUN(statistics_of_the_series);
    RUN(windows_too_short_are_named);
    return check_result();
}
