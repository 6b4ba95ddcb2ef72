/* SPDX-License-Identifier: Apache-2.0 */
/* What this process uses of GPUs, as the kernel's DRM drivers tell for each descriptor of a GPU
 * that it holds (proc/self/fdinfo): any driver that offers it. */
#ifndef HOST_DRM_H
#define HOST_DRM_H

#include "host/host.h"

#define DRM_CLIENTS_MAX 64
#define DRM_DESCRIPTORS_MAX 4096 /* looked at, whatever they are */

/* One opened GPU. Several descriptors may be of one. */
struct drm_client {
    char device[32]; /* PCI bus id, "0000:03:00.0"; the driver's name where it is on no PCI bus */
    uint64_t id;     /* of this client, for as long as it is open */
    bool has_vram, has_shared, has_engines; /* whether the driver tells */
    uint64_t vram_bytes;                    /* in the GPU's own memory */
    uint64_t shared_bytes;                  /* in the machine's memory, for the GPU */
    uint64_t engine_ns;                     /* that its work took, summed over the GPU's engines */
};

/* True if this machine has any device of that kind. */
bool drm_present(struct host *host);

/* Lists the clients, each once; 2.7 µs for each descriptor of the process, so for a lane.
 * `surplus`: clients and descriptors that were not looked at. 0, VAGUS_EUNSUPPORTED, VAGUS_EPERM,
 * VAGUS_EIO, VAGUS_EPARSE (damaged text; what was found before it stands in the output). */
int drm_clients(struct host *host, struct drm_client clients[DRM_CLIENTS_MAX], uint32_t *count,
                uint32_t *surplus);

/* The parser alone, over any bytes. VAGUS_EUNSUPPORTED: a whole text that tells of no client. */
int host_parse_drm(const char *text, size_t length, struct drm_client *client);

#endif
