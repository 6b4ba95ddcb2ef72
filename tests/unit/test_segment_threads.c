/* SPDX-License-Identifier: Apache-2.0 */
/* One writer and several readers in one process: nothing torn is ever accepted. Meant to be run
 * under ThreadSanitizer too. */
#include <pthread.h>
#include <sched.h>

#include "check.h"
#include "segment/reader.h"
#include "segment_fixture.h"

#define PUBLICATIONS 30000
#define READERS 2

static struct segment segment;
static uint64_t done; /* atomic */

/* Every word of a payload is its number. */
static void fill(struct vagus_system_snapshot *snapshot, uint64_t number)
{
    uint64_t words[sizeof(*snapshot) / 8];
    for (size_t i = 0; i < sizeof(words) / 8; i++)
        words[i] = number;
    memcpy(snapshot, words, sizeof(words));
}

static bool is_whole(const void *payload, size_t bytes)
{
    const uint64_t *words = payload;
    for (size_t i = 1; i < bytes / 8; i++)
        if (words[i] != words[0])
            return false;
    return true;
}

static void *write_all(void *arg)
{
    struct segment_head *head = segment_head(&segment, SEGMENT_VALUES);
    struct vagus_reading *values = segment_entries(&segment, SEGMENT_VALUES);
    struct vagus_system_snapshot snapshot;
    for (uint64_t n = 1; n <= PUBLICATIONS; n++) {
        fill(&snapshot, n);
        segment_publish(segment_slots(&segment), n, &snapshot);
        segment_write_begin(&head->stamp);
        for (int i = 0; i < 8; i++)
            memcpy(&values[i], &snapshot, sizeof(values[i]));
        head->count = 8;
        segment_write_end(&head->stamp);
        if (n % 64 == 0)
            sched_yield();
    }
    __atomic_store_n(&done, 1, __ATOMIC_RELEASE);
    return arg;
}

struct result {
    uint64_t torn, touched, back, whole;
};

static void *read_all(void *arg)
{
    struct result *result = arg;
    struct segment_reader own;
    struct vagus_system_snapshot snapshot;
    struct vagus_reading values[8];
    uint64_t got, newest = 0;
    segment_attach_own(&segment, &own);
    while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE)) {
        fill(&snapshot, UINT64_MAX);
        if (segment_snapshot_copy(segment_slots(&segment), &snapshot, sizeof(snapshot)) != 0) {
            result->touched += snapshot.sequence != UINT64_MAX;
        } else {
            result->torn += !is_whole(&snapshot, sizeof(snapshot));
            result->back += snapshot.sequence < newest;
            newest = snapshot.sequence;
            result->whole++;
        }
        if (segment_read_entries(&own, SEGMENT_VALUES, 0, 8, values, &got, NULL) == 0 && got == 8)
            result->torn += !is_whole(values, sizeof(values));
    }
    return NULL;
}

/* The same with publications of which only some parts are copied: the words of each tell when it
 * changed last, and so does a list at the beginning. */
#define PARTS 5
static const struct segment_range parts[PARTS] = {{0, 256},
                                                  {256, 4096},
                                                  {4096, 4104},
                                                  {4104, 16384},
                                                  {16384, sizeof(struct vagus_system_snapshot)}};

static bool parts_agree(const uint64_t *words)
{
    for (unsigned part = 1; part < PARTS; part++)
        for (uint32_t at = parts[part].begin / 8; at < parts[part].end / 8; at++)
            if (words[at] != words[part])
                return false;
    return true;
}

static void *write_parts(void *arg)
{
    static uint64_t words[sizeof(struct vagus_system_snapshot) / 8];
    uint32_t random = 1;
    for (uint64_t n = 1; n <= PUBLICATIONS; n++) {
        struct segment_range ranges[PARTS] = {parts[0]};
        unsigned count = 1;
        for (unsigned part = 1; part < PARTS; part++) {
            random = random * 1664525 + 1013904223;
            if (random >> 30 == 0) {
                words[part] = n;
                for (uint32_t at = parts[part].begin / 8; at < parts[part].end / 8; at++)
                    words[at] = n;
            }
            if (words[part] + SEGMENT_SLOTS > n)
                ranges[count++] = parts[part];
        }
        segment_publish_ranges(segment_slots(&segment), n, (const void *)words, ranges, count);
        if (n % 64 == 0)
            sched_yield();
    }
    __atomic_store_n(&done, 1, __ATOMIC_RELEASE);
    return arg;
}

static void *read_parts(void *arg)
{
    struct result *result = arg;
    union {
        struct vagus_system_snapshot snapshot;
        uint64_t words[sizeof(struct vagus_system_snapshot) / 8];
    } out;
    while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE))
        if (segment_snapshot_copy(segment_slots(&segment), &out.snapshot, sizeof(out)) == 0) {
            result->torn += !parts_agree(out.words);
            result->whole++;
        }
    return NULL;
}

static void nothing_torn_of_parts(void)
{
    struct segment_options options = fixture_options("agent", 0);
    options.anonymous = true;
    REQUIRE(segment_create(&options, &segment) == 0);
    __atomic_store_n(&done, 0, __ATOMIC_RELEASE);
    pthread_t writer, readers[READERS];
    struct result results[READERS] = {{0}};
    REQUIRE(pthread_create(&writer, NULL, write_parts, NULL) == 0);
    for (int i = 0; i < READERS; i++)
        REQUIRE(pthread_create(&readers[i], NULL, read_parts, &results[i]) == 0);
    pthread_join(writer, NULL);
    for (int i = 0; i < READERS; i++) {
        pthread_join(readers[i], NULL);
        CHECK_EQ(results[i].torn, 0);
    }
    segment_close(&segment);
}

static void nothing_torn_is_accepted(void)
{
    struct segment_options options = fixture_options("agent", 0);
    options.anonymous = true;
    REQUIRE(segment_create(&options, &segment) == 0);
    pthread_t writer, readers[READERS];
    struct result results[READERS] = {{0}};
    REQUIRE(pthread_create(&writer, NULL, write_all, NULL) == 0);
    for (int i = 0; i < READERS; i++)
        REQUIRE(pthread_create(&readers[i], NULL, read_all, &results[i]) == 0);
    pthread_join(writer, NULL);
    for (int i = 0; i < READERS; i++) {
        pthread_join(readers[i], NULL);
        CHECK_EQ(results[i].torn, 0);
        CHECK_EQ(results[i].touched, 0);
        CHECK_EQ(results[i].back, 0);
    }
    struct vagus_system_snapshot last;
    CHECK_EQ(segment_snapshot_copy(segment_slots(&segment), &last, sizeof(last)), 0);
    CHECK_EQ(last.sequence, PUBLICATIONS);
    segment_close(&segment);
}

int main(void)
{
    RUN(nothing_torn_is_accepted);
    RUN(nothing_torn_of_parts);
    return check_result();
}
