/* SPDX-License-Identifier: Apache-2.0 */
/* gpu_amd: AMD's GPUs by sysfs. A read may wait for the GPU's firmware, so it works in a lane;
 * where there is no such card when the monitor is opened, nothing is looked at again. */
#include "host/amdgpu.h"
#include "host/place.h"
#include "vagus/collector.h"

#define DUE(due, tier) (((due) & (1u << VAGUS_TIER_##tier)) != 0)

enum {
    MEMORY_LIMIT,
    MEMORY_USAGE,
    MEMORY_FREE,
    MEMORY_UTILIZATION,
    UTILIZATION,
    POWER,
    POWER_LIMIT,
    TEMPERATURE,
    NUMA_NODE,
    PACKAGE,
    METRIC_COUNT,
};

#define EACH .instance = "*", .label = "gpu"
#define VRAM .resource = "vram"
#define GPU .resource = "gpu"

static const struct vagus_metric_desc table[METRIC_COUNT] = {
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
                     .help = "share of time in which it was busy",
                     .kind = VAGUS_GAUGE,
                     .tier = VAGUS_TIER_1S,
                     .max = 1,
                     .resolution = 0.01},
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
    [TEMPERATURE] = {.name = "hw.gpu.temperature",
                     EACH,
                     GPU,
                     .unit = "Cel",
                     .help = "temperature at its edge",
                     .kind = VAGUS_GAUGE,
                     .tier = VAGUS_TIER_10S,
                     .resolution = 0.1},
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

struct state {
    struct amdgpu *amdgpu;
    uint32_t placed; /* so many of the cards */
    struct host_place places[AMDGPU_CARDS_MAX];
    uint32_t cards[AMDGPU_CARDS_MAX]; /* of each instance; the policy may leave cards out */
};

static int open_cards(struct vagus_collector *collector)
{
    struct state *state = vagus_collector_state(collector);
    return amdgpu_create(vagus_collector_arg(collector), &state->amdgpu);
}

static void close_cards(struct vagus_collector *collector)
{
    struct state *state = vagus_collector_state(collector);
    amdgpu_destroy(state->amdgpu);
}

static void place_cards(struct vagus_collector *collector, struct state *state)
{
    const char *buses[AMDGPU_CARDS_MAX];
    uint32_t count = amdgpu_count(state->amdgpu);
    if (state->placed == count)
        return;
    for (uint32_t i = 0; i < count; i++)
        buses[i] = amdgpu_bus(state->amdgpu, i);
    host_places(vagus_collector_arg(collector), buses, count, state->places);
    state->placed = count;
}

static void put_file(struct vagus_collector *collector, size_t metric, uint32_t card,
                     size_t instance, enum amdgpu_file file, double unit)
{
    const struct state *state = vagus_collector_state(collector);
    uint64_t value = 0;
    int error = amdgpu_read(state->amdgpu, card, file, &value);
    vagus_put_result(collector, metric, instance, error, (double)value / unit);
}

static void sample_memory(struct vagus_collector *collector, struct amdgpu *amdgpu, uint32_t card,
                          size_t instance)
{
    uint64_t total = 0, used = 0;
    int error = amdgpu_read(amdgpu, card, AMDGPU_VRAM_TOTAL_BYTES, &total);
    vagus_put_result(collector, MEMORY_LIMIT, instance, error, (double)total);
    if (error == 0)
        error = amdgpu_read(amdgpu, card, AMDGPU_VRAM_USED_BYTES, &used);
    if (error == 0 && (total == 0 || used > total))
        error = VAGUS_EPARSE;
    vagus_put_result(collector, MEMORY_USAGE, instance, error, (double)used);
    vagus_put_result(collector, MEMORY_FREE, instance, error, (double)total - (double)used);
    vagus_put_result(collector, MEMORY_UTILIZATION, instance, error,
                     error == 0 ? (double)used / (double)total : 0);
}

static void sample_utilization(struct vagus_collector *collector, struct amdgpu *amdgpu,
                               uint32_t card, size_t instance)
{
    uint64_t percent = 0;
    int error = amdgpu_read(amdgpu, card, AMDGPU_BUSY_PERCENT, &percent);
    if (error == 0 && percent > 100)
        error = VAGUS_EPARSE;
    vagus_put_result(collector, UTILIZATION, instance, error, (double)percent / 100);
}

static void sample_card(struct vagus_collector *collector, const struct state *state, uint32_t card,
                        size_t instance, unsigned due)
{
    const struct host_place *place = &state->places[card];
    if (DUE(due, 1S) || DUE(due, 10S))
        sample_memory(collector, state->amdgpu, card, instance);
    if (DUE(due, 1S))
        sample_utilization(collector, state->amdgpu, card, instance);
    if (DUE(due, 10S)) {
        put_file(collector, POWER, card, instance, AMDGPU_POWER_MICROWATTS, 1e6);
        put_file(collector, TEMPERATURE, card, instance, AMDGPU_TEMPERATURE_MILLICELSIUS, 1e3);
    }
    if (DUE(due, 60S)) {
        put_file(collector, POWER_LIMIT, card, instance, AMDGPU_POWER_LIMIT_MICROWATTS, 1e6);
        vagus_put_result(collector, NUMA_NODE, instance,
                         place->numa_node >= 0 ? 0 : VAGUS_EUNSUPPORTED, place->numa_node);
        vagus_put_result(collector, PACKAGE, instance, place->package >= 0 ? 0 : VAGUS_EUNSUPPORTED,
                         place->package);
    }
}

static int take_sample(struct vagus_collector *collector, unsigned due)
{
    struct state *state = vagus_collector_state(collector);
    if (DUE(due, 60S))
        amdgpu_find(state->amdgpu);
    place_cards(collector, state);
    for (uint32_t i = 0; i < amdgpu_count(state->amdgpu); i++) {
        int instance = vagus_collector_instance_add(collector, amdgpu_name(state->amdgpu, i));
        if (instance < 0)
            continue;
        state->cards[instance] = i;
        sample_card(collector, state, i, (size_t)instance, due);
    }
    return 0;
}

/* Near a limit. Cards are never dropped from the list. */
static int read_memory(struct vagus_collector *collector, size_t instance)
{
    struct state *state = vagus_collector_state(collector);
    sample_memory(collector, state->amdgpu, state->cards[instance], instance);
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

extern const struct vagus_collector_desc vagus__collector_gpu_amd;
const struct vagus_collector_desc vagus__collector_gpu_amd = {
    .size = sizeof(struct vagus_collector_desc),
    .name = "gpu_amd",
    .help = "AMD's GPUs, by sysfs",
    .flags = VAGUS_COLLECTOR_BLOCKING,
    .instances_max = AMDGPU_CARDS_MAX,
    .metrics = table,
    .metric_count = METRIC_COUNT,
    .state_size = sizeof(struct state),
    .open = open_cards,
    .sample = take_sample,
    .close = close_cards,
    .limited = &memory_limited,
    .limited_count = 1,
};
