/* SPDX-License-Identifier: Apache-2.0 */
/* Defining timers and operations: several metrics under one name. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "monitor/monitor.h"
#include "vagus/operation.h"

#define TIMER_MIN_NS 100.0
#define TIMER_MAX_NS 3.6e12

static struct vagus_metric_desc timer_desc(const struct vagus_metric_desc *given)
{
    struct vagus_metric_desc desc = *given;
    if (desc.min == 0 && desc.max == 0) {
        desc.min = TIMER_MIN_NS;
        desc.max = TIMER_MAX_NS;
    }
    if (desc.unit == NULL)
        desc.unit = "ns";
    return desc;
}

struct vagus_histogram vagus_timer_define(struct vagus_monitor *monitor,
                                          const struct vagus_metric_desc *desc)
{
    if (desc == NULL)
        return (struct vagus_histogram){0};
    struct vagus_metric_desc timer = timer_desc(desc);
    return vagus_histogram_define(monitor, &timer);
}

int64_t vagus__thread_cpu_ns(void)
{
    struct timespec used;
    return clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used) == 0
               ? used.tv_sec * VAGUS_SECOND_NS + used.tv_nsec
               : 0;
}

/* One of the metrics of an operation: "<name><suffix>". The index or negative, with *why. */
static int define_part(struct vagus_monitor *monitor, const struct vagus_metric_desc *operation,
                       const char *suffix, enum vagus_metric_kind kind, const char *unit,
                       const char *help, const char **why)
{
    char name[VAGUS_NAME_MAX];
    struct vagus_metric_desc desc = *operation;
    if ((size_t)snprintf(name, sizeof(name), "%s%s", operation->name, suffix) >= sizeof(name)) {
        *why = "with what is appended to its name this is longer than 63 characters";
        return VAGUS_EINVAL;
    }
    desc.name = name;
    desc.kind = kind;
    desc.unit = unit;
    desc.help = help;
    if (kind == VAGUS_HISTOGRAM) {
        desc = timer_desc(&desc);
    } else {
        desc.min = desc.max = 0;
        desc.resolution = 1;
    }
    /* How many are under way is made of how many began and ended. */
    return kind == VAGUS_GAUGE
               ? metrics_define_of(&monitor->metrics, &desc, VAGUS_SOURCE_DERIVED, why)
               : metrics_define(&monitor->metrics, &desc, METRIC_RECORDED, why);
}

static struct vagus_histogram histogram_at(const struct vagus_monitor *monitor, int index)
{
    const struct metric *metric = &monitor->metrics.entries[index];
    return (struct vagus_histogram){monitor->generation,  metric->index,
                                    metric->first,        metric->shape.buckets,
                                    metric->shape.origin, metric->shape.shift};
}

static int define_operation(struct vagus_monitor *monitor, const struct vagus_metric_desc *desc,
                            uint32_t flags, struct vagus_operation *operation, const char **why)
{
    int started = define_part(monitor, desc, ".started", VAGUS_COUNTER, "{operation}",
                              "how often it began", why);
    if (started < 0)
        return started;
    int errors =
        define_part(monitor, desc, ".errors", VAGUS_COUNTER, "{error}", "how often it failed", why);
    if (errors < 0)
        return errors;
    int duration =
        define_part(monitor, desc, ".duration", VAGUS_HISTOGRAM, NULL, "how long it took", why);
    if (duration < 0)
        return duration;
    int cpu = 0;
    if ((flags & VAGUS_OPERATION_CPU) != 0) {
        cpu = define_part(monitor, desc, ".cpu.time", VAGUS_HISTOGRAM, NULL,
                          "CPU time of its thread", why);
        if (cpu < 0)
            return cpu;
        operation->cpu = histogram_at(monitor, cpu);
    }
    int flight = define_part(monitor, desc, ".in_flight", VAGUS_GAUGE, "{operation}",
                             "begun and not ended", why);
    if (flight < 0)
        return flight;
    operation->started = (struct vagus_counter){monitor->generation, (uint32_t)started};
    operation->errors = (struct vagus_counter){monitor->generation, (uint32_t)errors};
    operation->duration = histogram_at(monitor, duration);
    *why = "there are 64 operations already";
    return metrics_flight_add(&monitor->metrics, (uint32_t)flight, (uint32_t)started,
                              (uint32_t)duration);
}

int vagus_operation_define(struct vagus_monitor *monitor, const struct vagus_metric_desc *desc,
                           uint32_t flags, struct vagus_operation *operation)
{
    struct vagus_operation made = {0};
    const char *why = NULL;
    if (operation == NULL)
        return VAGUS_EINVAL;
    *operation = made;
    if (monitor == NULL || desc == NULL || desc->name == NULL)
        return VAGUS_EINVAL;
    if (!monitor_enter(monitor))
        return VAGUS_ECLOSED;
    int error = define_operation(monitor, desc, flags, &made, &why);
    if (error != 0)
        monitor_note(monitor, SEGMENT_NOTE_REFUSED, "operation %.63s refused: %s", desc->name, why);
    monitor_leave();
    if (error == 0)
        *operation = made;
    return error;
}
