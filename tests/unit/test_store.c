/* SPDX-License-Identifier: Apache-2.0 */
/* The store when room is short: ten thousand metrics in a segment that holds a part of their past.
 * The oldest goes first, what is left is what was put, and the reach is said rightly. */
#include "metrics/store.h"

#include <stdlib.h>

#include "base/clock.h"
#include "check.h"
#include "metrics/query.h"

#define S VAGUS_SECOND_NS
#define METRICS 10000
#define ROUNDS 400

static struct segment segment;
static struct metrics metrics;
static int64_t now_ns;

static int64_t told_now_ns(void *arg)
{
    (void)arg;
    return now_ns;
}

static const struct vagus_clock told_clock = {told_now_ns, told_now_ns, NULL};

static bool begin(uint64_t bytes, uint32_t capacity)
{
    struct segment_options options = {.agent = "test",
                                      .bytes = bytes,
                                      .metrics_max = capacity,
                                      .anonymous = true,
                                      .clock = &told_clock};
    now_ns = S;
    return segment_create(&options, &segment) == 0 &&
           metrics_init(&metrics, &segment, capacity, 4, cells_door_take(), &told_clock) == 0;
}

static void end(void)
{
    uint32_t generation = metrics.cells.generation;
    metrics_finish(&metrics);
    cells_door_free(generation);
    segment_close(&segment);
}

/* What a metric was at a round: nothing that a codec could foresee, so blocks fill soon. */
static double value_at(uint32_t metric, uint32_t round)
{
    uint64_t x = ((uint64_t)metric << 32 | round) * UINT64_C(0x9e3779b97f4a7c15);
    x ^= x >> 29;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    return (double)(x >> 13) / 8;
}

struct seen {
    struct query_sink sink;
    uint32_t metric, next; /* the round that comes next; 0: any */
    uint32_t count, wrong;
};

static void see(struct query_sink *sink, const struct block_entry *entry, int64_t width_ns)
{
    struct seen *seen = (struct seen *)sink;
    uint32_t round = (uint32_t)(entry->at_ns / (60 * S));
    seen->wrong += entry->last != value_at(seen->metric, round) || width_ns != 0;
    seen->count++;
}

/* Each metric has all values since its reach, and no others; all together have the newest. */
static void the_oldest_goes_first_of_ten_thousand(void)
{
    REQUIRE(begin(UINT64_C(32) << 20, METRICS));
    for (uint32_t i = 0; i < METRICS; i++) {
        char name[32];
        const char *why;
        snprintf(name, sizeof(name), "test.m%u", i);
        struct vagus_metric_desc desc = {.name = name, .kind = VAGUS_GAUGE, .tier = VAGUS_TIER_60S};
        REQUIRE(metrics_define(&metrics, &desc, METRIC_SENSED, &why) == (int)i);
    }
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        now_ns = round * 60 * S;
        /* Some stand still for a while, so that blocks are not sealed in the order of metrics. */
        for (uint32_t i = 0; i < METRICS; i++)
            if (i % 7 != 0 || round % 100 < 50)
                metrics_put(&metrics, i, now_ns, value_at(i, round));
    }
    const struct store *store = &metrics.store;
    CHECK_EQ(store->places_used, store->places_count);
    CHECK_EQ(store->unstored, 0);
    int64_t newest_gone_ns = 0, oldest_kept_ns = INT64_MAX;
    uint32_t wrong = 0, missing = 0, shortened = 0;
    for (uint32_t i = 0; i < METRICS; i++) {
        struct query_span span;
        struct seen seen = {.sink = {.entry = see}, .metric = i};
        int64_t since_ns = store_since_ns(store, i, 3);
        query_span_of(&metrics, i, 0, now_ns, &span);
        CHECK_EQ(query_walk(&span, &seen.sink), 0);
        uint32_t wanted = 0, before = 0;
        for (uint32_t round = 1; round <= ROUNDS; round++) {
            if (i % 7 == 0 && round % 100 >= 50)
                continue;
            wanted += round * 60 * S >= since_ns;
            before = round * 60 * S < since_ns ? round : before;
        }
        wrong += seen.wrong;
        missing += seen.count != wanted;
        shortened += before > 0;
        uint32_t oldest = store->oldest[i * STORE_LEVELS + 3];
        REQUIRE(oldest != 0);
        if (before * 60 * S > newest_gone_ns)
            newest_gone_ns = before * 60 * S;
        if (store->places[oldest - 1].next != 0 &&
            store->places[oldest - 1].last_ns < oldest_kept_ns)
            oldest_kept_ns = store->places[oldest - 1].last_ns;
    }
    CHECK_EQ(wrong, 0);
    CHECK_EQ(missing, 0);
    CHECK(shortened > METRICS / 2);
    CHECK(newest_gone_ns <= oldest_kept_ns);
    end();
}

/* What is kept beyond its target goes before what is older and within its own. */
static void what_is_over_its_target_goes_first(void)
{
    const char *why;
    REQUIRE(begin(SEGMENT_BYTES_MIN, 32));
    struct vagus_metric_desc slow = {.name = "slow", .kind = VAGUS_GAUGE, .tier = VAGUS_TIER_60S},
                             fast = {.name = "fast", .kind = VAGUS_GAUGE, .tier = VAGUS_TIER_100MS};
    REQUIRE(metrics_define(&metrics, &slow, METRIC_SENSED, &why) == 0);
    REQUIRE(metrics_define(&metrics, &fast, METRIC_SENSED, &why) == 1);
    /* 20 h of one a minute, while the other fills the rest many times over. */
    for (uint32_t minute = 1; minute <= 20 * 60; minute++) {
        now_ns = minute * 60 * S;
        metrics_put(&metrics, 0, now_ns, value_at(0, minute));
        for (uint32_t i = 0; i < 600; i++)
            metrics_put(&metrics, 1, now_ns + i * S / 10, value_at(1, minute * 600 + i));
    }
    CHECK_EQ(metrics.store.places_used, metrics.store.places_count);
    CHECK_EQ(store_since_ns(&metrics.store, 0, 3), 60 * S);
    for (unsigned level = 0; level < 2; level++) {
        CHECK(store_since_ns(&metrics.store, 1, level) > 10 * 3600 * S);
        CHECK(store_since_ns(&metrics.store, 1, level) < now_ns - (level == 0 ? 600 : 3600) * S);
    }
    CHECK(store_since_ns(&metrics.store, 1, 3) <= 120 * S);
    end();
}

int main(void)
{
    RUN(the_oldest_goes_first_of_ten_thousand);
    RUN(what_is_over_its_target_goes_first);
    return check_result();
}
