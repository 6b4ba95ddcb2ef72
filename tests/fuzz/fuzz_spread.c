/* SPDX-License-Identifier: Apache-2.0 */
/* The history of a histogram against whatever a block may hold: the input is the block as it lies
 * in the segment. The coder too: the same input is taken as counts, which must come back. */
#include <stdlib.h>
#include <string.h>

#include "metrics/spread.h"
#include "segment/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(const struct segment_block *block, const struct histogram_shape *shape)
{
    struct spread_reader reader;
    struct spread_record record;
    struct vagus_distribution all;
    unsigned records = 0;
    if (!segment_block_check(&block->head))
        return;
    histogram_empty(shape, &all);
    for (spread_read(&reader, block, shape); spread_next(&reader, &record); records++) {
        if (record.from_ns < block->head.first_ns || record.to_ns < record.from_ns ||
            record.to_ns > segment_block_last_ns(&block->head) || record.used == 0 ||
            record.used > SPREAD_RECORD_MAX)
            abort();
        spread_add(&all, &record);
    }
    if (records > block->head.entries)
        abort();
}

static void code(const uint8_t *data, size_t size, const struct histogram_shape *shape)
{
    static uint64_t now[VAGUS__BUCKETS + VAGUS_BUCKETS_MAX],
        before[VAGUS__BUCKETS + VAGUS_BUCKETS_MAX];
    static struct spread_writer writer;
    struct segment_block block = {.head.stamp = 0};
    struct spread_stretch stretch = {.shape = shape, .now = now, .before = before};
    struct spread_reader reader;
    struct spread_record record;
    uint64_t put = 0, got = 0;
    memset(&writer, 0, sizeof(writer));
    memset(now, 0, sizeof(now));
    memset(before, 0, sizeof(before));
    for (; size >= 4; data += 4, size -= 4) {
        uint32_t word = 1 + (data[0] | (data[1] & 1u) << 8) % (shape->buckets + 2);
        now[word] += (uint64_t)(data[2] + 1) << (data[1] >> 1) % 48;
        if ((data[3] & 1) == 0)
            continue;
        stretch.width = 1 + (data[3] >> 6 == 3 ? data[3] : 0);
        stretch.sum = data[3] & 2 ? data[2] : data[2] + 0.5;
        stretch.at = 0;
        stretch.told = 0;
        if (writer.head.number == 0)
            spread_open(&writer, &block, 0, VAGUS_TIER_1S, 0, &stretch);
        if (!spread_put(&writer, &block, &stretch))
            return; /* a part of it may be there */
        for (uint32_t i = 1; i < VAGUS__BUCKETS + shape->buckets; i++) {
            put += now[i] - before[i];
            before[i] = now[i];
        }
        stretch.from_ns += (stretch.width + (data[3] >> 2 & 7)) * VAGUS_SECOND_NS;
    }
    for (spread_read(&reader, &block, shape); spread_next(&reader, &record);)
        got += record.count;
    if (got != put || reader.failed)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct segment_block block = {.head.stamp = 0};
    struct segment_metric metric = {.kind = VAGUS_HISTOGRAM, .buckets = 160, .scale = 2};
    struct histogram_shape shape;
    if (size < 4)
        return 0;
    metric.buckets = 1 + data[0] + (data[1] & 63);
    metric.scale = VAGUS_SCALE_MAX - data[2] % 18;
    metric.offset = (int32_t)(int8_t)data[3] * 16;
    if (!spread_shape(&metric, &shape))
        return 0;
    memcpy(&block, data + 4, size - 4 < sizeof(block) ? size - 4 : sizeof(block));
    decode(&block, &shape);
    code(data + 4, size - 4, &shape);
    return 0;
}
