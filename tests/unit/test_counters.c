/* SPDX-License-Identifier: Apache-2.0 */
/* Counters that wrap, start anew and step back. */
#include "check.h"

#include "host/counters.h"

#define COUNT 4

static struct host_counter c[COUNT];

static bool take(uint64_t a, uint64_t b, uint64_t x, uint64_t y, bool known)
{
    const uint64_t now[COUNT] = {a, b, x, y};
    return host_counters_take(c, now, COUNT, known);
}

static void check_totals(uint64_t a, uint64_t b, uint64_t x, uint64_t y)
{
    CHECK_EQ(c[0].total, a);
    CHECK_EQ(c[1].total, b);
    CHECK_EQ(c[2].total, x);
    CHECK_EQ(c[3].total, y);
}

static void they_grow(void)
{
    CHECK(!take(100, 10, 50, 5, false));
    check_totals(100, 10, 50, 5);
    CHECK(take(150, 11, 50, 6, true));
    check_totals(150, 11, 50, 6);
    CHECK_EQ(c[0].grown, 50);
    CHECK_EQ(c[2].grown, 0);
}

static void a_device_begins_anew(void)
{
    take(1000, 100, 500, 50, false);
    CHECK(!take(30, 3, 20, 2, true));
    check_totals(1030, 103, 520, 52);
    CHECK(take(31, 4, 20, 2, true));
    check_totals(1031, 104, 520, 52);
    /* To nothing at all, with counters that were nothing before. */
    take(1000, 100, 0, 0, false);
    CHECK(!take(0, 0, 0, 0, true));
    check_totals(1000, 100, 0, 0);
}

static void they_wrap_at_32_bits(void)
{
    take(4294967290u, 70000, 4294967000u, 60000, false);
    CHECK(take(10, 70001, 5000, 60010, true));
    CHECK_EQ(c[0].grown, 16);
    CHECK_EQ(c[2].grown, 5296);
    check_totals(UINT64_C(4294967306), 70001, UINT64_C(4294972296), 60010);
}

static void they_wrap_at_64_bits(void)
{
    take(UINT64_MAX - 5, 1, 1, 1, false);
    CHECK(take(4, 2, 2, 2, true));
    CHECK_EQ(c[0].grown, 10);
    CHECK_EQ(c[0].total, (long long)UINT64_MAX); /* and not less than before */
}

/* The kernel adds up per-CPU counters without a lock, so a sum may be less than the one before. */
static void a_small_step_back_is_nothing(void)
{
    take(1000000, 500, 1000, 100, false);
    CHECK(take(999990, 500, 1000, 100, true));
    CHECK_EQ(c[0].grown, 0);
    check_totals(1000000, 500, 1000, 100);
    CHECK(take(1000000, 500, 1000, 100, true));
    CHECK_EQ(c[0].grown, 10);
}

/* Whatever comes, a total never falls. */
static void a_total_never_falls(void)
{
    uint64_t seed = 88172645463325252u, before[COUNT];
    take(0, 0, 0, 0, false);
    for (int round = 0; round < 200000; round++) {
        uint64_t now[COUNT];
        for (int i = 0; i < COUNT; i++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            now[i] = seed >> (seed % 64);
            before[i] = c[i].total;
        }
        host_counters_take(c, now, COUNT, true);
        for (int i = 0; i < COUNT; i++)
            if (c[i].total < before[i])
                CHECK_EQ(c[i].total, before[i]);
    }
}

int main(void)
{
    RUN(they_grow);
    RUN(a_device_begins_anew);
    RUN(they_wrap_at_32_bits);
    RUN(they_wrap_at_64_bits);
    RUN(a_small_step_back_is_nothing);
    RUN(a_total_never_falls);
    return check_result();
}
