/* SPDX-License-Identifier: Apache-2.0 */
/* Copies a segment into a report, once; afterwards nobody looks at the segment again. */
#include "report/report.h"

/* Reads the first entries of a section; what cannot be had is empty. *total: entries ever written.
 */
static uint32_t load_section(const struct segment_reader *reader, enum segment_section_id id,
                             void *entries, uint32_t max, uint64_t *total)
{
    struct segment_head head;
    uint64_t got = 0;
    *total = 0;
    if (segment_read_entries(reader, id, 0, max, entries, &got, &head) != 0)
        return 0;
    *total = head.count;
    return got < max ? (uint32_t)got : max;
}

int report_load_snapshot(struct report *report, const struct segment_reader *reader, int64_t now_ns)
{
    if (reader->bytes == 0)
        return VAGUS_EINVAL;
    /* The entries behind these counts may stay what they were: half a megabyte. */
    report->signal_total = 0;
    report->signal_count = report->listener_count = report->collector_count = 0;
    report->note_count = report->series_count = report->series_left_out = 0;
    memset(report->reach, 0, sizeof(report->reach));
    memset(report->sparks, 0, sizeof(report->sparks));
    memset(&report->snapshot, 0, sizeof(report->snapshot));
    report->header = reader->header;
    report->alive = segment_alive(reader);
    report->now_ns = now_ns;
    report->snapshot_error = segment_read_snapshot(reader, &report->snapshot);
    return 0;
}

int report_load_present(struct report *report, const struct segment_reader *reader, int64_t now_ns)
{
    uint64_t total;
    int error = report_load_snapshot(report, reader, now_ns);
    if (error != 0)
        return error;
    report->signal_count = load_section(reader, SEGMENT_SIGNALS, report->signals,
                                        SEGMENT_SIGNALS_MAX, &report->signal_total);
    report->listener_count =
        load_section(reader, SEGMENT_LISTENERS, report->listeners, SEGMENT_LISTENERS_MAX, &total);
    report->collector_count = load_section(reader, SEGMENT_COLLECTORS, report->collectors,
                                           SEGMENT_COLLECTORS_MAX, &total);
    report->note_count =
        load_section(reader, SEGMENT_NOTES, report->notes, SEGMENT_NOTES_MAX, &total);
    return 0;
}

int report_load(struct report *report, const struct segment_reader *reader, int64_t now_ns)
{
    int error = report_load_present(report, reader, now_ns);
    if (error != 0)
        return error;
    report_load_sparks(report, reader);
    report_load_history(report, reader);
    return 0;
}
