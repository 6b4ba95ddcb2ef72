/* SPDX-License-Identifier: Apache-2.0 */
/* Timers, and operations: what begins and ends with success or failure. From these follow how many
 * there were, how many failed, how many are under way, and how long they took. */
#ifndef VAGUS_OPERATION_H
#define VAGUS_OPERATION_H

#include "histogram.h"

VAGUS_BEGIN_DECLS

/* A timer is a histogram in ns: bounds that are both 0 mean 100 ns to one hour, no unit means "ns".
 * Record vagus_now_ns() differences into it by vagus_record_integer(). */
VAGUS_API struct vagus_histogram vagus_timer_define(struct vagus_monitor *monitor,
                                                    const struct vagus_metric_desc *desc);

enum vagus_operation_flags {
    /* The CPU time of the thread that begins and ends it, too: two system calls. */
    VAGUS_OPERATION_CPU = 1,
};

/* Harmless when zeroed, as other handles. Of an operation "x" these metrics are made: x.started,
 * x.errors (counters), x.duration (a timer), x.in_flight (a gauge), and x.cpu.time (a timer) if it
 * was asked for. */
struct vagus_operation {
    struct vagus_counter started;
    struct vagus_counter errors;
    struct vagus_histogram duration;
    struct vagus_histogram cpu;
};

/* Defines an operation, or finds it. desc->name has at most 53 characters; bounds, tier, instance
 * and resource hold for all its metrics. At most 64 for each monitor. 0, VAGUS_EINVAL,
 * VAGUS_EFULL, VAGUS_EEXIST or VAGUS_ECLOSED; the handle is harmless after a failure, which health
 * tells. */
VAGUS_API int vagus_operation_define(struct vagus_monitor *monitor,
                                     const struct vagus_metric_desc *desc, uint32_t flags,
                                     struct vagus_operation *operation);

struct vagus_operation_state {
    uint64_t started;
    uint64_t ended;
    uint64_t errors;    /* of those that ended */
    uint64_t in_flight; /* begun and not ended */
};

/* As of now, over all threads. An operation may end on another thread than it began on. */
VAGUS_API int vagus_operation_read(const struct vagus_operation *operation,
                                   struct vagus_operation_state *state);

/* One operation under way; the caller's own. */
struct vagus_span {
    const struct vagus_operation *operation; /* NULL: ended */
    int64_t begin_ns;
    int64_t cpu_ns; /* of the thread; -1: not asked for */
    bool failed;
};

/* CLOCK_THREAD_CPUTIME_ID of the calling thread. */
VAGUS_API int64_t vagus__thread_cpu_ns(void);

/* The operation must live until the span has ended. */
static inline struct vagus_span vagus_span_begin(const struct vagus_operation *operation)
{
    struct vagus_span span = {operation, 0, -1, false};
    vagus_add(operation->started, 1);
    if (VAGUS_UNLIKELY(operation->cpu.generation != 0))
        span.cpu_ns = vagus__thread_cpu_ns();
    span.begin_ns = vagus_now_ns();
    return span;
}

/* Ends it, once: whoever ends it again does nothing. */
static inline void vagus_span_end(struct vagus_span *span, bool success)
{
    const struct vagus_operation *operation = span->operation;
    if (operation == NULL)
        return;
    int64_t took_ns = vagus_now_ns() - span->begin_ns;
    if (VAGUS_UNLIKELY(span->cpu_ns >= 0))
        vagus_record_integer(operation->cpu, vagus__thread_cpu_ns() - span->cpu_ns);
    if (!success)
        vagus_add(operation->errors, 1);
    vagus_record_integer(operation->duration, took_ns);
    span->operation = NULL;
}

/* What ends it as the block is left was a failure. */
static inline void vagus_span_fail(struct vagus_span *span)
{
    span->failed = true;
}

static inline void vagus__span_over(struct vagus_span *span)
{
    vagus_span_end(span, !span->failed);
}

/* Times the rest of the block that it stands in, however that is left:
 *
 *     VAGUS_SPAN(call, &llm);
 *     if (ask(prompt) < 0)
 *         vagus_span_fail(&call);
 */
#define VAGUS_SPAN(name, operation)                                                                \
    struct vagus_span name __attribute__((cleanup(vagus__span_over), unused)) =                    \
        vagus_span_begin(operation)

VAGUS_END_DECLS

#endif
