/* SPDX-License-Identifier: Apache-2.0 */
/* Warnings: what may be said and is hardly meant. Times are held against how often the metric has a
 * value, thresholds against how finely it is kept, rules against each other. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "config/check.h"
#include "config/normal.h"
#include "config/quote.h"
#include "vagus/budget.h"
#include "vagus/metric.h"

/* The sampler forgets what left a budget's window at its steps, no oftener than this. */
#define STEP_NS (100 * VAGUS_MILLISECOND_NS)
#define COOLDOWN_LONG_NS (3600 * VAGUS_SECOND_NS)

static const int64_t periods_ns[VAGUS_TIER_COUNT] = {
    [VAGUS_TIER_DEFAULT] = VAGUS_SECOND_NS,          [VAGUS_TIER_INSTANT] = 0,
    [VAGUS_TIER_100MS] = 100 * VAGUS_MILLISECOND_NS, [VAGUS_TIER_1S] = VAGUS_SECOND_NS,
    [VAGUS_TIER_10S] = 10 * VAGUS_SECOND_NS,         [VAGUS_TIER_60S] = 60 * VAGUS_SECOND_NS,
};

struct shown {
    char text[40];
};

static struct shown duration(int64_t ns)
{
    struct shown shown;
    struct text text;
    text_init(&text, shown.text, sizeof(shown.text));
    text_add_duration(&text, ns);
    return shown;
}

static struct shown value(double number, const char *unit)
{
    struct shown shown;
    struct text text;
    text_init(&text, shown.text, sizeof(shown.text));
    text_add_value(&text, number, unit != NULL ? unit : "1");
    return shown;
}

/* A time that is given, is not 0, and is shorter than this. */
static const struct tree_node *shorter(const struct tree_node *mapping, const char *key,
                                       int64_t than_ns)
{
    const struct tree_node *node = check_valid_member(mapping, key);
    return node != NULL && node->value.whole > 0 && node->value.whole < than_ns ? node : NULL;
}

/* What the proof of wiring says of a monitor that runs, said beforehand. */
static void warn_reach(struct check *check, const struct tree_node *enter, bool below,
                       const struct vagus_metric_desc *metric)
{
    if (!(metric->min < metric->max) ||
        (below ? enter->value.number > metric->min : enter->value.number < metric->max))
        return;
    check_warning(check, enter->place, "%s: %s does not go %s %s, so this is never raised",
                  below ? "below" : "above", metric->name, below ? "below" : "above",
                  value(below ? metric->min : metric->max, metric->unit).text);
}

static void warn_severity(struct check *check, const struct tree_node *severity,
                          const struct vagus_metric_desc *metric, bool of_metric)
{
    static const char *const runs[] = {"for", "clear_for"};
    int64_t period_ns = periods_ns[metric->tier];
    for (size_t i = 0; i < 2; i++) {
        const struct tree_node *run = shorter(severity, runs[i], period_ns);
        if (run != NULL)
            check_warning(check, run->place,
                          "%s: %s has a value each %s, so a single one decides; write %s or more, "
                          "or leave it out",
                          runs[i], metric->name, duration(period_ns).text,
                          duration(period_ns).text);
    }
    const struct tree_node *below = check_valid_member(severity, "below");
    const struct tree_node *enter = below != NULL ? below : check_valid_member(severity, "above");
    const struct tree_node *clear = check_valid_member(severity, "clear");
    if (of_metric && enter != NULL)
        warn_reach(check, enter, below != NULL, metric);
    if (!of_metric || enter == NULL || clear == NULL || !(metric->resolution > 0))
        return;
    double gap = fabs(enter->value.number - clear->value.number);
    if (gap < metric->resolution)
        check_warning(check, clear->place,
                      "clear: %s is kept to %s, and %s lies nearer to %s: the signal will flap; "
                      "move them apart",
                      metric->name, value(metric->resolution, metric->unit).text,
                      quote_plain(clear->text).text, quote_plain(enter->text).text);
}

/* How often the metric has a value, against what the rule waits for. */
static void warn_tier(struct check *check, const struct tree_node *rule,
                      const struct vagus_metric_desc *metric, enum vagus_measure measures)
{
    static const char *const severities[] = {"throttle", "defer", "shutdown"};
    const struct tree_node *stat = check_valid_member(rule, "stat");
    const struct tree_node *window = check_valid_member(rule, "window");
    bool level = measures == VAGUS_MEASURES_METRIC;
    bool last = level && (stat == NULL || stat->value.whole == VAGUS_STAT_LAST);
    bool of_metric = level && (stat == NULL || stat->value.whole <= VAGUS_STAT_MEAN ||
                               stat->value.whole >= VAGUS_STAT_P50);
    int64_t period_ns = periods_ns[metric->tier];
    int64_t window_ns = window != NULL ? window->value.whole : 2 * VAGUS_SECOND_NS;
    if (!last && measures != VAGUS_MEASURES_TIME && window_ns < period_ns)
        check_warning(check, window != NULL ? window->place : rule->place,
                      "window: %s has a value each %s, and this one is %s: it holds one at most; "
                      "write %s or more",
                      metric->name, duration(period_ns).text, duration(window_ns).text,
                      duration(2 * period_ns).text);
    const struct tree_node *age = shorter(rule, "max_age", period_ns);
    if (age != NULL)
        check_warning(check, age->place,
                      "max_age: %s has a value each %s, so it would be missing most of the time; "
                      "write %s or more",
                      metric->name, duration(period_ns).text, duration(2 * period_ns).text);
    const struct tree_node *relief = shorter(rule, "relief_within", period_ns);
    if (relief != NULL)
        check_warning(check, relief->place,
                      "relief_within: %s has a value each %s, so none can show relief by then; "
                      "write %s or more",
                      metric->name, duration(period_ns).text, duration(2 * period_ns).text);
    for (size_t i = 0; i < 3; i++) {
        const struct tree_node *severity = tree_member(rule, severities[i]);
        if (severity != NULL && severity->kind == TREE_MAPPING)
            warn_severity(check, severity, metric, of_metric);
    }
}

void check_timing(struct check *check, const struct tree_node *rule, enum vagus_measure measures)
{
    const struct tree_node *name = check_valid_member(rule, "metric");
    const struct vagus_metric_desc *metric =
        name != NULL ? check_metric_named(check, name->text) : NULL;
    if (metric != NULL && metric->tier < VAGUS_TIER_COUNT)
        warn_tier(check, rule, metric, measures);

    const struct tree_node *hold = check_valid_member(rule, "min_hold");
    const struct tree_node *escalate = check_valid_member(rule, "escalate_after");
    const struct tree_node *cooldown = check_valid_member(rule, "cooldown");
    if (hold != NULL && escalate != NULL && escalate->value.whole > 0 &&
        hold->value.whole >= escalate->value.whole)
        check_warning(check, escalate->place,
                      "escalate_after: min_hold keeps every signal for %s, so every one escalates; "
                      "write more than that",
                      duration(hold->value.whole).text);
    if (cooldown != NULL && cooldown->value.whole > COOLDOWN_LONG_NS &&
        tree_member(rule, "shutdown") != NULL)
        check_warning(
            check, cooldown->place,
            "cooldown: it holds for shutdown too, which would not come again for %s; give "
            "shutdown a rule of its own",
            duration(cooldown->value.whole).text);
}

void check_budget_timing(struct check *check, const struct tree_node *budget)
{
    const struct tree_node *window = shorter(budget, "window", VAGUS_BUDGET_BUCKETS * STEP_NS);
    if (window != NULL)
        check_warning(check, window->place,
                      "window: a sixtieth of %s is less than the %s between two looks, so spending "
                      "is forgotten in lumps; write %s or more",
                      quote_plain(window->text).text, duration(STEP_NS).text,
                      duration(VAGUS_BUDGET_BUCKETS * STEP_NS).text);
}

void check_twins(struct check *check, const struct tree_node *root)
{
    const struct tree_node *rules = tree_member(root, "rules");
    for (struct tree_node *rule = rules != NULL ? rules->first : NULL; rule != NULL;
         rule = rule->next) {
        rule->content = normal_content(&schema_rule, rule, "name");
        for (const struct tree_node *other = rules->first; other != rule; other = other->next) {
            if (other->content != rule->content)
                continue;
            check->of_preset = rule->of_preset;
            check_warning(check, rule->place,
                          "%s judges exactly as %s in line %u does: remove one of them",
                          quote(tree_member(rule, "name")->text).text,
                          quote(tree_member(other, "name")->text).text, other->place.line);
            break;
        }
    }
}
