/* SPDX-License-Identifier: Apache-2.0 */
/* The check of a tree against the schema. It finds every fault, and leaves in each scalar's node
 * what its text means. */
#ifndef CONFIG_CHECK_H
#define CONFIG_CHECK_H

#include "base/quantity.h"
#include "config/config.h"
#include "config/schema.h"
#include "config/tree.h"
#include "vagus/metric.h"
#include "vagus/rule.h"

struct check {
    const struct config_vocabulary *vocabulary; /* may be NULL */
    struct vagus_fault_list *faults;            /* may be NULL */
    /* Of the thresholds of the rule at hand. */
    bool unit_known; /* a sense of vagus fills the metric */
    bool dimension_known;
    enum dimension dimension;
    bool per_second; /* "/s" may follow */
    /* Of the metric itself. */
    bool of_preset; /* the entry at hand stands in a preset: no warnings */
    bool metric_known;
    enum dimension metric_dimension;
    const struct tree_node *root; /* to look up what other keys say */
    unsigned near_looked_up;      /* metrics whose nearest name was sought */
    struct vagus_metric_desc described;
};

/* The whole tree; faults say what is wrong with it. */
void check_policy(struct check *check, struct tree_node *root);

/* The keys of a mapping, and what stands below them. */
void check_mapping(struct check *check, const struct schema *schema,
                   const struct tree_node *mapping);

/* One scalar; node->valid says whether it was understood. Defaults come in this way too. */
void check_scalar(struct check *check, const struct schema_key *key, struct tree_node *node);

/* What the keys of a rule say together: thresholds in a possible order, each with a way back. */
void check_rule(struct check *check, const struct tree_node *rule, enum vagus_measure measures);

/* Rules about rules name others that stand before them. */
void check_parts(struct check *check, const struct tree_node *rules);

/* What the kind of a rule makes of its metric. */
enum vagus_measure check_measures(const struct check *check, const struct tree_node *rule);

/* No two of a list have one name. `what` they are: "rule". */
void check_names(struct check *check, const struct tree_node *list, const char *what);

/* The member of that key, if it is there and was understood; else NULL. */
const struct tree_node *check_valid_member(const struct tree_node *mapping, const char *key);

/* What the keys of each derived metric, and all of them, say together. */
void check_derived(struct check *check, const struct tree_node *list);

/* The same of budgets. */
void check_budget(struct check *check, const struct tree_node *budget);

/* What the policy says of a metric, and what a sense does under this policy; else NULL. Until the
 * next call. */
const struct vagus_metric_desc *check_metric_named(struct check *check, const char *name);
/* True if the policy itself makes it. */
bool check_is_own_metric(const struct check *check, const char *name);

/* The metrics of the agent, one and all; the tiers; who listens. */
void check_metric_begin(struct check *check, const struct tree_node *metric);
void check_metric_end(struct check *check, struct tree_node *metric);
void check_metrics(struct check *check, const struct tree_node *list);
void check_tier(struct check *check, struct tree_node *tier);
void check_tiers(struct check *check, const struct tree_node *list);
void check_listeners(struct check *check, const struct tree_node *list);

/* Nothing needs what the filters leave out. */
void check_filters(struct check *check, const struct tree_node *root);

/* Modes and the transitions between them: each can be reached and left. */
void check_modes(struct check *check, const struct tree_node *root);

/* The metrics that the snapshot is to show. */
void check_snapshot(struct check *check, const struct tree_node *root);

/* Warnings about times that a metric's tier, or other times, make meaningless. */
void check_timing(struct check *check, const struct tree_node *rule, enum vagus_measure measures);
void check_budget_timing(struct check *check, const struct tree_node *budget);
/* Rules that say the same; of a policy without faults. */
void check_twins(struct check *check, const struct tree_node *root);

void check_fault(struct check *check, struct tree_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void check_warning(struct check *check, struct tree_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
