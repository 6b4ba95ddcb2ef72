/* SPDX-License-Identifier: Apache-2.0 */
/* What sampling costs: CPU over 20 s beside a bare loop that makes the same reads at the same
 * times, resident memory beside an idle process, and the segment. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <statgrab.h>

#include "base/text.h"
#include "bench.h"
#include "monitor/monitor.h"
#include "reads.h"

#define WINDOW_S 20
#define PERIOD_NS (100 * VAGUS_MILLISECOND_NS)
#define TICKS (WINDOW_S * 10)
#define COPIES 3
#define STAGGER_NS (PERIOD_NS / (2 * COPIES + 1)) /* no two processes tick at once */

/* What the built-in senses read at each tick, found out by stepping a monitor on a clock of its own
 * through as long a span. */
static struct reads schedule;

static int64_t virtual_ns;

static int64_t virtual_now_ns(void *arg)
{
    (void)arg;
    return virtual_ns;
}

static bool find_schedule(void)
{
    struct vagus_monitor *monitor;
    struct vagus_clock clock = {virtual_now_ns, virtual_now_ns, NULL};
    struct vagus_monitor_options options = {.size = sizeof(options),
                                            .agent_name = "bench",
                                            .clock = &clock,
                                            .flags = VAGUS_STEPPED | VAGUS_ANONYMOUS_SEGMENT};
    virtual_ns = VAGUS_SECOND_NS;
    memset(&schedule, 0, sizeof(schedule));
    if (vagus_monitor_open(&options, &monitor) != 0)
        return false;
    int64_t begin_ns = virtual_ns;
    int error = vagus_monitor_start(monitor); /* each tier's first reads are not of the window */
    host_trace(monitor->host, reads_note, &schedule);
    while (error == 0 && schedule.tick < TICKS) {
        error = vagus_step(monitor, &virtual_ns);
        schedule.tick = (unsigned)((virtual_ns - begin_ns + PERIOD_NS / 2) / PERIOD_NS) - 1;
    }
    vagus_monitor_close(monitor);
    return error == 0 && !schedule.overflowed && schedule.count > 0;
}

static int64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * VAGUS_SECOND_NS + t.tv_nsec;
}

static void sleep_until(int64_t deadline_ns)
{
    struct timespec t = {deadline_ns / VAGUS_SECOND_NS, deadline_ns % VAGUS_SECOND_NS};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0)
        ;
}

static void tick_bare(unsigned tick, unsigned *next)
{
    reads_repeat(&schedule, tick, next);
}

/* The libstatgrab loop: the same organs at the same cadence, by the library that most would take.
 */
static void tick_statgrab(unsigned tick, unsigned *next)
{
    static bool ready;
    size_t entries;
    (void)next;
    if (!ready)
        ready = sg_init(1) == SG_ERROR_NONE;
    sg_get_cpu_stats(&entries);
    sg_get_mem_stats(&entries);
    if (tick % 10 != 0)
        return;
    sg_get_load_stats(&entries);
    sg_get_swap_stats(&entries);
    sg_get_fs_stats(&entries);
}

typedef void tick_fn(unsigned tick, unsigned *next);

/* In a child: ticks for the window and prints its share of a core. */
static void run_loop(FILE *out, void *arg)
{
    tick_fn *tick_once = *(tick_fn **)arg;
    unsigned next = 0;
    reads_open(&schedule);
    tick_once(0, &next); /* what comes up the first time */
    next = 0;
    int64_t begin_ns = vagus_now_ns() + VAGUS_SECOND_NS / 2;
    sleep_until(begin_ns);
    int64_t used_ns = cpu_ns();
    for (unsigned tick = 0; tick < TICKS; tick++) {
        sleep_until(begin_ns + tick * PERIOD_NS);
        tick_once(tick, &next);
    }
    sleep_until(begin_ns + TICKS * PERIOD_NS);
    used_ns = cpu_ns() - used_ns;
    fprintf(out, "value %.17g\n", 100 * (double)used_ns / (double)(vagus_now_ns() - begin_ns));
}

static double take_share(struct child *child)
{
    double share = NAN;
    if (child->out == NULL || fscanf(child->out, "value %lf", &share) != 1)
        share = NAN;
    return child_end(child) ? share : NAN;
}

/* The middle one of three; NaN if one is missing. */
static double median_share(struct child children[COPIES])
{
    double a = take_share(&children[0]), b = take_share(&children[1]), c = take_share(&children[2]);
    if (isnan(a + b + c))
        return NAN;
    return fmax(fmin(a, b), fmin(fmax(a, b), c));
}

void bench_core(const struct bench_row *row, struct bench_result *result)
{
    tick_fn *bare = tick_bare, *statgrab = tick_statgrab;
    struct child monitors[COPIES] = {0}, floors[COPIES] = {0}, peer = {0};
    char seconds[8];
    (void)row;
    if (!find_schedule()) {
        result->why = "no monitor could be stepped";
        return;
    }
    snprintf(seconds, sizeof(seconds), "%d", WINDOW_S);
    for (unsigned i = 0; i < COPIES; i++) {
        child_exec(&monitors[i], (const char *const[]){child_client(), "sample", seconds, NULL});
        sleep_until(vagus_now_ns() + STAGGER_NS);
        child_fork(&floors[i], run_loop, &bare);
        sleep_until(vagus_now_ns() + STAGGER_NS);
    }
    child_fork(&peer, run_loop, &statgrab);
    result->value = median_share(monitors);
    result->floor = median_share(floors);
    result->peer = take_share(&peer);
    if (isnan(result->value))
        result->why = "vagus-bench-client could not measure it";
}

void bench_near(const struct bench_row *row, struct bench_result *result)
{
    child_measure(child_client(), "near", row->argument, result);
}

/* The value is what a monitor adds; the floor is the idle process that it is added to. */
void bench_rss(const struct bench_row *row, struct bench_result *result)
{
    struct bench_result idle = {NAN, NAN, NAN, NAN, NULL};
    (void)row;
    child_measure(child_client(), "rss", "idle", &idle);
    child_measure(child_client(), "rss", "monitor", result);
    result->floor = idle.value;
    result->value -= idle.value;
}

void bench_segment(const struct bench_row *row, struct bench_result *result)
{
    struct vagus_monitor *monitor;
    struct vagus_monitor_options options = {.size = sizeof(options),
                                            .flags = VAGUS_STEPPED | VAGUS_NO_COLLECTORS};
    (void)row;
    if (vagus_monitor_open(&options, &monitor) != 0) {
        result->why = "no monitor";
        return;
    }
    result->value = (double)monitor->segment.bytes;
    vagus_monitor_close(monitor);
}
