/* SPDX-License-Identifier: Apache-2.0 */
/* Which stretch of a histogram goes where, and when. Each level takes the difference of the cells
 * to what they were at its own last boundary, so no level depends on another, and what could not be
 * stored once is part of the next stretch: no value is ever missing between two that are there. */
#include "metrics/spreads.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t level_tiers[SPREAD_LEVELS] = {VAGUS_TIER_1S, VAGUS_TIER_10S, VAGUS_TIER_60S};

int spreads_init(struct spreads *spreads, struct store *store, const struct cells *cells,
                 uint32_t max)
{
    *spreads = (struct spreads){
        .store = store,
        .cells = cells,
        .max = max,
        .levels = calloc((size_t)max * SPREAD_LEVELS, sizeof(*spreads->levels)),
        .before = calloc((size_t)cells->words * SPREAD_LEVELS, sizeof(*spreads->before)),
    };
    if (spreads->levels == NULL || spreads->before == NULL) {
        spreads_finish(spreads);
        return VAGUS_ENOMEM;
    }
    return 0;
}

void spreads_finish(struct spreads *spreads)
{
    free(spreads->levels);
    free(spreads->before);
    *spreads = (struct spreads){0};
}

static size_t chain_of(const struct spreads *spreads, uint32_t number, unsigned level)
{
    return (size_t)spreads->store->metrics * STORE_LEVELS + (size_t)number * SPREAD_LEVELS + level;
}

int64_t spreads_since_ns(const struct spreads *spreads, uint32_t number, unsigned level)
{
    return number < spreads->max
               ? __atomic_load_n(&spreads->store->since_ns[chain_of(spreads, number, level)],
                                 __ATOMIC_ACQUIRE)
               : INT64_MAX;
}

static double sum_of(const uint64_t *run)
{
    double sum;
    memcpy(&sum, &run[VAGUS__SUM], sizeof(sum));
    return sum;
}

/* False if there is no place for it: it is tried again with the next one. */
static bool begin_block(struct spreads *spreads, const struct spread_metric *metric, unsigned level,
                        const struct spread_stretch *stretch)
{
    struct spread_level *its = &spreads->levels[metric->number * SPREAD_LEVELS + level];
    struct segment_block *pool = spreads->store->pool;
    uint32_t before = its->newest;
    int64_t last_ns = before != 0 ? segment_block_last_ns(&its->writer.head) : 0;
    size_t chain = chain_of(spreads, metric->number, level);
    store_mirror(spreads->store, chain, metric->index, level);
    uint32_t place = store_chain(spreads->store, chain, before, last_ns, stretch->from_ns,
                                 level + 1, metric->keep_day);
    if (place == 0)
        return false;
    if (before != 0)
        spread_seal(&its->writer, &pool[before - 1]);
    spread_open(&its->writer, &pool[place - 1], metric->index, level_tiers[level], before, stretch);
    __atomic_store_n(&its->newest, place, __ATOMIC_RELEASE);
    store_mirror_newest(spreads->store, chain, place);
    return true;
}

static bool store_stretch(struct spreads *spreads, const struct spread_metric *metric,
                          unsigned level, struct spread_stretch *stretch)
{
    struct spread_level *its = &spreads->levels[metric->number * SPREAD_LEVELS + level];
    struct segment_block *pool = spreads->store->pool;
    bool open = its->newest != 0;
    while (!open || !spread_put(&its->writer, &pool[its->newest - 1], stretch)) {
        if (!begin_block(spreads, metric, level, stretch))
            return false;
        open = true;
    }
    return true;
}

/* The first look at a histogram: what was recorded until now belongs to the period before. */
static void begin(const struct spread_metric *metric, struct spread_level *its, int64_t tick_ns)
{
    /* All levels begin together, so that each boundary of a coarser one is one of the finer. */
    int64_t period_ns =
        segment_level_ns(metric->tier > VAGUS_TIER_1S ? metric->tier : VAGUS_TIER_1S);
    its->begun = true;
    its->done_ns = tick_ns - period_ns;
}

static void take_level(struct spreads *spreads, const struct spread_metric *metric, unsigned level,
                       int64_t tick_ns, int64_t slack_ns)
{
    struct spread_level *its = &spreads->levels[metric->number * SPREAD_LEVELS + level];
    int64_t period_ns = segment_level_ns(level_tiers[level]);
    if (!its->begun)
        begin(metric, its, tick_ns);
    int64_t periods = (tick_ns + slack_ns - its->done_ns) / period_ns;
    if (periods <= 0 || periods >= UINT32_MAX)
        return;
    uint64_t *before = &spreads->before[(size_t)level * spreads->cells->words + metric->first];
    struct spread_stretch stretch = {.shape = metric->shape,
                                     .now = spreads->now,
                                     .before = before,
                                     .from_ns = its->done_ns,
                                     .width = (uint32_t)periods,
                                     .sum = sum_of(spreads->now) - sum_of(before)};
    int64_t done_ns = its->done_ns + periods * period_ns;
    if (spread_any(&stretch)) {
        if (!store_stretch(spreads, metric, level, &stretch)) {
            spreads->store->unstored++;
            if (stretch.at == 0)
                return;
            /* A part of it is stored: the rest is lost, or that part would be counted twice. */
        }
        memcpy(before, spreads->now, histogram_words(metric->shape) * sizeof(*before));
    } else if (its->newest != 0) {
        int64_t span = (done_ns - its->writer.head.first_ns) / period_ns;
        if (span < UINT32_MAX)
            spread_idle(&its->writer, &spreads->store->pool[its->newest - 1], (uint32_t)span);
    }
    its->done_ns = done_ns;
}

/* Adds up the rows of all threads. */
static uint64_t add_up(struct spreads *spreads, const struct spread_metric *metric)
{
    struct vagus_distribution all;
    cells_distribution(spreads->cells, metric->first, metric->shape, &all);
    memcpy(&spreads->now[VAGUS__SUM], &all.sum, sizeof(all.sum));
    spreads->now[VAGUS__BELOW] = all.below;
    spreads->now[VAGUS__ABOVE] = all.above;
    memcpy(&spreads->now[VAGUS__BUCKETS], all.counts, all.buckets * sizeof(all.counts[0]));
    return all.count;
}

uint64_t spreads_take(struct spreads *spreads, const struct spread_metric *metric, int64_t tick_ns)
{
    if (metric->number >= spreads->max)
        return cells_distribution_count(spreads->cells, metric->first, metric->shape->buckets);
    uint64_t count = add_up(spreads, metric);
    /* A tick comes a little early or late. */
    int64_t slack_ns = segment_level_ns(metric->tier) / 2;
    for (unsigned level = 0; level < SPREAD_LEVELS; level++)
        if (level_tiers[level] >= metric->tier)
            take_level(spreads, metric, level, tick_ns, slack_ns);
    return count;
}

/* --- Any thread. --- */

#define ASK_BLOCKS 512 /* of a level; one that has more is too fine for the question */

struct listing {
    struct outside_block blocks[ASK_BLOCKS];
    uint32_t count;
};

/* Lists what a level has for a span, the newest first, before what is there. VAGUS_EAGAIN, or
 * VAGUS_EFULL. */
static int list_level(const struct spreads *spreads, const struct spread_metric *metric,
                      unsigned level, int64_t from_ns, int64_t to_ns, struct listing *listing)
{
    const struct spread_level *its = &spreads->levels[metric->number * SPREAD_LEVELS + level];
    uint32_t place = __atomic_load_n(&its->newest, __ATOMIC_ACQUIRE), number = 0;
    while (place != 0) {
        struct segment_block_head head;
        int error = store_copy_head(spreads->store, place, &head);
        bool ours = error == 0 && head.metric == metric->index && head.fields == SPREAD_FIELDS &&
                    head.level == level_tiers[level] && (number == 0 || head.number == number);
        if (!ours) /* the oldest went away, or the newest did while this was asked */
            return number != 0 && error != VAGUS_EAGAIN ? 0 : VAGUS_EAGAIN;
        int64_t last_ns = segment_block_last_ns(&head);
        if (last_ns <= from_ns)
            return 0;
        if (head.first_ns < to_ns) {
            if (listing->count == ASK_BLOCKS)
                return VAGUS_EFULL;
            listing->blocks[listing->count++] =
                (struct outside_block){place - 1,  head.number,   head.level, head.fields,
                                       head.flags, head.first_ns, last_ns,    head.metric};
        }
        number = head.number - 1;
        place = number != 0 ? head.previous : 0;
    }
    return 0;
}

static void reverse(struct outside_block *blocks, uint32_t count)
{
    for (uint32_t i = 0; i < count / 2; i++) {
        struct outside_block swapped = blocks[i];
        blocks[i] = blocks[count - 1 - i];
        blocks[count - 1 - i] = swapped;
    }
}

/* The finest level that reaches back to where the span, or the history, begins; else the one that
 * reaches back furthest. SPREAD_LEVELS: there is none. */
static unsigned level_for(const struct spreads *spreads, const struct spread_metric *metric,
                          int64_t from_ns)
{
    unsigned best = SPREAD_LEVELS;
    int64_t best_ns = INT64_MAX;
    for (unsigned level = 0; level < SPREAD_LEVELS && best_ns > from_ns; level++) {
        int64_t since_ns = spreads_since_ns(spreads, metric->number, level);
        if (since_ns < best_ns) {
            best_ns = since_ns;
            best = level;
        }
    }
    /* A level begins with the stretch of its first value: a finer one that begins within that of a
     * coarser one reaches back as far. */
    for (unsigned level = 0; level < best && best < SPREAD_LEVELS; level++)
        if (spreads_since_ns(spreads, metric->number, level) <
            best_ns + segment_level_ns(level_tiers[best]))
            return level;
    return best;
}

static void add_record(const struct spread_record *record, void *arg)
{
    spread_add(arg, record);
}

int spreads_ask(const struct spreads *spreads, const struct segment_reader *reader,
                const struct spread_metric *metric, int64_t from_ns, int64_t to_ns,
                struct vagus_distribution *distribution, struct spread_answer *answer)
{
    struct listing listing = {.count = 0};
    struct outside_spread walk = {.on_record = add_record, .arg = distribution};
    histogram_empty(metric->shape, distribution);
    *answer = (struct spread_answer){0};
    if (metric->number >= spreads->max)
        return VAGUS_ENOENT;
    unsigned began = level_for(spreads, metric, from_ns);
    if (began == SPREAD_LEVELS)
        return VAGUS_ENOENT;
    for (unsigned level = began + 1; level-- > 0;) {
        uint32_t before = listing.count;
        int error = list_level(spreads, metric, level, from_ns, to_ns, &listing);
        if (error == VAGUS_EFULL && level == began && began + 1 < SPREAD_LEVELS) {
            level = ++began + 1; /* the next coarser one */
            listing.count = 0;
            continue;
        }
        if (error != 0 && error != VAGUS_EFULL)
            return error;
        reverse(listing.blocks + before, listing.count - before);
    }
    outside_walk_spread(reader, metric->index, metric->shape, listing.blocks, listing.count,
                        level_tiers[began], from_ns, to_ns, &walk);
    if (walk.torn)
        return VAGUS_EAGAIN;
    *answer = (struct spread_answer){walk.from_ns, walk.to_ns, walk.step_ns};
    return 0;
}
