/* SPDX-License-Identifier: Apache-2.0 */
/* What lies ahead of a metric: the thresholds that it has not crossed, for who decides when to read
 * it again. */
#include <math.h>
#include <string.h>

#include "judge/watch.h"

/* The thresholds of one watch. */
static void offer(const struct watch *watch, double value, double *below, double *above)
{
    for (unsigned i = 0; i < SEVERITIES; i++) {
        const struct config_threshold *threshold = watch_threshold(watch->rule, i);
        if (!threshold->present || watch->severities[i].phase == SEVERITY_RAISED)
            continue;
        if (threshold->below && value >= threshold->enter)
            *below = *below > threshold->enter ? *below : threshold->enter; /* NaN is not */
        else if (!threshold->below && value <= threshold->enter)
            *above = *above < threshold->enter ? *above : threshold->enter;
    }
}

bool judge_nearest(void *arg, uint32_t metric, double value, double *below, double *above)
{
    const struct judge *judge = arg;
    bool judged = false;
    *below = *above = NAN;
    for (uint32_t i = 0; i < judge->rest_count; i++) {
        if (judge->rests[i].metric != metric || !measures_the_metric(judge->rests[i].watch->judged))
            continue;
        judged = true;
        offer(judge->rests[i].watch, value, below, above);
    }
    return judged;
}

void judge_thresholds(const struct judge *judge, const char *metric,
                      void (*each)(void *arg, double enter, bool below), void *arg)
{
    for (uint32_t r = 0; r < judge->rule_count; r++) {
        const struct judged_rule *judged = &judge->rules[r];
        if (!measures_the_metric(judged) || strcmp(judged->rule->metric, metric) != 0)
            continue;
        for (unsigned i = 0; i < SEVERITIES; i++) {
            const struct config_threshold *threshold = watch_threshold(judged->rule, i);
            if (threshold->present)
                each(arg, threshold->enter, threshold->below);
        }
    }
}
