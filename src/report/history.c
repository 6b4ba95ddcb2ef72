/* SPDX-License-Identifier: Apache-2.0 */
/* How far back the history of each metric reaches: by one look at the head of every block. */
#include "report/findings.h"
#include "report/health_parts.h"

#define COUNTS_BY_BUCKET 2 /* `fields` of a histogram's blocks */

/* What the pool has of the first metrics; INT64_MAX: nothing. */
static void look_through(struct report *report, const struct segment_reader *reader,
                         int64_t buckets_ns[REPORT_SERIES_MAX][VAGUS_TIER_COUNT])
{
    uint32_t places = reader->header.sections[SEGMENT_SERIES].capacity;
    for (uint32_t place = 0; place < places; place++) {
        struct segment_block_head head;
        int error = segment_read_block_head(reader, place, &head);
        if (error == VAGUS_ENOENT)
            break; /* places are taken one after the other */
        if (error != 0 || head.level >= VAGUS_TIER_COUNT || head.metric >= REPORT_SERIES_MAX)
            continue;
        int64_t *since_ns = head.fields == COUNTS_BY_BUCKET
                                ? &buckets_ns[head.metric][head.level]
                                : &report->series[head.metric].since_ns[head.level];
        if (head.first_ns < *since_ns)
            *since_ns = head.first_ns;
    }
}

static void add_reach(struct report *report, const struct report_series *series)
{
    for (unsigned tier = 0; tier < VAGUS_TIER_COUNT; tier++) {
        struct report_reach *reach = &report->reach[tier];
        int64_t since_ns = series->since_ns[tier];
        if (since_ns == INT64_MAX)
            continue;
        if (reach->count == 0 || since_ns > reach->shortest_ns)
            reach->shortest_ns = since_ns;
        if (reach->count == 0 || since_ns < reach->longest_ns)
            reach->longest_ns = since_ns;
        reach->count++;
    }
}

/* Moves those that have any history to the front, with their names. */
static void name(struct report *report, const struct segment_reader *reader, uint32_t count,
                 int64_t buckets_ns[REPORT_SERIES_MAX][VAGUS_TIER_COUNT])
{
    for (uint32_t i = 0; i < count; i++) {
        struct report_series series = report->series[i];
        struct segment_metric metric;
        uint64_t got = 0;
        bool any = false;
        for (unsigned tier = 0; tier < VAGUS_TIER_COUNT; tier++) {
            any = any || series.since_ns[tier] != INT64_MAX;
            if (buckets_ns[i][tier] != INT64_MAX && buckets_ns[i][tier] > series.since_ns[tier])
                series.since_ns[tier] = buckets_ns[i][tier];
        }
        if (!any ||
            segment_read_entries(reader, SEGMENT_DIRECTORY, i, 1, &metric, &got, NULL) != 0 ||
            got == 0)
            continue;
        text_copy(series.name, sizeof(series.name), metric.name);
        text_copy(series.label, sizeof(series.label), metric.label);
        text_copy(series.instance, sizeof(series.instance), metric.instance);
        add_reach(report, &series);
        report->series[report->series_count++] = series;
    }
}

void report_load_history(struct report *report, const struct segment_reader *reader)
{
    int64_t buckets_ns[REPORT_SERIES_MAX][VAGUS_TIER_COUNT];
    struct segment_head head;
    uint64_t got = 0;
    report->series_count = report->series_left_out = 0;
    memset(report->reach, 0, sizeof(report->reach));
    if (segment_read_entries(reader, SEGMENT_DIRECTORY, 0, 0, NULL, &got, &head) != 0)
        return;
    uint64_t metrics = head.count;
    uint32_t count = metrics < REPORT_SERIES_MAX ? (uint32_t)metrics : REPORT_SERIES_MAX;
    for (uint32_t i = 0; i < REPORT_SERIES_MAX; i++)
        for (unsigned tier = 0; tier < VAGUS_TIER_COUNT; tier++)
            report->series[i].since_ns[tier] = buckets_ns[i][tier] = INT64_MAX;
    look_through(report, reader, buckets_ns);
    name(report, reader, count, buckets_ns);
    uint64_t room = reader->header.sections[SEGMENT_DIRECTORY].capacity;
    if (metrics > room)
        metrics = room;
    report->series_left_out = (uint32_t)(metrics - count);
}

/* "history 1 s 12 min to 1 h 2 min · 10 s 6 h 1 min · 60 s 1 d 0 h" */
void report_add_history(const struct report *report, int64_t as_of_ns, struct screen *screen)
{
    static const struct {
        unsigned tier;
        const char *name;
    } levels[] = {{VAGUS_TIER_1S, "1 s "}, {VAGUS_TIER_10S, "10 s "}, {VAGUS_TIER_60S, "60 s "}};
    bool any = false;
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        const struct report_reach *reach = &report->reach[levels[i].tier];
        char item[160];
        struct text text;
        if (reach->count == 0)
            continue;
        if (!any) {
            screen_add(screen, SCREEN_BOLD, " history");
            screen_to(screen, 9);
            screen->indent = 9;
        }
        any = true;
        int64_t shortest_ns = report_span_ns(reach->shortest_ns, as_of_ns);
        int64_t longest_ns = report_span_ns(reach->longest_ns, as_of_ns);
        text_init(&text, item, sizeof(item));
        text_add(&text, levels[i].name);
        text_add(&text, "for ");
        if (longest_ns - shortest_ns >= segment_level_ns(VAGUS_TIER_60S)) {
            text_add_duration(&text, shortest_ns);
            text_add(&text, " to ");
        }
        text_add_duration(&text, longest_ns);
        screen_item(screen, SCREEN_PLAIN, item);
    }
    if (any)
        screen_line(screen, 0);
}
