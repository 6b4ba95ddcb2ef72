/* SPDX-License-Identifier: Apache-2.0 */
/* level: the metric itself over a window, as its last, least, greatest or mean value. */
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
    }
    return VAGUS_EINVAL;
}

extern const struct vagus_rule_kind vagus__rule_kind_level;

const struct vagus_rule_kind vagus__rule_kind_level = {
    .name = "level",
    .help = "the metric itself, held against thresholds",
    .of_the_metric = true,
    .measure = measure,
};
