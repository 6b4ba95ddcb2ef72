/* SPDX-License-Identifier: Apache-2.0 */
/* Copies a segment into a report, once; afterwards nobody looks at the segment again. */
#include "report/report.h"

/* Reads a section of which the first entries are filled; what cannot be had is empty. */
static uint32_t load_section(const struct segment_reader *reader, enum segment_section_id id,
                             void *entries, uint32_t max)
{
    struct segment_head head;
    uint64_t got = 0;
    if (segment_read_entries(reader, id, 0, max, entries, &got, &head) != 0)
        return 0;
    if (got > head.count)
        got = head.count;
    return got < max ? (uint32_t)got : max;
}

static void reverse(struct segment_signal *signals, uint32_t from, uint32_t to)
{
    while (from + 1 < to) {
        struct segment_signal kept = signals[from];
        signals[from++] = signals[--to];
        signals[to] = kept;
    }
}

/* Entry n of the ring lies at n % capacity: turned so that the oldest comes first, in place. */
static void load_signals(struct report *report, const struct segment_reader *reader)
{
    struct segment_head head;
    uint64_t got = 0;
    if (segment_read_entries(reader, SEGMENT_SIGNALS, 0, SEGMENT_SIGNALS_MAX, report->signals, &got,
                             &head) != 0)
        return;
    uint32_t size = got < SEGMENT_SIGNALS_MAX ? (uint32_t)got : SEGMENT_SIGNALS_MAX;
    report->signal_total = head.count;
    if (head.count <= size) {
        report->signal_count = (uint32_t)head.count;
        return;
    }
    uint32_t oldest = size > 0 ? (uint32_t)(head.count % size) : 0;
    reverse(report->signals, 0, oldest);
    reverse(report->signals, oldest, size);
    reverse(report->signals, 0, size);
    report->signal_count = size;
}

int report_load(struct report *report, const struct segment_reader *reader, int64_t now_ns)
{
    if (reader->fd < 0 && reader->memory == NULL)
        return VAGUS_EINVAL;
    memset(report, 0, sizeof(*report));
    report->header = reader->header;
    report->alive = segment_alive(reader);
    report->now_ns = now_ns;
    report->snapshot_error = segment_read_snapshot(reader, &report->snapshot);
    load_signals(report, reader);
    report->listener_count =
        load_section(reader, SEGMENT_LISTENERS, report->listeners, SEGMENT_LISTENERS_MAX);
    report->collector_count =
        load_section(reader, SEGMENT_COLLECTORS, report->collectors, SEGMENT_COLLECTORS_MAX);
    report->note_count = load_section(reader, SEGMENT_NOTES, report->notes, SEGMENT_NOTES_MAX);
    return 0;
}
