/* SPDX-License-Identifier: Apache-2.0 */
/* Half the pace costs half as much, more or less; so the pace comes back only where twice of what
 * is used now would leave a fifth of the budget. */
#include "sense/budget.h"

#include "base/clock.h"

void budget_init(struct budget *budget, double ratio)
{
    *budget = (struct budget){.ratio = ratio, .stretch = 1};
}

uint32_t budget_note(struct budget *budget, int64_t cpu_ns, int64_t now_ns)
{
    int64_t span_ns = clock_span_ns(budget->at_ns, now_ns);
    if (budget->at_ns != 0 && span_ns >= 0 && span_ns < BUDGET_SPAN_NS)
        return budget->stretch;
    if (budget->at_ns != 0 && span_ns > 0 && budget->ratio > 0) {
        budget->used = (double)clock_span_ns(budget->cpu_ns, cpu_ns) / (double)span_ns;
        if (budget->used > budget->ratio && budget->stretch < BUDGET_STRETCH_MAX)
            budget->stretch *= 2;
        else if (2 * budget->used < 0.8 * budget->ratio && budget->stretch > 1)
            budget->stretch /= 2;
    }
    budget->cpu_ns = cpu_ns;
    budget->at_ns = now_ns;
    return budget->stretch;
}
