/* SPDX-License-Identifier: Apache-2.0 */
/* The code of a block: what is put comes back bit for bit, whatever it is. */
#include "metrics/block.h"

#include <stdlib.h>

#include "check.h"
#include "segment/reader.h"

#define S VAGUS_SECOND_NS
#define MANY 20000

static struct block_entry put[MANY];
static uint64_t seed = 88172645463325252u;

static uint64_t random64(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

static bool same(double a, double b)
{
    return memcmp(&a, &b, sizeof(a)) == 0;
}

/* Puts entries into block after block, and reads each back when it is full, and while it is open
 * after every entry if told so. Returns how many blocks it took. */
static unsigned round_trip(unsigned count, uint8_t level, uint8_t fields, double resolution,
                           bool each)
{
    static struct block_writer writer;
    static struct segment_block block;
    unsigned blocks = 0, first = 0;
    memset(&writer, 0, sizeof(writer));
    memset(&block, 0xa5, sizeof(block));
    block.head.stamp = 0;
    for (unsigned i = 0; i <= count; i++) {
        bool there = i < count && blocks > 0 && block_put(&writer, &block, &put[i]);
        if (blocks > 0 && (!there || each)) {
            struct block_reader reader;
            struct block_entry got;
            unsigned n = 0, end = there ? i + 1 : i;
            if (!there)
                block_seal(&writer, &block);
            if (!segment_block_check(&block.head))
                CHECK(false);
            CHECK_EQ(block.head.entries, end - first);
            for (block_read(&reader, &block, resolution); block_next(&reader, &got); n++) {
                const struct block_entry *want = &put[first + n];
                if (got.at_ns != want->at_ns || got.count != want->count ||
                    (want->count > 0 &&
                     (!same(got.last, want->last) ||
                      (fields > 1 && (!same(got.min, want->min) || !same(got.max, want->max) ||
                                      !same(got.sum, want->sum)))))) {
                    CHECK_FAIL_("entry %u of block %u: %.17g at %lld, not %.17g at %lld", n, blocks,
                                got.last, (long long)got.at_ns, want->last, (long long)want->at_ns);
                    return blocks;
                }
            }
            CHECK_EQ(n, end - first);
            CHECK_EQ(reader.failed, false);
        }
        if (i == count)
            break;
        if (!there) {
            block_open(&writer, &block, 3, level, fields, resolution, 0, &put[i]);
            CHECK(block_put(&writer, &block, &put[i]));
            CHECK_EQ(block.head.number, ++blocks);
            first = i;
        }
    }
    return blocks;
}

static struct block_entry single(int64_t at_ns, double value)
{
    return (struct block_entry){at_ns, value, value, value, value, 1};
}

static void whatever_is_put_comes_back(void)
{
    static const double resolutions[] = {0, 1, 0.001, 4096, 1e-9};
    for (unsigned r = 0; r < 5; r++)
        for (unsigned shape = 0; shape < 8; shape++) {
            double resolution = resolutions[r], unit = resolution == 0 ? 1 : resolution;
            int64_t now = 5 * S, n = 0;
            for (unsigned i = 0; i < MANY; i++, now += S) {
                switch (shape) {
                case 0: /* constant */
                    n = 7;
                    break;
                case 1: /* alternating */
                    n = i % 2 != 0 ? -1000000 : 1000000;
                    break;
                case 2: /* monotonic */
                    n += 3;
                    break;
                case 3: /* a walk */
                    n += (int64_t)(random64() % 201) - 100;
                    break;
                case 4: /* idle, then a jump */
                    n = random64() % 50 == 0 ? (int64_t)(random64() >> 20) : n;
                    break;
                case 5: /* noise of every width */
                    n = (int64_t)(random64() >> (15 + random64() % 48));
                    break;
                case 6: /* holes in time */
                    now += random64() % 10 == 0 ? (int64_t)(random64() % 100000) * S : 0;
                    n += random64() % 3 == 0;
                    break;
                default: /* holes in values too */
                    n += (int64_t)(random64() % 5);
                    break;
                }
                put[i] = single(now, (double)n * unit);
                if (shape == 7 && random64() % 4 == 0)
                    put[i].count = 0;
            }
            round_trip(MANY, VAGUS_TIER_1S, 1, resolution, false);
        }
}

static void doubles_of_every_kind_come_back(void)
{
    static const double odd[] = {0.0,
                                 -0.0,
                                 5e-324,
                                 -5e-324,
                                 0x1p-1022,
                                 0x1p63,
                                 -0x1p63,
                                 0x1p53,
                                 0x1p64,
                                 1e308,
                                 1.7976931348623157e308,
                                 0.1,
                                 -1e308,
                                 1,
                                 -1,
                                 1e-300,
                                 9007199254740993.0,
                                 0x1p50};
    for (unsigned r = 0; r < 2; r++) {
        int64_t now = -7 * S;
        for (unsigned i = 0; i < MANY; i++, now += S) {
            double value = odd[random64() % (sizeof(odd) / sizeof(odd[0]))];
            if (random64() % 3 == 0) {
                uint64_t bits = random64();
                memcpy(&value, &bits, sizeof(value));
            }
            if (!isfinite(value))
                value = 3;
            put[i] = single(now, block_rounded(value, r, r));
        }
        CHECK(round_trip(MANY, VAGUS_TIER_1S, 1, r, false) > 10);
    }
}

static void buckets_come_back(void)
{
    static const double resolutions[] = {0, 1, 0.001};
    for (unsigned r = 0; r < 3; r++)
        for (unsigned shape = 0; shape < 4; shape++) {
            double unit = resolutions[r] == 0 ? 1 : resolutions[r];
            for (unsigned i = 0; i < MANY / 10; i++) {
                uint32_t count = shape == 0 ? 10 : 1 + (uint32_t)(random64() % 600);
                int64_t low = (int64_t)(random64() % 1000), high = low + (int64_t)(random64() % 99);
                int64_t last = low + (int64_t)(random64() % (uint64_t)(high - low + 1));
                if (shape == 0)
                    low = high = last = 42;
                put[i] =
                    (struct block_entry){.at_ns = i * 60 * S + (shape == 2 ? i / 7 * 60 * S : 0),
                                         .last = (double)last * unit,
                                         .min = (double)low * unit,
                                         .max = (double)high * unit,
                                         .sum = (double)(low * count) * unit,
                                         .count = count};
                if (shape == 3) /* no integers at all */
                    put[i].min -= 0.3, put[i].sum *= 1.7;
                if (shape == 3 && resolutions[r] != 0) {
                    put[i].min = block_rounded(put[i].min, unit, 1 / unit);
                    put[i].sum = block_rounded(put[i].sum, unit, 1 / unit);
                }
            }
            round_trip(MANY / 10, VAGUS_TIER_60S, 5, resolutions[r], false);
        }
}

/* Everything that was put can be read at once, not only when a block is full. */
static void an_open_block_is_readable_after_each_entry(void)
{
    int64_t n = 0;
    for (unsigned i = 0; i < 3000; i++) {
        n += random64() % 3 == 0 ? (int64_t)(random64() % 1000) : 0;
        put[i] = single((i + 1) * S, (double)n);
        if (random64() % 20 == 0)
            put[i].count = 0;
    }
    CHECK(round_trip(3000, VAGUS_TIER_1S, 1, 1, true) > 1);
}

/* An irregular cadence is kept to the millisecond. */
static void the_instant_tier_keeps_its_times(void)
{
    int64_t now = S;
    for (unsigned i = 0; i < 3000; i++) {
        now += (1 + (int64_t)(random64() % 100)) * VAGUS_MILLISECOND_NS;
        put[i] = single(now, (double)(random64() % 50));
    }
    CHECK(round_trip(3000, VAGUS_TIER_INSTANT, 1, 1, false) > 1);
}

static void time_never_runs_backward(void)
{
    struct block_writer writer = {.tail = 0};
    static struct segment_block block;
    struct block_entry got, first = single(100 * S, 1);
    struct block_reader reader;
    block_open(&writer, &block, 0, VAGUS_TIER_1S, 1, 1, 0, &first);
    CHECK(block_put(&writer, &block, &first));
    struct block_entry entry = single(50 * S, 2);
    CHECK(block_put(&writer, &block, &entry));
    entry = single(100 * S + S / 3, 3);
    CHECK(block_put(&writer, &block, &entry));
    entry = single(INT64_MIN, 4);
    CHECK(block_put(&writer, &block, &entry));
    entry = single(102 * S, 5);
    CHECK(block_put(&writer, &block, &entry));
    entry = single(INT64_MAX, 5); /* so far away that it begins another block */
    CHECK(!block_put(&writer, &block, &entry));
    static const int64_t times[] = {100, 100, 100, 100, 102};
    block_read(&reader, &block, 1);
    for (unsigned i = 0; i < 5; i++) {
        REQUIRE(block_next(&reader, &got));
        CHECK_EQ(got.at_ns, times[i] * S);
        CHECK_NEAR(got.last, i + 1.0, 0);
    }
    CHECK(!block_next(&reader, &got));
}

static void heads_answer_for_their_blocks(void)
{
    struct block_writer writer = {.tail = 0};
    static struct segment_block block;
    struct block_entry entry = single(S, 5);
    block_open(&writer, &block, 0, VAGUS_TIER_1S, 1, 0, 0, &entry);
    double sum = 0;
    for (int i = 0; i < 100; i++) {
        entry = single((i + 1) * S, i % 10);
        sum += entry.last;
        CHECK(block_put(&writer, &block, &entry));
    }
    CHECK_NEAR(block.head.min, 0, 0);
    CHECK_NEAR(block.head.max, 9, 0);
    CHECK_NEAR(block.head.sum, sum, 0);
    CHECK_NEAR(block.head.last, 9, 0);
    CHECK_EQ(block.head.count, 100);
    CHECK_EQ(segment_block_last_ns(&block.head), 100 * S);
}

/* A thousand equal values cost next to nothing. */
static void sameness_is_cheap(void)
{
    for (unsigned i = 0; i < 4096; i++)
        put[i] = single((i + 1) * S, 5);
    CHECK_EQ(round_trip(4096, VAGUS_TIER_1S, 1, 1, false), 1);
    for (unsigned i = 0; i < 4096; i++) /* on and on */
        put[i] = single((i + 1) * S, 17.0 * i);
    CHECK_EQ(round_trip(4096, VAGUS_TIER_1S, 1, 1, false), 1);
}

int main(void)
{
    RUN(whatever_is_put_comes_back);
    RUN(doubles_of_every_kind_come_back);
    RUN(buckets_come_back);
    RUN(an_open_block_is_readable_after_each_entry);
    RUN(the_instant_tier_keeps_its_times);
    RUN(time_never_runs_backward);
    RUN(heads_answer_for_their_blocks);
    RUN(sameness_is_cheap);
    return check_result();
}
