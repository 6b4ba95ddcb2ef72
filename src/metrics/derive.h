/* SPDX-License-Identifier: Apache-2.0 */
/* Derived metrics: ratio, sum, difference, rate or age of others, as the policy says. A missing
 * input makes a missing output; never a zero. */
#ifndef METRICS_DERIVE_H
#define METRICS_DERIVE_H

#include "config/config.h"
#include "metrics/metrics.h"

struct derived {
    const struct config_derived *config;
    uint32_t index;
    int32_t inputs[CONFIG_DERIVED_INPUTS_MAX]; /* metrics; negative: not defined yet */
    double last;           /* rate: the value at last_ns; age: the newest value */
    int64_t last_ns;       /* 0: none; age: when it was seen to change */
    bool seen;             /* age: `last` is known */
    uint64_t versions;     /* of the inputs, added up */
    uint32_t looked;       /* metrics that there were when inputs were sought */
    int64_t good_until_ns; /* of the input that grows stale first */
};

struct derive {
    struct derived *all;
    uint32_t count;
    /* agent.progress.age, which needs no policy: there as soon as agent.progress is. */
    struct derived progress;
    bool progress_defined, progress_refused;
    uint32_t progress_sought; /* among so many metrics */
};

/* The config must outlive it. VAGUS_ENOMEM; VAGUS_EFULL and the like of metrics_define(), with
 * *which and *why. Half-built is fine for derive_finish(). */
int derive_init(struct derive *derive, const struct vagus_config *config, struct metrics *metrics,
                const char **which, const char **why);
void derive_finish(struct derive *derive);

/* Another policy while it runs. Whether its derived metrics can be: 0, or VAGUS_EEXIST, VAGUS_EFULL
 * with *which and *why; changes nothing. */
int derive_check(const struct vagus_config *config, const struct metrics *metrics,
                 const char **which, const char **why);
/* The sampler: those of `heir` take the place; what is the same keeps what it knows. `heir` gets
 * the former ones, to be finished. */
void derive_succeed(struct derive *derive, struct derive *heir);

/* The sampler alone, after the fold, at each tick, in the policy's order, so that one may be made
 * of those before it. One is evaluated when an input has a new value or grew stale, and when its
 * tier is due, at which it enters its series; a rate only then, since it is one over its tier. */
void derive_step(struct derive *derive, struct metrics *metrics, unsigned due, int64_t now_ns);

#endif
