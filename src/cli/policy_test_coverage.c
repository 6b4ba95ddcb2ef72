/* SPDX-License-Identifier: Apache-2.0 */
/* Which rules, severities and edges the tests of a run brought about, by looking at every rule
 * after each step. Rules of one name are one: instances add up. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/policy_test.h"

static const char *const severities[] = {"throttle", "defer", "shutdown"};

static void add_rule(struct policy_coverage *coverage, const struct config_rule *rule)
{
    struct policy_coverage_rule *one = &coverage->rules[coverage->rule_count];
    bool escalates = rule->escalate_after_ns > 0 || rule->relief_within_ns > 0;
    one->name = strdup(rule->name);
    one->present[0] = rule->throttle.present;
    one->present[1] = rule->defer.present;
    one->present[2] = rule->shutdown.present;
    for (unsigned s = 1; s < VAGUS_SIGNAL_KINDS; s++)
        one->escalates[s] = escalates && (one->present[s - 1] || one->escalates[s - 1]);
    coverage->rule_count += one->name != NULL;
}

static void add_budget(struct policy_coverage *coverage, const struct config_budget *budget)
{
    struct policy_coverage_rule *one = &coverage->rules[coverage->rule_count];
    if (!budget->warning.present && !budget->critical.present)
        return;
    one->name = strdup(budget->name);
    if (budget->warning.present)
        one->present[budget->warning.raises] = true;
    if (budget->critical.present)
        one->present[budget->critical.raises] = true;
    coverage->rule_count += one->name != NULL;
}

static const char *const whens[] = {"clear", "throttle", "defer", "shutdown"};

static int add_transition(struct policy_coverage *coverage,
                          const struct config_transition *transition)
{
    struct policy_coverage_transition *one = &coverage->transitions[coverage->transition_count++];
    bool about = transition->resource != NULL;
    one->when = transition->when;
    one->from = strdup(transition->from);
    one->to = strdup(transition->to);
    one->resource = about ? strdup(transition->resource) : NULL;
    snprintf(one->name, sizeof(one->name), "%s to %s, when %s%s%s", transition->from,
             transition->to, whens[transition->when], about ? " on " : "",
             about ? transition->resource : "");
    bool whole = one->from != NULL && one->to != NULL && (!about || one->resource != NULL);
    return whole ? 0 : VAGUS_ENOMEM;
}

int policy_coverage_begin(struct policy_coverage *coverage, const struct policy_test *test)
{
    const struct vagus_config *config = test->config;
    *coverage = (struct policy_coverage){
        .policy =
            test->policy_path != NULL ? realpath(test->policy_path, NULL) : strdup(test->path),
        .rules =
            calloc((size_t)config->rule_count + config->budget_count + 1, sizeof(*coverage->rules)),
        .transitions = calloc((size_t)config->transition_count + 1, sizeof(*coverage->transitions)),
    };
    if (coverage->policy == NULL || coverage->rules == NULL || coverage->transitions == NULL)
        return VAGUS_ENOMEM;
    if (config->mode_count > 0)
        text_copy(coverage->first_mode, sizeof(coverage->first_mode), config->modes[0].name);
    for (uint32_t i = 0; i < config->transition_count; i++)
        if (add_transition(coverage, &config->transitions[i]) != 0)
            return VAGUS_ENOMEM;
    for (uint32_t i = 0; i < config->rule_count; i++)
        add_rule(coverage, &config->rules[i]);
    for (uint32_t i = 0; i < config->budget_count; i++)
        add_budget(coverage, &config->budgets[i]);
    return 0;
}

static void look(const struct judge_watched *watched, void *arg)
{
    struct policy_coverage *coverage = arg;
    struct policy_coverage_rule *one = coverage->rules;
    size_t i = 0;
    while (i < coverage->rule_count && strcmp(one[i].name, watched->rule->name) != 0)
        i++;
    if (i == coverage->rule_count)
        return;
    one = &one[i];
    one->missing |= one->known && !watched->known;
    one->known |= watched->known;
    for (unsigned s = 0; s < VAGUS_SIGNAL_KINDS; s++) {
        one->is_raised[s] |= watched->raised[s];
        one->escalated[s] |= watched->escalated[s];
    }
}

static bool are_same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* The transition that was taken in the newest step, if one was. */
static void look_at_mode(struct policy_coverage *coverage, const struct rehearsal *rehearsal)
{
    struct rehearsal_transition taken;
    rehearsal_transition(rehearsal, &taken);
    if (taken.changes == coverage->changes)
        return;
    coverage->changes = taken.changes;
    for (size_t i = 0; i < coverage->transition_count; i++) {
        struct policy_coverage_transition *one = &coverage->transitions[i];
        one->taken |= one->when == taken.when && are_same(one->from, taken.from) &&
                      are_same(one->to, taken.to) && are_same(one->resource, taken.resource);
    }
}

void policy_coverage_look(struct policy_coverage *coverage, const struct rehearsal *rehearsal)
{
    look_at_mode(coverage, rehearsal);
    for (size_t i = 0; i < coverage->rule_count; i++)
        memset(coverage->rules[i].is_raised, 0, sizeof(coverage->rules[i].is_raised));
    rehearsal_watched(rehearsal, look, coverage);
    for (size_t i = 0; i < coverage->rule_count; i++)
        for (unsigned s = 0; s < VAGUS_SIGNAL_KINDS; s++) {
            struct policy_coverage_rule *one = &coverage->rules[i];
            one->raised[s] |= one->is_raised[s];
            one->cleared[s] |= one->was_raised[s] && !one->is_raised[s];
            one->was_raised[s] = one->is_raised[s];
        }
}

void policy_coverage_case(struct policy_coverage *coverage)
{
    coverage->changes = 0;
    for (size_t i = 0; i < coverage->rule_count; i++) {
        memset(coverage->rules[i].was_raised, 0, sizeof(coverage->rules[i].was_raised));
        coverage->rules[i].known = false;
    }
}

void policy_coverage_finish(struct policy_coverage *coverage)
{
    for (size_t i = 0; i < coverage->rule_count; i++)
        free((char *)coverage->rules[i].name);
    for (size_t i = 0; i < coverage->transition_count; i++) {
        free((char *)coverage->transitions[i].from);
        free((char *)coverage->transitions[i].to);
        free((char *)coverage->transitions[i].resource);
    }
    free(coverage->transitions);
    free(coverage->rules);
    free(coverage->policy);
    *coverage = (struct policy_coverage){0};
}

/* --- Showing. --- */

/* Calls for each edge: whether it was reached. */
static void each_edge(const struct policy_coverage_rule *one,
                      void (*on_edge)(const char *edge, bool reached, void *arg), void *arg)
{
    char edge[64];
    for (unsigned s = 0; s < VAGUS_SIGNAL_KINDS; s++) {
        snprintf(edge, sizeof(edge), "%s raised", severities[s]);
        if (one->present[s])
            on_edge(edge, one->raised[s], arg);
        snprintf(edge, sizeof(edge), "%s cleared", severities[s]);
        if (one->present[s])
            on_edge(edge, one->cleared[s], arg);
        snprintf(edge, sizeof(edge), "escalated to %s", severities[s]);
        if (one->escalates[s])
            on_edge(edge, one->escalated[s], arg);
    }
    on_edge("value missing", one->missing, arg);
}

struct tally {
    unsigned edges, reached;
    struct text *missing;
};

static void tally_edge(const char *edge, bool reached, void *arg)
{
    struct tally *tally = arg;
    tally->edges++;
    tally->reached += reached;
    if (!reached && tally->missing != NULL)
        text_addf(tally->missing, "%s%s", tally->missing->length > 0 ? ", " : "", edge);
}

/* True at the first transition to a mode that none was taken to: named once. The first mode was
 * entered by beginning. */
static bool leads_to_unentered(const struct policy_coverage *coverage, size_t index)
{
    const char *to = coverage->transitions[index].to;
    if (strcmp(to, coverage->first_mode) == 0)
        return false;
    for (size_t i = 0; i < coverage->transition_count; i++)
        if (strcmp(coverage->transitions[i].to, to) == 0 &&
            (coverage->transitions[i].taken || i < index))
            return false;
    return true;
}

static size_t count_taken(const struct policy_coverage *coverage)
{
    size_t taken = 0;
    for (size_t i = 0; i < coverage->transition_count; i++)
        taken += coverage->transitions[i].taken;
    return taken;
}

static void print_modes(const struct policy_coverage *coverage, FILE *out)
{
    for (size_t i = 0; i < coverage->transition_count; i++)
        if (leads_to_unentered(coverage, i))
            fprintf(out, "  mode %s: no test enters it\n", coverage->transitions[i].to);
    for (size_t i = 0; i < coverage->transition_count; i++)
        if (!coverage->transitions[i].taken)
            fprintf(out, "  mode %s: not taken\n", coverage->transitions[i].name);
}

void policy_coverage_text(const struct policy_coverage *coverage, FILE *out)
{
    struct tally all = {0};
    char shown[1024], line[512];
    struct text text;
    for (size_t i = 0; i < coverage->rule_count; i++)
        each_edge(&coverage->rules[i], tally_edge, &all);
    text_init(&text, shown, sizeof(shown));
    text_add_safe(&text, coverage->policy, 1000);
    fprintf(out, "%s: %u of %u edges of %zu rules", shown, all.reached, all.edges,
            coverage->rule_count);
    if (coverage->transition_count > 0)
        fprintf(out, " and %zu of %zu transitions", count_taken(coverage),
                coverage->transition_count);
    fprintf(out, " reached\n");
    for (size_t i = 0; i < coverage->rule_count; i++) {
        text_init(&text, line, sizeof(line));
        struct tally one = {.missing = &text};
        each_edge(&coverage->rules[i], tally_edge, &one);
        if (one.reached == 0)
            fprintf(out, "  %s: no test reaches it\n", coverage->rules[i].name);
        else if (one.reached < one.edges)
            fprintf(out, "  %s: not reached: %s\n", coverage->rules[i].name, line);
    }
    print_modes(coverage, out);
}

struct json_edges {
    FILE *out;
    unsigned count;
};

static void json_edge(const char *edge, bool reached, void *arg)
{
    struct json_edges *edges = arg;
    if (!reached)
        fprintf(edges->out, "%s\"%s\"", edges->count++ > 0 ? ", " : "", edge);
}

void policy_coverage_json(const struct policy_coverage *coverage, FILE *out)
{
    char shown[6 * 1024];
    struct tally all = {0};
    struct text text;
    for (size_t i = 0; i < coverage->rule_count; i++)
        each_edge(&coverage->rules[i], tally_edge, &all);
    text_init(&text, shown, sizeof(shown));
    text_add_json(&text, coverage->policy);
    fprintf(out, "{\"policy\": %s, \"edges\": %u, \"reached\": %u, \"rules\": [",
            text_cut(&text) ? "null" : shown, all.edges, all.reached);
    for (size_t i = 0; i < coverage->rule_count; i++) {
        struct json_edges edges = {.out = out};
        fprintf(out, "%s{\"rule\": \"%s\", \"not_reached\": [", i > 0 ? ", " : "",
                coverage->rules[i].name);
        each_edge(&coverage->rules[i], json_edge, &edges);
        fprintf(out, "]}");
    }
    fprintf(out, "], \"transitions\": [");
    for (size_t i = 0; i < coverage->transition_count; i++)
        fprintf(out, "%s{\"transition\": \"%s\", \"to\": \"%s\", \"taken\": %s}", i > 0 ? ", " : "",
                coverage->transitions[i].name, coverage->transitions[i].to,
                coverage->transitions[i].taken ? "true" : "false");
    fprintf(out, "]}");
}
