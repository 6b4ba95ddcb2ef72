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

void check_snapshot(struct check *check, const struct tree_node *root)
{
    const struct config_vocabulary *words = check->vocabulary;
    const struct tree_node *section = tree_member(root, "snapshot");
    const struct tree_node *list =
        section != NULL && section->kind == TREE_MAPPING ? tree_member(section, "metrics") : NULL;
    if (list == NULL || list->kind != TREE_SEQUENCE || words == NULL || words->near_metric == NULL)
        return;
    for (const struct tree_node *node = list->first; node != NULL; node = node->next) {
        struct notation notation;
        if (node->kind != TREE_SCALAR || !notation_parse(node->text, &notation) ||
            words->unit_of_metric(notation.name) != NULL || is_derived(root, notation.name))
            continue;
        const char *near = words->near_metric(notation.name);
        if (near != NULL)
            check_warning(check, node->place,
                          "metrics: no sense of vagus fills %s; is \"%s\" meant?",
                          quote(notation.name).text, near);
    }
}
