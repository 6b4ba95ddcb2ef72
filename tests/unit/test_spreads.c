/* SPDX-License-Identifier: Apache-2.0 */
/* Any window of a histogram's history against the sorted values that were recorded in it; from
 * outside the same as from inside. */
#include "metrics/spreads.h"

#include <math.h>
#include <stdlib.h>

#include "check.h"
#include "metrics_fixture.h"
#include "vagus/query.h"

#define S VAGUS_SECOND_NS
#define PER_SECOND_MAX 40

static uint64_t seed = 1;

static uint64_t next_random(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return seed >> 33;
}

static struct {
    int64_t at_ns;
    double value;
} * told;
static size_t told_count, told_room;

static struct vagus_histogram histogram;
static uint32_t histogram_index;

static void define(double min, double max, enum vagus_tier tier)
{
    const char *why;
    int index = metrics_define(
        &metrics,
        &(struct vagus_metric_desc){
            .name = "h", .kind = VAGUS_HISTOGRAM, .tier = tier, .min = min, .max = max},
        METRIC_RECORDED, &why);
    REQUIRE(index >= 0);
    histogram_index = (uint32_t)index;
    const struct metric *metric = &metrics.entries[index];
    histogram = (struct vagus_histogram){
        metrics.cells.generation, metric->index,        metric->first,
        metric->shape.buckets,    metric->shape.origin, metric->shape.shift};
    told_count = 0;
}

static void tell(double value)
{
    if (told_count == told_room) {
        told_room = told_room != 0 ? 2 * told_room : 4096;
        told = realloc(told, told_room * sizeof(*told));
        REQUIRE(told != NULL);
    }
    vagus_record_value(histogram, value);
    told[told_count].at_ns = fixture_now_ns + S / 2;
    told[told_count++].value = value;
}

static void tick(int64_t step_ns, unsigned due)
{
    int64_t before_ns = fixture_now_ns;
    fixture_now_ns += step_ns;
    metrics_fold(&metrics, due, fixture_now_ns, before_ns);
}

/* Seconds of the sampler's ticks, which come a little early or late. */
static void live(unsigned seconds, bool bursts)
{
    for (unsigned i = 0; i < seconds; i++) {
        unsigned count = (unsigned)next_random() % PER_SECOND_MAX;
        if (bursts && i / 50 % 3 != 0)
            count = 0;
        for (unsigned k = 0; k < count; k++)
            tell(floor(1000 * exp((double)next_random() / 0x1p31 * 9)));
        tick(S + (int64_t)(next_random() % 60000000) - 30000000, ~0u);
        fixture_now_ns = (fixture_now_ns + S / 2) / S * S;
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct vagus_distribution got;
static struct spread_answer covered;

static void add_record(const struct spread_record *record, void *arg)
{
    spread_add(arg, record);
}

static int ask(int64_t from_ns, int64_t to_ns)
{
    struct segment_reader reader;
    struct spread_metric metric = metrics_spread(&metrics, histogram_index);
    segment_attach_own(&segment, &reader);
    return spreads_ask(&metrics.spreads, &reader, &metric, from_ns, to_ns, &got, &covered);
}

/* What was recorded in the span that is covered. */
static void check_against_told(void)
{
    double *sorted = calloc(told_count + 1, sizeof(*sorted)), sum = 0;
    size_t count = 0;
    REQUIRE(sorted != NULL);
    for (size_t i = 0; i < told_count; i++)
        if (told[i].at_ns >= covered.from_ns && told[i].at_ns < covered.to_ns) {
            sorted[count++] = told[i].value;
            sum += told[i].value;
        }
    qsort(sorted, count, sizeof(*sorted), by_value);
    CHECK_EQ(got.count, count);
    CHECK_NEAR(got.sum, sum, 0);
    for (double q = 0; q <= 1 && count > 0; q += 0.0625) {
        size_t rank = (size_t)ceil(q * (double)count);
        double exact = sorted[rank > 0 ? rank - 1 : 0], value = 0;
        CHECK_EQ(vagus_distribution_quantile(&got, q, &value), 0);
        CHECK_NEAR(value, exact, exact * vagus_distribution_error(&got) * 1.000001);
    }
    free(sorted);
}

static void check_window(int64_t from_ns, int64_t to_ns, int64_t step_ns)
{
    static struct vagus_distribution outside;
    CHECK_EQ(ask(from_ns, to_ns), 0);
    check_against_told();
    if (covered.to_ns > covered.from_ns) {
        CHECK(covered.from_ns >= from_ns);
        CHECK(covered.to_ns <= to_ns);
    }
    if (step_ns != 0)
        CHECK_EQ(covered.step_ns, step_ns);

    struct segment_reader reader;
    struct histogram_shape shape;
    segment_attach_own(&segment, &reader);
    struct outside_block *blocks = calloc(outside_blocks_max(&reader) + 1, sizeof(*blocks));
    REQUIRE(blocks != NULL && spread_shape(&metrics.described[histogram_index], &shape));
    uint32_t count = outside_list_spread(&reader, histogram_index, blocks);
    REQUIRE(count > 0);
    struct outside_spread walk = {.on_record = add_record, .arg = &outside};
    histogram_empty(&shape, &outside);
    outside_walk_spread(&reader, histogram_index, &shape, blocks, count,
                        blocks[outside_level_for(blocks, count, from_ns)].level, from_ns, to_ns,
                        &walk);
    free(blocks);
    if (walk.step_ns < covered.step_ns)
        return; /* inside, a level with very many blocks is passed over */
    CHECK_EQ(walk.from_ns, covered.from_ns);
    CHECK_EQ(walk.to_ns, covered.to_ns);
    CHECK_EQ(memcmp(&outside, &got, sizeof(got)), 0);
}

static void every_window_answers_as_the_sorted_values_do(void)
{
    define(100, 1e8, VAGUS_TIER_1S);
    int64_t began_ns = fixture_now_ns;
    live(1000, true);
    for (unsigned i = 0; i < 200; i++) {
        int64_t from_ns = began_ns + (int64_t)(next_random() % 1000) * S - 5 * S;
        int64_t to_ns = from_ns + (int64_t)(next_random() % 500) * S;
        check_window(from_ns, to_ns, S);
        CHECK(covered.to_ns == covered.from_ns || to_ns > fixture_now_ns ||
              to_ns - covered.to_ns < S);
    }
    check_window(began_ns - 100 * S, fixture_now_ns, S);
    CHECK_EQ(got.count, told_count);
    check_window(INT64_MIN, INT64_MAX, 0);
    CHECK_EQ(got.count, told_count);
    check_window(fixture_now_ns - S / 2, fixture_now_ns, 0); /* no whole second */
    CHECK_EQ(got.count, 0);
}

/* The pool of the fixture is small: a day drives the fine levels out of it. */
static void what_was_driven_out_is_answered_from_coarser_stretches(void)
{
    define(100, 1e8, VAGUS_TIER_1S);
    int64_t began_ns = fixture_now_ns;
    live(40000, false);
    CHECK(spreads_since_ns(&metrics.spreads, 0, 0) > began_ns + 1000 * S);
    check_window(began_ns - S, fixture_now_ns, 0);
    CHECK(covered.step_ns > S);
    for (unsigned i = 0; i < 30; i++) {
        int64_t from_ns = began_ns + (int64_t)(next_random() % 40000) * S;
        check_window(from_ns, fixture_now_ns - (int64_t)(next_random() % 100) * S, 0);
    }
    check_window(fixture_now_ns - 300 * S, fixture_now_ns, S);
}

static void a_stall_is_one_wide_stretch_and_loses_nothing(void)
{
    define(1, 1000, VAGUS_TIER_1S);
    int64_t began_ns = fixture_now_ns;
    tick(S, ~0u);
    tell(10);
    tick(S, ~0u);
    tell(20);
    tick(7 * S, ~0u);
    tell(30);
    tick(S, ~0u);
    CHECK_EQ(ask(began_ns, fixture_now_ns), 0);
    CHECK_EQ(got.count, 3);
    CHECK_EQ(ask(began_ns + 4 * S, fixture_now_ns), 0); /* begins in the middle of it */
    CHECK_EQ(got.count, 1);
    CHECK_EQ(covered.from_ns, fixture_now_ns - S);
    CHECK_EQ(ask(began_ns, began_ns + 5 * S), 0);
    CHECK_EQ(got.count, 1);
    CHECK_EQ(covered.to_ns, began_ns + 2 * S);
}

static void slower_histograms_have_the_levels_that_they_can(void)
{
    define(1, 1000, VAGUS_TIER_10S);
    int64_t began_ns = fixture_now_ns;
    CHECK_EQ(ask(0, began_ns), VAGUS_ENOENT); /* nothing yet */
    for (unsigned i = 0; i < 700; i++) {
        tell(1 + i % 999);
        tick(S, i % 10 == 9 ? ~0u : 1u << VAGUS_TIER_1S);
    }
    CHECK_EQ(spreads_since_ns(&metrics.spreads, metrics.entries[histogram_index].number, 0),
             INT64_MAX);
    CHECK_EQ(ask(0, fixture_now_ns), 0);
    CHECK_EQ(got.count, 700);
    CHECK_EQ(covered.step_ns, 10 * S);
    define(1, 1000, VAGUS_TIER_10S); /* the same again */
    CHECK_EQ(ask(fixture_now_ns - 60 * S, fixture_now_ns), 0);
    CHECK_EQ(got.count, 60);
}

int main(void)
{
    RUN_WITH_METRICS(every_window_answers_as_the_sorted_values_do);
    RUN_WITH_METRICS(what_was_driven_out_is_answered_from_coarser_stretches);
    RUN_WITH_METRICS(a_stall_is_one_wide_stretch_and_loses_nothing);
    RUN_WITH_METRICS(slower_histograms_have_the_levels_that_they_can);
    free(told);
    return check_result();
}
