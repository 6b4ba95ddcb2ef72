/* SPDX-License-Identifier: Apache-2.0 */
/* The machine, below an injectable root: which files are kept open, which paths are watched. The
 * readers of each kind of file stand in the other headers of this folder; all of them take garbage,
 * truncation and absence without harm, allocate nothing after host_open(), and fill their output
 * only on success. Not for two threads at once, but for host_path_space(). */
#ifndef HOST_HOST_H
#define HOST_HOST_H

#include "vagus/base.h"

struct host;

#define HOST_PATHS_MAX 10

struct host_options {
    const char *root;               /* NULL or "": the machine itself */
    const char *const *watch_paths; /* copied; relative ones are resolved at open */
    size_t watch_path_count;
    bool probe_paths;            /* host_path_probe() may write into them */
    uint64_t memory_limit_bytes; /* declared by the policy; 0: none */
};

/* Opens every file once, and asks hwloc and libstatgrab what they know; 1 ms and more, may block.
 * What is missing is no failure: its reader says VAGUS_EUNSUPPORTED. 0, VAGUS_ENOMEM, VAGUS_EINVAL
 * (too many paths, an empty or too long one, a root that is no folder). A sampler thread calls
 * host_thread_prepare() first. */
int host_open(const struct host_options *options, struct host **host);

/* Counted: a lane that was left behind may outlive the monitor. NULL is fine. */
struct host *host_ref(struct host *host);
void host_unref(struct host *host);

/* For benchmarks: called with the path of each file read. NULL ends it. */
void host_trace(struct host *host, void (*on_read)(void *arg, const char *path), void *arg);

#endif
