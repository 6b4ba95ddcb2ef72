/* SPDX-License-Identifier: Apache-2.0 */
/* Walking through a span: the finest level that covers it, from its newest block backwards, and for
 * what that level has not closed yet the finer ones. */
#include "metrics/query.h"

#include <math.h>

/* A stretch of one level, both ends included. */
struct stretch {
    const struct query_span *span;
    unsigned level;
    int64_t width_ns; /* of its entries; 0: values */
    int64_t lo_ns, hi_ns;
    int64_t end_ns; /* found: where what was handed over ends */
    bool tail;      /* after another one: the base is known */
};

void query_span_of(const struct metrics *metrics, uint32_t index, int64_t from_ns, int64_t to_ns,
                   struct query_span *span)
{
    const struct metric *metric = &metrics->entries[index];
    *span = (struct query_span){.store = &metrics->store,
                                .metric = index,
                                .tier = metric->tier,
                                .kind = metric->kind,
                                .from_zero = metric->source == METRIC_RECORDED,
                                .resolution = metric->resolution,
                                .from_ns = from_ns,
                                .to_ns = to_ns};
}

/* The finest level that reaches back to where the span, or the metric, begins; else the one that
 * reaches back furthest. */
static unsigned level_for(const struct query_span *span)
{
    unsigned own = store_own_level(span->tier), best = own;
    int64_t born_ns = store_born_ns(span->store, span->metric);
    int64_t wanted_ns = span->from_ns > born_ns ? span->from_ns : born_ns;
    int64_t best_ns = INT64_MAX;
    for (unsigned level = own; level < STORE_LEVELS; level++) {
        int64_t since_ns = store_since_ns(span->store, span->metric, level);
        if (since_ns == INT64_MAX)
            continue;
        if (since_ns <= wanted_ns)
            return level;
        if (since_ns < best_ns) {
            best_ns = since_ns;
            best = level;
        }
    }
    return best;
}

static void offer_base(struct query_sink *sink, const struct stretch *stretch, double value,
                       int64_t at_ns)
{
    if (stretch->tail || (sink->has_base && sink->base_ns >= at_ns + stretch->width_ns))
        return;
    sink->has_base = true;
    sink->base = value;
    sink->base_ns = at_ns + stretch->width_ns;
}

static void hand_over(struct query_sink *sink, struct stretch *stretch,
                      const struct block_entry *entry)
{
    if (entry->at_ns + stretch->width_ns > stretch->end_ns)
        stretch->end_ns = entry->at_ns + stretch->width_ns;
    if (entry->count > 0 || sink->gaps)
        sink->entry(sink, entry, stretch->width_ns);
}

/* True if what a head says of some entries is enough. */
static bool take_head(struct query_sink *sink, struct stretch *stretch,
                      const struct segment_block_head *head)
{
    int64_t last_ns = segment_block_last_ns(head);
    if (head->first_ns > stretch->hi_ns)
        return true;
    /* Where gaps are, the newest value may be older than the newest entry. */
    if (last_ns < stretch->lo_ns && head->count > 0 && head->gaps == 0) {
        offer_base(sink, stretch, head->last, last_ns);
        return true;
    }
    if (head->first_ns < stretch->lo_ns || last_ns > stretch->hi_ns || sink->head == NULL ||
        !sink->head(sink, head, stretch->width_ns))
        return false;
    if (last_ns + stretch->width_ns > stretch->end_ns)
        stretch->end_ns = last_ns + stretch->width_ns;
    return true;
}

#define DECODE_AT_ONCE 16

/* A part that begins before the stretch and ends in it: what is before is read and taken off. False
 * before anything was handed over; who needs no extremes takes any head without gaps. */
static bool take_rest(struct query_sink *sink, struct stretch *stretch,
                      const struct segment_block_head *part, struct block_reader *reader)
{
    struct segment_block_head early, rest = *part;
    struct block_entry first;
    if (!sink->any_extremes || part->gaps > 0 || segment_block_last_ns(part) > stretch->hi_ns ||
        !block_take(reader, stretch->lo_ns - 1, 0, &early) || early.count >= part->count ||
        !block_next(reader, &first))
        return false;
    offer_base(sink, stretch, early.last, segment_block_last_ns(&early));
    hand_over(sink, stretch, &first);
    rest.count -= early.count + 1;
    if (rest.count == 0)
        return true;
    rest.sum -= early.sum + first.last;
    rest.first_ns = first.at_ns;
    rest.span = (uint32_t)((segment_block_last_ns(part) - first.at_ns) / reader->period_ns);
    return take_head(sink, stretch, &rest);
}

/* What is before the stretch, and what is in it, as if it were two blocks. False: that is not
 * enough, and the reader is where it was. */
static bool take_part(struct query_sink *sink, struct stretch *stretch, struct block_reader *reader,
                      uint32_t until)
{
    struct segment_block_head some;
    struct block_reader before = *reader;
    if (sink->head == NULL)
        return false;
    if (block_take(reader, stretch->lo_ns - 1, until, &some) && !take_head(sink, stretch, &some)) {
        *reader = before;
        return false;
    }
    before = *reader;
    if (reader->left > until && block_take(reader, stretch->hi_ns, until, &some) &&
        take_head(sink, stretch, &some))
        return true;
    *reader = before;
    return reader->left <= until;
}

/* The entries of a part. */
static void decode(struct query_sink *sink, struct stretch *stretch, struct block_reader *reader,
                   uint32_t until)
{
    struct block_entry entries[DECODE_AT_ONCE];
    if (take_part(sink, stretch, reader, until))
        return;
    while (reader->left > until) {
        uint32_t left = reader->left - until, room = left < DECODE_AT_ONCE ? left : DECODE_AT_ONCE;
        unsigned got = block_next_many(reader, entries, room);
        for (unsigned i = 0; i < got; i++) {
            const struct block_entry *entry = &entries[i];
            if (entry->at_ns > stretch->hi_ns)
                return;
            if (entry->at_ns >= stretch->lo_ns)
                hand_over(sink, stretch, entry);
            else if (entry->count > 0)
                offer_base(sink, stretch, entry->last, entry->at_ns);
        }
        if (got < room)
            return;
    }
}

static bool is_ours(const struct stretch *stretch, const struct segment_block_head *head,
                    uint32_t number)
{
    return head->metric == stretch->span->metric &&
           head->level == store_level_tier(stretch->level, stretch->span->tier) &&
           head->fields == (stretch->width_ns == 0 ? 1 : BLOCK_FIELDS) &&
           (number == 0 || head->number == number);
}

/* What one block has for the stretch. 0, or an error if the block is not there any more. */
static int take_block(struct query_sink *sink, struct stretch *stretch, uint32_t place,
                      const struct segment_block_head *head)
{
    double resolution = stretch->span->resolution;
    struct segment_block block;
    struct block_parts parts;
    if (take_head(sink, stretch, head))
        return 0;
    int error = store_copy_parts(stretch->span->store, place, &block, &parts);
    if (error != 0 || !is_ours(stretch, &block.head, head->number))
        return error != 0 ? error : VAGUS_ENOENT;
    unsigned count = block_parts_count(&block, &parts);
    for (unsigned i = 0; i < count; i++) {
        struct segment_block_head part;
        struct block_reader reader;
        uint32_t until;
        bool told = count > 1 && block_part_head(&block, &parts, i, resolution, &part);
        if (told && take_head(sink, stretch, &part))
            continue;
        block_part_read(&reader, &block, &parts, i, resolution, &until);
        if (told && part.first_ns < stretch->lo_ns && take_rest(sink, stretch, &part, &reader))
            continue;
        block_part_read(&reader, &block, &parts, i, resolution, &until);
        decode(sink, stretch, &reader, until);
    }
    return 0;
}

/* True if a block ends a group all of which a head answers for; *head becomes that of the group.
 * Not of one whose oldest blocks were taken away: what looks at single values would find fewer. */
static bool take_group(struct query_sink *sink, struct stretch *stretch, uint32_t place,
                       struct segment_block_head *head)
{
    const struct query_span *span = stretch->span;
    struct segment_block_head group;
    if (head->number % STORE_GROUP != 0 || sink->head == NULL ||
        store_copy_group(span->store, place, &group) != 0 ||
        !is_ours(stretch, &group, head->number) ||
        group.first_ns < store_since_ns(span->store, span->metric, stretch->level) ||
        group.first_ns - segment_level_ns(group.level) < stretch->lo_ns ||
        segment_block_last_ns(&group) > stretch->hi_ns || !take_head(sink, stretch, &group))
        return false;
    *head = group;
    head->number -= STORE_GROUP - 1;
    return true;
}

/* Through the blocks of one level. A block that is gone meanwhile was the oldest: there the history
 * ends. */
static int walk_level(struct query_sink *sink, struct stretch *stretch)
{
    const struct query_span *span = stretch->span;
    uint32_t place = store_newest(span->store, span->metric, stretch->level), number = 0;
    while (place != 0) {
        struct segment_block_head head;
        int error = store_copy_head(span->store, place, &head);
        if (error == 0 && !is_ours(stretch, &head, number))
            error = VAGUS_ENOENT;
        if (error == 0 && !take_group(sink, stretch, place, &head))
            error = take_block(sink, stretch, place, &head);
        if (error != 0)
            return error == VAGUS_ENOENT && number != 0 ? 0 : VAGUS_EAGAIN;
        if (head.first_ns < stretch->lo_ns &&
            (!sink->wants_base || sink->has_base || stretch->tail))
            return 0;
        number = head.number - 1;
        place = number != 0 ? head.previous : 0;
    }
    return 0;
}

/* The newest points, if they reach back so far. */
static bool walk_recent(const struct query_span *span, struct query_sink *sink)
{
    struct store_point points[STORE_RECENT];
    uint32_t count;
    bool all;
    if (store_recent_since_ns(span->store, span->metric) > span->from_ns ||
        store_copy_recent(span->store, span->metric, points, &count, &all) != 0)
        return false;
    /* Before the oldest of them there must be nothing that is asked for, nor a base. */
    uint32_t first = 0;
    while (!all && first < count && isnan(points[first].value))
        first++;
    if (!all && (first == count || points[first].taken_ns > span->from_ns))
        return false;
    struct stretch stretch = {.span = span};
    for (uint32_t i = 0; i < count && points[i].taken_ns <= span->to_ns; i++) {
        double value = points[i].value;
        struct block_entry entry = {points[i].taken_ns, value, value, value, value, !isnan(value)};
        if (entry.at_ns > span->from_ns)
            hand_over(sink, &stretch, &entry);
        else if (entry.count > 0)
            offer_base(sink, &stretch, value, entry.at_ns);
    }
    return true;
}

static int64_t width_of(const struct query_span *span, unsigned level)
{
    return level == store_own_level(span->tier)
               ? 0
               : segment_level_ns(store_level_tier(level, span->tier));
}

int query_walk(const struct query_span *span, struct query_sink *sink)
{
    unsigned own = store_own_level(span->tier), level;
    sink->has_base = false;
    sink->step_ns = 0;
    sink->level = own;
    if (walk_recent(span, sink))
        return 0;
    sink->level = level = level_for(span);
    struct stretch stretch = {.span = span, .end_ns = span->from_ns};
    for (;; level--) {
        stretch.level = level;
        stretch.width_ns = width_of(span, level);
        stretch.lo_ns = stretch.end_ns + (stretch.width_ns == 0 && !stretch.tail);
        stretch.hi_ns = span->to_ns - stretch.width_ns;
        if (stretch.width_ns > sink->step_ns)
            sink->step_ns = stretch.width_ns;
        int error = stretch.hi_ns < stretch.lo_ns ? 0 : walk_level(sink, &stretch);
        if (error != 0 || level == own)
            return error;
        stretch.tail = stretch.end_ns > span->from_ns || sink->has_base;
    }
}

/* --- In order. --- */

#define SCAN_BLOCKS 1024 /* at once, the oldest first */

/* How many blocks a stretch has, or VAGUS_EAGAIN; counted from the newest, block i is at
 * places[i % SCAN_BLOCKS], as far as these hold the last ones. */
static int places_of(const struct stretch *stretch, uint32_t places[SCAN_BLOCKS])
{
    const struct query_span *span = stretch->span;
    uint32_t place = store_newest(span->store, span->metric, stretch->level), number = 0;
    int count = 0;
    while (place != 0) {
        struct segment_block_head head;
        int error = store_copy_head(span->store, place, &head);
        if (error != 0 || !is_ours(stretch, &head, number))
            return number != 0 && error != VAGUS_EAGAIN ? count : VAGUS_EAGAIN;
        if (head.first_ns <= stretch->hi_ns) {
            if (segment_block_last_ns(&head) < stretch->lo_ns)
                return count;
            places[count++ % SCAN_BLOCKS] = place;
        }
        number = head.number - 1;
        place = number != 0 ? head.previous : 0;
    }
    return count;
}

static struct vagus_bucket bucket_of(const struct block_entry *entry, int64_t width_ns)
{
    return (struct vagus_bucket){.from_ns = entry->at_ns,
                                 .to_ns = entry->at_ns + width_ns,
                                 .last = entry->last,
                                 .min = entry->min,
                                 .max = entry->max,
                                 .sum = entry->sum,
                                 .count = entry->count};
}

/* Fills from one level. True if there was no more of it than fitted. */
static int next_of_level(struct stretch *stretch, struct vagus_bucket *buckets, unsigned room,
                         unsigned *got)
{
    uint32_t places[SCAN_BLOCKS];
    struct segment_block block;
    int count = places_of(stretch, places);
    int newest = count > SCAN_BLOCKS ? count - SCAN_BLOCKS : 0;
    for (int i = count - 1; i >= newest; i--) {
        struct block_reader reader;
        struct block_entry entry;
        int error = store_copy_block(stretch->span->store, places[i % SCAN_BLOCKS], &block);
        if (error == VAGUS_EAGAIN)
            return error;
        if (error != 0 || !is_ours(stretch, &block.head, 0))
            continue; /* the oldest went away */
        block_read(&reader, &block, stretch->span->resolution);
        while (block_next(&reader, &entry) && entry.at_ns <= stretch->hi_ns) {
            if (entry.at_ns < stretch->lo_ns)
                continue;
            if (*got == room)
                return 0;
            buckets[(*got)++] = bucket_of(&entry, stretch->width_ns);
            stretch->end_ns = entry.at_ns + stretch->width_ns;
        }
    }
    if (newest > 0)
        return VAGUS_EAGAIN; /* nearly all of them went away */
    return count < 0 ? count : 0;
}

int query_next(const struct query_span *span, struct query_cursor *cursor,
               struct vagus_bucket *buckets, unsigned room, unsigned *got)
{
    *got = 0;
    if (!cursor->begun) {
        *cursor = (struct query_cursor){
            .begun = true, .level = level_for(span), .from_ns = span->from_ns};
    }
    while (!cursor->ended && *got < room) {
        struct stretch stretch = {.span = span,
                                  .level = cursor->level,
                                  .width_ns = width_of(span, cursor->level),
                                  .end_ns = cursor->from_ns};
        stretch.lo_ns = cursor->from_ns + (stretch.width_ns == 0 && !cursor->tail);
        stretch.hi_ns = span->to_ns - stretch.width_ns;
        if (stretch.hi_ns >= stretch.lo_ns) {
            int error = next_of_level(&stretch, buckets, room, got);
            if (error != 0)
                return error;
        }
        cursor->tail = stretch.width_ns != 0 && (cursor->tail || *got > 0);
        cursor->from_ns = stretch.end_ns;
        if (*got == room)
            return 0;
        cursor->ended = cursor->level == store_own_level(span->tier);
        cursor->level -= !cursor->ended;
    }
    return 0;
}
