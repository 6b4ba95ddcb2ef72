/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about the past: one number, or every bucket, of any metric over any span. Answered from
 * the series by any thread, without a lock, without allocation, and without ever making the sampler
 * or whoever records wait. */
#ifndef VAGUS_QUERY_H
#define VAGUS_QUERY_H

#include "histogram.h"

VAGUS_BEGIN_DECLS

struct vagus_monitor;

/* What is made of the values in a span. Of a histogram MEAN, SUM, MIN, MAX, COUNT, STDDEV and
 * QUANTILE are of the values that were recorded in the span, to the relative error of its buckets
 * (a sum is exact for whole numbers); the others are of its count, as if that were a counter. Where
 * the span reaches further back than a finer level does, it is answered from buckets of 1 s, 10 s
 * or 60 s: see vagus_query_result.step_ns. */
enum vagus_aggregation {
    VAGUS_QUERY_LAST = 1,
    VAGUS_QUERY_MEAN = 2,
    VAGUS_QUERY_SUM = 3, /* of the values; of a counter, by how much it grew, from 0 where it began
                            in the span */
    VAGUS_QUERY_MIN = 4,
    VAGUS_QUERY_MAX = 5,
    VAGUS_QUERY_COUNT = 6,  /* how many values there are */
    VAGUS_QUERY_DELTA = 7,  /* the last value less the one before the span (else the first in it) */
    VAGUS_QUERY_RATE = 8,   /* the same for each second between these two */
    VAGUS_QUERY_STDDEV = 9, /* of buckets: of their means, weighted by their counts */
    VAGUS_QUERY_SLOPE = 10, /* of the line of least squares, for each second; of means too */
    VAGUS_QUERY_UNCHANGED = 11, /* seconds from the last change, or from where the values begin, to
                                   the end of the span */
    VAGUS_QUERY_QUANTILE = 12,  /* the nearest rank: a value that was; of buckets: of their means */
};

struct vagus_query {
    size_t size;              /* sizeof(struct vagus_query) */
    const char *const *names; /* NULL-terminated; NULL: all metrics. "disk.free" is each of its
                                 instances, "disk.free{path=/var}" and "disk.free{/var}" one. */
    const char *instance;     /* NULL: as the names say; else that one of each */
    int64_t from_ns;          /* the span begins after it; monotonic */
    int64_t to_ns;            /* and ends with it */
    uint32_t aggregation;     /* enum vagus_aggregation */
    uint32_t reserved;
    double quantile; /* 0..1, for VAGUS_QUERY_QUANTILE */
};

/* The answer about one metric. */
struct vagus_query_result {
    char name[VAGUS_NAME_MAX];
    char label[VAGUS_LABEL_MAX];       /* what its instances are */
    char instance[VAGUS_INSTANCE_MAX]; /* "" if it has none */
    double value;                      /* meaningless if error is not 0 */
    int32_t error; /* 0; VAGUS_ENOENT: no such metric, or too few values in the span */
    uint32_t reserved;
    uint64_t samples;       /* values that went into it */
    int64_t from_ns, to_ns; /* what of the span is really covered by values; 0, 0: nothing */
    int64_t step_ns;        /* the coarsest bucket that was used */
};

/* Answers for each metric that is asked for, in the order of definition (of `names`, where given),
 * into at most `capacity` results. *count (may be NULL) is how many there would have been. 0;
 * VAGUS_EINVAL: no such aggregation, a span that ends before it begins, a quantile outside 0..1;
 * VAGUS_EFULL: there were more than fit, and those that did are filled; VAGUS_ECLOSED. */
VAGUS_API int vagus_metrics_get(struct vagus_monitor *monitor, const struct vagus_query *query,
                                struct vagus_query_result *results, size_t capacity, size_t *count);

/* A stretch of a metric's history. A value of its own tier is a bucket of itself. */
struct vagus_bucket {
    int64_t from_ns, to_ns; /* equal: one value, taken then */
    double last, min, max, sum;
    uint64_t count; /* 0: an attempt that brought no value */
};

/* For aggregations of one's own: calls on_bucket for each bucket of one metric in the span, oldest
 * first, until it returns something other than 0, which is then returned. What is missing is not
 * there: no bucket is made up. VAGUS_EINVAL, VAGUS_ENOENT, VAGUS_EAGAIN (four tries met the
 * writer), VAGUS_ECLOSED. on_bucket must not call functions of this monitor that open or close it.
 */
VAGUS_API int vagus_metrics_scan(struct vagus_monitor *monitor, const char *name,
                                 const char *instance, int64_t from_ns, int64_t to_ns,
                                 int (*on_bucket)(const struct vagus_bucket *bucket, void *arg),
                                 void *arg);

/* What was recorded into a histogram in a span: its values by bucket, from which
 * vagus_distribution_quantile() and the like answer; *covered (may be NULL) is what of the span is
 * really covered, from_ns equal to to_ns: nothing. 0, VAGUS_EINVAL (it is no histogram, or the span
 * ends before it begins), VAGUS_ENOENT (no such metric, or nothing of it is kept), VAGUS_EAGAIN,
 * VAGUS_ECLOSED. */
struct vagus_covered {
    int64_t from_ns, to_ns;
    int64_t step_ns; /* the coarsest stretch that was used */
};
VAGUS_API int vagus_metrics_distribution(struct vagus_monitor *monitor, const char *name,
                                         const char *instance, int64_t from_ns, int64_t to_ns,
                                         struct vagus_distribution *distribution,
                                         struct vagus_covered *covered);

/* Since when the history of a metric reaches back at buckets of 1 s, 10 s and 60 s, and at its own
 * tier: the time of the oldest entry; 0 where it has none. */
struct vagus_reach {
    int64_t own_ns, second_ns, ten_seconds_ns, minute_ns;
};
VAGUS_API int vagus_metrics_reach(struct vagus_monitor *monitor, const char *name,
                                  const char *instance, struct vagus_reach *reach);

VAGUS_END_DECLS

#endif
