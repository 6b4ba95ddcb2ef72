/* SPDX-License-Identifier: Apache-2.0 */
/* The wake-ups that the kernel offers for memory; none is asked for yet. */
#include "host/memory_wake.h"

#include "host/inside.h"

bool host_memory_wakes(const struct host *host, unsigned level, double working_set_bytes)
{
    (void)host;
    (void)level;
    (void)working_set_bytes;
    return false;
}
