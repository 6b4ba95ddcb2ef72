/* SPDX-License-Identifier: Apache-2.0 */
/* What of the snapshot is computed of history: counts each second, the rest each 10 s. What history
 * no longer knows is not made up: it says VAGUS_EAGAIN. */
#include <math.h>

#include "base/clock.h"
#include "metrics/query.h"
#include "report/assemble.h"

#define MINUTE_NS (60 * VAGUS_SECOND_NS)
#define HOUR_NS (60 * MINUTE_NS)
#define DAY_NS (24 * HOUR_NS)
#define OF_LATE_NS (5 * MINUTE_NS)
#define GOOD_FOR_NS (30 * VAGUS_SECOND_NS) /* three times as long as it takes to come again */

#define IN(part, field) offsetof(struct vagus_system_snapshot, part.field)

static struct vagus_reading known(const struct metrics *metrics, double value, int64_t now_ns)
{
    return (struct vagus_reading){.value = value,
                                  .taken_ns = now_ns,
                                  .good_until_ns =
                                      clock_add_ns(now_ns, metrics_stretched(metrics, GOOD_FOR_NS)),
                                  .source = VAGUS_SOURCE_DERIVED};
}

static struct vagus_reading unknown(int error)
{
    return (struct vagus_reading){.error = error, .source = VAGUS_SOURCE_DERIVED};
}

/* Since when a metric's history reaches back at its furthest level. */
static int64_t reaches_back_to_ns(const struct metrics *metrics, uint32_t index)
{
    int64_t since_ns = INT64_MAX;
    for (unsigned level = store_own_level(metrics->entries[index].tier); level < STORE_LEVELS;
         level++) {
        int64_t level_ns = store_since_ns(&metrics->store, index, level);
        since_ns = level_ns < since_ns ? level_ns : since_ns;
    }
    return since_ns;
}

/* By how much a counter grew in a span that ends now. What was born in it began at 0. */
static struct vagus_reading growth(const struct metrics *metrics, uint32_t index, int64_t span_ns,
                                   int64_t now_ns)
{
    struct query_span span;
    struct vagus_query_result result;
    int64_t from_ns = now_ns - span_ns, born_ns = store_born_ns(&metrics->store, index);
    if (born_ns == INT64_MAX)
        return unknown(0);
    if (born_ns > from_ns && metrics->entries[index].source == METRIC_RECORDED)
        return known(metrics, metrics->readings[index].value, now_ns);
    if (reaches_back_to_ns(metrics, index) > (from_ns > born_ns ? from_ns : born_ns))
        return unknown(VAGUS_EAGAIN);
    query_span_of(metrics, index, from_ns, now_ns, &span);
    int error = query_answer(&span, VAGUS_QUERY_SUM, 0, &result);
    return error == 0 ? known(metrics, result.value, now_ns) : unknown(VAGUS_EAGAIN);
}

static struct vagus_snapshot_count *count_at(struct vagus_system_snapshot *snapshot, size_t i)
{
    static const size_t offsets[] = {
#define SNAPSHOT_COUNT(field, metric, unit) IN(agent, field),
#include "report/snapshot.def"
    };
    return (void *)((char *)snapshot + offsets[i]);
}

void assemble_young_count(const struct metrics *metrics, uint32_t index, size_t i,
                          struct vagus_system_snapshot *snapshot)
{
    struct vagus_snapshot_count *counted = count_at(snapshot, i);
    struct vagus_reading so_far = metrics->readings[index];
    int64_t born_ns = store_born_ns(&metrics->store, index);
    if (metrics->entries[index].source != METRIC_RECORDED || so_far.error != 0 ||
        so_far.taken_ns == 0 || born_ns == INT64_MAX)
        return;
    so_far.source = VAGUS_SOURCE_DERIVED;
    if (so_far.taken_ns - born_ns < HOUR_NS)
        counted->hour = so_far;
    if (so_far.taken_ns - born_ns < DAY_NS)
        counted->day = so_far;
}

static void count(struct assembly *assembly, const struct metrics *metrics, int64_t now_ns,
                  struct vagus_system_snapshot *snapshot)
{
    for (size_t i = 0; i < ASSEMBLE_COUNTS; i++) {
        struct vagus_snapshot_count *counted = count_at(snapshot, i);
        if (assembly->counts[i] < 0)
            continue;
        uint32_t index = (uint32_t)assembly->counts[i];
        counted->hour = growth(metrics, index, HOUR_NS, now_ns);
        counted->day = growth(metrics, index, DAY_NS, now_ns);
        assemble_young_count(metrics, index, i, snapshot);
        assemble_touch(assembly, PART_AGENT);
    }
}

/* Errors for each second of the last five minutes, or since the start. */
static void rate_errors(struct assembly *assembly, const struct metrics *metrics,
                        int64_t started_ns, int64_t now_ns, struct vagus_system_snapshot *snapshot)
{
    static const char name[] = "agent.errors";
    int index = metrics_find(metrics, name, NULL);
    int64_t span_ns = now_ns - started_ns < OF_LATE_NS ? now_ns - started_ns : OF_LATE_NS;
    if (index < 0)
        return;
    struct vagus_reading *rate = &snapshot->agent.error_rate;
    assemble_touch(assembly, PART_AGENT);
    if (span_ns < VAGUS_SECOND_NS) {
        *rate = unknown(0); /* not yet */
        return;
    }
    *rate = growth(metrics, (uint32_t)index, span_ns, now_ns);
    rate->value /= (double)span_ns / (double)VAGUS_SECOND_NS;
}

/* --- Quantiles: two of one histogram stand side by side, and are of one look. --- */

struct look {
    int32_t metric;
    int error;
    struct vagus_distribution values;
};

static void look(const struct metrics *metrics, int32_t metric, int64_t now_ns, struct look *look)
{
    struct spread_metric spread = metrics_spread(metrics, (uint32_t)metric);
    struct segment_reader reader;
    struct spread_answer covered;
    segment_attach_own(metrics->segment, &reader);
    look->metric = metric;
    look->error = spreads_ask(&metrics->spreads, &reader, &spread, now_ns - OF_LATE_NS, now_ns,
                              &look->values, &covered);
}

static void rank(struct assembly *assembly, const struct metrics *metrics, int64_t now_ns,
                 struct vagus_system_snapshot *snapshot)
{
    static const struct {
        size_t offset;
        double quantile;
    } wanted[] = {
#define SNAPSHOT_QUANTILE(part, field, metric, quantile) {IN(part, field), quantile},
#include "report/snapshot.def"
    };
    struct look seen = {.metric = -1};
    for (size_t i = 0; i < ASSEMBLE_HISTOGRAMS; i++) {
        struct vagus_reading *reading = (void *)((char *)snapshot + wanted[i].offset);
        int32_t metric = assembly->histograms[i];
        double ns = 0;
        if (metric < 0 || metrics->entries[metric].kind != VAGUS_HISTOGRAM)
            continue;
        if (metric != seen.metric)
            look(metrics, metric, now_ns, &seen);
        assemble_touch(assembly, PART_AGENT);
        int error = seen.error;
        if (error == 0)
            error = vagus_distribution_quantile(&seen.values, wanted[i].quantile, &ns);
        /* No call in five minutes is no failure: there is nothing to tell. */
        *reading = error == 0              ? known(metrics, ns / (double)VAGUS_SECOND_NS, now_ns)
                   : error == VAGUS_ENOENT ? unknown(0)
                                           : unknown(error);
    }
}

/* --- The network. --- */

/* An interface that is gone, or that was just found, has no rate. */
static bool rate_of(const struct metrics *metrics, uint32_t index, int64_t now_ns, double *rate)
{
    struct query_span span;
    struct vagus_query_result result;
    if (vagus_reading_state(&metrics->readings[index], now_ns) != VAGUS_STATE_OK)
        return false;
    query_span_of(metrics, index, now_ns - MINUTE_NS, now_ns, &span);
    if (query_answer(&span, VAGUS_QUERY_RATE, 0, &result) != 0 || !(result.value >= 0))
        return false;
    *rate = result.value;
    return true;
}

static void rate_network(struct assembly *assembly, const struct metrics *metrics, int64_t now_ns,
                         struct vagus_system_snapshot *snapshot)
{
    static const size_t offsets[] = {
#define SNAPSHOT_NETWORK_RATE(part, field, metric, unit) IN(part, field),
#include "report/snapshot.def"
    };
    for (size_t i = 0; i < ASSEMBLE_RATES; i++) {
        struct vagus_reading *reading = (void *)((char *)snapshot + offsets[i]);
        double sum = 0, rate;
        bool any = false;
        if (assembly->interface_count[i] == 0)
            continue;
        for (uint32_t k = 0; k < assembly->interface_count[i]; k++)
            if (rate_of(metrics, (uint32_t)assembly->interfaces[i][k], now_ns, &rate)) {
                sum += rate;
                any = true;
            }
        *reading = any ? known(metrics, sum, now_ns) : unknown(0); /* not yet, or none is left */
        assemble_touch(assembly, PART_NETWORK);
    }
}

void assemble_history(struct assembly *assembly, const struct metrics *metrics, unsigned due,
                      int64_t started_ns, int64_t now_ns, struct vagus_system_snapshot *snapshot)
{
    count(assembly, metrics, now_ns, snapshot);
    rate_errors(assembly, metrics, started_ns, now_ns, snapshot);
    if ((due & (1u << VAGUS_TIER_10S)) == 0)
        return;
    rank(assembly, metrics, now_ns, snapshot);
    rate_network(assembly, metrics, now_ns, snapshot);
}
