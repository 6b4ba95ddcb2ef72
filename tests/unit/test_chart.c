/* SPDX-License-Identifier: Apache-2.0 */
/* Charts and what `vagus show` prints around them, compared with tests/fixtures/report/chart-*.
 * VAGUS_REFRESH=1 writes those anew. */
#include <locale.h>
#include <stdlib.h>
#include <time.h>

#include "cli/chart.h"
#include "cli/show.h"
#include "report_fixture.h"

#define COUNT 60
#define FIRST_WALL_NS SECONDS(1800000000) /* a Friday, 08:00 UTC */

static struct point buckets[COUNT];
static struct shown shown;
static int64_t first_wall_ns = FIRST_WALL_NS;

static double wave(unsigned i)
{
    return 150 * MIB + 40 * MIB * sin(i / 8.0) + (i == 37 ? 60 * MIB : 0);
}

/* A minute of a gauge, of which four seconds are not known. */
static void make_shown(void)
{
    memset(&shown, 0, sizeof(shown));
    strcpy(shown.metric.name, "memory.usage");
    strcpy(shown.metric.unit, "By");
    strcpy(shown.metric.help, "what counts against that limit");
    shown.metric.kind = VAGUS_GAUGE;
    shown.alive = true;
    shown.now_ns = NOW_NS;
    shown.wall_ns = FIRST_WALL_NS - (NOW_NS - SECONDS(COUNT));
    shown.wanted_ns = SECONDS(600);
    shown.since_ns[VAGUS_TIER_1S] = NOW_NS - SECONDS(COUNT);
    shown.reading = taken(wave(COUNT - 1), 0.05);
    shown.grid = (struct grid){NOW_NS - SECONDS(COUNT), SECONDS(1), COUNT};
    shown.buckets = buckets;
    struct history *history = &shown.history;
    history->min = history->max = wave(0);
    for (unsigned i = 0; i < COUNT; i++) {
        double value = wave(i);
        bool known = i < 20 || i >= 24;
        buckets[i] = (struct point){shown.grid.first_ns + SECONDS(i),
                                    value,
                                    value + 8 * MIB,
                                    known ? value : 0,
                                    value,
                                    known};
        history->values += known;
        history->sum += known ? value : 0;
        history->min = fmin(history->min, value);
        history->max = fmax(history->max, value + 8 * MIB);
    }
    history->points = buckets;
    history->count = COUNT;
    history->last = wave(COUNT - 1);
    history->first_ns = shown.grid.first_ns;
    history->last_ns = NOW_NS;
    history->period_ns = SECONDS(1);
}

/* No line of it is longer than so many columns. */
static void check_width(unsigned width)
{
    char line[1024];
    const char *at = strstr(output, "a column is"); /* what stands above is prose */
    REQUIRE(at != NULL);
    for (at = strchr(at, '\n'); at != NULL && *at != '\0'; at = strchr(at, '\n')) {
        at += *at == '\n';
        size_t length = strcspn(at, "\n");
        REQUIRE(length < sizeof(line));
        memcpy(line, at, length);
        line[length] = '\0';
        CHECK(canvas_width(line) <= width);
    }
}

static void check_show(const char *fixture, unsigned width, bool ascii)
{
    struct text text;
    text_init(&text, output, sizeof(output));
    CHECK_EQ(show_text(&shown, width, ascii, &text), 0);
    CHECK(!text_cut(&text));
    check_width(width);
    check_output(fixture, output);
}

static void a_gauge_at_80_columns(void)
{
    make_shown();
    check_show("chart-80.txt", 80, false);
}

static void a_gauge_at_40_columns(void)
{
    make_shown();
    check_show("chart-40.txt", 40, false);
}

static void a_gauge_in_ascii(void)
{
    make_shown();
    check_show("chart-ascii.txt", 80, true);
    for (const char *c = output; *c != '\0'; c++)
        CHECK((unsigned char)*c < 0x80);
}

static void a_gauge_at_20_columns_is_still_a_chart(void)
{
    make_shown();
    check_show("chart-20.txt", 20, false);
}

static void what_is_hostile_is_shown_safely(void)
{
    make_shown();
    strcpy(shown.metric.help, "clear\033[2J");
    strcpy(shown.metric.unit, "\033]0;x");
    buckets[3].sum = 1e308;
    buckets[4].sum = -1e308;
    buckets[5].sum = NAN;
    check_show("chart-hostile.txt", 80, false);
    CHECK(strchr(output, '\033') == NULL);
}

/* --- The chart alone. --- */

static const char *draw(const double *values, unsigned count, const char *unit, unsigned width,
                        int64_t step_ns)
{
    static char drawn[65536];
    struct chart_column columns[200];
    struct canvas canvas = {0};
    struct text text;
    for (unsigned i = 0; i < count; i++)
        columns[i] = (struct chart_column){values[i], NAN};
    struct chart chart = {columns, count, 1, unit, first_wall_ns, step_ns};
    text_init(&text, drawn, sizeof(drawn));
    CHECK(canvas_resize(&canvas, CHART_ROWS_MAX, width));
    CHECK(chart_draw(&chart, &canvas, 0) <= CHART_ROWS_MAX);
    canvas_text(&canvas, &text);
    canvas_finish(&canvas);
    return drawn;
}

static void zero_is_no_gap(void)
{
    const double values[] = {0, NAN, 0, 8, 4};
    CHECK_CONTAINS(draw(values, 5, "", 40, SECONDS(1)), "│▁·▁██\n");
    CHECK_CONTAINS(draw(values, 5, "", 40, SECONDS(1)), "0└");
}

static void nothing_known_is_dots(void)
{
    const double values[] = {NAN, INFINITY, -INFINITY};
    CHECK_CONTAINS(draw(values, 3, "1", 40, SECONDS(1)), "│···\n");
}

static void values_below_zero(void)
{
    const double values[] = {-3, -1, 2};
    const char *drawn = draw(values, 3, "", 40, SECONDS(1));
    CHECK_CONTAINS(drawn, "-4└");
    CHECK_CONTAINS(drawn, " 2┤  █\n");
}

static void all_alike_is_half_a_bar(void)
{
    const double values[] = {7, 7, 7};
    CHECK_CONTAINS(draw(values, 3, "{thing}", 40, SECONDS(1)), "│███\n");
}

static void extremes_do_not_trap(void)
{
    const double extremes[] = {1e-308, 5e-324, 1e308, -1e308, 1e-9, 4e18, 1e15, -5e-300, 0, NAN};
    const char *const units[] = {"", "By", "1", "s", "ns", "{x}/s"};
    for (size_t i = 0; i < sizeof(extremes) / sizeof(extremes[0]); i++)
        for (size_t k = 0; k < sizeof(extremes) / sizeof(extremes[0]); k++)
            for (size_t u = 0; u < sizeof(units) / sizeof(units[0]); u++)
                for (unsigned width = 1; width < 60; width += 19) {
                    const double values[] = {extremes[i], extremes[k]};
                    draw(values, 2, units[u], width, (int64_t)1 << (i * 6));
                }
    const double values[] = {1, 2};
    const int64_t times[] = {0, INT64_MAX - 1, INT64_MAX};
    for (size_t i = 0; i < 3; i++) {
        first_wall_ns = times[i];
        draw(values, 2, "", 40, INT64_MAX / 2);
        draw(values, 2, "", 40, INT64_MAX);
        draw(values, 2, "", 40, SECONDS(1));
    }
    first_wall_ns = FIRST_WALL_NS;
}

static void steps_are_what_people_count_in(void)
{
    CHECK_EQ(chart_step_ns(SECONDS(600), 68), SECONDS(10));
    CHECK_EQ(chart_step_ns(SECONDS(3600), 68), SECONDS(60));
    CHECK_EQ(chart_step_ns(SECONDS(86400), 68), SECONDS(1800));
    CHECK_EQ(chart_step_ns(SECONDS(86400) * 365, 60), SECONDS(86400) * 7);
    CHECK_EQ(chart_step_ns(1, 60), VAGUS_MILLISECOND_NS);
    CHECK(chart_step_ns(INT64_MAX, 1) > 0);
    CHECK(chart_step_ns(INT64_MAX, 0) > 0);
}

int main(void)
{
    (void)make_degraded; /* of the fixture, the reports are not needed */
    setenv("TZ", "UTC", 1);
    RUN(a_gauge_at_80_columns);
    RUN(a_gauge_at_40_columns);
    RUN(a_gauge_in_ascii);
    RUN(a_gauge_at_20_columns_is_still_a_chart);
    RUN(what_is_hostile_is_shown_safely);
    RUN(zero_is_no_gap);
    RUN(nothing_known_is_dots);
    RUN(values_below_zero);
    RUN(all_alike_is_half_a_bar);
    RUN(extremes_do_not_trap);
    RUN(steps_are_what_people_count_in);
    return check_result();
}
