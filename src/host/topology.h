/* SPDX-License-Identifier: Apache-2.0 */
/* The shape of the machine, by hwloc, which topology.c and place.c alone know: read once at open,
 * I/O devices left out (they take 14 ms and 0.7 MB), and given back. */
#ifndef HOST_TOPOLOGY_H
#define HOST_TOPOLOGY_H

#include "host/host.h"

/* Of the CPUs that the cpuset cgroup leaves; affinity and quota are not considered. */
struct host_topology {
    unsigned packages, numa_nodes, cores, cpus;               /* cpus: hardware threads */
    uint64_t cache_l1d_bytes, cache_l2_bytes, cache_l3_bytes; /* of the first of each; 0: unknown */
};

/* From any thread. 0, or VAGUS_EUNSUPPORTED: below an injected root, or hwloc failed. */
int host_topology(const struct host *host, struct host_topology *topology);

#endif
