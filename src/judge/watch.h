/* SPDX-License-Identifier: Apache-2.0 */
/* The judge's own memory, shared by its files. All of it is made by judge_create(). */
#ifndef JUDGE_WATCH_H
#define JUDGE_WATCH_H

#include "base/text.h"
#include "judge/flips.h"
#include "judge/judge.h"
#include "vagus/collector.h"

/* Severities by gravity: throttle, defer, shutdown. */
#define SEVERITIES VAGUS_SIGNAL_KINDS

/* Why a severity is raised besides its own threshold. */
enum escalated { ESCALATED_NOT = 0, ESCALATED_NO_RELIEF, ESCALATED_TOO_LONG };

/* What came of a raise. */
enum effect_outcome {
    EFFECT_NONE = 0 /* not raised */,
    EFFECT_OPEN,
    EFFECT_RELIEF,
    EFFECT_NO_RELIEF,
    EFFECT_UNKNOWN /* ended while no value was known */
};

struct effect {
    uint8_t escalated; /* enum escalated */
    uint8_t outcome;   /* enum effect_outcome */
    bool told;
    int64_t since_ns; /* when it was raised */
    double before;    /* the measure at that time */
};

/* Of a watch on other rules. */
#define WATCH_NO_METRIC UINT32_MAX

/* One rule on one instance of its metric. */
struct watch {
    const struct config_rule *rule;
    const struct judged_rule *judged;
    uint32_t metric;
    int resource; /* of the bus; negative: it had no room for it */
    int trip;     /* in judge->trips; -1: none */

    /* The newest measure, and what it was computed from. */
    bool known;
    double measure;
    bool measured;       /* the window could answer */
    int64_t measured_ns; /* when it did last */
    int64_t leaves_ns;   /* when the oldest point leaves the window */
    int64_t changed_ns;  /* VAGUS_NEEDS_CHANGE */
    double changed_value;

    struct severity severities[SEVERITIES];
    struct effect effects[SEVERITIES];
    double fulls[SEVERITIES];
    /* Of a shadow rule: the level that was recorded last, 0 if it was not raised. */
    double shadow_told[SEVERITIES];
    int64_t shadow_since_ns[SEVERITIES];

    bool seen, unknown; /* pressure.c: ever known; counted in judge->unknown */
    bool raised_once;   /* flapping.c has something to remember */
    struct flips flips[SEVERITIES];
    double bests[SEVERITIES]; /* what the measure came back to between two raises; NaN */
};

/* Stands for a watch while nothing can come of it, which is nearly always: a calm tick reads these
 * and no more. */
struct rest {
    int64_t until_ns; /* by then time alone changes something */
    uint64_t version; /* of the metric when it was looked at */
    struct watch *watch;
    uint32_t metric;
};

struct judged_rule {
    const struct config_rule *rule;
    const struct vagus_rule_kind *kind;
    struct vagus_rule_params params;
    struct severity_timing timing;
    struct watch *watches;
    uint32_t count, room;
    uint32_t surplus;                             /* instances that there was no room for */
    uint32_t parts[CONFIG_PARTS_MAX], part_count; /* the rules that this one is about */
    const char *misfit_unit; /* of a metric whose unit is not that of the thresholds; NULL */
};

/* A signal about one resource: what all rules say together. */
struct merged {
    const struct watch *foremost; /* NULL: not raised */
    double level, told_level;
    int64_t since_ns;
    const struct watch *raised_by; /* whose measure shows what came of it */
    uint64_t record;               /* of the raise */
    char reason[sizeof(((struct vagus_signal *)NULL)->reason)]; /* as it was told last */
    /* What this step found. */
    const struct watch *best; /* NULL: no reason is left */
    double best_level;
    double foremost_level; /* 0: the foremost reason ended */
};

/* A counter that wakes the sampler before it crosses the nearest threshold. */
struct trip {
    uint32_t metric;
    bool armed;
    double nearest; /* threshold that is not crossed yet; infinite: none */
    uint64_t limit; /* the first total beyond it, */
    uint64_t total; /* and the total, when it was armed */
};

/* What must be known of a transition that others can see in the segment: nothing is read back from
 * there. */
struct why {
    uint64_t sequence; /* of its signal; 0: of a shadow rule */
    uint32_t told_count;
    uint32_t handles[SEGMENT_DEEDS_MAX]; /* of the listeners that took it */
    uint8_t places[SEGMENT_DEEDS_MAX];
};

struct judge {
    struct metrics *metrics;
    struct bus *bus;
    struct segment *segment;
    struct judged_rule *rules;
    uint32_t rule_count, rule_room;
    struct watch *watches; /* of all rules, each with its room */
    struct rest *rests;    /* one for each watch in use */
    uint32_t rest_count;
    struct trip *trips;
    uint32_t trip_count, trip_room;
    bool aside;                 /* another one judges yet */
    uint32_t *inherits;         /* for each rule, the same one of the judge before */
    const struct judge *before; /* until the step is over: ghosts of it may be foremost */
    bool last_resort;           /* a shutdown brought no relief */
    bool wants_last_resort;
    uint32_t policy_rules; /* those after them are marks of budgets */
    uint32_t bound;        /* metrics below it were looked at */
    uint64_t recorded;     /* transitions in the segment's ring, ever */
    struct why whys[SEGMENT_SIGNALS_MAX];
    /* By the newest proof: resources about which a rule may raise it. */
    uint32_t raisable[SEVERITIES];
    uint64_t live; /* of the signals below, those that are raised or were offered a reason */
    struct merged merged[SEVERITIES][BUS_RESOURCES_MAX];
    uint32_t unknown[BUS_RESOURCES_MAX + 1]; /* watches whose value is missing, by resource */
    unsigned flap_count;
    struct flap flaps[FLAPS_MAX];
};

/* Looks for metrics that were defined since, and watches those that rules name. */
void judge_bind(struct judge *judge);

static inline const struct config_threshold *watch_threshold(const struct config_rule *rule,
                                                             unsigned severity)
{
    return severity == 0 ? &rule->throttle : severity == 1 ? &rule->defer : &rule->shutdown;
}

static inline uint32_t severity_kind(unsigned severity)
{
    return severity == 0 ? VAGUS_THROTTLE : severity == 1 ? VAGUS_DEFER : VAGUS_SHUTDOWN;
}

/* True if the measure is a value of the metric itself, in its unit and bounds. */
static inline bool measures_the_metric(const struct judged_rule *rule)
{
    enum vagus_stat stat = rule->params.stat;
    return rule->kind->measures == VAGUS_MEASURES_METRIC &&
           (stat <= VAGUS_STAT_MEAN || stat >= VAGUS_STAT_P50);
}

/* If thresholds on its metric can wake the sampler. */
void watch_add_trip(struct judge *judge, struct watch *watch);

/* observe.c: the measure of a watch, if anything changed since it was last computed. */
void watch_observe(const struct judge *judge, struct watch *watch, bool changed, int64_t now_ns);
/* The least piece that a window is cut into: it holds two values of the metric's tier, so that one
 * that was missed is no gap. */
int64_t watch_piece_ns(const struct judge *judge, uint32_t metric);

/* effect.c: after the severities were stepped. */
void effect_step(struct judge *judge, struct watch *watch, int64_t now_ns);
/* Raised by its own threshold, or since a milder one did not help; how high. */
bool watch_raised(const struct watch *watch, unsigned severity);
double watch_level(const struct watch *watch, unsigned severity);
/* The severity whose threshold tells why this one is, or was, raised. */
unsigned watch_reason(const struct watch *watch, unsigned severity);

/* merge.c: a severity of a watch is raised; takes it into account. */
void merge_offer(struct judge *judge, const struct watch *watch, unsigned severity);
/* After all watches were stepped: puts what changed on the bus and into the segment. */
void merge_post(struct judge *judge, int64_t now_ns);
/* A transition of a shadow rule: recorded, not delivered. */
void merge_shadow(struct judge *judge, struct watch *watch, unsigned severity, int64_t now_ns);

/* why.c: writes a transition into the segment's ring; `entry` brings all that is not known from the
 * watch. Returns its number, from 1. */
uint64_t why_record(struct judge *judge, const struct watch *watch, unsigned severity,
                    struct segment_signal *entry);
/* Before the watches are stepped: what listeners did since. */
void why_step(struct judge *judge);
/* What came of a raise. */
void why_outcome(struct judge *judge, const struct watch *watch, unsigned severity,
                 enum effect_outcome outcome, int64_t now_ns);

/* trip.c: the watch's counter is to wake the sampler; gives the watch its trip. */
void trip_add(struct judge *judge, struct watch *watch);
/* No counter wakes the sampler for this judge any more. */
void trip_disarm(struct judge *judge);
/* The thresholds of a watch that lie ahead. */
void trip_offer(struct judge *judge, const struct watch *watch);
/* After all watches were stepped. */
void trip_arm(struct judge *judge);

/* reason.c: fills all of a signal but sequence and resource; kind, change, level and times are
 * there already. */
void reason_fill(const struct judge *judge, const struct watch *watch, unsigned severity,
                 struct vagus_signal *signal);
/* In what a rule's measure and thresholds are told, when the metric is in this unit. */
const char *reason_unit(const struct judged_rule *judged, const char *metric_unit);
bool reason_is_per_second(const struct judged_rule *judged);

/* reach.c: the least and the most that the rule's measure of this metric can ever be; infinite
 * where nothing is known. */
void reach_of(const struct judged_rule *judged, const struct metric *metric, double *least,
              double *most);

/* A measure or threshold of a watch, in the unit that it is told in. */
void reason_add_value(struct text *text, const struct judge *judge, const struct watch *watch,
                      double value);

/* pressure.c: after a watch was observed. */
void pressure_note(struct judge *judge, struct watch *watch);

/* flapping.c: after a severity was stepped; cleared_ns: when it had been cleared before, or 0. */
void flapping_step(struct judge *judge, struct watch *watch, unsigned severity,
                   enum severity_event event, int64_t cleared_ns, int64_t now_ns);

#endif
