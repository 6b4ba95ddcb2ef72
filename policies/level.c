/* SPDX-License-Identifier: Apache-2.0 */
/* level: the metric itself over a window, as its last, least, greatest or mean value, or
 * any other statistic of it. */
#include <math.h>

#include "vagus/rule.h"

static int measure(const struct vagus_window *window, const struct vagus_rule_params *params,
                   double *result)
{
    if (window->count == 0)
        return VAGUS_EAGAIN;
    switch (params->stat) {
    case VAGUS_STAT_LAST:
        *result = window->last;
        return 0;
    case VAGUS_STAT_MIN:
        *result = window->min;
        return 0;
    case VAGUS_STAT_MAX:
        *result = window->max;
        return 0;
    case VAGUS_STAT_MEAN:
        *result = window->sum / (double)window->count;
        return 0;
    default: /* asked of the series */
        if (!isfinite(window->asked))
            return VAGUS_EAGAIN;
        *result = window->asked;
        return 0;
    }
}

extern const struct vagus_rule_kind vagus__rule_kind_level;

const struct vagus_rule_kind vagus__rule_kind_level = {
    .name = "level",
    .help = "the metric itself, held against thresholds",
    .measures = VAGUS_MEASURES_METRIC,
    .measure = measure,
};
