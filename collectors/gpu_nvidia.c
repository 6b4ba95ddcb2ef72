/* SPDX-License-Identifier: Apache-2.0 */
/* gpu_nvidia: NVIDIA GPUs and their slices (MIG) by the driver's library. The driver may hang in
 * any call, the first one too, so all of it happens in a lane; where there is none, a few looks a
 * minute for the driver's files are all that is done. */
#include <stdio.h>
#include <string.h>

#include "host/nvml.h"
#include "host/place.h"
#include "vagus/collector.h"

#define DUE(due, tier) (((due) & (1u << VAGUS_TIER_##tier)) != 0)
#define RETRY_NS (10 * VAGUS_SECOND_NS)
#define RETRY_MOST_NS (60 * VAGUS_SECOND_NS)       /* while there is no driver to read */
#define RETRY_SOME_MOST_NS (600 * VAGUS_SECOND_NS) /* while other GPUs are read */
#define FAULTS_MOST 64                             /* taken in one sample; the rest in the next */

enum {
    COUNT,
    UNCOUNTED,
    CALL_DURATION,
    CONNECT_DURATION,
    MEMORY_LIMIT,
    MEMORY_USAGE,
    MEMORY_FREE,
    MEMORY_UTILIZATION,
    UTILIZATION,
    THROTTLE_REASONS,
    THROTTLED,
    FAULTS,
    LAST_FAULT,
    POWER,
    POWER_LIMIT,
    ENERGY,
    TEMPERATURE,
    ECC_CORRECTED,
    ECC_UNCORRECTED,
    PROCESS_MEMORY,
    MIG,
    NUMA_NODE,
    PACKAGE,
    METRIC_COUNT,
};

/* One metric for each device. */
#define EACH .instance = "*", .label = "gpu"
/* Whose signals a rule on it raises. */
#define VRAM .resource = "vram"
#define GPU .resource = "gpu"

static const struct vagus_metric_desc table[METRIC_COUNT] = {
    [COUNT] = {.name = "gpu.nvidia.count",
               .unit = "{gpu}",
               .help = "NVIDIA GPUs and slices of them (MIG) that are felt",
               .kind = VAGUS_GAUGE,
               .tier = VAGUS_TIER_10S},
    [UNCOUNTED] = {.name = "gpu.nvidia.uncounted",
                   .unit = "{gpu}",
                   .help = "those for which there is no room",
                   .kind = VAGUS_GAUGE,
                   .tier = VAGUS_TIER_10S},
    [CALL_DURATION] = {.name = "vagus.gpu.call.duration",
                       .unit = "s",
                       .help = "the longest call of NVIDIA's driver in the last 10 s",
                       .kind = VAGUS_GAUGE,
                       .tier = VAGUS_TIER_10S},
    [CONNECT_DURATION] = {.name = "vagus.gpu.connect.duration",
                          .unit = "s",
                          .help = "what loading NVIDIA's library and initialising it took",
                          .kind = VAGUS_GAUGE,
                          .tier = VAGUS_TIER_60S},
    [MEMORY_LIMIT] = {.name = "hw.gpu.memory.limit",
                      EACH,
                      VRAM,
                      .unit = "By",
                      .help = "memory of the GPU",
                      .kind = VAGUS_GAUGE,
                      .tier = VAGUS_TIER_10S},
    [MEMORY_USAGE] = {.name = "hw.gpu.memory.usage",
                      EACH,
                      VRAM,
                      .unit = "By",
                      .help = "memory of the GPU that processes use, whoever they are",
                      .kind = VAGUS_GAUGE,
                      .tier = VAGUS_TIER_1S},
    [MEMORY_FREE] = {.name = "hw.gpu.memory.free",
                     EACH,
                     VRAM,
                     .unit = "By",
                     .help = "memory of the GPU that is free, as the device tells",
                     .kind = VAGUS_GAUGE,
                     .tier = VAGUS_TIER_1S},
    [MEMORY_UTILIZATION] = {.name = "hw.gpu.memory.utilization",
                            EACH,
                            VRAM,
                            .unit = "1",
                            .help = "share of the GPU's memory that is not free",
                            .kind = VAGUS_GAUGE,
                            .tier = VAGUS_TIER_1S,
                            .max = 1,
                            .resolution = 0.0001},
    [UTILIZATION] = {.name = "hw.gpu.utilization",
                     EACH,
                     GPU,
                     .unit = "1",
                     .help = "share of time in which some kernel ran, on however few of its cores",
                     .kind = VAGUS_GAUGE,
                     .tier = VAGUS_TIER_1S,
                     .max = 1,
                     .resolution = 0.01},
    [THROTTLE_REASONS] = {.name = "hw.gpu.throttle.reasons",
                          EACH,
                          GPU,
                          .unit = "{mask}",
                          .help = "why its clocks are not higher: NVML's bits, 1 is idle",
                          .kind = VAGUS_GAUGE,
                          .tier = VAGUS_TIER_1S},
    [THROTTLED] = {.name = "hw.gpu.throttled",
                   EACH,
                   GPU,
                   .unit = "1",
                   .help = "1 while heat or the power brake holds its clocks down",
                   .kind = VAGUS_GAUGE,
                   .tier = VAGUS_TIER_1S,
                   .max = 1},
    [FAULTS] = {.name = "hw.gpu.xid.count",
                EACH,
                GPU,
                .unit = "{fault}",
                .help = "faults (XID) that the driver told since the monitor was started",
                .kind = VAGUS_COUNTER,
                .tier = VAGUS_TIER_1S},
    [LAST_FAULT] = {.name = "hw.gpu.xid.last",
                    EACH,
                    GPU,
                    .unit = "{xid}",
                    .help = "number of the newest of them; 0: there was none",
                    .kind = VAGUS_GAUGE,
                    .tier = VAGUS_TIER_1S},
    [POWER] = {.name = "hw.gpu.power",
               EACH,
               GPU,
               .unit = "W",
               .help = "power that it draws",
               .kind = VAGUS_GAUGE,
               .tier = VAGUS_TIER_10S,
               .resolution = 0.1},
    [POWER_LIMIT] = {.name = "hw.gpu.power.limit",
                     EACH,
                     GPU,
                     .unit = "W",
                     .help = "power that it may draw",
                     .kind = VAGUS_GAUGE,
                     .tier = VAGUS_TIER_60S,
                     .resolution = 0.1},
    [ENERGY] = {.name = "hw.gpu.energy",
                EACH,
                GPU,
                .unit = "J",
                .help = "energy used since the driver was loaded",
                .kind = VAGUS_COUNTER,
                .tier = VAGUS_TIER_10S,
                .resolution = 0.001},
    [TEMPERATURE] = {.name = "hw.gpu.temperature",
                     EACH,
                     GPU,
                     .unit = "Cel",
                     .help = "temperature of its core",
                     .kind = VAGUS_GAUGE,
                     .tier = VAGUS_TIER_10S,
                     .resolution = 0.1},
    [ECC_CORRECTED] = {.name = "hw.gpu.ecc.corrected",
                       EACH,
                       GPU,
                       .unit = "{error}",
                       .help = "memory errors that were corrected, in the device's life",
                       .kind = VAGUS_COUNTER,
                       .tier = VAGUS_TIER_10S},
    [ECC_UNCORRECTED] = {.name = "hw.gpu.ecc.uncorrected",
                         EACH,
                         GPU,
                         .unit = "{error}",
                         .help = "memory errors that were not corrected, in the device's life",
                         .kind = VAGUS_COUNTER,
                         .tier = VAGUS_TIER_10S},
    [PROCESS_MEMORY] = {.name = "process.gpu.memory.usage",
                        EACH,
                        VRAM,
                        .unit = "By",
                        .help = "memory of the GPU that this process uses",
                        .kind = VAGUS_GAUGE,
                        .tier = VAGUS_TIER_10S},
    [MIG] = {.name = "hw.gpu.mig.mode",
             EACH,
             GPU,
             .unit = "1",
             .help = "1 if it is cut into slices, which are instances of their own",
             .kind = VAGUS_GAUGE,
             .tier = VAGUS_TIER_60S,
             .max = 1},
    [NUMA_NODE] = {.name = "hw.gpu.numa_node",
                   EACH,
                   GPU,
                   .unit = "{node}",
                   .help = "number of the NUMA node that it sits at",
                   .kind = VAGUS_GAUGE,
                   .tier = VAGUS_TIER_60S},
    [PACKAGE] = {.name = "hw.gpu.package",
                 EACH,
                 GPU,
                 .unit = "{package}",
                 .help = "number of the CPU package that it sits at",
                 .kind = VAGUS_GAUGE,
                 .tier = VAGUS_TIER_60S},
};

/* What is remembered of an instance. A device keeps its name when others before it vanish, since
 * it is known by its UUID. */
struct known {
    char uuid[96];
    bool present, whole, placed;
    struct host_place place;
    uint64_t faults, last_fault;
};

struct state {
    struct nvml *nvml;
    bool ever, giving_up;
    bool missing; /* a GPU that was there is not listed any more */
    int connect_error;
    int64_t try_ns, retry_ns; /* when to connect anew, and the wait after that */
    int64_t connect_took_ns;
    uint32_t nameless;               /* devices without room for an instance */
    int instances[NVML_DEVICES_MAX]; /* of each device in the library's list; negative: none */
    struct known known[NVML_DEVICES_MAX];
};

static int open_library(struct vagus_collector *collector)
{
    struct state *state = vagus_collector_state(collector);
    state->retry_ns = RETRY_NS;
    return nvml_create(vagus_collector_arg(collector), &state->nvml);
}

static void close_library(struct vagus_collector *collector)
{
    struct state *state = vagus_collector_state(collector);
    nvml_destroy(state->nvml);
}

/* --- Names: "0", and "0/1" for a slice. --- */

static int known_by_uuid(const struct state *state, const char *uuid)
{
    for (int i = 0; i < NVML_DEVICES_MAX && uuid[0] != '\0'; i++)
        if (!state->known[i].present && strcmp(state->known[i].uuid, uuid) == 0)
            return i;
    return -1;
}

/* An instance for a device that is not known: its number, which is free or was that of one that is
 * gone; where another one has it, what is its own. */
static int instance_of_new(struct vagus_collector *collector, const struct nvml_device *device)
{
    const struct state *state = vagus_collector_state(collector);
    char name[VAGUS_INSTANCE_MAX];
    if (device->slice == NVML_WHOLE)
        snprintf(name, sizeof(name), "%u", device->gpu);
    else
        snprintf(name, sizeof(name), "%u/%u", device->gpu, device->slice);
    int instance = vagus_collector_instance_add(collector, name);
    if (instance < 0 || !state->known[instance].present)
        return instance;
    snprintf(name, sizeof(name), "%.60s", device->uuid[0] != '\0' ? device->uuid : device->bus);
    instance = name[0] != '\0' ? vagus_collector_instance_add(collector, name) : VAGUS_EFULL;
    return instance < 0 || !state->known[instance].present ? instance : VAGUS_EFULL;
}

static void place_devices(struct vagus_collector *collector, struct state *state)
{
    const char *buses[NVML_DEVICES_MAX];
    struct host_place places[NVML_DEVICES_MAX];
    int instances[NVML_DEVICES_MAX];
    size_t count = 0;
    for (uint32_t i = 0; i < nvml_count(state->nvml); i++) {
        const struct nvml_device *device = nvml_device(state->nvml, i);
        if (state->instances[i] < 0 || device->error != 0 ||
            state->known[state->instances[i]].placed)
            continue;
        buses[count] = device->bus;
        instances[count++] = state->instances[i];
    }
    if (count == 0)
        return;
    host_places(vagus_collector_arg(collector), buses, count, places);
    for (size_t i = 0; i < count; i++) {
        state->known[instances[i]].place = places[i];
        state->known[instances[i]].placed = true;
    }
}

/* After the devices were listed. Those that are known by their UUID take their names first. */
static void name_devices(struct vagus_collector *collector, struct state *state)
{
    uint32_t count = nvml_count(state->nvml);
    for (size_t i = 0; i < NVML_DEVICES_MAX; i++)
        state->known[i].present = false;
    for (uint32_t i = 0; i < count; i++) {
        state->instances[i] = known_by_uuid(state, nvml_device(state->nvml, i)->uuid);
        if (state->instances[i] >= 0)
            state->known[state->instances[i]].present = true;
    }
    state->nameless = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct nvml_device *device = nvml_device(state->nvml, i);
        if (state->instances[i] >= 0)
            continue;
        int instance = state->instances[i] = instance_of_new(collector, device);
        state->nameless += instance < 0 && instance != VAGUS_EUNSUPPORTED;
        if (instance < 0)
            continue;
        struct known *known = &state->known[instance];
        known->present = true;
        known->whole = device->slice == NVML_WHOLE;
        if (device->uuid[0] != '\0') {
            snprintf(known->uuid, sizeof(known->uuid), "%s", device->uuid);
            known->placed = false;
        }
    }
    state->missing = false;
    for (size_t i = 0; i < NVML_DEVICES_MAX; i++)
        state->missing |= state->known[i].whole && !state->known[i].present;
    place_devices(collector, state);
}

/* --- The driver's life. --- */

static void try_later(struct state *state, int64_t now_ns, int64_t most_ns)
{
    int64_t wait_ns = state->retry_ns < most_ns ? state->retry_ns : most_ns;
    state->try_ns = now_ns + wait_ns;
    state->retry_ns = wait_ns * 2;
}

static int connect_library(struct vagus_collector *collector, struct state *state, int64_t now_ns)
{
    if (now_ns < state->try_ns)
        return state->connect_error;
    int64_t began_ns = vagus_now_ns();
    int error = nvml_connect(state->nvml);
    state->connect_took_ns = vagus_now_ns() - began_ns;
    if (error == 0) {
        state->ever = true;
        name_devices(collector, state);
        return 0;
    }
    /* A driver that was there and is gone is a failure, until it comes back. */
    if (error == VAGUS_EUNSUPPORTED && !state->ever)
        return error;
    try_later(state, now_ns, RETRY_MOST_NS);
    state->connect_error = error == VAGUS_EUNSUPPORTED ? VAGUS_EIO : error;
    return state->connect_error;
}

/* With a lost GPU the others are read on, since connecting anew is dear and helps only when
 * somebody has reset it. The library lists one that came back only after it was initialised again.
 */
static void watch_loss(struct state *state, int64_t now_ns)
{
    if (!nvml_lost(state->nvml) && !state->missing) {
        state->retry_ns = RETRY_NS;
    } else if (!state->giving_up) {
        state->giving_up = true;
        try_later(state, now_ns, RETRY_SOME_MOST_NS);
    }
}

/* --- Readings. --- */

static void put(struct vagus_collector *collector, size_t metric, int instance, int error,
                double value)
{
    vagus_put_result(collector, metric, (size_t)instance, error, value);
}

static void sample_memory(struct vagus_collector *collector, struct nvml *nvml, uint32_t device,
                          int instance, unsigned due)
{
    struct nvml_memory memory = {0};
    int error = nvml_memory(nvml, device, &memory);
    double total = (double)memory.total_bytes, free = (double)memory.free_bytes;
    put(collector, MEMORY_USAGE, instance, error, (double)memory.used_bytes);
    put(collector, MEMORY_FREE, instance, error, free);
    put(collector, MEMORY_UTILIZATION, instance, error, error == 0 ? 1 - free / total : 0);
    if (DUE(due, 10S))
        put(collector, MEMORY_LIMIT, instance, error, total);
}

static void sample_second(struct vagus_collector *collector, const struct state *state,
                          uint32_t device, int instance)
{
    const struct known *known = &state->known[instance];
    double ratio = 0;
    uint64_t reasons = 0;
    int error = nvml_utilization(state->nvml, device, &ratio);
    put(collector, UTILIZATION, instance, error, ratio);
    error = nvml_throttle(state->nvml, device, &reasons);
    put(collector, THROTTLE_REASONS, instance, error, (double)reasons);
    put(collector, THROTTLED, instance, error,
        (reasons & (NVML_THROTTLE_HARDWARE | NVML_THROTTLE_SOFTWARE_HEAT |
                    NVML_THROTTLE_HARDWARE_HEAT | NVML_THROTTLE_POWER_BRAKE)) != 0);
    error = nvml_tells_faults(state->nvml, device) ? 0 : VAGUS_EUNSUPPORTED;
    put(collector, FAULTS, instance, error, (double)known->faults);
    put(collector, LAST_FAULT, instance, error, (double)known->last_fault);
}

static void sample_ten(struct vagus_collector *collector, struct nvml *nvml, uint32_t device,
                       int instance)
{
    double value = 0;
    uint64_t count = 0;
    int error = nvml_power(nvml, device, &value);
    put(collector, POWER, instance, error, value);
    error = nvml_energy(nvml, device, &value);
    put(collector, ENERGY, instance, error, value);
    error = nvml_temperature(nvml, device, &value);
    put(collector, TEMPERATURE, instance, error, value);
    error = nvml_ecc_errors(nvml, device, true, &count);
    put(collector, ECC_CORRECTED, instance, error, (double)count);
    error = nvml_ecc_errors(nvml, device, false, &count);
    put(collector, ECC_UNCORRECTED, instance, error, (double)count);
    error = nvml_process_memory(nvml, device, &count);
    put(collector, PROCESS_MEMORY, instance, error, (double)count);
}

static void sample_minute(struct vagus_collector *collector, const struct state *state,
                          uint32_t device, int instance)
{
    const struct host_place *place = &state->known[instance].place;
    double watts = 0;
    bool enabled = false;
    int error = nvml_power_limit(state->nvml, device, &watts);
    put(collector, POWER_LIMIT, instance, error, watts);
    error = nvml_device(state->nvml, device)->slice == NVML_WHOLE
                ? nvml_mig_mode(state->nvml, device, &enabled)
                : VAGUS_EUNSUPPORTED;
    put(collector, MIG, instance, error, enabled);
    put(collector, NUMA_NODE, instance, place->numa_node >= 0 ? 0 : VAGUS_EUNSUPPORTED,
        place->numa_node);
    put(collector, PACKAGE, instance, place->package >= 0 ? 0 : VAGUS_EUNSUPPORTED, place->package);
}

static void take_faults(struct state *state)
{
    uint32_t device;
    uint64_t xid;
    for (int i = 0; i < FAULTS_MOST && nvml_next_fault(state->nvml, &device, &xid); i++) {
        if (device == NVML_WHOLE || state->instances[device] < 0)
            continue;
        struct known *known = &state->known[state->instances[device]];
        known->faults++;
        known->last_fault = xid;
    }
}

static int make_ready(struct vagus_collector *collector, struct state *state, unsigned due,
                      int64_t now_ns)
{
    if (state->giving_up && now_ns >= state->try_ns) {
        nvml_disconnect(state->nvml);
        state->giving_up = false;
    }
    if (!nvml_connected(state->nvml))
        return connect_library(collector, state, now_ns);
    if (!nvml_outdated(state->nvml) && !DUE(due, 60S))
        return 0;
    int error = nvml_list(state->nvml);
    if (error == 0)
        name_devices(collector, state);
    return error;
}

static int take_sample(struct vagus_collector *collector, unsigned due)
{
    struct state *state = vagus_collector_state(collector);
    int64_t now_ns = vagus_collector_now_ns(collector);
    int error = make_ready(collector, state, due, now_ns);
    if (error == 0)
        take_faults(state);
    for (uint32_t i = 0; error == 0 && i < nvml_count(state->nvml); i++) {
        int instance = state->instances[i];
        if (instance < 0)
            continue;
        if (DUE(due, 1S) || DUE(due, 10S))
            sample_memory(collector, state->nvml, i, instance, due);
        if (DUE(due, 1S))
            sample_second(collector, state, i, instance);
        if (DUE(due, 10S))
            sample_ten(collector, state->nvml, i, instance);
        if (DUE(due, 60S))
            sample_minute(collector, state, i, instance);
    }
    if (nvml_connected(state->nvml))
        watch_loss(state, now_ns);
    if (error != 0)
        return error;
    if (DUE(due, 10S)) {
        vagus_put(collector, COUNT, 0, nvml_count(state->nvml) - state->nameless);
        vagus_put(collector, UNCOUNTED, 0, nvml_surplus(state->nvml) + state->nameless);
        vagus_put(collector, CALL_DURATION, 0, (double)nvml_longest_ns(state->nvml) / 1e9);
    }
    if (DUE(due, 60S))
        vagus_put(collector, CONNECT_DURATION, 0, (double)state->connect_took_ns / 1e9);
    return 0;
}

/* Near a limit: one call of the driver. A device that is gone is the tier's to tell. */
static int read_memory(struct vagus_collector *collector, size_t instance)
{
    const struct state *state = vagus_collector_state(collector);
    if (!nvml_connected(state->nvml))
        return VAGUS_EAGAIN;
    for (uint32_t i = 0; i < nvml_count(state->nvml); i++)
        if (state->instances[i] == (int)instance)
            sample_memory(collector, state->nvml, i, (int)instance, 0);
    return 0;
}

static const struct vagus_limited memory_limited = {
    .name = "vram",
    .metrics = (const struct vagus_limited_metric[]){{MEMORY_FREE, VAGUS_NO_WHOLE},
                                                     {MEMORY_USAGE, VAGUS_NO_WHOLE},
                                                     {MEMORY_UTILIZATION, MEMORY_LIMIT}},
    .metric_count = 3,
    .max_rate = 16e9,
    .sample = read_memory,
};

extern const struct vagus_collector_desc vagus__collector_gpu_nvidia;
const struct vagus_collector_desc vagus__collector_gpu_nvidia = {
    .size = sizeof(struct vagus_collector_desc),
    .name = "gpu_nvidia",
    .help = "NVIDIA GPUs and their slices, by the driver's library",
    .flags = VAGUS_COLLECTOR_BLOCKING,
    .instances_max = NVML_DEVICES_MAX,
    .metrics = table,
    .metric_count = METRIC_COUNT,
    .state_size = sizeof(struct state),
    .open = open_library,
    .sample = take_sample,
    .close = close_library,
    .limited = &memory_limited,
    .limited_count = 1,
};
