/* SPDX-License-Identifier: Apache-2.0 */
/* What a report lets one conclude, in words that text and JSON share. Every number of a report is a
 * stranger's: nothing here trusts one. */
#ifndef REPORT_FINDINGS_H
#define REPORT_FINDINGS_H

#include "report/report.h"

/* How the monitor's life stands, as far as a segment can tell. */
enum report_life {
    REPORT_OPENING, /* opened, not yet started */
    REPORT_RUNNING,
    REPORT_CLOSED, /* ended in order */
    REPORT_ENDED,  /* ended without closing */
};

enum report_life report_life(const struct report *report);
const char *report_life_name(enum report_life life); /* "opening", "running", "closed", "ended" */

/* "raised", "updated", "cleared"; "?" for anything else. */
const char *report_change_name(uint32_t change);
/* "threshold", "no relief", "too long", "missing", "rules", "mode"; "?" for anything else. */
const char *report_why_name(uint32_t why);
/* "none", "open", "relief", "no relief", "unknown"; "?" for anything else. */
const char *report_outcome_name(uint32_t outcome);
/* "info", "warning", "unwired", "refused"; "?" for anything else. */
const char *report_note_name(uint32_t kind);

/* "unknown", "none", "closed", "unclosed", "out of memory", "signal", "reboot"; "unknown" for
 * anything else, too. */
const char *report_end_name(uint32_t end);
/* How a run ended: "closed in order", "ended by signal 11". */
void report_add_end(struct text *text, const struct vagus_snapshot_continuity *continuity);

/* From one time to a later one: never negative, never overflowing. */
int64_t report_span_ns(int64_t from_ns, int64_t to_ns);

/* "2026-11-21 12:55:51.123", by the clock on the wall. */
void report_add_time(struct text *text, int64_t wall_ns);

/* The time that the state of things is judged at: now while the monitor runs; once it has ended,
 * the moment of its last publication, since everything is stale by now. */
int64_t report_as_of_ns(const struct report *report);

/* When the monitor gave its last sign of life; 0 if it never did. */
int64_t report_last_sign_ns(const struct report *report);

/* Whether the process should be restarted, or kept from work: the reason in words is added in any
 * case. "Alive" is about the monitor and the agent themselves, never about load. */
bool report_is_alive(const struct report *report, struct text *reason);
bool report_is_ready(const struct report *report, struct text *reason);

/* How many raised signals the snapshot lists. */
uint32_t report_raised_count(const struct report *report);

/* The newest transition of a raised signal, with value, threshold and reason; NULL if the ring has
 * lost it. */
const struct segment_signal *report_transition_of(const struct report *report,
                                                  const struct vagus_snapshot_signal *raised);

/* True for a call or a sample that has gone on for more than a second. */
bool report_hangs(int64_t busy_since_ns, int64_t as_of_ns);

/* True of one that took several signals, of which none brought relief, and never said that it
 * released anything. */
bool report_relieves_nothing(const struct segment_listener *listener);

/* Why the verdict is what it is: "throttle on memory for 12 s, and 1 more". */
void report_add_reason(const struct report *report, struct text *text);

/* Why a reading is not good: "stale, 12 s old", "not supported here", "never read", "error: …";
 * nothing if it is good. */
void report_add_state(struct text *text, const struct vagus_reading *reading, int64_t as_of_ns);

/* A value with the words after it; of one that is counted, without a unit, "1 file". */
void report_add_amount(struct text *text, double value, const char *unit, const char *words);

/* What a transition is about, before its reason: "throttle on memory raised: ", "mode ". */
void report_add_subject(const struct segment_signal *entry, struct text *text);

#endif
