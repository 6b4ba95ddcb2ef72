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

#endif
