/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics of one monitor: a registry of fixed capacity, the threads' cells, the newest value
 * and the bounded series of each metric.
 *
 * Who may do what: any thread defines and records; the sampler thread alone puts, folds and
 * appends; any thread reads values and series through the segment. */
#ifndef METRICS_METRICS_H
#define METRICS_METRICS_H

#include <pthread.h>

#include "config/config.h"
#include "metrics/cells.h"
#include "metrics/spreads.h"
#include "metrics/store.h"
#include "segment/writer.h"
#include "vagus/metric.h"
#include "vagus/rule.h"

/* How a metric gets its value. */
enum metric_source {
    METRIC_RECORDED, /* by agent code, in cells: folded at each tick */
    METRIC_SENSED,   /* put by a collector or by the monitor itself; counters as absolute values */
};

/* What the sampler knows of a metric, in private memory. */
struct metric {
    uint32_t index;
    uint8_t kind;         /* enum vagus_metric_kind */
    uint8_t tier;         /* enum vagus_tier, never DEFAULT */
    uint8_t source : 7;   /* enum metric_source */
    uint8_t keep_day : 1; /* the policy marks it: 24 h of it are kept at 1 s */
    uint8_t armed;        /* a rule watches this counter: cells have trip points */
    int64_t good_for_ns;
    double min, max, resolution;
    uint64_t total;     /* counters: the folded sum */
    uint64_t seen_tick; /* gauges: tick of the newest store that was folded */
    uint32_t first;     /* histograms: of its run of words */
    struct histogram_shape shape;
    uint32_t number; /* among the histograms */
    uint32_t origin; /* of its readings: VAGUS_SOURCE_… */
};
_Static_assert(sizeof(struct metric) == 80, "what each fold walks through");

/* An operation whose gauge shows how many are under way. */
struct metrics_flight {
    uint32_t gauge, started, duration; /* metrics */
    uint32_t reserved;
    uint64_t seen;                  /* of `started`, when it was last looked at */
    struct segment_operation shown; /* as it stands in the segment */
};
#define METRICS_FLIGHTS_MAX SEGMENT_OPERATIONS_MAX

/* The instances of one name that agent code made. */
struct metrics_family {
    uint32_t entry; /* the first of that name, plus 1; 0: free */
    uint32_t count, most;
};
#define METRICS_INSTANCES_DEFAULT 64
#define METRICS_INSTANCE_OTHER "other"

/* What the policy says of a metric that the agent records; "", DEFAULT, 0: nothing. */
struct metrics_template {
    char name[VAGUS_NAME_MAX];
    char unit[VAGUS_UNIT_MAX];
    char help[VAGUS_HELP_MAX];
    char resource[VAGUS_RESOURCE_MAX];
    char label[VAGUS_LABEL_MAX];
    enum vagus_metric_kind kind;
    enum vagus_tier tier;
    double min, max, resolution;
};
#define METRICS_TEMPLATES_MAX (2 * CONFIG_METRICS_MAX) /* reloads add to them */

struct metrics {
    struct segment *segment;
    const struct vagus_clock *clock;
    struct cells cells;
    struct store store;
    struct spreads spreads;
    struct metric *entries; /* capacity of them; likewise what follows, apart from these since it is
                               all that a calm tick looks at: */
    struct vagus_reading *readings; /* the newest value of each */
    uint64_t *versions;             /* grows with each new value or gap */
    uint64_t *touched;              /* a bit for each reading that was not mirrored since */
    uint32_t *recorded;             /* those that are folded from cells */
    uint32_t recorded_count;        /* published with release */
    uint32_t capacity;
    uint32_t count;   /* published with release; entries below it never change their identity */
    uint32_t stretch; /* of the tiers: what is sensed stays good for so many times as long; 0: 1 */
    uint64_t refused; /* definitions */
    const char *const *keep_day; /* names of metrics that are marked so; set before the first
                                    definition, if at all, and outlives this */
    uint32_t keep_day_count;
    bool keep_day_given;              /* by a policy: the proof of wiring looks at them */
    struct segment_metric *described; /* the strings of each, in private memory */
    uint64_t *sums;                   /* scratch of the fold */
    uint32_t *index;                  /* open addressing by name and instance: entry + 1, 0 free */
    uint32_t index_mask;
    struct metrics_family *families; /* by name alone, as many places as the index has */
    uint32_t words;                  /* of a row, given to histograms */
    uint32_t histograms;
    uint32_t flight_count; /* published with release */
    struct metrics_flight flights[METRICS_FLIGHTS_MAX];
    struct metrics_template *templates;
    uint32_t template_count; /* published with release */
    pthread_mutex_t define_lock;
};

int metrics_init(struct metrics *metrics, struct segment *segment, uint32_t capacity,
                 uint32_t threads_max, uint32_t generation, const struct vagus_clock *clock);
/* Invalidates all handles. After it, recording is harmless and dropped. */
void metrics_finish(struct metrics *metrics);

/* Defines, or finds the same name, instance and kind. Any thread. The index (with *why if it is
 * that of "other", in place of an instance too many), or VAGUS_EINVAL (with *why), VAGUS_EEXIST
 * (another kind or source), VAGUS_EFULL. */
int metrics_define(struct metrics *metrics, const struct vagus_metric_desc *desc,
                   enum metric_source source, const char **why);

/* The same for one that is sensed, with where its values come from, which is the monitor itself
 * unless this says otherwise: VAGUS_SOURCE_… */
int metrics_define_of(struct metrics *metrics, const struct vagus_metric_desc *desc,
                      uint32_t origin, const char **why);

/* --- templates.c --- */

/* What the policy says of a name, or NULL. Any thread. */
const struct metrics_template *metrics_template(const struct metrics *metrics, const char *name);
/* 0: the policy says just that; VAGUS_EEXIST: something else; VAGUS_ENOENT: nothing. */
int metrics_template_find(const struct metrics *metrics, const struct config_metric *config);
/* Takes it on. One thread at a time. 0, VAGUS_EEXIST if something else is said of it already,
 * VAGUS_EFULL. Then the metric itself, unless it is one of instances: 0, or what metrics_define()
 * returns with *why. */
int metrics_template_add(struct metrics *metrics, const struct config_metric *config);
int metrics_template_define(struct metrics *metrics, const struct config_metric *config,
                            const char **why);
/* What the policy says takes the place of what the code does; *differs is set if that is something
 * else. False: it is another kind. */
bool metrics_template_apply(const struct metrics *metrics, struct vagus_metric_desc *desc,
                            const char **differs);

/* The index of a metric, or VAGUS_ENOENT. Any thread. instance NULL: the one without. */
int metrics_find(const struct metrics *metrics, const char *name, const char *instance);

/* The same for "name", "name{label=instance}" or "name{instance}". */
int metrics_find_written(const struct metrics *metrics, const char *written);

/* Strings of a metric, from private memory. */
const struct segment_metric *metrics_describe(const struct metrics *metrics, uint32_t index);

static inline uint32_t metrics_count(const struct metrics *metrics)
{
    return __atomic_load_n(&metrics->count, __ATOMIC_ACQUIRE);
}

/* 100 ms, 1 s, 10 s or 60 s; 0 for the instant tier. */
static inline int64_t metrics_tier_period_ns(unsigned tier)
{
    return tier == VAGUS_TIER_INSTANT ? 0 : segment_level_ns(tier);
}

/* A time of which tiers are the measure: longer when these are slowed down. The sampler alone. */
static inline int64_t metrics_stretched(const struct metrics *metrics, int64_t ns)
{
    return VAGUS_UNLIKELY(metrics->stretch > 1) && ns < INT64_MAX / metrics->stretch
               ? ns * metrics->stretch
               : ns;
}

/* What a histogram holds at this moment. Any thread. */
void metrics_distribution(const struct metrics *metrics, uint32_t index,
                          struct vagus_distribution *distribution);

/* Makes a sensed gauge show how many are under way of an operation. VAGUS_EFULL. Any thread. */
int metrics_flight_add(struct metrics *metrics, uint32_t gauge, uint32_t started,
                       uint32_t duration);

/* --- The sampler alone. --- */

/* A sensed value or a failed attempt enters the newest value and the series. */
void metrics_put(struct metrics *metrics, uint32_t index, int64_t taken_ns, double value);
/* The same for a value read between two ticks of its tier: it does not enter the series. False if
 * it is the value that was there, now good for longer. */
bool metrics_put_newest(struct metrics *metrics, uint32_t index, int64_t taken_ns, double value);
/* Such a value enters the series after all, before the next of its tier does. */
void metrics_put_between(struct metrics *metrics, uint32_t index, int64_t taken_ns, double value);
void metrics_put_missing(struct metrics *metrics, uint32_t index, int64_t at_ns, int error);

/* The newest value alone, between two entries of its series; not finite: there is none, and why. */
void metrics_show(struct metrics *metrics, uint32_t index, int64_t taken_ns, double value,
                  int error);

/* Folds all cells into the newest values; for the tiers in `due` appends recorded metrics to their
 * series; then starts the next tick. tick_ns: now; last_tick_ns: of the tick before. */
void metrics_fold(struct metrics *metrics, unsigned due, int64_t tick_ns, int64_t last_tick_ns);

/* A part of it: the gauges of operations whose tier is due; and, each 100 ms, what is under way
 * goes into the segment. */
void metrics_flights_fold(struct metrics *metrics, unsigned due, int64_t tick_ns);

/* Mirrors the newest values into the segment. */
void metrics_mirror(struct metrics *metrics, int64_t now_ns);

/* A histogram as its history knows it. */
struct spread_metric metrics_spread(const struct metrics *metrics, uint32_t index);

/* The series of a metric's own tier between from_ns (exclusive) and now_ns. What lies behind the
 * newest STORE_RECENT points is read from blocks, with times to the nearest period of the tier. */
void metrics_window(const struct metrics *metrics, uint32_t index, int64_t from_ns, int64_t now_ns,
                    struct vagus_window *window);

#endif
