/* SPDX-License-Identifier: Apache-2.0 */
/* What outlives a restart: spending, from the previous segment of the same agent and from a small
 * file, <dir>/<agent>.budgets; and what is known of former runs, in <agent>.continuity. Read at
 * open, written by a lane. */
#ifndef MONITOR_STATE_H
#define MONITOR_STATE_H

#include "judge/carry.h"
#include "monitor/continuity_file.h"
#include "sense/lane.h"

#define STATE_PATH_MAX 256
#define STATE_EVERY_NS (10 * VAGUS_SECOND_NS)
#define STATE_SIGN_NS (600 * VAGUS_SECOND_NS) /* a sign of life, where there is a file for it */

/* What the lane holds; it may outlive the monitor. */
struct state_work {
    char dir[STATE_PATH_MAX];
    char agent[SEGMENT_AGENT_MAX];
    int error; /* errno of the newest run; 0 */
    struct carry carry;
    bool budgets, continues;           /* which of the two files to write */
    struct continuity_file continuity; /* sealed */
    unsigned char bytes[CARRY_FILE_BYTES_MAX];
};

struct state {
    bool on;      /* spending is carried, or continuity */
    bool rolls;   /* the former */
    bool asked;   /* by the policy, to keep it in this folder */
    bool knows;   /* `continuity` is what the file says */
    bool none;    /* there is no such file */
    bool damaged; /* there is, and it cannot be believed */
    bool unknown; /* there is a file, and it cannot be read */
    char why[160];
    char boot_id[BOOT_ID_MAX];
    struct continuity_file continuity;
    int64_t signed_ns;       /* when the newest sign of life was given */
    struct carry *former[2]; /* the previous segment's, the file's; NULL */
    struct state_work *work;
    struct lane *lane; /* NULL: nobody writes but state_close() */
    int64_t written_ns;
    uint64_t written_spent; /* of all budgets together */
    int told_error;
};

struct vagus_monitor;

/* Before the segment is made, which may remove the previous one. Never fails: what could not be had
 * is said in a note. */
void state_open(struct vagus_monitor *monitor, const char *agent, bool anonymous);
/* Of a budget that was just defined. */
void state_restore(struct vagus_monitor *monitor, struct budget *budget);
/* Makes the lane, if there is something to write. */
void state_start(struct vagus_monitor *monitor);
/* The sampler: mirrors into the segment, and asks the lane now and then. */
void state_step(struct vagus_monitor *monitor, int64_t now_ns);
/* Writes a last time. False if the lane did not come back by the deadline. */
bool state_close(struct vagus_monitor *monitor, int64_t deadline_ns);
void state_free(struct vagus_monitor *monitor);

#endif
