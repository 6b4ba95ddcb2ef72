/* SPDX-License-Identifier: Apache-2.0 */
/* What a policy is checked against, and the public check of a policy file: config knows the form,
 * judge the rule kinds, sense the metrics. */
#include <string.h>

#include "base/nearest.h"
#include "monitor/monitor.h"
#include "vagus/policy.h"

/* Of the built-in senses: those that a program adds are not known before it runs. */
static const char *unit_of_metric(const char *name)
{
    for (size_t i = 0; sense_builtin[i] != NULL; i++)
        for (size_t j = 0; j < sense_builtin[i]->metric_count; j++) {
            const struct vagus_metric_desc *metric = &sense_builtin[i]->metrics[j];
            if (strcmp(metric->name, name) == 0)
                return metric->unit != NULL ? metric->unit : "1";
        }
    return NULL;
}

static const char *near_metric(const char *name)
{
    struct nearest nearest;
    nearest_init(&nearest, name);
    for (size_t i = 0; sense_builtin[i] != NULL; i++)
        for (size_t j = 0; j < sense_builtin[i]->metric_count; j++)
            nearest_offer(&nearest, sense_builtin[i]->metrics[j].name);
    return nearest.best;
}

static int measures(const char *kind)
{
    const struct vagus_rule_kind *found = judge_kind(kind);
    return found != NULL ? (int)found->measures : VAGUS_MEASURES_METRIC;
}

const struct config_vocabulary monitor_vocabulary = {judge_kind_names, measures, unit_of_metric,
                                                     near_metric};

int vagus_policy_check(const char *path, struct vagus_fault_list *faults, uint32_t *rules)
{
    struct vagus_config *config = NULL;
    if (path == NULL)
        return VAGUS_EINVAL;
    int error = config_load(path, NULL, &monitor_vocabulary, faults, &config);
    if (error == 0 && rules != NULL)
        *rules = config->rule_count;
    config_free(config);
    return error;
}
