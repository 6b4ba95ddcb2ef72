/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests' own libnvidia-ml.so.1 answers. The test that loads it sets this at any time; it
 * is the symbol `nvml_fake` of the library. */
#ifndef TESTS_NVML_FAKE_H
#define TESTS_NVML_FAKE_H

#include <stdatomic.h>

#define FAKE_GPUS 80
#define FAKE_SLICES 4

struct nvml_fake_device {
    char uuid[96];
    _Atomic int result; /* of every call about it; 0: it works */
    _Atomic int memory_result;
    unsigned long long total, reserved, free, used;
    unsigned utilization, power_mw, power_limit_mw, temperature;
    unsigned long long energy_mj, reasons, ecc[2];
    unsigned process_count, process_pid;
    unsigned long long process_used;
    _Atomic int present; /* slices */
};

struct nvml_fake {
    _Atomic int hang; /* every call waits while it is set */
    _Atomic unsigned waiting;
    _Atomic unsigned inits, shutdowns, calls, process_lists;
    _Atomic int init_result;
    _Atomic int driver_result; /* of every call but init */
    _Atomic int process_bytes; /* 24, or 32 as drivers 535.43 to 535.86 had it */
    _Atomic unsigned gpus;
    _Atomic int latches; /* how many GPUs there are is found out by init alone, as it is in truth */
    _Atomic int mig;     /* GPU 0 is in slices */
    _Atomic int xid_gpu; /* -1: none */
    _Atomic unsigned xid;
    unsigned order[FAKE_GPUS]; /* which device is GPU number n */
    struct nvml_fake_device devices[FAKE_GPUS];
    struct nvml_fake_device slices[FAKE_SLICES];
};

#endif
