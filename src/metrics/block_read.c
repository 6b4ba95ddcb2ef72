/* SPDX-License-Identifier: Apache-2.0 */
/* Reading blocks. Nothing in the payload is believed: no read goes beyond it, and each entry,
 * however wrong, counts down to the end. */
#include "metrics/block_model.h"

/* The next 57 bits or more; beyond the payload they are 0. */
BLOCK_INLINE uint64_t peek(const struct block_reader *reader)
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

BLOCK_INLINE void skip(struct block_reader *reader, unsigned bits)
{
    reader->at += bits;
    if (VAGUS_UNLIKELY(reader->at > reader->block->head.bits)) {
        reader->at = reader->block->head.bits;
        reader->failed = true;
    }
}

BLOCK_INLINE uint64_t get_wide(struct block_reader *reader)
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

BLOCK_INLINE bool get_escape(struct block_reader *reader, unsigned *what)
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
BLOCK_INLINE uint64_t get_low(struct block_reader *reader, int mean)
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

BLOCK_INLINE uint64_t get_number(struct block_reader *reader, int mean)
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
BLOCK_INLINE bool get_coded(struct block_reader *reader, uint64_t f[BLOCK_FIELDS], bool plain)
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
    if (!plain && m->raw) {
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
    if (!plain && m->wide)
        get_bucket(reader, f);
    model_learn(m, f[BLOCK_LAST]);
    model_follow(m, f[BLOCK_LAST]);
    return true;
}

BLOCK_INLINE void get_predicted(struct block_reader *reader, uint64_t f[BLOCK_FIELDS])
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

BLOCK_INLINE double as_double(const struct block_reader *reader, uint64_t integer)
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
BLOCK_INLINE void get_run(struct block_reader *reader)
{
    struct block_model *m = &reader->model;
    uint32_t coded = reader->left - reader->block->head.pending;
    if (reader->left <= reader->block->head.pending) {
        reader->run = reader->left;
        reader->failed = reader->failed || !m->begun; /* a first one was coded */
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
    reader->failed = reader->failed || reader->run >= coded || (reader->run > 0 && !m->begun);
}

/* plain: of single integers. */
BLOCK_INLINE bool next(struct block_reader *reader, struct block_entry *entry, bool plain)
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
        value = get_coded(reader, f, plain);
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
    if (plain || !reader->model.wide) {
        entry->min = entry->max = entry->sum = entry->last;
        return true;
    }
    entry->min = as_double(reader, f[BLOCK_MIN]);
    entry->max = as_double(reader, f[BLOCK_MAX]);
    entry->sum = as_double(reader, f[BLOCK_SUM]);
    entry->count = (uint32_t)f[BLOCK_COUNT];
    return true;
}

bool block_next(struct block_reader *reader, struct block_entry *entry)
{
    return next(reader, entry, false);
}

unsigned block_next_many(struct block_reader *reader, struct block_entry *entries, unsigned room)
{
    struct block_reader copy = *reader;
    unsigned got = 0;
    if (reader->model.wide || reader->model.raw) {
        while (got < room && next(reader, &entries[got], false))
            got++;
        return got;
    }
    copy.model.wide = copy.model.raw = false;
    while (got < room && next(&copy, &entries[got], true))
        got++;
    *reader = copy;
    return got;
}

/* --- Parts and runs. --- */

unsigned block_parts_count(const struct segment_block *block, const struct block_parts *parts)
{
    if (parts->count == 0 || parts->count > BLOCK_PARTS)
        return 1;
    const struct block_part *newest = &parts->part[parts->count - parts->sealed];
    bool fits = newest->entries <= block->head.entries && newest->bits <= block->head.bits &&
                newest->index <= block->head.span && newest->gaps <= block->head.gaps;
    return fits ? parts->count + !parts->sealed : 1;
}

bool block_part_head(const struct segment_block *block, const struct block_parts *parts,
                     unsigned number, double resolution, struct segment_block_head *head)
{
    const struct block_part *part = &parts->part[number];
    int64_t period_ns = segment_level_ns(block->head.level);
    if (number >= parts->count)
        return false;
    bool last = number + 1 == parts->count && parts->sealed;
    uint32_t entries = last ? block->head.entries : part[1].entries;
    uint32_t gaps = last ? block->head.gaps : part[1].gaps;
    double unit = (block->head.flags & SEGMENT_BLOCK_INTEGER) != 0 ? 1 : resolution;
    *head = (struct segment_block_head){
        .level = block->head.level,
        .fields = 1,
        .entries = (uint16_t)(entries - part->entries),
        .gaps = (uint16_t)(gaps - part->gaps),
        .first_ns = block->head.first_ns + (int64_t)part->first * period_ns,
        .span = (last ? block->head.span : part[1].index) - part->first,
        .min = part->min,
        .max = part->max,
        .sum = part->sum,
        .last = last ? block->head.last : (double)(int64_t)part[1].last * unit,
    };
    head->count = head->entries - (uint32_t)head->gaps;
    return true;
}

void block_part_read(struct block_reader *reader, const struct segment_block *block,
                     const struct block_parts *parts, unsigned number, double resolution,
                     uint32_t *until)
{
    const struct block_part *part = &parts->part[number];
    block_read(reader, block, resolution);
    *until = 0;
    if (number + 1 < block_parts_count(block, parts))
        *until = block->head.entries - part[1].entries;
    if (number == 0)
        return;
    struct block_model *m = &reader->model;
    m->last = part->last;
    m->slope = part->slope;
    m->runs = part->runs;
    m->means[BLOCK_LAST] = part->mean;
    m->bent = part->bent;
    m->any = true;
    model_begun(m);
    reader->left = block->head.entries - (uint32_t)part->entries;
    reader->index = part->index;
    reader->at = part->bits;
}

/* What is taken of a block, as integers. */
struct taken {
    uint32_t count;
    uint64_t first, last; /* indices of values */
    int64_t min, max;
    uint64_t sum;
};

BLOCK_INLINE void taken_add(struct taken *taken, uint32_t count, int64_t low, int64_t high,
                            uint64_t sum)
{
    taken->count += count;
    taken->min = low < taken->min ? low : taken->min;
    taken->max = high > taken->max ? high : taken->max;
    taken->sum += sum;
}

/* As many entries of a run as lie up to an index: these are a flat or a straight line. */
BLOCK_INLINE void take_run(struct block_reader *reader, uint64_t to_index, struct taken *taken)
{
    struct block_model *m = &reader->model;
    uint64_t count = reader->run, reaches = m->step == 1 ? to_index - reader->index
                                                         : (to_index - reader->index) / m->step;
    count = count < reaches ? count : reaches;
    uint64_t slope = predicted(m) - m->last, first = m->last + slope;
    m->last += count * slope;
    m->slope = slope;
    reader->index += count * m->step;
    reader->run -= count;
    reader->left -= (uint32_t)count;
    bool rises = (int64_t)slope >= 0;
    taken->last = reader->index;
    taken_add(taken, (uint32_t)count, (int64_t)(rises ? first : m->last),
              (int64_t)(rises ? m->last : first), count * first + count * (count - 1) / 2 * slope);
}

/* The index of the next coded entry; the step that an escape tells of is looked at only. */
BLOCK_INLINE uint64_t coded_index(struct block_reader *reader)
{
    uint64_t step = reader->model.step;
    uint32_t at = reader->at;
    unsigned what;
    if (VAGUS_UNLIKELY(get_escape(reader, &what)) && what == ESCAPE_STEP)
        step = get_wide(reader);
    reader->at = at;
    return reader->index + step;
}

bool block_take(struct block_reader *reader, int64_t to_ns, uint32_t until,
                struct segment_block_head *head)
{
    struct block_reader r = *reader;
    const struct segment_block_head *whole = &r.block->head;
    struct taken taken = {.min = INT64_MAX, .max = INT64_MIN};
    if (r.model.wide || r.model.raw || to_ns < whole->first_ns)
        return false;
    uint64_t to_index = (uint64_t)(to_ns - whole->first_ns) / (uint64_t)r.period_ns;
    to_index = to_index < whole->span ? to_index : whole->span;
    while (r.left > until && !r.failed) {
        if (r.run == 0 && !r.announced)
            get_run(&r);
        uint64_t index = r.run > 0 ? r.index + r.model.step : coded_index(&r);
        if (index > to_index || r.failed)
            break;
        if (taken.count == 0)
            taken.first = index;
        if (r.run > 0) {
            take_run(&r, to_index, &taken);
            continue;
        }
        uint64_t f[BLOCK_FIELDS];
        r.announced = false;
        r.left--;
        if (VAGUS_LIKELY(get_coded(&r, f, true))) {
            taken.last = index;
            taken_add(&taken, 1, (int64_t)f[BLOCK_LAST], (int64_t)f[BLOCK_LAST], f[BLOCK_LAST]);
        }
    }
    *reader = r;
    if (taken.count == 0 || r.failed)
        return false;
    *head = (struct segment_block_head){
        .level = whole->level,
        .fields = 1,
        .entries = (uint16_t)taken.count,
        .count = taken.count,
        .first_ns = whole->first_ns + (int64_t)taken.first * r.period_ns,
        .span = (uint32_t)(taken.last - taken.first),
        .min = as_double(&r, (uint64_t)taken.min),
        .max = as_double(&r, (uint64_t)taken.max),
        .sum = as_double(&r, taken.sum),
        .last = as_double(&r, r.model.last),
    };
    return true;
}
