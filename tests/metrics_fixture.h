/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics over an anonymous segment, on a clock that the test sets. */
#ifndef TESTS_METRICS_FIXTURE_H
#define TESTS_METRICS_FIXTURE_H

#include <stdlib.h>

#include "metrics/metrics.h"

#ifndef FIXTURE_METRICS
#define FIXTURE_METRICS 48
#define FIXTURE_BYTES SEGMENT_BYTES_MIN
#endif
#define FIXTURE_WALL_NS (INT64_C(1700000000) * VAGUS_SECOND_NS)

static struct segment segment;
static struct metrics metrics;
static int64_t fixture_now_ns;

static inline int64_t fixture_monotonic_ns(void *arg)
{
    (void)arg;
    return fixture_now_ns;
}

static inline int64_t fixture_wall_ns(void *arg)
{
    (void)arg;
    return FIXTURE_WALL_NS + fixture_now_ns;
}

static const struct vagus_clock fixture_clock = {fixture_monotonic_ns, fixture_wall_ns, NULL};

static inline void metrics_fixture_begin(void)
{
    struct segment_options options = {.agent = "test",
                                      .bytes = FIXTURE_BYTES,
                                      .metrics_max = FIXTURE_METRICS,
                                      .anonymous = true,
                                      .clock = &fixture_clock};
    fixture_now_ns = VAGUS_SECOND_NS;
    if (segment_create(&options, &segment) != 0 ||
        metrics_init(&metrics, &segment, FIXTURE_METRICS, 4, cells_door_take(), &fixture_clock) !=
            0) {
        fputs("the fixture could not be made\n", stderr);
        exit(1);
    }
}

static inline void metrics_fixture_end(void)
{
    uint32_t generation = metrics.cells.generation;
    metrics_finish(&metrics);
    cells_door_free(generation);
    segment_close(&segment);
}

#define RUN_WITH_METRICS(test) (metrics_fixture_begin(), RUN(test), metrics_fixture_end())

#endif
