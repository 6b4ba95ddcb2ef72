/* SPDX-License-Identifier: Apache-2.0 */
/* What `vagus doctor` finds out: facts about the machine, each with what to do about it; the senses
 * and what they cost; the sockets of a process. Gathered once, then shown as text or JSON. */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "base/text.h"
#include "host/sockets.h"
#include "vagus/vagus.h"

/* Also the exit status. */
enum doctor_gravity { DOCTOR_FINE = 0, DOCTOR_CHANGE = 1, DOCTOR_SERIOUS = 2 };
#define DOCTOR_FAILED 3

enum doctor_section {
    DOCTOR_SENSES,
    DOCTOR_MACHINE,
    DOCTOR_BLACK_BOX,
    DOCTOR_COST,
    DOCTOR_SOCKETS
};

struct doctor_fact {
    enum doctor_section section;
    enum doctor_gravity gravity;
    char name[28];    /* "cgroup", "memory lock" */
    char value[240];  /* what is so, and why */
    char action[240]; /* what to do about it; "" if nothing can or need be done */
};

struct doctor_metric {
    char name[VAGUS_NAME_MAX];
    uint32_t instances;
    enum vagus_state state; /* of the instance that fares best */
    int32_t error;          /* 0, or why it has no value */
};

#define DOCTOR_METRICS_MAX 64 /* of one sense; the surplus is counted alone */

struct doctor_sense {
    char name[32];
    char help[VAGUS_HELP_MAX];
    bool lane, hung;
    int32_t error;                   /* of opening it, or of its newest sample */
    unsigned metrics, felt, pending; /* pending: no value yet, and no error either */
    unsigned metric_count;
    struct doctor_metric metric[DOCTOR_METRICS_MAX];
    double warm_ns, cold_ns; /* of one sample of all tiers; NaN: not measured */
};

struct doctor_call { /* what a driver's call costs, as its collector measured it */
    char name[VAGUS_NAME_MAX + VAGUS_INSTANCE_MAX + 4];
    double seconds;
};

#define DOCTOR_FACTS_MAX 48
#define DOCTOR_SENSES_MAX 32
#define DOCTOR_CALLS_MAX 32

struct doctor {
    unsigned fact_count, sense_count, call_count;
    struct doctor_fact facts[DOCTOR_FACTS_MAX];
    struct doctor_sense senses[DOCTOR_SENSES_MAX];
    struct doctor_call calls[DOCTOR_CALLS_MAX];
    double tick_warm_ns, tick_cold_ns; /* a step of the 100 ms tier; NaN: not measured */
    double cpu_ratio;                  /* of one core, while it was watched; NaN: not known */
    double limit_bytes, headroom_bytes;
    int32_t limit_error;
    bool container;
    char segment_path[256];
    char why_anonymous[160];
    int sockets_error;
    struct host_own_sockets sockets;
    long sockets_pid;
};

struct doctor_options {
    const char *policy_path; /* NULL: the default */
    const char *root;        /* NULL: the machine itself */
    long pid;                /* whose sockets; 0: this process */
};

/* Adds a fact; the formats' arguments may be a stranger's text, which is made safe where it is
 * shown. What finds no room is dropped, but never what is graver. */
struct doctor_fact *doctor_add(struct doctor *doctor, enum doctor_section section,
                               enum doctor_gravity gravity, const char *name, const char *format,
                               ...) __attribute__((format(printf, 5, 6)));
void doctor_advise(struct doctor_fact *fact, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Runs a monitor for a second as an agent would, then another on a clock of its own for the costs.
 * 0, or why no monitor could be opened: VAGUS_EPOLICY … */
int doctor_feel(struct doctor *doctor, const struct doctor_options *options);

/* Each looks at the machine below the root and adds its facts. */
void doctor_look_at_machine(struct doctor *doctor, const char *root);
void doctor_look_at_black_box(struct doctor *doctor, const char *root);
/* Judges what doctor_feel() brought. */
void doctor_judge_senses(struct doctor *doctor);

enum doctor_gravity doctor_gravity(const struct doctor *doctor);

#define DOCTOR_TEXT_BYTES_MAX (64 * 1024)
#define DOCTOR_JSON_BYTES_MAX (512 * 1024)
void doctor_text(const struct doctor *doctor, bool colour, struct text *text);
void doctor_json(const struct doctor *doctor, struct text *text);

#endif
