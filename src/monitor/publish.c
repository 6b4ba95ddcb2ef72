/* SPDX-License-Identifier: Apache-2.0 */
/* Publishing the snapshot: what the sampler's step left behind, from all modules, into the four
 * slots of the segment and those in static memory. What did not change is not copied. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "monitor/monitor.h"

#define OVERDUE_NS VAGUS_SECOND_NS /* beyond the next deadline */

/* An organ that is not felt. One that nobody asked to sense, or not yet, is never, and no failure.
 */
static bool unfelt(const struct vagus_reading *reading, int64_t now_ns)
{
    enum vagus_state state = vagus_reading_state(reading, now_ns);
    return state != VAGUS_STATE_OK && state != VAGUS_STATE_NEVER;
}

static enum vagus_verdict verdict_of(const struct vagus_system_snapshot *s, unsigned kinds,
                                     int64_t now_ns)
{
    if ((kinds & VAGUS_SHUTDOWN) != 0)
        return VAGUS_VERDICT_CRITICAL;
    if (kinds != 0 || s->monitor.failed_collectors > 0 || s->monitor.hung_listeners > 0 ||
        unfelt(&s->memory.headroom, now_ns) || unfelt(&s->cpu.utilization, now_ns))
        return VAGUS_VERDICT_DEGRADED;
    return VAGUS_VERDICT_OK;
}

static unsigned fill_signals(struct vagus_monitor *monitor, struct vagus_system_snapshot *s)
{
    struct judge_raised raised[BUS_SLOTS];
    unsigned count = judge_raised(monitor->judge, raised, BUS_SLOTS);
    unsigned kinds = 0;

    if (count == 0 && s->signal_count == 0)
        return 0;
    memset(s->signals, 0, sizeof(s->signals));
    s->signal_count = count;
    for (unsigned i = 0; i < count && i < BUS_SLOTS; i++) {
        kinds |= raised[i].kind;
        if (i >= VAGUS_SNAPSHOT_SIGNALS)
            continue;
        struct vagus_snapshot_signal *signal = &s->signals[i];
        signal->kind = raised[i].kind;
        signal->level = (float)raised[i].level;
        signal->since_ns = raised[i].since_ns;
        text_copy(signal->resource, sizeof(signal->resource),
                  bus_resource_name(monitor->bus, raised[i].resource));
        text_copy(signal->rule, sizeof(signal->rule), raised[i].rule);
        text_copy(signal->reason, sizeof(signal->reason), raised[i].reason);
    }
    assemble_touch(&monitor->assembly, PART_SIGNALS);
    return kinds;
}

static void fill_mode(struct vagus_monitor *monitor, struct vagus_system_snapshot *s)
{
    struct vagus_snapshot_mode mode;
    memset(&mode, 0, sizeof(mode)); /* its padding too: it is compared */
    modes_show(&monitor->modes, &mode);
    if (memcmp(&mode, &s->mode, sizeof(mode)) == 0)
        return;
    s->mode = mode;
    assemble_touch(&monitor->assembly, PART_MODE);
}

static void fill_monitor(struct vagus_monitor *monitor, struct vagus_system_snapshot *s,
                         int64_t now_ns)
{
    const struct metrics *metrics = &monitor->metrics;
    s->monitor.ticks = monitor->schedule.ticks;
    s->monitor.missed_ticks = monitor->schedule.missed;
    s->monitor.dropped_records = cells_dropped() - monitor->dropped_before;
    s->monitor.refused_metrics = __atomic_load_n(&metrics->refused, __ATOMIC_RELAXED);
    s->monitor.metrics = metrics_count(metrics);
    s->monitor.collectors = sense_count(monitor->sense);
    s->monitor.failed_collectors = sense_failed(monitor->sense, now_ns);
    s->monitor.listeners = monitor->listeners;
    s->monitor.hung_listeners = monitor->hung;
    s->monitor.unwired = monitor->unwired;
    s->monitor.shared_slot = cells_shared_used(&metrics->cells);
}

/* --- Budgets. --- */

/* By how much what is left fell since the oldest mark, for each second: of a window what was spent
 * in that time, be it forgotten meanwhile. NaN: there is no mark yet. */
static double pace_of(const struct budget_marks *marks, int64_t gone, int64_t now_ns)
{
    if (marks->count == 0)
        return NAN;
    uint32_t oldest = marks->count > BUDGET_MARKS ? marks->count % BUDGET_MARKS : 0;
    int64_t span_ns = now_ns - marks->at_ns[oldest];
    return span_ns > 0
               ? (double)(gone - marks->gone[oldest]) / ((double)span_ns / (double)VAGUS_SECOND_NS)
               : NAN;
}

/* What grows as a budget is used up. */
static int64_t gone_of(const struct budget *budget)
{
    const struct allowance *a = budget->allowance;
    return a->window_ns > 0 ? (int64_t)__atomic_load_n(&a->spent, __ATOMIC_RELAXED)
                            : -allowance_left(a);
}

static struct vagus_reading exhausted_in(const struct vagus_monitor *monitor,
                                         const struct budget *budget,
                                         const struct budget_marks *marks, int64_t now_ns)
{
    struct vagus_reading reading = {.source = VAGUS_SOURCE_BUDGET};
    int64_t gone = gone_of(budget);
    double pace = pace_of(marks, gone, now_ns);
    bool spent_before = isnan(pace) && gone > 0; /* nobody knows how fast */
    if (!budget->allowance->known || (spent_before && allowance_left(budget->allowance) > 0)) {
        reading.error = VAGUS_EAGAIN;
        return reading;
    }
    reading.value = budget_lasts_s(budget, pace, now_ns);
    reading.taken_ns = now_ns;
    reading.good_until_ns =
        clock_add_ns(now_ns, metrics_stretched(&monitor->metrics, 3 * VAGUS_SECOND_NS));
    return reading;
}

/* Tickets are counted each second, by who shows the budget as a metric. */
static struct vagus_budget_status status_of(const struct vagus_monitor *monitor,
                                            const struct budget *budget)
{
    const struct allowance *a = budget->allowance;
    struct vagus_budget_status status = {
        .limit = __atomic_load_n(&a->limit, __ATOMIC_RELAXED),
        .left = allowance_left(a),
        .used = allowance_used(a),
        .refused = __atomic_load_n(&a->refused, __ATOMIC_RELAXED),
        .expired = __atomic_load_n(&a->expired, __ATOMIC_RELAXED),
        .known = __atomic_load_n(&a->known, __ATOMIC_RELAXED),
    };
    int reserved = budget->metrics[BUDGET_RESERVED];
    if (reserved >= 0)
        status.reserved = (uint64_t)monitor->metrics.readings[reserved].value;
    return status;
}

static void name_budget(const struct budget *budget, struct vagus_snapshot_budget *shown)
{
    text_copy(shown->name, sizeof(shown->name), budget->allowance->name);
    text_copy(shown->unit, sizeof(shown->unit), budget->allowance->unit);
    text_copy(shown->resource, sizeof(shown->resource), budget->resource);
    shown->window_ns = budget->allowance->window_ns;
}

static void fill_budgets(struct vagus_monitor *monitor, struct vagus_system_snapshot *s,
                         unsigned due, int64_t now_ns)
{
    bool second = (due & (1u << VAGUS_TIER_1S)) != 0;
    uint32_t count = monitor->budgets.count;
    for (uint32_t i = 0; i < count && i < VAGUS_SNAPSHOT_BUDGETS; i++) {
        const struct budget *budget = &monitor->budgets.entries[i];
        struct vagus_snapshot_budget *shown = &s->budgets[i];
        struct budget_marks *marks = &monitor->budget_marks[i];
        struct vagus_budget_status status = status_of(monitor, budget);
        if (i >= s->budget_count)
            name_budget(budget, shown);
        if (memcmp(&status, &shown->status, sizeof(status)) != 0 || second) {
            shown->status = status;
            assemble_touch(&monitor->assembly, PART_BUDGETS);
        }
        if (second)
            shown->exhausted_in = exhausted_in(monitor, budget, marks, now_ns);
        if ((due & (1u << VAGUS_TIER_10S)) != 0) {
            marks->at_ns[marks->count % BUDGET_MARKS] = now_ns;
            marks->gone[marks->count % BUDGET_MARKS] = gone_of(budget);
            marks->count++;
        }
    }
    s->budget_count = count;
}

/* --- Forecasts. --- */

static void fill_forecast(const struct vagus_monitor *monitor,
                          const struct judge_forecast *foretold,
                          struct vagus_snapshot_forecast *shown)
{
    memset(shown, 0, sizeof(*shown));
    text_copy(shown->rule, sizeof(shown->rule), foretold->rule->name);
    text_copy(shown->metric, sizeof(shown->metric), foretold->rule->metric);
    if (foretold->metric >= 0)
        text_copy(shown->instance, sizeof(shown->instance),
                  metrics_describe(&monitor->metrics, (uint32_t)foretold->metric)->instance);
    if (foretold->resource >= 0)
        text_copy(shown->resource, sizeof(shown->resource),
                  bus_resource_name(monitor->bus, (unsigned)foretold->resource));
    shown->exhausted_in.source = VAGUS_SOURCE_FORECAST;
    if (foretold->known) {
        shown->exhausted_in.value = foretold->left_s;
        shown->exhausted_in.taken_ns = foretold->measured_ns;
        shown->exhausted_in.good_until_ns = foretold->good_until_ns;
    } else if (foretold->measured_ns != 0) {
        shown->exhausted_in.error = VAGUS_EAGAIN; /* too little is known to foretell anything */
    }
}

static void fill_forecasts(struct vagus_monitor *monitor, struct vagus_system_snapshot *s)
{
    struct judge_forecast foretold[VAGUS_SNAPSHOT_FORECASTS];
    unsigned count = judge_forecasts(monitor->judge, foretold, VAGUS_SNAPSHOT_FORECASTS);
    if (count == 0 && s->forecast_count == 0)
        return;
    if (count < s->forecast_count)
        memset(s->forecasts, 0, sizeof(s->forecasts));
    s->forecast_count = count;
    for (unsigned i = 0; i < count && i < VAGUS_SNAPSHOT_FORECASTS; i++)
        fill_forecast(monitor, &foretold[i], &s->forecasts[i]);
    assemble_touch(&monitor->assembly, PART_FORECASTS);
}

/* --- All of it. --- */

void publish_bind(struct vagus_monitor *monitor)
{
    const struct vagus_config *config = reload_config(monitor);
    const struct assemble_names names = {config->snapshot_metrics, config->snapshot_metric_count};
    assemble_bind(&monitor->assembly, &monitor->metrics, &names, &monitor->snapshot);
}

void publish_begin(struct vagus_monitor *monitor, int64_t now_ns)
{
    struct vagus_system_snapshot *s = &monitor->snapshot;
    s->size = sizeof(*s);
    s->version = VAGUS_SNAPSHOT_VERSION;
    s->started_ns = now_ns;
    s->monitor.anonymous_segment = monitor->segment.fd < 0;
}

void publish(struct vagus_monitor *monitor, unsigned due, int64_t now_ns)
{
    struct vagus_system_snapshot *s = &monitor->snapshot;
    struct segment_range ranges[ASSEMBLE_PARTS];

    if (VAGUS_UNLIKELY(monitor->assembly.bound_count != metrics_count(&monitor->metrics)))
        publish_bind(monitor);
    else
        assemble_readings(&monitor->assembly, &monitor->metrics, s);
    if ((due & (1u << VAGUS_TIER_1S)) != 0) {
        assemble_history(&monitor->assembly, &monitor->metrics, due, monitor->started_ns, now_ns,
                         s);
        fill_forecasts(monitor, s);
    }
    fill_budgets(monitor, s, due, now_ns);
    fill_mode(monitor, s);
    fill_monitor(monitor, s, now_ns);
    s->judged = verdict_of(s, fill_signals(monitor, s), now_ns);
    s->sequence = ++monitor->publications;
    s->published_ns = now_ns;
    s->good_until_ns = clock_add_ns(schedule_next_ns(&monitor->schedule), OVERDUE_NS);
    s->wall_ns = clock_wall_ns(&monitor->clock);
    unsigned count = assemble_ranges(&monitor->assembly, s->sequence, ranges);
    metrics_mirror(&monitor->metrics, now_ns);
    segment_publish_ranges(&monitor->published, s->sequence, s, ranges, count);
    segment_publish_ranges(segment_slots(&monitor->segment), s->sequence, s, ranges, count);
}
