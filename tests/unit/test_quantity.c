/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers with units: what is read, and above all what is not. */
#include "base/quantity.h"

#include <stdint.h>
#include <stdlib.h>

#include "check.h"
#include "decimal_comma.h"
#include "vagus/base.h"

static double parsed(const char *text, enum dimension dimension)
{
    double value = -12345;
    const char *why = "";
    int error = quantity_parse(text, dimension, &value, &why);
    if (error != 0)
        CHECK_FAIL_("\"%s\" is refused: %s", text, why);
    return value;
}

static const char *refusal(const char *text, enum dimension dimension)
{
    double value = -12345;
    const char *why = NULL;
    CHECK_EQ(quantity_parse(text, dimension, &value, &why), VAGUS_EPARSE);
    if (value != -12345)
        CHECK_FAIL_("\"%s\" is refused, but the output was touched", text);
    return why != NULL ? why : "";
}

static void numbers(void)
{
    CHECK(parsed("12", DIMENSION_NUMBER) == 12);
    CHECK(parsed("-3.5", DIMENSION_NUMBER) == -3.5);
    CHECK(parsed("0", DIMENSION_NUMBER) == 0);
    CHECK(parsed("0.1", DIMENSION_NUMBER) == 0.1);
    CHECK(parsed("4k", DIMENSION_NUMBER) == 4000);
    CHECK(parsed("2M", DIMENSION_NUMBER) == 2e6);
    CHECK(parsed("1.5 G", DIMENSION_NUMBER) == 1.5e9);
    CHECK(parsed("0.30000000000000004", DIMENSION_NUMBER) == 0.30000000000000004);
}

static void ratios(void)
{
    CHECK(parsed("20%", DIMENSION_RATIO) == 0.2);
    CHECK(parsed("20 %", DIMENSION_RATIO) == 0.2);
    CHECK(parsed("0.2", DIMENSION_RATIO) == 0.2);
    CHECK_NEAR(parsed("0.80%", DIMENSION_RATIO), 0.008, 1e-18);
    CHECK(parsed("1", DIMENSION_RATIO) == 1);
    CHECK(parsed("150%", DIMENSION_RATIO) == 1.5);
    CHECK_CONTAINS(refusal("20", DIMENSION_RATIO), "no % sign");
    CHECK_CONTAINS(refusal("5MiB", DIMENSION_RATIO), "share");
    CHECK_CONTAINS(refusal("5k", DIMENSION_RATIO), "share");
}

static void sizes(void)
{
    CHECK(parsed("512MiB", DIMENSION_BYTES) == 512.0 * 1024 * 1024);
    CHECK(parsed("512 MiB", DIMENSION_BYTES) == 512.0 * 1024 * 1024);
    CHECK(parsed("1.5GB", DIMENSION_BYTES) == 1.5e9);
    CHECK(parsed("4096", DIMENSION_BYTES) == 4096);
    CHECK(parsed("4KiB", DIMENSION_BYTES) == 4096);
    CHECK(parsed("4kB", DIMENSION_BYTES) == 4000);
    CHECK(parsed("1B", DIMENSION_BYTES) == 1);
    CHECK_CONTAINS(refusal("4k", DIMENSION_BYTES), "MiB");
    CHECK_CONTAINS(refusal("4M", DIMENSION_BYTES), "MiB");
    CHECK_CONTAINS(refusal("4KB", DIMENSION_BYTES), "KiB");
    CHECK_CONTAINS(refusal("4mib", DIMENSION_BYTES), "MiB");
    CHECK_CONTAINS(refusal("20%", DIMENSION_BYTES), "no size");
}

static void times(void)
{
    CHECK(parsed("500ms", DIMENSION_TIME) == 0.5);
    CHECK(parsed("2s", DIMENSION_TIME) == 2);
    CHECK(parsed("1.5h", DIMENSION_TIME) == 5400);
    CHECK(parsed("0", DIMENSION_TIME) == 0);
    CHECK_STR(refusal("500", DIMENSION_TIME), "has no unit: write 500ms or 2s");
    CHECK_CONTAINS(refusal("5m", DIMENSION_TIME), "min or ms");
    CHECK_CONTAINS(refusal("5 parsecs", DIMENSION_TIME), "no time");
}

/* What strtod() and libcyaml take without a word. */
static void traps(void)
{
    static const char *const never[] = {
        "",      " ",  "nan", "NaN", "inf", "-inf", "0x10",  "0o17",  "010", "-010",  "1e3",
        "1.",    ".5", "+5",  "--5", "-",   "1,5",  "1_000", "1 2",   " 1",  "1 ",    "1  k",
        "1.9.3", "%",  "ms",  "1\n", "1%%", "1e",   "\xff",  "1\xff", "0b1", "1e309",
    };
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
        for (int d = DIMENSION_NUMBER; d <= DIMENSION_TIME; d++)
            if (refusal(never[i], (enum dimension)d)[0] == '\0')
                CHECK_FAIL_("\"%s\" is refused without a reason", never[i]);
    CHECK_CONTAINS(refusal("010", DIMENSION_NUMBER), "octal");
    CHECK_CONTAINS(refusal("1,5", DIMENSION_NUMBER), "comma");
    CHECK_CONTAINS(refusal(".5", DIMENSION_NUMBER), "0.5");
    char digits[400];
    memset(digits, '9', sizeof(digits));
    digits[399] = '\0';
    CHECK_CONTAINS(refusal(digits, DIMENSION_NUMBER), "digits");
}

static void durations(void)
{
    int64_t ns = -1;
    const char *why = "";
    CHECK_EQ(duration_parse("500ms", &ns, &why), 0);
    CHECK_EQ(ns, 500000000);
    CHECK_EQ(duration_parse("3ns", &ns, &why), 0);
    CHECK_EQ(ns, 3);
    CHECK_EQ(duration_parse("10us", &ns, &why), 0);
    CHECK_EQ(ns, 10000);
    CHECK_EQ(duration_parse("10\u00b5s", &ns, &why), 0);
    CHECK_EQ(ns, 10000);
    CHECK_EQ(duration_parse("5min", &ns, &why), 0);
    CHECK_EQ(ns, 300 * VAGUS_SECOND_NS);
    CHECK_EQ(duration_parse("1d", &ns, &why), 0);
    CHECK_EQ(ns, 86400 * VAGUS_SECOND_NS);
    CHECK_EQ(duration_parse("0", &ns, &why), 0);
    CHECK_EQ(ns, 0);
    ns = -1;
    CHECK_EQ(duration_parse("-1s", &ns, &why), VAGUS_EPARSE);
    CHECK_STR(why, "is negative");
    CHECK_EQ(duration_parse("4000d", &ns, &why), VAGUS_EPARSE);
    CHECK_STR(why, "is more than ten years");
    CHECK_EQ(duration_parse("100", &ns, &why), VAGUS_EPARSE);
    CHECK_EQ(ns, -1);
}

/* Every whole number of ms and s up to a day comes out exact. */
static void durations_are_exact(void)
{
    for (int64_t i = 1; i <= 86400; i++) {
        char text[32];
        int64_t ns = 0;
        const char *why;
        snprintf(text, sizeof(text), "%lldms", (long long)i);
        if (duration_parse(text, &ns, &why) != 0 || ns != i * VAGUS_MILLISECOND_NS)
            CHECK_FAIL_("%s is %lld ns", text, (long long)ns);
        snprintf(text, sizeof(text), "%llds", (long long)i);
        if (duration_parse(text, &ns, &why) != 0 || ns != i * VAGUS_SECOND_NS)
            CHECK_FAIL_("%s is %lld ns", text, (long long)ns);
    }
}

static void decimal_comma(void)
{
    if (!decimal_comma_begin())
        SKIP_TEST("no locale with a decimal comma is to be had");
    CHECK(strtod("0,5", NULL) == 0.5);
    CHECK(parsed("0.5", DIMENSION_NUMBER) == 0.5);
    CHECK_CONTAINS(refusal("0,5", DIMENSION_NUMBER), "comma");
    decimal_comma_end();
}

static void dimensions(void)
{
    CHECK_EQ(dimension_of_unit("1"), DIMENSION_RATIO);
    CHECK_EQ(dimension_of_unit("By"), DIMENSION_BYTES);
    CHECK_EQ(dimension_of_unit("s"), DIMENSION_TIME);
    CHECK_EQ(dimension_of_unit("{token}"), DIMENSION_NUMBER);
    CHECK_EQ(dimension_of_unit(NULL), DIMENSION_NUMBER);
    for (int d = DIMENSION_NUMBER; d <= DIMENSION_TIME; d++)
        parsed(dimension_example((enum dimension)d), (enum dimension)d);
}

int main(void)
{
    RUN(numbers);
    RUN(ratios);
    RUN(sizes);
    RUN(times);
    RUN(traps);
    RUN(durations);
    RUN(durations_are_exact);
    RUN(decimal_comma);
    RUN(dimensions);
    return check_result();
}
