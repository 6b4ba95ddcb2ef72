/* SPDX-License-Identifier: Apache-2.0 */
/* The deadline queue: four tiers, so the nearest one is found by looking. */
#include "sense/schedule.h"

#include "base/clock.h"
#include "metrics/metrics.h"

/* DEFAULT is another name for 1 s, and not a tier of its own. */
static int64_t period_ns(unsigned tier)
{
    return tier == VAGUS_TIER_DEFAULT ? 0 : metrics_tier_period_ns(tier);
}

void schedule_init(struct schedule *schedule, int64_t now_ns)
{
    *schedule = (struct schedule){.stretch = 1};
    for (unsigned tier = 0; tier < VAGUS_TIER_COUNT; tier++)
        schedule->next_ns[tier] = period_ns(tier) > 0 ? now_ns : INT64_MAX;
}

static int64_t stretched_ns(const struct schedule *schedule, unsigned tier)
{
    return tier == VAGUS_TIER_60S ? period_ns(tier) : period_ns(tier) * schedule->stretch;
}

void schedule_stretch(struct schedule *schedule, uint32_t stretch)
{
    schedule->stretch = stretch;
}

unsigned schedule_due(struct schedule *schedule, int64_t now_ns)
{
    unsigned due = 0;
    for (unsigned tier = 0; tier < VAGUS_TIER_COUNT; tier++) {
        int64_t next_ns = schedule->next_ns[tier];
        if (period_ns(tier) == 0 || now_ns < next_ns)
            continue;
        int64_t each_ns = stretched_ns(schedule, tier);
        int64_t missed = clock_span_ns(next_ns, now_ns) / each_ns;
        schedule->next_ns[tier] = clock_add_ns(next_ns, (missed + 1) * each_ns);
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
        if (schedule->next_ns[tier] < nearest_ns)
            nearest_ns = schedule->next_ns[tier];
    return nearest_ns;
}
