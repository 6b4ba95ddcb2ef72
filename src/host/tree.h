/* SPDX-License-Identifier: Apache-2.0 */
/* The process and all that descend from it, by /proc/<pid>/task/<tid>/children, or by a look at
 * every process where the kernel was built without that file (CONFIG_PROC_CHILDREN). For one thread
 * at a time, but not the sampler's: a walk opens 3 files for each process and one for each thread,
 * some 10 µs a process. It shares nothing with the host's other readers. */
#ifndef HOST_TREE_H
#define HOST_TREE_H

#include "host/host.h"

#define HOST_TREE_PROCESSES_MAX 1024 /* of the tree; those beyond are `unseen` */
#define HOST_TREE_THREADS_MAX 8192   /* whose children are asked for in one walk; the same */
#define HOST_TREE_SCANNED_MAX 8192   /* processes of the machine, where all must be looked at */
#define HOST_TREE_ESCAPED_MAX 256

struct host_tree;

/* Allocates a quarter of a MiB, of which what is not used is never touched. The host must outlive
 * it. 0, VAGUS_ENOMEM, or why self/stat cannot be read. */
int host_tree_create(struct host *host, struct host_tree **tree);
void host_tree_destroy(struct host_tree *tree); /* NULL is fine */

struct host_tree_sum {
    uint64_t processes, threads; /* this process is one of them; zombies count until reaped */
    /* User and system time of all that live and, by their parents' account, of all that were waited
     * for. Each process is exact to two clock ticks. It never runs backward: what an ended process
     * was seen to use stays counted, though its parent did not wait for it or it escaped; what it
     * used after it was last seen is lost then. */
    uint64_t cpu_ns;
    uint64_t resident_bytes; /* a page that several share counts for each of them */
    int resident_error;      /* 0, or why resident_bytes is not known */
    /* Seen in the tree earlier and alive, but no longer below this process, since a parent ended
     * (a daemon's double fork): not counted above from then on. What escapes between two walks is
     * never seen at all; a process that makes itself a subreaper (PR_SET_CHILD_SUBREAPER) loses
     * none. */
    uint64_t escaped;
    uint64_t unseen; /* known to be there, but beyond the bounds above or not to be read */
};

/* One walk. 0, or VAGUS_EIO, VAGUS_EPERM, VAGUS_EPARSE: nothing is known then, and the next walk
 * goes on from the one before. */
int host_tree_sample(struct host_tree *tree, struct host_tree_sum *sum);

/* One process, from <pid>/stat. It is the same one only if `started` is the same, too. */
struct host_tree_process {
    int32_t pid, parent_pid;
    uint32_t threads;
    char state;
    uint64_t started;     /* clock ticks since boot */
    uint64_t own_ns;      /* CPU time of its threads, those that ended too */
    uint64_t children_ns; /* of children that were waited for, and of theirs */
};

/* The parsers alone. 0 or VAGUS_EPARSE. */
int host_parse_tree_process(const char *text, size_t length, long ticks_per_second,
                            struct host_tree_process *process);
/* The numbers of "12 13 14 "; beyond capacity they are counted only. */
int host_parse_children(const char *text, size_t length, int32_t *pids, size_t capacity,
                        size_t *count);

#endif
