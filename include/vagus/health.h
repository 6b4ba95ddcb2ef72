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
};

/* Renders the summary into text (always ended by 0, cut if it does not fit; 16 KiB
 * fit any text, 128 KiB any JSON).
 * Allocates nothing. *length (may be NULL) is what it would have needed, the final 0 excluded. */
VAGUS_API int vagus_health_format(struct vagus_monitor *monitor, uint32_t flags, char *text,
                                  size_t capacity, size_t *length);

/* The same onto a stream; in colour if the stream is a terminal and NO_COLOR is not set. */
VAGUS_API int vagus_health_print(struct vagus_monitor *monitor, FILE *stream);

VAGUS_END_DECLS

#endif
