/* SPDX-License-Identifier: Apache-2.0 */
/* anomaly: how far the newest value lies from the median of those before it in the window, in
 * units of their own spread (the median distance from that median, scaled so that it is the
 * standard deviation of a normal distribution). Half of the past may be outliers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vagus/rule.h"

#define TO_DEVIATION 1.4826
#define DEVIATION_MOST 1e6 /* of a past that never moved */

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

static int measure(const struct vagus_window *window, const struct vagus_rule_params *params,
                   double *result)
{
    double past[VAGUS_WINDOW_POINTS];
    uint32_t count = 0;
    /* The piece that holds the newest value is not its past. */
    for (uint32_t i = 0; i + 1 < window->point_count && count < VAGUS_WINDOW_POINTS; i++)
        if (isfinite(window->points[i]))
            past[count++] = window->points[i];
    if (window->count == 0 || count < 3 || count < params->samples)
        return VAGUS_EAGAIN;
    double middle = median(past, count);
    for (uint32_t i = 0; i < count; i++)
        past[i] = fabs(past[i] - middle);
    double distance = fabs(window->last - middle);
    /* Steps of the resolution are no anomaly, however still it was. */
    double spread = fmax(TO_DEVIATION * median(past, count), window->resolution);
    *result = distance == 0 ? 0
              : spread > 0  ? fmin(distance / spread, DEVIATION_MOST)
                            : DEVIATION_MOST;
    return 0;
}

extern const struct vagus_rule_kind vagus__rule_kind_anomaly;

const struct vagus_rule_kind vagus__rule_kind_anomaly = {
    .name = "anomaly",
    .help = "how many deviations it lies away from its own recent past",
    .what = "deviation",
    .measures = VAGUS_MEASURES_NUMBER,
    .needs = VAGUS_NEEDS_POINTS,
    .measure = measure,
};
