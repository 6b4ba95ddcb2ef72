/* SPDX-License-Identifier: Apache-2.0 */
/* Sparklines: columns of gauges and counters as a stranger reads them, and how they are drawn. */
#include "report/spark.h"

#include "check.h"

#define FIXTURE_METRICS 160
#define FIXTURE_BYTES (4u << 20)
#include "metrics/outside.h"
#include "metrics_fixture.h"
#include "report/report.h"

#define S VAGUS_SECOND_NS
#define MS VAGUS_MILLISECOND_NS

static struct segment_reader reader;

static uint32_t define(const char *name, enum vagus_metric_kind kind, enum vagus_tier tier)
{
    const char *why;
    struct vagus_metric_desc desc = {.name = name, .kind = kind, .tier = tier, .resolution = 0.001};
    int index = metrics_define(&metrics, &desc, METRIC_SENSED, &why);
    segment_attach_own(&segment, &reader);
    return index < 0 ? 0 : (uint32_t)index;
}

static int read_by_name(const char *name, int64_t end_ns, int64_t step_ns, double *values,
                        unsigned columns)
{
    int index = metrics_find(&metrics, name, NULL);
    return index < 0
               ? index
               : spark_read(&reader, (uint32_t)index, metrics_describe(&metrics, (uint32_t)index),
                            end_ns, step_ns, values, columns);
}

/* "1 2.5 - 4": what was read, rounded to thousandths. */
static const char *columns_of(const char *name, int64_t end_ns, int64_t step_ns, unsigned columns)
{
    static char line[2048];
    double values[SPARK_COLUMNS_MAX];
    struct text text;
    text_init(&text, line, sizeof(line));
    if (read_by_name(name, end_ns, step_ns, values, columns) != 0)
        return "error";
    for (unsigned i = 0; i < columns; i++)
        isnan(values[i]) ? text_add(&text, " -") : text_addf(&text, " %g", values[i]);
    return line;
}

static void a_gauge_has_a_column_for_each_step(void)
{
    uint32_t index = define("test.gauge", VAGUS_GAUGE, VAGUS_TIER_1S);
    for (int i = 1; i <= 10; i++)
        metrics_put(&metrics, index, i * S, i);
    CHECK_STR(columns_of("test.gauge", 10 * S, S, 4), " 7 8 9 10");
    CHECK_STR(columns_of("test.gauge", 10 * S, 2 * S, 3), " 5.5 7.5 9.5");
    /* Before its first value nothing is known; what is asked for may lie in the past. */
    CHECK_STR(columns_of("test.gauge", 3 * S, S, 5), " - - 1 2 3");
    CHECK_STR(columns_of("test.gauge", 10 * S, S, 0), "");
}

static void a_value_stands_as_long_as_it_is_good(void)
{
    uint32_t index = define("test.gauge", VAGUS_GAUGE, VAGUS_TIER_10S);
    metrics_put(&metrics, index, 10 * S, 1);
    metrics_put(&metrics, index, 20 * S, 2);
    CHECK_STR(columns_of("test.gauge", 24 * S, 2 * S, 8), " 1 1 1 1 1 2 2 2");
    CHECK_STR(columns_of("test.gauge", 12 * S, 2 * S, 3), " - 1 1");
    /* And not when it is not good any more. */
    CHECK_STR(columns_of("test.gauge", 1020 * S, 100 * S, 4), " - - - -");
}

static void a_gap_is_a_dot(void)
{
    uint32_t index = define("test.gauge", VAGUS_GAUGE, VAGUS_TIER_1S);
    for (int i = 1; i <= 6; i++)
        if (i == 3 || i == 4)
            metrics_put_missing(&metrics, index, i * S, VAGUS_EIO);
        else
            metrics_put(&metrics, index, i * S, i);
    CHECK_STR(columns_of("test.gauge", 6 * S, S, 6), " 1 2 - - 5 6");
}

static void a_counter_is_drawn_by_how_fast_it_grew(void)
{
    uint32_t index = define("test.counter", VAGUS_COUNTER, VAGUS_TIER_1S);
    static const double totals[] = {5, 5, 8, 8, 14, 14};
    for (int i = 0; i < 6; i++)
        metrics_put(&metrics, index, (i + 1) * S, totals[i]);
    /* The first has nothing to grow from. */
    CHECK_STR(columns_of("test.counter", 6 * S, S, 6), " - 0 3 0 6 0");
    CHECK_STR(columns_of("test.counter", 6 * S, 2 * S, 2), " 1.5 3");
    /* A step shorter than its own takes its share. */
    CHECK_STR(columns_of("test.counter", 3 * S, S / 2, 4), " 0 0 3 3");
}

static void a_counter_that_begins_anew_has_no_rate_there(void)
{
    uint32_t index = define("test.counter", VAGUS_COUNTER, VAGUS_TIER_1S);
    static const double totals[] = {100, 104, 2, 5};
    for (int i = 0; i < 4; i++)
        metrics_put(&metrics, index, (i + 1) * S, totals[i]);
    CHECK_STR(columns_of("test.counter", 4 * S, S, 3), " 4 - 3");
}

static void long_steps_are_read_from_long_buckets(void)
{
    uint32_t index = define("test.gauge", VAGUS_GAUGE, VAGUS_TIER_100MS);
    for (int i = 0; i <= 6000; i++)
        metrics_put(&metrics, index, S + i * 100 * MS, (i + 599) / 600);
    CHECK_STR(columns_of("test.gauge", 601 * S, 60 * S, 5), " 6 7 8 9 10");
}

static void steps_that_no_time_has_are_refused(void)
{
    double values[2] = {7, 7};
    define("test.gauge", VAGUS_GAUGE, VAGUS_TIER_1S);
    CHECK_EQ(read_by_name("test.gauge", S, 0, values, 2), VAGUS_EINVAL);
    CHECK_EQ(read_by_name("test.gauge", S, INT64_MAX, values, 2), VAGUS_EINVAL);
    CHECK_EQ(read_by_name("test.gauge", S, S, values, SPARK_COLUMNS_MAX + 1), VAGUS_EINVAL);
    CHECK(values[0] == 7 && values[1] == 7);
    CHECK_EQ(read_by_name("test.gauge", INT64_MAX, S, values, 2), 0);
    CHECK(isnan(values[0]) && isnan(values[1]));
}

/* A stranger's chains may lead anywhere; what they lead to is read once. */
static void no_block_is_listed_twice(void)
{
    static struct outside_block blocks[4096];
    uint32_t index = define("test.gauge", VAGUS_GAUGE, VAGUS_TIER_1S);
    struct segment_chains *chains = segment_entries(&segment, SEGMENT_CHAINS);
    for (int i = 1; i <= 10; i++)
        metrics_put(&metrics, index, i * S, i);
    REQUIRE(outside_blocks_max(&reader) <= 4096);
    uint32_t count = outside_list(&reader, index, blocks);
    CHECK(count > 0);
    for (int level = 0; level < SEGMENT_CHAIN_LEVELS; level++)
        chains[index].values[level].newest = chains[index].values[1].newest;
    CHECK(outside_list(&reader, index, blocks) <= count);
}

/* As many interfaces as there may be: what comes after them in the directory is still found, and
 * none of them is left out of the sum. */
static void many_interfaces_hide_nothing(void)
{
    static struct report report;
    const char *why;
    int index[64], agent;
    for (int i = 0; i < 64; i++) {
        char name[16];
        snprintf(name, sizeof(name), "veth%d", i / 2);
        index[i] = metrics_define(
            &metrics,
            &(struct vagus_metric_desc){.name = i % 2 != 0 ? "system.network.io.receive"
                                                           : "system.network.io.transmit",
                                        .instance = name,
                                        .label = "interface",
                                        .kind = VAGUS_COUNTER,
                                        .tier = VAGUS_TIER_1S,
                                        .resolution = 1},
            METRIC_SENSED, &why);
    }
    agent = (int)define("agent.tokens", VAGUS_COUNTER, VAGUS_TIER_1S);
    for (int s = 1; s <= 5; s++) {
        for (int i = 0; i < 64; i++)
            metrics_put(&metrics, (uint32_t)index[i], s * S, 10.0 * s);
        metrics_put(&metrics, (uint32_t)agent, s * S, s);
    }
    report.alive = true;
    report.now_ns = 5 * S;
    report_load_sparks(&report, &reader);
    CHECK_NEAR(report.sparks[REPORT_SPARK_NETWORK].values[REPORT_SPARK_STEPS - 1], 640, 0);
    CHECK(report.sparks[REPORT_SPARK_AGENT].known);
}

static const char *drawn(const double *values, unsigned count, double low, double high)
{
    static char line[256];
    struct text text;
    text_init(&text, line, sizeof(line));
    spark_draw(values, count, low, high, &text);
    return line;
}

static void bars_are_eighths_and_dots_are_unknown(void)
{
    const double ramp[] = {0, 1, 2, 3, 4, 5, 6, 7, 8};
    const double holes[] = {NAN, 3, INFINITY, 5};
    CHECK_STR(drawn(ramp, 9, NAN, NAN), "▁▂▃▄▅▆▇██");
    CHECK_STR(drawn(ramp, 9, 4, 6), "▁▁▁▁▁▅███");
    CHECK_STR(drawn(holes, 4, NAN, NAN), "·▁·█");
    CHECK_STR(drawn(ramp + 4, 1, NAN, NAN), "▁");
    CHECK_STR(drawn(ramp + 4, 1, 0, 8), "▅");
    CHECK_STR(drawn(ramp, 0, NAN, NAN), "");
    CHECK_STR(drawn(holes, 1, NAN, NAN), "·");
}

int main(void)
{
    RUN_WITH_METRICS(a_gauge_has_a_column_for_each_step);
    RUN_WITH_METRICS(a_value_stands_as_long_as_it_is_good);
    RUN_WITH_METRICS(a_gap_is_a_dot);
    RUN_WITH_METRICS(a_counter_is_drawn_by_how_fast_it_grew);
    RUN_WITH_METRICS(a_counter_that_begins_anew_has_no_rate_there);
    RUN_WITH_METRICS(long_steps_are_read_from_long_buckets);
    RUN_WITH_METRICS(steps_that_no_time_has_are_refused);
    RUN_WITH_METRICS(no_block_is_listed_twice);
    RUN_WITH_METRICS(many_interfaces_hide_nothing);
    RUN(bars_are_eighths_and_dots_are_unknown);
    return check_result();
}
