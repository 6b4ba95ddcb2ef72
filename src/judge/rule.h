/* SPDX-License-Identifier: Apache-2.0 */
/* One severity of one rule: the state machine. Pure: time and measure come in, transitions come
 * out; tested against a reference model. */
#ifndef JUDGE_RULE_H
#define JUDGE_RULE_H

#include "config/config.h"

enum severity_phase {
    SEVERITY_CLEAR = 0,
    SEVERITY_PENDING, /* beyond enter, not yet for long enough */
    SEVERITY_RAISED,
};

enum severity_event {
    SEVERITY_NOTHING = 0,
    SEVERITY_RAISE,
    SEVERITY_UPDATE, /* still raised; the level moved by a tenth or more, or to 1 */
    SEVERITY_END,    /* cleared */
};

struct severity {
    enum severity_phase phase;
    int64_t pending_since_ns; /* first breach of an unbroken run */
    int64_t raised_ns;
    bool clearing; /* raised, and back at clear since: */
    int64_t clearing_since_ns;
    bool cooling; /* it was raised before, until: */
    int64_t cleared_ns;
    double level;      /* 0 unless raised */
    double told_level; /* at the last transition */
};

/* What one evaluation saw. */
struct severity_input {
    int64_t now_ns;
    bool known;     /* false: the measure is missing or older than max_age */
    double measure; /* if known */
};

/* Timing that all severities of a rule share. */
struct severity_timing {
    int64_t min_hold_ns;
    enum config_missing missing;
    int64_t cooldown_ns;
};

/* How far beyond enter a measure is: 0 < level <= 1. `full` may be NaN: then 1. */
double severity_level(const struct config_threshold *threshold, double full, double measure);

/* True if a level is worth telling again: it moved by a tenth or more, or reached 1. */
bool severity_moved(double told_level, double level);

/* One step. Beyond enter is strictly beyond; at `clear` it is cleared. A missing measure under
 * `hold` changes nothing, resets nothing; under `raise` it counts as beyond, at level 1; under
 * `clear` as back. `for`, `clear_for` and `min_hold` apply to these too. */
enum severity_event severity_step(struct severity *severity,
                                  const struct config_threshold *threshold, double full,
                                  const struct severity_timing *timing,
                                  const struct severity_input *input);

#endif
