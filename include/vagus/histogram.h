/* SPDX-License-Identifier: Apache-2.0 */
/* Histograms: how values are distributed, in base-2 exponential buckets as OpenTelemetry has them.
 * Recording goes into the thread's own cells: no lock, no locked instruction, no allocation. */
#ifndef VAGUS_HISTOGRAM_H
#define VAGUS_HISTOGRAM_H

#include "metric.h"

VAGUS_BEGIN_DECLS

#define VAGUS_BUCKETS_DEFAULT 160
#define VAGUS_BUCKETS_MAX 320
#define VAGUS_SCALE_MAX 7 /* 2^7 buckets to an octave */

/* A zeroed one, or one of a closed monitor, is harmless, as with counters. */
struct vagus_histogram {
    uint32_t generation;
    uint32_t index;
    uint32_t first;   /* of its run of words in each thread's row */
    uint32_t buckets; /* in it */
    uint32_t origin;  /* position of the first bucket */
    uint32_t shift;   /* from the finest scale to its own */
};

/* Defines a histogram, or finds it. Its bounds desc->min and desc->max lie between 2^-1000 and
 * 2^1000 (both 0: 1 to 2^39); the finest scale at which desc->buckets_max buckets (0: 160) span
 * them is taken, so the relative error follows from the bounds: 0.27 % over a factor of 2.3, 1.1 %
 * over 30, 4.4 % over 800 thousand, 8.7 % over 5e11. Harmless on failure, which health tells. */
VAGUS_API struct vagus_histogram vagus_histogram_define(struct vagus_monitor *monitor,
                                                        const struct vagus_metric_desc *desc);

/* A histogram's contents: a copy, the caller's own. Bucket i holds the values in
 * (2^((offset + i) / 2^scale), 2^((offset + i + 1) / 2^scale)]. */
struct vagus_distribution {
    uint64_t count; /* all values, those below and above included */
    double sum;     /* exact for whole numbers up to 2^53, else to rounding */
    uint64_t below; /* values under the first bucket: zero and negative ones too */
    uint64_t above; /* values over the last one */
    int32_t scale;
    int32_t offset;
    uint32_t buckets;
    uint32_t reserved;
    uint64_t counts[VAGUS_BUCKETS_MAX];
};

/* All that was recorded up to now, by all threads, those that ended included. 0 or VAGUS_ECLOSED;
 * the output stays untouched on failure. No count ever runs backward. */
VAGUS_API int vagus_histogram_read(struct vagus_histogram histogram,
                                   struct vagus_distribution *distribution);

/* Adds the second to the first, at the finest scale that spans both and is none's finer. Counts are
 * added exactly, in whatever order several are merged. What one counted as below or above its own
 * bounds stays so. VAGUS_EINVAL for what no vagus_histogram_read() filled. */
VAGUS_API int vagus_distribution_merge(struct vagus_distribution *into,
                                       const struct vagus_distribution *from);

/* The value below which a share q (0 to 1) of all values lies: the nearest-rank quantile, off by at
 * most vagus_distribution_error() of itself, above or below; a value beyond the buckets counts as
 * the bound that it lies beyond. VAGUS_EINVAL, or VAGUS_ENOENT while it is empty. */
VAGUS_API int vagus_distribution_quantile(const struct vagus_distribution *distribution, double q,
                                          double *value);

/* (b - 1) / (b + 1), where b = 2^(1 / 2^scale) is the ratio of a bucket's bounds. */
VAGUS_API double vagus_distribution_error(const struct vagus_distribution *distribution);

/* The lower bound of the first bucket that holds something and the upper bound of the last.
 * VAGUS_ENOENT if none does. */
VAGUS_API int vagus_distribution_range(const struct vagus_distribution *distribution, double *least,
                                       double *most);

/* --- The recording path, inlined; its names are not public. --- */

/* A run of words: the sum's bits, below, above, then the buckets. */
enum { VAGUS__SUM = 0, VAGUS__BELOW = 1, VAGUS__ABOVE = 2, VAGUS__BUCKETS = 3 };

extern VAGUS_API const uint64_t vagus__log_table[256];
VAGUS_API void vagus__record_slow(struct vagus_histogram histogram, double value);

/* Where a positive value lies: (index + 1024 * 128) at scale 7. Zero and subnormal numbers come out
 * below, negative ones, infinity and NaN above whatever a histogram may span. */
static inline uint32_t vagus__position(double value)
{
    uint64_t bits, entry;
    __builtin_memcpy(&bits, &value, sizeof(bits));
    entry = vagus__log_table[(bits >> 44) & 255];
    /* The boundary belongs to the bucket that it ends, hence "greater" and the 127. */
    return ((uint32_t)(bits >> 52) << 7) + (uint32_t)(entry & 255) +
           ((bits & ((UINT64_C(1) << 44) - 1)) > entry >> 8) + 127;
}

/* Records a value. NaN and infinity are refused and counted. */
static inline void vagus_record_value(struct vagus_histogram histogram, double value)
{
    struct vagus__door *door = &vagus__doors[histogram.generation % VAGUS__DOORS];
    uint32_t bucket = (vagus__position(value) >> histogram.shift) - histogram.origin;
    if (VAGUS_UNLIKELY(__atomic_load_n(&door->generation, __ATOMIC_RELAXED) !=
                           histogram.generation ||
                       bucket >= histogram.buckets)) {
        vagus__record_slow(histogram, value);
        return;
    }
    /* The only writer of these words, as with counters. */
    uint64_t *run = door->words + histogram.first, bits;
    uint64_t *count = &run[VAGUS__BUCKETS + bucket];
    double sum;
    bits = __atomic_load_n(&run[VAGUS__SUM], __ATOMIC_RELAXED);
    __builtin_memcpy(&sum, &bits, sizeof(sum));
    sum += value;
    __builtin_memcpy(&bits, &sum, sizeof(bits));
    __atomic_store_n(&run[VAGUS__SUM], bits, __ATOMIC_RELAXED);
    __atomic_store_n(count, __atomic_load_n(count, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
}

/* The same for a whole number. */
static inline void vagus_record_integer(struct vagus_histogram histogram, int64_t value)
{
    vagus_record_value(histogram, (double)value);
}

/* --- The same as functions of the library, for languages that cannot inline C. --- */

VAGUS_API void vagus_counter_add(struct vagus_counter counter, uint64_t n);
VAGUS_API void vagus_gauge_set(struct vagus_gauge gauge, double value);
VAGUS_API void vagus_histogram_record(struct vagus_histogram histogram, double value);

VAGUS_END_DECLS

#endif
