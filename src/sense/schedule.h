/* SPDX-License-Identifier: Apache-2.0 */
/* When each tier is due. Late ticks are counted, not made up for. */
#ifndef SENSE_SCHEDULE_H
#define SENSE_SCHEDULE_H

#include "vagus/metric.h"

struct schedule {
    uint32_t stretch;                  /* periods are so many times longer, but that of 60 s */
    int64_t next_ns[VAGUS_TIER_COUNT]; /* deadline of each tier; INT64_MAX: it has none */
    uint64_t ticks;                    /* deadlines met */
    uint64_t missed;                   /* deadlines that passed while nobody came */
};

/* All tiers are due at now_ns. */
void schedule_init(struct schedule *schedule, int64_t now_ns);

/* From the next deadlines on, periods are so many times longer; at least 1. */
void schedule_stretch(struct schedule *schedule, uint32_t stretch);

/* The tiers that are due (bit 1 << tier), each set on to its next deadline in the future. */
unsigned schedule_due(struct schedule *schedule, int64_t now_ns);

/* The nearest deadline. */
int64_t schedule_next_ns(const struct schedule *schedule);

#endif
