/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics over an anonymous segment, mostly of the default size, for rows about what lies inside.
 */
#ifndef BENCH_BENCH_METRICS_H
#define BENCH_BENCH_METRICS_H

#include "metrics/metrics.h"

struct bench_metrics {
    struct segment segment;
    struct metrics metrics;
};

/* 0 or VAGUS_E…; after 0 bench_metrics_end() is owed. */
int bench_metrics_begin(struct bench_metrics *all, uint32_t capacity);
int bench_metrics_begin_for(struct bench_metrics *all, uint32_t capacity, uint32_t threads);
int bench_metrics_begin_of(struct bench_metrics *all, uint32_t capacity, uint32_t threads,
                           uint64_t bytes);
void bench_metrics_end(struct bench_metrics *all);

/* Defines bench.m0, bench.m1 …, whose indices are 0, 1 … */
bool bench_metrics_define(struct bench_metrics *all, unsigned count, enum vagus_metric_kind kind,
                          enum metric_source source);

#endif
