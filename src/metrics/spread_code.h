/* SPDX-License-Identifier: Apache-2.0 */
/* What writer and reader of spread blocks have in common. */
#ifndef METRICS_SPREAD_CODE_H
#define METRICS_SPREAD_CODE_H

#include "metrics/block_model.h"
#include "metrics/spread.h"

#define SPREAD_LOW_BITS_MAX 24
#define SPREAD_MEAN_OVER 8                    /* numbers after which a mean forgets half */
#define SPREAD_NUMBER_MAX (UINT64_C(1) << 48) /* what is more counts as that */

/* How many low bits of a number are written as they are: the least k for which n << k reaches a
 * quarter of the sum. */
static inline unsigned spread_low_bits(const struct spread_mean *mean)
{
    uint64_t quarter = mean->sum / 4;
    unsigned sum = width(quarter | 1), n = width(mean->n | 1);
    unsigned k = sum > n ? sum - n : 0;
    k += (uint64_t)mean->n << k < quarter;
    return k < SPREAD_LOW_BITS_MAX ? k : SPREAD_LOW_BITS_MAX;
}

static inline void spread_mean_add(struct spread_mean *mean, uint64_t number)
{
    mean->sum += number < SPREAD_NUMBER_MAX ? number : SPREAD_NUMBER_MAX;
    if (++mean->n == SPREAD_MEAN_OVER) {
        mean->sum /= 2;
        mean->n /= 2;
    }
}

#define SPREAD_SUM_BITS 40 /* of a double: sign, exponent, 28 bits */

/* A value in the middle of a bucket, as a whole number: 2^x is taken to be 1 + 0.656 x + 0.344 x^2
 * within an octave. Integers only, so that every machine gets the same. */
static inline uint64_t spread_value(const struct histogram_shape *shape, uint32_t bucket)
{
    uint64_t at = ((uint64_t)(shape->origin + bucket) << (shape->shift + 1)) +
                  (UINT64_C(1) << shape->shift); /* in halves of the finest scale's positions */
    uint64_t exponent = at >> (VAGUS_SCALE_MAX + 1), x = at & ((2u << VAGUS_SCALE_MAX) - 1);
    uint64_t mantissa = 65536 + 168 * x + x * x * 88 / 256;
    if (exponent < 1024 || exponent > 1024 + 61)
        return 0; /* less than 1, or more than a whole sum may be */
    exponent -= 1024;
    return exponent >= 16 ? mantissa << (exponent - 16) : mantissa >> (16 - exponent);
}

/* What the sum of a record is likely to be; modulo 2^64. */
static inline uint64_t spread_expected(const struct histogram_shape *shape,
                                       const struct spread_record *record)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < record->used; i++)
        if (record->places[i] > 0 && record->places[i] <= shape->buckets)
            sum += record->counts[i] * spread_value(shape, record->places[i] - 1u);
    return sum;
}

static inline void spread_model_begin(struct spread_model *model,
                                      const struct segment_block_head *head)
{
    *model = (struct spread_model){.raw = (head->flags & SEGMENT_BLOCK_RAW) != 0};
    model->idle.n = model->width.n = model->used.n = model->first.n = 1;
    model->gap.n = model->count.n = model->sum.n = 1;
}

#endif
