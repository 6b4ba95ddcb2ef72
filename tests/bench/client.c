/* SPDX-License-Identifier: Apache-2.0 */
/* The public calls as a program meets them that was linked to libvagus.so: inlined recording whose
 * thread-local address comes from the GOT, everything else through the PLT. One verb per run; it
 * prints "key number" lines for the row that asked. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "measure.h"
#include "peer.h"
#include "vagus/vagus.h"

#define IN_TURN 8

/* As an agent holds them: read from memory where they are used. */
static struct {
    struct vagus_counter counters[IN_TURN];
    struct vagus_gauge gauge;
    struct vagus_histogram histogram;
    struct vagus_operation operation;
    struct vagus_monitor *monitor;
    const char *name; /* of the first counter */
} metrics;

static __thread uint64_t bare_cells[IN_TURN];
static double bare_gauge;
static uint64_t shared_word;
static uint32_t client_threads_max; /* 0: as many as by default */

/* --- Recording. The handle and, for the floor, the cell's address are held by the loop. --- */

static void add(void *arg, uint64_t iterations)
{
    struct vagus_counter counter = metrics.counters[0];
    (void)arg;
    MEASURE_LOOP(iterations, vagus_add(counter, 1));
}

static inline void bare_add(uint64_t *cell)
{
    uint64_t value = __atomic_load_n(cell, __ATOMIC_RELAXED) + 1;
    __atomic_store_n(cell, value, __ATOMIC_RELAXED);
}

static void add_bare(void *arg, uint64_t iterations)
{
    uint64_t *cell = &bare_cells[0];
    (void)arg;
    __asm__("" : "+r"(cell)); /* held, as the handle is */
    MEASURE_LOOP(iterations, bare_add(cell));
}

static void add_shared(void *arg, uint64_t iterations)
{
    (void)arg;
    MEASURE_LOOP(iterations, __atomic_fetch_add(&shared_word, 1, __ATOMIC_RELAXED));
}

/* Eight counters in turn: nothing waits for its own last store, and handles come from memory. */
static void add_in_turn(void *arg, uint64_t iterations)
{
    (void)arg;
#define ADD(i) vagus_add(metrics.counters[i], 1)
    MEASURE_LOOP(iterations, (ADD(0), ADD(1), ADD(2), ADD(3), ADD(4), ADD(5), ADD(6), ADD(7)));
#undef ADD
}

static void add_bare_in_turn(void *arg, uint64_t iterations)
{
    (void)arg;
#define ADD(i) bare_add(&bare_cells[i])
    MEASURE_LOOP(iterations, (ADD(0), ADD(1), ADD(2), ADD(3), ADD(4), ADD(5), ADD(6), ADD(7)));
#undef ADD
}

static void set(void *arg, uint64_t iterations)
{
    struct vagus_gauge gauge = metrics.gauge;
    double value = *(const double *)arg;
    MEASURE_LOOP(iterations, vagus_set(gauge, value));
}

static void set_bare(void *arg, uint64_t iterations)
{
    double value = *(const double *)arg;
    MEASURE_LOOP(iterations, __atomic_store(&bare_gauge, &value, __ATOMIC_RELAXED));
}

/* Values of a thousand different magnitudes, as durations are. */
#define VALUES 1024
static double values[VALUES];

static void make_values(void)
{
    uint64_t seed = 88172645463325252u;
    for (unsigned i = 0; i < VALUES; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        values[i] = (double)(1 + (seed >> (24 + seed % 32)));
    }
}

static void record(void *arg, uint64_t iterations)
{
    struct vagus_histogram histogram = metrics.histogram;
    (void)arg;
    MEASURE_LOOP(iterations, vagus_record_value(histogram, values[left_ % VALUES]));
}

/* The least that keeps a distribution and its sum: log-linear buckets, four to an octave, in the
 * thread's own memory, the loop holding its address. */
static __thread struct log_linear {
    double sum;
    uint64_t counts[256];
} bare_histogram;

static inline void bare_record(struct log_linear *histogram, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    uint64_t bucket = (bits >> 50) - (UINT64_C(1023) << 2);
    if (bucket >= 256)
        return;
    uint64_t *count = &histogram->counts[bucket];
    double sum;
    __atomic_load(&histogram->sum, &sum, __ATOMIC_RELAXED);
    sum += value;
    __atomic_store(&histogram->sum, &sum, __ATOMIC_RELAXED);
    __atomic_store_n(count, __atomic_load_n(count, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
}

static void record_bare(void *arg, uint64_t iterations)
{
    struct log_linear *histogram = &bare_histogram;
    (void)arg;
    __asm__("" : "+r"(histogram));
    MEASURE_LOOP(iterations, bare_record(histogram, values[left_ % VALUES]));
}

static void record_by_name(void *arg, uint64_t iterations)
{
    (void)arg;
    MEASURE_LOOP(iterations, vagus_record(metrics.monitor, metrics.name, 1));
}

/* The least that tells one name from another: as if there were but one. */
static void record_by_name_bare(void *arg, uint64_t iterations)
{
    static char only[] = "bench.counter0";
    (void)arg;
    MEASURE_LOOP(iterations,
                 (strcmp(metrics.name, only) == 0 ? bare_add(&bare_cells[0]) : (void)0));
}

static void operate(void *arg, uint64_t iterations)
{
    (void)arg;
    MEASURE_LOOP(iterations, ({
                     struct vagus_span span = vagus_span_begin(&metrics.operation);
                     vagus_span_end(&span, true);
                 }));
}

static void read_clock_twice(void *arg, uint64_t iterations)
{
    static int64_t took_ns;
    (void)arg;
    MEASURE_LOOP(iterations, took_ns = -vagus_now_ns() + vagus_now_ns());
    __asm__ volatile("" ::"r"(took_ns));
}

static void add_by_call(void *arg, uint64_t iterations)
{
    struct vagus_counter counter = metrics.counters[0];
    (void)arg;
    MEASURE_LOOP(iterations, vagus_counter_add(counter, 1));
}

__attribute__((noinline)) static void bare_add_by_call(uint64_t *cell)
{
    bare_add(cell);
    __asm__ volatile("");
}

static void add_bare_by_call(void *arg, uint64_t iterations)
{
    uint64_t *cell = &bare_cells[0];
    (void)arg;
    MEASURE_LOOP(iterations, bare_add_by_call(cell));
}

static void nothing(void *arg, uint64_t iterations)
{
    (void)arg;
    MEASURE_LOOP(iterations, (void)0);
}

static struct vagus_monitor *open_for_recording(void)
{
    struct vagus_monitor *monitor = client_open(VAGUS_NO_COLLECTORS);
    for (unsigned i = 0; i < IN_TURN; i++) {
        char name[32];
        snprintf(name, sizeof(name), "bench.counter%u", i);
        metrics.counters[i] = vagus_counter_define(
            monitor, &(struct vagus_metric_desc){.name = name, .kind = VAGUS_COUNTER});
    }
    metrics.gauge = vagus_gauge_define(
        monitor, &(struct vagus_metric_desc){.name = "bench.gauge", .kind = VAGUS_GAUGE});
    metrics.histogram =
        vagus_histogram_define(monitor, &(struct vagus_metric_desc){.name = "bench.histogram"});
    make_values();
    vagus_operation_define(monitor, &(struct vagus_metric_desc){.name = "bench.operation"}, 0,
                           &metrics.operation);
    metrics.monitor = monitor;
    metrics.name = "bench.counter0";
    return monitor;
}

static double gauge_value = 0.5;

static const struct {
    const char *name;
    void (*loop)(void *arg, uint64_t iterations), (*bare)(void *arg, uint64_t iterations);
    double per;
} recordings[] = {
    {"counter", add, add_bare, 1},
    {"in_turn", add_in_turn, add_bare_in_turn, IN_TURN},
    {"gauge", set, set_bare, 1},
    {"histogram", record, record_bare, 1},
    {"by_name", record_by_name, record_by_name_bare, 1},
    {"operation", operate, read_clock_twice, 1},
    {"call", add_by_call, add_bare_by_call, 1},
};

#define RECORDINGS (sizeof(recordings) / sizeof(recordings[0]))

/* "counter.2t" by prometheus-cpp or MMV: NULL where that was not built in. */
static peer_loop *find_peer(const char *peer, const char *name)
{
    (void)peer;
    (void)name;
#ifdef HAVE_PROMETHEUS_CPP
    if (strcmp(peer, "prometheus") == 0)
        return peer_prometheus_loop(name);
#endif
#ifdef HAVE_PCP_MMV
    if (strcmp(peer, "mmv") == 0)
        return peer_mmv_loop(name);
#endif
    return NULL;
}

/* What it takes us, the floor and the peer, in turn. */
static int measure_beside(const char *peer, const char *what)
{
    char name[16] = "";
    unsigned threads = 0;
    if (sscanf(what, "%15[^.].%ut", name, &threads) != 2)
        return 1;
    peer_loop *loop = find_peer(peer, name);
    if (loop == NULL)
        return 1;
    open_for_recording();
    for (size_t i = 0; i < RECORDINGS; i++) {
        if (strcmp(recordings[i].name, name) != 0)
            continue;
        struct contender contenders[] = {
            {.loop = recordings[i].loop}, {.loop = recordings[i].bare}, {.loop = loop}};
        if (!measure(contenders, 3, threads))
            return 1;
        client_print(&contenders[0], &contenders[1]);
        printf("peer %.17g\n", contenders[2].ns);
    }
    return 0;
}

static int measure_recording(const char *name, unsigned threads)
{
    struct vagus_monitor *monitor = open_for_recording();
    for (size_t i = 0; i < RECORDINGS; i++) {
        if (strcmp(recordings[i].name, name) != 0)
            continue;
        struct contender contenders[] = {
            {.loop = recordings[i].loop, .arg = &gauge_value, .per = recordings[i].per},
            {.loop = recordings[i].bare, .arg = &gauge_value, .per = recordings[i].per},
            {.loop = add_shared}};
        double alone_ns = 0;
        if (threads > 1) {
            struct contender alone = contenders[0];
            if (!measure(&alone, 1, 1))
                return 1;
            alone_ns = alone.ns;
        }
        if (!measure(contenders, recordings[i].loop == add ? 3 : 2, threads))
            return 1;
        client_print(&contenders[0], &contenders[1]);
        if (recordings[i].loop == add)
            printf("peer %.17g\n", contenders[2].ns);
        if (threads > 1)
            printf("bound %.17g\n", 1.2 * alone_ns);
    }
    return vagus_monitor_close(monitor);
}

/* A thread that holds the only slot of its own, so that all others share one. */
static void *hold_slot(void *arg)
{
    vagus_add(metrics.counters[0], 1);
    pthread_barrier_wait(arg);
    pause();
    return NULL;
}

static int measure_shared_slot(void)
{
    struct contender contenders[] = {{.loop = add}, {.loop = add_shared}};
    pthread_barrier_t held;
    pthread_t holder;
    client_threads_max = 1;
    open_for_recording();
    pthread_barrier_init(&held, NULL, 2);
    if (pthread_create(&holder, NULL, hold_slot, &held) != 0)
        return 1;
    pthread_barrier_wait(&held);
    if (!measure(contenders, 2, 2))
        return 1;
    client_print(&contenders[0], &contenders[1]);
    return 0;
}

typedef void recording_loop(void *arg, uint64_t iterations);

struct counted {
    recording_loop *loop;
    uint64_t iterations;
};

static void *run_counted(void *arg)
{
    const struct counted *counted = arg;
    counted->loop(&gauge_value, counted->iterations);
    return NULL;
}

/* Two threads, half of the iterations each. */
static int count_two(recording_loop *loop, uint64_t iterations)
{
    struct counted counted = {loop, iterations / 2};
    pthread_t other;
    if (pthread_create(&other, NULL, run_counted, &counted) != 0)
        return 1;
    run_counted(&counted);
    return pthread_join(other, NULL);
}

/* As measure_shared_slot(), on the thread that has no slot. */
static int count_shared_slot(recording_loop *loop, uint64_t iterations)
{
    static pthread_barrier_t held;
    pthread_t holder;
    client_threads_max = 1;
    open_for_recording();
    pthread_barrier_init(&held, NULL, 2);
    if (pthread_create(&holder, NULL, hold_slot, &held) != 0)
        return 1;
    pthread_barrier_wait(&held);
    loop(&gauge_value, iterations);
    return 0;
}

static recording_loop *which_loop(const char *which, recording_loop *value, recording_loop *floor)
{
    return strcmp(which, "value") == 0 ? value : strcmp(which, "floor") == 0 ? floor : nothing;
}

/* For callgrind: so many iterations of the loop, of its floor, or of an empty one. */
static int count(const char *name, const char *which, uint64_t iterations)
{
    if (strcmp(name, "shared_slot") == 0)
        return count_shared_slot(which_loop(which, add, add_shared), iterations);
    struct vagus_monitor *monitor = open_for_recording();
    int error = 0;
    for (size_t i = 0; i < RECORDINGS; i++) {
        size_t length = strlen(recordings[i].name);
        if (strncmp(name, recordings[i].name, length) != 0)
            continue;
        recording_loop *loop = which_loop(which, recordings[i].loop, recordings[i].bare);
        if (name[length] == '\0')
            loop(&gauge_value, iterations);
        else if (strcmp(name + length, ".2t") == 0)
            error = count_two(loop, iterations);
    }
    return error != 0 ? error : vagus_monitor_close(monitor);
}

struct vagus_monitor *client_open(unsigned flags)
{
    return client_open_with(flags, NULL);
}

struct vagus_monitor *client_open_with(unsigned flags, const char *policy)
{
    struct vagus_monitor *monitor;
    struct vagus_monitor_options options = {.size = sizeof(options),
                                            .agent_name = "bench",
                                            .policy_text = policy,
                                            .threads_max = client_threads_max,
                                            .flags =
                                                VAGUS_STEPPED | VAGUS_ANONYMOUS_SEGMENT | flags};
    int error = vagus_monitor_open(&options, &monitor);
    if (error == 0)
        error = vagus_monitor_start(monitor);
    if (error != 0) {
        fprintf(stderr, "no monitor: %s\n", vagus_error_message(error));
        exit(1);
    }
    return monitor;
}

void client_print(const struct contender *value, const struct contender *floor)
{
    printf("value %.17g\nfloor %.17g\n", value->ns, floor->ns);
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";
    const char *argument = argc > 2 ? argv[2] : "";
    for (size_t i = 0; i < RECORDINGS; i++) {
        size_t length = strlen(recordings[i].name);
        if (strncmp(verb, recordings[i].name, length) != 0)
            continue;
        if (strcmp(verb + length, ".1t") == 0)
            return measure_recording(recordings[i].name, 1);
        if (strcmp(verb + length, ".2t") == 0)
            return measure_recording(recordings[i].name, 2);
    }
    if (strcmp(verb, "prometheus") == 0 || strcmp(verb, "mmv") == 0)
        return measure_beside(verb, argument);
    if (strcmp(verb, "shared_slot") == 0)
        return measure_shared_slot();
    if (strcmp(verb, "count") == 0 && argc == 5)
        return count(argument, argv[3], strtoull(argv[4], NULL, 10));
    if (strncmp(verb, "reserve.", 8) == 0 || strncmp(verb, "take.", 5) == 0)
        return client_budget(verb);
    if (strcmp(verb, "instant.median") == 0 || strcmp(verb, "instant.p99") == 0)
        return client_instant(strcmp(verb, "instant.median") == 0);
    if (strcmp(verb, "tier") == 0)
        return client_tier();
    if (strcmp(verb, "mode.cap") == 0)
        return client_mode();
    if (strcmp(verb, "level") == 0)
        return client_level();
    if (strcmp(verb, "snapshot") == 0)
        return client_snapshot();
    if (strcmp(verb, "snapshot.cold") == 0)
        return client_snapshot_cold();
    if (strcmp(verb, "health") == 0)
        return client_health(false);
    if (strcmp(verb, "health.json") == 0)
        return client_health(true);
    if (strcmp(verb, "sample") == 0)
        return client_sample(strtoul(argument, NULL, 10));
    if (strcmp(verb, "near") == 0)
        return client_near(strtoul(argument, NULL, 10));
    if (strcmp(verb, "rss") == 0)
        return client_rss(strcmp(argument, "idle") == 0);
    fputs("vagus-bench starts this program; it is of no use alone\n", stderr);
    return 64;
}
