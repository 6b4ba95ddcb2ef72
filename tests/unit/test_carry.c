/* SPDX-License-Identifier: Apache-2.0 */
/* Spending carried from one process to the next: clocks that were set back, reboots, other windows,
 * files of every kind of damage. */
#include <stdlib.h>

#include "check.h"
#include "judge/carry.h"
#include "metrics_fixture.h"

#define S VAGUS_SECOND_NS
#define H (3600 * S)
#define BUCKET (H / 60)
#define WALL (INT64_C(1700000000) * S)

static struct budgets budgets;
static struct carry carry, none;

static struct budget *define_budget(int64_t window_ns, int64_t now_ns)
{
    struct vagus_budget_desc desc = {
        .size = sizeof(desc), .name = "tokens", .limit = 1000, .window_ns = window_ns};
    struct budget *budget = NULL;
    budgets_init(&budgets, &metrics, NULL, metrics.cells.generation);
    CHECK_EQ(budgets_define(&budgets, &desc, now_ns, &budget), 0);
    return budget;
}

static void spend(struct budget *budget, uint64_t amount)
{
    CHECK(allowance_add(budget->allowance, budget->handle.generation, -(int64_t)amount));
    budget->allowance->spent += amount;
}

/* A process that spends 100 at 10 h of uptime, and is carried away a minute and a half later. */
static void spend_before(void)
{
    struct carry_now now = {10 * H + 90 * S, WALL, "boot"};
    struct budget *budget = define_budget(H, 10 * H);
    spend(budget, 100);
    budgets_step(&budgets, 0, 10 * H);
    budgets_step(&budgets, 0, now.now_ns);
    carry_of(&budgets, &now, &carry);
    budgets_finish(&budgets);
}

static int64_t left_after(const struct carry_now *now, int64_t window_ns)
{
    const struct carry *const sources[2] = {&carry, NULL};
    struct budget *budget = define_budget(window_ns, now->now_ns);
    CHECK(carry_restore(sources, now, budget));
    return allowance_left(budget->allowance);
}

/* As left_after(), and when it comes back in the new process. */
static int64_t comes_back_ns(const struct carry_now *now)
{
    CHECK_EQ(left_after(now, H), 900);
    int64_t at_ns = now->now_ns;
    while (allowance_left(budgets.entries[0].allowance) < 1000 && at_ns < now->now_ns + 3 * H)
        budgets_step(&budgets, 0, at_ns += S);
    budgets_finish(&budgets);
    return at_ns;
}

static void of_one_boot_the_monotonic_clock_tells(void)
{
    spend_before();
    /* The clock on the wall was set back, and forth: that changes nothing. */
    const int64_t moved_ns[] = {0, -10 * H, 10 * H};
    for (int i = 0; i < 3; i++) {
        struct carry_now now = {10 * H + 600 * S, WALL + moved_ns[i], "boot"};
        CHECK_EQ(comes_back_ns(&now), 11 * H + BUCKET);
    }
}

static void restarts_do_not_put_it_off(void)
{
    spend_before();
    for (int i = 0; i < 200; i++) {
        struct carry_now now = {10 * H + (100 + i) * S, WALL, "boot"};
        left_after(&now, H);
        carry_of(&budgets, &now, &carry);
        budgets_finish(&budgets);
    }
    struct carry_now now = {10 * H + 600 * S, WALL, "boot"};
    CHECK_EQ(comes_back_ns(&now), 11 * H + BUCKET);
}

static void after_a_reboot_the_wall_tells(void)
{
    spend_before(); /* 90 s ago by WALL */
    struct carry_now now = {30 * S, WALL + 600 * S, "another"};
    int64_t due_ns = now.now_ns + H - 690 * S;
    int64_t at_ns = comes_back_ns(&now);
    CHECK(at_ns >= due_ns && at_ns <= due_ns + 2 * BUCKET);
    /* Set back by years: as if it had been spent just now, and no longer. */
    now.wall_ns = WALL - 10000 * H;
    at_ns = comes_back_ns(&now);
    CHECK(at_ns >= now.now_ns + H && at_ns <= now.now_ns + H + 2 * BUCKET);
    /* Long after, nothing is left of it. */
    now.wall_ns = WALL + 2 * H;
    CHECK_EQ(left_after(&now, H), 1000);
    budgets_finish(&budgets);
}

static void another_window_takes_what_lies_in_it(void)
{
    spend_before();
    struct carry_now now = {10 * H + 600 * S, WALL, "boot"};
    CHECK_EQ(left_after(&now, 24 * H), 900);
    budgets_finish(&budgets);
    CHECK_EQ(left_after(&now, 60 * S), 1000);
    budgets_finish(&budgets);
}

static void the_greater_of_two_sources_counts(void)
{
    static struct carry older;
    spend_before();
    older = carry;
    older.entries[0].buckets[0] = 7; /* spent, and only this one knows */
    older.entries[0].buckets[1] = 40;
    const struct carry *const sources[2] = {&carry, &older};
    struct carry_now now = {10 * H + 90 * S, WALL, "boot"};
    struct budget *budget = define_budget(H, now.now_ns);
    CHECK(carry_restore(sources, &now, budget));
    CHECK_EQ(allowance_left(budget->allowance), 1000 - 107);
    budgets_finish(&budgets);
    const struct carry *const nothing[2] = {NULL, &none};
    budget = define_budget(H, now.now_ns);
    CHECK(!carry_restore(nothing, &now, budget));
    CHECK_EQ(allowance_left(budget->allowance), 1000);
    carry_exhaust(budget);
    CHECK_EQ(allowance_left(budget->allowance), 0);
    budgets_finish(&budgets);
}

static void damage_is_seen(void)
{
    static unsigned char bytes[CARRY_FILE_BYTES_MAX];
    static struct carry read;
    spend_before();
    size_t size = carry_write(&carry, bytes);
    REQUIRE(carry_parse(bytes, size, &read) == 0);
    CHECK_EQ(read.count, 1);
    CHECK_STR(read.entries[0].name, "tokens");
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= 0x10;
        CHECK(carry_parse(bytes, size, &read) != 0);
        bytes[i] ^= 0x10;
        CHECK_EQ(carry_parse(bytes, i, &read), VAGUS_ECORRUPT);
    }
    CHECK_EQ(carry_parse(bytes, size + 1, &read), VAGUS_ECORRUPT);
    carry.entries[0].buckets[3] = VAGUS_AMOUNT_MAX + 1; /* whole, and impossible */
    size = carry_write(&carry, bytes);
    CHECK_EQ(carry_parse(bytes, size, &read), VAGUS_ECORRUPT);
}

static void whatever_stands_there_is_survived(void)
{
    static const int64_t ends[] = {INT64_MIN, INT64_MAX, -1, 0};
    struct carry_now now = {10 * H, WALL, "boot"};
    spend_before();
    for (int i = 0; i < 4; i++) {
        carry.entries[0].newest_end_ns = carry.entries[0].newest_end_wall_ns = ends[i];
        carry.entries[0].window_ns = i % 2 ? INT64_MAX : 60;
        for (int k = 0; k < SEGMENT_BUDGET_BUCKETS; k++)
            carry.entries[0].buckets[k] = VAGUS_AMOUNT_MAX;
        CHECK(left_after(&now, H) <= 1000);
        budgets_finish(&budgets);
    }
}

#define RUN_WITH_METRICS_(test) (metrics_fixture_begin(), RUN(test), metrics_fixture_end())

int main(void)
{
    RUN_WITH_METRICS_(of_one_boot_the_monotonic_clock_tells);
    RUN_WITH_METRICS_(restarts_do_not_put_it_off);
    RUN_WITH_METRICS_(after_a_reboot_the_wall_tells);
    RUN_WITH_METRICS_(another_window_takes_what_lies_in_it);
    RUN_WITH_METRICS_(the_greater_of_two_sources_counts);
    RUN_WITH_METRICS_(damage_is_seen);
    RUN_WITH_METRICS_(whatever_stands_there_is_survived);
    return check_result();
}
