/* SPDX-License-Identifier: Apache-2.0 */
/* vagus signals over a real segment with records written by hand. The verb is built in here, with
 * what main.c would give it. */
#include <math.h>

#include "check.h"
#include "cli/target.c"
#include "cli/verb_signals.c"
#include "cli_fixture.h"
#include "segment_fixture.h"

static char printed[1 << 20];
static struct segment segment;

static int signals(const char *first, const char *second)
{
    char verb[] = "signals", dir[] = "--dir";
    char *argv[] = {verb, dir, fixture_dir, (char *)first, (char *)second, NULL};
    int argc = 3;
    while (argv[argc] != NULL)
        argc++;
    struct capture out;
    capture_begin(&out, stdout);
    optind = 1;
    int status = cli_verb_signals.run(argc, argv);
    capture_end(&out, printed, sizeof(printed));
    return status;
}

static void add(const struct segment_signal *entry)
{
    struct segment_head *head = segment_head(&segment, SEGMENT_SIGNALS);
    struct segment_signal *ring = segment_entries(&segment, SEGMENT_SIGNALS);
    segment_write_begin(&head->stamp);
    ring[head->count++ % SEGMENT_SIGNALS_MAX] = *entry;
    segment_write_end(&head->stamp);
}

static const struct segment_signal raised = {
    .wall_ns = INT64_C(1795265751123) * VAGUS_MILLISECOND_NS,
    .told = 4,
    .signal = {.kind = VAGUS_THROTTLE,
               .change = VAGUS_SIGNAL_RAISED,
               .sequence = 1,
               .at_ns = 1000 * VAGUS_SECOND_NS,
               .sample_age_ns = 400 * VAGUS_MILLISECOND_NS,
               .level = 0.35,
               .value = 120,
               .resource = "memory",
               .rule = "tank",
               .metric = "tank.used",
               .unit = "{l}",
               .reason = "tank.used 120 is above 100"},
    .outcome = SEGMENT_OUTCOME_NO_RELIEF,
    .outcome_ns = 1010 * VAGUS_SECOND_NS,
    .value_after = 119,
    .deed_count = 3,
    .deeds = {
        {.listener = "cache", .took_ns = 2000000, .released = 42},
        {.listener = "stuck", .took_ns = -1, .released = NAN},
        {.listener = "own-loop", .took_ns = -1, .released = NAN, .flags = VAGUS_LISTENER_POLLED}}};

static void begin(void)
{
    setenv("TZ", "UTC", 1);
    REQUIRE(fixture_begin());
    REQUIRE(fixture_create("alpha", 3, &segment) == 0);
}

static void end(void)
{
    segment_close(&segment);
    fixture_end();
}

static void a_transition_is_explained(void)
{
    begin();
    add(&raised);
    CHECK_EQ(signals(NULL, NULL), CLI_OK);
    CHECK_STR(printed,
              "2026-11-21 12:55:51.123  throttle on memory raised, clear to 0.35, rule tank\n"
              "    threshold: tank.used 120 is above 100; the value was 400 ms old\n"
              "    cache took 2 ms, says it released 42\n"
              "    stuck has not come back from its call\n"
              "    own-loop took it\n"
              "    1 told that is not recorded taking it\n"
              "    no relief after 10 s: 120 to 119\n");
    CHECK_EQ(signals("--json", NULL), CLI_OK);
    CHECK_CONTAINS(printed, "{\"transition_count\":1,\"transitions\":[{\"sequence\":1,");
    CHECK_CONTAINS(printed, "\"why\":\"threshold\",\"outcome\":\"no relief\"");
    CHECK_CONTAINS(printed, "{\"name\":\"stuck\",\"took_s\":null,\"released\":null}");
    end();
}

static void the_newest_come_last(void)
{
    begin();
    CHECK_EQ(signals(NULL, NULL), CLI_OK);
    CHECK_STR(printed, "no signal so far\n");
    for (int i = 0; i < 300; i++) {
        struct segment_signal entry = raised;
        entry.signal.sequence = (uint64_t)i + 1;
        snprintf(entry.signal.rule, sizeof(entry.signal.rule), "rule%d", i);
        entry.shadow = i == 299;
        add(&entry);
    }
    CHECK_EQ(signals("--last", "1"), CLI_OK);
    CHECK_CONTAINS(printed, "  (shadow) throttle on memory raised");
    CHECK_CONTAINS(printed, "rule299");
    CHECK(strstr(printed, "rule298") == NULL);
    CHECK_CONTAINS(printed, "1 of 300 transitions shown");
    CHECK_EQ(signals(NULL, NULL), CLI_OK);
    CHECK_CONTAINS(printed, "rule172\n");
    CHECK(strstr(printed, "rule171\n") == NULL);
    end();
}

static void a_stranger_prints_no_control_characters(void)
{
    begin();
    struct segment_signal entry;
    memset(&entry, 0x1b, sizeof(entry));
    add(&entry);
    memset(&entry, 0xff, sizeof(entry));
    add(&entry);
    CHECK_EQ(signals(NULL, NULL), CLI_OK);
    CHECK(strchr(printed, 0x1b) == NULL);
    CHECK_EQ(signals("--json", NULL), CLI_OK);
    CHECK(strchr(printed, 0x1b) == NULL);
    end();
}

static void wrong_arguments_are_refused(void)
{
    begin();
    CHECK_EQ(signals("--last", "0"), CLI_USAGE);
    CHECK_EQ(signals("--last", "-1"), CLI_USAGE);
    CHECK_EQ(signals("--last", "x"), CLI_USAGE);
    CHECK_EQ(signals("tank", NULL), CLI_USAGE);
    CHECK_EQ(signals("-p", "nobody"), CLI_NOT_FOUND);
    end();
}

int main(void)
{
    RUN(a_transition_is_explained);
    RUN(the_newest_come_last);
    RUN(a_stranger_prints_no_control_characters);
    RUN(wrong_arguments_are_refused);
    return check_result();
}
