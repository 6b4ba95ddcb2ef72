/* SPDX-License-Identifier: Apache-2.0 */
/* An autopsy: everything that a segment tells of the end of its writer, and of what led there. Of
 * one that still runs it tells how things stand. */
#ifndef REPORT_AUTOPSY_H
#define REPORT_AUTOPSY_H

#include "report/ending.h"
#include "report/report.h"

#define AUTOPSY_VITALS_MAX 20
#define AUTOPSY_COLUMNS 60
#define AUTOPSY_SPAN_NS (60 * VAGUS_SECOND_NS)

/* The last minute of one metric, in steps of a second; of a counter what it grew by in a second. */
struct autopsy_vital {
    struct segment_metric metric;
    double values[AUTOPSY_COLUMNS]; /* the oldest first; NaN: not known */
    double min, max, last;          /* of those that are known */
};

/* About 600 KiB: static in the command. */
struct autopsy {
    struct report report;
    struct ending_facts facts;
    struct ending ending;
    int64_t end_ns, end_wall_ns; /* of the charts: the last sign of life, or now */
    uint32_t vital_count;
    struct autopsy_vital vitals[AUTOPSY_VITALS_MAX];
    uint32_t operation_count; /* of which any is under way */
    struct segment_operation operations[SEGMENT_OPERATIONS_MAX];
    uint64_t ticket_total; /* open; as many as there is room for stand below */
    uint32_t ticket_count;
    struct segment_ticket tickets[SEGMENT_TICKETS_MAX];
};

/* Reads the segment, and asks the machine how its writer ended. now_ns as report_load(). */
int autopsy_load(struct autopsy *autopsy, const struct segment_reader *reader, int64_t now_ns);

#define AUTOPSY_TEXT_BYTES_MAX (256 * 1024)
#define AUTOPSY_JSON_BYTES_MAX (4 * 1024 * 1024)
#define AUTOPSY_SIGNALS_SHOWN 8

/* For a person; columns as for screen_init(): where they are few, the charts have 30. */
void autopsy_text(const struct autopsy *autopsy, unsigned columns, bool colour, struct text *text);

/* For a program: one JSON object on one line. */
void autopsy_json(const struct autopsy *autopsy, struct text *text);

#endif
