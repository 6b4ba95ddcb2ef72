/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a policy: no crash, no leak; what is accepted keeps the promises of config.h, and
 * what is refused has a fault that says where and why, in a text that a terminal can bear. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/config.h"
#include "config/filter.h"
#include "judge/judge.h"
#include "monitor/monitor.h"
#include "vagus/metric.h"
#include "vagus/mode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        __builtin_trap();
}

static void check_threshold(const struct config_threshold *t, bool about_rules)
{
    if (!t->present || about_rules)
        return;
    require(isfinite(t->enter) && isfinite(t->clear) && t->for_ns >= 0);
    require(t->below ? t->clear > t->enter : t->clear < t->enter);
    require(isnan(t->full) || (t->below ? t->full < t->enter : t->full > t->enter));
}

static bool is_mode(const struct vagus_config *config, const char *name)
{
    uint32_t i = 0;
    while (i < config->mode_count && strcmp(config->modes[i].name, name) != 0)
        i++;
    return i < config->mode_count;
}

static void check_modes_of(const struct vagus_config *config)
{
    require(config->mode_count <= CONFIG_MODES_MAX);
    require(config->transition_count <= CONFIG_TRANSITIONS_MAX);
    require(config->mode_count > 0 || config->transition_count == 0);
    require(config->mode_count < 2 || config->transition_count >= config->mode_count);
    for (uint32_t i = 0; i < config->mode_count; i++) {
        require(text_is_name(config->modes[i].name, VAGUS_MODE_MAX - 1));
        require(config->modes[i].cap_count <= CONFIG_MODE_CAPS_MAX);
        for (uint32_t k = 0; k < config->modes[i].cap_count; k++)
            require(text_is_name(config->modes[i].caps[k].name, VAGUS_NAME_MAX - 1));
    }
    for (uint32_t i = 0; i < config->transition_count; i++) {
        const struct config_transition *transition = &config->transitions[i];
        require(is_mode(config, transition->from) && is_mode(config, transition->to));
        require(strcmp(transition->from, transition->to) != 0 && transition->for_ns >= 0);
    }
}

static void check_senses_of(const struct vagus_config *config)
{
    require(config->tier_count <= CONFIG_TIERS_MAX && config->metric_count <= CONFIG_METRICS_MAX);
    require(config->left_out_count <= CONFIG_FILTERS_MAX);
    require(config->listener_count <= CONFIG_LISTENERS_MAX);
    for (uint32_t i = 0; i < config->tier_count; i++)
        require(config->tiers[i].tier >= 0 && config->tiers[i].tier < VAGUS_TIER_COUNT - 1);
    for (uint32_t i = 0; i < config->without_count; i++)
        require(monitor_vocabulary.collector(config->without[i]) != NULL);
    for (uint32_t i = 0; i < config->left_out_count; i++) {
        require(filter_is_pattern(config->left_out[i]));
        filter_matches(config->left_out[i], "disk.free", "path", "/var/lib");
    }
    for (uint32_t i = 0; i < config->metric_count; i++) {
        const struct config_metric *metric = &config->metrics[i];
        require(text_is_name(metric->name, VAGUS_NAME_MAX - 1) && metric->line > 0);
        require(metric->kind >= 0 && metric->kind < 3 && metric->resolution >= 0);
        require(isfinite(metric->min) && isfinite(metric->max) && metric->min <= metric->max);
        require(monitor_vocabulary.metric(metric->name) == NULL);
    }
    for (uint32_t i = 0; i < config->listener_count; i++)
        require(config->listeners[i].kind_count <= VAGUS_SIGNAL_KINDS);
}

static void check_config(const struct vagus_config *config)
{
    require(config->agent == NULL || text_is_name(config->agent, 32));
    require(config->rule_count <= CONFIG_RULES_MAX);
    require(config->watch_path_count <= CONFIG_WATCH_PATHS_MAX);
    require(config->keep_day_count <= CONFIG_KEEP_DAY_MAX);
    require(config->segment_dir == NULL || config->segment_dir[0] == '/');
    check_modes_of(config);
    check_senses_of(config);
    for (uint32_t i = 0; i < config->rule_count; i++) {
        const struct config_rule *rule = &config->rules[i];
        require(text_is_name(rule->name, VAGUS_NAME_MAX - 1));
        bool about_rules = rule->metric == NULL;
        require(about_rules ? rule->of_count >= 2 : text_is_name(rule->metric, VAGUS_NAME_MAX - 1));
        require(judge_kind(rule->kind) != NULL && rule->window_ns > 0 && rule->line > 0);
        require(rule->throttle.present || rule->defer.present || rule->shutdown.present);
        check_threshold(&rule->throttle, about_rules);
        check_threshold(&rule->defer, about_rules);
        check_threshold(&rule->shutdown, about_rules);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct vagus_fault_list faults;
    struct vagus_config *config = NULL;
    char *text = malloc(size + 1);
    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    int error = config_load(NULL, text, &monitor_vocabulary, &faults, &config);
    free(text);
    require((error == 0) == (config != NULL));
    require(error == 0 || (error == VAGUS_EPOLICY && faults.errors > 0));
    for (uint32_t i = 0; i < faults.count; i++) {
        require(faults.faults[i].line > 0);
        for (const char *c = faults.faults[i].text; *c != '\0'; c++)
            require((unsigned char)*c >= 0x20 && *c != 0x7f);
    }
    if (config != NULL)
        check_config(config);
    config_free(config);
    return 0;
}
