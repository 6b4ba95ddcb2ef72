/* SPDX-License-Identifier: Apache-2.0 */
/* The histories of all histograms of a monitor: what was recorded in each second, 10 s and 60 s.
 * The sampler alone takes; any thread asks. */
#ifndef METRICS_SPREADS_H
#define METRICS_SPREADS_H

#include "metrics/cells.h"
#include "metrics/outside.h"
#include "metrics/spread.h"
#include "metrics/store.h"

#define SPREAD_LEVELS 3 /* 1 s, 10 s, 60 s */

struct spread_level {
    struct spread_writer writer;
    uint32_t newest; /* place + 1; published with release; 0: none */
    bool begun;
    int64_t done_ns; /* up to where all is stored */
};

/* What the sampler has to know of a histogram. */
struct spread_metric {
    uint32_t index, number; /* of the metric; among the histograms */
    uint32_t first;         /* of its run of words */
    uint8_t tier;
    bool keep_day;
    const struct histogram_shape *shape;
};

struct spreads {
    struct store *store;
    const struct cells *cells;
    uint32_t max; /* histograms that may have a history; what is beyond has only its count */
    struct spread_level *levels; /* SPREAD_LEVELS for each */
    uint64_t *before;            /* for each level a row of words: what was at done_ns */
    uint64_t now[VAGUS__BUCKETS + VAGUS_BUCKETS_MAX];
};

/* One histogram for each four metrics, and eight. */
#define SPREADS_MAX(metrics) ((metrics) / 4 + 8)

int spreads_init(struct spreads *spreads, struct store *store, const struct cells *cells,
                 uint32_t max);
void spreads_finish(struct spreads *spreads);

/* Adds up what all threads recorded, stores what is due of it, and returns the number of values. */
uint64_t spreads_take(struct spreads *spreads, const struct spread_metric *metric, int64_t tick_ns);

/* --- Any thread. --- */

/* What was recorded after from_ns and not after to_ns, from the finest level that reaches back so
 * far, and what it has not closed yet from the finer ones. */
struct spread_answer {
    int64_t from_ns, to_ns; /* covered; 0, 0: nothing */
    int64_t step_ns;        /* the coarsest stretch that was used */
};

/* Fills *distribution, of the metric's shape, and *answer. 0, VAGUS_ENOENT if there is no history
 * of it, VAGUS_EAGAIN if four tries met the writer. */
int spreads_ask(const struct spreads *spreads, const struct segment_reader *reader,
                const struct spread_metric *metric, int64_t from_ns, int64_t to_ns,
                struct vagus_distribution *distribution, struct spread_answer *answer);

/* Whether an aggregation of a histogram is over its values, not over its count; and its number. */
bool spread_answers(unsigned aggregation);
int spread_number(const struct vagus_distribution *values, unsigned aggregation, double quantile,
                  double *number);

/* Since when a level (0 .. SPREAD_LEVELS - 1) reaches back; INT64_MAX: it has nothing. */
int64_t spreads_since_ns(const struct spreads *spreads, uint32_t number, unsigned level);

#endif
