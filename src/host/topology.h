/* SPDX-License-Identifier: Apache-2.0 */
/* The shape of the machine, by hwloc, which is known to topology.c alone: read once at open, I/O
 * devices left out (they take 14 ms and 0.7 MB), and given back. */
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

/* Where a device sits. */
struct host_place {
    int numa_node; /* as the kernel counts; -1: the machine does not tell, or has but one */
    int package;   /* socket, as the kernel counts; -1: unknown, or it belongs to none */
};

/* Places PCI devices ("0000:3b:00.0"). Asks hwloc for I/O devices too: 14 ms and 0.7 MB, given
 * back; so from a lane, once, and all devices together. Below an injected root, and of what hwloc
 * does not find, the NUMA node alone, from sys/bus/pci/devices. */
void host_places(struct host *host, const char *const *buses, size_t count,
                 struct host_place *places);

#endif
