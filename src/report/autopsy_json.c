/* SPDX-License-Identifier: Apache-2.0 */
/* An autopsy for a program. Keys are only ever added to; docs/autopsy.md describes them. */
#include <math.h>

#include "report/autopsy.h"
#include "report/findings.h"

static void put_key(struct text *text, const char *key)
{
    char last = text->length > 0 && !text_cut(text) ? text->data[text->length - 1] : '{';
    text_addf(text, "%s\"%s\":", last == '{' || last == '[' ? "" : ",", key);
}

static void put_text(struct text *text, const char *key, const char *value)
{
    put_key(text, key);
    text_add_json(text, value);
}

static void put_number(struct text *text, const char *key, double value)
{
    put_key(text, key);
    text_add_json_number(text, value);
}

static void put_count(struct text *text, const char *key, uint64_t value)
{
    put_key(text, key);
    text_addf(text, "%llu", (unsigned long long)value);
}

/* Seconds; null for a time that is not known. */
static void put_time(struct text *text, const char *key, int64_t ns)
{
    put_key(text, key);
    if (ns > 0) /* more digits than a number of text_add_json_number() has */
        text_addf(text, "%lld.%03d", (long long)(ns / VAGUS_SECOND_NS),
                  (int)(ns / VAGUS_MILLISECOND_NS % 1000));
    else
        text_add(text, "null");
}

/* How long before the end of the charts. */
static void put_before(struct text *text, const char *key, const struct autopsy *autopsy,
                       int64_t at_ns)
{
    put_number(text, key, at_ns != 0 ? (double)report_span_ns(at_ns, autopsy->end_ns) / 1e9 : NAN);
}

static void put_ending(struct text *text, const struct autopsy *autopsy)
{
    const struct ending *ending = &autopsy->ending;
    char sentence[256];
    struct text words;
    put_key(text, "end");
    text_add(text, "{");
    put_text(text, "how", ending->running ? "running" : ending_name(ending->end));
    put_key(text, "signal");
    if (ending->signal != 0)
        text_addf(text, "%u", ending->signal);
    else
        text_add(text, "null");
    text_init(&words, sentence, sizeof(sentence));
    ending_add_sentence(ending, &words);
    put_text(text, "sentence", sentence);
    put_key(text, "evidence");
    text_add(text, "[");
    for (unsigned i = 0; i < ending->evidence_count; i++) {
        text_add(text, i > 0 ? "," : "");
        text_add_json(text, ending->evidence[i]);
    }
    text_add(text, "]");
    put_time(text, "last_sign_unix_s", ending->last_sign_wall_ns);
    put_number(text, "last_sign_age_s",
               (double)report_span_ns(ending->last_sign_ns, autopsy->report.now_ns) / 1e9);
    text_add(text, "}");
}

static void put_continuity(struct text *text, const struct autopsy *autopsy)
{
    const struct vagus_snapshot_continuity *c = &autopsy->report.snapshot.continuity;
    put_key(text, "continuity");
    if (autopsy->report.snapshot_error != 0 || c->starts == 0) {
        text_add(text, "null");
        return;
    }
    text_add(text, "{");
    put_count(text, "starts", c->starts);
    put_count(text, "deaths", c->deaths);
    put_count(text, "deaths_hour", c->deaths_hour);
    put_count(text, "deaths_day", c->deaths_day);
    put_number(text, "online_s", c->online_s);
    put_text(text, "last_end", ending_name(c->last_end));
    text_add(text, "}");
}

static void put_vitals(struct text *text, const struct autopsy *autopsy)
{
    put_key(text, "vitals");
    text_add(text, "[");
    for (uint32_t i = 0; i < autopsy->vital_count; i++) {
        const struct autopsy_vital *vital = &autopsy->vitals[i];
        text_add(text, i > 0 ? ",{" : "{");
        put_text(text, "metric", vital->metric.name);
        put_text(text, "label", vital->metric.label);
        put_text(text, "instance", vital->metric.instance);
        put_text(text, "unit", vital->metric.unit);
        put_text(text, "drawn", vital->metric.kind == VAGUS_GAUGE ? "value" : "rate");
        put_number(text, "min", vital->min);
        put_number(text, "max", vital->max);
        put_number(text, "last", vital->last);
        put_number(text, "step_s", (double)AUTOPSY_SPAN_NS / AUTOPSY_COLUMNS / 1e9);
        put_key(text, "values");
        text_add(text, "[");
        for (unsigned k = 0; k < AUTOPSY_COLUMNS; k++) {
            text_add(text, k > 0 ? "," : "");
            text_add_json_number(text, vital->values[k]);
        }
        text_add(text, "]}");
    }
    text_add(text, "]");
}

static void put_signals(struct text *text, const struct autopsy *autopsy)
{
    const struct report *report = &autopsy->report;
    put_count(text, "transition_count", report->signal_total);
    put_key(text, "transitions");
    text_add(text, "[");
    for (uint32_t i = 0; i < report->signal_count; i++) {
        text_add(text, i > 0 ? "," : "");
        report_transition_json(&report->signals[i], autopsy->report.now_ns, text);
    }
    text_add(text, "]");
}

static void put_open(struct text *text, const struct autopsy *autopsy)
{
    put_key(text, "operations");
    text_add(text, "[");
    for (uint32_t i = 0; i < autopsy->operation_count; i++) {
        const struct segment_operation *operation = &autopsy->operations[i];
        text_add(text, i > 0 ? ",{" : "{");
        put_text(text, "name", operation->name);
        put_text(text, "instance", operation->instance);
        put_count(text, "in_flight", operation->in_flight);
        put_before(text, "newest_for_s", autopsy, operation->began_ns);
        put_before(text, "never_none_for_s", autopsy, operation->since_ns);
        put_before(text, "last_ended_s", autopsy, operation->ended_ns);
        put_count(text, "started", operation->started);
        put_count(text, "ended", operation->ended);
        text_add(text, "}");
    }
    text_add(text, "]");
    put_count(text, "reservation_count", autopsy->ticket_total);
    put_key(text, "reservations");
    text_add(text, "[");
    for (uint32_t i = 0; i < autopsy->ticket_count; i++) {
        const struct segment_ticket *ticket = &autopsy->tickets[i];
        text_add(text, i > 0 ? ",{" : "{");
        put_text(text, "budget", ticket->budget);
        put_text(text, "unit", ticket->unit);
        put_count(text, "amount", ticket->amount);
        put_before(text, "open_for_s", autopsy, ticket->opened_ns);
        put_number(text, "expires_in_s",
                   (double)report_span_ns(autopsy->end_ns, ticket->until_ns) / 1e9);
        text_add(text, "}");
    }
    text_add(text, "]");
}

static void put_budgets(struct text *text, const struct autopsy *autopsy)
{
    const struct vagus_system_snapshot *s = &autopsy->report.snapshot;
    put_key(text, "budgets");
    text_add(text, "[");
    for (uint32_t i = 0; i < s->budget_count && i < VAGUS_SNAPSHOT_BUDGETS; i++) {
        const struct vagus_snapshot_budget *budget = &s->budgets[i];
        text_add(text, i > 0 ? ",{" : "{");
        put_text(text, "name", budget->name);
        put_text(text, "unit", budget->unit);
        put_count(text, "limit", budget->status.limit);
        put_number(text, "left", budget->status.known ? (double)budget->status.left : NAN);
        put_count(text, "reserved", budget->status.reserved);
        text_add(text, "}");
    }
    text_add(text, "]");
}

static void put_notes(struct text *text, const struct autopsy *autopsy)
{
    const struct report *report = &autopsy->report;
    put_key(text, "notes");
    text_add(text, "[");
    for (uint32_t i = 0; i < report->note_count; i++) {
        text_add(text, i > 0 ? ",{" : "{");
        put_text(text, "kind", report_note_name(report->notes[i].kind));
        put_text(text, "text", report->notes[i].text);
        put_count(text, "times", report->notes[i].times);
        text_add(text, "}");
    }
    text_add(text, "]");
}

void autopsy_json(const struct autopsy *autopsy, struct text *text)
{
    const struct report *report = &autopsy->report;
    text_add(text, "{");
    put_text(text, "agent", report->header.agent);
    put_text(text, "program", report->header.program);
    put_number(text, "pid", (double)report->header.pid);
    put_time(text, "started_unix_s", report->header.started_wall_ns);
    put_ending(text, autopsy);
    put_continuity(text, autopsy);
    put_text(text, "mode", report->snapshot.mode.name);
    put_vitals(text, autopsy);
    put_signals(text, autopsy);
    put_open(text, autopsy);
    put_budgets(text, autopsy);
    put_notes(text, autopsy);
    text_add(text, "}\n");
}
