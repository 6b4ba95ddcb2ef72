/* SPDX-License-Identifier: Apache-2.0 */
/* What a monitor costs a process that does nothing else: CPU and resident memory. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "vagus/vagus.h"

static void listen_quietly(const struct vagus_signal *signal, void *arg)
{
    (void)signal;
    (void)arg;
}

/* As an agent would: the default policy, its own threads, one service that listens. */
static struct vagus_monitor *open_real(void)
{
    struct vagus_monitor *monitor = NULL;
    struct vagus_monitor_options options = {.size = sizeof(options), .agent_name = "bench"};
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

static void sleep_ns(int64_t ns)
{
    struct timespec left = {ns / VAGUS_SECOND_NS, ns % VAGUS_SECOND_NS};
    while (nanosleep(&left, &left) != 0)
        ;
}

static int64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * VAGUS_SECOND_NS + t.tv_nsec;
}

int client_sample(unsigned long seconds)
{
    struct vagus_monitor *monitor = open_real();
    if (monitor == NULL)
        return 1;
    sleep_ns(VAGUS_SECOND_NS / 2); /* opening and the first samples are over */
    int64_t from_ns = vagus_now_ns(), used_ns = cpu_ns();
    sleep_ns((int64_t)seconds * VAGUS_SECOND_NS);
    used_ns = cpu_ns() - used_ns;
    printf("value %.17g\n", 100 * (double)used_ns / (double)(vagus_now_ns() - from_ns));
    return vagus_monitor_close(monitor);
}

/* Resident bytes of all mappings but shared writable ones, which are the segment. The counters in
 * /proc/self/status lag by some hundred KiB; these do not. */
static double resident_bytes(void)
{
    double bytes = 0;
    char line[512], mode[8] = "";
    unsigned long kib;
    FILE *smaps = fopen("/proc/self/smaps", "r");
    if (smaps == NULL)
        return -1;
    while (fgets(line, sizeof(line), smaps) != NULL)
        if (sscanf(line, "%*x-%*x %7s", mode) == 1)
            continue;
        else if (sscanf(line, "Rss: %lu kB", &kib) == 1 && strncmp(mode, "rw-s", 4) != 0)
            bytes += (double)kib * 1024;
    fclose(smaps);
    return bytes;
}

int client_rss(bool idle)
{
    struct vagus_monitor *monitor = idle ? NULL : open_real();
    if (!idle && monitor == NULL)
        return 1;
    sleep_ns(idle ? 0 : 3 * VAGUS_SECOND_NS); /* each tier but the slow two came round */
    double bytes = resident_bytes();
    if (bytes < 0)
        return 1;
    printf("value %.17g\n", bytes);
    return vagus_monitor_close(monitor);
}
