/* SPDX-License-Identifier: Apache-2.0 */
/* From the event to the callback: a sum of two threads that crosses a threshold which neither knows
 * alone, beside a bare eventfd that wakes a thread; and a gauge that is looked at each 100 ms. */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "vagus/vagus.h"

#define RESOURCES 16
#define EVENTS (3 * RESOURCES) /* of one monitor: each kind of signal about each resource, once */
#define ROUNDS 10
#define TIER_EVENTS 40
#define THRESHOLD 1000

static int64_t latencies[ROUNDS * EVENTS], bare[ROUNDS * EVENTS];
static unsigned count;

static int64_t event_ns, heard_ns; /* atomic */

static void pause_ms(long least, long span)
{
    static uint32_t seed = 2463534242;
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    long ns = least * 1000000 + (long)(seed % (uint32_t)(span * 1000)) * 1000;
    nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

static void on_signal(const struct vagus_signal *signal, void *arg)
{
    (void)arg;
    if (signal->change != VAGUS_SIGNAL_UPDATED)
        __atomic_store_n(&heard_ns, vagus_now_ns(), __ATOMIC_RELEASE);
}

static int64_t wait_heard(void)
{
    int64_t at_ns, until_ns = vagus_now_ns() + 2 * VAGUS_SECOND_NS;
    while ((at_ns = __atomic_load_n(&heard_ns, __ATOMIC_ACQUIRE)) == 0 && vagus_now_ns() < until_ns)
        nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    return at_ns;
}

/* --- The bare wake-up. --- */

static void *wait_eventfd(void *arg)
{
    int fd = *(const int *)arg;
    uint64_t value;
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    while (poll(&readable, 1, -1) >= 0 && read(fd, &value, sizeof(value)) > 0 && value == 1)
        __atomic_store_n(&heard_ns, vagus_now_ns(), __ATOMIC_RELEASE);
    return NULL;
}

static int64_t wake_bare(int fd)
{
    uint64_t one = 1;
    __atomic_store_n(&heard_ns, 0, __ATOMIC_RELEASE);
    int64_t from_ns = vagus_now_ns();
    if (write(fd, &one, sizeof(one)) < 0)
        return 0;
    return wait_heard() - from_ns;
}

/* --- Two threads that add. --- */

static struct {
    pthread_barrier_t go, done;
    struct vagus_counter counter;
    bool quit;
    uint64_t sum; /* so that the harness knows when it was crossed; vagus does not see it */
} adding;

static void *add_until_crossed(void *arg)
{
    (void)arg;
    for (;;) {
        pthread_barrier_wait(&adding.go);
        if (adding.quit)
            return NULL;
        for (uint64_t sum = 0; sum <= THRESHOLD;) {
            int64_t at_ns = vagus_now_ns();
            vagus_add(adding.counter, 1);
            sum = __atomic_add_fetch(&adding.sum, 1, __ATOMIC_ACQ_REL);
            if (sum == THRESHOLD + 1)
                __atomic_store_n(&event_ns, at_ns, __ATOMIC_RELEASE);
        }
        pthread_barrier_wait(&adding.done);
    }
}

static struct vagus_monitor *open_listening(const char *policy, const char *metric, bool counters,
                                            unsigned metrics, void *handles)
{
    struct vagus_monitor *monitor;
    struct vagus_monitor_options options = {.size = sizeof(options),
                                            .agent_name = "bench",
                                            .policy_text = policy,
                                            .flags = VAGUS_NO_COLLECTORS | VAGUS_ANONYMOUS_SEGMENT};
    if (vagus_monitor_open(&options, &monitor) != 0)
        return NULL;
    for (unsigned i = 0; i < metrics; i++) {
        char name[32];
        snprintf(name, sizeof(name), "%s%u", metric, i);
        struct vagus_metric_desc desc = {.name = name, .tier = VAGUS_TIER_100MS};
        if (counters)
            ((struct vagus_counter *)handles)[i] = vagus_counter_define(monitor, &desc);
        else
            ((struct vagus_gauge *)handles)[i] = vagus_gauge_define(monitor, &desc);
    }
    if (vagus_listener_add(monitor,
                           &(struct vagus_listener_desc){.size = sizeof(struct vagus_listener_desc),
                                                         .name = "bench",
                                                         .kinds = VAGUS_SIGNAL_ANY,
                                                         .on_signal = on_signal},
                           NULL) != 0 ||
        vagus_monitor_start(monitor) != 0)
        return NULL;
    return monitor;
}

static void write_policy(char *policy, size_t capacity)
{
    static const char *const kinds[] = {"throttle", "defer", "shutdown"};
    size_t length = (size_t)snprintf(policy, capacity, "rules:\n");
    for (unsigned i = 0; i < EVENTS; i++)
        length +=
            (size_t)snprintf(policy + length, capacity - length,
                             "  - { name: r%u, metric: bench.c%u, resource: q%u, "
                             "%s: { above: %d, clear: %d } }\n",
                             i, i, i % RESOURCES, kinds[i / RESOURCES], THRESHOLD, THRESHOLD / 2);
}

/* False if a signal did not come. */
static bool measure_round(int fd)
{
    static char policy[16384];
    struct vagus_counter counters[EVENTS];
    write_policy(policy, sizeof(policy));
    struct vagus_monitor *monitor = open_listening(policy, "bench.c", true, EVENTS, counters);
    bool heard = monitor != NULL;
    for (unsigned i = 0; i < EVENTS && heard; i++) {
        pause_ms(2, 5);
        bare[count] = wake_bare(fd);
        pause_ms(2, 5);
        adding.counter = counters[i];
        adding.sum = 0;
        __atomic_store_n(&heard_ns, 0, __ATOMIC_RELEASE);
        pthread_barrier_wait(&adding.go);
        pthread_barrier_wait(&adding.done);
        latencies[count] = wait_heard() - event_ns;
        heard = latencies[count++] > -VAGUS_SECOND_NS;
    }
    vagus_monitor_close(monitor);
    return heard;
}

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static double quantile(int64_t *values, unsigned percent)
{
    qsort(values, count, sizeof(*values), ascending);
    return (double)values[(count - 1) * percent / 100];
}

int client_instant(bool median)
{
    pthread_t waiter, threads[2];
    int fd = eventfd(0, EFD_CLOEXEC);
    uint64_t end = 2;
    bool heard = true;
    pthread_barrier_init(&adding.go, NULL, 3);
    pthread_barrier_init(&adding.done, NULL, 3);
    if (fd < 0 || pthread_create(&waiter, NULL, wait_eventfd, &fd) != 0 ||
        pthread_create(&threads[0], NULL, add_until_crossed, NULL) != 0 ||
        pthread_create(&threads[1], NULL, add_until_crossed, NULL) != 0)
        return 1;
    for (int i = 0; i < ROUNDS && heard; i++)
        heard = measure_round(fd);
    adding.quit = true;
    pthread_barrier_wait(&adding.go);
    if (write(fd, &end, sizeof(end)) < 0 || !heard)
        return 1;
    pthread_join(waiter, NULL);
    printf("value %.17g\nfloor %.17g\n", quantile(latencies, median ? 50 : 99),
           quantile(bare, median ? 50 : 99));
    return 0;
}

int client_tier(void)
{
    static const char policy[] = "rules:\n"
                                 "  - name: tier\n"
                                 "    metric: bench.g0\n"
                                 "    min_hold: 0s\n"
                                 "    throttle: { above: 10, clear: 5 }\n";
    struct vagus_gauge gauge;
    struct vagus_monitor *monitor = open_listening(policy, "bench.g", false, 1, &gauge);
    bool heard = monitor != NULL;
    while (count < TIER_EVENTS && heard) {
        pause_ms(20, 100);
        __atomic_store_n(&heard_ns, 0, __ATOMIC_RELEASE);
        int64_t from_ns = vagus_now_ns();
        vagus_set(gauge, count % 2 == 0 ? 20 : 0);
        latencies[count] = wait_heard() - from_ns;
        heard = latencies[count++] > 0;
    }
    vagus_monitor_close(monitor);
    if (heard)
        printf("value %.17g\n", quantile(latencies, 99));
    return heard ? 0 : 1;
}
