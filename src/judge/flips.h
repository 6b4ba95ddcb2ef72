/* SPDX-License-Identifier: Apache-2.0 */
/* Whether one edge is taken too often: a severity that is raised, a mode that is left for another.
 * Pure: times come in. */
#ifndef JUDGE_FLIPS_H
#define JUDGE_FLIPS_H

#include <stdbool.h>
#include <stdint.h>

#define FLIPS_WITHIN_NS (INT64_C(600) * 1000000000) /* three within it are flapping */

/* All zero: never taken. */
struct flips {
    int64_t at_ns[2];   /* the last two times that it was taken, the older first; 0: never */
    int64_t told_ns;    /* when it was last reported; 0: never */
    int64_t longest_ns; /* between these: the longest that the way back held */
};

/* It is taken, after the way back held for so long (negative: there was none). True if it flaps and
 * that was not reported for ten minutes; it counts as reported when told_ns is set. */
static inline bool flips_add(struct flips *flips, int64_t held_ns, int64_t now_ns)
{
    if (flips->at_ns[1] == 0 || now_ns - flips->at_ns[1] > FLIPS_WITHIN_NS)
        *flips = (struct flips){.told_ns = flips->told_ns};
    else if (held_ns > flips->longest_ns)
        flips->longest_ns = held_ns;
    bool third = flips->at_ns[0] != 0 && now_ns - flips->at_ns[0] <= FLIPS_WITHIN_NS;
    flips->at_ns[0] = flips->at_ns[1];
    flips->at_ns[1] = now_ns;
    return third && (flips->told_ns == 0 || now_ns - flips->told_ns >= FLIPS_WITHIN_NS);
}

/* A time that would have held through what was the longest: a quarter more, in whole seconds. */
static inline int64_t flips_proposed_ns(const struct flips *flips)
{
    int64_t second_ns = 1000000000;
    return (flips->longest_ns + flips->longest_ns / 4 + second_ns) / second_ns * second_ns;
}

/* What health is to say. One of the same key takes the place of the one before. */
struct flap {
    unsigned key_length; /* of the text's beginning, which tells what flaps */
    char text[240];
};
#define FLAPS_MAX 8 /* found in one step; the rest are found again when they next flip */

#endif
