/* SPDX-License-Identifier: Apache-2.0 */
/* One line for each transition, as tests and replays of policies show them. */
#ifndef CLI_TIMELINE_H
#define CLI_TIMELINE_H

#include <stdio.h>

#include "vagus/signal.h"

/* A mark, and the time since the beginning. */
void timeline_begin(FILE *out, char mark, int64_t at_ns);
/* The rest of the line. */
void timeline_signal(FILE *out, const struct vagus_signal *signal, bool shadow);
/* One JSON object. */
void timeline_json(FILE *out, int64_t at_ns, const struct vagus_signal *signal, bool shadow);

#endif
