/* SPDX-License-Identifier: Apache-2.0 */
/* What the policy says of metrics that the agent records: whoever defines one of that name, in code
 * or by recording it, gets what stands here. Entries are only ever added. */
#include <string.h>

#include "base/text.h"
#include "metrics/metrics.h"

const struct metrics_template *metrics_template(const struct metrics *metrics, const char *name)
{
    uint32_t count = __atomic_load_n(&metrics->template_count, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(metrics->templates[i].name, name) == 0)
            return &metrics->templates[i];
    return NULL;
}

static struct metrics_template template_of(const struct config_metric *config)
{
    struct metrics_template made = {.kind = (enum vagus_metric_kind)(config->kind + 1),
                                    .tier = config->tier_given ? (enum vagus_tier)(config->tier + 1)
                                                               : VAGUS_TIER_DEFAULT,
                                    .min = config->min,
                                    .max = config->max,
                                    .resolution = config->resolution};
    text_copy(made.name, sizeof(made.name), config->name);
    text_copy(made.unit, sizeof(made.unit), config->unit != NULL ? config->unit : "");
    text_copy(made.help, sizeof(made.help), config->help != NULL ? config->help : "");
    text_copy(made.resource, sizeof(made.resource),
              config->resource != NULL ? config->resource : "");
    text_copy(made.label, sizeof(made.label), config->label != NULL ? config->label : "");
    return made;
}

static bool is_same(const struct metrics_template *a, const struct metrics_template *b)
{
    return a->kind == b->kind && a->tier == b->tier && strcmp(a->unit, b->unit) == 0 &&
           strcmp(a->help, b->help) == 0 && strcmp(a->resource, b->resource) == 0 &&
           strcmp(a->label, b->label) == 0 && !(a->min < b->min) && !(b->min < a->min) &&
           !(a->max < b->max) && !(b->max < a->max) && !(a->resolution < b->resolution) &&
           !(b->resolution < a->resolution);
}

int metrics_template_find(const struct metrics *metrics, const struct config_metric *config)
{
    const struct metrics_template *there = metrics_template(metrics, config->name);
    struct metrics_template wanted = template_of(config);
    if (there == NULL)
        return VAGUS_ENOENT;
    return is_same(there, &wanted) ? 0 : VAGUS_EEXIST;
}

int metrics_template_add(struct metrics *metrics, const struct config_metric *config)
{
    int error = metrics_template_find(metrics, config);
    struct metrics_template made = template_of(config);
    if (error != VAGUS_ENOENT)
        return error;
    if (metrics->template_count == METRICS_TEMPLATES_MAX)
        return VAGUS_EFULL;
    pthread_mutex_lock(&metrics->define_lock);
    metrics->templates[metrics->template_count] = made;
    __atomic_store_n(&metrics->template_count, metrics->template_count + 1, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&metrics->define_lock);
    return 0;
}

int metrics_template_define(struct metrics *metrics, const struct config_metric *config,
                            const char **why)
{
    if (config->label != NULL)
        return 0; /* its instances come as they are recorded */
    const struct vagus_metric_desc desc = {.name = config->name,
                                           .kind = (enum vagus_metric_kind)(config->kind + 1)};
    int index = metrics_define(metrics, &desc, METRIC_RECORDED, why);
    return index < 0 ? index : 0;
}

static bool is_other(const char *given, const char *here)
{
    return given != NULL && here[0] != '\0' && strcmp(given, here) != 0;
}

bool metrics_template_apply(const struct metrics *metrics, struct vagus_metric_desc *desc,
                            const char **differs)
{
    const struct metrics_template *made =
        desc->name != NULL ? metrics_template(metrics, desc->name) : NULL;
    if (made == NULL || made->kind != desc->kind)
        return made == NULL;
    if (is_other(desc->unit, made->unit))
        *differs = "the policy defines it in another unit, which holds";
    else if (desc->instance != NULL && is_other(desc->label, made->label))
        *differs = "the policy calls its instances otherwise, and that holds";
    if (made->unit[0] != '\0')
        desc->unit = made->unit;
    if (made->label[0] != '\0')
        desc->label = made->label;
    if (made->help[0] != '\0')
        desc->help = made->help;
    if (made->resource[0] != '\0')
        desc->resource = made->resource;
    if (made->tier != VAGUS_TIER_DEFAULT)
        desc->tier = made->tier;
    if (made->min < made->max) {
        desc->min = made->min;
        desc->max = made->max;
    }
    if (made->resolution > 0)
        desc->resolution = made->resolution;
    return true;
}
