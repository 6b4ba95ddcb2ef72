/* SPDX-License-Identifier: Apache-2.0 */
/* What arrives in the structs. */
#include <stdlib.h>

#include "check.h"
#include "config/config.h"
#include "config/preset.h"
#include "decimal_comma.h"
#include "monitor/monitor.h"
#include "vagus/rule.h"

static const char *const kinds[] = {"level", "rate", NULL};

static const char *unit_of(const char *metric)
{
    return strstr(metric, "ratio") != NULL         ? "1"
           : strcmp(metric, "disk.free") == 0      ? "By"
           : strcmp(metric, "process.uptime") == 0 ? "s"
           : strcmp(metric, "agent.tokens") == 0   ? "{token}"
                                                   : NULL;
}

static const struct config_vocabulary vocabulary = {.kinds = kinds, .unit_of_metric = unit_of};
static struct vagus_fault_list faults;

static struct vagus_config *loaded(const char *text)
{
    struct vagus_config *config = NULL;
    int error = config_load(NULL, text, &vocabulary, &faults, &config);
    if (error != 0)
        CHECK_FAIL_("%s: %u:%u: %s", vagus_error_name(error), faults.faults[0].line,
                    faults.faults[0].column, faults.faults[0].text);
    return config;
}

static void everything_given(void)
{
    struct vagus_config *config = loaded("agent: scout-2\n"
                                         "strict: true\n"
                                         "segment: { dir: /dev/shm/x, size: 16MiB, keep: 5 }\n"
                                         "limits: { memory: 256MiB }\n"
                                         "watch:\n"
                                         "  paths: [/var, \"/with \\\"quotes\\\" \\u20ac\"]\n"
                                         "  probe: true\n"
                                         "retention: { day: [disk.free, agent.steps] }\n"
                                         "snapshot: { metrics: [a.b, \"disk.free{path=/a b}\"] }\n"
                                         "rules:\n"
                                         "  - name: space\n"
                                         "    metric: disk.free\n"
                                         "    instance: \"null\"\n"
                                         "    kind: rate\n"
                                         "    resource: store\n"
                                         "    window: 1min\n"
                                         "    stat: mean\n"
                                         "    throttle: {below: 1GiB, clear: 2GiB, full: 512MiB, "
                                         "for: 500ms}\n"
                                         "    shutdown: {below: 1MiB, clear: 1.5MiB}\n"
                                         "    min_hold: 5s\n"
                                         "    max_age: 2s\n"
                                         "    on_missing: raise\n"
                                         "    shadow: true\n");
    REQUIRE(config != NULL);
    CHECK_EQ(faults.total, 0);
    CHECK_STR(config->agent, "scout-2");
    CHECK(config->strict);
    CHECK_STR(config->segment_dir, "/dev/shm/x");
    CHECK_EQ(config->segment_bytes, 16 << 20);
    CHECK_EQ(config->segment_keep, 5);
    CHECK_EQ(config->memory_limit_bytes, 256 << 20);
    CHECK_EQ(config->watch_path_count, 2);
    CHECK_STR(config->watch_paths[0], "/var");
    CHECK_STR(config->watch_paths[1], "/with \"quotes\" \u20ac");
    CHECK(config->watch_probe);
    REQUIRE(config->snapshot_metric_count == 2);
    CHECK_STR(config->snapshot_metrics[1], "disk.free{path=/a b}");
    CHECK_EQ(config->keep_day_count, 2);
    CHECK_STR(config->keep_day[0], "disk.free");
    CHECK_STR(config->keep_day[1], "agent.steps");
    CHECK_EQ(config->rule_count, 1);
    const struct config_rule *rule = &config->rules[0];
    CHECK_STR(rule->name, "space");
    CHECK_STR(rule->metric, "disk.free");
    CHECK_STR(rule->instance, "null");
    CHECK_STR(rule->kind, "rate");
    CHECK_STR(rule->resource, "store");
    CHECK_EQ(rule->window_ns, 60 * VAGUS_SECOND_NS);
    CHECK_EQ(rule->stat, VAGUS_STAT_MEAN);
    CHECK(rule->throttle.present && rule->throttle.below);
    CHECK(rule->throttle.enter == 1024.0 * 1024 * 1024);
    CHECK(rule->throttle.clear == 2048.0 * 1024 * 1024);
    CHECK(rule->throttle.full == 512.0 * 1024 * 1024);
    CHECK_EQ(rule->throttle.for_ns, 500 * VAGUS_MILLISECOND_NS);
    CHECK(!rule->defer.present);
    CHECK(rule->shutdown.present && isnan(rule->shutdown.full));
    CHECK(rule->shutdown.clear == 1.5 * 1024 * 1024);
    CHECK_EQ(rule->shutdown.for_ns, 0);
    CHECK_EQ(rule->min_hold_ns, 5 * VAGUS_SECOND_NS);
    CHECK_EQ(rule->max_age_ns, 2 * VAGUS_SECOND_NS);
    CHECK_EQ(rule->missing, CONFIG_MISSING_RAISE);
    CHECK(rule->shadow);
    CHECK_EQ(rule->line, 11);
    config_free(config);
}

static void defaults(void)
{
    struct vagus_config *config = loaded("rules:\n"
                                         "  - name: a\n"
                                         "    metric: x\n"
                                         "    defer: { above: -0.1, clear: -5 }\n");
    REQUIRE(config != NULL);
    CHECK(config->agent == NULL && config->segment_dir == NULL);
    CHECK(!config->strict);
    CHECK_EQ(config->segment_bytes, 0);
    CHECK_EQ(config->segment_keep, 3);
    CHECK_EQ(config->memory_limit_bytes, 0);
    CHECK_EQ(config->watch_path_count, 0);
    CHECK(!config->watch_probe);
    CHECK_EQ(config->keep_day_count, 5);
    CHECK_STR(config->keep_day[0], "system.cpu.utilization");
    CHECK_STR(config->keep_day[4], "agent.errors");
    const struct config_rule *rule = &config->rules[0];
    CHECK(rule->instance == NULL && rule->resource == NULL);
    CHECK_STR(rule->kind, "level");
    CHECK_EQ(rule->stat, VAGUS_STAT_LAST);
    CHECK_EQ(rule->missing, CONFIG_MISSING_HOLD);
    CHECK_EQ(rule->window_ns, 2 * VAGUS_SECOND_NS);
    CHECK_EQ(rule->min_hold_ns, VAGUS_SECOND_NS);
    CHECK_EQ(rule->max_age_ns, 0);
    CHECK(!rule->shadow && !rule->throttle.present && !rule->shutdown.present);
    CHECK(isnan(rule->throttle.full));
    CHECK(rule->defer.present && !rule->defer.below);
    CHECK(rule->defer.enter == -0.1);
    CHECK(rule->defer.clear == -5);
    config_free(config);
}

/* A key that stands in a section must not reset what another section gave. */
static void sections_do_not_disturb_each_other(void)
{
    struct vagus_config *config = loaded("watch: {paths: [/a]}\nlimits: {memory: 2MiB}\n"
                                         "segment: {dir: /s}\nagent: z\nrules: []\n");
    REQUIRE(config != NULL);
    CHECK_STR(config->watch_paths[0], "/a");
    CHECK_EQ(config->memory_limit_bytes, 2 << 20);
    CHECK_STR(config->segment_dir, "/s");
    CHECK_STR(config->agent, "z");
    CHECK_EQ(config->rule_count, 0);
    CHECK_EQ(faults.total, 1);
    CHECK_EQ(faults.errors, 0);
    CHECK_EQ(faults.faults[0].warning, 1);
    CHECK_CONTAINS(faults.faults[0].text, "no rules");
    config_free(config);
}

static void dimensions_follow_the_metric(void)
{
    struct vagus_config *config =
        loaded("rules:\n"
               "  - {name: a, metric: x.ratio, throttle: {below: 0.80%, clear: 0.5}}\n"
               "  - {name: b, metric: process.uptime, throttle: {above: 90min, clear: 1h}}\n"
               "  - {name: c, metric: agent.tokens, throttle: {above: 4k, clear: 10}}\n"
               "  - {name: d, metric: unknown.one, throttle: {above: 4MiB, clear: 10}}\n"
               "  - {name: e, metric: unknown.two, throttle: {above: 1s, clear: 10ms}}\n"
               "  - {name: f, metric: unknown.three, throttle: {above: 90%, clear: 0.1}}\n");
    REQUIRE(config != NULL);
    CHECK_NEAR(config->rules[0].throttle.enter, 0.008, 1e-18);
    CHECK(config->rules[0].throttle.clear == 0.5);
    CHECK(config->rules[1].throttle.enter == 5400);
    CHECK(config->rules[2].throttle.enter == 4000);
    CHECK(config->rules[3].throttle.enter == 4.0 * 1024 * 1024);
    CHECK(config->rules[4].throttle.clear == 0.01);
    CHECK(config->rules[5].throttle.enter == 0.9);
    config_free(config);
}

static void built_in_policy(void)
{
    struct vagus_config *config = NULL;
    CHECK_EQ(config_load(NULL, NULL, &monitor_vocabulary, &faults, &config), 0);
    REQUIRE(config != NULL);
    CHECK_STR(faults.source, "built-in policy");
    CHECK_EQ(faults.total, 0);
    CHECK(config->rule_count >= 5);
    CHECK_EQ(strlen(preset_texts[0].text), preset_texts[0].bytes);
    for (uint32_t i = 0; i < config->rule_count; i++)
        CHECK(config->rules[i].min_hold_ns > 0);
    CHECK_STR(config->rules[0].name, "memory-headroom");
    CHECK(config->rules[0].shutdown.present);
    config_free(config);
}

/* The values of the file are the values in the struct, to the last bit. */
static void doubles_are_exact(void)
{
    static const struct {
        const char *text;
        double value;
    } numbers[] = {
        {"0.1", 0.1},
        {"0.30000000000000004", 0.30000000000000004},
        {"123456789.123456789", 123456789.123456789},
        {"-7.25", -7.25},
        {"0.000001", 0.000001},
        {"9007199254740993", 9007199254740993.0},
        {"-98.999999999999986", -98.999999999999986},
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        char text[200];
        snprintf(text, sizeof(text),
                 "rules: [{name: a, metric: agent.tokens, throttle: {above: %s, clear: -99}}]",
                 numbers[i].text);
        struct vagus_config *config = loaded(text);
        REQUIRE(config != NULL);
        if (config->rules[0].throttle.enter != numbers[i].value)
            CHECK_FAIL_("%s became %.17g", numbers[i].text, config->rules[0].throttle.enter);
        config_free(config);
    }
}

static void decimal_comma(void)
{
    if (!decimal_comma_begin())
        SKIP_TEST("no locale with a decimal comma is to be had");
    doubles_are_exact();
    decimal_comma_end();
}

static void outputs_stay_untouched(void)
{
    struct vagus_config *config = (struct vagus_config *)&faults;
    CHECK_EQ(config_load(NULL, "rules: 3\n", &vocabulary, &faults, &config), VAGUS_EPOLICY);
    CHECK(config == (struct vagus_config *)&faults);
    CHECK_EQ(config_load("x", "y", &vocabulary, &faults, &config), VAGUS_EINVAL);
    CHECK(config == (struct vagus_config *)&faults);
    CHECK_EQ(config_load(NULL, "rules: 3\n", &vocabulary, NULL, &config), VAGUS_EPOLICY);
    config_free(NULL);
}

static void a_thousand_rules(void)
{
    size_t room = 400 * 1100, length = 0;
    char *text = malloc(room);
    length += (size_t)snprintf(text, room, "rules:\n");
    for (int i = 0; i < CONFIG_RULES_MAX; i++)
        length += (size_t)snprintf(
            text + length, room - length,
            "  - {name: r%d, metric: x.ratio, window: 2s, stat: min, min_hold: 1s, max_age: 3s, "
            "on_missing: hold, shadow: false, resource: x, instance: y, kind: level, "
            "throttle: {below: 20%%, clear: 30%%, full: 10%%, for: 1s}, defer: {below: 10%%, "
            "clear: "
            "20%%, full: 5%%, for: 1s}, shutdown: {below: 1%%, clear: 2%%, full: 0, for: 1s}}\n",
            i);
    struct vagus_config *config = loaded(text);
    REQUIRE(config != NULL);
    CHECK_EQ(config->rule_count, CONFIG_RULES_MAX);
    CHECK_STR(config->rules[CONFIG_RULES_MAX - 1].name, "r1023");
    CHECK_EQ(config->rules[CONFIG_RULES_MAX - 1].line, CONFIG_RULES_MAX + 1);
    config_free(config);
    snprintf(text + length, room - length,
             "  - {name: r1, metric: x.ratio, throttle: {below: 20%%, clear: 30%%}}\n");
    config = NULL;
    CHECK_EQ(config_load(NULL, text, &vocabulary, &faults, &config), VAGUS_EPOLICY);
    CHECK_CONTAINS(faults.faults[0].text, "1025 entries; expected 0 to 1024");
    free(text);
}

int main(void)
{
    RUN(everything_given);
    RUN(defaults);
    RUN(sections_do_not_disturb_each_other);
    RUN(dimensions_follow_the_metric);
    RUN(built_in_policy);
    RUN(doubles_are_exact);
    RUN(decimal_comma);
    RUN(outputs_stay_untouched);
    RUN(a_thousand_rules);
    return check_result();
}
