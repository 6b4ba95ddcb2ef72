/* SPDX-License-Identifier: Apache-2.0 */
/* Finding and decoding a metric's blocks from outside. What is read was written by a stranger: each
 * head was checked by the reader, and time is made to run forward. */
#include "metrics/outside.h"

#include <stdlib.h>

#include "metrics/store.h"

#define ALL_METRICS UINT32_MAX

static int by_age(const void *a, const void *b)
{
    const struct outside_block *x = a, *y = b;
    if (x->metric != y->metric)
        return x->metric < y->metric ? -1 : 1;
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

static int read_block(const struct segment_reader *reader, uint32_t place,
                      struct segment_block *block)
{
    int error = segment_read_block(reader, place, block);
    return error == VAGUS_EAGAIN ? segment_read_block(reader, place, block) : error;
}

static int read_head(const struct segment_reader *reader, uint32_t place,
                     struct segment_block_head *head)
{
    int error = segment_read_block_head(reader, place, head);
    /* Four tries all met the writer; what it does takes 50 ns. */
    return error == VAGUS_EAGAIN ? segment_read_block_head(reader, place, head) : error;
}

static struct outside_block block_of(uint32_t place, const struct segment_block_head *head)
{
    return (struct outside_block){.place = place,
                                  .metric = head->metric,
                                  .number = head->number,
                                  .level = head->level,
                                  .fields = head->fields,
                                  .flags = head->flags,
                                  .first_ns = head->first_ns,
                                  .last_ns = segment_block_last_ns(head)};
}

static uint32_t list(const struct segment_reader *reader, uint32_t metric, bool spread,
                     struct outside_block *blocks)
{
    struct segment_block_head head;
    uint32_t count = 0;
    for (uint32_t place = 0; place < outside_blocks_max(reader); place++) {
        if (read_head(reader, place, &head) != 0 ||
            (head.metric != metric && metric != ALL_METRICS) ||
            (head.fields == SPREAD_FIELDS) != spread)
            continue;
        blocks[count++] = block_of(place, &head);
    }
    qsort(blocks, count, sizeof(*blocks), by_age);
    return count;
}

uint32_t outside_list(const struct segment_reader *reader, uint32_t metric,
                      struct outside_block *blocks)
{
    return outside_list_since(reader, metric, INT64_MIN, blocks, outside_blocks_max(reader));
}

/* The one that is missed least: the oldest of the finest level. */
static uint32_t least_missed(const struct outside_block *blocks, uint32_t count)
{
    uint32_t least = 0;
    for (uint32_t i = 1; i < count; i++)
        if (by_age(&blocks[i], &blocks[least]) < 0)
            least = i;
    return least;
}

/* Takes a block into a list that has no room for all. */
static void take_block(struct outside_block *blocks, uint32_t room, uint32_t *count,
                       const struct outside_block *block)
{
    if (*count < room) {
        blocks[(*count)++] = *block;
        return;
    }
    uint32_t least = least_missed(blocks, *count);
    if (by_age(block, &blocks[least]) > 0)
        blocks[least] = *block;
}

/* Follows a chain from its newest block to those that are older than since_ns. */
static void follow(const struct segment_reader *reader, uint32_t metric, unsigned level,
                   uint32_t newest, int64_t since_ns, struct outside_block *blocks, uint32_t room,
                   uint32_t *count)
{
    struct segment_block_head head;
    uint32_t number = UINT32_MAX;
    for (uint32_t place = newest; place != 0; place = head.previous) {
        /* Numbers fall, so this ends, whatever a stranger wrote; and no block comes twice, since it
         * is of one level. */
        if (read_head(reader, place - 1, &head) != 0 || head.metric != metric ||
            store_own_level(head.level) != level || head.fields == SPREAD_FIELDS ||
            head.number >= number || segment_block_last_ns(&head) <= since_ns)
            return;
        number = head.number;
        struct outside_block block = block_of(place - 1, &head);
        take_block(blocks, room, count, &block);
    }
}

static void look_through(const struct segment_reader *reader, uint32_t metric, int64_t since_ns,
                         struct outside_block *blocks, uint32_t room, uint32_t *count)
{
    struct segment_block_head head;
    for (uint32_t place = 0; place < outside_blocks_max(reader); place++) {
        int error = read_head(reader, place, &head);
        if (error == VAGUS_ENOENT)
            break; /* places are taken one after the other */
        if (error != 0 || head.metric != metric || head.fields == SPREAD_FIELDS ||
            segment_block_last_ns(&head) <= since_ns)
            continue;
        struct outside_block block = block_of(place, &head);
        take_block(blocks, room, count, &block);
    }
}

uint32_t outside_list_since(const struct segment_reader *reader, uint32_t metric, int64_t since_ns,
                            struct outside_block *blocks, uint32_t room)
{
    struct segment_chains chains;
    uint64_t got = 0;
    uint32_t count = 0;
    if (room == 0)
        return 0;
    /* A writer that knew no chains leaves the pool to be looked through. */
    if (segment_read_entries(reader, SEGMENT_CHAINS, metric, 1, &chains, &got, NULL) == 0 &&
        got == 1)
        for (unsigned level = 0; level < SEGMENT_CHAIN_LEVELS; level++)
            follow(reader, metric, level, chains.values[level].newest, since_ns, blocks, room,
                   &count);
    else
        look_through(reader, metric, since_ns, blocks, room, &count);
    qsort(blocks, count, sizeof(*blocks), by_age);
    return count;
}

uint32_t outside_list_all(const struct segment_reader *reader, struct outside_block *blocks)
{
    return list(reader, ALL_METRICS, false, blocks);
}

uint32_t outside_list_spread(const struct segment_reader *reader, uint32_t metric,
                             struct outside_block *blocks)
{
    return list(reader, metric, true, blocks);
}

uint32_t outside_list_all_spread(const struct segment_reader *reader, struct outside_block *blocks)
{
    return list(reader, ALL_METRICS, true, blocks);
}

uint32_t outside_level_for(const struct outside_block *blocks, uint32_t count, int64_t from_ns)
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
    uint32_t at = outside_level_for(blocks, count, from_ns);
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

/* The newest boundary of a block's grid that is not after a time. */
static int64_t boundary(const struct outside_block *block, int64_t at_ns)
{
    int64_t period_ns = segment_level_ns(block->level), into_ns;
    if (at_ns >= block->last_ns)
        return block->last_ns;
    if (__builtin_sub_overflow(at_ns, block->first_ns, &into_ns) || into_ns < 0)
        return block->first_ns;
    return at_ns - into_ns % period_ns;
}

/* Of a walk through one level. */
struct level_walk {
    const struct segment_reader *reader;
    const struct histogram_shape *shape;
    uint32_t metric;
    uint32_t number; /* of the block before */
    int64_t lo_ns, hi_ns;
    int64_t end_ns; /* moves on to where it is covered */
};

/* What one block has for [lo, hi]. */
static void walk_spread_block(struct level_walk *level, const struct outside_block *at,
                              struct outside_spread *walk)
{
    struct segment_block block;
    struct spread_reader decoder;
    struct spread_record record;
    if (read_block(level->reader, at->place, &block) != 0 || block.head.metric != level->metric ||
        block.head.number != at->number || block.head.level != at->level ||
        block.head.fields != SPREAD_FIELDS) {
        walk->torn = walk->torn || level->number != 0;
        return;
    }
    /* It may have grown since it was listed. */
    struct outside_block grown = *at;
    grown.last_ns = segment_block_last_ns(&block.head);
    int64_t start_ns = boundary(&grown, level->lo_ns), covered_ns = boundary(&grown, level->hi_ns);
    /* Half a stretch, whose beginning is not there any more, is none. */
    bool half = (block.head.flags & SEGMENT_BLOCK_GOES_ON) != 0 &&
                (level->number == 0 || level->number != at->number - 1);
    level->number = at->number;
    if (start_ns < level->lo_ns)
        start_ns += segment_level_ns(at->level);
    spread_read(&decoder, &block, level->shape);
    while (spread_next(&decoder, &record)) {
        bool early = record.from_ns < level->lo_ns || (half && record.from_ns == at->first_ns);
        if (early && record.to_ns > start_ns)
            start_ns = record.to_ns;
        if (record.to_ns > level->hi_ns && record.from_ns < covered_ns)
            covered_ns = record.from_ns;
        if (!early && record.to_ns <= level->hi_ns)
            walk->on_record(&record, walk->arg);
    }
    if (start_ns < walk->from_ns)
        walk->from_ns = start_ns;
    if (covered_ns > level->end_ns)
        level->end_ns = covered_ns;
}

void outside_walk_spread(const struct segment_reader *reader, uint32_t metric,
                         const struct histogram_shape *shape, const struct outside_block *blocks,
                         uint32_t count, unsigned level, int64_t from_ns, int64_t to_ns,
                         struct outside_spread *walk)
{
    int64_t lo_ns = from_ns;
    walk->from_ns = INT64_MAX;
    walk->torn = false;
    walk->step_ns = count > 0 ? segment_level_ns(level) : 0;
    for (; level >= VAGUS_TIER_1S; level--) {
        struct level_walk its = {reader, shape, metric, 0, lo_ns, to_ns, lo_ns};
        for (uint32_t i = 0; i < count; i++)
            if (blocks[i].level == level && blocks[i].last_ns > lo_ns && blocks[i].first_ns < to_ns)
                walk_spread_block(&its, &blocks[i], walk);
        lo_ns = its.end_ns;
    }
    walk->to_ns = lo_ns;
    if (walk->to_ns <= walk->from_ns)
        walk->from_ns = walk->to_ns = 0;
}
