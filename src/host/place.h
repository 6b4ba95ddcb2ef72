/* SPDX-License-Identifier: Apache-2.0 */
/* Where a device sits in the machine, by hwloc. */
#ifndef HOST_PLACE_H
#define HOST_PLACE_H

#include "host/host.h"

struct host_place {
    int numa_node; /* as the kernel counts; -1: the machine does not tell, or has but one */
    int package;   /* socket, as the kernel counts; -1: unknown, or it belongs to none */
};

/* Places PCI devices ("0000:3b:00.0"). Asks hwloc for I/O devices too: 14 ms and 0.7 MB, given
 * back; so from a lane, once, and all devices together. Below an injected root, and of what hwloc
 * does not find, the NUMA node alone, from sys/bus/pci/devices. */
void host_places(struct host *host, const char *const *buses, size_t count,
                 struct host_place *places);

#endif
