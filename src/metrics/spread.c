/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the history of a histogram. A record is coded aside and copied into the block if it fits,
 * so a reader never sees half of one. */
#include "metrics/spread.h"

#include <math.h>

#include "metrics/spread_code.h"
#include "segment/writer.h"

#define NUMBER_BITS_MAX (PREFIX_MAX + 6 + 64)
#define RECORD_WORDS ((2 * SPREAD_RECORD_MAX + 5) * NUMBER_BITS_MAX / 64 + 2)
/* Of a sum, and of a part of one: the parts add up to it without rounding. */
#define WHOLE_MAX 0x1p52
#define PART_MAX (UINT64_C(1) << 48)

/* A record that is being coded: behind the unfinished word of the payload. */
struct coded {
    uint64_t words[RECORD_WORDS];
    unsigned at;
};

static void put_bits(struct coded *coded, uint64_t bits, unsigned count)
{
    unsigned place = coded->at / 64, shift = coded->at % 64;
    coded->at += count;
    if (count == 0)
        return;
    coded->words[place] |= bits << shift;
    if (shift + count > 64)
        coded->words[place + 1] = bits >> (64 - shift);
}

/* Exponential Golomb, with nothing to tell an escape from but a number too great. */
static void put_number(struct coded *coded, struct spread_mean *mean, uint64_t number)
{
    unsigned k = spread_low_bits(mean);
    uint64_t high = number >> k;
    if (high < (UINT64_C(1) << PREFIX_MAX) - 1) {
        unsigned prefix = width(high + 1) - 1;
        uint64_t ones = (UINT64_C(1) << prefix) - 1;
        put_bits(coded, ones, prefix + 1);
        put_bits(coded, (high - ones) << k | (number & ((UINT64_C(1) << k) - 1)), prefix + k);
    } else {
        put_bits(coded, (UINT64_C(1) << PREFIX_MAX) - 1, PREFIX_MAX);
        put_bits(coded, width(number) - 1, 6);
        put_bits(coded, number, width(number));
    }
    spread_mean_add(mean, number);
}

static inline uint64_t grown(const struct spread_stretch *stretch, uint32_t place)
{
    /* Below, the buckets, above: as they follow each other in value, not in the run. */
    uint32_t buckets = stretch->shape->buckets;
    uint32_t word = place == 0         ? VAGUS__BELOW
                    : place <= buckets ? VAGUS__BUCKETS + place - 1
                                       : VAGUS__ABOVE;
    return stretch->now[word] - stretch->before[word];
}

bool spread_any(const struct spread_stretch *stretch)
{
    for (uint32_t place = 0; place < stretch->shape->buckets + 2; place++)
        if (grown(stretch, place) != 0)
            return true;
    return false;
}

static bool is_whole(double sum)
{
    return fabs(sum) < WHOLE_MAX && sum == (double)(int64_t)sum;
}

/* The next places of a stretch that hold something; where they end. */
static uint32_t gather(const struct spread_stretch *stretch, struct spread_record *record)
{
    uint32_t place = stretch->at;
    record->used = 0;
    record->count = 0;
    for (; place < stretch->shape->buckets + 2; place++) {
        uint64_t count = grown(stretch, place);
        if (count == 0)
            continue;
        if (record->used == SPREAD_RECORD_MAX)
            return place;
        record->places[record->used] = (uint16_t)place;
        record->counts[record->used++] = count;
        record->count += count;
    }
    return place;
}

static void code_sum(struct coded *coded, struct spread_model *model,
                     const struct spread_stretch *stretch, struct spread_record *record, bool last)
{
    uint64_t expected = spread_expected(stretch->shape, record);
    if (!model->raw) {
        uint64_t sum = last                  ? (uint64_t)(int64_t)stretch->sum - stretch->told
                       : expected < PART_MAX ? expected
                                             : 0;
        put_number(coded, &model->sum, zigzag(sum - expected));
        record->sum = (double)(int64_t)sum;
        return;
    }
    record->sum = last ? stretch->sum - (double)(int64_t)stretch->told : 0;
    uint64_t bits = bits_of(record->sum) + (UINT64_C(1) << (63 - SPREAD_SUM_BITS));
    put_bits(coded, bits >> (64 - SPREAD_SUM_BITS), SPREAD_SUM_BITS);
}

static void code_record(struct coded *coded, struct spread_model *model, uint32_t idle,
                        uint32_t periods, const struct spread_record *record)
{
    put_number(coded, &model->idle, idle);
    put_bits(coded, periods != 1, 1);
    if (periods != 1)
        put_number(coded, &model->width, periods);
    put_number(coded, &model->used, record->used - 1);
    put_number(coded, &model->first, zigzag(record->places[0] - model->place));
    model->place = record->places[0];
    for (uint32_t i = 0; i < record->used; i++) {
        if (i > 0)
            put_number(coded, &model->gap, record->places[i] - record->places[i - 1] - 1u);
        put_number(coded, &model->count, record->counts[i] - 1);
    }
}

/* 2^(index / 2^scale) of the lower bound of a bucket. */
static double bound(const struct histogram_shape *shape, uint32_t bucket)
{
    double position = (double)((uint64_t)(shape->origin + bucket) << shape->shift);
    return exp2(position / (1 << VAGUS_SCALE_MAX) - 1024);
}

static void count_in(struct segment_block_head *head, const struct histogram_shape *shape,
                     const struct spread_record *record)
{
    uint32_t first = record->places[0], last = record->places[record->used - 1];
    double low = bound(shape, first > 0 ? first - 1 : 0);
    double high = bound(shape, last <= shape->buckets ? last : shape->buckets);
    head->min = head->entries == 0 || low < head->min ? low : head->min;
    head->max = head->entries == 0 || high > head->max ? high : head->max;
    head->sum += record->sum;
    head->last = (double)record->count;
    /* At its greatest it means: decode. */
    head->count = record->count < UINT32_MAX - head->count ? head->count + (uint32_t)record->count
                                                           : UINT32_MAX;
    head->entries++;
}

void spread_open(struct spread_writer *writer, struct segment_block *block, uint32_t metric,
                 uint8_t level, uint32_t previous, const struct spread_stretch *first)
{
    unsigned flags = is_whole(first->sum) ? SEGMENT_BLOCK_INTEGER : SEGMENT_BLOCK_RAW;
    flags |= first->at > 0 ? SEGMENT_BLOCK_GOES_ON : 0;
    writer->head = (struct segment_block_head){.number = writer->head.number + 1,
                                               .metric = metric,
                                               .level = level,
                                               .fields = SPREAD_FIELDS,
                                               .flags = (uint8_t)flags,
                                               .previous = previous,
                                               .first_ns = first->from_ns};
    writer->word = 0;
    writer->coded = 0;
    writer->stretch_ns = INT64_MIN;
    spread_model_begin(&writer->model, &writer->head);
    segment_write_begin(&block->head.stamp);
    memcpy(&block->head.number, &writer->head.number,
           sizeof(struct segment_block_head) - offsetof(struct segment_block_head, number));
    segment_write_end(&block->head.stamp);
}

static bool put_record(struct spread_writer *writer, struct segment_block *block,
                       struct spread_stretch *stretch)
{
    struct segment_block_head *head = &writer->head;
    struct spread_model before = writer->model;
    struct coded coded = {.words = {writer->word}, .at = head->bits % 64};
    struct spread_record record;
    bool more = stretch->from_ns == writer->stretch_ns; /* of what this block holds already */
    uint64_t from =
        (uint64_t)(stretch->from_ns - head->first_ns) / (uint64_t)segment_level_ns(head->level);
    uint32_t end = gather(stretch, &record), idle = more ? 0 : (uint32_t)from - writer->coded;
    bool last = end == stretch->shape->buckets + 2;
    code_record(&coded, &writer->model, idle, more ? 0 : stretch->width, &record);
    code_sum(&coded, &writer->model, stretch, &record, last);
    unsigned bits = coded.at - head->bits % 64;
    if (head->bits + bits > SERIES_BLOCK_BITS || head->entries == SERIES_BLOCK_ENTRIES_MAX) {
        writer->model = before;
        return false;
    }
    segment_write_begin(&block->head.stamp);
    unsigned first = head->bits / 64, words = (coded.at + 63) / 64;
    memcpy(&block->payload[first], coded.words, words * sizeof(coded.words[0]));
    writer->word = coded.at % 64 != 0 ? coded.words[coded.at / 64] : 0;
    head->bits = (uint16_t)(head->bits + bits);
    if (!more)
        writer->coded = (uint32_t)from + stretch->width;
    head->span = writer->coded > head->span ? writer->coded : head->span;
    count_in(head, stretch->shape, &record);
    memcpy(&block->head.entries, &head->entries,
           sizeof(struct segment_block_head) - offsetof(struct segment_block_head, entries));
    segment_write_end(&block->head.stamp);
    writer->stretch_ns = stretch->from_ns;
    stretch->at = end;
    stretch->told += writer->model.raw ? 0 : (uint64_t)(int64_t)record.sum;
    return true;
}

bool spread_put(struct spread_writer *writer, struct segment_block *block,
                struct spread_stretch *stretch)
{
    int64_t into_ns = stretch->from_ns - writer->head.first_ns;
    if (into_ns / segment_level_ns(writer->head.level) + stretch->width >= UINT32_MAX ||
        (!writer->model.raw && !is_whole(stretch->sum)))
        return false;
    while (stretch->at < stretch->shape->buckets + 2)
        if (!put_record(writer, block, stretch))
            return false;
    return true;
}

void spread_idle(struct spread_writer *writer, struct segment_block *block, uint32_t span)
{
    writer->head.span = span;
    segment_write_begin(&block->head.stamp);
    block->head.span = span;
    segment_write_end(&block->head.stamp);
}

void spread_seal(struct spread_writer *writer, struct segment_block *block)
{
    writer->head.flags |= SEGMENT_BLOCK_SEALED;
    segment_write_begin(&block->head.stamp);
    block->head.flags = writer->head.flags;
    segment_write_end(&block->head.stamp);
}
