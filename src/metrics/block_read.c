/* SPDX-License-Identifier: Apache-2.0 */
/* Reading blocks. Nothing in the payload is believed: no read goes beyond it, and each entry,
 * however wrong, counts down to the end. */
#include "metrics/block_model.h"

/* The next 57 bits or more; beyond the payload they are 0. */
static inline uint64_t peek(const struct block_reader *reader)
{
    uint32_t byte = reader->at / 8;
    const unsigned char *payload = (const unsigned char *)reader->block->payload;
    uint64_t bits = 0;
    if (VAGUS_LIKELY(byte + 8 <= sizeof(reader->block->payload)))
        memcpy(&bits, payload + byte, 8);
    else if (byte < sizeof(reader->block->payload))
        memcpy(&bits, payload + byte, sizeof(reader->block->payload) - byte);
    return bits >> reader->at % 8;
}

static inline void skip(struct block_reader *reader, unsigned bits)
{
    reader->at += bits;
    if (VAGUS_UNLIKELY(reader->at > reader->block->head.bits)) {
        reader->at = reader->block->head.bits;
        reader->failed = true;
    }
}

static uint64_t get_wide(struct block_reader *reader)
{
    unsigned bits = (unsigned)(peek(reader) & 63) + 1, low = bits < 32 ? bits : 32;
    skip(reader, 6);
    uint64_t number = peek(reader) & ((UINT64_C(1) << low) - 1);
    skip(reader, low);
    if (bits > low) {
        number |= (peek(reader) & ((UINT64_C(1) << (bits - low)) - 1)) << low;
        skip(reader, bits - low);
    }
    return number;
}

static inline bool get_escape(struct block_reader *reader, unsigned *what)
{
    const uint64_t ones = (UINT64_C(1) << PREFIX_MAX) - 1;
    uint64_t bits = peek(reader);
    if (VAGUS_LIKELY((bits & ones) != ones))
        return false;
    *what = bits >> PREFIX_MAX & ((1 << ESCAPE_BITS) - 1);
    skip(reader, PREFIX_MAX + ESCAPE_BITS);
    return true;
}

/* A number that begins with no escape. */
static inline uint64_t get_low(struct block_reader *reader, int mean)
{
    uint64_t bits = peek(reader);
    unsigned k = low_bits(mean), class = bits & CLASS_MORE, prefix = CLASS_BITS;
    if (VAGUS_UNLIKELY(class == CLASS_MORE)) {
        unsigned ones = (unsigned)__builtin_ctzll(~bits); /* less than PREFIX_MAX */
        class += ones - CLASS_BITS;
        prefix = ones + 1;
    }
    unsigned low = k + class - (class > 0);
    skip(reader, prefix + low);
    uint64_t top = (uint64_t)(class > 0) << low;
    return top | (bits >> prefix & ((UINT64_C(1) << low) - 1));
}

static inline uint64_t get_number(struct block_reader *reader, int mean)
{
    unsigned what;
    if (VAGUS_LIKELY(!get_escape(reader, &what)))
        return get_low(reader, mean);
    reader->failed = reader->failed || what != ESCAPE_WIDE;
    return get_wide(reader);
}

static uint64_t get_raw(struct block_reader *reader)
{
    uint64_t bits = peek(reader);
    skip(reader, 1);
    if ((bits & 1) == 0)
        return 0;
    skip(reader, 6);
    return get_wide(reader) << (bits >> 1 & 63);
}

static void get_bucket(struct block_reader *reader, uint64_t f[BLOCK_FIELDS])
{
    struct block_model *m = &reader->model;
    uint64_t count = get_number(reader, m->means[BLOCK_COUNT]), numbers[3];
    mean_add(&m->means[BLOCK_COUNT], count);
    f[BLOCK_COUNT] = m->count + unzigzag(count);
    m->count = f[BLOCK_COUNT];
    if (m->raw) {
        f[BLOCK_MIN] = get_raw(reader) ^ f[BLOCK_LAST];
        f[BLOCK_MAX] = get_raw(reader) ^ f[BLOCK_LAST];
        f[BLOCK_SUM] = get_raw(reader) ^ predicted_raw_sum(f);
        return;
    }
    for (unsigned i = 0; i < 3; i++) {
        numbers[i] = get_number(reader, m->means[BLOCK_MIN + i]);
        mean_add(&m->means[BLOCK_MIN + i], numbers[i]);
    }
    f[BLOCK_MIN] = f[BLOCK_LAST] - numbers[0];
    f[BLOCK_MAX] = f[BLOCK_LAST] + numbers[1];
    f[BLOCK_SUM] = predicted_sum(f) + unzigzag(numbers[2]);
}

/* Fills the fields of an entry that was coded; false: it is a gap. */
static bool get_coded(struct block_reader *reader, uint64_t f[BLOCK_FIELDS])
{
    struct block_model *m = &reader->model;
    bool expected = m->any, busy = reader->busy;
    unsigned what = ESCAPE_WIDE;
    uint64_t step = m->step;
    bool escaped = get_escape(reader, &what);
    if (escaped && what == ESCAPE_STEP) {
        step = get_wide(reader);
        reader->failed = reader->failed || step > UINT32_MAX;
        m->step = m->loose && step > 0 ? (uint32_t)step : m->step;
        expected = false;
        escaped = get_escape(reader, &what);
    }
    reader->index += step;
    if (VAGUS_UNLIKELY(!m->begun))
        model_begun(m);
    if (escaped && what == ESCAPE_GAP)
        return false;
    reader->failed = reader->failed || (escaped && (what != ESCAPE_WIDE || m->raw));
    if (m->raw) {
        skip(reader, 1);
        f[BLOCK_LAST] = get_raw(reader) ^ m->last;
    } else {
        uint64_t number = escaped ? get_wide(reader) : get_low(reader, m->means[BLOCK_LAST]);
        f[BLOCK_LAST] = predicted(m) + unzigzag(number + (expected && !m->wide && !busy));
        if (m->any) {
            mean_add(&m->means[BLOCK_LAST], number);
            if (busy)
                mean_add(&m->runs, number == 0);
        }
    }
    if (m->wide)
        get_bucket(reader, f);
    model_learn(m, f[BLOCK_LAST]);
    model_follow(m, f[BLOCK_LAST]);
    return true;
}

static void get_predicted(struct block_reader *reader, uint64_t f[BLOCK_FIELDS])
{
    struct block_model *m = &reader->model;
    f[BLOCK_LAST] = m->raw ? m->last : predicted(m);
    model_follow(m, f[BLOCK_LAST]);
    reader->index += m->step;
    if (!m->wide)
        return;
    f[BLOCK_COUNT] = m->count;
    f[BLOCK_MIN] = f[BLOCK_MAX] = f[BLOCK_LAST];
    f[BLOCK_SUM] = m->raw ? predicted_raw_sum(f) : predicted_sum(f);
}

static inline double as_double(const struct block_reader *reader, uint64_t integer)
{
    return reader->model.raw ? double_of(integer) : (double)(int64_t)integer * reader->resolution;
}

void block_read(struct block_reader *reader, const struct segment_block *block, double resolution)
{
    const struct segment_block_head *head = &block->head;
    *reader = (struct block_reader){
        .block = block,
        .resolution = (head->flags & SEGMENT_BLOCK_INTEGER) != 0 ? 1 : resolution,
        .period_ns = segment_level_ns(head->level),
        .left = head->entries,
    };
    model_begin(&reader->model, head);
}

/* How many entries are as predicted before the next coded one. */
static void get_run(struct block_reader *reader)
{
    struct block_model *m = &reader->model;
    uint32_t coded = reader->left - reader->block->head.pending;
    if (reader->left <= reader->block->head.pending) {
        reader->run = reader->left;
        return;
    }
    reader->announced = true;
    reader->busy = is_busy(m);
    if (reader->busy)
        return;
    unsigned k = (unsigned)m->runs / OCTAVE;
    uint64_t bits = peek(reader);
    unsigned ones = (unsigned)__builtin_ctzll(~bits | UINT64_C(1) << RUN_PREFIX_MAX);
    skip(reader, 2 * ones + 1 + k);
    reader->run = (bits >> (ones + 1) & ((UINT64_C(1) << (ones + k)) - 1)) +
                  (((UINT64_C(1) << ones) - 1) << k);
    mean_add(&m->runs, reader->run);
    reader->failed = reader->failed || reader->run >= coded;
}

bool block_next(struct block_reader *reader, struct block_entry *entry)
{
    uint64_t f[BLOCK_FIELDS] = {0};
    bool value = true;
    if (reader->left == 0 || reader->failed)
        return false;
    if (reader->run == 0 && !reader->announced)
        get_run(reader);
    if (reader->run > 0) {
        reader->run--;
        get_predicted(reader, f);
    } else {
        reader->announced = false;
        value = get_coded(reader, f);
    }
    if (VAGUS_UNLIKELY(reader->failed || reader->index > reader->block->head.span)) {
        reader->failed = true;
        return false;
    }
    reader->left--;
    entry->at_ns = reader->block->head.first_ns + (int64_t)reader->index * reader->period_ns;
    if (VAGUS_UNLIKELY(!value)) {
        *entry = (struct block_entry){.at_ns = entry->at_ns};
        return true;
    }
    entry->count = 1;
    entry->last = as_double(reader, f[BLOCK_LAST]);
    if (!reader->model.wide) {
        entry->min = entry->max = entry->sum = entry->last;
        return true;
    }
    entry->min = as_double(reader, f[BLOCK_MIN]);
    entry->max = as_double(reader, f[BLOCK_MAX]);
    entry->sum = as_double(reader, f[BLOCK_SUM]);
    entry->count = (uint32_t)f[BLOCK_COUNT];
    return true;
}
