/* SPDX-License-Identifier: Apache-2.0 */
/* The senses of one monitor: adds collectors, samples those that are due, runs the blocking ones in
 * lanes, records each one's duration and result. */
#ifndef SENSE_SENSE_H
#define SENSE_SENSE_H

#include "metrics/metrics.h"
#include "vagus/collector.h"

struct sense;

/* Adds what stands in collectors.def, `host` as the argument of each. */
int sense_create(struct metrics *metrics, struct segment *segment, const struct vagus_clock *clock,
                 struct sense **sense);
int sense_add(struct sense *sense, const struct vagus_collector_desc *desc, void *arg);
int sense_add_builtin(struct sense *sense, void *host, void (*arg_ref)(void *),
                      void (*arg_unref)(void *));

/* Starts the lanes; with threads false blocking collectors are called in place. */
int sense_start(struct sense *sense, bool threads, int wake_fd);

/* Samples the collectors that fill any of the tiers in `due`, takes in what lanes brought. */
void sense_sample(struct sense *sense, unsigned due, int64_t now_ns);

void sense_mirror(struct sense *sense, int64_t now_ns);
uint32_t sense_count(const struct sense *sense);
uint32_t sense_failed(const struct sense *sense); /* whose newest sample failed, or that hang */

/* Stops; lanes that do not come back by the deadline are left behind. Returns how many were. */
unsigned sense_close(struct sense *sense, int64_t deadline_ns, char *abandoned_name,
                     size_t capacity);
void sense_after_fork_in_child(struct sense *sense);

#endif
