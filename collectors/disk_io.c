/* SPDX-License-Identifier: Apache-2.0 */
/* disk_io: how busy the devices behind the watched paths are, and what this process reads and
 * writes. Which devices these are the sense disk finds out, since that may block. Paths on the same
 * device share an instance. */
#include "host/counters.h"
#include "host/devices.h"
#include "host/paths.h"
#include "vagus/collector.h"

enum {
    READ_BYTES,
    WRITE_BYTES,
    READS,
    WRITES,
    READ_TIME,
    WRITE_TIME,
    IO_TIME,
    READ_LATENCY,
    WRITE_LATENCY,
    QUEUE,
    UTILIZATION,
    PROCESS_READ,
    PROCESS_WRITE,
    METRIC_COUNT,
};

static const struct vagus_metric_desc table[METRIC_COUNT] = {
    [READ_BYTES] = {.name = "system.disk.io.read",
                    .instance = "*",
                    .label = "device",
                    .unit = "By",
                    .help = "bytes read from the device",
                    .resource = "disk",
                    .kind = VAGUS_COUNTER,
                    .tier = VAGUS_TIER_10S,
                    .resolution = 512},
    [WRITE_BYTES] = {.name = "system.disk.io.write",
                     .instance = "*",
                     .label = "device",
                     .unit = "By",
                     .help = "bytes written to it",
                     .resource = "disk",
                     .kind = VAGUS_COUNTER,
                     .tier = VAGUS_TIER_10S,
                     .resolution = 512},
    [READS] = {.name = "system.disk.operations.read",
               .instance = "*",
               .label = "device",
               .unit = "{operation}",
               .help = "reads that it completed",
               .resource = "disk",
               .kind = VAGUS_COUNTER,
               .tier = VAGUS_TIER_10S,
               .resolution = 1},
    [WRITES] = {.name = "system.disk.operations.write",
                .instance = "*",
                .label = "device",
                .unit = "{operation}",
                .help = "writes that it completed",
                .resource = "disk",
                .kind = VAGUS_COUNTER,
                .tier = VAGUS_TIER_10S,
                .resolution = 1},
    [READ_TIME] = {.name = "system.disk.operation_time.read",
                   .instance = "*",
                   .label = "device",
                   .unit = "s",
                   .help = "what its reads took, added up",
                   .resource = "disk",
                   .kind = VAGUS_COUNTER,
                   .tier = VAGUS_TIER_10S,
                   .resolution = 0.001},
    [WRITE_TIME] = {.name = "system.disk.operation_time.write",
                    .instance = "*",
                    .label = "device",
                    .unit = "s",
                    .help = "what its writes took, added up",
                    .resource = "disk",
                    .kind = VAGUS_COUNTER,
                    .tier = VAGUS_TIER_10S,
                    .resolution = 0.001},
    [IO_TIME] = {.name = "system.disk.io_time",
                 .instance = "*",
                 .label = "device",
                 .unit = "s",
                 .help = "how long it was busy",
                 .resource = "disk",
                 .kind = VAGUS_COUNTER,
                 .tier = VAGUS_TIER_10S,
                 .resolution = 0.001},
    [READ_LATENCY] = {.name = "disk.io.latency.read",
                      .instance = "*",
                      .label = "device",
                      .unit = "s",
                      .help = "what a read took since the sample before; none was read: no value",
                      .kind = VAGUS_GAUGE,
                      .tier = VAGUS_TIER_1S,
                      .resolution = 0.0001},
    [WRITE_LATENCY] = {.name = "disk.io.latency.write",
                       .instance = "*",
                       .label = "device",
                       .unit = "s",
                       .help = "the same of a write",
                       .kind = VAGUS_GAUGE,
                       .tier = VAGUS_TIER_1S,
                       .resolution = 0.0001},
    [QUEUE] = {.name = "disk.io.queue",
               .instance = "*",
               .label = "device",
               .unit = "{operation}",
               .help = "operations in flight, on average since the sample before",
               .kind = VAGUS_GAUGE,
               .tier = VAGUS_TIER_1S,
               .resolution = 0.01},
    [UTILIZATION] = {.name = "disk.io.utilization",
                     .instance = "*",
                     .label = "device",
                     .unit = "1",
                     .help = "share of the time since then in which it had anything to do",
                     .kind = VAGUS_GAUGE,
                     .tier = VAGUS_TIER_1S,
                     .max = 1,
                     .resolution = 0.001},
    [PROCESS_READ] = {.name = "process.disk.io.read",
                      .unit = "By",
                      .help = "bytes that this process had read from devices",
                      .resource = "disk",
                      .kind = VAGUS_COUNTER,
                      .tier = VAGUS_TIER_10S,
                      .resolution = 512},
    [PROCESS_WRITE] = {.name = "process.disk.io.write",
                       .unit = "By",
                       .help = "bytes that this process had written to devices",
                       .resource = "disk",
                       .kind = VAGUS_COUNTER,
                       .tier = VAGUS_TIER_10S,
                       .resolution = 512},
};

#define DEVICES_MAX 16

struct known_device {
    struct host_device device;
    size_t instance;
    int64_t sampled_ns; /* 0: never */
    struct host_counter counters[HOST_DEVICE_COUNTS];
};

struct state {
    size_t count;
    struct known_device devices[DEVICES_MAX];
};

static bool same(struct host_device a, struct host_device b)
{
    return a.major == b.major && a.minor == b.minor;
}

/* NULL if there is no room for one more. */
static struct known_device *know(struct vagus_collector *collector, struct host *host, size_t path,
                                 struct host_device device)
{
    struct state *state = vagus_collector_state(collector);
    char name[HOST_DEVICE_NAME_MAX];
    for (size_t i = 0; i < state->count; i++)
        if (same(state->devices[i].device, device))
            return &state->devices[i];
    if (state->count == DEVICES_MAX)
        return NULL;
    host_device_name(host, path, name);
    int instance = vagus_collector_instance_add(collector, name);
    if (instance < 0)
        return NULL;
    struct known_device *added = &state->devices[state->count++];
    *added = (struct known_device){.device = device, .instance = (size_t)instance};
    return added;
}

static void put_totals(struct vagus_collector *collector, const struct known_device *device)
{
    static const struct {
        size_t metric;
        enum host_device_count count;
        double unit;
    } totals[] = {{READ_BYTES, HOST_DEVICE_READ_SECTORS, HOST_SECTOR_BYTES},
                  {WRITE_BYTES, HOST_DEVICE_WRITE_SECTORS, HOST_SECTOR_BYTES},
                  {READS, HOST_DEVICE_READS, 1},
                  {WRITES, HOST_DEVICE_WRITES, 1},
                  {READ_TIME, HOST_DEVICE_READ_MS, 1e-3},
                  {WRITE_TIME, HOST_DEVICE_WRITE_MS, 1e-3},
                  {IO_TIME, HOST_DEVICE_BUSY_MS, 1e-3}};
    for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++)
        vagus_put(collector, totals[i].metric, device->instance,
                  (double)device->counters[totals[i].count].total * totals[i].unit);
}

/* A device that did nothing has no latency: that is not known, not nothing. */
static void put_latency(struct vagus_collector *collector, size_t metric,
                        const struct known_device *device, const struct host_counter *operations,
                        const struct host_counter *ms)
{
    if (operations->grown > 0)
        vagus_put(collector, metric, device->instance,
                  (double)ms->grown / 1e3 / (double)operations->grown);
}

static void put_load(struct vagus_collector *collector, const struct known_device *device,
                     int64_t span_ns)
{
    const struct host_counter *c = device->counters;
    double span_ms = (double)span_ns / 1e6;
    /* Ticks of the kernel's clock are attributed to one side of the sample or the other. */
    double busy = (double)c[HOST_DEVICE_BUSY_MS].grown / span_ms;
    put_latency(collector, READ_LATENCY, device, &c[HOST_DEVICE_READS], &c[HOST_DEVICE_READ_MS]);
    put_latency(collector, WRITE_LATENCY, device, &c[HOST_DEVICE_WRITES], &c[HOST_DEVICE_WRITE_MS]);
    vagus_put(collector, QUEUE, device->instance, (double)c[HOST_DEVICE_QUEUE_MS].grown / span_ms);
    vagus_put(collector, UTILIZATION, device->instance, busy < 1 ? busy : 1);
}

static void put_missing(struct vagus_collector *collector, const struct known_device *device,
                        unsigned due, int error)
{
    for (size_t metric = 0; metric < PROCESS_READ; metric++)
        if ((due & 1u << table[metric].tier) != 0)
            vagus_put_missing(collector, metric, device->instance, error);
}

static void sample_device(struct vagus_collector *collector, struct host *host, size_t path,
                          struct known_device *device, unsigned due)
{
    struct host_device_statistics now;
    int error = host_device_statistics(host, path, &now);
    if (error != 0) {
        put_missing(collector, device, due, error);
        return;
    }
    int64_t now_ns = vagus_collector_now_ns(collector), before_ns = device->sampled_ns;
    bool span_known =
        host_counters_take(device->counters, now.counts, HOST_DEVICE_COUNTS, before_ns != 0);
    device->sampled_ns = now_ns;
    if ((due & 1u << VAGUS_TIER_10S) != 0 || before_ns == 0)
        put_totals(collector, device);
    if ((due & 1u << VAGUS_TIER_1S) != 0 && span_known && now_ns > before_ns)
        put_load(collector, device, now_ns - before_ns);
}

static bool was_before(const struct host *host, size_t path, struct host_device device)
{
    struct host_device other;
    for (size_t i = 0; i < path; i++)
        if (host_path_device(host, i, &other) == 0 && same(other, device))
            return true;
    return false;
}

static void sample_process(struct vagus_collector *collector, struct host *host)
{
    struct host_process_io io;
    int error = host_process_io(host, &io);
    if (error == 0) {
        vagus_put(collector, PROCESS_READ, 0, (double)io.read_bytes);
        vagus_put(collector, PROCESS_WRITE, 0, (double)io.written_bytes);
    } else {
        vagus_put_missing(collector, PROCESS_READ, 0, error);
        vagus_put_missing(collector, PROCESS_WRITE, 0, error);
    }
}

static int take_sample(struct vagus_collector *collector, unsigned due)
{
    struct host *host = vagus_collector_arg(collector);
    struct host_device device;
    for (size_t i = 0; i < host_path_count(host); i++) {
        if (host_path_device(host, i, &device) != 0 || was_before(host, i, device))
            continue;
        struct known_device *known = know(collector, host, i, device);
        if (known != NULL)
            sample_device(collector, host, i, known, due);
    }
    if ((due & 1u << VAGUS_TIER_10S) != 0)
        sample_process(collector, host);
    return 0;
}

extern const struct vagus_collector_desc vagus__collector_disk_io;
const struct vagus_collector_desc vagus__collector_disk_io = {
    .size = sizeof(struct vagus_collector_desc),
    .name = "disk_io",
    .help = "load of the devices behind the watched paths, and this process's own",
    .instances_max = DEVICES_MAX,
    .metrics = table,
    .metric_count = METRIC_COUNT,
    .state_size = sizeof(struct state),
    .sample = take_sample,
};
