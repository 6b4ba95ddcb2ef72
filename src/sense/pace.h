/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor's budget of CPU: past it the tiers slow down, each span by a factor of two, and come
 * back when there is room. Pure. */
#ifndef SENSE_PACE_H
#define SENSE_PACE_H

#include <stdint.h>

/* Tiers are this many times slower at most. */
#define PACE_STRETCH_MAX 8

struct pace {
    double ratio;          /* of one core; 0: no bound */
    uint32_t stretch;      /* 1: tiers are as they are named */
    double used;           /* in the last span */
    int64_t cpu_ns, at_ns; /* when it began; at_ns 0: not begun */
};

void pace_init(struct pace *pace, double ratio);

/* The CPU time used ever, but for reads near a limit, at now_ns. Looks at it each PACE_SPAN_NS;
 * returns the stretch from now on. */
#define PACE_SPAN_NS INT64_C(10000000000)
uint32_t pace_note(struct pace *pace, int64_t cpu_ns, int64_t now_ns);

#endif
