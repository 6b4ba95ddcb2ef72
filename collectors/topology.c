/* SPDX-License-Identifier: Apache-2.0 */
/* topology: the shape of the machine, found once at open by hwloc. */
#include "host/topology.h"
#include "vagus/collector.h"

enum { PACKAGES, NUMA_NODES, CORES, CPUS, CACHE_L2, CACHE_L3, METRIC_COUNT };

#define SHAPE(metric, about, in)                                                                   \
    {                                                                                              \
        .name = metric, .unit = in, .help = about, .resource = "cpu", .kind = VAGUS_GAUGE,         \
        .tier = VAGUS_TIER_60S, .resolution = 1                                                    \
    }

static const struct vagus_metric_desc table[METRIC_COUNT] = {
    [PACKAGES] = SHAPE("topology.packages", "processor packages", "{package}"),
    [NUMA_NODES] = SHAPE("topology.numa_nodes", "NUMA nodes", "{node}"),
    [CORES] = SHAPE("topology.cores", "physical cores of the cpuset", "{core}"),
    [CPUS] = SHAPE("topology.cpus", "hardware threads of the cpuset", "{cpu}"),
    [CACHE_L2] = SHAPE("topology.cache.l2", "size of the first L2 cache", "By"),
    [CACHE_L3] = SHAPE("topology.cache.l3", "size of the first L3 cache", "By"),
};

/* What hwloc does not know it counts as 0. */
static void put(struct vagus_collector *collector, size_t metric, double value)
{
    if (value > 0)
        vagus_put(collector, metric, 0, value);
    else
        vagus_put_missing(collector, metric, 0, VAGUS_EUNSUPPORTED);
}

static int take_sample(struct vagus_collector *collector, unsigned due)
{
    struct host_topology topology;
    (void)due;
    int error = host_topology(vagus_collector_arg(collector), &topology);
    if (error != 0)
        return error;
    put(collector, PACKAGES, topology.packages);
    put(collector, NUMA_NODES, topology.numa_nodes);
    put(collector, CORES, topology.cores);
    put(collector, CPUS, topology.cpus);
    put(collector, CACHE_L2, (double)topology.cache_l2_bytes);
    put(collector, CACHE_L3, (double)topology.cache_l3_bytes);
    return 0;
}

extern const struct vagus_collector_desc vagus__collector_topology;
const struct vagus_collector_desc vagus__collector_topology = {
    .size = sizeof(struct vagus_collector_desc),
    .name = "topology",
    .help = "packages, NUMA nodes, cores and caches",
    .metrics = table,
    .metric_count = METRIC_COUNT,
    .sample = take_sample,
};
