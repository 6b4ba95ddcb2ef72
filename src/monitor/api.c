/* SPDX-License-Identifier: Apache-2.0 */
/* The public calls on an open monitor: each enters it, does its one thing, and leaves. */
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "monitor/monitor.h"

/* Fills *metric and *generation and returns true, or names in health what was refused. */
static bool define(struct vagus_monitor *monitor, const struct vagus_metric_desc *given,
                   enum vagus_metric_kind kind, uint32_t *generation, struct metric *metric)
{
    const char *why = NULL;
    char name[VAGUS_NAME_MAX];
    if (monitor == NULL || given == NULL || !monitor_enter(monitor))
        return false;
    struct vagus_metric_desc desc = *given;
    desc.kind = kind; /* what the call says counts */
    int index = metrics_define(&monitor->metrics, &desc, METRIC_RECORDED, &why);
    text_copy(name, sizeof(name), desc.name != NULL ? desc.name : "(no name)");
    if (index < 0)
        monitor_note(monitor, SEGMENT_NOTE_REFUSED, "metric %s refused: %s", name, why);
    else if (why != NULL)
        monitor_note(monitor, SEGMENT_NOTE_WARNING, "metric %s: %s", name, why);
    if (index >= 0) {
        *metric = monitor->metrics.entries[index];
        *generation = monitor->generation;
    }
    monitor_leave();
    return index >= 0;
}

struct vagus_counter vagus_counter_define(struct vagus_monitor *monitor,
                                          const struct vagus_metric_desc *desc)
{
    struct metric metric;
    uint32_t generation;
    return define(monitor, desc, VAGUS_COUNTER, &generation, &metric)
               ? (struct vagus_counter){generation, metric.index}
               : (struct vagus_counter){0, 0};
}

struct vagus_gauge vagus_gauge_define(struct vagus_monitor *monitor,
                                      const struct vagus_metric_desc *desc)
{
    struct metric metric;
    uint32_t generation;
    return define(monitor, desc, VAGUS_GAUGE, &generation, &metric)
               ? (struct vagus_gauge){generation, metric.index}
               : (struct vagus_gauge){0, 0};
}

struct vagus_histogram vagus_histogram_define(struct vagus_monitor *monitor,
                                              const struct vagus_metric_desc *desc)
{
    struct metric metric;
    uint32_t generation;
    if (!define(monitor, desc, VAGUS_HISTOGRAM, &generation, &metric))
        return (struct vagus_histogram){0};
    return (struct vagus_histogram){generation,           metric.index,        metric.first,
                                    metric.shape.buckets, metric.shape.origin, metric.shape.shift};
}

int vagus_reading_get(struct vagus_monitor *monitor, const char *name, const char *instance,
                      struct vagus_reading *reading)
{
    if (monitor == NULL || name == NULL || reading == NULL)
        return VAGUS_EINVAL;
    if (!monitor_enter(monitor))
        return VAGUS_ECLOSED;
    int index = instance != NULL ? metrics_find(&monitor->metrics, name, instance)
                                 : metrics_find_written(&monitor->metrics, name);
    int error = index < 0 ? index : 0;
    if (index >= 0) {
        struct segment_reader reader;
        uint64_t got = 0;
        segment_attach_own(&monitor->segment, &reader);
        error =
            segment_read_entries(&reader, SEGMENT_VALUES, (uint64_t)index, 1, reading, &got, NULL);
        if (error == 0 && got == 0)
            error = VAGUS_EAGAIN; /* defined since the newest tick */
    }
    monitor_leave();
    return error;
}

int vagus_listener_add(struct vagus_monitor *monitor, const struct vagus_listener_desc *desc,
                       struct vagus_listener *listener)
{
    struct vagus_listener made;
    if (monitor == NULL || desc == NULL)
        return VAGUS_EINVAL;
    if (!monitor_enter(monitor))
        return VAGUS_ECLOSED;
    int error = bus_listener_add(monitor->bus, desc, &made);
    monitor_leave();
    if (error == 0 && listener != NULL)
        *listener = made;
    return error;
}

int vagus_listener_remove(struct vagus_listener listener)
{
    struct vagus_monitor *monitor = monitor_enter_generation(listener.generation);
    if (monitor == NULL)
        return VAGUS_ENOENT;
    struct bus_farewell farewell;
    int error = bus_listener_remove(monitor->bus, listener, &farewell);
    monitor_leave();
    bus_bid(&farewell); /* the host's code: it may fork, or close the monitor */
    return error;
}

int vagus_listener_fd(struct vagus_listener listener)
{
    struct vagus_monitor *monitor = monitor_enter_generation(listener.generation);
    if (monitor == NULL)
        return VAGUS_ENOENT;
    int fd = bus_listener_fd(monitor->bus, listener);
    monitor_leave();
    return fd;
}

int vagus_listener_next(struct vagus_listener listener, struct vagus_signal *signal)
{
    if (signal == NULL)
        return VAGUS_EINVAL;
    struct vagus_monitor *monitor = monitor_enter_generation(listener.generation);
    if (monitor == NULL)
        return VAGUS_ENOENT;
    int error = bus_listener_next(monitor->bus, listener, signal);
    monitor_leave();
    return error;
}

int vagus_signal_acknowledge(struct vagus_listener listener, uint64_t sequence, double released)
{
    struct vagus_monitor *monitor = monitor_enter_generation(listener.generation);
    if (monitor == NULL)
        return VAGUS_ENOENT;
    int error = bus_acknowledge(monitor->bus, listener, sequence, released);
    monitor_leave();
    return error;
}

double vagus_signal_level(const struct vagus_monitor *monitor, uint32_t kinds)
{
    return monitor == NULL ? 0
                           : bus_level(__atomic_load_n(&monitor->levels, __ATOMIC_RELAXED), kinds);
}

int vagus_snapshot_copy(struct vagus_monitor *monitor, struct vagus_system_snapshot *snapshot,
                        size_t size)
{
    if (monitor == NULL || snapshot == NULL || size < SNAPSHOT_BYTES_MIN || size % 8 != 0)
        return VAGUS_EINVAL;
    uint32_t life = __atomic_load_n(&monitor->life, __ATOMIC_ACQUIRE);
    if (life != MONITOR_STARTED && life != MONITOR_OPEN)
        return VAGUS_ECLOSED;
    size_t known = size < sizeof(*snapshot) ? size : sizeof(*snapshot);
    int error = segment_snapshot_copy(&monitor->published, snapshot, known);
    if (error == 0 && size > known)
        memset((char *)snapshot + known, 0, size - known);
    return error;
}

int vagus_wiring_check(struct vagus_monitor *monitor, struct vagus_fault_list *faults)
{
    if (monitor == NULL)
        return VAGUS_EINVAL;
    if (!monitor_enter(monitor))
        return VAGUS_ECLOSED;
    pthread_mutex_lock(&monitor->step_lock); /* held over no host's code */
    fault_list_init(faults, "wiring");
    int64_t now_ns = clock_now_ns(&monitor->clock);
    int64_t since_ns = monitor->started_ns != 0 ? monitor->started_ns : now_ns;
    unsigned unwired = monitor_prove(monitor, now_ns, since_ns, faults);
    pthread_mutex_unlock(&monitor->step_lock);
    monitor_leave();
    return unwired > 0 ? VAGUS_EUNWIRED : 0;
}
