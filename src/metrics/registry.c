/* SPDX-License-Identifier: Apache-2.0 */
/* The registry: defining metrics and finding them again. Entries are only ever added, so looking up
 * needs no lock: an entry is complete before its place in the index is published. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/notation.h"
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
    metrics->touched = calloc(capacity / 64 + 1, sizeof(*metrics->touched));
    metrics->recorded = calloc(capacity, sizeof(*metrics->recorded));
    metrics->described = calloc(capacity, sizeof(*metrics->described));
    metrics->templates = calloc(METRICS_TEMPLATES_MAX, sizeof(*metrics->templates));
    metrics->sums = calloc(capacity, sizeof(*metrics->sums));
    metrics->index = calloc(places, sizeof(*metrics->index));
    metrics->families = calloc(places, sizeof(*metrics->families));
    metrics->index_mask = places - 1;
    if (metrics->entries == NULL || metrics->readings == NULL || metrics->versions == NULL ||
        metrics->touched == NULL || metrics->recorded == NULL || metrics->described == NULL ||
        metrics->templates == NULL || metrics->sums == NULL || metrics->index == NULL ||
        metrics->families == NULL ||
        store_init(&metrics->store, segment, capacity, SPREADS_MAX(capacity) * SPREAD_LEVELS) !=
            0 ||
        cells_init(&metrics->cells, generation, capacity, threads_max) != 0 ||
        spreads_init(&metrics->spreads, &metrics->store, &metrics->cells, SPREADS_MAX(capacity)) !=
            0) {
        metrics_finish(metrics);
        return VAGUS_ENOMEM;
    }
    return 0;
}

void metrics_finish(struct metrics *metrics)
{
    cells_finish(&metrics->cells);
    spreads_finish(&metrics->spreads);
    store_finish(&metrics->store);
    free(metrics->entries);
    free(metrics->readings);
    free(metrics->versions);
    free(metrics->touched);
    free(metrics->recorded);
    free(metrics->described);
    free(metrics->templates);
    free(metrics->sums);
    free(metrics->index);
    free(metrics->families);
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

int metrics_find_written(const struct metrics *metrics, const char *written)
{
    struct notation notation;
    if (!notation_parse(written, &notation))
        return VAGUS_ENOENT;
    int index = VAGUS_ENOENT;
    if (notation.label[0] != '\0')
        index = metrics_find(metrics, notation.name, notation.instance);
    if (index >= 0 && strcmp(metrics->described[index].label, notation.label) == 0)
        return index;
    return metrics_find(metrics, notation.name, notation.inner);
}

const struct segment_metric *metrics_describe(const struct metrics *metrics, uint32_t index)
{
    return &metrics->described[index];
}

/* The bounds of a histogram. */
static double low_bound(const struct vagus_metric_desc *desc)
{
    return desc->min == 0 && desc->max == 0 ? HISTOGRAM_MIN_DEFAULT : desc->min;
}

static double high_bound(const struct vagus_metric_desc *desc)
{
    return desc->min == 0 && desc->max == 0 ? HISTOGRAM_MAX_DEFAULT : desc->max;
}

static const char *check_desc(const struct vagus_metric_desc *desc, enum metric_source source)
{
    const char *why = NULL;
    if (!text_is_name(desc->name, VAGUS_NAME_MAX - 1))
        return "its name is not [a-z0-9._-] of 1 to 63 characters";
    if (desc->instance != NULL &&
        (desc->instance[0] == '\0' || strlen(desc->instance) >= VAGUS_INSTANCE_MAX))
        return "its instance is not 1 to 63 bytes long";
    if (desc->label != NULL && !text_is_name(desc->label, VAGUS_LABEL_MAX - 1))
        return "its label is not [a-z0-9._-] of 1 to 31 characters";
    if (desc->unit != NULL && (desc->unit[0] == '\0' || strlen(desc->unit) >= VAGUS_UNIT_MAX))
        return "its unit is not 1 to 15 bytes long";
    if (desc->resource != NULL && !text_is_name(desc->resource, VAGUS_RESOURCE_MAX - 1))
        return "its resource is not [a-z0-9._-] of 1 to 15 characters";
    if (desc->kind != VAGUS_COUNTER && desc->kind != VAGUS_GAUGE && desc->kind != VAGUS_HISTOGRAM)
        return "there is no such kind";
    if (desc->kind == VAGUS_HISTOGRAM && source != METRIC_RECORDED)
        return "a histogram cannot be sensed";
    if ((unsigned)desc->tier >= VAGUS_TIER_COUNT)
        return "there is no such tier";
    if (!isfinite(desc->min) || !isfinite(desc->max) || desc->min > desc->max)
        return "its bounds are no range";
    if (desc->kind == VAGUS_HISTOGRAM)
        why = histogram_check(low_bound(desc), high_bound(desc), desc->buckets_max);
    if (why != NULL)
        return why;
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

/* A bare gauge is a share; what is counted is not. */
static const char *default_unit(const struct vagus_metric_desc *desc)
{
    return desc->unit != NULL ? desc->unit : desc->kind == VAGUS_GAUGE ? "1" : "{count}";
}

static int64_t default_good_for_ns(enum metric_source source, unsigned kind, unsigned tier)
{
    if (source == METRIC_RECORDED && kind == VAGUS_GAUGE)
        return INT64_MAX; /* a gauge stays as it was set until it is set again */
    return 3 * (tier == VAGUS_TIER_INSTANT ? VAGUS_SECOND_NS : metrics_tier_period_ns(tier));
}

static bool is_kept_a_day(const struct metrics *metrics, const char *name)
{
    for (uint32_t i = 0; i < metrics->keep_day_count; i++)
        if (strcmp(metrics->keep_day[i], name) == 0)
            return true;
    return false;
}

/* Under the lock: fills entry `index` and mirrors its description into the segment. */
static void fill(struct metrics *metrics, uint32_t index, const struct vagus_metric_desc *desc,
                 enum metric_source source, uint32_t origin)
{
    struct segment_metric *described = &metrics->described[index];
    struct metric *metric = &metrics->entries[index];
    unsigned tier = desc->tier == VAGUS_TIER_DEFAULT ? VAGUS_TIER_1S : desc->tier;
    double resolution = desc->resolution;
    if (resolution == 0 && desc->kind != VAGUS_GAUGE && source == METRIC_RECORDED)
        resolution = 1;

    *metric = (struct metric){.index = index,
                              .kind = (uint8_t)desc->kind,
                              .tier = (uint8_t)tier,
                              .source = (uint8_t)source,
                              .origin = origin,
                              .min = desc->min,
                              .max = desc->max,
                              .resolution = resolution,
                              .keep_day = is_kept_a_day(metrics, desc->name),
                              .good_for_ns = desc->good_for_ns != 0
                                                 ? desc->good_for_ns
                                                 : default_good_for_ns(source, desc->kind, tier)};
    if (desc->kind == VAGUS_HISTOGRAM) {
        metric->shape = histogram_fit(low_bound(desc), high_bound(desc), desc->buckets_max);
        metric->number = metrics->histograms++;
        metric->first = metrics->words;
        metrics->words += histogram_words(&metric->shape);
    }
    metrics->readings[index].source = origin;
    struct vagus_distribution shown;
    histogram_empty(&metric->shape, &shown);
    *described = (struct segment_metric){.kind = desc->kind,
                                         .tier = tier,
                                         .min = desc->min,
                                         .max = desc->max,
                                         .resolution = resolution,
                                         .good_for_ns = metric->good_for_ns,
                                         .buckets = metric->shape.buckets,
                                         .scale = shown.scale,
                                         .offset = shown.offset};
    text_copy(described->name, sizeof(described->name), desc->name);
    text_copy(described->instance, sizeof(described->instance), desc->instance);
    text_copy(described->unit, sizeof(described->unit), default_unit(desc));
    text_copy(described->help, sizeof(described->help), desc->help);
    if (desc->instance != NULL)
        text_copy(described->label, sizeof(described->label),
                  desc->label != NULL ? desc->label : "instance");
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

struct spread_metric metrics_spread(const struct metrics *metrics, uint32_t index)
{
    const struct metric *metric = &metrics->entries[index];
    return (struct spread_metric){.index = index,
                                  .number = metric->number,
                                  .first = metric->first,
                                  .tier = metric->tier,
                                  .keep_day = metric->keep_day != 0,
                                  .shape = &metric->shape};
}

static bool has_words(const struct metrics *metrics, const struct vagus_metric_desc *desc)
{
    if (desc->kind != VAGUS_HISTOGRAM)
        return true;
    struct histogram_shape shape =
        histogram_fit(low_bound(desc), high_bound(desc), desc->buckets_max);
    return histogram_words(&shape) <= metrics->cells.words - metrics->words;
}

void metrics_distribution(const struct metrics *metrics, uint32_t index,
                          struct vagus_distribution *distribution)
{
    const struct metric *metric = &metrics->entries[index];
    cells_distribution(&metrics->cells, metric->first, &metric->shape, distribution);
}

/* Under the lock: the family of that name, or where it belongs. */
static struct metrics_family *family_of(const struct metrics *metrics, const char *name)
{
    uint32_t place = hash_of(name, "") & metrics->index_mask;
    for (;; place = (place + 1) & metrics->index_mask) {
        struct metrics_family *family = &metrics->families[place];
        if (family->entry == 0 || strcmp(metrics->described[family->entry - 1].name, name) == 0)
            return family;
    }
}

/* Under the lock: the index is complete before it can be found. */
static int add(struct metrics *metrics, uint32_t place, const struct vagus_metric_desc *desc,
               enum metric_source source, uint32_t origin)
{
    uint32_t index = metrics->count;
    const struct metric *metric = &metrics->entries[index];
    fill(metrics, index, desc, source, origin);
    if (source == METRIC_RECORDED) {
        const struct segment_metric *described = &metrics->described[index];
        char key[NOTATION_MAX];
        notation_key(key, described->name, described->label, described->instance);
        cells_name(&metrics->cells, index, key, desc->kind, metric->first, &metric->shape);
    }
    __atomic_store_n(&metrics->index[place], index + 1, __ATOMIC_RELEASE);
    __atomic_store_n(&metrics->count, index + 1, __ATOMIC_RELEASE);
    if (source == METRIC_RECORDED) {
        metrics->recorded[metrics->recorded_count] = index;
        __atomic_store_n(&metrics->recorded_count, metrics->recorded_count + 1, __ATOMIC_RELEASE);
    }
    return (int)index;
}

/* Under the lock: finds it or adds it. */
static int find_or_add(struct metrics *metrics, const struct vagus_metric_desc *desc,
                       enum metric_source source, uint32_t origin, const char **why)
{
    uint32_t place = index_place(metrics, desc->name, desc->instance != NULL ? desc->instance : "");
    if (metrics->index[place] != 0) {
        const struct metric *there = &metrics->entries[metrics->index[place] - 1];
        if (there->kind == desc->kind && there->source == (uint8_t)source)
            return (int)there->index;
        *why = "it exists already, as another kind or filled by a collector";
        return VAGUS_EEXIST;
    }
    if (metrics->count == metrics->capacity) {
        *why = "there is no room for more metrics: raise metrics_max";
        return VAGUS_EFULL;
    }
    if (!has_words(metrics, desc)) {
        *why = "there is no room for more histograms: raise metrics_max, or lower buckets_max";
        return VAGUS_EFULL;
    }
    return add(metrics, place, desc, source, origin);
}

/* Under the lock: one of several that agent code makes, of which a name has only so many. */
static int find_or_add_instance(struct metrics *metrics, const struct vagus_metric_desc *desc,
                                const char **why)
{
    struct metrics_family *family = family_of(metrics, desc->name);
    struct vagus_metric_desc other = *desc;
    uint32_t before = metrics->count;
    bool known = metrics_find(metrics, desc->name, desc->instance) >= 0 ||
                 strcmp(desc->instance, METRICS_INSTANCE_OTHER) == 0;
    if (!known && family->entry != 0 && family->count >= family->most) {
        other.instance = METRICS_INSTANCE_OTHER;
        int result = find_or_add(metrics, &other, METRIC_RECORDED, VAGUS_SOURCE_AGENT, why);
        if (result >= 0)
            *why = "it has as many instances as it may; what is more is recorded as \"other\"";
        return result;
    }
    int result = find_or_add(metrics, desc, METRIC_RECORDED, VAGUS_SOURCE_AGENT, why);
    if (metrics->count > before && family->entry == 0)
        *family = (struct metrics_family){
            .entry = (uint32_t)result + 1,
            .most = desc->instances_max != 0 ? desc->instances_max : METRICS_INSTANCES_DEFAULT};
    if (metrics->count > before && !known)
        family->count++;
    return result;
}

static int define(struct metrics *metrics, const struct vagus_metric_desc *desc,
                  enum metric_source source, uint32_t origin, const char **why)
{
    int result = VAGUS_EINVAL;

    *why = check_desc(desc, source);
    pthread_mutex_lock(&metrics->define_lock);
    if (*why == NULL)
        result = source == METRIC_RECORDED && desc->instance != NULL
                     ? find_or_add_instance(metrics, desc, why)
                     : find_or_add(metrics, desc, source, origin, why);
    if (result < 0)
        __atomic_fetch_add(&metrics->refused, 1, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&metrics->define_lock);
    return result;
}

int metrics_define(struct metrics *metrics, const struct vagus_metric_desc *desc,
                   enum metric_source source, const char **why)
{
    struct vagus_metric_desc agreed = *desc;
    const char *differs = NULL;
    if (source != METRIC_RECORDED)
        return define(metrics, desc, source, VAGUS_SOURCE_MONITOR, why);
    if (!metrics_template_apply(metrics, &agreed, &differs)) {
        __atomic_fetch_add(&metrics->refused, 1, __ATOMIC_RELAXED);
        *why = "the policy defines it as another kind";
        return VAGUS_EEXIST;
    }
    int result = define(metrics, &agreed, source, VAGUS_SOURCE_AGENT, why);
    if (result >= 0 && *why == NULL)
        *why = differs;
    return result;
}

int metrics_define_of(struct metrics *metrics, const struct vagus_metric_desc *desc,
                      uint32_t origin, const char **why)
{
    return define(metrics, desc, METRIC_SENSED, origin, why);
}
