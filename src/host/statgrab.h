/* SPDX-License-Identifier: Apache-2.0 */
/* What libstatgrab tells: load, host information, swap total. The only file that knows it. Below an
 * injected root, which it cannot be led to, the same is read from the root's files. */
#ifndef HOST_STATGRAB_H
#define HOST_STATGRAB_H

#include "host/host.h"

/* libstatgrab keeps its results by thread and allocates on a thread's first call. The sampler calls
 * this once on its own thread before it counts as started; host_open() does it for its caller. */
void host_thread_prepare(struct host *host);

/* Load average over a minute; from the file loadavg on threads that were not prepared and below an
 * injected root. Allocates nothing. 0.5 µs, as glibc asks sysinfo(). */
int host_load(struct host *host, double *load_1m);

/* Fixed at open. 0 or VAGUS_EUNSUPPORTED. */
struct host_identity {
    char os[64];       /* "Linux" */
    char release[128]; /* "6.1.0-18-amd64" */
    char hostname[256];
};
int host_identity(const struct host *host, struct host_identity *identity);

/* Swap at open, for systems whose meminfo does not tell. 0 or VAGUS_EUNSUPPORTED. */
int host_swap_total(const struct host *host, uint64_t *bytes);

#endif
