/* SPDX-License-Identifier: Apache-2.0 */
/* A writer that publishes as fast as it can is killed at random moments, some hundred times, while
 * another process reads: nothing torn is ever accepted, death shows at once, and the last whole
 * publication stays readable. */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"
#include "report/assemble.h"
#include "segment/reader.h"
#include "segment_fixture.h"

#define ROUNDS 300

/* The numbers that a reader passes on unchanged, at the start, in the middle and at the end. What
 * lies at the end changes at every third publication only, and is not copied by the others. */
static void fill(struct vagus_system_snapshot *snapshot, uint64_t n)
{
    uint64_t third = n - n % 3;
    snapshot->sequence = n;
    snapshot->published_ns = (int64_t)n;
    snapshot->cpu.load_1m.taken_ns = (int64_t)n;
    snapshot->memory.swap_total.value = (double)n;
    snapshot->monitor.ticks = n;
    snapshot->paths[3].free.taken_ns = (int64_t)third;
    for (size_t i = 0; i < sizeof(snapshot->reserved) / sizeof(snapshot->reserved[0]); i++)
        snapshot->reserved[i] = third;
}

static bool is_whole(const struct vagus_system_snapshot *s)
{
    struct vagus_system_snapshot wanted = {0};
    fill(&wanted, s->sequence);
    return memcmp(&wanted, s, sizeof(wanted)) == 0;
}

static void write_until_killed(int out)
{
    struct segment segment;
    if (fixture_create("agent", 1, &segment) != 0 || segment.fd < 0)
        _exit(1);
    struct segment_head *head = segment_head(&segment, SEGMENT_SIGNALS);
    struct segment_signal *ring = segment_entries(&segment, SEGMENT_SIGNALS);
    struct segment_block *block = segment_entries(&segment, SEGMENT_SERIES);
    struct vagus_system_snapshot snapshot = {0};
    struct assembly assembly = {.dirty = (1u << ASSEMBLE_PARTS) - 1};
    for (uint64_t n = 1;; n++) {
        struct segment_range ranges[ASSEMBLE_PARTS];
        fill(&snapshot, n);
        assembly.dirty |= 1u << PART_CPU | 1u << PART_MEMORY;
        if (n % 3 == 0)
            assembly.dirty |= 1u << PART_PATHS | 1u << PART_METRICS;
        unsigned count = assemble_ranges(&assembly, n, ranges);
        segment_publish_ranges(segment_slots(&segment), n, &snapshot, ranges, count);
        segment_write_begin(&head->stamp);
        struct segment_signal *entry = &ring[head->count % SEGMENT_SIGNALS_MAX];
        entry->wall_ns = (int64_t)n;
        entry->signal.sequence = n;
        entry->signal.value = (double)n;
        head->count++;
        segment_write_end(&head->stamp);
        segment_write_begin(&block->head.stamp);
        block->head.number = 1;
        block->head.level = VAGUS_TIER_1S;
        block->head.fields = 1;
        block->head.first_ns = (int64_t)n;
        for (int i = 0; i < SERIES_BLOCK_WORDS; i++)
            block->payload[i] = n;
        segment_write_end(&block->head.stamp);
        if (n == 1 && write(out, segment.path, sizeof(segment.path)) != sizeof(segment.path))
            _exit(1);
    }
}

static uint64_t snapshots, signals, blocks;

/* One look. dead: the writer is, so whatever was announced must come. */
static void look(const struct segment_reader *reader, bool dead)
{
    static struct segment_signal ring[SEGMENT_SIGNALS_MAX];
    struct vagus_system_snapshot snapshot;
    struct segment_head head;
    struct segment_block block;
    uint64_t got;
    int error = segment_read_snapshot(reader, &snapshot);
    CHECK(error == 0 || (!dead && error == VAGUS_EAGAIN));
    if (error == 0) {
        CHECK(is_whole(&snapshot));
        snapshots++;
    }
    error =
        segment_read_entries(reader, SEGMENT_SIGNALS, 0, SEGMENT_SIGNALS_MAX, ring, &got, &head);
    CHECK(error == 0 || (!dead && error == VAGUS_EAGAIN));
    if (error == 0 && head.stamp % 2 == 0) {
        for (uint64_t i = 0; i < got; i++)
            CHECK(ring[i].signal.sequence == head.count - got + i + 1 &&
                  ring[i].signal.value == (double)ring[i].signal.sequence &&
                  ring[i].wall_ns == (int64_t)ring[i].signal.sequence);
        signals++;
    }
    error = segment_read_block(reader, 0, &block);
    /* Cut off in its middle, a head may be impossible: that is said. Before the first: none. */
    CHECK(error == 0 || error == VAGUS_ENOENT || (dead && error == VAGUS_ECORRUPT) ||
          (!dead && error == VAGUS_EAGAIN));
    if (error == 0 && block.head.stamp % 2 == 0) {
        CHECK(block.payload[0] == (uint64_t)block.head.first_ns &&
              block.payload[SERIES_BLOCK_WORDS - 1] == block.payload[0]);
        blocks++;
    }
}

/* Its death shows within a second, before anybody waited for it. */
static void check_noticed(const struct segment_reader *reader, int64_t killed_ns)
{
    while (segment_alive(reader) && vagus_now_ns() < killed_ns + VAGUS_SECOND_NS)
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    CHECK(!segment_alive(reader));
}

static void one_life(unsigned *seed)
{
    int pipes[2];
    REQUIRE(pipe(pipes) == 0);
    pid_t writer = fork();
    if (writer == 0)
        write_until_killed(pipes[1]);
    char path[256];
    struct segment_reader reader;
    REQUIRE(read(pipes[0], path, sizeof(path)) == sizeof(path));
    close(pipes[0]);
    close(pipes[1]);
    REQUIRE(segment_attach(path, &reader) == 0);
    CHECK(segment_alive(&reader));
    struct timespec span = {.tv_nsec = rand_r(seed) % 1000000};
    for (int i = rand_r(seed) % 20; i >= 0; i--)
        look(&reader, false);
    nanosleep(&span, NULL);
    kill(writer, SIGKILL);
    check_noticed(&reader, vagus_now_ns());
    waitpid(writer, NULL, 0);
    look(&reader, true);
    CHECK_EQ(reader.header.closed_ns, 0);
    segment_detach(&reader);
}

static void no_torn_read_in_many_lives(void)
{
    unsigned seed = 20240229;
    for (int i = 0; i < ROUNDS; i++)
        one_life(&seed);
    CHECK(fixture_count("") <= 3); /* each start keeps one black box */
    CHECK(snapshots > ROUNDS / 2 && signals > 0 && blocks > 0);
    printf("%llu snapshots, %llu rings, %llu blocks, all whole\n", (unsigned long long)snapshots,
           (unsigned long long)signals, (unsigned long long)blocks);
}

int main(void)
{
    if (!fixture_begin())
        return 77;
    RUN(no_torn_read_in_many_lives);
    fixture_end();
    return check_result();
}
