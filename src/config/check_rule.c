/* SPDX-License-Identifier: Apache-2.0 */
/* What the keys of a rule say together. Only values that were understood are compared, so that one
 * slip is one fault. */
#include <string.h>

#include "base/nearest.h"
#include "config/check.h"
#include "config/quote.h"

static const char *const severities[] = {"throttle", "defer", "shutdown"};
#define SEVERITIES 3

/* True if `a` is further in the direction of trouble than `b`. */
static bool is_worse(bool below, const struct tree_node *a, const struct tree_node *b)
{
    return below ? a->value.number < b->value.number : a->value.number > b->value.number;
}

/* Checks one severity and returns its threshold, or NULL if there is none to compare with. */
static const struct tree_node *check_severity(struct check *check, const struct tree_node *severity)
{
    const struct tree_node *below = tree_member(severity, "below");
    const struct tree_node *above = tree_member(severity, "above");
    if (below == NULL && above == NULL) {
        check_fault(check, severity->key_place,
                    "%s needs \"below\" or \"above\": the value at which it is raised",
                    severity->key);
        return NULL;
    }
    if (below != NULL && above != NULL) {
        check_fault(check, above->key_place, "%s has both \"below\" and \"above\"; expected one",
                    severity->key);
        return NULL;
    }
    const struct tree_node *enter = below != NULL ? below : above;
    const struct tree_node *clear = check_valid_member(severity, "clear");
    const struct tree_node *full = check_valid_member(severity, "full");
    if (tree_member(severity, "clear") == NULL)
        check_fault(check, severity->key_place,
                    "a severity needs \"clear\": cleared when the measure is back at this value");
    if (!enter->valid)
        return NULL;
    if (clear != NULL && !is_worse(below != NULL, enter, clear))
        check_fault(check, clear->place,
                    "clear: %s can never end what is raised %s %s; expected a value %s it",
                    quote(clear->text).text, enter->key, quote_plain(enter->text).text,
                    below != NULL ? "above" : "below");
    if (full != NULL && !is_worse(below != NULL, full, enter))
        check_fault(check, full->place,
                    "full: %s is reached before it is raised %s %s; expected a value %s it",
                    quote(full->text).text, enter->key, quote_plain(enter->text).text, enter->key);
    return enter;
}

/* Each severity looks in the direction of the one before it, and begins no earlier. */
static void check_order(struct check *check, const struct tree_node *const enters[SEVERITIES])
{
    const struct tree_node *before = NULL;
    const char *before_name = NULL;
    for (size_t i = 0; i < SEVERITIES; i++) {
        const struct tree_node *enter = enters[i];
        if (enter == NULL)
            continue;
        bool below = strcmp(enter->key, "below") == 0;
        if (before != NULL && strcmp(enter->key, before->key) != 0)
            check_fault(check, enter->key_place,
                        "%s looks %s and %s looks %s; expected one direction in a rule",
                        severities[i], enter->key, before_name, before->key);
        else if (before != NULL && is_worse(below, before, enter))
            check_fault(check, enter->place,
                        "an impossible order: %s at %s comes before %s at %s, which is milder",
                        severities[i], quote_plain(enter->text).text, before_name,
                        quote_plain(before->text).text);
        before = enter;
        before_name = severities[i];
    }
}

/* A severity of a rule about rules has no thresholds: it is raised while they are. */
static void check_bare_severity(struct check *check, const struct tree_node *severity)
{
    static const char *const keys[] = {"below", "above", "clear", "full"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const struct tree_node *node = tree_member(severity, keys[i]);
        if (node != NULL)
            check_fault(check, node->key_place,
                        "\"%s\" has no meaning in a rule about rules: it is raised while they are",
                        keys[i]);
    }
}

/* What goes with `all` and `any`, and with nothing else. */
static void check_about(struct check *check, const struct tree_node *rule, bool about_rules)
{
    static const char *const needed[2][2] = {
        {"metric", "which metric it judges"},
        {"of", "the rules that it is about, which stand before it"},
    };
    const struct tree_node *metric = tree_member(rule, "metric"), *of = tree_member(rule, "of");
    if ((about_rules ? of : metric) == NULL)
        check_fault(check, rule->place, "a rule needs \"%s\": %s", needed[about_rules][0],
                    needed[about_rules][1]);
    if (about_rules && metric != NULL)
        check_fault(check, metric->key_place, "\"metric\" has no meaning in a rule about rules");
    if (!about_rules && of != NULL)
        check_fault(check, of->key_place, "\"of\" goes with the kinds \"all\" and \"any\" alone");
    if (about_rules && tree_member(rule, "resource") == NULL)
        check_fault(check, rule->place,
                    "a rule about rules needs \"resource\": whose signals it raises");
}

void check_rule(struct check *check, const struct tree_node *rule, enum vagus_measure measures)
{
    const struct tree_node *enters[SEVERITIES] = {NULL};
    bool any = false, about_rules = measures == VAGUS_MEASURES_PARTS;
    check_about(check, rule, about_rules);
    for (size_t i = 0; i < SEVERITIES; i++) {
        const struct tree_node *severity = tree_member(rule, severities[i]);
        any = any || severity != NULL;
        if (severity == NULL || severity->kind != TREE_MAPPING)
            continue;
        if (about_rules)
            check_bare_severity(check, severity);
        else
            enters[i] = check_severity(check, severity);
    }
    if (!any)
        check_fault(
            check, rule->place,
            "a rule needs \"throttle\", \"defer\" or \"shutdown\": else it signals nothing");
    check_order(check, enters);
}

/* The parts of a rule about rules stand before it, so that none can be about itself. */
void check_parts(struct check *check, const struct tree_node *rules)
{
    for (const struct tree_node *rule = rules->first; rule != NULL; rule = rule->next) {
        const struct tree_node *of = tree_member(rule, "of");
        if (of == NULL || of->kind != TREE_SEQUENCE)
            continue;
        for (const struct tree_node *part = of->first; part != NULL; part = part->next) {
            struct nearest nearest;
            const struct tree_node *other = rules->first, *name = NULL;
            if (!part->valid)
                continue;
            nearest_init(&nearest, part->text);
            for (; other != rule; other = other->next) {
                name = check_valid_member(other, "name");
                if (name != NULL && strcmp(name->text, part->text) == 0)
                    break;
                if (name != NULL)
                    nearest_offer(&nearest, name->text);
            }
            if (other == rule && rule->of_preset)
                check_fault(check, part->place,
                            "the preset's rule %s is about %s, which is not there: disable both",
                            quote(tree_member(rule, "name")->text).text, quote(part->text).text);
            else if (other == rule)
                check_fault(check, part->place, "of: no rule %s stands before this one%s%s%s",
                            quote(part->text).text, nearest.best != NULL ? ", did you mean \"" : "",
                            nearest.best != NULL ? nearest.best : "",
                            nearest.best != NULL ? "\"?" : "");
        }
    }
}
