/* SPDX-License-Identifier: Apache-2.0 */
/* Assembles the snapshot from the newest values and from history. Which metric stands in which
 * field is one table, src/report/snapshot.def; it is looked up when metrics were added, and at a
 * tick only what changed is copied. */
#ifndef REPORT_ASSEMBLE_H
#define REPORT_ASSEMBLE_H

#include "metrics/metrics.h"

/* What a publication leaves out where it did not change: stretches of the snapshot, in its order.
 */
enum assemble_part {
    PART_HEAD = 0,
    PART_SIGNALS,
    PART_MODE,
    PART_CPU,
    PART_MEMORY,
    PART_NETWORK,
    PART_PROCESS,
    PART_AGENT,
    PART_STATE, /* continuity and the monitor about itself */
    PART_GPUS,
    PART_PATHS,
    PART_BUDGETS,
    PART_FORECASTS,
    PART_METRICS,
    ASSEMBLE_PARTS
};
/* These change at each tick. */
#define PARTS_ALWAYS (1u << PART_HEAD | 1u << PART_STATE)

/* A reading of the snapshot that is a metric's. */
struct assembly_place {
    uint32_t metric;
    int32_t unless; /* only while this metric has nothing to tell; -1: always */
    uint16_t offset;
    uint16_t part;
};

#define ASSEMBLE_PLACES_MAX 256
#define ASSEMBLE_RATIOS 2
#define ASSEMBLE_COUNTS 7
#define ASSEMBLE_HISTOGRAMS 4
#define ASSEMBLE_RATES 2
#define ASSEMBLE_INTERFACES_MAX 64

/* Where everything comes from. Whoever owns it zeroes it once. Indices of metrics are negative
 * where there is none. */
struct assembly {
    uint32_t bound_count; /* metrics that existed when it was bound */
    uint32_t place_count;
    struct assembly_place places[ASSEMBLE_PLACES_MAX];
    int32_t ratios[ASSEMBLE_RATIOS][2];
    int32_t counts[ASSEMBLE_COUNTS];
    int32_t histograms[ASSEMBLE_HISTOGRAMS];
    uint32_t interface_count[ASSEMBLE_RATES];
    int32_t interfaces[ASSEMBLE_RATES][ASSEMBLE_INTERFACES_MAX];
    uint32_t dirty;                   /* parts that changed since the last publication */
    uint64_t changed[ASSEMBLE_PARTS]; /* the publication in which each did last */
};

/* The metrics that the policy names for the snapshot. */
struct assemble_names {
    char *const *names;
    uint32_t count;
};

/* Looks everything up, names what there are several of, and copies all readings. The sampler,
 * whenever metrics_count() differs from bound_count, or the names from what they were. */
void assemble_bind(struct assembly *assembly, const struct metrics *metrics,
                   const struct assemble_names *names, struct vagus_system_snapshot *snapshot);

/* Copies the readings that were put since metrics_mirror() was last called: comes before it. The
 * sampler, at each tick. */
void assemble_readings(struct assembly *assembly, const struct metrics *metrics,
                       struct vagus_system_snapshot *snapshot);

/* What is computed of history: counts of an hour and a day, rates, quantiles. The sampler, each
 * second; `due` tells it when the dearer ones are. started_ns: when the monitor was. */
void assemble_history(struct assembly *assembly, const struct metrics *metrics, unsigned due,
                      int64_t started_ns, int64_t now_ns, struct vagus_system_snapshot *snapshot);

/* Of count i: a window that has not passed yet is the total so far, at each tick. */
void assemble_young_count(const struct metrics *metrics, uint32_t index, size_t i,
                          struct vagus_system_snapshot *snapshot);

/* A part changed by other hands than these. */
static inline void assemble_touch(struct assembly *assembly, enum assemble_part part)
{
    assembly->dirty |= 1u << part;
}

/* What publication `number` must copy into its slot, which holds what was published SEGMENT_SLOTS
 * before; how many ranges. Forgets what is dirty. */
unsigned assemble_ranges(struct assembly *assembly, uint64_t number,
                         struct segment_range ranges[ASSEMBLE_PARTS]);

/* The reading of a snapshot that stands for a metric and instance ("" if it has none), with its
 * unit; NULL if it stands in none. Any thread. */
const struct vagus_reading *assemble_reading_of(const struct vagus_system_snapshot *snapshot,
                                                const char *metric, const char *instance,
                                                const char **unit);

#endif
