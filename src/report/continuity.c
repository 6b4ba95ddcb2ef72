/* SPDX-License-Identifier: Apache-2.0 */
/* Deaths by the minute over a day, and which runs were counted. */
#include "report/continuity.h"

#include <string.h>

#define MINUTE_NS (60 * VAGUS_SECOND_NS)
#define RUNS_MOST (UINT64_C(1) << 48)
#define ONLINE_MOST_NS (INT64_C(100) * 366 * 86400 * VAGUS_SECOND_NS)

bool continuity_check(const struct segment_continuity *entry)
{
    return entry->starts > 0 && entry->starts < RUNS_MOST && entry->deaths < RUNS_MOST &&
           entry->online_ns >= 0 && entry->online_ns < ONLINE_MOST_NS &&
           entry->last_end <= VAGUS_END_REBOOT && entry->end_signal <= 64 &&
           entry->counted_count <= SEGMENT_COUNTED_MAX && entry->newest_minute >= 0 &&
           memchr(entry->cgroup, 0, sizeof(entry->cgroup)) != NULL;
}

static size_t place_of(int64_t minute)
{
    return (size_t)(minute % SEGMENT_DEATH_MINUTES);
}

void continuity_roll(struct segment_continuity *entry, int64_t wall_ns)
{
    int64_t minute = wall_ns > 0 ? wall_ns / MINUTE_NS : 0;
    int64_t passed = minute - entry->newest_minute;
    if (passed < 0) {
        /* The clock was set back: what lies ahead is a matter of now. */
        struct segment_continuity moved = *entry;
        memset(moved.deaths_in, 0, sizeof(moved.deaths_in));
        for (int64_t back = 0; back < SEGMENT_DEATH_MINUTES; back++) {
            int64_t then = entry->newest_minute - back, to = then < minute ? then : minute;
            if (then < 0)
                break;
            uint16_t *deaths = &moved.deaths_in[place_of(to)];
            uint32_t sum = (uint32_t)*deaths + entry->deaths_in[place_of(then)];
            *deaths = sum < UINT16_MAX ? (uint16_t)sum : UINT16_MAX;
        }
        *entry = moved;
    }
    for (int64_t i = 1; i <= passed && i <= SEGMENT_DEATH_MINUTES; i++)
        entry->deaths_in[place_of(entry->newest_minute + i)] = 0;
    entry->newest_minute = minute;
}

bool continuity_counted(const struct segment_continuity *entry, uint64_t stamp)
{
    for (uint32_t i = 0; i < entry->counted_count && i < SEGMENT_COUNTED_MAX; i++)
        if (entry->counted[i] == stamp)
            return true;
    return false;
}

void continuity_mark(struct segment_continuity *entry, uint64_t stamp)
{
    if (entry->counted_count < SEGMENT_COUNTED_MAX)
        entry->counted_count++;
    memmove(&entry->counted[1], &entry->counted[0],
            (entry->counted_count - 1) * sizeof(entry->counted[0]));
    entry->counted[0] = stamp;
}

void continuity_add_death(struct segment_continuity *entry, int64_t ended_wall_ns)
{
    int64_t minute = ended_wall_ns > 0 ? ended_wall_ns / MINUTE_NS : 0;
    entry->deaths++;
    if (minute > entry->newest_minute)
        minute = entry->newest_minute;
    if (entry->newest_minute - minute >= SEGMENT_DEATH_MINUTES)
        return;
    uint16_t *deaths = &entry->deaths_in[place_of(minute)];
    *deaths = *deaths < UINT16_MAX ? (uint16_t)(*deaths + 1) : UINT16_MAX;
}

uint32_t continuity_deaths(const struct segment_continuity *entry, unsigned minutes)
{
    uint32_t deaths = 0;
    for (unsigned back = 0; back <= minutes && back < SEGMENT_DEATH_MINUTES; back++)
        if (entry->newest_minute >= (int64_t)back)
            deaths += entry->deaths_in[place_of(entry->newest_minute - (int64_t)back)];
    return deaths;
}

void continuity_show(const struct segment_continuity *entry,
                     struct vagus_snapshot_continuity *shown)
{
    *shown = (struct vagus_snapshot_continuity){
        .last_end = entry->last_end,
        .end_signal = entry->end_signal,
        .last_started_wall_ns = entry->last_started_wall_ns,
        .last_ended_wall_ns = entry->last_ended_wall_ns,
        .starts = entry->starts,
        .deaths = entry->deaths,
        .deaths_hour = continuity_deaths(entry, 60),
        .deaths_day = continuity_deaths(entry, SEGMENT_DEATH_MINUTES),
        .online_s = (double)entry->online_ns / 1e9,
    };
}
