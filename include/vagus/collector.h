/* SPDX-License-Identifier: Apache-2.0 */
/* Collectors: the senses. A descriptor names the metrics that a sense fills and the calls that fill
 * them. The built-in ones under collectors/ use nothing that a program's own could not. */
#ifndef VAGUS_COLLECTOR_H
#define VAGUS_COLLECTOR_H

#include "metric.h"

VAGUS_BEGIN_DECLS

struct vagus_monitor;
struct vagus_collector; /* one collector at work in one monitor */

enum vagus_collector_flags {
    /* sample() may block: it runs in a thread of its own (a lane), and while it does not return its
     * own metrics grow stale and nothing else is late. */
    VAGUS_COLLECTOR_BLOCKING = 1,
};

/* The most instances that one collector may have room for (paths, devices). */
#define VAGUS_COLLECTOR_INSTANCES_MAX 1024

/* A metric that tells how much of something is left, or used. */
struct vagus_limited_metric {
    size_t metric; /* of the table; all metrics of a vagus_limited are on one tier */
    size_t whole;  /* of a share: the metric that tells the whole in units; else VAGUS_NO_WHOLE */
};
#define VAGUS_NO_WHOLE ((size_t)-1)

/* Something that can run out: bytes, descriptors. While a rule judges one of its metrics, it is
 * read again, faster than its tier where need be, after half the time in which the nearest
 * threshold ahead could be reached: not sooner than 5 ms while it stands still, nor 1 ms once a
 * read shows it moving there. The value read between two ticks of the tier is judged and shown; the
 * least and the greatest of them enter the series where they go beyond both ticks by more than a
 * hundredth. */
struct vagus_limited {
    const char *name; /* the key of the policy's limits.max_rate: "memory", "disk" */
    const struct vagus_limited_metric *metrics;
    size_t metric_count; /* at most VAGUS_LIMITED_METRICS_MAX */
    /* Units that can go in a second at most; 0: not known, and then it is read on its tier alone
     * unless the policy says more. `rate`, where not NULL, tells it once, after open(). */
    double max_rate;
    double (*rate)(struct vagus_collector *collector);
    /* Puts its metrics, from the least that must be read. Called as sample() is, never at the same
     * time. */
    int (*sample)(struct vagus_collector *collector, size_t instance);
    /* Units left until the metric, as last put, can reach the threshold without the kernel waking
     * the monitor before; INFINITY: it always will. NULL: as value and whole say. */
    double (*ahead)(struct vagus_collector *collector, size_t metric, size_t instance,
                    double threshold);
};
#define VAGUS_LIMITED_METRICS_MAX 4
#define VAGUS_LIMITED_MAX 4

struct vagus_collector_desc {
    size_t size;      /* sizeof(struct vagus_collector_desc) */
    const char *name; /* [a-z0-9_]{1,31} */
    const char *help;
    uint32_t flags;         /* enum vagus_collector_flags */
    uint32_t instances_max; /* 0: 16 */
    /* What it fills. `kind` may be a counter or a gauge, both are put as absolute values; `tier` is
     * when it is filled; `instance` stays NULL. A metric of which there is one for each instance
     * has `instance` set to "*" and `label` to what the instances are. */
    const struct vagus_metric_desc *metrics;
    size_t metric_count;
    size_t state_size; /* zeroed memory for vagus_collector_state() */
    /* Called once, when the collector is added; may allocate and block. May be NULL. A failure is
     * said in health and leaves all metrics of the collector unsupported or in error. */
    int (*open)(struct vagus_collector *collector);
    /* Fills the metrics of the tiers in `due` (bit 1 << enum vagus_tier) by vagus_put(). Allocates
     * nothing. Returns 0, or VAGUS_E… if nothing more could be had: metrics that are due and were
     * not put take this error. VAGUS_EUNSUPPORTED says that the machine does not have what is
     * sensed: that is no failure, and is looked at again after a minute, whatever the tiers. */
    int (*sample)(struct vagus_collector *collector, unsigned due);
    /* Called once after the last sample(). May be NULL. */
    void (*close)(struct vagus_collector *collector);
    void *arg; /* for vagus_collector_arg() */
    /* What of it can run out; at most VAGUS_LIMITED_MAX. */
    const struct vagus_limited *limited;
    size_t limited_count;
    /* The quickest tier that a policy may put it on; DEFAULT: that of its quickest metrics. */
    enum vagus_tier quickest;
};

/* Adds a program's own collector, between open and start. Strings, the table and the descriptor
 * itself must live until the monitor is closed. VAGUS_EINVAL, VAGUS_ESTATE, VAGUS_EEXIST,
 * VAGUS_EFULL, VAGUS_ENOMEM. */
VAGUS_API int vagus_collector_add(struct vagus_monitor *monitor,
                                  const struct vagus_collector_desc *desc);

/* --- For use inside open(), sample() and close() only. --- */

VAGUS_API void *vagus_collector_state(struct vagus_collector *collector);
VAGUS_API void *vagus_collector_arg(struct vagus_collector *collector);
VAGUS_API int64_t vagus_collector_now_ns(struct vagus_collector *collector);

/* In open() and sample(): the number of the instance of that name, counted from 0; it is added if
 * it is not there yet. VAGUS_EFULL if there is no room for it, VAGUS_EUNSUPPORTED if the policy
 * leaves it out, VAGUS_EINVAL if it is longer than 63 bytes or empty. One that is gone keeps its
 * number: put nothing, and its values grow stale. */
VAGUS_API int vagus_collector_instance_add(struct vagus_collector *collector, const char *value);

/* In sample(): gives metric `metric` of the table (instance 0 where it has but one) its value.
 * NaN and infinity count as VAGUS_EPARSE. */
VAGUS_API void vagus_put(struct vagus_collector *collector, size_t metric, size_t instance,
                         double value);

/* In sample(): says that this one metric could not be had, and why. */
VAGUS_API void vagus_put_missing(struct vagus_collector *collector, size_t metric, size_t instance,
                                 int error);

/* In sample(): the value if error is 0, else the error. */
static inline void vagus_put_result(struct vagus_collector *collector, size_t metric,
                                    size_t instance, int error, double value)
{
    if (error == 0)
        vagus_put(collector, metric, instance, value);
    else
        vagus_put_missing(collector, metric, instance, error);
}

VAGUS_END_DECLS

#endif
