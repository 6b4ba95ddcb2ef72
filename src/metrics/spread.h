/* SPDX-License-Identifier: Apache-2.0 */
/* The history of a histogram: for each stretch of time how many values fell into which bucket, in
 * blocks of the same pool as the series. Stretches of one level follow each other on a grid of its
 * period, without a hole: one in which nothing was recorded costs a fraction of a bit, one in which
 * the sampler did not come round is part of a wider one. */
#ifndef METRICS_SPREAD_H
#define METRICS_SPREAD_H

#include "metrics/block.h"
#include "metrics/histogram.h"

/* Places of a stretch: 0 is below, then the buckets, then above. */
#define SPREAD_PLACES_MAX (VAGUS_BUCKETS_MAX + 2)
#define SPREAD_RECORD_MAX 32 /* places in one record; a stretch of more takes several */
#define SPREAD_FIELDS 2      /* of a block's head, in place of 1 or 5 */

/* A stretch, or a part of one: those that follow it with the same times belong to it. */
struct spread_record {
    int64_t from_ns, to_ns; /* begins after the first */
    uint64_t count;
    double sum; /* exact if whole, else to 2^-28 of itself */
    uint32_t used;
    uint16_t places[SPREAD_RECORD_MAX];
    uint64_t counts[SPREAD_RECORD_MAX];
};

/* What the parameter of a code is chosen by: the mean of recent numbers. */
struct spread_mean {
    uint64_t sum;
    uint32_t n;
};

/* What both sides know after each record. */
struct spread_model {
    struct spread_mean idle, width, used, first, gap, count, sum;
    uint64_t place; /* the first of the newest stretch */
    bool raw;       /* sums are doubles */
};

/* The open block of a level. Whatever steers the writer lies here, in private memory. */
struct spread_writer {
    struct spread_model model;
    uint64_t word;                  /* the payload's newest, unfinished word */
    uint32_t coded;                 /* periods up to the end of the newest stretch */
    int64_t stretch_ns;             /* where that one begins */
    struct segment_block_head head; /* all but the stamp */
};

/* What of a histogram fell into a stretch of time: runs of words as in vagus/histogram.h. */
struct spread_stretch {
    const struct histogram_shape *shape;
    const uint64_t *now, *before; /* at its end, and where it began */
    int64_t from_ns;
    uint32_t width; /* periods */
    double sum;
    /* How far it is put, zeroed before: */
    uint32_t at;   /* place */
    uint64_t told; /* of the sum */
};

/* Whether anything was recorded. */
bool spread_any(const struct spread_stretch *stretch);

/* Begins a block with this stretch, in a place of the pool that nobody else uses. */
void spread_open(struct spread_writer *writer, struct segment_block *block, uint32_t metric,
                 uint8_t level, uint32_t previous, const struct spread_stretch *first);

/* Puts as much of a stretch as fits; true if it is whole. A block that was just opened takes at
 * least one record. */
bool spread_put(struct spread_writer *writer, struct segment_block *block,
                struct spread_stretch *stretch);

/* The block reaches up to so many periods after its beginning: nothing was recorded since. */
void spread_idle(struct spread_writer *writer, struct segment_block *block, uint32_t span);

void spread_seal(struct spread_writer *writer, struct segment_block *block);

/* Reads a block out of private memory, whose head was checked. However wrong its payload is, this
 * ends after head.entries records. The shape may be a stranger's too: see spread_shape(). */
struct spread_reader {
    const struct segment_block *block;
    struct histogram_shape shape;
    struct spread_model model;
    int64_t period_ns;
    int64_t from_ns, to_ns; /* of the newest stretch */
    uint64_t index;         /* periods */
    uint32_t left, at;
    bool failed;
};

void spread_read(struct spread_reader *reader, const struct segment_block *block,
                 const struct histogram_shape *shape);
bool spread_next(struct spread_reader *reader, struct spread_record *record);

/* The shape that the directory of a segment tells; false if it is none, or the metric is no
 * histogram. */
bool spread_shape(const struct segment_metric *metric, struct histogram_shape *shape);

/* Adds a record to a distribution of its shape. */
void spread_add(struct vagus_distribution *distribution, const struct spread_record *record);

#endif
