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

static void block_at(struct segment *segment, uint32_t place, uint32_t metric, uint8_t level,
                     uint8_t fields, int64_t first_ns)
{
    struct segment_block *pool = segment_entries(segment, SEGMENT_SERIES);
    pool[place].head = (struct segment_block_head){.number = 1 + place,
                                                   .metric = metric,
                                                   .level = level,
                                                   .fields = fields,
                                                   .entries = 1,
                                                   .first_ns = first_ns};
}

static void how_far_back_history_reaches(void)
{
    struct segment segment;
    struct segment_reader reader;
    struct segment_options options = fixture_options("reach", 0);
    options.anonymous = true;
    REQUIRE(segment_create(&options, &segment) == 0);
    struct segment_metric *metrics = segment_entries(&segment, SEGMENT_DIRECTORY);
    strcpy(metrics[0].name, "silent");
    strcpy(metrics[1].name, "calls");
    strcpy(metrics[1].label, "tool");
    strcpy(metrics[1].instance, "web");
    strcpy(metrics[2].name, "took");
    segment_head(&segment, SEGMENT_DIRECTORY)->count = 3;
    block_at(&segment, 0, 1, VAGUS_TIER_1S, 1, 500);
    block_at(&segment, 1, 1, VAGUS_TIER_1S, 1, 400);
    block_at(&segment, 2, 1, VAGUS_TIER_60S, 5, 100);
    block_at(&segment, 3, 2, VAGUS_TIER_1S, 1, 300);
    block_at(&segment, 4, 2, VAGUS_TIER_1S, 2, 450); /* its buckets reach back less far */
    block_at(&segment, 5, 7, VAGUS_TIER_1S, 1, 1);   /* of a metric that is not there */
    block_at(&segment, 6, 1, 77, 1, 1);
    segment_attach_own(&segment, &reader);
    CHECK_EQ(report_load(&report, &reader, vagus_now_ns()), 0);
    REQUIRE(report.series_count == 2);
    CHECK_STR(report.series[0].name, "calls");
    CHECK_STR(report.series[0].label, "tool");
    CHECK_STR(report.series[0].instance, "web");
    CHECK_EQ(report.series[0].since_ns[VAGUS_TIER_1S], 400);
    CHECK_EQ(report.series[0].since_ns[VAGUS_TIER_10S], INT64_MAX);
    CHECK_EQ(report.series[0].since_ns[VAGUS_TIER_60S], 100);
    CHECK_EQ(report.series[1].since_ns[VAGUS_TIER_1S], 450);
    CHECK_EQ(report.reach[VAGUS_TIER_1S].count, 2);
    CHECK_EQ(report.reach[VAGUS_TIER_1S].shortest_ns, 450);
    CHECK_EQ(report.reach[VAGUS_TIER_1S].longest_ns, 400);
    CHECK_EQ(report.series_left_out, 0);
    segment_close(&segment);
}

int main(void)
{
    RUN(a_ring_comes_oldest_first);
    RUN(nothing_published_is_said);
    RUN(a_closed_segment_is_unknown);
    RUN(a_reader_that_is_not_attached_fails);
    RUN(how_far_back_history_reaches);
    return check_result();
}
