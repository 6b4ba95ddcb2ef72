/* SPDX-License-Identifier: Apache-2.0 */
/* What the writer and the reader of a block have in common: the code's constants and the model that
 * both keep. All of its arithmetic is modulo 2^64, so whatever goes in comes out. */
#ifndef METRICS_BLOCK_MODEL_H
#define METRICS_BLOCK_MODEL_H

#include <string.h>

#include "metrics/block.h"

#define PREFIX_MAX 16 /* so many ones are an escape, */
#define ESCAPE_BITS 2 /* and these tell of what: */
#define ESCAPE_WIDE 0 /* a number too great for its prefix */
#define ESCAPE_GAP 1  /* an entry without a value */
#define ESCAPE_STEP 2 /* a step other than the expected one; then the entry goes on */
#define LOW_BITS_MAX 24
#define MEAN_OVER 8 /* entries after which a mean forgets half */
#define COST_MAX (UINT64_C(1) << 48)
static inline uint64_t zigzag(uint64_t difference)
{
    return (difference << 1) ^ (uint64_t)((int64_t)difference >> 63);
}

static inline uint64_t unzigzag(uint64_t number)
{
    return (number >> 1) ^ (0 - (number & 1));
}

static inline unsigned width(uint64_t number)
{
    return 64 - (unsigned)__builtin_clzll(number | 1);
}

static inline uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static inline double double_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* --- The model. --- */

/* How many low bits of a number are written as they are: the least k for which n << k reaches a
 * quarter of the sum, found to cost least on real traces. */
static inline unsigned low_bits(const struct block_mean *mean)
{
    uint64_t quarter = mean->sum / 4;
    unsigned sum = width(quarter), n = width(mean->n);
    unsigned k = sum > n ? sum - n : 0;
    k += (uint64_t)mean->n << k < quarter;
    return k < LOW_BITS_MAX ? k : LOW_BITS_MAX;
}

static inline void mean_add(struct block_mean *mean, uint64_t number)
{
    mean->sum += number < COST_MAX ? number : COST_MAX;
    if (++mean->n == MEAN_OVER) {
        mean->sum /= 2;
        mean->n /= 2;
    }
}

static inline uint64_t predicted(const struct block_model *model)
{
    return model->cost_line < model->cost_flat ? model->last + model->slope : model->last;
}

/* What the sum of a bucket is likely to be. */
static inline uint64_t predicted_sum(const uint64_t fields[BLOCK_FIELDS])
{
    uint64_t count = fields[BLOCK_COUNT];
    return fields[BLOCK_MIN] * count + (fields[BLOCK_MAX] - fields[BLOCK_MIN]) / 2 * count;
}

static inline uint64_t predicted_raw_sum(const uint64_t fields[BLOCK_FIELDS])
{
    return bits_of(double_of(fields[BLOCK_LAST]) * (double)fields[BLOCK_COUNT]);
}

static inline void model_learn(struct block_model *model, uint64_t last)
{
    uint64_t flat = zigzag(last - model->last), line = zigzag(last - model->last - model->slope);
    if (!model->any)
        return;
    model->cost_flat += (flat < COST_MAX ? flat : COST_MAX) - model->cost_flat / 8;
    model->cost_line += (line < COST_MAX ? line : COST_MAX) - model->cost_line / 8;
}

static inline void model_follow(struct block_model *model, uint64_t last)
{
    model->slope = model->any ? last - model->last : 0;
    model->last = last;
    model->any = true;
}

static inline void model_begin(struct block_model *model, const struct segment_block_head *head)
{
    *model = (struct block_model){.raw = (head->flags & SEGMENT_BLOCK_RAW) != 0,
                                  .wide = head->fields == BLOCK_FIELDS,
                                  .loose = head->level == VAGUS_TIER_INSTANT};
    /* The first entry is where the block begins; see model_begun(). */
    model->count = model->wide ? 10 : 1;
    model->runs.n = 1;
    for (unsigned i = 0; i < BLOCK_FIELDS; i++)
        model->means[i].n = 1;
}

static inline void model_begun(struct block_model *model)
{
    model->step = model->loose ? 100 : 1;
}

#endif
