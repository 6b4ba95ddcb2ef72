/* SPDX-License-Identifier: Apache-2.0 */
/* Which organs there are, and how much of each is used up. */
#include "report/organs.h"

#include <math.h>
#include <string.h>

#include "report/findings.h"

struct list {
    const struct report *report;
    int64_t as_of_ns;
    struct report_organ *organs;
    uint32_t count;
};

static bool is_ok(const struct list *list, const struct vagus_reading *reading)
{
    return vagus_reading_state(reading, list->as_of_ns) == VAGUS_STATE_OK;
}

static bool has_value(const struct list *list, const struct vagus_reading *reading)
{
    return is_ok(list, reading) ||
           vagus_reading_state(reading, list->as_of_ns) == VAGUS_STATE_STALE;
}

static bool was_sensed(const struct list *list, const struct vagus_reading *reading)
{
    return vagus_reading_state(reading, list->as_of_ns) != VAGUS_STATE_NEVER;
}

static struct report_organ *add(struct list *list, const char *name,
                                const struct vagus_reading *foremost, double used_ratio,
                                unsigned spark)
{
    struct report_organ *organ = &list->organs[list->count++];
    const struct report_spark *its = &list->report->sparks[spark];
    *organ = (struct report_organ){.name = name,
                                   .instance = "",
                                   .shared = true,
                                   .used_ratio = NAN,
                                   .foremost = *foremost,
                                   .unit = its->unit,
                                   .spark = its->known ? its->values : NULL};
    if (has_value(list, foremost) && isfinite(used_ratio))
        organ->used_ratio = used_ratio;
    return organ;
}

static double quotient(const struct vagus_reading *part, const struct vagus_reading *whole)
{
    return whole->value > 0 ? part->value / whole->value : NAN;
}

static void add_memory(struct list *list)
{
    const struct vagus_snapshot_memory *memory = &list->report->snapshot.memory;
    if (is_ok(list, &memory->headroom_ratio) || !is_ok(list, &memory->usage))
        add(list, "memory", &memory->headroom_ratio, 1 - memory->headroom_ratio.value,
            REPORT_SPARK_MEMORY);
    else
        add(list, "memory", &memory->usage, quotient(&memory->usage, &memory->limit),
            REPORT_SPARK_MEMORY);
}

static void add_gpus(struct list *list)
{
    const struct vagus_system_snapshot *snapshot = &list->report->snapshot;
    for (uint32_t i = 0; i < snapshot->gpu_count && i < VAGUS_SNAPSHOT_GPUS; i++) {
        const struct vagus_snapshot_gpu *gpu = &snapshot->gpus[i];
        const struct vagus_reading *foremost = &gpu->memory_utilization;
        double used_ratio = foremost->value;
        if (!is_ok(list, foremost) && is_ok(list, &gpu->memory_usage)) {
            foremost = &gpu->memory_usage;
            used_ratio = quotient(foremost, &gpu->memory_limit);
        } else if (!was_sensed(list, foremost)) {
            foremost = &gpu->utilization;
        }
        struct report_organ *organ = add(list, "gpu", foremost, used_ratio, REPORT_SPARK_GPUS + i);
        organ->instance = gpu->device;
        organ->number = i;
    }
}

static void add_paths(struct list *list)
{
    const struct vagus_system_snapshot *snapshot = &list->report->snapshot;
    for (uint32_t i = 0; i < snapshot->path_count && i < VAGUS_SNAPSHOT_PATHS; i++) {
        const struct vagus_snapshot_path *path = &snapshot->paths[i];
        struct report_organ *organ = add(list, "disk", &path->free_ratio,
                                         1 - path->free_ratio.value, REPORT_SPARK_PATHS + i);
        organ->instance = path->path;
        organ->number = i;
    }
}

static void add_network(struct list *list)
{
    const struct vagus_snapshot_network *network = &list->report->snapshot.network;
    const struct vagus_reading *foremost = &network->receive_rate;
    if (!is_ok(list, foremost) && was_sensed(list, &network->established))
        foremost = &network->established;
    if (was_sensed(list, foremost))
        add(list, "network", foremost, NAN, REPORT_SPARK_NETWORK)->shared = false;
}

static void add_agent(struct list *list)
{
    const struct vagus_snapshot_agent *agent = &list->report->snapshot.agent;
    const struct vagus_reading *counters[] = {
        &agent->tokens.total,     &agent->messages.total, &agent->thoughts.total,
        &agent->tool_calls.total, &agent->errors.total,   &agent->cost.total,
        &agent->tasks_active,     &agent->progress_age,   &agent->deferrals.total,
        &agent->queue_saturation, &agent->context_used,
    };
    const struct vagus_reading *fullest = NULL,
                               *shares[] = {&agent->context_used, &agent->queue_saturation};
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++)
        if (is_ok(list, shares[i]) && (fullest == NULL || shares[i]->value > fullest->value))
            fullest = shares[i];
    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
        if (!was_sensed(list, counters[i]))
            continue; /* not defined, so not missed */
        struct report_organ *organ =
            add(list, "agent", fullest != NULL ? fullest : counters[i],
                fullest != NULL ? fullest->value : NAN, REPORT_SPARK_AGENT);
        organ->shared = fullest != NULL;
        return;
    }
}

uint32_t report_organs(const struct report *report, int64_t as_of_ns,
                       struct report_organ organs[REPORT_ORGANS_MAX])
{
    const struct vagus_snapshot_cpu *cpu = &report->snapshot.cpu;
    const struct vagus_snapshot_process *process = &report->snapshot.process;
    struct list list = {.report = report, .as_of_ns = as_of_ns, .organs = organs};
    add_memory(&list);
    add(&list, "cpu", &cpu->process_utilization, cpu->process_utilization.value, REPORT_SPARK_CPU);
    add_gpus(&list);
    add_paths(&list);
    add_network(&list);
    add(&list, "process", &process->descriptors,
        quotient(&process->descriptors, &process->descriptors_limit), REPORT_SPARK_PROCESS);
    add_agent(&list);
    return list.count;
}

void report_add_worst_organ(const struct report *report, int64_t as_of_ns, struct text *text)
{
    struct report_organ organs[REPORT_ORGANS_MAX], *worst = NULL;
    uint32_t count = report_organs(report, as_of_ns, organs);
    const char *raised =
        report_raised_count(report) > 0 ? report->snapshot.signals[0].resource : "";
    bool worst_raised = false;
    for (uint32_t i = 0; i < count; i++) {
        bool is_raised = strncmp(organs[i].name, raised, VAGUS_RESOURCE_MAX) == 0;
        if (vagus_reading_state(&organs[i].foremost, as_of_ns) != VAGUS_STATE_OK ||
            !isfinite(organs[i].used_ratio) || (worst_raised && !is_raised))
            continue;
        if (worst == NULL || is_raised > worst_raised || organs[i].used_ratio > worst->used_ratio) {
            worst = &organs[i];
            worst_raised = is_raised;
        }
    }
    if (worst == NULL)
        return;
    text_add(text, worst->name);
    if (worst->instance[0] != '\0') {
        text_add(text, " ");
        text_add_safe(text, worst->instance, VAGUS_INSTANCE_MAX);
    }
    text_add(text, " ");
    text_add_value(text, worst->used_ratio, "1");
}
