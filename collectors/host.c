/* SPDX-License-Identifier: Apache-2.0 */
/* host: which system this is, and how many threads and processes it has. */
#include <stdio.h>

#include "host/statgrab.h"
#include "host/tasks.h"
#include "vagus/collector.h"

enum { INFO, RUNNABLE, THREADS, CREATED, BLOCKED, METRIC_COUNT };

static const struct vagus_metric_desc table[METRIC_COUNT] = {
    [INFO] = {.name = "host.info",
              .instance = "*",
              .label = "system",
              .help = "1; the instance names the system and its release",
              .resource = "host",
              .kind = VAGUS_GAUGE,
              .tier = VAGUS_TIER_60S,
              .resolution = 1},
    [RUNNABLE] = {.name = "system.linux.thread.runnable",
                  .unit = "{thread}",
                  .help = "threads of the host that run or could",
                  .resource = "cpu",
                  .kind = VAGUS_GAUGE,
                  .tier = VAGUS_TIER_10S,
                  .resolution = 1},
    [THREADS] = {.name = "system.linux.thread.count",
                 .unit = "{thread}",
                 .help = "threads of the host, the kernel's own included",
                 .resource = "cpu",
                 .kind = VAGUS_GAUGE,
                 .tier = VAGUS_TIER_10S,
                 .resolution = 1},
    [CREATED] = {.name = "system.process.created",
                 .unit = "{process}",
                 .help = "processes and threads made since boot",
                 .resource = "cpu",
                 .kind = VAGUS_COUNTER,
                 .tier = VAGUS_TIER_60S,
                 .resolution = 1},
    [BLOCKED] = {.name = "system.linux.thread.blocked",
                 .unit = "{thread}",
                 .help = "threads of the host that wait for a disk",
                 .resource = "disk",
                 .kind = VAGUS_GAUGE,
                 .tier = VAGUS_TIER_60S,
                 .resolution = 1},
};

static int open_host(struct vagus_collector *collector)
{
    struct host_identity identity;
    char system[VAGUS_INSTANCE_MAX];
    if (host_identity(vagus_collector_arg(collector), &identity) != 0)
        return 0; /* the counts may be there all the same */
    snprintf(system, sizeof(system), "%.20s %.40s", identity.os, identity.release);
    int instance = vagus_collector_instance_add(collector, system);
    return instance < 0 && instance != VAGUS_EUNSUPPORTED ? instance : 0;
}

static int take_sample(struct vagus_collector *collector, unsigned due)
{
    struct host *host = vagus_collector_arg(collector);
    if ((due & 1u << VAGUS_TIER_10S) != 0) {
        struct host_tasks tasks = {0};
        int error = host_tasks(host, &tasks);
        vagus_put_result(collector, RUNNABLE, 0, error, (double)tasks.runnable);
        vagus_put_result(collector, THREADS, 0, error, (double)tasks.threads);
    }
    if ((due & 1u << VAGUS_TIER_60S) != 0) {
        struct host_births births = {0};
        int error = host_births(host, &births);
        vagus_put(collector, INFO, 0, 1); /* harmless where the system has no name */
        vagus_put_result(collector, CREATED, 0, error, (double)births.created);
        vagus_put_result(collector, BLOCKED, 0, error, (double)births.blocked);
    }
    return 0;
}

extern const struct vagus_collector_desc vagus__collector_host;
const struct vagus_collector_desc vagus__collector_host = {
    .size = sizeof(struct vagus_collector_desc),
    .name = "host",
    .help = "which system this is, its threads and processes",
    .metrics = table,
    .metric_count = METRIC_COUNT,
    .open = open_host,
    .sample = take_sample,
};
