/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a test of a policy: the same tree, the same checks of keys and values, and the same
 * faults as for policies. */
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "cli/policy_test.h"
#include "config/check.h"
#include "config/file.h"
#include "config/quote.h"
#include "monitor/monitor.h"

#define TEN_YEARS_NS (3652 * SCHEMA_DAY_NS)

static const char *const words_kinds[] = {"counter", "gauge", NULL};
static const char *const words_changes[] = {"raised", "updated", "cleared", NULL};
static const char *const words_exact[] = {"false", "true", "all", NULL};
static const char *const words_how[] = {"take", "ask", "spend", "give", NULL};
static const char *const words_answer[] = {"go", "wait", "no", NULL};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const struct schema_key metric_keys[] = {
    {"name", SCHEMA_NAME, schema_required, 1, VAGUS_NAME_MAX - 1, NULL, "as the rule names it"},
    {"kind", SCHEMA_WORD, NULL, 0, 0, words_kinds, "gauge if not given"},
    {"unit", SCHEMA_TEXT, NULL, 1, VAGUS_UNIT_MAX - 1, NULL, "UCUM; 1 if not given"},
    {"resource", SCHEMA_NAME, NULL, 1, VAGUS_RESOURCE_MAX - 1, NULL, "whose signals are raised"},
    {"min", SCHEMA_TEXT, NULL, 1, 40, NULL, "the least value there can be"},
    {"max", SCHEMA_TEXT, NULL, 1, 40, NULL, "the greatest"},
    {"good_for", SCHEMA_TIME, NULL, 1, TEN_YEARS_NS, NULL, "how long a value stays good"},
    {"recorded", SCHEMA_BOOL, NULL, 0, 0, NULL, "by agent code, not by a collector"},
};
static const struct schema schema_metric = {"a metric", metric_keys, LENGTH(metric_keys)};

static const struct schema_key expect_keys[] = {
    {"at", SCHEMA_TEXT, schema_required, 1, 80, NULL, "a time, or from..to"},
    {"signal", SCHEMA_WORD, NULL, 0, 0, schema_severities, "throttle, defer or shutdown"},
    {"about", SCHEMA_NAME, NULL, 1, VAGUS_RESOURCE_MAX - 1, NULL, "the resource"},
    {"change", SCHEMA_WORD, NULL, 0, 0, words_changes, "raised if not given"},
    {"rule", SCHEMA_NAME, NULL, 1, VAGUS_NAME_MAX - 1, NULL, "the foremost reason"},
    {"metric", SCHEMA_NAME, NULL, 1, VAGUS_NAME_MAX - 1, NULL, "that crossed its threshold"},
    {"instance", SCHEMA_TEXT, NULL, 1, VAGUS_INSTANCE_MAX - 1, NULL, "of the metric"},
    {"level", SCHEMA_TEXT, NULL, 1, 40, NULL, "a share, or from..to"},
    {"shadow", SCHEMA_BOOL, NULL, 0, 0, NULL, "of a rule that is never delivered"},
    {"mode", SCHEMA_NAME, NULL, 1, VAGUS_MODE_MAX - 1, NULL, "a mode that is entered"},
    {"cap", SCHEMA_NAME, NULL, 1, VAGUS_NAME_MAX - 1, NULL, "a cap, as it is at that time"},
    {"most", SCHEMA_TEXT, NULL, 1, 40, NULL, "what the cap allows, or none"},
    {"last_resort", SCHEMA_BOOL, NULL, 0, 0, NULL, "SIGTERM to the process"},
};
static const struct schema schema_expect = {"an expectation", expect_keys, LENGTH(expect_keys)};

static const struct schema_key ask_keys[] = {
    {"at", SCHEMA_TIME, schema_required, 0, TEN_YEARS_NS, NULL, "when"},
    {"budget", SCHEMA_NAME, schema_required, 1, VAGUS_NAME_MAX - 1, NULL, "which one"},
    {"amount", SCHEMA_AMOUNT, schema_required, 0, (double)VAGUS_AMOUNT_MAX, NULL, "how much"},
    {"how", SCHEMA_WORD, NULL, 0, 0, words_how, "take if not given"},
    {"answer", SCHEMA_WORD, schema_required, 0, 0, words_answer, "go, wait or no"},
    {"wait", SCHEMA_TEXT, NULL, 1, 80, NULL, "how long: a time, or from..to"},
};
static const struct schema schema_ask = {"a question", ask_keys, LENGTH(ask_keys)};

static const struct schema_key consent_keys[] = {
    {"at", SCHEMA_TIME, schema_required, 0, TEN_YEARS_NS, NULL, "when"},
    {"to", SCHEMA_NAME, schema_required, 1, VAGUS_MODE_MAX - 1, NULL, "the mode that waits for it"},
};
static const struct schema schema_consent = {"a consent", consent_keys, LENGTH(consent_keys)};

static const struct schema_key case_keys[] = {
    {"name", SCHEMA_TEXT, schema_required, 1, 120, NULL, "what it shows"},
    {"every", SCHEMA_TIME, NULL, SCHEMA_MS_NS, SCHEMA_DAY_NS, NULL, "the step of its series"},
    {"lasts", SCHEMA_TIME, NULL, SCHEMA_MS_NS, TEN_YEARS_NS, NULL, "how long it goes on"},
    {"series", SCHEMA_ANY, schema_required, 0, 0, NULL, "the input: metric: \"50% x60, _ x10\""},
    {"expect", SCHEMA_MANY, NULL, 0, 10000, &schema_expect, "signals, with their times"},
    {"ask", SCHEMA_MANY, NULL, 0, 10000, &schema_ask, "questions to budgets"},
    {"consent", SCHEMA_MANY, NULL, 0, 10000, &schema_consent, "to transitions that wait for it"},
    {"exact", SCHEMA_WORD, NULL, 0, 0, words_exact, "whether all that comes must be expected"},
};
static const struct schema schema_case = {"a case", case_keys, LENGTH(case_keys)};

static const struct schema_key test_keys[] = {
    {"policy", SCHEMA_ANY, schema_required, 0, 0, NULL, "its file, or the policy itself"},
    {"every", SCHEMA_TIME, NULL, SCHEMA_MS_NS, SCHEMA_DAY_NS, NULL, "the step of all series"},
    {"metrics", SCHEMA_MANY, NULL, 0, POLICY_TEST_SERIES_MAX, &schema_metric,
     "those that no sense of vagus fills"},
    {"cases", SCHEMA_MANY, schema_required, 1, POLICY_TEST_CASES_MAX, &schema_case, "at least one"},
};
const struct schema policy_test_schema = {"a test", test_keys, LENGTH(test_keys)};

char *policy_test_keep(struct policy_test *test, char *string)
{
    if (string != NULL && test->name_count == test->name_room) {
        size_t room = test->name_room == 0 ? 64 : 2 * test->name_room;
        char **names = realloc(test->names, room * sizeof(*names));
        if (names == NULL) {
            free(string);
            return NULL;
        }
        test->names = names;
        test->name_room = room;
    }
    if (string != NULL)
        test->names[test->name_count++] = string;
    return string;
}

/* --- The policy. --- */

/* Relative to the folder of the test. */
static char *beside(const char *test_path, const char *policy)
{
    const char *slash = strrchr(test_path, '/');
    char *path = NULL;
    if (policy[0] == '/' || slash == NULL)
        return strdup(policy);
    if (asprintf(&path, "%.*s/%s", (int)(slash - test_path), test_path, policy) < 0)
        return NULL;
    return path;
}

/* The lines of an inline policy, after as many empty ones as stand before it, so that its faults
 * have the places that they have in the file. */
static char *cut_out(const char *source, size_t length, const struct tree_node *node)
{
    uint32_t end_line = node->next != NULL ? node->next->key_place.line : UINT32_MAX;
    char *text = calloc(1, length + 1);
    size_t used = 0;
    uint32_t line = 1;
    for (const char *c = source; text != NULL && c < source + length && line < end_line; c++) {
        if (line >= node->place.line || *c == '\n')
            text[used++] = *c;
        line += *c == '\n';
    }
    return text;
}

static int load_policy(struct policy_test *test, size_t length, const struct tree_node *node,
                       struct vagus_fault_list *faults)
{
    static struct vagus_fault_list of_policy;
    bool inside = node->kind == TREE_MAPPING;
    if (!inside && (node->kind != TREE_SCALAR || node->text[0] == '\0')) {
        fault_add(faults,
                  &(struct fault_at){.code = VAGUS_EPOLICY,
                                     .line = node->place.line,
                                     .column = node->place.column},
                  "policy: expected a file, relative to this one, or the policy itself");
        return VAGUS_EPOLICY;
    }
    if (inside && node->place.line == node->key_place.line) {
        fault_add(faults,
                  &(struct fault_at){.code = VAGUS_EPOLICY,
                                     .line = node->place.line,
                                     .column = node->place.column},
                  "policy: write it below, not in braces");
        return VAGUS_EPOLICY;
    }
    if (inside)
        test->policy_text = cut_out(test->source, length, node);
    else
        test->policy_path = beside(test->path, node->text);
    if (test->policy_text == NULL && test->policy_path == NULL)
        return VAGUS_ENOMEM;
    int error = config_load(test->policy_path, test->policy_text, &monitor_vocabulary, &of_policy,
                            &test->config);
    for (uint32_t i = 0; error != 0 && i < of_policy.count; i++) {
        const struct vagus_fault *fault = &of_policy.faults[i];
        if (fault->warning)
            continue;
        if (inside)
            fault_add(faults,
                      &(struct fault_at){
                          .code = fault->code, .line = fault->line, .column = fault->column},
                      "%s", fault->text);
        else
            fault_add(faults,
                      &(struct fault_at){.code = fault->code,
                                         .line = node->place.line,
                                         .column = node->place.column},
                      "policy: %s:%u:%u: %.160s", quote_plain(node->text).text, fault->line,
                      fault->column, fault->text);
    }
    return error;
}

/* --- The whole. --- */

static int read_cases(struct policy_test *test, const struct tree_node *root,
                      struct vagus_fault_list *faults)
{
    const struct tree_node *list = tree_member(root, "cases");
    test->cases = calloc(list->count + 1, sizeof(*test->cases));
    if (test->cases == NULL)
        return VAGUS_ENOMEM;
    int error = 0;
    for (const struct tree_node *node = list->first; error == 0 && node != NULL; node = node->next)
        error = policy_test_read_case(test, &test->cases[test->case_count++], root, node, faults);
    return error;
}

static int read_source(struct policy_test *test, size_t length, struct vagus_fault_list *faults)
{
    struct check check = {.vocabulary = &monitor_vocabulary, .faults = faults};
    int error = tree_parse(&test->tree, test->source, length, faults);
    if (error != 0)
        return error;
    struct tree_node *root = test->tree.root;
    if (root == NULL || root->kind != TREE_MAPPING) {
        check_fault(&check, root != NULL ? root->place : (struct tree_place){1, 1},
                    "expected \"policy:\" and \"cases:\"");
        return VAGUS_EPOLICY;
    }
    check_mapping(&check, &policy_test_schema, root);
    if (faults->errors > 0)
        return VAGUS_EPOLICY;
    error = load_policy(test, length, tree_member(root, "policy"), faults);
    if (error == 0)
        error = read_cases(test, root, faults);
    return error == 0 && faults->errors > 0 ? VAGUS_EPOLICY : error;
}

int policy_test_read(struct policy_test *test, const char *path, const char *text,
                     struct vagus_fault_list *faults)
{
    size_t length = text != NULL ? strlen(text) : 0;
    int error = 0;
    *test = (struct policy_test){.path = path};
    fault_list_init(faults, path);
    if (text != NULL)
        test->source = strdup(text);
    else
        error = file_read(path, faults, &test->source, &length);
    if (error == 0)
        error = test->source == NULL ? VAGUS_ENOMEM : read_source(test, length, faults);
    if (error == VAGUS_ENOMEM)
        fault_add(faults, &(struct fault_at){.code = error}, "%s", vagus_error_message(error));
    return error;
}

void policy_test_finish(struct policy_test *test)
{
    for (size_t i = 0; i < test->case_count; i++) {
        struct policy_case *one = &test->cases[i];
        for (size_t j = 0; one->series != NULL && j < one->metric_count; j++)
            series_finish(&one->series[j]);
        free(one->series);
        free(one->metrics);
        free(one->expected);
        free(one->asks);
        free(one->agreements);
    }
    for (size_t i = 0; i < test->name_count; i++)
        free(test->names[i]);
    free(test->names);
    free(test->cases);
    free(test->source);
    free(test->policy_path);
    free(test->policy_text);
    config_free(test->config);
    tree_finish(&test->tree);
    *test = (struct policy_test){0};
}
