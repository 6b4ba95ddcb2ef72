/* SPDX-License-Identifier: Apache-2.0 */
/* A record: the history of a monitor in one file, as `vagus record` writes and `vagus replay` reads
 * it. Independent of how segments lie in memory. A header with checksums, then one stream of
 * numbers and strings; docs/replay.md has the form. */
#ifndef CLI_RECORD_H
#define CLI_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "segment/layout.h"

#define RECORD_MAGIC UINT64_C(0x0a1a636572677689) /* 0x89 "vgrec" 0x1a 0x0a */
#define RECORD_VERSION 1
#define RECORD_BYTES_MAX (UINT64_C(256) << 20)
#define RECORD_METRICS_MAX 65536

struct record_header {
    uint64_t magic;
    uint32_t version;
    uint32_t header_bytes;
    uint64_t payload_bytes;
    uint32_t payload_crc;
    uint32_t header_crc; /* of what stands before it */
    uint64_t reserved[4];
};

/* What is said before the metrics. */
struct record_about {
    char agent[64], program[64], library_version[24];
    int64_t pid;
    int64_t from_ns, to_ns; /* monotonic, of the process */
    int64_t wall_to_ns;     /* wall time at to_ns */
};

/* A value, a bucket that ends width_ns after at_ns, or an attempt that failed (count 0). */
struct record_entry {
    int64_t at_ns, width_ns;
    double last, min, max, sum;
    uint64_t count;
};

/* --- Writing: into memory that grows, up to RECORD_BYTES_MAX. --- */

struct record_writer {
    uint8_t *data;
    size_t length, room;
    int error; /* VAGUS_ENOMEM, VAGUS_EFULL */
    /* Of the metric at hand: its entries so far are counted at `counted`. */
    uint8_t *entries;
    size_t entries_length, entries_room;
    uint64_t entry_count;
    double resolution;
    struct record_entry before;
    int64_t step_ns;
};

void record_begin(struct record_writer *writer, const struct record_about *about, uint32_t metrics);
/* Each metric: begin, entries in order of time, end. */
void record_metric_begin(struct record_writer *writer, const struct segment_metric *metric);
void record_put(struct record_writer *writer, const struct record_entry *entry);
void record_metric_end(struct record_writer *writer);
void record_signals(struct record_writer *writer, const struct segment_signal *signals,
                    uint32_t count);
/* Fills the header in. 0, or what went wrong before. */
int record_end(struct record_writer *writer);
void record_writer_finish(struct record_writer *writer);

/* --- Reading. Everything is looked at once when it is opened, so that what follows cannot fail. */

struct record_series {
    struct segment_metric metric;
    const uint8_t *entries, *end;
    uint64_t count;
    int64_t first_ns, last_ns; /* 0 if count is 0 */
    int64_t coarsest_ns;       /* the widest bucket; 0: values alone */
};

struct record {
    uint8_t *data;
    struct record_about about;
    struct record_series *series;
    uint32_t series_count;
    struct segment_signal *signals;
    uint32_t signal_count;
};

/* Takes over `data` (from malloc), on failure too. VAGUS_EVERSION, VAGUS_ECORRUPT, VAGUS_ENOMEM,
 * with *why. The record is to be closed in any case. */
int record_open(struct record *record, uint8_t *data, size_t length, const char **why);
/* From a file; *why then names what the system says, too. VAGUS_EIO, VAGUS_ENOENT, VAGUS_EPERM. */
int record_open_file(struct record *record, const char *path, const char **why);
void record_close(struct record *record);

struct record_cursor {
    const uint8_t *at, *end;
    uint64_t left;
    double resolution;
    struct record_entry before;
    int64_t step_ns;
};

void record_seek_begin(struct record_cursor *cursor, const struct record_series *series);
/* False at the end. */
bool record_next(struct record_cursor *cursor, struct record_entry *entry);

uint32_t record_crc(const void *data, size_t length);

#endif
