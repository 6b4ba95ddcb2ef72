/* SPDX-License-Identifier: Apache-2.0 */
/* The walk over the tree with the schema in hand: keys, shapes, what is missing. */
#include "config/check.h"

#include <string.h>

#include "base/fault.h"
#include "base/nearest.h"
#include "config/quote.h"
#include "vagus/metric.h"

#define NEAR_LOOK_UPS_MAX 16

__attribute__((format(printf, 4, 0))) static void add_fault(struct check *check,
                                                            struct tree_place place, bool warning,
                                                            const char *format, va_list arguments)
{
    char buffer[2 * sizeof(((struct vagus_fault *)NULL)->text)]; /* cut, and said so, there */
    struct text text;
    text_init(&text, buffer, sizeof(buffer));
    text_addv(&text, format, arguments);
    fault_add(
        check->faults,
        &(struct fault_at){
            .code = VAGUS_EPOLICY, .line = place.line, .column = place.column, .warning = warning},
        "%s", buffer);
}

void check_fault(struct check *check, struct tree_place place, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_fault(check, place, false, format, arguments);
    va_end(arguments);
}

void check_warning(struct check *check, struct tree_place place, const char *format, ...)
{
    va_list arguments;
    if (check->of_preset)
        return; /* who extends it cannot change it */
    va_start(arguments, format);
    add_fault(check, place, true, format, arguments);
    va_end(arguments);
}

const struct tree_node *check_valid_member(const struct tree_node *mapping, const char *key)
{
    const struct tree_node *node = tree_member(mapping, key);
    return node != NULL && node->valid ? node : NULL;
}

void check_names(struct check *check, const struct tree_node *list, const char *what)
{
    for (const struct tree_node *one = list->first; one != NULL; one = one->next) {
        const struct tree_node *name = check_valid_member(one, "name");
        for (const struct tree_node *other = list->first; name != NULL && other != one;
             other = other->next) {
            const struct tree_node *other_name = check_valid_member(other, "name");
            if (other_name == NULL || strcmp(name->text, other_name->text) != 0)
                continue;
            check_fault(check, name->place, "name: %s is taken by the %s in line %u",
                        quote(name->text).text, what, other_name->place.line);
            break;
        }
    }
}

static const char *shape(const struct tree_node *node)
{
    return node->kind == TREE_MAPPING    ? "a mapping (key: value)"
           : node->kind == TREE_SEQUENCE ? "a list (- entry)"
                                         : "a single value";
}

/* True if the node has the kind that is wanted; else says what it is instead. */
static bool is_shaped(struct check *check, const char *what, const struct tree_node *node,
                      enum tree_kind wanted)
{
    if (node->kind == TREE_REFUSED)
        return false;
    if (node->kind == wanted)
        return true;
    const char *expected = shape(&(struct tree_node){.kind = wanted});
    if (node->kind == TREE_SCALAR)
        check_fault(check, node->place, "%s: %s is a single value; expected %s", what,
                    quote(node->text).text, expected);
    else
        check_fault(check, node->place, "%s: this is %s; expected %s", what, shape(node), expected);
    return false;
}

/* Edit distances are for those faults alone that somebody will see. */
static bool is_shown(const struct check *check)
{
    return check->faults != NULL && check->faults->count < VAGUS_FAULTS_MAX;
}

static void unknown_key(struct check *check, const struct schema *schema,
                        const struct tree_node *node)
{
    struct nearest nearest;
    nearest_init(&nearest, node->key);
    char list[400]; /* a fault is cut, and says so */
    struct text text;
    text_init(&text, list, sizeof(list));
    for (size_t i = 0; is_shown(check) && i < schema->count; i++) {
        if (schema->keys[i].type >= SCHEMA_PRESENT)
            continue;
        nearest_offer(&nearest, schema->keys[i].name);
        text_addf(&text, "%s%s", text.length > 0 ? ", " : "", schema->keys[i].name);
    }
    if (nearest.best != NULL)
        check_fault(check, node->key_place, "%s is no key of %s, did you mean \"%s\"?",
                    quote(node->key).text, schema->what, nearest.best);
    else
        check_fault(check, node->key_place, "%s is no key of %s; expected %s",
                    quote(node->key).text, schema->what, list);
}

static void check_texts(struct check *check, const struct schema_key *key, struct tree_node *list)
{
    static const enum schema_type types[] = {
        [SCHEMA_PATHS] = SCHEMA_TEXT,       [SCHEMA_METRICS] = SCHEMA_METRIC,
        [SCHEMA_PATTERNS] = SCHEMA_PATTERN, [SCHEMA_SENSES] = SCHEMA_SENSE,
        [SCHEMA_CHOICES] = SCHEMA_CHOICE,   [SCHEMA_NAMES] = SCHEMA_NAME,
    };
    const struct schema_key entry = {.name = key->name,
                                     .type = types[key->type],
                                     .least = 1,
                                     .most = VAGUS_INSTANCE_MAX - 1,
                                     .of = key->of};
    for (struct tree_node *node = list->first; node != NULL; node = node->next) {
        if (!is_shaped(check, key->name, node, TREE_SCALAR))
            continue;
        check_scalar(check, &entry, node);
        for (const struct tree_node *other = list->first; other != node; other = other->next)
            if (other->kind == TREE_SCALAR && strcmp(other->text, node->text) == 0)
                check_fault(check, node->place, "%s: %s is given twice: first in line %u",
                            key->name, quote(node->text).text, other->place.line);
    }
}

static const char *text_of(const struct tree_node *mapping, const char *key)
{
    const struct tree_node *node = tree_member(mapping, key);
    return node != NULL && node->kind == TREE_SCALAR ? node->text : NULL;
}

static bool is_one_of(const char *word, const char *a, const char *b)
{
    return word != NULL && (strcmp(word, a) == 0 || strcmp(word, b) == 0);
}

enum vagus_measure check_measures(const struct check *check, const struct tree_node *rule)
{
    const char *kind = text_of(rule, "kind");
    return kind != NULL && check->vocabulary != NULL && check->vocabulary->measures != NULL
               ? (enum vagus_measure)check->vocabulary->measures(kind)
               : VAGUS_MEASURES_METRIC;
}

static const char *unit_of(struct check *check, const char *metric)
{
    const struct vagus_metric_desc *own =
        check_is_own_metric(check, metric) ? check_metric_named(check, metric) : NULL;
    if (own != NULL)
        return own->unit;
    return check->vocabulary != NULL && check->vocabulary->unit_of_metric != NULL
               ? check->vocabulary->unit_of_metric(metric)
               : NULL;
}

/* The dimension of the thresholds is that of what the kind makes of the metric; where the metric is
 * not known here, the one that they are written in. */
static void begin_rule(struct check *check, const struct tree_node *rule)
{
    const char *metric = text_of(rule, "metric"), *stat = text_of(rule, "stat");
    const char *unit = metric != NULL ? unit_of(check, metric) : NULL;
    enum vagus_measure measures = check_measures(check, rule);
    check->unit_known = check->metric_known = check->dimension_known = unit != NULL;
    check->dimension = check->metric_dimension = dimension_of_unit(unit);
    check->per_second = measures == VAGUS_MEASURES_RATE ||
                        (measures == VAGUS_MEASURES_METRIC && is_one_of(stat, "rate", "slope"));
    if (measures == VAGUS_MEASURES_METRIC || measures == VAGUS_MEASURES_RATE) {
        if (!is_one_of(stat, "count", "count"))
            return;
        measures = VAGUS_MEASURES_NUMBER;
    }
    check->dimension_known = true;
    check->dimension = measures == VAGUS_MEASURES_TIME ? DIMENSION_TIME : DIMENSION_NUMBER;
}

/* A metric that vagus or OpenTelemetry has and this one nearly is. A policy with a thousand names
 * of its own would be compared with each of theirs, so the first few must do. */
static const char *near_metric(struct check *check, const char *name)
{
    if (check->vocabulary == NULL || check->vocabulary->near_metric == NULL ||
        check_is_own_metric(check, name) || check->near_looked_up == NEAR_LOOK_UPS_MAX)
        return NULL;
    check->near_looked_up++;
    return check->vocabulary->near_metric(name);
}

static void end_rule(struct check *check, struct tree_node *rule)
{
    const struct tree_node *metric = tree_member(rule, "metric");
    rule->value.whole = check->dimension_known ? (int64_t)check->dimension + 1 : 0;
    check_rule(check, rule, check_measures(check, rule));
    check_timing(check, rule, check_measures(check, rule));
    const char *near = !check->unit_known && metric != NULL && metric->kind == TREE_SCALAR
                           ? near_metric(check, metric->text)
                           : NULL;
    if (near != NULL)
        check_warning(check, metric->place, "metric: no sense of vagus fills %s; is \"%s\" meant?",
                      quote(metric->text).text, near);
}

static void check_rules(struct check *check, const struct tree_node *list)
{
    check_names(check, list, "rule");
    check_parts(check, list);
}

static void end_budget(struct check *check, struct tree_node *budget)
{
    check_budget(check, budget);
    check_budget_timing(check, budget);
}

static void check_budgets(struct check *check, const struct tree_node *list)
{
    check_names(check, list, "budget");
}

/* What is to be done for each entry of a list besides looking at its keys, and for all of them. */
static const struct list_check {
    const struct schema *schema;
    void (*begin)(struct check *check, const struct tree_node *entry);
    void (*end)(struct check *check, struct tree_node *entry);
    void (*all)(struct check *check, const struct tree_node *list);
} list_checks[] = {
    {&schema_rule, begin_rule, end_rule, check_rules},
    {&schema_derived, NULL, NULL, check_derived},
    {&schema_budget, NULL, end_budget, check_budgets},
    {&schema_recorded, check_metric_begin, check_metric_end, check_metrics},
    {&schema_tier, NULL, check_tier, check_tiers},
    {&schema_listener, NULL, NULL, check_listeners},
};

static void check_many(struct check *check, const struct schema *schema, struct tree_node *list)
{
    static const struct list_check none;
    const struct list_check *more = &none;
    for (size_t i = 0; i < sizeof(list_checks) / sizeof(list_checks[0]); i++)
        if (list_checks[i].schema == schema)
            more = &list_checks[i];
    for (struct tree_node *entry = list->first; entry != NULL; entry = entry->next) {
        if (!is_shaped(check, schema->what, entry, TREE_MAPPING))
            continue;
        check->of_preset = entry->of_preset;
        if (more->begin != NULL)
            more->begin(check, entry);
        check_mapping(check, schema, entry);
        if (more->end != NULL)
            more->end(check, entry);
    }
    check->of_preset = false;
    if (more->all != NULL)
        more->all(check, list);
}

static void check_list(struct check *check, const struct schema_key *key, struct tree_node *node)
{
    if (!is_shaped(check, key->name, node, TREE_SEQUENCE))
        return;
    if (node->count < key->least || node->count > key->most) {
        check_fault(check, node->place, "%s: %u entries; expected %.0f to %.0f", key->name,
                    node->count, key->least, key->most);
        return;
    }
    if (key->type == SCHEMA_MANY)
        check_many(check, key->of, node);
    else
        check_texts(check, key, node);
}

static void check_member(struct check *check, const struct schema *schema, struct tree_node *node)
{
    const struct schema_key *key = schema_find(schema, node->key);
    if (key == NULL) {
        unknown_key(check, schema, node);
        return;
    }
    switch (key->type) {
    case SCHEMA_SECTION:
    case SCHEMA_PART:
        if (is_shaped(check, key->name, node, TREE_MAPPING))
            check_mapping(check, key->of, node);
        break;
    case SCHEMA_PATHS:
    case SCHEMA_METRICS:
    case SCHEMA_PATTERNS:
    case SCHEMA_SENSES:
    case SCHEMA_CHOICES:
    case SCHEMA_NAMES:
    case SCHEMA_MANY:
        check_list(check, key, node);
        break;
    case SCHEMA_ANY:
        break;
    default:
        if (is_shaped(check, key->name, node, TREE_SCALAR))
            check_scalar(check, key, node);
    }
}

void check_mapping(struct check *check, const struct schema *schema,
                   const struct tree_node *mapping)
{
    for (struct tree_node *node = mapping->first; node != NULL; node = node->next)
        check_member(check, schema, node);
    for (size_t i = 0; i < schema->count; i++) {
        const struct schema_key *key = &schema->keys[i];
        if (key->absent == schema_required && tree_member(mapping, key->name) == NULL)
            check_fault(check, mapping->key != NULL ? mapping->key_place : mapping->place,
                        "%s needs \"%s\": %s", schema->what, key->name, key->help);
    }
}

void check_policy(struct check *check, struct tree_node *root)
{
    bool empty = root == NULL || (root->kind == TREE_SCALAR && root->text[0] == '\0');
    if (empty) {
        check_fault(check, root != NULL ? root->place : (struct tree_place){1, 1},
                    "the policy is empty; expected at least \"rules:\"");
        return;
    }
    if (!is_shaped(check, schema_policy.what, root, TREE_MAPPING))
        return;
    check->root = root;
    tree_bring_first(root, "tiers");
    tree_bring_first(root, "metrics"); /* rules are read with what is said of both */
    check_mapping(check, &schema_policy, root);
    check_modes(check, root);
    check_snapshot(check, root);
    check_filters(check, root);
    const struct tree_node *rules = tree_member(root, "rules");
    bool none = rules == NULL || (rules->kind == TREE_SEQUENCE && rules->count == 0);
    if (none && tree_member(root, "extends") == NULL)
        check_warning(check, rules != NULL ? rules->place : root->place,
                      "there are no rules: nothing will ever be signalled");
}
