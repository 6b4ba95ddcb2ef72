/* SPDX-License-Identifier: Apache-2.0 */
/* any: the greatest level among other rules. */
#include "vagus/rule.h"

static int measure(const struct vagus_window *window, const struct vagus_rule_params *params,
                   double *result)
{
    (void)params;
    if (window->point_count == 0)
        return VAGUS_EAGAIN;
    double level = window->points[0];
    for (uint32_t i = 1; i < window->point_count; i++)
        level = window->points[i] > level ? window->points[i] : level;
    *result = level;
    return 0;
}

extern const struct vagus_rule_kind vagus__rule_kind_any;

const struct vagus_rule_kind vagus__rule_kind_any = {
    .name = "any",
    .help = "while any of the rules that it names is raised",
    .measures = VAGUS_MEASURES_PARTS,
    .needs = VAGUS_NEEDS_PARTS,
    .measure = measure,
};
