/* SPDX-License-Identifier: Apache-2.0 */
/* The library's own threads, and waiting for their end with a deadline. */
#include "base/thread.h"

#include <signal.h>
#include <time.h>

#include "vagus/base.h"

int thread_start(const char *name, void *(*run)(void *arg), void *arg)
{
    /* A fault that is blocked kills past the host's handler for it. */
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
    sigset_t all, before;
    pthread_attr_t attributes;
    pthread_t thread;

    if (pthread_attr_init(&attributes) != 0)
        return VAGUS_ERESOURCE;
    pthread_attr_setstacksize(&attributes, THREAD_STACK_BYTES);
    /* The mask is inherited: there is no moment in which a host's signal could land here. */
    sigfillset(&all);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        sigdelset(&all, faults[i]);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, &attributes, run, arg);
    if (error == 0) {
        /* Not made detached: until it is, its handle stays good, though it may have ended. */
        pthread_setname_np(thread, name);
        pthread_detach(thread);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error == 0 ? 0 : VAGUS_ERESOURCE;
}

void latch_init(struct latch *latch)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&latch->lock, NULL);
    pthread_cond_init(&latch->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    latch->open = 0;
}

void latch_open(struct latch *latch)
{
    pthread_mutex_lock(&latch->lock);
    latch->open = 1;
    pthread_cond_broadcast(&latch->changed);
    pthread_mutex_unlock(&latch->lock);
}

int latch_wait(struct latch *latch, int64_t deadline_ns)
{
    struct timespec until = {deadline_ns / VAGUS_SECOND_NS, deadline_ns % VAGUS_SECOND_NS};
    int error = 0;
    pthread_mutex_lock(&latch->lock);
    while (!latch->open && error == 0)
        error = pthread_cond_timedwait(&latch->changed, &latch->lock, &until);
    int open = latch->open;
    pthread_mutex_unlock(&latch->lock);
    return open;
}

void latch_finish(struct latch *latch)
{
    pthread_cond_destroy(&latch->changed);
    pthread_mutex_destroy(&latch->lock);
}
