/* SPDX-License-Identifier: Apache-2.0 */
/* The library's own threads: detached, all signals blocked, named, and counted by whoever made them
 * so that closing can wait for them with a deadline. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stdint.h>

/* Enough for the callbacks of users, who expect no less than musl gives them by far. */
#define THREAD_STACK_BYTES (1024 * 1024)

/* Starts a detached thread with every signal blocked but those that faults raise. 0 or
 * VAGUS_ERESOURCE. */
int thread_start(const char *name, void *(*run)(void *arg), void *arg);

/* Asks the scheduler to let the calling thread run soon once it is woken, in return for short
 * turns; it gets no more time than others. For threads that act within a millisecond or too late.
 * Without effect before Linux 6.12, and where the host has chosen a policy of its own. */
void thread_hurry(void);

/* Something that happens once, and that others wait for with a deadline. */
struct latch {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int open;
};

void latch_init(struct latch *latch);
void latch_open(struct latch *latch);
/* True if it is open by deadline_ns on CLOCK_MONOTONIC. */
int latch_wait(struct latch *latch, int64_t deadline_ns);
void latch_finish(struct latch *latch);

#endif
