/* SPDX-License-Identifier: Apache-2.0 */
/* Records: what was put comes back bit by bit, in few bytes; what is damaged is refused with a
 * reason; and what a replay makes of one. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "cli/record.h"
#include "cli/replay.h"

#define S VAGUS_SECOND_NS
#define MS VAGUS_MILLISECOND_NS

static const struct record_about about = {.agent = "test",
                                          .program = "test_record",
                                          .library_version = "0",
                                          .pid = 7,
                                          .from_ns = 100 * S,
                                          .to_ns = 200 * S,
                                          .wall_to_ns = INT64_C(1700000000) * S};

static struct segment_metric metric_of(const char *name, const char *unit, double resolution)
{
    struct segment_metric metric = {.kind = VAGUS_GAUGE,
                                    .tier = VAGUS_TIER_100MS,
                                    .max = 1,
                                    .resolution = resolution,
                                    .good_for_ns = 300 * MS};
    snprintf(metric.name, sizeof(metric.name), "%s", name);
    snprintf(metric.unit, sizeof(metric.unit), "%s", unit);
    snprintf(metric.label, sizeof(metric.label), "path");
    snprintf(metric.resource, sizeof(metric.resource), "memory");
    return metric;
}

/* A copy that record_open() may take over. */
static uint8_t *copy_of(const struct record_writer *writer)
{
    uint8_t *data = malloc(writer->length);
    memcpy(data, writer->data, writer->length);
    return data;
}

static const struct record_entry entries[] = {
    {100 * S, 0, 0.5, 0.5, 0.5, 0.5, 1},
    {100 * S + 100 * MS, 0, 0.51, 0.51, 0.51, 0.51, 1},
    {100 * S + 200 * MS, 0, 0, 0, 0, 0, 0}, /* an attempt that failed */
    {100 * S + 300 * MS, 0, 1.0 / 3, 1.0 / 3, 1.0 / 3, 1.0 / 3, 1},
    {101 * S, S, 0.25, 0.2, 0.3, 2.5, 10}, /* a bucket */
    {102 * S, S, -1e300, -1e300, 1e300, 0, 10},
    {103 * S, 0, -0.0, -0.0, -0.0, -0.0, 1},
    {105 * S, 0, 0.5, 0.5, 0.5, 0.5, 1},
};
#define ENTRIES (sizeof(entries) / sizeof(entries[0]))

static void write_small(struct record_writer *writer)
{
    struct segment_metric first = metric_of("memory.headroom.ratio", "1", 0.01),
                          second = metric_of("empty", "By", 0);
    struct segment_signal signal = {.wall_ns = 5,
                                    .shadow = 1,
                                    .told = 2,
                                    .signal = {.kind = VAGUS_DEFER,
                                               .change = VAGUS_SIGNAL_RAISED,
                                               .at_ns = 101 * S,
                                               .level = 0.5,
                                               .resource = "memory",
                                               .rule = "low",
                                               .reason = "because"}};
    record_begin(writer, &about, 2);
    record_metric_begin(writer, &first);
    for (size_t i = 0; i < ENTRIES; i++)
        record_put(writer, &entries[i]);
    record_metric_end(writer);
    record_metric_begin(writer, &second);
    record_metric_end(writer);
    record_signals(writer, &signal, 1);
    CHECK_EQ(record_end(writer), 0);
}

static void what_was_put_comes_back(void)
{
    struct record_writer writer;
    struct record record;
    struct record_cursor cursor;
    struct record_entry entry;
    const char *why;
    write_small(&writer);
    REQUIRE(record_open(&record, copy_of(&writer), writer.length, &why) == 0);
    CHECK_STR(record.about.agent, "test");
    CHECK_EQ(record.about.wall_to_ns, about.wall_to_ns);
    REQUIRE(record.series_count == 2 && record.signal_count == 1);
    CHECK_STR(record.series[0].metric.name, "memory.headroom.ratio");
    CHECK_STR(record.series[0].metric.label, "path");
    CHECK_EQ(record.series[0].metric.good_for_ns, 300 * MS);
    CHECK_EQ(record.series[0].first_ns, 100 * S);
    CHECK_EQ(record.series[0].last_ns, 105 * S);
    CHECK_EQ(record.series[0].coarsest_ns, S);
    CHECK_EQ(record.series[1].count, 0);
    record_seek_begin(&cursor, &record.series[0]);
    for (size_t i = 0; i < ENTRIES; i++) {
        REQUIRE(record_next(&cursor, &entry));
        CHECK_EQ(entry.at_ns, entries[i].at_ns);
        CHECK_EQ(entry.width_ns, entries[i].width_ns);
        CHECK_EQ(entry.count, entries[i].count);
        if (entries[i].count > 0) {
            CHECK(memcmp(&entry.last, &entries[i].last, 4 * sizeof(double)) == 0);
        }
    }
    CHECK(!record_next(&cursor, &entry));
    CHECK_EQ(record.signals[0].shadow, 1);
    CHECK_EQ(record.signals[0].signal.at_ns, 101 * S);
    CHECK_STR(record.signals[0].signal.reason, "because");
    record_close(&record);
    record_writer_finish(&writer);
}

static void calm_series_are_small(void)
{
    struct record_writer writer;
    struct segment_metric metric = metric_of("memory.headroom.ratio", "1", 0.001);
    record_begin(&writer, &about, 1);
    record_metric_begin(&writer, &metric);
    size_t before = writer.length;
    for (int i = 0; i < 10000; i++) {
        double value = (500 + i % 7) * 0.001;
        record_put(&writer,
                   &(struct record_entry){(1000 + i) * 100 * MS, 0, value, value, value, value, 1});
    }
    record_metric_end(&writer);
    CHECK(writer.length - before < 6 * 10000);
    record_writer_finish(&writer);
}

static void every_flipped_bit_and_every_cut_is_noticed(void)
{
    struct record_writer writer;
    struct record record;
    const char *why;
    write_small(&writer);
    for (size_t i = 0; i < writer.length; i++) {
        uint8_t *data = copy_of(&writer);
        data[i] ^= (uint8_t)(1u << i % 8);
        why = NULL;
        int error = record_open(&record, data, writer.length, &why);
        /* What is reserved is not looked at. */
        bool reserved =
            i >= offsetof(struct record_header, reserved) && i < sizeof(struct record_header);
        CHECK(reserved ? error == 0 : error == VAGUS_ECORRUPT || error == VAGUS_EVERSION);
        CHECK(error == 0 || why != NULL);
        record_close(&record);
    }
    for (size_t length = 0; length < writer.length; length++) {
        CHECK_EQ(record_open(&record, copy_of(&writer), length, &why), VAGUS_ECORRUPT);
        record_close(&record);
    }
    record_writer_finish(&writer);
}

/* Past the checksum: whoever made the file knew how to make one. */
static void what_makes_no_sense_is_refused_all_the_same(void)
{
    struct record_writer writer;
    struct record record;
    const char *why;
    unsigned refused = 0;
    write_small(&writer);
    for (size_t i = sizeof(struct record_header); i < writer.length; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            struct record_header header;
            uint8_t *data = copy_of(&writer);
            data[i] ^= (uint8_t)(1u << bit);
            memcpy(&header, data, sizeof(header));
            header.payload_crc = record_crc(data + sizeof(header), writer.length - sizeof(header));
            header.header_crc = record_crc(&header, offsetof(struct record_header, header_crc));
            memcpy(data, &header, sizeof(header));
            int error = record_open(&record, data, writer.length, &why);
            CHECK(error == 0 || error == VAGUS_ECORRUPT);
            refused += error != 0;
            record_close(&record);
        }
    CHECK(refused > 100);
    record_writer_finish(&writer);
}

/* --- Replays. --- */

static char policy_path[] = "/tmp/vagus-test-XXXXXX";

static bool put_policy(const char *text)
{
    int fd = open(policy_path, O_WRONLY | O_TRUNC);
    size_t length = strlen(text);
    bool written = fd >= 0 && write(fd, text, length) == (ssize_t)length;
    return fd >= 0 && close(fd) == 0 && written;
}

/* Without the changes of mode that follow from the signals. */
static void leave_out_modes(struct replay_events *events)
{
    size_t kept = 0;
    for (size_t i = 0; i < events->count; i++)
        if (events->events[i].signal.kind != VAGUS_MODE_CHANGE)
            events->events[kept++] = events->events[i];
    events->count = kept;
}

/* Ten seconds at each level. */
static void open_levels(struct record *record, const double *levels, int count)
{
    struct record_writer writer;
    const char *why;
    struct segment_metric metric = metric_of("memory.headroom.ratio", "1", 0.01);
    record_begin(&writer, &about, 1);
    record_metric_begin(&writer, &metric);
    for (int i = 0; i < 100 * count; i++) {
        double v = levels[i / 100];
        record_put(&writer, &(struct record_entry){100 * S + i * 100 * MS, 0, v, v, v, v, 1});
    }
    record_metric_end(&writer);
    record_signals(&writer, NULL, 0);
    CHECK_EQ(record_end(&writer), 0);
    CHECK_EQ(record_open(record, copy_of(&writer), writer.length, &why), 0);
    record_writer_finish(&writer);
}

static void a_policy_is_replayed_at_the_times_of_the_record(void)
{
    static struct vagus_fault_list faults;
    struct record record;
    struct replay_events events;
    struct replay_notes notes;
    open_levels(&record, (double[]){0.5, 0.1, 0.5}, 3);
    REQUIRE(put_policy("rules:\n  - name: low\n    metric: memory.headroom.ratio\n"
                       "    throttle: { below: 20%, clear: 25%, for: 2s }\n    min_hold: 0s\n"));
    REQUIRE(replay_run(&record, policy_path, &faults, &events, &notes) == 0);
    leave_out_modes(&events);
    REQUIRE(events.count == 2);
    CHECK_EQ(events.events[0].signal.change, VAGUS_SIGNAL_RAISED);
    CHECK_EQ(events.events[0].signal.at_ns, 112 * S);
    CHECK_EQ(events.events[1].signal.change, VAGUS_SIGNAL_CLEARED);
    CHECK_EQ(events.events[1].signal.at_ns, 120 * S);
    CHECK_EQ(notes.fed, 1);
    CHECK_EQ(notes.absent, 0);
    replay_finish(&events);

    REQUIRE(put_policy("rules:\n  - name: other\n    metric: disk.free.ratio\n"
                       "    throttle: { below: 20%, clear: 25% }\n"));
    CHECK_EQ(replay_run(&record, policy_path, &faults, &events, &notes), VAGUS_ENOENT);
    CHECK_EQ(notes.absent, 1);
    CHECK_STR(notes.first_absent, "disk.free.ratio");
    replay_finish(&events);

    REQUIRE(put_policy("rules: [\n"));
    CHECK_EQ(replay_run(&record, policy_path, &faults, &events, &notes), VAGUS_EPOLICY);
    CHECK(faults.errors > 0);
    replay_finish(&events);
    record_close(&record);
}

static void a_hole_in_the_record_is_a_hole(void)
{
    static struct vagus_fault_list faults;
    struct record_writer writer;
    struct record record;
    struct replay_events events;
    struct replay_notes notes;
    const char *why;
    struct segment_metric metric = metric_of("memory.headroom.ratio", "1", 0.01);
    record_begin(&writer, &about, 1);
    record_metric_begin(&writer, &metric);
    record_put(&writer, &(struct record_entry){100 * S, 0, 0.5, 0.5, 0.5, 0.5, 1});
    record_put(&writer, &(struct record_entry){110 * S, 0, 0.5, 0.5, 0.5, 0.5, 1});
    record_metric_end(&writer);
    record_signals(&writer, NULL, 0);
    CHECK_EQ(record_end(&writer), 0);
    CHECK_EQ(record_open(&record, copy_of(&writer), writer.length, &why), 0);
    REQUIRE(put_policy("rules:\n  - name: low\n    metric: memory.headroom.ratio\n"
                       "    on_missing: raise\n    min_hold: 0s\n"
                       "    throttle: { below: 20%, clear: 25%, for: 1s }\n"));
    REQUIRE(replay_run(&record, policy_path, &faults, &events, &notes) == 0);
    leave_out_modes(&events);
    REQUIRE(events.count == 2);
    CHECK_EQ(events.events[0].signal.at_ns, 101 * S + 400 * MS); /* stale after 300 ms, for 1 s */
    CHECK_EQ(events.events[1].signal.at_ns, 110 * S);
    replay_finish(&events);
    record_close(&record);
    record_writer_finish(&writer);
}

static struct replay_event event_at(int64_t at_ns, uint32_t kind, uint32_t change)
{
    return (struct replay_event){
        .signal = {.at_ns = at_ns, .kind = kind, .change = change, .resource = "memory"}};
}

static void the_same_transition_is_found_in_both(void)
{
    struct replay_event a[] = {event_at(10 * S, VAGUS_THROTTLE, VAGUS_SIGNAL_RAISED),
                               event_at(20 * S, VAGUS_THROTTLE, VAGUS_SIGNAL_CLEARED),
                               event_at(30 * S, VAGUS_DEFER, VAGUS_SIGNAL_RAISED)};
    struct replay_event b[] = {event_at(10 * S + 100 * MS, VAGUS_THROTTLE, VAGUS_SIGNAL_RAISED),
                               event_at(25 * S, VAGUS_THROTTLE, VAGUS_SIGNAL_CLEARED),
                               event_at(30 * S, VAGUS_SHUTDOWN, VAGUS_SIGNAL_RAISED)};
    struct replay_events x = {.events = a, .count = 3}, y = {.events = b, .count = 3};
    size_t match_a[3] = {0}, match_b[3] = {0};
    CHECK_EQ(replay_match(&x, &y, S, match_a, match_b), 1);
    CHECK_EQ(match_a[0], 1);
    CHECK_EQ(match_b[0], 1);
    CHECK_EQ(match_a[1] + match_a[2] + match_b[1] + match_b[2], 0);
}

int main(void)
{
    int fd = mkstemp(policy_path);
    if (fd < 0)
        return 1;
    close(fd);
    RUN(what_was_put_comes_back);
    RUN(calm_series_are_small);
    RUN(every_flipped_bit_and_every_cut_is_noticed);
    RUN(what_makes_no_sense_is_refused_all_the_same);
    RUN(a_policy_is_replayed_at_the_times_of_the_record);
    RUN(a_hole_in_the_record_is_a_hole);
    RUN(the_same_transition_is_found_in_both);
    unlink(policy_path);
    return check_result();
}
