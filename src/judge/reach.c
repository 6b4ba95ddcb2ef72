/* SPDX-License-Identifier: Apache-2.0 */
/* What the measure of a rule can be at all, as far as bounds and nature of its metric say. */
#include <math.h>

#include "judge/watch.h"

/* The metric's bounds, or none. */
static void bounds_of(const struct metric *metric, double *least, double *most)
{
    bool bounded = metric->min < metric->max;
    *least = bounded ? metric->min : metric->kind == VAGUS_GAUGE ? -INFINITY : 0;
    *most = bounded ? metric->max : INFINITY;
}

/* Of a statistic that is no value of the metric. */
static void reach_of_stat(const struct judged_rule *judged, const struct metric *metric,
                          double *least, double *most)
{
    double low, high;
    bounds_of(metric, &low, &high);
    bool grows = metric->kind == VAGUS_COUNTER;
    switch (judged->params.stat) {
    case VAGUS_STAT_COUNT:
        *least = 0;
        break;
    case VAGUS_STAT_STDDEV:
        *least = 0;
        *most = (high - low) / 2;
        break;
    case VAGUS_STAT_SUM:
        *least = low >= 0 ? 0 : -INFINITY;
        *most = high <= 0 ? 0 : INFINITY;
        break;
    case VAGUS_STAT_DELTA:
        *least = grows ? 0 : low - high;
        *most = high - low;
        break;
    default: /* a rate, a slope: steep where the window has only just begun to fill */
        *least = grows ? 0 : -INFINITY;
        break;
    }
}

void reach_of(const struct judged_rule *judged, const struct metric *metric, double *least,
              double *most)
{
    double low, high;
    *least = -INFINITY;
    *most = INFINITY;
    bounds_of(metric, &low, &high);
    switch (judged->kind->measures) {
    case VAGUS_MEASURES_METRIC:
        if (measures_the_metric(judged))
            bounds_of(metric, least, most);
        else
            reach_of_stat(judged, metric, least, most);
        break;
    case VAGUS_MEASURES_RATE:
        /* Over half of the window at least. */
        *most = (high - low) / ((double)judged->params.window_ns / 2e9);
        *least = metric->kind == VAGUS_COUNTER ? 0 : -*most;
        break;
    case VAGUS_MEASURES_TIME:
    case VAGUS_MEASURES_NUMBER:
        *least = 0;
        break;
    case VAGUS_MEASURES_PARTS:
        *least = 0;
        *most = 1;
        break;
    }
}
