/* SPDX-License-Identifier: Apache-2.0 */
/* What has gone wrong in threshold engines of the field, one scenario each, on whole monitors. */
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "monitor_fixture.h"
#include "vagus/policy.h"

static struct vagus_monitor *m;
static struct vagus_gauge gauge;
static struct vagus_listener listener;
static unsigned told[VAGUS_SHUTDOWN + 1][VAGUS_SIGNAL_CLEARED + 1]; /* by kind and change */

static void begin(const char *keys)
{
    char policy[1024];
    struct vagus_monitor_options options = {.size = sizeof(options),
                                            .policy_text = policy,
                                            .clock = &test_clock,
                                            .flags = VAGUS_STEPPED | VAGUS_NO_COLLECTORS |
                                                     VAGUS_ANONYMOUS_SEGMENT};
    snprintf(policy, sizeof(policy), "rules:\n  - name: tank\n    metric: tank.used\n    %s\n",
             keys);
    atomic_store(&test_now_ns, 1000 * S);
    memset(told, 0, sizeof(told));
    REQUIRE(vagus_monitor_open(&options, &m) == 0);
    gauge = vagus_gauge_define(
        m, &(struct vagus_metric_desc){.name = "tank.used", .unit = "{l}", .tier = VAGUS_TIER_1S});
    REQUIRE(
        vagus_listener_add(m,
                           &(struct vagus_listener_desc){.size = sizeof(struct vagus_listener_desc),
                                                         .name = "tank",
                                                         .kinds = VAGUS_SIGNAL_ANY,
                                                         .flags = VAGUS_LISTENER_POLLED},
                           &listener) == 0);
    REQUIRE(vagus_monitor_start(m) == 0);
}

static void hear(void)
{
    struct vagus_signal signal;
    while (vagus_listener_next(listener, &signal) == 0)
        told[signal.kind][signal.change]++;
}

static void be_silent(int seconds)
{
    for (int i = 0; i < seconds; i++) {
        organ_run(m, S);
        hear();
    }
}

static void hold(double value, int seconds)
{
    for (int i = 0; i < seconds; i++) {
        vagus_set(gauge, value);
        be_silent(1);
    }
}

static bool raised(uint32_t kind)
{
    return vagus_signal_level(m, kind) > 0;
}

static void flapping_at_the_threshold(void)
{
    begin("throttle: { above: 100, clear: 90 }");
    for (int i = 0; i < 3600; i++)
        hold(i % 2 ? 101 : 99, 1);
    CHECK_EQ(told[VAGUS_THROTTLE][VAGUS_SIGNAL_RAISED], 1);
    CHECK_EQ(told[VAGUS_THROTTLE][VAGUS_SIGNAL_CLEARED], 0);
    vagus_monitor_close(m);
}

static void permanent_overload_without_exit(void)
{
    begin("throttle: { above: 100, clear: 90 }\n    escalate_after: 60s");
    hold(150, 200);
    CHECK(raised(VAGUS_SHUTDOWN)); /* throttled for ever would be the failure */
    CHECK_EQ(told[VAGUS_DEFER][VAGUS_SIGNAL_RAISED], 1);
    hold(50, 5);
    CHECK(!raised(VAGUS_SIGNAL_ANY));
    vagus_monitor_close(m);
}

static void a_slow_soft_action_does_not_block_a_hard_one(void)
{
    begin("throttle: { above: 100, clear: 90, for: 60s }\n    shutdown: { above: 200, clear: 90 }");
    hold(250, 2);
    CHECK(raised(VAGUS_SHUTDOWN));
    CHECK(!raised(VAGUS_THROTTLE)); /* still waiting for its minute */
    vagus_monitor_close(m);
}

static void a_sample_older_than_the_event_is_not_acted_on(void)
{
    begin("max_age: 2s\n    min_hold: 0s\n    throttle: { above: 100, clear: 90, for: 5s }");
    hold(150, 2);
    be_silent(60); /* its last word was 150; that was a minute ago */
    CHECK_EQ(told[VAGUS_THROTTLE][VAGUS_SIGNAL_RAISED], 0);
    vagus_monitor_close(m);
}

static void enter_met_and_exit_never(void)
{
    struct vagus_monitor_options options = {
        .size = sizeof(options),
        .policy_text = "rules:\n"
                       "  - name: share\n"
                       "    metric: tank.share\n"
                       "    throttle: { above: 90%, clear: -10% }\n",
        .clock = &test_clock,
        .flags = VAGUS_STEPPED | VAGUS_STRICT | VAGUS_NO_COLLECTORS | VAGUS_ANONYMOUS_SEGMENT};
    struct vagus_fault_list faults;
    REQUIRE(vagus_monitor_open(&options, &m) == 0);
    vagus_gauge_define(
        m, &(struct vagus_metric_desc){.name = "tank.share", .unit = "1", .min = 0, .max = 1});
    CHECK_EQ(vagus_monitor_start(m), VAGUS_EUNWIRED);
    CHECK_EQ(vagus_wiring_check(m, &faults), VAGUS_EUNWIRED);
    CHECK_CONTAINS(faults.faults[0].text, "can never clear throttle");
    vagus_monitor_close(m);
}

static void one_missed_scrape_does_not_reset_for(void)
{
    begin("max_age: 1500ms\n    throttle: { above: 100, clear: 90, for: 10s }");
    hold(150, 6);
    be_silent(3);
    hold(150, 5);
    CHECK(raised(VAGUS_THROTTLE));
    vagus_monitor_close(m);
}

static void a_data_gap_is_not_no_time_left(void)
{
    begin("kind: forecast\n    exhausted_at: 1000\n    window: 60s\n    on_missing: hold\n    "
          "throttle: { below: 10min, clear: 20min }");
    hold(100, 120);
    be_silent(300);
    hold(101, 120);
    CHECK_EQ(told[VAGUS_THROTTLE][VAGUS_SIGNAL_RAISED], 0);
    vagus_monitor_close(m);
}

static void an_alert_does_not_end_because_its_series_vanished(void)
{
    begin("max_age: 2s\n    min_hold: 0s\n    throttle: { above: 100, clear: 90 }");
    hold(150, 2);
    be_silent(3600);
    CHECK(raised(VAGUS_THROTTLE));
    CHECK_EQ(told[VAGUS_THROTTLE][VAGUS_SIGNAL_CLEARED], 0);
    hold(50, 2);
    CHECK(!raised(VAGUS_THROTTLE));
    vagus_monitor_close(m);
}

static void no_storm_of_notifications(void)
{
    begin("throttle: { above: 100, clear: 90, full: 200 }");
    unsigned seed = 1;
    for (int i = 0; i < 600; i++) {
        seed = seed * 1103515245 + 12345;
        hold(148 + (seed >> 16) % 5, 1); /* noise of a fiftieth of the span */
    }
    CHECK_EQ(told[VAGUS_THROTTLE][VAGUS_SIGNAL_RAISED], 1);
    CHECK(told[VAGUS_THROTTLE][VAGUS_SIGNAL_UPDATED] <= 1);
    vagus_monitor_close(m);
}

/* --- Callbacks that misbehave. The monitor runs on its own thread and the machine's clock. --- */

static struct vagus_listener others[4];
static _Atomic unsigned served[4];
static _Atomic bool block;

static void serve(unsigned who)
{
    atomic_fetch_add(&served[who], 1);
}

static void on_good(const struct vagus_signal *signal, void *arg)
{
    (void)signal;
    (void)arg;
    serve(0);
}

static void on_blocking(const struct vagus_signal *signal, void *arg)
{
    (void)signal;
    (void)arg;
    serve(1);
    while (atomic_load(&block))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void on_leaving(const struct vagus_signal *signal, void *arg)
{
    (void)signal;
    (void)arg;
    serve(2);
    pthread_exit(NULL);
}

static void on_meddling(const struct vagus_signal *signal, void *arg)
{
    struct vagus_monitor *second = NULL;
    struct vagus_monitor_options options = {.size = sizeof(options),
                                            .policy_text = "rules: []\n",
                                            .flags = VAGUS_STEPPED | VAGUS_NO_COLLECTORS |
                                                     VAGUS_ANONYMOUS_SEGMENT};
    (void)signal;
    (void)arg;
    CHECK_EQ(vagus_monitor_open(&options, &second), 0);
    CHECK_EQ(vagus_monitor_start(second), 0);
    CHECK_EQ(vagus_monitor_close(second), 0);
    CHECK_EQ(vagus_monitor_close(m), VAGUS_ESTATE); /* not from in here */
    CHECK_EQ(vagus_listener_remove(others[2]), 0);
    CHECK_EQ(vagus_listener_remove(others[3]), 0); /* itself */
    serve(3);
}

static bool comes_to(unsigned who, unsigned count)
{
    for (int i = 0; i < 5000 && atomic_load(&served[who]) < count; i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return atomic_load(&served[who]) >= count;
}

static void callbacks_that_misbehave_harm_nobody_else(void)
{
    static vagus_signal_fn *const fns[] = {on_good, on_blocking, on_leaving, on_meddling};
    static const char *const names[] = {"good", "blocking", "leaving", "meddling"};
    struct vagus_monitor_options options = {.size = sizeof(options),
                                            .policy_text =
                                                "rules:\n"
                                                "  - name: calls\n"
                                                "    metric: calls\n"
                                                "    throttle: { above: 10, clear: 5 }\n"
                                                "    shutdown: { above: 20, clear: 5 }\n",
                                            .flags = VAGUS_NO_COLLECTORS | VAGUS_ANONYMOUS_SEGMENT};
    atomic_store(&block, true);
    REQUIRE(vagus_monitor_open(&options, &m) == 0);
    struct vagus_counter calls =
        vagus_counter_define(m, &(struct vagus_metric_desc){.name = "calls"});
    /* The one that leaves is added last: it must still be there when it is removed. */
    for (unsigned i = 0; i < 4; i++) {
        uint32_t kinds = i == 3 ? VAGUS_THROTTLE : i == 2 ? VAGUS_SHUTDOWN : VAGUS_SIGNAL_ANY;
        REQUIRE(vagus_listener_add(
                    m,
                    &(struct vagus_listener_desc){.size = sizeof(struct vagus_listener_desc),
                                                  .name = names[i],
                                                  .kinds = kinds,
                                                  .on_signal = fns[i]},
                    &others[i]) == 0);
    }
    REQUIRE(vagus_monitor_start(m) == 0);
    vagus_add(calls, 11);
    CHECK(comes_to(0, 1) && comes_to(1, 1) && comes_to(3, 1));
    /* Again one that leaves its thread, for the one that was removed. */
    REQUIRE(
        vagus_listener_add(m,
                           &(struct vagus_listener_desc){.size = sizeof(struct vagus_listener_desc),
                                                         .name = "leaving",
                                                         .kinds = VAGUS_SHUTDOWN,
                                                         .on_signal = on_leaving},
                           NULL) == 0);
    vagus_add(calls, 10);
    CHECK(comes_to(0, 2) && comes_to(2, 1));
    CHECK_EQ(atomic_load(&served[1]), 1); /* still in its first call */
    CHECK_EQ(atomic_load(&served[3]), 1); /* removed */
    atomic_store(&block, false);
    CHECK(comes_to(1, 2)); /* and then it is told the newest */
    CHECK_EQ(vagus_monitor_close(m), 0);
}

/* Recovery is half-open: neither all is well nor anything is wrong. What is not known holds it
 * there, which is said; it goes on as soon as it is known again, and is left on trouble at once. */
static void a_half_open_state_does_not_stick(void)
{
    struct vagus_snapshot_mode mode;
    begin("max_age: 2s\n    min_hold: 0s\n    defer: { above: 100, clear: 90 }");
    hold(150, 5);
    hold(50, 40);
    CHECK(vagus_mode_read(m, &mode) == 0);
    CHECK_STR(mode.name, "recovery");
    be_silent(3600);
    CHECK(vagus_mode_read(m, &mode) == 0);
    CHECK_STR(mode.name, "recovery");
    CHECK_STR(mode.unknown, "tank.used");
    hold(50, 60);
    CHECK(vagus_mode_read(m, &mode) == 0);
    CHECK_STR(mode.name, "normal");
    CHECK_STR(mode.unknown, "");
    hold(150, 5);
    hold(50, 40);
    CHECK(vagus_mode_read(m, &mode) == 0);
    CHECK_STR(mode.name, "recovery");
    hold(150, 3);
    CHECK(vagus_mode_read(m, &mode) == 0);
    CHECK_STR(mode.name, "degraded");
    vagus_monitor_close(m);
}

/* The callback waits for the sampler to take the policy over, which must not wait for it. */
static _Atomic int reloaded = 1;

static void on_reloading(const struct vagus_signal *signal, void *arg)
{
    if (signal->kind == VAGUS_THROTTLE && signal->change == VAGUS_SIGNAL_RAISED)
        atomic_store(&reloaded, vagus_policy_reload(m, arg, NULL));
    serve(1);
}

static void a_callback_that_reloads_the_policy(void)
{
    char path[] = "/tmp/vagus-known-XXXXXX";
    int fd = mkstemp(path);
    static const char policy[] = "rules:\n"
                                 "  - name: calls-graver\n"
                                 "    metric: calls\n"
                                 "    shutdown: { above: 20, clear: 5 }\n";
    struct vagus_monitor_options options = {.size = sizeof(options),
                                            .policy_text =
                                                "rules:\n"
                                                "  - name: calls\n"
                                                "    metric: calls\n"
                                                "    throttle: { above: 10, clear: 5 }\n",
                                            .flags = VAGUS_NO_COLLECTORS | VAGUS_ANONYMOUS_SEGMENT};
    REQUIRE(fd >= 0 && write(fd, policy, strlen(policy)) > 0 && close(fd) == 0);
    REQUIRE(vagus_monitor_open(&options, &m) == 0);
    struct vagus_counter calls =
        vagus_counter_define(m, &(struct vagus_metric_desc){.name = "calls"});
    for (unsigned i = 0; i < 2; i++)
        atomic_store(&served[i], 0);
    static vagus_signal_fn *const fns[] = {on_good, on_reloading};
    for (unsigned i = 0; i < 2; i++)
        REQUIRE(vagus_listener_add(
                    m,
                    &(struct vagus_listener_desc){.size = sizeof(struct vagus_listener_desc),
                                                  .name = i == 0 ? "good" : "reloading",
                                                  .kinds = VAGUS_SIGNAL_ANY,
                                                  .on_signal = fns[i],
                                                  .arg = path},
                    NULL) == 0);
    REQUIRE(vagus_monitor_start(m) == 0);
    vagus_add(calls, 11);
    CHECK(comes_to(1, 2)); /* raised, and cleared by the policy that he put into force */
    CHECK_EQ(atomic_load(&reloaded), 0);
    vagus_add(calls, 10);
    CHECK(comes_to(1, 3));
    CHECK(raised(VAGUS_SHUTDOWN));
    CHECK(comes_to(0, 2));
    CHECK_EQ(vagus_monitor_close(m), 0);
    unlink(path);
}

int main(void)
{
    RUN(flapping_at_the_threshold);
    RUN(permanent_overload_without_exit);
    RUN(a_slow_soft_action_does_not_block_a_hard_one);
    RUN(a_sample_older_than_the_event_is_not_acted_on);
    RUN(enter_met_and_exit_never);
    RUN(one_missed_scrape_does_not_reset_for);
    RUN(a_data_gap_is_not_no_time_left);
    RUN(an_alert_does_not_end_because_its_series_vanished);
    RUN(no_storm_of_notifications);
    RUN(a_half_open_state_does_not_stick);
    RUN(callbacks_that_misbehave_harm_nobody_else);
    RUN(a_callback_that_reloads_the_policy);
    return check_result();
}
