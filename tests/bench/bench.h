/* SPDX-License-Identifier: Apache-2.0 */
/* What the rows of ./dev bench share. A row is one line of bench.def; whatever it could not measure
 * stays NaN and is left out of the results, never 0. No figure makes the program fail. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "measure.h"

struct bench_row;

/* In the unit of the row; NaN: not measured. */
struct bench_result {
    double value, floor, peer;
    double bound;    /* the most that the value may be, beyond what the row itself says */
    const char *why; /* nothing was measured, and this is why */
};

struct bench_row {
    const char *name;
    const char *unit; /* "ns", "B", "%", "instructions" */
    void (*run)(const struct bench_row *row, struct bench_result *result);
    const char *argument;
    double most;        /* the bound in the unit of the row; 0: none */
    double times_floor; /* the bound as a multiple of the floor; 0: none */
    const char *peer;   /* who else was measured in the same run; NULL: nobody */
};

#define BENCH_ROW(name, unit, run, argument, most, times_floor, peer)                              \
    void run(const struct bench_row *row, struct bench_result *result);
#include "bench.def"
#undef BENCH_ROW

/* --- Other processes: child.c --- */

struct child {
    pid_t pid; /* 0: there is none */
    FILE *out; /* what it prints */
};

/* Starts a program with its messages thrown away. False if it could not be started. */
bool child_exec(struct child *child, const char *const arguments[]);

/* Runs body(out, arg) in a copy of this process. */
bool child_fork(struct child *child, void (*body)(FILE *out, void *arg), void *arg);

/* Waits for its end and closes. True if it ended well. */
bool child_end(struct child *child);

/* The program beside this one that is linked to the shared library as any user's would be. */
const char *child_client(void);

/* The same, built with the peers that are packaged here, and so apart: what these load with
 * themselves is no part of what vagus takes. */
const char *child_peers(void);

/* The command of this build. */
const char *child_command(void);

/* Runs a program of these with up to two arguments and takes what it prints into the result. */
void child_measure(const char *program, const char *verb, const char *argument,
                   struct bench_result *result);

#endif
