/* SPDX-License-Identifier: Apache-2.0 */
/* Segments of writers that knew less than this build, and of such that know more: what both know is
 * read, the rest is zero, and nobody is refused who need not be. */
#include <fcntl.h>
#include <stdlib.h>

#include "check.h"
#include "report/report.h"
#include "segment_fixture.h"

/* A segment as it was written by the version of 21 November 2026. */
#define ELDER FIXTURES "/abi/v5/elder.vagus.gz"

static char elder[SEGMENT_BYTES_MIN];
static char path[128];

/* The tree keeps it compressed: it is nearly all zeroes. */
static bool unpack(void)
{
    FILE *pipe = popen("gzip -dc " ELDER, "r");
    if (pipe == NULL)
        return false;
    size_t got = fread(elder, 1, sizeof(elder), pipe);
    return pclose(pipe) == 0 && got == sizeof(elder);
}

static bool put_file(const char *bytes, size_t count)
{
    snprintf(path, sizeof(path), "%s/elder-0000000000000001.vagus", fixture_dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool put = fd >= 0 && write(fd, bytes, count) == (ssize_t)count;
    close(fd);
    return put;
}

/* Lays the elder's segment out as another writer would: entries of other sizes, more of them; what
 * that writer knows and this build does not is 0x5a. The sections from `last` on are left out. */
static size_t lay_out_anew(char *to, int grown_bytes, uint32_t more, int last)
{
    const struct segment_header *from = (const void *)elder;
    struct segment_header *header = (void *)to;
    uint64_t offset = SEGMENT_HEADER_BYTES;
    memcpy(to, elder, SEGMENT_HEADER_BYTES);
    memset(header->sections, 0, sizeof(header->sections));
    for (int id = 0; id < last; id++) {
        struct segment_extent *extent = &header->sections[id];
        if (from->sections[id].capacity == 0) /* younger than the elder */
            continue;
        bool fixed = id == SEGMENT_SERIES, slots = id == SEGMENT_SNAPSHOT;
        if (from->sections[id].capacity == 0)
            continue; /* it did not know this one */
        *extent = from->sections[id];
        extent->entry_bytes += fixed ? 0 : (uint32_t)grown_bytes;
        extent->capacity += fixed || slots ? 0 : more;
        extent->offset = offset;
        extent->bytes = 64 + (uint64_t)extent->entry_bytes * extent->capacity;
        offset += (extent->bytes + 63) & ~UINT64_C(63);
        uint32_t own = from->sections[id].entry_bytes, theirs = extent->entry_bytes;
        memcpy(to + extent->offset, elder + from->sections[id].offset, 64);
        for (uint32_t i = 0; i < from->sections[id].capacity; i++) {
            char *entry = to + extent->offset + 64 + (size_t)i * theirs;
            memset(entry, 0x5a, theirs);
            memcpy(entry, elder + from->sections[id].offset + 64 + (size_t)i * own,
                   own < theirs ? own : theirs);
        }
    }
    header->total_bytes = (offset + SEGMENT_BYTES_MIN) & ~UINT64_C(4095);
    return header->total_bytes;
}

static char anew[16u << 20];
static struct report was, is;

static void check_elder(const struct report *report)
{
    const struct vagus_system_snapshot *s = &report->snapshot;
    CHECK_STR(report->header.agent, "elder");
    CHECK_EQ(report->snapshot_error, 0);
    CHECK_EQ(s->judged, VAGUS_VERDICT_DEGRADED);
    CHECK_EQ(s->signal_count, 1);
    CHECK_STR(s->signals[0].rule, "queue-long");
    CHECK_NEAR(s->agent.messages.total.value, 7, 0);
    CHECK_STR(s->mode.name, "alert");
    CHECK(report->signal_count >= 2);
    CHECK_STR(report->signals[0].signal.reason, "queue.length 20 is above 10");
    CHECK(report->series_count >= 2);
}

static bool load(struct report *report)
{
    struct segment_reader reader;
    int error = segment_attach(path, &reader);
    CHECK_EQ(error, 0);
    if (error == 0)
        error = report_load(report, &reader, 2000 * VAGUS_SECOND_NS);
    segment_detach(&reader);
    return error == 0;
}

static void a_segment_of_former_days_is_read(void)
{
    REQUIRE(unpack() && put_file(elder, sizeof(elder)));
    REQUIRE(load(&was));
    check_elder(&was);
    CHECK_EQ(((struct segment_header *)elder)->version, SEGMENT_VERSION);
}

/* Everything but the header is the same to the byte. */
static void check_same(void)
{
    size_t head = offsetof(struct report, alive);
    CHECK(memcmp((char *)&was + head, (char *)&is + head, sizeof(was) - head) == 0);
}

static void a_writer_that_knows_more_is_read(void)
{
    static const int grown[] = {0, 8, 64, 4096};
    for (size_t i = 0; i < sizeof(grown) / sizeof(grown[0]); i++) {
        size_t bytes = lay_out_anew(anew, grown[i], 3, SEGMENT_FIRST_SECTIONS);
        REQUIRE(put_file(anew, bytes) && load(&is));
        check_elder(&is);
        check_same();
    }
}

/* What the writer did not know is zero, which reads as never. */
static void a_writer_that_knew_less_is_read(void)
{
    size_t bytes = lay_out_anew(anew, -24, 0, SEGMENT_FIRST_SECTIONS);
    REQUIRE(put_file(anew, bytes) && load(&is));
    CHECK_STR(is.snapshot.signals[0].rule, "queue-long");
    CHECK_NEAR(is.snapshot.agent.messages.total.value, 7, 0);
    CHECK_EQ(is.snapshot.reserved[63], 0);
    for (uint32_t i = 0; i < is.signal_count; i++)
        CHECK_EQ(is.signals[i].deeds[SEGMENT_DEEDS_MAX - 1].took_ns, 0);
}

static void half_a_snapshot_is_one(void)
{
    lay_out_anew(anew, 0, 0, SEGMENT_FIRST_SECTIONS);
    /* The slots of a writer that knew nothing behind the memory of the host. */
    struct segment_header *header = (void *)anew;
    struct segment_extent *extent = &header->sections[SEGMENT_SNAPSHOT];
    size_t own = extent->entry_bytes;
    size_t theirs = 64 + offsetof(struct vagus_system_snapshot, network);
    char *slots = anew + extent->offset + 64;
    extent->entry_bytes = (uint32_t)theirs;
    for (size_t i = 0; i < SEGMENT_SLOTS; i++)
        memmove(slots + i * theirs, slots + i * own, theirs);
    REQUIRE(put_file(anew, header->total_bytes) && load(&is));
    CHECK_EQ(is.snapshot.signal_count, 1);
    CHECK_EQ(vagus_reading_state(&is.snapshot.agent.messages.total, is.now_ns), VAGUS_STATE_NEVER);
}

/* A section that is not there is empty; one that every writer of this version has must be there. */
static void sections_that_are_missing(void)
{
    struct segment_reader reader;
    size_t bytes = lay_out_anew(anew, 0, 0, SEGMENT_BUDGETS);
    REQUIRE(put_file(anew, bytes));
    CHECK_EQ(segment_attach(path, &reader), VAGUS_ECORRUPT);
    /* One that this build does not know does not disturb it. */
    bytes = lay_out_anew(anew, 0, 0, SEGMENT_FIRST_SECTIONS);
    struct segment_header *header = (void *)anew;
    header->sections[15] = (struct segment_extent){.offset = 1, .bytes = UINT64_MAX};
    REQUIRE(put_file(anew, bytes) && load(&is));
    check_elder(&is);
    /* Those that were added since the first of this version. */
    REQUIRE(put_file(elder, sizeof(elder)));
    REQUIRE(segment_attach(path, &reader) == 0);
    for (int id = SEGMENT_FIRST_SECTIONS; id < SEGMENT_SECTION_COUNT; id++) {
        uint64_t got = 99;
        struct segment_head head;
        CHECK_EQ(segment_read_entries(&reader, id, 0, 1, anew, &got, &head), 0);
        CHECK_EQ(got, 0);
        CHECK_EQ(head.count, 0);
    }
    segment_detach(&reader);
}

int main(void)
{
    if (!fixture_begin())
        return 77;
    RUN(a_segment_of_former_days_is_read);
    RUN(a_writer_that_knows_more_is_read);
    RUN(a_writer_that_knew_less_is_read);
    RUN(half_a_snapshot_is_one);
    RUN(sections_that_are_missing);
    fixture_end();
    return check_result();
}
