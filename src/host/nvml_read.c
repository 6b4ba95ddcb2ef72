/* SPDX-License-Identifier: Apache-2.0 */
/* NVIDIA's driver library: readings of one device, each one call. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/inside.h"
#include "host/nvml.h"
#include "host/nvml_inside.h"

/* The PID namespace of the machine has this number (PROC_PID_INIT_INO). */
#define FIRST_PID_NAMESPACE "pid:[4026531836]"

/* A reading takes the device's handle, or returns why it has none. */
#define DEVICE_OR_RETURN(nvml, index, device)                                                      \
    const struct nvml_device *device = nvml_device(nvml, index);                                   \
    if (device == NULL)                                                                            \
        return VAGUS_EINVAL;                                                                       \
    if (device->error != 0)                                                                        \
    return device->error

static int oldest_memory(struct nvml *nvml, void *handle, struct nvml_memory *found)
{
    struct nvml_memory_v1 memory = {0};
    int result = NVML_RUN(nvml, MEMORY, (void *, struct nvml_memory_v1 *), (handle, &memory));
    *found = (struct nvml_memory){memory.total, memory.free, memory.used};
    return nvml_error(result);
}

int nvml_memory(struct nvml *nvml, uint32_t index, struct nvml_memory *result)
{
    DEVICE_OR_RETURN(nvml, index, device);
    struct nvml_memory found;
    int error;
    if (nvml->versions[NVML_CALL_MEMORY] > 0) {
        error = oldest_memory(nvml, device->handle, &found);
    } else {
        struct nvml_memory_v2 memory = {.version = NVML_MEMORY_V2};
        error = nvml_error(
            NVML_RUN(nvml, MEMORY, (void *, struct nvml_memory_v2 *), (device->handle, &memory)));
        found = (struct nvml_memory){memory.total, memory.free, memory.used};
    }
    if (error != 0)
        return error;
    if (found.total_bytes == 0 || found.free_bytes > found.total_bytes ||
        found.used_bytes > found.total_bytes)
        return VAGUS_EPARSE;
    *result = found;
    return 0;
}

int nvml_utilization(struct nvml *nvml, uint32_t index, double *ratio)
{
    DEVICE_OR_RETURN(nvml, index, device);
    struct nvml_rates rates = {0};
    int result =
        NVML_RUN(nvml, UTILIZATION, (void *, struct nvml_rates *), (device->handle, &rates));
    if (result != NVML_SUCCESS)
        return nvml_error(result);
    if (rates.gpu > 100)
        return VAGUS_EPARSE;
    *ratio = rates.gpu / 100.0;
    return 0;
}

/* An unsigned number of thousandths. */
#define READ_MILLI(nvml, index, call, type, output)                                                \
    do {                                                                                           \
        DEVICE_OR_RETURN(nvml, index, device);                                                     \
        type value = 0;                                                                            \
        int result = NVML_RUN(nvml, call, (void *, type *), (device->handle, &value));             \
        if (result == NVML_SUCCESS)                                                                \
            *(output) = (double)value / 1000;                                                      \
        return nvml_error(result);                                                                 \
    } while (0)

int nvml_power(struct nvml *nvml, uint32_t index, double *watts)
{
    READ_MILLI(nvml, index, POWER, unsigned, watts);
}

int nvml_power_limit(struct nvml *nvml, uint32_t index, double *watts)
{
    READ_MILLI(nvml, index, POWER_LIMIT, unsigned, watts);
}

int nvml_energy(struct nvml *nvml, uint32_t index, double *joules)
{
    READ_MILLI(nvml, index, ENERGY, unsigned long long, joules);
}

int nvml_temperature(struct nvml *nvml, uint32_t index, double *celsius)
{
    DEVICE_OR_RETURN(nvml, index, device);
    unsigned value = 0;
    int result = NVML_RUN(nvml, TEMPERATURE, (void *, int, unsigned *),
                          (device->handle, NVML_SENSOR_GPU, &value));
    if (result != NVML_SUCCESS)
        return nvml_error(result);
    if (value > 1000)
        return VAGUS_EPARSE;
    *celsius = value;
    return 0;
}

int nvml_throttle(struct nvml *nvml, uint32_t index, uint64_t *reasons)
{
    DEVICE_OR_RETURN(nvml, index, device);
    unsigned long long value = 0;
    int result = NVML_RUN(nvml, THROTTLE, (void *, unsigned long long *), (device->handle, &value));
    if (result == NVML_SUCCESS)
        *reasons = value;
    return nvml_error(result);
}

int nvml_ecc_errors(struct nvml *nvml, uint32_t index, bool corrected, uint64_t *count)
{
    DEVICE_OR_RETURN(nvml, index, device);
    unsigned long long value = 0;
    int result = NVML_RUN(nvml, ECC, (void *, int, int, unsigned long long *),
                          (device->handle, corrected ? NVML_ECC_CORRECTED : NVML_ECC_UNCORRECTED,
                           NVML_ECC_AGGREGATE, &value));
    if (result == NVML_SUCCESS)
        *count = value;
    return nvml_error(result);
}

int nvml_mig_mode(struct nvml *nvml, uint32_t index, bool *enabled)
{
    DEVICE_OR_RETURN(nvml, index, device);
    unsigned current = 0, pending = 0;
    int result = NVML_RUN(nvml, MIG_MODE, (void *, unsigned *, unsigned *),
                          (device->handle, &current, &pending));
    if (result == NVML_SUCCESS)
        *enabled = current != 0;
    return nvml_error(result);
}

/* --- Processes. --- */

/* The driver knows processes by the machine's PIDs. Those of a namespace are other ones, and one
 * that is equal by chance is somebody else's. */
static bool pids_are_the_machines(const struct host *host)
{
    char name[sizeof(FIRST_PID_NAMESPACE)];
    ssize_t length = readlinkat(host->root_fd, "proc/self/ns/pid", name, sizeof(name));
    return length == sizeof(name) - 1 && memcmp(name, FIRST_PID_NAMESPACE, sizeof(name) - 1) == 0;
}

/* How far one process lies from the next. The library does not say, and one series of drivers used
 * a larger struct under the same symbol: it then wrote beyond what the smaller ones fill. */
static size_t process_stride(const struct nvml *nvml, unsigned count)
{
    if (nvml->versions[NVML_CALL_PROCESSES] == NVML_VERSIONS - 1)
        return NVML_PROCESS_OLDEST_BYTES;
    const char *beyond = nvml->processes + count * sizeof(struct nvml_process);
    const char *end = nvml->processes + count * NVML_PROCESS_535_BYTES;
    for (; beyond < end; beyond++)
        if (*beyond != (char)0xff)
            return NVML_PROCESS_535_BYTES;
    return sizeof(struct nvml_process);
}

int nvml_process_memory(struct nvml *nvml, uint32_t index, uint64_t *bytes)
{
    DEVICE_OR_RETURN(nvml, index, device);
    if (!pids_are_the_machines(nvml->host))
        return VAGUS_EUNSUPPORTED;
    unsigned count = NVML_PROCESSES_MAX;
    memset(nvml->processes, 0xff, sizeof(nvml->processes));
    int result = NVML_RUN(nvml, PROCESSES, (void *, unsigned *, void *),
                          (device->handle, &count, nvml->processes));
    if (result != NVML_SUCCESS)
        return nvml_error(result);
    if (count > NVML_PROCESSES_MAX)
        return VAGUS_EPARSE;
    size_t stride = process_stride(nvml, count);
    uint64_t sum = 0;
    for (unsigned i = 0; i < count; i++) {
        struct nvml_process process;
        memcpy(&process, nvml->processes + i * stride, NVML_PROCESS_OLDEST_BYTES);
        if (process.pid != (unsigned)getpid())
            continue;
        if (process.used == NVML_NOT_AVAILABLE)
            return VAGUS_EUNSUPPORTED;
        sum += process.used; /* of a GPU in slices, one entry for each slice */
    }
    *bytes = sum;
    return 0;
}

/* --- Faults. --- */

bool nvml_next_fault(struct nvml *nvml, uint32_t *index, uint64_t *xid)
{
    struct nvml_event event = {0};
    if (nvml->events == NULL || NVML_RUN(nvml, EVENTS_WAIT, (void *, struct nvml_event *, unsigned),
                                         (nvml->events, &event, 0)) != NVML_SUCCESS)
        return false;
    *index = NVML_WHOLE;
    *xid = event.data;
    for (uint32_t i = 0; i < nvml->count; i++)
        if (nvml->devices[i].error == 0 && nvml->devices[i].handle == event.device)
            *index = i;
    return true;
}

bool nvml_tells_faults(const struct nvml *nvml, uint32_t index)
{
    const struct nvml_device *device = nvml_device(nvml, index);
    return device != NULL && device->slice == NVML_WHOLE && nvml->tells_faults[device->gpu];
}
