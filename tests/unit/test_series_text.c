/* SPDX-License-Identifier: Apache-2.0 */
/* Series in words: what they stand for, step by step, and where a mistake lies. */
#include <stdlib.h>

#include "check.h"
#include "cli/series_text.c" /* the command is no part of the library */

#define TENTH_NS (100 * VAGUS_MILLISECOND_NS)

static struct series series;
static struct series_fault fault;

static int parse(const char *text, enum dimension dimension)
{
    series_finish(&series);
    fault = (struct series_fault){0};
    return series_parse(&series, text, dimension, TENTH_NS, &fault);
}

/* "0.5 _ = 1": the first steps, as they come. */
static const char *steps(const char *text, unsigned count)
{
    static char line[512];
    struct series_cursor cursor = {.random = 1};
    size_t length = 0;
    line[0] = '\0';
    if (parse(text, DIMENSION_NUMBER) != 0)
        return fault.text;
    for (unsigned i = 0; i < count; i++) {
        double value = 0;
        enum series_what what = series_next(&series, &cursor, &value);
        length += (size_t)snprintf(line + length, sizeof(line) - length, "%s", i > 0 ? " " : "");
        if (what == SERIES_VALUE)
            length += (size_t)snprintf(line + length, sizeof(line) - length, "%g", value);
        else
            length += (size_t)snprintf(line + length, sizeof(line) - length, "%c",
                                       what == SERIES_MISSING ? '_' : '=');
    }
    return line;
}

static void pieces_follow_each_other(void)
{
    CHECK_STR(steps("1 x2, 5", 4), "1 1 5 5");
    CHECK(series.endless);
    CHECK_EQ(series.steps, 2);
    CHECK_STR(steps("1 x2, 5 x1", 5), "1 1 5 = =");
    CHECK_STR(steps("1,2,3 x1", 4), "1 2 3 =");
    CHECK_STR(steps("  1  x2 ,\n _ x2, = x1, 7 x1 ", 6), "1 1 _ _ = 7");
    CHECK_STR(steps("3 for 300ms, -4.5", 5), "3 3 3 -4.5 -4.5");
    CHECK_STR(steps("2k x1", 1), "2000");
}

static void ramps_meet_both_ends(void)
{
    CHECK_STR(steps("0..10 x5, 1", 6), "0 2.5 5 7.5 10 1");
    CHECK_STR(steps("10..0 x2", 2), "10 0");
    CHECK_STR(steps("10..0 x1", 1), "0");
    CHECK_EQ(parse("50%..5% x100", DIMENSION_RATIO), 0);
    struct series_cursor cursor = {.random = 1};
    double value = 0;
    for (int i = 0; i < 100; i++)
        series_next(&series, &cursor, &value);
    CHECK(value == 0.05); /* exactly, whatever rounding adds on the way */
}

static void counters_grow(void)
{
    CHECK_STR(steps("+5 x3, = x1, +1 x2, 100 x1, +1", 8), "5 10 15 = 16 17 100 101");
}

static void groups_repeat(void)
{
    CHECK_STR(steps("(1 x2, 2) x2, 9", 8), "1 1 2 1 1 2 9 9");
    CHECK_EQ(series.steps, 6);
    CHECK_STR(steps("0, (1) x3, (2, 3) for 200ms, 4 x1", 10), "0 1 1 1 2 3 2 3 4 =");
    CHECK_STR(steps("(1, _) x1000000", 4), "1 _ 1 _");
    CHECK_EQ(series.steps, 2000000);
    CHECK(!series.endless);
}

static void noise_stays_in_its_bounds_and_is_the_same_each_time(void)
{
    double least = 1, most = 0, sum = 0, first = 0, again = 0, value = 0;
    REQUIRE(parse("20%~1% x10000", DIMENSION_RATIO) == 0);
    struct series_cursor cursor = {.random = 7}, other = {.random = 7};
    for (int i = 0; i < 10000; i++) {
        CHECK_EQ(series_next(&series, &cursor, &value), SERIES_VALUE);
        first = i == 0 ? value : first;
        least = fmin(least, value);
        most = fmax(most, value);
        sum += value;
    }
    series_next(&series, &other, &again);
    CHECK(again == first);
    CHECK(least >= 0.19 && least < 0.1902 && most <= 0.21 && most > 0.2098);
    CHECK_NEAR(sum / 10000, 0.2, 0.0005);
}

static void parts_of_a_list_are_one_series(void)
{
    REQUIRE(parse("1", DIMENSION_NUMBER) == 0);
    CHECK_EQ(series_parse(&series, "2 x2", DIMENSION_NUMBER, TENTH_NS, &fault), 0);
    CHECK_EQ(series.steps, 3);
    CHECK(!series.endless);
}

static void mistakes_are_said_with_their_place(void)
{
    static const struct {
        const char *text;
        size_t offset;
        const char *says;
    } wrong[] = {
        {"", 0, "a value is missing"},
        {"50% x60,", 8, "a value is missing"},
        {"50% x60, fifty", 9, "\"fifty\""},
        {"50% x", 4, "no count"},
        {"50% x0", 4, "no count"},
        {"50% x9999999999", 4, "no count"},
        {"50% 60", 4, "expected xN"},
        {"50% for 250ms", 8, "no whole number of steps"},
        {"50% for", 7, "is no time"},
        {"50%..5%", 0, "a ramp needs a length"},
        {"50%.. x3", 5, "a value is missing"},
        {"(50%, 40%", 9, "\")\" is missing"},
        {"(50%)", 0, "how often"},
        {"((50%) x2) x2", 1, "cannot lie within"},
        {"50%) x2", 3, "expected xN"},
        {"50%~-1% x2", 4, "not negative"},
        {"150 x2", 0, "\"150\""},
        {"nan x2", 0, "\"nan\""},
        {"(50% x1000) x1000000", 0, "at most"},
        {"50% x100000000, 50% x2", 16, "at most"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        CHECK_EQ(parse(wrong[i].text, DIMENSION_RATIO), VAGUS_EPARSE);
        CHECK_EQ(fault.offset, wrong[i].offset);
        CHECK_CONTAINS(fault.text, wrong[i].says);
    }
    char many[3 * SERIES_PIECES_MAX + 8] = "";
    for (size_t i = 0; i <= SERIES_PIECES_MAX; i++)
        memcpy(many + 3 * i, "1, ", 4);
    memcpy(many + 3 * (SERIES_PIECES_MAX + 1), "1", 2);
    CHECK_EQ(parse(many, DIMENSION_NUMBER), VAGUS_EPARSE);
    CHECK_CONTAINS(fault.text, "pieces");
}

static void ranges(void)
{
    double from, to;
    CHECK(series_parse_range("30%..50%", DIMENSION_RATIO, &from, &to) == NULL);
    CHECK_NEAR(from, 0.3, 1e-12);
    CHECK_NEAR(to, 0.5, 1e-12);
    CHECK(series_parse_range("7.2s", DIMENSION_TIME, &from, &to) == NULL);
    CHECK_NEAR(to, 7.2, 1e-12);
    CHECK_STR(series_parse_range("8s..7s", DIMENSION_TIME, &from, &to), "runs backwards");
    CHECK(series_parse_range("7s..", DIMENSION_TIME, &from, &to) != NULL);
    CHECK(series_parse_range("..7s", DIMENSION_TIME, &from, &to) != NULL);
}

int main(void)
{
    RUN(pieces_follow_each_other);
    RUN(ramps_meet_both_ends);
    RUN(counters_grow);
    RUN(groups_repeat);
    RUN(noise_stays_in_its_bounds_and_is_the_same_each_time);
    RUN(parts_of_a_list_are_one_series);
    RUN(mistakes_are_said_with_their_place);
    RUN(ranges);
    series_finish(&series);
    return check_result();
}
