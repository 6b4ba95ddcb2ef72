/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel still tells of a process that the OOM killer may have ended: the counter of its
 * cgroup, and the kernel's log. Opened and closed at each call: for an autopsy, or a start. */
#ifndef HOST_OOM_H
#define HOST_OOM_H

#include "host/cgroup.h"

/* How many processes of the cgroup in this folder the OOM killer has ended since it was made. 0;
 * VAGUS_ENOENT: the cgroup is gone; VAGUS_EUNSUPPORTED: its kernel does not count; VAGUS_EPERM,
 * VAGUS_EIO, VAGUS_EPARSE. */
int host_oom_kills(const char *folder, enum host_cgroup_version version, uint64_t *kills);

/* One that the kernel's log tells of. */
struct host_oom_kill {
    int64_t at_ns;    /* since boot */
    int64_t pid;      /* as the first PID namespace counts */
    char program[16]; /* its first 15 bytes */
};

/* The newest record of a kill at or after since_ns for which `wanted` answers true. 0,
 * VAGUS_ENOENT: none; VAGUS_EAGAIN: none as far as it could be read in budget_ns (some 10 µs for
 * each record); or why the log cannot be read: VAGUS_EPERM, VAGUS_EIO, VAGUS_EUNSUPPORTED. path
 * NULL: /dev/kmsg. */
int host_oom_log(const char *path, int64_t since_ns, int64_t budget_ns,
                 bool (*wanted)(const struct host_oom_kill *kill, const void *arg), const void *arg,
                 struct host_oom_kill *kill);

/* The parser alone: a record as /dev/kmsg writes it. False if it is about anything else. */
bool host_parse_oom_record(const char *record, size_t length, struct host_oom_kill *kill);

#endif
