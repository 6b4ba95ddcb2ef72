/* SPDX-License-Identifier: Apache-2.0 */
/* The health summary: one screen for a person, or JSON for a program. */
#ifndef VAGUS_HEALTH_H
#define VAGUS_HEALTH_H

#include <stdio.h>

#include "base.h"

VAGUS_BEGIN_DECLS

struct vagus_monitor;

enum vagus_health_flags {
    VAGUS_HEALTH_JSON = 1,
    VAGUS_HEALTH_COLOUR = 2,
    VAGUS_HEALTH_BRIEF = 4, /* one line: verdict, reason, the organ that is used up most */
};

/* Renders the summary into text (always ended by 0, cut if it does not fit; 16 KiB
 * fit any text; JSON takes some 50 KiB, and 1 MiB fits any).
 * Allocates nothing. *length (may be NULL) is what it would have needed, the final 0 excluded. */
VAGUS_API int vagus_health_format(struct vagus_monitor *monitor, uint32_t flags, char *text,
                                  size_t capacity, size_t *length);

/* The same onto a stream; in colour if the stream is a terminal and NO_COLOR is not set, and as
 * wide as the terminal. */
VAGUS_API int vagus_health_print(struct vagus_monitor *monitor, FILE *stream);

/* The two questions of orchestrators, for an agent that answers probes itself. `reason` (may be
 * NULL with capacity 0) says why, in one line, in any case. Any thread; no lock that anybody holds
 * for long, no allocation, no system call; some microseconds.
 *
 * Alive: should the process be left running? False where a restart is the remedy: the monitor is
 * closed or has not published for 10 s, or a rule raises shutdown about the resource `agent`, which
 * is the agent's own condition (no progress); never because of load. True before the start.
 *
 * Ready: can it take work? False if it is not alive, its verdict is unknown (before the first
 * publication too), or defer or shutdown is raised about anything. */
VAGUS_API bool vagus_alive(struct vagus_monitor *monitor, char *reason, size_t capacity);
VAGUS_API bool vagus_ready(struct vagus_monitor *monitor, char *reason, size_t capacity);

VAGUS_END_DECLS

#endif
