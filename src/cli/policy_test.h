/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of a policy as data: what a file says, what came of each case, and how both are shown.
 * docs/testing-policies.md tells the form. */
#ifndef CLI_POLICY_TEST_H
#define CLI_POLICY_TEST_H

#include <stdio.h>

#include "cli/rehearsal.h"
#include "cli/series_text.h"
#include "config/tree.h"

#define POLICY_TEST_CASES_MAX 1000
#define POLICY_TEST_SERIES_MAX 256
#define POLICY_TEST_EVENTS_MAX 10000

/* Which changes must all be expected. */
enum exactness { EXACT_NOT, EXACT_TRANSITIONS, EXACT_ALL };

/* What is left open is NULL, 0 or, for `level`, NaN. */
struct expectation {
    struct tree_place place;
    int64_t from_ns, to_ns;
    uint32_t kind, change;
    const char *about, *rule, *metric, *instance;
    double level_from, level_to;
    bool shadow;
    bool last_resort; /* nothing but that */
    const char *mode; /* that is entered: nothing but that */
    const char *cap;  /* what holds at that time: nothing but that */
    double most;      /* of the cap; infinite: no limit */
};

enum asking { ASK_TAKE, ASK_ONLY, ASK_SPEND, ASK_GIVE };
enum answer { ANSWER_GO, ANSWER_WAIT, ANSWER_NO };

struct ask {
    struct tree_place place;
    int64_t at_ns;
    const char *budget;
    uint64_t amount;
    enum asking how;
    enum answer answer;
    int64_t wait_from_ns, wait_to_ns; /* negative: left open */
};

/* Somebody agrees to the transition to this mode, which waits for it. */
struct agreement {
    struct tree_place place;
    int64_t at_ns;
    const char *to;
};

struct policy_case {
    const char *name;
    struct tree_place place;
    int64_t every_ns;
    uint64_t steps; /* the last one is at (steps - 1) * every_ns */
    enum exactness exact;
    struct rehearsal_metric *metrics;
    struct series *series; /* of each metric */
    size_t metric_count;
    struct expectation *expected;
    size_t expected_count;
    struct ask *asks; /* in order of time */
    size_t ask_count;
    struct agreement *agreements;
    size_t agreement_count;
};

struct policy_test {
    const char *path;
    char *source, *policy_path, *policy_text; /* one of the latter two */
    struct vagus_config *config;
    struct tree tree;
    char **names; /* strings that cases use */
    size_t name_count, name_room;
    struct policy_case *cases;
    size_t case_count;
};

/* Reads a file and its policy. 0, or VAGUS_EPOLICY, VAGUS_ENOMEM and errors of reading, with faults
 * that say why; *test is to be finished in any case. text NULL: from the file. */
int policy_test_read(struct policy_test *test, const char *path, const char *text,
                     struct vagus_fault_list *faults);
void policy_test_finish(struct policy_test *test);

/* policy_test_case.c: one entry of `cases`. The root is that of the file. */
int policy_test_read_case(struct policy_test *test, struct policy_case *one,
                          const struct tree_node *root, const struct tree_node *node,
                          struct vagus_fault_list *faults);
/* Keeps a string as long as the test. NULL: no memory, or no string. */
char *policy_test_keep(struct policy_test *test, char *string);

extern const struct schema policy_test_schema;

/* --- What came of a case. --- */

struct policy_event {
    int64_t at_ns;
    bool last_resort, shadow, matched;
    struct vagus_signal signal;
};

struct policy_failure {
    struct tree_place place;
    int64_t at_ns; /* where it stands in the timeline; negative: nowhere */
    char text[240];
};
#define POLICY_TEST_FAILURES_MAX 32

struct policy_outcome {
    struct policy_event *events;
    size_t event_count;
    uint64_t events_lost;
    int64_t end_ns;
    struct policy_failure failures[POLICY_TEST_FAILURES_MAX];
    size_t failure_count;
    uint64_t failures_lost;
};

/* What rules of one policy were brought to, over all cases of a run. */
struct policy_coverage_rule {
    const char *name; /* of the configuration; copied */
    bool present[VAGUS_SIGNAL_KINDS], escalates[VAGUS_SIGNAL_KINDS];
    bool raised[VAGUS_SIGNAL_KINDS], cleared[VAGUS_SIGNAL_KINDS], escalated[VAGUS_SIGNAL_KINDS];
    bool was_raised[VAGUS_SIGNAL_KINDS], is_raised[VAGUS_SIGNAL_KINDS];
    bool known, missing;
};

/* A transition of the modes that the policy names. */
struct policy_coverage_transition {
    char name[2 * VAGUS_MODE_MAX + VAGUS_RESOURCE_MAX + 32]; /* "busy to calm, when clear" */
    const char *from, *to, *resource;                        /* copied; the last may be NULL */
    int when;
    bool taken;
};

struct policy_coverage {
    char *policy; /* its path, or that of the test that it stands in */
    struct policy_coverage_rule *rules;
    size_t rule_count;
    struct policy_coverage_transition *transitions;
    size_t transition_count;
    char first_mode[VAGUS_MODE_MAX];
    uint64_t changes; /* of the mode, that were looked at */
};

int policy_coverage_begin(struct policy_coverage *coverage, const struct policy_test *test);
void policy_coverage_look(struct policy_coverage *coverage, const struct rehearsal *rehearsal);
/* A case ends: what is raised then was not cleared. */
void policy_coverage_case(struct policy_coverage *coverage);
void policy_coverage_finish(struct policy_coverage *coverage);
void policy_coverage_text(const struct policy_coverage *coverage, FILE *out);
void policy_coverage_json(const struct policy_coverage *coverage, FILE *out);

/* Runs a case; coverage may be NULL. 0, or an error that has nothing to do with expectations, with
 * a failure that says so. The outcome is to be finished in any case. */
int policy_case_run(const struct policy_test *test, const struct policy_case *one,
                    struct policy_coverage *coverage, struct policy_outcome *outcome);
void policy_outcome_finish(struct policy_outcome *outcome);
void policy_fail(struct policy_outcome *outcome, struct tree_place place, int64_t at_ns,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

/* policy_test_print.c */
void policy_outcome_text(const struct policy_test *test, const struct policy_case *one,
                         const struct policy_outcome *outcome, FILE *out);
void policy_outcome_json(const struct policy_case *one, const struct policy_outcome *outcome,
                         FILE *out);

#endif
