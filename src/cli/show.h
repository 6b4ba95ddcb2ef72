/* SPDX-License-Identifier: Apache-2.0 */
/* One metric and its history as `vagus show` read them, and how they are printed. */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include "base/notation.h"
#include "metrics/outside.h"

#define SHOW_COLUMNS_MAX 60

struct point {
    int64_t at_ns;
    double value; /* NaN: a gap */
};

struct history {
    struct point *points;
    size_t count, room;
    bool cut; /* no memory for more */
    double min, max, sum, last;
    uint64_t values;
    int64_t first_ns, last_ns; /* what is covered, from the first value's time on */
    int64_t period_ns;
    /* Of a counter: what the newest entry ended with, to tell how fast it grew since. */
    bool based;
    double base, grown;
    int64_t base_ns;
};

/* What a histogram held, in all and in each of some columns. */
struct show_spread {
    struct outside_spread walk;
    bool known;
    int64_t step_ns, end_ns; /* of a column; of the last one */
    unsigned columns;
    struct vagus_distribution all, each[SHOW_COLUMNS_MAX];
};

struct shown {
    struct segment_metric metric;
    uint32_t index;
    struct vagus_reading reading;
    bool alive;
    int64_t now_ns, last_wanted_ns;
    int64_t since_ns[VAGUS_TIER_COUNT]; /* by level: how far back there is anything; 0: nowhere */
    struct history history;
    struct show_spread *spread; /* of a histogram; else NULL */
};

/* A counter is drawn by how fast it grew, and a histogram by its count. */
static inline bool show_as_rate(const struct shown *shown)
{
    return shown->metric.kind != VAGUS_GAUGE;
}

/* "name", or "name{instance}", escaped. */
void show_name(struct text *text, const struct segment_metric *metric);

void show_figure(struct text *text, const char *label, double value, const char *unit);

/* Reads the history by bucket; what cannot be had leaves spread->known false. VAGUS_ENOMEM. */
int show_spread_read(const struct segment_reader *reader, struct shown *shown, int64_t from_ns,
                     int64_t to_ns);
void show_spread_text(const struct shown *shown, struct text *text);
void show_spread_lines(const struct shown *shown, struct text *text);
void show_spread_json(const struct shown *shown, struct text *text);

/* For a person, and for a program: one JSON object on one line. */
void show_text(const struct shown *shown, struct text *text);
void show_json(const struct shown *shown, struct text *text);

#endif
