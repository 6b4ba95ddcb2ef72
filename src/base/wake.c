/* SPDX-License-Identifier: Apache-2.0 */
/* A bell for one sleeper. */
#include "base/wake.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "vagus/base.h"

void wake_ring_for(struct wake *wake, uint32_t why)
{
    int saved = errno;
    if (__atomic_fetch_or(&wake->rung, why, __ATOMIC_RELEASE) == 0)
        syscall(SYS_futex, &wake->rung, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    errno = saved;
}

void wake_ring(struct wake *wake)
{
    wake_ring_for(wake, WAKE_STEP);
}

uint32_t wake_wait(struct wake *wake, int64_t deadline_ns)
{
    struct timespec until = {deadline_ns / VAGUS_SECOND_NS, deadline_ns % VAGUS_SECOND_NS};
    uint32_t rung = __atomic_exchange_n(&wake->rung, 0, __ATOMIC_ACQUIRE);
    if (rung != 0)
        return rung;
    syscall(SYS_futex, &wake->rung, FUTEX_WAIT_BITSET_PRIVATE, 0, &until, NULL,
            FUTEX_BITSET_MATCH_ANY);
    return __atomic_exchange_n(&wake->rung, 0, __ATOMIC_ACQUIRE);
}
