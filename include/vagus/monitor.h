/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor's life: open, define and register, start (or step), close. */
#ifndef VAGUS_MONITOR_H
#define VAGUS_MONITOR_H

#include "collector.h"
#include "signal.h"
#include "snapshot.h"

VAGUS_BEGIN_DECLS

struct vagus_monitor;

enum vagus_monitor_flags {
    VAGUS_STEPPED = 1,           /* no sampler thread: the host calls vagus_step() */
    VAGUS_STRICT = 2,            /* start refuses while a chain is not closed */
    VAGUS_NO_COLLECTORS = 4,     /* none of the built-in senses */
    VAGUS_ANONYMOUS_SEGMENT = 8, /* no file: nobody outside can look, nothing is left behind */
    VAGUS_NOTE_FATAL = 16,       /* handlers that note which fatal signal ended the process */
};
#define VAGUS_MONITOR_FLAGS                                                                        \
    (VAGUS_STEPPED | VAGUS_STRICT | VAGUS_NO_COLLECTORS | VAGUS_ANONYMOUS_SEGMENT |                \
     VAGUS_NOTE_FATAL)

struct vagus_monitor_options {
    size_t size;             /* sizeof(struct vagus_monitor_options) */
    const char *agent_name;  /* [a-z0-9._-]{1,32}; NULL: the policy's, else the program's name */
    const char *policy_path; /* a YAML file, or preset:NAME; NULL: see policy_text */
    const char *policy_text; /* the policy itself; NULL: the built-in default */
    const char *host_root;   /* put before /proc and /sys; NULL: none. For tests. */
    const struct vagus_clock *clock; /* copied; NULL: the machine's. Another needs VAGUS_STEPPED. */
    uint32_t flags;                  /* enum vagus_monitor_flags */
    uint32_t metrics_max;            /* 0: 1024 */
    uint32_t threads_max;            /* threads with a slot of their own; 0: 64 */
    int health_signal;               /* 0: none. Else the health summary is written on it: */
    int health_fd;                   /* to this descriptor */
    uint64_t segment_bytes;          /* 0: the policy's, else 8 MiB */
    struct vagus_fault_list *faults; /* filled if not NULL: all that is wrong with the policy */
};

/* Opens a monitor: reads the policy, sizes and reserves everything, opens the senses. At most four
 * may be open in a process. options may be NULL. On failure nothing is left behind and *monitor is
 * untouched. VAGUS_EPOLICY: see options->faults. */
VAGUS_API int vagus_monitor_open(const struct vagus_monitor_options *options,
                                 struct vagus_monitor **monitor);

/* Proves the wiring and starts sampling; with VAGUS_STEPPED, makes vagus_step() possible. Nothing
 * allocates from here on but vagus_listener_add() and vagus_policy_reload(). VAGUS_EUNWIRED (strict
 * only: ask vagus_wiring_check() which), VAGUS_ESTATE, VAGUS_ERESOURCE (no thread could be made).
 */
VAGUS_API int vagus_monitor_start(struct vagus_monitor *monitor);

/* Runs what is due, on the calling thread, and says when to come back: *next_ns, on the monitor's
 * clock, may be NULL. For stepped monitors, one thread at a time. */
VAGUS_API int vagus_step(struct vagus_monitor *monitor, int64_t *next_ns);

/* For a host's own handler of a fatal signal, where VAGUS_NOTE_FATAL is not wanted: notes its
 * number in the black box of every open monitor. Async-signal-safe. With VAGUS_NOTE_FATAL handlers
 * for SIGSEGV, SIGABRT, SIGBUS, SIGFPE and SIGILL do so, on the alternate stack where a thread has
 * one; they then call the handler that was there before, or let the process die as it would have.
 * What is noted for a signal that the process outlives by a second does not count. */
VAGUS_API void vagus_fatal_note(int signal_number);

/* Checks again that every chain sensor → metric → rule → signal → listener is closed, and names
 * what is not. 0 if all is, else VAGUS_EUNWIRED. */
VAGUS_API int vagus_wiring_check(struct vagus_monitor *monitor, struct vagus_fault_list *faults);

/* Stops and closes; NULL is fine. Returns within 100 ms beyond the step at work, or leaves a thread
 * that does not come back behind and returns VAGUS_EABANDONED. Metric and listener handles are
 * harmless afterwards. Not from a listener's callback of the same monitor: VAGUS_ESTATE. */
VAGUS_API int vagus_monitor_close(struct vagus_monitor *monitor);

VAGUS_END_DECLS

#endif
