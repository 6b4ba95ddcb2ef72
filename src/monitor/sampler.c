/* SPDX-License-Identifier: Apache-2.0 */
/* The sampler: sense, fold, judge, publish, tell. The same step whether a thread of its own runs it
 * or the host does. Nothing in it allocates or waits; the locks that it takes are held by others
 * for moments, never while a host's code runs. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/memlock.h"
#include "host/statgrab.h"
#include "monitor/monitor.h"

#define ALL_TIERS (~0u)
#define LANES_FIRST_NS (100 * VAGUS_MILLISECOND_NS)

/* Once: it goes on as long as the monitor does. */
static void tell_unstored(struct vagus_monitor *monitor)
{
    if (VAGUS_LIKELY(monitor->metrics.store.unstored == 0) || monitor->unstored_told)
        return;
    monitor->unstored_told = true;
    monitor_note(monitor, SEGMENT_NOTE_WARNING,
                 "history is incomplete: not every metric has a block; raise segment.size");
}

static void take_in_and_fold(struct vagus_monitor *monitor, unsigned due, int64_t now_ns)
{
    sense_take_in(monitor->sense, due, now_ns);
    metrics_fold(&monitor->metrics, due, now_ns, monitor->last_tick_ns);
    budgets_step(&monitor->budgets, due, now_ns);
    continuity_step(monitor, due, now_ns);
    derive_step(&monitor->derive, &monitor->metrics, due, now_ns);
    tell_unstored(monitor);
    monitor->last_tick_ns = now_ns;
}

static unsigned prove(struct vagus_monitor *monitor)
{
    fault_list_init(&monitor->wiring, "wiring");
    unsigned unwired =
        monitor_prove(monitor, monitor->last_tick_ns, monitor->started_ns, &monitor->wiring);
    monitor->proved_metrics = metrics_count(&monitor->metrics);
    monitor->proved_listeners = monitor->listeners;
    monitor_note_wiring(monitor);
    return unwired;
}

static void step_modes(struct vagus_monitor *monitor, unsigned due, int64_t now_ns)
{
    const struct flap *flaps;
    bool gap = monitor->publications > 0 && now_ns > monitor->snapshot.good_until_ns;
    modes_step(&monitor->modes, due, gap, now_ns);
    unsigned count = judge_flaps(monitor->judge, &flaps);
    for (unsigned i = 0; i < count; i++)
        monitor_note_again(monitor, SEGMENT_NOTE_WARNING, flaps[i].text, flaps[i].key_length);
}

static void judge_and_publish(struct vagus_monitor *monitor, unsigned due, int64_t now_ns)
{
    bool second = (due & (1u << VAGUS_TIER_1S)) != 0;
    bool renewed = reload_take_over(monitor, now_ns);
    if (judge_step(monitor->judge, now_ns) || renewed)
        sense_near_relook(monitor->sense, now_ns);
    if (renewed) {
        publish_bind(monitor); /* it may name other metrics */
        reload_taken_over(monitor);
    }
    step_modes(monitor, due, now_ns);
    /* Listeners have something to do, or not: each tick while a signal is raised, else each
     * second. */
    if (second || __atomic_load_n(&monitor->levels, __ATOMIC_RELAXED) != 0)
        bus_mirror(monitor->bus, &monitor->segment, now_ns, &monitor->listeners, &monitor->hung);
    if (second) {
        cost_step(monitor, now_ns);
        sense_mirror(monitor->sense, now_ns);
        if ((due & (1u << VAGUS_TIER_10S)) != 0 ||
            monitor->proved_listeners != monitor->listeners ||
            monitor->proved_metrics != metrics_count(&monitor->metrics))
            prove(monitor);
    }
    state_step(monitor, now_ns);
    if ((due & (1u << VAGUS_TIER_100MS)) != 0)
        ticket_mirror(monitor->generation, second, now_ns, &monitor->segment);
    publish(monitor, due, now_ns);
    bus_wake(monitor->bus); /* who is told finds the snapshot that tells the same */
    if (judge_last_resort(monitor->judge) &&
        reload_config(monitor)->last_resort == CONFIG_LAST_SIGTERM)
        kill(getpid(), SIGTERM);
}

unsigned sampler_begin(struct vagus_monitor *monitor)
{
    int64_t now_ns = clock_now_ns(&monitor->clock);

    monitor->started_ns = monitor->last_tick_ns = now_ns;
    publish_begin(monitor, now_ns);
    continuity_start(monitor);
    schedule_init(&monitor->schedule, now_ns);
    schedule_due(&monitor->schedule, now_ns);
    sense_sample(monitor->sense, ALL_TIERS);
    pthread_mutex_lock(&monitor->step_lock);
    take_in_and_fold(monitor, ALL_TIERS, now_ns);
    /* What lanes bring within a moment belongs to the first look; what hangs does not hang us. */
    sense_settle(monitor->sense, vagus_now_ns() + LANES_FIRST_NS, now_ns);
    publish_bind(monitor);
    bus_mirror(monitor->bus, &monitor->segment, now_ns, &monitor->listeners, &monitor->hung);
    unsigned unwired = prove(monitor);
    pthread_mutex_unlock(&monitor->step_lock);
    return unwired;
}

void sampler_first(struct vagus_monitor *monitor)
{
    pthread_mutex_lock(&monitor->step_lock);
    judge_and_publish(monitor, ALL_TIERS, monitor->last_tick_ns);
    sense_near_relook(monitor->sense, monitor->last_tick_ns); /* rules have found their metrics */
    pthread_mutex_unlock(&monitor->step_lock);
}

void sampler_step(struct vagus_monitor *monitor)
{
    cost_near_end(monitor);
    int64_t now_ns = clock_now_ns(&monitor->clock);
    /* The instant tier is due whenever the sampler is awake. */
    unsigned due = schedule_due(&monitor->schedule, now_ns) | 1u << VAGUS_TIER_INSTANT;
    sense_sample(monitor->sense, due); /* the host's code: under no lock */
    kernel_wake_step(monitor, due);
    if (__atomic_load_n(&monitor->quit, __ATOMIC_ACQUIRE))
        return; /* it may have been gone for long, and the monitor been given up meanwhile */
    pthread_mutex_lock(&monitor->step_lock);
    take_in_and_fold(monitor, due, now_ns);
    judge_and_publish(monitor, due, now_ns);
    pthread_mutex_unlock(&monitor->step_lock);
}

/* Between the ticks: what is near a limit was read, or is now due to be. As little as possible: the
 * values go to the judge, and out only if he changes his mind. */
void sampler_near_step(struct vagus_monitor *monitor)
{
    cost_near_begin(monitor);
    int64_t now_ns = clock_now_ns(&monitor->clock);
    if (kernel_wake_take(monitor))
        sense_near_hasten(monitor->sense, "memory", now_ns);
    sense_near_sample(monitor->sense, now_ns); /* the host's code: under no lock */
    if (__atomic_load_n(&monitor->quit, __ATOMIC_ACQUIRE))
        return;
    pthread_mutex_lock(&monitor->step_lock);
    bool changed = sense_near_take_in(monitor->sense, now_ns) && judge_step(monitor->judge, now_ns);
    if (changed) {
        sense_near_relook(monitor->sense, now_ns);
        state_step(monitor, now_ns);
        publish(monitor, 0, now_ns);
    }
    pthread_mutex_unlock(&monitor->step_lock);
    if (changed)
        bus_wake(monitor->bus);
}

int64_t sampler_next_ns(const struct vagus_monitor *monitor)
{
    int64_t tick_ns = schedule_next_ns(&monitor->schedule);
    int64_t near_ns = sense_near_next_ns(monitor->sense);
    return near_ns < tick_ns ? near_ns : tick_ns;
}

/* --- The thread. --- */

#define STACK_LOCKED_BYTES ((size_t)64 << 10)

/* Each step reads all of these, and the C library's readers. The heap around them may be locked
 * along with them, by less than a page. */
static void lock_memory(struct vagus_monitor *monitor)
{
    const struct metrics *metrics = &monitor->metrics;
    struct memlock lock = {0};
    memlock_object(&lock, (const void *)(uintptr_t)sampler_step, true);
    memlock_object(&lock, (const void *)(uintptr_t)pread, false);
    monitor->stack_locked = memlock_stack(&lock, STACK_LOCKED_BYTES);
    memlock_range(&lock, metrics->entries, metrics->capacity * sizeof(*metrics->entries), false);
    memlock_range(&lock, metrics->readings, metrics->capacity * sizeof(*metrics->readings), false);
    memlock_range(&lock, metrics->versions, metrics->capacity * sizeof(*metrics->versions), false);
    if (lock.error != 0)
        monitor_note(monitor, SEGMENT_NOTE_INFO,
                     "the sampler may be late when memory is gone: it could not lock all of its "
                     "own (%s); raise RLIMIT_MEMLOCK by 4 MiB",
                     strerrorname_np(lock.error));
}

static void unlock_memory(const struct vagus_monitor *monitor)
{
    const struct metrics *metrics = &monitor->metrics;
    memlock_release(monitor->stack_locked, STACK_LOCKED_BYTES);
    memlock_release(metrics->entries, metrics->capacity * sizeof(*metrics->entries));
    memlock_release(metrics->readings, metrics->capacity * sizeof(*metrics->readings));
    memlock_release(metrics->versions, metrics->capacity * sizeof(*metrics->versions));
}

static void sampler_over(void *arg)
{
    struct vagus_monitor *monitor = arg;
    unlock_memory(monitor);
    latch_open(&monitor->sampler_ended);
}

static void *sampler_run(void *arg)
{
    struct vagus_monitor *monitor = arg;
    monitor_set_inside(monitor);
    thread_hurry();
    monitor->cpu_clock = cost_thread_cpu_ns;
    lock_memory(monitor);
    if (monitor->host != NULL)
        host_thread_prepare(monitor->host);
    latch_open(&monitor->sampler_ready);
    pthread_cleanup_push(sampler_over, monitor);
    while (!__atomic_load_n(&monitor->quit, __ATOMIC_ACQUIRE)) {
        uint32_t why = wake_wait(&monitor->wake, sampler_next_ns(monitor));
        int64_t now_ns = clock_now_ns(&monitor->clock);
        if (__atomic_load_n(&monitor->quit, __ATOMIC_ACQUIRE))
            break;
        /* First what may be a matter of a millisecond. */
        if ((why & WAKE_NEAR) != 0 || now_ns >= sense_near_next_ns(monitor->sense))
            sampler_near_step(monitor);
        if ((why & WAKE_STEP) != 0 || now_ns >= schedule_next_ns(&monitor->schedule))
            sampler_step(monitor);
    }
    pthread_cleanup_pop(1);
    return NULL;
}

int sampler_start_thread(struct vagus_monitor *monitor)
{
    monitor->quit = 0;
    monitor->has_sampler = true;
    int error = thread_start("vagus-sampler", sampler_run, monitor);
    if (error != 0)
        monitor->has_sampler = false;
    else
        latch_wait(&monitor->sampler_ready, INT64_MAX); /* what it allocates belongs to the start */
    return error;
}

bool sampler_stop_thread(struct vagus_monitor *monitor, int64_t deadline_ns)
{
    if (!monitor->has_sampler)
        return true;
    __atomic_store_n(&monitor->quit, 1, __ATOMIC_RELEASE);
    wake_ring(&monitor->wake);
    return latch_wait(&monitor->sampler_ended, deadline_ns);
}
