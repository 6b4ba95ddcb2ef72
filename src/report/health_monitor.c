/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor about itself: its cost, what it missed, and the troubles that no signal speaks of. */
#include "report/findings.h"
#include "report/health_parts.h"

#define TROUBLES_SHOWN 6

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

/* True if a raised signal already told what this listener does. */
static bool was_named(const struct report *report, const struct segment_listener *listener)
{
    for (uint32_t i = 0; i < report_raised_count(report); i++) {
        const struct segment_signal *entry =
            report_transition_of(report, &report->snapshot.signals[i]);
        if (entry != NULL && entry->told > 0 && (listener->kinds & entry->signal.kind))
            return true;
    }
    return false;
}

static void add_listener_troubles(const struct report *report, int64_t as_of_ns,
                                  struct troubles *troubles)
{
    for (uint32_t i = 0; i < report->listener_count; i++) {
        const struct segment_listener *listener = &report->listeners[i];
        if (!report_hangs(listener->busy_since_ns, as_of_ns) || was_named(report, listener))
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

/* One that was handed several signals, which all did not help, and that never said it released
 * anything: it may be connected to nothing. */
static void add_idle_listeners(const struct report *report, struct troubles *troubles)
{
    for (uint32_t i = 0; i < report->listener_count; i++) {
        const struct segment_listener *listener = &report->listeners[i];
        if (!report_relieves_nothing(listener))
            continue;
        char words[320];
        struct text text;
        text_init(&text, words, sizeof(words));
        text_add(&text, "listener ");
        text_add_safe(&text, listener->name, 64);
        text_addf(&text,
                  " relieves nothing: it took %u signals that brought no relief, and never said "
                  "that it released anything",
                  listener->unrelieved);
        add_trouble(troubles, SCREEN_WARN, words);
    }
}

static void add_collector_troubles(const struct report *report, int64_t as_of_ns,
                                   struct troubles *troubles)
{
    for (uint32_t i = 0; i < report->collector_count; i++) {
        const struct segment_collector *collector = &report->collectors[i];
        bool hangs = report_hangs(collector->busy_since_ns, as_of_ns);
        /* What this machine does not have is no trouble. */
        if (!hangs && (collector->error == 0 || collector->error == VAGUS_EUNSUPPORTED))
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

/* What this machine does not have is no trouble, but good to know. */
static void add_unsupported(const struct report *report, struct troubles *troubles)
{
    char words[640];
    struct text text;
    text_init(&text, words, sizeof(words));
    for (uint32_t i = 0; i < report->collector_count; i++) {
        const struct segment_collector *collector = &report->collectors[i];
        if (collector->error != VAGUS_EUNSUPPORTED)
            continue;
        text_add(&text, text.length == 0 ? "not supported here: " : ", ");
        text_add_safe(&text, collector->name, 40);
    }
    if (text.length > 0)
        add_trouble(troubles, SCREEN_PLAIN, words);
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
    char item[80];
    struct text text;
    text_init(&text, item, sizeof(item));
    text_addf(&text, "%llu %s", (unsigned long long)count, count == 1 ? one : many);
    screen_item(screen, style, item);
}

static void add_warning(struct screen *screen, uint64_t count, const char *one, const char *many)
{
    if (count > 0)
        add_count(screen, SCREEN_WARN, count, one, many);
}

static uint32_t unwired_notes(const struct report *report)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < report->note_count; i++)
        count += report->notes[i].kind == SEGMENT_NOTE_UNWIRED;
    return count;
}

static void add_monitor_line(const struct report *report, int64_t as_of_ns, struct screen *screen)
{
    const struct vagus_snapshot_monitor *monitor = &report->snapshot.monitor;
    char item[160];
    struct text text;
    screen_add(screen, SCREEN_BOLD, " monitor");
    screen_to(screen, 9);
    screen->indent = 9;
    text_init(&text, item, sizeof(item));
    if (vagus_reading_state(&monitor->cpu_ratio, as_of_ns) == VAGUS_STATE_OK) {
        text_add_value(&text, monitor->cpu_ratio.value, "1");
        text_add(&text, " of a core");
    } else {
        text_add(&text, "own cost ");
        report_add_state(&text, &monitor->cpu_ratio, as_of_ns);
    }
    screen_item(screen, SCREEN_PLAIN, item);
    text_init(&text, item, sizeof(item));
    text_addf(&text, "%llu ticks, %llu missed", (unsigned long long)monitor->ticks,
              (unsigned long long)monitor->missed_ticks);
    screen_item(screen, monitor->missed_ticks > 0 ? SCREEN_WARN : SCREEN_PLAIN, item);
    add_count(screen, SCREEN_PLAIN, monitor->collectors, "sense", "senses");
    add_count(screen, SCREEN_PLAIN, monitor->listeners, "listener", "listeners");
    add_warning(screen, monitor->dropped_records, "record dropped", "records dropped");
    add_warning(screen, monitor->refused_metrics, "metric refused", "metrics refused");
    /* These are named one by one below, unless their lists could not be read. */
    if (report->collector_count == 0)
        add_warning(screen, monitor->failed_collectors, "sense fails", "senses fail");
    if (report->listener_count == 0)
        add_warning(screen, monitor->hung_listeners, "listener hangs", "listeners hang");
    if (monitor->unwired > unwired_notes(report))
        add_warning(screen, monitor->unwired, "chain not wired", "chains not wired");
    if (monitor->shared_slot)
        screen_item(screen, SCREEN_WARN, "more threads than slots: slower, still exact");
    if (monitor->anonymous_segment)
        screen_item(screen, SCREEN_WARN, "no black box");
    screen_line(screen, 0);
}

void report_add_monitor(const struct report *report, int64_t as_of_ns, struct screen *screen)
{
    if (report->snapshot_error == 0)
        add_monitor_line(report, as_of_ns, screen);
    report_add_history(report, as_of_ns, screen);
    if (report->snapshot_error == 0)
        report_add_continuity(report, screen);
    struct troubles troubles = {.screen = screen};
    add_listener_troubles(report, as_of_ns, &troubles);
    add_idle_listeners(report, &troubles);
    add_collector_troubles(report, as_of_ns, &troubles);
    add_notes(report, false, &troubles);
    add_unsupported(report, &troubles);
    add_notes(report, true, &troubles);
    if (troubles.left_out > 0) {
        screen_addf(screen, SCREEN_WARN, " ! and %u more: see vagus health --json",
                    troubles.left_out);
        screen_line(screen, 0);
    }
}
