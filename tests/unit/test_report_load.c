/* SPDX-License-Identifier: Apache-2.0 */
/* Loading a report from real segments: this process's own and a file. */
#include "base/clock.h"
#include "check.h"
#include "report/report.h"
#include "segment_fixture.h"

static struct report report;

static void fill(struct segment *segment, uint32_t transitions)
{
    struct segment_head *head = segment_head(segment, SEGMENT_SIGNALS);
    struct segment_signal *ring = segment_entries(segment, SEGMENT_SIGNALS);
    segment_write_begin(&head->stamp);
    for (uint32_t n = 0; n < transitions; n++) {
        struct segment_signal *entry = &ring[n % SEGMENT_SIGNALS_MAX];
        memset(entry, 0, sizeof(*entry));
        entry->signal.sequence = n;
        memset(entry->signal.reason, 'x', sizeof(entry->signal.reason)); /* not ended */
        head->count++;
    }
    segment_write_end(&head->stamp);

    head = segment_head(segment, SEGMENT_LISTENERS);
    struct segment_listener *listener = segment_entries(segment, SEGMENT_LISTENERS);
    segment_write_begin(&head->stamp);
    strcpy(listener->name, "llm");
    head->count = 1;
    segment_write_end(&head->stamp);

    static struct vagus_system_snapshot snapshot;
    snapshot.size = sizeof(snapshot);
    snapshot.version = VAGUS_SNAPSHOT_VERSION;
    snapshot.judged = VAGUS_VERDICT_OK;
    snapshot.published_ns = vagus_now_ns();
    snapshot.good_until_ns = snapshot.published_ns + 60 * VAGUS_SECOND_NS;
    segment_publish(segment_slots(segment), 1, &snapshot);
}

static void a_ring_comes_oldest_first(void)
{
    struct segment segment;
    struct segment_reader reader;
    struct segment_options options = fixture_options("ring", 0);
    options.anonymous = true;
    REQUIRE(segment_create(&options, &segment) == 0);
    fill(&segment, SEGMENT_SIGNALS_MAX + 5);
    segment_attach_own(&segment, &reader);
    CHECK_EQ(report_load(&report, &reader, vagus_now_ns()), 0);
    CHECK(report.alive);
    CHECK_EQ(report.snapshot_error, 0);
    CHECK_EQ(report.signal_total, SEGMENT_SIGNALS_MAX + 5);
    REQUIRE(report.signal_count == SEGMENT_SIGNALS_MAX);
    for (uint32_t i = 0; i < report.signal_count; i++)
        CHECK_EQ(report.signals[i].signal.sequence, i + 5);
    CHECK_EQ(strlen(report.signals[0].signal.reason), sizeof(report.signals[0].signal.reason) - 1);
    CHECK_EQ(report.listener_count, 1);
    CHECK_STR(report.listeners[0].name, "llm");
    CHECK_EQ(report.collector_count, 0);
    CHECK_EQ(report.note_count, 0);
    segment_detach(&reader);
    segment_discard(&segment);
}

static void nothing_published_is_said(void)
{
    struct segment segment;
    struct segment_reader reader;
    if (!fixture_begin())
        SKIP_TEST("no /dev/shm");
    REQUIRE(fixture_create("early", 0, &segment) == 0);
    REQUIRE(segment_attach(segment.path, &reader) == 0);
    CHECK_EQ(report_load(&report, &reader, vagus_now_ns()), 0);
    CHECK_EQ(report.snapshot_error, VAGUS_EAGAIN);
    CHECK_EQ(report_verdict(&report), VAGUS_VERDICT_UNKNOWN);
    CHECK_EQ(report.signal_count, 0);
    segment_detach(&reader);
    segment_close(&segment);
    fixture_end();
}

static void a_closed_segment_is_unknown(void)
{
    struct segment segment;
    struct segment_reader reader;
    char path[sizeof(segment.path)];
    if (!fixture_begin())
        SKIP_TEST("no /dev/shm");
    REQUIRE(fixture_create("closing", 1, &segment) == 0);
    fill(&segment, 2);
    strcpy(path, segment.path);
    REQUIRE(segment_attach(path, &reader) == 0);
    CHECK_EQ(report_load(&report, &reader, vagus_now_ns()), 0);
    CHECK_EQ(report_verdict(&report), VAGUS_VERDICT_OK);
    CHECK_EQ(report.signal_count, 2);
    segment_detach(&reader);
    segment_close(&segment);
    REQUIRE(segment_attach(path, &reader) == 0);
    CHECK_EQ(report_load(&report, &reader, vagus_now_ns()), 0);
    CHECK_EQ(report_verdict(&report), VAGUS_VERDICT_UNKNOWN);
    CHECK_EQ(report.header.life, SEGMENT_CLOSED);
    CHECK_EQ(report.snapshot_error, 0);
    segment_detach(&reader);
    fixture_end();
}

static void a_reader_that_is_not_attached_fails(void)
{
    struct segment_reader reader = {.fd = -1};
    CHECK_EQ(report_load(&report, &reader, 1), VAGUS_EINVAL);
}

int main(void)
{
    RUN(a_ring_comes_oldest_first);
    RUN(nothing_published_is_said);
    RUN(a_closed_segment_is_unknown);
    RUN(a_reader_that_is_not_attached_fails);
    return check_result();
}
