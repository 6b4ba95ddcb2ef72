/* SPDX-License-Identifier: Apache-2.0 */
/* What the two halves of the bus share: bus.c (the table, posting, the end) and listener.c (who
 * listens, and the threads).
 *
 * Nothing that the sampler reads is ever freed while the bus lives. A listener is an entry of a
 * fixed table, its eventfd is made at first use and kept to the end, and whatever the sampler finds
 * in an entry that changed hands meanwhile does no harm: a bit too many in `pending` is masked by
 * `interest`, a write too many to the eventfd is a spurious wake-up. So the sampler needs no lock
 * and no reclamation scheme, and a program that adds and removes listeners which hang runs out of
 * entries and not of memory. */
#ifndef SIGNALS_INSIDE_H
#define SIGNALS_INSIDE_H

#include <pthread.h>

#include "signals/bus.h"
#include "signals/stamped.h"

/* Slots are numbered so that the lowest bit of a mask is the gravest: shutdown, defer, throttle. */
static inline unsigned slot_number(uint32_t kind, unsigned resource)
{
    unsigned rank = kind == VAGUS_SHUTDOWN ? 0 : kind == VAGUS_DEFER ? 1 : 2;
    return rank * BUS_RESOURCES_MAX + resource;
}

#define SIGNAL_WORDS (sizeof(struct vagus_signal) / sizeof(uint64_t))
#define RECORD_WORDS (sizeof(struct segment_listener) / sizeof(uint64_t))
#define DEEDS_WORDS (sizeof(struct bus_deeds) / sizeof(uint64_t))
_Static_assert(sizeof(struct vagus_signal) % sizeof(uint64_t) == 0, "copied by words");
_Static_assert(sizeof(struct segment_listener) % sizeof(uint64_t) == 0, "copied by words");
_Static_assert(sizeof(struct bus_deeds) % sizeof(uint64_t) == 0, "copied by words");
_Static_assert(BUS_SLOTS_ALL <= 64, "slots are bits of one word");

struct slot {
    uint64_t stamp;
    uint64_t words[SIGNAL_WORDS];
};

enum listener_state {
    LISTENER_FREE = 0,
    LISTENER_LIVE,
    LISTENER_LEAVING, /* removed; its thread has not come to its end yet */
};

struct listener {
    /* Atomic: the sampler reads and marks these. */
    uint64_t interest; /* slots that it takes; 0 unless it is live */
    uint64_t pending;  /* slots that changed since it took them */
    uint32_t state;    /* enum listener_state; changes under the lock */
    int wake;          /* eventfd; -1 until the entry's first use */
    uint64_t stamp;    /* of `record`, which has one writer at a time: whoever adds, then the
                          listener's thread, or who holds the lock if it is polled */
    uint64_t record[RECORD_WORDS];
    uint64_t deeds_stamp; /* of `deeds_words`, which are written under the lock */
    uint64_t deeds_words[DEEDS_WORDS];

    /* Under the lock, or unchanging while the listener lives. */
    struct bus *bus;
    uint32_t handle; /* as in struct vagus_listener: a use count and the entry's number */
    uint32_t kinds, flags;
    uint32_t resources;
    char name[VAGUS_NAME_MAX];
    vagus_signal_fn *on_signal;
    void *arg;
    void (*destroy)(void *arg);
    struct bus_deeds deeds; /* what `deeds_words` mirror; signal n lies at handed % BUS_DEEDS */
    uint64_t handed;        /* signals, ever */

    /* The taker alone: what it was told about each slot. */
    uint64_t told_raised;
    uint64_t told_sequence[BUS_SLOTS_ALL];
    struct segment_listener activity; /* what `record` mirrors */
};

struct bus {
    unsigned references; /* atomic: the monitor's, and one for each thread */
    uint32_t generation;
    struct vagus_clock clock;
    uint64_t *levels; /* atomic; not ours, but read by who has no bus to ask */
    uint64_t raised;  /* atomic: slots that are raised */
    uint64_t deeds;   /* atomic: grows with each change of any listener's deeds */

    /* The sampler alone. */
    uint64_t sequence;
    uint32_t to_wake; /* listeners marked since the last bus_wake() */
    double slot_levels[BUS_SLOTS];
    struct segment_listener mirrored[SEGMENT_LISTENERS_MAX]; /* the last good copies */
    uint64_t deeds_seen;
    uint64_t deeds_stamps[SEGMENT_LISTENERS_MAX]; /* of the copies that were shown to the judge */
    struct {
        uint32_t handle, relieved, unrelieved;
    } outcomes[SEGMENT_LISTENERS_MAX];

    pthread_mutex_t resource_lock;
    uint32_t resource_count; /* published with release; names below it never change */
    char resources[BUS_RESOURCES_MAX][VAGUS_RESOURCE_MAX];

    /* Guards states and handles. Held for a few instructions, while a thread is made, and while a
     * polled signal is copied; never over a callback, and the sampler never takes it. */
    pthread_mutex_t lock;
    pthread_cond_t thread_ended;
    bool closed;
    unsigned threads;

    struct slot slots[BUS_SLOTS_ALL];
    struct listener listeners[SEGMENT_LISTENERS_MAX];
};

/* Makes a listener's descriptor readable; makes it unreadable. Neither blocks. */
void listener_wake(const struct listener *listener);
void listener_drain(const struct listener *listener);

/* The next signal that the listener has not been told of, in its own terms. By its own thread, or
 * under the lock if it is polled. */
enum taken { TAKEN_NOTHING, TAKEN_SIGNAL, TAKEN_LATER /* met the sampler: try again */ };
enum taken listener_take(struct listener *listener, struct vagus_signal *signal);

/* Under the lock: notes which signal is handed over and when; shows the activity to the sampler. */
void listener_note(struct listener *listener, const struct vagus_signal *signal);
void listener_publish(struct listener *listener);

/* deeds.c. Under the lock: none yet, of a listener that is new; the signal was handed over; the
 * newest call came back. */
void deeds_begin(struct listener *listener);
void deeds_hand(struct listener *listener, uint64_t sequence, int64_t now_ns);
void deeds_came_back(struct listener *listener, int64_t took_ns);

/* The sampler: what it counted of the listener at this place. */
void deeds_add_outcomes(const struct bus *bus, unsigned place, struct segment_listener *mirrored);

/* Under the lock: the live listener that a handle names, or NULL. */
struct listener *listener_of_handle(struct bus *bus, struct vagus_listener handle);

/* Under the lock: makes the listener's thread. 0 or VAGUS_ERESOURCE. */
int listener_start(struct listener *listener);

void bus_unref(struct bus *bus);

#endif
