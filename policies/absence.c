/* SPDX-License-Identifier: Apache-2.0 */
/* absence: for how long the metric has been silent, in seconds: a counter that does not grow, a
 * gauge that nobody sets, a sense that brings nothing. */
#include "vagus/rule.h"

static int measure(const struct vagus_window *window, const struct vagus_rule_params *params,
                   double *result)
{
    (void)params;
    *result = (double)(window->now_ns - window->changed_ns) / 1e9;
    return 0;
}

extern const struct vagus_rule_kind vagus__rule_kind_absence;

const struct vagus_rule_kind vagus__rule_kind_absence = {
    .name = "absence",
    .help = "for how long it has been silent",
    .what = "silence",
    .measures = VAGUS_MEASURES_TIME,
    .needs = VAGUS_NEEDS_CHANGE,
    .measure = measure,
};
