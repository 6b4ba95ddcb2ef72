/* SPDX-License-Identifier: Apache-2.0 */
/* The history of one metric as a table: RFC 4180, a header line, CRLF, times in UTC. What is not
 * known is an empty field, never a 0. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/show.h"

/* Quoted where it must be. */
static void add_field(struct text *text, const char *field)
{
    if (strpbrk(field, "\",\r\n") == NULL) {
        text_add(text, field);
        return;
    }
    text_add(text, "\"");
    for (; *field != '\0'; field++)
        text_addf(text, *field == '"' ? "\"\"" : "%c", *field);
    text_add(text, "\"");
}

static void add_title(struct text *text, const char *what, const char *unit)
{
    char title[4 * VAGUS_UNIT_MAX + 32];
    struct text safe;
    text_init(&safe, title, sizeof(title));
    text_addf(&safe, "%s [", what);
    text_add_safe(&safe, unit, 4 * VAGUS_UNIT_MAX);
    text_add(&safe, "]");
    text_add(text, ",");
    add_field(text, title);
}

static void add_time(struct text *text, int64_t wall_ns)
{
    time_t seconds = (time_t)(wall_ns / VAGUS_SECOND_NS);
    struct tm parts;
    char time[40];
    if (wall_ns < 0 || gmtime_r(&seconds, &parts) == NULL ||
        strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%S", &parts) == 0) {
        text_add(text, ",");
        return;
    }
    int ms = (int)(wall_ns / VAGUS_MILLISECOND_NS % 1000);
    text_addf(text, "%s.%03dZ,%lld.%03d", time, ms, (long long)seconds, ms);
}

static void add_number(struct text *text, double value)
{
    text_add(text, ",");
    if (isfinite(value) && value == rint(value) && fabs(value) < 9e15)
        text_add_fixed(text, value, 0);
    else if (isfinite(value))
        text_add_digits(text, value, 12);
}

static bool write_line(struct text *text, FILE *out)
{
    text_add(text, "\r\n");
    return fputs(text->data, out) != EOF;
}

static const struct {
    const char *title;
    double q;
} quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"max", 1}};
#define QUANTILES (sizeof(quantiles) / sizeof(quantiles[0]))

static bool write_spread(const struct shown *shown, FILE *out)
{
    const struct grid *grid = &shown->grid;
    char line[1024];
    struct text text;
    text_init(&text, line, sizeof(line));
    text_add(&text, "time,seconds,count");
    add_title(&text, "mean", shown->metric.unit);
    for (size_t k = 0; k < QUANTILES; k++)
        add_title(&text, quantiles[k].title, shown->metric.unit);
    bool written = write_line(&text, out);
    for (unsigned i = 0; i < grid->count && written; i++) {
        const struct vagus_distribution *each = &shown->spread->each[i];
        text_init(&text, line, sizeof(line));
        add_time(&text, clock_add_ns(grid->first_ns + (int64_t)i * grid->step_ns, shown->wall_ns));
        add_number(&text, (double)each->count);
        add_number(&text, each->count > 0 ? each->sum / (double)each->count : NAN);
        for (size_t k = 0; k < QUANTILES; k++)
            add_number(&text, show_quantile(each, quantiles[k].q));
        written = write_line(&text, out);
    }
    return written;
}

bool show_csv(const struct shown *shown, bool by_bucket, FILE *out)
{
    static const char *const titles[] = {"min", "max", "mean", "last"};
    char line[1024], unit[VAGUS_UNIT_MAX + 2];
    struct text text;
    if (shown->spread != NULL && shown->spread->known)
        return write_spread(shown, out);
    show_unit(shown, unit);
    text_init(&text, line, sizeof(line));
    text_add(&text, "time,seconds");
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
        add_title(&text, titles[i], unit);
    text_add(&text, ",count");
    bool written = write_line(&text, out);
    size_t count = by_bucket ? shown->grid.count : shown->history.count;
    const struct point *points = by_bucket ? shown->buckets : shown->history.points;
    for (size_t i = 0; i < count && written; i++) {
        const struct point *point = &points[i];
        bool any = point->count > 0;
        text_init(&text, line, sizeof(line));
        add_time(&text, clock_add_ns(point->at_ns, shown->wall_ns));
        add_number(&text, any ? point->min : NAN);
        add_number(&text, any ? point->max : NAN);
        add_number(&text, any ? point->sum / (double)point->count : NAN);
        add_number(&text, any ? point->last : NAN);
        add_number(&text, (double)point->count);
        written = write_line(&text, out);
    }
    return written;
}
