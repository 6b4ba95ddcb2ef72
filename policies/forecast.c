/* SPDX-License-Identifier: Apache-2.0 */
/* forecast: the time until the metric reaches the value at which it is exhausted, in seconds, if it
 * goes on as in the window. The slope is the median of the slopes between all pairs of points
 * (Theil and Sen), which up to 29 % of outliers do not move. It never looks across a gap: a value
 * that is missing is not a value of 0. */
#include <math.h>
#include <stdlib.h>

#include "vagus/rule.h"

/* Further away than anybody plans. */
#define NEVER_S (100 * 365.25 * 86400)

/* Every second point of a long window: 496 pairs tell no less than 2016. */
#define POINTS_MAX 32
#define PAIRS_MAX (POINTS_MAX * (POINTS_MAX - 1) / 2)

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, uint32_t count)
{
    qsort(values, count, sizeof(*values), ascending);
    return count % 2 != 0 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* The change from one point to the next. */
static double slope_of(const double *points, uint32_t count)
{
    double slopes[PAIRS_MAX];
    uint32_t step = (count + POINTS_MAX - 1) / POINTS_MAX, pairs = 0;
    for (uint32_t i = count - 1; i >= step; i -= step)
        for (uint32_t j = i; j >= step; j -= step)
            slopes[pairs++] = (points[i] - points[j - step]) / (double)(i - (j - step));
    return median(slopes, pairs);
}

static int measure(const struct vagus_window *window, const struct vagus_rule_params *params,
                   double *result)
{
    uint32_t count = 0;
    while (count < window->point_count && isfinite(window->points[window->point_count - 1 - count]))
        count++;
    if (count < 3 || count < params->samples)
        return VAGUS_EAGAIN;
    const double *points = window->points + window->point_count - count;
    double left = params->exhausted_at - points[count - 1];
    double slope = slope_of(points, count) / ((double)window->point_ns / 1e9);
    if (left == 0)
        *result = 0;
    else if (slope == 0 || (slope > 0) != (left > 0))
        *result = NEVER_S; /* it stands, or goes the other way */
    else
        *result = fmin(left / slope, NEVER_S);
    return 0;
}

extern const struct vagus_rule_kind vagus__rule_kind_forecast;

const struct vagus_rule_kind vagus__rule_kind_forecast = {
    .name = "forecast",
    .help = "the time until it reaches exhausted_at, if it goes on like this",
    .what = "time left",
    .measures = VAGUS_MEASURES_TIME,
    .needs = VAGUS_NEEDS_POINTS,
    .measure = measure,
};
