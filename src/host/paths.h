/* SPDX-License-Identifier: Apache-2.0 */
/* The file systems of the watched paths. These are paths of the machine, whatever the root. */
#ifndef HOST_PATHS_H
#define HOST_PATHS_H

#include "host/host.h"

/* Fixed at open; from any thread. A path is absolute and there only once; NULL beyond the last. */
size_t host_path_count(const struct host *host);
const char *host_path(const struct host *host, size_t index);

/* One watched path, for whoever looks at that one alone. Lives as long as the host. */
struct host_watch {
    struct host *host;
    size_t index;
};
struct host_watch *host_path_watch(struct host *host, size_t index);

struct host_space {
    uint64_t total_bytes, free_bytes;   /* free for users without privilege */
    uint64_t inodes_total, inodes_free; /* both 0 where the file system has no fixed number */
};

/* From any thread, also while others read the host; may block for as long as a network mount does
 * not answer, so call it from a lane. 0.4 µs on a local file system. VAGUS_ENOENT: nothing
 * is there now. VAGUS_EPERM, VAGUS_EIO, VAGUS_EUNSUPPORTED (no size: /proc and the like),
 * VAGUS_EINVAL (no such index). */
int host_path_space(struct host *host, size_t index, struct host_space *space);

/* Writes one small file into a watched folder, which is gone when this returns: the only way to see
 * a quota. Same threads as above. `number` is 0 if it could be written, else errno.
 * VAGUS_EUNSUPPORTED unless host_options said probe_paths, or if the path is no folder;
 * VAGUS_ENOENT; VAGUS_ERESOURCE: the process itself lacks what it takes. */
int host_path_probe(struct host *host, size_t index, int *number);

#endif
