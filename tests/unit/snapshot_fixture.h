/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots made by hand, all times counted from one fixed moment. */
#ifndef TESTS_UNIT_SNAPSHOT_FIXTURE_H
#define TESTS_UNIT_SNAPSHOT_FIXTURE_H

#include <string.h>

#include "vagus/snapshot_view.h"

#define NOW_NS (100000 * VAGUS_SECOND_NS)
#define MIB (1024.0 * 1024.0)

static struct vagus_system_snapshot s;

static inline struct vagus_reading taken(double value)
{
    return (struct vagus_reading){.value = value,
                                  .taken_ns = NOW_NS - VAGUS_SECOND_NS / 10,
                                  .good_until_ns = NOW_NS + 3 * VAGUS_SECOND_NS};
}

static inline struct vagus_reading stale(double value)
{
    return (struct vagus_reading){.value = value,
                                  .taken_ns = NOW_NS - 12 * VAGUS_SECOND_NS,
                                  .good_until_ns = NOW_NS - 9 * VAGUS_SECOND_NS};
}

static inline struct vagus_reading failed(int error)
{
    return (struct vagus_reading){.error = error};
}

/* A monitor that has nothing to complain about. */
static inline void make_calm(void)
{
    memset(&s, 0, sizeof(s));
    s.size = sizeof(s);
    s.version = VAGUS_SNAPSHOT_VERSION;
    s.sequence = 37801;
    s.published_ns = NOW_NS - VAGUS_SECOND_NS / 20;
    s.good_until_ns = NOW_NS + VAGUS_SECOND_NS;
    s.wall_ns = INT64_C(1800000000) * VAGUS_SECOND_NS;
    s.started_ns = NOW_NS - 3780 * VAGUS_SECOND_NS;
    s.judged = VAGUS_VERDICT_OK;
    s.mode.count = 5;
    s.mode.since_ns = s.started_ns;
    strcpy(s.mode.name, "normal");
    s.cpu.utilization = taken(0.354);
    s.cpu.process_cores = taken(0.24);
    s.cpu.allowance_cores = taken(2);
    s.cpu.load_1m = taken(0.81);
    s.cpu.temperature = failed(VAGUS_EUNSUPPORTED);
    s.memory.limit = taken(256 * MIB);
    s.memory.headroom = taken(99.8 * MIB);
    s.memory.headroom_ratio = taken(0.39);
    s.memory.swap_total = taken(0);
    s.network.receive_rate = taken(123456);
    s.process.threads = taken(7);
    s.process.uptime = taken(3779.9);
    s.agent.tokens = (struct vagus_snapshot_count){taken(51234), taken(4000), failed(VAGUS_EAGAIN)};
    s.agent.cost.total = taken(1234567);
    s.agent.llm_p50 = taken(0.82);
    s.agent.progress_age = taken(4);
    s.continuity = (struct vagus_snapshot_continuity){.last_end = VAGUS_END_SIGNAL,
                                                      .end_signal = 11,
                                                      .starts = 7,
                                                      .deaths = 2,
                                                      .online_s = 86400};
    s.monitor.cpu_ratio = taken(0.0007);
    s.monitor.ticks = 37801;
    s.monitor.metrics = 31;
    s.gpu_count = 1;
    strcpy(s.gpus[0].device, "0");
    s.gpus[0].memory_free = taken(20480 * MIB);
    s.gpus[0].power = taken(61.5);
    s.path_count = 2;
    strcpy(s.paths[0].path, "/tmp");
    strcpy(s.paths[1].path, "/var/lib/\x1b[31mresearcher");
    s.paths[0].free = taken(4096 * MIB);
    s.paths[1].free = taken(512 * MIB);
    s.paths[1].writable = taken(1);
    s.budget_count = 1;
    strcpy(s.budgets[0].name, "tokens-hour");
    strcpy(s.budgets[0].unit, "{token}");
    strcpy(s.budgets[0].resource, "tokens");
    s.budgets[0].window_ns = 3600 * VAGUS_SECOND_NS;
    s.budgets[0].status =
        (struct vagus_budget_status){.limit = 200000, .left = 150000, .used = 50000, .known = 1};
    s.budgets[0].exhausted_in = taken(__builtin_inf());
    s.forecast_count = 1;
    strcpy(s.forecasts[0].rule, "disk-fills");
    strcpy(s.forecasts[0].metric, "disk.free");
    strcpy(s.forecasts[0].instance, "/var/lib/\x1b[31mresearcher");
    s.forecasts[0].exhausted_in = taken(86400);
    s.metric_count = 1;
    strcpy(s.metrics[0].name, "agent.tool.calls");
    strcpy(s.metrics[0].label, "tool");
    strcpy(s.metrics[0].instance, "browser");
    strcpy(s.metrics[0].unit, "{call}");
    s.metrics[0].reading = taken(41);
}

static inline void put_signal(uint32_t kind, double level, double for_s, const char *resource,
                              const char *rule)
{
    struct vagus_snapshot_signal *signal = &s.signals[s.signal_count++];
    *signal = (struct vagus_snapshot_signal){
        .kind = kind, .level = (float)level, .since_ns = NOW_NS - (int64_t)(for_s * 1e9)};
    strcpy(signal->resource, resource);
    strcpy(signal->rule, rule);
}

/* Memory is short, a budget and a path run out, and something is not felt. */
static inline void make_bad(void)
{
    make_calm();
    s.judged = VAGUS_VERDICT_DEGRADED;
    put_signal(VAGUS_DEFER, 0.27, 8, "memory", "memory-headroom");
    put_signal(VAGUS_THROTTLE, 0.82, 72.3, "memory", "memory-headroom");
    strcpy(s.signals[0].reason, "memory.headroom.ratio 8.1 % is below 10 %");
    strcpy(s.mode.name, "degraded");
    strcpy(s.mode.before, "alert");
    s.mode.index = 2;
    s.mode.since_ns = NOW_NS - 6 * VAGUS_SECOND_NS;
    s.memory.headroom = taken(20.7 * MIB);
    s.cpu.utilization = stale(0.4);
    s.paths[0].free = failed(VAGUS_EIO);
    s.budgets[0].status.left = 12000;
    s.budgets[0].exhausted_in = taken(250);
    s.forecasts[0].exhausted_in = taken(1205);
    s.monitor.failed_collectors = 1;
}

#endif
