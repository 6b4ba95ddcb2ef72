/* SPDX-License-Identifier: Apache-2.0 */
/* Reservations. A slot's state is the number of its ticket and a phase; whoever changes the phase
 * by compare-and-swap has the ticket for itself: the task that settles it, or the sampler for whom
 * it expired, never both. */
#include "judge/allowance.h"

#include "base/clock.h"
#include "base/text.h"

enum phase { FREE, BUSY, OPEN, EXPIRED };
#define PHASES 4
#define PLACES_OFTEN 256 /* so many are looked through at each tick */

static struct slot {
    _Alignas(64) uint64_t state; /* how often it was used, times PHASES, plus enum phase */
    uint64_t amount;
    int64_t opened_ns, expires_ns;
    struct vagus_budget budget;
} slots[VAGUS_TICKETS_MAX];

static _Alignas(64) uint32_t places_used; /* no slot from here on was ever open */

/* Where this thread looks first, plus 1: where it last freed one. */
static __thread uint32_t hint __attribute__((tls_model("initial-exec")));

static uint64_t number_of(uint64_t state, uint32_t place)
{
    return state / PHASES * VAGUS_TICKETS_MAX + place + 1;
}

static bool claim(uint32_t place, uint64_t *state)
{
    *state = __atomic_load_n(&slots[place].state, __ATOMIC_RELAXED);
    return *state % PHASES == FREE &&
           __atomic_compare_exchange_n(&slots[place].state, state, *state + BUSY, false,
                                       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* Threads begin apart, so that they do not look at the same lines. */
static uint32_t first_place(void)
{
    static uint32_t threads;
    if (VAGUS_UNLIKELY(hint == 0))
        hint = __atomic_fetch_add(&threads, 1, __ATOMIC_RELAXED) * 16 % VAGUS_TICKETS_MAX + 1;
    return hint - 1;
}

uint64_t ticket_open(struct vagus_budget budget, uint64_t amount, int64_t now_ns,
                     int64_t expires_ns)
{
    uint32_t first = first_place();
    for (uint32_t i = 0; i < VAGUS_TICKETS_MAX; i++) {
        uint32_t place = (first + i) % VAGUS_TICKETS_MAX;
        uint64_t state;
        if (!claim(place, &state))
            continue;
        struct slot *slot = &slots[place];
        __atomic_store_n(&slot->amount, amount, __ATOMIC_RELAXED);
        __atomic_store_n(&slot->opened_ns, now_ns, __ATOMIC_RELAXED);
        __atomic_store_n(&slot->expires_ns, expires_ns, __ATOMIC_RELAXED);
        __atomic_store_n(&slot->budget.generation, budget.generation, __ATOMIC_RELAXED);
        __atomic_store_n(&slot->budget.index, budget.index, __ATOMIC_RELAXED);
        uint32_t used = __atomic_load_n(&places_used, __ATOMIC_RELAXED);
        while (VAGUS_UNLIKELY(place >= used) &&
               !__atomic_compare_exchange_n(&places_used, &used, place + 1, true, __ATOMIC_RELEASE,
                                            __ATOMIC_RELAXED))
            continue;
        __atomic_store_n(&slot->state, state + OPEN, __ATOMIC_RELEASE);
        hint = (place + 1) % VAGUS_TICKETS_MAX + 1;
        return number_of(state, place);
    }
    return 0;
}

int ticket_end(struct vagus_ticket ticket, uint64_t *amount)
{
    uint32_t place = (uint32_t)((ticket.number - 1) % VAGUS_TICKETS_MAX);
    uint64_t used = (ticket.number - 1) / VAGUS_TICKETS_MAX * PHASES;
    struct slot *slot = &slots[place];
    uint64_t state = __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE);
    if (ticket.number == 0 || (state != used + OPEN && state != used + EXPIRED) ||
        !__atomic_compare_exchange_n(&slot->state, &state, used + BUSY, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED))
        return VAGUS_ENOENT;
    *amount = state % PHASES == OPEN ? __atomic_load_n(&slot->amount, __ATOMIC_RELAXED) : 0;
    __atomic_store_n(&slot->state, used + PHASES + FREE, __ATOMIC_RELEASE);
    hint = place + 1;
    return 0;
}

/* An expired ticket keeps its slot for a while, so that a task that is only late still has its use
 * counted. */
static void expire(struct slot *slot, uint64_t state, struct allowance *allowance,
                   struct vagus_budget budget, int64_t now_ns)
{
    enum phase phase = state % PHASES;
    uint64_t used = state - phase, amount = __atomic_load_n(&slot->amount, __ATOMIC_RELAXED);
    bool ends = phase == EXPIRED || now_ns == INT64_MAX;
    if (!__atomic_compare_exchange_n(&slot->state, &state, used + BUSY, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED))
        return; /* it was settled just now */
    if (phase == OPEN && allowance_add(allowance, budget.generation, (int64_t)amount))
        __atomic_fetch_add(&allowance->expired, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&slot->expires_ns, clock_add_ns(now_ns, TICKET_LATE_NS), __ATOMIC_RELAXED);
    __atomic_store_n(&slot->state, ends ? used + PHASES + FREE : used + EXPIRED, __ATOMIC_RELEASE);
}

uint64_t ticket_look(struct allowance *allowance, struct vagus_budget budget, int64_t now_ns)
{
    uint64_t reserved = 0;
    uint32_t end = __atomic_load_n(&places_used, __ATOMIC_ACQUIRE);
    for (struct slot *slot = slots; slot < slots + end; slot++) {
        uint64_t state = __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE);
        enum phase phase = state % PHASES;
        if ((phase != OPEN && phase != EXPIRED) ||
            __atomic_load_n(&slot->budget.index, __ATOMIC_RELAXED) != budget.index)
            continue;
        if (__atomic_load_n(&slot->expires_ns, __ATOMIC_RELAXED) <= now_ns)
            expire(slot, state, allowance, budget, now_ns);
        else if (phase == OPEN)
            reserved += __atomic_load_n(&slot->amount, __ATOMIC_RELAXED);
    }
    return reserved;
}

/* Where the one lies that was opened last. */
static unsigned youngest_of(const struct segment_ticket *tickets, unsigned count)
{
    unsigned youngest = 0;
    for (unsigned i = 1; i < count; i++)
        if (tickets[i].opened_ns > tickets[youngest].opened_ns)
            youngest = i;
    return youngest;
}

unsigned ticket_list(uint32_t generation, struct segment_ticket *tickets, unsigned room)
{
    uint32_t end = __atomic_load_n(&places_used, __ATOMIC_ACQUIRE);
    unsigned open = 0;
    for (const struct slot *slot = slots; slot < slots + end; slot++) {
        uint64_t state = __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE);
        struct vagus_budget budget = {__atomic_load_n(&slot->budget.generation, __ATOMIC_RELAXED),
                                      __atomic_load_n(&slot->budget.index, __ATOMIC_RELAXED)};
        int64_t opened_ns = __atomic_load_n(&slot->opened_ns, __ATOMIC_RELAXED);
        struct allowance *allowance =
            state % PHASES == OPEN && budget.generation == generation ? allowance_of(budget) : NULL;
        if (allowance == NULL)
            continue;
        unsigned place = open < room ? open : youngest_of(tickets, room);
        if (open++ >= room && tickets[place].opened_ns <= opened_ns)
            continue;
        tickets[place] = (struct segment_ticket){
            .amount = __atomic_load_n(&slot->amount, __ATOMIC_RELAXED),
            .opened_ns = opened_ns,
            .until_ns = __atomic_load_n(&slot->expires_ns, __ATOMIC_RELAXED)};
        text_copy(tickets[place].budget, sizeof(tickets[place].budget), allowance->name);
        text_copy(tickets[place].unit, sizeof(tickets[place].unit), allowance->unit);
    }
    return open;
}

void ticket_mirror(uint32_t generation, bool second, int64_t now_ns, struct segment *segment)
{
    struct segment_head *head = segment_head(segment, SEGMENT_TICKETS);
    uint32_t end = __atomic_load_n(&places_used, __ATOMIC_ACQUIRE);
    if ((end == 0 && head->count == 0) || (end > PLACES_OFTEN && !second))
        return;
    segment_write_begin(&head->stamp);
    head->count =
        ticket_list(generation, segment_entries(segment, SEGMENT_TICKETS), SEGMENT_TICKETS_MAX);
    head->updated_ns = now_ns;
    segment_write_end(&head->stamp);
}
