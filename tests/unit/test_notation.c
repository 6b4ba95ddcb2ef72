/* SPDX-License-Identifier: Apache-2.0 */
/* name{label=instance}: read, written, and told apart. */
#include "base/notation.h"

#include <string.h>

#include "check.h"

static void the_parts_are_found(void)
{
    struct notation n;
    CHECK(notation_parse("agent.tool.calls{tool=browser}", &n));
    CHECK_STR(n.name, "agent.tool.calls");
    CHECK_STR(n.label, "tool");
    CHECK_STR(n.instance, "browser");
    CHECK_STR(n.inner, "tool=browser");
    CHECK(notation_parse("disk.free{/var}", &n));
    CHECK_STR(n.label, "");
    CHECK_STR(n.instance, "/var");
    CHECK(notation_parse("memory.usage", &n));
    CHECK_STR(n.inner, "");
    CHECK_STR(n.instance, "");
    CHECK(notation_parse("a{/x=y}", &n)); /* no label: '/' is none of its letters */
    CHECK_STR(n.label, "");
    CHECK_STR(n.instance, "/x=y");
    CHECK(notation_parse("a{k=b}c}", &n)); /* an instance is any text */
    CHECK_STR(n.instance, "b}c");
}

static void what_is_none_is_refused(void)
{
    static const char *const bad[] = {"",      "{a=b}", "a{",       "a{}",  "a}",
                                      "a{b}c", "A",     "a b{c=d}", "a{b=c"};
    struct notation n;
    char longest[400];
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (notation_parse(bad[i], &n))
            CHECK_STR(bad[i], "refused");
    memset(longest, 'a', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    CHECK(!notation_parse(longest, &n));
    longest[64] = '\0';
    CHECK(!notation_parse(longest, &n));
    longest[63] = '\0';
    CHECK(notation_parse(longest, &n));
    snprintf(longest, sizeof(longest), "a{%031d=%063d}", 0, 0);
    CHECK(notation_parse(longest, &n));
    snprintf(longest, sizeof(longest), "a{%063d}", 0);
    CHECK(notation_parse(longest, &n));
    snprintf(longest, sizeof(longest), "a{%064d}", 0);
    CHECK(!notation_parse(longest, &n));
}

static void both_ways_of_writing_mean_the_same(void)
{
    struct notation n;
    notation_parse("d{path=/var}", &n);
    CHECK(notation_means(&n, "d", "path", "/var"));
    CHECK(notation_means(&n, "d", "x", "path=/var"));
    CHECK(!notation_means(&n, "d", "device", "/var"));
    CHECK(!notation_means(&n, "e", "path", "/var"));
    CHECK(!notation_means(&n, "d", "", ""));
    notation_parse("d{/var}", &n);
    CHECK(notation_means(&n, "d", "path", "/var"));
    notation_parse("d", &n);
    CHECK(notation_means(&n, "d", "", ""));
    CHECK(!notation_means(&n, "d", "path", "/var"));
}

static void what_is_written_is_escaped(void)
{
    char key[NOTATION_MAX], out[200];
    struct text text;
    struct notation n;
    notation_key(key, "d", "path", "/v\x1b");
    CHECK_STR(key, "d{path=/v\x1b}");
    CHECK(notation_parse(key, &n));
    text_init(&text, out, sizeof(out));
    notation_add(&text, "d", "path", "/v\x1b");
    CHECK_STR(out, "d{path=/v\\x1b}");
    text_init(&text, out, sizeof(out));
    notation_add(&text, "d", "", "/v"); /* of a segment that knows no labels */
    notation_add(&text, "e", "path", "");
    CHECK_STR(out, "d{/v}e");
    notation_key(key, "d", "", "");
    CHECK_STR(key, "d");
}

int main(void)
{
    RUN(the_parts_are_found);
    RUN(what_is_none_is_refused);
    RUN(both_ways_of_writing_mean_the_same);
    RUN(what_is_written_is_escaped);
    return check_result();
}
