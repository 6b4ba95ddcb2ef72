/* SPDX-License-Identifier: Apache-2.0 */
/* One judge follows another: rules that are the same keep their states, signals go on, and what no
 * rule has a reason for any more is cleared by the heir's first step. */
#include <stdlib.h>
#include <string.h>

#include "judge/watch.h"

#define INHERITS_NONE UINT32_MAX

int judge_prepare(struct judge *heir, const struct judge *before)
{
    heir->inherits = malloc(heir->rule_room * sizeof(*heir->inherits));
    if (heir->inherits == NULL)
        return VAGUS_ENOMEM;
    for (uint32_t i = 0; i < heir->rule_count; i++) {
        const struct config_rule *rule = heir->rules[i].rule;
        uint32_t j = 0;
        while (j < before->rule_count && (before->rules[j].rule->content != rule->content ||
                                          strcmp(before->rules[j].rule->name, rule->name) != 0))
            j++;
        heir->inherits[i] = j < before->rule_count && rule->content != 0 ? j : INHERITS_NONE;
    }
    heir->aside = true;
    judge_bind(heir);
    return 0;
}

static void inherit_watch(struct judge *heir, struct watch *watch, const struct watch *from)
{
    watch->known = from->known;
    watch->measure = from->measure;
    watch->measured = from->measured;
    watch->measured_ns = from->measured_ns;
    watch->leaves_ns = from->leaves_ns;
    watch->changed_ns = from->changed_ns;
    watch->changed_value = from->changed_value;
    memcpy(watch->severities, from->severities, sizeof(watch->severities));
    memcpy(watch->effects, from->effects, sizeof(watch->effects));
    watch->seen = from->seen; /* whether it is missing now, the next step finds */
    watch->raised_once = from->raised_once;
    memcpy(watch->flips, from->flips, sizeof(watch->flips));
    memcpy(watch->bests, from->bests, sizeof(watch->bests));
    for (unsigned i = 0; i < SEVERITIES && watch->resource >= 0; i++) {
        struct merged *merged = &heir->merged[i][watch->resource];
        if (merged->foremost == from)
            merged->foremost = watch;
        if (merged->raised_by == from)
            merged->raised_by = watch;
    }
}

/* Both lists go through the metrics in the order of their definition. */
static void inherit_rule(struct judge *heir, struct judged_rule *rule,
                         const struct judged_rule *from)
{
    uint32_t j = 0;
    for (uint32_t i = 0; i < rule->count; i++) {
        while (j < from->count && from->watches[j].metric < rule->watches[i].metric)
            j++;
        if (j < from->count && from->watches[j].metric == rule->watches[i].metric)
            inherit_watch(heir, &rule->watches[i], &from->watches[j]);
    }
}

void judge_succeed(struct judge *heir, struct judge *before)
{
    /* What is told goes on. A reason that vanished stays as a ghost of the former judge until the
     * step, which finds that it is not offered any more, and either names another or clears. */
    memcpy(heir->merged, before->merged, sizeof(heir->merged));
    heir->live = before->live;
    heir->recorded = before->recorded;
    memcpy(heir->whys, before->whys, sizeof(heir->whys));
    heir->last_resort = before->last_resort;
    heir->before = before;
    for (uint32_t i = 0; i < heir->rule_count; i++)
        if (heir->inherits[i] != INHERITS_NONE)
            inherit_rule(heir, &heir->rules[i], &before->rules[heir->inherits[i]]);
    trip_disarm(before);
    heir->aside = false;
    for (uint32_t i = 0; i < heir->rest_count; i++)
        watch_add_trip(heir, heir->rests[i].watch);
}
