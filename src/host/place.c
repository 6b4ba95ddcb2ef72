/* SPDX-License-Identifier: Apache-2.0 */
/* Where a device sits: hwloc with I/O devices, loaded for the question and given back. */
#include "host/place.h"

#include <hwloc.h>
#include <stdio.h>
#include <string.h>

#include "base/loaded.h"
#include "host/inside.h"
#include "host/parse.h"

/* hwloc's plugins would start OpenCL, CUDA, X11 and more to look for devices of theirs. */
static bool forbid_drivers(hwloc_topology_t topology)
{
    static const char *const components[] = {"cuda", "nvml", "opencl", "gl", "rsmi", "levelzero"};
    bool forbidden = true;
    for (size_t i = 0; i < sizeof(components) / sizeof(components[0]); i++)
        forbidden = hwloc_topology_set_components(
                        topology, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, components[i]) == 0 &&
                    forbidden;
    return forbidden;
}

static void place_by_hwloc(hwloc_topology_t topology, const char *bus, struct host_place *place)
{
    hwloc_obj_t device = hwloc_get_pcidev_by_busidstring(topology, bus);
    hwloc_obj_t near = device != NULL ? hwloc_get_non_io_ancestor_obj(topology, device) : NULL;
    if (near == NULL || near->cpuset == NULL)
        return;
    /* Beside more than one node or socket it is near none. */
    hwloc_obj_t node = NULL, package = NULL;
    if (near->nodeset != NULL && hwloc_bitmap_weight(near->nodeset) == 1)
        node = hwloc_get_numanode_obj_by_os_index(topology,
                                                  (unsigned)hwloc_bitmap_first(near->nodeset));
    package = near->type == HWLOC_OBJ_PACKAGE
                  ? near
                  : hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_PACKAGE, near);
    if (package == NULL && hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PACKAGE) == 1)
        package = hwloc_get_obj_by_type(topology, HWLOC_OBJ_PACKAGE, 0);
    if (node != NULL)
        place->numa_node = (int)node->os_index;
    if (package != NULL && package->os_index != HWLOC_UNKNOWN_INDEX)
        place->package = (int)package->os_index;
}

static void place_by_sysfs(struct host *host, const char *bus, struct host_place *place)
{
    char name[96], text[32];
    struct host_file file = {.name = name};
    size_t length = 0;
    uint64_t node;
    if (strchr(bus, '/') != NULL ||
        snprintf(name, sizeof(name), "sys/bus/pci/devices/%s/numa_node", bus) >= (int)sizeof(name))
        return;
    host_file_open(host, &file);
    int error = host_file_read(host, &file, text, sizeof(text), &length);
    host_file_close(&file);
    /* "-1" where the firmware does not tell. */
    if (error == 0 && parse_number_file(text, length, &node) && node < INT32_MAX)
        place->numa_node = (int)node;
}

void host_places(struct host *host, const char *const *buses, size_t count,
                 struct host_place *places)
{
    hwloc_topology_t topology = NULL;
    size_t objects = loaded_count();
    bool loaded = false;
    if (host->machine && count > 0 && host_memory_to_spare() && hwloc_topology_init(&topology) == 0)
        loaded = forbid_drivers(topology) &&
                 hwloc_topology_set_type_filter(topology, HWLOC_OBJ_PCI_DEVICE,
                                                HWLOC_TYPE_FILTER_KEEP_IMPORTANT) == 0 &&
                 hwloc_topology_load(topology) == 0;
    for (size_t i = 0; i < count; i++) {
        places[i] = (struct host_place){-1, -1};
        if (buses[i][0] == '\0')
            continue;
        if (loaded)
            place_by_hwloc(topology, buses[i], &places[i]);
        if (places[i].numa_node < 0)
            place_by_sysfs(host, buses[i], &places[i]);
    }
    if (topology != NULL)
        hwloc_topology_destroy(topology);
    loaded_let_go(objects);
}
