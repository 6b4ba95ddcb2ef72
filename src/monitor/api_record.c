/* SPDX-License-Identifier: Apache-2.0 */
/* Recording by name: what is known goes straight to the cells; what is not is defined on first use
 * where the policy allows it, else counted, and named in health once with the name that is nearest.
 */
#include <string.h>

#include "base/nearest.h"
#include "monitor/monitor.h"

static bool has_prefix(const char *name, char *const *prefixes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

/* True if it is defined now. Bounded: whoever makes names up cannot fill the registry. */
static bool define_on_first_use(struct vagus_monitor *monitor, const char *name)
{
    const struct vagus_config *config = monitor->config;
    struct vagus_metric_desc desc = {.name = name};
    const char *why;
    if (has_prefix(name, config->first_use_counters, config->first_use_counter_count))
        desc.kind = VAGUS_COUNTER;
    else if (has_prefix(name, config->first_use_gauges, config->first_use_gauge_count))
        desc.kind = VAGUS_GAUGE;
    else
        return false;
    if (metrics_find(&monitor->metrics, name, NULL) < 0 &&
        __atomic_fetch_add(&monitor->first_used, 1, __ATOMIC_RELAXED) >= config->first_use_max) {
        __atomic_store_n(&monitor->first_used, config->first_use_max, __ATOMIC_RELAXED);
        return false;
    }
    return metrics_define(&monitor->metrics, &desc, METRIC_RECORDED, &why) >= 0;
}

static void note_unknown(struct vagus_monitor *monitor, const char *name)
{
    const struct metrics *metrics = &monitor->metrics;
    struct nearest nearest;
    if (metrics_find(metrics, name, NULL) >= 0) {
        monitor_note(monitor, SEGMENT_NOTE_WARNING,
                     "metric %.63s is recorded by name, but it is sensed", name);
        return;
    }
    nearest_init(&nearest, name);
    for (uint32_t i = 0; i < metrics_count(metrics); i++)
        if (metrics->entries[i].source == METRIC_RECORDED)
            nearest_offer(&nearest, metrics_describe(metrics, i)->name);
    if (nearest.best != NULL)
        monitor_note(monitor, SEGMENT_NOTE_WARNING,
                     "metric %.63s is recorded, but not defined: did you mean %s?", name,
                     nearest.best);
    else
        monitor_note(monitor, SEGMENT_NOTE_WARNING, "metric %.63s is recorded, but not defined",
                     name);
}

#define UNKNOWN_MAX (sizeof(((struct vagus_monitor *)NULL)->unknown) / sizeof(uint64_t))

/* True if health names it already, or names so many that it has no room for more. */
static bool is_told(struct vagus_monitor *monitor, uint64_t hash)
{
    size_t i = 0;
    uint64_t there = 0;
    while (i < UNKNOWN_MAX &&
           (there = __atomic_load_n(&monitor->unknown[i], __ATOMIC_RELAXED)) != 0 && there != hash)
        i++;
    return i == UNKNOWN_MAX || there == hash;
}

/* False if it was told already. */
static bool tell(struct vagus_monitor *monitor, uint64_t hash)
{
    for (size_t i = 0; i < UNKNOWN_MAX; i++) {
        uint64_t there = 0;
        if (__atomic_compare_exchange_n(&monitor->unknown[i], &there, hash, false, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED))
            return true;
        if (there == hash)
            return false;
    }
    return false;
}

static void record_unknown(struct vagus_monitor *monitor, uint32_t generation, const char *name,
                           double value)
{
    uint64_t hash = cells_hash(name) | 1;
    bool defined = false;
    if (!is_told(monitor, hash) && monitor_enter(monitor)) {
        defined = define_on_first_use(monitor, name);
        if (!defined && tell(monitor, hash))
            note_unknown(monitor, name);
        monitor_leave();
    }
    if (!defined || !cells_record(generation, name, value))
        cells_drop();
}

void vagus_record(struct vagus_monitor *monitor, const char *name, double value)
{
    struct vagus_monitor *first = monitor_at(0);
    if (monitor < first || monitor >= first + VAGUS__DOORS || name == NULL) {
        cells_drop();
        return;
    }
    uint32_t generation = __atomic_load_n(&monitor->generation, __ATOMIC_RELAXED);
    if (VAGUS_UNLIKELY(!cells_record(generation, name, value)))
        record_unknown(monitor, generation, name, value);
}
