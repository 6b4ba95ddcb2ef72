/* SPDX-License-Identifier: Apache-2.0 */
/* schema.def as tables. */
#include "config/schema.h"

#include <string.h>

#include "config/config.h"
#include "config/preset.h"
#include "vagus/budget.h"
#include "vagus/mode.h"
#include "vagus/rule.h"

const char schema_required[] = "";

const char *const schema_stats[] = {
    [VAGUS_STAT_LAST] = "last",   [VAGUS_STAT_MIN] = "min",   [VAGUS_STAT_MAX] = "max",
    [VAGUS_STAT_MEAN] = "mean",   [VAGUS_STAT_SUM] = "sum",   [VAGUS_STAT_COUNT] = "count",
    [VAGUS_STAT_DELTA] = "delta", [VAGUS_STAT_RATE] = "rate", [VAGUS_STAT_STDDEV] = "stddev",
    [VAGUS_STAT_SLOPE] = "slope", [VAGUS_STAT_P50] = "p50",   [VAGUS_STAT_P90] = "p90",
    [VAGUS_STAT_P95] = "p95",     [VAGUS_STAT_P99] = "p99",   NULL,
};

const char *const schema_missing[] = {
    [CONFIG_MISSING_HOLD] = "hold",
    [CONFIG_MISSING_RAISE] = "raise",
    [CONFIG_MISSING_CLEAR] = "clear",
    NULL,
};

const char *const schema_hows[] = {
    [CONFIG_DERIVED_RATIO] = "ratio",
    [CONFIG_DERIVED_SUM] = "sum",
    [CONFIG_DERIVED_DIFFERENCE] = "difference",
    [CONFIG_DERIVED_RATE] = "rate",
    [CONFIG_DERIVED_AGE] = "age",
    NULL,
};

const char *const schema_whens[] = {
    [CONFIG_WHEN_CLEAR] = "clear",
    [CONFIG_WHEN_THROTTLE] = "throttle",
    [CONFIG_WHEN_DEFER] = "defer",
    [CONFIG_WHEN_SHUTDOWN] = "shutdown",
    NULL,
};

const char *const schema_severities[] = {"throttle", "defer", "shutdown", NULL};

const char *const schema_reloads[] = {
    [CONFIG_RELOAD_ON_CALL] = "on_call",
    [CONFIG_RELOAD_ON_CHANGE] = "on_change",
    NULL,
};

const char *const schema_last_resorts[] = {
    [CONFIG_LAST_NONE] = "none",
    [CONFIG_LAST_SIGTERM] = "sigterm",
    NULL,
};

const char *const schema_unknown[] = {
    [VAGUS_UNKNOWN_REFUSES] = "refuse",
    [VAGUS_UNKNOWN_ALLOWS] = "allow",
    NULL,
};

const char *const schema_kinds[] = {
    [VAGUS_COUNTER - 1] = "counter",
    [VAGUS_GAUGE - 1] = "gauge",
    [VAGUS_HISTOGRAM - 1] = "histogram",
    NULL,
};

const char *const schema_tiers[] = {
    [VAGUS_TIER_INSTANT - 1] = "instant", [VAGUS_TIER_100MS - 1] = "100ms",
    [VAGUS_TIER_1S - 1] = "1s",           [VAGUS_TIER_10S - 1] = "10s",
    [VAGUS_TIER_60S - 1] = "60s",         NULL,
};

#define REQUIRED schema_required
#define SCHEMA(id, type, what)                                                                     \
    static const char id##_what[] = what;                                                          \
    static const struct schema_key id##_keys[] = {
#define KEY(type, key, kind, member, absent, least, most, of, help)                                \
    {key, SCHEMA_##kind, absent, least, most, of, help},
#define LIST(type, key, kind, member, counter, absent, least, most, of, help)                      \
    {key, SCHEMA_##kind, absent, least, most, of, help},
#define MANY(type, key, id, member, counter, least, most, help)                                    \
    {key, SCHEMA_MANY, "[]", least, most, &schema_##id, help},
#define SECTION(type, key, id, help) {key, SCHEMA_SECTION, NULL, 0, 0, &schema_##id, help},
#define PART(type, key, member, id, help) {key, SCHEMA_PART, NULL, 0, 0, &schema_##id, help},
#define TOLD(type, key, kind, member, of) {key, SCHEMA_##kind, NULL, 0, 0, of, NULL},
#define END(id)                                                                                    \
    }                                                                                              \
    ;                                                                                              \
    const struct schema schema_##id = {id##_what, id##_keys,                                       \
                                       sizeof(id##_keys) / sizeof(id##_keys[0])};
#include "config/schema.def"

const struct schema_key *schema_find(const struct schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->count; i++)
        if (schema->keys[i].type < SCHEMA_PRESENT && strcmp(schema->keys[i].name, name) == 0)
            return &schema->keys[i];
    return NULL;
}
