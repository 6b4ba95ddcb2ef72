/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's clock. */
#include "base/clock.h"

#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec t = {0};
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * VAGUS_SECOND_NS + t.tv_nsec;
}

static int64_t machine_monotonic_ns(void *arg)
{
    (void)arg;
    return read_clock(CLOCK_MONOTONIC);
}

static int64_t machine_wall_ns(void *arg)
{
    (void)arg;
    return read_clock(CLOCK_REALTIME);
}

const struct vagus_clock clock_of_machine = {machine_monotonic_ns, machine_wall_ns, NULL};

int64_t vagus_now_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}
