/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's own wake-ups for memory: descriptors that become ready when usage crosses what was
 * asked for (cgroup v1), when it passed memory.high or met a limit (v2), or when tasks stall for
 * memory (PSI). Each says "look now" and no more. */
#ifndef HOST_MEMORY_WAKE_H
#define HOST_MEMORY_WAKE_H

#include "host/host.h"

/* True if the kernel wakes the monitor before the working set of this level of the cgroup ancestry
 * reaches so many bytes: a usage event stands there or below it, and usage, as last read, has not
 * passed it. Usage is never less than the working set, so it comes there first; once page cache has
 * carried it past, no event comes for what takes the place of the cache. */
bool host_memory_wakes(const struct host *host, unsigned level, double working_set_bytes);

#endif
