/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the snapshot: again and again, and for the first time after another core published one.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "vagus/vagus.h"

static struct vagus_system_snapshot snapshot_out;

/* The floor is a seqlock read of as many bytes. */
static struct {
    uint64_t stamp;
    uint64_t padding[7];
    struct vagus_system_snapshot snapshot;
} seqlock __attribute__((aligned(64)));

static void snapshot(void *arg, uint64_t iterations)
{
    MEASURE_LOOP(iterations, vagus_snapshot_read(arg, &snapshot_out));
}

static void read_seqlock(struct vagus_system_snapshot *out)
{
    uint64_t before;
    do {
        before = __atomic_load_n(&seqlock.stamp, __ATOMIC_ACQUIRE);
        memcpy(out, &seqlock.snapshot, sizeof(*out));
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while ((before & 1) != 0 || __atomic_load_n(&seqlock.stamp, __ATOMIC_RELAXED) != before);
}

static void snapshot_bare(void *arg, uint64_t iterations)
{
    (void)arg;
    MEASURE_LOOP(iterations, read_seqlock(&snapshot_out));
}

int client_snapshot(void)
{
    struct vagus_monitor *monitor = client_open(0);
    struct contender contenders[] = {{.loop = snapshot, .arg = monitor}, {.loop = snapshot_bare}};
    if (vagus_step(monitor, NULL) != 0 || vagus_snapshot_read(monitor, &seqlock.snapshot) != 0)
        return 1;
    if (!measure(contenders, 2, 1))
        return 1;
    client_print(&contenders[0], &contenders[1]);
    return vagus_monitor_close(monitor);
}

/* --- The first read. A thread on another core publishes before each. --- */

static struct {
    pthread_t thread;
    struct vagus_monitor *monitor;
    int what; /* 0: wait; 1: step the monitor; 2: write the seqlock; 3: end */
} writer;

static void write_seqlock(void)
{
    static struct vagus_system_snapshot next;
    next.sequence++;
    __atomic_store_n(&seqlock.stamp, seqlock.stamp + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    memcpy(&seqlock.snapshot, &next, sizeof(next));
    __atomic_store_n(&seqlock.stamp, seqlock.stamp + 1, __ATOMIC_RELEASE);
}

static void *write_for_others(void *arg)
{
    (void)arg;
    for (;;) {
        int what = __atomic_load_n(&writer.what, __ATOMIC_ACQUIRE);
        if (what == 3)
            return NULL;
        if (what == 1)
            vagus_step(writer.monitor, NULL);
        else if (what == 2)
            write_seqlock();
        if (what != 0)
            __atomic_store_n(&writer.what, 0, __ATOMIC_RELEASE);
    }
}

static void order(int what)
{
    __atomic_store_n(&writer.what, what, __ATOMIC_RELEASE);
    while (__atomic_load_n(&writer.what, __ATOMIC_ACQUIRE) != 0)
        ;
}

static void publish_elsewhere(void *arg)
{
    (void)arg;
    order(1);
}

static void write_elsewhere(void *arg)
{
    (void)arg;
    order(2);
}

int client_snapshot_cold(void)
{
    struct vagus_monitor *monitor = client_open_with(VAGUS_NO_COLLECTORS, "rules: []\n");
    struct contender contenders[] = {
        {.loop = snapshot, .prepare = publish_elsewhere, .arg = monitor, .iterations = 1},
        {.loop = snapshot_bare, .prepare = write_elsewhere, .iterations = 1}};
    writer.monitor = monitor;
    if (pthread_create(&writer.thread, NULL, write_for_others, NULL) != 0)
        return 1;
    bool measured = measure(contenders, 2, 1);
    __atomic_store_n(&writer.what, 3, __ATOMIC_RELEASE);
    pthread_join(writer.thread, NULL);
    if (!measured)
        return 1;
    client_print(&contenders[0], &contenders[1]);
    return vagus_monitor_close(monitor);
}
