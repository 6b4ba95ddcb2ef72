/* SPDX-License-Identifier: Apache-2.0 */
/* How the outcome of a case is shown: where it failed, as a compiler would say it, and what came
 * instead as a timeline; or as JSON. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/policy_test.h"
#include "cli/timeline.h"

#define SHOWN_MAX 40 /* lines of a timeline */

static void print_place(const struct policy_test *test, struct tree_place place, FILE *out)
{
    char shown[1024];
    struct text text;
    text_init(&text, shown, sizeof(shown));
    text_add_safe(&text, test->path, 1000);
    fprintf(out, "%s:%" PRIu32 ":%" PRIu32 ": ", shown, place.line, place.column);
}

static void print_safe(const char *string, FILE *out)
{
    char shown[1024];
    struct text text;
    text_init(&text, shown, sizeof(shown));
    text_add_safe(&text, string, 1000);
    fputs(shown, out);
}

static bool is_surplus(const struct policy_case *one, const struct policy_event *event)
{
    return !event->matched && one->exact != EXACT_NOT &&
           (one->exact == EXACT_ALL || event->last_resort ||
            event->signal.change != VAGUS_SIGNAL_UPDATED);
}

static void print_event(const struct policy_case *one, const struct policy_event *event, FILE *out)
{
    timeline_begin(out, is_surplus(one, event) ? '+' : ' ', event->at_ns);
    if (event->last_resort)
        fprintf(out, "last resort: SIGTERM\n");
    else
        timeline_signal(out, &event->signal, event->shadow);
}

/* Lines in order of time: what came, and what did not. Failures are sorted. */
static void print_timeline(const struct policy_case *one, const struct policy_outcome *outcome,
                           FILE *out)
{
    size_t lines = 0, left = 0, i = 0, f = 0;
    fprintf(out, "  what came (+ not expected, - did not come):\n");
    while (f < outcome->failure_count && outcome->failures[f].at_ns < 0)
        f++;
    while (i < outcome->event_count || f < outcome->failure_count) {
        const struct policy_failure *failure = &outcome->failures[f];
        const struct policy_event *event = i < outcome->event_count ? &outcome->events[i] : NULL;
        bool failed = f < outcome->failure_count &&
                      (i == outcome->event_count || failure->at_ns <= event->at_ns);
        f += failed;
        i += !failed;
        /* Changes of level that nobody asked for hide what matters. */
        bool dull = !failed && !event->last_resort && !event->matched &&
                    event->signal.change == VAGUS_SIGNAL_UPDATED && one->exact != EXACT_ALL &&
                    event->signal.kind != VAGUS_MODE_CHANGE;
        if (dull || lines >= SHOWN_MAX) {
            left++;
        } else if (failed) {
            lines++;
            timeline_begin(out, '-', failure->at_ns);
            print_safe(failure->text, out);
            fputc('\n', out);
        } else {
            lines++;
            print_event(one, event, out);
        }
    }
    timeline_begin(out, ' ', outcome->end_ns);
    fprintf(out, "the input ends");
    if (left > 0)
        fprintf(out, "; %zu changes of level and the like are not shown", left);
    fputc('\n', out);
}

static int by_time(const void *a, const void *b)
{
    const struct policy_failure *x = a, *y = b;
    return (x->at_ns > y->at_ns) - (x->at_ns < y->at_ns);
}

void policy_outcome_text(const struct policy_test *test, const struct policy_case *one,
                         const struct policy_outcome *outcome, FILE *out)
{
    static struct policy_outcome sorted; /* large, and one at a time */
    if (outcome->failure_count == 0)
        return;
    print_place(test, one->place, out);
    print_safe(one->name, out);
    fprintf(out, ": failed\n");
    for (size_t i = 0; i < outcome->failure_count; i++) {
        fputs("  ", out);
        print_place(test, outcome->failures[i].place, out);
        print_safe(outcome->failures[i].text, out);
        fputc('\n', out);
    }
    if (outcome->failures_lost > 0)
        fprintf(out, "  %" PRIu64 " more failures are not shown\n", outcome->failures_lost);
    sorted = *outcome;
    qsort(sorted.failures, sorted.failure_count, sizeof(sorted.failures[0]), by_time);
    print_timeline(one, &sorted, out);
}

static void print_json_string(const char *string, FILE *out)
{
    char shown[6 * 4096 + 8];
    struct text text;
    text_init(&text, shown, sizeof(shown));
    text_add_json(&text, string);
    fputs(text_cut(&text) ? "null" : shown, out);
}

void policy_outcome_json(const struct policy_case *one, const struct policy_outcome *outcome,
                         FILE *out)
{
    fprintf(out, "{\"name\": ");
    print_json_string(one->name, out);
    fprintf(out, ", \"line\": %" PRIu32 ", \"ok\": %s, \"end_ns\": %" PRId64 ", \"failures\": [",
            one->place.line, outcome->failure_count == 0 ? "true" : "false", outcome->end_ns);
    for (size_t i = 0; i < outcome->failure_count; i++) {
        const struct policy_failure *failure = &outcome->failures[i];
        fprintf(out,
                "%s{\"line\": %" PRIu32 ", \"column\": %" PRIu32 ", \"text\": ", i > 0 ? ", " : "",
                failure->place.line, failure->place.column);
        print_json_string(failure->text, out);
        fputc('}', out);
    }
    fprintf(out, "], \"events\": [");
    for (size_t i = 0; i < outcome->event_count; i++) {
        const struct policy_event *event = &outcome->events[i];
        fprintf(out, "%s", i > 0 ? ", " : "");
        if (event->last_resort)
            fprintf(out, "{\"at_ns\": %" PRId64 ", \"last_resort\": true}", event->at_ns);
        else
            timeline_json(out, event->at_ns, &event->signal, event->shadow);
    }
    fprintf(out, "]}");
}
