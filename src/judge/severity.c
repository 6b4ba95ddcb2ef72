/* SPDX-License-Identifier: Apache-2.0 */
/* The state machine of one severity. Pure: no clock, no memory but the struct. */
#include <math.h>

#include "judge/rule.h"

/* A raised severity always shows: back between enter and clear it is this much. */
#define LEVEL_LEAST 0.01
#define LEVEL_STEP 0.1

/* What a measure means to one severity. */
enum stance {
    STANCE_NONE /* held: as if nothing was seen */,
    STANCE_CLEAR,
    STANCE_BETWEEN,
    STANCE_BEYOND
};

double severity_level(const struct config_threshold *threshold, double full, double measure)
{
    double span = threshold->below ? threshold->enter - full : full - threshold->enter;
    double depth = threshold->below ? threshold->enter - measure : measure - threshold->enter;
    /* Written so that NaN and a `full` on the wrong side give 1. */
    if (!(span > 0))
        return 1;
    double level = depth / span;
    return level >= 1 ? 1 : fmax(level, LEVEL_LEAST);
}

bool severity_moved(double told_level, double level)
{
    /* A tenth that was lost to rounding still counts. */
    return fabs(level - told_level) >= LEVEL_STEP - 1e-9 || (level == 1 && told_level < 1);
}

static enum stance stance_of(const struct config_threshold *threshold,
                             const struct severity_timing *timing,
                             const struct severity_input *input)
{
    if (!input->known)
        return timing->missing == CONFIG_MISSING_RAISE   ? STANCE_BEYOND
               : timing->missing == CONFIG_MISSING_CLEAR ? STANCE_CLEAR
                                                         : STANCE_NONE;
    if (threshold->below ? input->measure < threshold->enter : input->measure > threshold->enter)
        return STANCE_BEYOND;
    if (threshold->below ? input->measure >= threshold->clear : input->measure <= threshold->clear)
        return STANCE_CLEAR;
    return STANCE_BETWEEN;
}

/* A missing measure that raises says nothing of how bad it is: the worst is assumed. */
static double level_of(const struct config_threshold *threshold, double full,
                       const struct severity_input *input)
{
    return input->known ? severity_level(threshold, full, input->measure) : 1;
}

static enum severity_event step_raised(struct severity *severity,
                                       const struct config_threshold *threshold, double full,
                                       const struct severity_timing *timing,
                                       const struct severity_input *input, enum stance stance)
{
    if (stance == STANCE_CLEAR && !severity->clearing)
        severity->clearing_since_ns = input->now_ns;
    severity->clearing = stance == STANCE_CLEAR;
    if (severity->clearing && input->now_ns - severity->raised_ns >= timing->min_hold_ns &&
        input->now_ns - severity->clearing_since_ns >= threshold->clear_for_ns) {
        *severity = (struct severity){.cooling = true, .cleared_ns = input->now_ns};
        return SEVERITY_END;
    }
    if (stance == STANCE_CLEAR && !input->known)
        return SEVERITY_NOTHING; /* held: what it was last is what is known of it */
    severity->level = level_of(threshold, full, input);
    if (!severity_moved(severity->told_level, severity->level))
        return SEVERITY_NOTHING;
    severity->told_level = severity->level;
    return SEVERITY_UPDATE;
}

enum severity_event severity_step(struct severity *severity,
                                  const struct config_threshold *threshold, double full,
                                  const struct severity_timing *timing,
                                  const struct severity_input *input)
{
    enum stance stance = stance_of(threshold, timing, input);

    if (stance == STANCE_NONE)
        return SEVERITY_NOTHING;
    if (severity->phase == SEVERITY_RAISED)
        return step_raised(severity, threshold, full, timing, input, stance);
    if (stance != STANCE_BEYOND) {
        severity->phase = SEVERITY_CLEAR;
        return SEVERITY_NOTHING;
    }
    if (severity->phase == SEVERITY_CLEAR) {
        severity->phase = SEVERITY_PENDING;
        severity->pending_since_ns = input->now_ns;
    }
    if (input->now_ns - severity->pending_since_ns < threshold->for_ns ||
        (severity->cooling && input->now_ns - severity->cleared_ns < timing->cooldown_ns))
        return SEVERITY_NOTHING;
    severity->phase = SEVERITY_RAISED;
    severity->raised_ns = input->now_ns;
    severity->level = severity->told_level = level_of(threshold, full, input);
    return SEVERITY_RAISE;
}
