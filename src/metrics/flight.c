/* SPDX-License-Identifier: Apache-2.0 */
/* How many operations are under way: begun less ended, from the threads' own cells. */
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
        metrics->flights[count] = (struct metrics_flight){gauge, started, duration};
        __atomic_store_n(&metrics->flight_count, count + 1, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&metrics->define_lock);
    return error;
}

void metrics_flights_fold(struct metrics *metrics, unsigned due, int64_t tick_ns)
{
    uint32_t count = __atomic_load_n(&metrics->flight_count, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < count; i++) {
        const struct metrics_flight *flight = &metrics->flights[i];
        const struct metric *duration = &metrics->entries[flight->duration];
        uint64_t ended;
        if ((due & (1u << metrics->entries[flight->gauge].tier)) == 0)
            continue;
        metrics_put(metrics, flight->gauge, tick_ns,
                    (double)cells_in_flight(&metrics->cells, flight->started, duration->first,
                                            duration->shape.buckets, &ended));
    }
}
