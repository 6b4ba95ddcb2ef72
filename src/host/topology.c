/* SPDX-License-Identifier: Apache-2.0 */
/* The shape of the machine, by hwloc. */
#include "host/topology.h"

#include <fcntl.h>
#include <hwloc.h>
#include <unistd.h>

#include "base/loaded.h"
#include "host/inside.h"

static unsigned count_of(hwloc_topology_t topology, hwloc_obj_type_t type)
{
    int count = hwloc_get_nbobjs_by_type(topology, type);
    return count > 0 ? (unsigned)count : 0;
}

static uint64_t cache_bytes(hwloc_topology_t topology, hwloc_obj_type_t type)
{
    hwloc_obj_t cache = hwloc_get_obj_by_type(topology, type, 0);
    return cache != NULL && cache->attr != NULL ? cache->attr->cache.size : 0;
}

static void add_numa_nodes(struct host *host, hwloc_topology_t topology)
{
    hwloc_obj_t node = NULL;
    while ((node = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, node)) != NULL)
        host_numa_add(host, node->os_index);
}

/* Without it hwloc 2.9 knows the number of CPUs at most, and complains on standard error. */
static bool shape_is_shown(const struct host *host)
{
#ifdef __linux__
    return faccessat(host->root_fd, "sys/devices/system/cpu/cpu0/topology", F_OK, 0) == 0;
#else
    (void)host;
    return true;
#endif
}

void host_topology_open(struct host *host)
{
    hwloc_topology_t topology;
    size_t loaded = loaded_count();
    host->topology_error = VAGUS_EUNSUPPORTED;
    if (!host->machine || !shape_is_shown(host) || !host_memory_to_spare() ||
        hwloc_topology_init(&topology) != 0)
        return;
    if (hwloc_topology_set_io_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_NONE) == 0 &&
        hwloc_topology_load(topology) == 0) {
        host->topology = (struct host_topology){
            .packages = count_of(topology, HWLOC_OBJ_PACKAGE),
            .numa_nodes = count_of(topology, HWLOC_OBJ_NUMANODE),
            .cores = count_of(topology, HWLOC_OBJ_CORE),
            .cpus = count_of(topology, HWLOC_OBJ_PU),
            .cache_l1d_bytes = cache_bytes(topology, HWLOC_OBJ_L1CACHE),
            .cache_l2_bytes = cache_bytes(topology, HWLOC_OBJ_L2CACHE),
            .cache_l3_bytes = cache_bytes(topology, HWLOC_OBJ_L3CACHE),
        };
        host->topology_error = 0;
        add_numa_nodes(host, topology);
    }
    hwloc_topology_destroy(topology);
    loaded_let_go(loaded); /* its plugins bring libraries along that stay */
}

int host_topology(const struct host *host, struct host_topology *topology)
{
    if (host->topology_error == 0)
        *topology = host->topology;
    return host->topology_error;
}
