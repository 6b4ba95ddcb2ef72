/* SPDX-License-Identifier: Apache-2.0 */
/* Feeding a record into a rehearsal, in the order in which its values were taken. */
#include "cli/replay.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/rehearsal.h"
#include "monitor/monitor.h"

#define TOGETHER_NS (20 * VAGUS_MILLISECOND_NS) /* values so near belong to one tick */
#define CALM_NS                                                                                    \
    (600 * VAGUS_SECOND_NS) /* after so long a hole a step each second will do,                    \
                                after a day one each minute */

/* --- What a policy looks at. --- */

static bool is_derived(const struct vagus_config *config, const char *name)
{
    for (uint32_t i = 0; i < config->derived_count; i++)
        if (strcmp(config->derived[i].name, name) == 0)
            return true;
    return strcmp(name, "agent.progress.age") == 0 || strncmp(name, "vagus.", 6) == 0;
}

/* Calls for each name once or more, until it answers true. */
static bool each_needed(const struct vagus_config *config,
                        bool (*on_name)(const char *name, void *arg), void *arg)
{
    for (uint32_t i = 0; i < config->rule_count; i++) {
        const char *metric = config->rules[i].metric;
        if (metric == NULL)
            continue;
        if (strcmp(metric, "agent.progress.age") == 0)
            metric = "agent.progress";
        if (!is_derived(config, metric) && on_name(metric, arg))
            return true;
    }
    for (uint32_t i = 0; i < config->derived_count; i++)
        for (uint32_t j = 0; j < config->derived[i].of_count; j++)
            if (!is_derived(config, config->derived[i].of[j]) &&
                on_name(config->derived[i].of[j], arg))
                return true;
    for (uint32_t i = 0; i < config->budget_count; i++) {
        const struct config_budget *budget = &config->budgets[i];
        if ((budget->counts != NULL && on_name(budget->counts, arg)) ||
            (budget->live != NULL && on_name(budget->live, arg)))
            return true;
    }
    return false;
}

static bool is_name(const char *name, void *arg)
{
    return strcmp(name, arg) == 0;
}

static bool is_counted(const struct vagus_config *config, const char *name)
{
    for (uint32_t i = 0; i < config->budget_count; i++)
        if (config->budgets[i].counts != NULL && strcmp(config->budgets[i].counts, name) == 0)
            return true;
    return false;
}

struct absence {
    const struct record *record;
    struct replay_notes *notes;
};

static bool note_absence(const char *name, void *arg)
{
    struct absence *absence = arg;
    for (uint32_t i = 0; i < absence->record->series_count; i++)
        if (strcmp(absence->record->series[i].metric.name, name) == 0)
            return false;
    if (absence->notes->absent++ == 0)
        text_copy(absence->notes->first_absent, sizeof(absence->notes->first_absent), name);
    return false;
}

/* What the agent's own calls reserved and took is in no record. */
static void note_budgets(const struct vagus_config *config, struct replay_notes *notes)
{
    for (uint32_t i = 0; i < config->budget_count; i++) {
        const struct config_budget *budget = &config->budgets[i];
        bool marked = budget->warning.present || budget->critical.present;
        if (marked && budget->counts == NULL && notes->asked++ == 0)
            text_copy(notes->first_asked, sizeof(notes->first_asked), budget->name);
    }
}

/* --- Feeding. --- */

struct fed {
    const struct record_series *series;
    struct record_cursor cursor;
    struct record_entry entry; /* the next one */
    int64_t due_ns;            /* when it was known; INT64_MAX: no more */
    double base;               /* of a counter that a budget counts: where the record begins */
    bool begun;
};

/* Near a limit a sense is read between two ticks, too, and these values enter no series. Those that
 * raised or cleared something are told by the signal. */
struct told {
    int64_t at_ns;
    size_t metric;
    double value; /* NaN: none, but the monitor judged then */
};
#define TOLD_MAX (2 * SEGMENT_SIGNALS_MAX)

struct feeding {
    struct told told[TOLD_MAX];
    uint32_t told_count, told_next;
    struct fed *fed;
    struct rehearsal_metric *metrics;
    size_t count;
    int64_t period_ns;
    struct rehearsal *rehearsal;
    struct replay_events *events;
    struct replay_notes *notes;
};

static void advance(struct fed *fed)
{
    fed->due_ns = INT64_MAX;
    if (record_next(&fed->cursor, &fed->entry))
        fed->due_ns = fed->entry.at_ns + fed->entry.width_ns;
}

/* What is known in buckets alone is as good as its neighbour allows. */
static int64_t good_for_ns(const struct record_series *series)
{
    int64_t good_for_ns = series->metric.good_for_ns;
    return good_for_ns < 3 * series->coarsest_ns ? 3 * series->coarsest_ns : good_for_ns;
}

static void add_series(struct feeding *feeding, const struct vagus_config *config,
                       const struct record_series *series)
{
    const struct segment_metric *metric = &series->metric;
    struct replay_notes *notes = feeding->notes;
    if (metric->kind != VAGUS_COUNTER && metric->kind != VAGUS_GAUGE) {
        notes->histograms++;
        return;
    }
    struct fed *fed = &feeding->fed[feeding->count];
    feeding->metrics[feeding->count++] = (struct rehearsal_metric){
        .desc = {.name = metric->name,
                 .instance = metric->instance[0] != '\0' ? metric->instance : NULL,
                 .label = metric->label[0] != '\0' ? metric->label : NULL,
                 .unit = metric->unit[0] != '\0' ? metric->unit : NULL,
                 .resource = metric->resource[0] != '\0' ? metric->resource : NULL,
                 .kind = (enum vagus_metric_kind)metric->kind,
                 .tier = (enum vagus_tier)metric->tier,
                 .min = metric->min,
                 .max = metric->max,
                 .resolution = metric->resolution,
                 .good_for_ns = good_for_ns(series)},
        .recorded = metric->kind == VAGUS_COUNTER && is_counted(config, metric->name),
    };
    int64_t period_ns = segment_level_ns(metric->tier == VAGUS_TIER_DEFAULT   ? VAGUS_TIER_1S
                                         : metric->tier == VAGUS_TIER_INSTANT ? VAGUS_TIER_100MS
                                                                              : metric->tier);
    if (feeding->period_ns == 0 || period_ns < feeding->period_ns)
        feeding->period_ns = period_ns;
    notes->coarse += series->coarsest_ns > 0;
    if (series->coarsest_ns > notes->coarsest_ns)
        notes->coarsest_ns = series->coarsest_ns;
    fed->series = series;
    record_seek_begin(&fed->cursor, series);
    advance(fed);
}

static int choose_metrics(struct feeding *feeding, const struct record *record,
                          const struct vagus_config *config)
{
    struct absence absence = {record, feeding->notes};
    feeding->fed = calloc(record->series_count + 1, sizeof(*feeding->fed));
    feeding->metrics = calloc(record->series_count + 1, sizeof(*feeding->metrics));
    if (feeding->fed == NULL || feeding->metrics == NULL)
        return VAGUS_ENOMEM;
    for (uint32_t i = 0; i < record->series_count; i++)
        if (each_needed(config, is_name, record->series[i].metric.name))
            add_series(feeding, config, &record->series[i]);
    each_needed(config, note_absence, &absence);
    note_budgets(config, feeding->notes);
    feeding->notes->fed = (uint32_t)feeding->count;
    return feeding->count == 0 ? VAGUS_ENOENT : 0;
}

/* The signal's value is one of the metric itself: as far as the policy at hand can tell. */
static bool tells_a_value(const struct vagus_config *config, const struct vagus_signal *signal)
{
    for (uint32_t i = 0; i < config->rule_count; i++) {
        const struct config_rule *rule = &config->rules[i];
        if (strcmp(rule->name, signal->rule) == 0)
            return rule->metric != NULL && strcmp(rule->metric, signal->metric) == 0 &&
                   strcmp(rule->kind, "level") == 0 && rule->stat == VAGUS_STAT_LAST;
    }
    return false;
}

/* True if the series has that value at that time: it came with a tick. */
static bool is_in_series(const struct record_series *series, const struct told *told)
{
    struct record_cursor cursor;
    struct record_entry entry;
    double near = series->metric.resolution > 0 ? series->metric.resolution : 1e-9;
    record_seek_begin(&cursor, series);
    while (record_next(&cursor, &entry) && entry.at_ns <= told->at_ns + TOGETHER_NS)
        if (entry.at_ns >= told->at_ns - TOGETHER_NS && entry.count > 0 &&
            fabs(entry.last - told->value) <= near)
            return true;
    return false;
}

static void insert_told(struct feeding *feeding, const struct told *told)
{
    uint32_t place = feeding->told_count;
    if (place == TOLD_MAX)
        return;
    for (; place > 0 && feeding->told[place - 1].at_ns > told->at_ns; place--)
        feeding->told[place] = feeding->told[place - 1];
    feeding->told[place] = *told;
    feeding->told_count++;
}

static void add_told(struct feeding *feeding, const struct vagus_signal *signal)
{
    /* A read may end a little after the step that it belongs to began. */
    int64_t age_ns = signal->sample_age_ns > 0 ? signal->sample_age_ns : 0;
    struct told told = {.at_ns = signal->at_ns - age_ns, .value = signal->value};
    while (told.metric < feeding->count &&
           (strcmp(feeding->fed[told.metric].series->metric.name, signal->metric) != 0 ||
            strcmp(feeding->fed[told.metric].series->metric.instance, signal->instance) != 0))
        told.metric++;
    if (told.metric == feeding->count || feeding->metrics[told.metric].recorded)
        return;
    if (!is_in_series(feeding->fed[told.metric].series, &told))
        insert_told(feeding, &told);
    /* The live monitor judged at that time, whatever the grid of the ticks. */
    insert_told(feeding, &(struct told){.at_ns = signal->at_ns, .value = NAN});
}

static void add_all_told(struct feeding *feeding, const struct record *record,
                         const struct vagus_config *config)
{
    for (uint32_t i = 0; i < record->signal_count; i++) {
        const struct vagus_signal *signal = &record->signals[i].signal;
        if (isfinite(signal->value) && signal->at_ns > 0 && signal->sample_age_ns < signal->at_ns &&
            tells_a_value(config, signal))
            add_told(feeding, signal);
    }
}

static void put(struct feeding *feeding, size_t index)
{
    struct fed *fed = &feeding->fed[index];
    bool recorded = feeding->metrics[index].recorded;
    if (fed->entry.count == 0) {
        if (!recorded)
            rehearsal_miss(feeding->rehearsal, index);
        return;
    }
    if (!fed->begun)
        fed->base = recorded ? fed->entry.last : 0; /* what was spent before is not known */
    fed->begun = true;
    /* A counter that began anew is counted from there. */
    if (recorded && rehearsal_put(feeding->rehearsal, index, fed->entry.last - fed->base) == 0)
        return;
    if (recorded)
        fed->base = fed->entry.last;
    else
        rehearsal_put(feeding->rehearsal, index, fed->entry.last);
}

static int64_t next_due_ns(const struct feeding *feeding)
{
    int64_t next_ns = INT64_MAX;
    for (size_t i = 0; i < feeding->count; i++)
        if (feeding->fed[i].due_ns < next_ns)
            next_ns = feeding->fed[i].due_ns;
    return next_ns;
}

/* All that came together, each metric once. Returns when the last of it came. */
static int64_t put_together(struct feeding *feeding, int64_t next_ns)
{
    int64_t at_ns = next_ns, until_ns = next_ns + TOGETHER_NS;
    if (feeding->told_next < feeding->told_count &&
        feeding->told[feeding->told_next].at_ns < until_ns)
        until_ns = feeding->told[feeding->told_next].at_ns;
    for (size_t i = 0; i < feeding->count; i++) {
        struct fed *fed = &feeding->fed[i];
        if (fed->due_ns > until_ns)
            continue;
        at_ns = fed->due_ns > at_ns ? fed->due_ns : at_ns;
        put(feeding, i);
        advance(fed);
    }
    return at_ns;
}

static void keep(struct replay_events *events, bool shadow, const struct vagus_signal *signal)
{
    if (events->count == events->room) {
        size_t room = events->room == 0 ? 256 : 2 * events->room;
        struct replay_event *grown = events->count < REPLAY_EVENTS_MAX
                                         ? realloc(events->events, room * sizeof(*grown))
                                         : NULL;
        if (grown == NULL) {
            events->lost++;
            return;
        }
        events->events = grown;
        events->room = room;
    }
    events->events[events->count++] = (struct replay_event){shadow, *signal};
}

static void on_signal(const struct segment_signal *signal, void *arg)
{
    keep(arg, signal->shadow != 0, &signal->signal);
}

/* The newest signal may be younger than the newest value in any series, by less than a tick. */
static bool is_more(const struct feeding *feeding, int64_t now_ns)
{
    return next_due_ns(feeding) != INT64_MAX ||
           (feeding->told_next < feeding->told_count &&
            feeding->told[feeding->told_next].at_ns - now_ns <= feeding->period_ns);
}

static int go_through(struct feeding *feeding, int64_t from_ns)
{
    int64_t now_ns = from_ns - 1, heard_ns = from_ns, next_ns;
    int error = 0;
    while (error == 0 && is_more(feeding, now_ns)) {
        next_ns = next_due_ns(feeding);
        const struct told *told = &feeding->told[feeding->told_next];
        bool between = feeding->told_next < feeding->told_count && told->at_ns < next_ns;
        next_ns = between ? told->at_ns : next_ns;
        int64_t pace_ns = feeding->period_ns;
        if (now_ns - heard_ns > CALM_NS)
            pace_ns = now_ns - heard_ns > 144 * CALM_NS ? 60 * VAGUS_SECOND_NS : VAGUS_SECOND_NS;
        if (next_ns - now_ns <= pace_ns + TOGETHER_NS) {
            if (between && !isnan(told->value))
                rehearsal_put(feeding->rehearsal, told->metric, told->value);
            else if (!between)
                next_ns = put_together(feeding, next_ns);
            feeding->told_next += between;
            now_ns = heard_ns = next_ns > now_ns ? next_ns : now_ns + 1;
        } else {
            now_ns += pace_ns; /* time alone changes things, too */
        }
        error = rehearsal_step(feeding->rehearsal, now_ns);
        feeding->notes->last_resorts += rehearsal_last_resort(feeding->rehearsal);
    }
    feeding->notes->first_ns = from_ns;
    feeding->notes->last_ns = now_ns;
    return error;
}

static int rehearse(struct feeding *feeding, const struct record *record, const char *policy_path,
                    struct vagus_fault_list *faults)
{
    const char *which;
    int64_t from_ns = next_due_ns(feeding);
    if (from_ns == INT64_MAX || from_ns < 1)
        return VAGUS_ENOENT;
    int error = rehearsal_open(
        &(struct rehearsal_options){.policy_path = policy_path,
                                    .metrics = feeding->metrics,
                                    .metric_count = feeding->count,
                                    .wall_offset_ns = (int64_t)((uint64_t)record->about.wall_to_ns -
                                                                (uint64_t)record->about.to_ns),
                                    .faults = faults,
                                    .on_signal = on_signal,
                                    .arg = feeding->events},
        &feeding->rehearsal, &which);
    if (error == 0)
        error = go_through(feeding, from_ns);
    if (feeding->rehearsal != NULL)
        feeding->events->lost += rehearsal_lost(feeding->rehearsal);
    rehearsal_close(feeding->rehearsal);
    return error;
}

int replay_run(const struct record *record, const char *policy_path,
               struct vagus_fault_list *faults, struct replay_events *events,
               struct replay_notes *notes)
{
    struct vagus_config *config = NULL;
    struct feeding feeding = {.events = events, .notes = notes};
    *events = (struct replay_events){0};
    *notes = (struct replay_notes){0};
    int error = config_load(policy_path, NULL, &monitor_vocabulary, faults, &config);
    if (error == 0)
        error = choose_metrics(&feeding, record, config);
    if (error == 0)
        add_all_told(&feeding, record, config);
    if (error == 0)
        error = rehearse(&feeding, record, policy_path, faults);
    config_free(config);
    free(feeding.fed);
    free(feeding.metrics);
    return error;
}

int replay_live(const struct record *record, struct replay_events *events)
{
    *events = (struct replay_events){0};
    for (uint32_t i = 0; i < record->signal_count; i++)
        keep(events, record->signals[i].shadow != 0, &record->signals[i].signal);
    return events->lost > 0 ? VAGUS_ENOMEM : 0;
}

void replay_finish(struct replay_events *events)
{
    free(events->events);
    *events = (struct replay_events){0};
}

/* --- Comparing. --- */

#define LEVEL_NEAR 0.01 /* of two changes of level that are the same one */

static bool is_same(const struct replay_event *a, const struct replay_event *b,
                    int64_t tolerance_ns)
{
    int64_t apart_ns;
    return a->shadow == b->shadow && a->signal.kind == b->signal.kind &&
           a->signal.change == b->signal.change &&
           (a->signal.change != VAGUS_SIGNAL_UPDATED ||
            fabs(a->signal.level - b->signal.level) < LEVEL_NEAR) &&
           (a->signal.kind != VAGUS_MODE_CHANGE || strcmp(a->signal.rule, b->signal.rule) == 0) &&
           strcmp(a->signal.resource, b->signal.resource) == 0 &&
           !__builtin_sub_overflow(a->signal.at_ns, b->signal.at_ns, &apart_ns) &&
           apart_ns <= tolerance_ns && -apart_ns <= tolerance_ns;
}

int replay_match(const struct replay_events *a, const struct replay_events *b, int64_t tolerance_ns,
                 size_t *match_a, size_t *match_b)
{
    int matched = 0;
    size_t from = 0; /* what lies further back is too old for all that follow */
    for (size_t i = 0; i < a->count; i++) {
        int64_t at_ns = a->events[i].signal.at_ns;
        while (from < b->count && b->events[from].signal.at_ns < at_ns &&
               at_ns - b->events[from].signal.at_ns > tolerance_ns)
            from++;
        for (size_t j = from; j < b->count; j++) {
            if (b->events[j].signal.at_ns > at_ns &&
                b->events[j].signal.at_ns - at_ns > tolerance_ns)
                break;
            if (match_b[j] != 0 || !is_same(&a->events[i], &b->events[j], tolerance_ns))
                continue;
            match_a[i] = j + 1;
            match_b[j] = i + 1;
            matched += a->events[i].signal.change != VAGUS_SIGNAL_UPDATED;
            break;
        }
    }
    return matched;
}
