/* SPDX-License-Identifier: Apache-2.0 */
/* Printing one metric and its history. All text in a segment is a stranger's and is escaped. */
#include "cli/show.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "cli/chart.h"
#include "cli/terminal.h"

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

void show_figure(struct text *text, const char *label, double value, const char *unit)
{
    bool ns = strcmp(unit, "ns") == 0;
    text_add(text, label);
    text_add_value(text, ns ? value / 1e9 : value, ns ? "s" : unit);
}

void show_unit(const struct shown *shown, char unit[VAGUS_UNIT_MAX + 2])
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

/* --- The chart. --- */

/* Columns of the chart: buckets, several in one where there are more than fit. */
static unsigned fold(const struct shown *shown, unsigned room, struct chart_column *columns,
                     double *rates)
{
    const struct grid *grid = &shown->grid;
    const struct show_spread *spread = shown->spread;
    bool spread_known = spread != NULL && spread->known;
    unsigned each = (grid->count + room - 1) / room, count = (grid->count + each - 1) / each;
    for (unsigned i = 0; i < count; i++) {
        double sum = 0, max = -INFINITY, p50 = 0, p99 = -INFINITY;
        uint64_t values = 0, known = 0;
        for (unsigned k = i * each; k < grid->count && k < (i + 1) * each; k++) {
            const struct point *bucket = &shown->buckets[k];
            sum += bucket->sum;
            values += bucket->count;
            max = bucket->count > 0 ? fmax(max, bucket->max) : max;
            if (spread_known && spread->each[k].count > 0) {
                p50 += show_quantile(&spread->each[k], 0.5);
                p99 = fmax(p99, show_quantile(&spread->each[k], 0.99));
                known++;
            }
        }
        double mean = values > 0 ? sum / (double)values : NAN;
        rates[i] = mean;
        columns[i] = spread_known
                         ? (struct chart_column){known > 0 ? p50 / (double)known : NAN, p99}
                         : (struct chart_column){mean, max};
    }
    return count;
}

static void add_legend(const struct shown *shown, const struct chart *chart, struct text *text)
{
    bool spread_known = shown->spread != NULL && shown->spread->known;
    if (chart->wide > 1)
        text_addf(text, "%u columns are ", chart->wide);
    else
        text_add(text, "a column is ");
    text_add_duration(text, chart->step_ns);
    text_add(text, spread_known ? ": its median, and shaded above it p99\n\n"
                                : ": its mean, and shaded above it the maximum\n\n");
}

/* Drawn from a row on; text is what follows. */
static int add_chart(const struct shown *shown, unsigned width, bool ascii, struct text *text)
{
    unsigned room = chart_room(width);
    struct chart_column columns[TERMINAL_COLUMNS_MAX];
    double rates[TERMINAL_COLUMNS_MAX];
    struct canvas canvas = {.ascii = ascii};
    char unit[VAGUS_UNIT_MAX + 2];
    bool spread_known = shown->spread != NULL && shown->spread->known;
    show_unit(shown, unit);
    unsigned count = fold(shown, room, columns, rates);
    unsigned each = (shown->grid.count + room - 1) / room;
    struct chart chart = {.columns = columns,
                          .count = count,
                          .wide = room / count < 6 ? room / count : 6,
                          .unit = spread_known ? shown->metric.unit : unit,
                          .first_wall_ns = clock_add_ns(shown->grid.first_ns, shown->wall_ns),
                          .step_ns = shown->grid.step_ns * each};
    if (!canvas_resize(&canvas, CHART_ROWS_MAX + 1, width))
        return VAGUS_ENOMEM;
    unsigned rows = chart_draw(&chart, &canvas, 0);
    if (spread_known) {
        canvas_put_right(&canvas, rows, 0, CHART_LABEL - 1, SCREEN_PLAIN, "rate");
        for (unsigned i = 0; i < count; i++)
            for (unsigned k = 0; k < chart.wide; k++)
                canvas_spark_cell(&canvas, rows, CHART_LABEL + i * chart.wide + k, rates, count, i);
        rows++;
    }
    canvas.rows = rows;
    add_legend(shown, &chart, text);
    canvas_text(&canvas, text);
    canvas_finish(&canvas);
    return 0;
}

static void add_head(const struct shown *shown, struct text *text)
{
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
}

int show_text(const struct shown *shown, unsigned columns, bool ascii, struct text *text)
{
    const struct history *history = &shown->history;
    char unit[VAGUS_UNIT_MAX + 2];
    show_unit(shown, unit);
    add_head(shown, text);
    if (history->count == 0) {
        text_add(text, "span  nothing of ");
        text_add_duration(text, shown->wanted_ns);
        text_add(text, "\n");
        return 0;
    }
    text_add(text, "span  ");
    text_add_duration(text, clock_span_ns(history->first_ns, history->last_ns));
    text_add(text, " of ");
    text_add_duration(text, shown->wanted_ns);
    if (history->values > 0) {
        show_figure(text, "\nmin   ", history->min, unit);
        show_figure(text, "\nmean  ", history->sum / (double)history->values, unit);
        show_figure(text, "\nmax   ", history->max, unit);
        show_figure(text, "\nlast  ", history->last, unit);
    }
    if (shown->spread != NULL)
        show_spread_text(shown, text);
    text_add(text, "\n");
    return add_chart(shown, columns, ascii, text);
}

/* --- For programs. --- */

static void add_number(struct text *text, const char *key, double value)
{
    text_addf(text, ",\"%s\":", key);
    text_add_json_number(text, value);
}

static void add_point_json(const struct shown *shown, const struct point *point, struct text *text)
{
    bool any = point->count > 0;
    text_add(text, "{\"age_s\":");
    text_add_json_number(text, (double)age_ns(shown, point->at_ns) / 1e9);
    text_add(text, ",\"time\":");
    text_add_json_seconds(text, clock_add_ns(point->at_ns, shown->wall_ns));
    add_number(text, "min", any ? point->min : NAN);
    add_number(text, "max", any ? point->max : NAN);
    add_number(text, "last", any ? point->last : NAN);
    add_number(text, "value", any ? point->sum / (double)point->count : NAN);
    text_add(text, "}");
}

void show_json(const struct shown *shown, bool by_bucket, struct text *text)
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
    add_number(text, "wanted_s", (double)shown->wanted_ns / 1e9);
    add_number(text, "covered_s", (double)clock_span_ns(history->first_ns, history->last_ns) / 1e9);
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
    if (by_bucket)
        add_number(text, "by_s", (double)shown->grid.step_ns / 1e9);
    text_add(text, ",\"points\":[");
    size_t count = by_bucket ? shown->grid.count : history->count;
    const struct point *points = by_bucket ? shown->buckets : history->points;
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            text_add(text, ",");
        add_point_json(shown, &points[i], text);
    }
    text_add(text, "]}\n");
}
