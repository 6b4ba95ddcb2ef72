/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's own metrics that the policy defines, so that its rules and the code agree on them. */
#include <string.h>

#include "base/fault.h"
#include "monitor/monitor.h"

void recorded_know(struct vagus_monitor *monitor)
{
    for (uint32_t i = 0; i < monitor->config->metric_count; i++)
        metrics_template_add(&monitor->metrics, &monitor->config->metrics[i]);
}

/* A program's collectors had their turn: one that fills a metric of this name stands. */
static void define_all(struct vagus_monitor *monitor, const struct vagus_config *config)
{
    for (uint32_t i = 0; i < config->metric_count; i++) {
        const char *why = "";
        if (metrics_template_define(&monitor->metrics, &config->metrics[i], &why) != 0)
            monitor_note(monitor, SEGMENT_NOTE_REFUSED, "metric %s of the policy refused: %s",
                         config->metrics[i].name, why);
    }
}

void recorded_define(struct vagus_monitor *monitor)
{
    define_all(monitor, monitor->config);
}

static const struct config_metric *metric_named(const struct vagus_config *config, const char *name)
{
    for (uint32_t i = 0; i < config->metric_count; i++)
        if (strcmp(config->metrics[i].name, name) == 0)
            return &config->metrics[i];
    return NULL;
}

static void warn(struct vagus_fault_list *faults, const char *name, uint32_t line, const char *why)
{
    fault_add(faults, &(struct fault_at){.code = VAGUS_EPOLICY, .line = line, .warning = true},
              "metric %s: %s", name, why);
}

static int refuse(struct vagus_fault_list *faults, const struct config_metric *metric, int error,
                  const char *why)
{
    fault_add(faults, &(struct fault_at){.code = error, .line = metric->line}, "metric %s: %s",
              metric->name, why);
    return error;
}

/* Code may have defined it before. */
static bool contradicts(const struct vagus_monitor *monitor, const struct config_metric *wanted)
{
    int index = metrics_find(&monitor->metrics, wanted->name, NULL);
    if (index < 0)
        return false;
    const struct metric *there = &monitor->metrics.entries[index];
    return there->source != METRIC_RECORDED || there->kind != wanted->kind + 1;
}

int recorded_check(struct vagus_monitor *monitor, const struct vagus_config *config,
                   struct vagus_fault_list *faults)
{
    const struct metrics *metrics = &monitor->metrics;
    const struct vagus_config *before = reload_config(monitor);
    uint32_t room = METRICS_TEMPLATES_MAX - metrics->template_count;
    uint32_t left = metrics->capacity - metrics_count(metrics);
    for (uint32_t i = 0; i < config->metric_count; i++) {
        const struct config_metric *wanted = &config->metrics[i];
        int there = metrics_template_find(metrics, wanted);
        if (there == VAGUS_EEXIST)
            warn(faults, wanted->name, wanted->line,
                 "it stays as it was defined first; what changed takes effect at the next start");
        if (there != VAGUS_ENOENT)
            continue;
        if (contradicts(monitor, wanted))
            return refuse(faults, wanted, VAGUS_EEXIST,
                          "it is there already, as another kind or not recorded by the agent");
        if (room == 0 || left == 0)
            return refuse(faults, wanted, VAGUS_EFULL, "there is no room for more metrics");
        room--;
        left--;
    }
    for (uint32_t i = 0; i < before->metric_count; i++)
        if (metric_named(config, before->metrics[i].name) == NULL)
            warn(faults, before->metrics[i].name, 0,
                 "it is no longer in the policy, and goes on as it was until the next start");
    return 0;
}

void recorded_take(struct vagus_monitor *monitor, const struct vagus_config *config)
{
    for (uint32_t i = 0; i < config->metric_count; i++)
        metrics_template_add(&monitor->metrics, &config->metrics[i]);
    define_all(monitor, config);
}
