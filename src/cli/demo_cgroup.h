/* SPDX-License-Identifier: Apache-2.0 */
/* A memory cgroup of the demo's own, below the one that the process is in, for as long as it runs.
 * v1 and v2. The process must have one thread when it enters. */
#ifndef CLI_DEMO_CGROUP_H
#define CLI_DEMO_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

#define DEMO_CGROUP_PATH_MAX 1024

struct demo_cgroup {
    bool inside;
    bool enabled;                      /* v2: it switched the memory controller on for children */
    char parent[DEMO_CGROUP_PATH_MAX]; /* the folder that the process came from and returns to */
    char path[DEMO_CGROUP_PATH_MAX + 64];
    char why_not[320]; /* if not inside: one sentence without a full stop */
};

/* Creates a cgroup with this limit and moves the calling process into it, or undoes what it did
 * and says why not. Removes those that demos which were killed left behind. */
bool demo_cgroup_enter(struct demo_cgroup *cgroup, uint64_t limit_bytes);

/* Moves back and removes it. False if something is left behind; why_not says what. Nothing to do
 * and true if not inside. */
bool demo_cgroup_leave(struct demo_cgroup *cgroup);

#endif
