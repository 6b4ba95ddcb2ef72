/* SPDX-License-Identifier: Apache-2.0 */
/* What the modes are derived from: what is raised, and whether anything that would have to be known
 * for all to be clear is not. */
#include "judge/watch.h"

/* A watch that found no room for its resource: only a transition about any resource minds. */
#define NO_RESOURCE BUS_RESOURCES_MAX

/* Missing means unknown where the rule holds on to what it last knew; a value that never came is
 * the proof of wiring's business, since no mode would be left for it. */
void pressure_note(struct judge *judge, struct watch *watch)
{
    watch->seen = watch->seen || watch->known;
    bool unknown = watch->seen && !watch->known && !watch->rule->shadow &&
                   watch->judged->timing.missing == CONFIG_MISSING_HOLD;
    if (unknown == watch->unknown)
        return;
    watch->unknown = unknown;
    uint32_t *count = &judge->unknown[watch->resource >= 0 ? watch->resource : NO_RESOURCE];
    *count += unknown ? 1 : UINT32_MAX;
}

void judge_pressure(const struct judge *judge, struct mode_pressure *pressure)
{
    const uint32_t all = (UINT32_C(1) << BUS_RESOURCES_MAX) - 1;
    *pressure = (struct mode_pressure){0};
    for (unsigned severity = 0; severity < SEVERITIES; severity++)
        pressure->raised[severity] =
            (uint32_t)(judge->live >> (severity * BUS_RESOURCES_MAX)) & all;
    for (unsigned i = 0; i <= BUS_RESOURCES_MAX; i++)
        if (judge->unknown[i] > 0)
            pressure->unknown |= UINT32_C(1) << i;
}

const char *judge_unknown_metric(const struct judge *judge)
{
    for (uint32_t i = 0; i < judge->rest_count; i++) {
        const struct watch *watch = judge->rests[i].watch;
        if (watch->unknown && watch->metric != WATCH_NO_METRIC)
            return metrics_describe(judge->metrics, watch->metric)->name;
    }
    return "?";
}
