/* SPDX-License-Identifier: Apache-2.0 */
/* vagus test from a file to what is printed: what passes, what fails and how that is shown, what is
 * no test at all. */
#include <stdlib.h>
#include <sys/stat.h>

#include "check.h"
#include "cli/policy_test.h"
#include "cli_fixture.h"

extern const struct cli_verb cli_verb_test;

static char folder[] = "/tmp/vagus-test-XXXXXX";
static char printed[64 * 1024], complained[16 * 1024];

#define POLICY                                                                                     \
    "policy:\n"                                                                                    \
    "  rules:\n"                                                                                   \
    "    - name: low\n"                                                                            \
    "      metric: memory.headroom.ratio\n"                                                        \
    "      throttle: { below: 20%, clear: 25% }\n"                                                 \
    "      shutdown: { below: 5%, clear: 10%, for: 100ms }\n"                                      \
    "      min_hold: 0s\n"

/* Runs the verb over a file with this text. */
static int test(const char *text, const char *option)
{
    char path[64], verb[] = "test";
    snprintf(path, sizeof(path), "%s/t.test.yaml", folder);
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return -1;
    fputs(text, file);
    fclose(file);
    char *argv[] = {verb, path, (char *)option, NULL};
    struct capture out, err;
    capture_begin(&out, stdout);
    capture_begin(&err, stderr);
    int status = cli_verb_test.run(option != NULL ? 3 : 2, argv);
    capture_end(&err, complained, sizeof(complained));
    capture_end(&out, printed, sizeof(printed));
    return status;
}

static void what_comes_as_expected_passes(void)
{
    CHECK_EQ(test(POLICY "cases:\n"
                         "  - name: down and up\n"
                         "    series: { memory.headroom.ratio: \"50% x10, 10% x10, 50% x1\" }\n"
                         "    expect:\n"
                         "      - { at: 1s, signal: throttle, about: memory, rule: low,\n"
                         "          metric: memory.headroom.ratio, level: 67% }\n"
                         "      - { at: 2s, signal: throttle, change: cleared }\n",
                  NULL),
             CLI_OK);
    CHECK_STR(printed, "1 case, 0 failed\n");
}

static void a_failure_shows_what_came_instead(void)
{
    CHECK_EQ(test(POLICY "cases:\n"
                         "  - name: too early\n"
                         "    series: { memory.headroom.ratio: \"50% x10, 10% x10\" }\n"
                         "    expect:\n"
                         "      - { at: 900ms, signal: throttle }\n",
                  NULL),
             CLI_FAILED);
    CHECK_CONTAINS(printed, "t.test.yaml:9:5: too early: failed\n");
    CHECK_CONTAINS(printed, "t.test.yaml:12:9: throttle raised did not come at 0.9 s\n");
    CHECK_CONTAINS(printed, "  -    0:00:00.900  throttle raised did not come");
    CHECK_CONTAINS(printed, "  +    0:00:01.000  throttle raised   memory 0.67 by low: "
                            "memory.headroom.ratio 10 % is below 20 %\n");
    CHECK_CONTAINS(printed, "       0:00:01.900  the input ends\n");
    CHECK_CONTAINS(printed, "1 case, 1 failed\n");
}

static void what_nobody_expects_fails(void)
{
    static const char quiet[] = POLICY "cases:\n"
                                       "  - name: quiet\n"
                                       "    series: { memory.headroom.ratio: 10% x3 }\n"
                                       "    expect: []\n";
    CHECK_EQ(test(quiet, NULL), CLI_FAILED);
    CHECK_CONTAINS(printed, "1 came that was not expected");
    char loose[1024];
    snprintf(loose, sizeof(loose), "%s    exact: false\n", quiet);
    CHECK_EQ(test(loose, NULL), CLI_OK);
}

static void changes_of_level_are_asked_for_by_exact_all(void)
{
    static const char ramp[] = POLICY "cases:\n"
                                      "  - name: ramp\n"
                                      "    series: { memory.headroom.ratio: \"16% x1, 12% x1\" }\n"
                                      "    expect: [ { at: 0s, signal: throttle } ]\n";
    CHECK_EQ(test(ramp, NULL), CLI_OK);
    char all[1024];
    snprintf(all, sizeof(all), "%s    exact: all\n", ramp);
    CHECK_EQ(test(all, NULL), CLI_FAILED);
    CHECK_CONTAINS(printed, "+    0:00:00.100  throttle updated");
}

static void an_expectation_beyond_the_input_fails(void)
{
    CHECK_EQ(test(POLICY "cases:\n"
                         "  - name: beyond\n"
                         "    series: { memory.headroom.ratio: 50% x10 }\n"
                         "    exact: false\n"
                         "    expect:\n"
                         "      - { at: 1s, signal: throttle }\n"
                         "      - { at: 0s..1s, signal: throttle, change: cleared }\n",
                  NULL),
             CLI_FAILED);
    CHECK_CONTAINS(printed, ":13:9: throttle raised is expected beyond the input: the input ends "
                            "at 0.9 s");
    CHECK_CONTAINS(printed, ":14:9: throttle cleared is expected beyond the input");
}

static void a_missing_value_and_silence_differ(void)
{
    /* Nothing said: the value stays good for three periods. An attempt that failed: at once. */
    static const char form[] = "policy:\n"
                               "  rules:\n"
                               "    - name: low\n"
                               "      metric: memory.headroom.ratio\n"
                               "      on_missing: raise\n"
                               "      throttle: { below: 20%%, clear: 25%% }\n"
                               "cases:\n"
                               "  - name: gone\n"
                               "    series: { memory.headroom.ratio: \"50%% x10, %s x10\" }\n"
                               "    expect: [ { at: %s, signal: throttle } ]\n";
    char text[1024];
    snprintf(text, sizeof(text), form, "_", "1s");
    CHECK_EQ(test(text, NULL), CLI_OK);
    snprintf(text, sizeof(text), form, "=", "1.3s");
    CHECK_EQ(test(text, NULL), CLI_OK);
    CHECK_STR(printed, "1 case, 0 failed\n");
}

static void budgets_are_asked(void)
{
    static const char form[] =
        "policy:\n"
        "  budgets:\n"
        "    - name: tokens\n"
        "      limit: 10k\n"
        "      window: 1min\n"
        "      counts: agent.tokens\n"
        "      warning: { at: 80%%, raise: throttle }\n"
        "cases:\n"
        "  - name: an hour's tokens\n"
        "    series: { agent.tokens: \"+500 x10, = x70\" }\n"
        "    ask:\n"
        "      - { at: 9s, budget: tokens, amount: 4000, answer: go }\n"
        "      - { at: 10s, budget: tokens, amount: 4000, answer: %s }\n"
        "      - { at: 10s, budget: tokens, amount: 20000, answer: no, how: ask }\n"
        "      - { at: 79s, budget: tokens, amount: 4000, answer: go }\n"
        "    expect:\n"
        "      - { at: 10s, signal: throttle, about: budget, rule: tokens }\n"
        "      - { at: 50s..79s, signal: throttle, change: cleared, about: budget }\n";
    char text[2048];
    snprintf(text, sizeof(text), form, "wait, wait: 40s..60s");
    CHECK_EQ(test(text, NULL), CLI_OK);
    CHECK_STR(printed, "1 case, 0 failed\n");
    snprintf(text, sizeof(text), form, "wait, wait: 1s");
    CHECK_EQ(test(text, NULL), CLI_FAILED);
    CHECK_CONTAINS(printed, "tokens, asked for 4000, answers wait ");
    CHECK_CONTAINS(printed, "; expected wait 1 s\n");
    snprintf(text, sizeof(text), form, "go");
    CHECK_EQ(test(text, NULL), CLI_FAILED);
    CHECK_CONTAINS(printed, "; expected go\n");
}

static void the_last_resort_kills_nobody_here(void)
{
    CHECK_EQ(test("policy:\n"
                  "  last_resort: sigterm\n"
                  "  rules:\n"
                  "    - name: low\n"
                  "      metric: memory.headroom.ratio\n"
                  "      relief_within: 2s\n"
                  "      shutdown: { below: 20%, clear: 25% }\n"
                  "cases:\n"
                  "  - name: no relief\n"
                  "    series: { memory.headroom.ratio: 10% x40 }\n"
                  "    expect:\n"
                  "      - { at: 0s, signal: shutdown }\n"
                  "      - { at: 2s, last_resort: true }\n",
                  NULL),
             CLI_OK);
    CHECK_STR(printed, "1 case, 0 failed\n");
}

static void modes_and_caps_are_expected(void)
{
    static const char form[] = "    series: { memory.headroom.ratio: 10%% x40 }\n"
                               "    expect:\n"
                               "      - { at: 0s, signal: throttle }\n"
                               "      - { at: 0s, cap: tasks, most: none }\n"
                               "      - { at: 2s, mode: %s }\n"
                               "      - { at: 3s, cap: tasks, most: %d }\n";
    static const char begin[] = POLICY "cases:\n  - name: alert\n";
    char text[1024];
    size_t length = (size_t)snprintf(text, sizeof(text), "%s", begin);
    snprintf(text + length, sizeof(text) - length, form, "alert", 4);
    CHECK_EQ(test(text, NULL), CLI_OK);
    CHECK_STR(printed, "1 case, 0 failed\n");
    snprintf(text + length, sizeof(text) - length, form, "lockdown", 5);
    CHECK_EQ(test(text, NULL), CLI_FAILED);
    CHECK_CONTAINS(printed, "mode lockdown did not come at 2 s");
    CHECK_CONTAINS(printed, "0:00:02.000  mode     alert    normal to alert: throttle was raised");
    CHECK_CONTAINS(printed, "cap tasks is 4; expected 5");
}

static void shadow_rules_are_seen(void)
{
    CHECK_EQ(test("policy:\n"
                  "  rules:\n"
                  "    - name: low\n"
                  "      metric: queue.depth\n"
                  "      shadow: true\n"
                  "      defer: { above: 100, clear: 50 }\n"
                  "metrics:\n"
                  "  - { name: queue.depth, unit: \"{task}\", max: 1000 }\n"
                  "cases:\n"
                  "  - name: in the shadow\n"
                  "    series: { queue.depth: \"10 x5, 200 x5\" }\n"
                  "    expect: [ { at: 5s, signal: defer, shadow: true } ]\n",
                  NULL),
             CLI_OK);
    CHECK_STR(printed, "1 case, 0 failed\n");
}

static void each_step_is_a_sample(void)
{
    CHECK_EQ(test("policy:\n"
                  "  rules:\n"
                  "    - name: space\n"
                  "      metric: disk.free.ratio\n"
                  "      throttle: { below: 20%, clear: 25% }\n"
                  "cases:\n"
                  "  - name: a sense of ten seconds, looked at more often\n"
                  "    every: 100ms\n"
                  "    series: { \"disk.free.ratio{/}\": \"50% x3, 10% x1, 15% x1\" }\n"
                  "    expect: [ { at: 300ms, signal: throttle, instance: / } ]\n",
                  NULL),
             CLI_OK);
    CHECK_STR(printed, "1 case, 0 failed\n");
}

static void coverage_names_what_no_test_reached(void)
{
    CHECK_EQ(test(POLICY "    - name: never\n"
                         "      metric: process.cpu.utilization\n"
                         "      throttle: { above: 90%, clear: 80% }\n"
                         "cases:\n"
                         "  - name: half\n"
                         "    series: { memory.headroom.ratio: 10% x3 }\n"
                         "    expect: [ { at: 0s, signal: throttle } ]\n",
                  "--coverage"),
             CLI_OK);
    CHECK_CONTAINS(printed, "1 of 8 edges of 2 rules reached\n");
    CHECK_CONTAINS(printed, "  low: not reached: throttle cleared, shutdown raised, "
                            "shutdown cleared, value missing\n");
    CHECK_CONTAINS(printed, "  never: no test reaches it\n");
}

/* --- Consent. --- */

#define ASKS                                                                                       \
    "policy:\n"                                                                                    \
    "  rules:\n"                                                                                   \
    "    - { name: low, metric: memory.headroom.ratio, throttle: { below: 20%, clear: 25% } }\n"   \
    "  modes: [ { name: calm }, { name: busy }, { name: worse } ]\n"                               \
    "  transitions:\n"                                                                             \
    "    - { from: calm, to: busy, when: throttle }\n"                                             \
    "    - { from: busy, to: calm, when: clear, for: 1s, consent: true }\n"                        \
    "    - { from: busy, to: worse, when: defer, resource: memory }\n"                             \
    "    - { from: worse, to: calm, when: clear }\n"                                               \
    "cases:\n"                                                                                     \
    "  - name: it waits\n"                                                                         \
    "    every: 1s\n"                                                                              \
    "    series: { memory.headroom.ratio: \"50% x2, 10% x10, 50% x20\" }\n"                        \
    "    exact: false\n"

static void consent_is_given_where_it_is_waited_for(void)
{
    CHECK_EQ(test(ASKS "    expect: [ { at: 2s, mode: busy }, { at: 21s, mode: calm } ]\n"
                       "    consent: [ { at: 20s, to: calm } ]\n",
                  "--coverage"),
             CLI_OK);
    CHECK_CONTAINS(printed, "edges of 1 rules and 2 of 4 transitions reached\n");
    CHECK_CONTAINS(printed, "  mode worse: no test enters it\n"
                            "  mode busy to worse, when defer on memory: not taken\n"
                            "  mode worse to calm, when clear: not taken\n");
    CHECK_EQ(test(ASKS "    expect: [ { at: 21s, mode: calm } ]\n", NULL), CLI_FAILED);
    CHECK_EQ(test(ASKS "    expect: []\n    consent: [ { at: 5s, to: calm } ]\n", NULL),
             CLI_FAILED);
    CHECK_CONTAINS(printed, "t.test.yaml:16:16: no transition to calm waits for consent\n");
    CHECK_EQ(test(ASKS "    expect: []\n    consent: [ { at: 99s, to: calm } ]\n", NULL),
             CLI_FAILED);
    CHECK_CONTAINS(printed, "consent to calm is given beyond the input");
}

static void json_tells_all(void)
{
    CHECK_EQ(test(POLICY "cases:\n"
                         "  - name: \"a \\\"quoted\\\" name\"\n"
                         "    series: { memory.headroom.ratio: 10% x3 }\n"
                         "    expect: []\n",
                  "--json"),
             CLI_FAILED);
    CHECK_CONTAINS(printed, "{\"name\": \"a \\\"quoted\\\" name\", \"line\": 9, \"ok\": false");
    CHECK_CONTAINS(printed, "{\"at_ns\": 0, \"signal\": \"throttle\", \"change\": \"raised\", "
                            "\"about\": \"memory\", \"rule\": \"low\"");
    CHECK_CONTAINS(printed, "\"cases\": 1, \"failed\": 1}\n");
}

/* --- Files with mistakes. --- */

static void says(const char *text, const char *wanted)
{
    CHECK_EQ(test(text, NULL), CLI_USAGE);
    CHECK_CONTAINS(complained, wanted);
}

#define SERIES "    series: { memory.headroom.ratio: 50% x3 }\n"

static void what_is_no_test_is_refused(void)
{
    says("", "expected \"policy:\" and \"cases:\"");
    says(POLICY "cases: []\n", "cases: 0 entries; expected 1 to 1000");
    says(POLICY, "a test needs \"cases\"");
    says("cases: [ { name: x, series: {}, expect: [] } ]\n", "a test needs \"policy\"");
    says(POLICY "cases:\n  - name: x\n    series: {}\n    expect: []\n", "series: expected 1 to");
    says(POLICY "cases:\n  - name: x\n" SERIES, ":9:5: error: it expects nothing");
    says(POLICY "cases:\n  - name: x\n    series: { memory.headroom.ratio: 50% }\n"
                "    expect: []\n",
         "how long does it last?");
    says("policy: not-there.yaml\ncases:\n  - name: x\n" SERIES "    expect: []\n",
         ":1:9: error: policy: not-there.yaml:0:0: it cannot be opened");
}

static void mistakes_have_their_place(void)
{
    says(POLICY "cases:\n  - name: x\n    series:\n"
                "      memory.headroom.ratio: 50% x60, fifty x3\n    expect: []\n",
         "t.test.yaml:11:39: error: \"fifty\"");
    says(POLICY "cases:\n  - name: x\n    series: { memory.headroom.ratio: \"50% x0\" }\n"
                "    expect: []\n",
         ":10:43: error: \"x0\" is no count");
    says(POLICY "cases:\n  - name: x\n    series: { memory.headrom.ratio: 50% x3 }\n"
                "    expect: []\n",
         ":10:15: error: \"memory.headrom.ratio\" is no metric, did you mean "
         "\"memory.headroom.ratio\"?");
    says(POLICY "cases:\n  - name: x\n" SERIES "    expect: [ { at: 0s, signal: thottle } ]\n",
         "did you mean \"throttle\"?");
    says(POLICY "cases:\n  - name: x\n" SERIES
                "    expect: [ { at: 0s, signal: throttle, rule: lo } ]\n",
         "rule: the policy has no \"lo\", did you mean \"low\"?");
    says(POLICY "cases:\n  - name: x\n" SERIES "    expect: [ { at: 9, signal: throttle } ]\n",
         ":11:21: error: at: \"9\"");
    says(POLICY "cases:\n  - name: x\n" SERIES "    expect: [ { at: 9s } ]\n",
         "an expectation is of a \"signal\"");
    says(POLICY "cases:\n  - name: x\n" SERIES "    expct: []\n", "did you mean \"expect\"?");
    says(POLICY "cases:\n  - name: x\n    series: { \"disk.free.ratio\": 50% x3 }\n"
                "    expect: []\n",
         "which path? write disk.free.ratio{");
    says(POLICY "cases:\n  - name: x\n    series: { agent.tokens: \"5 x3, 4 x1\" }\n    ask:\n"
                "      - { at: 50ms, budget: tokens, amount: 1, answer: go }\n",
         "the policy has no \"tokens\"");
    says(POLICY "cases:\n  - name: x\n    series: { agent.tokens: \"5 x3, _ x1\" }\n"
                "    expect: []\n",
         "it cannot fail to be read");
}

static void consent_that_nothing_waits_for_is_a_mistake(void)
{
    says(ASKS "    expect: []\n    consent: [ { at: 5s, to: busy } ]\n",
         "to: no transition of the policy to \"busy\" needs consent");
    says(ASKS "    expect: []\n    consent: [ { at: 500ms, to: calm } ]\n",
         "lies between two steps");
    says(ASKS "    expect: []\n    consent: [ { to: calm } ]\n", "\"at\"");
}

static void faults_of_an_inline_policy_have_its_lines(void)
{
    says("every: 1s\npolicy:\n  rules:\n    - name: low\n      metric: a.b\n"
         "      throttle: { below: 20%, clear: 10% }\n"
         "cases:\n  - name: x\n" SERIES "    expect: []\n",
         "t.test.yaml:6:");
}

static void a_counter_that_falls_ends_its_case(void)
{
    CHECK_EQ(test(POLICY "cases:\n  - name: x\n    series: { agent.tokens: \"5 x3, 4 x1\" }\n"
                         "    expect: []\n",
                  NULL),
             CLI_FAILED);
    CHECK_CONTAINS(printed, "agent.tokens is a counter, and falls to 4");
}

static void no_memory_is_leaked_by_what_is_refused(void)
{
    static struct vagus_fault_list faults;
    struct policy_test read;
    CHECK_EQ(policy_test_read(&read, "x", "a: [", &faults), VAGUS_EPOLICY);
    policy_test_finish(&read);
    CHECK_EQ(policy_test_read(&read, "/nowhere/x.yaml", NULL, &faults), VAGUS_ENOENT);
    policy_test_finish(&read);
}

int main(void)
{
    if (mkdtemp(folder) == NULL)
        return 1;
    umask(022);
    RUN(what_comes_as_expected_passes);
    RUN(a_failure_shows_what_came_instead);
    RUN(what_nobody_expects_fails);
    RUN(changes_of_level_are_asked_for_by_exact_all);
    RUN(an_expectation_beyond_the_input_fails);
    RUN(a_missing_value_and_silence_differ);
    RUN(budgets_are_asked);
    RUN(the_last_resort_kills_nobody_here);
    RUN(modes_and_caps_are_expected);
    RUN(shadow_rules_are_seen);
    RUN(each_step_is_a_sample);
    RUN(coverage_names_what_no_test_reached);
    RUN(consent_is_given_where_it_is_waited_for);
    RUN(json_tells_all);
    RUN(what_is_no_test_is_refused);
    RUN(mistakes_have_their_place);
    RUN(consent_that_nothing_waits_for_is_a_mistake);
    RUN(faults_of_an_inline_policy_have_its_lines);
    RUN(a_counter_that_falls_ends_its_case);
    RUN(no_memory_is_leaked_by_what_is_refused);
    char path[64];
    snprintf(path, sizeof(path), "%s/t.test.yaml", folder);
    unlink(path);
    rmdir(folder);
    return check_result();
}
