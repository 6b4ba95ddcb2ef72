/* SPDX-License-Identifier: Apache-2.0 */
/* Rules bound to metrics, and the evaluation of all of them. Allocates only in judge_create(). */
#include <math.h>
#include <stdlib.h>

#include "base/quantity.h"
#include "judge/watch.h"

/* --- Life. --- */

static int set_up_rule(struct judged_rule *judged, const struct config_rule *rule)
{
    *judged = (struct judged_rule){
        .rule = rule,
        .kind = judge_kind(rule->kind),
        .params = {.stat = (enum vagus_stat)rule->stat,
                   .window_ns = rule->window_ns,
                   .exhausted_at = rule->exhausted_at,
                   .samples = rule->samples},
        .timing = {rule->min_hold_ns, (enum config_missing)rule->missing, rule->cooldown_ns},
        .room = rule->instance != NULL || rule->metric == NULL ? 1 : JUDGE_INSTANCES_MAX,
    };
    if (judged->kind == NULL ||
        (rule->metric == NULL) != ((judged->kind->needs & VAGUS_NEEDS_PARTS) != 0))
        return VAGUS_EINVAL;
    /* The newest value needs no window to be found in. */
    if (measures_the_metric(judged) && judged->params.stat == VAGUS_STAT_LAST)
        judged->params.window_ns = 0;
    return 0;
}

static int bind_parts(struct judge *judge, struct judged_rule *judged);

int judge_create(const struct vagus_config *config, struct metrics *metrics, struct bus *bus,
                 struct segment *segment, struct judge **judge)
{
    size_t room = 0;
    int error = VAGUS_ENOMEM;
    struct judge *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return VAGUS_ENOMEM;
    made->metrics = metrics;
    made->bus = bus;
    made->segment = segment;
    made->rule_count = made->policy_rules = config->rule_count;
    made->wants_last_resort = config->last_resort != CONFIG_LAST_NONE;
    made->rule_room = config->rule_count + VAGUS_BUDGETS_MAX;
    made->rules = calloc(made->rule_room, sizeof(*made->rules));
    if (made->rules == NULL)
        goto failed;
    for (uint32_t i = 0; i < config->rule_count; i++) {
        error = set_up_rule(&made->rules[i], &config->rules[i]);
        if (error != 0)
            goto failed;
        room += made->rules[i].room;
    }
    error = VAGUS_ENOMEM;
    room += VAGUS_BUDGETS_MAX;
    made->trip_room = room < metrics->capacity ? (uint32_t)room : metrics->capacity;
    made->watches = calloc(room, sizeof(*made->watches));
    made->rests = calloc(room, sizeof(*made->rests));
    made->trips = calloc(made->trip_room, sizeof(*made->trips));
    if (made->watches == NULL || made->rests == NULL || made->trips == NULL)
        goto failed;
    struct watch *next = made->watches;
    for (uint32_t i = 0; i < made->rule_count; next += made->rules[i++].room)
        made->rules[i].watches = next;
    for (uint32_t i = 0; i < made->rule_count; i++)
        if (made->rules[i].rule->metric == NULL && (error = bind_parts(made, &made->rules[i])) != 0)
            goto failed;
    *judge = made;
    return 0;
failed:
    judge_free(made);
    return error;
}

int judge_add_rule(struct judge *judge, const struct config_rule *rule)
{
    struct judged_rule *last = judge->rule_count > 0 ? &judge->rules[judge->rule_count - 1] : NULL;
    struct watch *watches = last != NULL ? last->watches + last->room : judge->watches;
    if (judge->rule_count == judge->rule_room)
        return VAGUS_EFULL;
    struct judged_rule *judged = &judge->rules[judge->rule_count];
    int error = set_up_rule(judged, rule);
    if (error != 0)
        return error;
    judged->watches = watches;
    judge->rule_count++;
    return 0;
}

void judge_free(struct judge *judge)
{
    if (judge == NULL)
        return;
    free(judge->rules);
    free(judge->watches);
    free(judge->rests);
    free(judge->trips);
    free(judge->inherits);
    free(judge);
}

/* --- Binding rules to metrics. --- */

/* Where a severity's level reaches 1 if the rule does not say: at the next graver threshold in the
 * same direction, else at the metric's own end. NaN: nowhere, every level is 1. */
static double full_of(const struct judged_rule *judged, const struct metric *metric,
                      unsigned severity)
{
    const struct config_threshold *threshold = watch_threshold(judged->rule, severity);
    if (judged->kind->measures == VAGUS_MEASURES_PARTS)
        return 1;
    if (!isnan(threshold->full))
        return threshold->full;
    for (unsigned graver = severity + 1; graver < SEVERITIES; graver++) {
        const struct config_threshold *next = watch_threshold(judged->rule, graver);
        if (next->present && next->below == threshold->below)
            return next->enter;
    }
    if (measures_the_metric(judged) && metric->min < metric->max)
        return threshold->below ? metric->min : metric->max;
    return NAN;
}

/* Thresholds written as times do not fit a metric that counts milliseconds: to judge by them would
 * be wrong by a thousand, so the rule is not judged, and the proof of wiring says why. */
static bool fits(const struct judged_rule *judged, const char *unit)
{
    uint32_t form = judged->rule->form;
    if (judged->kind->measures != VAGUS_MEASURES_METRIC &&
        judged->kind->measures != VAGUS_MEASURES_RATE)
        return true;
    return form == 0 || form == (uint32_t)DIMENSION_NUMBER + 1 ||
           form == (uint32_t)dimension_of_unit(unit) + 1;
}

void watch_add_trip(struct judge *judge, struct watch *watch)
{
    const struct metric *metric =
        watch->metric != WATCH_NO_METRIC ? &judge->metrics->entries[watch->metric] : NULL;
    if (metric != NULL && metric->kind == VAGUS_COUNTER && metric->source == METRIC_RECORDED &&
        measures_the_metric(watch->judged))
        trip_add(judge, watch);
}

static void add_watch(struct judge *judge, struct judged_rule *judged, uint32_t index)
{
    const struct metric *metric = &judge->metrics->entries[index];
    const struct config_rule *rule = judged->rule;
    const char *unit = metrics_describe(judge->metrics, index)->unit;
    if (!fits(judged, unit)) {
        judged->misfit_unit = unit;
        return;
    }
    if (judged->count == judged->room) {
        judged->surplus++;
        return;
    }
    struct watch *watch = &judged->watches[judged->count++];
    *watch = (struct watch){.rule = rule, .judged = judged, .metric = index, .trip = -1};
    judge->rests[judge->rest_count++] = (struct rest){.watch = watch, .metric = index};
    watch->resource = bus_resource(
        judge->bus, rule->resource != NULL ? rule->resource
                                           : metrics_describe(judge->metrics, index)->resource);
    for (unsigned i = 0; i < SEVERITIES; i++)
        watch->fulls[i] = full_of(judged, metric, i);
    if (!judge->aside)
        watch_add_trip(judge, watch);
}

/* A rule about other rules, which stand before it. */
static int bind_parts(struct judge *judge, struct judged_rule *judged)
{
    const struct config_rule *rule = judged->rule;
    for (uint32_t i = 0; i < rule->of_count; i++) {
        uint32_t part = 0;
        while (&judge->rules[part] < judged &&
               strcmp(judge->rules[part].rule->name, rule->of[i]) != 0)
            part++;
        if (&judge->rules[part] == judged || i == CONFIG_PARTS_MAX)
            return VAGUS_EINVAL;
        judged->parts[judged->part_count++] = part;
    }
    struct watch *watch = &judged->watches[judged->count++];
    *watch = (struct watch){.rule = rule, .judged = judged, .metric = WATCH_NO_METRIC, .trip = -1};
    judge->rests[judge->rest_count++] = (struct rest){.watch = watch, .metric = WATCH_NO_METRIC};
    watch->resource = bus_resource(judge->bus, rule->resource);
    for (unsigned i = 0; i < SEVERITIES; i++)
        watch->fulls[i] = 1;
    return 0;
}

void judge_bind(struct judge *judge)
{
    uint32_t count = metrics_count(judge->metrics);
    for (uint32_t r = 0; r < judge->rule_count && count > judge->bound; r++) {
        struct judged_rule *judged = &judge->rules[r];
        const struct config_rule *rule = judged->rule;
        for (uint32_t i = judge->bound; i < count && rule->metric != NULL; i++) {
            const struct segment_metric *described = metrics_describe(judge->metrics, i);
            if (strcmp(described->name, rule->metric) == 0 &&
                (rule->instance == NULL || strcmp(described->instance, rule->instance) == 0))
                add_watch(judge, judged, i);
        }
    }
    judge->bound = count;
}

/* --- Evaluation. --- */

/* How long nothing can come of this watch by time alone. */
static int64_t quiet_until(const struct judge *judge, const struct watch *watch)
{
    if (watch->judged->kind->needs & (VAGUS_NEEDS_PARTS | VAGUS_NEEDS_CHANGE))
        return 0;
    const struct vagus_reading *reading = &judge->metrics->readings[watch->metric];
    int64_t until_ns = reading->good_until_ns;
    for (unsigned i = 0; i < SEVERITIES; i++)
        if (watch->severities[i].phase != SEVERITY_CLEAR)
            return 0;
    if (watch->trip >= 0 || (!watch->known && !watch->measured))
        return 0;
    if (!watch->known)
        return INT64_MAX; /* stale and held: only a new value ends that */
    if (watch->rule->max_age_ns != 0 && reading->taken_ns + watch->rule->max_age_ns < until_ns)
        until_ns = reading->taken_ns + watch->rule->max_age_ns;
    return watch->leaves_ns - 1 < until_ns ? watch->leaves_ns - 1 : until_ns;
}

static void step_watch(struct judge *judge, struct watch *watch, bool changed, int64_t now_ns)
{
    watch_observe(judge, watch, changed, now_ns);
    if (watch->known != watch->seen || watch->unknown)
        pressure_note(judge, watch);
    struct severity_input input = {now_ns, watch->known, watch->measure};
    for (unsigned i = 0; i < SEVERITIES; i++) {
        const struct config_threshold *threshold = watch_threshold(watch->rule, i);
        const struct severity *before = &watch->severities[i];
        int64_t cleared_ns = before->cooling ? before->cleared_ns : 0;
        if (!threshold->present)
            continue;
        enum severity_event event = severity_step(&watch->severities[i], threshold, watch->fulls[i],
                                                  &watch->judged->timing, &input);
        if (watch->raised_once || event == SEVERITY_RAISE)
            flapping_step(judge, watch, i, event, cleared_ns, now_ns);
    }
    effect_step(judge, watch, now_ns);
    for (unsigned i = 0; i < SEVERITIES; i++) {
        if (watch->rule->shadow)
            merge_shadow(judge, watch, i, now_ns);
        else if (watch->resource >= 0 && watch_raised(watch, i))
            merge_offer(judge, watch, i);
    }
    if (watch->trip >= 0)
        trip_offer(judge, watch);
}

bool judge_step(struct judge *judge, int64_t now_ns)
{
    uint64_t recorded = judge->recorded;
    judge_bind(judge);
    why_step(judge);
    for (uint32_t i = 0; i < judge->rest_count; i++) {
        struct rest *rest = &judge->rests[i];
        uint64_t version =
            rest->metric != WATCH_NO_METRIC ? judge->metrics->versions[rest->metric] : 0;
        if (version == rest->version && now_ns <= rest->until_ns)
            continue;
        step_watch(judge, rest->watch, version != rest->version, now_ns);
        rest->version = version;
        rest->until_ns = quiet_until(judge, rest->watch);
    }
    merge_post(judge, now_ns);
    judge->before = NULL;
    trip_arm(judge);
    return judge->recorded != recorded;
}

unsigned judge_raised(const struct judge *judge, struct judge_raised *raised, unsigned max)
{
    unsigned count = 0;
    if (judge->live == 0)
        return 0;
    for (unsigned severity = SEVERITIES; severity-- > 0;) {
        unsigned first = count;
        for (unsigned resource = 0; resource < BUS_RESOURCES_MAX; resource++) {
            const struct merged *merged = &judge->merged[severity][resource];
            if (merged->foremost == NULL)
                continue;
            /* Into its place among those of its kind; what falls off the end is the mildest. */
            unsigned place = count++;
            for (; place > first; place--) {
                if (place - 1 < max && raised[place - 1].level >= merged->level)
                    break;
                if (place < max)
                    raised[place] = raised[place - 1];
            }
            if (place < max)
                raised[place] = (struct judge_raised){
                    severity_kind(severity),      resource,      merged->level, merged->since_ns,
                    merged->foremost->rule->name, merged->reason};
        }
    }
    return count;
}
