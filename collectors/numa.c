/* SPDX-License-Identifier: Apache-2.0 */
/* numa: how full each node is, and how much of the own cgroup's memory lies on it. */
#include <stdio.h>

#include "host/numa.h"
#include "vagus/collector.h"

enum { LIMIT, FREE, UTILIZATION, CGROUP_USAGE, CGROUP_SHARE, METRIC_COUNT };

static const struct vagus_metric_desc table[METRIC_COUNT] = {
    [LIMIT] = {.name = "numa.memory.limit",
               .instance = "*",
               .label = "node",
               .unit = "By",
               .help = "memory of a NUMA node",
               .resource = "memory",
               .kind = VAGUS_GAUGE,
               .tier = VAGUS_TIER_60S,
               .resolution = 4096},
    [FREE] = {.name = "numa.memory.free",
              .instance = "*",
              .label = "node",
              .unit = "By",
              .help = "memory of a NUMA node that is in no use, not even as page cache",
              .resource = "memory",
              .kind = VAGUS_GAUGE,
              .tier = VAGUS_TIER_10S,
              .resolution = 4096},
    [UTILIZATION] = {.name = "numa.memory.utilization",
                     .instance = "*",
                     .label = "node",
                     .unit = "1",
                     .help = "share of a NUMA node's memory that is in use, page cache included",
                     .resource = "memory",
                     .kind = VAGUS_GAUGE,
                     .tier = VAGUS_TIER_10S,
                     .max = 1,
                     .resolution = 0.001},
    [CGROUP_USAGE] = {.name = "numa.cgroup.usage",
                      .instance = "*",
                      .label = "node",
                      .unit = "By",
                      .help = "memory of the own cgroup, anonymous and file, on this node",
                      .resource = "memory",
                      .kind = VAGUS_GAUGE,
                      .tier = VAGUS_TIER_10S,
                      .resolution = 4096},
    [CGROUP_SHARE] = {.name = "numa.cgroup.share",
                      .instance = "*",
                      .label = "node",
                      .unit = "1",
                      .help = "share of the own cgroup's memory that lies on this node",
                      .resource = "memory",
                      .kind = VAGUS_GAUGE,
                      .tier = VAGUS_TIER_10S,
                      .max = 1,
                      .resolution = 0.001},
};

/* The number of each node's instance. */
struct state {
    int instances[HOST_NUMA_NODES_MAX];
};

static int open_nodes(struct vagus_collector *collector)
{
    struct host *host = vagus_collector_arg(collector);
    struct state *state = vagus_collector_state(collector);
    if (host_numa_count(host) == 0)
        return VAGUS_EUNSUPPORTED;
    for (unsigned i = 0; i < host_numa_count(host); i++) {
        char name[16];
        snprintf(name, sizeof(name), "%u", host_numa_number(host, i));
        state->instances[i] = vagus_collector_instance_add(collector, name);
    }
    return 0;
}

static void sample_node(struct vagus_collector *collector, unsigned due, unsigned index)
{
    struct host *host = vagus_collector_arg(collector);
    const struct state *state = vagus_collector_state(collector);
    size_t instance = (size_t)state->instances[index];
    struct host_numa memory = {0};
    int error = host_numa_memory(host, index, &memory);
    if (error != 0) {
        for (size_t metric = LIMIT; metric <= UTILIZATION; metric++)
            if ((due & 1u << table[metric].tier) != 0)
                vagus_put_missing(collector, metric, instance, error);
        return;
    }
    if ((due & 1u << VAGUS_TIER_60S) != 0)
        vagus_put(collector, LIMIT, instance, (double)memory.total_bytes);
    if ((due & 1u << VAGUS_TIER_10S) == 0)
        return;
    vagus_put(collector, FREE, instance, (double)memory.free_bytes);
    if (memory.total_bytes > 0)
        vagus_put(collector, UTILIZATION, instance,
                  1 - (double)memory.free_bytes / (double)memory.total_bytes);
    else /* a node of CPUs alone */
        vagus_put_missing(collector, UTILIZATION, instance, VAGUS_EUNSUPPORTED);
}

static void sample_cgroup(struct vagus_collector *collector)
{
    struct host *host = vagus_collector_arg(collector);
    const struct state *state = vagus_collector_state(collector);
    uint64_t bytes[HOST_NUMA_NODES_MAX];
    double sum = 0;
    int error = host_numa_cgroup(host, bytes);
    for (unsigned i = 0; error == 0 && i < host_numa_count(host); i++)
        sum += (double)bytes[i];
    for (unsigned i = 0; i < host_numa_count(host); i++) {
        size_t instance = (size_t)state->instances[i];
        vagus_put_result(collector, CGROUP_USAGE, instance, error, (double)bytes[i]);
        if (error == 0 && sum > 0)
            vagus_put(collector, CGROUP_SHARE, instance, (double)bytes[i] / sum);
        else
            vagus_put_missing(collector, CGROUP_SHARE, instance, error != 0 ? error : VAGUS_EAGAIN);
    }
}

static int take_sample(struct vagus_collector *collector, unsigned due)
{
    struct host *host = vagus_collector_arg(collector);
    for (unsigned i = 0; i < host_numa_count(host); i++)
        sample_node(collector, due, i);
    if ((due & 1u << VAGUS_TIER_10S) != 0)
        sample_cgroup(collector);
    return 0;
}

extern const struct vagus_collector_desc vagus__collector_numa;
const struct vagus_collector_desc vagus__collector_numa = {
    .size = sizeof(struct vagus_collector_desc),
    .name = "numa",
    .help = "memory by NUMA node",
    .instances_max = HOST_NUMA_NODES_MAX,
    .metrics = table,
    .metric_count = METRIC_COUNT,
    .state_size = sizeof(struct state),
    .open = open_nodes,
    .sample = take_sample,
};
