/* SPDX-License-Identifier: Apache-2.0 */
/* The public calls on budgets. All but defining and finding touch static memory alone: no lock, no
 * monitor. */
#include <string.h>

#include "base/clock.h"
#include "monitor/monitor.h"

int monitor_budget_define(struct vagus_monitor *monitor, const struct vagus_budget_desc *desc,
                          struct vagus_budget *handle)
{
    struct budget *budget;
    int error = budgets_define(&monitor->budgets, desc, clock_now_ns(&monitor->clock), &budget);
    if (error == 0)
        state_restore(monitor, budget);
    if (error == 0 && budget->rule.name != NULL)
        error = judge_add_rule(monitor->judge, &budget->rule);
    if (error == 0)
        *handle = budget->handle;
    return error;
}

int vagus_budget_define(struct vagus_monitor *monitor, const struct vagus_budget_desc *given,
                        struct vagus_budget *budget)
{
    struct vagus_budget_desc desc = {0};
    if (monitor == NULL || given == NULL || budget == NULL || given->size < sizeof(given->size))
        return VAGUS_EINVAL;
    memcpy(&desc, given, given->size < sizeof(desc) ? given->size : sizeof(desc));
    int error = monitor_borrow(monitor);
    if (error != 0)
        return error;
    error = __atomic_load_n(&monitor->life, __ATOMIC_ACQUIRE) == MONITOR_OPEN
                ? monitor_budget_define(monitor, &desc, budget)
                : VAGUS_ESTATE;
    if (error == 0)
        budgets_hand_out(&monitor->budgets, *budget);
    monitor_return(monitor);
    return error;
}

int vagus_budget_find(struct vagus_monitor *monitor, const char *name, struct vagus_budget *budget)
{
    if (monitor == NULL || name == NULL || budget == NULL)
        return VAGUS_EINVAL;
    if (!monitor_enter(monitor))
        return VAGUS_ECLOSED;
    int error = budgets_find(&monitor->budgets, name, budget);
    if (error == 0)
        budgets_hand_out(&monitor->budgets, *budget);
    monitor_leave();
    return error;
}

/* Sets aside without a ticket. */
static int set_aside(struct vagus_budget budget, uint64_t amount, struct vagus_answer *answer)
{
    struct allowance *allowance = allowance_at(budget);
    if (amount == 0 || amount > VAGUS_AMOUNT_MAX)
        return VAGUS_EINVAL;
    if (allowance == NULL)
        return VAGUS_ECLOSED;
    int error = allowance_take(allowance, budget.generation, amount);
    return error == VAGUS_EAGAIN ? allowance_refuse(budget, amount, answer) : error;
}

int vagus_budget_reserve(struct vagus_budget budget, uint64_t amount, int64_t ttl_ns,
                         struct vagus_ticket *ticket, struct vagus_answer *answer)
{
    if (ticket == NULL || ttl_ns <= 0)
        return VAGUS_EINVAL;
    int error = set_aside(budget, amount, answer);
    if (error != 0)
        return error;
    struct allowance *allowance = allowance_at(budget);
    int64_t now_ns = __atomic_load_n(&allowance->now_ns, __ATOMIC_RELAXED);
    uint64_t number = ticket_open(budget, amount, now_ns, clock_add_ns(now_ns, ttl_ns));
    if (number != 0) {
        *ticket = (struct vagus_ticket){budget, number};
        return 0;
    }
    allowance_add(allowance, budget.generation, (int64_t)amount);
    if (answer != NULL) {
        answer->wait_ns = VAGUS_SECOND_NS;
        text_copy(answer->reason, sizeof(answer->reason), "too many tickets are open");
    }
    return VAGUS_EFULL;
}

/* What was taken is used. */
static void account(struct allowance *allowance, uint64_t amount)
{
    __atomic_fetch_add(allowance->live ? &allowance->settled : &allowance->spent, amount,
                       __ATOMIC_RELEASE);
}

int vagus_budget_commit(struct vagus_ticket ticket, uint64_t used)
{
    struct allowance *allowance = allowance_at(ticket.budget);
    uint64_t amount;
    if (used > VAGUS_AMOUNT_MAX)
        return VAGUS_EINVAL;
    int error = ticket_end(ticket, &amount);
    if (error != 0 || allowance == NULL)
        return error != 0 ? error : VAGUS_ECLOSED;
    if (allowance->live && used > 0)
        used = amount; /* the gauge shows what it really was */
    if (amount != used &&
        !allowance_add(allowance, ticket.budget.generation, (int64_t)amount - (int64_t)used))
        return VAGUS_ECLOSED;
    if (used > 0)
        account(allowance, used);
    return 0;
}

int vagus_budget_take(struct vagus_budget budget, uint64_t amount, struct vagus_answer *answer)
{
    int error = set_aside(budget, amount, answer);
    if (error == 0)
        account(allowance_at(budget), amount);
    return error;
}

int vagus_budget_spend(struct vagus_budget budget, uint64_t amount)
{
    struct allowance *allowance = allowance_at(budget);
    if (amount > VAGUS_AMOUNT_MAX || (allowance != NULL && allowance->live))
        return VAGUS_EINVAL;
    if (allowance == NULL || !allowance_add(allowance, budget.generation, -(int64_t)amount))
        return VAGUS_ECLOSED;
    account(allowance, amount);
    return 0;
}

int vagus_budget_give(struct vagus_budget budget, uint64_t amount)
{
    struct allowance *allowance = allowance_of(budget);
    if (allowance == NULL)
        return VAGUS_ECLOSED;
    if (allowance->live || allowance->window_ns > 0)
        return VAGUS_EINVAL;
    uint64_t given = __atomic_load_n(&allowance->given, __ATOMIC_RELAXED);
    do {
        uint64_t spent = __atomic_load_n(&allowance->spent, __ATOMIC_ACQUIRE);
        if (amount > spent - given)
            return VAGUS_EINVAL;
    } while (!__atomic_compare_exchange_n(&allowance->given, &given, given + amount, true,
                                          __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    return allowance_add(allowance, budget.generation, (int64_t)amount) ? 0 : VAGUS_ECLOSED;
}

int vagus_admit(const struct vagus_need *needs, size_t count, int64_t ttl_ns,
                struct vagus_ticket *tickets, struct vagus_answer *answer)
{
    struct vagus_ticket asked[VAGUS_BUDGETS_MAX];
    struct vagus_answer longest = {0}, one;
    struct vagus_ticket *made = tickets != NULL ? tickets : asked;
    int result = 0;
    if (needs == NULL || count == 0 || count > VAGUS_BUDGETS_MAX || ttl_ns <= 0)
        return VAGUS_EINVAL;
    for (size_t i = 0; i < count; i++) {
        made[i] = (struct vagus_ticket){0};
        int error = vagus_budget_reserve(needs[i].budget, needs[i].amount, ttl_ns, &made[i], &one);
        bool graver = error != 0 && (result == 0 || (result == VAGUS_EAGAIN && error != result) ||
                                     (result == error && one.wait_ns > longest.wait_ns));
        if (graver && (error == VAGUS_EAGAIN || error == VAGUS_EFULL))
            longest = one;
        result = graver ? error : result;
    }
    for (size_t i = 0; i < count && (result != 0 || tickets == NULL); i++) {
        vagus_budget_commit(made[i], 0);
        made[i] = (struct vagus_ticket){0};
    }
    if (answer != NULL && (result == VAGUS_EAGAIN || result == VAGUS_EFULL))
        *answer = longest;
    return result;
}

int vagus_budget_read(struct vagus_budget budget, struct vagus_budget_status *status)
{
    struct allowance *a = allowance_of(budget);
    if (status == NULL)
        return VAGUS_EINVAL;
    if (a == NULL)
        return VAGUS_ECLOSED;
    *status = (struct vagus_budget_status){
        .limit = __atomic_load_n(&a->limit, __ATOMIC_RELAXED),
        .left = allowance_left(a),
        .used = allowance_used(a),
        .reserved = ticket_look(a, budget, INT64_MIN),
        .refused = __atomic_load_n(&a->refused, __ATOMIC_RELAXED),
        .expired = __atomic_load_n(&a->expired, __ATOMIC_RELAXED),
        .known = __atomic_load_n(&a->known, __ATOMIC_RELAXED),
    };
    return 0;
}
