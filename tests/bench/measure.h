/* SPDX-License-Identifier: Apache-2.0 */
/* Times loops against each other: many short batches, first one contender's, then the next one's,
 * so that whatever else the machine does meets them alike; of each the median counts. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

struct contender {
    void (*loop)(void *arg, uint64_t iterations);
    void (*prepare)(void *arg); /* before each batch, not timed; may be NULL */
    void *arg;
    uint64_t iterations; /* of one batch; 0: as many as take 50 µs */
    double per;          /* operations in one iteration; 0: one */
    double ns;           /* found: one operation, in the median batch */
};

#define MEASURE_THREADS_MAX 2

/* With several threads all of them run each batch at the same time; ns is of one thread then. False
 * if there are fewer CPUs than threads, if these hardly ever ran at once, or without memory. */
bool measure(struct contender *contenders, unsigned count, unsigned threads);

/* What stands between two iterations: nothing may be kept in registers beyond it, or added up over
 * several of them. */
#define MEASURE_LOOP(iterations, statement)                                                        \
    for (uint64_t left_ = (iterations); left_ > 0; left_--) {                                      \
        statement;                                                                                 \
        __asm__ volatile("" ::: "memory");                                                         \
    }

#endif
