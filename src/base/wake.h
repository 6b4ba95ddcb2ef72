/* SPDX-License-Identifier: Apache-2.0 */
/* A bell for one sleeper: any thread rings it, in a signal handler too; the sleeper waits until it
 * rings or a deadline passes. A word of memory and a futex: no descriptor that could be closed, and
 * given to somebody else, while a thread is about to write to it. */
#ifndef BASE_WAKE_H
#define BASE_WAKE_H

#include <stdbool.h>
#include <stdint.h>

struct wake {
    uint32_t rung; /* enum wake_why, several at once */
};

enum wake_why {
    WAKE_STEP = 1, /* a whole step is wanted */
    WAKE_NEAR = 2, /* what was read near a limit is there, or the kernel says that one comes near */
};

void wake_ring(struct wake *wake); /* for a step */
void wake_ring_for(struct wake *wake, uint32_t why);

/* Waits until it is rung or deadline_ns on CLOCK_MONOTONIC has passed; now and then it returns
 * early. Why it was rung, 0 if it was not; it is silent then. A ring before the call counts. */
uint32_t wake_wait(struct wake *wake, int64_t deadline_ns);

#endif
