/* SPDX-License-Identifier: Apache-2.0 */
/* A lane: a thread for work that may block for ever. */
#include "sense/lane.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <time.h>

#include "base/thread.h"
#include "base/wake.h"
#include "vagus/base.h"

enum lane_state { LANE_IDLE, LANE_ASKED, LANE_DONE };

struct lane {
    void (*work)(void *arg);
    void (*release)(void *arg);
    void *arg;
    sem_t wake;
    struct latch ended;
    int state; /* enum lane_state */
    int quit;
    int closed;  /* the maker needs arg no more */
    int holders; /* the maker and the thread; the last one frees */
    int64_t busy_since_ns;
    struct wake *bell; /* to be rung after this run; NULL: none */
    uint32_t why;
    int64_t cpu_ns; /* after the newest run */
};

static void let_go(struct lane *lane)
{
    if (__atomic_sub_fetch(&lane->holders, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    sem_destroy(&lane->wake);
    latch_finish(&lane->ended);
    free(lane);
}

/* Runs when the thread ends, by pthread_exit() in the work too. What may hang at work may hang when
 * it is released, so that happens here, where only the lane waits. */
static void thread_over(void *arg)
{
    struct lane *lane = arg;
    while (!__atomic_load_n(&lane->closed, __ATOMIC_ACQUIRE))
        sem_wait(&lane->wake);
    if (lane->release != NULL)
        lane->release(lane->arg);
    latch_open(&lane->ended);
    let_go(lane);
}

static void note_cpu(struct lane *lane)
{
    struct timespec used;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used) == 0)
        __atomic_store_n(&lane->cpu_ns, used.tv_sec * VAGUS_SECOND_NS + used.tv_nsec,
                         __ATOMIC_RELAXED);
}

static void *lane_run(void *arg)
{
    struct lane *lane = arg;
    pthread_cleanup_push(thread_over, lane);
    while (!__atomic_load_n(&lane->quit, __ATOMIC_ACQUIRE)) {
        if (__atomic_load_n(&lane->state, __ATOMIC_ACQUIRE) != LANE_ASKED) {
            while (sem_wait(&lane->wake) != 0 && errno == EINTR)
                continue;
            continue;
        }
        __atomic_store_n(&lane->busy_since_ns, vagus_now_ns(), __ATOMIC_RELAXED);
        lane->work(lane->arg);
        __atomic_store_n(&lane->busy_since_ns, 0, __ATOMIC_RELAXED);
        note_cpu(lane);
        struct wake *bell = lane->bell;
        uint32_t why = lane->why;
        lane->bell = NULL;
        __atomic_store_n(&lane->state, LANE_DONE, __ATOMIC_RELEASE);
        if (bell != NULL)
            wake_ring_for(bell, why);
    }
    pthread_cleanup_pop(1);
    return NULL;
}

int lane_create(const char *name, void (*work)(void *arg), void (*release)(void *arg), void *arg,
                struct lane **result)
{
    struct lane *lane = calloc(1, sizeof(*lane));
    if (lane == NULL)
        return VAGUS_ENOMEM;
    *lane = (struct lane){.work = work, .release = release, .arg = arg, .holders = 2};
    sem_init(&lane->wake, 0, 0);
    latch_init(&lane->ended);
    int error = thread_start(name, lane_run, lane);
    if (error != 0) {
        lane->holders = 1;
        let_go(lane);
        return error;
    }
    *result = lane;
    return 0;
}

bool lane_request(struct lane *lane)
{
    int idle = LANE_IDLE;
    if (!__atomic_compare_exchange_n(&lane->state, &idle, LANE_ASKED, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED))
        return false;
    sem_post(&lane->wake);
    return true;
}

bool lane_request_ring(struct lane *lane, struct wake *bell, uint32_t why)
{
    if (!lane_idle(lane))
        return false;
    lane->bell = bell;
    lane->why = why;
    return lane_request(lane);
}

bool lane_idle(const struct lane *lane)
{
    return __atomic_load_n(&lane->state, __ATOMIC_ACQUIRE) == LANE_IDLE;
}

bool lane_take(struct lane *lane)
{
    int done = LANE_DONE;
    return __atomic_compare_exchange_n(&lane->state, &done, LANE_IDLE, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

int64_t lane_busy_since_ns(const struct lane *lane)
{
    return __atomic_load_n(&lane->busy_since_ns, __ATOMIC_RELAXED);
}

int64_t lane_cpu_ns(const struct lane *lane)
{
    return __atomic_load_n(&lane->cpu_ns, __ATOMIC_RELAXED);
}

void lane_end(struct lane *lane)
{
    __atomic_store_n(&lane->quit, 1, __ATOMIC_RELEASE);
    sem_post(&lane->wake);
}

bool lane_close(struct lane *lane, int64_t deadline_ns)
{
    if (lane == NULL)
        return true;
    __atomic_store_n(&lane->closed, 1, __ATOMIC_RELEASE);
    lane_end(lane);
    bool ended = latch_wait(&lane->ended, deadline_ns);
    let_go(lane);
    return ended;
}
