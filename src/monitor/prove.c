/* SPDX-License-Identifier: Apache-2.0 */
/* The proof of wiring as a whole: what the judge and the budgets prove, and what the policy says
 * must be there besides: listeners, and the collectors of a program. */
#include <string.h>

#include "base/fault.h"
#include "base/nearest.h"
#include "config/schema.h"
#include "monitor/monitor.h"

static void report(struct vagus_fault_list *faults, uint32_t line, const struct text *text)
{
    fault_add(faults, &(struct fault_at){.code = VAGUS_EUNWIRED, .line = line}, "%s", text->data);
}

/* --- Who is expected to listen. --- */

struct expected {
    const struct bus *bus;
    const struct config_listener *wanted;
    bool there;
    uint32_t resources[VAGUS_SIGNAL_KINDS]; /* about which anybody of that name takes each kind */
    struct nearest nearest;
    char best[VAGUS_NAME_MAX];
};

static void on_listener(void *arg, const char *name, uint32_t kinds, uint32_t resources)
{
    struct expected *expected = arg;
    if (strcmp(name, expected->wanted->name) != 0) {
        nearest_offer(&expected->nearest, name);
        if (expected->nearest.best == name) { /* which is there for this call alone */
            text_copy(expected->best, sizeof(expected->best), name);
            expected->nearest.best = expected->best;
        }
        return;
    }
    expected->there = true;
    for (unsigned i = 0; i < VAGUS_SIGNAL_KINDS; i++)
        if ((kinds & (uint32_t)VAGUS_THROTTLE << i) != 0)
            expected->resources[i] |= resources;
}

static bool is_wanted(const struct config_listener *wanted, unsigned kind)
{
    for (uint32_t i = 0; i < wanted->kind_count; i++)
        if (strcmp(wanted->kinds[i], schema_severities[kind]) == 0)
            return true;
    return false;
}

/* A resource that nobody named yet has no number, and only who listens to all hears of it. */
static bool has_resource(const struct expected *expected, uint32_t mask, const char *resource)
{
    for (unsigned i = 0; i < BUS_RESOURCES_MAX; i++)
        if ((mask & 1u << i) != 0 && strcmp(bus_resource_name(expected->bus, i), resource) == 0)
            return true;
    return mask == UINT32_MAX;
}

static unsigned report_missing(const struct expected *expected, const char *kind,
                               const char *resource, struct vagus_fault_list *faults)
{
    const struct config_listener *wanted = expected->wanted;
    char words[240];
    struct text text;
    text_init(&text, words, sizeof(words));
    text_addf(&text, "listener '%s' is expected", wanted->name);
    if (!expected->there)
        text_add(&text, ", and nobody is registered by that name");
    else
        text_addf(&text, " to take %s%s%s, and did not register for it", kind,
                  resource != NULL ? " about " : "", resource != NULL ? resource : "");
    if (!expected->there && expected->nearest.best != NULL)
        text_addf(&text, ": is '%s' meant?", expected->nearest.best);
    report(faults, wanted->line, &text);
    return 1;
}

static unsigned prove_listener(const struct expected *expected, struct vagus_fault_list *faults)
{
    const struct config_listener *wanted = expected->wanted;
    uint32_t any = 0;
    unsigned found = 0;
    if (!expected->there)
        return report_missing(expected, NULL, NULL, faults);
    for (unsigned i = 0; i < VAGUS_SIGNAL_KINDS; i++) {
        any |= expected->resources[i];
        if (!is_wanted(wanted, i))
            continue;
        if (expected->resources[i] == 0)
            found += report_missing(expected, schema_severities[i], NULL, faults);
        for (uint32_t j = 0; j < wanted->resource_count && expected->resources[i] != 0; j++)
            if (!has_resource(expected, expected->resources[i], wanted->resources[j]))
                found +=
                    report_missing(expected, schema_severities[i], wanted->resources[j], faults);
    }
    for (uint32_t j = 0; j < wanted->resource_count && wanted->kind_count == 0; j++)
        if (!has_resource(expected, any, wanted->resources[j]))
            found += report_missing(expected, "any signal", wanted->resources[j], faults);
    return found;
}

static unsigned prove_listeners(struct vagus_monitor *monitor, struct vagus_fault_list *faults)
{
    const struct vagus_config *config = reload_config(monitor);
    unsigned found = 0;
    for (uint32_t i = 0; i < config->listener_count; i++) {
        struct expected expected = {.bus = monitor->bus, .wanted = &config->listeners[i]};
        nearest_init(&expected.nearest, expected.wanted->name);
        bus_each_listener(monitor->bus, on_listener, &expected);
        found += prove_listener(&expected, faults);
    }
    return found;
}

/* --- What is set to another tier. --- */

static bool is_metric(const struct metrics *metrics, const char *name)
{
    for (uint32_t i = 0; i < metrics_count(metrics); i++)
        if (strcmp(metrics_describe(metrics, i)->name, name) == 0)
            return true;
    return false;
}

/* Senses of vagus may be switched off as a whole; a name that is none of theirs is a program's. */
static unsigned prove_tiers(struct vagus_monitor *monitor, struct vagus_fault_list *faults)
{
    const struct vagus_config *config = monitor->config;
    unsigned found = 0;
    for (uint32_t i = 0; i < config->tier_count; i++) {
        const struct config_tier *tier = &config->tiers[i];
        char words[160];
        struct text text;
        if (monitor_vocabulary.collector(tier->name) != NULL ||
            monitor_vocabulary.metric(tier->name) != NULL ||
            sense_has(monitor->sense, tier->name) || is_metric(&monitor->metrics, tier->name))
            continue;
        text_init(&text, words, sizeof(words));
        text_addf(&text, "tiers names '%s', which is neither a collector nor a metric", tier->name);
        report(faults, tier->line, &text);
        found++;
    }
    return found;
}

unsigned monitor_prove(struct vagus_monitor *monitor, int64_t now_ns, int64_t since_ns,
                       struct vagus_fault_list *faults)
{
    return judge_prove(monitor->judge, now_ns, since_ns, faults) +
           modes_prove(&monitor->modes, faults) +
           budgets_prove(&monitor->budgets, now_ns, since_ns, faults) +
           prove_listeners(monitor, faults) + prove_tiers(monitor, faults);
}
