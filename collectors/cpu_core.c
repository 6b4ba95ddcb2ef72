/* SPDX-License-Identifier: Apache-2.0 */
/* cpu_core: how busy each CPU of the host is. On demand: it reads nothing unless the policy says
 * watch: {cores: true}. */
#include <stdio.h>

#include "host/procfs.h"
#include "vagus/collector.h"

enum { UTILIZATION, METRIC_COUNT };

static const struct vagus_metric_desc table[METRIC_COUNT] = {
    [UTILIZATION] = {.name = "system.cpu.core.utilization",
                     .instance = "*",
                     .label = "cpu",
                     .unit = "1",
                     .help = "share of one CPU's time not idle or waiting for I/O",
                     .resource = "cpu",
                     .kind = VAGUS_GAUGE,
                     .tier = VAGUS_TIER_1S,
                     .max = 1,
                     .resolution = 0.001},
};

/* Entry i belongs to instance i. */
struct state {
    size_t count, next; /* CPUs come in ascending order: the next one is most likely this */
    struct core {
        uint64_t cpu;
        struct host_cpu_times before;
    } cores[VAGUS_COLLECTOR_INSTANCES_MAX];
};

static struct core *core_of(struct vagus_collector *collector, uint64_t cpu)
{
    struct state *state = vagus_collector_state(collector);
    char name[24];
    for (size_t i = 0; i < state->count; i++) {
        size_t at = (state->next + i) % state->count;
        if (state->cores[at].cpu != cpu)
            continue;
        state->next = at + 1;
        return &state->cores[at];
    }
    snprintf(name, sizeof(name), "%llu", (unsigned long long)cpu);
    int instance = vagus_collector_instance_add(collector, name);
    if (instance < 0 || (size_t)instance != state->count)
        return NULL; /* more than there can be: the sum of all is the cpu sense's */
    state->cores[state->count].cpu = cpu;
    return &state->cores[state->count++];
}

static void see_core(void *arg, uint64_t cpu, const struct host_cpu_times *now)
{
    struct vagus_collector *collector = arg;
    struct state *state = vagus_collector_state(collector);
    struct core *core = core_of(collector, cpu);
    if (core == NULL)
        return;
    double busy;
    if (core->before.told != 0 && host_cpu_busy(&core->before, now, &busy))
        vagus_put(collector, UTILIZATION, (size_t)(core - state->cores), busy);
    core->before = *now;
}

static int take_sample(struct vagus_collector *collector, unsigned due)
{
    struct host *host = vagus_collector_arg(collector);
    struct state *state = vagus_collector_state(collector);
    (void)due; /* there is but one tier */
    if (!host_per_core(host))
        return 0;
    state->next = 0;
    return host_cpu_times_each(host, see_core, collector);
}

extern const struct vagus_collector_desc vagus__collector_cpu_core;
const struct vagus_collector_desc vagus__collector_cpu_core = {
    .size = sizeof(struct vagus_collector_desc),
    .name = "cpu_core",
    .help = "how busy each CPU is, where the policy asks for it",
    .instances_max = VAGUS_COLLECTOR_INSTANCES_MAX,
    .metrics = table,
    .metric_count = METRIC_COUNT,
    .state_size = sizeof(struct state),
    .sample = take_sample,
};
