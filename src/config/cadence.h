/* SPDX-License-Identifier: Apache-2.0 */
/* On which tier a collector's metrics come, where the policy names another than their own. Its
 * quickest ones come on the tier that is named; those that come more seldom by themselves stay. */
#ifndef CONFIG_CADENCE_H
#define CONFIG_CADENCE_H

#include "config/config.h"
#include "vagus/collector.h"

/* Its own tier, never DEFAULT. */
static inline unsigned cadence_tier(const struct vagus_metric_desc *metric)
{
    return metric->tier == VAGUS_TIER_DEFAULT ? VAGUS_TIER_1S : (unsigned)metric->tier;
}

/* The tier of its quickest metrics, and the quickest that it bears. */
unsigned cadence_own(const struct vagus_collector_desc *desc);
unsigned cadence_quickest(const struct vagus_collector_desc *desc);

/* True if the metric is one of those that are read again near a limit, whose tier is that of the
 * collector alone. */
bool cadence_is_limited(const struct vagus_collector_desc *desc, size_t metric);

/* Where a metric comes when its collector is set to a tier. */
unsigned cadence_moved(const struct vagus_collector_desc *desc, size_t metric, unsigned tier);

/* Where it comes under a policy. `name` is the collector's, which for one of several paths begins
 * with that of the collector and ends in _1, _2 and so on. What the policy must not say is not
 * heard: it is a fault, or of a program's own collector a note. */
unsigned cadence_of(const struct vagus_config *config, const struct vagus_collector_desc *desc,
                    const char *name, size_t metric);

/* True if `wanted` names this collector: "disk" names disk and disk_1. */
bool cadence_names(const char *wanted, const char *name);

#endif
