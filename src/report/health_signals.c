/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong: each raised signal, the worst first, with its reason and what was done about it.
 */
#include <math.h>
#include <stdio.h>

#include "base/notation.h"
#include "report/assemble.h"
#include "report/findings.h"
#include "report/health_parts.h"

#define DEEDS_SHOWN 4
#define EXPLAINED 4 /* signals; the rest get one line each */

static enum screen_style style_of_kind(uint32_t kind)
{
    return kind == VAGUS_SHUTDOWN ? SCREEN_BAD : SCREEN_WARN;
}

/* What came of the newest change of a signal, as its record has it: of listeners that were handed
 * another one since. */
static bool add_recorded_deed(const struct segment_listener *listener,
                              const struct segment_signal *entry, struct text *text)
{
    for (uint32_t i = 0; i < entry->deed_count && i < SEGMENT_DEEDS_MAX; i++) {
        const struct segment_deed *deed = &entry->deeds[i];
        bool polled = (deed->flags & VAGUS_LISTENER_POLLED) != 0;
        if (strncmp(deed->listener, listener->name, sizeof(deed->listener)) != 0 ||
            (deed->took_ns < 0 && !polled))
            continue;
        text_add_safe(text, listener->name, 32);
        text_add(text, polled ? " took it" : " took ");
        if (!polled)
            text_add_duration(text, deed->took_ns);
        return true;
    }
    return false;
}

/* What one listener did about a signal; false if there is nothing to say of it. */
static bool add_deed(const struct segment_listener *listener, const struct segment_signal *entry,
                     int64_t as_of_ns, struct text *text)
{
    const struct vagus_signal *signal = &entry->signal;
    bool about_this = listener->last_kind == signal->kind &&
                      strcmp(listener->last_resource, signal->resource) == 0;
    if (!(listener->kinds & signal->kind))
        return false;
    if (!about_this && listener->busy_since_ns == 0)
        return add_recorded_deed(listener, entry, text);

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
    } else if (listener->flags & VAGUS_LISTENER_POLLED) {
        text_add(text, " took it"); /* what it does then is its own */
    } else {
        text_add(text, " took ");
        text_add_duration(text, listener->last_took_ns);
    }
    return true;
}

/* The deeds of those listeners that are at work, or of those that are not; counts them all. */
static void add_deeds_of(const struct report *report, const struct segment_signal *entry, bool busy,
                         int64_t as_of_ns, unsigned *deeds, struct screen *screen)
{
    for (uint32_t i = 0; i < report->listener_count; i++) {
        const struct segment_listener *listener = &report->listeners[i];
        char item[240];
        struct text text;
        text_init(&text, item, sizeof(item));
        if (busy != (listener->busy_since_ns != 0) || !add_deed(listener, entry, as_of_ns, &text))
            continue;
        if (++*deeds > DEEDS_SHOWN)
            continue;
        if (!screen->begun)
            screen_add(screen, SCREEN_PLAIN, ": ");
        bool hangs = report_hangs(listener->busy_since_ns, as_of_ns);
        screen_item(screen, hangs ? SCREEN_BAD : SCREEN_PLAIN, item);
    }
}

static void add_deeds(const struct report *report, const struct segment_signal *entry,
                      int64_t as_of_ns, struct screen *screen)
{
    screen_to(screen, 3);
    screen->indent = 6;
    if (entry->told == 0) {
        screen_words(screen, SCREEN_BAD, "nobody was told: no listener takes it");
        screen_line(screen, 0);
        return;
    }
    screen_addf(screen, SCREEN_PLAIN, "told %u listener%s", entry->told,
                entry->told == 1 ? "" : "s");
    /* A short list must not hide who hangs. */
    unsigned deeds = 0;
    add_deeds_of(report, entry, true, as_of_ns, &deeds, screen);
    add_deeds_of(report, entry, false, as_of_ns, &deeds, screen);
    if (deeds > DEEDS_SHOWN) {
        char item[40];
        snprintf(item, sizeof(item), "and %u more", deeds - DEEDS_SHOWN);
        screen_item(screen, SCREEN_PLAIN, item);
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
        notation_add(&text, signal->metric, signal->label, signal->instance);
        text_add(&text, " ");
        text_add_value(&text, signal->value, signal->unit);
        text_add(&text, " is beyond ");
        text_add_value(&text, signal->threshold, signal->unit);
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

/* The raise that a signal goes back to; what came of it stands in its record. */
static const struct segment_signal *raise_of(const struct report *report,
                                             const struct segment_signal *newest)
{
    const struct vagus_signal *signal = &newest->signal;
    for (uint32_t i = report->signal_count; i > 0; i--) {
        const struct segment_signal *entry = &report->signals[i - 1];
        if (!entry->shadow && entry->signal.kind == signal->kind &&
            entry->signal.change == VAGUS_SIGNAL_RAISED &&
            strcmp(entry->signal.resource, signal->resource) == 0)
            return entry;
    }
    return NULL;
}

/* Whether it helped: "no relief after 10 s: 8.1 % to 6.2 %". */
static void add_outcome(const struct report *report, const struct segment_signal *newest,
                        struct screen *screen)
{
    const struct segment_signal *entry = raise_of(report, newest);
    char words[240];
    struct text text;
    if (entry == NULL ||
        (entry->outcome != SEGMENT_OUTCOME_RELIEF && entry->outcome != SEGMENT_OUTCOME_NO_RELIEF))
        return;
    text_init(&text, words, sizeof(words));
    text_addf(&text, "%s after ", report_outcome_name(entry->outcome));
    text_add_duration(&text, report_span_ns(entry->signal.at_ns, entry->outcome_ns));
    if (isfinite(entry->signal.value) && isfinite(entry->value_after)) {
        text_add(&text, ": ");
        text_add_value(&text, entry->signal.value, entry->signal.unit);
        text_add(&text, " to ");
        text_add_value(&text, entry->value_after, entry->signal.unit);
    }
    screen_to(screen, 3);
    screen->indent = 6;
    screen_words(screen, entry->outcome == SEGMENT_OUTCOME_NO_RELIEF ? SCREEN_WARN : SCREEN_PLAIN,
                 words);
    screen_line(screen, 0);
}

static void add_raised(const struct report *report, const struct vagus_snapshot_signal *raised,
                       bool explained, int64_t as_of_ns, struct screen *screen)
{
    const struct segment_signal *entry = report_transition_of(report, raised);
    char item[160];
    struct text text;
    screen_add(screen, SCREEN_PLAIN, " ");
    screen_add(screen, style_of_kind(raised->kind), vagus_signal_kind_name(raised->kind));
    text_init(&text, item, sizeof(item));
    text_add(&text, " on ");
    text_add_safe(&text, raised->resource, VAGUS_RESOURCE_MAX);
    screen_cut(screen, SCREEN_BOLD, item);
    text_init(&text, item, sizeof(item));
    text_add(&text, " for ");
    text_add_duration(&text, report_span_ns(raised->since_ns, as_of_ns));
    text_add(&text, ", level ");
    if (raised->level >= 0 && raised->level <= 1)
        text_add_fixed(&text, (double)raised->level, 2);
    else
        text_add(&text, "?");
    text_add(&text, ", rule ");
    text_add_safe(&text, entry != NULL ? entry->signal.rule : raised->rule, 40);
    screen_cut(screen, SCREEN_PLAIN, item);
    screen_line(screen, 0);
    if (entry != NULL && explained) {
        add_reason(report, entry, as_of_ns, screen);
        add_deeds(report, entry, as_of_ns, screen);
        add_outcome(report, entry, screen);
    }
}

void report_add_raised(const struct report *report, int64_t as_of_ns, struct screen *screen)
{
    uint32_t count = report_raised_count(report);
    for (uint32_t i = 0; i < count; i++)
        add_raised(report, &report->snapshot.signals[i], i < EXPLAINED, as_of_ns, screen);
    if (report->snapshot.signal_count > count) {
        screen_addf(screen, SCREEN_WARN, " and %u more signals",
                    report->snapshot.signal_count - count);
        screen_line(screen, 0);
    }
}
