/* SPDX-License-Identifier: Apache-2.0 */
/* The health summary for a program: one JSON object, always valid UTF-8, null for what is not
 * known. The readings come from the table that assembles the snapshot, so none can be forgotten. */
#include <math.h>

#include "report/findings.h"
#include "report/json.h"
#include "report/view.h"
#include "vagus/collector.h"

#define JSON_TRANSITIONS 8

static void put_identity(struct json *json, const struct report *report)
{
    const struct segment_header *header = &report->header;
    char reason[256];
    struct text words;
    text_init(&words, reason, sizeof(reason));
    report_add_reason(report, &words);

    json_string(json, "verdict", vagus_verdict_name(report_verdict(report)));
    json_string(json, "reason", reason);
    json_string(json, "agent", header->agent);
    json_string(json, "program", header->program);
    json_integer(json, "pid", header->pid);
    json_string(json, "life", report_life_name(report_life(report)));
    json_bool(json, "alive", report->alive);
    json_age(json, "started_age_s", header->started_ns, report->now_ns);
    json_age(json, "published_age_s",
             report->snapshot_error == 0 ? report->snapshot.published_ns : 0, report->now_ns);
    json_error(json, "snapshot_error", report->snapshot_error);
    json_string(json, "version", header->library_version);
}

/* What a transition and a raised signal have in common. */
static void put_signal(struct json *json, const struct vagus_signal *signal)
{
    json_string(json, "rule", signal->rule);
    json_string(json, "metric", signal->metric);
    json_string(json, "label", signal->label);
    json_string(json, "instance", signal->instance);
    json_string(json, "unit", signal->unit);
    json_number(json, "value", signal->value);
    json_number(json, "threshold", signal->threshold);
    json_string(json, "reason", signal->reason);
    if (signal->sample_age_ns >= 0)
        json_span(json, "sample_age_s", signal->sample_age_ns);
    else
        json_null(json, "sample_age_s"); /* there never was a sample */
}

static void put_raised(struct json *json, const struct report *report)
{
    if (report->snapshot_error == 0)
        json_count(json, "signal_count", report->snapshot.signal_count);
    else
        json_null(json, "signal_count");
    json_key(json, "signals");
    json_open(json, "[");
    for (uint32_t i = 0; i < report_raised_count(report); i++) {
        const struct vagus_snapshot_signal *raised = &report->snapshot.signals[i];
        const struct segment_signal *entry = report_transition_of(report, raised);
        json_element(json);
        json_string(json, "kind", vagus_signal_kind_name(raised->kind));
        json_string(json, "resource", raised->resource);
        json_level(json, (double)raised->level);
        json_age(json, "since_age_s", raised->since_ns, report->now_ns);
        if (entry != NULL) {
            put_signal(json, &entry->signal);
            json_count(json, "told", entry->told);
        } else {
            json_string(json, "rule", raised->rule);
        }
        json_close(json, "}");
    }
    json_close(json, "]");
}

/* What each listener did: null for a call that has not come back, and for what nobody said. */
static void put_deeds(struct json *json, const struct segment_signal *entry)
{
    json_key(json, "listeners");
    json_open(json, "[");
    for (uint32_t i = 0; i < entry->deed_count && i < SEGMENT_DEEDS_MAX; i++) {
        const struct segment_deed *deed = &entry->deeds[i];
        json_element(json);
        json_string(json, "name", deed->listener);
        json_number(json, "took_s", deed->took_ns >= 0 ? (double)deed->took_ns / 1e9 : NAN);
        json_number(json, "released", deed->released);
        json_close(json, "}");
    }
    json_close(json, "]");
}

static void put_transition(struct json *json, const struct segment_signal *entry, int64_t now_ns)
{
    json_element(json);
    json_count(json, "sequence", entry->signal.sequence);
    json_string(json, "kind", vagus_signal_kind_name(entry->signal.kind));
    json_string(json, "resource", entry->signal.resource);
    json_string(json, "change", report_change_name(entry->signal.change));
    json_age(json, "age_s", entry->signal.at_ns, now_ns);
    json_time(json, "unix_s", entry->wall_ns);
    json_level(json, entry->signal.level);
    put_signal(json, &entry->signal);
    json_bool(json, "shadow", entry->shadow != 0);
    json_count(json, "told", entry->told);
    json_number(json, "level_before", rint(entry->level_before * 1e4) / 1e4);
    json_string(json, "why", report_why_name(entry->why));
    json_string(json, "outcome", report_outcome_name(entry->outcome));
    json_number(json, "value_after", entry->value_after);
    put_deeds(json, entry);
    json_close(json, "}");
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
    json_count(json, "transition_count", report->signal_total);
    json_key(json, "transitions");
    json_open(json, "[");
    for (uint32_t i = 0; i < shown; i++)
        put_transition(json, &report->signals[report->signal_count - 1 - i], report->now_ns);
    json_close(json, "]");
}

static void put_parts(struct json *json, const struct report *report)
{
    static const struct {
        const char *key;
        enum view_part_id part;
    } parts[] = {{"memory", VIEW_memory},
                 {"cpu", VIEW_cpu},
                 {"network", VIEW_network},
                 {"process", VIEW_process},
                 {"agent_counters", VIEW_agent},
                 {"disks", VIEW_path},
                 {"gpus", VIEW_gpu},
                 {"budgets", VIEW_budget},
                 {"forecasts", VIEW_forecast},
                 {"metrics", VIEW_metric}};
    view_json_mode(json, &report->snapshot, report->now_ns);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        view_json_part(json, parts[i].key, &report->snapshot, parts[i].part, report->now_ns);
}

/* Parts that are numbers: null where there is no snapshot. */
static void put_part_or_null(struct json *json, const struct report *report, enum view_part_id part)
{
    if (report->snapshot_error == 0)
        view_json_part(json, view_parts[part].key, &report->snapshot, part, report->now_ns);
    else
        json_null(json, view_parts[part].key);
}

static void put_listeners(struct json *json, const struct report *report)
{
    json_key(json, "listeners");
    json_open(json, "[");
    for (uint32_t i = 0; i < report->listener_count; i++) {
        const struct segment_listener *listener = &report->listeners[i];
        json_element(json);
        json_string(json, "name", listener->name);
        json_key(json, "kinds");
        text_add(json->text, "[");
        const char *comma = "";
        for (uint32_t kind = VAGUS_THROTTLE; kind <= VAGUS_MODE_CHANGE; kind <<= 1) {
            if (!(listener->kinds & kind))
                continue;
            text_addf(json->text, "%s\"%s\"", comma, vagus_signal_kind_name(kind));
            comma = ",";
        }
        text_add(json->text, "]");
        json_bool(json, "polled", (listener->flags & VAGUS_LISTENER_POLLED) != 0);
        json_count(json, "calls", listener->calls);
        json_age(json, "busy_s", listener->busy_since_ns, report->now_ns);
        json_bool(json, "hangs", report_hangs(listener->busy_since_ns, report_as_of_ns(report)));
        json_age(json, "last_call_age_s", listener->last_call_ns, report->now_ns);
        json_span(json, "last_took_s", listener->last_took_ns);
        json_count(json, "last_sequence", listener->last_sequence);
        json_count(json, "acknowledged", listener->acknowledged);
        json_count(json, "relieved", listener->relieved);
        json_count(json, "unrelieved", listener->unrelieved);
        json_close(json, "}");
    }
    json_close(json, "]");
}

static void put_collectors(struct json *json, const struct report *report)
{
    json_key(json, "collectors");
    json_open(json, "[");
    for (uint32_t i = 0; i < report->collector_count; i++) {
        const struct segment_collector *collector = &report->collectors[i];
        json_element(json);
        json_string(json, "name", collector->name);
        json_error(json, "error", collector->error);
        json_bool(json, "blocking", (collector->flags & VAGUS_COLLECTOR_BLOCKING) != 0);
        json_count(json, "metrics", collector->metrics);
        json_count(json, "samples", collector->samples);
        json_count(json, "failures", collector->failures);
        json_count(json, "skipped", collector->skipped);
        json_age(json, "last_age_s", collector->last_ns, report->now_ns);
        json_integer(json, "took_ns", collector->took_ns);
        json_bool(json, "hangs", report_hangs(collector->busy_since_ns, report_as_of_ns(report)));
        json_close(json, "}");
    }
    json_close(json, "]");
}

static void put_notes(struct json *json, const struct report *report)
{
    json_key(json, "notes");
    json_open(json, "[");
    for (uint32_t i = 0; i < report->note_count; i++) {
        const struct segment_note *note = &report->notes[i];
        json_element(json);
        json_string(json, "kind", report_note_name(note->kind));
        json_string(json, "text", note->text);
        json_count(json, "times", note->times);
        json_age(json, "age_s", note->at_ns, report->now_ns);
        json_close(json, "}");
    }
    json_close(json, "]");
}

/* How many seconds back each level reaches; one that has nothing is left out. */
static void put_history(struct json *json, const struct report *report)
{
    static const char *const names[VAGUS_TIER_COUNT] = {NULL,   "instant_s", "100ms_s",
                                                        "1s_s", "10s_s",     "60s_s"};
    json_key(json, "history");
    json_open(json, "[");
    for (uint32_t i = 0; i < report->series_count; i++) {
        const struct report_series *series = &report->series[i];
        json_element(json);
        json_string(json, "metric", series->name);
        json_string(json, "label", series->label);
        json_string(json, "instance", series->instance);
        for (unsigned tier = VAGUS_TIER_INSTANT; tier < VAGUS_TIER_COUNT; tier++)
            if (series->since_ns[tier] != INT64_MAX)
                json_span(json, names[tier],
                          report_span_ns(series->since_ns[tier], report_as_of_ns(report)));
        json_close(json, "}");
    }
    json_close(json, "]");
    json_count(json, "history_left_out", report->series_left_out);
}

void report_health_json(const struct report *report, struct text *text)
{
    struct json json = {.text = text};
    json_open(&json, "{");
    put_identity(&json, report);
    put_raised(&json, report);
    put_parts(&json, report);
    put_part_or_null(&json, report, VIEW_continuity);
    put_transitions(&json, report);
    put_listeners(&json, report);
    put_collectors(&json, report);
    put_notes(&json, report);
    put_part_or_null(&json, report, VIEW_monitor);
    put_history(&json, report);
    json_close(&json, "}");
    text_add(text, "\n");
}
