/* SPDX-License-Identifier: Apache-2.0 */
/* What each sense costs for one sample of all its tiers, warm and after a sleep, beside bare reads
 * of the same files: of whatever stands in the table of collectors. */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "bench_sense.h"
#include "host/paths.h"
#include "monitor/monitor.h"
#include "reads.h"
#include "sense/inside.h"

#define ALL_DUE 0x3fu
#define COLD_ROUNDS 11
#define COLD_SLEEP_NS (100 * VAGUS_MILLISECOND_NS)

/* A monitor that has nothing but the senses in question, and what these read. */
struct subject {
    struct vagus_monitor *monitor;
    struct host *host;
    struct reads reads;
};

static struct subject subject; /* large */

static void release(void *host)
{
    host_unref(host);
}

static void release_watch(void *watch)
{
    host_unref(((struct host_watch *)watch)->host);
}

/* Those of paths once for each, as a monitor has them. */
static void add_sense(struct sense *sense, size_t builtin)
{
    const struct vagus_collector_desc *desc = sense_builtin[builtin];
    if (!sense_is_of_paths[builtin]) {
        sense_add(sense, desc, host_ref(subject.host), release);
        return;
    }
    for (size_t i = 0; i < host_path_count(subject.host); i++) {
        char name[64];
        struct vagus_collector_desc one = *desc;
        snprintf(name, sizeof(name), "%.24s_%zu", desc->name, i);
        one.name = name;
        host_ref(subject.host);
        sense_add(sense, &one, host_path_watch(subject.host, i), release_watch);
    }
}

/* All senses if name is NULL. */
static bool subject_open(const char *name, const char *root)
{
    static const char *const paths[] = {".", "/tmp"};
    struct host_options wanted = {
        .root = root, .watch_paths = paths, .watch_path_count = 2, .per_core = true};
    struct vagus_monitor_options options = {.size = sizeof(options),
                                            .agent_name = "bench",
                                            .metrics_max = 4096, /* 512 CPUs, 100 disks */
                                            .segment_bytes = 64u << 20,
                                            .flags = VAGUS_STEPPED | VAGUS_NO_COLLECTORS |
                                                     VAGUS_ANONYMOUS_SEGMENT};
    int error = vagus_monitor_open(&options, &subject.monitor);
    if (error != 0)
        return false;
    if (host_open(&wanted, &subject.host) != 0) {
        vagus_monitor_close(subject.monitor);
        return false;
    }
    struct sense *sense = subject.monitor->sense;
    for (size_t i = 0; sense_builtin[i] != NULL; i++)
        if (name == NULL || strcmp(sense_builtin[i]->name, name) == 0)
            add_sense(sense, i);
    /* What comes up the first time is over, and instances are known. */
    for (unsigned i = 0; i < 2; i++) {
        sense_sample(sense, ALL_DUE);
        sense_take_in(sense, ALL_DUE, vagus_now_ns());
    }
    subject.reads.root = root;
    host_trace(subject.host, reads_note, &subject.reads);
    sense_sample(sense, ALL_DUE);
    host_trace(subject.host, NULL, NULL);
    reads_open(&subject.reads);
    return true;
}

/* True if this machine does not have what the sense feels: then a minute passes between two looks,
 * and what one of them costs says nothing. */
static bool subject_absent(struct bench_result *result)
{
    bool absent = true;
    for (uint32_t i = 0; i < sense_count(subject.monitor->sense); i++) {
        const struct vagus_collector *collector = subject.monitor->sense->collectors[i];
        absent &= collector->unsupported || collector->open_error == VAGUS_EUNSUPPORTED;
    }
    if (absent)
        result->why = "this machine has nothing of the kind";
    return absent;
}

static void subject_close(void)
{
    reads_close(&subject.reads);
    vagus_monitor_close(subject.monitor);
    host_unref(subject.host);
}

static void loop_sense(void *arg, uint64_t iterations)
{
    (void)arg;
    MEASURE_LOOP(iterations, sense_sample(subject.monitor->sense, ALL_DUE))
}

static void loop_bare(void *arg, uint64_t iterations)
{
    (void)arg;
    for (uint64_t i = 0; i < iterations; i++) {
        unsigned next = 0;
        reads_repeat(&subject.reads, 0, &next);
    }
}

/* Of a subject that is open; peer may be NULL. */
static void measure_warm(void (*peer)(void *arg, uint64_t iterations), struct bench_result *result)
{
    struct contender contenders[] = {
        {.loop = loop_sense}, {.loop = loop_bare}, {.loop = peer != NULL ? peer : loop_bare}};
    if (!measure(contenders, peer != NULL ? 3 : 2, 1)) {
        result->why = "the machine was too busy";
        return;
    }
    result->value = contenders[0].ns;
    if (subject.reads.count > 0)
        result->floor = contenders[1].ns;
    if (peer != NULL)
        result->peer = contenders[2].ns;
}

void bench_sense_warm(const struct bench_row *row, struct bench_result *result)
{
    if (!subject_open(row->argument, NULL)) {
        result->why = "no monitor";
        return;
    }
    if (!subject_absent(result))
        measure_warm(NULL, result);
    subject_close();
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double time_after_sleep(void (*loop)(void *arg, uint64_t iterations))
{
    nanosleep(&(struct timespec){.tv_nsec = COLD_SLEEP_NS}, NULL);
    int64_t begin_ns = vagus_now_ns();
    loop(NULL, 1);
    return (double)(vagus_now_ns() - begin_ns);
}

void bench_sense_cold(const struct bench_row *row, struct bench_result *result)
{
    double value[COLD_ROUNDS], floor[COLD_ROUNDS];
    if (!subject_open(row->argument, NULL)) {
        result->why = "no monitor";
        return;
    }
    if (subject_absent(result)) {
        subject_close();
        return;
    }
    bool bare = subject.reads.count > 0;
    for (unsigned i = 0; i < COLD_ROUNDS; i++) {
        value[i] = time_after_sleep(loop_sense);
        floor[i] = bare ? time_after_sleep(loop_bare) : NAN;
    }
    qsort(value, COLD_ROUNDS, sizeof(value[0]), ascending);
    result->value = value[COLD_ROUNDS / 2];
    if (bare) {
        qsort(floor, COLD_ROUNDS, sizeof(floor[0]), ascending);
        result->floor = floor[COLD_ROUNDS / 2];
    }
    subject_close();
}

/* --- Peers --- */

static void measure_peer(FILE *out, void *arg)
{
    struct bench_result result = {NAN, NAN, NAN, NAN, NULL};
    const struct bench_row *row = arg;
    if (!subject_open(NULL, NULL))
        return;
    measure_warm(sense_peer_loop(row->argument), &result);
    fprintf(out, "%.17g %.17g %.17g\n", result.value, result.floor, result.peer);
    subject_close();
}

/* In a process of its own, since these libraries keep what they once allocated. */
static bool measure_apart(void (*body)(FILE *out, void *arg), void *arg,
                          struct bench_result *result)
{
    struct child child;
    double value = NAN, floor = NAN, peer = NAN;
    bool told = child_fork(&child, body, arg) &&
                fscanf(child.out, "%lf %lf %lf", &value, &floor, &peer) == 3;
    if (!child_end(&child) || !told)
        return false;
    result->value = value;
    result->floor = floor;
    result->peer = peer;
    return true;
}

void bench_sense_peer(const struct bench_row *row, struct bench_result *result)
{
    struct bench_row copy = *row;
    if (!measure_apart(measure_peer, &copy, result))
        result->why = "the process that measures it failed";
    if (strcmp(row->argument, "psutil") == 0)
        result->peer = sense_peer_psutil_ns();
}

/* --- Growth --- */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void *wait_at_gate(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    return NULL;
}

static void measure_threads(FILE *out, void *arg)
{
    struct bench_result result = {NAN, NAN, NAN, NAN, NULL};
    const struct bench_row *row = arg;
    long wanted = strtol(row->argument, NULL, 10);
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 65536);
    pthread_mutex_lock(&gate); /* until this process ends */
    for (long i = 0; i < wanted; i++)
        if (pthread_create(&thread, &attributes, wait_at_gate, NULL) != 0)
            return;
    if (!subject_open(NULL, NULL))
        return;
    measure_warm(NULL, &result);
    fprintf(out, "%.17g %.17g %.17g\n", result.value, result.floor, result.peer);
}

void bench_sense_threads(const struct bench_row *row, struct bench_result *result)
{
    struct bench_row copy = *row;
    if (!measure_apart(measure_threads, &copy, result))
        result->why = "so many threads cannot be made here";
}

void bench_sense_fixture(const struct bench_row *row, struct bench_result *result)
{
    char root[64];
    unsigned cpus = 1, disks = 1;
    if (sscanf(row->argument, "cpus %u disks %u", &cpus, &disks) != 2 ||
        !sense_machine_make(root, sizeof(root), cpus, disks)) {
        result->why = "no folder for a machine";
        return;
    }
    if (subject_open(NULL, root)) {
        measure_warm(NULL, result);
        subject_close();
    }
    sense_machine_remove(root);
}
