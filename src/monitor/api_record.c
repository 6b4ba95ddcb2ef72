/* SPDX-License-Identifier: Apache-2.0 */
/* Recording by name: what is known goes straight to the cells; what is not is defined on first use
 * where the policy allows it, else counted, and named in health once with the name that is nearest.
 */
#include <string.h>

#include "base/nearest.h"
#include "base/notation.h"
#include "monitor/monitor.h"

static bool has_prefix(const char *name, char *const *prefixes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

/* The index of what is defined now, or negative. Bounded: whoever makes names up cannot fill the
 * registry, and a name has only so many instances, after which it is that of "other". */
static int define_on_first_use(struct vagus_monitor *monitor, const struct notation *written)
{
    const struct vagus_config *config = monitor->config;
    struct metrics *metrics = &monitor->metrics;
    struct vagus_metric_desc desc = {.name = written->name};
    const char *why;
    const struct metrics_template *made = metrics_template(metrics, written->name);
    if (made != NULL)
        desc.kind = made->kind;
    else if (has_prefix(written->name, config->first_use_counters, config->first_use_counter_count))
        desc.kind = VAGUS_COUNTER;
    else if (has_prefix(written->name, config->first_use_gauges, config->first_use_gauge_count))
        desc.kind = VAGUS_GAUGE;
    else
        return VAGUS_ENOENT;
    if (written->inner[0] != '\0')
        desc.instance = written->label[0] != '\0' ? written->instance : written->inner;
    if (written->label[0] != '\0')
        desc.label = written->label;
    if (made != NULL) { /* the policy names it */
        bool called_so = strcmp(written->label, made->label) == 0;
        return written->inner[0] == '\0' || written->label[0] == '\0' || called_so
                   ? metrics_define(metrics, &desc, METRIC_RECORDED, &why)
                   : VAGUS_ENOENT;
    }
    if (__atomic_fetch_add(&monitor->first_used, 1, __ATOMIC_RELAXED) >= config->first_use_max) {
        __atomic_fetch_sub(&monitor->first_used, 1, __ATOMIC_RELAXED);
        return VAGUS_EFULL;
    }
    uint32_t before = metrics_count(metrics);
    int index = metrics_define(metrics, &desc, METRIC_RECORDED, &why);
    if (metrics_count(metrics) == before) /* it was there, or it is that of "other" */
        __atomic_fetch_sub(&monitor->first_used, 1, __ATOMIC_RELAXED);
    return index;
}

static void note_unknown(struct vagus_monitor *monitor, const char *name)
{
    const struct metrics *metrics = &monitor->metrics;
    char shown[2 * NOTATION_MAX], best[NOTATION_MAX];
    struct nearest nearest;
    struct text text;
    text_init(&text, shown, sizeof(shown));
    text_add_safe(&text, name, NOTATION_MAX - 1);
    int index = metrics_find_written(metrics, name);
    if (index >= 0) {
        bool sensed = metrics->entries[index].source == METRIC_SENSED;
        monitor_note(monitor, SEGMENT_NOTE_WARNING, "metric %s is recorded by name, but it is %s",
                     shown, sensed ? "sensed" : "to be written with its label");
        return;
    }
    nearest_init(&nearest, name);
    for (uint32_t i = 0; i < metrics_count(metrics); i++) {
        const struct segment_metric *described = metrics_describe(metrics, i);
        char key[NOTATION_MAX];
        notation_key(key, described->name, described->label, described->instance);
        if (metrics->entries[i].source == METRIC_RECORDED)
            nearest_offer(&nearest, key);
        if (nearest.best == key)
            nearest.best = strcpy(best, key);
    }
    if (nearest.best != NULL)
        monitor_note(monitor, SEGMENT_NOTE_WARNING,
                     "metric %s is recorded, but not defined: did you mean %s?", shown, best);
    else
        monitor_note(monitor, SEGMENT_NOTE_WARNING, "metric %s is recorded, but not defined",
                     shown);
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

/* Records into the metric at this index, by the key that it is found by. */
static bool record_at(struct vagus_monitor *monitor, uint32_t generation, int index, double value)
{
    const struct segment_metric *described = metrics_describe(&monitor->metrics, (uint32_t)index);
    char key[NOTATION_MAX];
    notation_key(key, described->name, described->label, described->instance);
    return cells_record(generation, key, value);
}

static void record_unknown(struct vagus_monitor *monitor, uint32_t generation, const char *name,
                           double value)
{
    uint64_t hash = cells_hash(name) | 1;
    bool recorded = false;
    if (!is_told(monitor, hash) && monitor_enter(monitor)) {
        struct notation written;
        int index =
            notation_parse(name, &written) ? define_on_first_use(monitor, &written) : VAGUS_ENOENT;
        if (index >= 0)
            recorded = record_at(monitor, generation, index, value);
        else if (tell(monitor, hash))
            note_unknown(monitor, name);
        monitor_leave();
    }
    if (!recorded)
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
