/* SPDX-License-Identifier: Apache-2.0 */
/* The senses of one monitor. A sample is first staged in the collector and then taken in by the
 * sampler, in the same way whether it ran in place or in a lane. */
#include "sense/sense.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"
#include "config/cadence.h"
#include "config/filter.h"
#include "sense/inside.h"

#define HUNG_NS VAGUS_SECOND_NS

int sense_create(struct metrics *metrics, const struct vagus_clock *clock, struct sense **result)
{
    struct sense *sense = calloc(1, sizeof(*sense));
    if (sense == NULL)
        return VAGUS_ENOMEM;
    static const struct vagus_config silent;
    sense->config = &silent;
    sense->metrics = metrics;
    sense->clock = clock;
    sense->near_next_ns = INT64_MAX;
    *result = sense;
    return 0;
}

void sense_set_policy(struct sense *sense, const struct vagus_config *config)
{
    sense->config = config;
}

static void collector_free(void *arg)
{
    struct vagus_collector *collector = arg;
    if (collector->desc.close != NULL && collector->open_error == 0)
        collector->desc.close(collector);
    if (collector->release != NULL)
        collector->release(collector->arg);
    free(collector->state);
    free(collector->near);
    free(collector->first);
    free(collector->tier_of);
    free(collector->left_out);
    free(collector->indices);
    free(collector->staging);
    free(collector->names);
    free(collector);
}

static bool desc_valid(const struct vagus_collector_desc *desc)
{
    if (desc->size < sizeof(desc->size) || !text_is_name(desc->name, 31) || desc->sample == NULL ||
        desc->metrics == NULL || desc->metric_count == 0 || desc->metric_count > 256 ||
        desc->instances_max > VAGUS_COLLECTOR_INSTANCES_MAX)
        return false;
    for (size_t i = 0; i < desc->metric_count; i++)
        if (collector_many(&desc->metrics[i]) && strcmp(desc->metrics[i].instance, "*") != 0)
            return false;
    return near_valid(desc);
}

/* Negative if it is refused, or left out. */
static int define_one(struct sense *sense, const struct vagus_metric_desc *metric,
                      const char *instance, uint32_t origin)
{
    const char *why;
    struct vagus_metric_desc desc = *metric;
    desc.instance = instance;
    if (filter_drops(sense->config, desc.name, collector_label(metric), instance))
        return VAGUS_EUNSUPPORTED;
    return metrics_define_of(sense->metrics, &desc, origin, &why);
}

/* Makes the arrays, with room for every instance that may ever come. */
static int make_room(struct vagus_collector *collector, const struct vagus_config *config)
{
    const struct vagus_collector_desc *desc = &collector->desc;
    collector->left_out = calloc(config->left_out_count + 1, sizeof(*collector->left_out));
    collector->first = calloc(desc->metric_count + 1, sizeof(*collector->first));
    collector->tier_of = calloc(desc->metric_count, sizeof(*collector->tier_of));
    if (collector->first == NULL || collector->tier_of == NULL || collector->left_out == NULL)
        return VAGUS_ENOMEM;
    for (uint32_t i = 0; i < config->left_out_count; i++)
        text_copy(collector->left_out[collector->left_out_count++], NOTATION_MAX,
                  config->left_out[i]);
    for (size_t i = 0; i < desc->metric_count; i++) {
        unsigned tier = cadence_of(config, desc, desc->name, i);
        collector->tier_of[i] = (uint8_t)tier;
        collector->tiers |= 1u << tier;
        collector->asks[tier] |= 1u << cadence_tier(&desc->metrics[i]);
        collector->first[i + 1] =
            collector->first[i] + (collector_many(&desc->metrics[i]) ? desc->instances_max : 1);
    }
    uint32_t entries = collector->first[desc->metric_count];
    collector->indices = calloc(entries, sizeof(*collector->indices));
    collector->staging = calloc(entries, sizeof(*collector->staging));
    collector->names = calloc(desc->instances_max, sizeof(*collector->names));
    if (collector->indices == NULL || collector->staging == NULL || collector->names == NULL)
        return VAGUS_ENOMEM;
    return near_make_room(collector);
}

/* One that it fills, on the tier that the policy wants. */
static int define_sensed(struct sense *sense, const struct vagus_collector *collector,
                         size_t metric, const char *instance)
{
    struct vagus_metric_desc desc = collector->desc.metrics[metric];
    desc.tier = (enum vagus_tier)collector->tier_of[metric];
    return define_one(sense, &desc, instance, collector->place + 1);
}

/* Defines the metrics of the instances that were added since. */
static void define_instances(struct sense *sense, struct vagus_collector *collector)
{
    const struct vagus_collector_desc *desc = &collector->desc;
    for (; collector->defined < collector->instances; collector->defined++)
        for (size_t i = 0; i < desc->metric_count; i++)
            if (collector_many(&desc->metrics[i])) {
                collector->indices[collector->first[i] + collector->defined] =
                    define_sensed(sense, collector, i, collector->names[collector->defined]);
                collector->shown.metrics++;
            }
}

/* After open(). */
static void define_all(struct sense *sense, struct vagus_collector *collector)
{
    const struct vagus_collector_desc *desc = &collector->desc;
    for (size_t i = 0; i < desc->metric_count; i++)
        if (!collector_many(&desc->metrics[i])) {
            collector->indices[collector->first[i]] = define_sensed(sense, collector, i, NULL);
            collector->shown.metrics++;
        }
    define_instances(sense, collector);
    collector->duration_index =
        define_one(sense,
                   &(struct vagus_metric_desc){.name = "vagus.collector.duration",
                                               .unit = "s",
                                               .kind = VAGUS_GAUGE,
                                               .tier = VAGUS_TIER_10S,
                                               .label = "collector",
                                               .help = "what the newest sample took"},
                   desc->name, VAGUS_SOURCE_MONITOR);
    static const struct vagus_metric_desc totals[COST_TOTALS] = {
        {.name = "vagus.collector.time",
         .unit = "s",
         .kind = VAGUS_COUNTER,
         .tier = VAGUS_TIER_10S,
         .label = "collector",
         .resolution = 1e-6,
         .help = "what all its samples took, those near a limit included"},
        {.name = "vagus.collector.reads",
         .unit = "{read}",
         .kind = VAGUS_COUNTER,
         .tier = VAGUS_TIER_10S,
         .label = "collector",
         .resolution = 1,
         .help = "its samples, those near a limit included"},
        {.name = "vagus.collector.missed",
         .unit = "{tick}",
         .kind = VAGUS_COUNTER,
         .tier = VAGUS_TIER_10S,
         .label = "collector",
         .resolution = 1,
         .help = "ticks at which it was still at work"},
    };
    for (unsigned i = 0; i < COST_TOTALS; i++)
        collector->total_index[i] = define_one(sense, &totals[i], desc->name, VAGUS_SOURCE_MONITOR);
    collector->success_index = define_one(
        sense,
        &(struct vagus_metric_desc){.name = "vagus.collector.success",
                                    .kind = VAGUS_GAUGE,
                                    .tier = VAGUS_TIER_10S,
                                    .max = 1,
                                    .label = "collector",
                                    .help = "1 if the newest sample succeeded, 0 if not"},
        desc->name, VAGUS_SOURCE_MONITOR);
}

static bool is_added(const struct sense *sense, const char *name)
{
    for (uint32_t i = 0; i < sense->count; i++)
        if (strcmp(sense->collectors[i]->desc.name, name) == 0)
            return true;
    return false;
}

static void put_missing(struct sense *sense, const struct vagus_collector *collector, size_t metric,
                        int64_t now_ns, int error)
{
    const int32_t *indices = &collector->indices[collector->first[metric]];
    for (uint32_t i = 0; i < collector_entries(collector, metric); i++)
        if (indices[i] >= 0)
            metrics_put_missing(sense->metrics, (uint32_t)indices[i], now_ns, error);
}

int sense_add(struct sense *sense, const struct vagus_collector_desc *desc, void *arg,
              void (*release)(void *arg))
{
    struct vagus_collector *collector = NULL;
    struct vagus_collector_desc taken = {0};
    int error = 0;

    /* As this build knows it, whatever the size of the caller's. */
    memcpy(&taken, desc, desc->size < sizeof(taken) ? desc->size : sizeof(taken));
    if (!desc_valid(&taken))
        error = VAGUS_EINVAL;
    else if (is_added(sense, desc->name))
        error = VAGUS_EEXIST;
    else if (sense->count == SEGMENT_COLLECTORS_MAX)
        error = VAGUS_EFULL;
    else if ((collector = calloc(1, sizeof(*collector))) == NULL)
        error = VAGUS_ENOMEM;
    if (error != 0) {
        if (release != NULL)
            release(arg);
        return error;
    }
    collector->desc = taken;
    if (collector->desc.instances_max == 0)
        collector->desc.instances_max = 16;
    text_copy(collector->shown.name, sizeof(collector->shown.name), desc->name);
    collector->desc.name = collector->shown.name;
    collector->clock = *sense->clock;
    collector->stretch = 1;
    collector->arg = arg;
    collector->release = release;
    collector->open_error = VAGUS_ENOMEM; /* until open() ran there is nothing to close */
    if ((desc->state_size > 0 && (collector->state = calloc(1, desc->state_size)) == NULL) ||
        make_room(collector, sense->config) != 0) {
        collector_free(collector);
        return VAGUS_ENOMEM;
    }
    collector->place = sense->count;
    collector->open_error = desc->open != NULL ? desc->open(collector) : 0;
    for (unsigned tier = 0; tier < VAGUS_TIER_COUNT && collector->open_error == 0; tier++)
        if ((collector->tiers & 1u << tier) != 0)
            sense->of_tier[tier] |= collector_bit(collector);
    near_find_rates(sense, collector);
    collector->shown.error = collector->open_error;
    collector_note_error(sense, collector);
    collector->shown.flags = desc->flags;
    define_all(sense, collector);
    for (size_t i = 0; collector->open_error != 0 && i < desc->metric_count; i++)
        put_missing(sense, collector, i, clock_now_ns(sense->clock), collector->open_error);
    sense->collectors[sense->count++] = collector;
    return 0;
}

/* --- Sampling. --- */

/* The tiers that are due, in the collector's own terms. */
static unsigned asked_of(const struct vagus_collector *collector)
{
    unsigned asked = 0;
    for (unsigned tier = 0; tier < VAGUS_TIER_COUNT; tier++)
        if ((collector->due & 1u << tier) != 0)
            asked |= collector->asks[tier];
    return asked;
}

/* Runs in the lane of a blocking collector, else on the sampler. */
static void collector_run(void *arg)
{
    struct vagus_collector *collector = arg;
    if (collector->near_asked) {
        near_run(collector);
        return;
    }
    for (size_t i = 0; i < collector->desc.metric_count; i++)
        memset(&collector->staging[collector->first[i]], 0,
               collector_entries(collector, i) * sizeof(*collector->staging));
    collector->began_ns = clock_now_ns(&collector->clock);
    collector->error = collector->desc.sample(collector, asked_of(collector));
    collector->took_ns = clock_now_ns(&collector->clock) - collector->began_ns;
}

static void take_in(struct sense *sense, struct vagus_collector *collector, int64_t now_ns)
{
    int brought = 0, failed = 0;
    define_instances(sense, collector);
    near_settle(sense, collector);
    for (size_t i = 0; i < collector->desc.metric_count; i++) {
        unsigned tier = collector->tier_of[i];
        bool due = (collector->due & (1u << tier)) != 0;
        if (!due && tier != cadence_tier(&collector->desc.metrics[i]))
            continue; /* it was read along with others, and is not wanted yet */
        for (uint32_t at = collector->first[i], end = at + collector_entries(collector, i);
             at < end; at++) {
            const struct staged *staged = &collector->staging[at];
            if (collector->indices[at] < 0)
                continue;
            uint32_t index = (uint32_t)collector->indices[at];
            brought += staged->what == STAGED_VALUE;
            if (staged->what == STAGED_MISSING && staged->error != VAGUS_EUNSUPPORTED)
                failed = staged->error;
            if (staged->what == STAGED_VALUE)
                metrics_put(sense->metrics, index, collector->began_ns, staged->value);
            else if (staged->what == STAGED_MISSING)
                metrics_put_missing(sense->metrics, index, collector->began_ns, staged->error);
            else if (due && collector->error != 0)
                metrics_put_missing(sense->metrics, index, collector->began_ns, collector->error);
        }
    }
    /* One that says of each metric apart that it failed has failed as a whole, too. */
    collector->shown.error = collector->error == 0 && brought == 0 ? failed : collector->error;
    collector_note_error(sense, collector);
    collector->unsupported = collector->error == VAGUS_EUNSUPPORTED;
    sense->unsupported &= ~collector_bit(collector);
    sense->unsupported |= collector->unsupported ? collector_bit(collector) : 0;
    collector->shown.samples++;
    collector->shown.failures += collector->shown.error != 0 && !collector->unsupported;
    collector->shown.last_ns = collector->began_ns;
    collector->shown.took_ns = collector->took_ns;
    collector->shown.took_total_ns += collector->took_ns;
    near_look(sense, collector, now_ns);
}

bool sense_visit_lane(struct sense *sense, struct vagus_collector *collector, unsigned due,
                      int64_t now_ns)
{
    bool changed = false;
    if (lane_take(collector->lane)) {
        sense->asked &= ~collector_bit(collector);
        changed = !collector->near_asked;
        if (collector->near_asked)
            changed = near_take(sense, collector, now_ns);
        else
            take_in(sense, collector, now_ns);
    }
    collector->shown.busy_since_ns = lane_busy_since_ns(collector->lane);
    if (due == 0 && collector->waiting == 0)
        return changed;
    if (!lane_idle(collector->lane)) {
        collector->waiting |= due;
        collector->shown.skipped += due != 0 && !collector->near_asked;
        return changed;
    }
    collector->due = due | collector->waiting;
    collector->waiting = 0;
    sense->asked |= collector_bit(collector);
    lane_request(collector->lane);
    return changed;
}

/* A sense of what this machine does not have is asked again each minute, for all that it fills. */
static unsigned due_of(const struct vagus_collector *collector, unsigned due)
{
    if (!collector->unsupported)
        return due & collector->tiers;
    return (due & (1u << VAGUS_TIER_60S)) != 0 ? collector->tiers : 0;
}

/* Those of which due_of() is not 0. */
static uint32_t wanted(const struct sense *sense, unsigned due)
{
    uint32_t set = 0;
    for (unsigned tier = 0; tier < VAGUS_TIER_COUNT; tier++)
        if ((due & 1u << tier) != 0)
            set |= sense->of_tier[tier];
    set &= ~sense->unsupported;
    return (due & (1u << VAGUS_TIER_60S)) != 0 ? set | sense->unsupported : set;
}

static void put_costs(struct sense *sense, struct vagus_collector *collector, int64_t now_ns)
{
    if (collector->shown.samples == 0 || collector->unsupported)
        return;
    if (collector->duration_index >= 0)
        metrics_put(sense->metrics, (uint32_t)collector->duration_index, now_ns,
                    (double)collector->shown.took_ns / 1e9);
    const double totals[] = {(double)(collector->shown.took_total_ns + collector->near_took_ns) /
                                 1e9,
                             (double)(collector->shown.samples + collector->near_reads),
                             (double)collector->shown.skipped};
    for (unsigned i = 0; i < COST_TOTALS; i++)
        if (collector->total_index[i] >= 0)
            metrics_put(sense->metrics, (uint32_t)collector->total_index[i], now_ns, totals[i]);
    if (collector->success_index >= 0)
        metrics_put(sense->metrics, (uint32_t)collector->success_index, now_ns,
                    collector->shown.error == 0 ? 1 : 0);
}

void sense_sample(struct sense *sense, unsigned due)
{
    uint32_t set = wanted(sense, due) & ~sense->lanes;
    sense->staged |= set;
    for (struct vagus_collector *collector; (collector = sense_pop(sense, &set)) != NULL;) {
        collector->due = due_of(collector, due);
        collector_run(collector);
    }
}

void sense_take_in(struct sense *sense, unsigned due, int64_t now_ns)
{
    uint32_t set = sense->staged | sense->asked | (wanted(sense, due) & sense->lanes);
    sense->staged = 0;
    for (struct vagus_collector *collector; (collector = sense_pop(sense, &set)) != NULL;)
        if (collector->lane != NULL)
            sense_visit_lane(sense, collector, due_of(collector, due), now_ns);
        else
            take_in(sense, collector, now_ns);
    for (uint32_t i = 0; (due & (1u << VAGUS_TIER_10S)) != 0 && i < sense->count; i++)
        if (sense->collectors[i]->open_error == 0)
            put_costs(sense, sense->collectors[i], now_ns);
    near_find_next(sense);
}

static bool lanes_at_work(const struct sense *sense)
{
    uint32_t set = sense->asked;
    for (struct vagus_collector *collector; (collector = sense_pop(sense, &set)) != NULL;)
        if (!lane_idle(collector->lane))
            return true;
    return false;
}

void sense_settle(struct sense *sense, int64_t until_ns, int64_t now_ns)
{
    while (lanes_at_work(sense) && vagus_now_ns() < until_ns) {
        nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
        sense_take_in(sense, 0, now_ns);
    }
}

void sense_mirror(struct sense *sense, int64_t now_ns)
{
    struct segment_head *head = segment_head(sense->metrics->segment, SEGMENT_COLLECTORS);
    struct segment_collector *mirror = segment_entries(sense->metrics->segment, SEGMENT_COLLECTORS);
    segment_write_begin(&head->stamp);
    for (uint32_t i = 0; i < sense->count; i++)
        mirror[i] = sense->collectors[i]->shown;
    head->count = sense->count;
    head->updated_ns = now_ns;
    segment_write_end(&head->stamp);
}

uint32_t sense_count(const struct sense *sense)
{
    return sense->count;
}

bool sense_has(const struct sense *sense, const char *wanted)
{
    for (uint32_t i = 0; i < sense->count; i++)
        if (cadence_names(wanted, sense->collectors[i]->desc.name))
            return true;
    return false;
}

uint32_t sense_failed(const struct sense *sense, int64_t now_ns)
{
    uint32_t failed = (uint32_t)__builtin_popcount(sense->failing);
    uint32_t set = sense->asked & ~sense->failing;
    for (struct vagus_collector *collector; (collector = sense_pop(sense, &set)) != NULL;) {
        int64_t since_ns = collector->shown.busy_since_ns;
        failed += since_ns != 0 && now_ns - since_ns > HUNG_NS;
    }
    return failed;
}

int64_t sense_lanes_cpu_ns(const struct sense *sense)
{
    int64_t cpu_ns = 0;
    for (uint32_t i = 0; i < sense->count; i++)
        if (sense->collectors[i]->lane != NULL)
            cpu_ns += lane_cpu_ns(sense->collectors[i]->lane);
    return cpu_ns;
}

/* --- Life. --- */

int sense_start(struct sense *sense, bool threads)
{
    for (uint32_t i = 0; threads && i < sense->count; i++) {
        struct vagus_collector *collector = sense->collectors[i];
        char name[16];
        if ((collector->desc.flags & VAGUS_COLLECTOR_BLOCKING) == 0 || collector->open_error != 0 ||
            collector->lane != NULL)
            continue;
        text_copy(name, sizeof(name), "vagus-");
        text_copy(name + 6, sizeof(name) - 6, collector->desc.name);
        int error = lane_create(name, collector_run, collector_free, collector, &collector->lane);
        if (error != 0)
            return error;
        sense->lanes |= collector_bit(collector);
    }
    return 0;
}

void sense_end(struct sense *sense)
{
    for (uint32_t i = 0; i < sense->count; i++)
        if (sense->collectors[i]->lane != NULL)
            lane_end(sense->collectors[i]->lane);
}

unsigned sense_close(struct sense *sense, int64_t deadline_ns, char *abandoned_name,
                     size_t capacity)
{
    unsigned abandoned = 0;
    if (sense == NULL)
        return 0;
    sense_end(sense);
    for (uint32_t i = 0; i < sense->count; i++) {
        struct vagus_collector *collector = sense->collectors[i];
        char name[32];
        text_copy(name, sizeof(name), collector->desc.name);
        if (collector->lane == NULL)
            collector_free(collector);
        else if (!lane_close(collector->lane, deadline_ns) && abandoned++ == 0 &&
                 abandoned_name != NULL && abandoned_name[0] == '\0')
            text_copy(abandoned_name, capacity, name);
    }
    free(sense);
    return abandoned;
}
