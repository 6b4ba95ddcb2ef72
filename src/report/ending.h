/* SPDX-License-Identifier: Apache-2.0 */
/* How a run ended, as far as its segment and the machine can tell. What is not certain is told as
 * evidence. */
#ifndef REPORT_ENDING_H
#define REPORT_ENDING_H

#include "base/boot.h"
#include "base/text.h"
#include "host/oom.h"
#include "segment/reader.h"

#define ENDING_EVIDENCE_MAX 10
#define ENDING_EVIDENCE_BYTES 400

/* What is asked. About 22 KiB. */
struct ending_facts {
    /* Of the segment. */
    struct segment_header header;
    bool alive;
    int snapshot_error; /* 0, or why there is none */
    struct vagus_system_snapshot snapshot;
    struct segment_continuity continuity; /* zeroed: it has none */
    bool kills_told;                      /* how often its cgroup's OOM killer struck, at last */
    uint64_t kills_then;
    /* Of the machine; ending_look() asks it only where the segment leaves it open. */
    char boot_id[BOOT_ID_MAX];
    int kills_error; /* 0, or why the counter cannot be had */
    uint64_t kills_now;
    int log_error; /* 0: the kernel's log tells of it; VAGUS_ENOENT: it does not; or no log */
    struct host_oom_kill log;
    bool log_by_name; /* it is the name that fits, in another count of processes */
};

struct ending {
    uint32_t end; /* enum vagus_end; of one that runs VAGUS_END_UNKNOWN */
    bool running;
    uint32_t signal; /* the fatal one; 0 */
    int64_t last_sign_ns, last_sign_wall_ns;
    unsigned evidence_count;
    char evidence[ENDING_EVIDENCE_MAX][ENDING_EVIDENCE_BYTES]; /* safe for a terminal */
};

/* Reads the segment's part; the rest is zeroed. VAGUS_EINVAL if the reader is not attached. */
int ending_load(const struct segment_reader *reader, struct ending_facts *facts);

/* Asks the machine: a few small files, and the kernel's log for so long at most. */
void ending_look(struct ending_facts *facts, int64_t log_ns);

/* Concludes. Pure. */
void ending_judge(const struct ending_facts *facts, struct ending *ending);

/* One sentence without a full stop: "it was killed by SIGSEGV (11), as its handler noted". */
void ending_add_sentence(const struct ending *ending, struct text *text);

#endif
