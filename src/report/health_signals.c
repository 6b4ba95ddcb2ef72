/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong: each raised signal, the worst first, with its reason and what was done about it.
 */
#include "report/assemble.h"
#include "report/findings.h"
#include "report/health_parts.h"

static enum screen_style style_of_kind(uint32_t kind)
{
    return kind == VAGUS_SHUTDOWN ? SCREEN_BAD : SCREEN_WARN;
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

void report_add_raised(const struct report *report, int64_t as_of_ns, struct screen *screen)
{
    uint32_t count = report_raised_count(report);
    for (uint32_t i = 0; i < count; i++)
        add_raised(report, &report->snapshot.signals[i], as_of_ns, screen);
    if (report->snapshot.signal_count > count) {
        screen_addf(screen, SCREEN_WARN, " and %u more signals",
                    report->snapshot.signal_count - count);
        screen_line(screen, 0);
    }
}
