/* SPDX-License-Identifier: Apache-2.0 */
/* Assembles the snapshot from the newest values. Which metric stands in which field is one table,
 * src/report/snapshot.def. Sampler only. */
#ifndef REPORT_ASSEMBLE_H
#define REPORT_ASSEMBLE_H

#include "metrics/metrics.h"

#define ASSEMBLE_FIELDS_MAX 64

/* Where each field of the table finds its value; looked up again when metrics were added. */
struct assembly {
    uint32_t bound_count; /* metrics that existed when it was bound */
    int32_t fields[ASSEMBLE_FIELDS_MAX];
    int32_t paths[VAGUS_SNAPSHOT_PATHS][3];
    uint32_t path_count;
};

void assemble_bind(struct assembly *assembly, const struct metrics *metrics,
                   struct vagus_system_snapshot *snapshot);

/* Fills every reading of the snapshot; header, signals and monitor are the caller's. */
void assemble_readings(const struct assembly *assembly, const struct metrics *metrics,
                       struct vagus_system_snapshot *snapshot);

#endif
