/* SPDX-License-Identifier: Apache-2.0 */
/* When to read again what can run out: after half the time in which the nearest threshold could be
 * reached, at the greatest rate that is possible: the declared one, or the one that was seen if it
 * is greater. Pure. */
#ifndef SENSE_NEAR_H
#define SENSE_NEAR_H

#include <stdbool.h>
#include <stdint.h>

#include "vagus/base.h"

/* The least between two reads: while it stands still, and once a read shows it moving towards a
 * threshold. */
#define NEAR_STILL_NS (5 * VAGUS_MILLISECOND_NS)
#define NEAR_MOVING_NS (1 * VAGUS_MILLISECOND_NS)

/* Reads that must show it still before it counts as still again: one that is caught while the
 * writer was off its CPU says little. */
#define NEAR_STILL_READS 3

/* Of one metric, what was read since the newest tick of its tier; NaN: nothing. */
struct near_between {
    double tick; /* what that brought */
    struct near_point {
        double value;
        int64_t at_ns;
    } low, high;
};

/* A value between two ticks enters the series if it is a spike: beyond both of them by more than
 * this share of the nearer. All that is less, the ticks tell well enough. */
#define NEAR_SPIKE 0.01

/* One thing that can run out. */
struct near {
    int64_t next_ns; /* when to read it again; INT64_MAX: its tier is soon enough */
    uint32_t moving; /* reads left in which it counts as moving */
    bool wanted;     /* to be read now */
    double ahead;    /* units to the nearest threshold, as last looked at */
    double last[4];  /* of its metrics; VAGUS_LIMITED_METRICS_MAX */
    struct near_between between[4];
    double seen;     /* units in a second, between the last two reads; 0: not nearer */
    int64_t read_ns; /* the newest read */
};

/* How long until the next read, from a read that left `ahead` units to the nearest threshold, of
 * which `rate` can go in a second; INT64_MAX if a read after period_ns is soon enough. ahead
 * infinite: nothing is ahead. */
int64_t near_wait_ns(const struct near *near, double ahead, double rate, int64_t period_ns);

#endif
