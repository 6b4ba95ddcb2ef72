/* SPDX-License-Identifier: Apache-2.0 */
/* What former runs of the agent left behind, read at open, and carried on: into the new segment,
 * the snapshot and metrics. */
#ifndef MONITOR_CONTINUITY_H
#define MONITOR_CONTINUITY_H

#include "report/continuity.h"

enum continuity_metric {
    CONTINUITY_STARTS,
    CONTINUITY_DEATHS,
    CONTINUITY_DEATHS_HOUR,
    CONTINUITY_DEATHS_DAY,
    CONTINUITY_ONLINE,
    CONTINUITY_METRICS
};

struct continuity {
    struct segment_continuity state; /* stands in the segment as it was at the start */
    unsigned damaged;                /* former segments that cannot be read */
    char damaged_why[160];           /* the first of them */
    int metrics[CONTINUITY_METRICS];
};

struct vagus_monitor;

/* Before the segment is made, which may remove former ones. Never fails: what cannot be read is
 * left out, and said. */
void continuity_open(struct vagus_monitor *monitor, const char *agent, bool anonymous);
/* Its metrics, and the note about what could not be read. */
void continuity_define(struct vagus_monitor *monitor);
/* Where the process is, told to whoever asks after its end; and the snapshot's part. Before the
 * first publication. */
void continuity_start(struct vagus_monitor *monitor);
/* The sampler: its metrics, each 10 s; deaths leave the hour as it passes. */
void continuity_step(struct vagus_monitor *monitor, unsigned due, int64_t now_ns);

#endif
