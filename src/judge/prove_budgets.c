/* SPDX-License-Identifier: Apache-2.0 */
/* The proof of wiring for budgets: who counts, who says what is left, and whether anybody asks.
 * That somebody hears the marks is proved with the rules. */
#include <string.h>

#include "base/fault.h"
#include "base/nearest.h"
#include "base/text.h"
#include "judge/budgets.h"

/* A budget that nobody asked for so long is worth a word; one that nobody can ask, and a gauge,
 * sooner. */
#define ASKED_WITHIN_NS (600 * VAGUS_SECOND_NS)
#define HELD_WITHIN_NS (60 * VAGUS_SECOND_NS)
#define VALUE_WITHIN_NS (10 * VAGUS_SECOND_NS)

static unsigned report(struct vagus_fault_list *faults, const struct text *text)
{
    struct fault_at at = {.code = VAGUS_EUNWIRED};
    fault_add(faults, &at, "%s", text->data);
    return 1;
}

static unsigned report_undefined(const struct metrics *metrics, const char *name,
                                 struct vagus_fault_list *faults, struct text *text)
{
    struct nearest nearest;
    nearest_init(&nearest, name);
    for (uint32_t i = 0; i < metrics_count(metrics); i++)
        nearest_offer(&nearest, metrics_describe(metrics, i)->name);
    text_add(text, ", which nothing defines");
    if (nearest.best != NULL)
        text_addf(text, ": is '%s' meant?", nearest.best);
    return report(faults, text);
}

static unsigned prove_counts(const struct budgets *budgets, const struct budget *budget,
                             struct vagus_fault_list *faults)
{
    const struct metrics *metrics = budgets->metrics;
    int index = metrics_find(metrics, budget->counts, NULL);
    char words[240];
    struct text text;
    text_init(&text, words, sizeof(words));
    text_addf(&text, "budget '%s' counts '%s'", budget->allowance->name, budget->counts);
    if (index < 0)
        return report_undefined(metrics, budget->counts, faults, &text);
    if (metrics->entries[index].kind == VAGUS_COUNTER)
        return 0;
    text_add(&text, ", which is no counter");
    return report(faults, &text);
}

static unsigned prove_live(const struct budgets *budgets, const struct budget *budget,
                           int64_t age_ns, struct vagus_fault_list *faults)
{
    const struct metrics *metrics = budgets->metrics;
    int index = metrics_find(metrics, budget->live, NULL);
    char words[240];
    struct text text;
    text_init(&text, words, sizeof(words));
    text_addf(&text, "budget '%s' follows '%s'", budget->allowance->name, budget->live);
    if (index < 0)
        return report_undefined(metrics, budget->live, faults, &text);
    const struct vagus_reading *reading = &metrics->readings[index];
    if (reading->error == VAGUS_EUNSUPPORTED)
        text_add(&text, ", which this machine cannot tell");
    else if (reading->taken_ns == 0 && age_ns >= VALUE_WITHIN_NS)
        text_add(&text, ", which has never had a value");
    else
        return 0;
    return report(faults, &text);
}

/* Who has no handle cannot ask; who has one may take his time. */
static unsigned prove_asked(const struct budget *budget, int64_t age_ns,
                            struct vagus_fault_list *faults)
{
    bool held = __atomic_load_n(&budget->held, __ATOMIC_RELAXED);
    int64_t within_ns = held ? ASKED_WITHIN_NS : HELD_WITHIN_NS;
    char words[240];
    struct text text;
    if (budget->asked || age_ns < within_ns)
        return 0;
    text_init(&text, words, sizeof(words));
    text_addf(&text, "budget '%s' has not been %s in the first ", budget->allowance->name,
              held ? "asked" : "looked for");
    text_add_duration(&text, within_ns);
    text_add(&text, held ? ": nobody reserves from it or spends it"
                         : ": without vagus_budget_find() nobody can ask it");
    return report(faults, &text);
}

unsigned budgets_prove(struct budgets *budgets, int64_t now_ns, int64_t since_ns,
                       struct vagus_fault_list *faults)
{
    int64_t age_ns = now_ns - since_ns;
    unsigned found = 0;
    for (uint32_t i = 0; i < budgets->count; i++) {
        const struct budget *budget = &budgets->entries[i];
        if (budget->counts[0] != '\0') {
            found += prove_counts(budgets, budget, faults);
            continue;
        }
        if (budget->allowance->live)
            found += prove_live(budgets, budget, age_ns, faults);
        found += prove_asked(budget, age_ns, faults);
    }
    return found;
}
