/* SPDX-License-Identifier: Apache-2.0 */
/* The record of each transition in the segment's ring: why it came about, what listeners did, what
 * came of it. The last two are filled in as they become known. */
#include <math.h>

#include "base/clock.h"
#include "base/text.h"
#include "judge/watch.h"

static enum segment_why why_of(const struct watch *watch, unsigned severity)
{
    unsigned escalated = watch->effects[severity].escalated;
    if (escalated != ESCALATED_NOT && watch_reason(watch, severity) != severity)
        return escalated == ESCALATED_NO_RELIEF ? SEGMENT_WHY_NO_RELIEF : SEGMENT_WHY_TOO_LONG;
    if (watch->metric == WATCH_NO_METRIC)
        return SEGMENT_WHY_RULES;
    return watch->known ? SEGMENT_WHY_THRESHOLD : SEGMENT_WHY_MISSING;
}

/* The entry of a record that is still in the ring, or NULL. */
static struct segment_signal *entry_of(struct judge *judge, uint64_t number)
{
    struct segment_signal *ring = segment_entries(judge->segment, SEGMENT_SIGNALS);
    bool there = number > 0 && judge->recorded - number < SEGMENT_SIGNALS_MAX;
    return there ? &ring[(number - 1) % SEGMENT_SIGNALS_MAX] : NULL;
}

static uint64_t append(struct judge *judge, struct segment_signal *entry)
{
    struct segment_head *head = segment_head(judge->segment, SEGMENT_SIGNALS);
    entry->wall_ns = clock_wall_ns(judge->metrics->clock);
    entry->value_after = NAN;
    judge->whys[judge->recorded % SEGMENT_SIGNALS_MAX] =
        (struct why){.sequence = entry->signal.sequence};
    segment_write_begin(&head->stamp);
    head->count = ++judge->recorded;
    *entry_of(judge, judge->recorded) = *entry;
    head->updated_ns = entry->signal.at_ns;
    segment_write_end(&head->stamp);
    return judge->recorded;
}

uint64_t why_record(struct judge *judge, const struct watch *watch, unsigned severity,
                    struct segment_signal *entry)
{
    bool delivered_raise = !entry->shadow && entry->signal.change == VAGUS_SIGNAL_RAISED;
    entry->why = why_of(watch, severity);
    entry->outcome = delivered_raise ? SEGMENT_OUTCOME_OPEN : SEGMENT_OUTCOME_NONE;
    return append(judge, entry);
}

void judge_record(struct judge *judge, const struct vagus_signal *change, unsigned told)
{
    struct segment_signal entry = {.signal = *change, .told = told, .why = SEGMENT_WHY_MODE};
    append(judge, &entry);
}

/* --- What listeners did. --- */

/* Where the listener stands in the record, added if need be; SEGMENT_DEEDS_MAX: no room. */
static uint32_t index_of(struct why *why, unsigned place, uint32_t handle)
{
    uint32_t i = 0;
    while (i < why->told_count && why->handles[i] != handle)
        i++;
    if (i < why->told_count || i == SEGMENT_DEEDS_MAX)
        return i;
    why->handles[i] = handle;
    why->places[i] = (uint8_t)place;
    why->told_count++;
    return i;
}

static void take_in(struct judge *judge, uint64_t number, unsigned place,
                    const struct bus_deeds *from, const struct bus_deed *deed)
{
    struct segment_head *head = segment_head(judge->segment, SEGMENT_SIGNALS);
    struct why *why = &judge->whys[(number - 1) % SEGMENT_SIGNALS_MAX];
    uint32_t index = index_of(why, place, from->handle);
    if (index == SEGMENT_DEEDS_MAX)
        return;
    struct segment_signal *entry = entry_of(judge, number);
    struct segment_deed told = {.began_ns = deed->began_ns,
                                .took_ns = deed->took_ns,
                                .released = deed->released,
                                .flags = from->flags};
    text_copy(told.listener, sizeof(told.listener), from->name);
    segment_write_begin(&head->stamp);
    entry->deeds[index] = told;
    entry->deed_count = why->told_count;
    segment_write_end(&head->stamp);
}

static void on_deeds(void *arg, unsigned place, const struct bus_deeds *from)
{
    struct judge *judge = arg;
    uint64_t oldest =
        judge->recorded > SEGMENT_SIGNALS_MAX ? judge->recorded - SEGMENT_SIGNALS_MAX : 0;
    for (unsigned i = 0; i < BUS_DEEDS; i++) {
        const struct bus_deed *deed = &from->deeds[i];
        for (uint64_t number = judge->recorded; number > oldest && deed->sequence != 0; number--) {
            if (judge->whys[(number - 1) % SEGMENT_SIGNALS_MAX].sequence != deed->sequence)
                continue;
            take_in(judge, number, place, from, deed);
            break;
        }
    }
}

void why_step(struct judge *judge)
{
    bus_each_deeds(judge->bus, on_deeds, judge);
}

/* --- What came of it. --- */

void why_outcome(struct judge *judge, const struct watch *watch, unsigned severity,
                 enum effect_outcome outcome, int64_t now_ns)
{
    struct segment_head *head = segment_head(judge->segment, SEGMENT_SIGNALS);
    if (watch->rule->shadow || watch->resource < 0)
        return;
    const struct merged *merged = &judge->merged[severity][watch->resource];
    struct segment_signal *entry =
        merged->raised_by == watch ? entry_of(judge, merged->record) : NULL;
    if (entry == NULL)
        return;
    segment_write_begin(&head->stamp);
    entry->outcome = outcome == EFFECT_RELIEF      ? SEGMENT_OUTCOME_RELIEF
                     : outcome == EFFECT_NO_RELIEF ? SEGMENT_OUTCOME_NO_RELIEF
                                                   : SEGMENT_OUTCOME_UNKNOWN;
    entry->outcome_ns = now_ns;
    entry->value_after = watch->known ? watch->measure : NAN;
    segment_write_end(&head->stamp);
    if (outcome == EFFECT_UNKNOWN)
        return;
    const struct why *why = &judge->whys[(merged->record - 1) % SEGMENT_SIGNALS_MAX];
    for (uint32_t i = 0; i < why->told_count; i++)
        bus_count_outcome(judge->bus, why->places[i], why->handles[i], outcome == EFFECT_RELIEF);
}
