/* SPDX-License-Identifier: Apache-2.0 */
/* Publishing the snapshot at a calm tick: the metrics of memory have new values, which are copied
 * into it and into both sets of slots. The floor writes the same bytes to the same places and knows
 * beforehand which. */
#include "bench.h"
#include "bench_metrics.h"
#include "report/assemble.h"

static struct bench_metrics all;
static struct assembly assembly;
static struct vagus_system_snapshot snapshot;
static struct segment_slots own, bare_slots[2];
static uint64_t number, bare_number;
static const char *const memory[] = {"system.linux.memory.available", "memory.usage",
                                     "memory.headroom", "memory.headroom.ratio"};
static int indices[sizeof(memory) / sizeof(memory[0])];
#define MEMORY_METRICS (sizeof(memory) / sizeof(memory[0]))

static void put_new_values(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < MEMORY_METRICS; i++)
        metrics_put_newest(&all.metrics, (uint32_t)indices[i], (int64_t)number + 1, (double)number);
}

static void publish_once(void)
{
    struct segment_range ranges[ASSEMBLE_PARTS];
    assemble_readings(&assembly, &all.metrics, &snapshot);
    snapshot.sequence = ++number;
    unsigned count = assemble_ranges(&assembly, number, ranges);
    segment_publish_ranges(&own, number, &snapshot, ranges, count);
    segment_publish_ranges(segment_slots(&all.segment), number, &snapshot, ranges, count);
}

static void publish(void *arg, uint64_t iterations)
{
    (void)arg;
    MEASURE_LOOP(iterations, publish_once());
}

#define COPY(from, to)                                                                             \
    memcpy((char *)&slot->snapshot + offsetof(struct vagus_system_snapshot, from),                 \
           (char *)&snapshot + offsetof(struct vagus_system_snapshot, from),                       \
           offsetof(struct vagus_system_snapshot, to) -                                            \
               offsetof(struct vagus_system_snapshot, from))

static void publish_bare(void *arg, uint64_t iterations)
{
    (void)arg;
    for (; iterations > 0; iterations--) {
        snapshot.memory.available = all.metrics.readings[indices[0]];
        snapshot.memory.usage = all.metrics.readings[indices[1]];
        snapshot.memory.headroom = all.metrics.readings[indices[2]];
        snapshot.memory.headroom_ratio = all.metrics.readings[indices[3]];
        bare_number++;
        for (int i = 0; i < 2; i++) {
            struct segment_slot *slot = &bare_slots[i].slots[bare_number % SEGMENT_SLOTS];
            __atomic_store_n(&slot->stamp, 2 * bare_number + 1, __ATOMIC_RELAXED);
            __atomic_thread_fence(__ATOMIC_RELEASE);
            COPY(size, signals);
            COPY(memory, network);
            COPY(continuity, gpus);
            __atomic_store_n(&slot->stamp, 2 * bare_number + 2, __ATOMIC_RELEASE);
            __atomic_store_n(&bare_slots[i].newest, bare_number, __ATOMIC_RELEASE);
        }
        __asm__ volatile("" ::: "memory");
    }
}

static bool define_all(void)
{
    static const char *const names[] = {
#define SNAPSHOT_FIELD(part, field, metric, unit) metric,
#define SNAPSHOT_COUNT(field, metric, unit) metric,
#include "report/snapshot.def"
    };
    const char *why;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct vagus_metric_desc desc = {.name = names[i], .kind = VAGUS_GAUGE};
        if (metrics_define(&all.metrics, &desc, METRIC_SENSED, &why) < 0)
            return false;
    }
    for (size_t i = 0; i < MEMORY_METRICS; i++)
        indices[i] = metrics_find(&all.metrics, memory[i], NULL);
    return true;
}

void bench_publish(const struct bench_row *row, struct bench_result *result)
{
    static const struct assemble_names none;
    struct contender contenders[] = {
        {.loop = publish, .prepare = put_new_values, .iterations = 1},
        {.loop = publish_bare, .prepare = put_new_values, .iterations = 1}};
    (void)row;
    if (bench_metrics_begin(&all, 256) != 0) {
        result->why = "no segment";
        return;
    }
    if (!define_all()) {
        result->why = "metrics could not be defined";
    } else {
        assemble_bind(&assembly, &all.metrics, &none, &snapshot);
        if (!measure(contenders, 2, 1))
            result->why = "no memory";
        result->value = contenders[0].ns;
        result->floor = contenders[1].ns;
    }
    bench_metrics_end(&all);
}
