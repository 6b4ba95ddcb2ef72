/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what can run out between its tier's ticks. The thresholds ahead are the judge's to know;
 * the sense asks through sense_thresholds. Sampler only, but for near_run(). */
#include "sense/near.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sense/inside.h"

int64_t near_wait_ns(const struct near *near, double ahead, double rate, int64_t period_ns)
{
    if (!(rate > 0) || !isfinite(ahead))
        return INT64_MAX;
    double wait_ns = ahead / rate / 2 * (double)VAGUS_SECOND_NS;
    int64_t least_ns = near->moving > 0 ? NEAR_MOVING_NS : NEAR_STILL_NS;
    if (wait_ns >= (double)period_ns)
        return INT64_MAX;
    return wait_ns > (double)least_ns ? (int64_t)wait_ns : least_ns;
}

/* fmin() is a call, into a library that a tick uses nothing else of. */
static double lesser(double a, double b)
{
    return b < a ? b : a;
}

static double rate_of(const struct sense *sense, struct vagus_collector *collector,
                      const struct vagus_limited *limited)
{
    for (uint32_t i = 0; i < sense->rate_count; i++)
        if (strcmp(sense->rates[i].name, limited->name) == 0)
            return sense->rates[i].units_per_s;
    double rate = limited->rate != NULL ? limited->rate(collector) : limited->max_rate;
    return isfinite(rate) && rate > 0 ? rate : 0;
}

static bool limited_valid(const struct vagus_collector_desc *desc,
                          const struct vagus_limited *limited)
{
    if (limited->name == NULL || limited->sample == NULL || limited->metric_count == 0 ||
        limited->metric_count > VAGUS_LIMITED_METRICS_MAX)
        return false;
    for (size_t i = 0; i < limited->metric_count; i++)
        if (limited->metrics[i].metric >= desc->metric_count ||
            (limited->metrics[i].whole != VAGUS_NO_WHOLE &&
             limited->metrics[i].whole >= desc->metric_count))
            return false;
    return true;
}

bool near_valid(const struct vagus_collector_desc *desc)
{
    if (desc->limited_count > VAGUS_LIMITED_MAX)
        return false;
    for (size_t i = 0; i < desc->limited_count; i++)
        if (!limited_valid(desc, &desc->limited[i]))
            return false;
    return true;
}

static const struct near_between nothing_between = {NAN, {NAN, 0}, {NAN, 0}};

int near_make_room(struct vagus_collector *collector)
{
    const struct vagus_collector_desc *desc = &collector->desc;
    for (size_t i = 0; i < desc->limited_count; i++) {
        size_t metric = desc->limited[i].metrics[0].metric;
        collector->near_first[i + 1] =
            collector->near_first[i] + collector->first[metric + 1] - collector->first[metric];
    }
    uint32_t count = collector->near_first[desc->limited_count];
    if (count == 0)
        return 0;
    collector->near = calloc(count, sizeof(*collector->near));
    for (uint32_t i = 0; collector->near != NULL && i < count; i++) {
        struct near *near = &collector->near[i];
        *near = (struct near){.next_ns = INT64_MAX, .ahead = INFINITY};
        for (size_t k = 0; k < VAGUS_LIMITED_METRICS_MAX; k++) {
            near->last[k] = NAN;
            near->between[k] = nothing_between;
        }
    }
    return collector->near != NULL ? 0 : VAGUS_ENOMEM;
}

void near_find_rates(struct sense *sense, struct vagus_collector *collector)
{
    sense->near_each_ns[collector->place] = INT64_MAX;
    if (collector->open_error == 0 && collector->near != NULL)
        sense->near |= collector_bit(collector);
    for (size_t i = 0; collector->open_error == 0 && i < collector->desc.limited_count; i++)
        collector->max_rates[i] = rate_of(sense, collector, &collector->desc.limited[i]);
}

/* Goes over what is in use of all that can run out: `which` of the descriptor's, which instance. */
struct walk {
    size_t which;
    uint32_t instance;
    struct near *near;
};

static bool walk_next(const struct vagus_collector *collector, struct walk *walk)
{
    walk->instance = walk->near == NULL ? 0 : walk->instance + 1;
    for (; walk->which < collector->desc.limited_count && collector->near != NULL;
         walk->which++, walk->instance = 0) {
        size_t metric = collector->desc.limited[walk->which].metrics[0].metric;
        /* What sample() added and is not in the registry yet waits for its tier. */
        bool many = collector_many(&collector->desc.metrics[metric]);
        if (walk->instance >= (many ? collector->defined : 1))
            continue;
        walk->near = &collector->near[collector->near_first[walk->which] + walk->instance];
        return true;
    }
    return false;
}

#define WALK(collector, walk) for (struct walk walk = {0}; walk_next(collector, &(walk));)

/* The reading of one metric, or NULL if it is not good. */
static const struct vagus_reading *reading_of(const struct sense *sense,
                                              const struct vagus_collector *collector,
                                              size_t metric, uint32_t instance, int64_t now_ns)
{
    if (instance >= collector_entries(collector, metric))
        instance = 0; /* one whole for all */
    int32_t index = collector->indices[collector->first[metric] + instance];
    if (index < 0)
        return NULL;
    const struct vagus_reading *reading = &sense->metrics->readings[index];
    return vagus_reading_state(reading, now_ns) == VAGUS_STATE_OK ? reading : NULL;
}

/* Units to a threshold. Where the whole is not known, the threshold counts as reached: the least
 * wait. */
static double units_to(const struct sense *sense, struct vagus_collector *collector,
                       const struct vagus_limited *limited, size_t which, uint32_t instance,
                       double value, double threshold, int64_t now_ns)
{
    size_t metric = limited->metrics[which].metric, whole = limited->metrics[which].whole;
    if (limited->ahead != NULL)
        return limited->ahead(collector, metric, instance, threshold);
    double distance = fabs(value - threshold);
    if (whole == VAGUS_NO_WHOLE)
        return distance;
    const struct vagus_reading *of = reading_of(sense, collector, whole, instance, now_ns);
    return of != NULL ? distance * of->value : 0;
}

static void set_next(const struct vagus_collector *collector, size_t which, struct near *near,
                     int64_t now_ns)
{
    const struct vagus_limited *limited = &collector->desc.limited[which];
    unsigned tier = collector->tier_of[limited->metrics[0].metric];
    int64_t wait_ns = near_wait_ns(near, near->ahead, fmax(collector->max_rates[which], near->seen),
                                   metrics_tier_period_ns(tier) * collector->stretch);
    near->next_ns = wait_ns != INT64_MAX ? clock_add_ns(now_ns, wait_ns) : INT64_MAX;
}

/* What was seen is possible, whatever was declared. */
static void note_rate(struct near *near, double ahead, int64_t now_ns)
{
    double nearer = near->ahead - ahead;
    int64_t span_ns = clock_span_ns(near->read_ns, now_ns);
    bool known = near->read_ns != 0 && span_ns > 0 && isfinite(nearer) && nearer > 0;
    near->seen = known ? nearer / (double)span_ns * (double)VAGUS_SECOND_NS : 0;
    near->read_ns = now_ns;
}

/* fresh: the values were read just now, so what they did since the last look says whether they
 * move. */
static void look_at(struct sense *sense, struct vagus_collector *collector, size_t which,
                    uint32_t instance, bool fresh, int64_t now_ns)
{
    const struct vagus_limited *limited = &collector->desc.limited[which];
    struct near *near = &collector->near[collector->near_first[which] + instance];
    double nearest = INFINITY;
    bool moved = false;
    for (size_t i = 0; i < limited->metric_count && collector->max_rates[which] > 0; i++) {
        const struct vagus_limited_metric *metric = &limited->metrics[i];
        const struct vagus_reading *reading =
            reading_of(sense, collector, metric->metric, instance, now_ns);
        if (reading == NULL)
            continue;
        double ends[2] = {NAN, NAN}, was = near->last[i], value = reading->value;
        int32_t index = collector->indices[collector->first[metric->metric] + instance];
        near->last[i] = value;
        if (sense->thresholds.nearest == NULL ||
            !sense->thresholds.nearest(sense->thresholds.arg, (uint32_t)index, value, &ends[0],
                                       &ends[1]))
            continue;
        double least = collector->desc.metrics[metric->metric].resolution;
        moved |= !isnan(ends[0]) && was - value >= least && value < was;
        moved |= !isnan(ends[1]) && value - was >= least && value > was;
        for (unsigned end = 0; end < 2; end++)
            if (!isnan(ends[end]))
                nearest = lesser(nearest, units_to(sense, collector, limited, i, instance, value,
                                                   ends[end], now_ns));
    }
    if (fresh) {
        near->moving = moved ? NEAR_STILL_READS : near->moving - (near->moving > 0);
        note_rate(near, nearest, now_ns);
    }
    near->ahead = nearest;
    set_next(collector, which, near, now_ns);
}

/* When the first of what of it can run out is to be read. */
static void note_next(struct sense *sense, const struct vagus_collector *collector)
{
    int64_t next_ns = INT64_MAX;
    WALK(collector, walk)
    if (walk.near->next_ns < next_ns)
        next_ns = walk.near->next_ns;
    sense->near_each_ns[collector->place] = next_ns;
}

void near_find_next(struct sense *sense)
{
    /* A lane at work is asked again when it has brought what it is at. */
    uint32_t set = sense->near & ~sense->asked;
    sense->near_next_ns = INT64_MAX;
    for (; set != 0; set &= set - 1)
        if (sense->near_each_ns[__builtin_ctz(set)] < sense->near_next_ns)
            sense->near_next_ns = sense->near_each_ns[__builtin_ctz(set)];
}

static void look(struct sense *sense, struct vagus_collector *collector, bool fresh, int64_t now_ns)
{
    if ((sense->near & collector_bit(collector)) == 0)
        return;
    WALK(collector, walk)
    look_at(sense, collector, walk.which, walk.instance, fresh, now_ns);
    note_next(sense, collector);
}

void near_look(struct sense *sense, struct vagus_collector *collector, int64_t now_ns)
{
    look(sense, collector, true, now_ns);
}

void sense_near_relook(struct sense *sense, int64_t now_ns)
{
    uint32_t set = sense->near & ~sense->asked;
    for (struct vagus_collector *collector; (collector = sense_pop(sense, &set)) != NULL;)
        look(sense, collector, false, now_ns);
    near_find_next(sense);
}

/* Where the metrics of one thing that can run out are staged. */
static struct staged *staged_of(struct vagus_collector *collector, const struct walk *walk,
                                size_t i, int32_t *index)
{
    uint32_t at =
        collector->first[collector->desc.limited[walk->which].metrics[i].metric] + walk->instance;
    *index = collector->indices[at];
    return &collector->staging[at];
}

void near_run(struct vagus_collector *collector)
{
    int32_t index;
    collector->began_ns = clock_now_ns(&collector->clock);
    WALK(collector, walk)
    {
        const struct vagus_limited *limited = &collector->desc.limited[walk.which];
        if (!walk.near->wanted)
            continue;
        for (size_t i = 0; i < limited->metric_count; i++)
            staged_of(collector, &walk, i, &index)->what = STAGED_NOTHING;
        limited->sample(collector, walk.instance);
    }
    collector->near_took_ns += clock_now_ns(&collector->clock) - collector->began_ns;
}

static void note_between(struct near_between *between, double value, int64_t at_ns)
{
    if (!(between->low.value <= value))
        between->low = (struct near_point){value, at_ns};
    if (!(between->high.value >= value))
        between->high = (struct near_point){value, at_ns};
}

void near_settle(struct sense *sense, struct vagus_collector *collector)
{
    int32_t index;
    WALK(collector, walk)
    for (size_t i = 0; i < collector->desc.limited[walk.which].metric_count; i++) {
        const struct staged *staged = staged_of(collector, &walk, i, &index);
        struct near_between *between = &walk.near->between[i];
        if (staged->what != STAGED_VALUE || index < 0)
            continue;
        double least = fmin(between->tick, staged->value);
        double most = fmax(between->tick, staged->value);
        const struct near_point *low = &between->low, *high = &between->high;
        bool falls = low->value < least - NEAR_SPIKE * fabs(least);
        bool rises = high->value > most + NEAR_SPIKE * fabs(most);
        bool low_last = rises && low->at_ns > high->at_ns;
        if (falls && !low_last)
            metrics_put_between(sense->metrics, (uint32_t)index, low->at_ns, low->value);
        if (rises)
            metrics_put_between(sense->metrics, (uint32_t)index, high->at_ns, high->value);
        if (falls && low_last)
            metrics_put_between(sense->metrics, (uint32_t)index, low->at_ns, low->value);
        *between = nothing_between;
        between->tick = staged->value;
    }
}

/* A read that brings nothing is left to the tier to tell: at this pace it would be a trail of gaps.
 */
bool near_take(struct sense *sense, struct vagus_collector *collector, int64_t now_ns)
{
    int32_t index;
    bool changed = false;
    WALK(collector, walk)
    for (size_t i = 0; walk.near->wanted && i < collector->desc.limited[walk.which].metric_count;
         i++) {
        const struct staged *staged = staged_of(collector, &walk, i, &index);
        if (index < 0 || staged->what != STAGED_VALUE || !isfinite(staged->value))
            continue;
        changed |=
            metrics_put_newest(sense->metrics, (uint32_t)index, collector->began_ns, staged->value);
        note_between(&walk.near->between[i], staged->value, collector->began_ns);
    }
    collector->near_asked = false;
    collector->near_reads++;
    if (changed) {
        WALK(collector, walk)
        look_at(sense, collector, walk.which, walk.instance, walk.near->wanted, now_ns);
        note_next(sense, collector);
        return true;
    }
    /* Standing still costs no more than the read. */
    WALK(collector, walk)
    {
        if (!walk.near->wanted)
            continue;
        walk.near->moving -= walk.near->moving > 0;
        note_rate(walk.near, walk.near->ahead, now_ns);
        set_next(collector, walk.which, walk.near, now_ns);
    }
    note_next(sense, collector);
    return false;
}

/* Marks what is due; true if anything is. */
static bool want(struct vagus_collector *collector, int64_t now_ns)
{
    bool any = false;
    WALK(collector, walk)
    {
        walk.near->wanted = now_ns >= walk.near->next_ns;
        any |= walk.near->wanted;
    }
    return any;
}

bool sense_near_sample(struct sense *sense, int64_t now_ns)
{
    bool any = false;
    if (now_ns < sense->near_next_ns)
        return false;
    uint32_t set = sense->near & ~sense->asked;
    for (; set != 0; set &= set - 1) {
        if (now_ns < sense->near_each_ns[__builtin_ctz(set)])
            continue;
        struct vagus_collector *collector = sense->collectors[__builtin_ctz(set)];
        if (!want(collector, now_ns))
            continue;
        collector->near_asked = true;
        any = true;
        if (collector->lane == NULL) {
            near_run(collector);
            sense->near_staged |= collector_bit(collector);
        } else {
            sense->asked |= collector_bit(collector);
            lane_request_ring(collector->lane, collector->bell, WAKE_NEAR);
        }
    }
    return any;
}

bool sense_near_take_in(struct sense *sense, int64_t now_ns)
{
    bool changed = false;
    uint32_t set = sense->asked | sense->near_staged;
    sense->near_staged = 0;
    for (struct vagus_collector *collector; (collector = sense_pop(sense, &set)) != NULL;)
        if (collector->lane != NULL)
            changed |= sense_visit_lane(sense, collector, 0, now_ns);
        else
            changed |= near_take(sense, collector, now_ns);
    near_find_next(sense);
    return changed;
}

void sense_near_hasten(struct sense *sense, const char *limited, int64_t now_ns)
{
    uint32_t set = sense->near & ~sense->asked;
    for (struct vagus_collector *collector; (collector = sense_pop(sense, &set)) != NULL;) {
        WALK(collector, walk)
        if (strcmp(collector->desc.limited[walk.which].name, limited) == 0) {
            walk.near->next_ns = now_ns;
            sense->near_each_ns[collector->place] = sense->near_next_ns = now_ns;
        }
    }
}

void sense_stretch(struct sense *sense, uint32_t stretch, int64_t now_ns)
{
    for (uint32_t i = 0; i < sense->count; i++)
        sense->collectors[i]->stretch = stretch;
    sense_near_relook(sense, now_ns);
}

int64_t sense_near_next_ns(const struct sense *sense)
{
    return sense->near_next_ns;
}

uint64_t sense_near_reads(const struct sense *sense)
{
    uint64_t reads = 0;
    for (uint32_t i = 0; i < sense->count; i++)
        reads += sense->collectors[i]->near_reads;
    return reads;
}

void sense_set_thresholds(struct sense *sense, const struct sense_thresholds *thresholds,
                          struct wake *bell)
{
    sense->thresholds = *thresholds;
    for (uint32_t i = 0; i < sense->count; i++)
        sense->collectors[i]->bell = bell;
}

void sense_set_rate(struct sense *sense, const char *name, double units_per_s)
{
    if (sense->rate_count < SENSE_RATES_MAX)
        sense->rates[sense->rate_count++] = (struct sense_rate){name, units_per_s};
}
