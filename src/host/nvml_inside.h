/* SPDX-License-Identifier: Apache-2.0 */
/* What nvml.c (life and list) and nvml_read.c (readings) share. */
#ifndef HOST_NVML_INSIDE_H
#define HOST_NVML_INSIDE_H

#include "host/nvml.h"
#include "host/nvml_library.h"

#define NVML_VERSIONS 3
#define NVML_PROCESSES_MAX 256

struct cost {
    uint64_t calls;
    int64_t last_ns, max_ns, total_ns;
};

struct nvml {
    struct host *host;
    void *library;
    void *events;
    bool connected, lost, outdated;
    uint32_t count, surplus;
    int64_t longest_ns;
    void *symbols[NVML_CALL_COUNT_];
    uint8_t versions[NVML_CALL_COUNT_]; /* which of its symbols: 0 is the newest */
    struct cost costs[NVML_CALL_COUNT_];
    struct nvml_device devices[NVML_DEVICES_MAX];
    bool tells_faults[NVML_DEVICES_MAX]; /* by the GPU's number */
    char processes[NVML_PROCESSES_MAX * NVML_PROCESS_535_BYTES];
};

/* 0 or VAGUS_E… for a nvmlReturn_t. */
int nvml_error(int result);

/* Books what a call cost and what it says of the driver's life; returns the result. */
int nvml_note(struct nvml *nvml, enum nvml_call call, int64_t began_ns, int result);

/* Calls the driver: NVML_RUN(nvml, POWER, (void *, unsigned *), (handle, &value)). */
#define NVML_RUN(nvml, call, types, arguments)                                                     \
    __extension__({                                                                                \
        int(*symbol_) types = (int(*) types)(nvml)->symbols[NVML_CALL_##call];                     \
        int64_t began_ns_ = vagus_now_ns();                                                        \
        symbol_ == NULL ? NVML_FUNCTION_NOT_FOUND                                                  \
                        : nvml_note((nvml), NVML_CALL_##call, began_ns_, symbol_ arguments);       \
    })

#endif
