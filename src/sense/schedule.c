/* SPDX-License-Identifier: Apache-2.0 */
/* The deadline queue: four tiers, so the nearest one is found by looking. */
#include "sense/schedule.h"

#include "metrics/metrics.h"

void schedule_init(struct schedule *schedule, int64_t now_ns)
{
    *schedule = (struct schedule){0};
    for (unsigned tier = 0; tier < VAGUS_TIER_COUNT; tier++)
        if (tier != VAGUS_TIER_DEFAULT && metrics_tier_period_ns(tier) > 0)
            schedule->next_ns[tier] = now_ns;
}

unsigned schedule_due(struct schedule *schedule, int64_t now_ns)
{
    unsigned due = 0;
    for (unsigned tier = 0; tier < VAGUS_TIER_COUNT; tier++) {
        int64_t next_ns = schedule->next_ns[tier];
        if (next_ns == 0 || now_ns < next_ns)
            continue;
        int64_t period_ns = metrics_tier_period_ns(tier);
        int64_t missed = (now_ns - next_ns) / period_ns;
        schedule->next_ns[tier] = next_ns + (missed + 1) * period_ns;
        schedule->missed += (uint64_t)missed;
        schedule->ticks++;
        due |= 1u << tier;
    }
    return due;
}

int64_t schedule_next_ns(const struct schedule *schedule)
{
    int64_t nearest_ns = INT64_MAX;
    for (unsigned tier = 0; tier < VAGUS_TIER_COUNT; tier++)
        if (schedule->next_ns[tier] != 0 && schedule->next_ns[tier] < nearest_ns)
            nearest_ns = schedule->next_ns[tier];
    return nearest_ns;
}
