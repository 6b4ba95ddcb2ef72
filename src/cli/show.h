/* SPDX-License-Identifier: Apache-2.0 */
/* One metric and its history as `vagus show` read them, and how they are printed. */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include "base/notation.h"
#include "segment/layout.h"

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
};

struct shown {
    struct segment_metric metric;
    uint32_t index;
    struct vagus_reading reading;
    bool alive;
    int64_t now_ns, last_wanted_ns;
    struct history history;
};

/* "name", or "name{instance}", escaped. */
void show_name(struct text *text, const struct segment_metric *metric);

/* For a person, and for a program: one JSON object on one line. */
void show_text(const struct shown *shown, struct text *text);
void show_json(const struct shown *shown, struct text *text);

#endif
