/* SPDX-License-Identifier: Apache-2.0 */
/* Modes and transitions in a policy: what is read, and every fault with its line and column. */
#include <stdlib.h>

#include "check.h"
#include "config/config.h"
#include "monitor/monitor.h"

static struct vagus_fault_list faults;
static struct vagus_config *config;

static int load(const char *text)
{
    config_free(config);
    config = NULL;
    return config_load(NULL, text, &monitor_vocabulary, &faults, &config);
}

#define RULES "rules: [{ name: a, metric: agent.load, throttle: { above: 2, clear: 1 } }]\n"
#define TWO                                                                                        \
    "modes:\n"                                                                                     \
    "  - { name: calm }\n"                                                                         \
    "  - { name: busy }\n"                                                                         \
    "transitions:\n"
#define BACK "  - { from: busy, to: calm, when: clear }\n"
#define OUT "  - { from: calm, to: busy, when: throttle }\n"

static void is_read(void)
{
    CHECK_EQ(load(RULES "modes:\n"
                        "  - name: calm\n"
                        "    caps: [ { name: tasks, most: 8 }, { name: tokens, most: 200k } ]\n"
                        "  - name: busy\n"
                        "    caps: [ { name: tasks, most: 0 }, { name: tokens, most: 1k } ]\n"
                        "transitions:\n"
                        "  - { from: calm, to: busy, when: defer, resource: memory, for: 1500ms }\n"
                        "  - { from: busy, to: calm, when: clear, for: 1min, consent: true }\n"),
             0);
    CHECK_EQ(faults.total, 0);
    REQUIRE(config != NULL && config->mode_count == 2 && config->transition_count == 2);
    CHECK_STR(config->modes[0].name, "calm");
    REQUIRE(config->modes[0].cap_count == 2);
    CHECK_STR(config->modes[0].caps[1].name, "tokens");
    CHECK_EQ(config->modes[0].caps[1].most, 200000);
    CHECK_EQ(config->modes[1].caps[0].most, 0);
    CHECK_STR(config->transitions[0].resource, "memory");
    CHECK_EQ(config->transitions[0].when, CONFIG_WHEN_DEFER);
    CHECK_EQ(config->transitions[0].for_ns, 1500 * VAGUS_MILLISECOND_NS);
    CHECK(!config->transitions[0].consent && config->transitions[1].consent);
    CHECK(config->transitions[1].resource == NULL);
}

static void none_and_one_are_fine(void)
{
    CHECK_EQ(load(RULES), 0);
    CHECK_EQ(config->mode_count, 0);
    CHECK_EQ(load(RULES "modes: [ { name: only } ]\n"), 0);
    CHECK_EQ(faults.total, 0);
}

static const struct wrong {
    const char *text;
    uint32_t line, column;
    const char *words;
} wrongs[] = {
    {RULES TWO BACK "  - { from: calm, to: buzy, when: throttle }\n", 7, 23,
     "to: there is no mode \"buzy\", did you mean \"busy\"?"},
    {RULES TWO BACK "  - { from: nowhere, to: busy, when: throttle }\n", 7, 13,
     "from: there is no mode \"nowhere\""},
    {RULES TWO BACK, 3, 5, "mode \"calm\" cannot be left"},
    {RULES TWO BACK, 4, 5, "mode \"busy\" cannot be reached from \"calm\", the first"},
    {RULES TWO OUT, 4, 5, "mode \"busy\" cannot be left"},
    {RULES "modes: [ { name: calm }, { name: busy } ]\n", 2, 26, "cannot be reached"},
    {RULES TWO BACK OUT OUT, 8, 5,
     "from calm on throttle there is a transition already, in line 7"},
    {RULES TWO BACK OUT "  - { from: calm, to: calm, when: defer }\n", 8, 23, "leads to itself"},
    {RULES TWO BACK "  - { from: calm, to: busy, when: thottle }\n", 7, 35, "did you mean"},
    {RULES TWO BACK OUT "  - { from: calm, to: busy }\n", 8, 5, "a transition needs \"when\""},
    {RULES "modes: [ { name: calm }, { name: calm } ]\n", 2, 34, "is taken by the mode in line 2"},
    {RULES "modes: [ { name: a, caps: [ { name: b, most: 1 }, { name: b, most: 2 } ] } ]\n", 2, 59,
     "is taken by the cap in line 2"},
    {RULES "modes: [ { name: a, caps: [ { name: b, most: -1 } ] } ]\n", 2, 46, "-1"},
    {RULES "modes: [ { name: a, caps: [ { name: b } ] } ]\n", 2, 29, "a cap needs \"most\""},
    {RULES "modes: [ { name: NORMAL } ]\n", 2, 18, "NORMAL"},
    {RULES "modes: [ { name: a, cap: [] } ]\n", 2, 21, "did you mean \"caps\"?"},
    {RULES "modes: [ only ]\n", 2, 10, "expected a mapping"},
    {RULES "transitions:\n" OUT, 2, 1, "\"transitions\" goes with \"modes\""},
    {RULES TWO BACK OUT "  - 7\n", 8, 5, "expected a mapping"},
};

static void faults_have_their_place(void)
{
    for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
        const struct wrong *w = &wrongs[i];
        int error = load(w->text);
        bool found = false;
        for (uint32_t k = 0; k < faults.count; k++) {
            const struct vagus_fault *fault = &faults.faults[k];
            found = found || (!fault->warning && fault->line == w->line &&
                              fault->column == w->column && strstr(fault->text, w->words) != NULL);
        }
        if (error == VAGUS_EPOLICY && found)
            continue;
        CHECK_FAIL_("%s\ngives %s, without %u:%u: %s", w->text, vagus_error_name(error), w->line,
                    w->column, w->words);
        for (uint32_t k = 0; k < faults.count; k++)
            fprintf(stderr, "  %u:%u: %s\n", faults.faults[k].line, faults.faults[k].column,
                    faults.faults[k].text);
    }
}

/* Both are possible, and seldom meant. */
static void doubts_are_warned_of(void)
{
    CHECK_EQ(load(RULES TWO OUT "  - { from: busy, to: calm, when: defer }\n"), 0);
    REQUIRE(faults.total == 1);
    CHECK_EQ(faults.faults[0].line, 4);
    CHECK_CONTAINS(faults.faults[0].text,
                   "from mode \"busy\" no transitions on clear lead back to \"calm\"");
    CHECK_EQ(load(RULES "modes:\n"
                        "  - { name: calm, caps: [ { name: tasks, most: 8 } ] }\n"
                        "  - { name: busy }\n"
                        "transitions:\n" OUT BACK),
             0);
    REQUIRE(faults.total == 1);
    CHECK_EQ(faults.faults[0].line, 4);
    CHECK_STR(faults.faults[0].text,
              "mode \"busy\" names no cap \"tasks\": there is no limit to it there");
}

static void many_caps_are_refused(void)
{
    char text[8192] = RULES "modes:\n";
    for (int mode = 0; mode < 3; mode++) {
        size_t length = strlen(text);
        length += (size_t)snprintf(text + length, sizeof(text) - length,
                                   "  - name: mode%d\n    caps:\n", mode);
        for (int cap = 0; cap < 11; cap++)
            length += (size_t)snprintf(text + length, sizeof(text) - length,
                                       "      - { name: cap%d-%d, most: 1 }\n", mode, cap);
    }
    strcat(text, "transitions:\n"
                 "  - { from: mode0, to: mode1, when: throttle }\n"
                 "  - { from: mode1, to: mode2, when: throttle }\n"
                 "  - { from: mode2, to: mode0, when: clear }\n");
    CHECK_EQ(load(text), VAGUS_EPOLICY);
    CHECK_EQ(faults.errors, 1);
    uint32_t at = 0;
    while (at < faults.count && faults.faults[at].warning)
        at++;
    REQUIRE(at < faults.count);
    CHECK_STR(faults.faults[at].text, "more than 32 different caps");
}

int main(void)
{
    RUN(is_read);
    RUN(none_and_one_are_fine);
    RUN(faults_have_their_place);
    RUN(doubts_are_warned_of);
    RUN(many_caps_are_refused);
    config_free(config);
    return check_result();
}
