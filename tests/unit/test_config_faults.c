/* SPDX-License-Identifier: Apache-2.0 */
/* Every fault, with its line and column, what was found, what was expected. */
#include <stdlib.h>

#include "check.h"
#include "config/config.h"

static const char *const kinds[] = {"level", "rate", "forecast", NULL};

static const char *unit_of(const char *metric)
{
    return strcmp(metric, "ratio") == 0 ? "1" : strcmp(metric, "bytes") == 0 ? "By" : NULL;
}

static const struct config_vocabulary vocabulary = {.kinds = kinds, .unit_of_metric = unit_of};
static struct vagus_fault_list faults;

static int load(const char *text)
{
    struct vagus_config *config = NULL;
    int error = config_load(NULL, text, &vocabulary, &faults, &config);
    config_free(config);
    return error;
}

struct wrong {
    const char *text;
    uint32_t line, column;
    const char *words;
};

/* Each of these has exactly one fault. */
static void check_all(const struct wrong *wrong, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct wrong *w = &wrong[i];
        int error = load(w->text);
        const struct vagus_fault *fault = &faults.faults[0];
        if (fault->warning && faults.count > 1)
            fault++;
        if (error == VAGUS_EPOLICY && faults.errors == 1 && fault->line == w->line &&
            fault->column == w->column && strstr(fault->text, w->words) != NULL)
            continue;
        CHECK_FAIL_("%s\ngives %s, %u faults, %u:%u: %s\nnot %u:%u: %s", w->text,
                    vagus_error_name(error), faults.errors, fault->line, fault->column, fault->text,
                    w->line, w->column, w->words);
    }
}
#define CHECK_ALL(table) check_all(table, sizeof(table) / sizeof((table)[0]))

static void yaml_itself(void)
{
    static const struct wrong table[] = {
        {"rules: [\n", 2, 1, "not valid YAML"},
        {"rules: []\nagent: \"x\n", 3, 1, "not valid YAML"},
        {"rules: []\n\tagent: x\n", 2, 1, "a tab"},
        {"agent: x\n  strict: true\n", 2, 9, "not valid YAML"},
        {"rules: []\n}\n", 2, 1, "not valid YAML"},
        {"rules: []\n--- \nrules: []\n", 2, 1, "a second document"},
        {"rules: []\n...\ntrailing: 1\n", 3, 1, ""},
        {"agent: &a x\nrules: []\n", 1, 8, "an anchor (&a)"},
        {"agent: !!str x\nrules: []\n", 1, 8, "a tag"},
        {"rules: !seq []\n", 1, 8, "a tag"},
        {"agent: *a\nrules: []\n", 1, 8, "an alias (*a)"},
        {"? [a]\n: b\n", 1, 3, "a key must be a word"},
        {"? {a: b}\n: b\n", 1, 3, "a key must be a word"},
        {"agent: a\nrules: []\nagent: b\n", 3, 1, "\"agent\" is given twice: first in line 1"},
        {"agent: a\nrules: []\nagent: B\n", 3, 1, "is given twice"},
        {"agent: \"a\\0b\"\n", 1, 8, "a zero byte"},
        {"", 1, 1, "empty"},
        {"# only a comment\n", 1, 1, "empty"},
        {"rules", 1, 1, "expected a mapping"},
        {"- a\n", 1, 1, "expected a mapping"},
    };
    CHECK_ALL(table);
}

static void top_level(void)
{
    static const struct wrong table[] = {
        {"rulez: []\nrules: []\n", 1, 1, "did you mean \"rules\"?"},
        {"inherits: container\nrules: []\n", 1, 1, "\"inherits\" is no key of a policy; expected"},
        {"budgets: {}\nrules: []\n", 1, 10, "this is a mapping (key: value); expected a list"},
        {"agent: Upper\nrules: []\n", 1, 8, "\"Upper\" is not a name; expected 1 to 32"},
        {"agent: abcdefghijklmnopqrstuvwxyz0123456\nrules: []\n", 1, 8, "is too long"},
        {"agent:\nrules: []\n", 1, 7, "agent: there is no value"},
        {"agent: ~\nrules: []\n", 1, 8, "there is no value"},
        {"agent: null\nrules: []\n", 1, 8, "there is no value"},
        {"agent: [a]\nrules: []\n", 1, 8, "this is a list"},
        {"strict: yes\nrules: []\n", 1, 9, "expected true or false"},
        {"strict: on\nrules: []\n", 1, 9, "expected true or false"},
        {"strict: 1\nrules: []\n", 1, 9, "expected true or false"},
        {"strict: True\nrules: []\n", 1, 9, "expected true or false"},
        {"strict: \"true\"\nrules: []\n", 1, 9, "expected true or false"},
        {"segment: {dir: here}\nrules: []\n", 1, 16, "does not begin with /"},
        {"segment: {dir: \"\"}\nrules: []\n", 1, 16, "is empty"},
        {"segment: {size: 1MiB, sise: 2}\nrules: []\n", 1, 23, "did you mean \"size\"?"},
        {"segment: {size: 1KiB}\nrules: []\n", 1, 17, "too small; expected a size from 1 MiB"},
        {"segment: {size: 1GiB}\nrules: []\n", 1, 17, "too large"},
        {"segment: {size: 8M}\nrules: []\n", 1, 17, "MB or MiB"},
        {"segment: {size: -8MiB}\nrules: []\n", 1, 17, "too small"},
        {"segment: {keep: 100ms}\nrules: []\n", 1, 17, "is not a whole number"},
        {"segment: {keep: 1.9}\nrules: []\n", 1, 17, "is not a whole number"},
        {"segment: {keep: 010}\nrules: []\n", 1, 17, "leading zero"},
        {"segment: {keep: 0x10}\nrules: []\n", 1, 17, "is not a whole number"},
        {"segment: {keep: -1}\nrules: []\n", 1, 17, "is not a whole number"},
        {"segment: {keep: 65}\nrules: []\n", 1, 17, "expected a whole number from 0 to 64"},
        {"segment: 3\nrules: []\n", 1, 10, "expected a mapping"},
        {"limits: {memory: 0}\nrules: []\n", 1, 18, "too small"},
        {"limits: {memory: 50%}\nrules: []\n", 1, 18, "is no size"},
        {"watch: {paths: /tmp}\nrules: []\n", 1, 16, "expected a list"},
        {"watch: {paths: [a,b,c,d,e,f,g,h,i]}\nrules: []\n", 1, 16, "9 entries"},
        {"watch: {paths: [a, b, a]}\nrules: []\n", 1, 23, "\"a\" is given twice"},
        {"retention: {day: [Bad]}\nrules: []\n", 1, 19, "1 to 63 characters"},
        {"retention: {day: [a.b, a.b]}\nrules: []\n", 1, 24, "\"a.b\" is given twice"},
        {"snapshot: {metrics: [Bad]}\nrules: []\n", 1, 22, "expected a metric"},
        {"snapshot: {metrics: [a, a]}\nrules: []\n", 1, 25, "\"a\" is given twice"},
        {"snapshot: {metrics: [a,b,c,d,e,f,g,h,i,j,k,l,m]}\nrules: []\n", 1, 21, "13 entries"},
        {"watch: {paths: [{}]}\nrules: []\n", 1, 17, "expected a single value"},
        {"rules: {}\n", 1, 8, "expected a list"},
        {"rules:\n", 1, 7, "expected a list"},
    };
    CHECK_ALL(table);
}

#define RULE(rest) "rules:\n- name: a\n  metric: ratio\n  " rest "\n"
#define RULE_OK(rest) RULE("throttle: {below: 20%, clear: 25%}\n  " rest)

static void keys_of_rules(void)
{
    static const struct wrong table[] = {
        {"rules:\n- 5\n", 2, 3, "expected a mapping"},
        {"rules:\n- metric: x\n  throttle: {above: 2, clear: 1}\n", 2, 3, "needs \"name\""},
        {"rules:\n- name: x\n  throttle: {above: 2, clear: 1}\n", 2, 3, "needs \"metric\""},
        {RULE("shadow: true"), 2, 3, "else it signals nothing"},
        {RULE_OK("kind: levl"), 5, 9, "did you mean \"level\"? expected level, rate or forecast"},
        {RULE_OK("kind: anomaly"), 5, 9, "is not known; expected level"},
        {RULE_OK("stat: average"), 5, 9, "expected last, min, max, mean, sum"},
        {RULE_OK("on_missing: rise"), 5, 15, "did you mean \"raise\"?"},
        {RULE_OK("on-missing: raise"), 5, 3, "did you mean \"on_missing\"?"},
        {RULE_OK("window: 500"), 5, 11, "has no unit: write 500ms or 2s"},
        {RULE_OK("window: 0"), 5, 11, "is too small"},
        {RULE_OK("window: 5m"), 5, 11, "min or ms"},
        {RULE_OK("window: 2d"), 5, 11, "is too large"},
        {RULE_OK("min_hold: -1s"), 5, 13, "is negative"},
        {RULE_OK("max_age: 1e3s"), 5, 12, "is no time"},
        {RULE_OK("relief_within: 10"), 5, 18, "has no unit"},
        {RULE_OK("relieved_within: 10s"), 5, 3, "did you mean \"relief_within\"?"},
        {RULE_OK("shadow: no"), 5, 11, "expected true or false"},
        {RULE_OK("instance: \"\""), 5, 13, "is empty"},
        {RULE_OK("resource: sixteen.letters."), 5, 13, "is too long"},
        {"rules:\n- {name: a b, metric: m, defer: {above: 2, clear: 1}}\n", 2, 10, "not a name"},
        {"rules:\n- {name: a, metric: M, defer: {above: 2, clear: 1}}\n", 2, 21, "not a name"},
        {"rules:\n- {name: a, metric: m, defer: {above: 2, clear: 1}}\n"
         "- {name: a, metric: m, defer: {above: 2, clear: 1}}\n",
         3, 10, "\"a\" is taken by the rule in line 2"},
    };
    CHECK_ALL(table);
}

#define BUDGET(keys) "budgets:\n- {name: b, " keys "}\nrules: []\n"

static void budgets(void)
{
    static const struct wrong table[] = {
        {BUDGET("unit: x"), 2, 3, "a budget needs \"limit\""},
        {BUDGET("limit: 0"), 2, 20, "is too small"},
        {BUDGET("limit: 1.5"), 2, 20, "is not a whole number"},
        {BUDGET("limit: many"), 2, 20, "is not a decimal number"},
        {BUDGET("limit: 5, window: 1ms"), 2, 31, "is too short; expected 1 s"},
        {BUDGET("limit: 5, window: 5"), 2, 31, "has no unit"},
        {BUDGET("live: a.b, limit: 5"), 2, 24, "\"limit\" does not go with \"live\""},
        {BUDGET("limit: 5, unknown: maybe"), 2, 32, "expected refuse or allow"},
        {BUDGET("limit: 5, warning: {at: 80, raise: defer}"), 2, 37, "write 20% or 0.2"},
        {BUDGET("limit: 5, warning: {at: 0.1%, raise: defer}"), 2, 37, "from 1 % to 100 %"},
        {BUDGET("limit: 5, warning: {at: 80%}"), 2, 23, "needs \"raise\""},
        {BUDGET("limit: 5, warning: {at: 80%, raise: slow}"), 2, 49, "\"slow\" is not known"},
        {BUDGET("limit: 5, warning: {at: 80%, raise: defer}, critical: {at: 70%, raise: shutdown}"),
         2, 72, "comes no later than warning"},
        {BUDGET("limit: 5, warning: {at: 80%, raise: defer}, critical: {at: 90%, raise: throttle}"),
         2, 84, "no graver than warning's defer"},
        {"budgets:\n- {name: a, limit: 1}\n- {name: a, limit: 1}\nrules: []\n", 3, 10,
         "\"a\" is taken by the budget in line 2"},
    };
    CHECK_ALL(table);
}

static void thresholds(void)
{
    static const struct wrong table[] = {
        {RULE("throttle: 20%"), 4, 13, "expected a mapping"},
        {RULE("throttle: {clear: 20%}"), 4, 3, "needs \"below\" or \"above\""},
        {RULE("throttle: {below: 20%}"), 4, 3, "needs \"clear\""},
        {RULE("throttle: {below: 20%, above: 5%, clear: 1%}"), 4, 26, "has both"},
        {RULE("throttle: {below: 20%, clear: 20%}"), 4, 33, "can never end"},
        {RULE("throttle: {below: 20%, clear: 15%}"), 4, 33, "expected a value above it"},
        {RULE("throttle: {above: 20%, clear: 25%}"), 4, 33, "expected a value below it"},
        {RULE("throttle: {below: 20%, clear: 25%, full: 20%}"), 4, 44, "is reached before"},
        {RULE("throttle: {above: 20%, clear: 5%, full: 10%}"), 4, 43, "expected a value above"},
        {RULE("throttle: {below: 20, clear: 25%}"), 4, 21, "write 20% or 0.2"},
        {RULE("throttle: {below: 20MiB, clear: 25%}"), 4, 21, "is no share"},
        {RULE("throttle: {below: nan, clear: 25%}"), 4, 21, "is not a decimal number"},
        {RULE("throttle: {below: -inf, clear: 25%}"), 4, 21, "is not a decimal number"},
        {RULE("throttle: {below: 20%, clear: 25%, for: 3}"), 4, 43, "has no unit"},
        {RULE("throttle: {below: 20%, clear: 25%, fro: 3s}"), 4, 38, "did you mean \"for\"?"},
        {RULE("throttle: {below: 20%, clear: 25%, is-below: true}"), 4, 38, "is no key"},
        {RULE("throttle: {below: 20%, clear: 25%}\n  defer: {below: 30%, clear: 35%}"), 5, 18,
         "an impossible order: defer at 30% comes before throttle at 20%"},
        {RULE("throttle: {above: 80%, clear: 5%}\n  shutdown: {above: 70%, clear: 5%}"), 5, 21,
         "an impossible order"},
        {RULE("throttle: {below: 20%, clear: 25%}\n  defer: {above: 90%, clear: 35%}"), 5, 11,
         "defer looks above and throttle looks below"},
        {"rules:\n- {name: a, metric: bytes, defer: {below: 20%, clear: 2MB}}\n", 2, 43,
         "is no size"},
        {"rules:\n- {name: a, metric: what, defer: {below: 2MB, clear: 2s}}\n", 2, 54,
         "is no size"},
        {"rules:\n- {name: a, metric: what, defer: {below: many, clear: 2s}}\n", 2, 42,
         "is not a decimal number"},
    };
    CHECK_ALL(table);
}

static void all_at_once(void)
{
    CHECK_EQ(load("agent: X\n"
                  "strct: true\n"
                  "rules:\n"
                  "  - name: a\n"
                  "    metric: ratio\n"
                  "    window: 500\n"
                  "    throttle: {below: 20, clear: 10%}\n"
                  "    stat: avg\n"
                  "    stat: last\n"),
             VAGUS_EPOLICY);
    static const uint32_t lines[] = {1, 2, 6, 7, 8, 9};
    REQUIRE(faults.count == 6);
    CHECK_EQ(faults.errors, 6);
    for (size_t i = 0; i < 6; i++)
        CHECK_EQ(faults.faults[i].line, lines[i]);
}

static void columns_count_characters(void)
{
    CHECK_EQ(load("rules: []\nwatch: {paths: [\"\u00e4\u00f6\u20ac\", 3, 3]}\n"), VAGUS_EPOLICY);
    CHECK_EQ(faults.errors, 1);
    CHECK_EQ(faults.faults[1].line, 2);
    CHECK_EQ(faults.faults[1].column, 27);
}

static void hostile_words_are_harmless(void)
{
    CHECK_EQ(load("\"a\\e[31m\\u202e\": 1\nagent: \"\\x9b\\r\\n\"\n"), VAGUS_EPOLICY);
    for (uint32_t i = 0; i < faults.count; i++)
        for (const char *c = faults.faults[i].text; *c != '\0'; c++)
            if ((unsigned char)*c < 0x20 || (unsigned char)*c == 0x9b)
                CHECK_FAIL_("a control character in: %s", faults.faults[i].text);
}

static char *repeated(const char *head, const char *part, size_t times, const char *tail)
{
    size_t room = strlen(head) + strlen(part) * times + strlen(tail) + 1;
    char *text = malloc(room), *end = text + sprintf(text, "%s", head);
    for (size_t i = 0; i < times; i++)
        end += sprintf(end, "%s", part);
    sprintf(end, "%s", tail);
    return text;
}

static void bounds(void)
{
    static const struct {
        const char *head, *part, *tail, *words;
        size_t times;
    } cases[] = {
        {"", "[", "", "nested more than 16 deep", 5000},
        {"", "{a: ", "", "nested more than 16 deep", 5000},
        {"rules: ", "- ", "", "not valid YAML", 5000},
        {"agent: ", "a", "", "more than 4096 bytes", 5000},
        {"rules: [", "{}, ", "]", "values: too much", 70000},
        {"", "a", ": 1", "", 900},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *text = repeated(cases[i].head, cases[i].part, cases[i].times, cases[i].tail);
        CHECK_EQ(load(text), VAGUS_EPOLICY);
        CHECK_CONTAINS(faults.faults[0].text, cases[i].words);
        free(text);
    }
    char *keys = malloc(300 * 8 + 1);
    for (int i = 0; i < 300; i++)
        sprintf(keys + i * 8, "k%05d:\n", i);
    CHECK_EQ(load(keys), VAGUS_EPOLICY);
    CHECK_CONTAINS(faults.faults[0].text, "more than 256 keys");
    free(keys);
}

/* The list is full long before the faults are counted. */
static void more_faults_than_room(void)
{
    char *text = repeated("rules:\n", "- {}\n", 200, "");
    CHECK_EQ(load(text), VAGUS_EPOLICY);
    CHECK_EQ(faults.count, VAGUS_FAULTS_MAX);
    CHECK_EQ(faults.errors, 600);
    free(text);
}

/* The bomb that costs libcyaml 402 MB ends at its first alias. */
static void aliases_do_not_multiply(void)
{
    CHECK_EQ(load("a: &a [x, x, x, x]\nb: &b [*a, *a, *a, *a]\nc: &c [*b, *b, *b, *b]\n"
                  "rules: [*c]\n"),
             VAGUS_EPOLICY);
    CHECK_CONTAINS(faults.faults[0].text, "is no key");
    CHECK(faults.errors > 9);
}

static void warnings_do_not_refuse(void)
{
    CHECK_EQ(load("agent: a\n"), 0);
    CHECK_EQ(faults.total, 1);
    CHECK_EQ(faults.errors, 0);
    CHECK_EQ(faults.faults[0].warning, 1);
    CHECK_EQ(load("{}"), 0);
    CHECK_EQ(faults.total, 1);
}

int main(void)
{
    RUN(yaml_itself);
    RUN(top_level);
    RUN(keys_of_rules);
    RUN(budgets);
    RUN(thresholds);
    RUN(all_at_once);
    RUN(columns_count_characters);
    RUN(hostile_words_are_harmless);
    RUN(bounds);
    RUN(more_faults_than_room);
    RUN(aliases_do_not_multiply);
    RUN(warnings_do_not_refuse);
    return check_result();
}
