/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a signal helped: after each raise the measure must have come nearer to `clear` in the
 * time that the rule allows, and the signal must end in the time that it allows. Else the next
 * severity is raised too, for as long as the milder one lasts. What came of it is recorded for
 * every rule. */
#include <math.h>

#include "judge/watch.h"

/* Less of the way back to `clear` than this is no relief. */
#define RELIEF_SHARE 0.1
/* When a rule that says nothing of relief is looked at: for the record, nothing follows from it. */
#define LOOK_AFTER_NS (30 * VAGUS_SECOND_NS)

bool watch_raised(const struct watch *watch, unsigned severity)
{
    return watch->severities[severity].phase == SEVERITY_RAISED ||
           watch->effects[severity].escalated != ESCALATED_NOT;
}

double watch_level(const struct watch *watch, unsigned severity)
{
    if (watch->severities[severity].phase == SEVERITY_RAISED)
        return watch->severities[severity].level;
    return watch->effects[severity].escalated != ESCALATED_NOT ? watch_level(watch, severity - 1)
                                                               : 0;
}

unsigned watch_reason(const struct watch *watch, unsigned severity)
{
    while (severity > 0 && watch->severities[severity].phase != SEVERITY_RAISED &&
           (watch->effects[severity].escalated != ESCALATED_NOT ||
            !watch_threshold(watch->rule, severity)->present))
        severity--;
    return severity;
}

static bool has_relieved(const struct watch *watch, unsigned severity, double before)
{
    const struct config_threshold *threshold =
        watch_threshold(watch->rule, watch_reason(watch, severity));
    double way = fabs(threshold->clear - before);
    double gone = threshold->below ? watch->measure - before : before - watch->measure;
    return gone > 0 && gone >= RELIEF_SHARE * way;
}

/* What came of a raise, once; nothing while the measure is not known. */
static void look(struct judge *judge, struct watch *watch, unsigned severity, int64_t now_ns)
{
    struct effect *effect = &watch->effects[severity];
    int64_t within_ns = watch->rule->relief_within_ns;
    if (effect->outcome != EFFECT_OPEN || !watch->known ||
        now_ns - effect->since_ns < (within_ns != 0 ? within_ns : LOOK_AFTER_NS))
        return;
    effect->outcome =
        has_relieved(watch, severity, effect->before) ? EFFECT_RELIEF : EFFECT_NO_RELIEF;
    why_outcome(judge, watch, severity, (enum effect_outcome)effect->outcome, now_ns);
}

/* It is not raised any more: back at clear is relief, whenever it came. */
static void end(struct judge *judge, struct watch *watch, unsigned severity, int64_t now_ns)
{
    if (watch->effects[severity].outcome == EFFECT_OPEN)
        why_outcome(judge, watch, severity, watch->known ? EFFECT_RELIEF : EFFECT_UNKNOWN, now_ns);
    watch->effects[severity] = (struct effect){0};
}

static enum escalated escalates(const struct watch *watch, const struct effect *milder,
                                int64_t now_ns)
{
    int64_t after_ns = watch->rule->escalate_after_ns;
    if (milder->outcome == EFFECT_NO_RELIEF && watch->rule->relief_within_ns != 0)
        return ESCALATED_NO_RELIEF;
    return after_ns > 0 && now_ns - milder->since_ns >= after_ns ? ESCALATED_TOO_LONG
                                                                 : ESCALATED_NOT;
}

void effect_step(struct judge *judge, struct watch *watch, int64_t now_ns)
{
    for (unsigned i = 0; i < SEVERITIES; i++) {
        struct effect *effect = &watch->effects[i];
        bool milder = i > 0 && watch_raised(watch, i - 1);
        if (!milder)
            effect->escalated = ESCALATED_NOT;
        else if (effect->escalated == ESCALATED_NOT)
            effect->escalated = escalates(watch, &watch->effects[i - 1], now_ns);
        if (!watch_raised(watch, i)) {
            end(judge, watch, i, now_ns);
            continue;
        }
        if (effect->outcome == EFFECT_NONE)
            *effect = (struct effect){.escalated = effect->escalated,
                                      .outcome = EFFECT_OPEN,
                                      .since_ns = now_ns,
                                      .before = watch->measure};
        look(judge, watch, i, now_ns);
        if (i == SEVERITIES - 1 && effect->outcome == EFFECT_NO_RELIEF && !effect->told &&
            watch->rule->relief_within_ns != 0) {
            effect->told = true;
            judge->last_resort |= !watch->rule->shadow;
        }
    }
}

bool judge_last_resort(struct judge *judge)
{
    bool due = judge->last_resort;
    judge->last_resort = false;
    return due;
}
