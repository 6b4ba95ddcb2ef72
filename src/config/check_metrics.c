/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics that the agent records, as the policy says them; and what any metric is under this
 * policy, for who judges it. */
#include <string.h>

#include "config/cadence.h"
#include "config/check.h"
#include "config/quote.h"

static const char *text_of(const struct tree_node *mapping, const char *key)
{
    const struct tree_node *node = tree_member(mapping, key);
    return node != NULL && node->kind == TREE_SCALAR ? node->text : NULL;
}

static const struct tree_node *named(const struct check *check, const char *list, const char *name)
{
    const struct tree_node *entries = tree_member(check->root, list);
    if (entries == NULL || entries->kind != TREE_SEQUENCE)
        return NULL;
    for (const struct tree_node *entry = entries->first; entry != NULL; entry = entry->next) {
        const char *its = text_of(entry, "name");
        if (its != NULL && strcmp(its, name) == 0)
            return entry;
    }
    return NULL;
}

bool check_is_own_metric(const struct check *check, const char *name)
{
    return named(check, "metrics", name) != NULL || named(check, "derived", name) != NULL;
}

static enum vagus_tier tier_of(const struct tree_node *entry)
{
    const struct tree_node *tier = check_valid_member(entry, "tier");
    return tier != NULL ? (enum vagus_tier)(tier->value.whole + 1) : VAGUS_TIER_1S;
}

static const char *unit_of(const struct tree_node *metric)
{
    const char *unit = text_of(metric, "unit"), *kind = text_of(metric, "kind");
    if (unit != NULL)
        return unit;
    return kind != NULL && strcmp(kind, "gauge") != 0 ? "{count}" : "1";
}

static double number_of(const struct tree_node *metric, const char *key)
{
    const struct tree_node *node = check_valid_member(metric, key);
    return node != NULL ? node->value.number : 0;
}

/* The quickest of the collectors that fill it, as the policy sets them. */
static enum vagus_tier sensed_tier(const struct check *check, const char *name,
                                   enum vagus_tier tier)
{
    const struct tree_node *tiers = tree_member(check->root, "tiers");
    const struct tree_node *own = named(check, "tiers", name);
    if (own != NULL)
        return tier_of(own);
    if (tiers == NULL || tiers->kind != TREE_SEQUENCE || check->vocabulary->collector == NULL)
        return tier;
    for (const struct tree_node *entry = tiers->first; entry != NULL; entry = entry->next) {
        const struct tree_node *whose = check_valid_member(entry, "name");
        const struct vagus_collector_desc *desc =
            whose != NULL ? check->vocabulary->collector(whose->text) : NULL;
        for (size_t i = 0; desc != NULL && i < desc->metric_count; i++)
            if (strcmp(desc->metrics[i].name, name) == 0)
                tier = (enum vagus_tier)cadence_moved(desc, i, tier_of(entry));
    }
    return tier;
}

const struct vagus_metric_desc *check_metric_named(struct check *check, const char *name)
{
    struct vagus_metric_desc *described = &check->described;
    const struct tree_node *metric = named(check, "metrics", name);
    const struct tree_node *derived = named(check, "derived", name);
    if (metric != NULL) {
        *described = (struct vagus_metric_desc){.name = name,
                                                .unit = unit_of(metric),
                                                .tier = tier_of(metric),
                                                .resolution = number_of(metric, "resolution")};
        return described;
    }
    if (derived != NULL) {
        const char *unit = text_of(derived, "unit");
        *described = (struct vagus_metric_desc){
            .name = name, .unit = unit != NULL ? unit : "1", .tier = tier_of(derived)};
        return described;
    }
    const struct vagus_metric_desc *sensed =
        check->vocabulary != NULL && check->vocabulary->metric != NULL
            ? check->vocabulary->metric(name)
            : NULL;
    if (sensed == NULL)
        return NULL;
    *described = *sensed;
    described->tier = sensed_tier(check, name, sensed->tier);
    return described;
}

/* Its bounds and its resolution are written in its unit. */
void check_metric_begin(struct check *check, const struct tree_node *metric)
{
    check->unit_known = check->per_second = false; /* it may be negative */
    check->dimension_known = true;
    check->dimension = dimension_of_unit(unit_of(metric));
}

static void check_bounds(struct check *check, const struct tree_node *metric)
{
    const struct tree_node *least = check_valid_member(metric, "min");
    const struct tree_node *most = check_valid_member(metric, "max");
    if (tree_member(metric, "min") != NULL && tree_member(metric, "max") == NULL)
        check_fault(check, tree_member(metric, "min")->key_place,
                    "\"min\" goes with \"max\": without both there are no bounds");
    if (most != NULL && most->value.number <= (least != NULL ? least->value.number : 0))
        check_fault(check, most->place, "max: %s is not above min, which is %s",
                    quote(most->text).text, least != NULL ? quote_plain(least->text).text : "0");
    const struct tree_node *resolution = check_valid_member(metric, "resolution");
    if (resolution != NULL && resolution->value.number < 0)
        check_fault(check, resolution->place, "resolution: %s is negative",
                    quote(resolution->text).text);
}

void check_metric_end(struct check *check, struct tree_node *metric)
{
    const struct tree_node *name = check_valid_member(metric, "name");
    const char *kind = text_of(metric, "kind");
    check_bounds(check, metric);
    if (kind != NULL && strcmp(kind, "histogram") == 0 && number_of(metric, "max") != 0 &&
        number_of(metric, "min") <= 0)
        check_fault(check, tree_member(metric, "max")->place,
                    "max: a histogram with bounds begins above 0; give \"min\", too");
    if (name != NULL && check->vocabulary != NULL && check->vocabulary->metric != NULL &&
        check->vocabulary->metric(name->text) != NULL)
        check_fault(check, name->place, "name: %s is what a sense of vagus fills",
                    quote(name->text).text);
}

void check_metrics(struct check *check, const struct tree_node *list)
{
    check_names(check, list, "metric");
    for (const struct tree_node *one = list->first; one != NULL; one = one->next) {
        const struct tree_node *name = check_valid_member(one, "name");
        const struct tree_node *derived = name != NULL ? named(check, "derived", name->text) : NULL;
        if (derived != NULL)
            check_fault(check, name->place,
                        "name: %s is derived in line %u; it is one or the other",
                        quote(name->text).text, derived->place.line);
    }
}
