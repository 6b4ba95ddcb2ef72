/* SPDX-License-Identifier: Apache-2.0 */
/* The shape of a histogram: which buckets span its bounds. Pure arithmetic; the cells hold the
 * counts. */
#ifndef METRICS_HISTOGRAM_H
#define METRICS_HISTOGRAM_H

#include "vagus/histogram.h"

struct histogram_shape {
    uint32_t buckets;
    uint32_t origin; /* position of the first bucket, as in struct vagus_histogram */
    uint32_t shift;
};

#define HISTOGRAM_MIN_DEFAULT 1.0
#define HISTOGRAM_MAX_DEFAULT 0x1p39
#define HISTOGRAM_BUCKETS_LEAST 8

/* Words that it takes in each row. */
static inline uint32_t histogram_words(const struct histogram_shape *shape)
{
    return VAGUS__BUCKETS + shape->buckets;
}

/* What is wrong with these bounds, or NULL. Both 0 are replaced by the default before. */
const char *histogram_check(double min, double max, uint32_t buckets_max);

/* The finest shape with at most buckets_max buckets (0: the default) over [min, max]. */
struct histogram_shape histogram_fit(double min, double max, uint32_t buckets_max);

/* An empty distribution of that shape. */
void histogram_empty(const struct histogram_shape *shape, struct vagus_distribution *distribution);

/* Adds one row's run of words. */
void histogram_add(struct vagus_distribution *distribution, const uint64_t *run);

#endif
