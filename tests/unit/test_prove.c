/* SPDX-License-Identifier: Apache-2.0 */
/* The proof of wiring: each kind of missing link is named, and nothing else. */
#include "base/fault.h"
#include "base/quantity.h"

#include "judge_fixture.h"

static struct vagus_fault_list faults;

/* As of so long after the start. */
static unsigned prove_after(int64_t age_ns)
{
    fault_list_init(&faults, "wiring");
    return judge_prove(judge, fixture_now_ns + age_ns, fixture_now_ns, &faults);
}

static unsigned prove(void)
{
    return prove_after(0);
}

static void what_is_wired_has_no_faults(void)
{
    rule_add(first_name);
    judge_make();
    define(free_metric, NULL, METRIC_SENSED);
    CHECK_EQ(prove(), 0);
    CHECK_EQ(faults.total, 0);
    CHECK_EQ(judge_prove(judge, 0, 0, NULL), 0);
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
    fixture_remove(listener);
    fixture_listen(&(struct vagus_listener_desc){.name = "net", .resources = net});
    fixture_listen(&(struct vagus_listener_desc){.name = "deferred", .kinds = VAGUS_DEFER});
    CHECK_EQ(prove(), 3);
    CHECK_STR(faults.faults[0].text,
              "rule 'first' raises throttle about disk, and no listener takes it");
    CHECK_STR(faults.faults[1].text,
              "listener 'net' takes throttle defer shutdown about net, which no rule can raise");
    CHECK_STR(faults.faults[2].text, "listener 'deferred' takes defer, which no rule can raise");
}

/* One sentence tells it; one for each rule would bury what else is wrong. */
static void that_nobody_listens_is_said_once(void)
{
    rule_add(first_name);
    rule_add(second_name);
    judge_make();
    define(free_metric, NULL, METRIC_SENSED);
    fixture_remove(listener);
    CHECK_EQ(prove(), 1);
    CHECK_STR(faults.faults[0].text,
              "rule 'first' raises throttle about disk, and nobody listens to anything");
}

static void instances_beyond_the_room_are_named(void)
{
    char instance[16];
    rule_add(first_name);
    judge_make();
    for (int i = 0; i < JUDGE_INSTANCES_MAX + 2; i++) {
        snprintf(instance, sizeof(instance), "/%d", i);
        define(free_metric, instance, METRIC_SENSED);
    }
    CHECK_EQ(prove(), 1);
    CHECK_STR(faults.faults[0].text,
              "rule 'first' watches the first 32 of 34 instances of 'disk.free.ratio'");
}

static void a_metric_that_never_had_a_value(void)
{
    rule_add(first_name);
    judge_make();
    uint32_t index = define(free_metric, NULL, METRIC_SENSED);
    CHECK_EQ(prove_after(10 * VAGUS_SECOND_NS - 1), 0);
    CHECK_EQ(prove_after(10 * VAGUS_SECOND_NS), 1);
    CHECK_STR(faults.faults[0].text,
              "rule 'first' watches 'disk.free.ratio', which has never had a value");
    tick(index, 0.5);
    CHECK_EQ(prove_after(3600 * VAGUS_SECOND_NS), 0);
}

static void a_counter_never_comes_back(void)
{
    struct config_rule *rule = rule_add(first_name);
    rule->metric = tokens_metric;
    rule->throttle = (struct config_threshold)ABOVE(100, 50);
    rule->shutdown = (struct config_threshold)ABOVE(1000, 50); /* needs no way back */
    judge_make();
    define(tokens_metric, NULL, METRIC_RECORDED);
    CHECK_EQ(prove(), 1);
    CHECK_STR(faults.faults[0].text,
              "rule 'first' can never clear throttle: 'agent.tokens' is a counter and only grows");
}

static void thresholds_in_another_unit_are_not_judged(void)
{
    struct config_rule *rule = rule_add(first_name);
    rule->form = 1 + DIMENSION_TIME; /* times, on a metric that is a share */
    judge_make();
    uint32_t index = define(free_metric, NULL, METRIC_SENSED);
    tick(index, 0.01);
    struct judge_raised raised;
    CHECK_EQ(judge_raised(judge, &raised, 1), 0);
    CHECK_EQ(prove(), 2); /* and so nothing reaches the listener */
    CHECK_STR(faults.faults[0].text,
              "rule 'first' is not judged: its thresholds are times, and 'disk.free.ratio' is in "
              "'1'");
}

static void what_a_day_is_wanted_of_must_be_there(void)
{
    static const char *const names[] = {"disk.free.ratio", "disk.fre.ratio", "nothing.like.it"};
    rule_add(first_name);
    judge_make();
    define(free_metric, NULL, METRIC_SENSED);
    metrics.keep_day = names;
    metrics.keep_day_count = 3;
    CHECK_EQ(prove(), 0); /* by default: an agent need not define what is its own */
    metrics.keep_day_given = true;
    CHECK_EQ(prove(), 2);
    CHECK_STR(faults.faults[0].text, "retention.day names 'disk.fre.ratio', which nothing defines: "
                                     "is 'disk.free.ratio' meant?");
    CHECK_STR(faults.faults[1].text,
              "retention.day names 'nothing.like.it', which nothing defines");
}

int main(void)
{
    RUN_WITH_JUDGE(what_is_wired_has_no_faults);
    RUN_WITH_JUDGE(what_a_day_is_wanted_of_must_be_there);
    RUN_WITH_JUDGE(a_metric_that_nothing_defines);
    RUN_WITH_JUDGE(a_metric_that_cannot_be_had);
    RUN_WITH_JUDGE(thresholds_beyond_the_bounds);
    RUN_WITH_JUDGE(signals_and_listeners_that_miss_each_other);
    RUN_WITH_JUDGE(a_metric_that_never_had_a_value);
    RUN_WITH_JUDGE(a_counter_never_comes_back);
    RUN_WITH_JUDGE(thresholds_in_another_unit_are_not_judged);
    RUN_WITH_JUDGE(that_nobody_listens_is_said_once);
    RUN_WITH_JUDGE(instances_beyond_the_room_are_named);
    return check_result();
}
