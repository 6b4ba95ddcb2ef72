/* SPDX-License-Identifier: Apache-2.0 */
/* How many threads and processes the machine has, by files that tell it without listing /proc
 * (libstatgrab lists it: 1.3 ms and 600 allocations). For the sampler's thread. */
#ifndef HOST_TASKS_H
#define HOST_TASKS_H

#include "host/host.h"

/* Of loadavg: 0.6 µs. 0, VAGUS_EUNSUPPORTED, VAGUS_EPERM, VAGUS_EIO, VAGUS_EPARSE. */
struct host_tasks {
    uint64_t runnable; /* threads that run or could */
    uint64_t threads;  /* of all processes, the kernel's own included */
};
int host_tasks(struct host *host, struct host_tasks *tasks);

/* Of the last lines of stat, which the kernel writes anew for each 16 KiB that are read of it: 5 µs
 * on small machines, milliseconds on those of 512 CPUs. Errors as above. */
struct host_births {
    uint64_t created; /* processes and threads since boot */
    uint64_t blocked; /* threads that wait for the disk */
};
int host_births(struct host *host, struct host_births *births);

/* The parser of loadavg alone, for tests and fuzzing. 0 or VAGUS_EPARSE. */
int host_parse_tasks(const char *text, size_t length, struct host_tasks *tasks);

#endif
