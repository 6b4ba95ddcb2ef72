/* SPDX-License-Identifier: Apache-2.0 */
/* The judge over real metrics and a real bus, on a clock that the test sets: binding, windows,
 * freshness, merging, shadow rules, trip points, and the proof of wiring. */
#include "base/fault.h"
#include "judge/judge.h"
#include "vagus/collector.h"

#include "bus_fixture.h"
#include "metrics_fixture.h"

#define MS VAGUS_MILLISECOND_NS
#define ABSENT                                                                                     \
    {                                                                                              \
        .present = false, .full = NAN                                                              \
    }
#define BELOW(enter_, clear_)                                                                      \
    {                                                                                              \
        .present = true, .below = true, .enter = (enter_), .clear = (clear_), .full = NAN          \
    }
#define ABOVE(enter_, clear_)                                                                      \
    {                                                                                              \
        .present = true, .enter = (enter_), .clear = (clear_), .full = NAN                         \
    }

static char level_kind[] = "level";
static char free_metric[] = "disk.free.ratio", tokens_metric[] = "agent.tokens";
static char first_name[] = "first", second_name[] = "second";

static struct config_rule rules[4];
static struct vagus_config config;
static struct judge *judge;
static struct vagus_listener listener;
static struct vagus_signal told;

/* A rule on disk.free.ratio with nothing but a throttle. */
static struct config_rule *rule_add(char *name)
{
    struct config_rule *rule = &rules[config.rule_count++];
    *rule = (struct config_rule){.name = name,
                                 .metric = free_metric,
                                 .kind = level_kind,
                                 .line = 10 * config.rule_count,
                                 .throttle = BELOW(0.10, 0.15),
                                 .defer = ABSENT,
                                 .shutdown = ABSENT};
    return rule;
}

static void judge_begin(void)
{
    metrics_fixture_begin();
    bus_fixture_begin();
    config = (struct vagus_config){.rules = rules};
    judge = NULL;
    listener = fixture_listen(&(struct vagus_listener_desc){.name = "listener"});
}

static void judge_end(void)
{
    judge_free(judge);
    bus_fixture_end();
    metrics_fixture_end();
}

#define RUN_WITH_JUDGE(test) (judge_begin(), RUN(test), judge_end())

static void judge_make(void)
{
    CHECK_EQ(judge_create(&config, &metrics, bus, &segment, &judge), 0);
}

static uint32_t define(const char *name, const char *instance, enum metric_source source)
{
    const char *why;
    int index = metrics_define(
        &metrics,
        &(struct vagus_metric_desc){.name = name,
                                    .instance = instance,
                                    .kind = source == METRIC_SENSED ? VAGUS_GAUGE : VAGUS_COUNTER,
                                    .tier = VAGUS_TIER_100MS,
                                    .max = source == METRIC_SENSED ? 1 : 0},
        source, &why);
    CHECK(index >= 0);
    return (uint32_t)index;
}

/* One more tick of 100 ms in which the metric has this value (NaN: could not be had). */
static void tick(uint32_t index, double value)
{
    fixture_now_ns += 100 * MS;
    if (isnan(value))
        metrics_put_missing(&metrics, index, fixture_now_ns, VAGUS_EIO);
    else
        metrics_put(&metrics, index, fixture_now_ns, value);
    judge_step(judge, fixture_now_ns);
}

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
    CHECK_STR(told.reason, "disk.free.ratio (/data\\x1b[31m) 8.1 % is below 10 % for 200 ms");
    CHECK_NEAR(bus_level(fixture_levels, VAGUS_THROTTLE), told.level, 1e-6);

    int64_t since_ns = fixture_now_ns;
    tick(index, 0.155);
    CHECK_EQ(change(), VAGUS_SIGNAL_CLEARED);
    CHECK_EQ(told.since_ns, since_ns);
    CHECK_NEAR(told.level, 0, 0);
    CHECK_NEAR(told.threshold, 0.15, 0);
    CHECK_STR(told.reason, "disk.free.ratio (/data\\x1b[31m) 15.5 % is back above 15 %");
    CHECK_EQ(bus_level(fixture_levels, VAGUS_SIGNAL_ANY), 0);

    CHECK_EQ(recorded_count(), 2);
    CHECK_EQ(recorded(0)->told, 1);
    CHECK_EQ(recorded(0)->shadow, 0);
    CHECK_EQ(recorded(0)->wall_ns, FIXTURE_WALL_NS + since_ns);
    CHECK_EQ(recorded(1)->signal.change, VAGUS_SIGNAL_CLEARED);
    CHECK_EQ(recorded(1)->signal.sequence, 2);
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

/* --- The proof of wiring. --- */

static struct vagus_fault_list faults;

static unsigned prove(void)
{
    fault_list_init(&faults, "wiring");
    return judge_prove(judge, &faults);
}

static void what_is_wired_has_no_faults(void)
{
    rule_add(first_name);
    judge_make();
    define(free_metric, NULL, METRIC_SENSED);
    CHECK_EQ(prove(), 0);
    CHECK_EQ(faults.total, 0);
    CHECK_EQ(judge_prove(judge, NULL), 0);
}

static void a_metric_that_nothing_defines(void)
{
    static char instance[] = "/c";
    rule_add(first_name)->metric = tokens_metric;
    struct config_rule *second = rule_add(second_name);
    second->instance = instance;
    judge_make();
    define("agent.token", NULL, METRIC_RECORDED);
    define(free_metric, "/a", METRIC_SENSED);
    CHECK_EQ(prove(), 3);
    CHECK_EQ(faults.faults[0].code, VAGUS_EUNWIRED);
    CHECK_EQ(faults.faults[0].line, 10);
    CHECK_STR(
        faults.faults[0].text,
        "rule 'first' watches 'agent.tokens', which nothing defines: is 'agent.token' meant?");
    CHECK_EQ(faults.faults[1].line, 20);
    CHECK_STR(faults.faults[1].text,
              "rule 'second' watches 'disk.free.ratio', which has no instance '/c'");
    CHECK_EQ(faults.faults[2].line, 0); /* and so nothing reaches the listener */
    CHECK_STR(faults.faults[2].text,
              "listener 'listener' takes throttle defer shutdown, which no rule can raise");
}

static void a_metric_that_cannot_be_had(void)
{
    rule_add(first_name);
    judge_make();
    uint32_t index = define(free_metric, NULL, METRIC_SENSED);
    metrics_put_missing(&metrics, index, fixture_now_ns, VAGUS_EUNSUPPORTED);
    CHECK_EQ(prove(), 2);
    CHECK_STR(faults.faults[0].text,
              "rule 'first' watches 'disk.free.ratio', which this machine cannot tell");
    /* One instance that works is enough. */
    define(free_metric, "/b", METRIC_SENSED);
    CHECK_EQ(prove(), 0);
}

static void thresholds_beyond_the_bounds(void)
{
    struct config_rule *rule = rule_add(first_name);
    rule->throttle = (struct config_threshold)BELOW(0, 0.5);
    rule->defer = (struct config_threshold)BELOW(0.5, 1.2);
    rule->shutdown = (struct config_threshold)ABOVE(1, 0.5);
    judge_make();
    define(free_metric, NULL, METRIC_SENSED);
    CHECK_EQ(prove(), 3);
    CHECK_STR(faults.faults[0].text,
              "rule 'first' can never raise throttle: 'disk.free.ratio' does not go below 0 %");
    CHECK_STR(faults.faults[1].text,
              "rule 'first' can never clear defer: 'disk.free.ratio' does not come back to 120 %");
    CHECK_STR(faults.faults[2].text,
              "rule 'first' can never raise shutdown: 'disk.free.ratio' does not go above 100 %");
}

static void signals_and_listeners_that_miss_each_other(void)
{
    static const char *const net[] = {"net", NULL};
    rule_add(first_name);
    rule_add(second_name)->shadow = true; /* needs no listener */
    judge_make();
    define(free_metric, NULL, METRIC_SENSED);
    bus_listener_remove(bus, listener);
    fixture_listen(&(struct vagus_listener_desc){.name = "net", .resources = net});
    fixture_listen(&(struct vagus_listener_desc){.name = "deferred", .kinds = VAGUS_DEFER});
    CHECK_EQ(prove(), 3);
    CHECK_STR(faults.faults[0].text,
              "rule 'first' raises throttle about disk, and no listener takes it");
    CHECK_STR(faults.faults[1].text,
              "listener 'net' takes throttle defer shutdown about net, which no rule can raise");
    CHECK_STR(faults.faults[2].text, "listener 'deferred' takes defer, which no rule can raise");
}

static void instances_beyond_the_room_are_named(void)
{
    char instance[8];
    rule_add(first_name);
    judge_make();
    for (int i = 0; i < VAGUS_COLLECTOR_INSTANCES_MAX + 2; i++) {
        snprintf(instance, sizeof(instance), "/%d", i);
        define(free_metric, instance, METRIC_SENSED);
    }
    CHECK_EQ(prove(), 1);
    CHECK_STR(faults.faults[0].text,
              "rule 'first' watches the first 16 of 18 instances of 'disk.free.ratio'");
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
    RUN_WITH_JUDGE(what_is_wired_has_no_faults);
    RUN_WITH_JUDGE(a_metric_that_nothing_defines);
    RUN_WITH_JUDGE(a_metric_that_cannot_be_had);
    RUN_WITH_JUDGE(thresholds_beyond_the_bounds);
    RUN_WITH_JUDGE(signals_and_listeners_that_miss_each_other);
    RUN_WITH_JUDGE(instances_beyond_the_room_are_named);
    RUN_WITH_JUDGE(kinds_are_found_by_name);
    return check_result();
}
