/* SPDX-License-Identifier: Apache-2.0 */
/* The brainstem: a small loop that looks at the snapshot, decides, and acts, at a steady pace, and
 * sooner when a signal comes or the mode changes. It runs on the caller's thread, makes none, and
 * allocates nothing after it was made. Who would rather write the loop himself finds how in
 * docs/brainstem.md. */
#ifndef VAGUS_BRAINSTEM_H
#define VAGUS_BRAINSTEM_H

#include "signal.h"
#include "snapshot.h"

VAGUS_BEGIN_DECLS

struct vagus_monitor;
struct vagus_brainstem;

/* What differs from the beat before. */
enum vagus_beat_change {
    VAGUS_BEAT_VERDICT = 1,
    VAGUS_BEAT_MODE = 2,
    VAGUS_BEAT_SIGNALS = 4, /* another set of raised signals */
    VAGUS_BEAT_WAITS = 8,   /* another transition waits for consent, or none does any more */
};

/* What one beat is told. It is the brainstem's, and good until the hook returns. */
struct vagus_beat {
    uint64_t number;    /* from 1 */
    int64_t now_ns;     /* on the monitor's clock, as this beat began */
    int64_t elapsed_ns; /* since the beat before; 0 at the first */
    uint64_t missed;    /* regular beats that fell out since the one before */
    uint64_t missed_total;
    const char *slow; /* the hook that took longest in the beat before, and longer than slow_ns of
                         the options: "act"; NULL */
    int64_t slow_ns;  /* how long it took */
    enum vagus_verdict verdict; /* as of now: unknown once the snapshot is overdue */
    enum vagus_verdict verdict_before;
    uint32_t kinds;   /* raised now: enum vagus_signal_kind, or-ed */
    uint32_t changed; /* enum vagus_beat_change, or-ed; all of it at the first beat */
    const struct vagus_system_snapshot *self;        /* the newest; all zero before there is one */
    const struct vagus_system_snapshot *self_before; /* what it was at the beat before */
    const struct vagus_signal *signals; /* taken since the beat before: shutdown first, mode last */
    uint32_t signal_count;
    uint32_t cap_count;
    const double *caps; /* of the present mode, in the order of the options; INFINITY: no limit */
    struct vagus_listener listener; /* by which signals may be acknowledged */
    uint64_t reserved[8];
};

/* What the brainstem decides where the host has no decision of its own: the gravest that holds. A
 * host's own may be any numbers. */
enum vagus_decision {
    VAGUS_DECISION_GO = 0,   /* nothing is in the way */
    VAGUS_DECISION_SLOW = 1, /* throttle is raised */
    VAGUS_DECISION_WAIT = 2, /* defer is raised, or the verdict is unknown: take on nothing new */
    VAGUS_DECISION_END = 3,  /* shutdown is raised */
};

#define VAGUS_BRAINSTEM_CAPS 16

/* The hooks of one beat run in this order, after the look at the snapshot: before, consent, decide,
 * act, after. */
struct vagus_brainstem_options {
    size_t size;       /* sizeof(struct vagus_brainstem_options) */
    const char *name;  /* as a listener, [a-z0-9._-]; NULL: "brainstem" */
    int64_t period_ns; /* from one regular beat to the next, 1 ms to 1 h; 0: 100 ms */
    /* After a beat none comes sooner, whatever happens; 0: a tenth of the period. */
    int64_t rest_ns;
    int64_t slow_ns; /* a hook that takes longer is named at the next beat; 0: the period */
    /* What wakes it early and is handed over: enum vagus_signal_kind, or-ed. To the proof of wiring
     * it is a listener to these signals; let it name those that `act` acts upon. 0: all, and the
     * changes of the mode. */
    uint32_t kinds;
    uint32_t flags;          /* 0 */
    const char *const *caps; /* names, NULL-terminated, at most VAGUS_BRAINSTEM_CAPS; may be NULL */
    void (*before)(const struct vagus_beat *beat, void *arg); /* may be NULL */
    /* A transition to this mode waits for consent: true agrees. Asked at each beat while it waits,
     * unless the verdict is unknown; NULL: never agrees, which leaves it to others. */
    bool (*consent)(const struct vagus_beat *beat, const char *to, void *arg);
    int (*decide)(const struct vagus_beat *beat, void *arg); /* NULL: vagus_brainstem_decide() */
    void (*act)(const struct vagus_beat *beat, int decision, void *arg);
    void (*after)(const struct vagus_beat *beat, void *arg); /* may be NULL */
    void *arg;
    uint64_t reserved[4];
};

/* Makes one, before or after vagus_monitor_start(). VAGUS_EINVAL (no `act`, times out of bounds),
 * VAGUS_ENOMEM, VAGUS_ERESOURCE (no descriptor), VAGUS_EFULL (no room for a listener),
 * VAGUS_ECLOSED; *brainstem is untouched on failure. */
VAGUS_API int vagus_brainstem_create(struct vagus_monitor *monitor,
                                     const struct vagus_brainstem_options *options,
                                     struct vagus_brainstem **brainstem);

/* Beats until vagus_brainstem_stop(), then returns 0; VAGUS_ECLOSED if the monitor closes, which
 * wakes it, or was closed by a hook; VAGUS_ESTATE from inside a hook. In between it sleeps, in real
 * time: with a clock of one's own, beat by hand. */
VAGUS_API int vagus_brainstem_run(struct vagus_brainstem *brainstem);

/* One beat now, for a loop of one's own, and when the next regular one is due: *next_ns, on the
 * monitor's clock, may be NULL. One thread at a time. VAGUS_ESTATE: it was stopped, or this is
 * inside a hook; VAGUS_ECLOSED; no hook ran then. */
VAGUS_API int vagus_brainstem_beat(struct vagus_brainstem *brainstem, int64_t *next_ns);

/* Readable when a beat is wanted before its time: something was signalled, or it was stopped, or
 * the monitor closed. For poll() and its like; do not read or close it. VAGUS_EINVAL for NULL. */
VAGUS_API int vagus_brainstem_fd(const struct vagus_brainstem *brainstem);

/* Asks the loop to end after the beat at work; it stays stopped. From any thread, from a hook, from
 * a signal handler. NULL is fine. */
VAGUS_API void vagus_brainstem_stop(struct vagus_brainstem *brainstem);

/* Ends its listening and frees it; not while it beats. Before or after the monitor is closed. NULL
 * is fine. */
VAGUS_API void vagus_brainstem_destroy(struct vagus_brainstem *brainstem);

/* The decision by the raised kinds and the verdict: enum vagus_decision. */
VAGUS_API int vagus_brainstem_decide(const struct vagus_beat *beat);

VAGUS_END_DECLS

#endif
