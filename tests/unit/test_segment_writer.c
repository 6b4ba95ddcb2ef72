/* SPDX-License-Identifier: Apache-2.0 */
/* Making, filling and leaving segments, on a real tmpfs. */
#include "segment/writer.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "segment/folder.h"
#include "segment/reader.h"
#include "segment_fixture.h"

static void a_file_is_made_whole_and_private(void)
{
    struct segment segment;
    REQUIRE(fixture_create("whole", 3, &segment) == 0);
    CHECK_STR(segment.why_anonymous, "");
    CHECK_CONTAINS(segment.path, "/whole-");
    struct stat st;
    REQUIRE(stat(segment.path, &st) == 0);
    CHECK_EQ(st.st_size, SEGMENT_BYTES_MIN);
    CHECK_EQ(st.st_mode & 0777, 0600);
    CHECK_EQ(st.st_nlink, 1);
    CHECK(st.st_blocks * 512 >= st.st_size); /* every page is reserved */
    CHECK_EQ(segment.header->pid, getpid());
    CHECK_EQ(segment.header->life, SEGMENT_OPENING);
    CHECK_STR(segment.header->agent, "whole");
    CHECK_STR(segment.header->library_version, vagus_version());
    CHECK_EQ(strlen(segment.header->boot_id), 36);
    CHECK(segment.series_blocks >= 2);
    CHECK(fcntl(segment.fd, F_GETFD) & FD_CLOEXEC);
    segment_discard(&segment);
    CHECK_EQ(fixture_count(""), 0);
}

static void what_is_impossible_is_refused(void)
{
    struct segment segment = {.bytes = 77};
    struct segment_options options = fixture_options("agent", 3);
    options.metrics_max = 4096; /* would need 8 MiB for its series alone */
    CHECK_EQ(segment_create(&options, &segment), VAGUS_EINVAL);
    options = fixture_options("Agent/..", 3);
    CHECK_EQ(segment_create(&options, &segment), VAGUS_EINVAL);
    options = fixture_options("agent", 3);
    options.bytes = SEGMENT_BYTES_MIN - 1;
    CHECK_EQ(segment_create(&options, &segment), VAGUS_EINVAL);
    options.bytes = UINT64_MAX;
    CHECK_EQ(segment_create(&options, &segment), VAGUS_EINVAL);
    CHECK_EQ(segment.bytes, 77);
    CHECK_EQ(fixture_count(""), 0);
}

static void anonymous_on_demand(void)
{
    struct segment segment;
    struct segment_options options = fixture_options("agent", 3);
    options.anonymous = true;
    REQUIRE(segment_create(&options, &segment) == 0);
    CHECK_STR(segment.why_anonymous, "");
    CHECK_STR(segment.path, "");
    CHECK_EQ(segment.fd, -1);
    CHECK_EQ(fixture_count(""), 0);
    segment_close(&segment);
}

static void publication_is_read_back(void)
{
    struct segment segment;
    REQUIRE(fixture_create("agent", 3, &segment) == 0);
    struct vagus_system_snapshot in = {.size = sizeof(in), .version = 1}, out = {.sequence = 99};
    CHECK_EQ(segment_snapshot_copy(&segment, &out), VAGUS_EAGAIN);
    CHECK_EQ(out.sequence, 99);
    for (uint64_t n = 1; n <= 9; n++) {
        in.sequence = n * 10;
        segment_publish(&segment, n, &in);
        REQUIRE(segment_snapshot_copy(&segment, &out) == 0);
        CHECK_EQ(out.sequence, n * 10);
    }
    /* A writer that stopped in the middle of the next one leaves the newest readable … */
    struct segment_slots *slots = segment.sections[SEGMENT_SNAPSHOT];
    slots->slots[10 % SEGMENT_SLOTS].stamp = 21;
    CHECK_EQ(segment_snapshot_copy(&segment, &out), 0);
    /* … and where the slot itself is gone, nothing is touched. */
    slots->slots[9 % SEGMENT_SLOTS].stamp = 27;
    out.sequence = 99;
    CHECK_EQ(segment_snapshot_copy(&segment, &out), VAGUS_EAGAIN);
    CHECK_EQ(out.sequence, 99);
    segment_close(&segment);
}

static void closing_leaves_the_black_box(void)
{
    struct segment segment;
    REQUIRE(fixture_create("agent", 3, &segment) == 0);
    char path[256];
    snprintf(path, sizeof(path), "%s", segment.path);
    segment_close(&segment);
    CHECK(segment.header == NULL);
    segment_close(&segment); /* once more is harmless */
    struct segment_reader reader;
    REQUIRE(segment_attach(path, &reader) == 0);
    CHECK(!segment_alive(&reader));
    CHECK_EQ(reader.header.life, SEGMENT_CLOSED);
    CHECK(reader.header.closed_ns >= reader.header.started_ns);
    CHECK(reader.header.closed_wall_ns > 0);
    segment_detach(&reader);
    fixture_clear();
}

int main(void)
{
    if (!fixture_begin())
        return 77;
    RUN(a_file_is_made_whole_and_private);
    RUN(what_is_impossible_is_refused);
    RUN(anonymous_on_demand);
    RUN(publication_is_read_back);
    RUN(closing_leaves_the_black_box);
    fixture_end();
    return check_result();
}
