/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the history of one metric for `vagus show`, and putting it into buckets. Times in a
 * segment are a stranger's: no sum of them is trusted. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cli/chart.h"
#include "cli/moment.h"
#include "cli/show.h"

#define LAST_DEFAULT_NS (600 * VAGUS_SECOND_NS)

static void add_point(struct history *history, const struct block_entry *entry, int64_t width_ns)
{
    double value = entry->count > 0 ? entry->sum / entry->count : NAN;
    if (history->count == history->room) {
        size_t room = history->room == 0 ? 1024 : 2 * history->room;
        struct point *points = realloc(history->points, room * sizeof(*points));
        history->cut = points == NULL;
        if (points == NULL)
            return;
        history->points = points;
        history->room = room;
    }
    if (!isfinite(value) || !isfinite(entry->min) || !isfinite(entry->max))
        value = NAN;
    if (history->count == 0)
        history->first_ns = entry->at_ns;
    struct point point = {.at_ns = entry->at_ns};
    if (!isnan(value))
        point = (struct point){entry->at_ns, entry->min,  entry->max,
                               entry->sum,   entry->last, entry->count};
    history->points[history->count++] = point;
    history->last_ns = entry->at_ns + width_ns;
    if (isnan(value))
        return;
    history->min = history->values == 0 ? entry->min : fmin(history->min, entry->min);
    history->max = history->values == 0 ? entry->max : fmax(history->max, entry->max);
    history->sum += entry->sum;
    history->last = entry->last;
    history->values += entry->count;
}

static void on_entry(const struct block_entry *entry, int64_t width_ns, void *arg)
{
    add_point(arg, entry, width_ns);
}

/* Of a counter: how fast it grew since the entry before. No rate across a gap, none backward. */
static void on_count(const struct block_entry *entry, int64_t width_ns, void *arg)
{
    struct history *history = arg;
    struct block_entry rate = {.at_ns = entry->at_ns};
    int64_t end_ns = entry->at_ns + width_ns;
    double grown = entry->last - history->base;
    bool based = history->based;
    if (entry->count > 0 && based && grown >= 0 && end_ns > history->base_ns) {
        rate.sum = grown / ((double)(end_ns - history->base_ns) / 1e9);
        rate.last = rate.min = rate.max = rate.sum;
        rate.count = 1;
        history->grown += grown;
    }
    history->based = entry->count > 0;
    history->base = entry->last;
    history->base_ns = end_ns;
    if (based || entry->count == 0) /* the first has nothing to grow from */
        add_point(history, &rate, width_ns);
}

/* --- What is wanted. --- */

static int refuse(char why[256], const char *option, const char *given, const char *what)
{
    snprintf(why, 256, "%s '%.80s' %s", option, given, what);
    return VAGUS_EINVAL;
}

static int take_moment(const struct shown *shown, const char *option, const char *given,
                       int64_t end_ns, int64_t *at_ns, char why[256])
{
    const char *what;
    int64_t end_wall_ns, wall_ns;
    if (__builtin_add_overflow(end_ns, shown->wall_ns, &end_wall_ns))
        end_wall_ns = clock_wall_ns(&clock_of_machine);
    if (moment_parse(given, clock_wall_ns(&clock_of_machine), end_wall_ns, &wall_ns, &what) != 0)
        return refuse(why, option, given, what);
    if (__builtin_sub_overflow(wall_ns, shown->wall_ns, at_ns))
        return refuse(why, option, given, "is too far away");
    return 0;
}

/* end_ns: now; of one that ended, its end. */
static int take_window(const struct shown *shown, const struct show_window *window, int64_t end_ns,
                       int64_t *from_ns, int64_t *to_ns, char why[256])
{
    int64_t last_ns = window->last_ns != 0 ? window->last_ns : LAST_DEFAULT_NS;
    int error = 0;
    *to_ns = end_ns;
    if (window->to != NULL)
        error = take_moment(shown, "--to", window->to, end_ns, to_ns, why);
    if (error == 0 && window->from != NULL)
        error = take_moment(shown, "--from", window->from, end_ns, from_ns, why);
    if (error != 0)
        return error;
    if (window->from == NULL) {
        if (__builtin_sub_overflow(*to_ns, last_ns, from_ns))
            *from_ns = INT64_MIN;
        return 0;
    }
    if (window->to == NULL && window->last_ns != 0)
        *to_ns = clock_add_ns(*from_ns, last_ns);
    if (*from_ns >= *to_ns)
        return refuse(why, "--from", window->from,
                      window->to != NULL ? "is not before --to"
                      : shown->alive     ? "is not in the past"
                                         : "is after the end of the process");
    return 0;
}

/* --- Buckets. --- */

static int64_t floor_to(int64_t at_ns, int64_t step_ns)
{
    return at_ns - (at_ns % step_ns + step_ns) % step_ns;
}

/* The grid of a step over what is covered. False if it has more buckets than are possible. */
static bool lay_grid(const struct shown *shown, int64_t step_ns, unsigned most, struct grid *grid)
{
    const struct history *history = &shown->history;
    int64_t first_wall_ns, span_ns, end_ns;
    grid->step_ns = step_ns;
    grid->count = 0;
    if (__builtin_add_overflow(history->first_ns, shown->wall_ns, &first_wall_ns) ||
        first_wall_ns < 0)
        first_wall_ns = 0;
    grid->first_ns = floor_to(first_wall_ns, step_ns) - shown->wall_ns;
    end_ns = history->points[history->count - 1].at_ns;
    if (__builtin_sub_overflow(end_ns, grid->first_ns, &span_ns) || span_ns < 0 ||
        span_ns / step_ns >= most)
        return false;
    grid->count = (unsigned)(span_ns / step_ns) + 1;
    return true;
}

/* A width that is a multiple of what was asked for, and not finer than the history. */
static int64_t bucket_step(const struct history *history, int64_t by_ns)
{
    int64_t times = history->period_ns / by_ns + (history->period_ns % by_ns != 0);
    return times > 1 ? times * by_ns : by_ns;
}

static int choose_grid(struct shown *shown, const struct show_window *window, char why[256])
{
    const struct history *history = &shown->history;
    unsigned room = window->form == SHOW_TEXT && window->by_ns == 0 ? chart_room(window->columns)
                    : shown->metric.kind == VAGUS_HISTOGRAM         ? SHOW_SPREADS_MAX
                                                                    : SHOW_BUCKETS_MAX;
    if (window->by_ns != 0) {
        if (lay_grid(shown, bucket_step(history, window->by_ns), room, &shown->grid))
            return 0;
        snprintf(why, 256, "--by makes more than %u buckets: choose wider ones, or a shorter span",
                 room);
        return VAGUS_EINVAL;
    }
    int64_t step_ns =
        window->form == SHOW_TEXT ? chart_step_ns(history->period_ns, 1) : history->period_ns;
    while (!lay_grid(shown, step_ns, room, &shown->grid)) {
        if (step_ns > INT64_MAX / 4)
            return VAGUS_ECORRUPT;
        step_ns = chart_step_ns(step_ns + 1, 1);
    }
    return 0;
}

static void add_to_bucket(struct point *bucket, const struct point *point)
{
    if (point->count == 0)
        return;
    bucket->min = bucket->count == 0 ? point->min : fmin(bucket->min, point->min);
    bucket->max = bucket->count == 0 ? point->max : fmax(bucket->max, point->max);
    bucket->sum += point->sum;
    bucket->last = point->last;
    bucket->count += point->count;
}

static int fill_buckets(struct shown *shown)
{
    const struct history *history = &shown->history;
    const struct grid *grid = &shown->grid;
    shown->buckets = calloc(grid->count, sizeof(*shown->buckets));
    if (shown->buckets == NULL)
        return VAGUS_ENOMEM;
    for (unsigned i = 0; i < grid->count; i++)
        shown->buckets[i].at_ns = grid->first_ns + (int64_t)i * grid->step_ns;
    for (size_t i = 0; i < history->count; i++) {
        int64_t into_ns;
        if (!__builtin_sub_overflow(history->points[i].at_ns, grid->first_ns, &into_ns) &&
            into_ns >= 0 && into_ns / grid->step_ns < grid->count)
            add_to_bucket(&shown->buckets[into_ns / grid->step_ns], &history->points[i]);
    }
    return 0;
}

/* --- All of it. --- */

static int64_t find_end(struct shown *shown, const struct outside_block *blocks, uint32_t count)
{
    int64_t end_ns = 0;
    for (uint32_t i = 0; i < count; i++) {
        int64_t *since_ns = &shown->since_ns[blocks[i].level];
        *since_ns =
            *since_ns == 0 || blocks[i].first_ns < *since_ns ? blocks[i].first_ns : *since_ns;
        end_ns = blocks[i].last_ns > end_ns ? blocks[i].last_ns : end_ns;
    }
    return shown->alive && shown->now_ns > end_ns ? shown->now_ns : end_ns;
}

int show_read(const struct segment_reader *reader, const struct show_window *window,
              struct shown *shown, char why[256])
{
    struct outside_block *blocks = calloc((size_t)outside_blocks_max(reader) + 1, sizeof(*blocks));
    int64_t from_ns, to_ns;
    if (blocks == NULL)
        return VAGUS_ENOMEM;
    if (__builtin_sub_overflow(clock_wall_ns(&clock_of_machine), shown->now_ns, &shown->wall_ns))
        shown->wall_ns = 0;
    uint32_t count = outside_list(reader, shown->index, blocks);
    int error = take_window(shown, window, find_end(shown, blocks, count), &from_ns, &to_ns, why);
    if (error == 0) {
        shown->wanted_ns = clock_span_ns(from_ns, to_ns);
        shown->history.period_ns =
            outside_walk(reader, shown->index, shown->metric.resolution, blocks, count, from_ns,
                         to_ns, show_as_rate(shown) ? on_count : on_entry, &shown->history);
    }
    free(blocks);
    if (error == 0 && shown->history.cut)
        error = VAGUS_ENOMEM;
    if (error != 0 || shown->history.count == 0)
        return error;
    if (window->form != SHOW_TEXT && window->by_ns == 0 && shown->metric.kind != VAGUS_HISTOGRAM)
        return 0; /* every entry is printed as it is */
    error = choose_grid(shown, window, why);
    if (error == 0)
        error = fill_buckets(shown);
    return error != 0 ? error : show_spread_read(reader, shown, from_ns, to_ns);
}

void show_finish(struct shown *shown)
{
    free(shown->history.points);
    free(shown->buckets);
    if (shown->spread != NULL)
        free(shown->spread->each);
    free(shown->spread);
}
