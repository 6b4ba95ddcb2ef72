/* SPDX-License-Identifier: Apache-2.0 */
/* Finding and decoding a metric's blocks from outside. What is read was written by a stranger: each
 * head was checked by the reader, and time is made to run forward. */
#include "metrics/outside.h"

#include <stdlib.h>

static int by_age(const void *a, const void *b)
{
    const struct outside_block *x = a, *y = b;
    if (x->level != y->level)
        return x->level < y->level ? -1 : 1;
    if (x->first_ns != y->first_ns)
        return x->first_ns < y->first_ns ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

uint32_t outside_blocks_max(const struct segment_reader *reader)
{
    return reader->header.sections[SEGMENT_SERIES].capacity;
}

/* Four tries may all have met the writer; what it does takes some 50 ns. */
static int read_block(const struct segment_reader *reader, uint32_t place,
                      struct segment_block *block)
{
    int error = segment_read_block(reader, place, block);
    return error == VAGUS_EAGAIN ? segment_read_block(reader, place, block) : error;
}

uint32_t outside_list(const struct segment_reader *reader, uint32_t metric,
                      struct outside_block *blocks)
{
    struct segment_block block;
    uint32_t count = 0;
    for (uint32_t place = 0; place < outside_blocks_max(reader); place++) {
        if (read_block(reader, place, &block) != 0 || block.head.metric != metric)
            continue;
        blocks[count++] = (struct outside_block){.place = place,
                                                 .number = block.head.number,
                                                 .level = block.head.level,
                                                 .fields = block.head.fields,
                                                 .first_ns = block.head.first_ns,
                                                 .last_ns = segment_block_last_ns(&block.head)};
    }
    qsort(blocks, count, sizeof(*blocks), by_age);
    return count;
}

/* The first block of the level that a walk begins with. */
static uint32_t level_for(const struct outside_block *blocks, uint32_t count, int64_t from_ns)
{
    uint32_t best = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0 && blocks[i].level == blocks[i - 1].level)
            continue;
        if (blocks[i].first_ns < blocks[best].first_ns)
            best = i;
        if (blocks[best].first_ns <= from_ns)
            break;
    }
    /* A bucket begins before its first value: a coarser level reaches back no further if a finer
     * one begins within its first bucket. */
    int64_t width_ns = segment_level_ns(blocks[best].level), later_ns;
    for (uint32_t i = 0; i < best; i++) {
        if (!__builtin_sub_overflow(blocks[i].first_ns, blocks[best].first_ns, &later_ns) &&
            later_ns < width_ns && (i == 0 || blocks[i].level != blocks[i - 1].level))
            return i;
    }
    return best;
}

int64_t outside_walk(const struct segment_reader *reader, uint32_t metric, double resolution,
                     const struct outside_block *blocks, uint32_t count, int64_t from_ns,
                     int64_t to_ns,
                     void (*on_entry)(const struct block_entry *entry, int64_t width_ns, void *arg),
                     void *arg)
{
    if (count == 0)
        return 0;
    uint32_t at = level_for(blocks, count, from_ns);
    uint8_t began = blocks[at].level;
    int64_t lo_ns = from_ns;
    bool tail = false; /* what a bucket left over begins with lo_ns, not after it */
    for (unsigned level = began; level > VAGUS_TIER_DEFAULT; level--) {
        int64_t end_ns = lo_ns;
        bool wide = false;
        for (uint32_t i = 0; i < count; i++) {
            struct segment_block block;
            struct block_reader decoder;
            struct block_entry entry;
            if (blocks[i].level != level || blocks[i].last_ns < lo_ns ||
                blocks[i].first_ns > to_ns || read_block(reader, blocks[i].place, &block) != 0 ||
                block.head.metric != metric || block.head.number != blocks[i].number ||
                block.head.level != level)
                continue;
            wide = block.head.fields > 1;
            int64_t width_ns = wide ? segment_level_ns(level) : 0;
            block_read(&decoder, &block, resolution);
            while (block_next(&decoder, &entry) && entry.at_ns + width_ns <= to_ns) {
                if (entry.at_ns < end_ns || (entry.at_ns == lo_ns && !wide && !tail))
                    continue;
                on_entry(&entry, width_ns, arg);
                end_ns = entry.at_ns + width_ns;
            }
        }
        if (!wide && end_ns > lo_ns)
            break; /* values as they came: nothing is finer */
        tail = tail || end_ns > lo_ns;
        lo_ns = end_ns;
    }
    return segment_level_ns(began);
}
