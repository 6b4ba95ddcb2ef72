/* SPDX-License-Identifier: Apache-2.0 */
/* The public check of a policy file: config knows the form, judge knows the rule kinds. */
#include "config/config.h"
#include "judge/judge.h"
#include "vagus/policy.h"

int vagus_policy_check(const char *path, struct vagus_fault_list *faults, uint32_t *rules)
{
    const struct config_vocabulary vocabulary = {.kinds = judge_kind_names};
    struct vagus_config *config = NULL;
    if (path == NULL)
        return VAGUS_EINVAL;
    int error = config_load(path, NULL, &vocabulary, faults, &config);
    if (error == 0 && rules != NULL)
        *rules = config->rule_count;
    config_free(config);
    return error;
}
