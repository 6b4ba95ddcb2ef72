/* SPDX-License-Identifier: Apache-2.0 */
/* What a signal says: the value, the threshold, and why in words. */
#include <math.h>
#include <string.h>

#include "base/notation.h"
#include "judge/watch.h"

const char *reason_unit(const struct judged_rule *judged, const char *metric_unit)
{
    switch (judged->kind->measures) {
    case VAGUS_MEASURES_TIME:
        return "s";
    case VAGUS_MEASURES_NUMBER:
        return "";
    default:
        return judged->params.stat == VAGUS_STAT_COUNT ? "" : metric_unit;
    }
}

bool reason_is_per_second(const struct judged_rule *judged)
{
    return judged->kind->measures == VAGUS_MEASURES_RATE ||
           judged->params.stat == VAGUS_STAT_RATE || judged->params.stat == VAGUS_STAT_SLOPE;
}

static void add_value(struct text *text, const struct watch *watch, double value, const char *unit)
{
    text_add_value(text, value, unit);
    if (reason_is_per_second(watch->judged))
        text_add(text, "/s");
}

void reason_add_value(struct text *text, const struct judge *judge, const struct watch *watch,
                      double value)
{
    add_value(text, watch, value,
              reason_unit(watch->judged, metrics_describe(judge->metrics, watch->metric)->unit));
}

static void add_digits(struct text *text, double value, const char *unit, int digits)
{
    if (strcmp(unit, "1") == 0) {
        text_add_digits(text, value * 100, digits);
        text_add(text, " %");
    } else if (strcmp(unit, "By") == 0) {
        text_add_size_digits(text, value, digits);
    } else {
        text_add_digits(text, value, digits);
        if (unit[0] != '{' && unit[0] != '\0')
            text_addf(text, " %s", unit);
    }
}

/* The value, with so many digits that it does not read like what it is held against. False where
 * nine do not tell the two apart. */
static bool add_measure(struct text *text, double measure, double against, const char *unit)
{
    char plain[64], other[64];
    struct text a, b;
    text_init(&a, plain, sizeof(plain));
    text_init(&b, other, sizeof(other));
    text_add_value(&a, measure, unit);
    text_add_value(&b, against, unit);
    bool differs = strcmp(plain, other) != 0;
    for (int digits = 4; !differs && digits <= 9 && isfinite(measure); digits++) {
        text_init(&a, plain, sizeof(plain));
        text_init(&b, other, sizeof(other));
        add_digits(&a, measure, unit, digits);
        add_digits(&b, against, unit, digits);
        differs = strcmp(plain, other) != 0;
    }
    if (differs)
        text_add(text, plain);
    else
        text_add_value(text, measure, unit);
    return differs;
}

/* "memory.headroom.ratio 8.1 % is below 10 % for 500 ms"; "disk.free time left 8 min is below …".
 */
static void add_known(struct text *text, const struct watch *watch,
                      const struct config_threshold *threshold, uint32_t change,
                      const char *metric_unit)
{
    const char *side = threshold->below ? "below " : "above ";
    const char *way_back = threshold->below ? "above " : "below ";
    const char *unit = reason_unit(watch->judged, metric_unit);
    bool beyond =
        threshold->below ? watch->measure < threshold->enter : watch->measure > threshold->enter;
    bool back =
        threshold->below ? watch->measure >= threshold->clear : watch->measure <= threshold->clear;
    if (watch->judged->kind->what != NULL)
        text_addf(text, " %s", watch->judged->kind->what);
    text_add(text, " ");
    bool differs =
        add_measure(text, watch->measure, beyond ? threshold->enter : threshold->clear, unit);
    if (reason_is_per_second(watch->judged))
        text_add(text, "/s");
    if (beyond) {
        text_add(text, differs ? " is " : " has reached ");
        if (differs)
            text_add(text, side);
        add_value(text, watch, threshold->enter, unit);
        if (change == VAGUS_SIGNAL_RAISED && threshold->for_ns > 0) {
            text_add(text, " for ");
            text_add_duration(text, threshold->for_ns);
        }
        return;
    }
    text_add(text, back ? " is back " : " is not yet back ");
    text_add(text, way_back);
    add_value(text, watch, threshold->clear, unit);
    if (back && change != VAGUS_SIGNAL_CLEARED)
        text_add(text, ", not yet for long enough");
}

/* "all of busy, stuck are raised". */
static void add_parts(struct text *text, const struct judge *judge, const struct watch *watch,
                      bool cleared)
{
    const struct judged_rule *judged = watch->judged;
    const struct judge *before = judge->before;
    if (before != NULL && judged >= before->rules && judged < before->rules + before->rule_count)
        judge = before; /* a ghost's parts are rules of the judge before */
    text_addf(text, "%s%s of ", cleared ? "no longer " : "", judged->kind->name);
    for (uint32_t i = 0; i < judged->part_count; i++)
        text_addf(text, "%s%s", i > 0 ? ", " : "", judge->rules[judged->parts[i]].rule->name);
    text_add(text, " raised");
}

/* "memory.headroom.ratio has been missing for 3 s". */
static void add_missing(struct text *text, const struct vagus_reading *reading, uint32_t change,
                        int64_t now_ns)
{
    if (reading->taken_ns == 0) {
        text_add(text, " has never had a value");
    } else {
        text_add(text, " has been missing for ");
        text_add_duration(text, now_ns - reading->taken_ns);
    }
    if (change == VAGUS_SIGNAL_CLEARED)
        text_add(text, ", which clears it");
}

/* "…; no relief within 10 s of throttle". */
static void add_escalation(struct text *text, const struct watch *watch, unsigned severity)
{
    bool relief = watch->effects[severity].escalated == ESCALATED_NO_RELIEF;
    text_add(text, relief ? "; no relief within " : "; still raised ");
    text_add_duration(text,
                      relief ? watch->rule->relief_within_ns : watch->rule->escalate_after_ns);
    text_add(text, relief ? " of " : " after ");
    text_add(text, vagus_signal_kind_name(severity_kind(severity - 1)));
}

/* What is told of the metric: its name, its newest value's age, and why in words. */
static void fill_of_metric(const struct judge *judge, const struct watch *watch,
                           const struct config_threshold *threshold, struct vagus_signal *signal,
                           struct text *text)
{
    const struct segment_metric *described = metrics_describe(judge->metrics, watch->metric);
    const struct vagus_reading *reading = &judge->metrics->readings[watch->metric];
    signal->sample_age_ns = reading->taken_ns != 0 ? signal->at_ns - reading->taken_ns : -1;
    text_copy(signal->metric, sizeof(signal->metric), described->name);
    text_copy(signal->instance, sizeof(signal->instance), described->instance);
    text_copy(signal->label, sizeof(signal->label), described->label);
    text_copy(signal->unit, sizeof(signal->unit), reason_unit(watch->judged, described->unit));

    notation_add(text, described->name, described->label, described->instance);
    if (watch->known)
        add_known(text, watch, threshold, signal->change, described->unit);
    else
        add_missing(text, reading, signal->change, signal->at_ns);
}

void reason_fill(const struct judge *judge, const struct watch *watch, unsigned severity,
                 struct vagus_signal *signal)
{
    unsigned because = watch_reason(watch, severity);
    const struct config_threshold *threshold = watch_threshold(watch->rule, because);
    bool cleared = signal->change == VAGUS_SIGNAL_CLEARED;
    char words[2 * sizeof(signal->reason)];
    struct text text;

    signal->value = watch->known ? watch->measure : NAN;
    signal->threshold = cleared ? threshold->clear : threshold->enter;
    text_copy(signal->rule, sizeof(signal->rule), watch->rule->name);
    text_init(&text, words, sizeof(words));
    if (watch->metric != WATCH_NO_METRIC)
        fill_of_metric(judge, watch, threshold, signal, &text);
    else
        add_parts(&text, judge, watch, cleared);
    if (!cleared && because != severity)
        add_escalation(&text, watch, severity);
    text_copy(signal->reason, sizeof(signal->reason), words);
}
