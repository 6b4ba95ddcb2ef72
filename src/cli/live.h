/* SPDX-License-Identifier: Apache-2.0 */
/* A process whose snapshot a verb looks at, once or again and again. */
#ifndef CLI_LIVE_H
#define CLI_LIVE_H

#include "cli/target.h"

#define LIVE_UNREADABLE 3

struct live {
    struct segment_found target;
    struct segment_reader reader;
    bool alive;
    struct vagus_system_snapshot snapshot; /* zeroed: nothing was published yet */
};

/* Finds the process, attaches, and reads its snapshot. CLI_OK, or an exit code after a message. */
int live_attach(struct live *live, const struct cli_verb *verb, const char *dir,
                const char *process);

/* Reads anew whether it is alive, and its snapshot; what cannot be had stays as it was. Of a
 * process that has ended the snapshot is overdue from its publication on. 0, or the failure of a
 * segment that was damaged meanwhile. */
int live_read(struct live *live);

/* How it ended, as far as its header tells: "closed in order", "ended without closing". */
const char *live_end_words(const struct segment_header *header);

#endif
