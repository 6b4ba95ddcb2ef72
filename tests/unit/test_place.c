/* SPDX-License-Identifier: Apache-2.0 */
/* Where devices sit: hwloc's answer beside the kernel's, on this machine and below a root. */
#include <dirent.h>
#include <unistd.h>

#include "check.h"
#include "gpu_fixture.h"

#include "host/host.h"
#include "host/place.h"

static void a_device_of_this_machine_is_placed_as_the_kernel_has_it(void)
{
    char names[64][32], path[128];
    const char *buses[64];
    struct host_place places[64];
    size_t count = 0;
    DIR *folder = opendir("/sys/bus/pci/devices");
    for (struct dirent *entry; folder != NULL && count < 64 && (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] != '.') {
            snprintf(names[count], sizeof(names[count]), "%.31s", entry->d_name);
            buses[count] = names[count];
            count++;
        }
    if (folder != NULL)
        closedir(folder);
    if (count == 0)
        SKIP_TEST("this machine has no PCI bus");
    struct host *host = NULL;
    REQUIRE(host_open(NULL, &host) == 0);
    host_places(host, buses, count, places);
    for (size_t i = 0; i < count; i++) {
        int node = -1;
        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/numa_node", buses[i]);
        FILE *file = fopen(path, "r");
        if (file == NULL)
            continue;
        CHECK_EQ(fscanf(file, "%d", &node), 1);
        fclose(file);
        /* Where the firmware does not tell, there may be but one that it can be. */
        if (node >= 0)
            CHECK_EQ(places[i].numa_node, node);
        CHECK(places[i].package >= -1 && places[i].package < 64);
    }
    host_unref(host);
}

static void below_a_root_the_kernels_file_tells(void)
{
    static const char *const buses[] = {
        "0000:01:00.0", "0000:02:00.0", "0000:03:00.0", "0000:04:00.0", "", "../../../x"};
    struct host_place places[6];
    struct host *host = NULL;
    CHECK(root_begin());
    gpu_file("sys/bus/pci/devices/0000:01:00.0/numa_node", "3\n");
    gpu_file("sys/bus/pci/devices/0000:02:00.0/numa_node", "-1\n");
    gpu_file("sys/bus/pci/devices/0000:03:00.0/numa_node", "4294967296\n");
    gpu_file("x/numa_node", "1\n");
    REQUIRE(host_open(&(struct host_options){.root = root_dir}, &host) == 0);
    host_places(host, buses, 6, places);
    CHECK_EQ(places[0].numa_node, 3);
    for (size_t i = 1; i < 6; i++)
        CHECK_EQ(places[i].numa_node, -1);
    CHECK_EQ(places[0].package, -1);
    host_unref(host);
    root_end();
}

int main(void)
{
    RUN(a_device_of_this_machine_is_placed_as_the_kernel_has_it);
    RUN(below_a_root_the_kernels_file_tells);
    return check_result();
}
