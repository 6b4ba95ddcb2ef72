/* SPDX-License-Identifier: Apache-2.0 */
/* What tree.c asks of /proc: one process, its children. Shared by tree.c and tree_read.c alone. */
#ifndef HOST_TREE_READ_H
#define HOST_TREE_READ_H

#include "host/tree.h"

#define TREE_TEXT_BYTES 16384
#define TREE_CHILDREN_MAX 2048 /* of one thread */

struct tree_pair {
    int32_t pid, parent_pid;
};

struct tree_reader {
    struct host *host;
    int proc_fd;
    bool scanned;          /* there is no `children`: pairs hold every process instead */
    unsigned threads_left; /* that may still be asked for children in this walk */
    uint64_t unseen;
    uint32_t pair_count;
    struct tree_pair pairs[HOST_TREE_SCANNED_MAX];
    int32_t children[TREE_CHILDREN_MAX];
    char text[TREE_TEXT_BYTES];
};

int tree_reader_open(struct tree_reader *reader, struct host *host);
void tree_reader_close(struct tree_reader *reader);

/* Before each walk: looks at every process, where that is needed. */
int tree_reader_begin(struct tree_reader *reader);

/* VAGUS_ENOENT: it is gone. `self` of /proc if pid is 0. */
int tree_read_process(struct tree_reader *reader, int32_t pid, struct host_tree_process *process);
int tree_read_resident(struct tree_reader *reader, const struct host_tree_process *process,
                       uint64_t *bytes);

/* Calls take() for each child of the process. 0, or the first failure, take()'s included. */
int tree_read_children(struct tree_reader *reader, const struct host_tree_process *process,
                       int (*take)(void *arg, int32_t pid), void *arg);

#endif
