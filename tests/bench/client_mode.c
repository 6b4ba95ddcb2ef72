/* SPDX-License-Identifier: Apache-2.0 */
/* A cap as a service reads it. The floor is one relaxed load of a double, inline. */
#include "client.h"
#include "vagus/vagus.h"

static double plain_cap;
static volatile double seen;

static void cap(void *arg, uint64_t iterations)
{
    struct vagus_cap tasks = *(const struct vagus_cap *)arg;
    MEASURE_LOOP(iterations, seen = vagus_cap_value(tasks));
}

static void cap_bare(void *arg, uint64_t iterations)
{
    double value;
    (void)arg;
    MEASURE_LOOP(iterations, ({
                     __atomic_load(&plain_cap, &value, __ATOMIC_RELAXED);
                     seen = value;
                 }));
}

int client_mode(void)
{
    struct vagus_monitor *monitor =
        client_open_with(VAGUS_NO_COLLECTORS, "modes: [{ name: only, caps: [{ name: tasks, "
                                              "most: 8 }] }]\n");
    struct vagus_cap tasks = vagus_cap_find(monitor, "tasks");
    struct contender contenders[] = {{.loop = cap, .arg = &tasks}, {.loop = cap_bare}};
    if (vagus_cap_value(tasks) != 8 || !measure(contenders, 2, 1))
        return 1;
    client_print(&contenders[0], &contenders[1]);
    return vagus_monitor_close(monitor);
}
