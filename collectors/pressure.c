/* SPDX-License-Identifier: Apache-2.0 */
/* pressure: for what share of time tasks stood still for want of a resource, on the host and in the
 * process's own v2 cgroup. A rule on one of these raises signals of the resource that is short. */
#include "host/pressure.h"
#include "vagus/collector.h"

/* Each share comes from how the kernel's total grew since the sample before; the kernel's own
 * average over 10 s follows it in the table. CPU has no "full" of the host: nothing is running
 * then, and the kernel writes 0. IRQ has nothing but "full". */
#define PRESSURES(X)                                                                               \
    X(SYSTEM, CPU, some, "system.pressure.cpu.some", "cpu")                                        \
    X(SYSTEM, MEMORY, some, "system.pressure.memory.some", "memory")                               \
    X(SYSTEM, MEMORY, full, "system.pressure.memory.full", "memory")                               \
    X(SYSTEM, IO, some, "system.pressure.io.some", "disk")                                         \
    X(SYSTEM, IO, full, "system.pressure.io.full", "disk")                                         \
    X(SYSTEM, IRQ, full, "system.pressure.irq.full", "cpu")                                        \
    X(CGROUP, CPU, some, "cgroup.pressure.cpu.some", "cpu")                                        \
    X(CGROUP, CPU, full, "cgroup.pressure.cpu.full", "cpu")                                        \
    X(CGROUP, MEMORY, some, "cgroup.pressure.memory.some", "memory")                               \
    X(CGROUP, MEMORY, full, "cgroup.pressure.memory.full", "memory")                               \
    X(CGROUP, IO, some, "cgroup.pressure.io.some", "disk")                                         \
    X(CGROUP, IO, full, "cgroup.pressure.io.full", "disk")                                         \
    X(CGROUP, IRQ, full, "cgroup.pressure.irq.full", "cpu")

#define HELP_some "share of time in which a task waited for it"
#define HELP_full "share of time in which all that could run waited for it"

static const struct vagus_metric_desc table[] = {
#define METRIC(scope_, kind_, which, name_, resource_)                                             \
    {.name = name_,                                                                                \
     .unit = "1",                                                                                  \
     .help = HELP_##which,                                                                         \
     .resource = resource_,                                                                        \
     .kind = VAGUS_GAUGE,                                                                          \
     .tier = VAGUS_TIER_1S,                                                                        \
     .max = 1,                                                                                     \
     .resolution = 0.0001},                                                                        \
        {.name = name_ ".avg10",                                                                   \
         .unit = "1",                                                                              \
         .help = HELP_##which ", the kernel's average over 10 s",                                  \
         .resource = resource_,                                                                    \
         .kind = VAGUS_GAUGE,                                                                      \
         .tier = VAGUS_TIER_1S,                                                                    \
         .max = 1,                                                                                 \
         .resolution = 0.0001},
    PRESSURES(METRIC)
#undef METRIC
};

enum { METRIC_COUNT = sizeof(table) / sizeof(table[0]), SERIES = METRIC_COUNT / 2 };

static const struct {
    enum host_pressure_scope scope;
    enum host_pressure_kind kind;
    bool full;
} series[SERIES] = {
#define SOME_some false
#define SOME_full true
#define ONE(scope_, kind_, which, name_, resource_)                                                \
    {HOST_PRESSURE_##scope_, HOST_PRESSURE_##kind_, SOME_##which},
    PRESSURES(ONE)
#undef ONE
};

struct state {
    struct {
        bool known;
        unsigned epoch;
        uint64_t total_us;
        int64_t taken_ns;
    } before[SERIES];
};

static void put_stall(struct vagus_collector *collector, size_t i, unsigned epoch,
                      const struct host_stall *stall)
{
    struct state *state = vagus_collector_state(collector);
    int64_t now_ns = vagus_collector_now_ns(collector);
    int64_t passed_ns = now_ns - state->before[i].taken_ns;
    bool known = state->before[i].known && state->before[i].epoch == epoch;
    vagus_put(collector, 2 * i + 1, 0, stall->avg10_ratio);
    if (known && passed_ns > 0 && stall->total_us >= state->before[i].total_us) {
        double share =
            (double)(stall->total_us - state->before[i].total_us) * 1e3 / (double)passed_ns;
        vagus_put(collector, 2 * i, 0, share < 1 ? share : 1); /* read a little after `now` */
    }
    state->before[i].known = true;
    state->before[i].epoch = epoch;
    state->before[i].total_us = stall->total_us;
    state->before[i].taken_ns = now_ns;
}

static int take_sample(struct vagus_collector *collector, unsigned due)
{
    struct host *host = vagus_collector_arg(collector);
    struct state *state = vagus_collector_state(collector);
    struct host_pressure pressure = {0};
    int error = VAGUS_EUNSUPPORTED;
    (void)due; /* there is but one tier */
    for (size_t i = 0; i < SERIES; i++) {
        if (i == 0 || series[i].scope != series[i - 1].scope ||
            series[i].kind != series[i - 1].kind)
            error = host_pressure(host, series[i].scope, series[i].kind, &pressure);
        const struct host_stall *stall = series[i].full ? &pressure.full : &pressure.some;
        int missing = error != 0 ? error : stall->known ? 0 : VAGUS_EUNSUPPORTED;
        if (missing == 0) {
            put_stall(collector, i, pressure.epoch, stall);
            continue;
        }
        state->before[i].known = false;
        vagus_put_missing(collector, 2 * i, 0, missing);
        vagus_put_missing(collector, 2 * i + 1, 0, missing);
    }
    return 0;
}

extern const struct vagus_collector_desc vagus__collector_pressure;
const struct vagus_collector_desc vagus__collector_pressure = {
    .size = sizeof(struct vagus_collector_desc),
    .name = "pressure",
    .help = "how long tasks stand still for want of CPU, memory or I/O",
    .metrics = table,
    .metric_count = METRIC_COUNT,
    .state_size = sizeof(struct state),
    .sample = take_sample,
};
