/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a segment as another process does, by its file: 64 MiB with a thousand metrics and a pool
 * that is full. The floors read as many bytes without looking at them. */
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "bench.h"
#include "metrics/metrics.h"
#include "report/report.h"

#define METRICS 1000
#define SEGMENT_BYTES (64u << 20)
#define PROCESS_RUNS 101

extern char **environ;

/* The whole run has one; it is made by the first row that needs it. */
static struct segment segment;
static struct metrics metrics;
static char folder[64];
static struct segment_reader attached;
static struct vagus_system_snapshot read_out;
static struct report report;
static char text_out[REPORT_JSON_BYTES_MAX];
static int bare_fd = -1;

/* Values that no codec foresees, until there is no place left that was never used. */
static void fill_pool(int64_t now_ns)
{
    uint64_t random = 88172645463325252u;
    uint32_t places = metrics.store.places_count;
    int64_t at_ns = now_ns - 36 * 3600 * VAGUS_SECOND_NS;
    for (; metrics.store.places_used < places; at_ns += VAGUS_SECOND_NS)
        for (uint32_t i = 0; i < METRICS && metrics.store.places_used < places; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            metrics_put(&metrics, i, at_ns, (double)(random >> 12));
        }
    for (int i = 0; i < 60; i++) /* and the last minute, as the organs' lines show it */
        for (uint32_t k = 0; k < METRICS; k++)
            metrics_put(&metrics, k, now_ns + (i - 60) * VAGUS_SECOND_NS, i);
}

static void define_all(void)
{
    static const char *const organs[] = {"memory.headroom.ratio", "process.cpu.utilization",
                                         "process.unix.file_descriptor.count", "agent.tokens"};
    for (uint32_t i = 0; i < METRICS; i++) {
        char name[64];
        const char *why;
        struct vagus_metric_desc desc = {.name = name, .kind = VAGUS_GAUGE, .tier = VAGUS_TIER_1S};
        snprintf(name, sizeof(name), "bench.metric.%u", i);
        if (i % 250 == 249) /* not the first that is found */
            desc.name = organs[i / 250];
        metrics_define(&metrics, &desc, METRIC_SENSED, &why);
    }
}

static void remove_folder(void)
{
    segment_discard(&segment);
    rmdir(folder);
}

static const char *begin(void)
{
    static bool begun;
    struct segment_options options = {.dir = folder,
                                      .agent = "bench",
                                      .bytes = SEGMENT_BYTES,
                                      .metrics_max = METRICS + 8,
                                      .clock = &clock_of_machine};
    if (begun)
        return NULL;
    strcpy(folder, "/dev/shm/vagus-bench-XXXXXX");
    if (mkdtemp(folder) == NULL || segment_create(&options, &segment) != 0)
        return "no room in /dev/shm";
    if (metrics_init(&metrics, &segment, METRICS + 8, 4, cells_door_take(), &clock_of_machine) != 0)
        return "no memory";
    atexit(remove_folder);
    define_all();
    fill_pool(vagus_now_ns());
    struct vagus_system_snapshot snapshot = {.size = sizeof(snapshot),
                                             .version = VAGUS_SNAPSHOT_VERSION,
                                             .judged = VAGUS_VERDICT_OK,
                                             .published_ns = vagus_now_ns()};
    snapshot.good_until_ns = snapshot.published_ns + 3600 * VAGUS_SECOND_NS;
    segment_publish(segment_slots(&segment), 1, &snapshot);
    segment_run(&segment);
    bare_fd = open(segment.path, O_RDONLY | O_CLOEXEC);
    begun = bare_fd >= 0 && segment_attach(segment.path, &attached) == 0;
    return begun ? NULL : "the segment cannot be opened";
}

static void first_read(void *arg, uint64_t iterations)
{
    (void)arg;
    MEASURE_LOOP(iterations, {
        struct segment_reader reader;
        if (segment_attach(segment.path, &reader) == 0)
            segment_read_snapshot(&reader, &read_out);
        segment_detach(&reader);
    });
}

static void first_read_bare(void *arg, uint64_t iterations)
{
    (void)arg;
    MEASURE_LOOP(iterations, {
        int fd = open(segment.path, O_RDONLY | O_CLOEXEC);
        ssize_t got = pread(fd, text_out, sizeof(struct segment_header), 0);
        got += pread(fd, &read_out, sizeof(read_out), SEGMENT_HEADER_BYTES);
        __asm__ volatile("" ::"r"(got));
        close(fd);
    });
}

static void read_again(void *arg, uint64_t iterations)
{
    (void)arg;
    MEASURE_LOOP(iterations, segment_read_snapshot(&attached, &read_out));
}

static void read_bare(void *arg, uint64_t iterations)
{
    (void)arg;
    MEASURE_LOOP(iterations, {
        ssize_t got = pread(bare_fd, &read_out, sizeof(read_out), SEGMENT_HEADER_BYTES);
        __asm__ volatile("" ::"r"(got));
    });
}

/* All that `vagus health` does between attaching and printing. */
static void health(void *arg, uint64_t iterations)
{
    (void)arg;
    MEASURE_LOOP(iterations, {
        struct text text;
        report_load(&report, &attached, vagus_now_ns());
        text_init(&text, text_out, sizeof(text_out));
        report_health_text(&report, false, 0, &text);
    });
}

static void take(struct contender *contenders, unsigned count, struct bench_result *result)
{
    if (!measure(contenders, count, 1)) {
        result->why = "no memory";
        return;
    }
    result->value = contenders[0].ns;
    if (count > 1)
        result->floor = contenders[1].ns;
}

void bench_attach(const struct bench_row *row, struct bench_result *result)
{
    if ((result->why = begin()) != NULL)
        return;
    if (strcmp(row->argument, "first") == 0)
        take((struct contender[]){{.loop = first_read}, {.loop = first_read_bare}}, 2, result);
    else if (strcmp(row->argument, "again") == 0)
        take((struct contender[]){{.loop = read_again}, {.loop = read_bare}}, 2, result);
    else
        take((struct contender[]){{.loop = health}}, 1, result);
}

/* --- A whole process, beside one that does nothing. --- */

static int64_t run_once(const char *const arguments[])
{
    posix_spawn_file_actions_t actions;
    pid_t pid = 0;
    int status = -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    int64_t begin_ns = vagus_now_ns();
    bool ran =
        posix_spawnp(&pid, arguments[0], &actions, NULL, (char *const *)arguments, environ) == 0 &&
        waitpid(pid, &status, 0) == pid;
    int64_t took_ns = vagus_now_ns() - begin_ns;
    posix_spawn_file_actions_destroy(&actions);
    return ran && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? took_ns : -1;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

void bench_health_process(const struct bench_row *row, struct bench_result *result)
{
    int64_t took_ns[2][PROCESS_RUNS];
    (void)row;
    if ((result->why = begin()) != NULL)
        return;
    const char *const health_arguments[] = {child_command(), "health", "--dir", folder, NULL};
    const char *const true_arguments[] = {"true", NULL};
    for (unsigned i = 0; i < PROCESS_RUNS; i++) {
        took_ns[0][i] = run_once(health_arguments);
        took_ns[1][i] = run_once(true_arguments);
        if (took_ns[0][i] < 0 || took_ns[1][i] < 0) {
            result->why = "the command could not be run";
            return;
        }
    }
    qsort(took_ns[0], PROCESS_RUNS, sizeof(took_ns[0][0]), by_size);
    qsort(took_ns[1], PROCESS_RUNS, sizeof(took_ns[1][0]), by_size);
    result->value = (double)took_ns[0][PROCESS_RUNS / 2];
    result->floor = (double)took_ns[1][PROCESS_RUNS / 2];
}
