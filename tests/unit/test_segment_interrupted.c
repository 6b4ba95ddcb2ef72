/* SPDX-License-Identifier: Apache-2.0 */
/* A writer that dies after any one of the stores of a publication, a million times: who reads then,
 * in this process or in another, finds the publication before it, whole. The stores are done here
 * one by one, in the order of segment_publish_ranges(), whose result each must come to. */
#include "check.h"
#include "report/assemble.h"
#include "sanitized.h"
#include "segment/reader.h"
#include "segment_fixture.h"

#if SANITIZED
#define POINTS 50000
#else
#define POINTS 1000000
#endif
#define OUTSIDE_EVERY 64 /* a look from outside takes some system calls */

static struct segment segment;
static struct segment_reader outside;
static struct assembly assembly;
static struct vagus_system_snapshot now, before, out;
static struct segment_slots twin; /* published by the real thing */
static uint64_t points, torn, missing;

/* As the real writer would: what lies in between is never seen whole. */
static void look(const struct vagus_system_snapshot *wanted)
{
    if (segment_snapshot_copy(segment_slots(&segment), &out, sizeof(out)) != 0)
        missing++;
    else
        torn += memcmp(&out, wanted, sizeof(out)) != 0;
    if (points++ % OUTSIDE_EVERY != 0)
        return;
    if (segment_read_snapshot(&outside, &out) != 0)
        missing++;
    else
        torn += memcmp(&out, wanted, sizeof(out)) != 0;
}

static void store(uint64_t *to, uint64_t value, const struct vagus_system_snapshot *wanted)
{
    *to = value;
    look(wanted);
}

static void publish_word_by_word(uint64_t number, const struct segment_range *ranges,
                                 unsigned count)
{
    struct segment_slots *slots = segment_slots(&segment);
    struct segment_slot *slot = &slots->slots[number % SEGMENT_SLOTS];
    store(&slot->stamp, 2 * number + 1, &before);
    for (unsigned i = 0; i < count; i++)
        for (uint32_t at = ranges[i].begin; at < ranges[i].end; at += 8) {
            uint64_t word;
            memcpy(&word, (const char *)&now + at, sizeof(word));
            store((uint64_t *)(void *)((char *)&slot->snapshot + at), word, &before);
        }
    store(&slot->stamp, 2 * number + 2, &before);
    store(&slots->newest, number, &now);
}

/* Some parts change, by words that tell the publication; texts stay ended by 0. */
static void change(uint64_t number, uint32_t random)
{
    now.sequence = now.monitor.ticks = number;
    if ((random & 1) != 0) {
        now.memory.usage.value = (double)number;
        assemble_touch(&assembly, PART_MEMORY);
    }
    if ((random & 6) == 0) {
        for (int i = 0; i < VAGUS_SNAPSHOT_GPUS; i++)
            now.gpus[i].power.taken_ns = (int64_t)number;
        assemble_touch(&assembly, PART_GPUS);
    }
    if ((random & 0x78) == 0) {
        now.metrics[11].reading.taken_ns = now.metrics[0].reading.taken_ns = (int64_t)number;
        now.reserved[63] = number;
        assemble_touch(&assembly, PART_METRICS);
    }
    if ((random & 0x380) == 0) {
        now.signals[0].since_ns = now.signals[7].since_ns = (int64_t)number;
        assemble_touch(&assembly, PART_SIGNALS);
    }
}

static void every_store_may_be_the_last(void)
{
    struct segment_range ranges[ASSEMBLE_PARTS];
    const struct segment_range whole = {0, sizeof(now)};
    uint32_t random = 7;
    REQUIRE(fixture_create("cut", 0, &segment) == 0 && segment.fd >= 0);
    REQUIRE(segment_attach(segment.path, &outside) == 0);
    assembly.dirty = (1u << ASSEMBLE_PARTS) - 1;
    now.sequence = 1;
    assemble_ranges(&assembly, 1, ranges);
    segment_publish_ranges(segment_slots(&segment), 1, &now, &whole, 1);
    segment_publish_ranges(&twin, 1, &now, &whole, 1);
    for (uint64_t number = 2; points < POINTS; number++) {
        random = random * 1664525 + 1013904223;
        before = now;
        change(number, random >> 16);
        unsigned count = assemble_ranges(&assembly, number, ranges);
        publish_word_by_word(number, ranges, count);
        segment_publish_ranges(&twin, number, &now, ranges, count);
        const struct segment_slot *slot = &segment_slots(&segment)->slots[number % SEGMENT_SLOTS];
        const struct segment_slot *wanted = &twin.slots[number % SEGMENT_SLOTS];
        REQUIRE(slot->stamp == wanted->stamp &&
                memcmp(&slot->snapshot, &wanted->snapshot, sizeof(now)) == 0);
    }
    CHECK_EQ(torn, 0);
    CHECK_EQ(missing, 0);
    printf("%llu ends, nothing torn\n", (unsigned long long)points);
    segment_detach(&outside);
    segment_close(&segment);
}

int main(void)
{
    if (!fixture_begin())
        return 77;
    RUN(every_store_may_be_the_last);
    fixture_end();
    return check_result();
}
