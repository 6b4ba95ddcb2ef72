/* SPDX-License-Identifier: Apache-2.0 */
/* One case of a test: its metrics and their series, what is expected, what budgets are asked. The
 * keys and values of the file were checked before. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "cli/policy_test.h"
#include "config/check.h"
#include "config/quote.h"
#include "sense/sense.h"

struct reading {
    struct policy_test *test;
    struct policy_case *one;
    struct check check;
};

/* --- Which metric a series is of. --- */

static bool describe_declared(struct reading *reading, const struct tree_node *root,
                              const char *name, struct rehearsal_metric *metric)
{
    const struct tree_node *list = tree_member(root, "metrics"), *node;
    for (const struct tree_node *m = list != NULL ? list->first : NULL; m != NULL; m = m->next) {
        if (strcmp(tree_member(m, "name")->text, name) != 0)
            continue;
        struct vagus_metric_desc *desc = &metric->desc;
        node = tree_member(m, "kind");
        desc->kind = node != NULL && node->value.whole == 0 ? VAGUS_COUNTER : VAGUS_GAUGE;
        node = tree_member(m, "unit");
        desc->unit = node != NULL ? node->text : NULL;
        node = tree_member(m, "resource");
        desc->resource = node != NULL ? node->text : NULL;
        node = tree_member(m, "good_for");
        desc->good_for_ns = node != NULL ? node->value.whole : 0;
        node = tree_member(m, "recorded");
        metric->recorded = node != NULL && node->value.truth;
        static const char *const bounds[] = {"min", "max"};
        for (int i = 0; i < 2; i++) {
            const char *why;
            node = tree_member(m, bounds[i]);
            if (node != NULL && quantity_parse(node->text, dimension_of_unit(desc->unit),
                                               i == 0 ? &desc->min : &desc->max, &why) != 0)
                check_fault(&reading->check, node->place, "%s: %s %s", bounds[i],
                            quote(node->text).text, why);
        }
        return true;
    }
    return false;
}

/* What the policy under test says of the agent's metrics. */
static bool describe_by_policy(const struct reading *reading, const char *name,
                               struct rehearsal_metric *metric, struct nearest *nearest)
{
    const struct vagus_config *config = reading->test->config;
    for (uint32_t i = 0; config != NULL && i < config->metric_count; i++) {
        const struct config_metric *known = &config->metrics[i];
        nearest_offer(nearest, known->name);
        if (strcmp(known->name, name) != 0 || known->kind + 1 == VAGUS_HISTOGRAM)
            continue;
        metric->desc.kind = (enum vagus_metric_kind)(known->kind + 1);
        metric->desc.unit = known->unit != NULL                ? known->unit
                            : metric->desc.kind == VAGUS_GAUGE ? "1"
                                                               : "{count}";
        metric->desc.tier = (enum vagus_tier)(known->tier + 1);
        metric->recorded = true;
        return true;
    }
    return false;
}

static bool describe_sensed(const char *name, struct rehearsal_metric *metric,
                            struct nearest *nearest)
{
    for (size_t i = 0; sense_builtin[i] != NULL; i++)
        for (size_t j = 0; j < sense_builtin[i]->metric_count; j++) {
            const struct vagus_metric_desc *desc = &sense_builtin[i]->metrics[j];
            nearest_offer(nearest, desc->name);
            if (strcmp(desc->name, name) != 0)
                continue;
            metric->desc = *desc;
            return true;
        }
    return false;
}

static bool describe_agents(const char *name, struct rehearsal_metric *metric,
                            struct nearest *nearest)
{
    static const struct {
        const char *name, *unit;
        enum vagus_metric_kind kind;
    } known[] = {
#define ONE(member, name, unit, help) {name, unit, VAGUS_COUNTER},
        VAGUS_AGENT_COUNTERS(ONE)
#undef ONE
#define ONE(member, name, unit, help) {name, unit, VAGUS_GAUGE},
            VAGUS_AGENT_GAUGES(ONE)
#undef ONE
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        nearest_offer(nearest, known[i].name);
        if (strcmp(known[i].name, name) != 0)
            continue;
        metric->desc.kind = known[i].kind;
        metric->desc.unit = known[i].unit;
        metric->recorded = true;
        return true;
    }
    return false;
}

/* "name" or "name{instance}". */
static int describe(struct reading *reading, const struct tree_node *root,
                    const struct tree_node *node, struct rehearsal_metric *metric)
{
    struct nearest nearest;
    char *name = policy_test_keep(reading->test, strdup(node->key)), *instance = NULL;
    if (name == NULL)
        return VAGUS_ENOMEM;
    char *brace = strchr(name, '{');
    size_t length = strlen(name);
    if (brace != NULL && name[length - 1] == '}') {
        name[length - 1] = *brace = '\0';
        instance = brace + 1;
    }
    nearest_init(&nearest, name);
    *metric = (struct rehearsal_metric){0};
    if (!describe_declared(reading, root, name, metric) &&
        !describe_by_policy(reading, name, metric, &nearest) &&
        !describe_sensed(name, metric, &nearest) && !describe_agents(name, metric, &nearest)) {
        if (nearest.best != NULL)
            check_fault(&reading->check, node->key_place, "%s is no metric, did you mean \"%s\"?",
                        quote(name).text, nearest.best);
        else
            check_fault(&reading->check, node->key_place,
                        "%s is no metric; one of your own is described under \"metrics:\"",
                        quote(name).text);
        return 0;
    }
    bool misplaced = instance != NULL && (*instance == '\0' || strlen(instance) >= 64);
    if (misplaced || !text_is_name(name, VAGUS_NAME_MAX - 1))
        check_fault(&reading->check, node->key_place, "%s is no name, or its instance is none",
                    quote(node->key).text);
    else if (metric->desc.instance != NULL && instance == NULL)
        check_fault(&reading->check, node->key_place, "which %s? write %s{…}",
                    metric->desc.label != NULL ? metric->desc.label : "instance", name);
    metric->desc.name = name;
    metric->desc.instance = instance;
    return 0;
}

/* --- Steps. --- */

static int64_t period_ns(const struct rehearsal_metric *metric)
{
    switch (metric->desc.tier) {
    case VAGUS_TIER_INSTANT:
    case VAGUS_TIER_100MS:
        return 100 * VAGUS_MILLISECOND_NS;
    case VAGUS_TIER_10S:
        return 10 * VAGUS_SECOND_NS;
    case VAGUS_TIER_60S:
        return 60 * VAGUS_SECOND_NS;
    default:
        return VAGUS_SECOND_NS;
    }
}

/* What the file says itself. */
static bool is_told_good_for(const struct tree_node *root, const char *name)
{
    const struct tree_node *list = tree_member(root, "metrics");
    for (const struct tree_node *m = list != NULL ? list->first : NULL; m != NULL; m = m->next)
        if (strcmp(tree_member(m, "name")->text, name) == 0)
            return tree_member(m, "good_for") != NULL;
    return false;
}

/* Each step is a sample. How long one stays good is the metric's own affair, but where the file
 * does not say it, never less than three steps. */
static void fit_to_step(struct rehearsal_metric *metric, int64_t every_ns, bool told)
{
    struct vagus_metric_desc *desc = &metric->desc;
    int64_t own_ns = desc->good_for_ns > 0 ? desc->good_for_ns : 3 * period_ns(metric);
    desc->tier = every_ns >= 60 * VAGUS_SECOND_NS         ? VAGUS_TIER_60S
                 : every_ns >= 10 * VAGUS_SECOND_NS       ? VAGUS_TIER_10S
                 : every_ns >= VAGUS_SECOND_NS            ? VAGUS_TIER_1S
                 : every_ns >= 100 * VAGUS_MILLISECOND_NS ? VAGUS_TIER_100MS
                                                          : VAGUS_TIER_INSTANT;
    if (!metric->recorded && !told)
        desc->good_for_ns = own_ns > 3 * every_ns ? own_ns : 3 * every_ns;
}

static void choose_step(struct reading *reading, const struct tree_node *root,
                        const struct tree_node *node)
{
    struct policy_case *one = reading->one;
    const struct tree_node *given = tree_member(node, "every");
    if (given == NULL)
        given = tree_member(root, "every");
    for (size_t i = 0; given == NULL && i < one->metric_count; i++)
        if (one->every_ns == 0 || period_ns(&one->metrics[i]) < one->every_ns)
            one->every_ns = period_ns(&one->metrics[i]);
    if (given != NULL)
        one->every_ns = given->value.whole;
}

static void choose_length(struct reading *reading, const struct tree_node *node)
{
    struct policy_case *one = reading->one;
    const struct tree_node *lasts = tree_member(node, "lasts");
    for (size_t i = 0; i < one->metric_count; i++) {
        uint64_t steps = one->series[i].steps;
        steps += steps > 0 && one->series[i].endless;
        one->steps = steps > one->steps ? steps : one->steps;
    }
    if (lasts != NULL) {
        if (lasts->value.whole % one->every_ns != 0)
            check_fault(&reading->check, lasts->place, "lasts: %s is no whole number of steps",
                        quote(lasts->text).text);
        one->steps = (uint64_t)(lasts->value.whole / one->every_ns) + 1;
    }
    if (one->steps == 0)
        check_fault(&reading->check, node->place,
                    "how long does it last? no series has a count, and there is no \"lasts\"");
    if (one->steps > SERIES_STEPS_MAX)
        check_fault(&reading->check, node->place, "a case has at most %llu steps",
                    (unsigned long long)SERIES_STEPS_MAX);
}

/* --- The series. --- */

/* Where an offset in a scalar lies in the file, if the scalar stands there as it was read. */
static struct tree_place place_within(const struct policy_test *test, const struct tree_node *node,
                                      size_t offset)
{
    struct tree_place place = node->place;
    const char *at = test->source;
    for (uint32_t line = 1; line < place.line && at != NULL; line++) {
        at = strchr(at, '\n');
        at = at != NULL ? at + 1 : NULL;
    }
    for (uint32_t column = 1; at != NULL && column < place.column && *at != '\0'; column++) {
        at++;
        while (((unsigned char)*at & 0xc0) == 0x80)
            at++;
    }
    if (at == NULL)
        return place;
    at += !node->plain && *at != '\0';
    if (strncmp(at, node->text, offset) == 0)
        place.column += (uint32_t)offset + !node->plain;
    return place;
}

static int read_text(struct reading *reading, size_t index, const struct tree_node *node)
{
    const struct rehearsal_metric *metric = &reading->one->metrics[index];
    struct series_fault fault;
    if (node->kind != TREE_SCALAR) {
        check_fault(&reading->check, node->place,
                    "expected a series such as \"50%% x60, _ x10\", or a list of them");
        return 0;
    }
    int error = series_parse(&reading->one->series[index], node->text,
                             dimension_of_unit(metric->desc.unit), reading->one->every_ns, &fault);
    if (error == VAGUS_EPARSE) {
        check_fault(&reading->check, place_within(reading->test, node, fault.offset), "%s",
                    fault.text);
        return 0;
    }
    return error;
}

/* What cannot be, by what the metric is. */
static void check_pieces(struct reading *reading, size_t index, const struct tree_node *node)
{
    const struct rehearsal_metric *metric = &reading->one->metrics[index];
    const struct series *series = &reading->one->series[index];
    for (uint32_t i = 0; i < series->count; i++) {
        const struct series_piece *piece = &series->pieces[i];
        if (piece->what == SERIES_MISSING && metric->recorded)
            check_fault(&reading->check, node->key_place,
                        "%s is recorded by the agent: it cannot fail to be read; write =",
                        metric->desc.name);
        else if (metric->recorded && metric->desc.kind == VAGUS_COUNTER &&
                 (piece->from < 0 || piece->to < piece->from || piece->noise > 0))
            check_fault(&reading->check, node->key_place, "%s is a counter: it only grows",
                        metric->desc.name);
        else
            continue;
        return;
    }
}

static int read_series(struct reading *reading, const struct tree_node *root,
                       const struct tree_node *node)
{
    struct policy_case *one = reading->one;
    const struct tree_node *all = tree_member(node, "series"), *entry;
    int error = 0;
    if (all->kind != TREE_MAPPING || all->count == 0 || all->count > POLICY_TEST_SERIES_MAX) {
        check_fault(&reading->check, all->place,
                    "series: expected 1 to %d lines such as memory.headroom.ratio: 50%% x60",
                    POLICY_TEST_SERIES_MAX);
        return 0;
    }
    one->metrics = calloc(all->count, sizeof(*one->metrics));
    one->series = calloc(all->count, sizeof(*one->series));
    if (one->metrics == NULL || one->series == NULL)
        return VAGUS_ENOMEM;
    one->metric_count = all->count;
    size_t i = 0;
    for (entry = all->first; error == 0 && entry != NULL; entry = entry->next)
        error = describe(reading, root, entry, &one->metrics[i++]);
    if (error != 0 || reading->check.faults->errors > 0)
        return error;
    choose_step(reading, root, node);
    i = 0;
    for (entry = all->first; error == 0 && entry != NULL; entry = entry->next, i++) {
        fit_to_step(&one->metrics[i], one->every_ns,
                    is_told_good_for(root, one->metrics[i].desc.name));
        if (entry->kind != TREE_SEQUENCE)
            error = read_text(reading, i, entry);
        else
            for (const struct tree_node *part = entry->first; error == 0 && part != NULL;
                 part = part->next)
                error = read_text(reading, i, part);
        check_pieces(reading, i, entry);
    }
    if (error == 0 && reading->check.faults->errors == 0)
        choose_length(reading, node);
    return error;
}

/* --- What is expected. --- */

static const char *text_of(const struct tree_node *node, const char *key)
{
    const struct tree_node *member = tree_member(node, key);
    return member != NULL ? member->text : NULL;
}

static void read_times(struct reading *reading, const struct tree_node *node, int64_t *from_ns,
                       int64_t *to_ns)
{
    double from = 0, to = 0;
    const char *why = series_parse_range(node->text, DIMENSION_TIME, &from, &to);
    if (why == NULL && (from < 0 || to > 1e9))
        why = "is out of bounds";
    if (why != NULL)
        check_fault(&reading->check, node->place, "%s: %s %s; expected 7.2s or 7s..8s", node->key,
                    quote(node->text).text, why);
    *from_ns = llround(from * 1e9);
    *to_ns = llround(to * 1e9);
}

static void read_level(struct reading *reading, const struct tree_node *node,
                       struct expectation *expected)
{
    expected->level_from = expected->level_to = NAN;
    if (node == NULL)
        return;
    const char *why =
        series_parse_range(node->text, DIMENSION_RATIO, &expected->level_from, &expected->level_to);
    if (why != NULL)
        check_fault(&reading->check, node->place, "level: %s %s; expected 50%% or 30%%..50%%",
                    quote(node->text).text, why);
}

/* A rule, or a budget that raises by itself; else a fault that names the nearest. */
static void check_known(struct reading *reading, const struct tree_node *node, bool rules)
{
    const struct vagus_config *config = reading->test->config;
    struct nearest nearest;
    if (node == NULL)
        return;
    nearest_init(&nearest, node->text);
    for (uint32_t i = 0; rules && i < config->rule_count; i++) {
        nearest_offer(&nearest, config->rules[i].name);
        if (strcmp(config->rules[i].name, node->text) == 0)
            return;
    }
    for (uint32_t i = 0; i < config->budget_count; i++) {
        nearest_offer(&nearest, config->budgets[i].name);
        if (strcmp(config->budgets[i].name, node->text) == 0)
            return;
    }
    check_fault(&reading->check, node->place, "%s: the policy has no %s%s%s%s", node->key,
                quote(node->text).text, nearest.best != NULL ? ", did you mean \"" : "",
                nearest.best != NULL ? nearest.best : "", nearest.best != NULL ? "\"?" : "");
}

/* A time of one step, and a number or "none". */
static void read_cap(struct reading *reading, const struct tree_node *node,
                     struct expectation *expected)
{
    const struct tree_node *most = tree_member(node, "most"), *at = tree_member(node, "at");
    const char *why = "is missing";
    if (expected->from_ns != expected->to_ns ||
        (reading->one->every_ns > 0 && expected->from_ns % reading->one->every_ns != 0))
        check_fault(&reading->check, at->place, "at: a cap is looked at at the time of one step");
    if (most != NULL && strcmp(most->text, "none") == 0)
        expected->most = INFINITY;
    else if (most == NULL ||
             quantity_parse(most->text, DIMENSION_NUMBER, &expected->most, &why) != 0)
        check_fault(&reading->check, most != NULL ? most->place : node->place,
                    "most: %s %s; expected a number or none",
                    most != NULL ? quote(most->text).text : "it", why);
}

static void read_expectation(struct reading *reading, const struct tree_node *node,
                             struct expectation *expected)
{
    const struct tree_node *signal = tree_member(node, "signal"),
                           *change = tree_member(node, "change"),
                           *shadow = tree_member(node, "shadow"),
                           *last = tree_member(node, "last_resort");
    expected->place = node->place;
    read_times(reading, tree_member(node, "at"), &expected->from_ns, &expected->to_ns);
    expected->kind = signal != NULL ? 1u << signal->value.whole : 0;
    expected->change =
        change != NULL ? (uint32_t)change->value.whole + VAGUS_SIGNAL_RAISED : VAGUS_SIGNAL_RAISED;
    expected->about = text_of(node, "about");
    expected->rule = text_of(node, "rule");
    expected->metric = text_of(node, "metric");
    expected->instance = text_of(node, "instance");
    expected->shadow = shadow != NULL && shadow->value.truth;
    expected->last_resort = last != NULL && last->value.truth;
    read_level(reading, tree_member(node, "level"), expected);
    check_known(reading, tree_member(node, "rule"), true);
    expected->mode = text_of(node, "mode");
    expected->cap = text_of(node, "cap");
    if (expected->cap != NULL)
        read_cap(reading, node, expected);
    if ((signal != NULL) + expected->last_resort + (expected->mode != NULL) +
            (expected->cap != NULL) !=
        1)
        check_fault(&reading->check, node->place,
                    "an expectation is of a \"signal\", a \"mode\", a \"cap\" or the "
                    "\"last_resort\"");
}

/* What lies between two steps, nobody looks at. */
static void check_step(struct reading *reading, const struct tree_node *at)
{
    if (reading->one->every_ns > 0 && at->value.whole % reading->one->every_ns != 0)
        check_fault(&reading->check, at->place, "at: %s lies between two steps",
                    quote(at->text).text);
}

static void read_ask(struct reading *reading, const struct tree_node *node, struct ask *ask)
{
    const struct tree_node *at = tree_member(node, "at"), *how = tree_member(node, "how"),
                           *wait = tree_member(node, "wait");
    ask->place = node->place;
    ask->at_ns = at->value.whole;
    ask->budget = text_of(node, "budget");
    ask->amount = (uint64_t)tree_member(node, "amount")->value.whole;
    ask->how = how != NULL ? (enum asking)how->value.whole : ASK_TAKE;
    ask->answer = (enum answer)tree_member(node, "answer")->value.whole;
    ask->wait_from_ns = ask->wait_to_ns = -1;
    check_known(reading, tree_member(node, "budget"), false);
    if (wait != NULL)
        read_times(reading, wait, &ask->wait_from_ns, &ask->wait_to_ns);
    if (wait != NULL && ask->answer != ANSWER_WAIT)
        check_fault(&reading->check, wait->place, "wait: the answer is not to be \"wait\"");
    check_step(reading, at);
}

static void read_agreement(struct reading *reading, const struct tree_node *node,
                           struct agreement *agreement)
{
    const struct vagus_config *config = reading->test->config;
    const struct tree_node *to = tree_member(node, "to"), *at = tree_member(node, "at");
    agreement->place = node->place;
    agreement->at_ns = at->value.whole;
    agreement->to = to->text;
    check_step(reading, at);
    for (uint32_t i = 0; i < config->transition_count; i++)
        if (config->transitions[i].consent && strcmp(config->transitions[i].to, to->text) == 0)
            return;
    check_fault(&reading->check, to->place, "to: no transition of the policy to %s needs consent",
                quote(to->text).text);
}

static int by_time(const void *a, const void *b)
{
    const struct ask *x = a, *y = b;
    if (x->at_ns != y->at_ns)
        return x->at_ns < y->at_ns ? -1 : 1;
    return (x->place.line > y->place.line) - (x->place.line < y->place.line);
}

static int read_lists(struct reading *reading, const struct tree_node *node)
{
    struct policy_case *one = reading->one;
    const struct tree_node *expect = tree_member(node, "expect"), *asks = tree_member(node, "ask"),
                           *consent = tree_member(node, "consent");
    if (expect == NULL && asks == NULL)
        check_fault(&reading->check, node->place,
                    "it expects nothing: if nothing is to come, write expect: []");
    one->expected = calloc((expect != NULL ? expect->count : 0) + 1, sizeof(*one->expected));
    one->asks = calloc((asks != NULL ? asks->count : 0) + 1, sizeof(*one->asks));
    one->agreements = calloc((consent != NULL ? consent->count : 0) + 1, sizeof(*one->agreements));
    if (one->expected == NULL || one->asks == NULL || one->agreements == NULL)
        return VAGUS_ENOMEM;
    for (const struct tree_node *e = expect != NULL ? expect->first : NULL; e != NULL; e = e->next)
        read_expectation(reading, e, &one->expected[one->expected_count++]);
    for (const struct tree_node *a = asks != NULL ? asks->first : NULL; a != NULL; a = a->next)
        read_ask(reading, a, &one->asks[one->ask_count++]);
    for (const struct tree_node *c = consent != NULL ? consent->first : NULL; c != NULL;
         c = c->next)
        read_agreement(reading, c, &one->agreements[one->agreement_count++]);
    qsort(one->asks, one->ask_count, sizeof(*one->asks), by_time);
    return 0;
}

int policy_test_read_case(struct policy_test *test, struct policy_case *one,
                          const struct tree_node *root, const struct tree_node *node,
                          struct vagus_fault_list *faults)
{
    struct reading reading = {.test = test, .one = one, .check = {.faults = faults}};
    const struct tree_node *exact = tree_member(node, "exact");
    one->name = tree_member(node, "name")->text;
    one->place = node->place;
    one->exact = exact != NULL ? (enum exactness)exact->value.whole : EXACT_TRANSITIONS;
    int error = read_series(&reading, root, node);
    return error == 0 ? read_lists(&reading, node) : error;
}
