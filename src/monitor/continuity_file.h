/* SPDX-License-Identifier: Apache-2.0 */
/* Continuity beyond a reboot, and beyond the folder of segments: one small file beside that of the
 * budgets, <dir>/<agent>.continuity. Pure: the file itself is state.c's. */
#ifndef MONITOR_CONTINUITY_FILE_H
#define MONITOR_CONTINUITY_FILE_H

#include "segment/layout.h"

struct continuity_file {
    char magic[8];
    uint32_t version;
    uint32_t closed;   /* 1: the run ended in order */
    uint64_t checksum; /* of all that follows */
    uint64_t stamp;    /* of the run's segment */
    int64_t pid;
    int64_t started_ns, started_wall_ns;
    int64_t last_ns, last_wall_ns; /* when it was written: a sign of life */
    char boot_id[BOOT_ID_MAX];
    struct segment_continuity state;
};

/* Completes one whose other fields are filled. */
void continuity_file_seal(struct continuity_file *file);
/* Judges one of `size` bytes that came from outside. 0, VAGUS_ECORRUPT, VAGUS_EVERSION. */
int continuity_file_check(const struct continuity_file *file, size_t size);

#endif
