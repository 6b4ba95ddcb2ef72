/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the history of a histogram. Nothing in the payload is believed. */
#include "metrics/spread_code.h"

static uint64_t get_bits(struct spread_reader *reader, unsigned count)
{
    unsigned place = reader->at / 64, shift = reader->at % 64;
    if (reader->at + count > reader->block->head.bits) {
        reader->failed = true;
        return 0;
    }
    if (count == 0)
        return 0;
    uint64_t bits = reader->block->payload[place] >> shift;
    if (shift + count > 64)
        bits |= reader->block->payload[place + 1] << (64 - shift);
    reader->at += count;
    return count == 64 ? bits : bits & ((UINT64_C(1) << count) - 1);
}

static uint64_t get_number(struct spread_reader *reader, struct spread_mean *mean)
{
    unsigned k = spread_low_bits(mean), left = reader->block->head.bits - reader->at, prefix = 0;
    uint64_t number;
    unsigned look = left < PREFIX_MAX ? left : PREFIX_MAX, at = reader->at;
    uint64_t ahead = get_bits(reader, look);
    while (prefix < look && (ahead >> prefix & 1) != 0)
        prefix++;
    if (prefix < PREFIX_MAX) {
        reader->failed = reader->failed || prefix == look; /* it ends in the middle of one */
        reader->at = at + (prefix < look ? prefix + 1 : look);
        uint64_t rest = get_bits(reader, prefix + k);
        number = rest + (((UINT64_C(1) << prefix) - 1) << k);
    } else {
        unsigned bits = (unsigned)get_bits(reader, 6) + 1;
        number = get_bits(reader, bits);
    }
    spread_mean_add(mean, number);
    return number;
}

void spread_read(struct spread_reader *reader, const struct segment_block *block,
                 const struct histogram_shape *shape)
{
    *reader = (struct spread_reader){.block = block,
                                     .shape = *shape,
                                     .period_ns = segment_level_ns(block->head.level),
                                     .from_ns = block->head.first_ns,
                                     .to_ns = block->head.first_ns,
                                     .left = block->head.entries};
    spread_model_begin(&reader->model, &block->head);
}

/* Moves to the record's stretch. */
static void get_stretch(struct spread_reader *reader)
{
    uint64_t idle = get_number(reader, &reader->model.idle), periods = 1;
    if (get_bits(reader, 1) != 0)
        periods = get_number(reader, &reader->model.width);
    uint32_t span = reader->block->head.span;
    if (idle > span - reader->index || periods > span - reader->index - idle) {
        reader->failed = true;
        return;
    }
    if (periods == 0) /* it goes on with the one before */
        return;
    int64_t first_ns = reader->block->head.first_ns;
    reader->index += idle;
    reader->from_ns = first_ns + (int64_t)reader->index * reader->period_ns;
    reader->index += periods;
    reader->to_ns = first_ns + (int64_t)reader->index * reader->period_ns;
}

static void get_sum(struct spread_reader *reader, struct spread_record *record)
{
    if (reader->model.raw) {
        record->sum = double_of(get_bits(reader, SPREAD_SUM_BITS) << (64 - SPREAD_SUM_BITS));
        return;
    }
    uint64_t off = unzigzag(get_number(reader, &reader->model.sum));
    record->sum = (double)(int64_t)(off + spread_expected(&reader->shape, record));
}

bool spread_next(struct spread_reader *reader, struct spread_record *record)
{
    struct spread_model *model = &reader->model;
    if (reader->left == 0 || reader->failed)
        return false;
    reader->left--;
    get_stretch(reader);
    uint64_t used = get_number(reader, &model->used);
    reader->failed = reader->failed || used++ >= SPREAD_RECORD_MAX;
    uint64_t place = model->place + unzigzag(get_number(reader, &model->first));
    model->place = place;
    record->count = 0;
    record->used = 0;
    while (!reader->failed && record->used < used) {
        if (record->used > 0)
            place += get_number(reader, &model->gap) + 1;
        if (place >= SPREAD_PLACES_MAX) {
            reader->failed = true;
            break;
        }
        uint64_t count = get_number(reader, &model->count) + 1;
        record->places[record->used] = (uint16_t)place;
        record->counts[record->used++] = count;
        record->count += count;
    }
    get_sum(reader, record);
    record->from_ns = reader->from_ns;
    record->to_ns = reader->to_ns;
    return !reader->failed;
}

#define POSITION_OF_ONE (1024 << VAGUS_SCALE_MAX)

bool spread_shape(const struct segment_metric *metric, struct histogram_shape *shape)
{
    int shift = VAGUS_SCALE_MAX - metric->scale;
    if (metric->kind != VAGUS_HISTOGRAM || metric->buckets == 0 ||
        metric->buckets > VAGUS_BUCKETS_MAX || metric->scale > VAGUS_SCALE_MAX ||
        metric->scale < VAGUS_SCALE_MAX - 17 || metric->offset < -POSITION_OF_ONE ||
        metric->offset > POSITION_OF_ONE)
        return false;
    int64_t origin = (int64_t)metric->offset + (POSITION_OF_ONE >> shift);
    if (origin < 0)
        return false;
    *shape = (struct histogram_shape){metric->buckets, (uint32_t)origin, (uint32_t)shift};
    return true;
}

void spread_add(struct vagus_distribution *distribution, const struct spread_record *record)
{
    for (uint32_t i = 0; i < record->used; i++) {
        uint32_t place = record->places[i];
        uint64_t *count = place == 0                       ? &distribution->below
                          : place <= distribution->buckets ? &distribution->counts[place - 1]
                                                           : &distribution->above;
        *count += record->counts[i];
        distribution->count += record->counts[i];
    }
    distribution->sum += record->sum;
}
