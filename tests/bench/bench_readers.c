/* SPDX-License-Identifier: Apache-2.0 */
/* What ten readers at 10 Hz cost the agent: stretches in which they read the snapshot from their
 * own processes, and stretches in which they are stopped, in turn. The floors are those without. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "segment/reader.h"
#include "vagus/vagus.h"

#define READERS 10
#define ROUNDS 6
#define ROUND_NS (500 * VAGUS_MILLISECOND_NS)
#define BATCH 100000

static struct vagus_counter counter;

static int64_t cpu_ns(clockid_t clock)
{
    struct timespec at;
    clock_gettime(clock, &at);
    return at.tv_sec * VAGUS_SECOND_NS + at.tv_nsec;
}

/* In a process of its own, until it is killed. */
static void read_forever(const char *path)
{
    static struct vagus_system_snapshot snapshot;
    struct segment_reader reader;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (segment_attach(path, &reader) != 0)
        _exit(1);
    for (;;) {
        segment_read_snapshot(&reader, &snapshot);
        nanosleep(&(struct timespec){.tv_nsec = 100 * VAGUS_MILLISECOND_NS}, NULL);
    }
}

static void signal_all(const pid_t *readers, int number)
{
    for (int i = 0; i < READERS; i++)
        if (readers[i] > 0)
            kill(readers[i], number);
}

struct stretch {
    double record_ns; /* of one vagus_add() */
    double sampler;   /* share of a core that the monitor's threads took */
};

static struct stretch stretch(void)
{
    struct stretch measured = {.record_ns = 1e9};
    int64_t begin_ns = vagus_now_ns(), end_ns = begin_ns + ROUND_NS;
    int64_t others_ns = cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns(CLOCK_THREAD_CPUTIME_ID);
    while (vagus_now_ns() < end_ns) {
        int64_t before_ns = vagus_now_ns();
        MEASURE_LOOP(BATCH, vagus_add(counter, 1));
        double each_ns = (double)(vagus_now_ns() - before_ns) / BATCH;
        measured.record_ns = each_ns < measured.record_ns ? each_ns : measured.record_ns;
        nanosleep(&(struct timespec){.tv_nsec = 2 * VAGUS_MILLISECOND_NS}, NULL);
    }
    others_ns = cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns(CLOCK_THREAD_CPUTIME_ID) - others_ns;
    measured.sampler = 100.0 * (double)others_ns / (double)(vagus_now_ns() - begin_ns);
    return measured;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double values[ROUNDS])
{
    qsort(values, ROUNDS, sizeof(*values), by_size);
    return (values[ROUNDS / 2 - 1] + values[ROUNDS / 2]) / 2;
}

static void compare(const char *path, bool sampler, struct bench_result *result)
{
    pid_t readers[READERS];
    double with[ROUNDS], without[ROUNDS];
    for (int i = 0; i < READERS; i++)
        if ((readers[i] = fork()) == 0)
            read_forever(path);
    for (int i = 0; i < ROUNDS; i++) {
        signal_all(readers, SIGCONT);
        struct stretch measured = stretch();
        with[i] = sampler ? measured.sampler : measured.record_ns;
        signal_all(readers, SIGSTOP);
        measured = stretch();
        without[i] = sampler ? measured.sampler : measured.record_ns;
    }
    signal_all(readers, SIGKILL);
    for (int i = 0; i < READERS; i++)
        if (readers[i] > 0)
            waitpid(readers[i], NULL, 0);
    result->value = median(with);
    result->floor = median(without);
}

static bool on_found(const struct segment_found *found, void *arg)
{
    memcpy(arg, found->path, sizeof(found->path));
    return false;
}

/* Runs in a copy of this process, which may fork on. */
static void measure_readers(FILE *out, void *arg)
{
    char folder[] = "/dev/shm/vagus-bench-XXXXXX", policy[256];
    struct segment_found found = {.path = ""};
    struct bench_result result = {0};
    struct vagus_monitor *monitor = NULL;
    if (mkdtemp(folder) == NULL)
        return;
    snprintf(policy, sizeof(policy), "agent: bench\nextends: default\nsegment:\n  dir: %s\n",
             folder);
    struct vagus_monitor_options options = {.size = sizeof(options), .policy_text = policy};
    if (vagus_monitor_open(&options, &monitor) == 0) {
        counter = vagus_counter_define(
            monitor, &(struct vagus_metric_desc){.name = "bench.records", .unit = "{record}"});
        if (vagus_monitor_start(monitor) == 0 && segment_list(folder, on_found, found.path) >= 0 &&
            found.path[0] != '\0') {
            compare(found.path, arg != NULL, &result);
            fprintf(out, "value %.17g\nfloor %.17g\n", result.value, result.floor);
        }
        vagus_monitor_close(monitor);
    }
    unlink(found.path);
    rmdir(folder);
}

void bench_readers(const struct bench_row *row, struct bench_result *result)
{
    struct child child;
    static int yes;
    bool sampler = strcmp(row->argument, "sampler") == 0;
    if (!child_fork(&child, measure_readers, sampler ? &yes : NULL)) {
        result->why = "no process could be made";
        return;
    }
    if (fscanf(child.out, "value %lf floor %lf", &result->value, &result->floor) != 2)
        result->why = "no monitor could be opened";
    child_end(&child);
}
