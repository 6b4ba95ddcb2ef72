/* SPDX-License-Identifier: Apache-2.0 */
/* The store: which block is whose, what goes when room is short, and the cascade of levels. */
#include "metrics/store.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "segment/reader.h"

_Static_assert(STORE_LEVELS == SEGMENT_CHAIN_LEVELS, "a metric's chains have their entries");

#define MINUTE_NS (60 * VAGUS_SECOND_NS)
#define HOUR_NS (60 * MINUTE_NS)

static const uint8_t level_tiers[STORE_LEVELS] = {0, VAGUS_TIER_1S, VAGUS_TIER_10S, VAGUS_TIER_60S};
/* How long each level is kept where others want room; longer as long as nobody does. A queue for
 * each of these targets; what is to be kept for a day at 1 s is in the last one too. */
static const int64_t keep_ns[STORE_QUEUES] = {10 * MINUTE_NS, HOUR_NS, 6 * HOUR_NS, 24 * HOUR_NS};

unsigned store_own_level(unsigned tier)
{
    return tier <= VAGUS_TIER_100MS ? 0 : tier - VAGUS_TIER_1S + 1;
}

unsigned store_level_tier(unsigned level, unsigned tier)
{
    return level == 0 ? tier : level_tiers[level];
}

int store_init(struct store *store, struct segment *segment, uint32_t metrics, uint32_t others)
{
    size_t all = (size_t)metrics * STORE_LEVELS + others;
    *store = (struct store){
        .pool = segment_entries(segment, SEGMENT_SERIES),
        .mirrors = segment_entries(segment, SEGMENT_CHAINS),
        .places_count = segment->series_blocks,
        .metrics = metrics,
        .chains = (uint32_t)all,
        .places = calloc(segment->series_blocks, sizeof(*store->places)),
        .parts = calloc(segment->series_blocks, sizeof(*store->parts)),
        .groups = calloc(segment->series_blocks, sizeof(*store->groups)),
        .series = calloc((size_t)metrics * STORE_LEVELS, sizeof(*store->series)),
        .oldest = calloc(all, sizeof(*store->oldest)),
        .since_ns = calloc(all, sizeof(*store->since_ns)),
        .queue = calloc(all, sizeof(*store->queue)),
        .recent = calloc(metrics, sizeof(*store->recent)),
        .born_ns = calloc(metrics, sizeof(*store->born_ns)),
        .mirror = calloc(all, sizeof(struct segment_chain *)),
    };
    if (store->places == NULL || store->parts == NULL || store->groups == NULL ||
        store->series == NULL || store->oldest == NULL || store->since_ns == NULL ||
        store->queue == NULL || store->recent == NULL || store->born_ns == NULL ||
        store->mirror == NULL) {
        store_finish(store);
        return VAGUS_ENOMEM;
    }
    for (size_t i = 0; i < all; i++)
        store->since_ns[i] = INT64_MAX;
    for (uint32_t i = 0; i < metrics; i++)
        store->born_ns[i] = INT64_MAX;
    for (uint32_t i = 0; i < metrics * STORE_LEVELS; i++)
        store->mirror[i] = &store->mirrors[i / STORE_LEVELS].values[i % STORE_LEVELS];
    segment_head(segment, SEGMENT_CHAINS)->count = metrics;
    return 0;
}

void store_finish(struct store *store)
{
    free(store->places);
    free(store->parts);
    free(store->groups);
    free(store->series);
    free(store->oldest);
    free(store->since_ns);
    free(store->queue);
    free(store->recent);
    free(store->born_ns);
    free(store->mirror);
    *store = (struct store){0};
}

/* --- The pool. --- */

static void set_since(struct store *store, size_t which, int64_t since_ns)
{
    __atomic_store_n(&store->since_ns[which], since_ns, __ATOMIC_RELEASE);
    if (store->mirror[which] != NULL)
        __atomic_store_n(&store->mirror[which]->since_ns, since_ns, __ATOMIC_RELEASE);
}

static void drop_oldest(struct store *store, size_t which)
{
    uint32_t next = store->places[store->oldest[which] - 1].next;
    store->oldest[which] = next;
    set_since(store, which, store->places[next - 1].first_ns);
}

/* Blocks are sealed nearly in the order of their newest entries; how far to look back for that. */
#define QUEUE_LOOK 64

static void queue_put(struct store *store, uint32_t place)
{
    struct store_place *at = &store->places[place - 1];
    struct store_queue *queue = &store->queues[store->queue[at->chain]];
    uint32_t older = queue->newest;
    for (unsigned i = 0; i < QUEUE_LOOK && older != 0; i++) {
        if (store->places[older - 1].last_ns <= at->last_ns)
            break;
        older = store->places[older - 1].older;
    }
    at->older = older;
    at->newer = older != 0 ? store->places[older - 1].newer : queue->oldest;
    *(older != 0 ? &store->places[older - 1].newer : &queue->oldest) = place;
    *(at->newer != 0 ? &store->places[at->newer - 1].older : &queue->newest) = place;
}

static void queue_drop_oldest(struct store *store, struct store_queue *queue)
{
    queue->oldest = store->places[queue->oldest - 1].newer;
    *(queue->oldest != 0 ? &store->places[queue->oldest - 1].older : &queue->newest) = 0;
}

/* Takes the block that is missed least: of those kept beyond their target the oldest, else the
 * oldest of all. Never an open one. The place + 1; 0: all are open. */
static uint32_t evict(struct store *store, int64_t now_ns)
{
    struct store_queue *victim = NULL;
    int64_t victim_ns = INT64_MAX;
    bool victim_over = false;
    for (unsigned i = 0; i < STORE_QUEUES; i++) {
        uint32_t oldest = store->queues[i].oldest;
        if (oldest == 0)
            continue;
        int64_t last_ns = store->places[oldest - 1].last_ns;
        bool over = now_ns - last_ns > keep_ns[i];
        if (over < victim_over || (over == victim_over && last_ns >= victim_ns))
            continue;
        victim = &store->queues[i];
        victim_ns = last_ns;
        victim_over = over;
    }
    if (victim == NULL)
        return 0;
    uint32_t place = victim->oldest;
    queue_drop_oldest(store, victim);
    drop_oldest(store, store->places[place - 1].chain);
    return place;
}

static uint32_t take_place(struct store *store, int64_t now_ns)
{
    if (store->places_used < store->places_count)
        return ++store->places_used;
    return evict(store, now_ns);
}

/* A sealed block joins its group; the one that completes it gets a head for all. */
static void group_add(struct store *store, struct store_series *series, uint32_t place)
{
    const struct segment_block_head *head = &series->writer.head;
    struct segment_block_head *group = &series->group;
    if (head->number % STORE_GROUP == 1) {
        *group = *head;
        return;
    }
    if (head->count > 0) {
        group->min = group->count == 0 || head->min < group->min ? head->min : group->min;
        group->max = group->count == 0 || head->max > group->max ? head->max : group->max;
        group->sum = group->count == 0 ? head->sum : group->sum + head->sum;
        group->last = head->last;
    }
    group->count += head->count;
    group->gaps = (uint16_t)(group->gaps + head->gaps);
    group->number = head->number;
    if (head->number % STORE_GROUP != 0)
        return;
    /* Blocks begin in phases of their own, so the whole is no whole number of periods. */
    int64_t last_ns = segment_block_last_ns(head), period_ns = segment_level_ns(head->level);
    int64_t periods = (last_ns - group->first_ns) / period_ns;
    if (periods > UINT32_MAX)
        return;
    group->span = (uint32_t)periods;
    group->first_ns = last_ns - periods * period_ns;
    segment_write_begin(&store->pool[place - 1].head.stamp);
    store->groups[place - 1] = *group;
    segment_write_end(&store->pool[place - 1].head.stamp);
}

uint32_t store_chain(struct store *store, size_t chain, uint32_t before, int64_t last_ns,
                     int64_t first_ns, unsigned level, bool keep_day)
{
    uint32_t place = take_place(store, first_ns);
    if (place == 0)
        return 0;
    if (before != 0) {
        store->places[before - 1].next = place;
        store->places[before - 1].last_ns = last_ns;
        queue_put(store, before);
    }
    store->places[place - 1] = (struct store_place){.chain = (uint32_t)chain, .first_ns = first_ns};
    if (store->oldest[chain] == 0) {
        store->oldest[chain] = place;
        store->queue[chain] = (uint8_t)(level == 1 && keep_day ? STORE_QUEUES - 1 : level);
        set_since(store, chain, first_ns);
    }
    return place;
}

static bool begin_block(struct store *store, const struct store_metric *metric, unsigned level,
                        const struct block_entry *entry)
{
    size_t which = (size_t)metric->index * STORE_LEVELS + level;
    struct store_series *series = &store->series[which];
    uint32_t before = series->newest;
    uint32_t place = store_chain(store, which, before,
                                 before != 0 ? segment_block_last_ns(&series->writer.head) : 0,
                                 entry->at_ns, level, metric->keep_day);
    if (place == 0)
        return false;
    if (before != 0) {
        block_seal(&series->writer, &store->pool[before - 1]);
        group_add(store, series, before);
    }
    series->writer.parts = &store->parts[place - 1];
    uint8_t fields = level == store_own_level(metric->tier) ? 1 : BLOCK_FIELDS;
    block_open(&series->writer, &store->pool[place - 1], metric->index,
               (uint8_t)store_level_tier(level, metric->tier), fields, metric->resolution, before,
               entry);
    __atomic_store_n(&series->newest, place, __ATOMIC_RELEASE);
    store_mirror_newest(store, which, place);
    return true;
}

/* The newest block was full, or there is none. */
static __attribute__((noinline)) void put_anew(struct store *store,
                                               const struct store_metric *metric, unsigned level,
                                               const struct block_entry *entry)
{
    struct store_series *series = &store->series[metric->index * STORE_LEVELS + level];
    if (!begin_block(store, metric, level, entry) ||
        !block_put(&series->writer, &store->pool[series->newest - 1], entry))
        store->unstored++; /* and the next one says by its step that something is missing */
}

static inline void put(struct store *store, const struct store_metric *metric, unsigned level,
                       const struct block_entry *entry)
{
    struct store_series *series = &store->series[metric->index * STORE_LEVELS + level];
    if (series->newest == 0 || !block_put(&series->writer, &store->pool[series->newest - 1], entry))
        put_anew(store, metric, level, entry);
}

/* --- The cascade. --- */

static void bucket_add(struct block_entry *bucket, const struct block_entry *entry)
{
    bucket->last = entry->last;
    bucket->min = entry->min < bucket->min ? entry->min : bucket->min;
    bucket->max = entry->max > bucket->max ? entry->max : bucket->max;
    bucket->sum += entry->sum;
    bucket->count += entry->count;
}

/* The start of the bucket of a level in which a time lies. */
static int64_t bucket_start(int64_t at_ns, int64_t period_ns)
{
    int64_t into_ns = at_ns % period_ns;
    return at_ns - (into_ns < 0 ? into_ns + period_ns : into_ns);
}

static inline bool bucket_takes(const struct store_series *series, int64_t at_ns)
{
    return series->bucket.count > 0 && at_ns < series->bucket_end_ns;
}

/* A bucket is closed by the first value beyond it, and then enters the next level as a whole. */
static __attribute__((noinline)) void cascade(struct store *store,
                                              const struct store_metric *metric, unsigned level,
                                              const struct block_entry *entry)
{
    struct block_entry closed, carried = *entry;
    for (; level < STORE_LEVELS; level++) {
        struct store_series *series = &store->series[metric->index * STORE_LEVELS + level];
        int64_t period_ns = segment_level_ns(level_tiers[level]);
        if (bucket_takes(series, carried.at_ns)) {
            bucket_add(&series->bucket, &carried); /* what is earlier counts now */
            return;
        }
        closed = series->bucket;
        series->bucket = carried;
        series->bucket.at_ns = bucket_start(carried.at_ns, period_ns);
        series->bucket_end_ns = series->bucket.at_ns + period_ns;
        if (closed.count == 0)
            return;
        put(store, metric, level, &closed);
        carried = closed;
    }
}

static void recent_add(struct store_recent *recent, int64_t at_ns, double value)
{
    segment_write_begin(&recent->stamp);
    recent->points[recent->count % STORE_RECENT] = (struct store_point){at_ns, value};
    recent->count++;
    segment_write_end(&recent->stamp);
}

void store_append(struct store *store, const struct store_metric *metric, int64_t at_ns,
                  double value)
{
    unsigned own = store_own_level(metric->tier);
    struct block_entry entry = {.at_ns = at_ns, .count = 0};
    recent_add(&store->recent[metric->index], at_ns, value);
    if (!isnan(value)) {
        entry = (struct block_entry){at_ns, value, value, value, value, 1};
        if (VAGUS_UNLIKELY(store->born_ns[metric->index] == INT64_MAX))
            __atomic_store_n(&store->born_ns[metric->index], at_ns, __ATOMIC_RELEASE);
    }
    put(store, metric, own, &entry);
    if (entry.count == 0 || own + 1 == STORE_LEVELS)
        return;
    struct store_series *above = &store->series[metric->index * STORE_LEVELS + own + 1];
    if (VAGUS_LIKELY(bucket_takes(above, at_ns)))
        bucket_add(&above->bucket, &entry);
    else
        cascade(store, metric, own + 1, &entry);
}

/* --- Any thread. --- */

/* Copies the first bytes of a block by its stamp, and its parts if these are wanted. */
static inline int copy_stamped(const struct store *store, uint32_t place, void *to, size_t bytes,
                               struct block_parts *parts)
{
    struct segment_block_head *head = to;
    if (place == 0 || place > store->places_count)
        return VAGUS_ENOENT;
    const struct segment_block *from = &store->pool[place - 1];
    for (int try = 0; try < SEGMENT_TRIES; try++) {
        uint64_t before = __atomic_load_n(&from->head.stamp, __ATOMIC_ACQUIRE);
        segment_copy(to, from, bytes);
        if (parts != NULL)
            segment_copy(parts, &store->parts[place - 1], sizeof(*parts));
        segment_fence_acquire();
        if (before % 2 == 0 && __atomic_load_n(&from->head.stamp, __ATOMIC_RELAXED) == before)
            return segment_block_check(head) ? 0 : VAGUS_ECORRUPT;
    }
    return VAGUS_EAGAIN;
}

int store_copy_head(const struct store *store, uint32_t place, struct segment_block_head *head)
{
    return copy_stamped(store, place, head, sizeof(*head), NULL);
}

int store_copy_block(const struct store *store, uint32_t place, struct segment_block *block)
{
    return copy_stamped(store, place, block, sizeof(*block), NULL);
}

int store_copy_group(const struct store *store, uint32_t place, struct segment_block_head *group)
{
    const struct segment_block *block = &store->pool[place - 1];
    uint64_t before = __atomic_load_n(&block->head.stamp, __ATOMIC_ACQUIRE);
    segment_copy(group, &store->groups[place - 1], sizeof(*group));
    segment_fence_acquire();
    uint64_t after = __atomic_load_n(&block->head.stamp, __ATOMIC_RELAXED);
    return before % 2 == 0 && before == after ? 0 : VAGUS_EAGAIN;
}

int store_copy_parts(const struct store *store, uint32_t place, struct segment_block *block,
                     struct block_parts *parts)
{
    return copy_stamped(store, place, block, sizeof(*block), parts);
}

int64_t store_recent_since_ns(const struct store *store, uint32_t metric)
{
    const struct store_recent *recent = &store->recent[metric];
    uint64_t count;
    int64_t oldest_ns;
    segment_copy(&count, &recent->count, sizeof(count));
    if (count <= STORE_RECENT)
        return INT64_MIN;
    segment_copy(&oldest_ns, &recent->points[count % STORE_RECENT].taken_ns, sizeof(oldest_ns));
    return oldest_ns;
}

int store_copy_recent(const struct store *store, uint32_t metric,
                      struct store_point points[STORE_RECENT], uint32_t *count, bool *all)
{
    const struct store_recent *recent = &store->recent[metric];
    for (int try = 0; try < SEGMENT_TRIES; try++) {
        uint64_t before = __atomic_load_n(&recent->stamp, __ATOMIC_ACQUIRE);
        struct store_recent copy;
        segment_copy(&copy, recent, sizeof(copy));
        segment_fence_acquire();
        if (before % 2 != 0 || __atomic_load_n(&recent->stamp, __ATOMIC_RELAXED) != before)
            continue;
        *all = copy.count <= STORE_RECENT;
        *count = (uint32_t)(*all ? copy.count : STORE_RECENT);
        for (uint32_t i = 0; i < *count; i++)
            points[i] = copy.points[(copy.count - *count + i) % STORE_RECENT];
        return 0;
    }
    return VAGUS_EAGAIN;
}
