/* SPDX-License-Identifier: Apache-2.0 */
/* What collectors call: their memory, their instances, the values that they put. Runs wherever
 * their sample() runs, which may be a lane that outlives the monitor: it sees its collector alone.
 */
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "config/filter.h"
#include "sense/inside.h"

void *vagus_collector_state(struct vagus_collector *collector)
{
    return collector->state;
}

void *vagus_collector_arg(struct vagus_collector *collector)
{
    return collector->arg;
}

int64_t vagus_collector_now_ns(struct vagus_collector *collector)
{
    return clock_now_ns(&collector->clock);
}

/* Whether the policy leaves the instance out of all that there is of each. */
static bool is_left_out(const struct vagus_collector *collector, const char *instance)
{
    const struct vagus_metric_desc *metrics = collector->desc.metrics;
    for (size_t i = 0; i < collector->desc.metric_count; i++) {
        uint32_t by = 0;
        if (!collector_many(&metrics[i]))
            continue;
        while (by < collector->left_out_count &&
               !filter_matches(collector->left_out[by], metrics[i].name,
                               collector_label(&metrics[i]), instance))
            by++;
        if (by == collector->left_out_count)
            return false;
    }
    return true;
}

int vagus_collector_instance_add(struct vagus_collector *collector, const char *value)
{
    if (value == NULL || value[0] == '\0' || strlen(value) >= VAGUS_INSTANCE_MAX)
        return VAGUS_EINVAL;
    for (uint32_t i = 0; i < collector->instances; i++)
        if (strcmp(collector->names[i], value) == 0)
            return (int)i;
    if (is_left_out(collector, value))
        return VAGUS_EUNSUPPORTED;
    if (collector->instances == collector->desc.instances_max)
        return VAGUS_EFULL;
    text_copy(collector->names[collector->instances], VAGUS_INSTANCE_MAX, value);
    return (int)collector->instances++;
}

static struct staged *staged_at(struct vagus_collector *collector, size_t metric, size_t instance)
{
    if (metric >= collector->desc.metric_count || instance >= collector_entries(collector, metric))
        return NULL;
    return &collector->staging[collector->first[metric] + instance];
}

void vagus_put(struct vagus_collector *collector, size_t metric, size_t instance, double value)
{
    struct staged *staged = staged_at(collector, metric, instance);
    if (staged != NULL)
        *staged = (struct staged){.value = value, .what = STAGED_VALUE};
}

void vagus_put_missing(struct vagus_collector *collector, size_t metric, size_t instance, int error)
{
    struct staged *staged = staged_at(collector, metric, instance);
    if (staged != NULL)
        *staged = (struct staged){.error = error, .what = STAGED_MISSING};
}
