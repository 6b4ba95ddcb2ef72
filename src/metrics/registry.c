/* SPDX-License-Identifier: Apache-2.0 */
/* The registry: defining metrics and finding them again. Entries are only ever added, so looking up
 * needs no lock: an entry is complete before its place in the index is published. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "metrics/metrics.h"

int metrics_init(struct metrics *metrics, struct segment *segment, uint32_t capacity,
                 uint32_t threads_max, uint32_t generation, const struct vagus_clock *clock)
{
    uint32_t places = 16;
    while (places < 2 * capacity)
        places *= 2;
    *metrics = (struct metrics){.segment = segment, .clock = clock, .capacity = capacity};
    pthread_mutex_init(&metrics->define_lock, NULL);
    metrics->entries = calloc(capacity, sizeof(*metrics->entries));
    metrics->readings = calloc(capacity, sizeof(*metrics->readings));
    metrics->versions = calloc(capacity, sizeof(*metrics->versions));
    metrics->recorded = calloc(capacity, sizeof(*metrics->recorded));
    metrics->described = calloc(capacity, sizeof(*metrics->described));
    metrics->sums = calloc(capacity, sizeof(*metrics->sums));
    metrics->index = calloc(places, sizeof(*metrics->index));
    metrics->index_mask = places - 1;
    if (metrics->entries == NULL || metrics->readings == NULL || metrics->versions == NULL ||
        metrics->recorded == NULL || metrics->described == NULL || metrics->sums == NULL ||
        metrics->index == NULL || store_init(&metrics->store, segment, capacity) != 0 ||
        cells_init(&metrics->cells, generation, capacity, threads_max) != 0) {
        metrics_finish(metrics);
        return VAGUS_ENOMEM;
    }
    return 0;
}

void metrics_finish(struct metrics *metrics)
{
    cells_finish(&metrics->cells);
    store_finish(&metrics->store);
    free(metrics->entries);
    free(metrics->readings);
    free(metrics->versions);
    free(metrics->recorded);
    free(metrics->described);
    free(metrics->sums);
    free(metrics->index);
    if (metrics->capacity > 0)
        pthread_mutex_destroy(&metrics->define_lock);
    *metrics = (struct metrics){0};
}

static uint32_t hash_of(const char *name, const char *instance)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    hash *= 16777619u; /* the 0 between the two */
    for (; *instance != '\0'; instance++)
        hash = (hash ^ (unsigned char)*instance) * 16777619u;
    return hash;
}

/* The place in the index where the metric is, or where it belongs. */
static uint32_t index_place(const struct metrics *metrics, const char *name, const char *instance)
{
    uint32_t place = hash_of(name, instance) & metrics->index_mask;
    for (;; place = (place + 1) & metrics->index_mask) {
        uint32_t entry = __atomic_load_n(&metrics->index[place], __ATOMIC_ACQUIRE);
        if (entry == 0)
            return place;
        const struct segment_metric *described = &metrics->described[entry - 1];
        if (strcmp(described->name, name) == 0 && strcmp(described->instance, instance) == 0)
            return place;
    }
}

int metrics_find(const struct metrics *metrics, const char *name, const char *instance)
{
    uint32_t place = index_place(metrics, name, instance != NULL ? instance : "");
    uint32_t entry = __atomic_load_n(&metrics->index[place], __ATOMIC_ACQUIRE);
    return entry != 0 ? (int)(entry - 1) : VAGUS_ENOENT;
}

const struct segment_metric *metrics_describe(const struct metrics *metrics, uint32_t index)
{
    return &metrics->described[index];
}

static const char *check_desc(const struct vagus_metric_desc *desc)
{
    if (!text_is_name(desc->name, VAGUS_NAME_MAX - 1))
        return "its name is not [a-z0-9._-] of 1 to 63 characters";
    if (desc->instance != NULL &&
        (desc->instance[0] == '\0' || strlen(desc->instance) >= VAGUS_INSTANCE_MAX))
        return "its instance is not 1 to 63 bytes long";
    if (desc->unit != NULL && (desc->unit[0] == '\0' || strlen(desc->unit) >= VAGUS_UNIT_MAX))
        return "its unit is not 1 to 15 bytes long";
    if (desc->resource != NULL && !text_is_name(desc->resource, VAGUS_RESOURCE_MAX - 1))
        return "its resource is not [a-z0-9._-] of 1 to 15 characters";
    if (desc->kind != VAGUS_COUNTER && desc->kind != VAGUS_GAUGE)
        return "its kind is neither counter nor gauge";
    if ((unsigned)desc->tier >= VAGUS_TIER_COUNT)
        return "there is no such tier";
    if (!isfinite(desc->min) || !isfinite(desc->max) || desc->min > desc->max)
        return "its bounds are no range";
    if (!isfinite(desc->resolution) || desc->resolution < 0 || desc->good_for_ns < 0)
        return "its resolution or good_for_ns is negative or not finite";
    return NULL;
}

static void default_resource(char *resource, const char *name)
{
    size_t length = strcspn(name, ".");
    if (length >= VAGUS_RESOURCE_MAX)
        length = VAGUS_RESOURCE_MAX - 1;
    memcpy(resource, name, length);
}

static int64_t default_good_for_ns(enum metric_source source, unsigned kind, unsigned tier)
{
    if (source == METRIC_RECORDED && kind == VAGUS_GAUGE)
        return INT64_MAX; /* a gauge stays as it was set until it is set again */
    return 3 * (tier == VAGUS_TIER_INSTANT ? VAGUS_SECOND_NS : metrics_tier_period_ns(tier));
}

/* Under the lock: fills entry `index` and mirrors its description into the segment. */
static void fill(struct metrics *metrics, uint32_t index, const struct vagus_metric_desc *desc,
                 enum metric_source source)
{
    struct segment_metric *described = &metrics->described[index];
    struct metric *metric = &metrics->entries[index];
    unsigned tier = desc->tier == VAGUS_TIER_DEFAULT ? VAGUS_TIER_1S : desc->tier;
    double resolution = desc->resolution;
    if (resolution == 0 && desc->kind == VAGUS_COUNTER && source == METRIC_RECORDED)
        resolution = 1;

    *metric = (struct metric){.index = index,
                              .kind = (uint8_t)desc->kind,
                              .tier = (uint8_t)tier,
                              .source = (uint8_t)source,
                              .min = desc->min,
                              .max = desc->max,
                              .resolution = resolution,
                              .good_for_ns = desc->good_for_ns != 0
                                                 ? desc->good_for_ns
                                                 : default_good_for_ns(source, desc->kind, tier)};
    *described = (struct segment_metric){.kind = desc->kind,
                                         .tier = tier,
                                         .min = desc->min,
                                         .max = desc->max,
                                         .resolution = resolution,
                                         .good_for_ns = metric->good_for_ns};
    text_copy(described->name, sizeof(described->name), desc->name);
    text_copy(described->instance, sizeof(described->instance), desc->instance);
    text_copy(described->unit, sizeof(described->unit), desc->unit != NULL ? desc->unit : "1");
    text_copy(described->help, sizeof(described->help), desc->help);
    if (desc->resource != NULL)
        text_copy(described->resource, sizeof(described->resource), desc->resource);
    else
        default_resource(described->resource, desc->name);

    struct segment_head *head = segment_head(metrics->segment, SEGMENT_DIRECTORY);
    struct segment_metric *mirror = segment_entries(metrics->segment, SEGMENT_DIRECTORY);
    segment_write_begin(&head->stamp);
    mirror[index] = *described;
    head->count = index + 1;
    segment_write_end(&head->stamp);
}

int metrics_define(struct metrics *metrics, const struct vagus_metric_desc *desc,
                   enum metric_source source, const char **why)
{
    const char *instance = desc->instance != NULL ? desc->instance : "";
    int result;

    *why = check_desc(desc);
    pthread_mutex_lock(&metrics->define_lock);
    uint32_t place = *why == NULL ? index_place(metrics, desc->name, instance) : 0;
    if (*why != NULL) {
        result = VAGUS_EINVAL;
    } else if (metrics->index[place] != 0) {
        const struct metric *there = &metrics->entries[metrics->index[place] - 1];
        bool same = there->kind == desc->kind && there->source == (uint8_t)source;
        *why = same ? NULL : "it exists already, as another kind or filled by a collector";
        result = same ? (int)there->index : VAGUS_EEXIST;
    } else if (metrics->count == metrics->capacity) {
        *why = "there is no room for more metrics: raise metrics_max";
        result = VAGUS_EFULL;
    } else {
        result = (int)metrics->count;
        fill(metrics, metrics->count, desc, source);
        __atomic_store_n(&metrics->index[place], metrics->count + 1, __ATOMIC_RELEASE);
        __atomic_store_n(&metrics->count, metrics->count + 1, __ATOMIC_RELEASE);
        if (source == METRIC_RECORDED) {
            metrics->recorded[metrics->recorded_count] = (uint32_t)result;
            __atomic_store_n(&metrics->recorded_count, metrics->recorded_count + 1,
                             __ATOMIC_RELEASE);
        }
    }
    if (result < 0)
        metrics->refused++;
    pthread_mutex_unlock(&metrics->define_lock);
    return result;
}
