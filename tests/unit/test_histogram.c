/* SPDX-License-Identifier: Apache-2.0 */
/* Histograms: exact boundaries, the stated error against sorted data, exact merging. */
#include "metrics/histogram.h"

#include <stdlib.h>

#include "check.h"

#define SAMPLES 20000

static uint64_t seed = 88172645463325252u;

static uint64_t random_bits(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static double random_log(double min, double max)
{
    double u = (double)(random_bits() >> 11) * 0x1p-53;
    return exp2(log2(min) + u * (log2(max) - log2(min)));
}

static int32_t index_of(double value)
{
    return (int32_t)vagus__position(value) - (1024 << VAGUS_SCALE_MAX);
}

/* Bucket i holds (2^(i/128), 2^((i+1)/128)]: with 64 bits of mantissa the boundary falls between
 * two doubles, but where it is a power of two. */
static void boundaries_are_exact(void)
{
    for (int exponent = -1000; exponent <= 1000; exponent += 25)
        for (int i = 0; i < 128; i++) {
            long double bound = exp2l((long double)(exponent * 128 + i) / 128);
            double below = (double)bound;
            if ((long double)below > bound)
                below = nextafter(below, 0);
            CHECK_EQ(index_of(below), exponent * 128 + i - 1);
            CHECK_EQ(index_of(nextafter(below, INFINITY)), exponent * 128 + i);
        }
}

static void anywhere_the_position_is_the_logarithm(void)
{
    for (int i = 0; i < 200000; i++) {
        double value = random_log(0x1p-990, 0x1p990);
        long double exact = log2l((long double)value) * 128;
        if (fabsl(exact - roundl(exact)) < 1e-12L)
            continue; /* the reference itself may err there */
        if (index_of(value) != (int32_t)ceill(exact) - 1) {
            CHECK_EQ(index_of(value), (int32_t)ceill(exact) - 1);
            return;
        }
    }
}

static void the_finest_shape_that_fits_is_taken(void)
{
    struct histogram_shape shape = histogram_fit(HISTOGRAM_MIN_DEFAULT, HISTOGRAM_MAX_DEFAULT, 0);
    CHECK(shape.buckets <= VAGUS_BUCKETS_DEFAULT);
    for (uint32_t buckets = HISTOGRAM_BUCKETS_LEAST; buckets <= VAGUS_BUCKETS_MAX; buckets += 13)
        for (int i = 0; i < 300; i++) {
            double min = random_log(0x1p-1000, 0x1p999), max = random_log(min * 1.001, 0x1p1000);
            shape = histogram_fit(min, max, buckets);
            CHECK(shape.buckets <= buckets);
            CHECK_EQ((vagus__position(min) >> shape.shift) - shape.origin, 0);
            CHECK_EQ((vagus__position(max) >> shape.shift) - shape.origin, shape.buckets - 1);
            if (shape.shift > 0) {
                uint32_t finer = shape.shift - 1;
                CHECK((vagus__position(max) >> finer) - (vagus__position(min) >> finer) >= buckets);
            }
        }
}

static void bounds_that_are_none_are_refused(void)
{
    CHECK(histogram_check(1, 2, 0) == NULL);
    CHECK(histogram_check(0x1p-1000, 0x1p1000, VAGUS_BUCKETS_MAX) == NULL);
    CHECK(histogram_check(0, 2, 0) != NULL);
    CHECK(histogram_check(2, 2, 0) != NULL);
    CHECK(histogram_check(-1, 2, 0) != NULL);
    CHECK(histogram_check(1, 0x1p1001, 0) != NULL);
    CHECK(histogram_check(NAN, 1, 0) != NULL);
    CHECK(histogram_check(1, 2, VAGUS_BUCKETS_MAX + 1) != NULL);
    CHECK(histogram_check(1, 2, HISTOGRAM_BUCKETS_LEAST - 1) != NULL);
}

/* Fills a distribution as a thread's run of words would. */
static void distribute(struct vagus_distribution *d, double min, double max, uint32_t buckets,
                       const double *values, unsigned count)
{
    struct histogram_shape shape = histogram_fit(min, max, buckets);
    histogram_empty(&shape, d);
    for (unsigned i = 0; i < count; i++) {
        d->counts[(vagus__position(values[i]) >> shape.shift) - shape.origin]++;
        d->count++;
        d->sum += values[i];
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void quantiles_keep_the_stated_error(void)
{
    static double values[SAMPLES];
    const struct {
        double min, max, error;
    } ranges[] = {{1, 2.3, 0.0028},    {1, 30, 0.011},    {1, 8e5, 0.044},       {1, 5e11, 0.087},
                  {1, 0x1p39, 0.0865}, {1, 1.8, 0.00271}, {100, 3.6e12, 0.0865}, {1e-9, 1, 0.0865}};
    for (size_t r = 0; r < sizeof(ranges) / sizeof(ranges[0]); r++) {
        struct vagus_distribution d;
        for (int i = 0; i < SAMPLES; i++)
            values[i] = random_log(ranges[r].min, ranges[r].max);
        distribute(&d, ranges[r].min, ranges[r].max, 0, values, SAMPLES);
        qsort(values, SAMPLES, sizeof(*values), ascending);
        double error = vagus_distribution_error(&d);
        CHECK(error <= ranges[r].error);
        for (int i = 0; i <= 1000; i++) {
            double q = i / 1000.0, got = 0, rank = ceil(q * SAMPLES);
            double exact = values[rank < 1 ? 0 : (int)rank - 1];
            CHECK_EQ(vagus_distribution_quantile(&d, q, &got), 0);
            CHECK_NEAR(got / exact, 1, error * (1 + 1e-9));
        }
        double least = 0, most = 0;
        CHECK_EQ(vagus_distribution_range(&d, &least, &most), 0);
        CHECK(least < values[0] && values[SAMPLES - 1] <= most);
    }
}

static void what_lies_outside_counts_as_the_bound(void)
{
    struct vagus_distribution d;
    double value = 77;
    distribute(&d, 1, 1024, 0, NULL, 0);
    CHECK_EQ(vagus_distribution_quantile(&d, 0.5, &value), VAGUS_ENOENT);
    CHECK_EQ(vagus_distribution_range(&d, &value, &value), VAGUS_ENOENT);
    CHECK_NEAR(value, 77, 0);
    d.below = d.above = 1;
    d.count = 2;
    CHECK_EQ(vagus_distribution_quantile(&d, 0, &value), 0);
    CHECK(value <= 1 && value > 0.9);
    CHECK_EQ(vagus_distribution_quantile(&d, 1, &value), 0);
    CHECK_NEAR(value, 1024, 1e-6);
    CHECK_EQ(vagus_distribution_quantile(&d, NAN, &value), VAGUS_EINVAL);
    CHECK_EQ(vagus_distribution_quantile(&d, 1.1, &value), VAGUS_EINVAL);
}

static bool same(const struct vagus_distribution *a, const struct vagus_distribution *b)
{
    return a->count == b->count && a->sum == b->sum && a->below == b->below &&
           a->above == b->above && a->scale == b->scale && a->offset == b->offset &&
           a->buckets == b->buckets &&
           memcmp(a->counts, b->counts, a->buckets * sizeof(*a->counts)) == 0;
}

static uint64_t held(const struct vagus_distribution *d)
{
    uint64_t count = d->below + d->above;
    for (uint32_t i = 0; i < d->buckets; i++)
        count += d->counts[i];
    return count;
}

static void merging_is_exact_in_any_order(void)
{
    for (int round = 0; round < 400; round++) {
        struct vagus_distribution d[3], ab, bc, ba;
        for (int i = 0; i < 3; i++) {
            double values[200];
            double min = random_log(0x1p-30, 0x1p30), max = min * random_log(1.01, 0x1p60);
            for (int j = 0; j < 200; j++)
                values[j] = trunc(fmin(fmax(random_log(min, max), min), max));
            for (int j = 0; j < 200; j++) /* whole numbers, so that sums are exact */
                values[j] = values[j] < min ? ceil(min) < max ? ceil(min) : max : values[j];
            distribute(&d[i], min, max, (uint32_t)(8 + random_bits() % 313), values, 200);
            d[i].sum = trunc(d[i].sum / 0x1p50);
            d[i].below = random_bits() % 10;
            d[i].above = random_bits() % 10;
            d[i].count += d[i].below + d[i].above;
        }
        ab = d[0], bc = d[1], ba = d[1];
        CHECK_EQ(vagus_distribution_merge(&ab, &d[1]), 0);
        CHECK_EQ(vagus_distribution_merge(&ba, &d[0]), 0);
        CHECK(same(&ab, &ba));
        CHECK_EQ(vagus_distribution_merge(&ab, &d[2]), 0); /* (a + b) + c */
        CHECK_EQ(vagus_distribution_merge(&bc, &d[2]), 0);
        CHECK_EQ(vagus_distribution_merge(&bc, &d[0]), 0); /* (b + c) + a */
        CHECK(same(&ab, &bc));
        CHECK_EQ(held(&ab), ab.count);
        CHECK_EQ(ab.count, d[0].count + d[1].count + d[2].count);
    }
}

static void merging_the_same_shape_loses_nothing(void)
{
    double values[3] = {1, 30, 1000};
    struct vagus_distribution a, b;
    distribute(&a, 1, 1000, 0, values, 3);
    b = a;
    CHECK_EQ(vagus_distribution_merge(&a, &b), 0);
    CHECK_EQ(a.scale, b.scale);
    CHECK_EQ(a.buckets, b.buckets);
    for (uint32_t i = 0; i < a.buckets; i++)
        CHECK_EQ(a.counts[i], 2 * b.counts[i]);
    b.buckets = VAGUS_BUCKETS_MAX + 1; /* a stranger's */
    CHECK_EQ(vagus_distribution_merge(&a, &b), VAGUS_EINVAL);
    b = (struct vagus_distribution){0};
    CHECK_EQ(vagus_distribution_merge(&b, &a), VAGUS_EINVAL);
}

int main(void)
{
    RUN(boundaries_are_exact);
    RUN(anywhere_the_position_is_the_logarithm);
    RUN(the_finest_shape_that_fits_is_taken);
    RUN(bounds_that_are_none_are_refused);
    RUN(quantiles_keep_the_stated_error);
    RUN(what_lies_outside_counts_as_the_bound);
    RUN(merging_is_exact_in_any_order);
    RUN(merging_the_same_shape_loses_nothing);
    return check_result();
}
