/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of the kernel made to run forward only. They wrap at 32 bits where a driver or a 32-bit
 * kernel keeps them so, start anew when their device does, and step back a little where the kernel
 * adds them up without a lock. */
#ifndef HOST_COUNTERS_H
#define HOST_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct host_counter {
    uint64_t last;  /* as the kernel told it */
    uint64_t total; /* what the kernel told first, and all that was added since */
    uint64_t grown; /* by the newest reading */
};

/* Takes a reading of counters that belong to one device. The first one (known is false) is taken as
 * it is. False if the counters began anew, or this is the first: `grown` is then of no span that is
 * known. */
bool host_counters_take(struct host_counter *counters, const uint64_t *now, size_t count,
                        bool known);

#endif
