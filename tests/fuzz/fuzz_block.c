/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder of blocks against whatever a block may hold: the input is the block as it lies in the
 * segment, and what is missing of it is 0. The coder too: the same input is taken as values, which
 * must come back, as a whole and part by part; then the input is written over that block, while its
 * parts remain as they were. */
#include <stdlib.h>
#include <string.h>

#include "metrics/block.h"
#include "segment/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode_parts(const struct segment_block *block, const struct block_parts *parts,
                         double resolution)
{
    struct block_entry entries[7];
    struct segment_block_head head;
    struct block_reader reader;
    uint32_t until;
    if (!segment_block_check(&block->head))
        return;
    unsigned number = block_parts_count(block, parts);
    for (unsigned i = 0; i < number; i++) {
        unsigned count = 0, got;
        if (number > 1)
            block_part_head(block, parts, i, resolution, &head);
        block_part_read(&reader, block, parts, i, resolution, &until);
        while (reader.left > until && (got = block_next_many(&reader, entries, 7)) > 0)
            count += got;
        if (count > block->head.entries)
            abort();
        block_part_read(&reader, block, parts, i, resolution, &until);
        for (int64_t past_ns = 0; reader.left > until && past_ns < INT64_MAX / 4;
             past_ns = 2 * past_ns + VAGUS_SECOND_NS)
            if (past_ns < segment_block_last_ns(&block->head) - block->head.first_ns)
                block_take(&reader, block->head.first_ns + past_ns, until, &head);
    }
}

static void decode(const struct segment_block *block, double resolution)
{
    struct block_reader reader;
    struct block_entry entry;
    unsigned entries = 0;
    if (!segment_block_check(&block->head))
        return;
    for (block_read(&reader, block, resolution); block_next(&reader, &entry); entries++)
        if (entry.at_ns < block->head.first_ns || entry.at_ns > segment_block_last_ns(&block->head))
            abort();
    if (entries > block->head.entries)
        abort();
}

static void code(const uint8_t *data, size_t size, double resolution)
{
    static struct block_writer writer;
    static struct block_parts parts;
    struct segment_block block = {.head.stamp = 0};
    const uint8_t *input = data;
    size_t input_size = size;
    struct block_entry entries[SERIES_BLOCK_ENTRIES_MAX], got;
    struct block_reader reader;
    unsigned count = 0;
    int64_t at_ns = 0;
    writer.head.number = 0;
    writer.odd = false;
    writer.parts = &parts;
    parts = (struct block_parts){.count = 0};
    for (; size >= 9 && count < SERIES_BLOCK_ENTRIES_MAX; data += 9, size -= 9) {
        double value;
        at_ns += (data[0] < 200 ? 1 : data[0]) * VAGUS_SECOND_NS;
        memcpy(&value, data + 1, sizeof(value));
        if (!__builtin_isfinite(value))
            continue;
        if (resolution != 0)
            value = block_rounded(value, resolution, 1 / resolution);
        struct block_entry entry = {at_ns, value, value, value, value, data[0] != 199};
        if (count == 0)
            block_open(&writer, &block, 0, VAGUS_TIER_1S, 1, resolution, 0, &entry);
        if (!block_put(&writer, &block, &entry))
            break;
        entries[count++] = entry;
    }
    block_read(&reader, &block, resolution);
    for (unsigned i = 0; i < count; i++)
        if (!block_next(&reader, &got) || got.at_ns != entries[i].at_ns ||
            got.count != entries[i].count ||
            (got.count > 0 && memcmp(&got.last, &entries[i].last, sizeof(got.last)) != 0))
            abort();
    if (block_next(&reader, &got))
        abort();
    decode_parts(&block, &parts, resolution);
    memcpy(&block, input, input_size < sizeof(block) ? input_size : sizeof(block));
    decode_parts(&block, &parts, resolution);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct segment_block block = {.head.stamp = 0};
    if (size == 0)
        return 0;
    memcpy(&block, data + 1, size - 1 < sizeof(block) ? size - 1 : sizeof(block));
    decode(&block, (data[0] & 1) != 0 ? 0.001 : 0);
    code(data + 1, size - 1, (data[0] & 2) != 0 ? 1 : 0);
    return 0;
}
