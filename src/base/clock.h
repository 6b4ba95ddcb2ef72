/* SPDX-License-Identifier: Apache-2.0 */
/* The injected clock: everything that asks for the time inside the library asks through it. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "vagus/base.h"

/* CLOCK_MONOTONIC and CLOCK_REALTIME. */
extern const struct vagus_clock clock_of_machine;

static inline int64_t clock_now_ns(const struct vagus_clock *clock)
{
    return clock->monotonic_ns(clock->arg);
}

static inline int64_t clock_wall_ns(const struct vagus_clock *clock)
{
    return clock->wall_ns(clock->arg);
}

/* Times of a hostile clock neither wrap nor trap. */
static inline int64_t clock_add_ns(int64_t at_ns, int64_t span_ns)
{
    int64_t sum_ns;
    return __builtin_add_overflow(at_ns, span_ns, &sum_ns) ? INT64_MAX : sum_ns;
}

/* From one time to a later one. */
static inline int64_t clock_span_ns(int64_t from_ns, int64_t to_ns)
{
    int64_t span_ns;
    return __builtin_sub_overflow(to_ns, from_ns, &span_ns) ? INT64_MAX / 2 : span_ns;
}

#endif
