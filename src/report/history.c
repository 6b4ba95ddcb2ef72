/* SPDX-License-Identifier: Apache-2.0 */
/* How far back the history of each metric reaches, as the chains of its blocks say. */
#include "report/findings.h"
#include "report/health_parts.h"

#define COUNTS_BY_BUCKET 2 /* `fields` of a histogram's blocks */

#define PART 16 /* entries of the directory that are read at once */

/* Since when the first metrics reach back by level: their values, and a histogram's buckets. */
struct since {
    int64_t values_ns[VAGUS_TIER_COUNT], buckets_ns[VAGUS_TIER_COUNT];
};

/* By one look at the head of every block, where the writer keeps no chains. */
static void look_through(const struct segment_reader *reader, struct since since[REPORT_SERIES_MAX])
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
                                ? &since[head.metric].buckets_ns[head.level]
                                : &since[head.metric].values_ns[head.level];
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

/* The finest level is that of the metric itself, if it is faster than 1 s. */
static unsigned tier_of(unsigned level, uint32_t tier)
{
    if (level > 0)
        return VAGUS_TIER_1S + level - 1;
    return tier < VAGUS_TIER_1S ? tier : VAGUS_TIER_100MS;
}

static void take_chains(struct since *since, const struct segment_chains *chains, uint32_t tier)
{
    for (unsigned level = 0; level < SEGMENT_CHAIN_LEVELS; level++)
        if (chains->values[level].newest != 0)
            since->values_ns[tier_of(level, tier)] = chains->values[level].since_ns;
    for (unsigned level = 0; level < SEGMENT_BUCKET_LEVELS; level++)
        if (chains->buckets[level].newest != 0)
            since->buckets_ns[VAGUS_TIER_1S + level] = chains->buckets[level].since_ns;
}

/* What has any history goes into the report, with its name. */
static void add_series(struct report *report, const struct segment_metric *metric,
                       const struct since *since)
{
    struct report_series *series = &report->series[report->series_count];
    bool any = false;
    for (unsigned tier = 0; tier < VAGUS_TIER_COUNT; tier++) {
        int64_t values_ns = since->values_ns[tier], buckets_ns = since->buckets_ns[tier];
        any = any || values_ns != INT64_MAX;
        series->since_ns[tier] =
            buckets_ns != INT64_MAX && buckets_ns > values_ns ? buckets_ns : values_ns;
    }
    if (!any)
        return;
    text_copy(series->name, sizeof(series->name), metric->name);
    text_copy(series->label, sizeof(series->label), metric->label);
    text_copy(series->instance, sizeof(series->instance), metric->instance);
    add_reach(report, series);
    report->series_count++;
}

/* Reads the directory part by part, and the chains beside it. */
static void name_all(struct report *report, const struct segment_reader *reader, uint32_t count,
                     struct since *since, bool chained)
{
    struct segment_metric metrics[PART];
    struct segment_chains chains[PART];
    for (uint32_t first = 0; first < count; first += PART) {
        uint64_t got = 0, chains_got = 0;
        uint32_t wanted = count - first < PART ? count - first : PART;
        if (segment_read_entries(reader, SEGMENT_DIRECTORY, first, wanted, metrics, &got, NULL) !=
            0)
            continue;
        if (chained)
            segment_read_entries(reader, SEGMENT_CHAINS, first, got, chains, &chains_got, NULL);
        for (uint32_t i = 0; i < got; i++) {
            if (i < chains_got)
                take_chains(&since[first + i], &chains[i], metrics[i].tier);
            add_series(report, &metrics[i], &since[first + i]);
        }
    }
}

void report_load_history(struct report *report, const struct segment_reader *reader)
{
    struct since since[REPORT_SERIES_MAX];
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
            since[i].values_ns[tier] = since[i].buckets_ns[tier] = INT64_MAX;
    struct segment_head chains = {0};
    segment_read_entries(reader, SEGMENT_CHAINS, 0, 0, NULL, &got, &chains);
    bool chained = chains.count > 0;
    if (!chained)
        look_through(reader, since);
    name_all(report, reader, count, since, chained);
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
