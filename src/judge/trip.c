/* SPDX-License-Identifier: Apache-2.0 */
/* Counters that wake the sampler: the headroom to the nearest threshold ahead is divided among the
 * threads' cells, and divided again after each step, so a crossing is seen at once, not polled. */
#include <math.h>

#include "judge/watch.h"

/* Thresholds beyond this are out of reach of a 64-bit count. */
#define LIMIT_MAX 9e18
#define ARM_TRIES 3

void trip_add(struct judge *judge, struct watch *watch)
{
    bool above = false;
    int i = 0;
    for (unsigned severity = 0; severity < SEVERITIES; severity++) {
        const struct config_threshold *threshold = watch_threshold(watch->rule, severity);
        above |= threshold->present && !threshold->below;
    }
    if (!above)
        return;
    while ((uint32_t)i < judge->trip_count && judge->trips[i].metric != watch->metric)
        i++;
    if ((uint32_t)i == judge->trip_room)
        return;
    if ((uint32_t)i == judge->trip_count)
        judge->trips[judge->trip_count++] =
            (struct trip){.metric = watch->metric, .nearest = INFINITY};
    watch->trip = i;
    judge->metrics->entries[watch->metric].armed = 1;
}

void trip_offer(struct judge *judge, const struct watch *watch)
{
    struct trip *trip = &judge->trips[watch->trip];
    double total = (double)judge->metrics->entries[watch->metric].total;
    for (unsigned severity = 0; severity < SEVERITIES; severity++) {
        const struct config_threshold *threshold = watch_threshold(watch->rule, severity);
        if (threshold->present && !threshold->below && total <= threshold->enter)
            trip->nearest = fmin(trip->nearest, threshold->enter);
    }
}

/* The cells count on while the headroom is divided. What they gained between the look at the total
 * and the new trip points is not in these, so look again. */
static void arm(struct cells *cells, struct trip *trip, uint64_t limit, double nearest)
{
    uint64_t total = cells_total(cells, trip->metric);
    for (int tries = 0; tries < ARM_TRIES; tries++) {
        /* Crossed since it was judged: the next add, anywhere, wakes the sampler. */
        cells_arm(cells, trip->metric, limit > total ? limit - total : 1);
        uint64_t after = cells_total(cells, trip->metric);
        if (after == total)
            break;
        total = after;
    }
    /* Crossed since it was judged, maybe by the last add for a long time: judge again at once. */
    if ((double)total > nearest)
        cells_ring(cells);
    trip->armed = true;
    trip->limit = limit;
    trip->total = total;
}

void trip_disarm(struct judge *judge)
{
    for (uint32_t i = 0; i < judge->trip_count; i++)
        if (judge->trips[i].armed)
            cells_arm(&judge->metrics->cells, judge->trips[i].metric, 0);
}

void trip_arm(struct judge *judge)
{
    struct cells *cells = &judge->metrics->cells;
    for (uint32_t i = 0; i < judge->trip_count; i++) {
        struct trip *trip = &judge->trips[i];
        double nearest = trip->nearest;
        trip->nearest = INFINITY; /* the next step offers anew */
        if (nearest < LIMIT_MAX) {
            /* Crossed is what is greater than the threshold. */
            uint64_t limit = (uint64_t)floor(nearest) + 1;
            uint64_t total = judge->metrics->entries[trip->metric].total;
            if (!trip->armed || trip->limit != limit || trip->total != total)
                arm(cells, trip, limit, nearest);
        } else if (trip->armed) {
            cells_arm(cells, trip->metric, 0);
            trip->armed = false;
        }
    }
}
