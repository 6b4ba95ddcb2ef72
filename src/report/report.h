/* SPDX-License-Identifier: Apache-2.0 */
/* What a segment says, for people and programs. Knows a segment, not a monitor: the health summary
 * inside, `vagus health` outside, and later the autopsy, are this code over the same memory. */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include "base/text.h"
#include "segment/reader.h"

#define REPORT_SERIES_MAX 512

/* Since when a metric's history reaches back, by level (enum vagus_tier); INT64_MAX: not at all. Of
 * a histogram the later one of its count and of its buckets. */
struct report_series {
    char name[VAGUS_NAME_MAX];
    char label[VAGUS_LABEL_MAX];
    char instance[VAGUS_INSTANCE_MAX];
    int64_t since_ns[VAGUS_TIER_COUNT];
};

/* The shortest and the longest of them at a level. */
struct report_reach {
    uint32_t count;                  /* metrics that have this level */
    int64_t shortest_ns, longest_ns; /* times: since then */
};

/* The latest minute of an organ, a value for each second, oldest first: how much of it was used up,
 * or of what has no limit how much passed in a second. NaN: not known. */
#define REPORT_SPARK_STEPS 60
#define REPORT_SPARK_STEP_NS VAGUS_SECOND_NS
struct report_spark {
    bool known;    /* any of it */
    char unit[16]; /* of what passes: " tokens"; "": bytes, or it is a share */
    double values[REPORT_SPARK_STEPS];
};

enum report_spark_slot {
    REPORT_SPARK_MEMORY,
    REPORT_SPARK_CPU,
    REPORT_SPARK_PROCESS,
    REPORT_SPARK_NETWORK,
    REPORT_SPARK_AGENT,
    REPORT_SPARK_GPUS, /* one for each of the snapshot's */
    REPORT_SPARK_PATHS = REPORT_SPARK_GPUS + VAGUS_SNAPSHOT_GPUS,
    REPORT_ORGANS_MAX = REPORT_SPARK_PATHS + VAGUS_SNAPSHOT_PATHS,
};

/* Everything that a summary needs, copied out of a segment once. About 450 KiB: allocated at open
 * by a monitor, static in the command. */
struct report {
    struct segment_header header;
    bool alive;
    int64_t now_ns;     /* of the machine that the segment was written on */
    int snapshot_error; /* 0, or why `snapshot` is empty */
    struct vagus_system_snapshot snapshot;
    struct report_spark sparks[REPORT_ORGANS_MAX];
    uint64_t signal_total; /* transitions ever; the newest signal_count stand below, oldest first */
    uint32_t signal_count;
    struct segment_signal signals[SEGMENT_SIGNALS_MAX];
    uint32_t listener_count;
    struct segment_listener listeners[SEGMENT_LISTENERS_MAX];
    uint32_t collector_count;
    struct segment_collector collectors[SEGMENT_COLLECTORS_MAX];
    uint32_t note_count;
    struct segment_note notes[SEGMENT_NOTES_MAX];
    uint32_t series_count, series_left_out; /* metrics with a history; those beyond the room */
    struct report_series series[REPORT_SERIES_MAX];
    struct report_reach reach[VAGUS_TIER_COUNT];
};

/* Copies what the reader sees; now_ns as the field. What could not be had is empty; only a reader
 * that fails as a whole makes this fail: VAGUS_EINVAL if it is not attached. */
int report_load(struct report *report, const struct segment_reader *reader, int64_t now_ns);

/* Where a reading comes from: the collector's name, else as vagus_source_name(). Escape it. */
const char *report_source_name(const struct report *report, uint32_t source);

/* All of it but the histories, for whose blocks the whole pool is looked through. */
int report_load_present(struct report *report, const struct segment_reader *reader, int64_t now_ns);
/* A part of it: header, snapshot and life, which is all that the brief line, and whether it is
 * alive and ready, need. */
int report_load_snapshot(struct report *report, const struct segment_reader *reader,
                         int64_t now_ns);

/* A part of it: the latest minute of each organ that the snapshot tells of. */
void report_load_sparks(struct report *report, const struct segment_reader *reader);

/* A part of it: how far back each metric's history reaches, told by the blocks that are there. */
void report_load_history(struct report *report, const struct segment_reader *reader);

/* The verdict as of report->now_ns; unknown if the writer is dead or overdue. */
enum vagus_verdict report_verdict(const struct report *report);

/* Room that any summary fits into, whatever stands in the segment; usual ones take 2 and 50 KiB. */
#define REPORT_TEXT_BYTES_MAX (16 * 1024)
#define REPORT_JSON_BYTES_MAX (1024 * 1024)

/* For a person: one screen, of so many columns; 0: SCREEN_COLUMNS. */
void report_health_text(const struct report *report, bool colour, unsigned columns,
                        struct text *text);

/* For a status bar or a probe: one line with verdict, reason and the organ that is used up most. */
void report_health_brief(const struct report *report, bool colour, struct text *text);

/* For a program: one JSON object on one line. Its keys are described in docs/health.md; they are
 * only ever added to. */
void report_health_json(const struct report *report, struct text *text);

/* One transition: a line with its time, and indented ones with the reason, the listeners, and what
 * came of it. At most REPORT_TRANSITION_BYTES_MAX. */
#define REPORT_TRANSITION_BYTES_MAX 8192
void report_transition_text(const struct segment_signal *entry, struct text *text);
/* The same as a JSON object, as it stands in the health summary. */
void report_transition_json(const struct segment_signal *entry, int64_t now_ns, struct text *text);

#endif
