/* SPDX-License-Identifier: Apache-2.0 */
/* process_tree: what the process and all that it started use together, since an agent's tools are
 * processes of their own. The walk takes longer the more there are, so it has a lane. */
#include "host/tree.h"
#include "vagus/collector.h"

enum {
    COUNT,
    THREADS,
    CPU_TIME,
    CPU_CORES,
    MEMORY,
    ESCAPED,
    UNSEEN,
    METRIC_COUNT,
};

static const struct vagus_metric_desc table[METRIC_COUNT] = {
    [COUNT] = {.name = "process.tree.count",
               .unit = "{process}",
               .help = "this process and all that descend from it",
               .kind = VAGUS_GAUGE,
               .tier = VAGUS_TIER_10S,
               .resolution = 1},
    [THREADS] = {.name = "process.tree.thread.count",
                 .unit = "{thread}",
                 .help = "their threads",
                 .kind = VAGUS_GAUGE,
                 .tier = VAGUS_TIER_10S,
                 .resolution = 1},
    [CPU_TIME] = {.name = "process.tree.cpu.time",
                  .unit = "s",
                  .help = "CPU time of the tree, of those that were waited for too",
                  .resource = "cpu",
                  .kind = VAGUS_COUNTER,
                  .tier = VAGUS_TIER_10S,
                  .resolution = 0.01},
    [CPU_CORES] = {.name = "process.tree.cpu.cores",
                   .unit = "{cpu}",
                   .help = "cores that the tree kept busy since the sample before",
                   .resource = "cpu",
                   .kind = VAGUS_GAUGE,
                   .tier = VAGUS_TIER_10S,
                   .resolution = 0.001},
    [MEMORY] = {.name = "process.tree.memory.usage",
                .unit = "By",
                .help = "resident sizes of the tree; shared pages count for each",
                .resource = "memory",
                .kind = VAGUS_GAUGE,
                .tier = VAGUS_TIER_10S,
                .resolution = 4096},
    [ESCAPED] = {.name = "process.tree.escaped",
                 .unit = "{process}",
                 .help = "left the tree as their parent ended, and live: not counted in it",
                 .kind = VAGUS_GAUGE,
                 .tier = VAGUS_TIER_10S,
                 .resolution = 1},
    [UNSEEN] = {.name = "process.tree.unseen",
                .unit = "{process}",
                .help = "beyond what a walk looks at, or not to be read: not counted in the tree",
                .kind = VAGUS_GAUGE,
                .tier = VAGUS_TIER_10S,
                .resolution = 1},
};

struct state {
    struct host_tree *tree;
    bool known;
    uint64_t cpu_ns; /* at: */
    int64_t sampled_ns;
};

static int open_tree(struct vagus_collector *collector)
{
    struct state *state = vagus_collector_state(collector);
    return host_tree_create(vagus_collector_arg(collector), &state->tree);
}

static int take_sample(struct vagus_collector *collector, unsigned due)
{
    struct state *state = vagus_collector_state(collector);
    struct host_tree_sum sum;
    (void)due; /* there is but one tier */
    int64_t now_ns = vagus_collector_now_ns(collector);
    int error = host_tree_sample(state->tree, &sum);
    if (error != 0) {
        state->known = false;
        return error;
    }
    vagus_put(collector, COUNT, 0, (double)sum.processes);
    vagus_put(collector, THREADS, 0, (double)sum.threads);
    vagus_put(collector, CPU_TIME, 0, (double)sum.cpu_ns / 1e9);
    if (state->known && now_ns > state->sampled_ns)
        vagus_put(collector, CPU_CORES, 0,
                  (double)(sum.cpu_ns - state->cpu_ns) / (double)(now_ns - state->sampled_ns));
    if (sum.resident_error == 0)
        vagus_put(collector, MEMORY, 0, (double)sum.resident_bytes);
    else
        vagus_put_missing(collector, MEMORY, 0, sum.resident_error);
    vagus_put(collector, ESCAPED, 0, (double)sum.escaped);
    vagus_put(collector, UNSEEN, 0, (double)sum.unseen);
    state->known = true;
    state->cpu_ns = sum.cpu_ns;
    state->sampled_ns = now_ns;
    return 0;
}

static void close_tree(struct vagus_collector *collector)
{
    struct state *state = vagus_collector_state(collector);
    host_tree_destroy(state->tree);
}

extern const struct vagus_collector_desc vagus__collector_process_tree;
const struct vagus_collector_desc vagus__collector_process_tree = {
    .size = sizeof(struct vagus_collector_desc),
    .name = "process_tree",
    .help = "CPU and memory of the process and all that it started",
    .flags = VAGUS_COLLECTOR_BLOCKING,
    .metrics = table,
    .metric_count = METRIC_COUNT,
    .state_size = sizeof(struct state),
    .open = open_tree,
    .sample = take_sample,
    .close = close_tree,
};
