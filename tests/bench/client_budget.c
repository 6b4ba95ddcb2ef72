/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets as a program meets them. The floor is a fetch_add on one word that all threads share: the
 * least that can keep a common account. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "vagus/vagus.h"

static struct vagus_budget budget;
static uint64_t account;

static void reserve(void *arg, uint64_t iterations)
{
    (void)arg;
    MEASURE_LOOP(iterations, ({
                     struct vagus_ticket ticket;
                     vagus_budget_reserve(budget, 1, VAGUS_SECOND_NS, &ticket, NULL);
                     vagus_budget_commit(ticket, 0);
                 }));
}

static void take(void *arg, uint64_t iterations)
{
    (void)arg;
    MEASURE_LOOP(iterations, vagus_budget_take(budget, 1, NULL));
}

static void add(void *arg, uint64_t iterations)
{
    (void)arg;
    MEASURE_LOOP(iterations, __atomic_fetch_add(&account, 1, __ATOMIC_RELAXED));
}

/* A reservation is measured with its settlement, since no task makes the one without the other: the
 * figure is half of both. */
int client_budget(const char *verb)
{
    bool pairs = strncmp(verb, "reserve", 7) == 0;
    unsigned threads = strchr(verb, '2') != NULL ? 2 : 1;
    struct contender contenders[] = {{.loop = pairs ? reserve : take, .per = pairs ? 2 : 1},
                                     {.loop = add}};
    struct vagus_monitor *monitor =
        client_open_with(VAGUS_NO_COLLECTORS, "budgets:\n"
                                              "  - { name: bench, limit: 10000G }\n");
    if (vagus_budget_find(monitor, "bench", &budget) != 0 || !measure(contenders, 2, threads))
        return 1;
    client_print(&contenders[0], &contenders[1]);
    return vagus_monitor_close(monitor);
}
