/* SPDX-License-Identifier: Apache-2.0 */
/* The budgets of one monitor: what the sampler does for them at each step. */
#ifndef JUDGE_BUDGETS_H
#define JUDGE_BUDGETS_H

#include "config/config.h"
#include "judge/allowance.h"
#include "metrics/metrics.h"

/* What every budget shows of itself, an instance for each. */
enum budget_metric {
    BUDGET_USED,
    BUDGET_RESERVED,
    BUDGET_REMAINING,
    BUDGET_USED_RATIO,
    BUDGET_METRICS
};

struct budget {
    struct allowance *allowance;
    struct vagus_budget handle;
    struct vagus_budget_mark marks[2]; /* warning, critical */
    char resource[VAGUS_RESOURCE_MAX];
    char counts[VAGUS_NAME_MAX], live[VAGUS_NAME_MAX];
    int counts_metric, live_metric; /* VAGUS_ENOENT until they are defined */
    enum vagus_unknown unknown;
    int metrics[BUDGET_METRICS];
    struct config_rule rule; /* judges the marks; without a name if there are none */
    uint64_t seen_total;     /* of the counter */
    int64_t granted;         /* of a live one: what its gauge last said */
    uint64_t settling; /* of a live one: committed before that, in the gauge by the next reading */
    int64_t taken_ns;  /* of that reading */
    int64_t shown_left;
    uint64_t mirrored_spent; /* as it stands in the segment */
    int64_t mirrored_newest;
    int64_t apart_ns; /* the wall's clock from the monotonic one */
    bool asked;       /* somebody reserved from it, spent it or was refused */
    bool held;        /* atomic: somebody has its handle */
};

struct budgets {
    struct metrics *metrics;
    struct wake *wake;
    uint32_t generation;
    uint32_t count;
    struct budget entries[VAGUS_BUDGETS_MAX];
};

void budgets_init(struct budgets *budgets, struct metrics *metrics, struct wake *wake,
                  uint32_t generation);
/* Shuts all of them: handles are harmless afterwards. */
void budgets_finish(struct budgets *budgets);

/* Makes one that budgets_append() takes over, on any thread; not yet stepped. VAGUS_EINVAL,
 * VAGUS_EFULL. */
int budgets_make(struct budgets *budgets, const struct vagus_budget_desc *desc, int64_t now_ns,
                 struct budget *budget);
/* VAGUS_EFULL, and the budget is shut. */
int budgets_append(struct budgets *budgets, const struct budget *budget);

/* What may change while a monitor runs. What was spent stays spent. The sampler alone. */
struct budget_change {
    uint32_t entry;
    uint64_t limit; /* 0: of a live one */
    struct vagus_budget_mark marks[2];
    enum vagus_unknown unknown;
};
void budgets_change(struct budgets *budgets, const struct budget_change *change);

/* The rule that judges marks; without a name if there are none. The strings are the caller's. */
void budget_rule(const char *name, const char *resource, const struct vagus_budget_mark marks[2],
                 struct config_rule *rule);

/* Strings are copied. VAGUS_EINVAL, VAGUS_EEXIST, VAGUS_EFULL. */
int budgets_define(struct budgets *budgets, const struct vagus_budget_desc *desc, int64_t now_ns,
                   struct budget **budget);

int budgets_find(const struct budgets *budgets, const char *name, struct vagus_budget *handle);
/* The handle goes to the host's code, which alone can ask. Any thread. */
void budgets_hand_out(struct budgets *budgets, struct vagus_budget handle);

/* After the fold, before rules are judged: forgets what left the windows, lets tickets expire,
 * shows how much is left. The sampler alone. */
void budgets_step(struct budgets *budgets, unsigned due, int64_t now_ns);

/* In how many seconds nothing is left if so much is spent in each, and what was spent leaves the
 * window meanwhile; INFINITY: not at this pace. */
double budget_lasts_s(const struct budget *budget, double per_s, int64_t now_ns);

/* Whether each is used at all: metrics that it names are there, and somebody asks it. As
 * judge_prove(). */
unsigned budgets_prove(struct budgets *budgets, int64_t now_ns, int64_t since_ns,
                       struct vagus_fault_list *faults);

#endif
