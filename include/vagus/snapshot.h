/* SPDX-License-Identifier: Apache-2.0 */
/* The SystemSnapshot: the whole self-knowledge of an agent at one instant, for its brainstem to
 * poll. Plain data without pointers; versioned, append-only. */
#ifndef VAGUS_SNAPSHOT_H
#define VAGUS_SNAPSHOT_H

#include "mode.h"
#include "signal.h"

VAGUS_BEGIN_DECLS

struct vagus_monitor;

#define VAGUS_SNAPSHOT_VERSION 1
#define VAGUS_SNAPSHOT_PATHS 4
#define VAGUS_SNAPSHOT_SIGNALS 8

enum vagus_verdict {
    VAGUS_VERDICT_UNKNOWN = 0, /* nothing sensed yet, or the publication is overdue */
    VAGUS_VERDICT_OK = 1,
    VAGUS_VERDICT_DEGRADED = 2, /* throttle or defer is raised, or a vital organ is not felt */
    VAGUS_VERDICT_CRITICAL = 3, /* shutdown is raised */
};

/* One raised signal, in short. */
struct vagus_snapshot_signal {
    uint32_t kind;
    float level;
    int64_t since_ns;
    char resource[VAGUS_RESOURCE_MAX];
    char rule[32];
};

struct vagus_snapshot_cpu {
    struct vagus_reading utilization;         /* 1: share of the host's time not idle */
    struct vagus_reading process_cores;       /* cores that this process uses */
    struct vagus_reading allowance_cores;     /* cores that it may use */
    struct vagus_reading process_utilization; /* 1: process_cores / allowance_cores */
    struct vagus_reading load_1m;
};

struct vagus_snapshot_memory {
    struct vagus_reading total;          /* By, of the host */
    struct vagus_reading available;      /* By, of the host */
    struct vagus_reading limit;          /* By, the effective one */
    struct vagus_reading usage;          /* By, counted against that limit */
    struct vagus_reading headroom;       /* By, the least that is left anywhere */
    struct vagus_reading headroom_ratio; /* 1 */
    struct vagus_reading swap_total;     /* By */
};

struct vagus_snapshot_process {
    struct vagus_reading resident;     /* By */
    struct vagus_reading virtual_size; /* By */
    struct vagus_reading threads;
    struct vagus_reading descriptors;
    struct vagus_reading descriptors_limit;
    struct vagus_reading uptime; /* s */
};

struct vagus_snapshot_path {
    char path[VAGUS_INSTANCE_MAX];
    struct vagus_reading free;              /* By, for this user */
    struct vagus_reading free_ratio;        /* 1 */
    struct vagus_reading inodes_free_ratio; /* 1 */
};

struct vagus_snapshot_agent {
    struct vagus_reading messages;
    struct vagus_reading tokens;
    struct vagus_reading errors;
    struct vagus_reading tool_calls;
};

/* The monitor about itself. */
struct vagus_snapshot_monitor {
    struct vagus_reading cpu_ratio; /* 1: share of one core */
    uint64_t ticks;
    uint64_t missed_ticks;
    uint64_t dropped_records; /* recorded through invalid handles, or not finite */
    uint64_t refused_metrics; /* definitions refused */
    uint32_t metrics;
    uint32_t collectors;
    uint32_t failed_collectors; /* whose newest sample failed, or that hang */
    uint32_t listeners;
    uint32_t hung_listeners;    /* in one call for more than a second */
    uint32_t unwired;           /* chains that are not closed */
    uint32_t shared_slot;       /* 1: more threads record than slots exist */
    uint32_t anonymous_segment; /* 1: no black box */
};

struct vagus_system_snapshot {
    uint32_t size;    /* of the struct that the writer knew */
    uint32_t version; /* VAGUS_SNAPSHOT_VERSION of the writer */
    uint64_t sequence;
    int64_t published_ns;  /* monotonic */
    int64_t good_until_ns; /* monotonic: one second after the next tick; overdue after it */
    int64_t wall_ns;       /* CLOCK_REALTIME at publication */
    int64_t started_ns;    /* monotonic */
    uint32_t judged;       /* enum vagus_verdict when it was published; ask
                              vagus_snapshot_verdict() */
    uint32_t signal_count; /* raised signals; the first VAGUS_SNAPSHOT_SIGNALS are below */
    struct vagus_snapshot_signal signals[VAGUS_SNAPSHOT_SIGNALS]; /* the worst first */
    struct vagus_snapshot_cpu cpu;
    struct vagus_snapshot_memory memory;
    struct vagus_snapshot_process process;
    struct vagus_snapshot_agent agent;
    struct vagus_snapshot_monitor monitor;
    uint32_t path_count;
    uint32_t reserved0;
    struct vagus_snapshot_path paths[VAGUS_SNAPSHOT_PATHS];
    struct vagus_snapshot_mode mode;
    uint64_t reserved[9];
};

/* Copies the newest snapshot: a plain copy, no lock, no system call. 0, VAGUS_ECLOSED, or
 * VAGUS_EAGAIN: nothing published yet, or four tries found their slot gone; the output stays
 * untouched then. A copy that is overtaken in its middle, which takes three publications within it,
 * is begun again, a bounded number of times; should that never end well, the output is zeroed, and
 * the verdict of a zeroed snapshot is unknown. */
VAGUS_API int vagus_snapshot_read(struct vagus_monitor *monitor,
                                  struct vagus_system_snapshot *snapshot);

/* The verdict as of now_ns (vagus_now_ns()): unknown once the publication is overdue. */
static inline enum vagus_verdict vagus_snapshot_verdict(
    const struct vagus_system_snapshot *snapshot, int64_t now_ns)
{
    return now_ns > snapshot->good_until_ns ? VAGUS_VERDICT_UNKNOWN
                                            : (enum vagus_verdict)snapshot->judged;
}

/* "ok", "degraded", "critical", "unknown". */
VAGUS_API const char *vagus_verdict_name(enum vagus_verdict verdict);

VAGUS_END_DECLS

#endif
