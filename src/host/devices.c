/* SPDX-License-Identifier: Apache-2.0 */
/* The block devices behind the watched paths. Which one it is, is found in the lane of the path;
 * what the kernel counts of it is read by the sampler. */
#include "host/devices.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/inside.h"
#include "host/parse.h"
#include "host/paths.h"

/* --- Which device. --- */

#define FOUND (UINT64_C(1) << 63) /* else: the error, negated; 0: nobody has looked */

static uint64_t noted(int error, struct host_device device)
{
    return error != 0 ? (uint64_t)-error
                      : FOUND | (uint64_t)(device.major & INT32_MAX) << 32 | device.minor;
}

int host_path_device(const struct host *host, size_t index, struct host_device *device)
{
    if (index >= host->path_count)
        return VAGUS_EINVAL;
    uint64_t note = __atomic_load_n(&host->devices[index], __ATOMIC_RELAXED);
    if ((note & FOUND) == 0)
        return note == 0 ? VAGUS_EAGAIN : -(int)note;
    *device = (struct host_device){(uint32_t)(note >> 32) & INT32_MAX, (uint32_t)note};
    return 0;
}

struct mount_search {
    struct host_mount mount;
    bool found;
};

static bool look_at_mount(void *arg, const char *line, size_t length)
{
    struct mount_search *search = arg;
    struct host_mount mount;
    if (!host_parse_mount(line, length, &mount) || mount.id != search->mount.id)
        return true;
    search->mount = mount;
    search->found = true;
    return false;
}

/* btrfs and its like have numbers of their own, which belong to no device. What they were mounted
 * from does; of several devices it is one. overlay, tmpfs and network mounts name none. */
static int device_of_mount(struct host *host, uint64_t mount_id, struct host_device *device)
{
    char buffer[4096];
    struct mount_search search = {.mount.id = mount_id};
    struct statx source;
    /* Opened anew: the host's own is the sampler's. */
    struct host_file file = {.name = "proc/self/mountinfo"};
    host_file_open(host, &file);
    int error = host_file_lines(host, &file, buffer, sizeof(buffer), look_at_mount, &search);
    host_file_close(&file);
    if (!search.found)
        return error == VAGUS_EIO || error == VAGUS_EPERM ? error : VAGUS_EUNSUPPORTED;
    if (search.mount.device.major != 0) {
        *device = search.mount.device;
        return 0;
    }
    if (strncmp(search.mount.source, "/dev/", 5) != 0 ||
        statx(AT_FDCWD, search.mount.source, AT_STATX_DONT_SYNC, STATX_TYPE, &source) != 0 ||
        !S_ISBLK(source.stx_mode))
        return VAGUS_EUNSUPPORTED;
    *device = (struct host_device){source.stx_rdev_major, source.stx_rdev_minor};
    return 0;
}

int host_path_find_device(struct host *host, size_t index)
{
    struct statx s;
    struct host_device device = {0};
    if (index >= host->path_count)
        return VAGUS_EINVAL;
    int error = 0;
    if (statx(AT_FDCWD, host->paths[index], AT_STATX_DONT_SYNC, STATX_TYPE | STATX_MNT_ID, &s) != 0)
        error = host_path_error(errno);
    else if (s.stx_dev_major != 0)
        device = (struct host_device){s.stx_dev_major, s.stx_dev_minor};
    else if ((s.stx_mask & STATX_MNT_ID) != 0)
        error = device_of_mount(host, s.stx_mnt_id, &device);
    else
        error = VAGUS_EUNSUPPORTED; /* before Linux 5.8 */
    __atomic_store_n(&host->devices[index], noted(error, device), __ATOMIC_RELAXED);
    return error;
}

/* --- What is counted of it. --- */

/* The slot of a path, for the device that is behind it now. */
static int device_slot(struct host *host, size_t index, struct device_slot **result)
{
    struct host_device device;
    int error = host_path_device(host, index, &device);
    if (error != 0)
        return error;
    struct device_slot *slot = &host->device_slots[index];
    if (slot->file.name == NULL || slot->device.major != device.major ||
        slot->device.minor != device.minor) {
        host_file_close(&slot->file);
        slot->device = device;
        snprintf(slot->path, sizeof(slot->path), "sys/dev/block/%u:%u/stat", device.major,
                 device.minor);
        slot->file.name = slot->path;
        host_file_open(host, &slot->file);
    }
    *result = slot;
    return 0;
}

struct line_search {
    struct host_device device;
    struct host_device_statistics statistics;
    char name[HOST_DEVICE_NAME_MAX];
    int error;
};

static bool look_at_line(void *arg, const char *line, size_t length)
{
    struct line_search *search = arg;
    struct parse rest = parse_text(line, length);
    struct host_device device;
    uint64_t major, minor;
    /* There may be hundreds of others. */
    if (!parse_u64(&rest, &major) || !parse_u64(&rest, &minor) || major != search->device.major ||
        minor != search->device.minor)
        return true;
    char name[HOST_DEVICE_NAME_MAX];
    struct host_device_statistics statistics;
    int error = host_parse_diskstats_line(line, length, &device, name, &statistics);
    if (error == 0) {
        search->statistics = statistics;
        memcpy(search->name, name, sizeof(name));
    }
    search->error = error;
    return false;
}

static int find_line(struct host *host, struct line_search *search)
{
    search->error = VAGUS_EUNSUPPORTED; /* containers are shown some devices only */
    int error = host_file_lines(host, &host->diskstats, host->scratch, sizeof(host->scratch),
                                look_at_line, search);
    return search->error != VAGUS_EUNSUPPORTED || error == 0 ? search->error : error;
}

int host_device_statistics(struct host *host, size_t index,
                           struct host_device_statistics *statistics)
{
    char text[512];
    size_t length;
    struct device_slot *slot;
    int error = device_slot(host, index, &slot);
    if (error != 0)
        return error;
    error = host_file_read(host, &slot->file, text, sizeof(text), &length);
    if (error == 0)
        return host_parse_device_statistics(text, length, statistics);
    if (error != VAGUS_EUNSUPPORTED)
        return error;
    struct line_search search = {.device = slot->device};
    error = find_line(host, &search);
    if (error == 0)
        *statistics = search.statistics;
    return error;
}

void host_device_name(struct host *host, size_t index, char name[HOST_DEVICE_NAME_MAX])
{
    char link[64], target[512];
    struct host_device device = {0};
    host_path_device(host, index, &device);
    snprintf(link, sizeof(link), "sys/dev/block/%u:%u", device.major, device.minor);
    ssize_t length = readlinkat(host->root_fd, link, target, sizeof(target) - 1);
    if (length > 0 && length < (ssize_t)sizeof(target) - 1) {
        target[length] = '\0';
        const char *slash = strrchr(target, '/');
        const char *last = slash != NULL ? slash + 1 : target;
        size_t bytes = strlen(last);
        if (bytes > 0 && bytes < HOST_DEVICE_NAME_MAX) {
            memcpy(name, last, bytes + 1);
            return;
        }
    }
    struct line_search search = {.device = device};
    if (find_line(host, &search) == 0)
        memcpy(name, search.name, sizeof(search.name));
    else
        snprintf(name, HOST_DEVICE_NAME_MAX, "%u:%u", device.major, device.minor);
}

int host_process_io(struct host *host, struct host_process_io *io)
{
    char text[512];
    size_t length;
    int error = host_file_read(host, &host->self_io, text, sizeof(text), &length);
    return error != 0 ? error : host_parse_process_io(text, length, io);
}

void host_devices_open(struct host *host)
{
    host->diskstats.name = "proc/diskstats";
    host->self_io.name = "proc/self/io";
    host_file_open(host, &host->diskstats);
    host_file_open(host, &host->self_io);
}

void host_devices_close(struct host *host)
{
    host_file_close(&host->diskstats);
    host_file_close(&host->self_io);
    for (size_t i = 0; i < HOST_PATHS_MAX; i++)
        host_file_close(&host->device_slots[i].file);
}
