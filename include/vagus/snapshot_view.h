/* SPDX-License-Identifier: Apache-2.0 */
/* What one does with a snapshot, be it of this process or of another: print it, compare two, put
 * it into a prompt. All of it takes plain data, whatever bytes stand there, allocates nothing, and
 * may run on any thread. */
#ifndef VAGUS_SNAPSHOT_VIEW_H
#define VAGUS_SNAPSHOT_VIEW_H

#include <stdio.h>

#include "snapshot.h"

VAGUS_BEGIN_DECLS

/* Rooms that fit any snapshot and any change, the final 0 included. */
#define VAGUS_SNAPSHOT_TEXT_MAX ((size_t)64 << 10)
#define VAGUS_SNAPSHOT_JSON_MAX ((size_t)128 << 10)
#define VAGUS_SNAPSHOT_PROMPT_MAX ((size_t)601)
#define VAGUS_SNAPSHOT_CHANGE_MAX ((size_t)2048)

/* The snapshot for a person, as of now_ns (vagus_now_ns()): verdict, raised signals and mode, then
 * each part with what is known, and the names of what is not. Cut if it does not fit, always ended
 * by 0; *length (may be NULL) is what it would have needed, the final 0 excluded. VAGUS_EINVAL. */
VAGUS_API int vagus_snapshot_format(const struct vagus_system_snapshot *snapshot, int64_t now_ns,
                                    char *text, size_t capacity, size_t *length);

/* The same onto a stream. VAGUS_EIO if it could not be written. */
VAGUS_API int vagus_snapshot_print(const struct vagus_system_snapshot *snapshot, int64_t now_ns,
                                   FILE *stream);

/* The snapshot for a program: one JSON object on one line, valid UTF-8, null for what is not known.
 * Its keys are described in docs/snapshot.md and only ever added to. As vagus_snapshot_format(). */
VAGUS_API int vagus_snapshot_json(const struct vagus_system_snapshot *snapshot, int64_t now_ns,
                                  char *text, size_t capacity, size_t *length);

/* The snapshot for a language model, to be put into its prompt: at most 600 characters, whole
 * sentences, the most important first; "" when all is well. It holds nothing but vagus's own words,
 * numbers, and names of [a-z0-9._-]{1,32} that come from the policy or the host's code: of rules,
 * resources, budgets, modes. What others name (paths, devices, instances, tools, reasons) appears
 * by its kind and number alone ("path 2"), so it cannot speak to the model. VAGUS_EINVAL. */
VAGUS_API int vagus_snapshot_prompt(const struct vagus_system_snapshot *snapshot, int64_t now_ns,
                                    char *text, size_t capacity);

enum vagus_change_kind {
    VAGUS_CHANGE_VALUE = 1,    /* a number moved by more than its resolution */
    VAGUS_CHANGE_STATE = 2,    /* what is known of a reading changed: see the states */
    VAGUS_CHANGE_WORD = 3,     /* the verdict, the mode, the transition that waits for consent */
    VAGUS_CHANGE_APPEARED = 4, /* a signal, device, path, budget, forecast, metric */
    VAGUS_CHANGE_VANISHED = 5,
};

/* One thing that two snapshots differ in. */
struct vagus_snapshot_change {
    uint32_t kind;                      /* enum vagus_change_kind */
    uint32_t reserved0;                 /* 0 */
    uint32_t before_state, after_state; /* enum vagus_state, each as of its publication */
    struct vagus_reading before, after; /* of what is no reading, its number is the value */
    char what[192];                     /* "memory.headroom", "disk{/tmp}.free": may hold any text;
                                           escape it, as the functions below do */
    char unit[VAGUS_UNIT_MAX];          /* of the values; "" of what is none */
    char before_word[32], after_word[32]; /* of a word: "ok", "degraded" */
    uint64_t reserved[4];                 /* 0 */
};

/* What changed from one snapshot to another, in the order of the struct; fills at most `max`
 * changes (NULL and 0: none) and returns how many there are, which may be more, or VAGUS_EINVAL.
 * What stands in the one alone is told once, without its fields.
 *
 * A difference within a reading's resolution is no change. That is by unit: anything counted, 1 (of
 * cores and load, 0.01); bytes, 4 KiB or a thousandth; shares, 0.001; seconds, 1 ms or a hundredth;
 * rates, a hundredth; Cel and W, 0.5. A time since is the moment that it began, and a time until
 * the moment that it will be (to a tenth of what is left): neither changes by the passing of time.
 * Ticks, and what tells of the publication itself, are not compared. */
VAGUS_API int vagus_snapshot_diff(const struct vagus_system_snapshot *before,
                                  const struct vagus_system_snapshot *after,
                                  struct vagus_snapshot_change *changes, size_t max);

/* One change as a line without its end: "memory.headroom 99.8 MiB -> 12.1 MiB". As
 * vagus_snapshot_format(). */
VAGUS_API int vagus_snapshot_change_format(const struct vagus_snapshot_change *change, char *text,
                                           size_t capacity, size_t *length);

/* One change as a JSON object. */
VAGUS_API int vagus_snapshot_change_json(const struct vagus_snapshot_change *change, char *text,
                                         size_t capacity, size_t *length);

/* "value", "state", "word", "appeared", "vanished"; "?" for anything else. */
VAGUS_API const char *vagus_change_name(uint32_t kind);

VAGUS_END_DECLS

#endif
