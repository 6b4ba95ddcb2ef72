/* SPDX-License-Identifier: Apache-2.0 */
/* The library's own threads, and waiting for their end with a deadline. */
#include "base/thread.h"

#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

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

/* As linux/sched/types.h has it; older C libraries do not. */
struct scheduling {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime_ns, deadline_ns, period_ns;
};
#define TURN_NS 100000 /* the least that the kernel takes */

void thread_hurry(void)
{
    struct scheduling now = {.size = sizeof(now)};
    if (syscall(SYS_sched_getattr, 0, &now, sizeof(now), 0) != 0 || now.policy != SCHED_OTHER)
        return;
    now.size = sizeof(now);
    now.runtime_ns = TURN_NS;
    syscall(SYS_sched_setattr, 0, &now, 0);
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
