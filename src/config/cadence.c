/* SPDX-License-Identifier: Apache-2.0 */
/* The tiers of a policy against those of the collectors. The order of enum vagus_tier is from the
 * quickest to the slowest. */
#include "config/cadence.h"

#include <string.h>

unsigned cadence_own(const struct vagus_collector_desc *desc)
{
    unsigned quickest = VAGUS_TIER_60S;
    for (size_t i = 0; i < desc->metric_count; i++)
        if (cadence_tier(&desc->metrics[i]) < quickest)
            quickest = cadence_tier(&desc->metrics[i]);
    return quickest;
}

unsigned cadence_quickest(const struct vagus_collector_desc *desc)
{
    unsigned own = cadence_own(desc);
    return desc->quickest != VAGUS_TIER_DEFAULT && desc->quickest < own ? desc->quickest : own;
}

bool cadence_is_limited(const struct vagus_collector_desc *desc, size_t metric)
{
    for (size_t i = 0; i < desc->limited_count; i++)
        for (size_t j = 0; j < desc->limited[i].metric_count; j++)
            if (desc->limited[i].metrics[j].metric == metric)
                return true;
    return false;
}

unsigned cadence_moved(const struct vagus_collector_desc *desc, size_t metric, unsigned tier)
{
    unsigned own = cadence_tier(&desc->metrics[metric]), quickest = cadence_own(desc);
    if (tier < quickest)
        return own == quickest && tier >= cadence_quickest(desc) ? tier : own;
    return own < tier ? tier : own;
}

bool cadence_names(const char *wanted, const char *name)
{
    size_t length = strlen(wanted);
    if (strncmp(wanted, name, length) != 0)
        return false;
    const char *rest = name + length;
    return rest[0] == '\0' ||
           (rest[0] == '_' && rest[1] != '\0' && rest[1 + strspn(rest + 1, "0123456789")] == '\0');
}

unsigned cadence_of(const struct vagus_config *config, const struct vagus_collector_desc *desc,
                    const char *name, size_t metric)
{
    unsigned tier = cadence_tier(&desc->metrics[metric]), own = tier;
    for (uint32_t i = 0; i < config->tier_count; i++)
        if (cadence_names(config->tiers[i].name, name))
            tier = cadence_moved(desc, metric, (unsigned)config->tiers[i].tier + 1);
    /* What is said of the metric itself goes before what is said of all. */
    for (uint32_t i = 0; i < config->tier_count && !cadence_is_limited(desc, metric); i++)
        if (strcmp(config->tiers[i].name, desc->metrics[metric].name) == 0 &&
            (unsigned)config->tiers[i].tier + 1 >= own)
            tier = (unsigned)config->tiers[i].tier + 1;
    return tier;
}
