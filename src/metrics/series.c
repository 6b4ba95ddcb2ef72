/* SPDX-License-Identifier: Apache-2.0 */
/* What enters the newest values and the series: puts, folds, and the windows that rules look at. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "metrics/metrics.h"

/* Rounds a value that is there to what is kept of it, and appends it; NaN: a gap. */
static void append(struct metrics *metrics, const struct metric *metric, int64_t taken_ns,
                   double value)
{
    struct store_metric kept = {.index = metric->index,
                                .tier = metric->tier,
                                .keep_day = metric->keep_day != 0,
                                .resolution = metric->resolution};
    if (metric->resolution != 0)
        kept.inverse = 1 / metric->resolution;
    store_append(&metrics->store, &kept, taken_ns,
                 block_rounded(value, kept.resolution, kept.inverse));
}

/* What is sensed stays good until its next reading is overdue, and that is later when the tiers are
 * slowed down. */
static int64_t good_until(const struct metrics *metrics, const struct metric *metric,
                          int64_t taken_ns)
{
    int64_t good_for_ns = metric->good_for_ns;
    if (metric->source == METRIC_SENSED)
        good_for_ns = metrics_stretched(metrics, good_for_ns);
    return clock_add_ns(taken_ns, good_for_ns);
}

static inline void touch(struct metrics *metrics, uint32_t index)
{
    metrics->touched[index / 64] |= UINT64_C(1) << index % 64;
}

static void take(struct metrics *metrics, const struct metric *metric, int64_t taken_ns,
                 double value)
{
    metrics->readings[metric->index] =
        (struct vagus_reading){.value = value,
                               .taken_ns = taken_ns,
                               .good_until_ns = good_until(metrics, metric, taken_ns),
                               .source = metric->origin};
    metrics->versions[metric->index]++;
    touch(metrics, metric->index);
}

void metrics_put(struct metrics *metrics, uint32_t index, int64_t taken_ns, double value)
{
    struct metric *metric = &metrics->entries[index];
    if (!isfinite(value)) {
        metrics_put_missing(metrics, index, taken_ns, VAGUS_EPARSE);
        return;
    }
    take(metrics, metric, taken_ns, value);
    append(metrics, metric, taken_ns, value);
}

bool metrics_put_newest(struct metrics *metrics, uint32_t index, int64_t taken_ns, double value)
{
    struct vagus_reading *reading = &metrics->readings[index];
    if (reading->value == value && reading->error == 0 && reading->taken_ns != 0) {
        reading->taken_ns = taken_ns;
        reading->good_until_ns = good_until(metrics, &metrics->entries[index], taken_ns);
        touch(metrics, index);
        return false;
    }
    take(metrics, &metrics->entries[index], taken_ns, value);
    return true;
}

void metrics_put_between(struct metrics *metrics, uint32_t index, int64_t taken_ns, double value)
{
    append(metrics, &metrics->entries[index], taken_ns, value);
}

void metrics_put_missing(struct metrics *metrics, uint32_t index, int64_t at_ns, int error)
{
    struct metric *metric = &metrics->entries[index];
    metrics->readings[index].error = error;
    metrics->versions[index]++;
    touch(metrics, index);
    /* What was never there leaves no trail of gaps behind. */
    if (store_newest(&metrics->store, index, store_own_level(metric->tier)) != 0)
        append(metrics, metric, at_ns, NAN);
}

void metrics_show(struct metrics *metrics, uint32_t index, int64_t taken_ns, double value,
                  int error)
{
    if (isfinite(value)) {
        take(metrics, &metrics->entries[index], taken_ns, value);
        return;
    }
    metrics->readings[index].error = error;
    metrics->versions[index]++;
    touch(metrics, index);
}

/* Adds up all counters, slot by slot: a row is contiguous. */
static void sum_cells(struct metrics *metrics, uint32_t count)
{
    uint32_t used = cells_used(&metrics->cells);
    bool shared = cells_shared_used(&metrics->cells);
    memset(metrics->sums, 0, count * sizeof(*metrics->sums));
    for (uint32_t slot = 0; slot < used + shared; slot++) {
        const struct vagus__cell *row =
            cells_slot(&metrics->cells, slot < used ? slot : metrics->cells.slots);
        for (uint32_t i = 0; i < count; i++)
            metrics->sums[i] += __atomic_load_n(&row[i].value, __ATOMIC_RELAXED);
    }
}

/* True if the gauge was ever set. Its time is exact to a tick: what was set in this tick is as old
 * as the tick's beginning, at most. */
static bool fold_gauge(struct metrics *metrics, struct metric *metric, int64_t last_tick_ns)
{
    const struct vagus__gauge_cell *cell = vagus__gauge(metrics->cells.board, metric->index);
    uint64_t tick = __atomic_load_n(&cell->tick, __ATOMIC_ACQUIRE);
    if (tick == 0)
        return false;
    double value;
    __atomic_load(&cell->value, &value, __ATOMIC_RELAXED);
    if (tick == metric->seen_tick && value == metrics->readings[metric->index].value)
        return true;
    metric->seen_tick = tick;
    take(metrics, metric, last_tick_ns, value);
    return true;
}

/* A counter is read at each tick, so it is as new as the tick; its version tells that it grew. */
static void fold_counter(struct metrics *metrics, struct metric *metric, uint64_t total,
                         int64_t tick_ns)
{
    struct vagus_reading *reading = &metrics->readings[metric->index];
    if (reading->taken_ns == 0 || total != metric->total) {
        metric->total = total;
        take(metrics, metric, tick_ns, (double)total);
    }
    reading->taken_ns = tick_ns;
    reading->good_until_ns = good_until(metrics, metric, tick_ns);
    touch(metrics, metric->index);
}

/* The newest value of a histogram is how many values it holds; which these were, its history by
 * bucket knows. */
static void fold_histogram(struct metrics *metrics, struct metric *metric, int64_t tick_ns)
{
    struct spread_metric spread = metrics_spread(metrics, metric->index);
    fold_counter(metrics, metric, spreads_take(&metrics->spreads, &spread, tick_ns), tick_ns);
}

void metrics_fold(struct metrics *metrics, unsigned due, int64_t tick_ns, int64_t last_tick_ns)
{
    uint32_t count = __atomic_load_n(&metrics->recorded_count, __ATOMIC_ACQUIRE);
    if (count > 0)
        sum_cells(metrics, metrics_count(metrics));
    for (uint32_t i = 0; i < count; i++) {
        struct metric *metric = &metrics->entries[metrics->recorded[i]];
        if (metric->kind == VAGUS_COUNTER)
            fold_counter(metrics, metric, metrics->sums[metric->index], tick_ns);
        else if (metric->kind == VAGUS_HISTOGRAM && (due & (1u << metric->tier)) == 0)
            continue; /* many words to add up */
        else if (metric->kind == VAGUS_HISTOGRAM)
            fold_histogram(metrics, metric, tick_ns);
        else if (!fold_gauge(metrics, metric, last_tick_ns))
            continue;
        if ((due & (1u << metric->tier)) != 0) {
            const struct vagus_reading *reading = &metrics->readings[metric->index];
            bool good = vagus_reading_state(reading, tick_ns) == VAGUS_STATE_OK;
            append(metrics, metric, tick_ns, good ? reading->value : NAN);
        }
    }
    metrics_flights_fold(metrics, due, tick_ns);
    struct vagus__board *board = metrics->cells.board;
    __atomic_store_n(&board->tick, board->tick + 1, __ATOMIC_RELEASE);
}

void metrics_mirror(struct metrics *metrics, int64_t now_ns)
{
    uint32_t count = metrics_count(metrics);
    struct segment_head *head = segment_head(metrics->segment, SEGMENT_VALUES);
    struct vagus_reading *mirror = segment_entries(metrics->segment, SEGMENT_VALUES);
    segment_write_begin(&head->stamp);
    for (uint32_t i = 0; i < count; i += 64) {
        uint64_t touched = metrics->touched[i / 64];
        if (touched == 0)
            continue;
        metrics->touched[i / 64] = 0;
        uint32_t first = i + (uint32_t)__builtin_ctzll(touched);
        uint32_t end = i + 64 - (uint32_t)__builtin_clzll(touched);
        memcpy(&mirror[first], &metrics->readings[first],
               (end - first) * sizeof(*metrics->readings));
    }
    head->count = count;
    head->updated_ns = now_ns;
    segment_write_end(&head->stamp);
}

static void window_add(struct vagus_window *window, int64_t taken_ns, double value)
{
    if (isnan(value)) {
        window->gaps++;
        return;
    }
    if (window->count == 0) { /* points come newest first */
        window->last = window->min = window->max = value;
        window->last_ns = taken_ns;
    }
    window->first = value;
    window->first_ns = taken_ns;
    /* Plain comparisons: there is no NaN here, and fmin() is a call. */
    window->min = value < window->min ? value : window->min;
    window->max = value > window->max ? value : window->max;
    window->sum += value;
    window->count++;
}

/* Puts a stretch before those that are there already. */
static void window_prepend(struct vagus_window *window, const struct vagus_window *older)
{
    window->gaps += older->gaps;
    if (older->count == 0)
        return;
    if (window->count == 0) {
        window->last = older->last;
        window->last_ns = older->last_ns;
        window->min = older->min;
        window->max = older->max;
    }
    window->first = older->first;
    window->first_ns = older->first_ns;
    window->min = older->min < window->min ? older->min : window->min;
    window->max = older->max > window->max ? older->max : window->max;
    window->sum += older->sum;
    window->count += older->count;
}

static void stretch_add(struct vagus_window *stretch, const struct block_entry *entry)
{
    if (entry->count == 0) {
        stretch->gaps++;
        return;
    }
    if (stretch->count == 0) { /* entries come oldest first */
        stretch->first = stretch->min = stretch->max = entry->last;
        stretch->first_ns = entry->at_ns;
    }
    stretch->last = entry->last;
    stretch->last_ns = entry->at_ns;
    stretch->min = entry->last < stretch->min ? entry->last : stretch->min;
    stretch->max = entry->last > stretch->max ? entry->last : stretch->max;
    stretch->sum += entry->last;
    stretch->count++;
}

/* The long way: blocks are copied and decoded, from the newest to the first that reaches back. */
static void window_of_blocks(const struct metrics *metrics, const struct metric *metric,
                             struct vagus_window *window)
{
    unsigned level = store_own_level(metric->tier);
    uint32_t place = store_newest(&metrics->store, metric->index, level);
    for (uint32_t number = 0; place != 0; number--) {
        struct segment_block block;
        struct block_reader reader;
        struct block_entry entry;
        struct vagus_window stretch = {0};
        if (store_copy_block(&metrics->store, place, &block) != 0 ||
            block.head.metric != metric->index || block.head.level != metric->tier ||
            (number != 0 && block.head.number != number))
            return;
        number = block.head.number;
        block_read(&reader, &block, metric->resolution);
        while (block_next(&reader, &entry))
            if (entry.at_ns > window->from_ns && entry.at_ns <= window->now_ns)
                stretch_add(&stretch, &entry);
        window_prepend(window, &stretch);
        if (block.head.first_ns <= window->from_ns || number == 1)
            return;
        place = block.head.previous;
    }
}

void metrics_window(const struct metrics *metrics, uint32_t index, int64_t from_ns, int64_t now_ns,
                    struct vagus_window *window)
{
    const struct store_recent *recent = &metrics->store.recent[index];
    uint64_t oldest = recent->count > STORE_RECENT ? recent->count - STORE_RECENT : 0;

    *window = (struct vagus_window){.from_ns = from_ns, .now_ns = now_ns};
    for (uint64_t number = recent->count; number > oldest; number--) {
        const struct store_point *point = &recent->points[(number - 1) % STORE_RECENT];
        if (point->taken_ns <= from_ns)
            return;
        if (point->taken_ns <= now_ns)
            window_add(window, point->taken_ns, point->value);
    }
    if (oldest == 0)
        return;
    *window = (struct vagus_window){.from_ns = from_ns, .now_ns = now_ns};
    window_of_blocks(metrics, &metrics->entries[index], window);
}
