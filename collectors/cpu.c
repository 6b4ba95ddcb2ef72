/* SPDX-License-Identifier: Apache-2.0 */
/* cpu: how busy the host is and at what, what share of its allowance the process uses, and whether
 * its quota holds it back. */
#include <math.h>

#include "host/cgroup_levels.h"
#include "host/procfs.h"
#include "host/statgrab.h"
#include "vagus/collector.h"

#define PASSED_TO_JUDGE_NS (VAGUS_SECOND_NS / 10)

enum {
    SYSTEM_UTILIZATION,
    LOAD_1M,
    PROCESS_TIME,
    PROCESS_CORES,
    PROCESS_UTILIZATION,
    ALLOWANCE,
    THROTTLED_PERIODS,
    THROTTLED_TIME,
    THROTTLED_RATIO,
    MODES,
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
    [THROTTLED_PERIODS] = {.name = "cpu.throttled.periods",
                           .unit = "{period}",
                           .help = "periods in which the cgroup's CPU quota was used up",
                           .resource = "cpu",
                           .kind = VAGUS_COUNTER,
                           .tier = VAGUS_TIER_1S,
                           .resolution = 1},
    [THROTTLED_TIME] = {.name = "cpu.throttled.time",
                        .unit = "s",
                        .help = "how long the cgroup's tasks were held back, of all CPUs",
                        .resource = "cpu",
                        .kind = VAGUS_COUNTER,
                        .tier = VAGUS_TIER_1S,
                        .resolution = 1e-6},
    [THROTTLED_RATIO] = {.name = "cpu.throttled.ratio",
                         .unit = "1",
                         .help = "share of periods so since the sample before; 0 without a quota",
                         .resource = "cpu",
                         .kind = VAGUS_GAUGE,
                         .tier = VAGUS_TIER_1S,
                         .max = 1,
                         .resolution = 0.001},
    [MODES] = {.name = "system.cpu.mode.utilization",
               .instance = "*",
               .label = "mode",
               .unit = "1",
               .help = "share of the host's CPU time in one mode since 10 s before",
               .resource = "cpu",
               .kind = VAGUS_GAUGE,
               .tier = VAGUS_TIER_10S,
               .max = 1,
               .resolution = 0.001},
};

struct state {
    bool process_known, allowance_read;
    bool pinned; /* threads were seen to run beyond the main thread's affinity */
    int allowance_error;
    double allowance_cores, affinity_cores;
    struct host_cpu_times host_before, modes_before; /* of 1 s and of 10 s ago */
    bool throttling_known;
    struct host_cgroup_throttling throttling_before;
    uint64_t process_before_ns;
    int64_t sampled_ns;
};

/* The kernel takes time back now and then, from iowait above all: that is no time. */
static uint64_t grown(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0;
}

/* Its instances, in the order of the kernel's columns, which is that of the shares. */
static int add_modes(struct vagus_collector *collector)
{
    static const char *const modes[HOST_CPU_STATES] = {"user",   "nice", "system",  "idle",
                                                       "iowait", "irq",  "softirq", "steal"};
    int last = 0;
    for (unsigned i = 0; last >= 0 && i < HOST_CPU_STATES; i++)
        last = vagus_collector_instance_add(collector, modes[i]);
    return last < 0 ? last : 0;
}

static void sample_modes(struct vagus_collector *collector, struct state *state, int error,
                         const struct host_cpu_times *now)
{
    double shares[HOST_CPU_STATES];
    bool known = error == 0 && state->modes_before.told != 0 &&
                 host_cpu_shares(&state->modes_before, now, shares);
    for (unsigned i = 0; i < HOST_CPU_STATES; i++) {
        if (error != 0 || i >= now->told)
            vagus_put_missing(collector, MODES, i, error != 0 ? error : VAGUS_EUNSUPPORTED);
        else if (known)
            vagus_put(collector, MODES, i, shares[i]);
    }
    state->modes_before = error == 0 ? *now : (struct host_cpu_times){0};
}

static void sample_host(struct vagus_collector *collector, struct state *state, unsigned due)
{
    struct host_cpu_times now;
    double busy;
    int error = host_cpu_times(vagus_collector_arg(collector), &now);
    if ((due & 1u << VAGUS_TIER_10S) != 0)
        sample_modes(collector, state, error, &now);
    if ((due & 1u << VAGUS_TIER_1S) == 0)
        return;
    if (error != 0)
        vagus_put_missing(collector, SYSTEM_UTILIZATION, 0, error);
    else if (state->host_before.told != 0 && host_cpu_busy(&state->host_before, &now, &busy))
        vagus_put(collector, SYSTEM_UTILIZATION, 0, busy);
    state->host_before = error == 0 ? now : (struct host_cpu_times){0};
}

static void sample_throttling(struct vagus_collector *collector, struct state *state)
{
    struct host_cgroup_throttling now, *before = &state->throttling_before;
    int error = host_cgroup_throttling(vagus_collector_arg(collector), &now);
    if (error != 0) {
        for (size_t metric = THROTTLED_PERIODS; metric <= THROTTLED_RATIO; metric++)
            vagus_put_missing(collector, metric, 0, error);
        state->throttling_known = false;
        return;
    }
    vagus_put(collector, THROTTLED_PERIODS, 0, (double)now.throttled_periods);
    vagus_put(collector, THROTTLED_TIME, 0, (double)now.throttled_ns / 1e9);
    if (state->throttling_known && now.source == before->source && now.periods >= before->periods) {
        double periods = (double)(now.periods - before->periods);
        double throttled = (double)grown(now.throttled_periods, before->throttled_periods);
        vagus_put(collector, THROTTLED_RATIO, 0, periods > 0 ? fmin(throttled / periods, 1) : 0);
    }
    *before = now;
    state->throttling_known = true;
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
        int64_t passed_ns = now_ns - state->sampled_ns;
        double cores = (double)grown(cpu_ns, state->process_before_ns) / (double)passed_ns;
        vagus_put(collector, PROCESS_CORES, 0, cores);
        /* The affinity is the main thread's, which OpenMP and its like pin to one core. What is
         * seen to be used beyond it was allowed; but the two clocks are read one after the other,
         * so a short span tells nothing. */
        if (!state->pinned && state->allowance_error == 0 && passed_ns > PASSED_TO_JUDGE_NS &&
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
        vagus_put_result(collector, LOAD_1M, 0, error, load);
        sample_process(collector, state);
        sample_throttling(collector, state);
    }
    if ((due & (1u << VAGUS_TIER_1S | 1u << VAGUS_TIER_10S)) != 0)
        sample_host(collector, state, due);
    return 0;
}

extern const struct vagus_collector_desc vagus__collector_cpu;
const struct vagus_collector_desc vagus__collector_cpu = {
    .size = sizeof(struct vagus_collector_desc),
    .name = "cpu",
    .help = "how busy the host is, and the process's share of its allowance",
    .instances_max = HOST_CPU_STATES,
    .metrics = table,
    .metric_count = METRIC_COUNT,
    .state_size = sizeof(struct state),
    .open = add_modes,
    .sample = take_sample,
};
