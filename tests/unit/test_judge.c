/* SPDX-License-Identifier: Apache-2.0 */
/* The judge: binding, windows, freshness, merging, shadow rules, trip points. */
#include <math.h>

#include "judge_fixture.h"

static struct vagus_signal told;

/* The change that the listener is told of, 0 for none; the signal is in `told`. */
static unsigned change(void)
{
    return bus_listener_next(bus, listener, &told) == 0 ? told.change : 0;
}

static const struct segment_signal *recorded(uint64_t number)
{
    return (const struct segment_signal *)segment_entries(&segment, SEGMENT_SIGNALS) + number;
}

static uint64_t recorded_count(void)
{
    return segment_head(&segment, SEGMENT_SIGNALS)->count;
}

/* --- One rule. --- */

static void a_signal_says_all_about_itself(void)
{
    struct config_rule *rule = rule_add(first_name);
    rule->throttle.for_ns = 200 * MS;
    rule->defer = (struct config_threshold)BELOW(0.05, 0.08);
    judge_make();
    uint32_t index = define(free_metric, "/data\x1b[31m", METRIC_SENSED);
    tick(index, 0.09);
    tick(index, 0.09);
    CHECK_EQ(change(), 0);
    tick(index, 0.081);
    CHECK_EQ(change(), VAGUS_SIGNAL_RAISED);
    CHECK_EQ(told.kind, VAGUS_THROTTLE);
    CHECK_EQ(told.at_ns, fixture_now_ns);
    CHECK_EQ(told.since_ns, fixture_now_ns);
    CHECK_EQ(told.sample_age_ns, 0);
    CHECK_EQ(told.sequence, 1);
    CHECK_NEAR(told.level, (0.10 - 0.081) / (0.10 - 0.05), 1e-9); /* full where defer begins */
    CHECK_NEAR(told.value, 0.081, 0);
    CHECK_NEAR(told.threshold, 0.10, 0);
    CHECK_STR(told.resource, "disk");
    CHECK_STR(told.rule, "first");
    CHECK_STR(told.metric, "disk.free.ratio");
    CHECK_STR(told.instance, "/data\x1b[31m");
    CHECK_STR(told.unit, "1");
    CHECK_STR(told.reason, "disk.free.ratio{path=/data\\x1b[31m} 8.1 % is below 10 % for 200 ms");
    CHECK_NEAR(bus_level(fixture_levels, VAGUS_THROTTLE), told.level, 1e-6);

    int64_t since_ns = fixture_now_ns;
    tick(index, 0.155);
    CHECK_EQ(change(), VAGUS_SIGNAL_CLEARED);
    CHECK_EQ(told.since_ns, since_ns);
    CHECK_NEAR(told.level, 0, 0);
    CHECK_NEAR(told.threshold, 0.15, 0);
    CHECK_STR(told.reason, "disk.free.ratio{path=/data\\x1b[31m} 15.5 % is back above 15 %");
    CHECK_EQ(bus_level(fixture_levels, VAGUS_SIGNAL_ANY), 0);

    CHECK_EQ(recorded_count(), 2);
    CHECK_EQ(recorded(0)->told, 1);
    CHECK_EQ(recorded(0)->shadow, 0);
    CHECK_EQ(recorded(0)->wall_ns, FIXTURE_WALL_NS + since_ns);
    CHECK_EQ(recorded(1)->signal.change, VAGUS_SIGNAL_CLEARED);
    CHECK_EQ(recorded(1)->signal.sequence, 2);
}

/* "10 % is below 10 %" explains nothing. */
static void values_that_read_alike_are_told_apart(void)
{
    struct config_rule *rule = rule_add(first_name);
    rule->throttle.enter = nextafter(0.10, 1); /* as a mark that is raised at its share */
    rule->defer = (struct config_threshold)BELOW(0.05, 0.08);
    judge_make();
    uint32_t index = define(free_metric, "/data", METRIC_SENSED);
    tick(index, 0.10);
    CHECK_EQ(change(), VAGUS_SIGNAL_RAISED);
    CHECK_STR(told.reason, "disk.free.ratio{path=/data} 10 % has reached 10 %");
    tick(index, 0.0499999);
    CHECK_EQ(change(), VAGUS_SIGNAL_RAISED);
    CHECK_STR(told.reason, "disk.free.ratio{path=/data} 4.99999 % is below 5 %");
}

static void shutdown_does_not_wait_for_throttle(void)
{
    struct config_rule *rule = rule_add(first_name);
    rule->throttle.for_ns = 10 * VAGUS_SECOND_NS;
    rule->shutdown = (struct config_threshold)BELOW(0.02, 0.05);
    judge_make();
    uint32_t index = define(free_metric, NULL, METRIC_SENSED);
    tick(index, 0.01);
    CHECK_EQ(change(), VAGUS_SIGNAL_RAISED);
    CHECK_EQ(told.kind, VAGUS_SHUTDOWN);
    CHECK_NEAR(told.level, 0.5, 1e-9); /* towards the metric's own end */
    CHECK_EQ(change(), 0);
}

static void a_window_forgets_what_left_it(void)
{
    struct config_rule *rule = rule_add(first_name);
    rule->window_ns = 500 * MS;
    rule->stat = VAGUS_STAT_MIN;
    judge_make();
    uint32_t index = define(free_metric, NULL, METRIC_SENSED);
    tick(index, 0.5);
    tick(index, 0.05);
    CHECK_EQ(change(), VAGUS_SIGNAL_RAISED);
    for (int i = 0; i < 4; i++)
        tick(index, 0.5);
    CHECK_EQ(change(), 0);
    /* No new value: only time passes, and the low one leaves. */
    fixture_now_ns += 100 * MS;
    judge_step(judge, fixture_now_ns);
    CHECK_EQ(change(), VAGUS_SIGNAL_CLEARED);
    CHECK_NEAR(told.value, 0.5, 0);
}

static void a_missed_sample_changes_nothing(void)
{
    struct config_rule *rule = rule_add(first_name);
    rule->throttle.for_ns = 300 * MS;
    judge_make();
    uint32_t index = define(free_metric, NULL, METRIC_SENSED);
    tick(index, 0.05);
    tick(index, NAN);
    tick(index, 0.05);
    tick(index, 0.05);
    CHECK_EQ(change(), VAGUS_SIGNAL_RAISED);
    for (int i = 0; i < 100; i++)
        tick(index, NAN);
    CHECK_EQ(change(), 0);
    CHECK(bus_level(fixture_levels, VAGUS_THROTTLE) > 0);
    tick(index, 0.5);
    CHECK_EQ(change(), VAGUS_SIGNAL_CLEARED);
}

static void missing_may_raise(void)
{
    struct config_rule *rule = rule_add(first_name);
    rule->missing = CONFIG_MISSING_RAISE;
    judge_make();
    uint32_t index = define(free_metric, NULL, METRIC_SENSED);
    tick(index, 0.5);
    int64_t seen_ns = fixture_now_ns;
    tick(index, NAN);
    CHECK_EQ(change(), VAGUS_SIGNAL_RAISED);
    CHECK(isnan(told.value));
    CHECK_NEAR(told.level, 1, 0);
    CHECK_EQ(told.sample_age_ns, fixture_now_ns - seen_ns);
    CHECK_STR(told.reason, "disk.free.ratio has been missing for 100 ms");
    tick(index, 0.5);
    CHECK_EQ(change(), VAGUS_SIGNAL_CLEARED);
}

static void missing_may_clear(void)
{
    struct config_rule *rule = rule_add(first_name);
    rule->missing = CONFIG_MISSING_CLEAR;
    rule->min_hold_ns = 200 * MS;
    judge_make();
    uint32_t index = define(free_metric, NULL, METRIC_SENSED);
    tick(index, 0.05);
    CHECK_EQ(change(), VAGUS_SIGNAL_RAISED);
    tick(index, NAN);
    CHECK_EQ(change(), 0);
    tick(index, NAN);
    CHECK_EQ(change(), VAGUS_SIGNAL_CLEARED);
    CHECK_STR(told.reason, "disk.free.ratio has been missing for 200 ms, which clears it");
}

static void a_value_that_was_never_there_has_no_age(void)
{
    struct config_rule *rule = rule_add(first_name);
    rule->missing = CONFIG_MISSING_RAISE;
    judge_make();
    tick(define(free_metric, NULL, METRIC_SENSED), NAN);
    CHECK_EQ(change(), VAGUS_SIGNAL_RAISED);
    CHECK_EQ(told.sample_age_ns, -1);
    CHECK_STR(told.reason, "disk.free.ratio has never had a value");
}

/* max_age makes a value missing before it is stale by itself. */
static void max_age_limits_trust(void)
{
    struct config_rule *rule = rule_add(first_name);
    rule->missing = CONFIG_MISSING_RAISE;
    rule->max_age_ns = 150 * MS;
    judge_make();
    uint32_t index = define(free_metric, NULL, METRIC_SENSED);
    tick(index, 0.5);
    judge_step(judge, fixture_now_ns + 150 * MS);
    CHECK_EQ(change(), 0);
    judge_step(judge, fixture_now_ns + 151 * MS);
    CHECK_EQ(change(), VAGUS_SIGNAL_RAISED);
}

static void noise_for_a_day_is_one_transition(void)
{
    rule_add(first_name);
    judge_make();
    uint32_t index = define(free_metric, NULL, METRIC_SENSED);
    uint64_t random = 88172645463325252u;
    for (int i = 0; i < 864000; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        tick(index, 0.10 + ((double)(random % 2001) - 1000) / 100000); /* one point either way */
    }
    CHECK_EQ(recorded_count(), 1);
}

/* --- Several rules, several instances. --- */

static void each_instance_has_its_own_machine(void)
{
    rule_add(first_name);
    judge_make();
    uint32_t a = define(free_metric, "/a", METRIC_SENSED);
    uint32_t b = define(free_metric, "/b", METRIC_SENSED);
    define("disk.free", "/a", METRIC_SENSED); /* another metric */
    metrics_put(&metrics, b, fixture_now_ns + 100 * MS, 0.5);
    tick(a, 0.08); /* level 0.2 */
    CHECK_EQ(change(), VAGUS_SIGNAL_RAISED);
    CHECK_STR(told.instance, "/a");
    tick(b, 0.05); /* 0.5: the worse one leads */
    CHECK_EQ(change(), VAGUS_SIGNAL_UPDATED);
    CHECK_STR(told.instance, "/b");
    CHECK_NEAR(told.level, 0.5, 1e-9);
    tick(b, 0.5); /* the one reason ends, the other stands */
    CHECK_EQ(change(), VAGUS_SIGNAL_UPDATED);
    CHECK_STR(told.instance, "/a");
    CHECK_NEAR(told.level, 0.2, 1e-9);
    tick(a, 0.5);
    CHECK_EQ(change(), VAGUS_SIGNAL_CLEARED);
    CHECK_EQ(change(), 0);
}

/* The reason that was told ends, and another of nearly the same level stands: that is news. */
static void the_foremost_reason_is_always_one_that_stands(void)
{
    rule_add(first_name);
    judge_make();
    uint32_t a = define(free_metric, "/a", METRIC_SENSED);
    uint32_t b = define(free_metric, "/b", METRIC_SENSED);
    tick(b, 0.091);
    CHECK_EQ(change(), VAGUS_SIGNAL_RAISED);
    tick(a, 0.095);
    CHECK_EQ(change(), 0);
    tick(b, 0.5);
    CHECK_EQ(change(), VAGUS_SIGNAL_UPDATED);
    CHECK_STR(told.instance, "/a");
}

static void a_rule_may_watch_one_instance(void)
{
    static char instance[] = "/b";
    rule_add(first_name)->instance = instance;
    judge_make();
    uint32_t a = define(free_metric, "/a", METRIC_SENSED);
    uint32_t b = define(free_metric, "/b", METRIC_SENSED);
    tick(a, 0.01);
    CHECK_EQ(change(), 0);
    tick(b, 0.01);
    CHECK_EQ(change(), VAGUS_SIGNAL_RAISED);
}

static void rules_merge_and_clear_with_the_last(void)
{
    struct config_rule *second;
    rule_add(first_name);
    second = rule_add(second_name);
    second->throttle = (struct config_threshold)BELOW(0.20, 0.30);
    judge_make();
    uint32_t index = define(free_metric, NULL, METRIC_SENSED);
    tick(index, 0.15);
    CHECK_EQ(change(), VAGUS_SIGNAL_RAISED);
    CHECK_STR(told.rule, "second");
    tick(index, 0.16);
    CHECK_EQ(change(), 0);
    tick(index, 0.02); /* first 0.8, second 0.9 */
    CHECK_EQ(change(), VAGUS_SIGNAL_UPDATED);
    tick(index, 0.25); /* the first is over */
    CHECK_EQ(change(), VAGUS_SIGNAL_UPDATED);
    CHECK_STR(told.rule, "second");
    CHECK_STR(told.reason, "disk.free.ratio 25 % is not yet back above 30 %");
    tick(index, 0.35);
    CHECK_EQ(change(), VAGUS_SIGNAL_CLEARED);
    CHECK_EQ(recorded_count(), 4);
}

static void a_shadow_is_recorded_and_not_told(void)
{
    rule_add(first_name)->shadow = true;
    judge_make();
    uint32_t index = define(free_metric, NULL, METRIC_SENSED);
    tick(index, 0.05);
    tick(index, 0.5);
    CHECK_EQ(change(), 0);
    CHECK_EQ(bus_level(fixture_levels, VAGUS_SIGNAL_ANY), 0);
    CHECK_EQ(recorded_count(), 2);
    CHECK_EQ(recorded(0)->shadow, 1);
    CHECK_EQ(recorded(0)->signal.change, VAGUS_SIGNAL_RAISED);
    CHECK_STR(recorded(0)->signal.resource, "disk");
    CHECK_STR(recorded(0)->signal.rule, "first");
    CHECK_EQ(recorded(1)->signal.change, VAGUS_SIGNAL_CLEARED);
    struct judge_raised raised[4];
    CHECK_EQ(judge_raised(judge, raised, 4), 0);
}

static void the_raised_come_worst_first(void)
{
    static char net[] = "net", gpu[] = "gpu";
    struct config_rule *rule = rule_add(first_name);
    rule->shutdown = (struct config_threshold)BELOW(0.05, 0.06);
    rule = rule_add(second_name);
    rule->resource = net;
    rule->throttle.enter = 0.5;
    rule->throttle.clear = 0.6;
    rule = rule_add(second_name);
    rule->resource = gpu;
    rule->throttle.enter = 0.041;
    judge_make();
    tick(define(free_metric, NULL, METRIC_SENSED), 0.04);
    struct judge_raised raised[4];
    CHECK_EQ(judge_raised(judge, raised, 4), 4);
    CHECK_EQ(raised[0].kind, VAGUS_SHUTDOWN);
    CHECK_NEAR(raised[1].level, 1, 0); /* beyond where shutdown begins */
    CHECK_STR(raised[2].rule, "second");
    CHECK_NEAR(raised[2].level, 0.92, 1e-9);
    CHECK(raised[3].level < 0.1);
    CHECK_EQ(raised[3].since_ns, fixture_now_ns);
    struct judge_raised worst[2];
    CHECK_EQ(judge_raised(judge, worst, 2), 4);
    CHECK_EQ(worst[0].kind, VAGUS_SHUTDOWN);
    CHECK_NEAR(worst[1].level, 1, 0);
    CHECK_EQ(judge_raised(judge, NULL, 0), 4);
}

/* --- Trip points. --- */

static uint64_t trip_of(uint32_t index)
{
    return cells_slot(&metrics.cells, 0)[index].trip;
}

static void fold(void)
{
    fixture_now_ns += 100 * MS;
    metrics_fold(&metrics, 0, fixture_now_ns, fixture_now_ns - 100 * MS);
    judge_step(judge, fixture_now_ns);
}

static void a_counter_wakes_before_it_crosses(void)
{
    struct config_rule *rule = rule_add(first_name);
    rule->metric = tokens_metric;
    rule->throttle = (struct config_threshold)ABOVE(1000, 900);
    rule->defer = (struct config_threshold)ABOVE(2000.5, 1900);
    judge_make();
    uint32_t index = define(tokens_metric, NULL, METRIC_RECORDED);
    struct vagus_counter tokens = {metrics.cells.generation, index};
    vagus_add(tokens, 100);
    fold();
    CHECK_EQ(metrics.entries[index].armed, 1);
    CHECK_EQ(trip_of(index), 1001); /* above 1000 begins there */
    vagus_add(tokens, 901);
    CHECK_EQ(trip_of(index), UINT64_MAX); /* it tripped */
    fold();
    CHECK_EQ(change(), VAGUS_SIGNAL_RAISED);
    CHECK_EQ(told.kind, VAGUS_THROTTLE);
    CHECK_EQ(trip_of(index), 2001);
    vagus_add(tokens, 1000);
    fold();
    CHECK_EQ(change(), VAGUS_SIGNAL_RAISED);
    CHECK_EQ(told.kind, VAGUS_DEFER);
    vagus_add(tokens, 1);
    fold();
    CHECK_EQ(trip_of(index), UINT64_MAX); /* nothing lies ahead */
}

static void kinds_are_found_by_name(void)
{
    CHECK(judge_kind("level") == judge_kinds[0]);
    CHECK(judge_kind("levels") == NULL);
    CHECK_STR(judge_kind_names[0], "level");
    static char unknown[] = "oracle";
    rule_add(first_name)->kind = unknown;
    CHECK_EQ(judge_create(&config, &metrics, bus, &segment, &judge), VAGUS_EINVAL);
    CHECK(judge == NULL);
}

int main(void)
{
    RUN_WITH_JUDGE(a_signal_says_all_about_itself);
    RUN_WITH_JUDGE(values_that_read_alike_are_told_apart);
    RUN_WITH_JUDGE(shutdown_does_not_wait_for_throttle);
    RUN_WITH_JUDGE(a_window_forgets_what_left_it);
    RUN_WITH_JUDGE(a_missed_sample_changes_nothing);
    RUN_WITH_JUDGE(missing_may_raise);
    RUN_WITH_JUDGE(missing_may_clear);
    RUN_WITH_JUDGE(a_value_that_was_never_there_has_no_age);
    RUN_WITH_JUDGE(max_age_limits_trust);
    RUN_WITH_JUDGE(noise_for_a_day_is_one_transition);
    RUN_WITH_JUDGE(each_instance_has_its_own_machine);
    RUN_WITH_JUDGE(the_foremost_reason_is_always_one_that_stands);
    RUN_WITH_JUDGE(a_rule_may_watch_one_instance);
    RUN_WITH_JUDGE(rules_merge_and_clear_with_the_last);
    RUN_WITH_JUDGE(a_shadow_is_recorded_and_not_told);
    RUN_WITH_JUDGE(the_raised_come_worst_first);
    RUN_WITH_JUDGE(a_counter_wakes_before_it_crosses);
    RUN_WITH_JUDGE(kinds_are_found_by_name);
    return check_result();
}
