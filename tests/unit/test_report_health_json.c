/* SPDX-License-Identifier: Apache-2.0 */
/* The health summary for a program: its keys, null for what is unknown, and JSON whatever stands in
 * the report. */
#include <unistd.h>

#include "report_fixture.h"

static const char *render(void)
{
    struct text text;
    text_init(&text, output, sizeof(output));
    report_health_json(&report, &text);
    CHECK(!text_cut(&text));
    return output;
}

/* Brackets pair up outside of strings, no control character stands anywhere, one line in all. */
static void check_structure(const char *json)
{
    char open[64];
    size_t depth = 0;
    bool quoted = false;
    const char *c = json;
    for (; *c != '\0' && *c != '\n'; c++) {
        CHECK((unsigned char)*c >= 0x20);
        if (quoted) {
            quoted = *c != '"';
            c += *c == '\\' && c[1] != '\0';
        } else if (*c == '"') {
            quoted = true;
        } else if (*c == '{' || *c == '[') {
            REQUIRE(depth < sizeof(open));
            open[depth++] = *c;
        } else if (*c == '}' || *c == ']') {
            REQUIRE(depth > 0);
            CHECK_EQ(open[--depth], *c == '}' ? '{' : '[');
        }
    }
    CHECK_EQ(depth, 0);
    CHECK_STR(c, "\n");
}

/* What python's parser says of it, for it is not ours. */
static bool python_takes(const char *json)
{
    FILE *pipe =
        popen("exec python3 -c 'import json,sys; json.loads(sys.stdin.buffer.read())'", "w");
    if (pipe == NULL)
        return false;
    fputs(json, pipe);
    return pclose(pipe) == 0;
}

static void calm_is_as_documented(void)
{
    make_calm();
    check_structure(render());
    check_output("calm.json", output);
}

static void everything_is_as_documented(void)
{
    make_calm();
    add_everything();
    check_structure(render());
    check_output("full.json", output);
    CHECK_CONTAINS(output, "\"gpus\":[{\"device\":\"GPU-0a1b2c3d\",\"utilization\":{");
    CHECK_CONTAINS(output, "\"left\":48000,\"used\":148000,\"reserved\":4000");
    CHECK_CONTAINS(output, "\"limit\":null,\"left\":null"); /* not known is never 0 */
    CHECK_CONTAINS(output, "\"continuity\":{\"last_end\":\"out of memory\"");
}

static void degraded_is_as_documented(void)
{
    make_degraded();
    check_structure(render());
    check_output("degraded.json", output);
}

static void what_is_unknown_is_null(void)
{
    make_calm();
    report.snapshot.memory.limit = missing(VAGUS_EUNSUPPORTED);
    report.snapshot.memory.usage = taken(7, 1);
    report.snapshot.memory.usage.error = VAGUS_EIO;
    report.snapshot.memory.headroom = taken(64, 12);
    report.snapshot.cpu.load_1m = (struct vagus_reading){0};
    report.snapshot.cpu.utilization.value = NAN;
    render();
    CHECK_CONTAINS(output, "\"limit\":{\"value\":null,\"unit\":\"By\",\"state\":\"unsupported\","
                           "\"age_s\":null}");
    CHECK_CONTAINS(output, "\"usage\":{\"value\":null,\"unit\":\"By\",\"state\":\"error\","
                           "\"age_s\":1.000,\"good_for_s\":2.000,\"source\":\"unknown\","
                           "\"error\":\"VAGUS_EIO\"}");
    CHECK_CONTAINS(output, "\"headroom\":{\"value\":64,\"unit\":\"By\",\"state\":\"stale\","
                           "\"age_s\":12.000,\"good_for_s\":0.000,");
    CHECK_CONTAINS(output, "\"load_1m\":{\"value\":null,\"unit\":\"{thread}\",\"state\":\"never\"");
    CHECK_CONTAINS(output, "\"utilization\":{\"value\":null,\"unit\":\"1\",\"state\":\"ok\"");
}

static void foreign_text_stays_valid(void)
{
    make_degraded();
    strcpy(report.snapshot.paths[0].path, "\"}\\\xff\xc3\x1b\n\xed\xa0\x80");
    strcpy(report.signals[3].signal.reason, "\",\"verdict\":\"ok");
    strcpy(report.header.agent, "\xf0\x9f\x92");
    check_structure(render());
}

static void what_was_never_sampled_has_no_age(void)
{
    make_degraded();
    for (uint32_t i = 0; i < report.signal_count; i++)
        report.signals[i].signal.sample_age_ns = -1;
    render();
    CHECK_CONTAINS(output, "\"sample_age_s\":null");
    CHECK(strstr(output, "\"sample_age_s\":0") == NULL);
    check_structure(output);
}

static void an_empty_report_is_an_object(void)
{
    memset(&report, 0, sizeof(report));
    report.snapshot_error = VAGUS_EAGAIN;
    check_structure(render());
    CHECK(python_takes(output));
    CHECK_CONTAINS(output, "{\"verdict\":\"unknown\"");
    CHECK_CONTAINS(output, "\"snapshot_error\":\"VAGUS_EAGAIN\"");
}

static void another_parser_takes_it(void)
{
    if (system("command -v python3 >/dev/null") != 0)
        SKIP_TEST("there is no python3");
    make_calm();
    render();
    CHECK(python_takes(output));
    make_degraded();
    render();
    CHECK(python_takes(output));
}

int main(void)
{
    RUN(calm_is_as_documented);
    RUN(everything_is_as_documented);
    RUN(another_parser_takes_it);
    RUN(degraded_is_as_documented);
    RUN(what_is_unknown_is_null);
    RUN(what_was_never_sampled_has_no_age);
    RUN(foreign_text_stays_valid);
    RUN(an_empty_report_is_an_object);
    return check_result();
}
