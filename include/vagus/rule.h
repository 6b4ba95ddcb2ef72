/* SPDX-License-Identifier: Apache-2.0 */
/* Rule kinds: pure functions from a window of a metric to the number that thresholds are held
 * against. Thresholds, timing and signals are the same for all kinds and not their concern. */
#ifndef VAGUS_RULE_H
#define VAGUS_RULE_H

#include "metric.h"

VAGUS_BEGIN_DECLS

enum vagus_stat {
    VAGUS_STAT_LAST = 0,
    VAGUS_STAT_MIN = 1,
    VAGUS_STAT_MAX = 2,
    VAGUS_STAT_MEAN = 3,
};

/* A metric's series between from_ns (exclusive) and now_ns. */
struct vagus_window {
    int64_t from_ns, now_ns;
    int64_t first_ns, last_ns; /* times of the first and last value in it; 0 if count is 0 */
    uint64_t count;            /* values in it */
    uint64_t gaps;             /* attempts in it that brought no value */
    double first, last, min, max, sum;
};

/* What a rule of this kind was told by the policy. */
struct vagus_rule_params {
    enum vagus_stat stat;
    int64_t window_ns;
};

struct vagus_rule_kind {
    const char *name;
    const char *help;
    bool of_the_metric; /* its number is a value of the metric, in its unit and bounds */
    /* The number to judge. 0, or VAGUS_EAGAIN if the window cannot answer (the rule's on_missing
     * decides then); the output stays untouched on failure. Pure: no state, no clock, no I/O. */
    int (*measure)(const struct vagus_window *window, const struct vagus_rule_params *params,
                   double *measure);
};

VAGUS_END_DECLS

#endif
