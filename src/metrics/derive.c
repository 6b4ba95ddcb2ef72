/* SPDX-License-Identifier: Apache-2.0 */
/* Evaluating derived metrics. */
#include "metrics/derive.h"

#include <math.h>
#include <stdlib.h>

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
        int index =
            metrics_define(metrics,
                           &(struct vagus_metric_desc){.name = wanted->name,
                                                       .unit = wanted->unit,
                                                       .resource = wanted->resource,
                                                       .help = "derived by the policy",
                                                       .kind = VAGUS_GAUGE,
                                                       .tier = (enum vagus_tier)(wanted->tier + 1)},
                           METRIC_SENSED, why);
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
    bool changed = versions != derived->seen || now_ns > derived->good_until_ns;
    derived->seen = versions;
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

/* Not finite: there is no such value. */
static double evaluate(struct derived *derived, const struct metrics *metrics, int64_t now_ns,
                       int *error)
{
    const struct vagus_reading *first = input_of(derived, metrics, 0, now_ns, error);
    double result;
    if (first == NULL) {
        derived->last_ns = 0; /* no rate across a gap */
        return NAN;
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

void derive_step(struct derive *derive, struct metrics *metrics, unsigned due, int64_t now_ns)
{
    for (uint32_t i = 0; i < derive->count; i++) {
        struct derived *derived = &derive->all[i];
        bool is_due = (due & (1u << metrics->entries[derived->index].tier)) != 0;
        bool changed = has_changed(derived, metrics, now_ns);
        int error = VAGUS_EAGAIN;
        if (!is_due && (!changed || derived->config->how == CONFIG_DERIVED_RATE))
            continue;
        derived->good_until_ns = INT64_MAX;
        double value = evaluate(derived, metrics, now_ns, &error);
        if (is_due && isfinite(value))
            metrics_put(metrics, derived->index, now_ns, value);
        else if (is_due)
            metrics_put_missing(metrics, derived->index, now_ns, error);
        else
            metrics_show(metrics, derived->index, now_ns, value, error);
    }
}
