/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics that the policy names for the snapshot: of one that nothing fills, which is meant. */
#include <string.h>

#include "base/notation.h"
#include "config/check.h"
#include "config/quote.h"

static bool is_derived(const struct tree_node *root, const char *name)
{
    const struct tree_node *list = tree_member(root, "derived");
    if (list == NULL || list->kind != TREE_SEQUENCE)
        return false;
    for (const struct tree_node *one = list->first; one != NULL; one = one->next) {
        const struct tree_node *own =
            one->kind == TREE_MAPPING ? check_valid_member(one, "name") : NULL;
        if (own != NULL && strcmp(own->text, name) == 0)
            return true;
    }
    return false;
}

/* One of several must be named, or it is none. */
static void check_instance(struct check *check, const struct tree_node *node,
                           const struct notation *notation)
{
    const struct vagus_metric_desc *desc =
        check->vocabulary->metric != NULL ? check->vocabulary->metric(notation->name) : NULL;
    if (desc != NULL && desc->instance != NULL && notation->inner[0] == '\0')
        check_warning(check, node->place,
                      "metrics: there are several %s: name one, as \"%s{%s=...}\"",
                      quote(notation->name).text, notation->name,
                      desc->label != NULL ? desc->label : "instance");
}

void check_snapshot(struct check *check, const struct tree_node *root)
{
    const struct config_vocabulary *words = check->vocabulary;
    const struct tree_node *section = tree_member(root, "snapshot");
    const struct tree_node *list =
        section != NULL && section->kind == TREE_MAPPING ? tree_member(section, "metrics") : NULL;
    if (list == NULL || list->kind != TREE_SEQUENCE || words == NULL ||
        words->near_metric == NULL || words->unit_of_metric == NULL)
        return;
    for (const struct tree_node *node = list->first; node != NULL; node = node->next) {
        struct notation notation;
        if (node->kind != TREE_SCALAR || !notation_parse(node->text, &notation) ||
            is_derived(root, notation.name))
            continue;
        check_instance(check, node, &notation);
        const char *near =
            words->unit_of_metric(notation.name) == NULL ? words->near_metric(notation.name) : NULL;
        if (near != NULL)
            check_warning(check, node->place,
                          "metrics: no sense of vagus fills %s; is \"%s\" meant?",
                          quote(notation.name).text, near);
    }
}
