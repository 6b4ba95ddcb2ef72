/* SPDX-License-Identifier: Apache-2.0 */
/* The four places for monitors, who may look at one, and what fork does to them. */
#include <time.h>

#include "monitor/monitor.h"

static struct vagus_monitor monitors[VAGUS__DOORS];
static __thread const struct vagus_monitor *inside;

/* Held for reading by whoever is inside a monitor, for writing to begin its end. */
#ifdef PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP
/* Else readers that follow each other closely could keep a close or a fork waiting for ever. */
#define POOL_LOCK_NEW PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP
#else
#define POOL_LOCK_NEW PTHREAD_RWLOCK_INITIALIZER
#endif
static pthread_rwlock_t pool_lock = POOL_LOCK_NEW;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

static uint32_t life_of(const struct vagus_monitor *monitor)
{
    return __atomic_load_n(&monitor->life, __ATOMIC_ACQUIRE);
}

static void set_life(struct vagus_monitor *monitor, enum monitor_life life)
{
    __atomic_store_n(&monitor->life, life, __ATOMIC_SEQ_CST);
}

static bool is_open(const struct vagus_monitor *monitor)
{
    uint32_t life = life_of(monitor);
    return life == MONITOR_OPEN || life == MONITOR_STARTED;
}

static void before_fork(void)
{
    pthread_rwlock_wrlock(&pool_lock);
    cells_before_fork();
}

static void after_fork_in_parent(void)
{
    cells_after_fork_in_parent();
    pthread_rwlock_unlock(&pool_lock);
}

/* The child has neither the sampler nor the listeners. Its copy of each monitor is let go of: the
 * mapping that it shares with the parent and the descriptors; what lies on the heap stays where it
 * is, since a thread that is not here may have been in the midst of it. */
static void after_fork_in_child(void)
{
    cells_after_fork_in_child();
    fatal_after_fork_in_child();
    for (unsigned i = 0; i < VAGUS__DOORS; i++) {
        struct vagus_monitor *monitor = &monitors[i];
        uint32_t life = life_of(monitor);
        if (life == MONITOR_FREE)
            continue;
        /* Whatever its life: a descriptor that lives on here would keep the parent's lock alive. */
        segment_after_fork_in_child(&monitor->segment);
        if (life == MONITOR_OPEN || life == MONITOR_STARTED)
            bus_after_fork_in_child(monitor->bus);
        __atomic_store_n(&monitor->levels, 0, __ATOMIC_RELAXED);
        modes_finish(&monitor->modes);
        health_after_fork_in_child(monitor);
        monitor->state = (struct state){.on = false}; /* the lane is not here */
        watch_file_after_fork_in_child(monitor);
        if (!monitor_is_inside(monitor))
            monitor->borrowed = 0; /* by a thread that is not here */
        set_life(monitor, MONITOR_FREE);
    }
    /* Let go of, as those keep count who watch locks, and new: who waited for it is not here. */
    pthread_rwlock_unlock(&pool_lock);
    pool_lock = (pthread_rwlock_t)POOL_LOCK_NEW;
}

static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

struct vagus_monitor *monitor_take(void)
{
    pthread_once(&fork_once, watch_forks);
    uint32_t generation = cells_door_take();
    if (generation == 0)
        return NULL;
    struct vagus_monitor *monitor = &monitors[generation % VAGUS__DOORS];
    set_life(monitor, MONITOR_OPENING);
    monitor->generation = generation;
    return monitor;
}

void monitor_give_back(struct vagus_monitor *monitor, enum monitor_life life)
{
    set_life(monitor, life);
    if (life == MONITOR_FREE)
        cells_door_free(monitor->generation);
}

bool monitor_enter(const struct vagus_monitor *monitor)
{
    if (monitor < monitors || monitor >= monitors + VAGUS__DOORS)
        return false;
    pthread_rwlock_rdlock(&pool_lock);
    if (is_open(monitor))
        return true;
    pthread_rwlock_unlock(&pool_lock);
    return false;
}

struct vagus_monitor *monitor_enter_generation(uint32_t generation)
{
    struct vagus_monitor *monitor = &monitors[generation % VAGUS__DOORS];
    if (!monitor_enter(monitor))
        return NULL;
    if (monitor->generation == generation)
        return monitor;
    monitor_leave();
    return NULL;
}

void monitor_hold_forks(void)
{
    pthread_rwlock_rdlock(&pool_lock);
}

void monitor_leave(void)
{
    pthread_rwlock_unlock(&pool_lock);
}

bool monitor_begin_close(struct vagus_monitor *monitor)
{
    bool open = false;
    if (monitor < monitors || monitor >= monitors + VAGUS__DOORS)
        return false;
    pthread_rwlock_wrlock(&pool_lock);
    open = is_open(monitor);
    if (open)
        set_life(monitor, MONITOR_CLOSING);
    pthread_rwlock_unlock(&pool_lock);
    return open;
}

struct vagus_monitor *monitor_at(unsigned place)
{
    return &monitors[place];
}

/* --- Running the host's code: no lock is held then, since it may fork. --- */

int monitor_borrow(struct vagus_monitor *monitor)
{
    if (monitor < monitors || monitor >= monitors + VAGUS__DOORS || !is_open(monitor))
        return VAGUS_ECLOSED;
    if (monitor_is_inside(monitor) ||
        __atomic_exchange_n(&monitor->borrowed, 1, __ATOMIC_SEQ_CST) != 0)
        return VAGUS_ESTATE;
    if (!is_open(monitor)) {
        __atomic_store_n(&monitor->borrowed, 0, __ATOMIC_SEQ_CST);
        return VAGUS_ECLOSED;
    }
    monitor->outer = inside;
    inside = monitor;
    return 0;
}

void monitor_return(struct vagus_monitor *monitor)
{
    inside = monitor->outer;
    __atomic_store_n(&monitor->borrowed, 0, __ATOMIC_SEQ_CST);
}

bool monitor_wait_returned(struct vagus_monitor *monitor, int64_t deadline_ns)
{
    while (__atomic_load_n(&monitor->borrowed, __ATOMIC_SEQ_CST) != 0) {
        if (vagus_now_ns() > deadline_ns)
            return false;
        nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    }
    return true;
}

void monitor_set_inside(struct vagus_monitor *monitor)
{
    monitor->outer = NULL;
    inside = monitor;
}

bool monitor_is_inside(const struct vagus_monitor *monitor)
{
    const struct vagus_monitor *at = inside;
    while (at != NULL && at != monitor)
        at = at->outer;
    return at != NULL;
}
