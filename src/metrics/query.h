/* SPDX-License-Identifier: Apache-2.0 */
/* Answering from the store: which level covers a span, which blocks answer by their heads, which
 * must be decoded. Any thread; nothing here writes, waits or allocates. */
#ifndef METRICS_QUERY_H
#define METRICS_QUERY_H

#include "metrics/metrics.h"
#include "vagus/query.h"

/* A span of one metric, from_ns excluded. */
struct query_span {
    const struct store *store;
    uint32_t metric;
    uint8_t tier;
    uint8_t kind;   /* enum vagus_metric_kind */
    bool from_zero; /* before its first value a counter of it was 0 */
    double resolution;
    int64_t from_ns, to_ns;
};

void query_span_of(const struct metrics *metrics, uint32_t index, int64_t from_ns, int64_t to_ns,
                   struct query_span *span);

/* What a walk hands over, in no order but that of time within a block. width_ns: of a bucket; 0: it
 * is one value. */
struct query_sink {
    /* True if the head alone is enough; NULL: never. */
    bool (*head)(struct query_sink *sink, const struct segment_block_head *head, int64_t width_ns);
    void (*entry)(struct query_sink *sink, const struct block_entry *entry, int64_t width_ns);
    bool gaps; /* attempts that brought nothing are handed over too */
    bool wants_base;
    bool any_extremes; /* a head's min and max may be wrong, all else counts */
    /* Filled by the walk: */
    bool has_base; /* the newest value before the span */
    double base;
    int64_t base_ns;
    int64_t step_ns; /* the coarsest bucket that was used */
    unsigned level;  /* that the walk began with */
};

/* 0, or VAGUS_EAGAIN if four tries met the writer; the sink may have been fed by then. */
int query_walk(const struct query_span *span, struct query_sink *sink);

/* One number. Fills all of *result but the name. VAGUS_EINVAL: no such aggregation, or a span or
 * quantile that is none; else what the walk says. */
int query_answer(const struct query_span *span, unsigned aggregation, double quantile,
                 struct vagus_query_result *result);
int query_check(unsigned aggregation, double quantile, int64_t from_ns, int64_t to_ns);

/* Where a scan has got to. */
struct query_cursor {
    bool begun, ended;
    bool tail; /* the rest begins with from_ns, not after it */
    unsigned level;
    int64_t from_ns;
};

/* The next entries of a span, oldest first, at most `room` of them; *got, 0 at the end.
 * VAGUS_EAGAIN if four tries met the writer. */
int query_next(const struct query_span *span, struct query_cursor *cursor,
               struct vagus_bucket *buckets, unsigned room, unsigned *got);

#endif
