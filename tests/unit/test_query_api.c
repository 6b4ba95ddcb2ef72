/* SPDX-License-Identifier: Apache-2.0 */
/* The public questions: names, errors, what does not fit, a callback over buckets. */
#include <stdlib.h>

#include "check.h"
#include "vagus/vagus.h"

#define S VAGUS_SECOND_NS

static int64_t now_ns = 100 * S;

static int64_t monotonic_ns(void *arg)
{
    (void)arg;
    return now_ns;
}

static struct vagus_monitor *open_and_record(void)
{
    struct vagus_clock clock = {monotonic_ns, monotonic_ns, NULL};
    struct vagus_monitor *monitor = NULL;
    struct vagus_monitor_options options = {
        .size = sizeof(options),
        .agent_name = "query",
        .policy_text = "version: 1\n",
        .clock = &clock,
        .flags = VAGUS_STEPPED | VAGUS_NO_COLLECTORS | VAGUS_ANONYMOUS_SEGMENT,
    };
    int error = vagus_monitor_open(&options, &monitor);
    if (error != 0) {
        options.policy_text = NULL;
        error = vagus_monitor_open(&options, &monitor);
    }
    CHECK_EQ(error, 0);
    if (error != 0)
        return NULL;
    struct vagus_counter calls = vagus_counter_define(
        monitor, &(struct vagus_metric_desc){.name = "calls", .instance = "a"});
    vagus_counter_define(monitor, &(struct vagus_metric_desc){.name = "calls", .instance = "b"});
    CHECK_EQ(vagus_monitor_start(monitor), 0);
    for (int i = 0; i < 600; i++) {
        vagus_add(calls, 7);
        now_ns += S;
        vagus_step(monitor, NULL);
    }
    return monitor;
}

static int count_bucket(const struct vagus_bucket *bucket, void *arg)
{
    unsigned *count = arg;
    CHECK(bucket->count == 1 && bucket->from_ns == bucket->to_ns);
    return ++*count == 500 ? 77 : 0;
}

static void questions_are_answered(void)
{
    struct vagus_monitor *monitor = open_and_record();
    REQUIRE(monitor != NULL);
    struct vagus_query_result results[64];
    const char *const names[] = {"calls", "nothing", NULL};
    size_t count = 0;
    struct vagus_query query = {.size = sizeof(query),
                                .names = names,
                                .from_ns = now_ns - 100 * S,
                                .to_ns = now_ns,
                                .aggregation = VAGUS_QUERY_SUM};
    CHECK_EQ(vagus_metrics_get(monitor, &query, results, 64, &count), 0);
    REQUIRE(count == 3);
    CHECK_STR(results[0].name, "calls");
    CHECK_STR(results[0].instance, "a");
    CHECK_EQ(results[0].error, 0);
    CHECK_NEAR(results[0].value, 700, 0);
    CHECK_EQ(results[0].samples, 100);
    CHECK_EQ(results[0].from_ns, now_ns - 99 * S);
    CHECK_EQ(results[0].to_ns, now_ns);
    CHECK_NEAR(results[1].value, 0, 0);
    CHECK_EQ(results[2].error, VAGUS_ENOENT);
    query.aggregation = VAGUS_QUERY_RATE;
    query.instance = "a";
    CHECK_EQ(vagus_metrics_get(monitor, &query, results, 1, &count), VAGUS_EFULL);
    CHECK_EQ(count, 2);
    CHECK_NEAR(results[0].value, 7, 1e-9);
    query.names = NULL;
    query.instance = NULL;
    CHECK_EQ(vagus_metrics_get(monitor, &query, results, 64, &count), 0);
    CHECK(count >= 2);
    query.aggregation = 13;
    CHECK_EQ(vagus_metrics_get(monitor, &query, results, 64, &count), VAGUS_EINVAL);
    query.aggregation = VAGUS_QUERY_MEAN;
    query.from_ns = query.to_ns + 1;
    CHECK_EQ(vagus_metrics_get(monitor, &query, results, 64, &count), VAGUS_EINVAL);

    unsigned buckets = 0;
    CHECK_EQ(vagus_metrics_scan(monitor, "calls", "a", 0, now_ns, count_bucket, &buckets), 77);
    CHECK_EQ(buckets, 500);
    CHECK_EQ(vagus_metrics_scan(monitor, "calls", "c", 0, now_ns, count_bucket, &buckets),
             VAGUS_ENOENT);
    struct vagus_reach reach = {0};
    CHECK_EQ(vagus_metrics_reach(monitor, "calls", "a", &reach), 0);
    CHECK_EQ(reach.own_ns, 100 * S);
    CHECK_EQ(reach.minute_ns, 60 * S);
    CHECK_EQ(vagus_monitor_close(monitor), 0);
    CHECK_EQ(vagus_metrics_get(monitor, &query, results, 64, &count), VAGUS_EINVAL);
    query.from_ns = 0;
    CHECK_EQ(vagus_metrics_get(monitor, &query, results, 64, &count), VAGUS_ECLOSED);
}

/* As many metrics as the smallest segment takes: it has two blocks for each, and each wants three.
 */
static void health_says_that_history_is_incomplete(void)
{
    enum { METRICS = 220 };
    static char health[65536];
    static const struct vagus_clock clock = {monotonic_ns, monotonic_ns, NULL};
    struct vagus_monitor *monitor = NULL;
    struct vagus_monitor_options options = {
        .size = sizeof(options),
        .policy_text = "rules: []\n",
        .segment_bytes = 1 << 20,
        .metrics_max = METRICS,
        .clock = &clock,
        .flags = VAGUS_STEPPED | VAGUS_NO_COLLECTORS | VAGUS_ANONYMOUS_SEGMENT,
    };
    REQUIRE(vagus_monitor_open(&options, &monitor) == 0);
    for (int i = 0; i < METRICS - 16; i++) {
        char name[16];
        snprintf(name, sizeof(name), "m%d", i);
        vagus_counter_define(monitor, &(struct vagus_metric_desc){.name = name});
    }
    CHECK_EQ(vagus_monitor_start(monitor), 0);
    for (int second = 0; second < 130; second++) {
        now_ns += S;
        vagus_step(monitor, NULL);
        if (second == 2)
            CHECK(vagus_health_format(monitor, 0, health, sizeof(health), NULL) == 0 &&
                  strstr(health, "history is incomplete") == NULL);
    }
    CHECK(vagus_health_format(monitor, 0, health, sizeof(health), NULL) == 0);
    CHECK_CONTAINS(health, "history is incomplete");
    vagus_monitor_close(monitor);
}

static struct vagus_monitor *open_small(uint64_t segment_bytes)
{
    static const struct vagus_clock clock = {monotonic_ns, monotonic_ns, NULL};
    struct vagus_monitor *monitor = NULL;
    struct vagus_monitor_options options = {
        .size = sizeof(options),
        .segment_bytes = segment_bytes,
        .metrics_max = 16,
        .clock = &clock,
        .flags = VAGUS_STEPPED | VAGUS_NO_COLLECTORS | VAGUS_ANONYMOUS_SEGMENT,
    };
    CHECK_EQ(vagus_monitor_open(&options, &monitor), 0);
    CHECK_EQ(vagus_monitor_start(monitor), 0);
    return monitor;
}

static struct vagus_query_result ask(struct vagus_monitor *monitor, const char *name,
                                     enum vagus_aggregation aggregation)
{
    const char *const names[] = {name, NULL};
    struct vagus_query_result result = {0};
    struct vagus_query query = {.size = sizeof(query),
                                .names = names,
                                .to_ns = now_ns,
                                .aggregation = aggregation,
                                .quantile = 0.5};
    CHECK_EQ(vagus_metrics_get(monitor, &query, &result, 1, NULL), 0);
    return result;
}

/* A tool that is called for the first time, once, was called. */
static void a_counter_begins_with_zero(void)
{
    struct vagus_monitor *monitor = open_small(1 << 20);
    for (int i = 0; i < 5; i++) {
        now_ns += S;
        vagus_step(monitor, NULL);
    }
    struct vagus_counter late =
        vagus_counter_define(monitor, &(struct vagus_metric_desc){.name = "late"});
    vagus_add(late, 3);
    for (int i = 0; i < 200; i++) {
        now_ns += S;
        vagus_step(monitor, NULL);
        CHECK_NEAR(ask(monitor, "late", VAGUS_QUERY_SUM).value, 3, 0);
    }
    CHECK_NEAR(ask(monitor, "late", VAGUS_QUERY_DELTA).value, 0, 0);
    vagus_monitor_close(monitor);
}

/* Values that cannot be foreseen fill a block in a minute and a half. */
static double any(void)
{
    static uint64_t seed = 88172645463325252u;
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (double)seed / 3;
}

static void step_with_noise(struct vagus_monitor *monitor, struct vagus_gauge noise, int seconds)
{
    for (int i = 0; i < seconds; i++) {
        vagus_set(noise, any());
        now_ns += S;
        vagus_step(monitor, NULL);
    }
}

/* Of a group of blocks the oldest are taken away first. */
static void what_was_taken_away_is_missed_alike(void)
{
    struct vagus_monitor *monitor = open_small(1 << 20);
    struct vagus_gauge noise =
        vagus_gauge_define(monitor, &(struct vagus_metric_desc){.name = "noise"});
    step_with_noise(monitor, noise, 150000);
    for (int i = 0; i < 30; i++) {
        struct vagus_query_result count = ask(monitor, "noise", VAGUS_QUERY_COUNT);
        struct vagus_query_result median = ask(monitor, "noise", VAGUS_QUERY_QUANTILE);
        CHECK(count.value > 1000 && median.samples == count.samples);
        CHECK_EQ(median.from_ns, count.from_ns);
        CHECK_EQ(ask(monitor, "noise", VAGUS_QUERY_DELTA).error, 0);
        step_with_noise(monitor, noise, 61);
    }
    vagus_monitor_close(monitor);
}

static int count_values(const struct vagus_bucket *bucket, void *arg)
{
    uint64_t *count = arg;
    *count += bucket->count;
    return 0;
}

static void a_long_history_is_scanned_from_its_beginning(void)
{
    struct vagus_monitor *monitor = open_small(8 << 20);
    struct vagus_gauge noise =
        vagus_gauge_define(monitor, &(struct vagus_metric_desc){.name = "noise"});
    uint64_t count = 0;
    step_with_noise(monitor, noise, 150000); /* more than a thousand blocks */
    CHECK_EQ(ask(monitor, "noise", VAGUS_QUERY_COUNT).value, 150000);
    CHECK_EQ(ask(monitor, "noise", VAGUS_QUERY_DELTA).error, 0);
    CHECK_EQ(vagus_metrics_scan(monitor, "noise", NULL, 0, now_ns, count_values, &count), 0);
    CHECK_EQ(count, 150000);
    vagus_monitor_close(monitor);
}

int main(void)
{
    RUN(questions_are_answered);
    RUN(health_says_that_history_is_incomplete);
    RUN(a_counter_begins_with_zero);
    RUN(what_was_taken_away_is_missed_alike);
    RUN(a_long_history_is_scanned_from_its_beginning);
    return check_result();
}
