/* SPDX-License-Identifier: Apache-2.0 */
/* What a monitor costs that stands still just above a threshold, in a memory cgroup of 256 MiB and
 * with the kernel's wake-up turned off: a read each 5 ms. Beside it, those reads alone. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "cli/demo_cgroup.h"
#include "client.h"
#include "vagus/vagus.h"

#define MIB ((uint64_t)1 << 20)
#define LIMIT_BYTES (256 * MIB)
#define STANDING_BYTES (LIMIT_BYTES * 78 / 100) /* 2 % of the limit before the rule */
#define PERIOD_NS (5 * VAGUS_MILLISECOND_NS)

static const char policy[] = "agent: bench\n"
                             "limits: { kernel_wake: false }\n"
                             "rules:\n"
                             "  - name: memory-headroom\n"
                             "    metric: memory.headroom.ratio\n"
                             "    throttle: { below: 20%, clear: 25%, full: 10% }\n"
                             "    defer:    { below: 12%, clear: 16%, full: 5% }\n"
                             "    shutdown: { below: 5%,  clear: 10%, for: 100ms }\n";

static void listen_quietly(const struct vagus_signal *signal, void *arg)
{
    (void)signal;
    (void)arg;
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

static uint64_t read_usage(int fd)
{
    char text[32] = "";
    return pread(fd, text, sizeof(text) - 1, 0) > 0 ? strtoull(text, NULL, 10) : 0;
}

/* In percent of a core, from now on. */
static double share_of(int64_t span_ns, int fd, bool read)
{
    int64_t from_ns = vagus_now_ns(), used_ns = cpu_ns(), next_ns = from_ns;
    while (read && (next_ns += PERIOD_NS) < from_ns + span_ns) {
        sleep_until(next_ns);
        read_usage(fd);
    }
    sleep_until(from_ns + span_ns);
    used_ns = cpu_ns() - used_ns;
    return 100 * (double)used_ns / (double)(vagus_now_ns() - from_ns);
}

static struct vagus_monitor *open_near(void)
{
    struct vagus_monitor *monitor = NULL;
    struct vagus_monitor_options options = {.size = sizeof(options), .policy_text = policy};
    struct vagus_listener_desc listener = {.size = sizeof(listener),
                                           .name = "bench",
                                           .kinds = VAGUS_SIGNAL_ANY,
                                           .on_signal = listen_quietly};
    if (vagus_monitor_open(&options, &monitor) != 0)
        return NULL;
    if (vagus_listener_add(monitor, &listener, NULL) == 0 && vagus_monitor_start(monitor) == 0)
        return monitor;
    vagus_monitor_close(monitor);
    return NULL;
}

/* In the cgroup: fills it and measures. */
static int stand_near(const char *folder, int64_t span_ns)
{
    char path[1300];
    snprintf(path, sizeof(path), "%s/memory.usage_in_bytes", folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint64_t used = fd >= 0 ? read_usage(fd) : 0;
    if (used == 0 || used > STANDING_BYTES)
        return 1;
    double floor = share_of(span_ns, fd, true);
    struct vagus_monitor *monitor = open_near();
    if (monitor == NULL)
        return 1;
    used = read_usage(fd);
    size_t missing = used < STANDING_BYTES ? STANDING_BYTES - used : 4096;
    char *held = mmap(NULL, missing, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (held == MAP_FAILED)
        return 1;
    memset(held, 1, missing);
    sleep_until(vagus_now_ns() + VAGUS_SECOND_NS / 2);
    printf("value %.17g\nfloor %.17g\n", share_of(span_ns, fd, false), floor);
    bool raised = vagus_signal_level(monitor, VAGUS_SIGNAL_ANY) > 0;
    munmap(held, missing);
    int error = vagus_monitor_close(monitor);
    close(fd);
    return error != 0 || raised;
}

int client_near(unsigned long seconds)
{
    struct demo_cgroup cgroup;
    if (!demo_cgroup_enter(&cgroup, LIMIT_BYTES))
        return 1;
    int result = stand_near(cgroup.path, (int64_t)seconds * VAGUS_SECOND_NS);
    return demo_cgroup_leave(&cgroup) ? result : 1;
}
