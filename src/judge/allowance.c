/* SPDX-License-Identifier: Apache-2.0 */
/* What is left of each budget, as a tagged word, and why something was refused. */
#include "judge/allowance.h"

#include <inttypes.h>

#include "base/text.h"

static struct allowance allowances[ALLOWANCES_MAX];
static uint32_t next_index;

#define TAG_MASK ((INT64_C(1) << ALLOWANCE_TAG_BITS) - 1)
/* Far enough from the word's ends for sixty threads that take too much at one time. */
#define LEFT_MOST (INT64_C(1) << 50)
#define BEING_MADE TAG_MASK /* no generation's tag */

static int64_t tag_of(uint32_t generation)
{
    return generation % (TAG_MASK - 1) + 1;
}

static int64_t left_of(int64_t word)
{
    return word >> ALLOWANCE_TAG_BITS;
}

static int64_t word_of(int64_t left, int64_t tag)
{
    return left * (TAG_MASK + 1) + tag;
}

struct allowance *allowance_claim(uint32_t *index)
{
    /* In turn, so that a handle that was kept too long meets no successor for as long as can be. */
    for (unsigned tries = 0; tries < ALLOWANCES_MAX; tries++) {
        uint32_t place = __atomic_fetch_add(&next_index, 1, __ATOMIC_RELAXED) % ALLOWANCES_MAX;
        int64_t nobody = 0;
        if (__atomic_compare_exchange_n(&allowances[place].word, &nobody, BEING_MADE, false,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
            *index = place;
            return &allowances[place];
        }
    }
    return NULL;
}

void allowance_open(struct allowance *allowance, uint32_t generation, int64_t left)
{
    __atomic_store_n(&allowance->word, word_of(left, tag_of(generation)), __ATOMIC_RELEASE);
}

void allowance_shut(struct allowance *allowance, uint32_t index)
{
    __atomic_store_n(&allowance->word, BEING_MADE, __ATOMIC_SEQ_CST);
    ticket_look(allowance, (struct vagus_budget){0, index}, INT64_MAX);
    __atomic_store_n(&allowance->word, 0, __ATOMIC_RELEASE);
}

struct allowance *allowance_at(struct vagus_budget budget)
{
    return budget.generation != 0 && budget.index < ALLOWANCES_MAX ? &allowances[budget.index]
                                                                   : NULL;
}

struct allowance *allowance_of(struct vagus_budget budget)
{
    struct allowance *allowance = allowance_at(budget);
    if (allowance == NULL)
        return NULL;
    int64_t word = __atomic_load_n(&allowance->word, __ATOMIC_ACQUIRE);
    return (word & TAG_MASK) == tag_of(budget.generation) ? allowance : NULL;
}

int64_t allowance_left(const struct allowance *allowance)
{
    return left_of(__atomic_load_n(&allowance->word, __ATOMIC_RELAXED));
}

uint64_t allowance_used(const struct allowance *allowance)
{
    uint64_t spent = __atomic_load_n(&allowance->spent, __ATOMIC_ACQUIRE);
    if (allowance->live)
        return 0;
    if (allowance->window_ns == 0)
        return spent - __atomic_load_n(&allowance->given, __ATOMIC_RELAXED);
    uint64_t used = spent - __atomic_load_n(&allowance->in_buckets, __ATOMIC_RELAXED);
    for (int i = 0; i < ALLOWANCE_BUCKETS; i++)
        used += __atomic_load_n(&allowance->buckets[i], __ATOMIC_RELAXED);
    return used;
}

static void ring_if_low(const struct allowance *allowance, int64_t left)
{
    if (VAGUS_UNLIKELY(left <= __atomic_load_n(&allowance->trip, __ATOMIC_RELAXED)) &&
        allowance->wake != NULL)
        wake_ring(allowance->wake);
}

bool allowance_add(struct allowance *allowance, uint32_t generation, int64_t amount)
{
    int64_t step = amount * (TAG_MASK + 1);
    int64_t word = __atomic_add_fetch(&allowance->word, step, __ATOMIC_ACQ_REL);
    bool ours = (word & TAG_MASK) == tag_of(generation);
    /* Not ours, or so deep in debt that the word would wrap one day: as it was. */
    if (VAGUS_UNLIKELY(!ours || left_of(word) > LEFT_MOST || left_of(word) < -LEFT_MOST))
        __atomic_fetch_sub(&allowance->word, step, __ATOMIC_RELEASE);
    else if (amount < 0)
        ring_if_low(allowance, left_of(word));
    return ours;
}

/* Subtracted first and looked at then: two threads do that in half the time that a load before it,
 * or a compare-and-swap, takes them. What was too much is put back. Who comes between sees less
 * than there is, so a refusal is looked at once more. */
int allowance_take(struct allowance *allowance, uint32_t generation, uint64_t amount)
{
    int64_t tag = tag_of(generation), step = (int64_t)amount * (TAG_MASK + 1), word;
    for (int tries = 0; tries < 2; tries++) {
        word = __atomic_sub_fetch(&allowance->word, step, __ATOMIC_ACQ_REL);
        if (VAGUS_LIKELY((word & TAG_MASK) == tag && left_of(word) >= 0)) {
            ring_if_low(allowance, left_of(word));
            return 0;
        }
        word = __atomic_add_fetch(&allowance->word, step, __ATOMIC_RELEASE);
        if ((word & TAG_MASK) != tag)
            return VAGUS_ECLOSED;
        if (left_of(word) < (int64_t)amount)
            break;
    }
    return VAGUS_EAGAIN;
}

/* When so much will have been forgotten that the amount is there. What is in no bucket lies in
 * tickets, which may come back at any time, or was spent since the last step. */
static int64_t wait_for(struct allowance *allowance, struct vagus_budget budget, int64_t missing)
{
    int64_t sixtieth_ns = allowance->window_ns / VAGUS_BUDGET_BUCKETS;
    if (sixtieth_ns == 0)
        return VAGUS_SECOND_NS; /* for what is given back, or for the gauge */
    int64_t newest = __atomic_load_n(&allowance->newest, __ATOMIC_RELAXED);
    int64_t now_ns = __atomic_load_n(&allowance->now_ns, __ATOMIC_RELAXED);
    for (int64_t n = newest - VAGUS_BUDGET_BUCKETS; n <= newest; n++) {
        const uint64_t *bucket = &allowance->buckets[allowance_place(n)];
        missing -= (int64_t)__atomic_load_n(bucket, __ATOMIC_RELAXED);
        if (missing <= 0)
            return (n + ALLOWANCE_BUCKETS) * sixtieth_ns - now_ns;
    }
    return ticket_look(allowance, budget, INT64_MIN) > 0
               ? sixtieth_ns
               : (newest + ALLOWANCE_BUCKETS) * sixtieth_ns - now_ns;
}

int allowance_refuse(struct vagus_budget budget, uint64_t amount, struct vagus_answer *answer)
{
    struct allowance *allowance = &allowances[budget.index];
    int64_t left = allowance_left(allowance);
    bool known = __atomic_load_n(&allowance->known, __ATOMIC_RELAXED) != 0;
    uint64_t limit = __atomic_load_n(&allowance->limit, __ATOMIC_RELAXED);
    bool never = !allowance->live && amount > limit;
    __atomic_fetch_add(&allowance->refused, 1, __ATOMIC_RELAXED);
    if (answer == NULL)
        return never ? VAGUS_EFULL : VAGUS_EAGAIN;

    struct text text;
    text_init(&text, answer->reason, sizeof(answer->reason));
    text_add(&text, allowance->name);
    text_add(&text, ": ");
    text_add_value(&text, (double)amount, allowance->unit);
    text_add(&text, " asked for, ");
    if (never)
        text_add(&text, "more than the whole limit of ");
    else if (!known)
        text_add(&text, "and what is left is not known");
    else if (left > 0)
        text_add_value(&text, (double)left, allowance->unit);
    else
        text_add(&text, "nothing");
    if (!never && known)
        text_add(&text, allowance->live ? " left" : " left of ");
    if (never || (known && !allowance->live))
        text_add_value(&text, (double)limit, allowance->unit);
    answer->wait_ns = never ? 0 : wait_for(allowance, budget, (int64_t)amount - left);
    return never ? VAGUS_EFULL : VAGUS_EAGAIN;
}
