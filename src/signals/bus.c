/* SPDX-License-Identifier: Apache-2.0 */
/* The table of signals: posting, levels, the mirror in the segment, and the end of the bus. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "signals/inside.h"

#define LEVEL_BITS 21
#define LEVEL_MAX ((UINT64_C(1) << LEVEL_BITS) - 1)
#define HUNG_AFTER_NS VAGUS_SECOND_NS

const char *vagus_signal_kind_name(uint32_t kind)
{
    switch (kind) {
    case VAGUS_THROTTLE:
        return "throttle";
    case VAGUS_DEFER:
        return "defer";
    case VAGUS_SHUTDOWN:
        return "shutdown";
    case VAGUS_MODE_CHANGE:
        return "mode";
    default:
        return "?";
    }
}

int bus_create(uint32_t generation, const struct vagus_clock *clock, uint64_t *levels,
               struct bus **bus)
{
    struct bus *made = calloc(1, sizeof(*made));
    pthread_condattr_t attributes;
    if (made == NULL)
        return VAGUS_ENOMEM;
    made->references = 1;
    made->generation = generation;
    made->clock = *clock;
    made->levels = levels;
    pthread_mutex_init(&made->resource_lock, NULL);
    pthread_mutex_init(&made->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&made->thread_ended, &attributes);
    pthread_condattr_destroy(&attributes);
    for (unsigned i = 0; i < SEGMENT_LISTENERS_MAX; i++) {
        made->listeners[i].bus = made;
        made->listeners[i].wake = -1;
        made->listeners[i].handle = i;
    }
    *bus = made;
    return 0;
}

void bus_ref(struct bus *bus)
{
    __atomic_add_fetch(&bus->references, 1, __ATOMIC_RELAXED);
}

void bus_unref(struct bus *bus)
{
    if (__atomic_sub_fetch(&bus->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (unsigned i = 0; i < SEGMENT_LISTENERS_MAX; i++)
        if (bus->listeners[i].wake >= 0)
            close(bus->listeners[i].wake);
    pthread_cond_destroy(&bus->thread_ended);
    pthread_mutex_destroy(&bus->lock);
    pthread_mutex_destroy(&bus->resource_lock);
    free(bus);
}

static int resource_find(const struct bus *bus, const char *name)
{
    uint32_t count = __atomic_load_n(&bus->resource_count, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(bus->resources[i], name) == 0)
            return (int)i;
    return VAGUS_ENOENT;
}

int bus_resource(struct bus *bus, const char *name)
{
    if (!text_is_name(name, VAGUS_RESOURCE_MAX - 1))
        return VAGUS_EINVAL;
    /* Without the lock first: the sampler asks for what is there already. */
    int found = resource_find(bus, name);
    if (found >= 0)
        return found;
    pthread_mutex_lock(&bus->resource_lock);
    found = resource_find(bus, name);
    if (found < 0 && bus->resource_count == BUS_RESOURCES_MAX) {
        found = VAGUS_EFULL;
    } else if (found < 0) {
        found = (int)bus->resource_count;
        text_copy(bus->resources[found], VAGUS_RESOURCE_MAX, name);
        __atomic_store_n(&bus->resource_count, bus->resource_count + 1, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&bus->resource_lock);
    return found;
}

const char *bus_resource_name(const struct bus *bus, unsigned resource)
{
    return resource < __atomic_load_n(&bus->resource_count, __ATOMIC_ACQUIRE)
               ? bus->resources[resource]
               : "?";
}

/* The slot's share of the packed word: never 0 while it is raised. */
static uint64_t level_bits(double level)
{
    uint64_t bits = level < 1 ? (uint64_t)(level * (double)LEVEL_MAX + 0.5) : LEVEL_MAX;
    return bits > 0 ? bits : 1;
}

static void publish_levels(struct bus *bus)
{
    uint64_t packed = 0;
    for (unsigned rank = 0; rank < VAGUS_SIGNAL_KINDS; rank++) {
        uint64_t worst = 0;
        for (unsigned i = 0; i < BUS_RESOURCES_MAX; i++) {
            unsigned slot = rank * BUS_RESOURCES_MAX + i;
            uint64_t bits = (bus->raised >> slot) & 1 ? level_bits(bus->slot_levels[slot]) : 0;
            worst = bits > worst ? bits : worst;
        }
        packed |= worst << (rank * LEVEL_BITS);
    }
    __atomic_store_n(bus->levels, packed, __ATOMIC_RELEASE);
}

double bus_level(uint64_t levels, uint32_t kinds)
{
    uint64_t shutdown = kinds & VAGUS_SHUTDOWN ? levels & LEVEL_MAX : 0;
    uint64_t defer = kinds & VAGUS_DEFER ? (levels >> LEVEL_BITS) & LEVEL_MAX : 0;
    uint64_t throttle = kinds & VAGUS_THROTTLE ? (levels >> (2 * LEVEL_BITS)) & LEVEL_MAX : 0;
    uint64_t worst = shutdown > defer ? shutdown : defer;
    worst = worst > throttle ? worst : throttle;
    return (double)worst / (double)LEVEL_MAX;
}

/* Puts the newest state into its slot. */
static void store(struct bus *bus, unsigned slot, const struct vagus_signal *signal)
{
    uint64_t bit = UINT64_C(1) << slot;
    bool raised = signal->change != VAGUS_SIGNAL_CLEARED;
    stamped_store(&bus->slots[slot].stamp, bus->slots[slot].words, signal, sizeof(*signal));
    /* Sequentially consistent, and so is what registration does the other way round (it shows its
     * interest, then looks here): one of the two sees the other, so a listener that is just being
     * added either is told below or finds this slot raised. */
    __atomic_store_n(&bus->raised, raised ? bus->raised | bit : bus->raised & ~bit,
                     __ATOMIC_SEQ_CST);
}

/* Marks whoever listens to a slot; how many these are. */
static unsigned mark(struct bus *bus, unsigned slot)
{
    uint64_t bit = UINT64_C(1) << slot;
    unsigned told = 0;
    for (unsigned i = 0; i < SEGMENT_LISTENERS_MAX; i++) {
        struct listener *listener = &bus->listeners[i];
        if ((__atomic_load_n(&listener->interest, __ATOMIC_SEQ_CST) & bit) == 0)
            continue;
        __atomic_fetch_or(&listener->pending, bit, __ATOMIC_RELEASE);
        bus->to_wake |= UINT32_C(1) << i;
        told++;
    }
    return told;
}

unsigned bus_post(struct bus *bus, unsigned resource, struct vagus_signal *signal)
{
    unsigned slot = slot_number(signal->kind, resource);
    signal->sequence = ++bus->sequence;
    text_copy(signal->resource, sizeof(signal->resource), bus_resource_name(bus, resource));
    /* Written so that a level which is no number counts as the worst. */
    if (!(signal->level < 1))
        signal->level = 1;
    if (signal->change == VAGUS_SIGNAL_CLEARED || signal->level < 0)
        signal->level = 0;
    store(bus, slot, signal);
    bus->slot_levels[slot] = signal->level;
    publish_levels(bus);
    return mark(bus, slot);
}

unsigned bus_post_mode(struct bus *bus, struct vagus_signal *change)
{
    change->sequence = change->instance[0] != '\0' ? ++bus->sequence : 0;
    store(bus, BUS_SLOT_MODE, change);
    return mark(bus, BUS_SLOT_MODE);
}

void bus_wake(struct bus *bus)
{
    for (; bus->to_wake != 0; bus->to_wake &= bus->to_wake - 1)
        listener_wake(&bus->listeners[__builtin_ctz(bus->to_wake)]);
}

bool bus_is_heard(struct bus *bus, uint32_t kind, unsigned resource)
{
    uint64_t bit = UINT64_C(1) << slot_number(kind, resource);
    for (unsigned i = 0; i < SEGMENT_LISTENERS_MAX; i++)
        if (__atomic_load_n(&bus->listeners[i].interest, __ATOMIC_ACQUIRE) & bit)
            return true;
    return false;
}

bool bus_has_listeners(const struct bus *bus)
{
    for (unsigned i = 0; i < SEGMENT_LISTENERS_MAX; i++)
        if (__atomic_load_n(&bus->listeners[i].interest, __ATOMIC_ACQUIRE) != 0)
            return true;
    return false;
}

void bus_each_listener(struct bus *bus,
                       void (*on_listener)(void *arg, const char *name, uint32_t kinds,
                                           uint32_t resources),
                       void *arg)
{
    struct {
        char name[VAGUS_NAME_MAX];
        uint32_t kinds, resources;
    } found[SEGMENT_LISTENERS_MAX];
    unsigned count = 0;
    pthread_mutex_lock(&bus->lock);
    for (unsigned i = 0; i < SEGMENT_LISTENERS_MAX; i++) {
        const struct listener *listener = &bus->listeners[i];
        if (listener->state != LISTENER_LIVE)
            continue;
        memcpy(found[count].name, listener->name, sizeof(listener->name));
        found[count].kinds = listener->kinds;
        found[count++].resources = listener->resources;
    }
    pthread_mutex_unlock(&bus->lock);
    for (unsigned i = 0; i < count; i++)
        on_listener(arg, found[i].name, found[i].kinds, found[i].resources);
}

void bus_mirror(struct bus *bus, struct segment *segment, int64_t now_ns, uint32_t *listeners,
                uint32_t *hung)
{
    struct segment_head *head = segment_head(segment, SEGMENT_LISTENERS);
    struct segment_listener *entries = segment_entries(segment, SEGMENT_LISTENERS);
    uint32_t count = 0, stuck = 0;

    segment_write_begin(&head->stamp);
    for (unsigned i = 0; i < SEGMENT_LISTENERS_MAX; i++) {
        const struct listener *listener = &bus->listeners[i];
        struct segment_listener copy;
        if (__atomic_load_n(&listener->state, __ATOMIC_ACQUIRE) != LISTENER_LIVE)
            continue;
        if (stamped_load(&listener->stamp, listener->record, &copy, sizeof(copy)))
            bus->mirrored[i] = copy;
        entries[count] = bus->mirrored[i];
        deeds_add_outcomes(bus, i, &entries[count]);
        if (entries[count].busy_since_ns != 0 &&
            now_ns - entries[count].busy_since_ns > HUNG_AFTER_NS)
            stuck++;
        count++;
    }
    head->count = count;
    head->updated_ns = now_ns;
    segment_write_end(&head->stamp);
    *listeners = count;
    *hung = stuck;
}

/* Under the lock: waits until all threads ended, or the deadline. */
static void wait_for_threads(struct bus *bus, int64_t deadline_ns)
{
    struct timespec until = {.tv_sec = deadline_ns / VAGUS_SECOND_NS,
                             .tv_nsec = deadline_ns % VAGUS_SECOND_NS};
    while (bus->threads > 0)
        if (pthread_cond_timedwait(&bus->thread_ended, &bus->lock, &until) == ETIMEDOUT)
            return;
}

unsigned bus_close(struct bus *bus, int64_t deadline_ns, char *abandoned_name, size_t capacity)
{
    pthread_mutex_lock(&bus->lock);
    bus->closed = true;
    __atomic_store_n(bus->levels, 0, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&bus->lock);
    /* From here on nothing is added, so each entry is met once. */
    for (unsigned i = 0; i < SEGMENT_LISTENERS_MAX; i++) {
        struct bus_farewell farewell;
        uint32_t handle = __atomic_load_n(&bus->listeners[i].handle, __ATOMIC_RELAXED);
        bus_listener_remove(bus, (struct vagus_listener){bus->generation, handle}, &farewell);
        bus_bid(&farewell);
    }

    pthread_mutex_lock(&bus->lock);
    wait_for_threads(bus, deadline_ns);
    unsigned abandoned = bus->threads;
    for (unsigned i = 0; i < SEGMENT_LISTENERS_MAX && abandoned > 0; i++) {
        if (bus->listeners[i].state == LISTENER_FREE)
            continue;
        if (abandoned_name != NULL && abandoned_name[0] == '\0')
            text_copy(abandoned_name, capacity, bus->listeners[i].name);
        break;
    }
    pthread_mutex_unlock(&bus->lock);
    bus_unref(bus);
    return abandoned;
}
