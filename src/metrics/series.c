/* SPDX-License-Identifier: Apache-2.0 */
/* Series: each metric's bounded history, a ring of blocks in the segment. What steers the writer
 * (which block is open, how full it is) lies in private memory; what is read back is clamped. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "metrics/metrics.h"

static struct segment_block *block_at(const struct metrics *metrics, uint32_t index,
                                      uint64_t number)
{
    uint32_t blocks = metrics->segment->series_blocks;
    struct segment_block *ring =
        (struct segment_block *)segment_entries(metrics->segment, SEGMENT_SERIES) +
        (size_t)index * blocks;
    return &ring[number % blocks];
}

static void block_open(struct segment_block *block, uint32_t index, uint64_t number,
                       int64_t taken_ns)
{
    segment_write_begin(&block->stamp);
    block->number = number + 1;
    block->metric = index;
    block->count = 0;
    block->first_ns = block->last_ns = taken_ns;
    block->min = INFINITY;
    block->max = -INFINITY;
    block->sum = 0;
    segment_write_end(&block->stamp);
}

static void append(struct metrics *metrics, struct metric *metric, int64_t taken_ns, double value)
{
    if (metrics->segment->series_blocks == 0)
        return;
    if (metric->blocks == 0 || metric->points == SERIES_BLOCK_POINTS) {
        block_open(block_at(metrics, metric->index, metric->blocks), metric->index, metric->blocks,
                   taken_ns);
        metric->blocks++;
        metric->points = 0;
    }
    struct segment_block *block = block_at(metrics, metric->index, metric->blocks - 1);
    segment_write_begin(&block->stamp);
    block->points[metric->points] = (struct segment_point){taken_ns, value};
    block->count = ++metric->points;
    block->last_ns = taken_ns;
    if (!isnan(value)) {
        block->min = value < block->min ? value : block->min;
        block->max = value > block->max ? value : block->max;
        block->sum += value;
    }
    segment_write_end(&block->stamp);
}

static int64_t good_until(const struct metric *metric, int64_t taken_ns)
{
    return clock_add_ns(taken_ns, metric->good_for_ns);
}

static void take(struct metrics *metrics, const struct metric *metric, int64_t taken_ns,
                 double value)
{
    metrics->readings[metric->index] = (struct vagus_reading){
        .value = value, .taken_ns = taken_ns, .good_until_ns = good_until(metric, taken_ns)};
    metrics->versions[metric->index]++;
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

void metrics_put_missing(struct metrics *metrics, uint32_t index, int64_t at_ns, int error)
{
    struct metric *metric = &metrics->entries[index];
    metrics->readings[index].error = error;
    metrics->versions[index]++;
    /* What was never there leaves no trail of gaps behind. */
    if (metric->blocks > 0)
        append(metrics, metric, at_ns, NAN);
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
    reading->good_until_ns = good_until(metric, tick_ns);
}

/* The newest value of a histogram is how many values it holds; these are read when asked for. */
static uint64_t histogram_count(const struct metrics *metrics, const struct metric *metric)
{
    return cells_distribution_count(&metrics->cells, metric->first, metric->shape.buckets);
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
            fold_counter(metrics, metric, histogram_count(metrics, metric), tick_ns);
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
    segment_write_begin(&head->stamp);
    memcpy(segment_entries(metrics->segment, SEGMENT_VALUES), metrics->readings,
           count * sizeof(*metrics->readings));
    head->count = count;
    head->updated_ns = now_ns;
    segment_write_end(&head->stamp);
}

static void window_add(struct vagus_window *window, const struct segment_point *point)
{
    if (isnan(point->value)) {
        window->gaps++;
        return;
    }
    if (window->count == 0) { /* points come newest first */
        window->last = window->min = window->max = point->value;
        window->last_ns = point->taken_ns;
    }
    window->first = point->value;
    window->first_ns = point->taken_ns;
    /* Plain comparisons: there is no NaN here, and fmin() is a call. */
    window->min = point->value < window->min ? point->value : window->min;
    window->max = point->value > window->max ? point->value : window->max;
    window->sum += point->value;
    window->count++;
}

void metrics_window(const struct metrics *metrics, uint32_t index, int64_t from_ns, int64_t now_ns,
                    struct vagus_window *window)
{
    const struct metric *metric = &metrics->entries[index];
    uint32_t blocks = metrics->segment->series_blocks;
    uint64_t oldest = metric->blocks > blocks ? metric->blocks - blocks : 0;

    *window = (struct vagus_window){.from_ns = from_ns, .now_ns = now_ns};
    for (uint64_t number = metric->blocks; number > oldest; number--) {
        const struct segment_block *block = block_at(metrics, index, number - 1);
        uint32_t count = number == metric->blocks ? metric->points : SERIES_BLOCK_POINTS;
        for (uint32_t i = count; i > 0; i--) {
            if (block->points[i - 1].taken_ns <= from_ns)
                return;
            if (block->points[i - 1].taken_ns <= now_ns)
                window_add(window, &block->points[i - 1]);
        }
    }
}
