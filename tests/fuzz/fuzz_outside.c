/* SPDX-License-Identifier: Apache-2.0 */
/* The walk over a foreign pool: the input is laid over a segment's series as blocks, as they might
 * have been left by anybody, and is then listed and walked as `vagus show` does, plain and by
 * bucket. Time must run forward, and everything must end. */
#include <stdlib.h>
#include <string.h>

#include "metrics/outside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BLOCKS 24

static struct segment segment;

static int64_t fixed_ns(void *arg)
{
    (void)arg;
    return 1000 * VAGUS_SECOND_NS;
}

static void on_entry(const struct block_entry *entry, int64_t width_ns, void *arg)
{
    int64_t *last_ns = arg;
    if (entry->at_ns < *last_ns || width_ns < 0)
        abort();
    *last_ns = entry->at_ns;
}

static void on_record(const struct spread_record *record, void *arg)
{
    struct vagus_distribution *all = arg;
    if (record->to_ns < record->from_ns)
        abort();
    spread_add(all, record);
}

static void walk(const struct segment_reader *reader, int64_t from_ns, int64_t to_ns)
{
    static struct outside_block blocks[4096];
    static struct vagus_distribution all;
    struct segment_metric metric = {
        .kind = VAGUS_HISTOGRAM, .buckets = 160, .scale = 2, .offset = 20};
    struct histogram_shape shape;
    int64_t last_ns = INT64_MIN;
    if (outside_blocks_max(reader) > sizeof(blocks) / sizeof(blocks[0]) ||
        !spread_shape(&metric, &shape))
        abort();
    uint32_t count = outside_list(reader, 1, blocks);
    outside_walk(reader, 1, 0.5, blocks, count, from_ns, to_ns, on_entry, &last_ns);

    struct outside_spread its = {.on_record = on_record, .arg = &all};
    count = outside_list_spread(reader, 1, blocks);
    if (count == 0)
        return;
    histogram_empty(&shape, &all);
    outside_walk_spread(reader, 1, &shape, blocks, count,
                        blocks[outside_level_for(blocks, count, from_ns)].level, from_ns, to_ns,
                        &its);
    if (its.to_ns < its.from_ns || (its.to_ns > its.from_ns && its.to_ns > to_ns))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct vagus_clock clock = {fixed_ns, fixed_ns, NULL};
    struct segment_options options = {.agent = "fuzz",
                                      .bytes = SEGMENT_BYTES_MIN,
                                      .metrics_max = 8,
                                      .anonymous = true,
                                      .clock = &clock};
    struct segment_reader reader;
    if (segment.header == NULL && segment_create(&options, &segment) != 0)
        return 0;
    struct segment_block *pool = segment_entries(&segment, SEGMENT_SERIES);
    memset(pool, 0, BLOCKS * sizeof(*pool));
    /* The first byte says how long each block of the input is: heads matter more than payloads. */
    if (size < 2)
        return 0;
    size_t each = sizeof(struct segment_block_head) + (size_t)data[0] % 64;
    uint8_t spans = data[1];
    data += 2;
    size -= 2;
    for (unsigned i = 0; i < BLOCKS && size > 0; i++) {
        size_t bytes = size < each ? size : each;
        memcpy(&pool[i], data, bytes);
        pool[i].head.metric = 1;
        pool[i].head.stamp &= ~UINT64_C(1);
        data += bytes;
        size -= bytes;
    }
    segment_attach_own(&segment, &reader);
    walk(&reader, INT64_MIN, INT64_MAX);
    walk(&reader, spans * VAGUS_SECOND_NS, (spans + 600) * VAGUS_SECOND_NS);
    walk(&reader, INT64_MAX - 1, INT64_MAX);
    return 0;
}
