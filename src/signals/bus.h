/* SPDX-License-Identifier: Apache-2.0 */
/* The bus: one slot for each kind and resource, written by the sampler alone; listeners hold a
 * mask of slots that changed and take the newest from the table. So a mailbox needs no memory of
 * its own, is never behind, and a listener that hangs delays nobody.
 *
 * The bus is counted: a listener's thread that was left behind keeps it alive. */
#ifndef SIGNALS_BUS_H
#define SIGNALS_BUS_H

#include "segment/writer.h"
#include "vagus/signal.h"

#define BUS_RESOURCES_MAX 16
#define BUS_SLOTS (BUS_RESOURCES_MAX * VAGUS_SIGNAL_KINDS)
/* One slot more, after those of the signals: the mode. */
#define BUS_SLOT_MODE BUS_SLOTS
#define BUS_SLOTS_ALL (BUS_SLOTS + 1)

struct bus;

/* generation: that of the monitor; listener handles carry it. levels: where the packed levels are
 * kept, in memory that outlives the bus. */
int bus_create(uint32_t generation, const struct vagus_clock *clock, uint64_t *levels,
               struct bus **bus);

/* Interns a resource: its number, or VAGUS_EFULL, VAGUS_EINVAL. Any thread. */
int bus_resource(struct bus *bus, const char *name);
const char *bus_resource_name(const struct bus *bus, unsigned resource);

/* Listeners. Any thread. A polled listener's destroy() runs inside bus_listener_remove(), which may
 * be inside bus_close(); all others run on the listener's own thread. If adding fails, destroy() is
 * not called. */
int bus_listener_add(struct bus *bus, const struct vagus_listener_desc *desc,
                     struct vagus_listener *listener);
/* What is to be called, outside of all locks, after a polled listener was removed. */
struct bus_farewell {
    void (*destroy)(void *arg);
    void *arg;
};
int bus_listener_remove(struct bus *bus, struct vagus_listener listener,
                        struct bus_farewell *farewell);
static inline void bus_bid(const struct bus_farewell *farewell)
{
    if (farewell->destroy != NULL)
        farewell->destroy(farewell->arg);
}
int bus_listener_fd(struct bus *bus, struct vagus_listener listener);
int bus_listener_next(struct bus *bus, struct vagus_listener listener, struct vagus_signal *signal);

/* What a listener says it released upon a signal that it was handed. Any thread. VAGUS_EINVAL,
 * VAGUS_ENOENT. */
int bus_acknowledge(struct bus *bus, struct vagus_listener listener, uint64_t sequence,
                    double released);

/* True if some listener takes this kind about this resource. Any thread. */
bool bus_is_heard(struct bus *bus, uint32_t kind, unsigned resource);

/* True if anybody takes anything. Any thread. */
bool bus_has_listeners(const struct bus *bus);

/* Calls on_listener for each: its name, the kinds, and a mask of resources (all bits: any). */
void bus_each_listener(struct bus *bus,
                       void (*on_listener)(void *arg, const char *name, uint32_t kinds,
                                           uint32_t resources),
                       void *arg);

/* --- The sampler alone. --- */

/* Puts a transition on the bus: stamps sequence, stores it, marks whoever listens. Never blocks.
 * Returns how many listeners were told. `signal->resource` is set from `resource`. */
unsigned bus_post(struct bus *bus, unsigned resource, struct vagus_signal *signal);
/* Likewise for a mode that has begun; the first one, which followed none, is no change and has the
 * sequence 0. */
unsigned bus_post_mode(struct bus *bus, struct vagus_signal *change);

/* Wakes the listeners that were marked since: when everything that they will look at is in place.
 */
void bus_wake(struct bus *bus);

/* What a listener made of one signal: that it was handed it, that its call came back, what it says
 * it released. */
struct bus_deed {
    uint64_t sequence; /* 0: none */
    int64_t began_ns;
    int64_t took_ns; /* -1: its call has not come back, or it is polled */
    double released; /* NaN: it said nothing */
};
#define BUS_DEEDS 8 /* the last ones of each listener */

struct bus_deeds {
    char name[VAGUS_NAME_MAX];
    uint32_t handle; /* another one: another listener, even by the same name */
    uint32_t flags;  /* enum vagus_listener_flags */
    struct bus_deed deeds[BUS_DEEDS];
};

/* Calls on_deeds for each listener whose deeds changed since the last call, `place` being where it
 * stands among all. One load if none did. */
void bus_each_deeds(struct bus *bus,
                    void (*on_deeds)(void *arg, unsigned place, const struct bus_deeds *deeds),
                    void *arg);
/* A raise that the listener at this place was handed brought relief, or none. */
void bus_count_outcome(struct bus *bus, unsigned place, uint32_t handle, bool relief);

/* Mirrors the listeners' state into the segment section; counts those that have been in one call
 * for more than a second. */
void bus_mirror(struct bus *bus, struct segment *segment, int64_t now_ns, uint32_t *listeners,
                uint32_t *hung);

/* The highest level among these kinds, of the packed levels of all raised signals: 21 bits for each
 * kind, so that one atomic load tells all. Any thread. */
double bus_level(uint64_t levels, uint32_t kinds);

/* Removes all listeners and waits for their threads until deadline_ns (CLOCK_MONOTONIC); those
 * still in a call are left behind. Returns how many were. *abandoned_name gets the first's name.
 * The caller's reference ends. */
unsigned bus_close(struct bus *bus, int64_t deadline_ns, char *abandoned_name, size_t capacity);

/* One more reference, for a thread that may use the bus after bus_close(). */
void bus_ref(struct bus *bus);

/* True on a thread of one of this bus's listeners: it must not close the monitor. */
bool bus_is_own_thread(const struct bus *bus);

/* In a forked child: forgets the threads, which are not there; closes the descriptors. */
void bus_after_fork_in_child(struct bus *bus);

#endif
