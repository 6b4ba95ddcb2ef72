/* SPDX-License-Identifier: Apache-2.0 */
/* Signals: throttle, defer and shutdown about one resource, and the services that listen to them.
 * Only transitions are delivered; each raise has its clear. */
#ifndef VAGUS_SIGNAL_H
#define VAGUS_SIGNAL_H

#include "metric.h"

VAGUS_BEGIN_DECLS

struct vagus_monitor;

enum vagus_signal_kind {
    VAGUS_THROTTLE = 1, /* do the same more slowly */
    VAGUS_DEFER = 2,    /* take on nothing new, give back what can be given back */
    VAGUS_SHUTDOWN = 4, /* end in order, now */
    /* No signal, but told in the same way to who asks for it: another mode has begun. `rule` is the
     * mode, `instance` the one that was left for it, `value` its index, `reason` why, `since_ns`
     * when the former had begun. The first mode followed none: `instance` is "", `sequence` is 0.
     */
    VAGUS_MODE_CHANGE = 8,
};
#define VAGUS_SIGNAL_KINDS 3
#define VAGUS_SIGNAL_ANY (VAGUS_THROTTLE | VAGUS_DEFER | VAGUS_SHUTDOWN)

enum vagus_signal_change {
    VAGUS_SIGNAL_RAISED = 1,
    VAGUS_SIGNAL_UPDATED = 2, /* its level or its foremost reason changed */
    VAGUS_SIGNAL_CLEARED = 3,
};

struct vagus_signal {
    uint32_t kind;         /* one of enum vagus_signal_kind */
    uint32_t change;       /* enum vagus_signal_change */
    uint64_t sequence;     /* grows by one with each change of any signal of the monitor */
    int64_t at_ns;         /* monotonic time of this change */
    int64_t since_ns;      /* when it was raised */
    int64_t sample_age_ns; /* how old the value was when it was judged; -1: there never was one */
    double level;          /* 0 when cleared, else up to 1 */
    double value;          /* of the metric, as judged; NaN if it was missing */
    double threshold;      /* that was crossed */
    char resource[VAGUS_RESOURCE_MAX];
    char rule[VAGUS_NAME_MAX]; /* the foremost reason */
    char metric[VAGUS_NAME_MAX];
    char instance[VAGUS_INSTANCE_MAX];
    char unit[VAGUS_UNIT_MAX];
    char reason[160]; /* in words: "memory.headroom.ratio 8.1 % is below 10 % for 500 ms" */
    char label[VAGUS_LABEL_MAX]; /* what the instance is: "path"; "" if there is none */
};

typedef void vagus_signal_fn(const struct vagus_signal *signal, void *arg);

enum vagus_listener_flags {
    /* No thread: the host polls vagus_listener_fd() and takes signals by vagus_listener_next(). */
    VAGUS_LISTENER_POLLED = 1,
};

struct vagus_listener_desc {
    size_t size;                  /* sizeof(struct vagus_listener_desc) */
    const char *name;             /* [a-z0-9._-]; shown in health */
    uint32_t kinds;               /* enum vagus_signal_kind, or-ed */
    uint32_t flags;               /* enum vagus_listener_flags */
    const char *const *resources; /* of the signals: NULL-terminated names; NULL: all */
    vagus_signal_fn *on_signal;   /* on the listener's own thread; NULL if polled */
    void *arg;
    void (*destroy)(void *arg); /* after the last call; may be NULL */
};

struct vagus_listener {
    uint32_t generation;
    uint32_t index;
};

/* Registers a service. Who registers late gets what is raised at that time, and the mode. May be
 * called from any thread, before and after start, from inside a callback too. The handle may be
 * NULL. VAGUS_EINVAL, VAGUS_EFULL, VAGUS_ERESOURCE, VAGUS_ENOMEM, VAGUS_ECLOSED. */
VAGUS_API int vagus_listener_add(struct vagus_monitor *monitor,
                                 const struct vagus_listener_desc *desc,
                                 struct vagus_listener *listener);

/* Removes it and never waits: a call that runs goes on to its end, no other follows, then destroy()
 * runs. From any thread, from inside its own callback too. VAGUS_ENOENT if it is not there. */
VAGUS_API int vagus_listener_remove(struct vagus_listener listener);

/* Polled listeners: a descriptor that is readable while a signal waits (do not read it), and the
 * next signal, shutdown first; VAGUS_EAGAIN if none waits. One thread at a time. */
VAGUS_API int vagus_listener_fd(struct vagus_listener listener);
VAGUS_API int vagus_listener_next(struct vagus_listener listener, struct vagus_signal *signal);

/* What a service released upon a signal that it was handed, in the unit of the signal's metric:
 * from its callback or later, from any thread. Said again for one sequence, it adds up. It is shown
 * beside the transition, and what it did to the metric next to it. VAGUS_EINVAL (no number, or a
 * negative one), VAGUS_ENOENT (no such listener, or none of the last eight signals it was handed).
 */
VAGUS_API int vagus_signal_acknowledge(struct vagus_listener listener, uint64_t sequence,
                                       double released);

/* The highest level, 0..1, among the raised signals of these kinds: one atomic load. 0 for NULL and
 * for a closed monitor. */
VAGUS_API double vagus_signal_level(const struct vagus_monitor *monitor, uint32_t kinds);

/* "throttle", "defer", "shutdown", "mode"; "?" for anything else. */
VAGUS_API const char *vagus_signal_kind_name(uint32_t kind);

VAGUS_END_DECLS

#endif
