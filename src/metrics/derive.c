/* SPDX-License-Identifier: Apache-2.0 */
/* Evaluating derived metrics. */
#include "metrics/derive.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int derive_init(struct derive *derive, const struct vagus_config *config, struct metrics *metrics,
                const char **which, const char **why)
{
    *derive = (struct derive){0};
    if (config->derived_count == 0)
        return 0;
    derive->all = calloc(config->derived_count, sizeof(*derive->all));
    if (derive->all == NULL)
        return VAGUS_ENOMEM;
    for (uint32_t i = 0; i < config->derived_count; i++) {
        const struct config_derived *wanted = &config->derived[i];
        struct derived *derived = &derive->all[i];
        *which = wanted->name;
        int index = metrics_define_of(
            metrics,
            &(struct vagus_metric_desc){.name = wanted->name,
                                        .unit = wanted->unit,
                                        .resource = wanted->resource,
                                        .help = "derived by the policy",
                                        .kind = VAGUS_GAUGE,
                                        .tier = (enum vagus_tier)(wanted->tier + 1)},
            VAGUS_SOURCE_DERIVED, why);
        if (index < 0)
            return index;
        derived->config = wanted;
        derived->index = (uint32_t)index;
        for (uint32_t j = 0; j < CONFIG_DERIVED_INPUTS_MAX; j++)
            derived->inputs[j] = -1;
        derive->count++;
    }
    return 0;
}

void derive_finish(struct derive *derive)
{
    free(derive->all);
    *derive = (struct derive){0};
}

/* The reading of an input that is good now, or NULL with *error. */
static const struct vagus_reading *input_of(struct derived *derived, const struct metrics *metrics,
                                            uint32_t which, int64_t now_ns, int *error)
{
    int32_t index = derived->inputs[which];
    if (index < 0) {
        *error = VAGUS_ENOENT;
        return NULL;
    }
    const struct vagus_reading *reading = &metrics->readings[index];
    *error = reading->error != 0 ? reading->error : VAGUS_EAGAIN;
    if (vagus_reading_state(reading, now_ns) != VAGUS_STATE_OK)
        return NULL;
    if (reading->good_until_ns < derived->good_until_ns)
        derived->good_until_ns = reading->good_until_ns;
    return reading;
}

/* Looks for inputs that were not defined yet. */
static void find_inputs(struct derived *derived, const struct metrics *metrics)
{
    uint32_t count = metrics_count(metrics);
    if (derived->looked == count)
        return;
    derived->looked = count;
    for (uint32_t i = 0; i < derived->config->of_count; i++)
        if (derived->inputs[i] < 0)
            derived->inputs[i] = metrics_find_written(metrics, derived->config->of[i]);
}

/* Whether there is anything new to make it of. */
static bool has_changed(struct derived *derived, const struct metrics *metrics, int64_t now_ns)
{
    uint64_t versions = 0;
    find_inputs(derived, metrics);
    for (uint32_t i = 0; i < derived->config->of_count; i++)
        if (derived->inputs[i] >= 0)
            versions += metrics->versions[derived->inputs[i]];
    bool changed = versions != derived->versions || now_ns > derived->good_until_ns;
    derived->versions = versions;
    return changed;
}

/* Per second since it was last looked at; NaN the first time. */
static double rate(struct derived *derived, const struct vagus_reading *now)
{
    double seconds = (double)(now->taken_ns - derived->last_ns) / (double)VAGUS_SECOND_NS;
    double result = derived->last_ns != 0 ? (now->value - derived->last) / seconds : NAN;
    derived->last = now->value;
    derived->last_ns = now->taken_ns;
    return result; /* the same reading again: 0 / 0 */
}

/* Seconds since the value last changed. Before it was seen to change there is no age: 0 from the
 * first look on may mean that nobody ever reports. */
static double age(struct derived *derived, const struct vagus_reading *now, int64_t now_ns)
{
    bool changed = derived->seen ? now->value != derived->last : now->value != 0;
    if (changed)
        derived->last_ns = now->taken_ns;
    derived->seen = true;
    derived->last = now->value;
    return derived->last_ns != 0 ? (double)(now_ns - derived->last_ns) / (double)VAGUS_SECOND_NS
                                 : NAN;
}

/* Not finite: there is no such value. */
static double evaluate(struct derived *derived, const struct metrics *metrics, int64_t now_ns,
                       int *error)
{
    const struct vagus_reading *first = input_of(derived, metrics, 0, now_ns, error);
    double result;
    if (first == NULL) {
        if (derived->config->how != CONFIG_DERIVED_AGE)
            derived->last_ns = 0; /* no rate across a gap */
        return NAN;
    }
    if (derived->config->how == CONFIG_DERIVED_AGE) {
        *error = 0; /* a metric without a value yet, not one in error */
        return age(derived, first, now_ns);
    }
    if (derived->config->how == CONFIG_DERIVED_RATE) {
        *error = VAGUS_EAGAIN;
        return rate(derived, first);
    }
    result = first->value;
    for (uint32_t i = 1; i < derived->config->of_count; i++) {
        const struct vagus_reading *next = input_of(derived, metrics, i, now_ns, error);
        if (next == NULL)
            return NAN;
        switch (derived->config->how) {
        case CONFIG_DERIVED_RATIO:
            result /= next->value;
            break;
        case CONFIG_DERIVED_DIFFERENCE:
            result -= next->value;
            break;
        default:
            result += next->value;
        }
    }
    *error = VAGUS_EAGAIN;
    return result;
}

static void step_one(struct derived *derived, struct metrics *metrics, unsigned due, int64_t now_ns)
{
    bool is_due = (due & (1u << metrics->entries[derived->index].tier)) != 0;
    bool changed = has_changed(derived, metrics, now_ns);
    int error = VAGUS_EAGAIN;
    if (!is_due && (!changed || derived->config->how == CONFIG_DERIVED_RATE))
        return;
    derived->good_until_ns = INT64_MAX;
    double value = evaluate(derived, metrics, now_ns, &error);
    if (!isfinite(value) && error == 0)
        return;
    if (!is_due)
        metrics_show(metrics, derived->index, now_ns, value, error);
    else if (isfinite(value))
        metrics_put(metrics, derived->index, now_ns, value);
    else
        metrics_put_missing(metrics, derived->index, now_ns, error);
}

/* Defines agent.progress.age once there is something to be the age of. True if it is there. */
static bool progress_felt(struct derive *derive, struct metrics *metrics)
{
    static char input[] = "agent.progress";
    static char *of[] = {input};
    static char name[] = "agent.progress.age";
    static const struct config_derived config = {
        .name = name, .how = CONFIG_DERIVED_AGE, .of = of, .of_count = 1};
    const char *why;
    if (derive->progress_defined || derive->progress_refused)
        return derive->progress_defined;
    if (derive->progress_sought == metrics_count(metrics))
        return false;
    derive->progress_sought = metrics_count(metrics);
    if (metrics_find(metrics, input, NULL) < 0)
        return false;
    /* One that the policy or the agent itself defined stands. */
    int index = VAGUS_EEXIST;
    if (metrics_find(metrics, name, NULL) < 0)
        index =
            metrics_define_of(metrics,
                              &(struct vagus_metric_desc){.name = name,
                                                          .unit = "s",
                                                          .help = "since agent.progress last grew",
                                                          .kind = VAGUS_GAUGE,
                                                          .tier = VAGUS_TIER_1S,
                                                          .resolution = 0.1},
                              VAGUS_SOURCE_DERIVED, &why);
    derive->progress = (struct derived){.config = &config, .index = (uint32_t)index};
    for (uint32_t i = 0; i < CONFIG_DERIVED_INPUTS_MAX; i++)
        derive->progress.inputs[i] = -1;
    derive->progress_defined = index >= 0;
    derive->progress_refused = index < 0;
    return derive->progress_defined;
}

void derive_step(struct derive *derive, struct metrics *metrics, unsigned due, int64_t now_ns)
{
    for (uint32_t i = 0; i < derive->count; i++)
        step_one(&derive->all[i], metrics, due, now_ns);
    if (progress_felt(derive, metrics))
        step_one(&derive->progress, metrics, due, now_ns);
}

/* --- Another policy. --- */

int derive_check(const struct vagus_config *config, const struct metrics *metrics,
                 const char **which, const char **why)
{
    uint32_t room = metrics->capacity - metrics_count(metrics);
    for (uint32_t i = 0; i < config->derived_count; i++) {
        int index = metrics_find(metrics, config->derived[i].name, NULL);
        *which = config->derived[i].name;
        *why = "its name is taken";
        if (index >= 0 && metrics->entries[index].origin != VAGUS_SOURCE_DERIVED)
            return VAGUS_EEXIST;
        *why = "there is no room for more metrics: raise metrics_max";
        if (index < 0 && room-- == 0)
            return VAGUS_EFULL;
    }
    return 0;
}

static bool is_same(const struct config_derived *a, const struct config_derived *b)
{
    if (strcmp(a->name, b->name) != 0 || a->how != b->how || a->of_count != b->of_count)
        return false;
    for (uint32_t i = 0; i < a->of_count; i++)
        if (strcmp(a->of[i], b->of[i]) != 0)
            return false;
    return true;
}

void derive_succeed(struct derive *derive, struct derive *heir)
{
    struct derive former = {.all = derive->all, .count = derive->count};
    for (uint32_t i = 0; i < heir->count; i++) {
        struct derived *next = &heir->all[i];
        for (uint32_t j = 0; j < former.count; j++) {
            const struct config_derived *config = next->config;
            if (!is_same(config, former.all[j].config))
                continue;
            *next = former.all[j];
            next->config = config;
        }
        /* What the policy makes by that name goes before what is made without one. */
        if (derive->progress_defined && next->index == derive->progress.index) {
            derive->progress_defined = false;
            derive->progress_refused = true;
        }
    }
    derive->all = heir->all;
    derive->count = heir->count;
    *heir = former;
}
