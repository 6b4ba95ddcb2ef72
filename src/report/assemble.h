/* SPDX-License-Identifier: Apache-2.0 */
/* Assembles the snapshot from the newest values. Which metric stands in which field is one table,
 * src/report/snapshot.def. */
#ifndef REPORT_ASSEMBLE_H
#define REPORT_ASSEMBLE_H

#include "metrics/metrics.h"

#define ASSEMBLE_FIELDS_MAX 64
#define ASSEMBLE_PATH_FIELDS 3

/* Where each field of the table finds its value; looked up again when metrics were added. Whoever
 * owns it zeroes it once. */
struct assembly {
    uint32_t bound_count; /* metrics that existed when it was bound */
    uint32_t path_count;
    int32_t fields[ASSEMBLE_FIELDS_MAX]; /* index of the metric, or negative: there is none */
    int32_t paths[VAGUS_SNAPSHOT_PATHS][ASSEMBLE_PATH_FIELDS];
};

/* Looks every field up and names the snapshot's paths. The sampler, before the first
 * assemble_readings() and whenever metrics_count() differs from bound_count. */
void assemble_bind(struct assembly *assembly, const struct metrics *metrics,
                   struct vagus_system_snapshot *snapshot);

/* Fills every reading of the snapshot; header, signals and counts of the monitor are the caller's.
 * The sampler, at each tick. */
void assemble_readings(const struct assembly *assembly, const struct metrics *metrics,
                       struct vagus_system_snapshot *snapshot);

/* The reading of a snapshot that stands for a metric and instance ("" if it has none), with its
 * unit; NULL if it stands in none. Any thread. */
const struct vagus_reading *assemble_reading_of(const struct vagus_system_snapshot *snapshot,
                                                const char *metric, const char *instance,
                                                const char **unit);

#endif
