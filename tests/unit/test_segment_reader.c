/* SPDX-License-Identifier: Apache-2.0 */
/* Reading segments by file and in memory: what is right comes through, what is not is named. */
#include "segment/reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "check.h"
#include "segment/folder.h"
#include "segment_fixture.h"

static void add_signals(struct segment *segment, uint64_t from, uint64_t to)
{
    struct segment_head *head = segment_head(segment, SEGMENT_SIGNALS);
    struct segment_signal *ring = segment_entries(segment, SEGMENT_SIGNALS);
    segment_write_begin(&head->stamp);
    for (uint64_t n = from; n < to; n++) {
        struct segment_signal *entry = &ring[n % SEGMENT_SIGNALS_MAX];
        memset(entry, 0, sizeof(*entry));
        entry->signal.sequence = n;
        memset(entry->signal.reason, 'x', sizeof(entry->signal.reason)); /* no end of its own */
    }
    head->count = to;
    segment_write_end(&head->stamp);
}

static void check_signals(const struct segment_reader *reader, uint64_t first, uint64_t count,
                          uint64_t wanted_first, uint64_t wanted_count)
{
    static struct segment_signal entries[SEGMENT_SIGNALS_MAX];
    struct segment_head head;
    uint64_t got = 99;
    REQUIRE(segment_read_entries(reader, SEGMENT_SIGNALS, first, count, entries, &got, &head) == 0);
    CHECK_EQ(head.stamp % 2, 0);
    CHECK_EQ(got, wanted_count);
    for (uint64_t i = 0; i < got; i++) {
        CHECK_EQ(entries[i].signal.sequence, wanted_first + i);
        CHECK_EQ(strnlen(entries[i].signal.reason, 160), 159);
    }
}

static void check_ring(const struct segment_reader *reader, struct segment *segment)
{
    check_signals(reader, 0, SEGMENT_SIGNALS_MAX, 0, 0);
    add_signals(segment, 0, 5);
    check_signals(reader, 0, SEGMENT_SIGNALS_MAX, 0, 5);
    check_signals(reader, 3, 1, 3, 1);
    check_signals(reader, 5, 4, 0, 0);
    check_signals(reader, 0, 0, 0, 0);
    add_signals(segment, 5, 128);
    check_signals(reader, 0, SEGMENT_SIGNALS_MAX, 0, 128);
    add_signals(segment, 128, 300);
    check_signals(reader, 0, SEGMENT_SIGNALS_MAX, 172, 128);
    check_signals(reader, 250, 20, 250, 20); /* wraps */
    check_signals(reader, 299, 128, 299, 1);
    check_signals(reader, UINT64_MAX, 128, 0, 0);
    struct segment_head head;
    uint64_t got;
    CHECK_EQ(segment_read_entries(reader, SEGMENT_SIGNALS, 0, 0, NULL, &got, &head), 0);
    CHECK_EQ(head.count, 300);
    head.count = 7;
    CHECK_EQ(segment_read_entries(reader, SEGMENT_SNAPSHOT, 0, 0, NULL, &got, &head), VAGUS_EINVAL);
    CHECK_EQ(segment_read_entries(reader, SEGMENT_SERIES, 0, 0, NULL, &got, &head), VAGUS_EINVAL);
    CHECK_EQ(segment_read_entries(reader, SEGMENT_SECTION_COUNT, 0, 0, NULL, &got, &head),
             VAGUS_EINVAL);
    /* A writer that is alive and in the middle of a change. */
    struct segment_head *live = segment_head(segment, SEGMENT_SIGNALS);
    segment_write_begin(&live->stamp);
    CHECK_EQ(segment_read_entries(reader, SEGMENT_SIGNALS, 0, 0, NULL, &got, &head), VAGUS_EAGAIN);
    CHECK_EQ(head.count, 7);
    segment_write_end(&live->stamp);
    add_signals(segment, 0, 0);
}

static void signals_are_a_ring(void)
{
    struct segment segment;
    struct segment_reader own, file;
    REQUIRE(fixture_create("agent", 3, &segment) == 0);
    segment_attach_own(&segment, &own);
    CHECK(segment_alive(&own));
    check_ring(&own, &segment);
    REQUIRE(segment_attach(segment.path, &file) == 0);
    check_ring(&file, &segment);
    segment_detach(&file);
    segment_detach(&file);
    CHECK(!segment_alive(&file));
    uint64_t got;
    CHECK_EQ(segment_read_entries(&file, SEGMENT_NOTES, 0, 0, NULL, &got, NULL), VAGUS_EINVAL);
    segment_discard(&segment);
}

static void tables_end_where_they_end(void)
{
    struct segment segment;
    struct segment_reader reader;
    REQUIRE(fixture_create("agent", 3, &segment) == 0);
    struct segment_head *head = segment_head(&segment, SEGMENT_DIRECTORY);
    struct segment_metric *metrics = segment_entries(&segment, SEGMENT_DIRECTORY);
    memset(metrics, 'm', 64 * sizeof(*metrics)); /* no string ends, no number makes sense */
    head->count = UINT64_MAX;
    static struct segment_metric got_metrics[100];
    uint64_t got;
    REQUIRE(segment_attach(segment.path, &reader) == 0);
    REQUIRE(segment_read_entries(&reader, SEGMENT_DIRECTORY, 0, 100, got_metrics, &got, NULL) == 0);
    CHECK_EQ(got, 64);
    CHECK_EQ(strlen(got_metrics[63].name), VAGUS_NAME_MAX - 1);
    CHECK_EQ(strlen(got_metrics[63].resource), VAGUS_RESOURCE_MAX - 1);
    CHECK_EQ(got_metrics[63].tier, VAGUS_TIER_DEFAULT);
    segment_detach(&reader);
    segment_discard(&segment);
}

static void blocks_are_found(void)
{
    struct segment segment;
    struct segment_reader reader;
    REQUIRE(fixture_create("agent", 3, &segment) == 0);
    REQUIRE(segment_attach(segment.path, &reader) == 0);
    uint32_t place = segment.series_blocks - 1;
    struct segment_block *it =
        (struct segment_block *)segment_entries(&segment, SEGMENT_SERIES) + place;
    struct segment_block block = {.head.sum = 7};
    CHECK_EQ(segment_read_block(&reader, place, &block), VAGUS_ENOENT);
    it->head = (struct segment_block_head){.number = 3,
                                           .metric = 63,
                                           .level = VAGUS_TIER_1S,
                                           .fields = 1,
                                           .entries = 5,
                                           .bits = SERIES_BLOCK_BITS,
                                           .span = 4,
                                           .first_ns = 77};
    it->payload[SERIES_BLOCK_WORDS - 1] = 99;
    CHECK_EQ(segment_read_block(&reader, place, &block), 0);
    CHECK_EQ(block.head.metric, 63);
    CHECK_EQ(segment_block_last_ns(&block.head), 77 + 4 * VAGUS_SECOND_NS);
    CHECK_EQ(block.payload[SERIES_BLOCK_WORDS - 1], 99);
    block.head.sum = 7;
    CHECK_EQ(segment_read_block(&reader, place + 1, &block), VAGUS_ENOENT);
    CHECK_EQ(segment_read_block(&reader, UINT32_MAX, &block), VAGUS_ENOENT);
    it->head.stamp = 1;
    CHECK_EQ(segment_read_block(&reader, place, &block), VAGUS_EAGAIN);
    it->head.stamp = 2;
    it->head.level = VAGUS_TIER_COUNT;
    CHECK_EQ(segment_read_block(&reader, place, &block), VAGUS_ECORRUPT);
    it->head.level = VAGUS_TIER_1S;
    it->head.fields = 3;
    CHECK_EQ(segment_read_block(&reader, place, &block), VAGUS_ECORRUPT);
    it->head.fields = 5;
    it->head.bits = SERIES_BLOCK_BITS + 1;
    CHECK_EQ(segment_read_block(&reader, place, &block), VAGUS_ECORRUPT);
    it->head.bits = 0;
    it->head.pending = 6;
    CHECK_EQ(segment_read_block(&reader, place, &block), VAGUS_ECORRUPT);
    it->head.pending = 0;
    it->head.first_ns = INT64_MAX;
    CHECK_EQ(segment_read_block(&reader, place, &block), VAGUS_ECORRUPT);
    it->head.first_ns = 0;
    CHECK_EQ(segment_read_block(&reader, place, &block), 0);
    CHECK_EQ(block.head.sum, 0);
    segment_detach(&reader);
    segment_discard(&segment);
}

/* A writer that was killed between odd and even: its last words are not thrown away. */
static void what_a_dead_writer_left_is_readable(void)
{
    int pipes[2];
    REQUIRE(pipe(pipes) == 0);
    pid_t child = fork();
    if (child == 0) {
        struct segment segment;
        if (fixture_create("agent", 3, &segment) != 0)
            _exit(1);
        add_signals(&segment, 0, 3);
        segment_write_begin(&segment_head(&segment, SEGMENT_SIGNALS)->stamp);
        struct segment_block *block = segment_entries(&segment, SEGMENT_SERIES);
        block->head = (struct segment_block_head){
            .number = 1, .level = VAGUS_TIER_1S, .fields = 1, .entries = 1};
        segment_write_begin(&block->head.stamp);
        ssize_t n = write(pipes[1], segment.path, sizeof(segment.path));
        _exit(n == sizeof(segment.path) ? 0 : 1); /* does not close the segment */
    }
    char path[256];
    int status;
    CHECK_EQ(read(pipes[0], path, sizeof(path)), sizeof(path));
    REQUIRE(waitpid(child, &status, 0) == child && status == 0);
    close(pipes[0]);
    close(pipes[1]);
    struct segment_reader reader;
    REQUIRE(segment_attach(path, &reader) == 0);
    CHECK(!segment_alive(&reader));
    CHECK_EQ(reader.header.life, SEGMENT_OPENING);
    static struct segment_signal entries[SEGMENT_SIGNALS_MAX];
    struct segment_head head;
    uint64_t got;
    CHECK_EQ(segment_read_entries(&reader, SEGMENT_SIGNALS, 0, SEGMENT_SIGNALS_MAX, entries, &got,
                                  &head),
             0);
    CHECK_EQ(got, 3);
    CHECK_EQ(head.stamp % 2, 1);
    struct segment_block block;
    CHECK_EQ(segment_read_block(&reader, 0, &block), 0);
    CHECK_EQ(block.head.stamp % 2, 1);
    segment_detach(&reader);
    fixture_clear();
}

static void snapshots_come_by_file(void)
{
    struct segment segment;
    struct segment_reader reader, own;
    REQUIRE(fixture_create("agent", 3, &segment) == 0);
    REQUIRE(segment_attach(segment.path, &reader) == 0);
    segment_attach_own(&segment, &own);
    struct vagus_system_snapshot in, out = {.sequence = 99};
    CHECK_EQ(segment_read_snapshot(&reader, &out), VAGUS_EAGAIN);
    memset(&in, 'y', sizeof(in));
    for (uint64_t n = 1; n < 12; n++) {
        in.sequence = n;
        segment_publish(segment_slots(&segment), n, &in);
        REQUIRE(segment_read_snapshot(&reader, &out) == 0);
        CHECK_EQ(out.sequence, n);
    }
    CHECK_EQ(out.path_count, VAGUS_SNAPSHOT_PATHS);
    CHECK_EQ(out.judged, VAGUS_VERDICT_UNKNOWN);
    CHECK_EQ(strlen(out.paths[3].path), VAGUS_INSTANCE_MAX - 1);
    CHECK_EQ(strlen(out.signals[7].rule), VAGUS_NAME_MAX - 1);
    struct segment_slots *slots = segment.sections[SEGMENT_SNAPSHOT];
    slots->slots[11 % SEGMENT_SLOTS].stamp = 1;
    out.sequence = 99;
    CHECK_EQ(segment_read_snapshot(&reader, &out), VAGUS_EAGAIN);
    CHECK_EQ(segment_read_snapshot(&own, &out), VAGUS_EAGAIN);
    slots->newest = UINT64_MAX;
    CHECK_EQ(segment_read_snapshot(&reader, &out), VAGUS_EAGAIN);
    CHECK_EQ(out.sequence, 99);
    REQUIRE(truncate(segment.path, 8192) == 0); /* under its feet */
    CHECK_EQ(segment_read_snapshot(&reader, &out), VAGUS_ECORRUPT);
    segment_detach(&reader);
    segment_discard(&segment);
}

/* Leaves a good dead segment and opens its file for damage. */
static int good_file(char path[256])
{
    struct segment segment;
    CHECK_EQ(fixture_create("agent", 9, &segment), 0);
    snprintf(path, 256, "%s", segment.path);
    segment_close(&segment);
    return open(path, O_RDWR);
}

static void damage_is_named(void)
{
    static const struct {
        size_t offset;
        uint64_t value;
        size_t bytes;
        int error;
    } damages[] = {
        {offsetof(struct segment_header, magic), 0, 8, VAGUS_ECORRUPT},
        {offsetof(struct segment_header, version), 1, 4, VAGUS_EVERSION},
        {offsetof(struct segment_header, header_bytes), 64, 4, VAGUS_ECORRUPT},
        {offsetof(struct segment_header, total_bytes), 1 << 30, 8, VAGUS_ECORRUPT},
        {offsetof(struct segment_header, sections[4].offset), UINT64_MAX - 63, 8, VAGUS_ECORRUPT},
        {offsetof(struct segment_header, sections[4].offset), 1 << 20, 8, VAGUS_ECORRUPT},
        {offsetof(struct segment_header, sections[4].offset), 4104, 8, VAGUS_ECORRUPT},
        {offsetof(struct segment_header, sections[4].offset), 0, 8, VAGUS_ECORRUPT},
        {offsetof(struct segment_header, sections[1].bytes), UINT64_MAX, 8, VAGUS_ECORRUPT},
        {offsetof(struct segment_header, sections[1].bytes), 64, 8, VAGUS_ECORRUPT},
        {offsetof(struct segment_header, sections[1].entry_bytes), 361, 4, VAGUS_EVERSION},
        {offsetof(struct segment_header, sections[1].capacity), UINT32_MAX, 4, VAGUS_ECORRUPT},
        {offsetof(struct segment_header, sections[1].capacity), 0, 4, VAGUS_ECORRUPT},
        {offsetof(struct segment_header, sections[3].entry_bytes), 0, 4, VAGUS_EVERSION},
        {offsetof(struct segment_header, sections[3].capacity), 1 << 18, 4, VAGUS_ECORRUPT},
        {offsetof(struct segment_header, sections[3].entry_bytes), 2048, 4, VAGUS_EVERSION},
        {offsetof(struct segment_header, sections[4].capacity), 4096, 4, VAGUS_ECORRUPT},
        {offsetof(struct segment_header, sections[0].capacity), 5, 4, VAGUS_EVERSION},
        {offsetof(struct segment_header, sections[0].entry_bytes), 64, 4, VAGUS_EVERSION},
        {offsetof(struct segment_header, sections[4].entry_bytes), 1 << 20, 4, VAGUS_ECORRUPT},
        {offsetof(struct segment_header, sections[4].entry_bytes), 1 << 30, 4, VAGUS_EVERSION},
    };
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        char path[256];
        int fd = good_file(path);
        struct segment_reader reader;
        CHECK_EQ(segment_attach(path, &reader), 0);
        segment_detach(&reader);
        CHECK_EQ(pwrite(fd, &damages[i].value, damages[i].bytes, (off_t)damages[i].offset),
                 damages[i].bytes);
        int error = segment_attach(path, &reader);
        if (error != damages[i].error)
            CHECK_FAIL_("damage %zu gives %d", i, error);
        segment_detach(&reader);
        close(fd);
        fixture_clear();
    }
}

static void what_is_no_segment_is_refused(void)
{
    char path[256], other[256];
    struct segment_reader reader;
    static const off_t sizes[] = {
        0, 8, 4095, 4096, 8192, SEGMENT_BYTES_MIN - 1, SEGMENT_BYTES_MIN + 1};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        int fd = good_file(path);
        CHECK_EQ(ftruncate(fd, sizes[i]), 0);
        CHECK_EQ(segment_attach(path, &reader), VAGUS_ECORRUPT);
        close(fd);
    }
    CHECK_EQ(segment_attach(fixture_dir, &reader), VAGUS_ECORRUPT);
    close(good_file(path));
    snprintf(other, sizeof(other), "%s/link", fixture_dir);
    CHECK_EQ(symlink(path, other), 0);
    CHECK_EQ(segment_attach(other, &reader), VAGUS_EPERM);
    unlink(other);
    CHECK_EQ(segment_attach(other, &reader), VAGUS_ENOENT);
    CHECK_EQ(mkfifo(other, 0600), 0);
    CHECK_EQ(segment_attach(other, &reader), VAGUS_ECORRUPT); /* and does not wait */
    CHECK_EQ(segment_attach("/proc/self/mem", &reader), VAGUS_ECORRUPT);
    CHECK_EQ(segment_attach("", &reader), VAGUS_ENOENT);
    segment_detach(&reader);
    struct segment_reader zeroed = {0};
    int before = fcntl(0, F_GETFD);
    segment_detach(&zeroed); /* must not close descriptor 0 */
    CHECK_EQ(fcntl(0, F_GETFD), before);
    fixture_clear();
}

static void a_strangers_file_is_refused(void)
{
    if (geteuid() != 0)
        SKIP_TEST("needs root to give a file away");
    char path[256];
    int fd = good_file(path);
    REQUIRE(fchmod(fd, 0644) == 0 && chmod(fixture_dir, 0755) == 0);
    close(fd);
    pid_t child = fork();
    if (child == 0) {
        struct segment_reader reader;
        if (setuid(65534) != 0)
            _exit(2);
        _exit(segment_attach(path, &reader) == VAGUS_EPERM ? 0 : 1);
    }
    int status;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK_EQ(status, 0);
    /* Root may look at anybody's. */
    struct segment_reader reader;
    CHECK(chown(path, 65534, 65534) == 0);
    CHECK_EQ(segment_attach(path, &reader), 0);
    segment_detach(&reader);
    chmod(fixture_dir, 0700);
    fixture_clear();
}

struct seen {
    int count, most, alive, unreadable;
    bool ended; /* one that is not alive was met: no other that is may follow */
    int64_t last_wall_ns;
    bool shared; /* the folders are not this test's alone: files come and go */
};

static bool see(const struct segment_found *found, void *arg)
{
    struct seen *seen = arg;
    CHECK(!seen->ended || !found->alive);
    if (seen->ended || found->alive)
        CHECK(found->header.started_wall_ns <= seen->last_wall_ns);
    seen->ended = seen->ended || !found->alive;
    seen->unreadable += found->error != 0;
    if (found->error != 0 && !seen->shared)
        CHECK_STR(found->header.agent, "agent");
    CHECK(seen->shared || found->error != 0 || access(found->path, F_OK) == 0);
    seen->last_wall_ns = found->header.started_wall_ns;
    seen->alive += found->alive;
    return ++seen->count < seen->most;
}

static void the_list_has_the_alive_first_then_the_newest(void)
{
    struct segment alive;
    char path[256], other[256];
    for (int i = 0; i < 5; i++)
        close(good_file(path));
    snprintf(other, sizeof(other), "%s/agent-0000000000000000.vagus", fixture_dir);
    CHECK_EQ(symlink(path, other), 0);
    snprintf(other, sizeof(other), "%s/agent-0000000000000001.vagus", fixture_dir);
    CHECK_EQ(mkfifo(other, 0600), 0);
    REQUIRE(fixture_create("other", 3, &alive) == 0);
    struct seen seen = {.most = 100, .last_wall_ns = INT64_MAX};
    CHECK_EQ(segment_list(fixture_dir, see, &seen), 8);
    CHECK_EQ(seen.count, 8);
    CHECK_EQ(seen.alive, 1);
    CHECK_EQ(seen.unreadable, 2); /* named, since an old agent's must not look like none */
    seen = (struct seen){.most = 2, .last_wall_ns = INT64_MAX};
    CHECK_EQ(segment_list(fixture_dir, see, &seen), 2);
    CHECK_EQ(segment_list("/nowhere", see, &seen), VAGUS_ENOENT);
    CHECK_EQ(segment_list("/etc/passwd", see, &seen), VAGUS_EINVAL);
    /* The default folders: nothing is promised of what is there, but that it is well ordered. */
    setenv("XDG_RUNTIME_DIR", "/nowhere", 1);
    seen = (struct seen){.most = 1000, .last_wall_ns = INT64_MAX, .shared = true};
    int shown = segment_list(NULL, see, &seen);
    CHECK(shown >= 0 && shown == seen.count);
    if (geteuid() == 0)
        CHECK(seen.alive >= 1); /* the fixture is named as a user's folder would be */
    segment_close(&alive);
    fixture_clear();
}

/* Who watches for long learns of the end, and of whatever became of the file. */
static void the_header_is_read_again(void)
{
    struct segment segment;
    struct segment_reader reader;
    char path[256];
    REQUIRE(fixture_create("alpha", 3, &segment) == 0);
    snprintf(path, sizeof(path), "%s", segment.path);
    REQUIRE(segment_attach(path, &reader) == 0);
    segment_run(&segment);
    CHECK_EQ(segment_refresh(&reader), 0);
    CHECK_EQ(reader.header.life, SEGMENT_RUNNING);
    segment.header->stamp++; /* as if it were another segment */
    CHECK_EQ(segment_refresh(&reader), VAGUS_ECORRUPT);
    segment.header->stamp--;
    segment.header->sections[SEGMENT_NOTES]
        .capacity--; /* possible, but not what room was made for */
    CHECK_EQ(segment_refresh(&reader), VAGUS_ECORRUPT);
    segment.header->sections[SEGMENT_NOTES].capacity++;
    segment.header->magic++;
    CHECK(segment_refresh(&reader) < 0);
    segment.header->magic--;
    segment_close(&segment);
    CHECK_EQ(segment_refresh(&reader), 0);
    CHECK_EQ(reader.header.life, SEGMENT_CLOSED);
    CHECK_EQ(truncate(path, 100), 0);
    CHECK_EQ(segment_refresh(&reader), VAGUS_ECORRUPT);
    CHECK_EQ(reader.header.life, SEGMENT_CLOSED); /* what it knew */
    segment_detach(&reader);
    CHECK_EQ(segment_refresh(&reader), VAGUS_EINVAL);
    fixture_clear();
}

int main(void)
{
    if (!fixture_begin())
        return 77;
    RUN(signals_are_a_ring);
    RUN(tables_end_where_they_end);
    RUN(blocks_are_found);
    RUN(what_a_dead_writer_left_is_readable);
    RUN(snapshots_come_by_file);
    RUN(damage_is_named);
    RUN(the_header_is_read_again);
    RUN(what_is_no_segment_is_refused);
    RUN(a_strangers_file_is_refused);
    RUN(the_list_has_the_alive_first_then_the_newest);
    fixture_end();
    return check_result();
}
