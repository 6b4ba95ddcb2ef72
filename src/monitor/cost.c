/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor's own cost, and its budget. Reads near a limit are outside of it: who is short of
 * memory has other worries than half a percent of a core. */
#include <time.h>

#include "monitor/monitor.h"

int64_t cost_thread_cpu_ns(void)
{
    struct timespec used;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used) != 0)
        return -1;
    return used.tv_sec * VAGUS_SECOND_NS + used.tv_nsec;
}

static int64_t clock_of(const struct vagus_monitor *monitor)
{
    return monitor->cpu_clock != NULL ? monitor->cpu_clock() : -1;
}

/* Between two ticks nothing else runs, so two looks tell of all reads near a limit in between,
 * and where there are none it costs nothing. */
void cost_near_begin(struct vagus_monitor *monitor)
{
    if (monitor->near_counted)
        return;
    monitor->near_counted = true;
    monitor->cpu_mark_ns = clock_of(monitor);
}

void cost_near_end(struct vagus_monitor *monitor)
{
    if (!monitor->near_counted)
        return;
    monitor->near_counted = false;
    int64_t used_ns = clock_of(monitor);
    if (used_ns > monitor->cpu_mark_ns)
        monitor->near_cpu_ns += used_ns - monitor->cpu_mark_ns;
}

static void put(struct vagus_monitor *monitor, int32_t index, int64_t now_ns, double value)
{
    if (index >= 0)
        metrics_put(&monitor->metrics, (uint32_t)index, now_ns, value);
}

static void stretch(struct vagus_monitor *monitor, uint32_t to, int64_t now_ns)
{
    schedule_stretch(&monitor->schedule, to);
    monitor->metrics.stretch = to;
    sense_stretch(monitor->sense, to, now_ns);
    monitor_note_drop(monitor, SEGMENT_NOTE_PACE);
    if (to > 1)
        monitor_note(monitor, SEGMENT_NOTE_PACE,
                     "the monitor went beyond its budget of CPU (monitor.cpu): its tiers are %u "
                     "times slower, but not what is near a limit",
                     to);
    else
        monitor_note(monitor, SEGMENT_NOTE_INFO,
                     "the monitor went beyond its budget of CPU and keeps to it again: its tiers "
                     "have their own pace");
}

void cost_step(struct vagus_monitor *monitor, int64_t now_ns)
{
    put(monitor, monitor->near_index, now_ns, (double)sense_near_reads(monitor->sense));
    put(monitor, monitor->missed_index, now_ns, (double)monitor->schedule.missed);
    put(monitor, monitor->stretch_index, now_ns, monitor->schedule.stretch);
    int64_t used_ns = clock_of(monitor);
    if (used_ns < 0) {
        /* Stepped by the host: the thread's time is not ours alone. Else this is the first step,
         * still on the thread that starts it. */
        if ((monitor->flags & VAGUS_STEPPED) != 0 && monitor->cpu_index >= 0)
            metrics_put_missing(&monitor->metrics, (uint32_t)monitor->cpu_index, now_ns,
                                VAGUS_EUNSUPPORTED);
        return;
    }
    int64_t cpu_ns = used_ns + sense_lanes_cpu_ns(monitor->sense);
    if (monitor->cpu_at_ns != 0 && now_ns > monitor->cpu_at_ns)
        put(monitor, monitor->cpu_index, now_ns,
            (double)(cpu_ns - monitor->cpu_ns) / (double)(now_ns - monitor->cpu_at_ns));
    monitor->cpu_ns = cpu_ns;
    monitor->cpu_at_ns = now_ns;
    uint32_t before = monitor->pace.stretch;
    uint32_t after = pace_note(&monitor->pace, cpu_ns - monitor->near_cpu_ns, now_ns);
    if (after != before)
        stretch(monitor, after, now_ns);
}
