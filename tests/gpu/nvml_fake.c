/* SPDX-License-Identifier: Apache-2.0 */
/* A libnvidia-ml.so.1 of the tests' own: NVML's interface over what a test sets. With NVML_OLD it
 * is a library of years ago, which has none of the newer symbols. */
#include "nvml_fake.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "host/nvml_library.h"

#pragma GCC diagnostic ignored "-Wmissing-prototypes"

#ifdef NVML_OLD
#define NEWEST(name, suffix) name
#else
#define NEWEST(name, suffix) name##suffix
#endif

struct nvml_fake nvml_fake = {.xid_gpu = -1, .process_bytes = 24};
static _Atomic int initialized;
static _Atomic unsigned latched;
static int event_set;

static void enter(void)
{
    atomic_fetch_add(&nvml_fake.calls, 1);
    atomic_fetch_add(&nvml_fake.waiting, 1);
    while (atomic_load(&nvml_fake.hang))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    atomic_fetch_sub(&nvml_fake.waiting, 1);
}

static unsigned gpus(void)
{
    return atomic_load(nvml_fake.latches ? &latched : &nvml_fake.gpus);
}

static int driver(void)
{
    enter();
    return atomic_load(&initialized) == 0 ? NVML_UNINITIALIZED
                                          : atomic_load(&nvml_fake.driver_result);
}

static int about(const struct nvml_fake_device *device)
{
    int result = driver();
    if (result != 0)
        return result;
    if (device == NULL || !atomic_load(&device->present))
        return NVML_INVALID_ARGUMENT;
    return atomic_load(&device->result);
}

static int is_slice(const struct nvml_fake_device *device)
{
    return device >= nvml_fake.slices && device < nvml_fake.slices + FAKE_SLICES;
}

int NEWEST(nvmlInit, _v2)(void)
{
    enter();
    atomic_fetch_add(&nvml_fake.inits, 1);
    int result = atomic_load(&nvml_fake.init_result);
    if (result == 0 && atomic_fetch_add(&initialized, 1) == 0)
        latched = nvml_fake.gpus;
    return result;
}

int nvmlShutdown(void)
{
    enter();
    atomic_fetch_add(&nvml_fake.shutdowns, 1);
    atomic_fetch_sub(&initialized, 1);
    return 0;
}

int NEWEST(nvmlDeviceGetCount, _v2)(unsigned *count)
{
    int result = driver();
    if (result == 0)
        *count = gpus();
    return result;
}

int NEWEST(nvmlDeviceGetHandleByIndex, _v2)(unsigned index, struct nvml_fake_device **device)
{
    int result = driver();
    if (result == 0 && index >= gpus())
        return NVML_INVALID_ARGUMENT;
    if (result == 0)
        result = atomic_load(&nvml_fake.devices[nvml_fake.order[index]].result);
    if (result == 0)
        *device = &nvml_fake.devices[nvml_fake.order[index]];
    return result;
}

int nvmlDeviceGetUUID(struct nvml_fake_device *device, char *uuid, unsigned length)
{
    int result = about(device);
    if (result == 0)
        snprintf(uuid, length, "%s", device->uuid);
    return result;
}

int nvmlDeviceGetName(struct nvml_fake_device *device, char *name, unsigned length)
{
    int result = about(device);
    if (result == 0)
        snprintf(name, length, "Fake");
    return result;
}

int NEWEST(nvmlDeviceGetPciInfo, _v3)(struct nvml_fake_device *device, struct nvml_pci *pci)
{
    int result = about(device);
    if (result == 0)
        pci->bus = 0x10 + (unsigned)(device - nvml_fake.devices);
    return result;
}

static int memory_result(struct nvml_fake_device *device)
{
    int result = about(device);
    return result != 0 ? result : atomic_load(&device->memory_result);
}

int nvmlDeviceGetMemoryInfo(struct nvml_fake_device *device, struct nvml_memory_v1 *memory)
{
    int result = memory_result(device);
    if (result == 0)
        *memory =
            (struct nvml_memory_v1){device->total, device->free, device->used + device->reserved};
    return result;
}

int nvmlDeviceGetUtilizationRates(struct nvml_fake_device *device, struct nvml_rates *rates)
{
    int result = is_slice(device) ? NVML_NOT_SUPPORTED : about(device);
    if (result == 0)
        *rates = (struct nvml_rates){device->utilization, 0};
    return result;
}

#define READS(symbol, type, member)                                                                \
    int symbol(struct nvml_fake_device *device, type *value)                                       \
    {                                                                                              \
        int result = is_slice(device) ? NVML_NOT_SUPPORTED : about(device);                        \
        if (result == 0)                                                                           \
            *value = device->member;                                                               \
        return result;                                                                             \
    }
READS(nvmlDeviceGetPowerUsage, unsigned, power_mw)
READS(nvmlDeviceGetEnforcedPowerLimit, unsigned, power_limit_mw)
READS(nvmlDeviceGetCurrentClocksThrottleReasons, unsigned long long, reasons)

int nvmlDeviceGetTemperature(struct nvml_fake_device *device, int sensor, unsigned *celsius)
{
    int result = sensor != NVML_SENSOR_GPU ? NVML_INVALID_ARGUMENT : about(device);
    if (result == 0)
        *celsius = device->temperature;
    return result;
}

int nvmlDeviceGetTotalEccErrors(struct nvml_fake_device *device, int type, int counter,
                                unsigned long long *count)
{
    int result = counter != NVML_ECC_AGGREGATE ? NVML_INVALID_ARGUMENT : about(device);
    if (result == 0)
        *count = device->ecc[type];
    return result;
}

static int processes(struct nvml_fake_device *device, unsigned *count, char *infos, size_t bytes)
{
    int result = about(device);
    atomic_fetch_add(&nvml_fake.process_lists, 1);
    if (result != 0)
        return result;
    if (*count < device->process_count)
        return NVML_INSUFFICIENT_SIZE;
    *count = device->process_count;
    for (unsigned i = 0; i < *count; i++) {
        struct nvml_process process = {.pid = 1000000 + i, .used = 1};
        if (i == *count - 1)
            process =
                (struct nvml_process){.pid = device->process_pid, .used = device->process_used};
        memset(infos + i * bytes, 0, bytes);
        memcpy(infos + i * bytes, &process, bytes < sizeof(process) ? bytes : sizeof(process));
    }
    return 0;
}

#ifdef NVML_OLD

int nvmlDeviceGetComputeRunningProcesses(struct nvml_fake_device *device, unsigned *count,
                                         char *infos)
{
    return processes(device, count, infos, NVML_PROCESS_OLDEST_BYTES);
}

#else

int nvmlDeviceGetComputeRunningProcesses_v3(struct nvml_fake_device *device, unsigned *count,
                                            char *infos)
{
    return processes(device, count, infos, (size_t)atomic_load(&nvml_fake.process_bytes));
}

int nvmlDeviceGetMemoryInfo_v2(struct nvml_fake_device *device, struct nvml_memory_v2 *memory)
{
    int result = memory_result(device);
    if (result == 0 && memory->version != NVML_MEMORY_V2)
        return NVML_ARGUMENT_VERSION_MISMATCH;
    if (result == 0)
        *memory = (struct nvml_memory_v2){memory->version, device->total, device->reserved,
                                          device->free, device->used};
    return result;
}

READS(nvmlDeviceGetTotalEnergyConsumption, unsigned long long, energy_mj)

int nvmlDeviceGetMigMode(struct nvml_fake_device *device, unsigned *current, unsigned *pending)
{
    int result = about(device);
    if (result == 0)
        *current = *pending =
            device == nvml_fake.devices ? (unsigned)atomic_load(&nvml_fake.mig) : 0;
    return result;
}

int nvmlDeviceGetMaxMigDeviceCount(struct nvml_fake_device *device, unsigned *count)
{
    int result = about(device);
    if (result == 0)
        *count = FAKE_SLICES;
    return result;
}

int nvmlDeviceGetMigDeviceHandleByIndex(struct nvml_fake_device *device, unsigned index,
                                        struct nvml_fake_device **slice)
{
    int result = about(device);
    if (result == 0 && (index >= FAKE_SLICES || !atomic_load(&nvml_fake.slices[index].present)))
        return NVML_NOT_FOUND;
    if (result == 0)
        *slice = &nvml_fake.slices[index];
    return result;
}

int nvmlEventSetCreate(void **set)
{
    int result = driver();
    if (result == 0)
        *set = &event_set;
    return result;
}

int nvmlDeviceRegisterEvents(struct nvml_fake_device *device, unsigned long long types, void *set)
{
    int result = about(device);
    return result == 0 && (types != NVML_EVENT_XID || set != &event_set) ? NVML_INVALID_ARGUMENT
                                                                         : result;
}

int nvmlEventSetWait_v2(void *set, struct nvml_event *event, unsigned timeout_ms)
{
    int result = driver();
    if (result != 0)
        return result;
    int gpu = atomic_exchange(&nvml_fake.xid_gpu, -1);
    if (set != &event_set || timeout_ms != 0)
        return NVML_INVALID_ARGUMENT;
    if (gpu < 0)
        return NVML_TIMEOUT;
    *event = (struct nvml_event){.device = &nvml_fake.devices[gpu],
                                 .type = NVML_EVENT_XID,
                                 .data = atomic_load(&nvml_fake.xid)};
    return 0;
}

int nvmlEventSetFree(void *set)
{
    enter();
    return set == &event_set ? 0 : NVML_INVALID_ARGUMENT;
}

#endif
