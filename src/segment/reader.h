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

/* Attaches to a file, opened by name without following links. VAGUS_ENOENT, VAGUS_EPERM,
 * VAGUS_ECORRUPT, VAGUS_EVERSION, VAGUS_EIO. */
int segment_attach(const char *path, struct segment_reader *reader);

/* Attaches to a segment of this process: no descriptor, no system call. */
void segment_attach_own(const struct segment *segment, struct segment_reader *reader);

/* Lets go. Zeroed and failed readers are fine. */
void segment_detach(struct segment_reader *reader);

/* True while the writer holds its lock. Own segments are alive. */
bool segment_alive(const struct segment_reader *reader);

/* The newest snapshot: 0, VAGUS_EAGAIN (none yet, or four tries met the writer), VAGUS_EIO,
 * VAGUS_ECORRUPT; the output stays untouched on failure. */
int segment_read_snapshot(const struct segment_reader *reader,
                          struct vagus_system_snapshot *snapshot);

/* Entries [first, first + count) of a section into `entries`, and its head; count is cut to what
 * the section holds and comes back in *got. Entry size is what this build knows. If four tries meet
 * the writer: VAGUS_EAGAIN. */
int segment_read_entries(const struct segment_reader *reader, enum segment_section_id id,
                         uint64_t first, uint64_t count, void *entries, uint64_t *got,
                         struct segment_head *head);

/* Block `number` (counted from 0) of metric `metric`'s series: VAGUS_ENOENT if it was overwritten
 * or never written, VAGUS_EAGAIN if four tries met the writer. Count is clamped, points ordered or
 * the block is VAGUS_ECORRUPT. */
int segment_read_block(const struct segment_reader *reader, uint32_t metric, uint64_t number,
                       struct segment_block *block);

/* One segment in a folder. */
struct segment_found {
    char path[512];
    struct segment_header header;
    bool alive;
};

/* Calls on_found for each segment of this user (for root: of the folder), the newest first, at most
 * 256 of them. dir NULL: the default folders, those of all users for root. on_found returns false
 * to stop. Returns how many were shown, or VAGUS_E…. */
int segment_list(const char *dir, bool (*on_found)(const struct segment_found *found, void *arg),
                 void *arg);

#endif
