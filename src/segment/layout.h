/* SPDX-License-Identifier: Apache-2.0 */
/* The segment: one memory mapping in which all observable state can be read by other processes, and
 * which outlives a killed process. Offsets only, little-endian 64-bit only. Whoever changes a
 * struct here raises SEGMENT_VERSION; the assertions below and the offset tests pin it.
 *
 *   header | snapshot | directory | values | series | signals | listeners | collectors | notes */
#ifndef SEGMENT_LAYOUT_H
#define SEGMENT_LAYOUT_H

#include <stdbool.h>

#include "vagus/signal.h"
#include "vagus/snapshot.h"

#define SEGMENT_MAGIC UINT64_C(0x0a1a737567617689) /* 0x89 "vagus" 0x1a 0x0a, as PNG does */
#define SEGMENT_VERSION 1
#define SEGMENT_HEADER_BYTES 4096
#define SEGMENT_BYTES_DEFAULT (8u << 20)
#define SEGMENT_BYTES_MIN (1u << 20)
#define SEGMENT_BYTES_MAX (256u << 20)
#define SEGMENT_SLOTS 4
#define SEGMENT_TRIES 4 /* of a reader that meets the writer */
#define SEGMENT_AGENT_MAX 33

enum segment_section_id {
    SEGMENT_SNAPSHOT = 0,
    SEGMENT_DIRECTORY,
    SEGMENT_VALUES,
    SEGMENT_SERIES,
    SEGMENT_SIGNALS,
    SEGMENT_LISTENERS,
    SEGMENT_COLLECTORS,
    SEGMENT_NOTES,
    SEGMENT_SECTION_COUNT
};

/* Where a section lies. Written once, before the segment is announced by its magic. */
struct segment_extent {
    uint64_t offset;      /* from the start of the segment, a multiple of 64 */
    uint64_t bytes;       /* section head and entries */
    uint32_t entry_bytes; /* of one entry */
    uint32_t capacity;    /* entries */
};

enum segment_life {
    SEGMENT_OPENING = 0,
    SEGMENT_RUNNING = 1,
    SEGMENT_CLOSED = 2, /* in order, by vagus_monitor_close() */
};

struct segment_header {
    uint64_t magic; /* stored last: a segment without it is not ready */
    uint32_t version;
    uint32_t header_bytes;
    uint64_t total_bytes;
    uint64_t stamp; /* random: two segments never share it */
    int64_t pid;    /* in the PID namespace of the writer */
    int64_t started_ns, started_wall_ns;
    int64_t closed_ns, closed_wall_ns; /* 0: was not closed */
    uint32_t life;                     /* enum segment_life */
    uint32_t reserved0;
    char agent[64];
    char program[64];
    char boot_id[40];
    char library_version[24];
    struct segment_extent sections[16];
    uint64_t reserved[32];
};

/* Each section but the snapshot's begins with this head. The stamp is odd while its entries are
 * being changed: who reads takes it before and after. */
struct segment_head {
    uint64_t stamp;
    uint64_t count; /* entries ever written; in a ring more than its capacity */
    int64_t updated_ns;
    uint64_t reserved[5];
};

/* The snapshot section: `newest` counts publications; number n lies in slot n % SEGMENT_SLOTS. A
 * slot's stamp is 2n + 1 while it is written and 2n + 2 when it is whole. */
struct segment_slots {
    uint64_t newest; /* 0: nothing published yet; the first publication is number 1 */
    uint64_t reserved[7];
    struct segment_slot {
        _Alignas(64) uint64_t stamp; /* no line is shared by the slot read and the slot written */
        uint64_t reserved[7];
        struct vagus_system_snapshot snapshot;
    } slots[SEGMENT_SLOTS];
};

/* One metric. Entry i of directory, values and series belong together. */
struct segment_metric {
    char name[VAGUS_NAME_MAX];
    char instance[VAGUS_INSTANCE_MAX]; /* "" if it has none */
    char help[VAGUS_HELP_MAX];
    char unit[VAGUS_UNIT_MAX];
    char resource[VAGUS_RESOURCE_MAX];
    uint32_t kind; /* enum vagus_metric_kind */
    uint32_t tier; /* enum vagus_tier */
    double min, max, resolution;
    int64_t good_for_ns;
    uint64_t reserved[4];
};

/* The series section: after its head one entry for each metric, each a ring of `blocks` blocks.
 * Block number n of a metric (counted from 0) lies at index n % blocks. */
#define SERIES_BLOCK_BYTES 1024
#define SERIES_BLOCK_POINTS 59

struct segment_point {
    int64_t taken_ns;
    double value; /* NaN: a gap, an attempt that brought nothing */
};

struct segment_block {
    uint64_t stamp;  /* odd while it changes */
    uint64_t number; /* of this block, plus 1; 0: never used */
    uint32_t metric; /* index: a block read at the wrong place shows it */
    uint32_t count;  /* points */
    int64_t first_ns, last_ns;
    double min, max, sum; /* over the points that are no gaps */
    uint64_t reserved[2];
    struct segment_point points[SERIES_BLOCK_POINTS];
};

/* The ring of transitions; entry n lies at n % capacity. */
struct segment_signal {
    int64_t wall_ns;
    uint32_t shadow; /* 1: of a shadow rule, judged and never delivered */
    uint32_t told;   /* listeners that it was handed to */
    struct vagus_signal signal;
};

struct segment_listener {
    char name[VAGUS_NAME_MAX];
    uint32_t kinds;
    uint32_t flags;         /* enum vagus_listener_flags */
    uint64_t calls;         /* that came back */
    int64_t busy_since_ns;  /* 0: not in a call */
    int64_t last_call_ns;   /* when the newest call began */
    int64_t last_took_ns;   /* how long the newest finished call took */
    uint64_t last_sequence; /* of the signal last handed over */
    uint32_t last_kind;
    uint32_t last_change;
    char last_resource[VAGUS_RESOURCE_MAX];
    uint64_t reserved[4];
};

struct segment_collector {
    char name[32];
    int32_t error;  /* of the newest sample; 0 */
    uint32_t flags; /* enum vagus_collector_flags */
    uint32_t metrics;
    uint32_t reserved0;
    uint64_t samples, failures, skipped; /* skipped: still at work when it was due again */
    int64_t last_ns;                     /* when the newest sample began */
    int64_t took_ns;                     /* the newest sample's duration */
    int64_t took_total_ns;
    int64_t busy_since_ns; /* a lane that is at work; 0 */
    uint64_t reserved[4];
};

/* Something that health must say: capacity reached, no tmpfs, an unwired chain. */
enum segment_note_kind {
    SEGMENT_NOTE_INFO = 0,
    SEGMENT_NOTE_WARNING = 1,
    SEGMENT_NOTE_UNWIRED = 2,
    SEGMENT_NOTE_REFUSED = 3, /* a metric's definition */
};

struct segment_note {
    int64_t at_ns;
    uint32_t kind;  /* enum segment_note_kind */
    uint32_t times; /* the same note again only counts */
    char text[240];
};

#define SEGMENT_SIGNALS_MAX 128
#define SEGMENT_LISTENERS_MAX 32
#define SEGMENT_COLLECTORS_MAX 32
#define SEGMENT_NOTES_MAX 32

/* Where everything lies in a segment of so many bytes; what is left over goes to the series. False
 * if there is no room for two blocks of each metric. */
bool segment_lay_out(uint64_t bytes, uint32_t metrics_max,
                     struct segment_extent extents[SEGMENT_SECTION_COUNT]);

/* Judges a header that came from outside, in a file of file_bytes, and ends its strings by 0. 0,
 * VAGUS_ECORRUPT, VAGUS_EVERSION. After 0, whatever its extents name lies within the file. */
int segment_header_check(struct segment_header *header, uint64_t file_bytes);

_Static_assert(sizeof(struct segment_header) <= SEGMENT_HEADER_BYTES, "header fits its page");
_Static_assert(sizeof(struct segment_head) == 64, "a head is a cache line");
_Static_assert(sizeof(struct segment_slot) % 64 == 0, "a slot has its cache lines to itself");
_Static_assert(sizeof(struct segment_block) == SERIES_BLOCK_BYTES, "a block is 1 KiB");
_Static_assert(sizeof(struct segment_metric) % 8 == 0, "no hidden padding at the end");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && sizeof(void *) == 8,
               "segments are little-endian 64-bit");

#endif
