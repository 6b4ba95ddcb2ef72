/* SPDX-License-Identifier: Apache-2.0 */
/* The judge: holds every rule of the policy against its metric at each tick, merges what several
 * rules say about one resource into one signal, and puts transitions on the bus. Sampler only,
 * except where it says otherwise. */
#ifndef JUDGE_JUDGE_H
#define JUDGE_JUDGE_H

#include "config/config.h"
#include "judge/flips.h"
#include "judge/mode_machine.h"
#include "judge/rule.h"
#include "metrics/metrics.h"
#include "signals/bus.h"
#include "vagus/budget.h"
#include "vagus/rule.h"

struct judge;

/* A raised signal, for the snapshot. */
struct judge_raised {
    uint32_t kind;
    unsigned resource;
    double level;
    int64_t since_ns;
    const char *rule;
    const char *reason; /* as it was told last */
};

/* The kinds of policies.def, NULL-terminated, and one by name. */
extern const struct vagus_rule_kind *const judge_kinds[];
extern const char *const judge_kind_names[];
const struct vagus_rule_kind *judge_kind(const char *name);

#define JUDGE_INSTANCES_MAX 32

/* Sizes everything. config, metrics, bus and segment must outlive it. A rule without `instance`
 * watches every instance of its metric, each with a state machine of its own: up to
 * JUDGE_INSTANCES_MAX of them. */
int judge_create(const struct vagus_config *config, struct metrics *metrics, struct bus *bus,
                 struct segment *segment, struct judge **judge);
void judge_free(struct judge *judge);

/* One evaluation of all rules. True if any signal changed, those of shadow rules included. */
bool judge_step(struct judge *judge, int64_t now_ns);

/* The nearest thresholds that a metric of this value has not crossed yet and whose signal is not
 * raised, below and above it; NaN where there is none. False if no rule judges the metric's own
 * value. A sense_thresholds. */
bool judge_nearest(void *judge, uint32_t metric, double value, double *below, double *above);

/* Calls `each` for every threshold of the rules that judge a metric's own value. */
void judge_thresholds(const struct judge *judge, const char *metric,
                      void (*each)(void *arg, double enter, bool below), void *arg);
/* One rule more, of a budget, with an instance: before the first step. It must outlive the judge.
 * VAGUS_EFULL beyond VAGUS_BUDGETS_MAX of them. */
int judge_add_rule(struct judge *judge, const struct config_rule *rule);

/* Another judge, made while `before` judges: finds which of its rules are the same there, and
 * watches what is defined. On any thread, as is judge_create() then; after judge_add_rule(). 0 or
 * VAGUS_ENOMEM. */
int judge_prepare(struct judge *heir, const struct judge *before);
/* From here on the heir judges: rules that are the same keep their states. `before` must outlive
 * the heir's next step, and is of no further use. */
void judge_succeed(struct judge *heir, struct judge *before);

/* True once after a shutdown signal that brought no relief in the time that its rule allows. */
bool judge_last_resort(struct judge *judge);

/* The raised signals, the worst first; returns how many there are, writes at most max. */
unsigned judge_raised(const struct judge *judge, struct judge_raised *raised, unsigned max);

/* What the modes are derived from; the rest of *pressure is zeroed. */
void judge_pressure(const struct judge *judge, struct mode_pressure *pressure);
/* The name of a metric that pressure->unknown is about. */
const char *judge_unknown_metric(const struct judge *judge);

/* Into the segment's ring: a change that is not the judge's own, and how many were told of it. */
void judge_record(struct judge *judge, const struct vagus_signal *change, unsigned told);

/* Flapping that was found since the last call, for health; and room to say so, or NULL. */
unsigned judge_flaps(struct judge *judge, const struct flap **flaps);
struct flap *judge_flap(struct judge *judge);
/* What a rule is at about one instance: severities by gravity, throttle first. */
struct judge_watched {
    const struct config_rule *rule;
    bool known;
    bool raised[VAGUS_SIGNAL_KINDS], escalated[VAGUS_SIGNAL_KINDS];
};
void judge_watched(const struct judge *judge,
                   void (*on_watched)(const struct judge_watched *watched, void *arg), void *arg);

/* What a forecast rule foretells of one instance of its metric; shadow rules too. A rule whose
 * metric nobody has defined yet is there as well, without one. */
struct judge_forecast {
    const struct config_rule *rule;
    int32_t metric;        /* -1: there is none */
    int resource;          /* of the bus; negative: none */
    bool known;            /* false: the rule does not say, or its metric is missing */
    double left_s;         /* infinite: not as it goes now */
    int64_t measured_ns;   /* as of when; 0: never */
    int64_t good_until_ns; /* when it is overdue to be looked at again */
};
/* At most max of them; returns how many there are. */
unsigned judge_forecasts(const struct judge *judge, struct judge_forecast *forecasts, unsigned max);

/* The proof of wiring: rule without metric or producer, or that is written in another unit;
 * threshold beyond the metric's bounds; signal that nobody hears or that can never clear; listener
 * that nothing can reach; metric that since since_ns never had a value. Adds a fault for each (the
 * list may be NULL) and returns how many. Any thread while the sampler is not stepping. */
unsigned judge_prove(struct judge *judge, int64_t now_ns, int64_t since_ns,
                     struct vagus_fault_list *faults);

#endif
