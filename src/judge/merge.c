/* SPDX-License-Identifier: Apache-2.0 */
/* Several rules about one resource make one signal: raised with the first reason, as high as the
 * highest, cleared with the last. Transitions go to the bus and into the segment's ring. */
#include "base/text.h"
#include "judge/watch.h"

static uint64_t live_bit(unsigned severity, unsigned resource)
{
    return UINT64_C(1) << (severity * BUS_RESOURCES_MAX + resource);
}

void merge_offer(struct judge *judge, const struct watch *watch, unsigned severity)
{
    struct merged *merged = &judge->merged[severity][watch->resource];
    double level = watch_level(watch, severity);
    judge->live |= live_bit(severity, (unsigned)watch->resource);
    if (merged->best == NULL || level > merged->best_level) {
        merged->best = watch;
        merged->best_level = level;
    }
    if (watch == merged->foremost)
        merged->foremost_level = level;
}

/* The number of its record. */
static uint64_t post(struct judge *judge, const struct watch *watch, unsigned severity,
                     unsigned resource, struct vagus_signal *signal, double level_before)
{
    struct segment_signal entry = {.level_before = level_before};
    reason_fill(judge, watch, severity, signal);
    entry.told = bus_post(judge->bus, resource, signal);
    entry.signal = *signal;
    return why_record(judge, watch, severity, &entry);
}

/* What the step found, against what was told before. */
static void settle(struct judge *judge, unsigned severity, unsigned resource, int64_t now_ns)
{
    struct merged *merged = &judge->merged[severity][resource];
    const struct watch *reason = merged->best;
    struct vagus_signal signal = {.kind = severity_kind(severity), .at_ns = now_ns};

    if (reason == NULL) {
        signal.change = VAGUS_SIGNAL_CLEARED;
        signal.since_ns = merged->since_ns;
        reason = merged->foremost;
        double level = merged->told_level;
        *merged = (struct merged){0};
        post(judge, reason, severity, resource, &signal, level);
        return;
    }
    bool raise = merged->foremost == NULL;
    /* A reason that leads by a hair does not displace the one that was told: two that sway
     * together would otherwise make a storm. */
    bool displaced =
        merged->foremost_level == 0 || severity_moved(merged->foremost_level, merged->best_level);
    merged->level = merged->best_level;
    if (raise || displaced || severity_moved(merged->told_level, merged->level)) {
        if (raise)
            merged->since_ns = now_ns;
        double before = merged->told_level;
        merged->foremost = reason;
        merged->told_level = merged->level;
        signal.change = raise ? VAGUS_SIGNAL_RAISED : VAGUS_SIGNAL_UPDATED;
        signal.since_ns = merged->since_ns;
        signal.level = merged->level;
        uint64_t number = post(judge, reason, severity, resource, &signal, before);
        text_copy(merged->reason, sizeof(merged->reason), signal.reason);
        if (raise) {
            merged->raised_by = reason;
            merged->record = number;
        }
    }
    merged->best = NULL;
    merged->best_level = merged->foremost_level = 0;
}

void merge_post(struct judge *judge, int64_t now_ns)
{
    /* The gravest first. */
    for (uint64_t left = judge->live; left != 0;) {
        unsigned place = 63 - (unsigned)__builtin_clzll(left);
        unsigned severity = place / BUS_RESOURCES_MAX, resource = place % BUS_RESOURCES_MAX;
        left &= ~(UINT64_C(1) << place);
        settle(judge, severity, resource, now_ns);
        if (judge->merged[severity][resource].foremost == NULL)
            judge->live &= ~live_bit(severity, resource);
    }
}

void merge_shadow(struct judge *judge, struct watch *watch, unsigned severity, int64_t now_ns)
{
    double before = watch->shadow_told[severity], level = watch_level(watch, severity);
    struct vagus_signal signal = {.kind = severity_kind(severity), .at_ns = now_ns};
    struct segment_signal entry = {.shadow = 1, .level_before = before};
    bool raised = watch_raised(watch, severity);
    if (before == 0 ? !raised : raised && !severity_moved(before, level))
        return;
    if (before == 0)
        watch->shadow_since_ns[severity] = now_ns;
    signal.change = before == 0 ? VAGUS_SIGNAL_RAISED
                    : raised    ? VAGUS_SIGNAL_UPDATED
                                : VAGUS_SIGNAL_CLEARED;
    signal.since_ns = watch->shadow_since_ns[severity];
    signal.level = watch->shadow_told[severity] = raised ? level : 0;
    reason_fill(judge, watch, severity, &signal);
    if (watch->resource >= 0)
        text_copy(signal.resource, sizeof(signal.resource),
                  bus_resource_name(judge->bus, (unsigned)watch->resource));
    entry.signal = signal;
    why_record(judge, watch, severity, &entry);
}
