/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a policy: no crash, no leak; what is accepted keeps the promises of config.h, and
 * what is refused has a fault that says where and why, in a text that a terminal can bear. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/config.h"
#include "vagus/metric.h"
#include "vagus/mode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        __builtin_trap();
}

static void check_threshold(const struct config_threshold *t)
{
    if (!t->present)
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

static void check_config(const struct vagus_config *config)
{
    require(config->agent == NULL || text_is_name(config->agent, 32));
    require(config->rule_count <= CONFIG_RULES_MAX);
    require(config->watch_path_count <= CONFIG_WATCH_PATHS_MAX);
    require(config->keep_day_count <= CONFIG_KEEP_DAY_MAX);
    require(config->segment_dir == NULL || config->segment_dir[0] == '/');
    check_modes_of(config);
    for (uint32_t i = 0; i < config->rule_count; i++) {
        const struct config_rule *rule = &config->rules[i];
        require(text_is_name(rule->name, VAGUS_NAME_MAX - 1));
        require(text_is_name(rule->metric, VAGUS_NAME_MAX - 1));
        require(strcmp(rule->kind, "level") == 0 && rule->window_ns > 0 && rule->line > 0);
        require(rule->throttle.present || rule->defer.present || rule->shutdown.present);
        check_threshold(&rule->throttle);
        check_threshold(&rule->defer);
        check_threshold(&rule->shutdown);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const kinds[] = {"level", NULL};
    static const struct config_vocabulary vocabulary = {.kinds = kinds};
    static struct vagus_fault_list faults;
    struct vagus_config *config = NULL;
    char *text = malloc(size + 1);
    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    int error = config_load(NULL, text, &vocabulary, &faults, &config);
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
