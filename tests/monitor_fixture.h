/* SPDX-License-Identifier: Apache-2.0 */
/* A monitor on a clock that the test sets, and a collector whose values the test sets. */
#ifndef TESTS_MONITOR_FIXTURE_H
#define TESTS_MONITOR_FIXTURE_H

#include <stdatomic.h>
#include <stdlib.h>

#include "vagus/vagus.h"

#define S VAGUS_SECOND_NS
#define MS VAGUS_MILLISECOND_NS

static _Atomic int64_t test_now_ns;

static inline int64_t test_monotonic_ns(void *arg)
{
    (void)arg;
    return atomic_load(&test_now_ns);
}

static inline int64_t test_wall_ns(void *arg)
{
    (void)arg;
    return INT64_C(1700000000) * S + atomic_load(&test_now_ns);
}

static const struct vagus_clock test_clock = {test_monotonic_ns, test_wall_ns, NULL};

/* The test's organ: one fast metric and one slow one. NaN: nothing to be had. */
static _Atomic double organ_value;
static _Atomic int organ_error;
static _Atomic unsigned organ_samples;

static const struct vagus_metric_desc organ_metrics[] = {
    {.name = "organ.headroom", .kind = VAGUS_GAUGE, .tier = VAGUS_TIER_100MS, .max = 1},
    {.name = "organ.slow", .kind = VAGUS_GAUGE, .tier = VAGUS_TIER_10S, .unit = "By"},
};

static inline int organ_sample(struct vagus_collector *collector, unsigned due)
{
    atomic_fetch_add(&organ_samples, 1);
    if (atomic_load(&organ_error) != 0)
        return atomic_load(&organ_error);
    if (due & (1u << VAGUS_TIER_100MS))
        vagus_put(collector, 0, 0, atomic_load(&organ_value));
    if (due & (1u << VAGUS_TIER_10S))
        vagus_put(collector, 1, 0, 4096);
    return 0;
}

static const struct vagus_collector_desc organ = {.size = sizeof(struct vagus_collector_desc),
                                                  .name = "organ",
                                                  .metrics = organ_metrics,
                                                  .metric_count = 2,
                                                  .sample = organ_sample};

static const char organ_policy[] = "agent: test\n"
                                   "rules:\n"
                                   "  - name: organ-headroom\n"
                                   "    metric: organ.headroom\n"
                                   "    throttle: { below: 20%, clear: 25% }\n"
                                   "    defer:    { below: 10%, clear: 15% }\n"
                                   "    shutdown: { below: 3%, clear: 8%, for: 1s }\n"
                                   "    min_hold: 0s\n";

/* Opened, with the organ added; not started. */
static inline struct vagus_monitor *organ_open(uint32_t flags)
{
    struct vagus_monitor *monitor = NULL;
    struct vagus_fault_list faults;
    atomic_store(&test_now_ns, 1000 * S);
    atomic_store(&organ_value, 0.9);
    atomic_store(&organ_error, 0);
    int error = vagus_monitor_open(
        &(struct vagus_monitor_options){.size = sizeof(struct vagus_monitor_options),
                                        .policy_text = organ_policy,
                                        .clock = flags & VAGUS_STEPPED ? &test_clock : NULL,
                                        .flags =
                                            flags | VAGUS_NO_COLLECTORS | VAGUS_ANONYMOUS_SEGMENT,
                                        .faults = &faults},
        &monitor);
    for (uint32_t i = 0; error == VAGUS_EPOLICY && i < faults.count; i++)
        fprintf(stderr, "policy:%u: %s\n", faults.faults[i].line, faults.faults[i].text);
    if (error != 0 || vagus_collector_add(monitor, &organ) != 0) {
        fprintf(stderr, "the monitor could not be made: %s\n", vagus_error_message(error));
        exit(1);
    }
    return monitor;
}

/* Steps until the given span has passed, at each deadline. */
static inline void organ_run(struct vagus_monitor *monitor, int64_t span_ns)
{
    int64_t end_ns = atomic_load(&test_now_ns) + span_ns, next_ns = 0;
    for (;;) {
        if (vagus_step(monitor, &next_ns) != 0 || next_ns > end_ns)
            break;
        atomic_store(&test_now_ns, next_ns);
    }
    atomic_store(&test_now_ns, end_ns);
}

#endif
