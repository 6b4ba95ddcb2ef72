/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics: what an agent counts and shows of itself. Recording costs about a nanosecond, takes no
 * lock, allocates nothing and cannot fail. It is not for signal handlers. */
#ifndef VAGUS_METRIC_H
#define VAGUS_METRIC_H

#include "base.h"

VAGUS_BEGIN_DECLS

struct vagus_monitor;

enum vagus_metric_kind {
    VAGUS_COUNTER = 1,   /* only grows; recorded by vagus_add() */
    VAGUS_GAUGE = 2,     /* goes up and down; recorded by vagus_set() */
    VAGUS_HISTOGRAM = 3, /* how values are distributed; recorded by vagus_record_value() */
};

/* The cadences. A metric's tier says how often its value enters its series. */
enum vagus_tier {
    VAGUS_TIER_DEFAULT = 0, /* 1 s */
    VAGUS_TIER_INSTANT =
        1, /* each time the sampler is awake: at each tick, and when woken between */
    VAGUS_TIER_100MS = 2,
    VAGUS_TIER_1S = 3,
    VAGUS_TIER_10S = 4,
    VAGUS_TIER_60S = 5,
};
#define VAGUS_TIER_COUNT 6

/* Longest strings, the final 0 included. Longer ones are refused. */
#define VAGUS_NAME_MAX 64     /* metric, rule, listener: [a-z0-9._-] */
#define VAGUS_INSTANCE_MAX 64 /* any text; escaped wherever it is shown */
#define VAGUS_LABEL_MAX 32    /* [a-z0-9._-] */
#define VAGUS_UNIT_MAX 16
#define VAGUS_HELP_MAX 128
#define VAGUS_RESOURCE_MAX 16

/* Describes one metric. Strings are copied. Names follow the OpenTelemetry semantic conventions
 * where these exist, units are UCUM ("By", "s", "1", "{token}"). */
struct vagus_metric_desc {
    const char *name;
    const char *instance; /* NULL, or which one of several: a path, a device */
    const char *unit;     /* NULL: "1" of a gauge, a share; "{count}" of what is counted */
    const char *help;
    const char *label;    /* what the instances are: "path", "tool"; NULL: "instance" */
    const char *resource; /* whose signals rules on it raise; NULL: the name up to the first dot */
    enum vagus_metric_kind kind;
    enum vagus_tier tier;
    double min, max;        /* bounds of the value; both 0: none known */
    double resolution;      /* the least difference worth keeping; 0: 1 for counters, exact else */
    int64_t good_for_ns;    /* how long a value stays good; 0: three periods of the tier for what a
                               collector senses, for ever for a gauge that the agent sets */
    uint32_t instances_max; /* recorded under this name, at most; the surplus is recorded as the
                               instance "other"; 0: 64 */
    uint32_t buckets_max;   /* of a histogram; 0: 160 */
    uint64_t reserved[2];
};

/* Handles. A zeroed one, one of a closed monitor, and one that vagus_*_define() could not make are
 * harmless: what they record is dropped, counted, and shown in health. */
struct vagus_counter {
    uint32_t generation;
    uint32_t index;
};
struct vagus_gauge {
    uint32_t generation;
    uint32_t index;
};

/* Defines a counter or gauge, or finds the one of that name and instance. Resolve an instance once
 * and keep the handle; beyond desc->instances_max of a name the handle is that of "other", and
 * health says so. From any thread, before
 * or after start; allocates nothing. On failure (bad name, capacity reached, another kind under
 * that name, closed monitor) returns a harmless handle, and health names the metric and says why.
 */
VAGUS_API struct vagus_counter vagus_counter_define(struct vagus_monitor *monitor,
                                                    const struct vagus_metric_desc *desc);
VAGUS_API struct vagus_gauge vagus_gauge_define(struct vagus_monitor *monitor,
                                                const struct vagus_metric_desc *desc);

/* The exact total of a counter at this moment, over all threads, those that ended included.
 * 0 or VAGUS_ECLOSED; the output stays untouched on failure. */
VAGUS_API int vagus_counter_total(struct vagus_counter counter, uint64_t *total);

/* What is known of a reading when it is looked at. */
enum vagus_state {
    VAGUS_STATE_NEVER = 0,       /* no value yet */
    VAGUS_STATE_OK = 1,          /* the value is good now */
    VAGUS_STATE_STALE = 2,       /* it was good once: see its age */
    VAGUS_STATE_UNSUPPORTED = 3, /* this machine cannot tell */
    VAGUS_STATE_ERROR = 4,       /* the last attempt failed; the value is the last good one */
};

/* One value with all that is needed to judge it. Age and state are derived by who reads. */
struct vagus_reading {
    double value;          /* meaningless unless taken_ns is set */
    int64_t taken_ns;      /* monotonic; 0: never */
    int64_t good_until_ns; /* monotonic; INT64_MAX: for ever */
    int32_t error;         /* 0, or why the newest attempt brought nothing: VAGUS_E… */
    uint32_t source;       /* where it comes from: below */
};

/* Where a value comes from: 0: not known; from 1 on: the collector of that place, in the order in
 * which they were added and stand in the segment; from VAGUS_SOURCE_OWN on: what vagus itself made
 * or was told. */
#define VAGUS_SOURCE_UNKNOWN UINT32_C(0)
#define VAGUS_SOURCE_OWN UINT32_C(0xffffff00)
#define VAGUS_SOURCE_AGENT (VAGUS_SOURCE_OWN + 1)    /* recorded by the agent's code */
#define VAGUS_SOURCE_DERIVED (VAGUS_SOURCE_OWN + 2)  /* computed of other metrics, or of history */
#define VAGUS_SOURCE_BUDGET (VAGUS_SOURCE_OWN + 3)   /* of a budget's accounts */
#define VAGUS_SOURCE_FORECAST (VAGUS_SOURCE_OWN + 4) /* foretold by a rule */
#define VAGUS_SOURCE_MONITOR (VAGUS_SOURCE_OWN + 5)  /* of the monitor about itself */

/* "agent", "derived", "budget", "forecast", "monitor"; "collector" of any of them, whose name
 * stands in the segment; "unknown". */
VAGUS_API const char *vagus_source_name(uint32_t source);

static inline enum vagus_state vagus_reading_state(const struct vagus_reading *r, int64_t now_ns)
{
    if (r->error == VAGUS_EUNSUPPORTED)
        return VAGUS_STATE_UNSUPPORTED;
    if (r->error != 0)
        return VAGUS_STATE_ERROR;
    if (r->taken_ns == 0)
        return VAGUS_STATE_NEVER;
    return now_ns > r->good_until_ns ? VAGUS_STATE_STALE : VAGUS_STATE_OK;
}

/* "ok", "stale", "unsupported", "error" or "never". */
VAGUS_API const char *vagus_state_name(enum vagus_state state);

/* The newest folded value of a metric, by name and instance (NULL: the name says it, as
 * "disk.free{path=/tmp}", or there is none). 0, VAGUS_ENOENT,
 * VAGUS_ECLOSED, or VAGUS_EAGAIN if four tries met the writer; the output stays untouched then. */
VAGUS_API int vagus_reading_get(struct vagus_monitor *monitor, const char *name,
                                const char *instance, struct vagus_reading *reading);

/* Records by name, for code that holds no handle: adds to a counter (whole numbers from 0 up), sets
 * a gauge, counts a value in a histogram: "agent.messages", "agent.tool.calls{tool=browser}". Takes
 * no lock and costs some ten times what a handle does. A name that nobody defined is defined on
 * first use where the policy allows it (recording.counters, recording.gauges); else it is dropped,
 * counted, and named in health with the name that is nearest. */
VAGUS_API void vagus_record(struct vagus_monitor *monitor, const char *name, double value);

/* --- The recording path. What follows is inlined into the caller; its names are not public. --- */

/* One thread's own cell of a counter. Only its thread writes `value`; the sampler writes `trip`. */
struct vagus__cell {
    uint64_t value;
    uint64_t trip; /* a value at or above it wakes the sampler */
};

struct vagus__gauge_cell {
    double value;
    uint64_t tick; /* the sampler's tick in which it was set; 0: never */
};

/* What all threads share: the sampler's tick, then the gauges. */
struct vagus__board {
    uint64_t tick;
    uint64_t reserved[7]; /* the gauges begin on the next cache line */
};

static inline struct vagus__gauge_cell *vagus__gauge(struct vagus__board *board, uint32_t index)
{
    return (struct vagus__gauge_cell *)(void *)(board + 1) + index;
}

/* A thread's door into one monitor. The monitor of generation g has door g % 4. A door is 32 bytes,
 * so that its address is a shift. */
struct vagus__door {
    uint32_t generation;       /* of `cells`; that of another door: shut */
    uint32_t board_generation; /* of `board` */
    struct vagus__cell *cells;
    struct vagus__board *board;
    uint64_t *words; /* histograms' */
};
#define VAGUS__DOORS 4

extern VAGUS_API __thread struct vagus__door vagus__doors[VAGUS__DOORS]
    __attribute__((tls_model("initial-exec")));

VAGUS_API void vagus__add_slow(struct vagus_counter counter, uint64_t n);
VAGUS_API void vagus__set_slow(struct vagus_gauge gauge, double value);
VAGUS_API void vagus__trip(struct vagus_counter counter);

/* Adds n to a counter. */
static inline void vagus_add(struct vagus_counter counter, uint64_t n)
{
    struct vagus__door *door = &vagus__doors[counter.generation % VAGUS__DOORS];
    if (VAGUS_UNLIKELY(__atomic_load_n(&door->generation, __ATOMIC_RELAXED) !=
                       counter.generation)) {
        vagus__add_slow(counter, n);
        return;
    }
    /* This thread is the cell's only writer, so a plain add needs no locked instruction; relaxed
     * atomics keep the sampler's concurrent read whole. */
    struct vagus__cell *cell = &door->cells[counter.index];
    uint64_t value = __atomic_load_n(&cell->value, __ATOMIC_RELAXED) + n;
    __atomic_store_n(&cell->value, value, __ATOMIC_RELAXED);
    if (VAGUS_UNLIKELY(value >= __atomic_load_n(&cell->trip, __ATOMIC_RELAXED)))
        vagus__trip(counter);
}

/* Sets a gauge. NaN and infinity are refused and counted. */
static inline void vagus_set(struct vagus_gauge gauge, double value)
{
    struct vagus__door *door = &vagus__doors[gauge.generation % VAGUS__DOORS];
    if (VAGUS_UNLIKELY(__atomic_load_n(&door->board_generation, __ATOMIC_RELAXED) !=
                           gauge.generation ||
                       !__builtin_isfinite(value))) {
        vagus__set_slow(gauge, value);
        return;
    }
    struct vagus__board *board = door->board;
    struct vagus__gauge_cell *cell = vagus__gauge(board, gauge.index);
    __atomic_store(&cell->value, &value, __ATOMIC_RELAXED);
    __atomic_store_n(&cell->tick, __atomic_load_n(&board->tick, __ATOMIC_RELAXED),
                     __ATOMIC_RELEASE);
}

VAGUS_END_DECLS

#endif
