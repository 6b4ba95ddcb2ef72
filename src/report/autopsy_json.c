/* SPDX-License-Identifier: Apache-2.0 */
/* An autopsy for a program. Keys are only ever added to; docs/autopsy.md describes them. */
#include <math.h>

#include "report/autopsy.h"
#include "report/findings.h"
#include "report/json.h"

static void put_ending(struct json *json, const struct autopsy *autopsy)
{
    const struct ending *ending = &autopsy->ending;
    char sentence[256];
    struct text words;
    json_key(json, "end");
    json_open(json, "{");
    json_string(json, "how", ending->running ? "running" : report_end_name(ending->end));
    if (ending->signal != 0)
        json_count(json, "signal", ending->signal);
    else
        json_null(json, "signal");
    text_init(&words, sentence, sizeof(sentence));
    ending_add_sentence(ending, &words);
    json_string(json, "sentence", sentence);
    json_key(json, "evidence");
    json_open(json, "[");
    for (unsigned i = 0; i < ending->evidence_count; i++) {
        text_add(json->text, i > 0 ? "," : "");
        text_add_json(json->text, ending->evidence[i]);
    }
    json_close(json, "]");
    json_time(json, "last_sign_unix_s", ending->last_sign_wall_ns);
    json_span(json, "last_sign_age_s",
              report_span_ns(ending->last_sign_ns, autopsy->report.now_ns));
    json_close(json, "}");
}

static void put_continuity(struct json *json, const struct autopsy *autopsy)
{
    const struct vagus_snapshot_continuity *c = &autopsy->report.snapshot.continuity;
    if (autopsy->report.snapshot_error != 0 || c->starts == 0) {
        json_null(json, "continuity");
        return;
    }
    json_key(json, "continuity");
    json_open(json, "{");
    json_count(json, "starts", c->starts);
    json_count(json, "deaths", c->deaths);
    json_count(json, "deaths_hour", c->deaths_hour);
    json_count(json, "deaths_day", c->deaths_day);
    json_number(json, "online_s", c->online_s);
    json_string(json, "last_end", report_end_name(c->last_end));
    json_close(json, "}");
}

static void put_vitals(struct json *json, const struct autopsy *autopsy)
{
    json_key(json, "vitals");
    json_open(json, "[");
    for (uint32_t i = 0; i < autopsy->vital_count; i++) {
        const struct autopsy_vital *vital = &autopsy->vitals[i];
        json_element(json);
        json_string(json, "metric", vital->metric.name);
        json_string(json, "label", vital->metric.label);
        json_string(json, "instance", vital->metric.instance);
        json_string(json, "unit", vital->metric.unit);
        json_string(json, "drawn", vital->metric.kind == VAGUS_GAUGE ? "value" : "rate");
        json_number(json, "min", vital->min);
        json_number(json, "max", vital->max);
        json_number(json, "last", vital->last);
        json_number(json, "step_s", (double)AUTOPSY_SPAN_NS / AUTOPSY_COLUMNS / 1e9);
        json_key(json, "values");
        json_open(json, "[");
        for (unsigned k = 0; k < AUTOPSY_COLUMNS; k++) {
            text_add(json->text, k > 0 ? "," : "");
            text_add_json_number(json->text, vital->values[k]);
        }
        json_close(json, "]");
        json_close(json, "}");
    }
    json_close(json, "]");
}

static void put_signals(struct json *json, const struct autopsy *autopsy)
{
    const struct report *report = &autopsy->report;
    json_count(json, "transition_count", report->signal_total);
    json_key(json, "transitions");
    json_open(json, "[");
    for (uint32_t i = 0; i < report->signal_count; i++) {
        text_add(json->text, i > 0 ? "," : "");
        report_transition_json(&report->signals[i], report->now_ns, json->text);
    }
    json_close(json, "]");
}

static void put_open(struct json *json, const struct autopsy *autopsy)
{
    json_key(json, "operations");
    json_open(json, "[");
    for (uint32_t i = 0; i < autopsy->operation_count; i++) {
        const struct segment_operation *operation = &autopsy->operations[i];
        json_element(json);
        json_string(json, "name", operation->name);
        json_string(json, "instance", operation->instance);
        json_count(json, "in_flight", operation->in_flight);
        json_age(json, "newest_for_s", operation->began_ns, autopsy->end_ns);
        json_age(json, "never_none_for_s", operation->since_ns, autopsy->end_ns);
        json_age(json, "last_ended_s", operation->ended_ns, autopsy->end_ns);
        json_count(json, "started", operation->started);
        json_count(json, "ended", operation->ended);
        json_close(json, "}");
    }
    json_close(json, "]");
    json_count(json, "reservation_count", autopsy->ticket_total);
    json_key(json, "reservations");
    json_open(json, "[");
    for (uint32_t i = 0; i < autopsy->ticket_count; i++) {
        const struct segment_ticket *ticket = &autopsy->tickets[i];
        json_element(json);
        json_string(json, "budget", ticket->budget);
        json_string(json, "unit", ticket->unit);
        json_count(json, "amount", ticket->amount);
        json_age(json, "open_for_s", ticket->opened_ns, autopsy->end_ns);
        json_span(json, "expires_in_s", report_span_ns(autopsy->end_ns, ticket->until_ns));
        json_close(json, "}");
    }
    json_close(json, "]");
}

static void put_budgets(struct json *json, const struct autopsy *autopsy)
{
    const struct vagus_system_snapshot *s = &autopsy->report.snapshot;
    json_key(json, "budgets");
    json_open(json, "[");
    for (uint32_t i = 0; i < s->budget_count && i < VAGUS_SNAPSHOT_BUDGETS; i++) {
        const struct vagus_snapshot_budget *budget = &s->budgets[i];
        json_element(json);
        json_string(json, "name", budget->name);
        json_string(json, "unit", budget->unit);
        json_count(json, "limit", budget->status.limit);
        json_number(json, "left", budget->status.known ? (double)budget->status.left : NAN);
        json_count(json, "reserved", budget->status.reserved);
        json_close(json, "}");
    }
    json_close(json, "]");
}

static void put_notes(struct json *json, const struct autopsy *autopsy)
{
    const struct report *report = &autopsy->report;
    json_key(json, "notes");
    json_open(json, "[");
    for (uint32_t i = 0; i < report->note_count; i++) {
        json_element(json);
        json_string(json, "kind", report_note_name(report->notes[i].kind));
        json_string(json, "text", report->notes[i].text);
        json_count(json, "times", report->notes[i].times);
        json_close(json, "}");
    }
    json_close(json, "]");
}

void autopsy_json(const struct autopsy *autopsy, struct text *text)
{
    const struct report *report = &autopsy->report;
    struct json json = {.text = text};
    json_open(&json, "{");
    json_string(&json, "agent", report->header.agent);
    json_string(&json, "program", report->header.program);
    json_integer(&json, "pid", report->header.pid);
    json_time(&json, "started_unix_s", report->header.started_wall_ns);
    put_ending(&json, autopsy);
    put_continuity(&json, autopsy);
    json_string(&json, "mode", report->snapshot.mode.name);
    put_vitals(&json, autopsy);
    put_signals(&json, autopsy);
    put_open(&json, autopsy);
    put_budgets(&json, autopsy);
    put_notes(&json, autopsy);
    json_close(&json, "}");
    text_add(text, "\n");
}
