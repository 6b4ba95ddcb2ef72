/* SPDX-License-Identifier: Apache-2.0 */
/* The table of rule kinds, from policies/policies.def. */
#include <string.h>

#include "judge/judge.h"

#define VAGUS_RULE_KIND(name) extern const struct vagus_rule_kind vagus__rule_kind_##name;
#include "policies/policies.def"
#undef VAGUS_RULE_KIND

#define VAGUS_RULE_KIND(name) &vagus__rule_kind_##name,
const struct vagus_rule_kind *const judge_kinds[] = {
#include "policies/policies.def"
    NULL};
#undef VAGUS_RULE_KIND

#define VAGUS_RULE_KIND(name) #name,
const char *const judge_kind_names[] = {
#include "policies/policies.def"
    NULL};
#undef VAGUS_RULE_KIND

const struct vagus_rule_kind *judge_kind(const char *name)
{
    for (size_t i = 0; judge_kinds[i] != NULL; i++)
        if (strcmp(judge_kinds[i]->name, name) == 0)
            return judge_kinds[i];
    return NULL;
}
