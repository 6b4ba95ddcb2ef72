/* SPDX-License-Identifier: Apache-2.0 */
/* One metric and its history as `vagus show` read them, and how they are printed. */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include <stdio.h>

#include "base/notation.h"
#include "metrics/outside.h"

#define SHOW_BUCKETS_MAX (1u << 20)
#define SHOW_SPREADS_MAX 4096

/* What was known of a stretch of time. count 0: nothing, a gap. */
struct point {
    int64_t at_ns; /* its beginning */
    double min, max, sum, last;
    uint64_t count;
};

struct history {
    struct point *points;
    size_t count, room;
    bool cut; /* no memory for more */
    double min, max, sum, last;
    uint64_t values;
    int64_t first_ns, last_ns; /* what is covered, from the first value's time on */
    int64_t period_ns;         /* 0: there is nothing */
    /* Of a counter: what the newest entry ended with, to tell how fast it grew since. */
    bool based;
    double base, grown;
    int64_t base_ns;
};

/* Buckets of one width, which begin at whole multiples of it by the clock on the wall. */
struct grid {
    int64_t first_ns, step_ns;
    unsigned count;
};

/* What a histogram held, in all and in each bucket of the grid. */
struct show_spread {
    struct outside_spread walk;
    bool known;
    const struct grid *grid;
    struct vagus_distribution all, *each;
};

enum show_form { SHOW_TEXT, SHOW_JSON, SHOW_CSV };

struct shown {
    struct segment_metric metric;
    uint32_t index;
    struct vagus_reading reading;
    bool alive;
    int64_t now_ns, wanted_ns;          /* of the history: how long */
    int64_t wall_ns;                    /* what is added to a time to have it on the wall */
    int64_t since_ns[VAGUS_TIER_COUNT]; /* by level: how far back there is anything; 0: nowhere */
    struct history history;
    struct grid grid;
    struct point *buckets;      /* of the grid */
    struct show_spread *spread; /* of a histogram; else NULL */
};

/* What of the history is wanted. */
struct show_window {
    const char *from, *to; /* NULL: not given */
    int64_t last_ns;       /* 0: not given */
    int64_t by_ns;         /* 0: as fine as it is, of a chart as fine as it has columns */
    enum show_form form;
    unsigned columns; /* of the terminal */
};

/* A counter is drawn by how fast it grew, and a histogram by its count. */
static inline bool show_as_rate(const struct shown *shown)
{
    return shown->metric.kind != VAGUS_GAUGE;
}

/* "name", or "name{instance}", escaped. */
void show_name(struct text *text, const struct segment_metric *metric);
/* What the numbers are in: of a counter, for each second. */
void show_unit(const struct shown *shown, char unit[VAGUS_UNIT_MAX + 2]);
void show_figure(struct text *text, const char *label, double value, const char *unit);

/* Reads history, grid and buckets. 0, VAGUS_ENOMEM, or VAGUS_EINVAL with *why: what was asked for
 * makes no sense ("--from 'x' is no time"). */
int show_read(const struct segment_reader *reader, const struct show_window *window,
              struct shown *shown, char why[256]);
void show_finish(struct shown *shown);

/* Reads the history by bucket; what cannot be had leaves spread->known false. VAGUS_ENOMEM. */
int show_spread_read(const struct segment_reader *reader, struct shown *shown, int64_t from_ns,
                     int64_t to_ns);
double show_quantile(const struct vagus_distribution *distribution, double q);
void show_spread_text(const struct shown *shown, struct text *text);
void show_spread_json(const struct shown *shown, struct text *text);

/* For a person: at most so many columns, where there is a terminal. VAGUS_ENOMEM. */
int show_text(const struct shown *shown, unsigned columns, bool ascii, struct text *text);
/* For a program: one JSON object on one line. */
void show_json(const struct shown *shown, bool by_bucket, struct text *text);
/* A table as of RFC 4180, row by row. False if it could not be written. */
bool show_csv(const struct shown *shown, bool by_bucket, FILE *out);

#endif
