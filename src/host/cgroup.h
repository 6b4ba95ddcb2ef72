/* SPDX-License-Identifier: Apache-2.0 */
/* Limits along the cgroup ancestry, of v1, v2 and hybrids of both: each ancestor that is visible
 * may bind. What lies above the root of a cgroup namespace or of the mount cannot be seen. For one
 * thread at a time, the sampler's; nothing allocates. */
#ifndef HOST_CGROUP_H
#define HOST_CGROUP_H

#include "host/host.h"

/* Levels looked at, counted from the process's own cgroup upwards. */
#define HOST_CGROUP_DEPTH_MAX 16

enum host_cgroup_version {
    HOST_CGROUP_NONE = 0,
    HOST_CGROUP_V1 = 1,
    HOST_CGROUP_V2 = 2,
};

/* Finds the process's cgroups again (call it every 10 s: processes are moved) and reads each
 * level's memory limit. Files are opened again only if the path or the hierarchy changed. 0 or why
 * /proc/self/cgroup could not be read; what was known stays then. 4 µs if nothing changed. */
int host_cgroup_resolve(struct host *host);

/* Reads all levels' limits again, and lets the next host_cgroup_memory() read memory.stat of the
 * limited ones, which is most of the cost (call it each second). 0 or the first failure. About 1 µs
 * for each level, limited or not. */
int host_cgroup_memory_refresh(struct host *host);

/* One level with a limit. */
struct host_cgroup_memory {
    uint64_t limit_bytes;
    uint64_t working_set_bytes; /* usage less inactive_file: what reclaim cannot simply drop */
    unsigned level;             /* 0: the process's own cgroup, 1: its parent … */
};

/* The levels that have a limit, nearest first; *count may be 0. Reads usage alone, 0.4 µs for each
 * level. memory.stat as well where usage moved by more than 1/64 of the limit since it was last
 * read, so that a burst of page cache is not taken for a leak; and where usage is beyond half of
 * the limit and page cache is part of it, so that a leak in the place of cache is not taken for
 * cache. 0; VAGUS_EUNSUPPORTED (no memory
 * controller is visible); VAGUS_EIO, VAGUS_EPARSE, VAGUS_EPERM if any level could not be read:
 * what the others say would be too rosy then; `levels` holds nothing of use after a failure. */
int host_cgroup_memory(struct host *host, struct host_cgroup_memory levels[HOST_CGROUP_DEPTH_MAX],
                       unsigned *count);

/* The smallest CPU quota along the ancestry, in cores; INFINITY if there is none. Errors as above.
 */
int host_cgroup_cpu_quota(struct host *host, double *cores);

/* Where the process is, for people: the hierarchy's version, the folder of its own cgroup ("" if
 * there is none) and how many levels are visible. Valid until the next resolve. */
struct host_cgroup_place {
    enum host_cgroup_version version;
    const char *directory;
    unsigned levels;
};
void host_cgroup_memory_place(const struct host *host, struct host_cgroup_place *place);
void host_cgroup_cpu_place(const struct host *host, struct host_cgroup_place *place);
/* The v2 hierarchy, even where v1 has the controllers; it counts no levels. */
void host_cgroup_unified_place(const struct host *host, struct host_cgroup_place *place);

/* The parsers alone, over any bytes, for tests and fuzzing. */

/* The path of a v1 controller ("memory"), or of v2 if controller is "", in the text of
 * /proc/self/cgroup. VAGUS_ENOENT if it has no line, VAGUS_EPARSE if the path does not fit. */
int host_parse_cgroup_path(const char *text, size_t length, const char *controller, char *path,
                           size_t capacity);

/* One line of mountinfo, without its newline. False if it is no mount of this hierarchy, or is
 * damaged. Octal escapes are undone. */
struct host_cgroup_mount {
    char root[1024]; /* what part of the hierarchy is mounted */
    char point[1024];
};
bool host_parse_cgroup_mount(const char *line, size_t length, const char *controller,
                             struct host_cgroup_mount *mount);

/* cpu.max: "max 100000" or "50000 100000". 0 or VAGUS_EPARSE. */
int host_parse_cpu_max(const char *text, size_t length, double *cores);

#endif
