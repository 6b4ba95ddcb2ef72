/* SPDX-License-Identifier: Apache-2.0 */
/* Pressure stall information (Linux 4.20 and later): for how long tasks stood still for want of a
 * resource, on the whole host and in the process's own v2 cgroup. Costs 1 µs for each file. */
#ifndef HOST_PRESSURE_H
#define HOST_PRESSURE_H

#include "host/host.h"

enum host_pressure_scope {
    HOST_PRESSURE_SYSTEM,
    HOST_PRESSURE_CGROUP, /* as the last host_cgroup_resolve() found it; v2 alone has this */
    HOST_PRESSURE_SCOPES,
};

enum host_pressure_kind {
    HOST_PRESSURE_CPU,
    HOST_PRESSURE_MEMORY,
    HOST_PRESSURE_IO,
    HOST_PRESSURE_IRQ, /* Linux 6.1 and later; "full" alone */
    HOST_PRESSURE_KINDS,
};

/* Time in which at least one task waited (some), or in which nobody got on (full). */
struct host_stall {
    bool known; /* CPU has no "full" before Linux 5.13 */
    uint64_t total_us;
    double avg10_ratio; /* the kernel's average over 10 s, as a share of 1 */
};

struct host_pressure {
    struct host_stall some, full;
    unsigned epoch; /* totals of different ones belong to different cgroups: don't compare */
};

/* 0, or VAGUS_EUNSUPPORTED (an old kernel, psi=0, no v2 cgroup), VAGUS_EPERM, VAGUS_EIO,
 * VAGUS_EPARSE; the output is untouched then. */
int host_pressure(struct host *host, enum host_pressure_scope scope, enum host_pressure_kind kind,
                  struct host_pressure *pressure);

/* The file that a trigger is written to: an absolute path below the root, valid until the next
 * host_cgroup_resolve(). 0, VAGUS_EUNSUPPORTED, or VAGUS_EFULL if it does not fit. */
int host_pressure_path(const struct host *host, enum host_pressure_scope scope,
                       enum host_pressure_kind kind, char *path, size_t capacity);

/* The parser alone, over any bytes, for tests and fuzzing. 0 or VAGUS_EPARSE. */
int host_parse_pressure(const char *text, size_t length, struct host_pressure *pressure);

#endif
