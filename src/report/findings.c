/* SPDX-License-Identifier: Apache-2.0 */
/* Verdict, reason and what belongs together in a report. */
#include "report/findings.h"

#define HANGS_AFTER_NS VAGUS_SECOND_NS
#define SEVERAL 3

int64_t report_span_ns(int64_t from_ns, int64_t to_ns)
{
    int64_t span;
    if (to_ns <= from_ns)
        return 0;
    return __builtin_sub_overflow(to_ns, from_ns, &span) ? INT64_MAX : span;
}

enum report_life report_life(const struct report *report)
{
    if (report->header.life == SEGMENT_CLOSED)
        return REPORT_CLOSED;
    if (!report->alive)
        return REPORT_ENDED;
    return report->header.life == SEGMENT_OPENING ? REPORT_OPENING : REPORT_RUNNING;
}

static bool has_ended(const struct report *report)
{
    enum report_life life = report_life(report);
    return life == REPORT_CLOSED || life == REPORT_ENDED;
}

int64_t report_as_of_ns(const struct report *report)
{
    return has_ended(report) && report->snapshot_error == 0 ? report->snapshot.published_ns
                                                            : report->now_ns;
}

int64_t report_last_sign_ns(const struct report *report)
{
    int64_t published_ns = report->snapshot_error == 0 ? report->snapshot.published_ns : 0;
    int64_t closed_ns = report_life(report) == REPORT_CLOSED ? report->header.closed_ns : 0;
    return closed_ns > published_ns ? closed_ns : published_ns;
}

uint32_t report_raised_count(const struct report *report)
{
    uint32_t count = report->snapshot_error == 0 ? report->snapshot.signal_count : 0;
    return count < VAGUS_SNAPSHOT_SIGNALS ? count : VAGUS_SNAPSHOT_SIGNALS;
}

const struct segment_signal *report_transition_of(const struct report *report,
                                                  const struct vagus_snapshot_signal *raised)
{
    for (uint32_t i = report->signal_count; i > 0; i--) {
        const struct segment_signal *entry = &report->signals[i - 1];
        if (entry->shadow || entry->signal.kind != raised->kind ||
            strcmp(entry->signal.resource, raised->resource) != 0)
            continue;
        return entry->signal.change == VAGUS_SIGNAL_CLEARED ? NULL : entry;
    }
    return NULL;
}

bool report_hangs(int64_t busy_since_ns, int64_t as_of_ns)
{
    return busy_since_ns != 0 && report_span_ns(busy_since_ns, as_of_ns) > HANGS_AFTER_NS;
}

bool report_relieves_nothing(const struct segment_listener *listener)
{
    return listener->unrelieved >= SEVERAL && listener->relieved == 0 &&
           listener->acknowledged == 0;
}

enum vagus_verdict report_verdict(const struct report *report)
{
    if (report->snapshot_error != 0 || has_ended(report) ||
        report->now_ns > report->snapshot.good_until_ns)
        return VAGUS_VERDICT_UNKNOWN;
    switch (report->snapshot.judged) {
    case VAGUS_VERDICT_OK:
    case VAGUS_VERDICT_DEGRADED:
    case VAGUS_VERDICT_CRITICAL:
        return (enum vagus_verdict)report->snapshot.judged;
    default:
        return VAGUS_VERDICT_UNKNOWN;
    }
}

void report_add_state(struct text *text, const struct vagus_reading *reading, int64_t as_of_ns)
{
    switch (vagus_reading_state(reading, as_of_ns)) {
    case VAGUS_STATE_OK:
        break;
    case VAGUS_STATE_NEVER:
        text_add(text, "never read");
        break;
    case VAGUS_STATE_UNSUPPORTED:
        text_add(text, "not supported here");
        break;
    case VAGUS_STATE_STALE:
        text_add(text, "stale, ");
        text_add_duration(text, report_span_ns(reading->taken_ns, as_of_ns));
        text_add(text, " old");
        break;
    case VAGUS_STATE_ERROR:
        if (reading->error == VAGUS_EAGAIN)
            text_add(text, "not known yet");
        else
            text_addf(text, "error: %s", vagus_error_message(reading->error));
        break;
    }
}

/* The first organ that is not felt, the most vital first. */
static void add_unfelt(const struct report *report, struct text *text)
{
    const struct vagus_system_snapshot *snapshot = &report->snapshot;
    const struct {
        const char *name;
        const struct vagus_reading *reading;
    } organs[] = {
        {"memory", &snapshot->memory.headroom_ratio}, {"memory", &snapshot->memory.usage},
        {"cpu", &snapshot->cpu.process_utilization},  {"process", &snapshot->process.resident},
        {"disk", &snapshot->paths[0].free_ratio},
    };
    size_t count = sizeof(organs) / sizeof(organs[0]) - (snapshot->path_count == 0);
    for (size_t i = 0; i < count; i++) {
        if (vagus_reading_state(organs[i].reading, report->now_ns) == VAGUS_STATE_OK)
            continue;
        text_addf(text, "%s is not felt: ", organs[i].name);
        report_add_state(text, organs[i].reading, report->now_ns);
        return;
    }
    text_add(text, snapshot->monitor.failed_collectors > 0 ? "a sense fails"
                                                           : "a vital organ is not felt");
}

static void add_signal_reason(const struct report *report, struct text *text)
{
    const struct vagus_snapshot_signal *worst = &report->snapshot.signals[0];
    text_addf(text, "%s on ", vagus_signal_kind_name(worst->kind));
    text_add_safe(text, worst->resource, VAGUS_RESOURCE_MAX);
    text_add(text, " for ");
    text_add_duration(text, report_span_ns(worst->since_ns, report->now_ns));
    if (report->snapshot.signal_count > 1)
        text_addf(text, ", and %u more", report->snapshot.signal_count - 1);
}

static void add_unknown_reason(const struct report *report, struct text *text)
{
    int64_t sign_ns = report_last_sign_ns(report);
    enum report_life life = report_life(report);
    if (life == REPORT_CLOSED) {
        text_add(text, "closed in order ");
    } else if (life == REPORT_ENDED) {
        text_add(text, "ended without closing, last published ");
    } else if (life == REPORT_OPENING) {
        text_add(text, "opened, but not started");
        return;
    } else if (report->snapshot_error == VAGUS_EAGAIN) {
        text_add(text, "nothing published yet");
        return;
    } else if (report->snapshot_error != 0) {
        text_addf(text, "its snapshot cannot be read: %s",
                  vagus_error_message(report->snapshot_error));
        return;
    } else if (report->now_ns > report->snapshot.good_until_ns) {
        text_add(text, "overdue, last published ");
    } else {
        text_add(text, "nothing sensed yet");
        return;
    }
    if (sign_ns == 0) {
        text_add(text, life == REPORT_CLOSED ? "some time ago" : "never");
        return;
    }
    text_add_duration(text, report_span_ns(sign_ns, report->now_ns));
    text_add(text, " ago");
}

void report_add_reason(const struct report *report, struct text *text)
{
    switch (report_verdict(report)) {
    case VAGUS_VERDICT_UNKNOWN:
        add_unknown_reason(report, text);
        return;
    case VAGUS_VERDICT_OK:
        if (report_raised_count(report) == 0) {
            text_add(text, "no signal is raised");
            return;
        }
        break;
    case VAGUS_VERDICT_DEGRADED:
    case VAGUS_VERDICT_CRITICAL:
        break;
    }
    if (report_raised_count(report) > 0)
        add_signal_reason(report, text);
    else
        add_unfelt(report, text);
}

void report_add_amount(struct text *text, double value, const char *unit, const char *words)
{
    size_t length = strlen(words);
    bool is_one = value == 1 && unit[0] == '\0' && length > 0 && words[length - 1] == 's';
    text_add_value(text, value, unit);
    text_add_bytes(text, words, length - is_one);
}

void report_add_subject(const struct segment_signal *entry, struct text *text)
{
    const struct vagus_signal *signal = &entry->signal;
    if (signal->kind == VAGUS_MODE_CHANGE) {
        text_add(text, "mode ");
        return;
    }
    text_addf(text, "%s on ", vagus_signal_kind_name(signal->kind));
    text_add_safe(text, signal->resource, VAGUS_RESOURCE_MAX);
    text_addf(text, " %s%s: ", report_change_name(signal->change),
              entry->shadow ? " (shadow)" : "");
}
