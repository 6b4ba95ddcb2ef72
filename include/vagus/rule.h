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
    /* Those from here on are asked of the series: vagus_window.asked. */
    VAGUS_STAT_SUM = 4,
    VAGUS_STAT_COUNT = 5,
    VAGUS_STAT_DELTA = 6,
    VAGUS_STAT_RATE = 7,
    VAGUS_STAT_STDDEV = 8,
    VAGUS_STAT_SLOPE = 9,
    VAGUS_STAT_P50 = 10,
    VAGUS_STAT_P90 = 11,
    VAGUS_STAT_P95 = 12,
    VAGUS_STAT_P99 = 13,
};

/* The most points that a window is cut into. */
#define VAGUS_WINDOW_POINTS 64

/* A metric's series between from_ns (exclusive) and now_ns. */
struct vagus_window {
    int64_t from_ns, now_ns;
    int64_t first_ns, last_ns; /* times of the first and last value in it; 0 if count is 0 */
    uint64_t count;            /* values in it */
    uint64_t gaps;             /* attempts in it that brought no value */
    double first, last, min, max, sum;
    double asked;       /* of a statistic that the series answers; NaN if it could not */
    int64_t changed_ns; /* VAGUS_NEEDS_CHANGE: when the value last changed */
    /* VAGUS_NEEDS_POINTS: the window in equal pieces of point_ns, the oldest first; the last value
     * of each, NaN where it has none. VAGUS_NEEDS_PARTS: the level of each part, 0 if it is not
     * raised. */
    const double *points;
    uint32_t point_count;
    int64_t point_ns;
    double resolution; /* of the metric; 0: unknown */
};

/* What a rule of this kind was told by the policy. */
struct vagus_rule_params {
    enum vagus_stat stat;
    int64_t window_ns;
    double exhausted_at; /* forecast: the value that is to come */
    uint32_t samples;    /* so many points at least */
};

/* What the number is, which says in what unit thresholds are written. */
enum vagus_measure {
    VAGUS_MEASURES_METRIC = 0, /* a value of the metric, in its unit */
    VAGUS_MEASURES_RATE = 1,   /* its change, in its unit for each second */
    VAGUS_MEASURES_TIME = 2,   /* seconds */
    VAGUS_MEASURES_NUMBER = 3, /* a plain number */
    VAGUS_MEASURES_PARTS = 4,  /* the level of other rules: there are no thresholds */
};

enum vagus_needs {
    VAGUS_NEEDS_POINTS = 1,
    VAGUS_NEEDS_CHANGE = 2, /* judged, too, while the metric is silent */
    VAGUS_NEEDS_PARTS = 4,
};

struct vagus_rule_kind {
    const char *name;
    const char *help;
    const char *what; /* the number in words, "rate"; NULL: the metric itself */
    enum vagus_measure measures;
    uint32_t needs; /* enum vagus_needs, or-ed */
    /* The number to judge. 0, or VAGUS_EAGAIN if the window cannot answer (the rule's on_missing
     * decides then); the output stays untouched on failure. Pure: no state, no clock, no I/O. */
    int (*measure)(const struct vagus_window *window, const struct vagus_rule_params *params,
                   double *measure);
};

VAGUS_END_DECLS

#endif
