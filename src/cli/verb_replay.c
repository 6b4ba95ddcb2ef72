/* SPDX-License-Identifier: Apache-2.0 */
/* vagus replay: a record through a policy, beside what was signalled live or beside another
 * policy. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/replay.h"
#include "cli/timeline.h"

extern const struct cli_verb cli_verb_replay;

#define APART_NS VAGUS_SECOND_NS /* of two transitions that are the same one */

struct options {
    const char *file, *policy, *against;
    bool json, updates;
};

/* One of the two things that are compared. */
struct side {
    const char *name; /* of the policy; NULL: what was signalled live */
    struct replay_events events;
    struct replay_notes notes;
    size_t *match; /* in the other's events */
    size_t transitions;
};

static void print_safe(const char *string)
{
    char shown[1024];
    struct text text;
    text_init(&text, shown, sizeof(shown));
    text_add_safe(&text, string, 1000);
    fputs(shown, stdout);
}

static const char *name_of(const struct side *side)
{
    return side->name != NULL ? side->name : "the built-in policy";
}

/* --- For people. --- */

static void print_duration(const char *before, int64_t ns, const char *after)
{
    char shown[64];
    struct text text;
    text_init(&text, shown, sizeof(shown));
    text_add_duration(&text, ns);
    printf("%s%s%s", before, shown, after);
}

static void print_about(const struct record *record, const struct side *side)
{
    const struct record_about *about = &record->about;
    char when[32] = "?";
    time_t end = (time_t)(about->wall_to_ns / VAGUS_SECOND_NS);
    struct tm parts;
    if (gmtime_r(&end, &parts) != NULL)
        strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &parts);
    printf("record of ");
    print_safe(about->agent);
    printf(" (");
    print_safe(about->program);
    printf(", pid %" PRId64 ") up to %s: ", about->pid, when);
    print_duration("", side->notes.last_ns - side->notes.first_ns, " of ");
    printf("%u metric%s that rules look at\n", side->notes.fed, side->notes.fed == 1 ? "" : "s");
    printf("open loop: what a signal would have changed is not known, and what was raised before "
           "the record begins is not either\n");
}

static void print_notes(const struct side *side)
{
    const struct replay_notes *notes = &side->notes;
    if (notes->absent > 0) {
        print_safe(name_of(side));
        printf(": %u of the metrics that it looks at are not in the record, the first is %s\n",
               notes->absent, notes->first_absent);
    }
    if (notes->asked > 0) {
        print_safe(name_of(side));
        printf(": marks of %u budget%s are not replayed, the first is %s: what the agent took is "
               "not recorded\n",
               notes->asked, notes->asked == 1 ? "" : "s", notes->first_asked);
    }
    if (notes->histograms > 0) {
        print_safe(name_of(side));
        printf(": rules on %u histograms are not replayed\n", notes->histograms);
    }
    if (notes->coarse > 0) {
        print_safe(name_of(side));
        printf(": %u metrics are known in buckets of up to ", notes->coarse);
        print_duration("", notes->coarsest_ns, " for a part: what was shorter is not seen\n");
    }
    if (notes->last_resorts > 0) {
        print_safe(name_of(side));
        printf(": the last resort, SIGTERM, came %u times\n", notes->last_resorts);
    }
    if (side->events.lost > 0) {
        print_safe(name_of(side));
        printf(": %" PRIu64 " signals more than can be kept\n", side->events.lost);
    }
}

static bool is_shown(const struct replay_event *event, bool updates)
{
    return updates || event->signal.change != VAGUS_SIGNAL_UPDATED ||
           event->signal.kind == VAGUS_MODE_CHANGE;
}

static void print_line(char mark, const struct replay_event *event, int64_t begin_ns)
{
    timeline_begin(stdout, mark, event->signal.at_ns - begin_ns);
    timeline_signal(stdout, &event->signal, event->shadow);
}

/* Both in one timeline; what both have is shown once, as the first has it. */
static void print_both(const struct side *first, const struct side *second, bool updates,
                       int64_t begin_ns)
{
    size_t a = 0, b = 0;
    while (a < first->events.count || b < second->events.count) {
        const struct replay_event *x = a < first->events.count ? &first->events.events[a] : NULL,
                                  *y = b < second->events.count ? &second->events.events[b] : NULL;
        if (y == NULL || (x != NULL && x->signal.at_ns <= y->signal.at_ns)) {
            if (is_shown(x, updates))
                print_line(first->match[a] != 0 ? ' ' : '<', x, begin_ns);
            a++;
        } else {
            if (is_shown(y, updates) && second->match[b] == 0)
                print_line('>', y, begin_ns);
            b++;
        }
    }
}

static void count_transitions(struct side *side)
{
    side->transitions = 0;
    for (size_t i = 0; i < side->events.count; i++)
        side->transitions += side->events.events[i].signal.change != VAGUS_SIGNAL_UPDATED;
}

static void print_people(const struct record *record, const struct options *options,
                         const struct side *first, const struct side *second, size_t matched)
{
    print_about(record, first);
    print_notes(first);
    if (options->against != NULL)
        print_notes(second);
    printf("  < ");
    print_safe(name_of(first));
    printf(" alone, > ");
    print_safe(options->against != NULL ? name_of(second) : "live");
    printf(" alone, else both\n");
    print_both(first, second, options->updates, first->notes.first_ns);
    timeline_begin(stdout, ' ', first->notes.last_ns - first->notes.first_ns);
    printf("the record ends\n");
    print_safe(name_of(first));
    printf(": %zu raised or cleared; ", first->transitions);
    print_safe(options->against != NULL ? name_of(second) : "live");
    printf(": %zu; %zu in both\n", second->transitions, matched);
}

/* --- For programs. --- */

static void print_json_string(const char *string)
{
    char shown[6 * 4096 + 8];
    struct text text;
    text_init(&text, shown, sizeof(shown));
    text_add_json(&text, string);
    fputs(text_cut(&text) ? "null" : shown, stdout);
}

static void print_json_events(const struct side *side, int64_t begin_ns)
{
    printf("[");
    for (size_t i = 0; i < side->events.count; i++) {
        printf("%s\n   ", i > 0 ? "," : "");
        timeline_json(stdout, side->events.events[i].signal.at_ns - begin_ns,
                      &side->events.events[i].signal, side->events.events[i].shadow);
    }
    printf("]");
}

static void print_json_side(const struct side *side, int64_t begin_ns)
{
    const struct replay_notes *notes = &side->notes;
    printf("{\"policy\": ");
    if (side->name != NULL)
        print_json_string(side->name);
    else
        printf("null");
    printf(", \"metrics\": %u, \"absent_metrics\": %u, \"budgets_not_replayed\": %u, "
           "\"coarsest_ns\": %" PRId64 ", \"last_resorts\": %u, \"lost\": %" PRIu64
           ", \"transitions\": %zu, \"events\": ",
           notes->fed, notes->absent, notes->asked, notes->coarsest_ns, notes->last_resorts,
           side->events.lost, side->transitions);
    print_json_events(side, begin_ns);
    printf("}");
}

static void print_json(const struct record *record, const struct options *options,
                       const struct side *first, const struct side *second, size_t matched)
{
    int64_t begin_ns = first->notes.first_ns;
    printf("{\"agent\": ");
    print_json_string(record->about.agent);
    printf(", \"pid\": %" PRId64 ", \"open_loop\": true, \"begin_ns\": %" PRId64
           ", \"end_ns\": %" PRId64 ", \"in_both\": %zu,\n \"replay\": ",
           record->about.pid, begin_ns, first->notes.last_ns, matched);
    print_json_side(first, begin_ns);
    printf(",\n \"%s\": ", options->against != NULL ? "against" : "live");
    if (options->against != NULL)
        print_json_side(second, begin_ns);
    else
        print_json_events(second, begin_ns);
    printf("}\n");
}

/* --- The verb. --- */

static int complain(const struct side *side, int error, const struct vagus_fault_list *faults)
{
    if (error == VAGUS_ENOENT && faults->errors == 0)
        return cli_error(&cli_verb_replay, "nothing that %s looks at is in the record",
                         name_of(side));
    for (uint32_t i = 0; i < faults->count; i++)
        if (!faults->faults[i].warning)
            fprintf(stderr, "%s:%u:%u: error: %s\n", faults->source, faults->faults[i].line,
                    faults->faults[i].column, faults->faults[i].text);
    return cli_error(&cli_verb_replay, "%s: %s", name_of(side), vagus_error_message(error));
}

static int run_side(const struct record *record, struct side *side)
{
    static struct vagus_fault_list faults;
    faults.errors = faults.count = 0;
    int error = replay_run(record, side->name, &faults, &side->events, &side->notes);
    return error == 0 ? CLI_OK : complain(side, error, &faults);
}

static int compare(const struct record *record, const struct options *options, struct side *first,
                   struct side *second)
{
    size_t matched = 0;
    first->match = calloc(first->events.count + 1, sizeof(*first->match));
    second->match = calloc(second->events.count + 1, sizeof(*second->match));
    if (first->match == NULL || second->match == NULL)
        return cli_error(&cli_verb_replay, "%s", vagus_error_message(VAGUS_ENOMEM));
    count_transitions(first);
    count_transitions(second);
    matched = (size_t)replay_match(&first->events, &second->events, APART_NS, first->match,
                                   second->match);
    if (options->json)
        print_json(record, options, first, second, matched);
    else
        print_people(record, options, first, second, matched);
    return CLI_OK;
}

static int replay(const struct options *options)
{
    struct record record;
    struct side first = {.name = options->policy}, second = {.name = options->against};
    const char *why;
    int status = CLI_OK;
    if (record_open_file(&record, options->file, &why) != 0)
        status = cli_error(&cli_verb_replay, "%s: %s", options->file, why);
    if (status == CLI_OK)
        status = run_side(&record, &first);
    if (status == CLI_OK && options->against != NULL)
        status = run_side(&record, &second);
    else if (status == CLI_OK && replay_live(&record, &second.events) != 0)
        status = cli_error(&cli_verb_replay, "%s", vagus_error_message(VAGUS_ENOMEM));
    if (status == CLI_OK)
        status = compare(&record, options, &first, &second);
    replay_finish(&first.events);
    replay_finish(&second.events);
    free(first.match);
    free(second.match);
    record_close(&record);
    return status;
}

static int run(int argc, char **argv)
{
    struct options options = {0};
    int status = cli_parse(&cli_verb_replay, argc, argv, &options);
    return status == CLI_OK ? replay(&options) : status;
}

static const struct cli_argument takes[] = {
    {.kind = CLI_FILE,
     .value = "RECORD",
     .help = "what `vagus record` wrote",
     CLI_AT(struct options, file)},
    {.name = "policy",
     .kind = CLI_FILE,
     .value = "FILE",
     .help = "the policy; the built-in one if not given",
     CLI_AT(struct options, policy)},
    {.name = "against",
     .kind = CLI_FILE,
     .value = "FILE",
     .help = "another one, in place of what was signalled live",
     CLI_AT(struct options, against)},
    {.name = "updates",
     .kind = CLI_FLAG,
     .help = "changes of level, too",
     CLI_AT(struct options, updates)},
    CLI_JSON_OPTION(struct options),
    {0},
};

static const struct cli_exit exits[] = {
    {0, "replayed"},
    {1, "the record or a policy cannot be used"},
    {0},
};

const struct cli_verb cli_verb_replay = {
    .name = "replay",
    .summary = "show what a policy would have signalled",
    .arguments = takes,
    .about = "Runs a record of `vagus record` through a policy, on a virtual clock, and shows what "
             "it would have raised and cleared, beside what was signalled live or beside another "
             "policy. Open loop: what a signal would have changed is not known.",
    .exits = exits,
    .examples = "vagus replay night.vrec --policy today.yaml --against tomorrow.yaml\n",
    .run = run,
};
