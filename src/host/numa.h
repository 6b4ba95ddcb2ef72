/* SPDX-License-Identifier: Apache-2.0 */
/* Memory by NUMA node. hwloc names the nodes that this process may use; below an injected root the
 * kernel's list of those online does. What lies where comes from the kernel's files, as hwloc's own
 * totals are wrong on some machines. The rules of procfs.h hold here too. */
#ifndef HOST_NUMA_H
#define HOST_NUMA_H

#include "host/host.h"

#define HOST_NUMA_NODES_MAX 64

/* Fixed at open, from any thread. Nodes beyond the most are the surplus and not looked at. */
unsigned host_numa_count(const struct host *host);
unsigned host_numa_surplus(const struct host *host);
unsigned host_numa_number(const struct host *host, unsigned index); /* as the kernel counts */

/* From node<N>/meminfo: 4 to 6 µs each. */
struct host_numa {
    uint64_t total_bytes, free_bytes;
};
int host_numa_memory(struct host *host, unsigned index, struct host_numa *memory);

/* What the process's own memory cgroup, its children included, has on each node, in the order of
 * host_numa_number(); nodes that are not named there have 0. From memory.numa_stat: 4 µs and the
 * opening. What a process has without its cgroup stands in numa_maps alone, which walks every page
 * under the lock that its page faults need. VAGUS_EUNSUPPORTED without such a cgroup or file. */
int host_numa_cgroup(struct host *host, uint64_t bytes[HOST_NUMA_NODES_MAX]);

/* The parsers alone. 0 or VAGUS_EPARSE. `unit` is the page size in v1, 1 in v2; numbers[] are the
 * nodes wanted. */
int host_parse_numa(const char *text, size_t length, struct host_numa *memory);
int host_parse_numa_cgroup(const char *text, size_t length, uint64_t unit, const unsigned *numbers,
                           unsigned count, uint64_t *bytes);

#endif
