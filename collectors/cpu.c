/* SPDX-License-Identifier: Apache-2.0 */
/* cpu: how busy the host is, and what share of its allowance the process uses. */
#include <math.h>

#include "host/cgroup.h"
#include "host/procfs.h"
#include "host/statgrab.h"
#include "vagus/collector.h"

enum {
    SYSTEM_UTILIZATION,
    LOAD_1M,
    PROCESS_TIME,
    PROCESS_CORES,
    PROCESS_UTILIZATION,
    ALLOWANCE,
    METRIC_COUNT,
};

static const struct vagus_metric_desc table[METRIC_COUNT] = {
    [SYSTEM_UTILIZATION] = {.name = "system.cpu.utilization",
                            .unit = "1",
                            .help = "share of the host's CPU time not idle or waiting for I/O",
                            .resource = "cpu",
                            .kind = VAGUS_GAUGE,
                            .tier = VAGUS_TIER_1S,
                            .max = 1,
                            .resolution = 0.001},
    [LOAD_1M] = {.name = "system.cpu.load_average.1m",
                 .unit = "{thread}",
                 .help = "load average over a minute",
                 .resource = "cpu",
                 .kind = VAGUS_GAUGE,
                 .tier = VAGUS_TIER_1S,
                 .resolution = 0.01},
    [PROCESS_TIME] = {.name = "process.cpu.time",
                      .unit = "s",
                      .help = "CPU time of this process, user and system",
                      .resource = "cpu",
                      .kind = VAGUS_COUNTER,
                      .tier = VAGUS_TIER_1S,
                      .resolution = 1e-6},
    [PROCESS_CORES] = {.name = "process.cpu.cores",
                       .unit = "{cpu}",
                       .help = "cores that this process kept busy since the sample before",
                       .resource = "cpu",
                       .kind = VAGUS_GAUGE,
                       .tier = VAGUS_TIER_1S,
                       .resolution = 0.001},
    [PROCESS_UTILIZATION] = {.name = "process.cpu.utilization",
                             .unit = "1",
                             .help = "the same as a share of the allowance",
                             .resource = "cpu",
                             .kind = VAGUS_GAUGE,
                             .tier = VAGUS_TIER_1S,
                             .resolution = 0.001},
    [ALLOWANCE] = {.name = "cpu.allowance",
                   .unit = "{cpu}",
                   .help = "cores that this process may use, by affinity and cgroup quotas",
                   .resource = "cpu",
                   .kind = VAGUS_GAUGE,
                   .tier = VAGUS_TIER_10S,
                   .resolution = 0.001},
};

struct state {
    bool host_known, process_known, allowance_read;
    bool pinned; /* threads were seen to run beyond the main thread's affinity */
    int allowance_error;
    double allowance_cores, affinity_cores;
    struct host_cpu_times host_before;
    uint64_t process_before_ns;
    int64_t sampled_ns;
};

/* The kernel takes time back now and then, from iowait above all: that is no time. */
static uint64_t grown(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0;
}

static void sample_host(struct vagus_collector *collector, struct state *state)
{
    struct host_cpu_times now;
    int error = host_cpu_times(vagus_collector_arg(collector), &now);
    if (error != 0) {
        vagus_put_missing(collector, SYSTEM_UTILIZATION, 0, error);
        state->host_known = false;
        return;
    }
    const struct host_cpu_times *before = &state->host_before;
    /* As doubles: damaged text may hold numbers whose sum would wrap. */
    double busy = (double)grown(now.user, before->user) + (double)grown(now.nice, before->nice) +
                  (double)grown(now.system, before->system) + (double)grown(now.irq, before->irq) +
                  (double)grown(now.softirq, before->softirq) +
                  (double)grown(now.steal, before->steal);
    double idle = (double)grown(now.idle, before->idle) + (double)grown(now.iowait, before->iowait);
    if (state->host_known && busy + idle > 0)
        vagus_put(collector, SYSTEM_UTILIZATION, 0, busy / (busy + idle));
    state->host_before = now;
    state->host_known = true;
}

static void sample_allowance(struct vagus_collector *collector, struct state *state)
{
    struct host *host = vagus_collector_arg(collector);
    uint64_t cpus = 0;
    double quota = INFINITY;
    int affinity_error = state->pinned ? host_cpus(host, &cpus) : host_affinity(host, &cpus);
    int quota_error = host_cgroup_cpu_quota(host, &quota);
    state->allowance_read = true;
    /* Where there is no quota to be read there is none; one that cannot be read is unknown. */
    if (quota_error != 0 && quota_error != VAGUS_EUNSUPPORTED)
        state->allowance_error = quota_error;
    else
        state->allowance_error =
            isinf(quota) || affinity_error != VAGUS_EUNSUPPORTED ? affinity_error : 0;
    state->affinity_cores = affinity_error == 0 ? (double)cpus : INFINITY;
    state->allowance_cores = affinity_error == 0 ? fmin((double)cpus, quota) : quota;
}

static void sample_process(struct vagus_collector *collector, struct state *state)
{
    uint64_t cpu_ns;
    int64_t now_ns = vagus_collector_now_ns(collector);
    int error = host_process_cpu_ns(vagus_collector_arg(collector), &cpu_ns);
    if (error != 0) {
        vagus_put_missing(collector, PROCESS_TIME, 0, error);
        vagus_put_missing(collector, PROCESS_CORES, 0, error);
        vagus_put_missing(collector, PROCESS_UTILIZATION, 0, error);
        state->process_known = false;
        return;
    }
    vagus_put(collector, PROCESS_TIME, 0, (double)cpu_ns / 1e9);
    if (state->process_known && now_ns > state->sampled_ns) {
        double cores =
            (double)grown(cpu_ns, state->process_before_ns) / (double)(now_ns - state->sampled_ns);
        vagus_put(collector, PROCESS_CORES, 0, cores);
        /* The affinity is the main thread's, which OpenMP and its like pin to one core. What is
         * seen to be used beyond it was allowed. */
        if (!state->pinned && state->allowance_error == 0 &&
            cores > state->affinity_cores * 1.05 + 0.05) {
            state->pinned = true;
            sample_allowance(collector, state);
        }
        if (state->allowance_error != 0)
            vagus_put_missing(collector, PROCESS_UTILIZATION, 0, state->allowance_error);
        else if (state->allowance_cores > 0)
            vagus_put(collector, PROCESS_UTILIZATION, 0, cores / state->allowance_cores);
    }
    state->process_before_ns = cpu_ns;
    state->sampled_ns = now_ns;
    state->process_known = true;
}

static int take_sample(struct vagus_collector *collector, unsigned due)
{
    struct state *state = vagus_collector_state(collector);
    if (!state->allowance_read || (due & 1u << VAGUS_TIER_10S) != 0)
        sample_allowance(collector, state);
    if ((due & 1u << VAGUS_TIER_10S) != 0) {
        if (state->allowance_error == 0)
            vagus_put(collector, ALLOWANCE, 0, state->allowance_cores);
        else
            vagus_put_missing(collector, ALLOWANCE, 0, state->allowance_error);
    }
    if ((due & 1u << VAGUS_TIER_1S) != 0) {
        double load;
        int error = host_load(vagus_collector_arg(collector), &load);
        if (error == 0)
            vagus_put(collector, LOAD_1M, 0, load);
        else
            vagus_put_missing(collector, LOAD_1M, 0, error);
        sample_host(collector, state);
        sample_process(collector, state);
    }
    return 0;
}

extern const struct vagus_collector_desc vagus__collector_cpu;
const struct vagus_collector_desc vagus__collector_cpu = {
    .size = sizeof(struct vagus_collector_desc),
    .name = "cpu",
    .help = "how busy the host is, and the process's share of its allowance",
    .metrics = table,
    .metric_count = METRIC_COUNT,
    .state_size = sizeof(struct state),
    .sample = take_sample,
};
