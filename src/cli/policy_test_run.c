/* SPDX-License-Identifier: Apache-2.0 */
/* Running one case: the input goes step by step into a rehearsal, and what comes is held against
 * what was expected. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/policy_test.h"

/* Time 0 of each case. */
#define START_NS (1000 * VAGUS_SECOND_NS)
/* 11 % is whatever is printed so. */
#define LEVEL_NEAR 0.005
#define START_WALL_NS (INT64_C(1700000000) * VAGUS_SECOND_NS)

struct run {
    const struct policy_test *test;
    const struct policy_case *one;
    struct policy_outcome *outcome;
    struct rehearsal *rehearsal;
    struct series_cursor *cursors;
    size_t room; /* of events */
};

void policy_fail(struct policy_outcome *outcome, struct tree_place place, int64_t at_ns,
                 const char *format, ...)
{
    if (outcome->failure_count == POLICY_TEST_FAILURES_MAX) {
        outcome->failures_lost++;
        return;
    }
    struct policy_failure *failure = &outcome->failures[outcome->failure_count++];
    struct text text;
    va_list arguments;
    failure->place = place;
    failure->at_ns = at_ns;
    text_init(&text, failure->text, sizeof(failure->text));
    va_start(arguments, format);
    text_addv(&text, format, arguments);
    va_end(arguments);
}

/* --- What comes. --- */

static struct policy_event *add_event(struct run *run)
{
    struct policy_outcome *outcome = run->outcome;
    if (outcome->event_count == run->room) {
        size_t room = run->room == 0 ? 64 : 2 * run->room;
        struct policy_event *events =
            room <= 2 * POLICY_TEST_EVENTS_MAX
                ? realloc(outcome->events, room * sizeof(*outcome->events))
                : NULL;
        if (events == NULL) {
            outcome->events_lost++;
            return NULL;
        }
        outcome->events = events;
        run->room = room;
    }
    struct policy_event *event = &outcome->events[outcome->event_count++];
    *event = (struct policy_event){0};
    return event;
}

static void on_signal(const struct segment_signal *signal, void *arg)
{
    struct policy_event *event = add_event(arg);
    if (event == NULL)
        return;
    event->at_ns = signal->signal.at_ns - START_NS;
    event->shadow = signal->shadow != 0;
    event->signal = signal->signal;
}

/* --- The input. --- */

static int feed(struct run *run, int64_t at_ns)
{
    for (size_t i = 0; i < run->one->metric_count; i++) {
        double value;
        enum series_what what = series_next(&run->one->series[i], &run->cursors[i], &value);
        int error = what == SERIES_VALUE     ? rehearsal_put(run->rehearsal, i, value)
                    : what == SERIES_MISSING ? rehearsal_miss(run->rehearsal, i)
                                             : 0;
        if (error == 0)
            continue;
        policy_fail(run->outcome, run->one->place, at_ns, "%s is a counter, and falls to %g",
                    run->one->metrics[i].desc.name, value);
        return error;
    }
    return 0;
}

/* --- Questions to budgets. --- */

static int ask_budget(const struct run *run, const struct ask *ask, struct vagus_answer *answer)
{
    struct vagus_budget budget;
    int error = vagus_budget_find(rehearsal_monitor(run->rehearsal), ask->budget, &budget);
    if (error != 0)
        return error;
    switch (ask->how) {
    case ASK_TAKE:
        return vagus_budget_take(budget, ask->amount, answer);
    case ASK_ONLY:
        return vagus_admit(&(struct vagus_need){budget, ask->amount}, 1, VAGUS_SECOND_NS, NULL,
                           answer);
    case ASK_SPEND:
        return vagus_budget_spend(budget, ask->amount);
    default:
        return vagus_budget_give(budget, ask->amount);
    }
}

static void judge_answer(struct run *run, const struct ask *ask)
{
    struct vagus_answer answer = {0};
    char said[240], wanted[80];
    struct text text;
    int error = ask_budget(run, ask, &answer);
    if (error != 0 && error != VAGUS_EAGAIN && error != VAGUS_EFULL) {
        policy_fail(run->outcome, ask->place, ask->at_ns, "%s cannot be asked: %s", ask->budget,
                    vagus_error_message(error));
        return;
    }
    enum answer got = error == 0 ? ANSWER_GO : error == VAGUS_EAGAIN ? ANSWER_WAIT : ANSWER_NO;
    bool wait_fits = ask->wait_from_ns < 0 ||
                     (answer.wait_ns >= ask->wait_from_ns && answer.wait_ns <= ask->wait_to_ns);
    if (got == ask->answer && (got != ANSWER_WAIT || wait_fits))
        return;
    static const char *const names[] = {"go", "wait", "no"};
    text_init(&text, said, sizeof(said));
    text_add(&text, names[got]);
    if (got == ANSWER_WAIT) {
        text_add(&text, " ");
        text_add_duration(&text, answer.wait_ns);
    }
    if (got != ANSWER_GO)
        text_addf(&text, " (%s)", answer.reason);
    text_init(&text, wanted, sizeof(wanted));
    text_add(&text, names[ask->answer]);
    if (ask->wait_from_ns >= 0) {
        text_add(&text, " ");
        text_add_duration(&text, ask->wait_from_ns);
        if (ask->wait_to_ns > ask->wait_from_ns) {
            text_add(&text, " to ");
            text_add_duration(&text, ask->wait_to_ns);
        }
    }
    policy_fail(run->outcome, ask->place, ask->at_ns,
                "%s, asked for %" PRIu64 ", answers %s; expected %s", ask->budget, ask->amount,
                said, wanted);
}

/* Infinite is no limit. */
static void look_at_caps(struct run *run, int64_t at_ns)
{
    struct vagus_monitor *monitor = rehearsal_monitor(run->rehearsal);
    for (size_t i = 0; i < run->one->expected_count; i++) {
        const struct expectation *expected = &run->one->expected[i];
        if (expected->cap == NULL || expected->from_ns != at_ns)
            continue;
        double most = vagus_cap_value(vagus_cap_find(monitor, expected->cap));
        if (most != expected->most)
            policy_fail(run->outcome, expected->place, at_ns, "cap %s is %g; expected %g",
                        expected->cap, most, expected->most);
    }
}

/* What is agreed to here is taken at the next step, if it still may be. */
static void agree(struct run *run, int64_t at_ns)
{
    struct vagus_monitor *monitor = rehearsal_monitor(run->rehearsal);
    for (size_t i = 0; i < run->one->agreement_count; i++) {
        const struct agreement *agreement = &run->one->agreements[i];
        if (agreement->at_ns == at_ns && vagus_mode_consent(monitor, agreement->to) != 0)
            policy_fail(run->outcome, agreement->place, at_ns,
                        "no transition to %s waits for consent", agreement->to);
    }
}

static void ask_what_is_due(struct run *run, size_t *next, int64_t at_ns)
{
    while (*next < run->one->ask_count && run->one->asks[*next].at_ns <= at_ns)
        judge_answer(run, &run->one->asks[(*next)++]);
}

/* --- What was expected. --- */

static bool is_or_open(const char *wanted, const char *got)
{
    return wanted == NULL || strcmp(wanted, got) == 0;
}

static bool fits(const struct expectation *expected, const struct policy_event *event)
{
    const struct vagus_signal *signal = &event->signal;
    if (event->at_ns < expected->from_ns || event->at_ns > expected->to_ns ||
        event->last_resort != expected->last_resort)
        return false;
    if (event->last_resort)
        return true;
    if (expected->mode != NULL || signal->kind == VAGUS_MODE_CHANGE)
        return expected->mode != NULL && signal->kind == VAGUS_MODE_CHANGE &&
               strcmp(expected->mode, signal->rule) == 0;
    bool level =
        isnan(expected->level_from) || (signal->level >= expected->level_from - LEVEL_NEAR &&
                                        signal->level <= expected->level_to + LEVEL_NEAR);
    return level && signal->kind == expected->kind && signal->change == expected->change &&
           event->shadow == expected->shadow && is_or_open(expected->about, signal->resource) &&
           is_or_open(expected->rule, signal->rule) &&
           is_or_open(expected->metric, signal->metric) &&
           is_or_open(expected->instance, signal->instance);
}

/* Exactly, since an expected time is met exactly. */
static void add_time(struct text *text, int64_t at_ns)
{
    if (at_ns % VAGUS_SECOND_NS == 0) {
        text_add_duration(text, at_ns);
        return;
    }
    text_add_digits(text, (double)at_ns / 1e9, 12);
    text_add(text, " s");
}

static void add_wanted(struct text *text, const struct expectation *expected)
{
    static const char *const changes[] = {"", "raised", "updated", "cleared"};
    if (expected->last_resort) {
        text_add(text, "the last resort");
        return;
    }
    if (expected->mode != NULL) {
        text_addf(text, "mode %s", expected->mode);
        return;
    }
    if (expected->cap != NULL) {
        text_addf(text, "cap %s", expected->cap);
        return;
    }
    text_addf(text, "%s%s %s", expected->shadow ? "shadow " : "",
              vagus_signal_kind_name(expected->kind), changes[expected->change]);
    if (expected->about != NULL)
        text_addf(text, ", about %s", expected->about);
    if (expected->rule != NULL)
        text_addf(text, ", by %s", expected->rule);
    if (!isnan(expected->level_from)) {
        text_add(text, ", level ");
        text_add_value(text, expected->level_from, "1");
        if (expected->level_to > expected->level_from) {
            text_add(text, " to ");
            text_add_value(text, expected->level_to, "1");
        }
    }
}

static void hold_against(struct run *run, const struct expectation *expected)
{
    struct policy_outcome *outcome = run->outcome;
    char wanted[200], when[80];
    struct text text;
    if (expected->cap != NULL && expected->to_ns <= outcome->end_ns)
        return; /* it was looked at when it was time */
    for (size_t i = 0; expected->to_ns <= outcome->end_ns && i < outcome->event_count; i++) {
        struct policy_event *event = &outcome->events[i];
        if (event->matched || !fits(expected, event))
            continue;
        event->matched = true;
        return;
    }
    text_init(&text, wanted, sizeof(wanted));
    add_wanted(&text, expected);
    text_init(&text, when, sizeof(when));
    if (expected->to_ns > outcome->end_ns) {
        text_add(&text, "the input ends at ");
        add_time(&text, outcome->end_ns);
        policy_fail(outcome, expected->place, outcome->end_ns,
                    "%s is expected beyond the input: %s", wanted, when);
        return;
    }
    text_add(&text, "at ");
    add_time(&text, expected->from_ns);
    if (expected->to_ns > expected->from_ns) {
        text_add(&text, " to ");
        add_time(&text, expected->to_ns);
    }
    policy_fail(outcome, expected->place, expected->from_ns, "%s did not come %s", wanted, when);
}

static void count_surplus(struct run *run)
{
    struct policy_outcome *outcome = run->outcome;
    size_t surplus = 0;
    if (run->one->exact == EXACT_NOT)
        return;
    for (size_t i = 0; i < outcome->event_count; i++) {
        const struct policy_event *event = &outcome->events[i];
        surplus += !event->matched && (event->last_resort || run->one->exact == EXACT_ALL ||
                                       event->signal.change != VAGUS_SIGNAL_UPDATED);
    }
    if (surplus > 0)
        policy_fail(outcome, run->one->place, -1, "%zu came that %s not expected", surplus,
                    surplus == 1 ? "was" : "were");
}

/* --- The whole. --- */

static void look_at_last_resort(struct run *run, int64_t at_ns)
{
    if (!rehearsal_last_resort(run->rehearsal))
        return;
    struct policy_event *event = add_event(run);
    if (event != NULL)
        *event = (struct policy_event){.at_ns = at_ns, .last_resort = true};
}

/* What an input each minute leaves out: the monitor goes on judging meanwhile. */
static int64_t tick_of(const struct policy_case *one)
{
    return one->every_ns > VAGUS_SECOND_NS && one->every_ns % VAGUS_SECOND_NS == 0 ? VAGUS_SECOND_NS
                                                                                   : one->every_ns;
}

static int go_through(struct run *run, struct policy_coverage *coverage)
{
    const int64_t last_ns = (int64_t)(run->one->steps - 1) * run->one->every_ns;
    size_t asked = 0;
    int error = 0;
    for (int64_t at_ns = 0; error == 0 && at_ns <= last_ns; at_ns += tick_of(run->one)) {
        if (at_ns % run->one->every_ns == 0)
            error = feed(run, at_ns);
        if (error == 0)
            error = rehearsal_step(run->rehearsal, START_NS + at_ns);
        if (error == 0)
            ask_what_is_due(run, &asked, at_ns);
        if (error == 0)
            look_at_caps(run, at_ns);
        if (error == 0)
            agree(run, at_ns);
        if (coverage != NULL)
            policy_coverage_look(coverage, run->rehearsal);
        look_at_last_resort(run, at_ns);
        run->outcome->end_ns = at_ns;
    }
    for (; error == 0 && asked < run->one->ask_count; asked++)
        policy_fail(run->outcome, run->one->asks[asked].place, run->outcome->end_ns,
                    "%s is asked beyond the input", run->one->asks[asked].budget);
    for (size_t i = 0; error == 0 && i < run->one->agreement_count; i++)
        if (run->one->agreements[i].at_ns > run->outcome->end_ns)
            policy_fail(run->outcome, run->one->agreements[i].place, run->outcome->end_ns,
                        "consent to %s is given beyond the input", run->one->agreements[i].to);
    return error;
}

static int prepare(struct run *run)
{
    static struct vagus_fault_list faults;
    const struct policy_case *one = run->one;
    const char *which;
    run->cursors = calloc(one->metric_count + 1, sizeof(*run->cursors));
    if (run->cursors == NULL)
        return VAGUS_ENOMEM;
    for (size_t i = 0; i < one->metric_count; i++)
        run->cursors[i].random = UINT64_C(0x9e3779b97f4a7c15) * (i + 1);
    int error =
        rehearsal_open(&(struct rehearsal_options){.policy_path = run->test->policy_path,
                                                   .policy_text = run->test->policy_text,
                                                   .metrics = one->metrics,
                                                   .metric_count = one->metric_count,
                                                   .wall_offset_ns = START_WALL_NS - START_NS,
                                                   .faults = &faults,
                                                   .on_signal = on_signal,
                                                   .arg = run},
                       &run->rehearsal, &which);
    if (error != 0)
        policy_fail(run->outcome, one->place, -1, "it cannot be run: %s%s%s",
                    which != NULL ? which : "", which != NULL ? ": " : "",
                    vagus_error_message(error));
    return error;
}

int policy_case_run(const struct policy_test *test, const struct policy_case *one,
                    struct policy_coverage *coverage, struct policy_outcome *outcome)
{
    struct run run = {.test = test, .one = one, .outcome = outcome};
    *outcome = (struct policy_outcome){0};
    int error = prepare(&run);
    if (error == 0)
        error = go_through(&run, coverage);
    if (run.rehearsal != NULL)
        outcome->events_lost += rehearsal_lost(run.rehearsal);
    rehearsal_close(run.rehearsal);
    free(run.cursors);
    if (coverage != NULL)
        policy_coverage_case(coverage);
    if (error != 0 && outcome->failure_count == 0)
        policy_fail(outcome, one->place, -1, "it cannot be run: %s", vagus_error_message(error));
    for (size_t i = 0; error == 0 && i < one->expected_count; i++)
        hold_against(&run, &one->expected[i]);
    if (error == 0)
        count_surplus(&run);
    if (outcome->events_lost > 0)
        policy_fail(outcome, one->place, -1, "there were %" PRIu64 " signals more than can be kept",
                    outcome->events_lost);
    return error;
}

void policy_outcome_finish(struct policy_outcome *outcome)
{
    free(outcome->events);
    *outcome = (struct policy_outcome){0};
}
