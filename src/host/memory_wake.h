/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's own wake-ups for memory: descriptors that become ready when usage crosses what was
 * asked for (cgroup v1), when it passed memory.high or met a limit (v2), or when tasks stall for
 * memory (PSI). Each says "look now" and no more. All but host_memory_wake_seen() is the sampler's;
 * it asks again when limits change, so its descriptors come and go: who polls takes them over. */
#ifndef HOST_MEMORY_WAKE_H
#define HOST_MEMORY_WAKE_H

#include <stdbool.h>

#include "host/host.h"

/* Where a rule wants to be woken: so much headroom is left. */
struct host_wake_threshold {
    double headroom; /* bytes, or a share of the limit */
    bool share;
};
#define HOST_WAKE_THRESHOLDS_MAX 12

/* The descriptors at most: usage events of v1, memory.events of v2, PSI of the host and the cgroup.
 */
#define HOST_WAKE_FDS_MAX 4

struct host_wake_fd {
    int fd;
    short events; /* of poll() */
};

/* A text to be written to a descriptor, which then is closed. The kernel takes 10 ms and more for
 * it, so this is work for a thread that may wait. */
struct host_wake_order {
    int fd;
    char text[64];
};
#define HOST_WAKE_ORDERS_MAX 48

struct host_wake_request {
    struct host_wake_fd fds[HOST_WAKE_FDS_MAX];
    unsigned fd_count;
    struct host_wake_order orders[HOST_WAKE_ORDERS_MAX];
    unsigned order_count;
};

/* Says what to ask for, before host_memory_wake_ask(). set_high: on v2 memory.high of the own
 * cgroup may be set, to the first threshold. Thresholds beyond the most are left out, the least
 * grave first. */
void host_memory_wake_want(struct host *host, const struct host_wake_threshold *thresholds,
                           size_t count, bool set_high);

/* Prepares what is to be asked of the kernel, if limits or cgroup are others than when it was done
 * last (call it when they were read again); else false. The caller owns the descriptors, and
 * closing them takes back what was asked. Some system calls, none that blocks. */
bool host_memory_wake_ask(struct host *host, struct host_wake_request *request);

/* The orders of the newest request that were carried out, bit 1 << index. */
void host_memory_wake_granted(struct host *host, uint64_t orders);

/* One of its descriptors was ready: takes note, so that it can be so again. False if it is of no
 * more use. Any thread. */
bool host_memory_wake_seen(int fd, short events);

/* Gives memory.high back as it was. */
void host_memory_wake_close(struct host *host);

/* What the kernel was asked for, for people. */
struct host_wake_told {
    unsigned usage_events; /* v1, asked for */
    bool events_file;      /* v2 memory.events */
    bool high_set;         /* v2 memory.high */
    bool high_left;        /* it was set already, by a monitor that was killed */
    bool host_stalls, cgroup_stalls;
    int error; /* why a usage event or memory.high was refused; VAGUS_EEXIST: somebody else has set
                * memory.high; 0 */
};
void host_memory_wake_told(const struct host *host, struct host_wake_told *told);

/* True if the kernel wakes the monitor before the working set of this level of the cgroup ancestry
 * reaches so many bytes: a usage event stands there or below it, and usage, as last read, has not
 * passed it. Usage is never less than the working set, so it comes there first; once page cache has
 * carried it past, no event comes for what takes the place of the cache. */
bool host_memory_wakes(const struct host *host, unsigned level, double working_set_bytes);

#endif
