/* SPDX-License-Identifier: Apache-2.0 */
/* Writing blocks: an entry that is as predicted costs nothing but a count in the head, any other
 * one is coded at once, so that a reader finds all that was put. */
#include "metrics/block.h"

#include <math.h>

#include "metrics/block_model.h"
#include "segment/writer.h"

/* Beyond so many resolutions a double itself is hardly finer, and is coded as it is. */
#define SCALED_MAX 0x1p50

#define PART_BITS ((SERIES_BLOCK_BITS + BLOCK_PARTS - 1) / BLOCK_PARTS)

/* Where the payload has got to while an entry is put. */
struct out {
    unsigned char *payload;
    uint64_t tail;
    unsigned at;
};

/* At most 56 bits. What does not fit is not written; the caller sees that by out->at. */
BLOCK_INLINE void put_bits(struct out *out, uint64_t bits, unsigned count)
{
    const unsigned bytes = SERIES_BLOCK_WORDS * 8;
    unsigned byte = out->at / 8, ends = out->at % 8 + count;
    uint64_t word = out->tail | bits << out->at % 8;
    if (VAGUS_LIKELY(byte + 8 <= bytes))
        memcpy(out->payload + byte, &word, 8);
    else if (byte < bytes)
        memcpy(out->payload + byte, &word, bytes - byte);
    out->tail = word >> (ends & ~7u);
    out->at += count;
}

BLOCK_INLINE void put_escape(struct out *out, unsigned what)
{
    put_bits(out, ((UINT64_C(1) << PREFIX_MAX) - 1) | (uint64_t)what << PREFIX_MAX,
             PREFIX_MAX + ESCAPE_BITS);
}

BLOCK_INLINE uint64_t low_part(uint64_t number, unsigned bits)
{
    return number & ((UINT64_C(1) << bits) - 1);
}

BLOCK_INLINE void put_wide(struct out *out, uint64_t number)
{
    unsigned bits = width(number | 1), low = bits < 32 ? bits : 32;
    put_bits(out, (bits - 1) | low_part(number, low) << 6, 6 + low);
    if (bits > low)
        put_bits(out, number >> low, bits - low);
}

BLOCK_INLINE void put_number(struct out *out, int mean, uint64_t number)
{
    unsigned k = low_bits(mean), bits = width(number), class = bits > k ? bits - k : 0;
    if (VAGUS_LIKELY(class < CLASS_MORE)) {
        unsigned low = k + class - (class > 0);
        put_bits(out, class | low_part(number, low) << CLASS_BITS, CLASS_BITS + low);
    } else if (class <= CLASS_MAX) {
        unsigned ones = CLASS_BITS + class - CLASS_MORE;
        put_bits(out, low_part(UINT64_MAX, ones) | low_part(number, bits - 1) << (ones + 1),
                 ones + bits);
    } else {
        put_escape(out, ESCAPE_WIDE);
        put_wide(out, number);
    }
}

/* Exponential Golomb: as many ones as run + 1, less its low bits, has bits after its first. */
BLOCK_INLINE void put_run(struct out *out, int mean, unsigned run)
{
    unsigned k = (unsigned)mean / OCTAVE, ones = width((run >> k) + 1) - 1;
    uint64_t rest = run + (UINT64_C(1) << k) - (UINT64_C(1) << (ones + k));
    put_bits(out, low_part(UINT64_MAX, ones) | rest << (ones + 1), 2 * ones + 1 + k);
}

/* Bits of a double that differ from the expected ones. */
BLOCK_INLINE void put_raw(struct out *out, uint64_t differing)
{
    if (differing == 0) {
        put_bits(out, 0, 1);
        return;
    }
    unsigned low = (unsigned)__builtin_ctzll(differing);
    put_bits(out, 1 | low << 1, 7);
    put_wide(out, differing >> low);
}

BLOCK_INLINE void put_bucket(struct out *out, struct block_model *m, const uint64_t f[BLOCK_FIELDS])
{
    uint64_t count = zigzag(f[BLOCK_COUNT] - m->count);
    put_number(out, m->means[BLOCK_COUNT], count);
    mean_add(&m->means[BLOCK_COUNT], count);
    if (m->raw) {
        put_raw(out, f[BLOCK_MIN] ^ f[BLOCK_LAST]);
        put_raw(out, f[BLOCK_MAX] ^ f[BLOCK_LAST]);
        put_raw(out, f[BLOCK_SUM] ^ predicted_raw_sum(f));
        return;
    }
    uint64_t numbers[] = {f[BLOCK_LAST] - f[BLOCK_MIN], f[BLOCK_MAX] - f[BLOCK_LAST],
                          zigzag(f[BLOCK_SUM] - predicted_sum(f))};
    for (unsigned i = 0; i < 3; i++) {
        put_number(out, m->means[BLOCK_MIN + i], numbers[i]);
        mean_add(&m->means[BLOCK_MIN + i], numbers[i]);
    }
}

BLOCK_INLINE bool as_predicted(const struct block_model *m, const uint64_t f[BLOCK_FIELDS])
{
    if (!m->any || f[BLOCK_LAST] != (m->raw ? m->last : predicted(m)))
        return false;
    if (!m->wide)
        return true;
    return f[BLOCK_COUNT] == m->count && f[BLOCK_MIN] == f[BLOCK_LAST] &&
           f[BLOCK_MAX] == f[BLOCK_LAST] &&
           f[BLOCK_SUM] == (m->raw ? predicted_raw_sum(f) : predicted_sum(f));
}

/* The nearest integer, ties away from zero. */
BLOCK_INLINE int64_t nearest(double scaled)
{
    return (int64_t)(scaled + (scaled < 0 ? -0.5 : 0.5));
}

/* False: it cannot be kept as one. Without a resolution only what is an integer can, and the
 * negative zero is none. */
BLOCK_INLINE bool as_integer(const struct block_writer *writer, double value, uint64_t *integer)
{
    if (writer->resolution != 0) {
        double scaled = value * writer->inverse;
        if (!(fabs(scaled) < SCALED_MAX))
            return false;
        *integer = (uint64_t)nearest(scaled);
        return true;
    }
    if (!(fabs(value) < 0x1p51))
        return false;
    *integer = (uint64_t)(int64_t)value;
    return bits_of((double)(int64_t)value) == bits_of(value);
}

BLOCK_INLINE bool as_integers(const struct block_writer *writer, const struct block_entry *entry,
                              bool wide, uint64_t f[BLOCK_FIELDS])
{
    f[BLOCK_COUNT] = entry->count;
    return entry->count == 0 || (as_integer(writer, entry->last, &f[BLOCK_LAST]) &&
                                 (!wide || (as_integer(writer, entry->min, &f[BLOCK_MIN]) &&
                                            as_integer(writer, entry->max, &f[BLOCK_MAX]) &&
                                            as_integer(writer, entry->sum, &f[BLOCK_SUM]))));
}

static void as_bits(const struct block_entry *entry, uint64_t f[BLOCK_FIELDS])
{
    f[BLOCK_LAST] = bits_of(entry->last);
    f[BLOCK_MIN] = bits_of(entry->min);
    f[BLOCK_MAX] = bits_of(entry->max);
    f[BLOCK_SUM] = bits_of(entry->sum);
    f[BLOCK_COUNT] = entry->count;
}

double block_rounded(double value, double resolution, double inverse)
{
    if (resolution == 0 || !(fabs(value * inverse) < SCALED_MAX))
        return value;
    return (double)nearest(value * inverse) * resolution;
}

void block_open(struct block_writer *writer, struct segment_block *block, uint32_t metric,
                uint8_t level, uint8_t fields, double resolution, uint32_t previous,
                const struct block_entry *first)
{
    uint64_t f[BLOCK_FIELDS] = {0};
    writer->resolution = resolution;
    writer->inverse = resolution == 0 ? 1 : 1 / resolution;
    /* A metric without a resolution is exact; where its values are integers they are coded so. */
    bool raw = writer->odd || !as_integers(writer, first, fields > 1, f);
    uint8_t flags = raw ? SEGMENT_BLOCK_RAW : resolution == 0 ? SEGMENT_BLOCK_INTEGER : 0;
    writer->head = (struct segment_block_head){.number = writer->head.number + 1,
                                               .metric = metric,
                                               .level = level,
                                               .fields = fields,
                                               .flags = flags,
                                               .previous = previous,
                                               .first_ns = first->at_ns};
    writer->tail = 0;
    writer->period_ns = segment_level_ns(level);
    writer->odd = false;
    model_begin(&writer->model, &writer->head);
    writer->part = (struct block_part){.min = INFINITY, .max = -INFINITY};
    segment_write_begin(&block->head.stamp);
    if (writer->parts != NULL && writer->parts->count > 0) { /* pages that nobody used stay so */
        writer->parts->count = 0;
        writer->parts->sealed = false;
    }
    memcpy(&block->head.number, &writer->head.number,
           sizeof(struct segment_block_head) - offsetof(struct segment_block_head, number));
    block->payload[0] = 0;
    segment_write_end(&block->head.stamp);
}

BLOCK_INLINE void count_in(struct segment_block_head *head, const struct block_entry *entry,
                           bool wide)
{
    head->entries++;
    if (entry->count == 0) {
        head->gaps++;
        return;
    }
    double low = wide ? entry->min : entry->last, high = wide ? entry->max : entry->last;
    head->min = head->count == 0 || low < head->min ? low : head->min;
    head->max = head->count == 0 || high > head->max ? high : head->max;
    head->sum += wide ? entry->sum : entry->last;
    head->last = entry->last;
    head->count += entry->count;
}

/* What changes of a head with an entry; one by one, since they come out of registers. */
BLOCK_INLINE void head_store(struct segment_block_head *to, const struct segment_block_head *head)
{
    to->entries = head->entries;
    to->pending = head->pending;
    to->bits = head->bits;
    to->gaps = head->gaps;
    to->count = head->count;
    to->span = head->span;
    to->min = head->min;
    to->max = head->max;
    to->sum = head->sum;
    to->last = head->last;
}

/* A part ends here. */
static __attribute__((noinline)) void part_end(struct block_writer *writer)
{
    const struct segment_block_head *head = &writer->head;
    const struct block_model *m = &writer->model;
    struct block_parts *parts = writer->parts;
    parts->part[parts->count++] = writer->part;
    writer->part = (struct block_part){.last = m->last,
                                       .slope = m->slope,
                                       .runs = m->runs,
                                       .mean = m->means[BLOCK_LAST],
                                       .bent = m->bent,
                                       .bits = head->bits,
                                       .entries = head->entries,
                                       .gaps = head->gaps,
                                       .index = head->span,
                                       .first = head->span,
                                       .min = INFINITY,
                                       .max = -INFINITY};
    if (parts->count < BLOCK_PARTS)
        parts->part[parts->count] = writer->part;
}

/* Parts have about as many bits each, and begin after a value that was coded. */
BLOCK_INLINE void part_add(struct block_writer *writer, const struct block_entry *entry)
{
    struct block_part *part = &writer->part;
    if (entry->count == 0)
        return;
    if (VAGUS_UNLIKELY(part->min > part->max))
        part->first = writer->head.span;
    part->min = entry->last < part->min ? entry->last : part->min;
    part->max = entry->last > part->max ? entry->last : part->max;
    part->sum += entry->last;
    if (VAGUS_UNLIKELY(writer->head.bits >= part->bits + PART_BITS) && writer->head.pending == 0 &&
        writer->parts->count + 1 < BLOCK_PARTS)
        part_end(writer);
}

BLOCK_INLINE void put_last(struct out *out, struct block_model *m, const uint64_t *f, bool busy,
                           bool expected)
{
    if (m->raw) {
        put_raw(out, f[BLOCK_LAST] ^ m->last);
        return;
    }
    /* What is as predicted would be part of the run. */
    uint64_t number = zigzag(f[BLOCK_LAST] - predicted(m)) - (expected && !m->wide && !busy);
    put_number(out, m->means[BLOCK_LAST], number);
    if (!m->any)
        return;
    mean_add(&m->means[BLOCK_LAST], number);
    if (busy)
        mean_add(&m->runs, number == 0);
}

/* pending: the run before it. */
BLOCK_INLINE void put_coded(struct out *out, struct block_model *m, unsigned pending,
                            const struct block_entry *entry, const uint64_t f[BLOCK_FIELDS],
                            uint32_t step)
{
    bool expected = step == m->step && m->any, busy = is_busy(m);
    if (!busy) {
        put_run(out, m->runs, pending);
        mean_add(&m->runs, pending);
    }
    if (VAGUS_UNLIKELY(step != m->step)) {
        put_escape(out, ESCAPE_STEP);
        put_wide(out, step);
        m->step = m->loose && step > 0 ? step : m->step;
    }
    if (VAGUS_UNLIKELY(!m->begun))
        model_begun(m);
    if (entry->count == 0) {
        put_escape(out, ESCAPE_GAP);
        return;
    }
    if (m->raw) /* no number goes before that an escape could be told from */
        put_bits(out, 0, 1);
    put_last(out, m, f, busy, expected);
    if (m->wide)
        put_bucket(out, m, f);
    model_learn(m, f[BLOCK_LAST]);
    model_follow(m, f[BLOCK_LAST]);
    m->count = m->wide ? f[BLOCK_COUNT] : 1;
}

/* Periods since the newest entry; false if it is too far away for this block. */
BLOCK_INLINE bool step_of(const struct block_writer *writer, int64_t at_ns, uint32_t *step)
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

/* Works on copies that are to stay in registers, so what did not fit leaves nothing behind but bits
 * beyond those of the head, which mean nothing. */
BLOCK_INLINE bool put_entry(struct block_writer *writer, struct segment_block *block,
                            const struct block_entry *entry, const uint64_t f[BLOCK_FIELDS],
                            uint32_t step, bool wide, bool raw)
{
    struct block_model m = writer->model;
    struct segment_block_head head = writer->head;
    struct out out = {(unsigned char *)block->payload, writer->tail, head.bits};
    m.wide = wide;
    m.raw = raw;
    segment_write_begin(&block->head.stamp);
    if (entry->count > 0 && step == m.step && !is_busy(&m) && as_predicted(&m, f)) {
        model_follow(&m, f[BLOCK_LAST]);
        head.pending++;
    } else {
        put_coded(&out, &m, head.pending, entry, f, step);
        head.pending = 0;
        head.bits = (uint16_t)out.at;
    }
    bool fits = out.at <= SERIES_BLOCK_BITS;
    if (VAGUS_LIKELY(fits)) {
        head.span += step;
        count_in(&head, entry, wide);
        head_store(&writer->head, &head);
        head_store(&block->head, &head);
        writer->tail = out.tail;
        writer->model = m;
        if (!wide && !raw && writer->parts != NULL && !m.loose)
            part_add(writer, entry);
    }
    segment_write_end(&block->head.stamp);
    return fits;
}

/* Buckets, and what integers cannot hold. */
static __attribute__((noinline)) bool put_other(struct block_writer *writer,
                                                struct segment_block *block,
                                                const struct block_entry *entry, uint32_t step)
{
    bool wide = writer->model.wide, raw = writer->model.raw;
    uint64_t f[BLOCK_FIELDS] = {0};
    bool odd = !as_integers(writer, entry, wide, f);
    writer->odd = writer->odd || odd;
    if (odd && !raw)
        return false; /* the next block is raw, and so are those after it that have such */
    if (raw)
        as_bits(entry, f);
    return put_entry(writer, block, entry, f, step, wide, raw);
}

bool block_put(struct block_writer *writer, struct segment_block *block,
               const struct block_entry *entry)
{
    uint64_t f[BLOCK_FIELDS] = {0};
    uint32_t step;
    if (writer->head.entries == SERIES_BLOCK_ENTRIES_MAX || !step_of(writer, entry->at_ns, &step))
        return false;
    if (writer->model.wide || writer->model.raw || !as_integers(writer, entry, false, f))
        return put_other(writer, block, entry, step);
    return put_entry(writer, block, entry, f, step, false, false);
}

void block_seal(struct block_writer *writer, struct segment_block *block)
{
    writer->head.flags |= SEGMENT_BLOCK_SEALED;
    segment_write_begin(&block->head.stamp);
    block->head.flags = writer->head.flags;
    if (writer->parts != NULL && writer->parts->count > 0) {
        part_end(writer);
        writer->parts->sealed = true;
    }
    segment_write_end(&block->head.stamp);
}
