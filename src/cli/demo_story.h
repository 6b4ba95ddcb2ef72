/* SPDX-License-Identifier: Apache-2.0 */
/* How the demo tells its story: a line for each event, and a pulse line with a bar in between. One
 * story for each process; lines may come from any thread. */
#ifndef CLI_DEMO_STORY_H
#define CLI_DEMO_STORY_H

#include <stdbool.h>
#include <stdint.h>

#include "vagus/signal.h"

struct demo_pulse {
    double usage_bytes, limit_bytes; /* NaN: not known */
    bool known;                      /* false: nothing sensed, or the sampler is overdue */
    uint32_t kind;                   /* the severest raised signal; 0: none */
    double level;
    uint64_t messages, tokens, waiting;
};

/* The clock of the story begins. In colour or plain. */
void demo_story_begin(bool colour);
int64_t demo_story_elapsed_ns(void);

/* What somebody says: "  4.6 s  llm        one call every 200 ms". One line, full stop left out. */
void demo_story_says(const char *who, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What somebody hears: the signal, whether it came or went, and why. */
void demo_story_hears(const char *who, const struct vagus_signal *signal);

/* The head of the columns that pulses fill, then one pulse. */
void demo_story_columns(double limit_bytes);
void demo_story_pulse(const struct demo_pulse *pulse);

#endif
