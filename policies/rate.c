/* SPDX-License-Identifier: Apache-2.0 */
/* rate: how much the metric changes in a second, from the first value in the window to the last. */
#include "vagus/rule.h"

static int measure(const struct vagus_window *window, const struct vagus_rule_params *params,
                   double *result)
{
    int64_t span_ns = window->last_ns - window->first_ns;
    /* Of less than half a window little can be said: one step would look like a flood. */
    if (window->count < 2 || span_ns <= 0 || span_ns < params->window_ns / 2)
        return VAGUS_EAGAIN;
    *result = (window->last - window->first) / ((double)span_ns / 1e9);
    return 0;
}

extern const struct vagus_rule_kind vagus__rule_kind_rate;

const struct vagus_rule_kind vagus__rule_kind_rate = {
    .name = "rate",
    .help = "how much it changes in a second",
    .what = "rate",
    .measures = VAGUS_MEASURES_RATE,
    .measure = measure,
};
