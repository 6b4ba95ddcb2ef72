/* SPDX-License-Identifier: Apache-2.0 */
/* Times as arguments, in a zone with daylight saving. */
#include <stdlib.h>
#include <time.h>

#include "check.h"
#include "cli/moment.h"
#include "vagus/base.h"

#define S VAGUS_SECOND_NS
#define NOW_S INT64_C(1795269600) /* 2026-11-21 14:00 UTC, 15:00 in Berlin */

static const char *why;

/* Seconds since 1970, or -1. */
static int64_t parse(const char *given)
{
    int64_t wall_ns = 77;
    int error = moment_parse(given, NOW_S * S, (NOW_S - 100) * S, &wall_ns, &why);
    if (error == 0)
        return wall_ns / S;
    CHECK_EQ(error, VAGUS_EPARSE);
    CHECK_EQ(wall_ns, 77);
    CHECK(why != NULL);
    return -1;
}

static void times_of_day_are_the_newest(void)
{
    CHECK_EQ(parse("14:05"), NOW_S - 55 * 60);
    CHECK_EQ(parse("14:05:30"), NOW_S - 55 * 60 + 30);
    CHECK_EQ(parse("9:05"), NOW_S - (5 * 60 + 55) * 60);
    CHECK_EQ(parse("15:00"), NOW_S);
    CHECK_EQ(parse("15:01"), NOW_S + 60 - 86400); /* yesterday */
    CHECK_EQ(parse("00:00"), NOW_S - 15 * 3600);
}

static void days(void)
{
    CHECK_EQ(parse("2026-11-21 14:05"), NOW_S - 55 * 60);
    CHECK_EQ(parse("2026-11-21T14:05:01"), NOW_S - 55 * 60 + 1);
    CHECK_EQ(parse("2026-11-21T14:00Z"), NOW_S);
    CHECK_EQ(parse("2026-11-21"), NOW_S - 15 * 3600);
    CHECK_EQ(parse("2026-11-21Z"), NOW_S - 14 * 3600);
    CHECK_EQ(parse("2026-07-01 12:00"), 1782900000); /* an hour of daylight saving */
    CHECK_EQ(parse("2028-02-29"), 1835391600);
    CHECK(parse("2026-03-29 02:30") > 0); /* the hour that daylight saving leaves out */
}

static void before_the_end_and_since_1970(void)
{
    CHECK_EQ(parse("now"), NOW_S);
    CHECK_EQ(parse("-10m"), NOW_S - 100 - 600);
    CHECK_EQ(parse("-30s"), NOW_S - 130);
    CHECK_EQ(parse("-1h"), NOW_S - 3700);
    CHECK_EQ(parse("1795269000"), 1795269000);
    CHECK_EQ(parse("1795269000.5"), 1795269000);
}

static void what_is_no_time_says_why(void)
{
    static const char *const wrong[] = {"",
                                        "x",
                                        "25:00",
                                        "14:60",
                                        "14:05:61",
                                        "14:5",
                                        "14:05x",
                                        "2026-02-30",
                                        "2026-13-01",
                                        "2026-11-2",
                                        "2026-11-21 25:00",
                                        "2026-11-21x",
                                        "-",
                                        "-10",
                                        "-10x",
                                        "-0s",
                                        "--",
                                        "1e99",
                                        "9999999999999",
                                        "nan",
                                        "-1.5",
                                        "2026-11-21 14:05 ",
                                        "0000-00-00",
                                        "1969-12-31",
                                        "12:",
                                        ":12",
                                        "tomorrow"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (parse(wrong[i]) != -1)
            CHECK_FAIL_("'%s' is taken for a time", wrong[i]);
    parse("tomorrow");
    CHECK_CONTAINS(why, "write 14:05, '2026-11-21 14:05', -10m, or seconds since 1970");
    parse("-10");
    CHECK_CONTAINS(why, "has no unit");
}

int main(void)
{
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1); /* Berlin, without its database */
    RUN(times_of_day_are_the_newest);
    RUN(days);
    RUN(before_the_end_and_since_1970);
    RUN(what_is_no_time_says_why);
    return check_result();
}
