/* SPDX-License-Identifier: Apache-2.0 */
/* NVIDIA's driver library (NVML), loaded when there is a driver and let go when it is lost. The
 * only place that loads a driver. Any call of it may take milliseconds, or never come back, and may
 * allocate: for a lane. */
#ifndef HOST_NVML_H
#define HOST_NVML_H

#include "host/host.h"

struct nvml;

#define NVML_DEVICES_MAX 64 /* GPUs and slices of them (MIG) */
#define NVML_WHOLE UINT32_MAX

struct nvml_device {
    void *handle;
    int error;      /* 0, or why it has no handle: no permission, or it fell off the bus */
    uint32_t gpu;   /* the number that nvidia-smi gives it */
    uint32_t slice; /* of the GPU, by MIG; NVML_WHOLE: the GPU itself */
    char uuid[96];  /* "" if unknown; the same for as long as the device exists */
    char name[96];  /* "NVIDIA H200"; "" if unknown */
    char bus[32];   /* PCI bus id of the GPU, "0000:3b:00.0"; "" if unknown */
};

/* One user of the library, not connected. For one thread at a time. VAGUS_ENOMEM. The host must
 * outlive it. */
int nvml_create(struct host *host, struct nvml **nvml);

/* Disconnects, which may block. NULL is fine. */
void nvml_destroy(struct nvml *nvml);

/* Loads the library, initialises it and lists the devices. VAGUS_EUNSUPPORTED: no driver is loaded,
 * or no library is there to ask it; found out by three look-ups of files, without allocating.
 * VAGUS_EIO: the driver does not work, VAGUS_EPERM. Below an injected root the library is
 * usr/lib/libnvidia-ml.so.1 there. */
int nvml_connect(struct nvml *nvml);
void nvml_disconnect(struct nvml *nvml);
bool nvml_connected(const struct nvml *nvml);

/* True once a call told that a device or the driver is gone: connect anew, after a while. */
bool nvml_lost(const struct nvml *nvml);

/* Lists the devices again: slices come and go while the driver runs. Indices below are of the
 * newest list. Outdated: a call told that a slice of the list is no more. */
bool nvml_outdated(const struct nvml *nvml);
int nvml_list(struct nvml *nvml);
uint32_t nvml_count(const struct nvml *nvml);
uint32_t nvml_surplus(const struct nvml *nvml); /* devices beyond NVML_DEVICES_MAX */
const struct nvml_device *nvml_device(const struct nvml *nvml, uint32_t index);

/* --- Readings of one device: one call of the driver each. 0, VAGUS_EUNSUPPORTED (the device or
 * this version of the library cannot tell), VAGUS_EPERM, VAGUS_EIO (lost, or another failure),
 * VAGUS_EAGAIN (not now), VAGUS_EPARSE (nonsense). The output is untouched then. --- */

/* The fast read near a limit: 12 µs. What the driver keeps for itself counts as used where the
 * library is too old to tell it apart. */
struct nvml_memory {
    uint64_t total_bytes, free_bytes, used_bytes;
};
int nvml_memory(struct nvml *nvml, uint32_t index, struct nvml_memory *memory);

int nvml_utilization(struct nvml *nvml, uint32_t index, double *ratio);
int nvml_power(struct nvml *nvml, uint32_t index, double *watts);
int nvml_power_limit(struct nvml *nvml, uint32_t index, double *watts);
int nvml_energy(struct nvml *nvml, uint32_t index, double *joules);
int nvml_temperature(struct nvml *nvml, uint32_t index, double *celsius);
int nvml_ecc_errors(struct nvml *nvml, uint32_t index, bool corrected, uint64_t *count);
int nvml_mig_mode(struct nvml *nvml, uint32_t index, bool *enabled);

/* Why its clocks are lower than they might be. */
#define NVML_THROTTLE_POWER_CAP UINT64_C(0x04)
#define NVML_THROTTLE_HARDWARE UINT64_C(0x08)
#define NVML_THROTTLE_SOFTWARE_HEAT UINT64_C(0x20)
#define NVML_THROTTLE_HARDWARE_HEAT UINT64_C(0x40)
#define NVML_THROTTLE_POWER_BRAKE UINT64_C(0x80)
int nvml_throttle(struct nvml *nvml, uint32_t index, uint64_t *reasons);

/* Memory of the device that this process's compute contexts use. 4.5 ms: no more often than each
 * 10 s. VAGUS_EUNSUPPORTED in a PID namespace, since the driver lists the machine's PIDs;
 * VAGUS_EFULL: more than 256 processes use the device. */
int nvml_process_memory(struct nvml *nvml, uint32_t index, uint64_t *bytes);

/* The next XID (a fault of a GPU) that was not taken yet, and the index of the GPU, which may have
 * left the list: NVML_WHOLE. False: there is none. Does not wait. */
bool nvml_next_fault(struct nvml *nvml, uint32_t *index, uint64_t *xid);
bool nvml_tells_faults(const struct nvml *nvml, uint32_t index);

/* --- What the calls cost. --- */

struct nvml_cost {
    const char *call; /* its symbol */
    uint64_t calls;
    int64_t last_ns, max_ns, total_ns;
};
/* False beyond the last; a call that was never made has calls 0. */
bool nvml_cost(const struct nvml *nvml, uint32_t number, struct nvml_cost *cost);
/* The longest call since this was last asked; 0: there was none. */
int64_t nvml_longest_ns(struct nvml *nvml);

#endif
