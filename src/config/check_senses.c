/* SPDX-License-Identifier: Apache-2.0 */
/* What a policy says of the senses together: on which tiers they come, and that nothing needs what
 * the filters leave out. And of who listens. */
#include <string.h>

#include "base/nearest.h"
#include "base/notation.h"
#include "base/text.h"
#include "config/cadence.h"
#include "config/check.h"
#include "config/filter.h"
#include "config/quote.h"

static const struct vagus_collector_desc *collector_named(const struct check *check,
                                                          const char *name)
{
    return check->vocabulary != NULL && check->vocabulary->collector != NULL
               ? check->vocabulary->collector(name)
               : NULL;
}

/* --- Tiers. --- */

struct tier_list {
    char text[40];
};

/* "1s, 10s or 60s". */
static struct tier_list tiers_from(unsigned quickest)
{
    struct tier_list list;
    struct text text;
    text_init(&text, list.text, sizeof(list.text));
    for (unsigned tier = quickest; tier < VAGUS_TIER_COUNT; tier++)
        text_addf(&text, "%s%s",
                  tier == quickest              ? ""
                  : tier + 1 < VAGUS_TIER_COUNT ? ", "
                                                : " or ",
                  schema_tiers[tier - 1]);
    return list;
}

static void refuse_quick(struct check *check, const struct tree_node *tier, const char *name,
                         unsigned quickest)
{
    if ((unsigned)tier->value.whole + 1 < quickest)
        check_fault(check, tier->place, "tier: %s cannot be had at %s; expected %s",
                    quote(name).text, quote_plain(tier->text).text, tiers_from(quickest).text);
}

/* Of one metric: false if no sense of vagus fills it. */
static bool check_tier_of_metric(struct check *check, const struct tree_node *name,
                                 const struct tree_node *tier)
{
    bool found = false;
    if (check->vocabulary == NULL || check->vocabulary->collectors == NULL)
        return true;
    for (size_t i = 0; check->vocabulary->collectors[i] != NULL; i++) {
        const char *whose = check->vocabulary->collectors[i];
        const struct vagus_collector_desc *desc = collector_named(check, whose);
        for (size_t j = 0; desc != NULL && j < desc->metric_count; j++) {
            if (strcmp(desc->metrics[j].name, name->text) != 0)
                continue;
            if (!found && cadence_is_limited(desc, j))
                check_fault(check, name->place,
                            "name: %s is read again near a limit, with all that goes with it; "
                            "name the collector, \"%s\"",
                            quote(name->text).text, whose);
            else if (!found && tier != NULL)
                refuse_quick(check, tier, name->text, cadence_tier(&desc->metrics[j]));
            found = true;
        }
    }
    return found;
}

void check_tier(struct check *check, struct tree_node *entry)
{
    const struct tree_node *name = check_valid_member(entry, "name");
    const struct tree_node *tier = check_valid_member(entry, "tier");
    if (name == NULL)
        return;
    const struct vagus_collector_desc *desc = collector_named(check, name->text);
    if (desc != NULL) {
        if (tier != NULL)
            refuse_quick(check, tier, name->text, cadence_quickest(desc));
        return;
    }
    if (check_tier_of_metric(check, name, tier))
        return;
    /* A program may bring senses of its own, which are not known here. */
    struct nearest nearest;
    nearest_init(&nearest, name->text);
    for (size_t i = 0; check->vocabulary->collectors[i] != NULL; i++) {
        nearest_offer(&nearest, check->vocabulary->collectors[i]);
        desc = collector_named(check, check->vocabulary->collectors[i]);
        for (size_t j = 0; desc != NULL && j < desc->metric_count; j++)
            nearest_offer(&nearest, desc->metrics[j].name);
    }
    if (check_is_own_metric(check, name->text))
        check_fault(check, name->place,
                    "name: %s is no sense's; its tier stands where it is defined",
                    quote(name->text).text);
    else if (nearest.best != NULL)
        check_warning(check, name->place,
                      "name: vagus has no collector or sensed metric %s; is \"%s\" meant?",
                      quote(name->text).text, nearest.best);
}

void check_tiers(struct check *check, const struct tree_node *list)
{
    check_names(check, list, "tier");
}

/* --- Listeners. --- */

void check_listeners(struct check *check, const struct tree_node *list)
{
    check_names(check, list, "listener");
}

/* --- Filters. --- */

struct filters {
    const struct tree_node *collectors, *patterns; /* lists, or NULL */
};

static const struct tree_node *list_of(const struct tree_node *mapping, const char *key)
{
    const struct tree_node *list = tree_member(mapping, key);
    return list != NULL && list->kind == TREE_SEQUENCE ? list : NULL;
}

static const struct tree_node *entry_of(const struct tree_node *list, const char *text)
{
    for (const struct tree_node *entry = list != NULL ? list->first : NULL; entry != NULL;
         entry = entry->next)
        if (entry->valid && strcmp(entry->text, text) == 0)
            return entry;
    return NULL;
}

/* The collector without which nothing fills the metric, or NULL: several may. */
static const struct tree_node *last_collector(const struct check *check,
                                              const struct filters *filters, const char *metric)
{
    const struct tree_node *out = NULL;
    if (filters->collectors == NULL || check->vocabulary == NULL ||
        check->vocabulary->collectors == NULL)
        return NULL;
    for (size_t i = 0; check->vocabulary->collectors[i] != NULL; i++) {
        const struct vagus_collector_desc *desc =
            collector_named(check, check->vocabulary->collectors[i]);
        for (size_t j = 0; desc != NULL && j < desc->metric_count; j++) {
            if (strcmp(desc->metrics[j].name, metric) != 0)
                continue;
            const struct tree_node *entry =
                entry_of(filters->collectors, check->vocabulary->collectors[i]);
            if (entry == NULL)
                return NULL;
            out = entry;
        }
    }
    return out;
}

static const struct tree_node *pattern_of(const struct filters *filters, const char *metric,
                                          const char *label, const char *instance)
{
    for (const struct tree_node *entry = filters->patterns != NULL ? filters->patterns->first
                                                                   : NULL;
         entry != NULL; entry = entry->next)
        if (entry->valid && filter_matches(entry->text, metric, label, instance))
            return entry;
    return NULL;
}

/* What somebody needs is there. */
static void check_needed(struct check *check, const struct filters *filters,
                         const struct tree_node *at, const char *key, const char *metric,
                         const char *instance)
{
    const struct vagus_metric_desc *sensed =
        check->vocabulary != NULL && check->vocabulary->metric != NULL
            ? check->vocabulary->metric(metric)
            : NULL;
    const char *label = sensed != NULL && sensed->label != NULL ? sensed->label : "";
    const struct tree_node *out = pattern_of(filters, metric, label, instance);
    if (check_is_own_metric(check, metric))
        return; /* no sense's */
    if (out == NULL)
        out = last_collector(check, filters, metric);
    if (out == NULL)
        return;
    if (at->of_preset)
        check_fault(check, at->place,
                    "the preset needs %s, which filters leave out as %s in line %u: disable what "
                    "needs it, too",
                    quote(metric).text, quote(out->text).text, out->place.line);
    else
        check_fault(check, at->place, "%s: %s is left out by filters, as %s in line %u", key,
                    quote(metric).text, quote(out->text).text, out->place.line);
}

static void check_needed_as_written(struct check *check, const struct filters *filters,
                                    const struct tree_node *at, const char *key)
{
    struct notation written;
    if (at->kind != TREE_SCALAR || !at->valid || !notation_parse(at->text, &written))
        return;
    check_needed(check, filters, at, key, written.name,
                 written.instance[0] != '\0' ? written.instance : NULL);
}

static void check_rule_needs(struct check *check, const struct filters *filters,
                             const struct tree_node *rule)
{
    const struct tree_node *metric = check_valid_member(rule, "metric");
    const struct tree_node *instance = check_valid_member(rule, "instance");
    const struct tree_node *optional = check_valid_member(rule, "optional");
    if (metric != NULL && (optional == NULL || !optional->value.truth))
        check_needed(check, filters, metric, "metric", metric->text,
                     instance != NULL ? instance->text : NULL);
}

/* A pattern that no sense of vagus has anything for. */
static void warn_pattern(struct check *check, const struct tree_node *pattern)
{
    if (check->vocabulary == NULL || check->vocabulary->collectors == NULL || !pattern->valid)
        return;
    char name[VAGUS_NAME_MAX];
    struct text text;
    struct nearest nearest;
    text_init(&text, name, sizeof(name));
    text_add_bytes(&text, pattern->text, strcspn(pattern->text, "{"));
    nearest_init(&nearest, name);
    for (size_t i = 0; check->vocabulary->collectors[i] != NULL; i++) {
        const struct vagus_collector_desc *desc =
            collector_named(check, check->vocabulary->collectors[i]);
        for (size_t j = 0; desc != NULL && j < desc->metric_count; j++)
            if (filter_matches(name, desc->metrics[j].name, "", NULL))
                return;
            else
                nearest_offer(&nearest, desc->metrics[j].name);
    }
    if (nearest.best != NULL)
        check_warning(check, pattern->place,
                      "without_metrics: no sense of vagus fills %s; is \"%s\" meant?",
                      quote(pattern->text).text, nearest.best);
    else if (!filter_matches(name, "vagus.collector.duration", "", NULL))
        check_warning(check, pattern->place, "without_metrics: no sense of vagus fills any %s",
                      quote(pattern->text).text);
}

void check_filters(struct check *check, const struct tree_node *root)
{
    const struct tree_node *section = tree_member(root, "filters");
    struct filters filters = {list_of(section, "without_collectors"),
                              list_of(section, "without_metrics")};
    if (filters.collectors == NULL && filters.patterns == NULL)
        return;
    const struct tree_node *rules = list_of(root, "rules"), *derived = list_of(root, "derived");
    const struct tree_node *budgets = list_of(root, "budgets");
    const struct tree_node *day = list_of(tree_member(root, "retention"), "day");
    const struct tree_node *shown = list_of(tree_member(root, "snapshot"), "metrics");
    for (const struct tree_node *one = rules != NULL ? rules->first : NULL; one != NULL;
         one = one->next)
        check_rule_needs(check, &filters, one);
    for (const struct tree_node *one = derived != NULL ? derived->first : NULL; one != NULL;
         one = one->next) {
        const struct tree_node *of = list_of(one, "of");
        for (const struct tree_node *input = of != NULL ? of->first : NULL; input != NULL;
             input = input->next)
            check_needed_as_written(check, &filters, input, "of");
    }
    for (const struct tree_node *one = budgets != NULL ? budgets->first : NULL; one != NULL;
         one = one->next) {
        const struct tree_node *live = check_valid_member(one, "live");
        if (live != NULL)
            check_needed(check, &filters, live, "live", live->text, NULL);
    }
    for (const struct tree_node *one = day != NULL ? day->first : NULL; one != NULL;
         one = one->next)
        check_needed_as_written(check, &filters, one, "day");
    for (const struct tree_node *one = shown != NULL ? shown->first : NULL; one != NULL;
         one = one->next)
        check_needed_as_written(check, &filters, one, "metrics");
    const struct tree_node *patterns = filters.patterns;
    for (const struct tree_node *one = patterns != NULL ? patterns->first : NULL; one != NULL;
         one = one->next)
        warn_pattern(check, one);
}
