/* SPDX-License-Identifier: Apache-2.0 */
/* What each level of the cgroup ancestry allows, one by one, and what happened in the process's own
 * cgroup: for detail, where cgroup.h has the sums that rules need. As the last
 * host_cgroup_resolve() found the levels. For one thread at a time, the sampler's; nothing
 * allocates. Errors as in cgroup.h; outputs are untouched after a failure. */
#ifndef HOST_CGROUP_LEVELS_H
#define HOST_CGROUP_LEVELS_H

#include "host/cgroup.h"

enum host_cgroup_controller {
    HOST_CGROUP_MEMORY,
    HOST_CGROUP_CPU,
    HOST_CGROUP_PIDS,
    HOST_CGROUP_CONTROLLERS,
};

/* How many levels are visible, from the process's own up; 0 if the controller is not there. */
unsigned host_cgroup_level_count(struct host *host, enum host_cgroup_controller controller);

/* The level's path as /proc/self/cgroup would tell it, "/" for the root; cut to fit. Returns how
 * deep it lies: the root is 0. */
unsigned host_cgroup_level_path(struct host *host, enum host_cgroup_controller controller,
                                unsigned level, char *path, size_t capacity);

/* In bytes, cores or processes. INFINITY: this level sets no limit. 0.4 µs for each number. */
struct host_cgroup_limit {
    double limit;
    double high;  /* memory.high, beyond which v2 slows the process down; INFINITY elsewhere */
    double usage; /* with page cache; NaN for cores, or if it is not told */
};
int host_cgroup_level_limit(struct host *host, enum host_cgroup_controller controller,
                            unsigned level, struct host_cgroup_limit *limit);

/* How many CPUs the nearest cpuset leaves to any thread. Opens and closes its file, 3 µs. */
int host_cgroup_cpuset(struct host *host, uint64_t *cpus);

/* Counted since the cgroup was made. */
struct host_cgroup_throttling {
    uint64_t periods, throttled_periods, throttled_ns;
    unsigned source; /* counts of different ones are of different cgroups: don't compare */
};
/* Of the level whose quota was the smallest when host_cgroup_cpu_quota() last looked, of the
 * process's own cgroup if there was no quota. 0.6 µs. */
int host_cgroup_throttling(struct host *host, struct host_cgroup_throttling *throttling);

/* Memory events of the process's own cgroup and those below it. What the kernel does not tell is
 * HOST_CGROUP_UNTOLD: v1 knows `max` (failcnt, without those below) and, from Linux 4.13, OOM kills
 * alone. */
#define HOST_CGROUP_UNTOLD UINT64_MAX
struct host_cgroup_memory_events {
    uint64_t low, high, max, oom, oom_kill;
};
int host_cgroup_memory_events(struct host *host, struct host_cgroup_memory_events *events);

/* Frozen or about to be, by itself or an ancestor. */
int host_cgroup_frozen(struct host *host, bool *frozen);

/* True if there are levels above those that are visible, hidden by a cgroup namespace or a partial
 * mount: a limit may bind there that nobody here can read. */
int host_cgroup_hidden(struct host *host, bool *hidden);

/* The parsers alone, over any bytes, for tests and fuzzing. 0 or VAGUS_EPARSE. */
int host_parse_throttling(const char *text, size_t length, enum host_cgroup_version version,
                          struct host_cgroup_throttling *throttling);
int host_parse_memory_events(const char *text, size_t length,
                             struct host_cgroup_memory_events *events);
int host_parse_oom_control(const char *text, size_t length,
                           struct host_cgroup_memory_events *events);
int host_parse_frozen(const char *text, size_t length, enum host_cgroup_version version,
                      bool *frozen);

#endif
