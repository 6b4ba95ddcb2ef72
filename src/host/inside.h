/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of src/host/ share among themselves and show to nobody: kept-open files below
 * the root, and the host itself. */
#ifndef HOST_INSIDE_H
#define HOST_INSIDE_H

#include <limits.h>

#include "host/cgroup.h"
#include "host/devices.h"
#include "host/host.h"
#include "host/memory_wake.h"
#include "host/numa.h"
#include "host/paths.h"
#include "host/pressure.h"
#include "host/procfs.h"
#include "host/statgrab.h"
#include "host/topology.h"

/* One file, opened once. Its path below the root is `directory_length` bytes of `directory`, then
 * `name`; both live as long as the file. Zeroed, it is a file that never was. */
struct host_file {
    const char *directory;
    size_t directory_length;
    const char *name;
    int fd;    /* meaningful while error is 0 and name is set */
    int error; /* why it is not open: VAGUS_EUNSUPPORTED (absent), VAGUS_EPERM, VAGUS_EIO */
};

struct cgroup_level {
    size_t directory_length;                   /* this level's share of the tree's directory */
    struct host_file limit, usage, statistics; /* cpu: in v1 `usage` is the period; cpu.stat */
    struct host_file high;                     /* memory.high of v2 */
    uint64_t limit_bytes;                      /* as last read; HOST_UNLIMITED */
    int limit_error;                           /* of that reading */
    uint64_t inactive_file_bytes;              /* as last read, at this usage: */
    uint64_t usage_bytes;                      /* memory: as last read by host_cgroup_memory() */
    uint64_t usage_at_statistics_bytes;
    bool statistics_known;
};

/* One controller's hierarchy, from the process's own cgroup (level 0) up to the mount's root. */
struct cgroup_tree {
    enum host_cgroup_version version;
    int error;      /* why there are no levels */
    unsigned epoch; /* grows when the process is found in another cgroup */
    unsigned level_count;
    unsigned binding; /* cpu: the level with the smallest quota, as last read */
    struct cgroup_level levels[HOST_CGROUP_DEPTH_MAX];
    char path[PATH_MAX];      /* as /proc/self/cgroup has it */
    char directory[PATH_MAX]; /* mount point and path, "/sys/fs/cgroup/a/b" */
    size_t mount_length;      /* of these the mount point */
};

/* At most so many of each kind are read: CPUs evenly chosen, the first packages. */
#define HOST_SENSORS_MAX 8
struct host_sensors {
    struct host_sensor {
        char path[96];
        struct host_file file;
    } temperatures[HOST_SENSORS_MAX], frequencies[HOST_SENSORS_MAX];
    unsigned temperature_count, frequency_count;
    struct host_file cpuinfo;
};

/* What the kernel was asked for; memory_wake.c. */
struct memory_wake {
    struct host_wake_threshold wanted[HOST_WAKE_THRESHOLDS_MAX];
    unsigned wanted_count;
    bool set_high;
    int high_fd;        /* of memory.high while it is ours; 0: it is not */
    uint64_t signature; /* of limits and cgroup when it was asked; 0: never */
    unsigned armed_count;
    struct memory_wake_armed {
        unsigned level;
        uint64_t at_bytes;         /* of usage */
        bool live;                 /* the kernel has taken the order */
    } armed[HOST_WAKE_ORDERS_MAX]; /* one for each order of the newest request */
    struct host_wake_told told;
};

/* The statistics of the device behind a watched path: a file below sysfs. */
struct device_slot {
    struct host_device device;
    struct host_file file; /* its name is: */
    char path[48];
};

struct numa_node {
    unsigned number; /* as the kernel counts; there may be gaps */
    char name[48];
    struct host_file meminfo;
};

#define HOST_SCRATCH_BYTES 16384

struct host {
    unsigned references; /* atomic */
    int root_fd;
    unsigned returned; /* atomic: files that went bad and could be opened again */
    bool machine;      /* no root was injected: system calls and libraries speak of it too */
    long page_bytes, ticks_per_second;
    uint64_t declared_limit_bytes;
    bool per_core;

    struct host_file stat, meminfo, loadavg, uptime;
    struct host_file self_stat, self_statm, self_limits, self_status, self_cgroup, self_mountinfo;
    struct host_file vmstat, self_oom_score, self_oom_score_adj;
    int descriptors_fd; /* the folder self/fd, or -1 */
    int descriptors_error;
    bool descriptors_by_size; /* its st_size is the count (Linux 6.2 and later) */

    struct cgroup_tree memory, cpu;
    struct cgroup_tree pids, freezer, cpuset,
        unified; /* folders alone; unified: v2, even beside v1 */
    struct host_file memory_events, memory_failures, frozen;
    struct host_sensors sensors;
    struct host_file pressure[HOST_PRESSURE_SCOPES][HOST_PRESSURE_KINDS];
    struct memory_wake memory_wake;

    bool statgrab_open;
    struct host_identity identity;
    int identity_error;
    uint64_t statgrab_swap_bytes;
    int statgrab_swap_error;
    struct host_topology topology;
    int topology_error;
    unsigned numa_count, numa_surplus;
    struct numa_node numa[HOST_NUMA_NODES_MAX];

    size_t path_count;
    char *paths[HOST_PATHS_MAX];
    struct host_watch watches[HOST_PATHS_MAX];
    uint64_t devices[HOST_PATHS_MAX]; /* atomic: as host_path_find_device() noted them */
    struct device_slot device_slots[HOST_PATHS_MAX];
    bool probe_paths;

    struct host_file diskstats, self_io;
    struct host_file net_dev, net_snmp, net_netstat, net_sockstat, net_sockstat6;

    void (*on_read)(void *arg, const char *path);
    void *on_read_arg;

    /* The sampler's only: large files pass through it in pieces. */
    char scratch[HOST_SCRATCH_BYTES];
};

/* Opens below the root; the outcome is in file->error. */
void host_file_open(struct host *host, struct host_file *file);
void host_file_close(struct host_file *file);

/* One pread from `offset`. A descriptor that went bad (lxcfs restarted, a cgroup is gone) is opened
 * again once. 0, or why not; a file longer than the buffer is cut. */
int host_file_read_at(struct host *host, struct host_file *file, char *buffer, size_t capacity,
                      uint64_t offset, size_t *length);

static inline int host_file_read(struct host *host, struct host_file *file, char *buffer,
                                 size_t capacity, size_t *length)
{
    return host_file_read_at(host, file, buffer, capacity, 0, length);
}

/* Calls `each` with every whole line of a file of any length, its newline included, until it
 * returns false. 0, or why the file cannot be read; VAGUS_EPARSE also if the last line was cut, or
 * if lines were left out that do not fit into the buffer. */
int host_file_lines(struct host *host, struct host_file *file, char *buffer, size_t capacity,
                    bool (*each)(void *arg, const char *line, size_t length), void *arg);

/* What errno means of a path. */
int host_path_error(int number);

/* True if a library that does not survive a failing allocation may be called: hwloc 2.9 ends in an
 * assertion then, libstatgrab 0.92 keeps its lock. They need a fraction of what is asked for here;
 * this meets a limit on address space, and nothing could meet each single failure. */
bool host_memory_to_spare(void);

/* Each opens and closes its own part of the host. */
void host_procfs_open(struct host *host);
void host_procfs_close(struct host *host);
void host_sensors_open(struct host *host);
void host_sensors_close(struct host *host);
void host_pressure_open(struct host *host);
void host_pressure_close(struct host *host);
void host_cgroup_open(struct host *host);
void host_cgroup_close(struct host *host);
void host_statgrab_open(struct host *host);
void host_statgrab_close(struct host *host);
void host_topology_open(struct host *host);
void host_numa_add(struct host *host, unsigned number);
void host_numa_open(struct host *host); /* after topology, which names the nodes */
void host_numa_close(struct host *host);
int host_paths_open(struct host *host, const struct host_options *options);
void host_paths_close(struct host *host);
void host_devices_open(struct host *host);
void host_devices_close(struct host *host);
void host_network_open(struct host *host);
void host_network_close(struct host *host);

/* The CPU quota of one level that is there; INFINITY: none. */
int host_cgroup_level_quota(struct host *host, unsigned level, double *cores);

/* Once the process was found in other cgroups: open what belongs to these. */
void host_cgroup_levels_follow(struct host *host);
void host_cgroup_pids_follow(struct host *host);
void host_cgroup_levels_close(struct host *host);
void host_pressure_follow(struct host *host);

#endif
