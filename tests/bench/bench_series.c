/* SPDX-License-Identifier: Apache-2.0 */
/* The past: how many bytes it takes, and how long an answer from it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "bench_metrics.h"
#include "metrics/query.h"

#define DAY 86400

static double *trace;
static unsigned trace_length;

/* The values of a trace, one a line, or of a generator. */
static bool trace_load(const char *name)
{
    char path[512];
    double value;
    trace_length = 0;
    free(trace);
    trace = malloc(DAY * sizeof(*trace));
    if (trace == NULL)
        return false;
    if (strcmp(name, "random") == 0) { /* any finite double at all */
        uint64_t seed = 88172645463325252u;
        while (trace_length < 10000) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            memcpy(&value, &seed, sizeof(value));
            if (isfinite(value))
                trace[trace_length++] = value;
        }
        return true;
    }
    snprintf(path, sizeof(path), FIXTURES "/traces/%s", name);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    while (trace_length < DAY && fscanf(file, "%lf", &value) == 1)
        trace[trace_length++] = value;
    fclose(file);
    return trace_length > 0;
}

static struct bench_metrics all;

/* The trace over and over; a counter goes on from where it was. */
static double value_at(unsigned second, bool counts)
{
    double lap = counts ? trace[trace_length - 1] - trace[0] : 0;
    return trace[second % trace_length] + lap * (second / trace_length);
}

/* One metric that was put a value a second. */
static bool begin(const char *name, enum vagus_metric_kind kind, unsigned seconds, double unit)
{
    const char *why;
    struct vagus_metric_desc desc = {
        .name = "bench", .kind = kind, .tier = VAGUS_TIER_1S, .resolution = unit};
    if (!trace_load(name) || bench_metrics_begin(&all, 64) != 0)
        return false;
    metrics_define(&all.metrics, &desc, METRIC_SENSED, &why);
    all.metrics.entries[0].keep_day = 1;
    for (unsigned i = 0; i < seconds; i++)
        metrics_put(&all.metrics, 0, (i + 1) * VAGUS_SECOND_NS,
                    value_at(i, kind == VAGUS_COUNTER) * (unit != 0 ? unit : 1));
    return true;
}

/* Bytes of the sealed blocks of a level over the entries in them. */
static double bytes_per_entry(unsigned level)
{
    uint64_t entries = 0, blocks = 0;
    const struct segment_block *pool = segment_entries(&all.segment, SEGMENT_SERIES);
    for (uint32_t i = 0; i < all.segment.series_blocks; i++)
        if (pool[i].head.level == level && (pool[i].head.flags & SEGMENT_BLOCK_SEALED) != 0) {
            entries += pool[i].head.entries;
            blocks++;
        }
    return blocks > 0 ? (double)(blocks * SERIES_BLOCK_BYTES) / (double)entries : NAN;
}

static bool is_of(const char *name, const char *what)
{
    size_t length = strlen(what);
    return strncmp(name, what, length) == 0 && (name[length] == 0 || name[length] == '.');
}

void bench_series_bytes(const struct bench_row *row, struct bench_result *result)
{
    const char *name = row->argument;
    bool pages = is_of(name, "memory") || is_of(name, "available");
    bool counts = is_of(name, "tokens") || is_of(name, "switches");
    double unit = pages ? 4096 : counts ? 1 : is_of(name, "cpu") ? 0.001 : 0;
    result->why = "no trace";
    if (!begin(name, counts ? VAGUS_COUNTER : VAGUS_GAUGE, DAY, unit))
        return;
    result->value = bytes_per_entry(VAGUS_TIER_1S);
    result->why = "no block was full";
    bench_metrics_end(&all);
}

void bench_series_buckets(const struct bench_row *row, struct bench_result *result)
{
    result->why = "no trace";
    if (!begin(row->argument, VAGUS_GAUGE, DAY, 0.001))
        return;
    result->value = bytes_per_entry(VAGUS_TIER_60S);
    result->why = "no block was full";
    bench_metrics_end(&all);
}

/* --- Many counters, each somewhere else in the trace, for so many hours. --- */

/* What lies in the segment for the metrics: their entries and the blocks that are taken. */
static double bytes_held(void)
{
    const struct segment_block *pool = segment_entries(&all.segment, SEGMENT_SERIES);
    uint64_t blocks = 0;
    for (uint32_t i = 0; i < all.segment.series_blocks; i++)
        blocks += pool[i].head.number != 0;
    return (double)(blocks * SERIES_BLOCK_BYTES) +
           (double)metrics_count(&all.metrics) *
               (sizeof(struct segment_metric) + sizeof(struct vagus_reading));
}

/* How far back the levels reach, of the metric that reaches least far, in hours. */
static void print_reach(unsigned count, int64_t now_ns)
{
    if (getenv("VAGUS_BENCH_REACH") == NULL)
        return;
    for (unsigned level = 1; level < STORE_LEVELS; level++) {
        int64_t latest_ns = 0;
        for (unsigned i = 0; i < count; i++) {
            int64_t since_ns = store_since_ns(&all.metrics.store, i, level);
            latest_ns = since_ns > latest_ns ? since_ns : latest_ns;
        }
        fprintf(stderr, "level %u: %.2f h\n", level,
                (double)(now_ns - latest_ns) / (3600.0 * (double)VAGUS_SECOND_NS));
    }
}

void bench_series_counters(const struct bench_row *row, struct bench_result *result)
{
    unsigned count, hours, mebibytes;
    result->why = "no trace";
    if (sscanf(row->argument, "%u %u %u", &count, &hours, &mebibytes) != 3 || !trace_load("tokens"))
        return;
    result->why = "no segment";
    if (bench_metrics_begin_of(&all, count, 4, (uint64_t)mebibytes << 20) != 0)
        return;
    if (bench_metrics_define(&all, count, VAGUS_COUNTER, METRIC_SENSED)) {
        int64_t now_ns = 0;
        for (unsigned second = 0; second < hours * 3600; second++) {
            now_ns += VAGUS_SECOND_NS;
            for (unsigned i = 0; i < count; i++)
                metrics_put(&all.metrics, i, now_ns, value_at(second + i * 37, true));
        }
        result->value = bytes_held() / count;
        print_reach(count, now_ns);
    }
    bench_metrics_end(&all);
}

/* --- Answers. --- */

static double answered, minutes[DAY / 60];
static unsigned asked;

static void ask(unsigned aggregation, double quantile, int64_t span_ns)
{
    struct vagus_query_result result;
    struct query_span span;
    int64_t now_ns = DAY * VAGUS_SECOND_NS;
    query_span_of(&all.metrics, 0, now_ns - span_ns, now_ns, &span);
    if (query_answer(&span, aggregation, quantile, &result) == 0)
        answered += result.value;
}

/* Spans that begin at any moment of the first hour. */
static int64_t spans_ns[1024];

static void make_spans(void)
{
    uint64_t seed = 88172645463325252u;
    for (unsigned i = 0; i < 1024; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        spans_ns[i] = DAY * VAGUS_SECOND_NS - (int64_t)(seed % (3600 * VAGUS_SECOND_NS));
    }
}

static void sum_24h(void *arg, uint64_t iterations)
{
    (void)arg;
    MEASURE_LOOP(iterations, ask(VAGUS_QUERY_SUM, 0, spans_ns[asked++ % 1024]));
}

static void sum_bare(void *arg, uint64_t iterations)
{
    (void)arg;
    MEASURE_LOOP(iterations, for (unsigned i = 0; i < DAY / 60; i++) answered += minutes[i]);
}

void bench_series_sum(const struct bench_row *row, struct bench_result *result)
{
    struct contender contenders[] = {{.loop = sum_24h}, {.loop = sum_bare}};
    (void)row;
    result->why = "no trace";
    if (!begin("cpu", VAGUS_GAUGE, DAY, 0.001))
        return;
    make_spans();
    if (measure(contenders, 2, 1)) {
        result->value = contenders[0].ns;
        result->floor = contenders[1].ns;
    }
    bench_metrics_end(&all);
}

static void p99_60s(void *arg, uint64_t iterations)
{
    (void)arg;
    MEASURE_LOOP(iterations, ask(VAGUS_QUERY_QUANTILE, 0.99, 60 * VAGUS_SECOND_NS));
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A plain list, copied and sorted. */
static void p99_bare(void *arg, uint64_t iterations)
{
    (void)arg;
    double list[60];
    MEASURE_LOOP(iterations, (memcpy(list, trace, sizeof(list)),
                              qsort(list, 60, sizeof(*list), by_value), answered += list[59]));
}

void bench_series_p99(const struct bench_row *row, struct bench_result *result)
{
    struct contender contenders[] = {{.loop = p99_60s}, {.loop = p99_bare}};
    (void)row;
    result->why = "no trace";
    if (!begin("cpu", VAGUS_GAUGE, DAY, 0.001))
        return;
    if (measure(contenders, 2, 1)) {
        result->value = contenders[0].ns;
        result->floor = contenders[1].ns;
    }
    bench_metrics_end(&all);
}

static double copied[2][DAY];
static unsigned scanned;

static void scan_entry(struct query_sink *sink, const struct block_entry *entry, int64_t width_ns)
{
    (void)sink;
    (void)width_ns;
    copied[0][scanned++ % DAY] = entry->last;
}

static void scan(void *arg, uint64_t iterations)
{
    (void)arg;
    struct query_span span;
    struct query_sink sink = {.entry = scan_entry};
    query_span_of(&all.metrics, 0, 0, DAY * VAGUS_SECOND_NS, &span);
    MEASURE_LOOP(iterations, query_walk(&span, &sink));
}

static void scan_bare(void *arg, uint64_t iterations)
{
    (void)arg;
    MEASURE_LOOP(iterations, memcpy(copied[0], copied[1], sizeof(copied[0])));
}

void bench_series_scan(const struct bench_row *row, struct bench_result *result)
{
    struct contender contenders[] = {{.loop = scan}, {.loop = scan_bare}};
    (void)row;
    result->why = "no trace";
    if (!begin("cpu", VAGUS_GAUGE, DAY, 0.001))
        return;
    if (measure(contenders, 2, 1)) {
        result->value = contenders[0].ns;
        result->floor = contenders[1].ns;
    }
    bench_metrics_end(&all);
}
