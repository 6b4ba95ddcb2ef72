/* SPDX-License-Identifier: Apache-2.0 */
/* Printing one metric and its history. All text in a segment is a stranger's and is escaped. */
#include "cli/show.h"

#include <math.h>
#include <string.h>

#include "report/spark.h"

void show_name(struct text *text, const struct segment_metric *metric)
{
    notation_add(text, metric->name, metric->label, metric->instance);
}

/* How long ago; 0 for what lies ahead or too far away to tell. */
static int64_t age_ns(const struct shown *shown, int64_t at_ns)
{
    int64_t age;
    return __builtin_sub_overflow(shown->now_ns, at_ns, &age) || age < 0 ? 0 : age;
}

/* One column for each period of the series, or several in one if there are more than 60. */
static void add_line(const struct history *history, int64_t step_ns, struct text *text)
{
    double sums[SHOW_COLUMNS_MAX] = {0};
    unsigned counts[SHOW_COLUMNS_MAX] = {0};
    int64_t end_ns = history->points[history->count - 1].at_ns;
    int64_t periods = (end_ns - history->first_ns + step_ns / 2) / step_ns + 1;
    int64_t each = (periods + SHOW_COLUMNS_MAX - 1) / SHOW_COLUMNS_MAX;
    int64_t columns = (periods + each - 1) / each;
    for (size_t i = 0; i < history->count; i++) {
        const struct point *point = &history->points[i];
        int64_t column = columns - 1 - (end_ns - point->at_ns + step_ns / 2) / step_ns / each;
        if (isnan(point->value) || column < 0)
            continue;
        sums[column] += point->value;
        counts[column]++;
    }
    for (int64_t i = 0; i < columns; i++)
        sums[i] = counts[i] == 0 ? NAN : sums[i] / counts[i];
    spark_draw(sums, (unsigned)columns, NAN, NAN, text);
}

/* Values enter the instant tier whenever they come: there the line is divided evenly. */
static int64_t step_of(const struct shown *shown)
{
    const struct history *history = &shown->history;
    if (history->period_ns != VAGUS_MILLISECOND_NS)
        return history->period_ns;
    int64_t step_ns = (history->last_ns - history->first_ns) / (SHOW_COLUMNS_MAX - 1) + 1;
    return step_ns > VAGUS_MILLISECOND_NS ? step_ns : VAGUS_MILLISECOND_NS;
}

void show_figure(struct text *text, const char *label, double value, const char *unit)
{
    char amount[96];
    struct text plain;
    bool ns = strcmp(unit, "ns") == 0;
    text_init(&plain, amount, sizeof(amount));
    text_add_value(&plain, ns ? value / 1e9 : value, ns ? "s" : unit);
    text_add(text, label);
    text_add_safe(text, amount, sizeof(amount));
}

/* What is drawn is in this: of a counter for each second. */
static void unit_drawn(const struct shown *shown, char unit[VAGUS_UNIT_MAX + 2])
{
    struct text text;
    text_init(&text, unit, VAGUS_UNIT_MAX + 2);
    text_add(&text, shown->metric.kind == VAGUS_HISTOGRAM ? "{value}" : shown->metric.unit);
    if (show_as_rate(shown))
        text_add(&text, "/s");
}

static void add_now(const struct shown *shown, struct text *text)
{
    if (shown->reading.taken_ns != 0) {
        const char *unit = shown->metric.kind == VAGUS_HISTOGRAM ? "" : shown->metric.unit;
        show_figure(text, "\nnow   ", shown->reading.value, unit);
        text_add(text, ", ");
    } else {
        text_add(text, "\nnow   ");
    }
    text_add(text, vagus_state_name(vagus_reading_state(&shown->reading, shown->now_ns)));
    if (shown->reading.taken_ns != 0) {
        text_add(text, ", ");
        text_add_duration(text, age_ns(shown, shown->reading.taken_ns));
        text_add(text, " old");
    }
    text_add(text, shown->alive ? "\n" : "; the process has ended\n");
}

static const char *const level_names[VAGUS_TIER_COUNT] = {NULL, "instant", "100ms",
                                                          "1s", "10s",     "60s"};

/* How far back each level reaches. */
static void add_reach(const struct shown *shown, struct text *text)
{
    const char *before = "reach ";
    for (unsigned tier = VAGUS_TIER_INSTANT; tier < VAGUS_TIER_COUNT; tier++) {
        if (shown->since_ns[tier] == 0)
            continue;
        text_addf(text, "%s%s for ", before, level_names[tier]);
        text_add_duration(text, age_ns(shown, shown->since_ns[tier]));
        before = ", ";
    }
    if (before[0] == ',')
        text_add(text, "\n");
}

void show_text(const struct shown *shown, struct text *text)
{
    const struct history *history = &shown->history;
    char unit[VAGUS_UNIT_MAX + 2];
    unit_drawn(shown, unit);
    show_name(text, &shown->metric);
    text_add(text, " [");
    text_add_safe(text, shown->metric.unit, VAGUS_UNIT_MAX);
    text_add(text, "]");
    if (shown->metric.help[0] != '\0') {
        text_add(text, "  ");
        text_add_safe(text, shown->metric.help, VAGUS_HELP_MAX);
    }
    add_now(shown, text);
    add_reach(shown, text);
    if (history->count == 0) {
        text_add(text, "span  nothing of the last ");
        text_add_duration(text, shown->last_wanted_ns);
        text_add(text, "\n");
        return;
    }
    text_add(text, "span  ");
    text_add_duration(text, history->last_ns - history->first_ns);
    text_add(text, " of ");
    text_add_duration(text, shown->last_wanted_ns);
    if (history->values > 0) {
        if (show_as_rate(shown))
            text_add(text, "\nfor each second:");
        show_figure(text, "\nmin   ", history->min, unit);
        show_figure(text, "\nmean  ", history->sum / (double)history->values, unit);
        show_figure(text, "\nmax   ", history->max, unit);
        show_figure(text, "\nlast  ", history->last, unit);
    }
    if (shown->spread != NULL)
        show_spread_text(shown, text);
    text_add(text, "\n\n");
    if (shown->spread != NULL)
        text_add(text, "rate  ");
    add_line(history, step_of(shown), text);
    text_add(text, "\n");
    if (shown->spread != NULL)
        show_spread_lines(shown, text);
}

static void add_number(struct text *text, const char *key, double value)
{
    text_addf(text, ",\"%s\":", key);
    text_add_json_number(text, value);
}

void show_json(const struct shown *shown, struct text *text)
{
    const struct history *history = &shown->history;
    const struct vagus_reading *reading = &shown->reading;
    bool any = history->values > 0, taken = reading->taken_ns != 0;
    text_add(text, "{\"metric\":");
    text_add_json(text, shown->metric.name);
    text_add(text, ",\"label\":");
    text_add_json(text, shown->metric.label);
    text_add(text, ",\"instance\":");
    text_add_json(text, shown->metric.instance);
    text_add(text, ",\"unit\":");
    text_add_json(text, shown->metric.unit);
    text_add(text, ",\"help\":");
    text_add_json(text, shown->metric.help);
    text_addf(text, ",\"alive\":%s,\"state\":\"%s\"", shown->alive ? "true" : "false",
              vagus_state_name(vagus_reading_state(reading, shown->now_ns)));
    add_number(text, "value", taken ? reading->value : NAN);
    add_number(text, "age_s", taken ? (double)age_ns(shown, reading->taken_ns) / 1e9 : NAN);
    add_number(text, "wanted_s", (double)shown->last_wanted_ns / 1e9);
    add_number(text, "covered_s", (double)(history->last_ns - history->first_ns) / 1e9);
    add_number(text, "min", any ? history->min : NAN);
    add_number(text, "mean", any ? history->sum / (double)history->values : NAN);
    add_number(text, "max", any ? history->max : NAN);
    add_number(text, "last", any ? history->last : NAN);
    text_add(text, ",\"reach_s\":{");
    const char *comma = "";
    for (unsigned tier = VAGUS_TIER_INSTANT; tier < VAGUS_TIER_COUNT; tier++) {
        if (shown->since_ns[tier] == 0)
            continue;
        text_addf(text, "%s\"%s\":", comma, level_names[tier]);
        text_add_json_number(text, (double)age_ns(shown, shown->since_ns[tier]) / 1e9);
        comma = ",";
    }
    text_add(text, "}");
    text_addf(text, ",\"drawn\":\"%s\"", show_as_rate(shown) ? "rate" : "value");
    if (show_as_rate(shown))
        add_number(text, "grown", any ? history->grown : NAN);
    if (shown->spread != NULL)
        show_spread_json(shown, text);
    text_add(text, ",\"points\":[");
    for (size_t i = 0; i < history->count; i++) {
        text_add(text, i == 0 ? "{\"age_s\":" : ",{\"age_s\":");
        text_add_json_number(text, (double)age_ns(shown, history->points[i].at_ns) / 1e9);
        add_number(text, "value", history->points[i].value);
        text_add(text, "}");
    }
    text_add(text, "]}\n");
}
