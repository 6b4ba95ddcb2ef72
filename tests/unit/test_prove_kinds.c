/* SPDX-License-Identifier: Apache-2.0 */
/* The proof of wiring beyond single thresholds: every kind of measure, what escalates, the last
 * resort, rules about rules. */
#include "base/fault.h"

#include "judge_fixture.h"

static struct vagus_fault_list faults;
static char rate_kind[] = "rate", forecast_kind[] = "forecast", anomaly_kind[] = "anomaly",
            all_kind[] = "all", any_kind[] = "any", system_resource[] = "system";
static const char *const throttles[] = {"disk", NULL};

static unsigned prove(void)
{
    fault_list_init(&faults, "wiring");
    return judge_prove(judge, fixture_now_ns, fixture_now_ns, &faults);
}

static struct config_rule *rule_of_kind(char *name, char *kind, struct config_threshold throttle)
{
    struct config_rule *rule = rule_add(name);
    rule->kind = kind;
    rule->window_ns = 60 * VAGUS_SECOND_NS;
    rule->samples = 3;
    rule->throttle = throttle;
    return rule;
}

static void every_kind_has_its_reach(void)
{
    rule_of_kind(first_name, rate_kind, (struct config_threshold)ABOVE(0.05, 0.01));
    rule_of_kind(second_name, forecast_kind, (struct config_threshold)BELOW(0, 60))->exhausted_at =
        1.5;
    judge_make();
    define(free_metric, NULL, METRIC_SENSED);
    CHECK_EQ(prove(), 3);
    CHECK_STR(faults.faults[0].text, "rule 'first' can never raise throttle: the rate of "
                                     "'disk.free.ratio' does not go above 3.33 %/s");
    CHECK_STR(faults.faults[1].text, "rule 'second' waits for what cannot come: 'disk.free.ratio' "
                                     "never reaches 150 %");
    CHECK_STR(faults.faults[2].text, "rule 'second' can never raise throttle: the time left of "
                                     "'disk.free.ratio' does not go below 0 ns");
}

static void a_deviation_is_never_negative(void)
{
    rule_of_kind(first_name, anomaly_kind, (struct config_threshold)ABOVE(3, -1));
    rule_of_kind(second_name, level_kind, (struct config_threshold)ABOVE(0.6, 0.1))->stat =
        VAGUS_STAT_STDDEV;
    judge_make();
    define(free_metric, NULL, METRIC_SENSED);
    CHECK_EQ(prove(), 2);
    CHECK_CONTAINS(faults.faults[0].text, "can never clear throttle: the deviation of");
    CHECK_STR(faults.faults[1].text, "rule 'second' can never raise throttle: the stddev of "
                                     "'disk.free.ratio' does not go above 50 %");
}

static void a_counter_never_shrinks(void)
{
    rule_of_kind(first_name, rate_kind, (struct config_threshold)BELOW(0, 1))->metric =
        tokens_metric;
    judge_make();
    define(tokens_metric, NULL, METRIC_RECORDED);
    CHECK_EQ(prove(), 1);
    CHECK_CONTAINS(faults.faults[0].text, "the rate of 'agent.tokens' does not go below 0");
}

static void what_escalates_is_to_be_heard(void)
{
    rule_add(first_name)->relief_within_ns = VAGUS_SECOND_NS;
    judge_make();
    define(free_metric, NULL, METRIC_SENSED);
    CHECK_EQ(prove(), 0);
    fixture_remove(listener);
    fixture_listen(&(struct vagus_listener_desc){
        .name = "mild", .kinds = VAGUS_THROTTLE, .resources = throttles});
    CHECK_EQ(prove(), 2);
    CHECK_STR(faults.faults[0].text, "rule 'first' raises defer where throttle does not help about "
                                     "disk, and no listener takes it");
    CHECK_STR(faults.faults[1].text, "rule 'first' raises shutdown where defer does not help about "
                                     "disk, and no listener takes it");
    /* And who takes only what comes so is reached. */
    fixture_listen(
        &(struct vagus_listener_desc){.name = "grave", .kinds = VAGUS_DEFER | VAGUS_SHUTDOWN});
    CHECK_EQ(prove(), 0);
}

static void the_last_resort_wants_a_way_to_it(void)
{
    struct config_rule *rule = rule_add(first_name);
    rule->shutdown = (struct config_threshold)BELOW(0.01, 0.05);
    config.last_resort = CONFIG_LAST_SIGTERM;
    judge_make();
    define(free_metric, NULL, METRIC_SENSED);
    CHECK_EQ(prove(), 1);
    CHECK_STR(faults.faults[0].text,
              "last_resort can never come: no rule with relief_within can raise shutdown");
    rule->relief_within_ns = VAGUS_SECOND_NS;
    CHECK_EQ(prove(), 0);
    rule->shadow = true;
    CHECK(prove() > 0);
}

static void rule_about_both(char *kind)
{
    static char *both[] = {first_name, second_name};
    static char third_name[] = "third";
    struct config_rule *rule = rule_add(third_name);
    rule->metric = NULL;
    rule->kind = kind;
    rule->of = both;
    rule->of_count = 2;
    rule->resource = system_resource;
    rule->throttle = (struct config_threshold)ABOVE(0, 0);
}

static void all_of_what_cannot_come(void)
{
    rule_add(first_name);
    rule_add(second_name)->throttle = (struct config_threshold)BELOW(0, 0.5);
    rule_about_both(all_kind);
    judge_make();
    define(free_metric, NULL, METRIC_SENSED);
    CHECK_EQ(prove(), 2);
    CHECK_STR(faults.faults[1].text,
              "rule 'third' can never be raised, since its part 'second' cannot");
}

static void any_of_what_can_come(void)
{
    rule_add(first_name);
    rule_add(second_name)->throttle = (struct config_threshold)BELOW(0, 0.5);
    rule_about_both(any_kind);
    judge_make();
    define(free_metric, NULL, METRIC_SENSED);
    CHECK_EQ(prove(), 1); /* the part alone */
}

int main(void)
{
    RUN_WITH_JUDGE(every_kind_has_its_reach);
    RUN_WITH_JUDGE(a_deviation_is_never_negative);
    RUN_WITH_JUDGE(a_counter_never_shrinks);
    RUN_WITH_JUDGE(what_escalates_is_to_be_heard);
    RUN_WITH_JUDGE(the_last_resort_wants_a_way_to_it);
    RUN_WITH_JUDGE(all_of_what_cannot_come);
    RUN_WITH_JUDGE(any_of_what_can_come);
    return check_result();
}
