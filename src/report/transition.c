/* SPDX-License-Identifier: Apache-2.0 */
/* One transition for a person: what changed, why, what listeners did, what came of it. */
#include <math.h>
#include <time.h>

#include "report/findings.h"

#define TICK_NS (100 * VAGUS_MILLISECOND_NS) /* a value of the tick before is as new as any */

/* "2026-11-21 12:55:51.123", by the clock on the wall. */
void report_add_time(struct text *text, int64_t wall_ns)
{
    time_t seconds = (time_t)(wall_ns / VAGUS_SECOND_NS);
    struct tm parts;
    char words[40];
    if (wall_ns <= 0 || localtime_r(&seconds, &parts) == NULL ||
        strftime(words, sizeof(words), "%Y-%m-%d %H:%M:%S", &parts) == 0) {
        text_add(text, "at an unknown time");
        return;
    }
    text_addf(text, "%s.%03d", words, (int)(wall_ns / VAGUS_MILLISECOND_NS % 1000));
}

static void add_level(struct text *text, double level)
{
    if (level > 0 && level <= 1)
        text_add_fixed(text, level, 2);
    else
        text_add(text, level == 0 ? "clear" : "?");
}

/* "…  throttle on memory raised, clear to 0.35, rule tank". */
static void add_change(const struct segment_signal *entry, struct text *text)
{
    const struct vagus_signal *signal = &entry->signal;
    report_add_time(text, entry->wall_ns);
    text_addf(text, "  %s%s on ", entry->shadow ? "(shadow) " : "",
              vagus_signal_kind_name(signal->kind));
    text_add_safe(text, signal->resource, VAGUS_RESOURCE_MAX);
    text_addf(text, " %s, ", report_change_name(signal->change));
    add_level(text, entry->level_before);
    text_add(text, " to ");
    add_level(text, signal->level);
    text_add(text, ", rule ");
    text_add_safe(text, signal->rule, VAGUS_NAME_MAX);
    text_add(text, "\n");
}

static void add_why(const struct segment_signal *entry, struct text *text)
{
    const struct vagus_signal *signal = &entry->signal;
    text_addf(text, "    %s: ", report_why_name(entry->why));
    text_add_safe(text, signal->reason, 2 * sizeof(signal->reason));
    if (signal->sample_age_ns > TICK_NS && signal->metric[0] != '\0') {
        text_add(text, "; the value was ");
        text_add_duration(text, signal->sample_age_ns);
        text_add(text, " old");
    }
    text_add(text, "\n");
}

static void add_deed(const struct segment_deed *deed, const char *unit, struct text *text)
{
    text_add(text, "    ");
    text_add_safe(text, deed->listener, VAGUS_NAME_MAX);
    if (deed->took_ns >= 0) {
        text_add(text, " took ");
        text_add_duration(text, deed->took_ns);
    } else {
        text_add(text, deed->flags & VAGUS_LISTENER_POLLED ? " took it"
                                                           : " has not come back from its call");
    }
    if (isfinite(deed->released)) {
        text_add(text, ", says it released ");
        text_add_value(text, deed->released, unit);
    }
    text_add(text, "\n");
}

static void add_deeds(const struct segment_signal *entry, struct text *text)
{
    uint32_t count = entry->deed_count < SEGMENT_DEEDS_MAX ? entry->deed_count : SEGMENT_DEEDS_MAX;
    if (entry->told == 0)
        text_add(text, "    nobody was told: no listener took it\n");
    for (uint32_t i = 0; i < count; i++)
        add_deed(&entry->deeds[i], entry->signal.unit, text);
    if (entry->told > count)
        text_addf(text, "    %u told that %s not recorded taking it\n", entry->told - count,
                  entry->told - count == 1 ? "is" : "are");
}

static void add_outcome(const struct segment_signal *entry, struct text *text)
{
    const struct vagus_signal *signal = &entry->signal;
    if (entry->outcome == SEGMENT_OUTCOME_NONE)
        return;
    text_add(text, "    ");
    if (entry->outcome == SEGMENT_OUTCOME_OPEN) {
        text_add(text, "what came of it is not known yet\n");
        return;
    }
    if (entry->outcome == SEGMENT_OUTCOME_UNKNOWN)
        text_add(text, "it ended while no value was known");
    else
        text_add(text, report_outcome_name(entry->outcome));
    text_add(text, " after ");
    text_add_duration(text, report_span_ns(signal->at_ns, entry->outcome_ns));
    if (isfinite(signal->value) && isfinite(entry->value_after)) {
        text_add(text, ": ");
        text_add_value(text, signal->value, signal->unit);
        text_add(text, " to ");
        text_add_value(text, entry->value_after, signal->unit);
    }
    text_add(text, "\n");
}

/* "…  mode DEGRADED", and why. */
static void add_mode(const struct segment_signal *entry, struct text *text)
{
    report_add_time(text, entry->wall_ns);
    text_add(text, "  mode ");
    text_add_safe(text, entry->signal.rule, VAGUS_NAME_MAX);
    text_add(text, "\n    ");
    text_add_safe(text, entry->signal.reason, 2 * sizeof(entry->signal.reason));
    text_add(text, "\n");
    if (entry->told > 0)
        add_deeds(entry, text);
}

void report_transition_text(const struct segment_signal *entry, struct text *text)
{
    if (entry->signal.kind == VAGUS_MODE_CHANGE) {
        add_mode(entry, text);
        return;
    }
    add_change(entry, text);
    add_why(entry, text);
    if (!entry->shadow)
        add_deeds(entry, text);
    add_outcome(entry, text);
}
