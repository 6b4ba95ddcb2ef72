/* SPDX-License-Identifier: Apache-2.0 */
/* The senses of one monitor: adds collectors, samples those that are due, runs the blocking ones in
 * lanes, records each one's duration and result. The sampler's alone once started. */
#ifndef SENSE_SENSE_H
#define SENSE_SENSE_H

#include "config/config.h"
#include "metrics/metrics.h"
#include "vagus/collector.h"

struct sense;

/* The nearest thresholds ahead of a metric's value, below and above; NaN where there is none. False
 * if no rule judges it. */
struct sense_thresholds {
    bool (*nearest)(void *arg, uint32_t metric, double value, double *below, double *above);
    void *arg;
};

/* A greatest rate that the policy declares. */
struct sense_rate {
    const char *name;
    double units_per_s;
};
#define SENSE_RATES_MAX 8

struct wake;

/* What stands in collectors.def, NULL-terminated. */
extern const struct vagus_collector_desc *const sense_builtin[];
/* Of the same order: whether it is added once for each watched path. */
extern const bool sense_is_of_paths[];

/* metrics and segment must outlive it. */
int sense_create(struct metrics *metrics, const struct vagus_clock *clock, struct sense **sense);

/* Adds a collector and opens it. arg is what vagus_collector_arg() returns; release(arg) runs once
 * when it is no longer needed, on failure too, and by a lane that was left behind when it returns.
 * The descriptor and its name need not live on. A collector whose own open() fails is there all the
 * same: its metrics say why. */
int sense_add(struct sense *sense, const struct vagus_collector_desc *desc, void *arg,
              void (*release)(void *arg));

/* Before the first collector is added: the policy's word on tiers, and on what is left out. It must
 * outlive the senses. Without it nothing is. */
void sense_set_policy(struct sense *sense, const struct vagus_config *config);

/* Before the first collector is added: the policy's word on how fast things can go. The name must
 * outlive the senses. */
void sense_set_rate(struct sense *sense, const char *name, double units_per_s);
/* Before the start: who knows the thresholds, and whose bell a lane rings (with WAKE_NEAR) when it
 * brings what was read near a limit; static memory, since lanes outlive monitors. */
void sense_set_thresholds(struct sense *sense, const struct sense_thresholds *thresholds,
                          struct wake *bell);

/* Makes the lanes of blocking collectors; without threads these are called in place. */
int sense_start(struct sense *sense, bool threads);

/* Runs those collectors in place that fill any of the tiers in `due`: the host's code, so hold no
 * lock. Then takes in what they and the lanes brought, and asks the lanes for what is due. */
void sense_sample(struct sense *sense, unsigned due);
void sense_take_in(struct sense *sense, unsigned due, int64_t now_ns);

/* Between the tiers' ticks: reads what is near a limit and due, in place, or asks its lane; the
 * host's code, so hold no lock. False if nothing was due. Then takes in what was read; false if all
 * is as it was. */
bool sense_near_sample(struct sense *sense, int64_t now_ns);
bool sense_near_take_in(struct sense *sense, int64_t now_ns);
/* The thresholds ahead are others now: a signal was raised or cleared, a rule found its metric. */
void sense_near_relook(struct sense *sense, int64_t now_ns);
/* The tiers are slowed down by this factor: what is near a limit is read as before. */
void sense_stretch(struct sense *sense, uint32_t stretch, int64_t now_ns);
/* When the next of these reads is due; INT64_MAX: the tiers are soon enough. */
int64_t sense_near_next_ns(const struct sense *sense);
/* The kernel says that what is called so may come near its limit: reads it at once. */
void sense_near_hasten(struct sense *sense, const char *limited, int64_t now_ns);
/* Such reads, ever. */
uint64_t sense_near_reads(const struct sense *sense);

/* Waits until the lanes have brought what was asked of them, or until_ns (CLOCK_MONOTONIC), and
 * takes it in. For the first look alone: it blocks. */
void sense_settle(struct sense *sense, int64_t until_ns, int64_t now_ns);

/* Mirrors the collectors' state into the segment. */
void sense_mirror(struct sense *sense, int64_t now_ns);

uint32_t sense_count(const struct sense *sense);
/* Whether there is a collector that a policy calls so. */
bool sense_has(const struct sense *sense, const char *wanted);
/* Collectors whose newest sample failed, or that have been at work for more than a second. */
uint32_t sense_failed(const struct sense *sense, int64_t now_ns);
/* CPU time that the lanes used. */
int64_t sense_lanes_cpu_ns(const struct sense *sense);

/* Tells the lanes to end, and does not wait. */
void sense_end(struct sense *sense);

/* Stops; lanes that do not come back by deadline_ns (CLOCK_MONOTONIC) are left behind. Returns how
 * many were; abandoned_name gets the name of the first if it is empty. NULL is fine. */
unsigned sense_close(struct sense *sense, int64_t deadline_ns, char *abandoned_name,
                     size_t capacity);

#endif
