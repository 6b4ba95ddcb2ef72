/* SPDX-License-Identifier: Apache-2.0 */
/* Scales that people read easily, bars in eighths of a cell, and a time axis. */
#include "cli/chart.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

/* --- Scales. --- */

static const int64_t steps_ms[] = {
    1,      2,       5,       10,      20,       50,       100,      200,     500,    1000,
    2000,   5000,    10000,   15000,   20000,    30000,    60000,    120000,  300000, 600000,
    900000, 1800000, 3600000, 7200000, 10800000, 21600000, 43200000, 86400000};
#define STEPS (sizeof(steps_ms) / sizeof(steps_ms[0]))
#define WEEK_NS (7 * 86400 * VAGUS_SECOND_NS)

int64_t chart_step_ns(int64_t span_ns, unsigned columns)
{
    columns = columns > 0 ? columns : 1;
    int64_t least_ns = span_ns / columns + (span_ns % columns != 0);
    for (size_t i = 0; i < STEPS; i++)
        if (steps_ms[i] * VAGUS_MILLISECOND_NS >= least_ns)
            return steps_ms[i] * VAGUS_MILLISECOND_NS;
    int64_t weeks = least_ns / WEEK_NS + (least_ns % WEEK_NS != 0);
    return weeks < INT64_MAX / WEEK_NS ? weeks * WEEK_NS : INT64_MAX;
}

struct scale {
    double bottom, step;
    unsigned intervals, rows; /* of the plot: a whole number for each interval */
};

/* 1, 2, 2.5 or 5 times a power of ten, or of 1024 and ten. */
static double round_step(double least, bool bytes)
{
    static const double nice[] = {1, 2, 2.5, 5, 10};
    double unit = 1;
    while (bytes && least / unit >= 1000)
        unit *= 1024;
    double power = pow(10, floor(log10(least / unit)));
    for (size_t i = 0; i < sizeof(nice) / sizeof(nice[0]); i++)
        if (nice[i] * power * unit >= least * 0.999999)
            return nice[i] * power * unit;
    return least;
}

static struct scale scale_of(const struct chart *chart)
{
    struct scale scale = {0, 1, 1, 8};
    double low = INFINITY, high = -INFINITY;
    for (unsigned i = 0; i < chart->count; i++) {
        const struct chart_column *column = &chart->columns[i];
        if (!isfinite(column->bar))
            continue;
        low = fmin(low, column->bar);
        high = fmax(high, isfinite(column->above) ? fmax(column->bar, column->above) : column->bar);
    }
    if (low > high || fabs(low) > 1e300 || fabs(high) > 1e300)
        return scale;
    if (low >= 0 && (low <= high / 2 || low == high))
        low = 0; /* a bar is as long as its value, unless all are alike */
    if (low == high)
        high = low == 0 ? 1 : low < 0 ? 0 : 2 * low;
    double step = round_step((high - low) / 4, strcmp(chart->unit, "By") == 0);
    scale.bottom = floor(low / step + 1e-9) * step;
    scale.step = step;
    double intervals = ceil((high - scale.bottom) / step - 1e-9);
    scale.intervals = intervals >= 1 && intervals <= 6 ? (unsigned)intervals : 6;
    scale.rows = scale.intervals <= 2   ? 8
                 : scale.intervals == 3 ? 9
                 : scale.intervals == 4 ? 8
                                        : 2 * scale.intervals;
    scale.rows = scale.rows <= 10 ? scale.rows : scale.intervals;
    return scale;
}

/* --- Drawing. --- */

static void draw_label(const struct chart *chart, struct canvas *canvas, unsigned row, double value)
{
    char label[64];
    struct text text;
    bool ns = strcmp(chart->unit, "ns") == 0;
    text_init(&text, label, sizeof(label));
    if (fabs(value) < 1e-300)
        value = 0;
    if (value == 0 && (ns || strcmp(chart->unit, "s") == 0))
        text_add(&text, "0 s");
    else
        text_add_value(&text, ns ? value / 1e9 : value, ns ? "s" : chart->unit);
    canvas_put_right(canvas, row, 0, CHART_LABEL - 1, SCREEN_PLAIN, label);
}

static void put_glyph(struct canvas *canvas, unsigned row, unsigned column, uint32_t glyph,
                      enum screen_style style)
{
    char bytes[5];
    canvas_utf8(glyph, bytes);
    canvas_put(canvas, row, column, column + 1, style, bytes);
}

/* A cell filled by so many eighths; ASCII knows three parts that nobody mistakes for a shade. */
static uint32_t part_of(const struct canvas *canvas, unsigned eighths)
{
    if (!canvas->ascii)
        return 0x2580 + eighths;
    return eighths <= 3 ? '_' : eighths <= 6 ? '=' : '#';
}

/* Of one cell in a column, `height` rows above the axis. */
static void draw_cell(struct canvas *canvas, unsigned row, unsigned at, unsigned height,
                      double eighths, double above)
{
    double here = eighths - 8.0 * height;
    bool lowest = height == 0 && here < 1; /* so that the least value is no gap */
    if (here >= 1 || lowest)
        put_glyph(canvas, row, at,
                  part_of(canvas, lowest      ? 1
                                  : here >= 8 ? 8
                                              : (unsigned)here),
                  SCREEN_PLAIN);
    else if (above >= 8.0 * height + 1)
        put_glyph(canvas, row, at, 0x2592, SCREEN_DIM);
}

static void draw_columns(const struct chart *chart, const struct scale *scale,
                         struct canvas *canvas, unsigned bottom_row)
{
    double each = scale->step * scale->intervals / (8.0 * scale->rows);
    for (unsigned i = 0; i < chart->count * chart->wide; i++) {
        const struct chart_column *column = &chart->columns[i / chart->wide];
        unsigned at = CHART_LABEL + i;
        if (!isfinite(column->bar)) {
            put_glyph(canvas, bottom_row, at, 0xb7, SCREEN_DIM);
            continue;
        }
        for (unsigned height = 0; height < scale->rows; height++)
            draw_cell(canvas, bottom_row - height, at, height, (column->bar - scale->bottom) / each,
                      (column->above - scale->bottom) / each);
    }
}

/* "14:05:20", "14:05" or "Nov 21". */
static unsigned add_time(char *label, size_t size, time_t seconds, int64_t each_ns)
{
    struct tm parts;
    label[0] = '\0';
    if (localtime_r(&seconds, &parts) == NULL)
        return 0;
    if (each_ns >= 86400 * VAGUS_SECOND_NS)
        return (unsigned)strftime(label, size, "%b %d", &parts);
    return (unsigned)(each_ns >= 60 * VAGUS_SECOND_NS ? strftime(label, size, "%H:%M", &parts)
                                                      : strftime(label, size, "%H:%M:%S", &parts));
}

static int64_t offset_from_utc_ns(int64_t wall_ns)
{
    struct tm parts;
    time_t seconds = (time_t)(wall_ns / VAGUS_SECOND_NS);
    return localtime_r(&seconds, &parts) != NULL ? parts.tm_gmtoff * VAGUS_SECOND_NS : 0;
}

/* Marks at whole times, as far apart as their labels need. */
static void draw_times(const struct chart *chart, struct canvas *canvas, unsigned row)
{
    unsigned cells = chart->count * chart->wide, free_from = CHART_LABEL - 3;
    int64_t step_ns = chart->step_ns, cell_ns = step_ns / (int64_t)chart->wide;
    int64_t span_ns, first_ns, end_ns;
    for (unsigned i = 0; i < cells; i++)
        put_glyph(canvas, row, CHART_LABEL + i, 0x2500, SCREEN_PLAIN);
    int64_t offset_ns = offset_from_utc_ns(chart->first_wall_ns);
    if (__builtin_mul_overflow(step_ns, (int64_t)chart->count, &span_ns) ||
        __builtin_add_overflow(chart->first_wall_ns, offset_ns, &first_ns) ||
        __builtin_add_overflow(first_ns, span_ns, &end_ns))
        return; /* of a stranger's clock: there are no such times */
    /* A label and a space take ten columns at most. */
    int64_t each_ns = chart_step_ns(span_ns, cells / 10);
    each_ns = each_ns > step_ns ? each_ns : step_ns;
    int64_t into_ns = first_ns % each_ns;
    int64_t next_ns = first_ns - (into_ns < 0 ? into_ns + each_ns : into_ns);
    for (; next_ns < end_ns; next_ns = clock_add_ns(next_ns, each_ns)) {
        char label[32];
        if (next_ns < first_ns || cell_ns <= 0)
            continue;
        unsigned at = CHART_LABEL + (unsigned)((next_ns - first_ns) / step_ns) * chart->wide;
        unsigned width =
            add_time(label, sizeof(label),
                     (time_t)(clock_add_ns(next_ns, -offset_ns) / VAGUS_SECOND_NS), each_ns);
        unsigned from = at > width / 2 ? at - width / 2 : 0;
        if (from < free_from || from + width > canvas->columns)
            continue;
        put_glyph(canvas, row, at, 0x252c, SCREEN_PLAIN);
        canvas_put(canvas, row + 1, from, canvas->columns, SCREEN_PLAIN, label);
        free_from = from + width + 1;
    }
}

unsigned chart_draw(const struct chart *chart, struct canvas *canvas, unsigned row)
{
    struct scale scale = scale_of(chart);
    unsigned axis = row + scale.rows, each = scale.rows / scale.intervals;
    for (unsigned i = row; i < axis; i++)
        put_glyph(canvas, i, CHART_LABEL - 1, 0x2502, SCREEN_PLAIN);
    for (unsigned i = 0; i <= scale.intervals; i++) {
        draw_label(chart, canvas, axis - i * each, scale.bottom + scale.step * i);
        put_glyph(canvas, axis - i * each, CHART_LABEL - 1, i == 0 ? 0x2514 : 0x2524, SCREEN_PLAIN);
    }
    draw_columns(chart, &scale, canvas, axis - 1);
    draw_times(chart, canvas, axis);
    return axis + 2;
}
