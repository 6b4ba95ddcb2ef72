/* SPDX-License-Identifier: Apache-2.0 */
/* The cascade of levels, and every aggregation over random spans, against a plain list of all that
 * was put. */
#include "metrics/query.h"

#include <stdlib.h>

#include "check.h"
#include "metrics_fixture.h"

#define S VAGUS_SECOND_NS
#define MANY 40000

static struct {
    int64_t at_ns;
    double value;
} list[MANY];
static unsigned listed;

static uint32_t define(const char *name, enum vagus_metric_kind kind, enum vagus_tier tier,
                       double resolution)
{
    const char *why;
    struct vagus_metric_desc desc = {
        .name = name, .kind = kind, .tier = tier, .resolution = resolution};
    listed = 0;
    return (uint32_t)metrics_define(&metrics, &desc, METRIC_SENSED, &why);
}

static void put(uint32_t index, int64_t at_ns, double value)
{
    metrics_put(&metrics, index, at_ns, value);
    list[listed].at_ns = at_ns;
    list[listed++].value = value;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* What the list says about a span; its values lie in order afterwards. */
struct plain {
    uint64_t count;
    double sum, min, max, last, delta, rate, stddev, slope, unchanged;
    double values[MANY];
};

static void ask_list(int64_t from_ns, int64_t to_ns, struct plain *p)
{
    double base = NAN, tsum = 0, before = NAN;
    int64_t base_ns = 0, last_ns = 0, changed_ns = 0;
    *p = (struct plain){.min = INFINITY, .max = -INFINITY};
    for (unsigned i = 0; i < listed; i++) {
        double v = list[i].value;
        if (isnan(v) || list[i].at_ns > to_ns)
            continue;
        if (list[i].at_ns <= from_ns) {
            base = v;
            base_ns = list[i].at_ns;
            continue;
        }
        if (isnan(base)) {
            base = v;
            base_ns = list[i].at_ns;
        }
        if (p->count == 0 || v != before)
            changed_ns = list[i].at_ns;
        p->values[p->count++] = before = p->last = v;
        last_ns = list[i].at_ns;
        p->sum += v;
        p->min = fmin(p->min, v);
        p->max = fmax(p->max, v);
        tsum += (double)(list[i].at_ns - to_ns) / 1e9;
    }
    double n = (double)p->count, mean = p->sum / n, tmean = tsum / n, ss = 0, st = 0, tt = 0;
    for (unsigned i = 0; i < listed; i++) {
        double v = list[i].value, t = (double)(list[i].at_ns - to_ns) / 1e9 - tmean;
        if (isnan(v) || list[i].at_ns > to_ns || list[i].at_ns <= from_ns)
            continue;
        ss += (v - mean) * (v - mean);
        st += (v - mean) * t;
        tt += t * t;
    }
    p->delta = p->last - base;
    p->rate = p->delta / ((double)(last_ns - base_ns) / 1e9);
    p->stddev = sqrt(ss / n);
    p->slope = st / tt;
    p->unchanged = (double)(to_ns - changed_ns) / 1e9;
    qsort(p->values, p->count, sizeof(double), by_value);
}

static double ask(uint32_t index, unsigned aggregation, double quantile, int64_t from_ns,
                  int64_t to_ns, struct vagus_query_result *result)
{
    struct query_span span;
    query_span_of(&metrics, index, from_ns, to_ns, &span);
    int error = query_answer(&span, aggregation, quantile, result);
    return error == 0 ? result->value : error == VAGUS_ENOENT ? NAN : INFINITY;
}

#define AGREES(got, wanted, tolerance)                                                             \
    do {                                                                                           \
        double it_ = (got);                                                                        \
        if (!(isnan(it_) && !isfinite(wanted)))                                                    \
            CHECK_NEAR(it_, wanted, (tolerance) * (1 + fabs(wanted)));                             \
    } while (0)

static void agrees(uint32_t index, int64_t from, int64_t to)
{
    static struct plain p;
    struct vagus_query_result r;
    ask_list(from, to, &p);
    CHECK_NEAR(ask(index, VAGUS_QUERY_COUNT, 0, from, to, &r), (double)p.count, 0);
    if (p.count == 0) {
        CHECK(isnan(ask(index, VAGUS_QUERY_MEAN, 0, from, to, &r)));
        CHECK(isnan(ask(index, VAGUS_QUERY_QUANTILE, 0.5, from, to, &r)));
        return;
    }
    AGREES(ask(index, VAGUS_QUERY_LAST, 0, from, to, &r), p.last, 0);
    AGREES(ask(index, VAGUS_QUERY_MIN, 0, from, to, &r), p.min, 0);
    AGREES(ask(index, VAGUS_QUERY_MAX, 0, from, to, &r), p.max, 0);
    AGREES(ask(index, VAGUS_QUERY_SUM, 0, from, to, &r), p.sum, 1e-12);
    AGREES(ask(index, VAGUS_QUERY_MEAN, 0, from, to, &r), p.sum / (double)p.count, 1e-12);
    AGREES(ask(index, VAGUS_QUERY_DELTA, 0, from, to, &r), p.delta, 0);
    AGREES(ask(index, VAGUS_QUERY_RATE, 0, from, to, &r), p.rate, 1e-9);
    AGREES(ask(index, VAGUS_QUERY_STDDEV, 0, from, to, &r), p.stddev, 1e-9);
    AGREES(ask(index, VAGUS_QUERY_SLOPE, 0, from, to, &r), p.slope, 1e-9);
    AGREES(ask(index, VAGUS_QUERY_UNCHANGED, 0, from, to, &r), p.unchanged, 1e-9);
    static const double quantiles[] = {0, 0.01, 0.5, 0.9, 0.99, 1};
    for (unsigned i = 0; i < 6; i++) {
        double rank = ceil(quantiles[i] * (double)p.count);
        AGREES(ask(index, VAGUS_QUERY_QUANTILE, quantiles[i], from, to, &r),
               p.values[rank < 1 ? 0 : (size_t)rank - 1], 0);
        CHECK_EQ(r.samples, p.count);
    }
}

/* The own tier answers exactly, over any span that it reaches back to. */
static void answers_agree_with_a_list(void)
{
    for (unsigned shape = 0; shape < 4; shape++) {
        char name[8] = {'m', (char)('0' + shape), 0};
        uint32_t index = define(name, VAGUS_GAUGE, VAGUS_TIER_1S, shape == 3 ? 0 : 1);
        int64_t now = 1000 * S;
        double value = 0;
        srand(shape + 1);
        for (int i = 0; i < 20000; i++) {
            now += rand() % 100 == 0 ? (1 + rand() % 50) * S : S;
            value = shape == 0   ? rand() % 1000
                    : shape == 1 ? value + rand() % 3
                    : shape == 2 ? (rand() % 500 == 0 ? rand() % 100 : value)
                                 : rand() / 7.0;
            put(index, now, i > 0 && rand() % 50 == 0 ? NAN : value);
            if (i % 1000 != 999 && i != 5 && i != 63 && i != 64)
                continue;
            agrees(index, 0, now);
            for (int k = 0; k < 12; k++) {
                int64_t from = 990 * S + rand() % ((now - 990 * S) / S) * S;
                agrees(index, from, from + rand() % ((now - from) / S + 1) * S);
                agrees(index, now - rand() % 100 * S, now);
            }
        }
    }
}

static double listed_max(int64_t from_ns, int64_t to_ns, uint64_t *count, double *sum, double *last)
{
    double max = -INFINITY;
    *count = 0;
    *sum = 0;
    for (unsigned i = 0; i < listed; i++) {
        if (list[i].at_ns < from_ns || list[i].at_ns >= to_ns)
            continue;
        max = fmax(max, list[i].value);
        *sum += list[i].value;
        *last = list[i].value;
        ++*count;
    }
    return max;
}

/* Each level of a fast metric holds what a plain look at the list gives for each of its buckets,
 * and no bucket where there was no value. */
static void levels_cascade(void)
{
    uint32_t index = define("fast", VAGUS_GAUGE, VAGUS_TIER_100MS, 1);
    int64_t now = 7 * S;
    srand(3);
    for (int i = 0; i < 30000; i++) {
        now += rand() % 1000 == 0 ? rand() % 100 * S : S / 10;
        put(index, now, rand() % 1000);
    }
    for (unsigned level = 1; level < STORE_LEVELS; level++) {
        int64_t period = segment_level_ns(store_level_tier(level, VAGUS_TIER_100MS));
        uint32_t place = store_newest(&metrics.store, index, level), entries = 0;
        static struct segment_block block;
        while (place != 0 && store_copy_block(&metrics.store, place, &block) == 0 &&
               block.head.metric == index) {
            struct block_reader reader;
            struct block_entry entry;
            for (block_read(&reader, &block, 1); block_next(&reader, &entry); entries++) {
                uint64_t count;
                double sum,
                    last = NAN,
                    max = listed_max(entry.at_ns, entry.at_ns + period, &count, &sum, &last);
                CHECK_EQ(entry.at_ns % period, 0);
                CHECK_EQ(entry.count, count);
                CHECK_NEAR(entry.max, max, 0);
                CHECK_NEAR(entry.sum, sum, 0);
                CHECK_NEAR(entry.last, last, 0);
            }
            place = block.head.number > 1 ? block.head.previous : 0;
        }
        CHECK(entries > 30);
    }
}

/* A span that only buckets reach is answered from these, to its end by what they did not close. */
static void what_the_own_tier_lost_is_answered_from_buckets(void)
{
    uint32_t index = define("fast", VAGUS_COUNTER, VAGUS_TIER_100MS, 1);
    int64_t now = 0;
    double total = 0;
    srand(5);
    for (int i = 0; i < 3000000 && metrics.store.oldest[index * STORE_LEVELS] < 3; i++)
        metrics_put(&metrics, index, now += S / 10, total += rand());
    CHECK(store_since_ns(&metrics.store, index, 0) > 10 * S);
    CHECK(store_since_ns(&metrics.store, index, 3) < 60 * S);
    struct vagus_query_result r;
    CHECK_NEAR(ask(index, VAGUS_QUERY_COUNT, 0, 0, now, &r), (double)now / 1e8, 600);
    CHECK(r.step_ns >= S);
    CHECK_NEAR(ask(index, VAGUS_QUERY_LAST, 0, 0, now, &r), total, 0);
    CHECK_EQ(r.to_ns, now);
    CHECK(r.from_ns <= 60 * S);
}

static void the_oldest_goes_first_and_open_blocks_stay(void)
{
    uint32_t quiet = define("quiet", VAGUS_GAUGE, VAGUS_TIER_1S, 0);
    uint32_t loud = define("loud", VAGUS_GAUGE, VAGUS_TIER_1S, 0);
    metrics_put(&metrics, quiet, S, 42);
    srand(9);
    int64_t now = S, before = 0;
    for (int i = 0; i < 400000; i++) {
        metrics_put(&metrics, loud, now += S, rand() / 3.0);
        int64_t since = store_since_ns(&metrics.store, loud, 1);
        CHECK(since >= before);
        before = since;
    }
    CHECK(metrics.store.places_used == metrics.store.places_count);
    CHECK(before > now - 200000 * S);
    CHECK_EQ(metrics.store.unstored, 0);
    struct vagus_query_result r;
    CHECK_NEAR(ask(quiet, VAGUS_QUERY_LAST, 0, 0, now, &r), 42, 0);
    /* Minutes outlive seconds. */
    CHECK(store_since_ns(&metrics.store, loud, 3) < before);
}

/* A span, and each block, that begin with gaps still have a first value. */
static void gaps_at_the_beginning_are_no_values(void)
{
    uint32_t index = define("gaps", VAGUS_GAUGE, VAGUS_TIER_1S, 1);
    srand(13);
    for (int i = 1; i <= 10000; i++)
        put(index, i * S, i > 1 && rand() % 10 != 0 ? NAN : rand());
    for (int i = 0; i < 60; i++) {
        int64_t from_ns = rand() % 9000 * S;
        agrees(index, from_ns, from_ns + 100 * S + rand() % 900 * S);
    }
}

static void buckets_come_in_order(void)
{
    uint32_t index = define("scan", VAGUS_GAUGE, VAGUS_TIER_1S, 1);
    srand(11);
    for (int i = 1; i <= 5000; i++)
        put(index, i * S, rand() % 100 == 0 && i > 1 ? NAN : rand() % 300);
    struct query_span span;
    query_span_of(&metrics, index, 100 * S, 4900 * S, &span);
    struct query_cursor cursor = {0};
    struct vagus_bucket buckets[100];
    unsigned got, at = 100;
    do {
        REQUIRE(query_next(&span, &cursor, buckets, 100, &got) == 0);
        for (unsigned i = 0; i < got; i++, at++) {
            CHECK_EQ(buckets[i].from_ns, list[at].at_ns);
            CHECK_EQ(buckets[i].count, !isnan(list[at].value));
            if (buckets[i].count > 0)
                CHECK_NEAR(buckets[i].last, list[at].value, 0);
        }
    } while (got > 0);
    CHECK_EQ(at, 4900);
}

static void what_makes_no_sense_is_refused(void)
{
    struct query_span span;
    struct vagus_query_result r;
    uint32_t index = define("m", VAGUS_GAUGE, VAGUS_TIER_1S, 1);
    query_span_of(&metrics, index, 5, 4, &span);
    CHECK_EQ(query_answer(&span, VAGUS_QUERY_MEAN, 0, &r), VAGUS_EINVAL);
    query_span_of(&metrics, index, 4, 5, &span);
    CHECK_EQ(query_answer(&span, 0, 0, &r), VAGUS_EINVAL);
    CHECK_EQ(query_answer(&span, 99, 0, &r), VAGUS_EINVAL);
    CHECK_EQ(query_answer(&span, VAGUS_QUERY_QUANTILE, 1.1, &r), VAGUS_EINVAL);
    CHECK_EQ(query_answer(&span, VAGUS_QUERY_QUANTILE, NAN, &r), VAGUS_EINVAL);
    CHECK_EQ(query_answer(&span, VAGUS_QUERY_MEAN, 0, &r), VAGUS_ENOENT);
}

int main(void)
{
    RUN_WITH_METRICS(answers_agree_with_a_list);
    RUN_WITH_METRICS(levels_cascade);
    RUN_WITH_METRICS(what_the_own_tier_lost_is_answered_from_buckets);
    RUN_WITH_METRICS(the_oldest_goes_first_and_open_blocks_stay);
    RUN_WITH_METRICS(gaps_at_the_beginning_are_no_values);
    RUN_WITH_METRICS(buckets_come_in_order);
    RUN_WITH_METRICS(what_makes_no_sense_is_refused);
    return check_result();
}
