/* SPDX-License-Identifier: Apache-2.0 */
/* After a signal: relief or none, too long or not, the next severity, and the last resort. */
#include <math.h>
#include <signal.h>

#include "check.h"
#include "monitor_fixture.h"

static struct vagus_monitor *m;
static struct vagus_gauge gauge;
static struct vagus_listener listener;
static char newest_reason[160];

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
    REQUIRE(
        vagus_listener_add(m,
                           &(struct vagus_listener_desc){.size = sizeof(struct vagus_listener_desc),
                                                         .name = "tank",
                                                         .kinds = VAGUS_SIGNAL_ANY,
                                                         .flags = VAGUS_LISTENER_POLLED},
                           &listener) == 0);
    REQUIRE(vagus_monitor_start(m) == 0);
}

static void hold(double value, int seconds)
{
    struct vagus_signal signal;
    vagus_set(gauge, value);
    organ_run(m, seconds * S);
    while (vagus_listener_next(listener, &signal) == 0)
        snprintf(newest_reason, sizeof(newest_reason), "%s", signal.reason);
}

static unsigned raised(void)
{
    unsigned kinds = 0;
    for (unsigned kind = VAGUS_THROTTLE; kind <= VAGUS_SHUTDOWN; kind *= 2)
        kinds |= vagus_signal_level(m, kind) > 0 ? kind : 0;
    return kinds;
}

static void no_relief_escalates_step_by_step(void)
{
    begin("throttle: { above: 100, clear: 50 }\n    relief_within: 10s");
    hold(120, 9);
    CHECK_EQ(raised(), VAGUS_THROTTLE);
    hold(119, 2); /* 1 of 70 is no relief */
    CHECK_EQ(raised(), VAGUS_THROTTLE | VAGUS_DEFER);
    CHECK_STR(newest_reason, "tank.used 119 is above 100; no relief within 10 s of throttle");
    hold(119, 11);
    CHECK_EQ(raised(), VAGUS_SIGNAL_ANY);
    CHECK_CONTAINS(newest_reason, "no relief within 10 s of defer");
    hold(40, 1); /* all of it ends with what began it */
    CHECK_EQ(raised(), 0);
    hold(120, 5);
    CHECK_EQ(raised(), VAGUS_THROTTLE);
    vagus_monitor_close(m);
}

static void relief_does_not_escalate(void)
{
    begin("throttle: { above: 100, clear: 50 }\n    relief_within: 10s");
    hold(120, 5);
    hold(110, 6); /* 10 of 70 */
    CHECK_EQ(raised(), VAGUS_THROTTLE);
    hold(110, 100);
    CHECK_EQ(raised(), VAGUS_THROTTLE);
    vagus_monitor_close(m);
}

static void too_long_escalates(void)
{
    begin("throttle: { above: 100, clear: 50 }\n    escalate_after: 1min");
    hold(120, 30);
    hold(101, 29);
    CHECK_EQ(raised(), VAGUS_THROTTLE);
    hold(101, 2);
    CHECK_EQ(raised(), VAGUS_THROTTLE | VAGUS_DEFER);
    CHECK_CONTAINS(newest_reason, "; still raised 1 min 0 s after throttle");
    hold(49, 1);
    CHECK_EQ(raised(), 0);
    vagus_monitor_close(m);
}

/* What a severity is raised for by its own threshold outlasts the milder one's escalation. */
static void own_thresholds_go_on(void)
{
    begin("throttle: { above: 100, clear: 50 }\n    defer: { above: 200, clear: 150 }\n"
          "    relief_within: 10s");
    hold(120, 12);
    CHECK_EQ(raised(), VAGUS_THROTTLE | VAGUS_DEFER);
    hold(250, 1);
    CHECK_EQ(raised(), VAGUS_THROTTLE | VAGUS_DEFER);
    hold(120, 1); /* back, but throttle has still not helped */
    CHECK_EQ(raised(), VAGUS_THROTTLE | VAGUS_DEFER);
    hold(40, 1);
    CHECK_EQ(raised(), 0);
    vagus_monitor_close(m);
}

static volatile sig_atomic_t terminated;

static void on_term(int number)
{
    (void)number;
    terminated++;
}

static void the_last_resort_is_asked_for(void)
{
    signal(SIGTERM, on_term);
    begin("shutdown: { above: 100, clear: 50 }\n    relief_within: 10s");
    hold(120, 60);
    CHECK_EQ(terminated, 0); /* this policy did not */
    vagus_monitor_close(m);

    begin("shutdown: { above: 100, clear: 50 }\n    relief_within: 10s\nlast_resort: sigterm");
    hold(120, 9);
    CHECK_EQ(terminated, 0);
    hold(120, 60);
    CHECK_EQ(terminated, 1); /* once */
    hold(40, 1);
    hold(120, 5);
    hold(60, 20); /* relief */
    CHECK_EQ(terminated, 1);
    vagus_monitor_close(m);
    signal(SIGTERM, SIG_DFL);
}

int main(void)
{
    RUN(no_relief_escalates_step_by_step);
    RUN(relief_does_not_escalate);
    RUN(too_long_escalates);
    RUN(own_thresholds_go_on);
    RUN(the_last_resort_is_asked_for);
    return check_result();
}
