/* SPDX-License-Identifier: Apache-2.0 */
/* The code of a histogram's history: what is put comes back, count for count, at the time it was.
 */
#include "metrics/spread.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "segment/reader.h"

#define S VAGUS_SECOND_NS
#define WORDS (VAGUS__BUCKETS + VAGUS_BUCKETS_MAX)
#define BLOCKS_MAX 4096

static struct segment_block blocks[BLOCKS_MAX];
static struct histogram_shape shape;

static uint64_t seed;

static uint64_t next_random(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return seed >> 33;
}

/* What one stretch of a story holds: by place. */
struct told {
    int64_t from_ns, to_ns;
    double sum;
    uint64_t counts[SPREAD_PLACES_MAX];
};

/* A story: fills what was recorded in a stretch into `run`, its width in periods; 0: idle. */
typedef uint32_t teller(unsigned step, uint64_t *run, double *sum);

static unsigned count_blocks;
static double bytes_of_entry;

static struct spread_writer writer;

static void seal_and_open(const struct spread_stretch *stretch)
{
    if (count_blocks > 0)
        spread_seal(&writer, &blocks[count_blocks - 1]);
    REQUIRE(count_blocks < BLOCKS_MAX);
    spread_open(&writer, &blocks[count_blocks], 7, VAGUS_TIER_1S, count_blocks, stretch);
    count_blocks++;
}

static unsigned write_story(teller *tell, unsigned steps, struct told *told)
{
    static uint64_t before[WORDS], now[WORDS];
    int64_t at_ns = 1000 * S;
    unsigned count = 0;
    memset(&writer, 0, sizeof(writer));
    memset(now, 0, sizeof(now));
    count_blocks = 0;
    for (unsigned step = 0; step < steps; step++) {
        struct spread_stretch stretch = {
            .shape = &shape, .now = now, .before = before, .from_ns = at_ns};
        memcpy(before, now, sizeof(now));
        stretch.width = tell(step, now, &stretch.sum);
        at_ns += (stretch.width != 0 ? stretch.width : 1) * S;
        if (stretch.width == 0) {
            if (count_blocks > 0)
                spread_idle(&writer, &blocks[count_blocks - 1],
                            (uint32_t)((at_ns - writer.head.first_ns) / S));
            continue;
        }
        struct told *this = &told[count++];
        *this = (struct told){stretch.from_ns, at_ns, stretch.sum, {0}};
        for (uint32_t i = 0; i < shape.buckets + 2; i++) {
            uint32_t word = i == 0               ? VAGUS__BELOW
                            : i <= shape.buckets ? VAGUS__BUCKETS + i - 1
                                                 : VAGUS__ABOVE;
            this->counts[i] = now[word] - before[word];
        }
        CHECK(spread_any(&stretch));
        if (count_blocks == 0)
            seal_and_open(&stretch);
        while (!spread_put(&writer, &blocks[count_blocks - 1], &stretch))
            seal_and_open(&stretch);
    }
    CHECK_EQ(segment_block_last_ns(&writer.head), at_ns);
    return count;
}

static void add_to(struct told *into, const struct spread_record *record)
{
    for (uint32_t i = 0; i < record->used; i++)
        into->counts[record->places[i]] += record->counts[i];
    into->sum += record->sum;
}

static void round_trip(teller *tell, unsigned steps, double error)
{
    struct told *told = calloc(steps, sizeof(*told)), read = {.from_ns = INT64_MIN};
    REQUIRE(told != NULL);
    unsigned count = write_story(tell, steps, told), at = 0;
    for (unsigned i = 0; i < count_blocks; i++) {
        struct spread_reader reader;
        struct spread_record record;
        uint64_t values = 0;
        double sum = 0;
        CHECK(segment_block_check(&blocks[i].head));
        CHECK_EQ(blocks[i].head.number, i + 1);
        spread_read(&reader, &blocks[i], &shape);
        unsigned records = 0;
        for (; spread_next(&reader, &record); records++) {
            values += record.count;
            sum += record.sum;
            if (record.from_ns != read.from_ns) {
                if (read.from_ns != INT64_MIN && at < count) {
                    CHECK_EQ(memcmp(read.counts, told[at].counts, sizeof(read.counts)), 0);
                    CHECK_NEAR(read.sum, told[at].sum, fabs(told[at].sum) * error);
                    CHECK_EQ(read.to_ns, told[at].to_ns);
                    at++;
                }
                read = (struct told){.from_ns = record.from_ns, .to_ns = record.to_ns};
            }
            add_to(&read, &record);
        }
        CHECK_EQ(records, blocks[i].head.entries);
        CHECK_NEAR(sum, blocks[i].head.sum, fabs(sum) * 1e-6);
        if (blocks[i].head.count != UINT32_MAX)
            CHECK_EQ(values, blocks[i].head.count);
    }
    CHECK_EQ(at + 1, count);
    CHECK_EQ(memcmp(read.counts, told[at].counts, sizeof(read.counts)), 0);
    CHECK_EQ(read.from_ns, told[at].from_ns);
    bytes_of_entry = (double)count_blocks * SERIES_BLOCK_BYTES / count;
    free(told);
}

static void record(uint64_t *run, double *sum, double value)
{
    uint32_t bucket = (vagus__position(value) >> shape.shift) - shape.origin;
    bool above = value > 0 && vagus__position(value) >> shape.shift >= shape.origin;
    run[bucket < shape.buckets ? VAGUS__BUCKETS + bucket : above ? VAGUS__ABOVE : VAGUS__BELOW]++;
    *sum += value;
}

static uint32_t tell_durations(unsigned step, uint64_t *run, double *sum)
{
    (void)step;
    for (unsigned i = 0; i < 100; i++)
        record(run, sum, floor(1e6 * exp((double)next_random() / 0x1p31 * 2)));
    return 1;
}

static uint32_t tell_now_and_then(unsigned step, uint64_t *run, double *sum)
{
    if (step % 17 != 0 && next_random() % 5 != 0)
        return 0;
    record(run, sum, (double)(next_random() % 5000000));
    record(run, sum, 0); /* below */
    return 1 + (uint32_t)(step % 17 == 0 ? next_random() % 90 : 0);
}

static uint32_t tell_everywhere(unsigned step, uint64_t *run, double *sum)
{
    for (uint32_t i = VAGUS__BELOW; i < VAGUS__BUCKETS + shape.buckets; i++)
        run[i] += next_random() << (step % 30);
    *sum += (double)(int64_t)(next_random() % 1000) - 500;
    return 1;
}

static uint32_t tell_fractions(unsigned step, uint64_t *run, double *sum)
{
    record(run, sum, 0.001 + (double)(next_random() % 1000) / 1000);
    record(run, sum, 3.3);
    return step % 50 == 49 ? 4 : 1;
}

static uint32_t tell_huge(unsigned step, uint64_t *run, double *sum)
{
    run[VAGUS__BUCKETS + step % shape.buckets] += UINT64_MAX / 4;
    *sum = 0x1p1000;
    return step % 2 == 0 ? 1 : 1000000;
}

static void every_story_comes_back(void)
{
    shape = histogram_fit(100, 3.6e12, 160);
    round_trip(tell_durations, 5000, 0);
    CHECK(bytes_of_entry < 20); /* 15.6: 100 durations in a second */
    round_trip(tell_now_and_then, 20000, 0);
    CHECK(bytes_of_entry < 8); /* 5.6: one or two, now and then */
    round_trip(tell_everywhere, 300, 0);
    shape = histogram_fit(0.001, 100, 320);
    round_trip(tell_fractions, 3000, 0x1p-27);
    round_trip(tell_everywhere, 300, 0);
    round_trip(tell_huge, 400, 0x1p-27);
    shape = histogram_fit(1, 8, 8);
    round_trip(tell_everywhere, 3000, 0);
}

static void sums_change_from_whole_to_fractions_and_back(void)
{
    shape = histogram_fit(0.001, 100, 160);
    static uint64_t before[WORDS], now[WORDS];
    struct spread_stretch stretch = {
        .shape = &shape, .now = now, .before = before, .width = 1, .sum = 5};
    memset(&writer, 0, sizeof(writer));
    count_blocks = 0;
    now[VAGUS__BUCKETS] = 1;
    seal_and_open(&stretch);
    CHECK(spread_put(&writer, &blocks[0], &stretch));
    stretch.at = 0;
    stretch.told = 0;
    stretch.sum = 5.5;
    stretch.from_ns = S;
    CHECK(!spread_put(&writer, &blocks[0], &stretch)); /* it would be rounded */
    seal_and_open(&stretch);
    CHECK(spread_put(&writer, &blocks[1], &stretch));
    CHECK((blocks[1].head.flags & SEGMENT_BLOCK_RAW) != 0);
}

static void a_strangers_shape_is_looked_at(void)
{
    struct segment_metric metric = {
        .kind = VAGUS_HISTOGRAM, .buckets = 160, .scale = 2, .offset = 26};
    struct histogram_shape its;
    CHECK(spread_shape(&metric, &its));
    CHECK_EQ(its.buckets, 160);
    CHECK_EQ(its.shift, 5);
    CHECK_EQ(its.origin, (1024u << 2) + 26);
    metric.buckets = 321;
    CHECK(!spread_shape(&metric, &its));
    metric.buckets = 0;
    CHECK(!spread_shape(&metric, &its));
    metric.buckets = 8;
    metric.scale = 8;
    CHECK(!spread_shape(&metric, &its));
    metric.scale = INT32_MIN;
    CHECK(!spread_shape(&metric, &its));
    metric.scale = 2;
    metric.offset = INT32_MIN;
    CHECK(!spread_shape(&metric, &its));
    metric.offset = 0;
    metric.kind = VAGUS_COUNTER;
    CHECK(!spread_shape(&metric, &its));
}

int main(void)
{
    seed = 1;
    RUN(every_story_comes_back);
    RUN(sums_change_from_whole_to_fractions_and_back);
    RUN(a_strangers_shape_is_looked_at);
    return check_result();
}
