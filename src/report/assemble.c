/* SPDX-License-Identifier: Apache-2.0 */
/* Assembles the snapshot by one table of (offset of the field, name of the metric): a lookup when
 * metrics were added, plain copies of what was put at each tick. */
#include "report/assemble.h"

#include "base/notation.h"

struct field {
    size_t offset; /* of the reading in the snapshot, or in one path or GPU of it */
    const char *metric;
    const char *unit;
};

struct pair {
    size_t offset;
    const char *first, *second;
};

#define IN(part, field) offsetof(struct vagus_system_snapshot, part.field)

static const struct field fields[] = {
#define SNAPSHOT_FIELD(part, field, metric, unit) {IN(part, field), metric, unit},
#define SNAPSHOT_COUNT(field, metric, unit) {IN(agent, field.total), metric, unit},
#include "report/snapshot.def"
};

static const struct pair eithers[] = {
#define SNAPSHOT_EITHER(part, field, metric, other, unit) {IN(part, field), metric, other},
#include "report/snapshot.def"
};

static const struct pair ratios[] = {
#define SNAPSHOT_RATIO(part, field, over, under) {IN(part, field), over, under},
#include "report/snapshot.def"
};

static const struct field path_fields[] = {
#define SNAPSHOT_PATH_FIELD(field, metric, unit)                                                   \
    {offsetof(struct vagus_snapshot_path, field), metric, unit},
#include "report/snapshot.def"
};

static const struct field gpu_fields[] = {
#define SNAPSHOT_GPU_FIELD(field, metric, unit)                                                    \
    {offsetof(struct vagus_snapshot_gpu, field), metric, unit},
#include "report/snapshot.def"
};

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

/* What there are several of; each begins with its name. */
static const struct group {
    const struct field *fields;
    size_t field_count;
    size_t offset, bytes; /* of the first in the snapshot, of each */
    size_t count_offset;
    uint32_t most;
} groups[] = {
    {path_fields, COUNT_OF(path_fields), offsetof(struct vagus_system_snapshot, paths),
     sizeof(struct vagus_snapshot_path), offsetof(struct vagus_system_snapshot, path_count),
     VAGUS_SNAPSHOT_PATHS},
    {gpu_fields, COUNT_OF(gpu_fields), offsetof(struct vagus_system_snapshot, gpus),
     sizeof(struct vagus_snapshot_gpu), offsetof(struct vagus_system_snapshot, gpu_count),
     VAGUS_SNAPSHOT_GPUS},
};

_Static_assert(offsetof(struct vagus_snapshot_path, path) == 0 &&
                   offsetof(struct vagus_snapshot_gpu, device) == 0,
               "a name comes first");
_Static_assert(COUNT_OF(fields) + 2 * COUNT_OF(eithers) +
                       VAGUS_SNAPSHOT_PATHS * COUNT_OF(path_fields) +
                       VAGUS_SNAPSHOT_GPUS * COUNT_OF(gpu_fields) + VAGUS_SNAPSHOT_METRICS <=
                   ASSEMBLE_PLACES_MAX,
               "an assembly holds every place");
_Static_assert(COUNT_OF(ratios) == ASSEMBLE_RATIOS, "an assembly holds every ratio");
_Static_assert(sizeof(struct vagus_system_snapshot) <= UINT16_MAX, "an offset is 16 bits");

/* Where each part begins; it ends where the next one does. */
static const uint16_t begins[ASSEMBLE_PARTS + 1] = {
#define PART_AT(part, member) [part] = offsetof(struct vagus_system_snapshot, member)
    PART_AT(PART_HEAD, size),
    PART_AT(PART_SIGNALS, signals),
    PART_AT(PART_MODE, mode),
    PART_AT(PART_CPU, cpu),
    PART_AT(PART_MEMORY, memory),
    PART_AT(PART_NETWORK, network),
    PART_AT(PART_PROCESS, process),
    PART_AT(PART_AGENT, agent),
    PART_AT(PART_STATE, continuity),
    PART_AT(PART_GPUS, gpus),
    PART_AT(PART_PATHS, paths),
    PART_AT(PART_BUDGETS, budgets),
    PART_AT(PART_FORECASTS, forecasts),
    PART_AT(PART_METRICS, metrics),
#undef PART_AT
    [ASSEMBLE_PARTS] = sizeof(struct vagus_system_snapshot),
};

static struct vagus_reading *reading_at(struct vagus_system_snapshot *snapshot, size_t offset)
{
    return (struct vagus_reading *)(void *)((char *)snapshot + offset);
}

/* --- Copying. --- */

static bool is_touched(const struct metrics *metrics, uint32_t index)
{
    return (metrics->touched[index / 64] >> index % 64 & 1) != 0;
}

static bool tells_something(const struct vagus_reading *reading)
{
    return reading->error != VAGUS_EUNSUPPORTED && (reading->taken_ns != 0 || reading->error != 0);
}

/* As good as the worse of the two. */
static struct vagus_reading ratio_of(const struct vagus_reading *over,
                                     const struct vagus_reading *under)
{
    struct vagus_reading ratio = {.source = VAGUS_SOURCE_DERIVED};
    const struct vagus_reading *older = over->taken_ns < under->taken_ns ? over : under;
    ratio.error = over->error != 0 ? over->error : under->error;
    if (ratio.error != 0 || older->taken_ns == 0)
        return ratio;
    if (!(under->value > 0)) {
        ratio.error = VAGUS_EAGAIN; /* of nothing there is no share */
        return ratio;
    }
    ratio.value = over->value / under->value;
    ratio.taken_ns = older->taken_ns;
    ratio.good_until_ns =
        over->good_until_ns < under->good_until_ns ? over->good_until_ns : under->good_until_ns;
    return ratio;
}

static void copy_ratios(struct assembly *assembly, const struct metrics *metrics,
                        struct vagus_system_snapshot *snapshot, bool touched_alone)
{
    for (size_t i = 0; i < ASSEMBLE_RATIOS; i++) {
        int32_t over = assembly->ratios[i][0], under = assembly->ratios[i][1];
        if (over < 0 || under < 0 ||
            (touched_alone && !is_touched(metrics, (uint32_t)over) &&
             !is_touched(metrics, (uint32_t)under)))
            continue;
        *reading_at(snapshot, ratios[i].offset) =
            ratio_of(&metrics->readings[over], &metrics->readings[under]);
        assemble_touch(assembly, PART_AGENT);
    }
}

static void copy_all(struct assembly *assembly, const struct metrics *metrics,
                     struct vagus_system_snapshot *snapshot, bool touched_alone)
{
    for (uint32_t i = 0; i < assembly->place_count; i++) {
        const struct assembly_place *place = &assembly->places[i];
        if ((touched_alone && !is_touched(metrics, place->metric)) ||
            (place->unless >= 0 && tells_something(&metrics->readings[place->unless])))
            continue;
        *reading_at(snapshot, place->offset) = metrics->readings[place->metric];
        assembly->dirty |= 1u << place->part;
    }
    for (size_t i = 0; i < ASSEMBLE_COUNTS; i++)
        if (assembly->counts[i] >= 0 &&
            (!touched_alone || is_touched(metrics, (uint32_t)assembly->counts[i])))
            assemble_young_count(metrics, (uint32_t)assembly->counts[i], i, snapshot);
    copy_ratios(assembly, metrics, snapshot, touched_alone);
}

void assemble_readings(struct assembly *assembly, const struct metrics *metrics,
                       struct vagus_system_snapshot *snapshot)
{
    copy_all(assembly, metrics, snapshot, true);
}

/* --- Binding. --- */

static void add_place(struct assembly *assembly, size_t offset, int metric, int unless)
{
    unsigned part = PART_HEAD;
    if (metric < 0)
        return;
    while (begins[part + 1] <= offset)
        part++;
    assembly->places[assembly->place_count++] =
        (struct assembly_place){(uint32_t)metric, unless, (uint16_t)offset, (uint16_t)part};
}

/* Which one of a group a name is; the next free place if it is new, or the most that there are. */
static uint32_t member_of(const struct group *group, const struct vagus_system_snapshot *snapshot,
                          uint32_t known, const char *name)
{
    const char *array = (const char *)snapshot + group->offset;
    uint32_t i = 0;
    while (i < known && strcmp(array + i * group->bytes, name) != 0)
        i++;
    return i;
}

static bool is_of(const struct group *group, const char *metric)
{
    for (size_t i = 0; i < group->field_count; i++)
        if (strcmp(group->fields[i].metric, metric) == 0)
            return true;
    return false;
}

/* Whatever has any of the group's metrics is in it. Those that there is no room for are counted by
 * the first of these metrics that any of them has. */
static void bind_group(struct assembly *assembly, const struct metrics *metrics,
                       const struct group *group, struct vagus_system_snapshot *snapshot)
{
    char *array = (char *)snapshot + group->offset;
    uint32_t known = 0, surplus = 0;
    const char *counted = NULL;
    memset(array, 0, group->most * group->bytes);
    for (uint32_t i = 0; i < assembly->bound_count; i++) {
        const struct segment_metric *described = metrics_describe(metrics, i);
        if (described->instance[0] == '\0' || !is_of(group, described->name))
            continue;
        uint32_t at = member_of(group, snapshot, known, described->instance);
        if (at < known)
            continue;
        if (known < group->most) {
            text_copy(array + known++ * group->bytes, VAGUS_INSTANCE_MAX, described->instance);
            continue;
        }
        counted = counted != NULL ? counted : described->name;
        surplus += strcmp(counted, described->name) == 0;
    }
    for (uint32_t at = 0; at < known; at++)
        for (size_t i = 0; i < group->field_count; i++)
            add_place(assembly, group->offset + at * group->bytes + group->fields[i].offset,
                      metrics_find(metrics, group->fields[i].metric, array + at * group->bytes),
                      -1);
    known += surplus;
    memcpy((char *)snapshot + group->count_offset, &known, sizeof(known));
}

/* One that is not there says so, by its name as it was written. */
static void bind_named(struct assembly *assembly, const struct metrics *metrics,
                       const struct assemble_names *names, struct vagus_system_snapshot *snapshot)
{
    memset(snapshot->metrics, 0, sizeof(snapshot->metrics));
    snapshot->metric_count = names->count;
    for (uint32_t i = 0; i < names->count && i < VAGUS_SNAPSHOT_METRICS; i++) {
        struct vagus_snapshot_metric *named = &snapshot->metrics[i];
        struct notation notation = {.name = ""};
        int index = metrics_find_written(metrics, names->names[i]);
        if (index < 0) {
            notation_parse(names->names[i], &notation);
            text_copy(named->name, sizeof(named->name), notation.name);
            text_copy(named->label, sizeof(named->label), notation.label);
            text_copy(named->instance, sizeof(named->instance), notation.instance);
            named->reading.error = VAGUS_ENOENT;
            continue;
        }
        const struct segment_metric *described = metrics_describe(metrics, (uint32_t)index);
        text_copy(named->name, sizeof(named->name), described->name);
        text_copy(named->label, sizeof(named->label), described->label);
        text_copy(named->instance, sizeof(named->instance), described->instance);
        text_copy(named->unit, sizeof(named->unit), described->unit);
        add_place(assembly, offsetof(struct vagus_system_snapshot, metrics[i].reading), index, -1);
    }
}

static void bind_history(struct assembly *assembly, const struct metrics *metrics)
{
    static const char *const counts[] = {
#define SNAPSHOT_COUNT(field, metric, unit) metric,
#include "report/snapshot.def"
    };
    static const char *const histograms[] = {
#define SNAPSHOT_QUANTILE(part, field, metric, quantile) metric,
#include "report/snapshot.def"
    };
    static const char *const rates[] = {
#define SNAPSHOT_NETWORK_RATE(part, field, metric, unit) metric,
#include "report/snapshot.def"
    };
    _Static_assert(COUNT_OF(counts) == ASSEMBLE_COUNTS && COUNT_OF(rates) == ASSEMBLE_RATES &&
                       COUNT_OF(histograms) == ASSEMBLE_HISTOGRAMS,
                   "an assembly holds all of history's fields");
    for (size_t i = 0; i < ASSEMBLE_COUNTS; i++)
        assembly->counts[i] = metrics_find(metrics, counts[i], NULL);
    for (size_t i = 0; i < ASSEMBLE_HISTOGRAMS; i++)
        assembly->histograms[i] = metrics_find(metrics, histograms[i], NULL);
    memset(assembly->interface_count, 0, sizeof(assembly->interface_count));
    for (uint32_t i = 0; i < assembly->bound_count; i++) {
        const struct segment_metric *described = metrics_describe(metrics, i);
        if (described->instance[0] == '\0' || strcmp(described->instance, "lo") == 0)
            continue;
        for (size_t k = 0; k < ASSEMBLE_RATES; k++)
            if (strcmp(described->name, rates[k]) == 0 &&
                assembly->interface_count[k] < ASSEMBLE_INTERFACES_MAX)
                assembly->interfaces[k][assembly->interface_count[k]++] = (int32_t)i;
    }
}

void assemble_bind(struct assembly *assembly, const struct metrics *metrics,
                   const struct assemble_names *names, struct vagus_system_snapshot *snapshot)
{
    /* Metrics that are defined meanwhile are beyond this count and bring the caller here again. */
    assembly->bound_count = metrics_count(metrics);
    assembly->place_count = 0;
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        add_place(assembly, fields[i].offset, metrics_find(metrics, fields[i].metric, NULL), -1);
    for (size_t i = 0; i < COUNT_OF(eithers); i++) {
        int first = metrics_find(metrics, eithers[i].first, NULL);
        add_place(assembly, eithers[i].offset, first, -1);
        add_place(assembly, eithers[i].offset, metrics_find(metrics, eithers[i].second, NULL),
                  first);
    }
    for (size_t i = 0; i < COUNT_OF(ratios); i++) {
        assembly->ratios[i][0] = metrics_find(metrics, ratios[i].first, NULL);
        assembly->ratios[i][1] = metrics_find(metrics, ratios[i].second, NULL);
    }
    for (size_t i = 0; i < COUNT_OF(groups); i++)
        bind_group(assembly, metrics, &groups[i], snapshot);
    bind_named(assembly, metrics, names, snapshot);
    bind_history(assembly, metrics);
    copy_all(assembly, metrics, snapshot, false);
    assembly->dirty = (1u << ASSEMBLE_PARTS) - 1;
}

/* --- What is published. --- */

unsigned assemble_ranges(struct assembly *assembly, uint64_t number,
                         struct segment_range ranges[ASSEMBLE_PARTS])
{
    unsigned count = 0;
    uint32_t dirty = assembly->dirty | PARTS_ALWAYS;
    bool adjacent = false;
    for (unsigned part = 0; part < ASSEMBLE_PARTS; part++) {
        if ((dirty >> part & 1) != 0)
            assembly->changed[part] = number;
        bool stale = assembly->changed[part] + SEGMENT_SLOTS > number;
        if (stale && adjacent)
            ranges[count - 1].end = begins[part + 1];
        else if (stale)
            ranges[count++] = (struct segment_range){begins[part], begins[part + 1]};
        adjacent = stale;
    }
    assembly->dirty = 0;
    return count;
}

/* --- And back. --- */

static const struct vagus_reading *find_in(const void *part, const struct field *table,
                                           size_t count, const char *metric, const char **unit)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i].metric, metric) == 0) {
            *unit = table[i].unit;
            return (const struct vagus_reading *)((const char *)part + table[i].offset);
        }
    return NULL;
}

const struct vagus_reading *assemble_reading_of(const struct vagus_system_snapshot *snapshot,
                                                const char *metric, const char *instance,
                                                const char **unit)
{
    if (instance[0] == '\0')
        return find_in(snapshot, fields, COUNT_OF(fields), metric, unit);
    for (size_t i = 0; i < COUNT_OF(groups); i++) {
        const struct group *group = &groups[i];
        const char *array = (const char *)snapshot + group->offset;
        uint32_t known, at;
        memcpy(&known, (const char *)snapshot + group->count_offset, sizeof(known));
        known = known < group->most ? known : group->most;
        at = member_of(group, snapshot, known, instance);
        if (at < known && is_of(group, metric))
            return find_in(array + at * group->bytes, group->fields, group->field_count, metric,
                           unit);
    }
    return NULL;
}
