/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor's budget of CPU: past it the tiers slow down, each span by a factor of two, and come
 * back when there is room. Pure. */
#ifndef SENSE_BUDGET_H
#define SENSE_BUDGET_H

#include <stdint.h>

/* Tiers are this many times slower at most. */
#define BUDGET_STRETCH_MAX 8

struct budget {
    double ratio;          /* of one core; 0: no bound */
    uint32_t stretch;      /* 1: tiers are as they are named */
    double used;           /* in the last span */
    int64_t cpu_ns, at_ns; /* when it began; at_ns 0: not begun */
};

void budget_init(struct budget *budget, double ratio);

/* The CPU time used ever, but for reads near a limit, at now_ns. Looks at it each BUDGET_SPAN_NS;
 * returns the stretch from now on. */
#define BUDGET_SPAN_NS INT64_C(10000000000)
uint32_t budget_note(struct budget *budget, int64_t cpu_ns, int64_t now_ns);

#endif
