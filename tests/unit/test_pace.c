/* SPDX-License-Identifier: Apache-2.0 */
/* The budget of CPU: what is used too much slows the tiers down, and what is saved gives the pace
 * back; and what that does to deadlines. */
#include "sense/pace.h"

#include "check.h"
#include "sense/schedule.h"
#include "vagus/base.h"

#define S VAGUS_SECOND_NS
#define MS VAGUS_MILLISECOND_NS

static struct pace pace;
static int64_t cpu_ns, now_ns;

static void begin(double ratio)
{
    pace_init(&pace, ratio);
    cpu_ns = 0;
    now_ns = 1000 * S;
    CHECK_EQ(pace_note(&pace, cpu_ns, now_ns), 1);
}

/* Ten seconds at this share of a core, told each second. */
static uint32_t span(double share)
{
    uint32_t stretch = 0;
    for (int i = 0; i < 10; i++) {
        now_ns += S;
        cpu_ns += (int64_t)(share * (double)S);
        stretch = pace_note(&pace, cpu_ns, now_ns);
    }
    return stretch;
}

static void within_it_nothing_happens(void)
{
    begin(0.005);
    for (int i = 0; i < 10; i++)
        CHECK_EQ(span(0.0049), 1);
}

static void past_it_the_pace_halves_and_comes_back(void)
{
    begin(0.005);
    CHECK_EQ(span(0.006), 2);
    CHECK_EQ(span(0.003), 2); /* twice of it would be too much */
    CHECK_EQ(span(0.003), 2);
    CHECK_EQ(span(0.0019), 1);
    CHECK_EQ(span(0.0038), 1);
}

static void it_slows_down_no_further_than_it_may(void)
{
    begin(0.005);
    CHECK_EQ(span(1), 2);
    CHECK_EQ(span(1), 4);
    CHECK_EQ(span(1), 8);
    CHECK_EQ(span(1), 8);
    CHECK_EQ(span(0), 4);
    CHECK_EQ(span(0), 2);
    CHECK_EQ(span(0), 1);
}

static void a_moment_is_no_reason(void)
{
    begin(0.005);
    now_ns += S;
    cpu_ns += S; /* a whole core, for a second */
    CHECK_EQ(pace_note(&pace, cpu_ns, now_ns), 1);
}

static void without_a_budget_there_is_no_bound(void)
{
    begin(0);
    CHECK_EQ(span(1), 1);
}

static void deadlines_are_stretched_but_the_slowest(void)
{
    struct schedule schedule;
    schedule_init(&schedule, 0);
    schedule_stretch(&schedule, 4);
    CHECK(schedule_due(&schedule, 0) != 0);
    CHECK_EQ(schedule.next_ns[VAGUS_TIER_100MS], 400 * MS);
    CHECK_EQ(schedule.next_ns[VAGUS_TIER_1S], 4 * S);
    CHECK_EQ(schedule.next_ns[VAGUS_TIER_10S], 40 * S);
    CHECK_EQ(schedule.next_ns[VAGUS_TIER_60S], 60 * S);
    schedule_stretch(&schedule, 1);
    CHECK_EQ(schedule_due(&schedule, 400 * MS), 1u << VAGUS_TIER_100MS);
    CHECK_EQ(schedule.next_ns[VAGUS_TIER_100MS], 500 * MS);
    CHECK_EQ(schedule.missed, 0);
}

int main(void)
{
    RUN(within_it_nothing_happens);
    RUN(past_it_the_pace_halves_and_comes_back);
    RUN(it_slows_down_no_further_than_it_may);
    RUN(a_moment_is_no_reason);
    RUN(without_a_budget_there_is_no_bound);
    RUN(deadlines_are_stretched_but_the_slowest);
    return check_result();
}
