/* SPDX-License-Identifier: Apache-2.0 */
/* extends: what holds of a preset and what of the file, and what is told where. */
#include <stdlib.h>

#include "check.h"
#include "config/preset.h"
#include "monitor/monitor.h"

static struct vagus_fault_list faults;

static struct vagus_config *loaded(const char *text)
{
    struct vagus_config *config = NULL;
    int error = config_load(NULL, text, &monitor_vocabulary, &faults, &config);
    if (error != 0)
        CHECK_FAIL_("%s: %u:%u: %s", vagus_error_name(error), faults.faults[0].line,
                    faults.faults[0].column, faults.faults[0].text);
    return config;
}

static const struct config_rule *rule_named(const struct vagus_config *config, const char *name)
{
    for (uint32_t i = 0; i < config->rule_count; i++)
        if (strcmp(config->rules[i].name, name) == 0)
            return &config->rules[i];
    return NULL;
}

/* The only fault, or warning, that there is. */
static void refused(const char *text, uint32_t line, uint32_t column, const char *words)
{
    struct vagus_config *config = NULL;
    CHECK_EQ(config_load(NULL, text, &monitor_vocabulary, &faults, &config), VAGUS_EPOLICY);
    const struct vagus_fault *first = &faults.faults[0];
    if (faults.errors != 1 || first->line != line || first->column != column ||
        strstr(first->text, words) == NULL)
        CHECK_FAIL_("%u faults, %u:%u: %s", faults.errors, first->line, first->column, first->text);
}

static void each_is_a_policy(void)
{
    size_t count = 0;
    for (; preset_names[count] != NULL; count++) {
        struct vagus_config *config = NULL;
        char path[64];
        snprintf(path, sizeof(path), "preset:%s", preset_names[count]);
        CHECK_EQ(config_load(path, NULL, &monitor_vocabulary, &faults, &config), 0);
        REQUIRE(config != NULL);
        if (faults.total > 0)
            CHECK_FAIL_("%s: %s", path, faults.faults[0].text);
        CHECK_STR(faults.source, path);
        CHECK(config->rule_count >= 5);
        CHECK(strlen(preset_summaries[count]) > 10);
        config_free(config);
    }
    CHECK_EQ(count, 6);
    CHECK(preset_find("defaul") == NULL);
}

static void the_file_comes_first(void)
{
    struct vagus_config *config = loaded("agent: scout\n"
                                         "extends: container\n"
                                         "disable: [cpu, disk-inodes]\n"
                                         "rules:\n"
                                         "  - name: memory-soon\n"
                                         "    metric: memory.headroom\n"
                                         "    defer: { below: 1GiB, clear: 2GiB }\n"
                                         "  - name: mine\n"
                                         "    metric: organ.load\n"
                                         "    throttle: { above: 1, clear: 0.5 }\n");
    REQUIRE(config != NULL);
    CHECK_EQ(faults.total, 0);
    CHECK_STR(config->extends, "container");
    CHECK_EQ(config->rule_count, 10);
    CHECK(rule_named(config, "cpu") == NULL && rule_named(config, "disk-inodes") == NULL);
    /* Of the preset that the preset extends, and replaced by the preset. */
    CHECK_EQ(rule_named(config, "descriptors")->line, 2);
    CHECK(rule_named(config, "memory-headroom")->throttle.enter == 0.25);
    /* Replaced as a whole, in its place. */
    const struct config_rule *soon = rule_named(config, "memory-soon");
    CHECK(!soon->throttle.present && soon->defer.present);
    CHECK_STR(soon->kind, "level");
    CHECK_EQ(soon->line, 5);
    CHECK(soon < rule_named(config, "mine"));
    config_free(config);
}

static void sections_are_merged_by_key(void)
{
    struct vagus_config *config =
        loaded("extends: token-budget\nsegment: {keep: 1}\n"
               "budgets:\n  - {name: cost-day, limit: 1M, window: 1d, unit: \"{microUSD}\"}\n"
               "  - {name: own, limit: 5}\n");
    REQUIRE(config != NULL);
    CHECK_EQ(config->budget_count, 5);
    CHECK_STR(config->budgets[2].name, "cost-day");
    CHECK_EQ(config->budgets[2].limit, 1000000);
    CHECK(!config->budgets[2].warning.present);
    CHECK_STR(config->budgets[4].name, "own");
    CHECK_EQ(config->segment_keep, 1);
    config_free(config);
}

/* A rule about rules of the file comes after them, though the preset's stood before. */
static void parts_are_found(void)
{
    struct vagus_config *config = loaded(
        "extends: default\nrules:\n"
        "  - {name: late, metric: a.b, shadow: true, throttle: {above: 1, clear: 0}}\n"
        "  - {name: no-progress, metric: a.c, shadow: true, throttle: {above: 1, clear: 0}}\n"
        "  - {name: stuck, kind: any, of: [late, working], resource: agent, defer: {}}\n");
    REQUIRE(config != NULL);
    CHECK_EQ(config->rule_count, 9);
    CHECK_STR(config->rules[8].name, "stuck");
    CHECK_STR(rule_named(config, "no-progress")->metric, "a.c");
    config_free(config);
}

static void what_is_told_and_where(void)
{
    refused("agent: a\nextends: contaner\n", 2, 10, "did you mean \"container\"?");
    refused("extends: default\ndisable: [cpu, stuk]\n", 2, 16, "did you mean \"stuck\"?");
    refused("disable: [cpu]\nrules: []\n", 1, 1, "goes with \"extends\" alone");
    refused("extends: default\ndisable: [working]\n", 1, 10,
            "the preset's rule \"stuck\" is about \"working\", which is not there");
    refused("extends: [default]\n", 1, 10, "extends: this is a list");
    refused("extends: default\nrules:\n  - {name: x, metrc: y, metric: z, throttle: {above: 1, "
            "clear: 0}}\n",
            3, 15, "did you mean \"metric\"?");
    struct vagus_config *config = NULL;
    CHECK_EQ(config_load("preset:robt", NULL, &monitor_vocabulary, &faults, &config), VAGUS_ENOENT);
    CHECK(strstr(faults.faults[0].text, "did you mean \"robot\"?") != NULL);
}

/* The same under the same name is the same, wherever it stands and however it is written. */
static void content_tells_rules_apart(void)
{
    struct vagus_config *config =
        loaded("rules:\n"
               "  - {name: a, metric: x, throttle: {above: 1, clear: 0, for: 500ms}}\n"
               "\n"
               "  - {metric: x, name: a2, throttle: {above: 1, clear: 0, for: 0.5s}}\n");
    struct vagus_config *other =
        loaded("rules:\n\n\n"
               "  - {metric: x, name: a, throttle: {clear: 0, above: 1.0, for: 0.5s}, shadow: "
               "false}\n"
               "  - {name: a2, metric: x, throttle: {above: 1, clear: 0, for: 501ms}}\n");
    REQUIRE(config != NULL && other != NULL);
    CHECK(config->rules[0].content != 0);
    CHECK(config->rules[0].content == other->rules[0].content);
    CHECK(config->rules[0].content == config->rules[1].content); /* its name stands apart */
    CHECK(config->rules[1].content != other->rules[1].content);
    config_free(config);
    config_free(other);
}

int main(void)
{
    RUN(each_is_a_policy);
    RUN(the_file_comes_first);
    RUN(sections_are_merged_by_key);
    RUN(parts_are_found);
    RUN(what_is_told_and_where);
    RUN(content_tells_rules_apart);
    return check_result();
}
