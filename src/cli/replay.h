/* SPDX-License-Identifier: Apache-2.0 */
/* What a policy would have made of a record. Open-loop: the input is what was, whatever a signal
 * would have changed. */
#ifndef CLI_REPLAY_H
#define CLI_REPLAY_H

#include "cli/record.h"
#include "config/config.h"

#define REPLAY_EVENTS_MAX 100000

struct replay_event {
    bool shadow;
    struct vagus_signal signal;
};

struct replay_events {
    struct replay_event *events;
    size_t count, room;
    uint64_t lost; /* more than REPLAY_EVENTS_MAX */
};

/* What a replay could not do, for who reads its result. */
struct replay_notes {
    uint32_t fed;          /* metrics */
    uint32_t absent;       /* names that the policy needs and the record does not have, */
    char first_absent[64]; /* and the first of them */
    uint32_t histograms;   /* that rules name: they have no series */
    uint32_t coarse;       /* metrics that are known in buckets alone, for a part */
    int64_t coarsest_ns;   /* the widest of these */
    uint32_t asked; /* budgets with a mark, of which the record does not tell what was taken, */
    char first_asked[64];  /* and the first of them */
    uint32_t last_resorts; /* times that the policy would have sent SIGTERM */
    int64_t first_ns, last_ns;
};

/* policy_path NULL: the built-in policy. 0; VAGUS_EPOLICY and errors of reading, with faults;
 * VAGUS_ENOENT: nothing in the record is what the policy looks at; VAGUS_EFULL: metrics with
 * instances are more than collectors. Events are to be finished in any case. */
int replay_run(const struct record *record, const char *policy_path,
               struct vagus_fault_list *faults, struct replay_events *events,
               struct replay_notes *notes);

/* What the live monitor signalled, as far as the record has it. */
int replay_live(const struct record *record, struct replay_events *events);

void replay_finish(struct replay_events *events);

/* What two sequences have in common: of each event, the place of its match in the other plus 1, or
 * 0. Same signal, resource and change, of updates the same level, at most tolerance_ns apart, each
 * used once. Returns how many of these are raised or cleared. */
int replay_match(const struct replay_events *a, const struct replay_events *b, int64_t tolerance_ns,
                 size_t *match_a, size_t *match_b);

#endif
