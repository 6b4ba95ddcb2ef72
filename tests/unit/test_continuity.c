/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of an agent counted over segments: deaths by the minute against a list that forgets nothing,
 * clocks set forward and back, and numbers that cannot be. */
#include "report/continuity.h"

#include <stdlib.h>

#include "check.h"

#define MINUTE (60 * VAGUS_SECOND_NS)
#define HOUR (60 * MINUTE)
#define NOW (INT64_C(1700000000) * VAGUS_SECOND_NS)

static struct segment_continuity state;

static void begin(void)
{
    state = (struct segment_continuity){.starts = 1};
    continuity_roll(&state, NOW);
}

static void deaths_leave_the_hour_and_the_day(void)
{
    begin();
    continuity_add_death(&state, NOW);
    continuity_add_death(&state, NOW - 59 * MINUTE);
    continuity_add_death(&state, NOW - 2 * HOUR);
    continuity_add_death(&state, NOW - 25 * HOUR); /* too long ago to be placed */
    CHECK_EQ(state.deaths, 4);
    CHECK_EQ(continuity_deaths(&state, 60), 2);
    CHECK_EQ(continuity_deaths(&state, SEGMENT_DEATH_MINUTES), 3);
    continuity_roll(&state, NOW + 30 * MINUTE);
    CHECK_EQ(continuity_deaths(&state, 60), 1);
    CHECK_EQ(continuity_deaths(&state, SEGMENT_DEATH_MINUTES), 3);
    continuity_roll(&state, NOW + 23 * HOUR);
    CHECK_EQ(continuity_deaths(&state, 60), 0);
    CHECK_EQ(continuity_deaths(&state, SEGMENT_DEATH_MINUTES), 2);
    continuity_roll(&state, NOW + 100 * HOUR);
    CHECK_EQ(continuity_deaths(&state, SEGMENT_DEATH_MINUTES), 0);
    CHECK_EQ(state.deaths, 4);
}

/* Against the plain list of when each of them was. */
static void as_a_list_that_forgets_nothing(void)
{
    enum { DEATHS = 400 };
    static int64_t when[DEATHS];
    int64_t now_ns = NOW;
    unsigned seed = 7, count = 0;
    begin();
    for (; count < DEATHS; count++) {
        now_ns += rand_r(&seed) % (20 * 60) * VAGUS_SECOND_NS;
        when[count] = now_ns - rand_r(&seed) % 300 * VAGUS_SECOND_NS;
        continuity_roll(&state, now_ns);
        continuity_add_death(&state, when[count]);
        unsigned hour = 0, day = 0;
        for (unsigned i = 0; i <= count; i++) {
            hour += now_ns / MINUTE - when[i] / MINUTE <= 60;
            day += now_ns / MINUTE - when[i] / MINUTE < SEGMENT_DEATH_MINUTES;
        }
        CHECK_EQ(continuity_deaths(&state, 60), hour);
        CHECK_EQ(continuity_deaths(&state, SEGMENT_DEATH_MINUTES), day);
    }
    CHECK(continuity_deaths(&state, SEGMENT_DEATH_MINUTES) > 60);
}

/* A clock that was set back makes no death vanish, nor one of long ago a new one. */
static void a_clock_that_is_set_back(void)
{
    begin();
    continuity_add_death(&state, NOW);
    continuity_add_death(&state, NOW - 10 * MINUTE);
    continuity_add_death(&state, NOW - 5 * HOUR);
    continuity_roll(&state, NOW - 2 * HOUR);
    CHECK_EQ(continuity_deaths(&state, 60), 2); /* what lies ahead is of now */
    CHECK_EQ(continuity_deaths(&state, SEGMENT_DEATH_MINUTES), 3);
    continuity_roll(&state, NOW - 2 * HOUR + 61 * MINUTE);
    CHECK_EQ(continuity_deaths(&state, 60), 0);
    CHECK_EQ(continuity_deaths(&state, SEGMENT_DEATH_MINUTES), 3);
    continuity_roll(&state, 0);
    CHECK_EQ(continuity_deaths(&state, 60), 3);
    continuity_roll(&state, -NOW); /* no time at all */
    CHECK_EQ(continuity_deaths(&state, 60), 3);
    continuity_add_death(&state, INT64_MAX);
    CHECK_EQ(continuity_deaths(&state, 60), 4);
}

static void counts_have_their_ends(void)
{
    begin();
    for (int i = 0; i < 70000; i++)
        continuity_add_death(&state, NOW);
    CHECK_EQ(continuity_deaths(&state, 60), UINT16_MAX);
    continuity_roll(&state, NOW - HOUR);
    CHECK_EQ(continuity_deaths(&state, 60), UINT16_MAX);
    CHECK_EQ(state.deaths, 70000);
}

static void each_run_is_counted_once(void)
{
    begin();
    for (uint64_t stamp = 1; stamp <= SEGMENT_COUNTED_MAX + 10; stamp++) {
        CHECK(!continuity_counted(&state, stamp));
        continuity_mark(&state, stamp);
        CHECK(continuity_counted(&state, stamp));
    }
    CHECK_EQ(state.counted_count, SEGMENT_COUNTED_MAX);
    CHECK(continuity_counted(&state, 11));
    CHECK(!continuity_counted(&state, 10)); /* of long ago: its segment is gone, too */
}

static void impossible_entries(void)
{
    begin();
    CHECK(continuity_check(&state));
    struct segment_continuity bad[8];
    for (size_t i = 0; i < 8; i++)
        bad[i] = state;
    bad[0].starts = 0;
    bad[1].starts = UINT64_MAX;
    bad[2].deaths = UINT64_MAX;
    bad[3].online_ns = -1;
    bad[4].last_end = VAGUS_END_REBOOT + 1;
    bad[5].counted_count = SEGMENT_COUNTED_MAX + 1;
    bad[6].newest_minute = -5;
    memset(bad[7].cgroup, 'x', sizeof(bad[7].cgroup));
    for (size_t i = 0; i < 8; i++)
        CHECK(!continuity_check(&bad[i]));
}

int main(void)
{
    RUN(deaths_leave_the_hour_and_the_day);
    RUN(as_a_list_that_forgets_nothing);
    RUN(a_clock_that_is_set_back);
    RUN(counts_have_their_ends);
    RUN(each_run_is_counted_once);
    RUN(impossible_entries);
    return check_result();
}
