/* SPDX-License-Identifier: Apache-2.0 */
/* A process that does as it is told, and tells what its own monitor feels: process_right.sh holds
 * that against psutil and /usr/bin/time. One command a line: touch MIB, lock MIB, threads N,
 * files N, burn SECONDS (a child, which then waits), reap, switch N, look, quit. Each is answered
 * by lines that end with "done". */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vagus/vagus.h"

static const char *const told[] = {
    "process.memory.usage",
    "process.memory.virtual",
    "process.memory.peak",
    "process.memory.swapped",
    "process.memory.locked",
    "process.memory.anonymous",
    "process.paging.faults.major",
    "process.thread.count",
    "process.unix.file_descriptor.count",
    "process.context_switches.voluntary",
    "process.context_switches.involuntary",
    "process.linux.oom_score",
    "process.linux.oom_score_adj",
    "process.start_time",
    "process.uptime",
    "process.cpu.time",
    "process.tree.count",
    "process.tree.thread.count",
    "process.tree.cpu.time",
    "process.tree.memory.usage",
    "process.tree.escaped",
    "system.paging.usage",
    "system.paging.in",
    "system.paging.out",
};

static int64_t stepped_ns = VAGUS_SECOND_NS;
static pid_t children[64];
static unsigned child_count;

static int64_t clock_now(void *arg)
{
    (void)arg;
    return stepped_ns;
}

static const struct vagus_clock clock_stepped = {clock_now, clock_now, NULL};

static char *hog(const char *mib)
{
    size_t bytes = (size_t)atol(mib) << 20;
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED) {
        madvise(memory, bytes, MADV_NOHUGEPAGE);
        memset(memory, 1, bytes);
    }
    return memory;
}

static void *wait_for_ever(void *arg)
{
    while (true)
        pause();
    return arg;
}

static void start_burning(double seconds)
{
    int ready[2];
    char byte = 0;
    struct timespec t = {0};
    if (child_count == 64 || pipe(ready) != 0)
        return;
    pid_t child = fork();
    if (child == 0) {
        while ((double)t.tv_sec + (double)t.tv_nsec / 1e9 < seconds)
            clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        (void)!write(ready[1], &byte, 1);
        wait_for_ever(NULL);
    }
    children[child_count++] = child;
    (void)!read(ready[0], &byte, 1);
    close(ready[0]);
    close(ready[1]);
}

static void reap(void)
{
    while (child_count > 0) {
        kill(children[--child_count], SIGKILL);
        waitpid(children[child_count], NULL, 0);
    }
}

static void look(struct vagus_monitor *monitor)
{
    stepped_ns += 60 * VAGUS_SECOND_NS; /* every tier is due */
    vagus_step(monitor, NULL);
    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
        struct vagus_reading reading = {0};
        int error = vagus_reading_get(monitor, told[i], NULL, &reading);
        if (error == 0 && vagus_reading_state(&reading, stepped_ns) == VAGUS_STATE_OK)
            printf("%s %.9f\n", told[i], reading.value);
        else
            printf("%s %s\n", told[i],
                   error == 0 ? vagus_state_name(vagus_reading_state(&reading, stepped_ns))
                              : "missing");
    }
}

static void obey(struct vagus_monitor *monitor, const char *command, const char *argument)
{
    pthread_t thread;
    if (strcmp(command, "touch") == 0)
        hog(argument);
    else if (strcmp(command, "lock") == 0)
        printf("locked %d\n", mlock(hog(argument), (size_t)atol(argument) << 20) == 0);
    else if (strcmp(command, "burn") == 0)
        start_burning(atof(argument));
    else if (strcmp(command, "reap") == 0)
        reap();
    else if (strcmp(command, "look") == 0)
        look(monitor);
    for (int i = 0; i < atoi(argument); i++) {
        if (strcmp(command, "threads") == 0)
            pthread_create(&thread, NULL, wait_for_ever, NULL);
        else if (strcmp(command, "files") == 0)
            (void)!dup(1);
        else if (strcmp(command, "switch") == 0)
            nanosleep(&(struct timespec){.tv_nsec = 1000}, NULL);
    }
}

int main(void)
{
    struct vagus_monitor *monitor;
    char line[128], command[32], argument[32];
    if (vagus_monitor_open(
            &(struct vagus_monitor_options){.size = sizeof(struct vagus_monitor_options),
                                            .policy_text = "rules: []\n",
                                            .clock = &clock_stepped,
                                            .flags = VAGUS_STEPPED | VAGUS_ANONYMOUS_SEGMENT},
            &monitor) != 0 ||
        vagus_monitor_start(monitor) != 0)
        return 1;
    while (fgets(line, sizeof(line), stdin) != NULL && strncmp(line, "quit", 4) != 0) {
        argument[0] = '\0';
        if (sscanf(line, "%31s %31s", command, argument) >= 1)
            obey(monitor, command, argument);
        puts("done");
        fflush(stdout);
    }
    reap();
    return vagus_monitor_close(monitor) != 0;
}
