/* SPDX-License-Identifier: Apache-2.0 */
/* A fifth collector for a test: what the wall clock says, from the public headers alone. */
#include <time.h>

#include "vagus/collector.h"

static const struct vagus_metric_desc metrics[] = {
    {.name = "fifth.clock.wall",
     .unit = "s",
     .help = "seconds since 1970",
     .kind = VAGUS_GAUGE,
     .tier = VAGUS_TIER_1S},
};

static int sample(struct vagus_collector *collector, unsigned due)
{
    if (due & (1u << VAGUS_TIER_1S))
        vagus_put(collector, 0, 0, (double)time(NULL));
    return 0;
}

extern const struct vagus_collector_desc vagus__collector_clock;
const struct vagus_collector_desc vagus__collector_clock = {
    .size = sizeof(vagus__collector_clock),
    .name = "clock",
    .help = "the wall clock",
    .metrics = metrics,
    .metric_count = sizeof(metrics) / sizeof(metrics[0]),
    .sample = sample,
};
