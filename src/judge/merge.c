/* SPDX-License-Identifier: Apache-2.0 */
/* Several rules about one resource make one signal: raised with the first reason, as high as the
 * highest, cleared with the last. Transitions go to the bus and into the segment's ring. */
#include "base/clock.h"
#include "base/text.h"
#include "judge/watch.h"

static void record(struct judge *judge, const struct vagus_signal *signal, bool shadow,
                   unsigned told)
{
    struct segment_head *head = segment_head(judge->segment, SEGMENT_SIGNALS);
    struct segment_signal *ring = segment_entries(judge->segment, SEGMENT_SIGNALS);
    segment_write_begin(&head->stamp);
    ring[judge->recorded % SEGMENT_SIGNALS_MAX] =
        (struct segment_signal){.wall_ns = clock_wall_ns(judge->metrics->clock),
                                .shadow = shadow,
                                .told = told,
                                .signal = *signal};
    head->count = ++judge->recorded;
    head->updated_ns = signal->at_ns;
    segment_write_end(&head->stamp);
}

void judge_record(struct judge *judge, const struct vagus_signal *change)
{
    record(judge, change, false, 0);
}

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

static void post(struct judge *judge, const struct watch *watch, unsigned severity,
                 unsigned resource, struct vagus_signal *signal)
{
    reason_fill(judge, watch, severity, signal);
    unsigned told = bus_post(judge->bus, resource, signal);
    record(judge, signal, false, told);
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
        *merged = (struct merged){0};
        post(judge, reason, severity, resource, &signal);
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
        merged->foremost = reason;
        merged->told_level = merged->level;
        signal.change = raise ? VAGUS_SIGNAL_RAISED : VAGUS_SIGNAL_UPDATED;
        signal.since_ns = merged->since_ns;
        signal.level = merged->level;
        post(judge, reason, severity, resource, &signal);
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

void merge_shadow(struct judge *judge, const struct watch *watch, unsigned severity,
                  enum severity_event event, int64_t now_ns)
{
    const struct severity *machine = &watch->severities[severity];
    struct vagus_signal signal = {.kind = severity_kind(severity),
                                  .at_ns = now_ns,
                                  .since_ns = machine->raised_ns,
                                  .level = machine->level};
    if (event == SEVERITY_NOTHING)
        return;
    signal.change = event == SEVERITY_RAISE    ? VAGUS_SIGNAL_RAISED
                    : event == SEVERITY_UPDATE ? VAGUS_SIGNAL_UPDATED
                                               : VAGUS_SIGNAL_CLEARED;
    reason_fill(judge, watch, severity, &signal);
    if (watch->resource >= 0)
        text_copy(signal.resource, sizeof(signal.resource),
                  bus_resource_name(judge->bus, (unsigned)watch->resource));
    record(judge, &signal, true, 0);
}
