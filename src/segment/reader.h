/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a segment, one's own or a stranger's, with suspicion: bounds, magic, version and stamps
 * are checked, tries are counted, and nothing of it is ever mapped. */
#ifndef SEGMENT_READER_H
#define SEGMENT_READER_H

#include "segment/writer.h"

struct segment_reader {
    int fd;             /* -1: reads `memory` */
    const void *memory; /* of a segment of this process */
    uint64_t bytes;
    struct segment_header header; /* copied and checked when it was attached */
};

/* Attaches to a file, opened by name without following a link. VAGUS_ENOENT, VAGUS_EPERM (a link,
 * or another user's), VAGUS_ECORRUPT, VAGUS_EVERSION, VAGUS_EIO; *reader is then safe to detach. */
int segment_attach(const char *path, struct segment_reader *reader);

/* The same below an open folder (AT_FDCWD: the current one). */
int segment_attach_at(int folder, const char *name, struct segment_reader *reader);

/* Attaches to a segment of this process: no descriptor, no system call. */
void segment_attach_own(const struct segment *segment, struct segment_reader *reader);

/* Reads and checks the header again, which tells how the writer's life goes on. On failure it is as
 * it was: VAGUS_EIO, VAGUS_ECORRUPT (truncated, for one), VAGUS_EVERSION. */
int segment_refresh(struct segment_reader *reader);

/* Lets go. Zeroed and failed readers are fine. */
void segment_detach(struct segment_reader *reader);

/* True while the writer holds its lock. Own segments are alive. */
bool segment_alive(const struct segment_reader *reader);

/* Ends the strings of a stranger's snapshot by 0 and brings its verdict and its count of paths
 * within what can be: the reader does so with each that it copies. */
void segment_tidy_snapshot(struct vagus_system_snapshot *snapshot);

/* The newest snapshot: 0, VAGUS_EAGAIN (none yet, or four tries met the writer), VAGUS_EIO,
 * VAGUS_ECORRUPT; the output stays untouched on failure. */
int segment_read_snapshot(const struct segment_reader *reader,
                          struct vagus_system_snapshot *snapshot);

/* Entries [first, first + count) of a section into `entries`, and its head; count is cut to what
 * the section holds and comes back in *got; count 0 brings the head alone, and entries may then be
 * NULL. Entry size is what this build knows, zeroes where the writer knew less, and a
 * section that the writer did not have is empty; strings are ended by 0. In the ring of signals
 * `first` moves up to the oldest entry that is still there, so that (0, SEGMENT_SIGNALS_MAX) brings
 * all that there is, oldest first. VAGUS_EINVAL for the snapshot and the series, VAGUS_EIO,
 * VAGUS_ECORRUPT, VAGUS_EAGAIN if four tries met the writer; *got and *head are untouched then,
 * entries are not. Where a writer died in the middle of a change head->stamp is odd, and an entry
 * may be half of two. */
int segment_read_entries(const struct segment_reader *reader, enum segment_section_id id,
                         uint64_t first, uint64_t count, void *entries, uint64_t *got,
                         struct segment_head *head);

/* Hands over each metric of the directory with its index, in order, until it returns false. 0, or
 * as segment_read_entries() why the rest cannot be had. */
int segment_each_metric(const struct segment_reader *reader,
                        bool (*on_metric)(const struct segment_metric *metric, uint32_t index,
                                          void *arg),
                        void *arg);

/* The block at a place in the pool of series: VAGUS_ENOENT if there is no such place or it was
 * never used, VAGUS_EAGAIN if four tries met the writer. Its head is checked: level, fields and
 * counts are possible ones, or it is VAGUS_ECORRUPT. head.stamp is odd if its writer died while
 * changing it. The output stays untouched on failure. */
int segment_read_block(const struct segment_reader *reader, uint32_t place,
                       struct segment_block *block);

/* Its head alone. */
int segment_read_block_head(const struct segment_reader *reader, uint32_t place,
                            struct segment_block_head *head);

/* Whether a copied block's head is possible, so that what it says of itself is within bounds. */
bool segment_block_check(const struct segment_block_head *head);

/* One segment in a folder. */
struct segment_found {
    char path[512];
    struct segment_header header; /* of one that cannot be read: the agent alone, from its name */
    bool alive;
    int error; /* 0, or why it cannot be read: VAGUS_EVERSION, VAGUS_ECORRUPT, VAGUS_EPERM … */
};

#define SEGMENT_LIST_MAX 256

/* Calls on_found for each segment of this user (for root: of the folder), those alive first, then
 * the newest first, at most SEGMENT_LIST_MAX of them. dir NULL: the default folders, those of all
 * users for root. on_found returns false to stop. Returns how many were shown, or VAGUS_ENOENT,
 * VAGUS_EINVAL (no folder) or VAGUS_EPERM of a given dir, VAGUS_ENOMEM. */
int segment_list(const char *dir, bool (*on_found)(const struct segment_found *found, void *arg),
                 void *arg);

#endif
