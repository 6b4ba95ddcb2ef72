/* SPDX-License-Identifier: Apache-2.0 */
/* How many operations are under way: begun less ended, from the threads' own cells. */
#include <string.h>

#include "base/text.h"
#include "metrics/metrics.h"

uint64_t cells_in_flight(const struct cells *cells, uint32_t started, uint32_t first,
                         uint32_t buckets, uint64_t *ended)
{
    /* Whatever is counted as ended here was counted as begun before, so look at the ends first. */
    *ended = cells_distribution_count(cells, first, buckets);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    uint64_t begun = cells_total(cells, started);
    return begun > *ended ? begun - *ended : 0;
}

int metrics_flight_add(struct metrics *metrics, uint32_t gauge, uint32_t started, uint32_t duration)
{
    int error = 0;
    pthread_mutex_lock(&metrics->define_lock);
    uint32_t count = metrics->flight_count, i = 0;
    while (i < count && metrics->flights[i].gauge != gauge)
        i++;
    if (i == count && count == METRICS_FLIGHTS_MAX) {
        error = VAGUS_EFULL;
    } else if (i == count) {
        struct metrics_flight *flight = &metrics->flights[count];
        const struct segment_metric *described = metrics_describe(metrics, gauge);
        *flight = (struct metrics_flight){.gauge = gauge, .started = started, .duration = duration};
        /* The gauge is called NAME.in_flight. */
        text_copy(flight->shown.name, sizeof(flight->shown.name), described->name);
        char *suffix = strrchr(flight->shown.name, '.');
        if (suffix != NULL)
            *suffix = '\0';
        text_copy(flight->shown.instance, sizeof(flight->shown.instance), described->instance);
        __atomic_store_n(&metrics->flight_count, count + 1, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&metrics->define_lock);
    return error;
}

/* What was seen to begin or end, did so since the tick before. */
static void mirror(struct metrics *metrics, uint32_t i, uint64_t in_flight, uint64_t ended,
                   int64_t tick_ns)
{
    struct segment_head *head = segment_head(metrics->segment, SEGMENT_OPERATIONS);
    struct segment_operation *entries = segment_entries(metrics->segment, SEGMENT_OPERATIONS);
    struct segment_operation *shown = &metrics->flights[i].shown;
    uint64_t begun = in_flight + ended;
    if (begun == shown->started && ended == shown->ended && i < head->count)
        return;
    if (begun != shown->started)
        shown->began_ns = tick_ns;
    if (ended != shown->ended)
        shown->ended_ns = tick_ns;
    if (in_flight == 0)
        shown->since_ns = 0;
    else if (shown->since_ns == 0)
        shown->since_ns = tick_ns;
    shown->started = begun;
    shown->ended = ended;
    shown->in_flight = in_flight;
    segment_write_begin(&head->stamp);
    entries[i] = *shown;
    if (head->count <= i)
        head->count = i + 1;
    head->updated_ns = tick_ns;
    segment_write_end(&head->stamp);
}

void metrics_flights_fold(struct metrics *metrics, unsigned due, int64_t tick_ns)
{
    uint32_t count = __atomic_load_n(&metrics->flight_count, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < count; i++) {
        struct metrics_flight *flight = &metrics->flights[i];
        const struct metric *duration = &metrics->entries[flight->duration];
        bool shows = (due & (1u << metrics->entries[flight->gauge].tier)) != 0;
        /* An operation at rest costs nothing. */
        bool moves = (due & (1u << VAGUS_TIER_100MS)) != 0 &&
                     (flight->shown.in_flight > 0 ||
                      metrics->entries[flight->started].total != flight->seen);
        uint64_t ended;
        if (!shows && !moves)
            continue;
        flight->seen = metrics->entries[flight->started].total;
        uint64_t in_flight = cells_in_flight(&metrics->cells, flight->started, duration->first,
                                             duration->shape.buckets, &ended);
        if (shows)
            metrics_put(metrics, flight->gauge, tick_ns, (double)in_flight);
        mirror(metrics, i, in_flight, ended, tick_ns);
    }
}
