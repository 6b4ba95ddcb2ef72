/* SPDX-License-Identifier: Apache-2.0 */
/* The health summary for a program: one JSON object, always valid UTF-8, null for what is not
 * known. The readings come from the table that assembles the snapshot, so none can be forgotten. */
#include <math.h>

#include "report/findings.h"
#include "vagus/collector.h"

#define JSON_TRANSITIONS 8

/* An object or array under way: knows whether a comma is due. */
struct json {
    struct text *text;
    bool filled;
};

static void key(struct json *json, const char *name)
{
    text_addf(json->text, "%s\"%s\":", json->filled ? "," : "", name);
    json->filled = true;
}

static void open_in(struct json *json, const char *bracket)
{
    text_add(json->text, bracket);
    json->filled = false;
}

static void close_in(struct json *json, const char *bracket)
{
    text_add(json->text, bracket);
    json->filled = true;
}

/* The next element of an array. */
static void element(struct json *json)
{
    if (json->filled)
        text_add(json->text, ",");
    open_in(json, "{");
}

static void put_string(struct json *json, const char *name, const char *value)
{
    key(json, name);
    text_add_json(json->text, value);
}

static void put_number(struct json *json, const char *name, double value)
{
    key(json, name);
    text_add_json_number(json->text, value);
}

/* A level is no more exact than a transition makes it. */
static void put_level(struct json *json, double level)
{
    put_number(json, "level", rint(level * 1e4) / 1e4);
}

static void put_count(struct json *json, const char *name, uint64_t value)
{
    key(json, name);
    text_addf(json->text, "%llu", (unsigned long long)value);
}

static void put_bool(struct json *json, const char *name, bool value)
{
    key(json, name);
    text_add(json->text, value ? "true" : "false");
}

static void put_error(struct json *json, const char *name, int error)
{
    key(json, name);
    if (error == 0)
        text_add(json->text, "null");
    else
        text_add_json(json->text, vagus_error_name(error));
}

/* Whole milliseconds: a number that no locale writes with a comma. */
static void put_ns(struct json *json, const char *name, int64_t ns)
{
    int64_t ms = ns > 0 ? ns / VAGUS_MILLISECOND_NS : 0;
    key(json, name);
    text_addf(json->text, "%lld.%03d", (long long)(ms / 1000), (int)(ms % 1000));
}

/* How long ago something was; null if it never was. */
static void put_age(struct json *json, const char *name, int64_t at_ns, int64_t now_ns)
{
    if (at_ns != 0) {
        put_ns(json, name, report_span_ns(at_ns, now_ns));
        return;
    }
    key(json, name);
    text_add(json->text, "null");
}

static void put_reading(struct json *json, const char *name, const struct vagus_reading *reading,
                        const char *unit, int64_t now_ns)
{
    enum vagus_state state = vagus_reading_state(reading, now_ns);
    key(json, name);
    open_in(json, "{");
    key(json, "value");
    if (state == VAGUS_STATE_OK || state == VAGUS_STATE_STALE)
        text_add_json_number(json->text, reading->value);
    else
        text_add(json->text, "null");
    put_string(json, "unit", unit);
    put_string(json, "state", vagus_state_name(state));
    put_age(json, "age_s", reading->taken_ns, now_ns);
    if (state == VAGUS_STATE_ERROR)
        put_error(json, "error", reading->error);
    close_in(json, "}");
}

static void put_identity(struct json *json, const struct report *report)
{
    const struct segment_header *header = &report->header;
    char reason[256];
    struct text words;
    text_init(&words, reason, sizeof(reason));
    report_add_reason(report, &words);

    put_string(json, "verdict", vagus_verdict_name(report_verdict(report)));
    put_string(json, "reason", reason);
    put_string(json, "agent", header->agent);
    put_string(json, "program", header->program);
    key(json, "pid");
    text_addf(json->text, "%lld", (long long)header->pid);
    put_string(json, "life", report_life_name(report_life(report)));
    put_bool(json, "alive", report->alive);
    put_age(json, "started_age_s", header->started_ns, report->now_ns);
    put_age(json, "published_age_s",
            report->snapshot_error == 0 ? report->snapshot.published_ns : 0, report->now_ns);
    put_error(json, "snapshot_error", report->snapshot_error);
    put_string(json, "version", header->library_version);
}

/* What a transition and a raised signal have in common. */
static void put_signal(struct json *json, const struct vagus_signal *signal)
{
    put_string(json, "rule", signal->rule);
    put_string(json, "metric", signal->metric);
    put_string(json, "label", signal->label);
    put_string(json, "instance", signal->instance);
    put_string(json, "unit", signal->unit);
    put_number(json, "value", signal->value);
    put_number(json, "threshold", signal->threshold);
    put_string(json, "reason", signal->reason);
    if (signal->sample_age_ns >= 0) {
        put_ns(json, "sample_age_s", signal->sample_age_ns);
        return;
    }
    key(json, "sample_age_s"); /* there never was a sample */
    text_add(json->text, "null");
}

static void put_raised(struct json *json, const struct report *report)
{
    key(json, "signal_count");
    if (report->snapshot_error == 0)
        text_addf(json->text, "%u", report->snapshot.signal_count);
    else
        text_add(json->text, "null");
    key(json, "signals");
    open_in(json, "[");
    for (uint32_t i = 0; i < report_raised_count(report); i++) {
        const struct vagus_snapshot_signal *raised = &report->snapshot.signals[i];
        const struct segment_signal *entry = report_transition_of(report, raised);
        element(json);
        put_string(json, "kind", vagus_signal_kind_name(raised->kind));
        put_string(json, "resource", raised->resource);
        put_level(json, (double)raised->level);
        put_age(json, "since_age_s", raised->since_ns, report->now_ns);
        if (entry != NULL) {
            put_signal(json, &entry->signal);
            put_count(json, "told", entry->told);
        } else {
            put_string(json, "rule", raised->rule);
        }
        close_in(json, "}");
    }
    close_in(json, "]");
}

/* What each listener did: null for a call that has not come back, and for what nobody said. */
static void put_deeds(struct json *json, const struct segment_signal *entry)
{
    key(json, "listeners");
    open_in(json, "[");
    for (uint32_t i = 0; i < entry->deed_count && i < SEGMENT_DEEDS_MAX; i++) {
        const struct segment_deed *deed = &entry->deeds[i];
        element(json);
        put_string(json, "name", deed->listener);
        put_number(json, "took_s", deed->took_ns >= 0 ? (double)deed->took_ns / 1e9 : NAN);
        put_number(json, "released", deed->released);
        close_in(json, "}");
    }
    close_in(json, "]");
}

static void put_transition(struct json *json, const struct segment_signal *entry, int64_t now_ns)
{
    element(json);
    put_count(json, "sequence", entry->signal.sequence);
    put_string(json, "kind", vagus_signal_kind_name(entry->signal.kind));
    put_string(json, "resource", entry->signal.resource);
    put_string(json, "change", report_change_name(entry->signal.change));
    put_age(json, "age_s", entry->signal.at_ns, now_ns);
    put_ns(json, "unix_s", entry->wall_ns);
    put_level(json, entry->signal.level);
    put_signal(json, &entry->signal);
    put_bool(json, "shadow", entry->shadow != 0);
    put_count(json, "told", entry->told);
    put_number(json, "level_before", rint(entry->level_before * 1e4) / 1e4);
    put_string(json, "why", report_why_name(entry->why));
    put_string(json, "outcome", report_outcome_name(entry->outcome));
    put_number(json, "value_after", entry->value_after);
    put_deeds(json, entry);
    close_in(json, "}");
}

void report_transition_json(const struct segment_signal *entry, int64_t now_ns, struct text *text)
{
    struct json json = {.text = text};
    put_transition(&json, entry, now_ns);
}

static void put_transitions(struct json *json, const struct report *report)
{
    uint32_t shown =
        report->signal_count < JSON_TRANSITIONS ? report->signal_count : JSON_TRANSITIONS;
    put_count(json, "transition_count", report->signal_total);
    key(json, "transitions");
    open_in(json, "[");
    for (uint32_t i = 0; i < shown; i++)
        put_transition(json, &report->signals[report->signal_count - 1 - i], report->now_ns);
    close_in(json, "]");
}

/* null where the writer knew no modes. */
static void put_mode(struct json *json, const struct report *report)
{
    const struct vagus_snapshot_mode *mode = &report->snapshot.mode;
    key(json, "mode");
    if (report->snapshot_error != 0 || mode->name[0] == '\0') {
        text_add(json->text, "null");
        return;
    }
    open_in(json, "{");
    put_string(json, "name", mode->name);
    put_count(json, "index", mode->index);
    put_count(json, "count", mode->count);
    put_age(json, "since_age_s", mode->since_ns, report->now_ns);
    put_count(json, "changes", mode->changes);
    put_string(json, "before", mode->before);
    put_string(json, "waits_for", mode->waits_for);
    put_string(json, "unknown", mode->unknown);
    close_in(json, "}");
}

/* All readings of one part of the snapshot: each line of the table puts its own if it is of it. */
enum part { PART_cpu, PART_memory, PART_network, PART_process, PART_agent, PART_monitor };

static void put_part(struct json *json, const struct vagus_system_snapshot *snapshot,
                     enum part wanted, int64_t now_ns)
{
#define SNAPSHOT_FIELD(part, field, metric, unit)                                                  \
    if (wanted == PART_##part)                                                                     \
        put_reading(json, #field, &snapshot->part.field, unit, now_ns);
#define SNAPSHOT_EITHER(part, field, metric, other, unit) SNAPSHOT_FIELD(part, field, metric, unit)
#define SNAPSHOT_RATIO(part, field, metric, whole) SNAPSHOT_FIELD(part, field, metric, "1")
#define SNAPSHOT_QUANTILE(part, field, metric, share) SNAPSHOT_FIELD(part, field, metric, "s")
#define SNAPSHOT_NETWORK_RATE(part, field, metric, unit) SNAPSHOT_FIELD(part, field, metric, unit)
#define SNAPSHOT_COUNT(field, metric, unit)                                                        \
    if (wanted == PART_agent) {                                                                    \
        put_reading(json, #field, &snapshot->agent.field.total, unit, now_ns);                     \
        put_reading(json, #field "_hour", &snapshot->agent.field.hour, unit, now_ns);              \
        put_reading(json, #field "_day", &snapshot->agent.field.day, unit, now_ns);                \
    }
#include "report/snapshot.def"
    if (wanted == PART_agent)
        put_reading(json, "error_rate", &snapshot->agent.error_rate, "1/s", now_ns);
}

static void put_gpus(struct json *json, const struct report *report)
{
    const struct vagus_system_snapshot *snapshot = &report->snapshot;
    key(json, "gpus");
    open_in(json, "[");
    for (uint32_t i = 0; i < snapshot->gpu_count && i < VAGUS_SNAPSHOT_GPUS; i++) {
        const struct vagus_snapshot_gpu *gpu = &snapshot->gpus[i];
        element(json);
        put_string(json, "device", gpu->device);
#define SNAPSHOT_GPU_FIELD(field, metric, unit)                                                    \
    put_reading(json, #field, &gpu->field, unit, report->now_ns);
#include "report/snapshot.def"
        close_in(json, "}");
    }
    close_in(json, "]");
}

/* What is left may be negative: overdrawn. Of one that is not known the amounts are null. */
static void put_budgets(struct json *json, const struct report *report)
{
    const struct vagus_system_snapshot *snapshot = &report->snapshot;
    key(json, "budgets");
    open_in(json, "[");
    for (uint32_t i = 0; i < snapshot->budget_count && i < VAGUS_SNAPSHOT_BUDGETS; i++) {
        const struct vagus_snapshot_budget *budget = &snapshot->budgets[i];
        const struct vagus_budget_status *status = &budget->status;
        element(json);
        put_string(json, "name", budget->name);
        put_string(json, "unit", budget->unit);
        put_string(json, "resource", budget->resource);
        put_ns(json, "window_s", budget->window_ns);
        put_number(json, "limit", status->known ? (double)status->limit : NAN);
        put_number(json, "left", status->known ? (double)status->left : NAN);
        put_count(json, "used", status->used);
        put_count(json, "reserved", status->reserved);
        put_count(json, "refused", status->refused);
        put_count(json, "expired", status->expired);
        put_bool(json, "known", status->known != 0);
        put_reading(json, "exhausted_in", &budget->exhausted_in, "s", report->now_ns);
        close_in(json, "}");
    }
    close_in(json, "]");
}

/* A value of null that is ok: not at this pace. */
static void put_forecasts(struct json *json, const struct report *report)
{
    const struct vagus_system_snapshot *snapshot = &report->snapshot;
    key(json, "forecasts");
    open_in(json, "[");
    for (uint32_t i = 0; i < snapshot->forecast_count && i < VAGUS_SNAPSHOT_FORECASTS; i++) {
        const struct vagus_snapshot_forecast *forecast = &snapshot->forecasts[i];
        element(json);
        put_string(json, "rule", forecast->rule);
        put_string(json, "metric", forecast->metric);
        put_string(json, "instance", forecast->instance);
        put_string(json, "resource", forecast->resource);
        put_reading(json, "exhausted_in", &forecast->exhausted_in, "s", report->now_ns);
        close_in(json, "}");
    }
    close_in(json, "]");
}

static void put_continuity(struct json *json, const struct report *report)
{
    const struct vagus_snapshot_continuity *continuity = &report->snapshot.continuity;
    key(json, "continuity");
    if (report->snapshot_error != 0) {
        text_add(json->text, "null");
        return;
    }
    open_in(json, "{");
    put_string(json, "last_end", report_end_name(continuity->last_end));
    put_count(json, "end_signal", continuity->end_signal);
    put_ns(json, "last_started_unix_s", continuity->last_started_wall_ns);
    put_ns(json, "last_ended_unix_s", continuity->last_ended_wall_ns);
    put_count(json, "starts", continuity->starts);
    put_count(json, "deaths", continuity->deaths);
    put_count(json, "deaths_hour", continuity->deaths_hour);
    put_count(json, "deaths_day", continuity->deaths_day);
    put_number(json, "online_s", continuity->online_s);
    close_in(json, "}");
}

/* Those that the policy names for the snapshot. */
static void put_metrics(struct json *json, const struct report *report)
{
    const struct vagus_system_snapshot *snapshot = &report->snapshot;
    key(json, "metrics");
    open_in(json, "[");
    for (uint32_t i = 0; i < snapshot->metric_count && i < VAGUS_SNAPSHOT_METRICS; i++) {
        const struct vagus_snapshot_metric *metric = &snapshot->metrics[i];
        element(json);
        put_string(json, "metric", metric->name);
        put_string(json, "label", metric->label);
        put_string(json, "instance", metric->instance);
        put_reading(json, "reading", &metric->reading, metric->unit, report->now_ns);
        close_in(json, "}");
    }
    close_in(json, "]");
}

static void put_organs(struct json *json, const struct report *report)
{
    static const struct {
        const char *name;
        enum part part;
    } parts[] = {{"memory", PART_memory},
                 {"cpu", PART_cpu},
                 {"network", PART_network},
                 {"process", PART_process},
                 {"agent_counters", PART_agent}};
    const struct vagus_system_snapshot *snapshot = &report->snapshot;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        key(json, parts[i].name);
        open_in(json, "{");
        put_part(json, snapshot, parts[i].part, report->now_ns);
        close_in(json, "}");
    }
    key(json, "disks");
    open_in(json, "[");
    for (uint32_t i = 0; i < snapshot->path_count && i < VAGUS_SNAPSHOT_PATHS; i++) {
        const struct vagus_snapshot_path *path = &snapshot->paths[i];
        element(json);
        put_string(json, "path", path->path);
#define SNAPSHOT_PATH_FIELD(field, metric, unit)                                                   \
    put_reading(json, #field, &path->field, unit, report->now_ns);
#include "report/snapshot.def"
        close_in(json, "}");
    }
    close_in(json, "]");
    put_gpus(json, report);
    put_budgets(json, report);
    put_forecasts(json, report);
    put_continuity(json, report);
    put_metrics(json, report);
}

static void put_listeners(struct json *json, const struct report *report)
{
    key(json, "listeners");
    open_in(json, "[");
    for (uint32_t i = 0; i < report->listener_count; i++) {
        const struct segment_listener *listener = &report->listeners[i];
        element(json);
        put_string(json, "name", listener->name);
        key(json, "kinds");
        text_add(json->text, "[");
        const char *comma = "";
        for (uint32_t kind = VAGUS_THROTTLE; kind <= VAGUS_MODE_CHANGE; kind <<= 1) {
            if (!(listener->kinds & kind))
                continue;
            text_addf(json->text, "%s\"%s\"", comma, vagus_signal_kind_name(kind));
            comma = ",";
        }
        text_add(json->text, "]");
        put_bool(json, "polled", (listener->flags & VAGUS_LISTENER_POLLED) != 0);
        put_count(json, "calls", listener->calls);
        put_age(json, "busy_s", listener->busy_since_ns, report->now_ns);
        put_bool(json, "hangs", report_hangs(listener->busy_since_ns, report_as_of_ns(report)));
        put_age(json, "last_call_age_s", listener->last_call_ns, report->now_ns);
        put_ns(json, "last_took_s", listener->last_took_ns);
        put_count(json, "last_sequence", listener->last_sequence);
        put_count(json, "acknowledged", listener->acknowledged);
        put_count(json, "relieved", listener->relieved);
        put_count(json, "unrelieved", listener->unrelieved);
        close_in(json, "}");
    }
    close_in(json, "]");
}

static void put_collectors(struct json *json, const struct report *report)
{
    key(json, "collectors");
    open_in(json, "[");
    for (uint32_t i = 0; i < report->collector_count; i++) {
        const struct segment_collector *collector = &report->collectors[i];
        element(json);
        put_string(json, "name", collector->name);
        put_error(json, "error", collector->error);
        put_bool(json, "blocking", (collector->flags & VAGUS_COLLECTOR_BLOCKING) != 0);
        put_count(json, "metrics", collector->metrics);
        put_count(json, "samples", collector->samples);
        put_count(json, "failures", collector->failures);
        put_count(json, "skipped", collector->skipped);
        put_age(json, "last_age_s", collector->last_ns, report->now_ns);
        key(json, "took_ns");
        text_addf(json->text, "%lld", (long long)collector->took_ns);
        put_bool(json, "hangs", report_hangs(collector->busy_since_ns, report_as_of_ns(report)));
        close_in(json, "}");
    }
    close_in(json, "]");
}

static void put_notes(struct json *json, const struct report *report)
{
    key(json, "notes");
    open_in(json, "[");
    for (uint32_t i = 0; i < report->note_count; i++) {
        const struct segment_note *note = &report->notes[i];
        element(json);
        put_string(json, "kind", report_note_name(note->kind));
        put_string(json, "text", note->text);
        put_count(json, "times", note->times);
        put_age(json, "age_s", note->at_ns, report->now_ns);
        close_in(json, "}");
    }
    close_in(json, "]");
}

static void put_monitor(struct json *json, const struct report *report)
{
    const struct vagus_snapshot_monitor *monitor = &report->snapshot.monitor;
    key(json, "monitor");
    if (report->snapshot_error != 0) {
        text_add(json->text, "null");
        return;
    }
    open_in(json, "{");
    put_part(json, &report->snapshot, PART_monitor, report->now_ns);
#define PUT_COUNT(field) put_count(json, #field, monitor->field)
    PUT_COUNT(ticks);
    PUT_COUNT(missed_ticks);
    PUT_COUNT(dropped_records);
    PUT_COUNT(refused_metrics);
    PUT_COUNT(metrics);
    PUT_COUNT(collectors);
    PUT_COUNT(failed_collectors);
    PUT_COUNT(listeners);
    PUT_COUNT(hung_listeners);
    PUT_COUNT(unwired);
#undef PUT_COUNT
    put_bool(json, "shared_slot", monitor->shared_slot != 0);
    put_bool(json, "anonymous_segment", monitor->anonymous_segment != 0);
    close_in(json, "}");
}

/* How many seconds back each level reaches; one that has nothing is left out. */
static void put_history(struct json *json, const struct report *report)
{
    static const char *const names[VAGUS_TIER_COUNT] = {NULL,   "instant_s", "100ms_s",
                                                        "1s_s", "10s_s",     "60s_s"};
    key(json, "history");
    open_in(json, "[");
    for (uint32_t i = 0; i < report->series_count; i++) {
        const struct report_series *series = &report->series[i];
        element(json);
        put_string(json, "metric", series->name);
        put_string(json, "label", series->label);
        put_string(json, "instance", series->instance);
        for (unsigned tier = VAGUS_TIER_INSTANT; tier < VAGUS_TIER_COUNT; tier++)
            if (series->since_ns[tier] != INT64_MAX)
                put_ns(json, names[tier],
                       report_span_ns(series->since_ns[tier], report_as_of_ns(report)));
        close_in(json, "}");
    }
    close_in(json, "]");
    put_count(json, "history_left_out", report->series_left_out);
}

void report_health_json(const struct report *report, struct text *text)
{
    struct json json = {.text = text};
    open_in(&json, "{");
    put_identity(&json, report);
    put_raised(&json, report);
    put_mode(&json, report);
    put_organs(&json, report);
    put_transitions(&json, report);
    put_listeners(&json, report);
    put_collectors(&json, report);
    put_notes(&json, report);
    put_monitor(&json, report);
    put_history(&json, report);
    close_in(&json, "}");
    text_add(text, "\n");
}
