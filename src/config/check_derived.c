/* SPDX-License-Identifier: Apache-2.0 */
/* What the keys of a derived metric say together, and what all of them do. */
#include <string.h>

#include "config/check.h"
#include "config/config.h"
#include "config/quote.h"

static const char *inputs_wanted(const char *how, uint32_t count)
{
    if (strcmp(how, "rate") == 0 || strcmp(how, "age") == 0)
        return count == 1 ? NULL : "exactly one";
    if (strcmp(how, "sum") == 0)
        return NULL;
    return count == 2 ? NULL : "exactly two";
}

static void check_inputs(struct check *check, const struct tree_node *derived)
{
    const struct tree_node *how = tree_member(derived, "kind"), *of = tree_member(derived, "of");
    const struct tree_node *name = tree_member(derived, "name");
    if (how == NULL || of == NULL || how->kind != TREE_SCALAR || of->kind != TREE_SEQUENCE)
        return; /* told already */
    const char *wanted = inputs_wanted(how->text, of->count);
    if (wanted != NULL)
        check_fault(check, of->place, "of: %u metrics; a %s is made of %s", of->count,
                    quote(how->text).text, wanted);
    for (const struct tree_node *input = of->first; input != NULL; input = input->next)
        if (name != NULL && name->kind == TREE_SCALAR && input->kind == TREE_SCALAR &&
            strcmp(name->text, input->text) == 0)
            check_fault(check, input->place, "of: %s would be made of itself",
                        quote(name->text).text);
}

void check_derived(struct check *check, const struct tree_node *list)
{
    for (const struct tree_node *one = list->first; one != NULL; one = one->next)
        if (one->kind == TREE_MAPPING)
            check_inputs(check, one);
    check_names(check, list, "derived metric");
}
