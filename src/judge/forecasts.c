/* SPDX-License-Identifier: Apache-2.0 */
/* What forecast rules foretell, for the snapshot. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "judge/watch.h"

/* policies/forecast.c means "not at this pace" by a hundred years. */
#define NEVER_S (100 * 365.25 * 86400)

static struct judge_forecast foretell(const struct judge *judge, const struct watch *watch)
{
    int64_t late_ns = 2 * watch_piece_ns(judge, watch->metric);
    bool never = watch->measure >= NEVER_S;
    return (struct judge_forecast){
        .rule = watch->rule,
        .metric = (int32_t)watch->metric,
        .resource = watch->resource,
        .known = watch->known,
        .left_s = never ? INFINITY : fmax(watch->measure, 0),
        .measured_ns = watch->measured_ns,
        .good_until_ns =
            clock_add_ns(watch->leaves_ns, late_ns > VAGUS_SECOND_NS ? late_ns : VAGUS_SECOND_NS),
    };
}

unsigned judge_forecasts(const struct judge *judge, struct judge_forecast *forecasts, unsigned max)
{
    unsigned count = 0;
    for (uint32_t r = 0; r < judge->rule_count; r++) {
        const struct judged_rule *judged = &judge->rules[r];
        if (strcmp(judged->kind->name, "forecast") != 0)
            continue;
        if (judged->count == 0 && count++ < max)
            forecasts[count - 1] =
                (struct judge_forecast){.rule = judged->rule, .metric = -1, .resource = -1};
        for (uint32_t i = 0; i < judged->count; i++)
            if (count++ < max)
                forecasts[count - 1] = foretell(judge, &judged->watches[i]);
    }
    return count;
}
