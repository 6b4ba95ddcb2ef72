/* SPDX-License-Identifier: Apache-2.0 */
/* A series in words: "50% x60, 50%..5% for 10s, _ x10, 5%". What it stands for is never written
 * out: a month at one second is a few pieces and a cursor. docs/testing-policies.md has the
 * grammar. */
#ifndef CLI_SERIES_TEXT_H
#define CLI_SERIES_TEXT_H

#include <stdbool.h>

#include "base/quantity.h"

#define SERIES_PIECES_MAX 4096
#define SERIES_STEPS_MAX UINT64_C(100000000) /* three years of seconds */

enum series_what {
    SERIES_VALUE,   /* and ramps: from .. to */
    SERIES_GROWS,   /* by `from` at each step */
    SERIES_MISSING, /* an attempt that failed */
    SERIES_SILENT,  /* nothing is said */
};

struct series_piece {
    enum series_what what;
    double from, to, noise;
    uint64_t count; /* steps; 0: to the end */
    /* Of the last piece of a group: */
    uint64_t repeats;
    uint32_t group; /* its first piece */
};

struct series {
    struct series_piece *pieces;
    uint32_t count, room;
    uint64_t steps; /* without what goes on to the end */
    bool endless;   /* the last piece goes on to the end */
};

struct series_fault {
    size_t offset; /* in the text */
    char text[160];
};

/* Adds what the text says. every_ns: of a step. 0, VAGUS_EPARSE with *fault, VAGUS_ENOMEM; the
 * series is to be finished in any case. */
int series_parse(struct series *series, const char *text, enum dimension dimension,
                 int64_t every_ns, struct series_fault *fault);
void series_finish(struct series *series);

struct series_cursor {
    uint32_t piece;
    uint64_t done, repeated;
    uint64_t random; /* seed, not 0 */
    double value;    /* the newest one */
};

/* What the series says at the next step; nothing after its end. */
enum series_what series_next(const struct series *series, struct series_cursor *cursor,
                             double *value);

/* "A..B", or one quantity, which is both. NULL, or what is wrong with it. */
const char *series_parse_range(const char *text, enum dimension dimension, double *from,
                               double *to);

#endif
