/* SPDX-License-Identifier: Apache-2.0 */
/* The SystemSnapshot: the whole self-knowledge of an agent at one instant, for its brainstem to
 * poll. Plain data without pointers, some 20 KiB.
 *
 * It grows in place: a struct here never changes its size, its reserved tail becomes new members,
 * and what a writer did not know is zero, which reads as "never". */
#ifndef VAGUS_SNAPSHOT_H
#define VAGUS_SNAPSHOT_H

#include "budget.h"
#include "mode.h"
#include "signal.h"

VAGUS_BEGIN_DECLS

struct vagus_monitor;

#define VAGUS_SNAPSHOT_VERSION 2

/* Room for so many of each; the counts beside the arrays tell how many there are, which may be
 * more. */
#define VAGUS_SNAPSHOT_SIGNALS 8
#define VAGUS_SNAPSHOT_GPUS 8
#define VAGUS_SNAPSHOT_PATHS 8
#define VAGUS_SNAPSHOT_BUDGETS 12
#define VAGUS_SNAPSHOT_FORECASTS 8
#define VAGUS_SNAPSHOT_METRICS 12

enum vagus_verdict {
    VAGUS_VERDICT_UNKNOWN = 0, /* nothing sensed yet, or the publication is overdue */
    VAGUS_VERDICT_OK = 1,
    VAGUS_VERDICT_DEGRADED = 2, /* throttle or defer is raised, or a vital organ is not felt */
    VAGUS_VERDICT_CRITICAL = 3, /* shutdown is raised */
};

/* One raised signal, with the foremost of its reasons. */
struct vagus_snapshot_signal {
    uint32_t kind;
    float level;
    int64_t since_ns;
    char resource[VAGUS_RESOURCE_MAX];
    char rule[VAGUS_NAME_MAX];
    char reason[160];
    uint64_t reserved[2];
};

struct vagus_snapshot_cpu {
    struct vagus_reading utilization;         /* 1: share of the host's time not idle */
    struct vagus_reading process_cores;       /* cores that this process uses */
    struct vagus_reading allowance_cores;     /* cores that it may use */
    struct vagus_reading process_utilization; /* 1: process_cores / allowance_cores */
    struct vagus_reading load_1m;
    struct vagus_reading throttled_ratio; /* 1: share of the quota's periods that used it up */
    struct vagus_reading pressure_ratio;  /* 1: share of time in which some task waited */
    struct vagus_reading temperature;     /* Cel */
    struct vagus_reading reserved[4];
};

struct vagus_snapshot_memory {
    struct vagus_reading total;          /* By, of the host */
    struct vagus_reading available;      /* By, of the host */
    struct vagus_reading limit;          /* By, the effective one */
    struct vagus_reading usage;          /* By, counted against that limit */
    struct vagus_reading headroom;       /* By, the least that is left anywhere */
    struct vagus_reading headroom_ratio; /* 1 */
    struct vagus_reading swap_total;     /* By */
    struct vagus_reading swap_usage;     /* By */
    struct vagus_reading pressure_ratio; /* 1: share of time in which some task waited for it */
    struct vagus_reading oom_kills;      /* in the process's own cgroup */
    struct vagus_reading reserved[4];
};

struct vagus_snapshot_gpu {
    char device[VAGUS_INSTANCE_MAX];
    struct vagus_reading utilization;        /* 1 */
    struct vagus_reading memory_limit;       /* By */
    struct vagus_reading memory_usage;       /* By, whoever uses it */
    struct vagus_reading memory_free;        /* By */
    struct vagus_reading memory_utilization; /* 1 */
    struct vagus_reading temperature;        /* Cel */
    struct vagus_reading power;              /* W */
    struct vagus_reading throttled;          /* 1 while heat or power holds its clocks down */
    struct vagus_reading reserved[2];
};

struct vagus_snapshot_path {
    char path[VAGUS_INSTANCE_MAX];
    struct vagus_reading free;              /* By, for this user */
    struct vagus_reading free_ratio;        /* 1 */
    struct vagus_reading inodes_free_ratio; /* 1 */
    struct vagus_reading limit;             /* By */
    struct vagus_reading rate;              /* By/s; filling: negative */
    struct vagus_reading writable;          /* 1 or 0 */
    struct vagus_reading reserved[2];
};

struct vagus_snapshot_network {
    struct vagus_reading receive_rate;     /* By/s over the last minute, all interfaces but lo */
    struct vagus_reading transmit_rate;    /* By/s */
    struct vagus_reading established;      /* TCP connections */
    struct vagus_reading retransmit_ratio; /* 1 */
    struct vagus_reading connect_failures;
    struct vagus_reading listen_drops;
    struct vagus_reading sockets;
    struct vagus_reading reserved[5];
};

struct vagus_snapshot_process {
    struct vagus_reading resident;     /* By */
    struct vagus_reading virtual_size; /* By */
    struct vagus_reading threads;
    struct vagus_reading descriptors;
    struct vagus_reading descriptors_limit;
    struct vagus_reading uptime;      /* s */
    struct vagus_reading tree;        /* processes: itself and all that descend from it */
    struct vagus_reading tree_memory; /* By */
    struct vagus_reading tree_cores;
    struct vagus_reading reserved[5];
};

/* What an agent counts. The total is of this tick. An hour or a day that has not passed yet is what
 * was counted so far, which is the total; later they are computed each second: taken_ns says when.
 * Where history does not reach back over a day, `day` says so by its error, VAGUS_EAGAIN. */
struct vagus_snapshot_count {
    struct vagus_reading total;
    struct vagus_reading hour; /* the last 60 minutes */
    struct vagus_reading day;  /* the last 24 hours */
};

struct vagus_snapshot_agent {
    struct vagus_snapshot_count messages;
    struct vagus_snapshot_count thoughts;
    struct vagus_snapshot_count errors;
    struct vagus_snapshot_count tokens;
    struct vagus_snapshot_count cost; /* millionths of a dollar */
    struct vagus_snapshot_count tool_calls;
    struct vagus_snapshot_count deferrals;
    struct vagus_reading error_rate;       /* 1/s over the last five minutes */
    struct vagus_reading llm_p50;          /* s, of LLM calls over the last five minutes */
    struct vagus_reading llm_p99;          /* s */
    struct vagus_reading tool_p50;         /* s, of tool calls */
    struct vagus_reading tool_p99;         /* s */
    struct vagus_reading queue_saturation; /* 1: tasks that wait, of those that may */
    struct vagus_reading context_used;     /* 1: tokens in the context, of those that it holds */
    struct vagus_reading progress_age;     /* s since the last step that led on */
    struct vagus_reading tasks_active;
    struct vagus_reading tasks_queued;
    struct vagus_reading breakers_open;
    struct vagus_reading reserved[5];
};

struct vagus_snapshot_budget {
    char name[VAGUS_NAME_MAX];
    char unit[VAGUS_UNIT_MAX];
    char resource[VAGUS_RESOURCE_MAX];
    int64_t window_ns; /* 0: a standing amount */
    struct vagus_budget_status status;
    struct vagus_reading exhausted_in; /* s, at the pace of the last five minutes; infinite: not at
                                          this pace */
    uint64_t reserved[4];
};

/* When something is exhausted, as a forecast rule of the policy sees it, be it a shadow. */
struct vagus_snapshot_forecast {
    char rule[VAGUS_NAME_MAX];
    char metric[VAGUS_NAME_MAX];
    char instance[VAGUS_INSTANCE_MAX];
    char resource[VAGUS_RESOURCE_MAX];
    struct vagus_reading exhausted_in; /* s; infinite: not at this pace */
    uint64_t reserved[2];
};

/* How a run ended. */
enum vagus_end {
    VAGUS_END_UNKNOWN = 0,       /* there is no black box of it, or it cannot be told */
    VAGUS_END_NONE = 1,          /* there was no run before */
    VAGUS_END_CLOSED = 2,        /* in order */
    VAGUS_END_UNCLOSED = 3,      /* without closing, of no known cause */
    VAGUS_END_OUT_OF_MEMORY = 4, /* as the last, and the evidence speaks for an OOM kill */
    VAGUS_END_SIGNAL = 5,        /* by the fatal signal of number end_signal */
    VAGUS_END_REBOOT = 6,        /* the machine went down with it */
};

/* What the black boxes of former runs tell. */
struct vagus_snapshot_continuity {
    uint32_t last_end;            /* enum vagus_end */
    uint32_t end_signal;          /* 0 */
    int64_t last_started_wall_ns; /* 0: not known */
    int64_t last_ended_wall_ns;   /* its last sign of life; 0 */
    uint64_t starts;              /* this one included, as far back as is known */
    uint64_t deaths;              /* of these, runs that ended otherwise than closed */
    uint32_t deaths_hour;         /* in the hour before this start */
    uint32_t deaths_day;
    double online_s; /* over all runs; this one up to its start */
    uint64_t reserved[8];
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
    uint64_t reserved[8];
};

/* A metric that the policy names for the snapshot; its error is VAGUS_ENOENT while nobody defines
 * it. */
struct vagus_snapshot_metric {
    char name[VAGUS_NAME_MAX];
    char instance[VAGUS_INSTANCE_MAX];
    char label[VAGUS_LABEL_MAX];
    char unit[VAGUS_UNIT_MAX];
    struct vagus_reading reading;
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
    uint32_t signal_count; /* raised signals, the worst first */
    uint32_t gpu_count, path_count, budget_count, forecast_count, metric_count;
    uint32_t reserved0;
    struct vagus_snapshot_signal signals[VAGUS_SNAPSHOT_SIGNALS];
    struct vagus_snapshot_mode mode;
    struct vagus_snapshot_cpu cpu;
    struct vagus_snapshot_memory memory;
    struct vagus_snapshot_network network;
    struct vagus_snapshot_process process;
    struct vagus_snapshot_agent agent;
    struct vagus_snapshot_continuity continuity;
    struct vagus_snapshot_monitor monitor;
    struct vagus_snapshot_gpu gpus[VAGUS_SNAPSHOT_GPUS];
    struct vagus_snapshot_path paths[VAGUS_SNAPSHOT_PATHS];
    struct vagus_snapshot_budget budgets[VAGUS_SNAPSHOT_BUDGETS];
    struct vagus_snapshot_forecast forecasts[VAGUS_SNAPSHOT_FORECASTS];
    struct vagus_snapshot_metric metrics[VAGUS_SNAPSHOT_METRICS];
    uint64_t reserved[64];
};

/* What vagus_snapshot_read() is made of: copies at most `size` bytes, so that a caller built with
 * another version of this header gets what both know, and zeroes beyond. */
VAGUS_API int vagus_snapshot_copy(struct vagus_monitor *monitor,
                                  struct vagus_system_snapshot *snapshot, size_t size);

/* Copies the newest snapshot: a plain copy, no lock, no system call. 0, VAGUS_ECLOSED, or
 * VAGUS_EAGAIN: nothing published yet, or four tries found their slot gone; the output stays
 * untouched then. A copy that is overtaken in its middle, which takes three publications within it,
 * is begun again, a bounded number of times; should that never end well, the output is zeroed, and
 * the verdict of a zeroed snapshot is unknown. */
static inline int vagus_snapshot_read(struct vagus_monitor *monitor,
                                      struct vagus_system_snapshot *snapshot)
{
    return vagus_snapshot_copy(monitor, snapshot, sizeof(*snapshot));
}

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
