/* SPDX-License-Identifier: Apache-2.0 */
/* What is left of each budget, and the tickets: static memory that any thread may look at whenever
 * it likes, also after the monitor was closed. No locks.
 *
 * What is left is one word. Its low bits are a tag that belongs to the monitor's generation, so
 * one atomic operation both takes from it and tells whether it was the right one. */
#ifndef JUDGE_ALLOWANCE_H
#define JUDGE_ALLOWANCE_H

#include "base/wake.h"
#include "segment/writer.h"
#include "vagus/budget.h"

#define ALLOWANCES_MAX 256 /* of all monitors of a process */
#define ALLOWANCE_TAG_BITS 12
#define TICKET_LATE_NS                                                                             \
    (3600 * VAGUS_SECOND_NS) /* how long one that expired may still be settled                     \
                              */
#define ALLOWANCE_BUCKETS (VAGUS_BUDGET_BUCKETS + 1) /* the one that is being filled, too */

struct allowance {
    _Alignas(64) int64_t word;   /* what is left, and the tag; 0: nobody's */
    uint64_t spent;              /* ever */
    _Alignas(64) uint64_t given; /* of a standing amount, given back */
    uint64_t settled;            /* of a live budget: committed, and not in its gauge yet */
    uint64_t refused, expired;   /* how often */

    _Alignas(64) int64_t trip; /* the sampler is woken when no more than this is left */
    /* Written while nobody has a handle yet. */
    uint64_t limit;
    int64_t window_ns;
    bool live;
    struct wake *wake;
    char name[VAGUS_NAME_MAX];
    char unit[VAGUS_UNIT_MAX];

    /* The sampler's, and looked at by who answers. */
    int64_t now_ns;
    uint32_t known;
    uint64_t in_buckets; /* of `spent`: it lies in buckets, or was forgotten */
    int64_t newest;      /* bucket n holds what was spent from n to n + 1 sixtieths of the window */
    uint64_t buckets[ALLOWANCE_BUCKETS]; /* bucket n lies at allowance_place(n) */
};

/* Where bucket n lies; those before time began, too, which another process filled. */
static inline uint64_t allowance_place(int64_t n)
{
    int64_t place = n % ALLOWANCE_BUCKETS;
    return (uint64_t)(place < 0 ? place + ALLOWANCE_BUCKETS : place);
}

/* One that is nobody's, marked as being made; NULL if there is none. */
struct allowance *allowance_claim(uint32_t *index);
/* Opens it with `left`, for handles of this generation; and shuts it, its tickets with it. */
void allowance_open(struct allowance *allowance, uint32_t generation, int64_t left);
void allowance_shut(struct allowance *allowance, uint32_t index);

/* The allowance that a handle leads to, or NULL. The first does not look whether it is still the
 * handle's, as allowance_add() and allowance_take() do themselves: two threads that load the word
 * besides changing it take four times as long. */
struct allowance *allowance_at(struct vagus_budget budget);
struct allowance *allowance_of(struct vagus_budget budget);
int64_t allowance_left(const struct allowance *allowance);
/* Spent in the window, or taken and not given back; 0 of a live one. */
uint64_t allowance_used(const struct allowance *allowance);

/* Adds to what is left, or takes from it below zero too. False if it is not the handle's. */
bool allowance_add(struct allowance *allowance, uint32_t generation, int64_t amount);

/* Takes if so much is left: 0, VAGUS_EAGAIN, VAGUS_ECLOSED. */
int allowance_take(struct allowance *allowance, uint32_t generation, uint64_t amount);

/* Counts the refusal and says why: VAGUS_EAGAIN, or VAGUS_EFULL if waiting does not help. */
int allowance_refuse(struct vagus_budget budget, uint64_t amount, struct vagus_answer *answer);

/* A ticket for an amount that was taken: its number, or 0 if too many are open. */
uint64_t ticket_open(struct vagus_budget budget, uint64_t amount, int64_t now_ns,
                     int64_t expires_ns);
/* Ends a ticket: 0 with its amount, which is 0 if it had expired; or VAGUS_ENOENT. */
int ticket_end(struct vagus_ticket ticket, uint64_t *amount);
/* How much is set aside in this allowance's tickets. Those that expired by now_ns are given back;
 * INT64_MIN only looks, INT64_MAX ends all. */
uint64_t ticket_look(struct allowance *allowance, struct vagus_budget budget, int64_t now_ns);
/* Those of a monitor's budgets that are open, the ones open for longest where there is no room for
 * all; how many are open. */
unsigned ticket_list(uint32_t generation, struct segment_ticket *tickets, unsigned room);
/* Mirrors them into the segment. The sampler, at each tick of 100 ms. */
void ticket_mirror(uint32_t generation, bool second, int64_t now_ns, struct segment *segment);

#endif
