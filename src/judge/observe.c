/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule sees at a step: its window, filled as far as its kind needs it, and the measure that
 * the kind makes of it. */
#include <math.h>

#include "judge/watch.h"
#include "metrics/query.h"

/* Reading so many entries of a series at once keeps the stack small. */
#define BATCH 16

/* The newest value belongs to the window even before its tier puts it into the series. */
static void add_newest(struct vagus_window *window, const struct vagus_reading *reading)
{
    double value = reading->value;
    if (window->count > 0 && reading->taken_ns <= window->last_ns)
        return;
    if (window->count == 0) {
        window->first_ns = reading->taken_ns;
        window->first = window->min = window->max = value;
    }
    window->last_ns = reading->taken_ns;
    window->last = value;
    window->min = value < window->min ? value : window->min;
    window->max = value > window->max ? value : window->max;
    window->sum += value;
    window->count++;
}

/* A statistic that the series answers; NaN if they cannot. */
static double ask(const struct judge *judge, const struct watch *watch, int64_t now_ns)
{
    static const struct {
        uint8_t aggregation;
        double quantile;
    } questions[] = {
        [VAGUS_STAT_SUM] = {VAGUS_QUERY_SUM, 0},
        [VAGUS_STAT_COUNT] = {VAGUS_QUERY_COUNT, 0},
        [VAGUS_STAT_DELTA] = {VAGUS_QUERY_DELTA, 0},
        [VAGUS_STAT_RATE] = {VAGUS_QUERY_RATE, 0},
        [VAGUS_STAT_STDDEV] = {VAGUS_QUERY_STDDEV, 0},
        [VAGUS_STAT_SLOPE] = {VAGUS_QUERY_SLOPE, 0},
        [VAGUS_STAT_P50] = {VAGUS_QUERY_QUANTILE, 0.5},
        [VAGUS_STAT_P90] = {VAGUS_QUERY_QUANTILE, 0.9},
        [VAGUS_STAT_P95] = {VAGUS_QUERY_QUANTILE, 0.95},
        [VAGUS_STAT_P99] = {VAGUS_QUERY_QUANTILE, 0.99},
    };
    const struct vagus_rule_params *params = &watch->judged->params;
    struct query_span span;
    struct vagus_query_result result = {0};
    query_span_of(judge->metrics, watch->metric, now_ns - params->window_ns, now_ns, &span);
    int error = query_answer(&span, questions[params->stat].aggregation,
                             questions[params->stat].quantile, &result);
    return error == 0 && result.error == 0 ? result.value : NAN;
}

int64_t watch_piece_ns(const struct judge *judge, uint32_t metric)
{
    int64_t period_ns = metrics_tier_period_ns(judge->metrics->entries[metric].tier);
    return 2 * (period_ns < 100 * VAGUS_MILLISECOND_NS ? 100 * VAGUS_MILLISECOND_NS : period_ns);
}

static uint32_t cut(const struct judge *judge, const struct watch *watch, int64_t now_ns,
                    double points[VAGUS_WINDOW_POINTS], int64_t *piece_ns)
{
    int64_t window_ns = watch->judged->params.window_ns;
    int64_t count = window_ns / watch_piece_ns(judge, watch->metric);
    count = count > VAGUS_WINDOW_POINTS ? VAGUS_WINDOW_POINTS : count;
    if (count < 3)
        return 0;
    *piece_ns = window_ns / count;
    int64_t from_ns = now_ns - count * *piece_ns;
    for (int64_t i = 0; i < count; i++)
        points[i] = NAN;

    struct query_span span;
    struct query_cursor cursor = {0};
    struct vagus_bucket buckets[BATCH];
    unsigned got;
    query_span_of(judge->metrics, watch->metric, from_ns, now_ns, &span);
    while (query_next(&span, &cursor, buckets, BATCH, &got) == 0 && got > 0)
        for (unsigned i = 0; i < got; i++) {
            int64_t place = (buckets[i].to_ns - from_ns - 1) / *piece_ns;
            if (buckets[i].count > 0 && place >= 0 && place < count)
                points[place] = buckets[i].last;
        }
    const struct vagus_reading *reading = &judge->metrics->readings[watch->metric];
    if (vagus_reading_state(reading, now_ns) == VAGUS_STATE_OK &&
        reading->taken_ns > now_ns - *piece_ns)
        points[count - 1] = reading->value;
    /* Before the metric had its first value there is no gap. */
    uint32_t empty = 0;
    while (empty < (uint32_t)count && isnan(points[empty]))
        empty++;
    for (uint32_t i = empty; i < (uint32_t)count; i++)
        points[i - empty] = points[i];
    return (uint32_t)count - empty;
}

/* A metric that was never heard of has been silent since the judge began. */
static int64_t changed_ns(const struct judge *judge, struct watch *watch, bool changed,
                          int64_t now_ns)
{
    const struct metric *metric = &judge->metrics->entries[watch->metric];
    const struct vagus_reading *reading = &judge->metrics->readings[watch->metric];
    if (watch->changed_ns == 0)
        watch->changed_ns = now_ns;
    if (!changed || reading->taken_ns == 0)
        return watch->changed_ns;
    if (metric->kind == VAGUS_GAUGE && reading->error == 0)
        watch->changed_ns = reading->taken_ns; /* to say the same again is to speak */
    else if (reading->value != watch->changed_value)
        watch->changed_ns = reading->taken_ns;
    watch->changed_value = reading->value;
    return watch->changed_ns;
}

/* The highest level of a rule that is part of this one. */
static double level_of_part(const struct judged_rule *part)
{
    double level = 0;
    for (uint32_t i = 0; i < part->count; i++)
        for (unsigned s = 0; s < SEVERITIES; s++)
            if (part->watches[i].severities[s].phase == SEVERITY_RAISED)
                level = fmax(level, part->watches[i].severities[s].level);
    return level;
}

static void observe_parts(const struct judge *judge, struct watch *watch)
{
    const struct judged_rule *judged = watch->judged;
    double levels[CONFIG_PARTS_MAX];
    struct vagus_window window = {.points = levels, .point_count = judged->part_count};
    for (uint32_t i = 0; i < judged->part_count; i++)
        levels[i] = level_of_part(&judge->rules[judged->parts[i]]);
    watch->known = judged->kind->measure(&window, &judged->params, &watch->measure) == 0;
}

static void measure(const struct judge *judge, struct watch *watch, struct vagus_window *window)
{
    const struct judged_rule *judged = watch->judged;
    double points[VAGUS_WINDOW_POINTS];
    window->resolution = judge->metrics->entries[watch->metric].resolution;
    window->asked = judged->params.stat >= VAGUS_STAT_SUM ? ask(judge, watch, window->now_ns) : NAN;
    if (judged->kind->needs & VAGUS_NEEDS_POINTS) {
        window->point_count = cut(judge, watch, window->now_ns, points, &window->point_ns);
        window->points = points;
        /* Each point stands for a stretch of time: until the next one ends nothing is new. */
        watch->leaves_ns = window->now_ns + window->point_ns / 2;
    }
    watch->measured = judged->kind->measure(window, &judged->params, &watch->measure) == 0 &&
                      isfinite(watch->measure);
    watch->measured_ns = window->now_ns;
}

/* True if what the kind makes of the window may have become another number. */
static bool is_due(const struct watch *watch, bool changed, int64_t now_ns)
{
    if (now_ns >= watch->leaves_ns)
        return true;
    /* Forecasts look at minutes: not at each tick. */
    return changed && (watch->judged->kind->needs & VAGUS_NEEDS_POINTS) == 0;
}

void watch_observe(const struct judge *judge, struct watch *watch, bool changed, int64_t now_ns)
{
    const struct judged_rule *judged = watch->judged;
    if (judged->kind->needs & VAGUS_NEEDS_PARTS) {
        observe_parts(judge, watch);
        return;
    }
    const struct vagus_reading *reading = &judge->metrics->readings[watch->metric];
    int64_t span_ns = judged->params.window_ns;
    struct vagus_window window = {.from_ns = now_ns - span_ns, .now_ns = now_ns};

    if (judged->kind->needs & VAGUS_NEEDS_CHANGE) {
        window.changed_ns = changed_ns(judge, watch, changed, now_ns);
        measure(judge, watch, &window);
        watch->known = watch->measured;
        return;
    }
    watch->known =
        vagus_reading_state(reading, now_ns) == VAGUS_STATE_OK &&
        (watch->rule->max_age_ns == 0 || now_ns - reading->taken_ns <= watch->rule->max_age_ns);
    if (watch->known && is_due(watch, changed, now_ns)) {
        if (span_ns > 0)
            metrics_window(judge->metrics, watch->metric, window.from_ns, now_ns, &window);
        add_newest(&window, reading);
        watch->leaves_ns = span_ns > 0 ? window.first_ns + span_ns : INT64_MAX;
        measure(judge, watch, &window);
    }
    watch->known = watch->known && watch->measured;
}
