/* SPDX-License-Identifier: Apache-2.0 */
/* Assembles the snapshot by one table of (offset of the field, name of the metric): a lookup when
 * metrics were added, plain copies at each tick. */
#include "report/assemble.h"

#include "base/text.h"

struct field {
    size_t offset; /* of the reading in the snapshot, or in one path of it */
    const char *metric;
    const char *unit;
};

static const struct field fields[] = {
#define SNAPSHOT_FIELD(part, field, metric, unit)                                                  \
    {offsetof(struct vagus_system_snapshot, part.field), metric, unit},
#define SNAPSHOT_COUNT(field, metric, unit)                                                        \
    {offsetof(struct vagus_system_snapshot, agent.field.total), metric, unit},
#include "report/snapshot.def"
};

static const struct field path_fields[] = {
#define SNAPSHOT_PATH_FIELD(field, metric, unit)                                                   \
    {offsetof(struct vagus_snapshot_path, field), metric, unit},
#include "report/snapshot.def"
};

#define FIELD_COUNT (sizeof(fields) / sizeof(fields[0]))

_Static_assert(FIELD_COUNT <= ASSEMBLE_FIELDS_MAX, "an assembly holds the whole table");
_Static_assert(sizeof(path_fields) / sizeof(path_fields[0]) == ASSEMBLE_PATH_FIELDS,
               "an assembly holds the whole table of paths");

void assemble_bind(struct assembly *assembly, const struct metrics *metrics,
                   struct vagus_system_snapshot *snapshot)
{
    /* Metrics that are defined meanwhile are beyond this count and bring the caller here again. */
    uint32_t count = metrics_count(metrics);
    for (size_t i = 0; i < FIELD_COUNT; i++)
        assembly->fields[i] = metrics_find(metrics, fields[i].metric, NULL);

    uint32_t paths = 0;
    for (uint32_t i = 0; i < count && paths < VAGUS_SNAPSHOT_PATHS; i++) {
        const struct segment_metric *described = metrics_describe(metrics, i);
        if (described->instance[0] == '\0' || strcmp(described->name, path_fields[0].metric) != 0)
            continue;
        for (size_t k = 0; k < ASSEMBLE_PATH_FIELDS; k++)
            assembly->paths[paths][k] =
                metrics_find(metrics, path_fields[k].metric, described->instance);
        text_copy(snapshot->paths[paths].path, sizeof(snapshot->paths[paths].path),
                  described->instance);
        paths++;
    }
    assembly->path_count = snapshot->path_count = paths;
    assembly->bound_count = count;
}

static void copy_reading(void *part, const struct field *field, const struct metrics *metrics,
                         int32_t index)
{
    static const struct vagus_reading never;
    struct vagus_reading *reading = (struct vagus_reading *)((char *)part + field->offset);
    *reading = index >= 0 ? metrics->readings[index] : never;
}

void assemble_readings(const struct assembly *assembly, const struct metrics *metrics,
                       struct vagus_system_snapshot *snapshot)
{
    for (size_t i = 0; i < FIELD_COUNT; i++)
        copy_reading(snapshot, &fields[i], metrics, assembly->fields[i]);
    for (uint32_t path = 0; path < assembly->path_count; path++)
        for (size_t k = 0; k < ASSEMBLE_PATH_FIELDS; k++)
            copy_reading(&snapshot->paths[path], &path_fields[k], metrics,
                         assembly->paths[path][k]);
}

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
        return find_in(snapshot, fields, FIELD_COUNT, metric, unit);
    for (uint32_t i = 0; i < snapshot->path_count && i < VAGUS_SNAPSHOT_PATHS; i++)
        if (strcmp(snapshot->paths[i].path, instance) == 0)
            return find_in(&snapshot->paths[i], path_fields, ASSEMBLE_PATH_FIELDS, metric, unit);
    return NULL;
}
