/* SPDX-License-Identifier: Apache-2.0 */
/* vagus test: policies held against input that is written down, on a virtual clock. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/policy_test.h"

extern const struct cli_verb cli_verb_test;

struct tested {
    char **paths; /* ended by NULL */
    bool json, cover;
    unsigned cases, failed, files;
    struct policy_coverage *coverages; /* of each policy */
    size_t coverage_count;
};

static void print_faults(const char *path, const struct vagus_fault_list *faults)
{
    char shown[1024];
    struct text text;
    text_init(&text, shown, sizeof(shown));
    text_add_safe(&text, path, 1000);
    for (uint32_t i = 0; i < faults->count; i++) {
        const struct vagus_fault *fault = &faults->faults[i];
        if (fault->warning)
            continue;
        fprintf(stderr, "%s:", shown);
        if (fault->line > 0)
            fprintf(stderr, "%" PRIu32 ":%" PRIu32 ":", fault->line, fault->column);
        fprintf(stderr, " error: %s\n", fault->text);
    }
    if (faults->total > faults->count)
        fprintf(stderr, "%s: %" PRIu32 " more are not shown\n", shown,
                faults->total - faults->count);
}

/* What is known of this test's policy from files before it, or room for it; NULL: no memory. */
static struct policy_coverage *coverage_for(struct tested *tested, const struct policy_test *test)
{
    struct policy_coverage made, *all;
    if (policy_coverage_begin(&made, test) != 0) {
        policy_coverage_finish(&made);
        return NULL;
    }
    for (size_t i = 0; i < tested->coverage_count; i++)
        if (strcmp(tested->coverages[i].policy, made.policy) == 0) {
            policy_coverage_finish(&made);
            return &tested->coverages[i];
        }
    all = realloc(tested->coverages, (tested->coverage_count + 1) * sizeof(*all));
    if (all == NULL) {
        policy_coverage_finish(&made);
        return NULL;
    }
    tested->coverages = all;
    all[tested->coverage_count] = made;
    return &all[tested->coverage_count++];
}

static void print_json_path(const char *path)
{
    char shown[6 * 4096 + 8];
    struct text text;
    text_init(&text, shown, sizeof(shown));
    text_add_json(&text, path);
    printf("%s", text_cut(&text) ? "null" : shown);
}

static int run_cases(struct tested *tested, const struct policy_test *test)
{
    struct policy_coverage *coverage = tested->cover ? coverage_for(tested, test) : NULL;
    unsigned failed = 0;
    if (tested->cover && coverage == NULL)
        return cli_error(&cli_verb_test, "%s", vagus_error_message(VAGUS_ENOMEM));
    if (tested->json) {
        printf("%s\n {\"file\": ", tested->files > 0 ? "," : "");
        print_json_path(test->path);
        printf(", \"cases\": [");
    }
    for (size_t i = 0; i < test->case_count; i++) {
        struct policy_outcome outcome;
        policy_case_run(test, &test->cases[i], coverage, &outcome);
        failed += outcome.failure_count > 0;
        if (tested->json) {
            printf("%s\n  ", i > 0 ? "," : "");
            policy_outcome_json(&test->cases[i], &outcome, stdout);
        } else {
            policy_outcome_text(test, &test->cases[i], &outcome, stdout);
        }
        policy_outcome_finish(&outcome);
    }
    if (tested->json)
        printf("]}");
    tested->files++;
    tested->cases += (unsigned)test->case_count;
    tested->failed += failed;
    return failed > 0 ? CLI_FAILED : CLI_OK;
}

static int run_file(struct tested *tested, const char *path)
{
    static struct vagus_fault_list faults;
    struct policy_test test;
    int status = CLI_USAGE;
    if (policy_test_read(&test, path, NULL, &faults) != 0)
        print_faults(path, &faults);
    else
        status = run_cases(tested, &test);
    policy_test_finish(&test);
    return status;
}

static void print_end(const struct tested *tested)
{
    if (!tested->json) {
        for (size_t i = 0; i < tested->coverage_count; i++)
            policy_coverage_text(&tested->coverages[i], stdout);
        printf("%u case%s, %u failed\n", tested->cases, tested->cases == 1 ? "" : "s",
               tested->failed);
        return;
    }
    printf("],\n \"coverage\": [");
    for (size_t i = 0; i < tested->coverage_count; i++) {
        printf("%s\n  ", i > 0 ? "," : "");
        policy_coverage_json(&tested->coverages[i], stdout);
    }
    printf("],\n \"cases\": %u, \"failed\": %u}\n", tested->cases, tested->failed);
}

static int run(int argc, char **argv)
{
    struct tested tested = {0};
    int status = cli_parse(&cli_verb_test, argc, argv, &tested);
    if (status != CLI_OK)
        return status;
    if (tested.json)
        printf("{\"files\": [");
    for (char **path = tested.paths; *path != NULL; path++) {
        int one = run_file(&tested, *path);
        status = one > status ? one : status;
    }
    print_end(&tested);
    for (size_t i = 0; i < tested.coverage_count; i++)
        policy_coverage_finish(&tested.coverages[i]);
    free(tested.coverages);
    return status;
}

static const struct cli_argument takes[] = {
    {.flags = CLI_MANY,
     .kind = CLI_FILE,
     .value = "FILE",
     .help = "tests, FILE.test.yaml",
     CLI_AT(struct tested, paths)},
    {.name = "coverage",
     .kind = CLI_FLAG,
     .help = "name the rules, severities and edges that no test reached",
     CLI_AT(struct tested, cover)},
    {.name = "json",
     .kind = CLI_FLAG,
     .help = "one JSON object, with all that came in each case",
     CLI_AT(struct tested, json)},
    {0},
};

static const struct cli_exit exits[] = {
    {0, "all passed"},
    {1, "some failed"},
    {CLI_USAGE, "wrong arguments, or a file with faults"},
    {0},
};

const struct cli_verb cli_verb_test = {
    .name = "test",
    .summary = "run the tests of a policy",
    .arguments = takes,
    .about = "Feeds a policy with series that are written down, on a virtual clock, and holds what "
             "it signals, and what its budgets answer, against what is expected. What comes "
             "unexpected fails too. docs/testing-policies.md tells the form.",
    .exits = exits,
    .examples = "vagus test policies/default.test.yaml --coverage\n",
    .run = run,
};
