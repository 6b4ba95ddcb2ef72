/* SPDX-License-Identifier: Apache-2.0 */
/* A policy on trial: a stepped monitor without senses, on a clock that is set by hand, whose
 * metrics are fed by whoever tries the policy. What it signals is handed over, and told to nobody
 * else. One thread. */
#ifndef CLI_REHEARSAL_H
#define CLI_REHEARSAL_H

#include "judge/judge.h"
#include "segment/layout.h"
#include "vagus/vagus.h"

struct rehearsal;

struct rehearsal_metric {
    struct vagus_metric_desc desc; /* kind counter or gauge */
    bool recorded;                 /* as agent code would: by vagus_add() and vagus_set() */
};

struct rehearsal_options {
    const char *policy_path, *policy_text;  /* as for a monitor */
    const struct rehearsal_metric *metrics; /* they and their strings must outlive it */
    size_t metric_count;
    int64_t wall_offset_ns; /* from the clock to wall time */
    struct vagus_fault_list *faults;
    void (*on_signal)(const struct segment_signal *signal, void *arg);
    void *arg;
};

/* One at a time. *which names the metric that could not be defined; NULL otherwise. Errors as of
 * vagus_monitor_open(), vagus_collector_add() and the definition of metrics. */
int rehearsal_open(const struct rehearsal_options *options, struct rehearsal **rehearsal,
                   const char **which);
void rehearsal_close(struct rehearsal *rehearsal);

/* For the next step: a value, the total of a counter; or that an attempt failed. A recorded counter
 * only grows, and what is recorded cannot fail: VAGUS_EINVAL. What is not fed grows stale. */
int rehearsal_put(struct rehearsal *rehearsal, size_t metric, double value);
int rehearsal_miss(struct rehearsal *rehearsal, size_t metric);

/* Sets the clock, from 1 ns on and never back, and takes one step; the first one starts the
 * monitor. */
int rehearsal_step(struct rehearsal *rehearsal, int64_t now_ns);

struct vagus_monitor *rehearsal_monitor(struct rehearsal *rehearsal);
/* Signals that came in one step and were too many to be kept. */
uint64_t rehearsal_lost(const struct rehearsal *rehearsal);
/* True once: a shutdown brought no relief, and the policy asked for SIGTERM. */
bool rehearsal_last_resort(struct rehearsal *rehearsal);
/* What each rule is at now. */
void rehearsal_watched(const struct rehearsal *rehearsal,
                       void (*on_watched)(const struct judge_watched *watched, void *arg),
                       void *arg);
/* The newest transition of the mode; the names live until the next step. */
struct rehearsal_transition {
    uint64_t changes;                 /* how many there were; 0: the rest is not filled */
    const char *from, *to, *resource; /* NULL: any */
    int when;                         /* enum config_when */
};
void rehearsal_transition(const struct rehearsal *rehearsal,
                          struct rehearsal_transition *transition);

#endif
