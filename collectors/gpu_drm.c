/* SPDX-License-Identifier: Apache-2.0 */
/* gpu_drm: what this process uses of GPUs, by the DRM fdinfo of the descriptors that it holds, with
 * any driver that offers it. Each descriptor is looked at, so it works in a lane and seldom; on a
 * machine that has no such device when the monitor is opened nothing is looked at again. */
#include <string.h>

#include "host/drm.h"
#include "vagus/collector.h"

#define DEVICES_MAX 16

enum { CLIENTS, UNCOUNTED, MEMORY, SHARED_MEMORY, ENGINE_TIME, METRIC_COUNT };

#define EACH .instance = "*", .label = "gpu"

static const struct vagus_metric_desc table[METRIC_COUNT] = {
    [CLIENTS] = {.name = "gpu.drm.clients",
                 .unit = "{client}",
                 .help = "times that this process has a GPU open",
                 .kind = VAGUS_GAUGE,
                 .tier = VAGUS_TIER_10S},
    [UNCOUNTED] = {.name = "gpu.drm.uncounted",
                   .unit = "{client}",
                   .help = "clients and descriptors beyond those that are looked at",
                   .kind = VAGUS_GAUGE,
                   .tier = VAGUS_TIER_10S},
    [MEMORY] = {.name = "process.gpu.memory.usage",
                EACH,
                .unit = "By",
                .help = "memory of the GPU that this process uses",
                .resource = "vram",
                .kind = VAGUS_GAUGE,
                .tier = VAGUS_TIER_10S},
    [SHARED_MEMORY] = {.name = "process.gpu.memory.shared",
                       EACH,
                       .unit = "By",
                       .help = "memory of the machine that this process uses through the GPU",
                       .resource = "vram",
                       .kind = VAGUS_GAUGE,
                       .tier = VAGUS_TIER_10S},
    [ENGINE_TIME] = {.name = "process.gpu.engine.time",
                     EACH,
                     .unit = "s",
                     .help = "time that the GPU's engines worked for this process",
                     .resource = "gpu",
                     .kind = VAGUS_COUNTER,
                     .tier = VAGUS_TIER_10S,
                     .resolution = 1e-6},
};

struct device {
    char name[32];
    bool has_vram, has_shared, has_engines;
    double vram_bytes, shared_bytes; /* sums, which damaged text could make wrap */
    double engine_ns;                /* of all clients that there ever were */
};

struct state {
    uint32_t device_count; /* by instance number */
    struct device devices[DEVICES_MAX];
    uint32_t count, before_count;
    struct drm_client clients[DRM_CLIENTS_MAX], before[DRM_CLIENTS_MAX];
};

static int open_drm(struct vagus_collector *collector)
{
    return drm_present(vagus_collector_arg(collector)) ? 0 : VAGUS_EUNSUPPORTED;
}

static struct device *device_of(struct vagus_collector *collector, struct state *state,
                                const char *name, uint32_t *homeless)
{
    int instance = vagus_collector_instance_add(collector, name);
    if (instance < 0) {
        *homeless += instance != VAGUS_EUNSUPPORTED;
        return NULL;
    }
    struct device *device = &state->devices[instance];
    if ((uint32_t)instance == state->device_count) {
        state->device_count++;
        strcpy(device->name, name);
    }
    return device;
}

/* What the engines worked for this client since the sample before. A client that is closed takes
 * its figure along, so the differences are summed. */
static uint64_t engine_growth(const struct state *state, const struct drm_client *client)
{
    for (uint32_t i = 0; i < state->before_count; i++) {
        const struct drm_client *before = &state->before[i];
        if (before->id == client->id && strcmp(before->device, client->device) == 0)
            return client->engine_ns > before->engine_ns ? client->engine_ns - before->engine_ns
                                                         : 0;
    }
    return client->engine_ns;
}

static uint32_t add_up(struct vagus_collector *collector, struct state *state)
{
    uint32_t homeless = 0;
    for (uint32_t i = 0; i < state->device_count; i++)
        state->devices[i].vram_bytes = state->devices[i].shared_bytes = 0;
    for (uint32_t i = 0; i < state->count; i++) {
        const struct drm_client *client = &state->clients[i];
        struct device *device = device_of(collector, state, client->device, &homeless);
        if (device == NULL)
            continue;
        device->has_vram |= client->has_vram;
        device->has_shared |= client->has_shared;
        device->has_engines |= client->has_engines;
        device->vram_bytes += (double)client->vram_bytes;
        device->shared_bytes += (double)client->shared_bytes;
        device->engine_ns += (double)engine_growth(state, client);
    }
    memcpy(state->before, state->clients, sizeof(state->before));
    state->before_count = state->count;
    return homeless;
}

static int take_sample(struct vagus_collector *collector, unsigned due)
{
    struct state *state = vagus_collector_state(collector);
    uint32_t surplus;
    (void)due;
    int error =
        drm_clients(vagus_collector_arg(collector), state->clients, &state->count, &surplus);
    if (error != 0)
        return error;
    surplus += add_up(collector, state);
    vagus_put(collector, CLIENTS, 0, state->count);
    vagus_put(collector, UNCOUNTED, 0, surplus);
    for (uint32_t i = 0; i < state->device_count; i++) {
        const struct device *device = &state->devices[i];
        /* A sum over a part would be too small. */
        int told = surplus > 0 ? VAGUS_EFULL : 0, untold = VAGUS_EUNSUPPORTED;
        vagus_put_result(collector, MEMORY, i, device->has_vram ? told : untold,
                         device->vram_bytes);
        vagus_put_result(collector, SHARED_MEMORY, i, device->has_shared ? told : untold,
                         device->shared_bytes);
        vagus_put_result(collector, ENGINE_TIME, i, device->has_engines ? told : untold,
                         device->engine_ns / 1e9);
    }
    return 0;
}

extern const struct vagus_collector_desc vagus__collector_gpu_drm;
const struct vagus_collector_desc vagus__collector_gpu_drm = {
    .size = sizeof(struct vagus_collector_desc),
    .name = "gpu_drm",
    .help = "what this process uses of GPUs, by DRM fdinfo",
    .flags = VAGUS_COLLECTOR_BLOCKING,
    .instances_max = DEVICES_MAX,
    .metrics = table,
    .metric_count = METRIC_COUNT,
    .state_size = sizeof(struct state),
    .open = open_drm,
    .sample = take_sample,
};
