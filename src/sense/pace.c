/* SPDX-License-Identifier: Apache-2.0 */
/* Half the pace costs half as much, more or less; so the pace comes back only where twice of what
 * is used now would leave a fifth of the budget. */
#include "sense/pace.h"

#include "base/clock.h"

void pace_init(struct pace *pace, double ratio)
{
    *pace = (struct pace){.ratio = ratio, .stretch = 1};
}

uint32_t pace_note(struct pace *pace, int64_t cpu_ns, int64_t now_ns)
{
    int64_t span_ns = clock_span_ns(pace->at_ns, now_ns);
    if (pace->at_ns != 0 && span_ns >= 0 && span_ns < PACE_SPAN_NS)
        return pace->stretch;
    if (pace->at_ns != 0 && span_ns > 0 && pace->ratio > 0) {
        pace->used = (double)clock_span_ns(pace->cpu_ns, cpu_ns) / (double)span_ns;
        if (pace->used > pace->ratio && pace->stretch < PACE_STRETCH_MAX)
            pace->stretch *= 2;
        else if (2 * pace->used < 0.8 * pace->ratio && pace->stretch > 1)
            pace->stretch /= 2;
    }
    pace->cpu_ns = cpu_ns;
    pace->at_ns = now_ns;
    return pace->stretch;
}
