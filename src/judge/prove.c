/* SPDX-License-Identifier: Apache-2.0 */
/* The proof of wiring: follows each chain from the metric over the rule to a listener and back,
 * and names every link that is missing. */
#include <string.h>

#include "base/fault.h"
#include "base/nearest.h"
#include "base/quantity.h"
#include "base/text.h"
#include "config/schema.h"
#include "judge/watch.h"

#define NEAR_LOOK_UPS_MAX 16

struct proof {
    struct judge *judge;
    int64_t age_ns; /* how long the monitor has been running */
    struct vagus_fault_list *faults;
    unsigned found;
    unsigned unheard;               /* severities of rules that nobody takes, */
    bool deserted;                  /* since nobody listens at all */
    unsigned looked_up;             /* names whose nearest was sought */
    uint32_t reachable[SEVERITIES]; /* resources about which some rule can raise it */
    bool last_resort_due;           /* some rule can ask for it */
    uint8_t dead[(CONFIG_RULES_MAX + VAGUS_BUDGETS_MAX + 7) / 8]; /* rules that can never raise */
};

static void report(struct proof *proof, uint32_t line, const struct text *text)
{
    struct fault_at at = {.code = VAGUS_EUNWIRED, .line = line};
    proof->found++;
    fault_add(proof->faults, &at, "%s", text->data);
}

/* --- Sensor → metric → rule. --- */

static bool is_defined(const struct metrics *metrics, const char *wanted)
{
    for (uint32_t i = 0; i < metrics_count(metrics); i++)
        if (strcmp(metrics_describe(metrics, i)->name, wanted) == 0)
            return true;
    return false;
}

/* The nearest name that there is, or NULL. Of the first few alone: a thousand names would take the
 * sampler a second. */
static const char *nearest_defined(struct proof *proof, const char *wanted)
{
    const struct metrics *metrics = proof->judge->metrics;
    struct nearest nearest;
    nearest_init(&nearest, wanted);
    if (proof->looked_up++ < NEAR_LOOK_UPS_MAX)
        for (uint32_t i = 0; i < metrics_count(metrics); i++)
            nearest_offer(&nearest, metrics_describe(metrics, i)->name);
    return nearest.best;
}

static void report_undefined(struct proof *proof, const struct config_rule *rule)
{
    char words[240];
    struct text text;

    text_init(&text, words, sizeof(words));
    text_addf(&text, "rule '%s' watches '%s'", rule->name, rule->metric);
    if (is_defined(proof->judge->metrics, rule->metric)) {
        text_add(&text, ", which has no instance '");
        text_add_safe(&text, rule->instance, VAGUS_INSTANCE_MAX);
        text_add(&text, "'");
    } else {
        const char *near = nearest_defined(proof, rule->metric);
        text_add(&text, ", which nothing defines");
        if (near != NULL)
            text_addf(&text, ": is '%s' meant?", near);
    }
    report(proof, rule->line, &text);
}

/* What the policy wants a day of. */
static void prove_kept(struct proof *proof)
{
    const struct metrics *metrics = proof->judge->metrics;
    for (uint32_t i = 0; metrics->keep_day_given && i < metrics->keep_day_count; i++) {
        char words[240];
        struct text text;
        if (is_defined(metrics, metrics->keep_day[i]))
            continue;
        const char *near = nearest_defined(proof, metrics->keep_day[i]);
        text_init(&text, words, sizeof(words));
        text_addf(&text, "retention.day names '%s', which nothing defines", metrics->keep_day[i]);
        if (near != NULL)
            text_addf(&text, ": is '%s' meant?", near);
        report(proof, 0, &text);
    }
}

static const char *const form_names[] = {
    [DIMENSION_NUMBER] = "numbers",
    [DIMENSION_RATIO] = "shares",
    [DIMENSION_BYTES] = "sizes",
    [DIMENSION_TIME] = "times",
};

/* How long a metric may be silent at the start before that is worth a word. */
static int64_t patience_ns(const struct metric *metric)
{
    int64_t periods_ns = 2 * metrics_tier_period_ns(metric->tier);
    return periods_ns > 10 * VAGUS_SECOND_NS ? periods_ns : 10 * VAGUS_SECOND_NS;
}

/* False if a part of a rule about rules watches nothing. */
static bool has_parts(const struct proof *proof, const struct judged_rule *judged)
{
    for (uint32_t i = 0; i < judged->part_count; i++)
        if (proof->judge->rules[judged->parts[i]].count == 0)
            return false;
    return true;
}

/* False if no instance of the metric can ever have a value. */
static bool prove_producer(struct proof *proof, const struct judged_rule *judged)
{
    const struct config_rule *rule = judged->rule;
    char words[240];
    struct text text;

    if (rule->metric == NULL)
        return !rule->optional || has_parts(proof, judged); /* they are proved for themselves */
    text_init(&text, words, sizeof(words));
    if (judged->misfit_unit != NULL) {
        text_addf(&text, "rule '%s' is not judged: its thresholds are %s, and '%s' is in '%s'",
                  rule->name, form_names[rule->form - 1], rule->metric, judged->misfit_unit);
        report(proof, rule->line, &text);
        text_init(&text, words, sizeof(words));
    }
    if (judged->count == 0) {
        if (judged->misfit_unit == NULL && !rule->optional)
            report_undefined(proof, rule);
        return false;
    }
    if (judged->surplus > 0) {
        text_addf(&text, "rule '%s' watches the first %u of %u instances of '%s'", rule->name,
                  judged->count, judged->count + judged->surplus, rule->metric);
        report(proof, rule->line, &text);
    }
    bool can_tell = false, has_told = false;
    for (uint32_t i = 0; i < judged->count; i++) {
        uint32_t index = judged->watches[i].metric;
        const struct vagus_reading *reading = &proof->judge->metrics->readings[index];
        bool sensed = proof->judge->metrics->entries[index].source == METRIC_SENSED;
        can_tell = can_tell || !sensed || reading->error != VAGUS_EUNSUPPORTED;
        has_told = has_told || reading->taken_ns != 0 || reading->error != 0 ||
                   proof->age_ns < patience_ns(&proof->judge->metrics->entries[index]);
    }
    if ((can_tell && has_told) || rule->optional)
        return can_tell;
    text_init(&text, words, sizeof(words));
    text_addf(&text, "rule '%s' watches '%s', which %s", rule->name, rule->metric,
              can_tell ? "has never had a value" : "this machine cannot tell");
    report(proof, rule->line, &text);
    return can_tell;
}

/* A window that is too short for the pieces that the kind wants. */
static void prove_window(struct proof *proof, const struct judged_rule *judged)
{
    const struct config_rule *rule = judged->rule;
    char words[240];
    struct text text;
    if ((judged->kind->needs & VAGUS_NEEDS_POINTS) == 0)
        return;
    int64_t least_ns = watch_piece_ns(proof->judge, judged->watches[0].metric) * rule->samples;
    if (rule->window_ns >= least_ns)
        return;
    text_init(&text, words, sizeof(words));
    text_addf(&text, "rule '%s' can never answer: %u samples of '%s' take a window of ", rule->name,
              rule->samples, rule->metric);
    text_add_duration(&text, least_ns);
    text_add(&text, ", and it has ");
    text_add_duration(&text, rule->window_ns);
    report(proof, rule->line, &text);
}

/* --- Thresholds within the metric's bounds. --- */

/* "'disk.free'", "the rate of 'disk.free'". */
static void add_measure_name(struct text *text, const struct judged_rule *judged)
{
    if (judged->kind->what != NULL)
        text_addf(text, "the %s of ", judged->kind->what);
    else if (!measures_the_metric(judged))
        text_addf(text, "the %s of ", schema_stats[judged->params.stat]);
    text_addf(text, "'%s'", judged->rule->metric);
}

static void add_measure(struct text *text, const struct proof *proof,
                        const struct judged_rule *judged, double value)
{
    const char *unit = metrics_describe(proof->judge->metrics, judged->watches[0].metric)->unit;
    text_add_value(text, value, reason_unit(judged, unit));
    if (reason_is_per_second(judged))
        text_add(text, "/s");
}

/* Enter and clear against what the measure can be at all. */
static bool prove_reach(struct proof *proof, const struct judged_rule *judged, unsigned severity,
                        const struct metric *metric)
{
    const struct config_rule *rule = judged->rule;
    const struct config_threshold *threshold = watch_threshold(rule, severity);
    const char *name = vagus_signal_kind_name(severity_kind(severity));
    double least, most;
    char words[240];
    struct text text;

    reach_of(judged, metric, &least, &most);
    bool can_raise = threshold->below ? threshold->enter > least : threshold->enter < most;
    if (!can_raise) {
        text_init(&text, words, sizeof(words));
        text_addf(&text, "rule '%s' can never raise %s: ", rule->name, name);
        add_measure_name(&text, judged);
        text_addf(&text, " does not go %s ", threshold->below ? "below" : "above");
        add_measure(&text, proof, judged, threshold->below ? least : most);
        report(proof, rule->line, &text);
    }
    if (threshold->below ? threshold->clear > most : threshold->clear < least) {
        text_init(&text, words, sizeof(words));
        text_addf(&text, "rule '%s' can never clear %s: ", rule->name, name);
        add_measure_name(&text, judged);
        text_add(&text, " does not come back to ");
        add_measure(&text, proof, judged, threshold->clear);
        report(proof, rule->line, &text);
    }
    return can_raise;
}

/* A forecast of what cannot come. */
static void prove_exhaustion(struct proof *proof, const struct judged_rule *judged)
{
    const struct config_rule *rule = judged->rule;
    const struct metric *metric = &proof->judge->metrics->entries[judged->watches[0].metric];
    char words[240];
    struct text text;
    if (judged->kind->measures != VAGUS_MEASURES_TIME ||
        (judged->kind->needs & VAGUS_NEEDS_POINTS) == 0 || !(metric->min < metric->max) ||
        (rule->exhausted_at >= metric->min && rule->exhausted_at <= metric->max))
        return;
    text_init(&text, words, sizeof(words));
    text_addf(&text, "rule '%s' waits for what cannot come: '%s' never reaches ", rule->name,
              rule->metric);
    text_add_value(&text, rule->exhausted_at,
                   metrics_describe(proof->judge->metrics, judged->watches[0].metric)->unit);
    report(proof, rule->line, &text);
}

/* True if it can be raised. */
static bool prove_threshold(struct proof *proof, const struct judged_rule *judged,
                            unsigned severity)
{
    const struct config_rule *rule = judged->rule;
    const struct config_threshold *threshold = watch_threshold(rule, severity);
    const struct watch *watch = &judged->watches[0];
    if (watch->metric == WATCH_NO_METRIC)
        return true;
    const struct metric *metric = &proof->judge->metrics->entries[watch->metric];
    const char *name = vagus_signal_kind_name(severity_kind(severity));
    char words[240];
    struct text text;

    if (measures_the_metric(judged) && metric->kind == VAGUS_COUNTER && !threshold->below &&
        severity_kind(severity) != VAGUS_SHUTDOWN) {
        text_init(&text, words, sizeof(words));
        text_addf(&text, "rule '%s' can never clear %s: '%s' is a counter and only grows",
                  rule->name, name, rule->metric);
        report(proof, rule->line, &text);
        return true;
    }
    return prove_reach(proof, judged, severity, metric);
}

/* --- Rule → signal → listener. --- */

static void report_unheard(struct proof *proof, const struct judged_rule *judged, unsigned severity,
                           int resource)
{
    if (proof->deserted && resource >= 0 && proof->unheard++ > 0)
        return; /* the first is an example */
    const struct config_rule *rule = judged->rule;
    bool of_policy = judged < &proof->judge->rules[proof->judge->policy_rules];
    char words[240];
    struct text text;
    text_init(&text, words, sizeof(words));
    text_addf(&text, "%s '%s' raises %s", of_policy ? "rule" : "budget", rule->name,
              vagus_signal_kind_name(severity_kind(severity)));
    if (!watch_threshold(rule, severity)->present)
        text_addf(&text, " where %s does not help",
                  vagus_signal_kind_name(severity_kind(severity - 1)));
    text_add(&text, " about ");
    if (resource < 0)
        text_addf(&text, "a resource for which there is no room: at most %d are known",
                  BUS_RESOURCES_MAX);
    else
        text_addf(&text, "%s, and %s", bus_resource_name(proof->judge->bus, (unsigned)resource),
                  proof->deserted ? "nobody listens to anything" : "no listener takes it");
    report(proof, rule->line, &text);
}

/* Every instance may have a resource of its own; each that is not heard is named once. */
static void prove_heard(struct proof *proof, const struct judged_rule *judged, unsigned severity)
{
    uint32_t seen = 0;
    bool no_room = false;
    for (uint32_t i = 0; i < judged->count; i++) {
        int resource = judged->watches[i].resource;
        if (resource < 0 ? no_room : (seen >> resource) & 1)
            continue;
        if (resource < 0) {
            no_room = true;
            report_unheard(proof, judged, severity, resource);
            continue;
        }
        seen |= 1u << resource;
        if (!bus_is_heard(proof->judge->bus, severity_kind(severity), (unsigned)resource))
            report_unheard(proof, judged, severity, resource);
    }
    proof->reachable[severity] |= seen;
}

/* --- Rules about rules. --- */

static bool is_dead(const struct proof *proof, uint32_t rule)
{
    return (proof->dead[rule / 8] >> rule % 8) & 1;
}

/* False if it can never be raised, since its parts cannot. */
static bool prove_parts(struct proof *proof, const struct judged_rule *judged)
{
    bool all = strcmp(judged->kind->name, "all") == 0;
    uint32_t dead = 0, first = 0;
    char words[240];
    struct text text;
    for (uint32_t i = 0; i < judged->part_count; i++)
        if (is_dead(proof, judged->parts[i]) && dead++ == 0)
            first = judged->parts[i];
    if (dead == 0 || (!all && dead < judged->part_count))
        return true;
    text_init(&text, words, sizeof(words));
    text_addf(&text, "rule '%s' can never be raised, since %s '%s' cannot", judged->rule->name,
              all ? "its part" : "none of its parts can: not even",
              proof->judge->rules[first].rule->name);
    report(proof, judged->rule->line, &text);
    return false;
}

/* For the modes: about what a rule raises, if it does. Of an optional one that has found nothing
 * here to watch it is not known. */
static void note_raisable(struct proof *proof, const struct judged_rule *judged, unsigned severity)
{
    uint32_t *raisable = &proof->judge->raisable[severity];
    if (judged->rule->shadow)
        return;
    if (judged->count == 0)
        *raisable = MODE_ANY_RESOURCE;
    for (uint32_t i = 0; i < judged->count; i++)
        if (judged->watches[i].resource >= 0)
            *raisable |= UINT32_C(1) << judged->watches[i].resource;
}

/* An optional rule that cannot be raised here and now. */
static void note_optional(struct proof *proof, const struct judged_rule *judged, bool escalates)
{
    bool milder = false;
    for (unsigned i = 0; i < SEVERITIES; i++) {
        bool present = watch_threshold(judged->rule, i)->present;
        if (present || (milder && escalates))
            note_raisable(proof, judged, i);
        milder = milder || present;
    }
}

static void prove_rule(struct proof *proof, uint32_t index)
{
    const struct judged_rule *judged = &proof->judge->rules[index];
    const struct config_rule *rule = judged->rule;
    bool escalates = rule->relief_within_ns != 0 || rule->escalate_after_ns != 0;
    bool produced = prove_producer(proof, judged) && prove_parts(proof, judged);
    bool alive = false;
    if (produced && rule->metric != NULL) {
        prove_window(proof, judged);
        prove_exhaustion(proof, judged);
    }
    if (!produced && rule->optional)
        note_optional(proof, judged, escalates);
    for (unsigned i = 0; i < SEVERITIES && produced; i++) {
        bool present = watch_threshold(rule, i)->present;
        bool can_raise = present && prove_threshold(proof, judged, i);
        /* A milder one that does not help raises it too. */
        can_raise = can_raise || (alive && escalates);
        if (can_raise || (present && judged->timing.missing == CONFIG_MISSING_RAISE))
            note_raisable(proof, judged, i);
        /* A shadow rule is judged and recorded; that nobody hears it is its purpose. */
        if ((present || can_raise) && !rule->shadow)
            prove_heard(proof, judged, i);
        alive = alive || can_raise;
        proof->last_resort_due |=
            i == SEVERITIES - 1 && can_raise && !rule->shadow && rule->relief_within_ns != 0;
    }
    if (!alive)
        proof->dead[index / 8] |= (uint8_t)(1u << index % 8);
}

static void prove_last_resort(struct proof *proof)
{
    char words[240];
    struct text text;
    if (!proof->judge->wants_last_resort || proof->last_resort_due)
        return;
    text_init(&text, words, sizeof(words));
    text_add(&text, "last_resort can never come: no rule with relief_within can raise shutdown");
    report(proof, 0, &text);
}

/* --- And back: each listener has a rule that can reach it. --- */

static void prove_listener(void *arg, const char *name, uint32_t kinds, uint32_t resources)
{
    struct proof *proof = arg;
    char words[240];
    struct text text;
    for (unsigned i = 0; i < SEVERITIES; i++)
        if ((kinds & severity_kind(i)) && (resources & proof->reachable[i]))
            return;
    if ((kinds & VAGUS_SIGNAL_ANY) == 0)
        return; /* it hears of modes, and there always is one */
    text_init(&text, words, sizeof(words));
    text_addf(&text, "listener '%s' takes", name);
    for (unsigned i = 0; i < SEVERITIES; i++)
        if (kinds & severity_kind(i))
            text_addf(&text, " %s", vagus_signal_kind_name(severity_kind(i)));
    if (resources != UINT32_MAX) {
        text_add(&text, " about");
        for (unsigned i = 0; i < BUS_RESOURCES_MAX; i++)
            if (resources & (1u << i))
                text_addf(&text, " %s", bus_resource_name(proof->judge->bus, i));
    }
    text_add(&text, ", which no rule can raise");
    report(proof, 0, &text);
}

unsigned judge_prove(struct judge *judge, int64_t now_ns, int64_t since_ns,
                     struct vagus_fault_list *faults)
{
    struct proof proof = {.judge = judge, .age_ns = now_ns - since_ns, .faults = faults};
    judge_bind(judge);
    proof.deserted = !bus_has_listeners(judge->bus);
    memset(judge->raisable, 0, sizeof(judge->raisable));
    for (uint32_t i = 0; i < judge->rule_count; i++)
        prove_rule(&proof, i);
    prove_last_resort(&proof);
    bus_each_listener(judge->bus, prove_listener, &proof);
    prove_kept(&proof);
    return proof.found;
}
