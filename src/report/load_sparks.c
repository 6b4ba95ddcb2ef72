/* SPDX-License-Identifier: Apache-2.0 */
/* The latest minute of each organ, by one look through the directory. */
#include <math.h>

#include "report/findings.h"
#include "report/spark.h"

#define SUMMED_MAX 128 /* series in one line: two of each interface that may be sensed */

/* How a metric's values become what the organ's line shows. */
enum shape { AS_IT_IS, WHAT_IS_LEFT, SUMMED, PART };

struct source {
    unsigned slot;
    const char *metric, *instance; /* NULL: any but "lo" */
    enum shape shape;
    double whole;
    const char *unit;
};

#define SOURCES_MAX (8 + 1 + VAGUS_SNAPSHOT_GPUS + VAGUS_SNAPSHOT_PATHS)

static uint32_t list_sources(const struct report *report, struct source sources[SOURCES_MAX])
{
    const struct vagus_system_snapshot *snapshot = &report->snapshot;
    const struct source always[] = {
        {REPORT_SPARK_MEMORY, "memory.headroom.ratio", "", WHAT_IS_LEFT, 1, ""},
        {REPORT_SPARK_CPU, "process.cpu.utilization", "", AS_IT_IS, 1, ""},
        {REPORT_SPARK_PROCESS, "process.unix.file_descriptor.count", "", PART,
         snapshot->process.descriptors_limit.value, ""},
        {REPORT_SPARK_NETWORK, "system.network.io.receive", NULL, SUMMED, 1, ""},
        {REPORT_SPARK_NETWORK, "system.network.io.transmit", NULL, SUMMED, 1, ""},
        {REPORT_SPARK_AGENT, "agent.tokens", "", AS_IT_IS, 1, " tokens"},
        {REPORT_SPARK_AGENT, "agent.messages", "", AS_IT_IS, 1, " messages"},
        {REPORT_SPARK_AGENT, "agent.thoughts", "", AS_IT_IS, 1, " thoughts"},
        {REPORT_SPARK_AGENT, "agent.tool.calls", "", AS_IT_IS, 1, " calls"},
    };
    uint32_t count = sizeof(always) / sizeof(always[0]);
    memcpy(sources, always, sizeof(always));
    for (uint32_t i = 0; i < snapshot->gpu_count && i < VAGUS_SNAPSHOT_GPUS; i++)
        sources[count++] = (struct source){REPORT_SPARK_GPUS + i,
                                           "hw.gpu.memory.utilization",
                                           snapshot->gpus[i].device,
                                           AS_IT_IS,
                                           1,
                                           ""};
    for (uint32_t i = 0; i < snapshot->path_count && i < VAGUS_SNAPSHOT_PATHS; i++)
        sources[count++] = (struct source){REPORT_SPARK_PATHS + i,
                                           "disk.free.ratio",
                                           snapshot->paths[i].path,
                                           WHAT_IS_LEFT,
                                           1,
                                           ""};
    return count;
}

/* What a source brings to its line; where several are summed, what one does not know the others do.
 */
static void take(struct report_spark *spark, const struct source *source, const double *values)
{
    for (unsigned i = 0; i < REPORT_SPARK_STEPS; i++) {
        double value = values[i];
        if (source->shape == WHAT_IS_LEFT)
            value = 1 - value;
        else if (source->shape == PART)
            value = source->whole > 0 ? value / source->whole : NAN;
        else if (source->shape == SUMMED && spark->known && isfinite(spark->values[i]))
            value = spark->values[i] + (isfinite(value) ? value : 0);
        spark->values[i] = value;
    }
    text_copy(spark->unit, sizeof(spark->unit), source->unit);
    for (unsigned i = 0; i < REPORT_SPARK_STEPS; i++)
        spark->known = spark->known || isfinite(spark->values[i]);
}

struct search {
    struct report *report;
    const struct segment_reader *reader;
    uint32_t count, summed;
    struct source sources[SOURCES_MAX];
    uint32_t found[SOURCES_MAX]; /* index in the directory, plus 1; 0: it is not there */
};

static bool means(const struct source *source, const struct segment_metric *metric)
{
    if (strcmp(source->metric, metric->name) != 0)
        return false;
    return source->instance == NULL ? strcmp(metric->instance, "lo") != 0
                                    : strcmp(source->instance, metric->instance) == 0;
}

static void load(struct search *search, const struct source *source,
                 const struct segment_metric *metric, uint32_t index)
{
    double values[REPORT_SPARK_STEPS];
    if (spark_read(search->reader, index, metric, report_as_of_ns(search->report),
                   REPORT_SPARK_STEP_NS, values, REPORT_SPARK_STEPS) == 0)
        take(&search->report->sparks[source->slot], source, values);
}

static bool on_metric(const struct segment_metric *metric, uint32_t index, void *arg)
{
    struct search *search = arg;
    for (uint32_t k = 0; k < search->count; k++) {
        const struct source *source = &search->sources[k];
        if (!means(source, metric))
            continue;
        if (source->shape != SUMMED)
            search->found[k] = index + 1;
        else if (search->summed++ < SUMMED_MAX)
            load(search, source, metric, index);
    }
    return true;
}

/* Of several sources of one line, the first that there is. */
static bool is_wanted(const struct search *search, uint32_t at)
{
    for (uint32_t k = 0; k < at; k++)
        if (search->found[k] != 0 && search->sources[k].slot == search->sources[at].slot)
            return false;
    return search->found[at] != 0;
}

void report_load_sparks(struct report *report, const struct segment_reader *reader)
{
    struct search search = {.report = report, .reader = reader};
    memset(report->sparks, 0, sizeof(report->sparks));
    if (report->snapshot_error != 0)
        return;
    search.count = list_sources(report, search.sources);
    segment_each_metric(reader, on_metric, &search);
    for (uint32_t k = 0; k < search.count; k++) {
        struct segment_metric metric;
        uint64_t got = 0;
        if (is_wanted(&search, k) &&
            segment_read_entries(reader, SEGMENT_DIRECTORY, search.found[k] - 1, 1, &metric, &got,
                                 NULL) == 0 &&
            got == 1)
            load(&search, &search.sources[k], &metric, search.found[k] - 1);
    }
}
