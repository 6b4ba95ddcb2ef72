/* SPDX-License-Identifier: Apache-2.0 */
/* The modes as a state machine. Pure but for the consent, which any thread may give: time and
 * pressure come in, at most one transition for each step comes out. */
#ifndef JUDGE_MODE_MACHINE_H
#define JUDGE_MODE_MACHINE_H

#include "config/config.h"
#include "judge/flips.h"

#define MODE_ANY_RESOURCE (~UINT32_C(0))

/* What is raised and what is not known, as masks of resources. */
struct mode_pressure {
    uint32_t raised[3]; /* throttle, defer, shutdown */
    uint32_t unknown;
    bool gap; /* for a while nobody looked at all */
};

struct mode_transition {
    uint8_t from, to;
    uint8_t when; /* enum config_when */
    bool consent;
    uint32_t resources; /* a mask */
    int64_t for_ns;
    /* While the machine is in `from`. */
    bool holds;
    int64_t held_ns;    /* so far; what was not known neither counts nor breaks it */
    uint32_t waiting;   /* for consent: the number of the request; 0 */
    uint32_t consented; /* to the request of that number */
    struct flips flips;
};

struct mode_machine {
    uint32_t mode;
    uint32_t count;
    uint32_t requests;
    bool unknown; /* a transition on clear is held back since not all is known */
    int64_t since_ns, last_ns;
    uint32_t transition_count;
    struct mode_transition transitions[CONFIG_TRANSITIONS_MAX]; /* the gravest condition first */
};

/* The next transition of the table; all before the first step. */
void mode_add(struct mode_machine *machine, const struct mode_transition *transition);

/* One step, the first of which sets the time. The transition that was taken, or NULL. */
struct mode_transition *mode_step(struct mode_machine *machine,
                                  const struct mode_pressure *pressure, int64_t now_ns);

/* The transition that waits for consent, the gravest first; NULL if none does. */
const struct mode_transition *mode_waiting(const struct mode_machine *machine);

/* Any thread. False: no transition to this mode is waiting. */
bool mode_consent(struct mode_machine *machine, uint32_t to);

#endif
