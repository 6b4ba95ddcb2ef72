/* SPDX-License-Identifier: Apache-2.0 */
/* Gathering what an autopsy tells. The vital series are a fixed list, and whatever the last signals
 * were about. */
#include "report/autopsy.h"

#include <math.h>
#include <string.h>

#include "report/spark.h"

#define LOG_NS (2 * VAGUS_SECOND_NS)

/* In the order in which they are shown; of those with instances each one that there is room for. */
static const char *const vital_names[] = {
    "memory.headroom.ratio",
    "memory.usage",
    "process.memory.usage",
    "process.memory.tree",
    "process.cpu.cores",
    "system.cpu.utilization",
    "cgroup.pressure.memory.full",
    "system.pressure.memory.full",
    "gpu.memory.free",
    "process.unix.file_descriptor.count",
    "process.thread.count",
    "disk.free.ratio",
    "agent.tokens",
    "agent.errors",
    "agent.tasks.active",
};
#define VITAL_NAMES (sizeof(vital_names) / sizeof(vital_names[0]))

/* How early it is shown: those that signals were about come last; UINT32_MAX: not at all. */
static uint32_t rank_of(const struct report *report, const struct segment_metric *metric)
{
    for (uint32_t i = 0; i < VITAL_NAMES; i++)
        if (strcmp(vital_names[i], metric->name) == 0)
            return i;
    for (uint32_t i = report->signal_count; i > 0; i--) {
        const struct vagus_signal *signal = &report->signals[i - 1].signal;
        if (report->signal_count - i < AUTOPSY_SIGNALS_SHOWN &&
            strcmp(signal->metric, metric->name) == 0 &&
            strcmp(signal->instance, metric->instance) == 0)
            return VITAL_NAMES;
    }
    return UINT32_MAX;
}

static void measure(struct autopsy_vital *vital)
{
    vital->min = vital->max = vital->last = NAN;
    for (unsigned i = 0; i < AUTOPSY_COLUMNS; i++) {
        double value = vital->values[i];
        if (!isfinite(value))
            continue;
        vital->min = isnan(vital->min) ? value : fmin(vital->min, value);
        vital->max = isnan(vital->max) ? value : fmax(vital->max, value);
        vital->last = value;
    }
}

struct wanted {
    uint32_t rank, index;
    struct segment_metric metric;
};

/* Puts one in its place; of a full list the last falls out. */
static uint32_t wanted_add(struct wanted *list, uint32_t count, uint32_t rank, uint32_t index,
                           const struct segment_metric *metric)
{
    uint32_t at = 0;
    while (at < count && list[at].rank <= rank)
        at++;
    if (at == AUTOPSY_VITALS_MAX)
        return count;
    uint32_t last = count < AUTOPSY_VITALS_MAX ? count : AUTOPSY_VITALS_MAX - 1;
    memmove(&list[at + 1], &list[at], (last - at) * sizeof(*list));
    list[at] = (struct wanted){rank, index, *metric};
    return last + 1;
}

struct search {
    const struct report *report;
    uint32_t count;
    struct wanted list[AUTOPSY_VITALS_MAX];
};

static bool on_metric(const struct segment_metric *metric, uint32_t index, void *arg)
{
    struct search *search = arg;
    uint32_t rank = rank_of(search->report, metric);
    if (rank != UINT32_MAX)
        search->count = wanted_add(search->list, search->count, rank, index, metric);
    return true;
}

static void load_vitals(struct autopsy *autopsy, const struct segment_reader *reader)
{
    struct search search = {.report = &autopsy->report};
    segment_each_metric(reader, on_metric, &search);
    for (uint32_t i = 0; i < search.count; i++) {
        struct autopsy_vital *vital = &autopsy->vitals[autopsy->vital_count];
        vital->metric = search.list[i].metric;
        if (spark_read(reader, search.list[i].index, &search.list[i].metric, autopsy->end_ns,
                       AUTOPSY_SPAN_NS / AUTOPSY_COLUMNS, vital->values, AUTOPSY_COLUMNS) != 0)
            continue;
        measure(vital);
        if (isfinite(vital->last))
            autopsy->vital_count++;
    }
}

static void load_open(struct autopsy *autopsy, const struct segment_reader *reader)
{
    struct segment_head head;
    uint64_t got = 0;
    if (segment_read_entries(reader, SEGMENT_OPERATIONS, 0, SEGMENT_OPERATIONS_MAX,
                             autopsy->operations, &got, NULL) == 0)
        for (uint64_t i = 0; i < got; i++)
            if (autopsy->operations[i].in_flight > 0)
                autopsy->operations[autopsy->operation_count++] = autopsy->operations[i];
    if (segment_read_entries(reader, SEGMENT_TICKETS, 0, SEGMENT_TICKETS_MAX, autopsy->tickets,
                             &got, &head) == 0) {
        autopsy->ticket_count = (uint32_t)got;
        autopsy->ticket_total = head.count;
    }
}

int autopsy_load(struct autopsy *autopsy, const struct segment_reader *reader, int64_t now_ns)
{
    memset(autopsy, 0, sizeof(*autopsy));
    int error = report_load(&autopsy->report, reader, now_ns);
    if (error == 0)
        error = ending_load(reader, &autopsy->facts);
    if (error != 0)
        return error;
    ending_look(&autopsy->facts, LOG_NS);
    ending_judge(&autopsy->facts, &autopsy->ending);
    autopsy->end_ns = autopsy->ending.running ? now_ns : autopsy->ending.last_sign_ns;
    autopsy->end_wall_ns = autopsy->ending.last_sign_wall_ns;
    load_vitals(autopsy, reader);
    load_open(autopsy, reader);
    return 0;
}
