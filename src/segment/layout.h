/* SPDX-License-Identifier: Apache-2.0 */
/* The segment: one memory mapping in which all observable state can be read by other processes, and
 * which outlives a killed process. Offsets only, little-endian 64-bit only.
 *
 * It grows without a new SEGMENT_VERSION, and readers of both ages go on: a member takes the place
 * of a reserved one or is appended to the struct of an entry (readers go by the entry_bytes of the
 * writer, take what both know, and have zeroes for the rest, so that 0 must mean "not known"), a
 * section is appended to the enum below (of a writer that had none it is empty). SEGMENT_VERSION is
 * raised only when what stands there would be misread: a member moved or changed its meaning, the
 * code of a series changed. docs/abi.md has the whole; the assertions below and the offset tests
 * pin it.
 *
 *   header | snapshot | directory | values | series | signals | listeners | collectors | notes |
 *   budgets | continuity | operations | tickets | chains */
#ifndef SEGMENT_LAYOUT_H
#define SEGMENT_LAYOUT_H

#include <stdbool.h>

#include "base/boot.h"
#include "vagus/signal.h"
#include "vagus/snapshot.h"

#define SEGMENT_MAGIC UINT64_C(0x0a1a737567617689) /* 0x89 "vagus" 0x1a 0x0a, as PNG does */
#define SEGMENT_VERSION 5
#define SEGMENT_HEADER_BYTES 4096
#define SEGMENT_BYTES_DEFAULT (8u << 20)
#define SEGMENT_BYTES_MIN (1u << 20)
#define SEGMENT_BYTES_MAX (256u << 20)
#define SEGMENT_SLOTS 4
#define SEGMENT_TRIES 4 /* of a reader that meets the writer */
#define SEGMENT_AGENT_MAX 33
#define SEGMENT_FIRST_SECTIONS 9 /* that every writer of this version has */

enum segment_section_id {
    SEGMENT_SNAPSHOT = 0,
    SEGMENT_DIRECTORY,
    SEGMENT_VALUES,
    SEGMENT_SERIES,
    SEGMENT_SIGNALS,
    SEGMENT_LISTENERS,
    SEGMENT_COLLECTORS,
    SEGMENT_NOTES,
    SEGMENT_BUDGETS,
    SEGMENT_CONTINUITY,
    SEGMENT_OPERATIONS,
    SEGMENT_TICKETS,
    SEGMENT_CHAINS,
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

/* The fatal signal that a process got, where it asked for it to be noted: written by its handler.
 */
struct segment_fatal {
    int64_t at_ns;
    uint64_t address; /* that it is about; 0 */
    int32_t number;   /* stored last; 0: none was noted */
    int32_t code;     /* si_code */
    int32_t thread;   /* that got it */
    uint32_t reserved;
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
    char boot_id[BOOT_ID_MAX];
    char library_version[24];
    struct segment_extent sections[16];
    struct segment_fatal fatal;
    uint64_t reserved[28];
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

/* One metric. Entry i of directory and values belong together. */
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
    char label[VAGUS_LABEL_MAX]; /* what the instances are; "" if it has no instance */
    uint32_t buckets; /* of a histogram, as in struct vagus_distribution; 0: it is none */
    int32_t scale, offset;
    uint32_t reserved0;
    uint64_t reserved[4];
};

/* The series section: after its head a pool of blocks. Each holds a stretch of one series (a metric
 * at one level) and names the block before it; docs/series.md tells how the payload is coded. */
#define SERIES_BLOCK_BYTES 1024
#define SERIES_BLOCK_WORDS 118 /* of payload */
#define SERIES_BLOCK_BITS (SERIES_BLOCK_WORDS * 64)
#define SERIES_BLOCK_ENTRIES_MAX 4096

enum segment_block_flags {
    SEGMENT_BLOCK_SEALED = 1,  /* never changes again until it is given to another series */
    SEGMENT_BLOCK_RAW = 2,     /* values are the bits of doubles */
    SEGMENT_BLOCK_INTEGER = 4, /* values are integers, whatever the metric's resolution */
    SEGMENT_BLOCK_GOES_ON = 8, /* it begins in the middle of what the block before ends with */
};

/* Answers for the whole block without decoding it. */
struct segment_block_head {
    uint64_t stamp;  /* odd while it changes */
    uint32_t number; /* of this block in its series, counted from 1; 0: never used */
    uint32_t metric; /* index */
    uint8_t level;   /* enum vagus_tier: the period of its entries */
    uint8_t fields;  /* 1: last; 5: last, min, max, sum, count; 2: counts by bucket */
    uint8_t flags;   /* enum segment_block_flags */
    uint8_t reserved;
    uint32_t previous; /* place in the pool of block number - 1, plus 1; 0: it had none */
    uint16_t entries;  /* in the payload, gaps and those pending included */
    uint16_t pending;  /* newest entries that are as predicted and not in the payload */
    uint16_t bits;     /* of the payload */
    uint16_t gaps;     /* entries that brought no value */
    uint32_t count;    /* values that min, max and sum are over */
    uint32_t span;     /* periods from the first entry to the last */
    int64_t first_ns;
    double min, max, sum, last; /* meaningless if count is 0 */
};

struct segment_block {
    struct segment_block_head head;
    uint64_t payload[SERIES_BLOCK_WORDS];
};

/* The period of a level; for the instant tier, the millisecond that its times are kept to. */
static inline int64_t segment_level_ns(unsigned level)
{
    switch (level) {
    case VAGUS_TIER_INSTANT:
        return VAGUS_MILLISECOND_NS;
    case VAGUS_TIER_100MS:
        return 100 * VAGUS_MILLISECOND_NS;
    case VAGUS_TIER_1S:
        return VAGUS_SECOND_NS;
    case VAGUS_TIER_10S:
        return 10 * VAGUS_SECOND_NS;
    case VAGUS_TIER_60S:
        return 60 * VAGUS_SECOND_NS;
    default:
        return 0;
    }
}

/* The time of a block's newest entry. */
static inline int64_t segment_block_last_ns(const struct segment_block_head *head)
{
    return head->first_ns + (int64_t)head->span * segment_level_ns(head->level);
}

/* Why a transition came about. */
enum segment_why {
    SEGMENT_WHY_THRESHOLD = 0, /* the rule's own: crossed, or back at clear */
    SEGMENT_WHY_NO_RELIEF = 1, /* the milder severity did not help */
    SEGMENT_WHY_TOO_LONG = 2,  /* the milder severity lasts too long */
    SEGMENT_WHY_MISSING = 3,   /* no value, and the rule says what that means */
    SEGMENT_WHY_RULES = 4,     /* what other rules say */
    SEGMENT_WHY_MODE = 5,      /* a change of the mode */
};

/* What came of a raise: stands in its record. */
enum segment_outcome {
    SEGMENT_OUTCOME_NONE = 0, /* an update, a clear, or of a shadow rule */
    SEGMENT_OUTCOME_OPEN = 1,
    SEGMENT_OUTCOME_RELIEF = 2,
    SEGMENT_OUTCOME_NO_RELIEF = 3,
    SEGMENT_OUTCOME_UNKNOWN = 4, /* it ended while no value was known */
};

/* What one listener did about a transition. */
struct segment_deed {
    char listener[VAGUS_NAME_MAX];
    int64_t began_ns; /* when it was handed over */
    int64_t took_ns;  /* until its call came back; -1: it has not, or it is polled */
    double released;  /* what it says, in the unit of the signal; NaN: it said nothing */
    uint32_t flags;   /* enum vagus_listener_flags */
    uint32_t reserved;
};
#define SEGMENT_DEEDS_MAX 8

/* The ring of transitions; entry n lies at n % capacity. An entry changes after it was written:
 * when listeners took it, and when it is known what came of it. */
struct segment_signal {
    int64_t wall_ns;
    uint32_t shadow; /* 1: of a shadow rule, judged and never delivered */
    uint32_t told;   /* listeners that it was handed to */
    struct vagus_signal signal;
    uint32_t why;        /* enum segment_why */
    uint32_t outcome;    /* enum segment_outcome */
    double level_before; /* as it was told last; 0: it was not raised */
    int64_t outcome_ns;  /* when that became known; 0 */
    double value_after;  /* of the measure at that time; NaN: not known */
    uint32_t deed_count; /* of those below */
    uint32_t reserved0;
    struct segment_deed deeds[SEGMENT_DEEDS_MAX]; /* the first ones to take it */
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
    uint64_t acknowledged; /* how often it said what it released */
    uint32_t relieved;     /* raises that it was handed, and that brought relief */
    uint32_t unrelieved;   /* and that brought none */
    uint64_t reserved[2];
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
    SEGMENT_NOTE_PACE = 4,    /* the tiers are slowed down, at present */
};

struct segment_note {
    int64_t at_ns;
    uint32_t kind;  /* enum segment_note_kind */
    uint32_t times; /* the same note again only counts */
    char text[240];
};

/* What was spent of a budget over a window that rolls, for who comes after this process: sixtieths
 * of the window, the newest first. What lies in one was spent before its end. */
#define SEGMENT_BUDGET_BUCKETS 61
struct segment_budget {
    char name[VAGUS_NAME_MAX];
    int64_t window_ns;
    int64_t newest_end_ns;      /* when the newest sixtieth ends, on the monotonic clock */
    int64_t newest_end_wall_ns; /* and by the clock on the wall */
    uint64_t limit;
    uint64_t buckets[SEGMENT_BUDGET_BUCKETS];
    uint64_t reserved[2];
};

/* What is known of all runs of this agent name, this one counted among the starts; each start takes
 * it over from the newest segment that it finds. One entry, as of the start. */
#define SEGMENT_DEATH_MINUTES 1440
#define SEGMENT_COUNTED_MAX 128
#define SEGMENT_CGROUP_MAX 256
struct segment_continuity {
    uint64_t starts;
    uint64_t deaths;   /* runs that ended otherwise than closed */
    int64_t online_ns; /* of all runs before this one */
    int64_t first_started_wall_ns;
    uint32_t last_end, end_signal; /* enum vagus_end of the last run, and its signal */
    int64_t last_started_wall_ns, last_ended_wall_ns;
    int64_t newest_minute;           /* of deaths: since 1970 */
    char cgroup[SEGMENT_CGROUP_MAX]; /* folder of the writer's memory cgroup; "": not known */
    uint32_t cgroup_version;         /* 1, 2 */
    uint32_t counted_count;
    uint64_t
        counted[SEGMENT_COUNTED_MAX]; /* stamps of runs whose end was counted, the newest first */
    uint16_t deaths_in[SEGMENT_DEATH_MINUTES]; /* minute n lies at n % SEGMENT_DEATH_MINUTES */
    uint64_t reserved[8];
};

/* An operation that the agent defined, and how many of it are under way, as last folded. Times are
 * exact to the tick of its gauge. */
struct segment_operation {
    char name[VAGUS_NAME_MAX];
    char instance[VAGUS_INSTANCE_MAX];
    uint64_t in_flight;
    int64_t since_ns; /* some have been under way without a break since; 0: none is */
    int64_t began_ns; /* when the newest was seen to begin; 0: none ever */
    int64_t ended_ns; /* when the newest was seen to end; 0 */
    uint64_t started, ended;
    uint64_t reserved[2];
};

/* An open reservation. The head counts all that are open, which may be more than there is room for.
 */
struct segment_ticket {
    char budget[VAGUS_NAME_MAX];
    char unit[VAGUS_UNIT_MAX];
    uint64_t amount;
    int64_t opened_ns;
    int64_t until_ns; /* then it expires */
    uint64_t reserved[2];
};

/* Of one metric: where the newest block of each of its series lies, so that nobody has to look
 * through the pool for it, and since when the series reaches back. Each number is whole by itself;
 * what the two say may differ by one change, and a block says itself whose it is. */
#define SEGMENT_CHAIN_LEVELS 4  /* faster than 1 s, 1 s, 10 s, 60 s */
#define SEGMENT_BUCKET_LEVELS 3 /* 1 s, 10 s, 60 s */
struct segment_chain {
    uint32_t newest; /* place + 1; 0: there is none */
    uint32_t reserved;
    int64_t since_ns;
};
struct segment_chains {
    struct segment_chain values[SEGMENT_CHAIN_LEVELS];
    struct segment_chain buckets[SEGMENT_BUCKET_LEVELS]; /* of a histogram */
};

#define SEGMENT_SIGNALS_MAX 128
#define SEGMENT_LISTENERS_MAX 32
#define SEGMENT_COLLECTORS_MAX 32
#define SEGMENT_NOTES_MAX 32
#define SEGMENT_BUDGETS_MAX 64
#define SEGMENT_OPERATIONS_MAX 64
#define SEGMENT_TICKETS_MAX 64

/* Where everything lies in a segment of so many bytes; what is left over goes to the series. False
 * if there is no room for two blocks of each metric. */
bool segment_lay_out(uint64_t bytes, uint32_t metrics_max,
                     struct segment_extent extents[SEGMENT_SECTION_COUNT]);

/* The size of an entry of a section as this build knows it. */
uint32_t segment_entry_bytes(enum segment_section_id id);

/* Judges a header that came from outside, in a file of file_bytes, and ends its strings by 0. 0,
 * VAGUS_ECORRUPT, VAGUS_EVERSION. After 0, whatever its extents name lies within the file. */
int segment_header_check(struct segment_header *header, uint64_t file_bytes);

_Static_assert(sizeof(struct segment_header) <= SEGMENT_HEADER_BYTES, "header fits its page");
_Static_assert(sizeof(struct segment_head) == 64, "a head is a cache line");
_Static_assert(sizeof(struct segment_slot) % 64 == 0, "a slot has its cache lines to itself");
_Static_assert(sizeof(struct segment_block) == SERIES_BLOCK_BYTES, "a block is 1 KiB");
_Static_assert(sizeof(struct segment_block_head) == 80, "a block's head");
_Static_assert(sizeof(struct segment_metric) % 8 == 0, "no hidden padding at the end");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && sizeof(void *) == 8,
               "segments are little-endian 64-bit");

#endif
