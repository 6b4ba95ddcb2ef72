/* SPDX-License-Identifier: Apache-2.0 */
/* The part of NVML's binary interface that is used here, declared from its public documentation.
 * Names that end in _v2 or _v3 replaced older ones, which old libraries have alone. */
#ifndef HOST_NVML_LIBRARY_H
#define HOST_NVML_LIBRARY_H

#include <stdint.h>

/* Each call, and its symbols from the newest on. */
#define NVML_CALLS(X)                                                                              \
    X(INIT, "nvmlInit_v2", "nvmlInit", NULL)                                                       \
    X(SHUTDOWN, "nvmlShutdown", NULL, NULL)                                                        \
    X(COUNT, "nvmlDeviceGetCount_v2", "nvmlDeviceGetCount", NULL)                                  \
    X(HANDLE, "nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex", NULL)                 \
    X(UUID, "nvmlDeviceGetUUID", NULL, NULL)                                                       \
    X(NAME, "nvmlDeviceGetName", NULL, NULL)                                                       \
    X(PCI, "nvmlDeviceGetPciInfo_v3", "nvmlDeviceGetPciInfo_v2", NULL)                             \
    X(MEMORY, "nvmlDeviceGetMemoryInfo_v2", "nvmlDeviceGetMemoryInfo", NULL)                       \
    X(UTILIZATION, "nvmlDeviceGetUtilizationRates", NULL, NULL)                                    \
    X(POWER, "nvmlDeviceGetPowerUsage", NULL, NULL)                                                \
    X(POWER_LIMIT, "nvmlDeviceGetEnforcedPowerLimit", NULL, NULL)                                  \
    X(ENERGY, "nvmlDeviceGetTotalEnergyConsumption", NULL, NULL)                                   \
    X(TEMPERATURE, "nvmlDeviceGetTemperature", NULL, NULL)                                         \
    X(THROTTLE, "nvmlDeviceGetCurrentClocksEventReasons",                                          \
      "nvmlDeviceGetCurrentClocksThrottleReasons", NULL)                                           \
    X(ECC, "nvmlDeviceGetTotalEccErrors", NULL, NULL)                                              \
    X(PROCESSES, "nvmlDeviceGetComputeRunningProcesses_v3",                                        \
      "nvmlDeviceGetComputeRunningProcesses_v2", "nvmlDeviceGetComputeRunningProcesses")           \
    X(MIG_MODE, "nvmlDeviceGetMigMode", NULL, NULL)                                                \
    X(MIG_COUNT, "nvmlDeviceGetMaxMigDeviceCount", NULL, NULL)                                     \
    X(MIG_HANDLE, "nvmlDeviceGetMigDeviceHandleByIndex", NULL, NULL)                               \
    X(EVENTS_CREATE, "nvmlEventSetCreate", NULL, NULL)                                             \
    X(EVENTS_REGISTER, "nvmlDeviceRegisterEvents", NULL, NULL)                                     \
    X(EVENTS_WAIT, "nvmlEventSetWait_v2", "nvmlEventSetWait", NULL)                                \
    X(EVENTS_FREE, "nvmlEventSetFree", NULL, NULL)

enum nvml_call {
#define NVML_CALL_(name, newest, older, oldest) NVML_CALL_##name,
    NVML_CALLS(NVML_CALL_)
#undef NVML_CALL_
        NVML_CALL_COUNT_
};

/* nvmlReturn_t, as far as it is told apart. */
enum nvml_return {
    NVML_SUCCESS = 0,
    NVML_UNINITIALIZED = 1,
    NVML_INVALID_ARGUMENT = 2,
    NVML_NOT_SUPPORTED = 3,
    NVML_NO_PERMISSION = 4,
    NVML_NOT_FOUND = 6,
    NVML_INSUFFICIENT_SIZE = 7,
    NVML_DRIVER_NOT_LOADED = 9,
    NVML_TIMEOUT = 10,
    NVML_LIBRARY_NOT_FOUND = 12,
    NVML_FUNCTION_NOT_FOUND = 13,
    NVML_GPU_IS_LOST = 15,
    NVML_RESET_REQUIRED = 16,
    NVML_VERSION_MISMATCH = 18,
    NVML_IN_USE = 19,
    NVML_ARGUMENT_VERSION_MISMATCH = 25,
    NVML_NOT_READY = 27,
    NVML_UNKNOWN = 999,
};

struct nvml_memory_v1 {
    unsigned long long total, free, used;
};
struct nvml_memory_v2 {
    unsigned version;
    unsigned long long total, reserved, free, used;
};
#define NVML_MEMORY_V2 ((unsigned)sizeof(struct nvml_memory_v2) | 2u << 24)

struct nvml_rates {
    unsigned gpu, memory; /* percent */
};

struct nvml_pci {
    char bus_short[16];
    unsigned domain, bus, device, device_id, subsystem_id;
    char bus_id[32]; /* "00000000:3B:00.0" */
};

/* Of the oldest call the first two members alone, 16 bytes; drivers 535.43 to 535.86 appended
 * eight more. */
struct nvml_process {
    unsigned pid;
    unsigned long long used;
    unsigned gpu_instance, compute_instance;
};
#define NVML_PROCESS_OLDEST_BYTES 16
#define NVML_PROCESS_535_BYTES 32
#define NVML_NOT_AVAILABLE UINT64_MAX

struct nvml_event {
    void *device;
    unsigned long long type, data;
    unsigned gpu_instance, compute_instance; /* not of the older call */
};
#define NVML_EVENT_XID 0x8ull
#define NVML_SENSOR_GPU 0
#define NVML_ECC_CORRECTED 0
#define NVML_ECC_UNCORRECTED 1
#define NVML_ECC_AGGREGATE 1

_Static_assert(sizeof(struct nvml_memory_v2) == 40, "NVML's layout");
_Static_assert(sizeof(struct nvml_pci) == 68, "NVML's layout");
_Static_assert(sizeof(struct nvml_process) == 24, "NVML's layout");
_Static_assert(sizeof(struct nvml_event) == 32, "NVML's layout");

#endif
