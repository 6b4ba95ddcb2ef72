/* SPDX-License-Identifier: Apache-2.0 */
/* Delivery: a listener takes the newest state of a slot from the table, so there is no queue, and
 * what it slept through is merged or gone. Here too is the thread that takes and calls. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "signals/inside.h"

static __thread const struct bus *own_bus;

void listener_wake(const struct listener *listener)
{
    uint64_t one = 1;
    /* EAGAIN means that the descriptor is readable already, many times over. */
    if (listener->wake >= 0 && write(listener->wake, &one, sizeof(one)) < 0)
        return;
}

void listener_drain(const struct listener *listener)
{
    uint64_t count;
    if (read(listener->wake, &count, sizeof(count)) < 0)
        return;
}

/* --- Taking a signal. The listener's thread, or under the lock if it is polled. --- */

/* Puts the newest state of a slot into the listener's own terms, where raises and clears alternate:
 * who never saw a raise sees no clear and takes an update as the raise; who slept through a clear
 * and the next raise sees an update. False if there is nothing to say. */
static bool in_own_terms(struct listener *listener, unsigned slot, struct vagus_signal *signal)
{
    uint64_t bit = UINT64_C(1) << slot;
    bool was_raised = (listener->told_raised & bit) != 0;

    if (signal->sequence == listener->told_sequence[slot])
        return false;
    listener->told_sequence[slot] = signal->sequence;
    if (signal->change == VAGUS_SIGNAL_CLEARED) {
        listener->told_raised &= ~bit;
        return was_raised;
    }
    listener->told_raised |= bit;
    signal->change = was_raised ? VAGUS_SIGNAL_UPDATED : VAGUS_SIGNAL_RAISED;
    return true;
}

enum taken listener_take(struct listener *listener, struct vagus_signal *signal)
{
    for (;;) {
        uint64_t pending = __atomic_load_n(&listener->pending, __ATOMIC_RELAXED) &
                           __atomic_load_n(&listener->interest, __ATOMIC_RELAXED);
        if (pending == 0)
            return TAKEN_NOTHING;
        unsigned slot = (unsigned)__builtin_ctzll(pending);
        uint64_t bit = UINT64_C(1) << slot;
        const struct slot *from = &listener->bus->slots[slot];
        /* The mark goes first: a change that comes after the copy sets it again. Acquire pairs with
         * the release by which the sampler set it, so the copy is at least that new. */
        __atomic_fetch_and(&listener->pending, ~bit, __ATOMIC_ACQUIRE);
        if (!stamped_load(&from->stamp, from->words, signal, sizeof(*signal))) {
            __atomic_fetch_or(&listener->pending, bit, __ATOMIC_RELEASE);
            return TAKEN_LATER;
        }
        if (in_own_terms(listener, slot, signal))
            return TAKEN_SIGNAL;
    }
}

void listener_publish(struct listener *listener)
{
    stamped_store(&listener->stamp, listener->record, &listener->activity,
                  sizeof(listener->activity));
}

void listener_note(struct listener *listener, const struct vagus_signal *signal)
{
    struct segment_listener *activity = &listener->activity;
    activity->last_call_ns = clock_now_ns(&listener->bus->clock);
    activity->last_sequence = signal->sequence;
    activity->last_kind = signal->kind;
    activity->last_change = signal->change;
    memcpy(activity->last_resource, signal->resource, sizeof(activity->last_resource));
}

/* --- The thread. --- */

/* Under the lock, so that a call either counts as running when the listener is removed, or never
 * begins. And the clock is the host's: once the monitor is closed it may be gone. */
static bool begin_call(struct listener *listener, const struct vagus_signal *signal)
{
    struct bus *bus = listener->bus;
    pthread_mutex_lock(&bus->lock);
    bool goes_on = listener->state == LISTENER_LIVE && !bus->closed;
    if (goes_on) {
        listener_note(listener, signal);
        listener->activity.busy_since_ns = listener->activity.last_call_ns;
        listener_publish(listener);
        deeds_hand(listener, signal->sequence, listener->activity.last_call_ns);
    }
    pthread_mutex_unlock(&bus->lock);
    return goes_on;
}

static void end_call(struct listener *listener)
{
    struct bus *bus = listener->bus;
    struct segment_listener *activity = &listener->activity;
    pthread_mutex_lock(&bus->lock);
    if (!bus->closed) {
        activity->last_took_ns = clock_now_ns(&bus->clock) - activity->last_call_ns;
        deeds_came_back(listener, activity->last_took_ns);
    }
    activity->busy_since_ns = 0;
    activity->calls++;
    listener_publish(listener);
    pthread_mutex_unlock(&bus->lock);
}

/* The end of a listener's thread, however it came about: removal, pthread_exit() in the callback,
 * cancellation. destroy() may call pthread_exit() too, which leads here once more: it is taken out
 * before it is called. */
static void listener_end(void *arg)
{
    struct listener *listener = arg;
    struct bus *bus = listener->bus;

    pthread_mutex_lock(&bus->lock);
    __atomic_store_n(&listener->interest, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&listener->state, LISTENER_LEAVING, __ATOMIC_RELEASE);
    void (*destroy)(void *) = listener->destroy;
    listener->destroy = NULL;
    pthread_mutex_unlock(&bus->lock);

    if (destroy != NULL)
        destroy(listener->arg);

    pthread_mutex_lock(&bus->lock);
    __atomic_store_n(&listener->state, LISTENER_FREE, __ATOMIC_RELEASE);
    bus->threads--;
    pthread_cond_broadcast(&bus->thread_ended);
    pthread_mutex_unlock(&bus->lock);
    own_bus = NULL;
    bus_unref(bus);
}

static void deliver(struct listener *listener)
{
    while (__atomic_load_n(&listener->state, __ATOMIC_ACQUIRE) == LISTENER_LIVE) {
        struct vagus_signal signal;
        struct pollfd waiting = {.fd = listener->wake, .events = POLLIN};
        switch (listener_take(listener, &signal)) {
        case TAKEN_SIGNAL:
            if (!begin_call(listener, &signal))
                return;
            listener->on_signal(&signal, listener->arg);
            end_call(listener);
            break;
        case TAKEN_LATER: /* the sampler was stopped in the middle of a store of 56 words */
            poll(NULL, 0, 1);
            break;
        case TAKEN_NOTHING:
            poll(&waiting, 1, -1);
            listener_drain(listener);
            break;
        }
    }
}

static void *listener_main(void *arg)
{
    struct listener *listener = arg;
    own_bus = listener->bus;
    thread_hurry(); /* a relief that comes late is none */
    pthread_cleanup_push(listener_end, listener);
    deliver(listener);
    pthread_cleanup_pop(1);
    return NULL;
}

bool bus_is_own_thread(const struct bus *bus)
{
    return own_bus == bus;
}

int listener_start(struct listener *listener)
{
    struct bus *bus = listener->bus;
    char name[16];
    snprintf(name, sizeof(name), "vagus-%.9s", listener->name);
    __atomic_add_fetch(&bus->references, 1, __ATOMIC_RELAXED);
    bus->threads++;
    int error = thread_start(name, listener_main, listener);
    if (error != 0) {
        bus->threads--;
        __atomic_sub_fetch(&bus->references, 1, __ATOMIC_RELAXED);
    }
    return error;
}
