/* SPDX-License-Identifier: Apache-2.0 */
/* What the sampler does with metrics: folding what threads recorded, appending to a series. */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "bench.h"
#include "bench_metrics.h"

#define FOLDED 1000

int bench_metrics_begin(struct bench_metrics *all, uint32_t capacity)
{
    return bench_metrics_begin_for(all, capacity, 4);
}

int bench_metrics_begin_for(struct bench_metrics *all, uint32_t capacity, uint32_t threads)
{
    return bench_metrics_begin_of(all, capacity, threads, SEGMENT_BYTES_DEFAULT);
}

int bench_metrics_begin_of(struct bench_metrics *all, uint32_t capacity, uint32_t threads,
                           uint64_t bytes)
{
    struct segment_options options = {.agent = "bench",
                                      .bytes = bytes,
                                      .metrics_max = capacity,
                                      .anonymous = true,
                                      .clock = &clock_of_machine};
    uint32_t generation = cells_door_take();
    int error = segment_create(&options, &all->segment);
    if (error != 0) {
        cells_door_free(generation);
        return error;
    }
    error = metrics_init(&all->metrics, &all->segment, capacity, threads, generation,
                         &clock_of_machine);
    if (error != 0) {
        segment_close(&all->segment);
        cells_door_free(generation);
    }
    return error;
}

void bench_metrics_end(struct bench_metrics *all)
{
    uint32_t generation = all->metrics.cells.generation;
    metrics_finish(&all->metrics);
    cells_door_free(generation);
    segment_close(&all->segment);
}

bool bench_metrics_define(struct bench_metrics *all, unsigned count, enum vagus_metric_kind kind,
                          enum metric_source source)
{
    for (unsigned i = 0; i < count; i++) {
        char name[32];
        const char *why;
        snprintf(name, sizeof(name), "bench.m%u", i);
        if (metrics_define(&all->metrics, &(struct vagus_metric_desc){.name = name, .kind = kind},
                           source, &why) != (int)i)
            return false;
    }
    return true;
}

/* --- fold.1000: a thousand counters in the slots of several threads. --- */

static struct bench_metrics all;
static struct {
    unsigned threads;
    pthread_barrier_t together; /* each of them holds a slot while all are there */
    struct vagus__cell (*rows)[FOLDED];
    struct vagus_reading readings[FOLDED];
} bare;

static void fold(void *arg, uint64_t iterations)
{
    int64_t now_ns = VAGUS_SECOND_NS;
    (void)arg;
    MEASURE_LOOP(iterations, (metrics_fold(&all.metrics, 0, now_ns, now_ns), now_ns++));
}

static void fold_rows(int64_t now_ns)
{
    static uint64_t sums[FOLDED];
    memset(sums, 0, sizeof(sums));
    for (unsigned row = 0; row < bare.threads; row++)
        for (unsigned i = 0; i < FOLDED; i++)
            sums[i] += __atomic_load_n(&bare.rows[row][i].value, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < FOLDED; i++) {
        bare.readings[i].value = (double)sums[i];
        bare.readings[i].taken_ns = now_ns;
        bare.readings[i].good_until_ns = now_ns + VAGUS_SECOND_NS;
    }
}

static void fold_bare(void *arg, uint64_t iterations)
{
    int64_t now_ns = VAGUS_SECOND_NS;
    (void)arg;
    MEASURE_LOOP(iterations, (fold_rows(now_ns), now_ns++));
}

static void *record_each(void *arg)
{
    (void)arg;
    for (uint32_t i = 0; i < FOLDED; i++)
        vagus_add((struct vagus_counter){all.metrics.cells.generation, i}, i);
    pthread_barrier_wait(&bare.together);
    return NULL;
}

static bool record_from_threads(unsigned count)
{
    pthread_attr_t small;
    pthread_t *threads = calloc(count, sizeof(*threads));
    bool made = threads != NULL;
    pthread_barrier_init(&bare.together, NULL, count);
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 64 * 1024);
    for (unsigned i = 0; i < count && made; i++)
        made = pthread_create(&threads[i], &small, record_each, NULL) == 0;
    for (unsigned i = 0; i < count && made; i++)
        pthread_join(threads[i], NULL);
    pthread_attr_destroy(&small);
    free(threads);
    return made && cells_used(&all.metrics.cells) == count;
}

void bench_fold(const struct bench_row *row, struct bench_result *result)
{
    struct contender contenders[] = {{.loop = fold}, {.loop = fold_bare}};
    bare.threads = (unsigned)strtoul(row->argument, NULL, 10);
    bare.rows = calloc(bare.threads, sizeof(*bare.rows));
    if (bare.rows == NULL || bench_metrics_begin_for(&all, FOLDED, bare.threads) != 0) {
        result->why = "no segment";
        free(bare.rows);
        return;
    }
    /* Pages that nobody ever wrote to are all the same one. */
    memset(bare.rows, 1, bare.threads * sizeof(*bare.rows));
    if (bench_metrics_define(&all, FOLDED, VAGUS_COUNTER, METRIC_RECORDED) &&
        record_from_threads(bare.threads) && measure(contenders, 2, 1)) {
        result->value = contenders[0].ns;
        result->floor = contenders[1].ns;
    }
    bench_metrics_end(&all);
    free(bare.rows);
}

/* --- series.append: a sensed value enters its series. --- */

static struct {
    struct vagus_reading reading;
    double min, max, sum;
    unsigned count;
    struct store_point points[STORE_RECENT];
} bare_series;

/* Something like a busy machine's CPU use: what comes next is not known. */
static double noise[256];

static void make_noise(void)
{
    uint64_t seed = 88172645463325252u;
    for (unsigned i = 0; i < 256; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        noise[i] = (double)(seed % 1000);
    }
}

static int64_t append_ns = VAGUS_SECOND_NS;

static void append(void *arg, uint64_t iterations)
{
    (void)arg;
    MEASURE_LOOP(iterations,
                 (metrics_put(&all.metrics, 0, append_ns, noise[append_ns / VAGUS_SECOND_NS & 255]),
                  append_ns += VAGUS_SECOND_NS));
}

static void put_bare(int64_t now_ns, double value)
{
    bare_series.reading = (struct vagus_reading){
        .value = value, .taken_ns = now_ns, .good_until_ns = now_ns + VAGUS_SECOND_NS};
    if (bare_series.count == STORE_RECENT)
        bare_series.count = 0;
    bare_series.points[bare_series.count++] = (struct store_point){now_ns, value};
    bare_series.min = value < bare_series.min ? value : bare_series.min;
    bare_series.max = value > bare_series.max ? value : bare_series.max;
    bare_series.sum += value;
}

static void append_bare(void *arg, uint64_t iterations)
{
    int64_t now_ns = VAGUS_SECOND_NS;
    (void)arg;
    MEASURE_LOOP(iterations, (put_bare(now_ns, noise[now_ns & 255]), now_ns++));
}

void bench_append(const struct bench_row *row, struct bench_result *result)
{
    struct contender contenders[] = {{.loop = append}, {.loop = append_bare}};
    (void)row;
    if (bench_metrics_begin(&all, FOLDED) != 0) {
        result->why = "no segment";
        return;
    }
    make_noise();
    if (bench_metrics_define(&all, 1, VAGUS_GAUGE, METRIC_SENSED) && measure(contenders, 2, 1)) {
        result->value = contenders[0].ns;
        result->floor = contenders[1].ns;
    }
    bench_metrics_end(&all);
}
