/* SPDX-License-Identifier: Apache-2.0 */
/* The history of one metric as another process finds it: by looking through the pool of a segment,
 * without any of what the store keeps in private memory. */
#ifndef METRICS_OUTSIDE_H
#define METRICS_OUTSIDE_H

#include "metrics/block.h"
#include "metrics/spread.h"
#include "segment/reader.h"

/* Where a block lies, and what its head said when the pool was looked through. */
struct outside_block {
    uint32_t place, number;
    uint8_t level; /* enum vagus_tier */
    uint8_t fields, flags;
    int64_t first_ns, last_ns;
    uint32_t metric;
};

/* How many blocks of one metric there can be at most: the pool. */
uint32_t outside_blocks_max(const struct segment_reader *reader);

/* Lists the blocks of a metric: the finest level first, in each the oldest first. Returns how many;
 * `blocks` has room for outside_blocks_max(). */
uint32_t outside_list(const struct segment_reader *reader, uint32_t metric,
                      struct outside_block *blocks);

/* The same of those blocks that hold anything after since_ns, however short the room is: the finest
 * and oldest are left out then. */
uint32_t outside_list_since(const struct segment_reader *reader, uint32_t metric, int64_t since_ns,
                            struct outside_block *blocks, uint32_t room);

/* Of all metrics in one go: those of the first metric, then of the next. */
uint32_t outside_list_all(const struct segment_reader *reader, struct outside_block *blocks);

/* The same of the history by bucket. */
uint32_t outside_list_spread(const struct segment_reader *reader, uint32_t metric,
                             struct outside_block *blocks);

/* The same of the histories by bucket of all metrics. */
uint32_t outside_list_all_spread(const struct segment_reader *reader, struct outside_block *blocks);

/* The first block of the level that a walk should begin with, to reach back to from_ns. */
uint32_t outside_level_for(const struct outside_block *blocks, uint32_t count, int64_t from_ns);

/* What a walk over a history by bucket hands over, oldest first: stretches that lie within the span
 * as a whole. */
struct outside_spread {
    void (*on_record)(const struct spread_record *record, void *arg);
    void *arg;
    /* Filled: */
    int64_t from_ns, to_ns; /* covered; equal: nothing */
    int64_t step_ns;        /* the level that it began with */
    bool torn; /* a block in the middle was not there any more: what is covered has a hole */
};

/* Begins with a level, and goes on with the finer ones for what that has not closed yet. */
void outside_walk_spread(const struct segment_reader *reader, uint32_t metric,
                         const struct histogram_shape *shape, const struct outside_block *blocks,
                         uint32_t count, unsigned level, int64_t from_ns, int64_t to_ns,
                         struct outside_spread *walk);

/* Hands over the entries after from_ns and not after to_ns, oldest first, gaps included: of the
 * finest level that reaches back to from_ns, or else furthest, and what that one has not closed yet
 * of the finer ones. width_ns: of a bucket; 0: it is one value. Returns the period of the level
 * that it began with, or 0 if there is nothing. A block that is gone meanwhile is left out. */
int64_t outside_walk(const struct segment_reader *reader, uint32_t metric, double resolution,
                     const struct outside_block *blocks, uint32_t count, int64_t from_ns,
                     int64_t to_ns,
                     void (*on_entry)(const struct block_entry *entry, int64_t width_ns, void *arg),
                     void *arg);

#endif
