/* SPDX-License-Identifier: Apache-2.0 */
/* What the writer and the reader of a block have in common: the code's constants and the model that
 * both keep. All of its arithmetic is modulo 2^64, so whatever goes in comes out. */
#ifndef METRICS_BLOCK_MODEL_H
#define METRICS_BLOCK_MODEL_H

#include <string.h>

#include "metrics/block.h"

/* Models are copied into registers for an entry; one call, and they would lie in memory. */
#define BLOCK_INLINE static inline __attribute__((always_inline))

#define CLASS_BITS 3
#define CLASS_MORE ((1u << CLASS_BITS) - 1)
#define PREFIX_MAX 16 /* so many ones are an escape, */
#define ESCAPE_BITS 2 /* and these tell of what: */
#define ESCAPE_WIDE 0 /* a number too great for its prefix */
#define ESCAPE_GAP 1  /* an entry without a value */
#define ESCAPE_STEP 2 /* a step other than the expected one; then the entry goes on */
#define CLASS_MAX (CLASS_MORE + PREFIX_MAX - CLASS_BITS - 1)
#define LOW_BITS_MAX 22 /* prefix and rest of a number fit 56 bits then */
#define OCTAVE 16       /* widths are averaged in sixteenths of a bit */
#define BELOW_MEAN 3    /* so many bits below the mean the classes begin */
#define BUSY_MOST (OCTAVE / 4)
#define RUN_PREFIX_MAX 13 /* of the code of a run, the longest of which is a block */

BLOCK_INLINE uint64_t zigzag(uint64_t difference)
{
    return (difference << 1) ^ (uint64_t)((int64_t)difference >> 63);
}

BLOCK_INLINE uint64_t unzigzag(uint64_t number)
{
    return (number >> 1) ^ (0 - (number & 1));
}

/* Bits that a number takes; 0 takes none. */
BLOCK_INLINE unsigned width(uint64_t number)
{
    return 64 - (unsigned)__builtin_clzll(number | 1) - (number == 0);
}

BLOCK_INLINE uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

BLOCK_INLINE double double_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* --- The model. --- */

/* Numbers are coded by their class: 0 holds all below 2^k, each further one an octave. k follows
 * the widths of the last few: of widths, not of values, since jumps are many times what is usual.
 */
BLOCK_INLINE unsigned low_bits(int mean)
{
    int k = mean / OCTAVE - BELOW_MEAN;
    return k < 0 ? 0 : k < LOW_BITS_MAX ? (unsigned)k : LOW_BITS_MAX;
}

BLOCK_INLINE void mean_add(int16_t *mean, uint64_t number)
{
    *mean = (int16_t)(*mean + (((int)width(number) * OCTAVE - *mean) >> 1));
}

/* Where hardly a value was as predicted lately, no runs are coded but each value by itself. */
BLOCK_INLINE bool is_busy(const struct block_model *model)
{
    return model->runs < BUSY_MOST && !model->wide && !model->raw;
}

BLOCK_INLINE uint64_t predicted(const struct block_model *model)
{
    return model->last + (model->bent < 0 ? model->slope : 0);
}

/* What the sum of a bucket is likely to be. */
BLOCK_INLINE uint64_t predicted_sum(const uint64_t fields[BLOCK_FIELDS])
{
    uint64_t count = fields[BLOCK_COUNT];
    return fields[BLOCK_MIN] * count + (fields[BLOCK_MAX] - fields[BLOCK_MIN]) / 2 * count;
}

BLOCK_INLINE uint64_t predicted_raw_sum(const uint64_t fields[BLOCK_FIELDS])
{
    return bits_of(double_of(fields[BLOCK_LAST]) * (double)fields[BLOCK_COUNT]);
}

/* Which prediction was nearer, in bits. */
BLOCK_INLINE void model_learn(struct block_model *model, uint64_t last)
{
    uint64_t flat = last - model->last;
    int more = (int)width(zigzag(flat - model->slope)) - (int)width(zigzag(flat));
    if (model->any)
        model->bent = (int16_t)(model->bent + more * OCTAVE - (model->bent >> 4));
}

BLOCK_INLINE void model_follow(struct block_model *model, uint64_t last)
{
    model->slope = model->any ? last - model->last : 0;
    model->last = last;
    model->any = true;
}

BLOCK_INLINE void model_begin(struct block_model *model, const struct segment_block_head *head)
{
    *model = (struct block_model){.raw = (head->flags & SEGMENT_BLOCK_RAW) != 0,
                                  .wide = head->fields == BLOCK_FIELDS,
                                  .loose = head->level == VAGUS_TIER_INSTANT};
    /* The first entry is where the block begins; see model_begun(). */
    model->count = model->wide ? 10 : 1;
}

BLOCK_INLINE void model_begun(struct block_model *model)
{
    model->step = model->loose ? 100 : 1;
    model->begun = true;
}

#endif
