/* SPDX-License-Identifier: Apache-2.0 */
/* Writing blocks: an entry that is as predicted costs nothing but a count in the head, any other
 * one is coded at once, so that a reader finds all that was put. */
#include "metrics/block.h"

#include <math.h>

#include "metrics/block_model.h"
#include "segment/writer.h"

/* Beyond so many resolutions a double itself is hardly finer, and is coded as it is. */
#define SCALED_MAX 0x1p50
/* More than one entry can ever take: its run, a step, five escaped numbers. */
#define ENTRY_BITS_MAX (8 * (PREFIX_MAX + ESCAPE_BITS + 6 + 64))

static inline void put_bits(struct block_writer *writer, struct segment_block *block, uint64_t bits,
                            unsigned count)
{
    unsigned at = writer->head.bits, place = at / 64, shift = at % 64;
    writer->head.bits = (uint16_t)(at + count);
    if (count == 0 || place >= SERIES_BLOCK_WORDS)
        return; /* the caller sees that it did not fit */
    writer->word |= bits << shift;
    block->payload[place] = writer->word;
    if (shift + count >= 64) {
        writer->word = shift > 0 && shift + count > 64 ? bits >> (64 - shift) : 0;
        if (place + 1 < SERIES_BLOCK_WORDS)
            block->payload[place + 1] = writer->word;
    }
}

static void put_escape(struct block_writer *writer, struct segment_block *block, unsigned what)
{
    put_bits(writer, block, ((UINT64_C(1) << PREFIX_MAX) - 1) | (uint64_t)what << PREFIX_MAX,
             PREFIX_MAX + ESCAPE_BITS);
}

static void put_wide(struct block_writer *writer, struct segment_block *block, uint64_t number)
{
    unsigned bits = width(number);
    put_bits(writer, block, bits - 1, 6);
    put_bits(writer, block, number, bits);
}

static inline void put_number(struct block_writer *writer, struct segment_block *block,
                              struct block_mean *mean, uint64_t number)
{
    unsigned k = low_bits(mean);
    uint64_t high = number >> k;
    if (high < (UINT64_C(1) << PREFIX_MAX) - 1) {
        /* Exponential Golomb: as many ones as high + 1 has bits after its first, these, then the
         * low bits. Jumps are many times the mean; in a plain Rice code they would be dear. */
        unsigned prefix = width(high + 1) - 1;
        uint64_t ones = (UINT64_C(1) << prefix) - 1;
        uint64_t rest = (high + 1 - ones - 1) << k | (number & ((UINT64_C(1) << k) - 1));
        put_bits(writer, block, ones | rest << (prefix + 1), 2 * prefix + 1 + k);
    } else {
        put_escape(writer, block, ESCAPE_WIDE);
        put_wide(writer, block, number);
    }
}

/* Bits of a double that differ from the expected ones. */
static void put_raw(struct block_writer *writer, struct segment_block *block, uint64_t differing)
{
    if (differing == 0) {
        put_bits(writer, block, 0, 1);
        return;
    }
    unsigned low = (unsigned)__builtin_ctzll(differing);
    put_bits(writer, block, 1 | low << 1, 7);
    put_wide(writer, block, differing >> low);
}

static void put_fields(struct block_writer *writer, struct segment_block *block,
                       const uint64_t f[BLOCK_FIELDS], bool repeats_excluded)
{
    struct block_model *m = &writer->model;
    if (m->raw) {
        put_raw(writer, block, f[BLOCK_LAST] ^ m->last);
    } else {
        uint64_t number = zigzag(f[BLOCK_LAST] - predicted(m)) - repeats_excluded;
        put_number(writer, block, &m->means[BLOCK_LAST], number);
        if (m->any)
            mean_add(&m->means[BLOCK_LAST], number);
    }
    if (!m->wide)
        return;
    uint64_t count = zigzag(f[BLOCK_COUNT] - m->count);
    put_number(writer, block, &m->means[BLOCK_COUNT], count);
    mean_add(&m->means[BLOCK_COUNT], count);
    if (m->raw) {
        put_raw(writer, block, f[BLOCK_MIN] ^ f[BLOCK_LAST]);
        put_raw(writer, block, f[BLOCK_MAX] ^ f[BLOCK_LAST]);
        put_raw(writer, block, f[BLOCK_SUM] ^ predicted_raw_sum(f));
        return;
    }
    uint64_t numbers[] = {f[BLOCK_LAST] - f[BLOCK_MIN], f[BLOCK_MAX] - f[BLOCK_LAST],
                          zigzag(f[BLOCK_SUM] - predicted_sum(f))};
    for (unsigned i = 0; i < 3; i++) {
        put_number(writer, block, &m->means[BLOCK_MIN + i], numbers[i]);
        mean_add(&m->means[BLOCK_MIN + i], numbers[i]);
    }
}

static inline bool as_predicted(const struct block_model *m, const uint64_t f[BLOCK_FIELDS])
{
    if (!m->any || f[BLOCK_LAST] != (m->raw ? m->last : predicted(m)))
        return false;
    if (!m->wide)
        return true;
    return f[BLOCK_COUNT] == m->count && f[BLOCK_MIN] == f[BLOCK_LAST] &&
           f[BLOCK_MAX] == f[BLOCK_LAST] &&
           f[BLOCK_SUM] == (m->raw ? predicted_raw_sum(f) : predicted_sum(f));
}

/* Whether it is an integer that nearest() gives back; the negative zero is none. */
static inline bool is_integer(double value)
{
    return value > -0x1p51 && value < 0x1p51 && value == (double)(int64_t)value &&
           (value != 0 || bits_of(value) == 0);
}

static inline bool fits_integer(double value, double resolution, double inverse)
{
    return resolution == 0 ? is_integer(value) : fabs(value * inverse) < SCALED_MAX;
}

/* Whether an entry can be coded as integers; if not, as doubles. */
static inline bool fits_integers(const struct block_entry *entry, bool wide, double resolution,
                                 double inverse)
{
    return entry->count == 0 || (fits_integer(entry->last, resolution, inverse) &&
                                 (!wide || (fits_integer(entry->min, resolution, inverse) &&
                                            fits_integer(entry->max, resolution, inverse) &&
                                            fits_integer(entry->sum, resolution, inverse))));
}

/* The nearest integer, ties away from zero. */
static inline int64_t nearest(double scaled)
{
    return (int64_t)(scaled + (scaled < 0 ? -0.5 : 0.5));
}

double block_rounded(double value, double resolution, double inverse)
{
    if (resolution == 0 || !(fabs(value * inverse) < SCALED_MAX))
        return value;
    return (double)nearest(value * inverse) * resolution;
}

static inline uint64_t as_integer(const struct block_writer *writer, double value)
{
    return writer->model.raw ? bits_of(value) : (uint64_t)nearest(value * writer->inverse);
}

static void as_integers(const struct block_writer *writer, const struct block_entry *entry,
                        uint64_t f[BLOCK_FIELDS])
{
    f[BLOCK_LAST] = as_integer(writer, entry->last);
    if (!writer->model.wide)
        return;
    f[BLOCK_MIN] = as_integer(writer, entry->min);
    f[BLOCK_MAX] = as_integer(writer, entry->max);
    f[BLOCK_SUM] = as_integer(writer, entry->sum);
    f[BLOCK_COUNT] = entry->count;
}

void block_open(struct block_writer *writer, struct segment_block *block, uint32_t metric,
                uint8_t level, uint8_t fields, double resolution, uint32_t previous,
                const struct block_entry *first)
{
    /* A metric without a resolution is exact; where its values are integers they are coded so. */
    double inverse = resolution == 0 ? 1 : 1 / resolution;
    bool raw = writer->odd || !fits_integers(first, fields > 1, resolution, inverse);
    uint8_t flags = raw ? SEGMENT_BLOCK_RAW : resolution == 0 ? SEGMENT_BLOCK_INTEGER : 0;
    writer->head = (struct segment_block_head){.number = writer->head.number + 1,
                                               .metric = metric,
                                               .level = level,
                                               .fields = fields,
                                               .flags = flags,
                                               .previous = previous,
                                               .first_ns = first->at_ns};
    writer->word = 0;
    writer->resolution = resolution;
    writer->inverse = inverse;
    writer->period_ns = segment_level_ns(level);
    writer->odd = false;
    model_begin(&writer->model, &writer->head);
    segment_write_begin(&block->head.stamp);
    memcpy(&block->head.number, &writer->head.number,
           sizeof(struct segment_block_head) - offsetof(struct segment_block_head, number));
    block->payload[0] = 0;
    segment_write_end(&block->head.stamp);
}

static inline void count_in(struct segment_block_head *head, const struct block_entry *entry)
{
    head->entries++;
    if (entry->count == 0) {
        head->gaps++;
        return;
    }
    bool wide = head->fields > 1;
    double low = wide ? entry->min : entry->last, high = wide ? entry->max : entry->last;
    head->min = head->count == 0 || low < head->min ? low : head->min;
    head->max = head->count == 0 || high > head->max ? high : head->max;
    head->sum += wide ? entry->sum : entry->last;
    head->last = entry->last;
    head->count += entry->count;
}

static void put_coded(struct block_writer *writer, struct segment_block *block,
                      const struct block_entry *entry, const uint64_t f[BLOCK_FIELDS],
                      uint32_t step)
{
    struct block_model *m = &writer->model;
    bool expected = step == m->step && m->any;
    put_number(writer, block, &m->runs, writer->head.pending);
    mean_add(&m->runs, writer->head.pending);
    writer->head.pending = 0;
    if (step != m->step) {
        put_escape(writer, block, ESCAPE_STEP);
        put_wide(writer, block, step);
        m->step = m->loose && step > 0 ? step : m->step;
    }
    if (writer->head.entries == 0)
        model_begun(m);
    if (entry->count == 0) {
        put_escape(writer, block, ESCAPE_GAP);
        return;
    }
    if (m->raw) /* no number goes before that an escape could be told from */
        put_bits(writer, block, 0, 1);
    put_fields(writer, block, f, expected && !m->wide);
    model_learn(m, f[BLOCK_LAST]);
    model_follow(m, f[BLOCK_LAST]);
    m->count = m->wide ? f[BLOCK_COUNT] : 1;
}

/* Periods since the newest entry; false if it is too far away for this block. */
static inline bool step_of(const struct block_writer *writer, int64_t at_ns, uint32_t *step)
{
    const struct segment_block_head *head = &writer->head;
    int64_t since_ns;
    *step = 0;
    if (head->entries == 0)
        return true;
    if (__builtin_sub_overflow(at_ns, head->first_ns, &since_ns))
        return at_ns < head->first_ns;
    if (since_ns <= 0)
        return true;
    /* Nearly always it is the next period: no division then. */
    int64_t half_ns = writer->period_ns / 2;
    int64_t beyond_ns = since_ns - ((int64_t)head->span + 1) * writer->period_ns;
    if (beyond_ns >= -half_ns && beyond_ns < half_ns) {
        *step = 1;
        return true;
    }
    int64_t index = since_ns / writer->period_ns;
    index += since_ns % writer->period_ns >= half_ns;
    if (index >= UINT32_MAX)
        return false;
    *step = index > head->span ? (uint32_t)(index - head->span) : 0;
    return true;
}

bool block_put(struct block_writer *writer, struct segment_block *block,
               const struct block_entry *entry)
{
    struct segment_block_head *head = &writer->head;
    struct block_model *m = &writer->model;
    uint64_t f[BLOCK_FIELDS] = {0};
    uint32_t step;
    if (head->entries == SERIES_BLOCK_ENTRIES_MAX || !step_of(writer, entry->at_ns, &step))
        return false;
    if (!writer->odd || !m->raw) {
        writer->odd = !fits_integers(entry, m->wide, writer->resolution, writer->inverse);
        if (writer->odd && !m->raw)
            return false; /* the next block is raw, and so are those after it while there are such
                           */
    }
    if (entry->count > 0)
        as_integers(writer, entry, f);

    segment_write_begin(&block->head.stamp);
    bool fits = true;
    if (entry->count > 0 && step == m->step && as_predicted(m, f)) {
        model_follow(m, f[BLOCK_LAST]);
        head->pending++;
    } else if (head->bits + ENTRY_BITS_MAX <= SERIES_BLOCK_BITS) {
        put_coded(writer, block, entry, f, step);
    } else {
        struct block_writer before = *writer;
        put_coded(writer, block, entry, f, step);
        fits = head->bits <= SERIES_BLOCK_BITS;
        if (!fits)
            *writer = before; /* bits beyond those of the head mean nothing */
    }
    if (fits) {
        head->span += step;
        count_in(head, entry);
        memcpy(&block->head.entries, &head->entries,
               sizeof(struct segment_block_head) - offsetof(struct segment_block_head, entries));
    }
    segment_write_end(&block->head.stamp);
    return fits;
}

void block_seal(struct block_writer *writer, struct segment_block *block)
{
    writer->head.flags |= SEGMENT_BLOCK_SEALED;
    segment_write_begin(&block->head.stamp);
    block->head.flags = writer->head.flags;
    segment_write_end(&block->head.stamp);
}
