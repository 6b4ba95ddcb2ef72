/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets: an allowance that is asked before it is spent. Tokens an hour, money a day, tool calls,
 * bytes of memory, slots. Taking from one is a compare-and-swap of one word: no lock, no call to
 * the kernel. A budget belongs to one process. */
#ifndef VAGUS_BUDGET_H
#define VAGUS_BUDGET_H

#include "metric.h"
#include "signal.h"

VAGUS_BEGIN_DECLS

struct vagus_monitor;

#define VAGUS_BUDGETS_MAX 64          /* of a monitor */
#define VAGUS_TICKETS_MAX 4096        /* open at one time in a process */
#define VAGUS_AMOUNT_MAX (1ULL << 44) /* of a limit, and of what is asked for at once */
#define VAGUS_BUDGET_BUCKETS 60       /* a window is forgotten by sixtieths */

/* A zeroed one, and one of a closed monitor, refuse everything and are harmless. */
struct vagus_budget {
    uint32_t generation;
    uint32_t index;
};

/* What holds while it is not known how much is left. */
enum vagus_unknown {
    VAGUS_UNKNOWN_REFUSES = 0,
    VAGUS_UNKNOWN_ALLOWS = 1,
};

/* A share of the limit at which a signal is raised about the budget's resource. */
struct vagus_budget_mark {
    double at_ratio; /* 0: none */
    uint32_t raises; /* one of enum vagus_signal_kind */
    uint32_t reserved;
};

struct vagus_budget_desc {
    size_t size;          /* sizeof(struct vagus_budget_desc) */
    const char *name;     /* [a-z0-9._-] */
    const char *unit;     /* UCUM; NULL: "{count}" */
    const char *resource; /* whose signals its marks raise; NULL: "budget" */
    uint64_t limit;       /* in whole units; 0 with `live` alone */
    /* Over which what was spent is forgotten, each sixtieth of it as a whole, late rather than
     * early. 0: a standing amount, which comes back by vagus_budget_give() alone. */
    int64_t window_ns;
    const char *counts; /* NULL, or a counter without instance: what it gains is spent */
    const char *live;   /* NULL, or a gauge that says what is left: memory.headroom */
    enum vagus_unknown unknown;
    struct vagus_budget_mark warning, critical;
    uint64_t reserved[4];
};

/* Makes a budget, between open and start. VAGUS_EINVAL, VAGUS_EEXIST, VAGUS_EFULL, VAGUS_ESTATE,
 * VAGUS_ECLOSED; *budget is untouched on failure. */
VAGUS_API int vagus_budget_define(struct vagus_monitor *monitor,
                                  const struct vagus_budget_desc *desc,
                                  struct vagus_budget *budget);

/* Finds one of the policy's, or of code's. VAGUS_ENOENT, VAGUS_ECLOSED. */
VAGUS_API int vagus_budget_find(struct vagus_monitor *monitor, const char *name,
                                struct vagus_budget *budget);

/* Why not, and for how long. */
struct vagus_answer {
    int64_t wait_ns;  /* there is no use in asking again before; 0 if waiting does not help */
    char reason[160]; /* "tokens-hour: 4000 asked for, 1200 left of 200000" */
};

/* A reservation. */
struct vagus_ticket {
    struct vagus_budget budget;
    uint64_t number; /* 0: none */
};

/* Sets an amount aside before the work begins, so that work done side by side cannot spend it
 * twice. It comes back by itself after ttl_ns (to the second), lest a task that crashed keeps it.
 *   0             go: settle the ticket by vagus_budget_commit()
 *   VAGUS_EAGAIN  wait: answer->wait_ns
 *   VAGUS_EFULL   no: never so much, or too many tickets are open
 *   VAGUS_ECLOSED, VAGUS_EINVAL
 * `answer` (may be NULL) is filled on VAGUS_EAGAIN and VAGUS_EFULL. */
VAGUS_API int vagus_budget_reserve(struct vagus_budget budget, uint64_t amount, int64_t ttl_ns,
                                   struct vagus_ticket *ticket, struct vagus_answer *answer);

/* Settles a ticket with what was really used, be it less or more; 0 gives all of it back. After the
 * ticket's time the use is counted all the same. VAGUS_ENOENT if it was settled before. */
VAGUS_API int vagus_budget_commit(struct vagus_ticket ticket, uint64_t used);

/* Takes without a ticket: reserves and commits at once. As vagus_budget_reserve(). */
VAGUS_API int vagus_budget_take(struct vagus_budget budget, uint64_t amount,
                                struct vagus_answer *answer);

/* Counts what was used without having been asked for; the allowance may become negative. */
VAGUS_API int vagus_budget_spend(struct vagus_budget budget, uint64_t amount);

/* Gives back what was taken from a standing amount: a slot, memory that was freed. Never more than
 * was taken: VAGUS_EINVAL. */
VAGUS_API int vagus_budget_give(struct vagus_budget budget, uint64_t amount);

/* Several at once, all or none: may I load 3 GiB, use one slot and 4,000 tokens? tickets has
 * `count` places, or is NULL to ask only. The answer is that of the need that refuses for longest.
 */
struct vagus_need {
    struct vagus_budget budget;
    uint64_t amount;
};
VAGUS_API int vagus_admit(const struct vagus_need *needs, size_t count, int64_t ttl_ns,
                          struct vagus_ticket *tickets, struct vagus_answer *answer);

struct vagus_budget_status {
    uint64_t limit;    /* of a live one: what its gauge said */
    int64_t left;      /* negative: overdrawn */
    uint64_t used;     /* in the window, or taken and not given back */
    uint64_t reserved; /* in open tickets */
    uint64_t refused;  /* how often, ever */
    uint64_t expired;  /* tickets that were not settled in time */
    uint32_t known;    /* 0: what is left is not known, see enum vagus_unknown */
    uint32_t padding;
};
VAGUS_API int vagus_budget_read(struct vagus_budget budget, struct vagus_budget_status *status);

VAGUS_END_DECLS

#endif
