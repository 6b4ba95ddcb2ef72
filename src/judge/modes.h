/* SPDX-License-Identifier: Apache-2.0 */
/* The modes of one monitor: the machine between the judge that drives it and the caps, metrics and
 * records that follow from it. Sampler only, except for finding a cap and consent. */
#ifndef JUDGE_MODES_H
#define JUDGE_MODES_H

#include "judge/caps.h"
#include "judge/judge.h"
#include "judge/mode_machine.h"
#include "vagus/mode.h"

struct mode_cap {
    char name[VAGUS_NAME_MAX];
    struct vagus_cap cap;
    double most[CONFIG_MODES_MAX];
    bool fresh; /* of another policy that is not in force yet: its word is nobody else's */
};

struct modes {
    struct mode_machine machine;
    char names[CONFIG_MODES_MAX][VAGUS_MODE_MAX];
    uint32_t cap_count;
    struct mode_cap caps[CONFIG_CAPS_MAX];
    uint32_t generation;
    bool builtin;  /* the policy names none */
    bool answered; /* atomic: somebody was there to consent, or to refuse it */
    struct judge *judge;
    struct metrics *metrics;
    uint32_t *index; /* of the mode, where it outlives us */
    int metric_mode, metric_time;
    /* How the present one came to be. */
    char before[VAGUS_MODE_MAX]; /* "": none yet */
    uint64_t changes;
    int32_t entered_by; /* which transition; -1: none yet */
};

/* Everything is copied from the policy, or is the built-in one where it names no modes. 0, or
 * VAGUS_EFULL: no room for a resource or a cap. In any case to be finished. */
int modes_init(struct modes *modes, const struct vagus_config *config, struct judge *judge,
               struct bus *bus, struct metrics *metrics, uint32_t generation, uint32_t *index);
/* The modes of another policy, made beside those in force on any thread: a cap of the same name has
 * the same word, so handles go on. 0 or VAGUS_EFULL. To be discarded, or succeeded to. */
int modes_prepare(struct modes *heir, const struct modes *before,
                  const struct vagus_config *config);
void modes_discard(struct modes *heir);
/* The sampler: from here on the heir's modes hold. The present one stays if there is one of that
 * name, with all that its transitions waited for where they say the same; else the first follows,
 * which is told and recorded. The heir is of no further use. The judge is the new policy's. */
void modes_succeed(struct modes *modes, const struct modes *heir, struct judge *judge,
                   int64_t now_ns);

/* Its caps limit nothing from now on. In a forked child, too. */
void modes_finish(struct modes *modes);

/* After the judge's step. gap: before this step nobody looked for longer than promised. */
void modes_step(struct modes *modes, unsigned due, bool gap, int64_t now_ns);
void modes_show(const struct modes *modes, struct vagus_snapshot_mode *mode);

struct vagus_cap modes_cap(const struct modes *modes, const char *name);
/* 0, VAGUS_ENOENT, VAGUS_ESTATE. */
int modes_consent(struct modes *modes, const char *to);
/* Somebody was asked for consent and did not give it. Any thread. */
void modes_refuse(struct modes *modes);

/* prove_modes.c: after judge_prove(). What is not wired, as a fault each; how many. Any thread
 * while the sampler is not stepping. */
unsigned modes_prove(const struct modes *modes, struct vagus_fault_list *faults);

/* modes_builtin.c: what holds where the policy names none. */
extern const struct vagus_config modes_builtin;

#endif
