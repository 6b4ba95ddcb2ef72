/* SPDX-License-Identifier: Apache-2.0 */
/* The deadline queue. */
#include "sense/schedule.h"

#include "check.h"

#define MS VAGUS_MILLISECOND_NS
#define FAST (1u << VAGUS_TIER_100MS)
#define SECOND (1u << VAGUS_TIER_1S)
#define TEN (1u << VAGUS_TIER_10S)
#define MINUTE (1u << VAGUS_TIER_60S)

static void everything_is_due_at_the_start(void)
{
    struct schedule s;
    schedule_init(&s, 5 * MS);
    CHECK_EQ(schedule_next_ns(&s), 5 * MS);
    CHECK_EQ(schedule_due(&s, 4 * MS), 0);
    CHECK_EQ(schedule_due(&s, 5 * MS), FAST | SECOND | TEN | MINUTE);
    CHECK_EQ(schedule_due(&s, 5 * MS), 0);
    CHECK_EQ(schedule_next_ns(&s), 105 * MS);
}

static void a_minute_has_its_ticks(void)
{
    struct schedule s;
    unsigned counts[VAGUS_TIER_COUNT] = {0};
    schedule_init(&s, 1);
    while (schedule_next_ns(&s) < 60 * VAGUS_SECOND_NS) {
        unsigned due = schedule_due(&s, schedule_next_ns(&s));
        for (unsigned tier = 0; tier < VAGUS_TIER_COUNT; tier++)
            counts[tier] += (due >> tier) & 1;
    }
    CHECK_EQ(counts[VAGUS_TIER_100MS], 600);
    CHECK_EQ(counts[VAGUS_TIER_1S], 60);
    CHECK_EQ(counts[VAGUS_TIER_10S], 6);
    CHECK_EQ(counts[VAGUS_TIER_60S], 1);
    CHECK_EQ(counts[VAGUS_TIER_INSTANT], 0);
    CHECK_EQ(s.missed, 0);
    CHECK_EQ(s.ticks, 667);
}

static void late_ticks_are_counted_and_not_made_up_for(void)
{
    struct schedule s;
    schedule_init(&s, 0 + 1);
    schedule_due(&s, 1);
    /* 2.55 s late: 24 fast ticks passed unseen (the 25th is served now), one of the seconds. */
    CHECK_EQ(schedule_due(&s, 1 + 2550 * MS), FAST | SECOND);
    CHECK_EQ(s.missed, 24 + 1);
    CHECK_EQ(schedule_next_ns(&s), 1 + 2600 * MS); /* still on the grid */
    CHECK_EQ(schedule_due(&s, 1 + 2550 * MS), 0);
}

static void hostile_clocks_do_no_harm(void)
{
    struct schedule s;
    schedule_init(&s, 0); /* 0 is a time like any other */
    CHECK_EQ(schedule_due(&s, 0), FAST | SECOND | TEN | MINUTE);
    CHECK_EQ(schedule_next_ns(&s), 100 * MS);
    CHECK_EQ(schedule_due(&s, INT64_MAX - 1), FAST | SECOND | TEN | MINUTE);
    CHECK(schedule_next_ns(&s) > INT64_MAX / 2);
    schedule_init(&s, INT64_MIN);
    CHECK(schedule_due(&s, INT64_MAX - 1) != 0);
    schedule_due(&s, INT64_MIN); /* backward: nothing is due */
}

int main(void)
{
    RUN(everything_is_due_at_the_start);
    RUN(a_minute_has_its_ticks);
    RUN(hostile_clocks_do_no_harm);
    RUN(late_ticks_are_counted_and_not_made_up_for);
    return check_result();
}
