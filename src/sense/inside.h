/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of src/sense/ share among themselves: a collector at work, and all of them. */
#ifndef SENSE_INSIDE_H
#define SENSE_INSIDE_H

#include "base/notation.h"
#include "base/wake.h"
#include "sense/lane.h"
#include "sense/near.h"
#include "sense/sense.h"

enum staged_what { STAGED_NOTHING = 0, STAGED_VALUE, STAGED_MISSING };

/* What a collector cost in all: time, reads, missed ticks. */
#define COST_TOTALS 3

struct staged {
    double value;
    int32_t error;
    uint8_t what; /* enum staged_what */
};

struct vagus_collector {
    uint32_t place;                  /* in sense->collectors */
    unsigned tiers;                  /* that its metrics come on under the policy */
    uint8_t *tier_of;                /* the same of each metric */
    unsigned asks[VAGUS_TIER_COUNT]; /* for each tier: those that sample() is told are due then */
    int open_error;
    struct lane *lane; /* of blocking collectors, once started */
    unsigned waiting;  /* tiers that fell due while the lane was at work */
    bool unsupported;  /* the newest sample said that this machine cannot tell */

    /* Of the sample that is staged. */
    unsigned due;
    int error;
    int64_t began_ns, took_ns;
    struct segment_collector shown;
    int32_t duration_index, success_index, total_index[COST_TOTALS];

    struct wake *bell;        /* rung by the lane when it brings what was read near a limit */
    struct vagus_clock clock; /* a copy: a lane that was left behind outlives the monitor's */
    void *arg;
    void (*release)(void *arg);
    void *state;
    uint32_t *first;        /* by metric: where its entries begin in the two arrays below */
    int32_t *indices;       /* of the registry; negative: it had no room */
    struct staged *staging; /* written by sample(), read afterwards */
    char (*names)[VAGUS_INSTANCE_MAX];
    /* Patterns of what the policy leaves out: copies, since a lane that was left behind outlives
     * the policy. */
    char (*left_out)[NOTATION_MAX];
    uint32_t left_out_count;
    uint32_t instances; /* added by open() and sample() */
    uint32_t defined;   /* of these, whose metrics are in the registry */
    struct near *near; /* what of it can run out: of each `limited`, as many as `near_first` says */
    uint32_t near_first[VAGUS_LIMITED_MAX + 1];
    double max_rates[VAGUS_LIMITED_MAX]; /* units in a second; 0: not known */
    bool near_asked;                     /* the sample at work, or staged, is of these alone */
    uint32_t stretch;                    /* tiers come so many times later than they are named */
    uint64_t near_reads;
    int64_t near_took_ns; /* ever */
    struct vagus_collector_desc desc;
};

struct sense {
    const struct vagus_config *config;
    struct metrics *metrics;
    const struct vagus_clock *clock;
    struct sense_thresholds thresholds;
    struct sense_rate rates[SENSE_RATES_MAX];
    uint32_t rate_count;
    /* Sets of collectors, one bit each: a tick touches the memory of those alone that have
     * something to do, since after a sleep each line of it costs as much as a small read. */
    uint32_t of_tier[VAGUS_TIER_COUNT]; /* which are open and fill it */
    uint32_t unsupported;               /* whose newest sample said so */
    uint32_t failing;                   /* whose newest sample failed, or that could not open */
    uint32_t lanes;                     /* that have one, */
    uint32_t asked;                     /* and of these, whose lane is at work or has brought */
    uint32_t staged;                    /* sampled in place, and not taken in yet */
    uint32_t near_staged;               /* the same for reads near a limit */
    uint32_t near;                      /* of which something can run out */
    int64_t near_next_ns;               /* the nearest of all; INT64_MAX: tiers are soon enough */
    int64_t near_each_ns[SEGMENT_COLLECTORS_MAX];
    uint32_t count;
    struct vagus_collector *collectors[SEGMENT_COLLECTORS_MAX];
};

_Static_assert(SEGMENT_COLLECTORS_MAX <= 32, "a set of collectors is a word");

static inline uint32_t collector_bit(const struct vagus_collector *collector)
{
    return UINT32_C(1) << collector->place;
}

/* Takes the first collector out of a set; NULL if it is empty. */
static inline struct vagus_collector *sense_pop(const struct sense *sense, uint32_t *set)
{
    if (*set == 0)
        return NULL;
    struct vagus_collector *first = sense->collectors[__builtin_ctz(*set)];
    *set &= *set - 1;
    return first;
}

static inline bool collector_many(const struct vagus_metric_desc *metric)
{
    return metric->instance != NULL;
}

static inline const char *collector_label(const struct vagus_metric_desc *metric)
{
    return metric->label != NULL ? metric->label : "instance";
}

/* Its error is what is shown; what this machine does not have is no failure. */
static inline void collector_note_error(struct sense *sense,
                                        const struct vagus_collector *collector)
{
    int error = collector->shown.error;
    sense->failing &= ~collector_bit(collector);
    if (error != 0 && error != VAGUS_EUNSUPPORTED)
        sense->failing |= collector_bit(collector);
}

/* How many entries of a metric are in use. */
static inline uint32_t collector_entries(const struct vagus_collector *collector, size_t metric)
{
    return collector_many(&collector->desc.metrics[metric]) ? collector->instances : 1;
}

/* --- near.c: what can run out, read between the tiers. --- */

/* True if what a collector says of its limits makes sense. */
bool near_valid(const struct vagus_collector_desc *desc);
/* Before open(), when the room for metrics was made. 0 or VAGUS_ENOMEM. */
int near_make_room(struct vagus_collector *collector);
/* After open(). */
void near_find_rates(struct sense *sense, struct vagus_collector *collector);
/* New values of the collector were taken in: says when each thing that can run out is read again.
 */
void near_look(struct sense *sense, struct vagus_collector *collector, int64_t now_ns);
/* In the lane, or on the sampler: reads what is wanted. */
void near_run(struct vagus_collector *collector);
/* Takes in what near_run() staged; false if all is as it was. */
bool near_take(struct sense *sense, struct vagus_collector *collector, int64_t now_ns);
/* Before the values of a tick are taken in: spikes that were read since the last enter the series.
 */
void near_settle(struct sense *sense, struct vagus_collector *collector);
/* After all that was looked at. */
void near_find_next(struct sense *sense);

/* --- sense.c --- */

/* Takes in what the lane brought, and asks it for what is due. True if it brought something new. */
bool sense_visit_lane(struct sense *sense, struct vagus_collector *collector, unsigned due,
                      int64_t now_ns);

#endif
