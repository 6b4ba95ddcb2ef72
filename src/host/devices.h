/* SPDX-License-Identifier: Apache-2.0 */
/* The block devices behind the watched paths and what the kernel counts of them; what this process
 * itself read and wrote. */
#ifndef HOST_DEVICES_H
#define HOST_DEVICES_H

#include "host/host.h"

struct host_device {
    uint32_t major, minor;
};

#define HOST_DEVICE_NAME_MAX 64

/* Finds the device behind a watched path, for host_path_device(). May block like the path itself,
 * so call it from the same lane. 0, or as below. */
int host_path_find_device(struct host *host, size_t index);

/* What was found last; from any thread. VAGUS_EAGAIN: nobody has looked yet. VAGUS_EUNSUPPORTED:
 * there is no block device that could be known (tmpfs, overlay, network). VAGUS_ENOENT,
 * VAGUS_EPERM, VAGUS_EIO: the path cannot be looked at. */
int host_path_device(const struct host *host, size_t index, struct host_device *device);

/* A mount as mountinfo tells it: the numbers of its file system and what it was made of. */
struct host_mount {
    uint64_t id;
    struct host_device device;
    char type[32];
    char source[256]; /* "" if it is no absolute path, or too long */
};

/* One line of it. */
bool host_parse_mount(const char *line, size_t length, struct host_mount *mount);

/* Everything is counted since the device came to be, but in_flight. Times are in ms and wrap at 32
 * bits. */
enum host_device_count {
    HOST_DEVICE_READS,
    HOST_DEVICE_READ_SECTORS, /* of 512 bytes, whatever the device's own are */
    HOST_DEVICE_READ_MS,
    HOST_DEVICE_WRITES,
    HOST_DEVICE_WRITE_SECTORS,
    HOST_DEVICE_WRITE_MS,
    HOST_DEVICE_BUSY_MS,
    HOST_DEVICE_QUEUE_MS, /* operations in flight, added up over time */
    HOST_DEVICE_COUNTS,
};
#define HOST_SECTOR_BYTES 512

struct host_device_statistics {
    uint64_t counts[HOST_DEVICE_COUNTS];
    uint64_t in_flight;
};

/* Of the device that host_path_device() tells. The sampler's alone. From sysfs, in a file that
 * stays open, or where there is none from /proc/diskstats. */
int host_device_statistics(struct host *host, size_t index,
                           struct host_device_statistics *statistics);

/* The kernel's name of that device, "sda1" or "dm-0", else its numbers. */
void host_device_name(struct host *host, size_t index, char name[HOST_DEVICE_NAME_MAX]);

/* "      11 0 88 4 ...": 11 numbers, or 15 since Linux 4.18, or 17 since 5.5. */
int host_parse_device_statistics(const char *text, size_t length,
                                 struct host_device_statistics *statistics);
/* A line of diskstats with its newline: " 254       0 vda 739437 ...". */
int host_parse_diskstats_line(const char *line, size_t length, struct host_device *device,
                              char name[HOST_DEVICE_NAME_MAX],
                              struct host_device_statistics *statistics);

struct host_process_io {
    uint64_t read_bytes, written_bytes; /* that reached a device, or will */
};

/* VAGUS_EPERM where the process may not look at itself. */
int host_process_io(struct host *host, struct host_process_io *io);
int host_parse_process_io(const char *text, size_t length, struct host_process_io *io);

#endif
