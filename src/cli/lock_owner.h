/* SPDX-License-Identifier: Apache-2.0 */
/* Whose process holds the lock of a segment, as pids are counted here. */
#ifndef CLI_LOCK_OWNER_H
#define CLI_LOCK_OWNER_H

#include <stdint.h>

/* The pid, in the PID namespace of /proc, of the process that took the flock of a file.
 * VAGUS_ENOENT where no process that can be seen from here has one; VAGUS_EUNSUPPORTED without
 * /proc/locks. */
int64_t lock_owner(const char *path);

/* The same of the text of /proc/locks. */
int64_t lock_owner_parse(const char *locks, uint64_t device, uint64_t inode);

#endif
