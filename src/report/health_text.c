/* SPDX-License-Identifier: Apache-2.0 */
/* The health summary for a person: one screen, the verdict and its reason first, then what is
 * wrong, the worst first, then the organs, then what happened lately, then the monitor itself. */
#include <math.h>

#include "report/assemble.h"
#include "report/findings.h"
#include "report/health_organs.h"

#define RECENT_SHOWN 4
#define TROUBLES_SHOWN 6

static enum screen_style style_of_kind(uint32_t kind)
{
    return kind == VAGUS_SHUTDOWN ? SCREEN_BAD : SCREEN_WARN;
}

static enum screen_style style_of_verdict(enum vagus_verdict verdict)
{
    switch (verdict) {
    case VAGUS_VERDICT_OK:
        return SCREEN_GOOD;
    case VAGUS_VERDICT_CRITICAL:
        return SCREEN_BAD;
    default:
        return SCREEN_WARN;
    }
}

static void add_headline(const struct report *report, struct screen *screen)
{
    static const char *const words[] = {
        [VAGUS_VERDICT_UNKNOWN] = "UNKNOWN",
        [VAGUS_VERDICT_OK] = "OK",
        [VAGUS_VERDICT_DEGRADED] = "DEGRADED",
        [VAGUS_VERDICT_CRITICAL] = "CRITICAL",
    };
    enum vagus_verdict verdict = report_verdict(report);
    char reason[256];
    struct text text;
    text_init(&text, reason, sizeof(reason));
    report_add_reason(report, &text);

    screen->indent = 7;
    screen_add(screen, SCREEN_BOLD, "vagus: ");
    screen_add(screen, style_of_verdict(verdict), words[verdict]);
    screen_add(screen, SCREEN_PLAIN, " — ");
    screen_words(screen, SCREEN_BOLD, reason);
    screen_line(screen, 0);
}

static void add_identity(const struct report *report, struct screen *screen)
{
    const struct segment_header *header = &report->header;
    const struct vagus_reading *uptime = &report->snapshot.process.uptime;
    enum report_life life = report_life(report);
    char item[160];
    struct text text;

    text_init(&text, item, sizeof(item));
    text_add_safe(&text, header->agent[0] != '\0' ? header->agent : "?", 40);
    screen_item(screen, SCREEN_BOLD, item);

    text_init(&text, item, sizeof(item));
    text_addf(&text, "pid %lld", (long long)header->pid);
    screen_item(screen, SCREEN_PLAIN, item);

    text_init(&text, item, sizeof(item));
    if (life == REPORT_CLOSED || life == REPORT_KILLED) {
        text_add(&text, "was monitored for ");
        text_add_duration(&text, report_span_ns(header->started_ns, report_last_sign_ns(report)));
    } else if (report->snapshot_error == 0 &&
               vagus_reading_state(uptime, report->now_ns) == VAGUS_STATE_OK) {
        text_add(&text, "up ");
        text_add_value(&text, uptime->value, "s");
    } else {
        text_add(&text, "monitored for ");
        text_add_duration(&text, report_span_ns(header->started_ns, report->now_ns));
    }
    screen_item(screen, SCREEN_PLAIN, item);

    if (strcmp(header->program, header->agent) != 0 && header->program[0] != '\0') {
        text_init(&text, item, sizeof(item));
        text_add(&text, "program ");
        text_add_safe(&text, header->program, 40);
        screen_item(screen, SCREEN_PLAIN, item);
    }
    screen_line(screen, 0);
}

/* What one listener did about a signal; false if there is nothing to say of it. */
static bool add_deed(const struct segment_listener *listener, const struct segment_signal *entry,
                     int64_t as_of_ns, struct text *text)
{
    const struct vagus_signal *signal = &entry->signal;
    bool about_this = listener->last_kind == signal->kind &&
                      strcmp(listener->last_resource, signal->resource) == 0;
    if (!(listener->kinds & signal->kind) || (!about_this && listener->busy_since_ns == 0))
        return false;

    text_add_safe(text, listener->name, 32);
    if (listener->busy_since_ns != 0) {
        bool hangs = report_hangs(listener->busy_since_ns, as_of_ns);
        text_add(text, hangs ? " hangs for " : " busy for ");
        text_add_duration(text, report_span_ns(listener->busy_since_ns, as_of_ns));
        if (!about_this) {
            text_addf(text, " in %s on ", vagus_signal_kind_name(listener->last_kind));
            text_add_safe(text, listener->last_resource, VAGUS_RESOURCE_MAX);
        }
    } else if (listener->last_sequence < signal->sequence) {
        text_add(text, " has not taken this change yet");
    } else {
        text_add(text, " took ");
        text_add_duration(text, listener->last_took_ns);
    }
    return true;
}

static void add_deeds(const struct report *report, const struct segment_signal *entry,
                      int64_t as_of_ns, struct screen *screen)
{
    screen_to(screen, 3);
    screen->indent = 6;
    if (entry->told == 0) {
        screen_add(screen, SCREEN_BAD, "nobody was told: no listener takes it");
        screen_line(screen, 0);
        return;
    }
    screen_addf(screen, SCREEN_PLAIN, "told %u listener%s", entry->told,
                entry->told == 1 ? "" : "s");
    for (uint32_t i = 0; i < report->listener_count; i++) {
        const struct segment_listener *listener = &report->listeners[i];
        char item[240];
        struct text text;
        text_init(&text, item, sizeof(item));
        if (!add_deed(listener, entry, as_of_ns, &text))
            continue;
        if (!screen->begun)
            screen_add(screen, SCREEN_PLAIN, ": ");
        screen_item(screen,
                    report_hangs(listener->busy_since_ns, as_of_ns) ? SCREEN_BAD : SCREEN_PLAIN,
                    item);
    }
    screen_line(screen, 0);
}

/* The reason in words, and how far the value has moved since. */
static void add_reason(const struct report *report, const struct segment_signal *entry,
                       int64_t as_of_ns, struct screen *screen)
{
    const struct vagus_signal *signal = &entry->signal;
    char words[1024];
    struct text text;
    text_init(&text, words, sizeof(words));
    if (signal->reason[0] != '\0') {
        text_add_safe(&text, signal->reason, 320);
    } else {
        text_add_safe(&text, signal->metric, VAGUS_NAME_MAX);
        text_add(&text, " ");
        text_add_value(&text, signal->value, signal->unit);
        text_add(&text, " is beyond ");
        text_add_value(&text, signal->threshold, signal->unit);
    }
    if (signal->instance[0] != '\0' && strstr(signal->reason, signal->instance) == NULL) {
        text_add(&text, " (");
        text_add_safe(&text, signal->instance, VAGUS_INSTANCE_MAX);
        text_add(&text, ")");
    }
    const char *unit;
    const struct vagus_reading *now =
        assemble_reading_of(&report->snapshot, signal->metric, signal->instance, &unit);
    if (now != NULL && vagus_reading_state(now, as_of_ns) == VAGUS_STATE_OK) {
        text_add(&text, "; now ");
        text_add_value(&text, now->value, unit);
    }
    screen_to(screen, 3);
    screen->indent = 6;
    screen_words(screen, SCREEN_PLAIN, words);
    screen_line(screen, 0);
}

static void add_raised(const struct report *report, const struct vagus_snapshot_signal *raised,
                       int64_t as_of_ns, struct screen *screen)
{
    const struct segment_signal *entry = report_transition_of(report, raised);
    char item[160];
    struct text text;
    screen_add(screen, SCREEN_PLAIN, " ");
    screen_add(screen, style_of_kind(raised->kind), vagus_signal_kind_name(raised->kind));
    text_init(&text, item, sizeof(item));
    text_add(&text, " on ");
    text_add_safe(&text, raised->resource, VAGUS_RESOURCE_MAX);
    screen_add(screen, SCREEN_BOLD, item);
    text_init(&text, item, sizeof(item));
    text_add(&text, " for ");
    text_add_duration(&text, report_span_ns(raised->since_ns, as_of_ns));
    text_add(&text, ", level ");
    if (raised->level >= 0 && raised->level <= 1)
        text_addf(&text, "%.2f", (double)raised->level);
    else
        text_add(&text, "?");
    text_add(&text, ", rule ");
    text_add_safe(&text, entry != NULL ? entry->signal.rule : raised->rule, 40);
    screen_cut(screen, SCREEN_PLAIN, item);
    screen_line(screen, 0);
    if (entry != NULL) {
        add_reason(report, entry, as_of_ns, screen);
        add_deeds(report, entry, as_of_ns, screen);
    }
}

static void add_wrong(const struct report *report, int64_t as_of_ns, struct screen *screen)
{
    uint32_t count = report_raised_count(report);
    if (count == 0)
        return;
    screen_line(screen, 0);
    for (uint32_t i = 0; i < count; i++)
        add_raised(report, &report->snapshot.signals[i], as_of_ns, screen);
    if (report->snapshot.signal_count > count) {
        screen_addf(screen, SCREEN_WARN, " and %u more signals",
                    report->snapshot.signal_count - count);
        screen_line(screen, 0);
    }
}

static void add_recent(const struct report *report, int64_t as_of_ns, struct screen *screen)
{
    uint32_t shown = report->signal_count < RECENT_SHOWN ? report->signal_count : RECENT_SHOWN;
    if (shown == 0)
        return;
    screen_line(screen, 0);
    for (uint32_t i = 0; i < shown; i++) {
        const struct segment_signal *entry = &report->signals[report->signal_count - 1 - i];
        const struct vagus_signal *signal = &entry->signal;
        char words[480];
        struct text text;
        text_init(&text, words, sizeof(words));
        text_add_duration(&text, report_span_ns(signal->at_ns, as_of_ns));
        text_add(&text, as_of_ns == report->now_ns ? " ago" : " before");
        screen_to(screen, 1);
        screen_add(screen, SCREEN_DIM, words);
        screen_to(screen, 17);
        text_init(&text, words, sizeof(words));
        text_addf(&text, "%s on ", vagus_signal_kind_name(signal->kind));
        text_add_safe(&text, signal->resource, VAGUS_RESOURCE_MAX);
        text_addf(&text, " %s%s: ", report_change_name(signal->change),
                  entry->shadow ? " (shadow)" : "");
        text_add_safe(&text, signal->reason[0] != '\0' ? signal->reason : signal->rule, 320);
        screen_cut(screen, SCREEN_PLAIN, words);
        screen_line(screen, 0);
    }
}

/* The monitor's troubles that no signal speaks of; each call is one line, until enough was said. */
struct troubles {
    struct screen *screen;
    uint32_t shown, left_out;
};

static void add_trouble(struct troubles *troubles, enum screen_style style, const char *words)
{
    if (troubles->shown >= TROUBLES_SHOWN) {
        troubles->left_out++;
        return;
    }
    troubles->shown++;
    screen_to(troubles->screen, 1);
    screen_add(troubles->screen, style, style == SCREEN_PLAIN ? "-" : "!");
    screen_add(troubles->screen, SCREEN_PLAIN, " ");
    troubles->screen->indent = 3;
    screen_words(troubles->screen, SCREEN_PLAIN, words);
    screen_line(troubles->screen, 0);
}

static void add_listener_troubles(const struct report *report, int64_t as_of_ns,
                                  struct troubles *troubles)
{
    for (uint32_t i = 0; i < report->listener_count; i++) {
        const struct segment_listener *listener = &report->listeners[i];
        if (!report_hangs(listener->busy_since_ns, as_of_ns))
            continue;
        char words[320];
        struct text text;
        text_init(&text, words, sizeof(words));
        text_add(&text, "listener ");
        text_add_safe(&text, listener->name, 64);
        text_add(&text, " hangs for ");
        text_add_duration(&text, report_span_ns(listener->busy_since_ns, as_of_ns));
        text_addf(&text, " in its call for %s on ", vagus_signal_kind_name(listener->last_kind));
        text_add_safe(&text, listener->last_resource, VAGUS_RESOURCE_MAX);
        add_trouble(troubles, SCREEN_BAD, words);
    }
}

static void add_collector_troubles(const struct report *report, int64_t as_of_ns,
                                   struct troubles *troubles)
{
    for (uint32_t i = 0; i < report->collector_count; i++) {
        const struct segment_collector *collector = &report->collectors[i];
        bool hangs = report_hangs(collector->busy_since_ns, as_of_ns);
        if (!hangs && collector->error == 0)
            continue;
        char words[320];
        struct text text;
        text_init(&text, words, sizeof(words));
        text_add(&text, "sense ");
        text_add_safe(&text, collector->name, 40);
        if (hangs) {
            text_add(&text, " hangs for ");
            text_add_duration(&text, report_span_ns(collector->busy_since_ns, as_of_ns));
        } else {
            text_addf(
                &text, " fails: %s (%llu of %llu samples)", vagus_error_message(collector->error),
                (unsigned long long)collector->failures, (unsigned long long)collector->samples);
        }
        add_trouble(troubles, SCREEN_WARN, words);
    }
}

static void add_notes(const struct report *report, bool informative, struct troubles *troubles)
{
    for (uint32_t i = 0; i < report->note_count; i++) {
        const struct segment_note *note = &report->notes[i];
        if ((note->kind == SEGMENT_NOTE_INFO) != informative)
            continue;
        char words[640];
        struct text text;
        text_init(&text, words, sizeof(words));
        if (note->kind == SEGMENT_NOTE_UNWIRED)
            text_add(&text, "not wired: ");
        else if (note->kind == SEGMENT_NOTE_REFUSED)
            text_add(&text, "metric refused: ");
        text_add_safe(&text, note->text, 480);
        if (note->times > 1)
            text_addf(&text, " (%u times)", note->times);
        add_trouble(troubles, informative ? SCREEN_PLAIN : SCREEN_WARN, words);
    }
}

static void add_count(struct screen *screen, enum screen_style style, uint64_t count,
                      const char *one, const char *many)
{
    char item[64];
    struct text text;
    text_init(&text, item, sizeof(item));
    text_addf(&text, "%llu %s", (unsigned long long)count, count == 1 ? one : many);
    screen_item(screen, style, item);
}

static void add_monitor_line(const struct report *report, int64_t as_of_ns, struct screen *screen)
{
    const struct vagus_snapshot_monitor *monitor = &report->snapshot.monitor;
    char item[160];
    struct text text;
    screen_add(screen, SCREEN_BOLD, " monitor");
    screen_to(screen, 10);
    screen->indent = 10;
    text_init(&text, item, sizeof(item));
    if (vagus_reading_state(&monitor->cpu_ratio, as_of_ns) == VAGUS_STATE_OK) {
        text_add_value(&text, monitor->cpu_ratio.value, "1");
        text_add(&text, " of a core");
    } else {
        text_add(&text, "own cost ");
        report_add_state(&text, &monitor->cpu_ratio, as_of_ns);
    }
    screen_item(screen, SCREEN_PLAIN, item);
    add_count(screen, SCREEN_PLAIN, monitor->ticks, "tick", "ticks");
    add_count(screen, monitor->missed_ticks > 0 ? SCREEN_WARN : SCREEN_PLAIN, monitor->missed_ticks,
              "missed", "missed");
    add_count(screen, SCREEN_PLAIN, monitor->metrics, "metric", "metrics");
    add_count(screen, SCREEN_PLAIN, monitor->collectors, "sense", "senses");
    add_count(screen, SCREEN_PLAIN, monitor->listeners, "listener", "listeners");
    if (monitor->failed_collectors > 0)
        add_count(screen, SCREEN_WARN, monitor->failed_collectors, "sense fails", "senses fail");
    if (monitor->hung_listeners > 0)
        add_count(screen, SCREEN_BAD, monitor->hung_listeners, "listener hangs", "listeners hang");
    if (monitor->unwired > 0)
        add_count(screen, SCREEN_WARN, monitor->unwired, "chain not wired", "chains not wired");
    if (monitor->dropped_records > 0)
        add_count(screen, SCREEN_WARN, monitor->dropped_records, "record dropped",
                  "records dropped");
    if (monitor->refused_metrics > 0)
        add_count(screen, SCREEN_WARN, monitor->refused_metrics, "metric refused",
                  "metrics refused");
    if (monitor->shared_slot)
        screen_item(screen, SCREEN_WARN, "more threads than slots: slower, still exact");
    if (monitor->anonymous_segment)
        screen_item(screen, SCREEN_WARN, "no black box");
    screen_line(screen, 0);
}

void report_health_text(const struct report *report, bool colour, struct text *text)
{
    struct screen screen;
    int64_t as_of_ns = report_as_of_ns(report);
    screen_init(&screen, text, colour);
    add_headline(report, &screen);
    add_identity(report, &screen);
    add_wrong(report, as_of_ns, &screen);
    screen_line(&screen, 0);
    if (report->snapshot_error == 0) {
        if (as_of_ns != report->now_ns) {
            screen_add(&screen, SCREEN_DIM, " As it was last published:");
            screen_line(&screen, 0);
        }
        report_add_organs(report, as_of_ns, &screen);
    }
    add_recent(report, as_of_ns, &screen);
    screen_line(&screen, 0);
    if (report->snapshot_error == 0)
        add_monitor_line(report, as_of_ns, &screen);

    struct troubles troubles = {.screen = &screen};
    add_listener_troubles(report, as_of_ns, &troubles);
    add_collector_troubles(report, as_of_ns, &troubles);
    add_notes(report, false, &troubles);
    add_notes(report, true, &troubles);
    if (troubles.left_out > 0) {
        screen_addf(&screen, SCREEN_WARN, " ! and %u more: see vagus health --json",
                    troubles.left_out);
        screen_line(&screen, 0);
    }
}
