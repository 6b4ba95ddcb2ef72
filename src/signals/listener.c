/* SPDX-License-Identifier: Apache-2.0 */
/* Listeners: adding and removing them, the polled ones, and what is left of them after a fork. */
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/text.h"
#include "signals/inside.h"

#define ENTRY_BITS 5
#define ENTRY_MASK ((1u << ENTRY_BITS) - 1)
_Static_assert(SEGMENT_LISTENERS_MAX == 1 << ENTRY_BITS, "a handle's low bits are the entry");

/* Takes the lock for a caller's thread. read() and write() on the eventfd are where a cancelled
 * thread would end, with the lock held; so cancellation waits. */
static int hold(struct bus *bus)
{
    int cancel_state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    pthread_mutex_lock(&bus->lock);
    return cancel_state;
}

static void release(struct bus *bus, int cancel_state)
{
    pthread_mutex_unlock(&bus->lock);
    pthread_setcancelstate(cancel_state, NULL);
}

static bool desc_is_valid(const struct vagus_listener_desc *desc)
{
    if (desc == NULL || desc->size < sizeof(*desc) || !text_is_name(desc->name, VAGUS_NAME_MAX - 1))
        return false;
    /* A newer program may ask, beyond what we know, for nothing. */
    for (size_t i = sizeof(*desc); i < desc->size; i++)
        if (((const char *)desc)[i] != 0)
            return false;
    bool polled = (desc->flags & VAGUS_LISTENER_POLLED) != 0;
    return desc->kinds != 0 &&
           (desc->kinds & ~(uint32_t)(VAGUS_SIGNAL_ANY | VAGUS_MODE_CHANGE)) == 0 &&
           (desc->flags & ~(uint32_t)VAGUS_LISTENER_POLLED) == 0 &&
           polled == (desc->on_signal == NULL);
}

static int resource_mask(struct bus *bus, const char *const *names, uint32_t *mask)
{
    *mask = names == NULL ? UINT32_MAX : 0;
    for (; names != NULL && *names != NULL; names++) {
        int resource = bus_resource(bus, *names);
        if (resource < 0)
            return resource;
        *mask |= 1u << resource;
    }
    return *mask != 0 ? 0 : VAGUS_EINVAL;
}

static uint64_t interest_of(const struct listener *listener)
{
    static const uint32_t kinds[] = {VAGUS_SHUTDOWN, VAGUS_DEFER, VAGUS_THROTTLE};
    uint64_t interest = listener->kinds & VAGUS_MODE_CHANGE ? UINT64_C(1) << BUS_SLOT_MODE : 0;
    for (unsigned i = 0; i < VAGUS_SIGNAL_KINDS; i++)
        if (listener->kinds & kinds[i])
            interest |= (uint64_t)(listener->resources & ((1u << BUS_RESOURCES_MAX) - 1))
                        << slot_number(kinds[i], 0);
    return interest;
}

/* Under the lock: a free entry with a descriptor, or NULL with *error. */
static struct listener *free_entry(struct bus *bus, int *error)
{
    for (unsigned i = 0; i < SEGMENT_LISTENERS_MAX; i++) {
        struct listener *listener = &bus->listeners[i];
        if (listener->state != LISTENER_FREE)
            continue;
        if (listener->wake < 0)
            listener->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        *error = VAGUS_ERESOURCE;
        return listener->wake >= 0 ? listener : NULL;
    }
    *error = VAGUS_EFULL;
    return NULL;
}

/* Under the lock: fills a free entry. The sampler leaves it alone until it shows its interest. */
static void fill(struct listener *listener, const struct vagus_listener_desc *desc,
                 uint32_t resources)
{
    /* The use count makes handles of former users stale. */
    __atomic_store_n(&listener->handle, listener->handle + (1u << ENTRY_BITS), __ATOMIC_RELAXED);
    listener->kinds = desc->kinds;
    listener->flags = desc->flags;
    listener->resources = resources;
    text_copy(listener->name, sizeof(listener->name), desc->name);
    listener->on_signal = desc->on_signal;
    listener->arg = desc->arg;
    listener->destroy = desc->destroy;
    listener->told_raised = 0;
    memset(listener->told_sequence, 0xff, sizeof(listener->told_sequence)); /* none: 0 is one */
    listener->activity =
        (struct segment_listener){.kinds = listener->kinds, .flags = listener->flags};
    memcpy(listener->activity.name, listener->name, sizeof(listener->name));
    listener_publish(listener);
    deeds_begin(listener);
    listener_drain(listener);
    __atomic_store_n(&listener->pending, 0, __ATOMIC_RELAXED);
}

int bus_listener_add(struct bus *bus, const struct vagus_listener_desc *desc,
                     struct vagus_listener *handle)
{
    uint32_t resources;
    if (!desc_is_valid(desc))
        return VAGUS_EINVAL;
    int error = resource_mask(bus, desc->resources, &resources);
    if (error != 0)
        return error;

    int cancel_state = hold(bus);
    error = VAGUS_ECLOSED;
    struct listener *listener = bus->closed ? NULL : free_entry(bus, &error);
    if (listener == NULL)
        goto out;
    fill(listener, desc, resources);
    __atomic_store_n(&listener->state, LISTENER_LIVE, __ATOMIC_RELEASE);
    error = desc->on_signal != NULL ? listener_start(listener) : 0;
    if (error != 0) {
        __atomic_store_n(&listener->state, LISTENER_FREE, __ATOMIC_RELEASE);
        goto out;
    }
    /* First the interest, then a look at what is raised: see bus_post(). */
    uint64_t interest = interest_of(listener);
    __atomic_store_n(&listener->interest, interest, __ATOMIC_SEQ_CST);
    uint64_t raised = __atomic_load_n(&bus->raised, __ATOMIC_SEQ_CST) & interest;
    if (raised != 0) {
        __atomic_fetch_or(&listener->pending, raised, __ATOMIC_RELEASE);
        listener_wake(listener);
    }
    if (handle != NULL)
        *handle = (struct vagus_listener){bus->generation, listener->handle};
out:
    release(bus, cancel_state);
    return error;
}

struct listener *listener_of_handle(struct bus *bus, struct vagus_listener handle)
{
    struct listener *listener = &bus->listeners[handle.index & ENTRY_MASK];
    return handle.generation == bus->generation && listener->handle == handle.index &&
                   listener->state == LISTENER_LIVE
               ? listener
               : NULL;
}

int bus_listener_remove(struct bus *bus, struct vagus_listener handle,
                        struct bus_farewell *farewell)
{
    *farewell = (struct bus_farewell){NULL, NULL};
    int cancel_state = hold(bus);
    struct listener *listener = listener_of_handle(bus, handle);
    if (listener != NULL) {
        bool polled = (listener->flags & VAGUS_LISTENER_POLLED) != 0;
        __atomic_store_n(&listener->interest, 0, __ATOMIC_SEQ_CST);
        __atomic_store_n(&listener->state, polled ? LISTENER_FREE : LISTENER_LEAVING,
                         __ATOMIC_RELEASE);
        if (polled)
            *farewell = (struct bus_farewell){listener->destroy, listener->arg};
        listener_wake(listener);
    }
    release(bus, cancel_state);
    return listener != NULL ? 0 : VAGUS_ENOENT;
}

int bus_listener_fd(struct bus *bus, struct vagus_listener handle)
{
    pthread_mutex_lock(&bus->lock);
    struct listener *listener = listener_of_handle(bus, handle);
    int fd = VAGUS_ENOENT;
    if (listener != NULL)
        fd = listener->flags & VAGUS_LISTENER_POLLED ? listener->wake : VAGUS_EINVAL;
    pthread_mutex_unlock(&bus->lock);
    return fd;
}

/* Under the lock. The descriptor is emptied first and filled again if more waits: a signal posted
 * in between leaves it readable either way. */
static int take_polled(struct listener *listener, struct vagus_signal *signal)
{
    struct vagus_signal taken;
    listener_drain(listener);
    enum taken result = listener_take(listener, &taken);
    if (__atomic_load_n(&listener->pending, __ATOMIC_ACQUIRE) & listener->interest)
        listener_wake(listener);
    if (result != TAKEN_SIGNAL)
        return VAGUS_EAGAIN;
    listener_note(listener, &taken);
    listener->activity.calls++;
    listener_publish(listener);
    deeds_hand(listener, taken.sequence, listener->activity.last_call_ns);
    *signal = taken;
    return 0;
}

int bus_listener_next(struct bus *bus, struct vagus_listener handle, struct vagus_signal *signal)
{
    int cancel_state = hold(bus), result = VAGUS_ENOENT;
    struct listener *listener = listener_of_handle(bus, handle);
    if (listener != NULL)
        result =
            listener->flags & VAGUS_LISTENER_POLLED ? take_polled(listener, signal) : VAGUS_EINVAL;
    release(bus, cancel_state);
    return result;
}

void bus_after_fork_in_child(struct bus *bus)
{
    /* Of all threads only the one that forked is here; it may be a listener's, in its callback. */
    unsigned here = bus_is_own_thread(bus) ? 1 : 0;
    pthread_mutex_init(&bus->lock, NULL);
    pthread_mutex_init(&bus->resource_lock, NULL);
    pthread_cond_init(&bus->thread_ended, NULL);
    bus->closed = true;
    *bus->levels = 0;
    bus->threads = here;
    bus->references = 1 + here;
    for (unsigned i = 0; i < SEGMENT_LISTENERS_MAX; i++) {
        struct listener *listener = &bus->listeners[i];
        listener->state = LISTENER_FREE;
        listener->interest = listener->pending = 0;
        listener->destroy = NULL; /* what it would free is the parent's business */
        if (listener->wake >= 0)
            close(listener->wake);
        listener->wake = -1;
    }
}
