/* SPDX-License-Identifier: Apache-2.0 */
/* What a policy is checked against, and the public check of a policy file: config knows the form,
 * judge the rule kinds, sense the metrics. */
#include <string.h>

#include "base/nearest.h"
#include "monitor/monitor.h"
#include "vagus/agent.h"
#include "vagus/policy.h"

/* Of the built-in senses: those that a program adds are not known before it runs. */
static const struct vagus_metric_desc *metric_named(const char *name)
{
    for (size_t i = 0; sense_builtin[i] != NULL; i++)
        for (size_t j = 0; j < sense_builtin[i]->metric_count; j++)
            if (strcmp(sense_builtin[i]->metrics[j].name, name) == 0)
                return &sense_builtin[i]->metrics[j];
    return NULL;
}

static const char *unit_of_metric(const char *name)
{
    const struct vagus_metric_desc *metric = metric_named(name);
    return metric == NULL ? NULL : metric->unit != NULL ? metric->unit : "1";
}

/* What agents define under a name that is agreed on: vagus_agent_define() and OpenTelemetry. */
static const char *const agreed_names[] = {
#define NAME(member, name, unit, help) name,
    VAGUS_AGENT_COUNTERS(NAME) VAGUS_AGENT_GAUGES(NAME)
#undef NAME
        "agent.progress.age",
    "continuity.starts",
    "continuity.deaths",
    "continuity.deaths.hour",
    "continuity.deaths.day",
    "continuity.online",
    "hw.temperature",
    "hw.battery.charge",
};

#define SLIP_MAX 2

static const char *near_metric(const char *name)
{
    struct nearest nearest, agreed;
    nearest_init(&nearest, name);
    nearest_init(&agreed, name);
    for (size_t i = 0; i < sizeof(agreed_names) / sizeof(agreed_names[0]); i++) {
        if (strcmp(agreed_names[i], name) == 0)
            return NULL;
        nearest_offer(&agreed, agreed_names[i]);
    }
    for (size_t i = 0; sense_builtin[i] != NULL; i++)
        for (size_t j = 0; j < sense_builtin[i]->metric_count; j++)
            nearest_offer(&nearest, sense_builtin[i]->metrics[j].name);
    /* An agent has names of its own: there only a slip of the pen is one. */
    return nearest.best != NULL ? nearest.best : agreed.distance <= SLIP_MAX ? agreed.best : NULL;
}

static const char *const collector_names[] = {
#define VAGUS_COLLECTOR(name) #name,
#define VAGUS_COLLECTOR_OF_PATHS VAGUS_COLLECTOR
#include "../../collectors/collectors.def"
#undef VAGUS_COLLECTOR
#undef VAGUS_COLLECTOR_OF_PATHS
    NULL,
};

static const struct vagus_collector_desc *collector_named(const char *name)
{
    for (size_t i = 0; sense_builtin[i] != NULL; i++)
        if (strcmp(sense_builtin[i]->name, name) == 0)
            return sense_builtin[i];
    return NULL;
}

static int measures(const char *kind)
{
    const struct vagus_rule_kind *found = judge_kind(kind);
    return found != NULL ? (int)found->measures : VAGUS_MEASURES_METRIC;
}

const struct config_vocabulary monitor_vocabulary = {
    .kinds = judge_kind_names,
    .measures = measures,
    .unit_of_metric = unit_of_metric,
    .near_metric = near_metric,
    .metric = metric_named,
    .collectors = collector_names,
    .collector = collector_named,
};

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
