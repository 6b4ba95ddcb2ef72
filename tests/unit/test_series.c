/* SPDX-License-Identifier: Apache-2.0 */
/* Folding and the series: values, gaps, windows, against a plain list of all that was put. */
#include <stdlib.h>

#include "check.h"
#include "metrics_fixture.h"

#define S VAGUS_SECOND_NS
#define MS VAGUS_MILLISECOND_NS

static uint32_t define(const char *name, enum vagus_metric_kind kind, enum metric_source source,
                       int64_t good_for_ns)
{
    const char *why;
    struct vagus_metric_desc desc = {.name = name, .kind = kind, .good_for_ns = good_for_ns};
    return (uint32_t)metrics_define(&metrics, &desc, source, &why);
}

static void a_window_holds_what_was_put_in_it(void)
{
    struct vagus_window w;
    uint32_t index = define("sensed", VAGUS_GAUGE, METRIC_SENSED, 0);
    metrics_window(&metrics, index, 0, 100 * S, &w);
    CHECK_EQ(w.count, 0);
    for (int i = 1; i <= 10; i++)
        metrics_put(&metrics, index, i * S, i == 4 ? 100 : i);
    metrics_window(&metrics, index, 2 * S, 9 * S, &w); /* 3 .. 9, the lower end exclusive */
    CHECK_EQ(w.count, 7);
    CHECK_NEAR(w.first, 3, 0);
    CHECK_NEAR(w.last, 9, 0);
    CHECK_NEAR(w.min, 3, 0);
    CHECK_NEAR(w.max, 100, 0);
    CHECK_NEAR(w.sum, 3 + 100 + 5 + 6 + 7 + 8 + 9, 0);
    CHECK_EQ(w.first_ns, 3 * S);
    CHECK_EQ(w.last_ns, 9 * S);
}

static void a_gap_is_a_gap_and_keeps_the_last_value(void)
{
    struct vagus_window w;
    uint32_t index = define("sensed", VAGUS_GAUGE, METRIC_SENSED, 0);
    metrics_put_missing(&metrics, index, 1 * S, VAGUS_EIO);
    CHECK_EQ(vagus_reading_state(&metrics.readings[index], 1 * S), VAGUS_STATE_ERROR);
    metrics_put(&metrics, index, 2 * S, 7);
    CHECK_EQ(vagus_reading_state(&metrics.readings[index], 2 * S), VAGUS_STATE_OK);
    CHECK_EQ(vagus_reading_state(&metrics.readings[index], 5 * S), VAGUS_STATE_OK);
    CHECK_EQ(vagus_reading_state(&metrics.readings[index], 5 * S + 1), VAGUS_STATE_STALE);
    metrics_put_missing(&metrics, index, 3 * S, VAGUS_EIO);
    metrics_put(&metrics, index, 4 * S, NAN);
    metrics_put(&metrics, index, 5 * S, INFINITY);
    CHECK_EQ(metrics.readings[index].error, VAGUS_EPARSE);
    CHECK_NEAR(metrics.readings[index].value, 7, 0);
    CHECK_EQ(metrics.readings[index].taken_ns, 2 * S);
    metrics_window(&metrics, index, 0, 9 * S, &w);
    CHECK_EQ(w.count, 1);
    CHECK_EQ(w.gaps, 3);
    CHECK_NEAR(w.min, 7, 0);
    metrics_put_missing(&metrics, index, 6 * S, VAGUS_EUNSUPPORTED);
    CHECK_EQ(vagus_reading_state(&metrics.readings[index], 6 * S), VAGUS_STATE_UNSUPPORTED);
}

/* Random puts and windows against a list of everything, in blocks as among the newest points. */
static void windows_agree_with_a_list(void)
{
    enum { PUTS = 5000 };
    static double values[PUTS];
    static int64_t times[PUTS];
    uint32_t index = define("sensed", VAGUS_GAUGE, METRIC_SENSED, 0);
    int64_t now = 0;
    srand(7);
    for (int i = 0; i < PUTS; i++) {
        now += (1 + rand() % 10 / 9 * (rand() % 20)) * S;
        times[i] = now;
        values[i] = i > 0 && rand() % 10 == 0 ? NAN : rand() % 1000;
        metrics_put(&metrics, index, now, values[i]);
        if (rand() % 8 != 0)
            continue;
        int64_t from = now - rand() % (rand() % 2 == 0 ? 60 : 5000) * S;
        struct vagus_window w;
        metrics_window(&metrics, index, from, now, &w);
        uint64_t count = 0, gaps = 0;
        double sum = 0, min = INFINITY, max = -INFINITY, first = NAN, last = NAN;
        for (int j = 0; j <= i; j++) {
            if (times[j] <= from)
                continue;
            if (isnan(values[j])) {
                gaps++;
                continue;
            }
            first = count++ == 0 ? values[j] : first;
            last = values[j];
            sum += values[j];
            min = fmin(min, values[j]);
            max = fmax(max, values[j]);
        }
        CHECK_EQ(w.count, count);
        CHECK_EQ(w.gaps, gaps);
        CHECK_NEAR(w.sum, sum, 1e-9);
        if (count > 0) {
            CHECK_NEAR(w.min, min, 0);
            CHECK_NEAR(w.max, max, 0);
            CHECK_NEAR(w.first, first, 0);
            CHECK_NEAR(w.last, last, 0);
        }
    }
}

static void counters_fold_exactly_and_append_on_their_tier(void)
{
    struct vagus_window w;
    uint32_t index = define("counted", VAGUS_COUNTER, METRIC_RECORDED, 0);
    struct vagus_counter counter = {metrics.cells.generation, index};
    vagus_add(counter, 5);
    metrics_fold(&metrics, 1u << VAGUS_TIER_100MS, 2 * S, 1 * S);
    CHECK_EQ(metrics.entries[index].total, 5);
    CHECK_EQ(metrics.readings[index].taken_ns, 2 * S);
    metrics_window(&metrics, index, 0, 9 * S, &w);
    CHECK_EQ(w.count, 0); /* its tier is 1 s */
    vagus_add(counter, 1);
    metrics_fold(&metrics, 1u << VAGUS_TIER_1S, 3 * S, 2 * S);
    metrics_window(&metrics, index, 0, 9 * S, &w);
    CHECK_EQ(w.count, 1);
    CHECK_NEAR(w.last, 6, 0);
    /* A sampler that stopped leaves nothing looking fresh. */
    CHECK_EQ(vagus_reading_state(&metrics.readings[index], 7 * S), VAGUS_STATE_STALE);
}

static void a_gauge_is_as_old_as_its_store(void)
{
    uint32_t index = define("set", VAGUS_GAUGE, METRIC_RECORDED, 0);
    uint32_t brief = define("brief", VAGUS_GAUGE, METRIC_RECORDED, 2 * S);
    struct vagus_gauge gauge = {metrics.cells.generation, index};
    const struct vagus_reading *reading = &metrics.readings[index];
    struct vagus_window w;
    metrics_fold(&metrics, 0, 1 * S, 1 * S);
    CHECK_EQ(vagus_reading_state(reading, 1 * S), VAGUS_STATE_NEVER);
    vagus_set(gauge, 3);
    vagus_set((struct vagus_gauge){gauge.generation, brief}, 9);
    metrics_fold(&metrics, 0, 2 * S, 1 * S);
    CHECK_EQ(reading->taken_ns, 1 * S); /* in the tick that began then */
    metrics_fold(&metrics, 0, 3 * S, 2 * S);
    CHECK_EQ(reading->taken_ns, 1 * S); /* not set again */
    vagus_set(gauge, 3);
    metrics_fold(&metrics, 0, 4 * S, 3 * S);
    CHECK_EQ(reading->taken_ns, 3 * S); /* set again, to the same value */
    CHECK_EQ(vagus_reading_state(reading, INT64_MAX - 1), VAGUS_STATE_OK);
    metrics_fold(&metrics, 1u << VAGUS_TIER_1S, 5 * S, 4 * S);
    CHECK_EQ(vagus_reading_state(&metrics.readings[brief], 5 * S), VAGUS_STATE_STALE);
    metrics_window(&metrics, brief, 0, 9 * S, &w);
    CHECK_EQ(w.count, 0);
    CHECK_EQ(w.gaps, 1); /* never a stale value stamped new */
}

static void values_are_mirrored(void)
{
    uint32_t index = define("sensed", VAGUS_GAUGE, METRIC_SENSED, 0);
    metrics_put(&metrics, index, 2 * S, 42);
    metrics_mirror(&metrics, 2 * S);
    struct vagus_reading *mirror = segment_entries(&segment, SEGMENT_VALUES);
    CHECK_NEAR(mirror[index].value, 42, 0);
    CHECK_EQ(segment_head(&segment, SEGMENT_VALUES)->count, 1);
    CHECK_EQ(segment_head(&segment, SEGMENT_VALUES)->updated_ns, 2 * S);
}

static uint32_t define_whole(const char *name)
{
    const char *why;
    struct vagus_metric_desc desc = {
        .name = name, .instance = "a", .kind = VAGUS_GAUGE, .resolution = 1};
    int index = metrics_define(&metrics, &desc, METRIC_SENSED, &why);
    CHECK(index >= 0);
    return index >= 0 ? (uint32_t)index : 0;
}

/* Four metrics of noise for a day, more than there is room for: the marked one is still whole. */
static void of_a_marked_metric_a_day_is_kept_at_1s(void)
{
    enum { DAY = 24 * 3600 };
    static const char *const marked[] = {"other", "kept"};
    metrics.keep_day = marked;
    metrics.keep_day_count = 2;
    uint32_t kept = define_whole("kept"), plain[3];
    plain[0] = define_whole("kep");
    plain[1] = define_whole("kept.not");
    plain[2] = define_whole("plain");
    srand(11);
    for (int second = 1; second <= DAY; second++) {
        metrics_put(&metrics, kept, second * S, rand() % 1000000);
        for (unsigned i = 0; i < 3; i++)
            metrics_put(&metrics, plain[i], second * S, rand() % 1000000);
    }
    CHECK_EQ(store_since_ns(&metrics.store, kept, 1), 1 * S);
    for (unsigned i = 0; i < 3; i++) {
        int64_t since_ns = store_since_ns(&metrics.store, plain[i], 1);
        CHECK(since_ns > 1 * S && since_ns <= (DAY - 3600) * S);
    }
    CHECK_EQ(metrics.store.unstored, 0);
}

int main(void)
{
    RUN_WITH_METRICS(a_window_holds_what_was_put_in_it);
    RUN_WITH_METRICS(a_gap_is_a_gap_and_keeps_the_last_value);
    RUN_WITH_METRICS(windows_agree_with_a_list);
    RUN_WITH_METRICS(counters_fold_exactly_and_append_on_their_tier);
    RUN_WITH_METRICS(a_gauge_is_as_old_as_its_store);
    RUN_WITH_METRICS(values_are_mirrored);
    RUN_WITH_METRICS(of_a_marked_metric_a_day_is_kept_at_1s);
    return check_result();
}
