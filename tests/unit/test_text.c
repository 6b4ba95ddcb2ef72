/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded text: bounds, escapes, and how sizes and times are put. */
#include "base/text.h"

#include <math.h>

#include "check.h"

static char buffer[256];

#define TEXT(call)                                                                                 \
    ({                                                                                             \
        struct text t;                                                                             \
        text_init(&t, buffer, sizeof(buffer));                                                     \
        call;                                                                                      \
        buffer;                                                                                    \
    })

static void counts_what_does_not_fit(void)
{
    char small[6];
    struct text text;
    text_init(&text, small, sizeof(small));
    text_add(&text, "abc");
    CHECK(!text_cut(&text));
    text_add(&text, "defgh");
    CHECK(text_cut(&text));
    CHECK_EQ(text.length, 8);
    CHECK_STR(small, "abcde");
    text_addf(&text, "%d", 12345);
    CHECK_EQ(text.length, 13);
    CHECK_STR(small, "abcde");
}

static void measures_without_memory(void)
{
    struct text text;
    text_init(&text, NULL, 0);
    text_add(&text, "abc");
    text_addf(&text, "%s", "de");
    text_add_json(&text, "f");
    CHECK_EQ(text.length, 8);
}

static void exact_fit_is_not_cut(void)
{
    char small[4];
    struct text text;
    text_init(&text, small, sizeof(small));
    text_addf(&text, "%s", "abc");
    CHECK(!text_cut(&text));
    CHECK_STR(small, "abc");
    text_add(&text, "");
    CHECK(!text_cut(&text));
}

static void terminals_are_safe(void)
{
    CHECK_STR(TEXT(text_add_safe(&t, "plain \u00e4\u20ac", 100)), "plain \u00e4\u20ac");
    CHECK_STR(TEXT(text_add_safe(&t, "\x1b[31m", 100)), "\\x1b[31m");
    CHECK_STR(TEXT(text_add_safe(&t, "a\nb\tc\x7f", 100)), "a\\x0ab\\x09c\\x7f");
    CHECK_STR(TEXT(text_add_safe(&t, "\xff\xfe", 100)), "\\xff\\xfe");
    CHECK_STR(TEXT(text_add_safe(&t, "\xc2\x9b", 100)), "\\xc2\\x9b");    /* C1 control */
    CHECK_STR(TEXT(text_add_safe(&t, "\u202e", 100)), "\\xe2\\x80\\xae"); /* override */
    CHECK_STR(TEXT(text_add_safe(&t, "\xc0\x80", 100)), "\\xc0\\x80");    /* overlong */
    CHECK_STR(TEXT(text_add_safe(&t, "\xe2\x82", 100)), "\\xe2\\x82");    /* cut short */
}

static void safe_text_is_bounded(void)
{
    CHECK_STR(TEXT(text_add_safe(&t, "abcdef", 3)), "abc\u2026");
    CHECK_STR(TEXT(text_add_safe(&t, "abc", 3)), "abc");
    CHECK_STR(TEXT(text_add_safe(&t, "ab\u20ac", 3)), "ab\u2026");
    CHECK_STR(TEXT(text_add_safe(&t, "\x1b", 3)), "\u2026");
}

static void json(void)
{
    CHECK_STR(TEXT(text_add_json(&t, "a\"b\\c\n\x01")), "\"a\\\"b\\\\c\\u000a\\u0001\"");
    /* What a terminal obeys: CSI in one character, and what turns the writing around. */
    CHECK_STR(TEXT(text_add_json(&t, "a\xc2\x9b"
                                     "31m \u202e \u061c \u00a0")),
              "\"a\\u009b31m \\u202e \\u061c \u00a0\"");
    CHECK_STR(TEXT(text_add_json(&t, "\u20ac\xff")), "\"\u20ac\\ufffd\"");
    CHECK_STR(TEXT(text_add_json(&t, "\xed\xa0\x80")), "\"\\ufffd\\ufffd\\ufffd\""); /* surrogate */
    CHECK_STR(TEXT(text_add_json_number(&t, 1.5)), "1.5");
    CHECK_STR(TEXT(text_add_json_number(&t, 1e6)), "1000000");
    CHECK_STR(TEXT(text_add_json_number(&t, (double)NAN)), "null");
    CHECK_STR(TEXT(text_add_json_number(&t, -(double)INFINITY)), "null");
}

static void sizes(void)
{
    CHECK_STR(TEXT(text_add_size(&t, 0)), "0 B");
    CHECK_STR(TEXT(text_add_size(&t, 1536)), "1.5 KiB");
    CHECK_STR(TEXT(text_add_size(&t, 512.0 * 1024 * 1024)), "512 MiB");
    CHECK_STR(TEXT(text_add_size(&t, 1024.0 * 1024 * 1024 - 1)), "1.0 GiB");
    CHECK_STR(TEXT(text_add_size(&t, (double)NAN)), "?");
}

static void durations(void)
{
    CHECK_STR(TEXT(text_add_duration(&t, 350000000)), "350 ms");
    CHECK_STR(TEXT(text_add_duration(&t, 12000000000)), "12 s");
    CHECK_STR(TEXT(text_add_duration(&t, 200000000000)), "3 min 20 s");
    CHECK_STR(TEXT(text_add_duration(&t, 7500000000000)), "2 h 5 min");
    CHECK_STR(TEXT(text_add_duration(&t, 97 * INT64_C(3600000000000))), "4 d 1 h");
    CHECK_STR(TEXT(text_add_duration(&t, 1500)), "1 \u00b5s");
    CHECK_STR(TEXT(text_add_duration(&t, -5)), "-5 ns");
    CHECK(strlen(TEXT(text_add_duration(&t, INT64_MIN))) > 0);
}

static void values(void)
{
    CHECK_STR(TEXT(text_add_value(&t, 0.081, "1")), "8.1 %");
    CHECK_STR(TEXT(text_add_value(&t, 2048, "By")), "2 KiB");
    CHECK_STR(TEXT(text_add_value(&t, 0.5, "s")), "500 ms");
    CHECK_STR(TEXT(text_add_value(&t, 42, "{token}")), "42");
    CHECK_STR(TEXT(text_add_value(&t, 42.5, "Cel")), "42.5 Cel");
    CHECK_STR(TEXT(text_add_value(&t, 42.5, "\033[31mC")),
              "42.5 \\x1b[31mC"); /* a stranger's unit */
    CHECK_STR(TEXT(text_add_value(&t, 42, "{token}/s")), "42/s");
    CHECK_STR(TEXT(text_add_value(&t, 42, "{x}/\033[31m")), "42/\\x1b[31m");
    CHECK_STR(TEXT(text_add_value(&t, 0.5, "1/s")), "0.5/s");
    CHECK_STR(TEXT(text_add_value(&t, 3, "W/m2")), "3 W/m2");
    CHECK_STR(TEXT(text_add_value(&t, 3, "{unclosed")), "3");
    CHECK_STR(TEXT(text_add_size_digits(&t, 134057984, 5)), "127.85 MiB");
    CHECK_STR(TEXT(text_add_value(&t, (double)NAN, "1")), "?");
    CHECK(strlen(TEXT(text_add_value(&t, 1e300, "{x}"))) < 16);
}

static void copies_cut_between_characters(void)
{
    char field[6];
    memset(field, 'z', sizeof(field));
    CHECK(text_copy(field, sizeof(field), "ab"));
    CHECK(memcmp(field, "ab\0\0\0\0", 6) == 0);
    CHECK(!text_copy(field, sizeof(field), "abc\u20acd"));
    CHECK(memcmp(field, "abc\0\0\0", 6) == 0);
    CHECK(text_copy(field, sizeof(field), NULL));
    CHECK_STR(field, "");
}

static void names(void)
{
    CHECK(text_is_name("agent.tokens-2_x", 63));
    CHECK(text_is_name("abc", 3));
    CHECK(!text_is_name("abcd", 3));
    CHECK(!text_is_name("", 63));
    CHECK(!text_is_name(NULL, 63));
    CHECK(!text_is_name("Agent", 63));
    CHECK(!text_is_name("a b", 63));
    CHECK(!text_is_name("a\u00e4", 63));
}

int main(void)
{
    RUN(counts_what_does_not_fit);
    RUN(measures_without_memory);
    RUN(exact_fit_is_not_cut);
    RUN(terminals_are_safe);
    RUN(safe_text_is_bounded);
    RUN(json);
    RUN(sizes);
    RUN(durations);
    RUN(values);
    RUN(copies_cut_between_characters);
    RUN(names);
    return check_result();
}
