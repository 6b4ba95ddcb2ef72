/* SPDX-License-Identifier: Apache-2.0 */
/* What may be said and is hardly meant: each warning once, with its place; and its neighbour that
 * is fine, without. */
#include "check.h"
#include "monitor/monitor.h"

static struct vagus_fault_list faults;

#define RULE(more) "rules:\n  - name: a\n" more

/* words NULL: no warning at all. */
static void warned(const char *text, uint32_t line, uint32_t column, const char *words)
{
    struct vagus_config *config = NULL;
    const struct vagus_fault *first = &faults.faults[0];
    int error = config_load(NULL, text, &monitor_vocabulary, &faults, &config);
    config_free(config);
    if (error != 0 || (words == NULL) != (faults.total == 0))
        CHECK_FAIL_("%s: %u: %s", text, faults.total, first->text);
    else if (words != NULL && (faults.total != 1 || !first->warning || first->line != line ||
                               first->column != column || strstr(first->text, words) == NULL))
        CHECK_FAIL_("%s: %u, %u:%u: %s", text, faults.total, first->line, first->column,
                    first->text);
}

#define HEADROOM(severity) RULE("    metric: memory.headroom.ratio\n    throttle: {" severity "}\n")

static void thresholds_too_near(void)
{
    warned(HEADROOM("below: 20%, clear: 20.05%"), 4, 35, "memory.headroom.ratio is kept to 0.1 %");
    warned(HEADROOM("below: 20%, clear: 20.2%"), 0, 0, NULL);
    /* A rate of it is another measure. */
    warned(RULE("    metric: memory.headroom.ratio\n    kind: rate\n"
                "    throttle: {below: -1, clear: -0.9995}\n"),
           0, 0, NULL);
}

static void thresholds_out_of_reach(void)
{
    warned(RULE("    metric: memory.headroom.ratio\n    throttle: {above: 120%, clear: 90%}\n"), 4,
           23, "above: memory.headroom.ratio does not go above 100 %, so this is never raised");
    warned(HEADROOM("below: 0%, clear: 10%"), 4, 23, "does not go below 0 %");
    warned(HEADROOM("below: 0.1%, clear: 10%"), 0, 0, NULL);
    warned(RULE("    metric: memory.headroom.ratio\n    window: 10s\n    stat: sum\n"
                "    throttle: {above: 120%, clear: 90%}\n"),
           0, 0, NULL); /* a sum of it is another measure */
}

#define SHOWN(metric) "snapshot: {metrics: [" metric "]}\n" HEADROOM("below: 20%, clear: 25%")

static void shown_metrics_that_nothing_fills(void)
{
    warned(SHOWN("memory.hedroom"), 1, 22, "is \"memory.headroom\" meant?");
    warned(SHOWN("\"disk.fre{path=/tmp}\""), 1, 22, "is \"disk.free\" meant?");
    warned(SHOWN("disk.free"), 1, 22, "name one, as \"disk.free{path=...}\"");
    warned(SHOWN("memory.headroom, my.own, agent.tokens, \"disk.free{path=/tmp}\""), 0, 0, NULL);
}

static void runs_too_short(void)
{
    warned(HEADROOM("below: 20%, clear: 25%, for: 50ms"), 4, 45, "a single one decides");
    warned(HEADROOM("below: 20%, clear: 25%, for: 100ms"), 0, 0, NULL);
    warned(HEADROOM("below: 20%, clear: 25%, for: 0"), 0, 0, NULL);
    warned(HEADROOM("below: 20%, clear: 25%, clear_for: 99ms"), 4, 51, "clear_for: ");
    /* An agent's own metric: nobody knows how often it is set. */
    warned(RULE("    metric: organ.own\n    throttle: {above: 2, clear: 1, for: 1ms}\n"), 0, 0,
           NULL);
}

#define HEAT(more)                                                                                 \
    RULE("    metric: hw.gpu.temperature\n" more "    throttle: {above: 80, clear: 70}\n")

static void times_below_the_tier(void)
{
    warned(HEAT("    window: 5s\n    stat: mean\n"), 4, 13, "window: hw.gpu.temperature");
    warned(HEAT("    stat: mean\n"), 2, 5, "this one is 2 s"); /* the default */
    warned(HEAT("    window: 5s\n"), 0, 0, NULL);              /* the last value needs none */
    warned(HEAT("    window: 10s\n    stat: mean\n"), 0, 0, NULL);
    warned(HEAT("    max_age: 9s\n"), 4, 14, "missing most of the time; write 20 s or more");
    warned(HEAT("    max_age: 30s\n"), 0, 0, NULL);
    warned(HEAT("    relief_within: 5s\n"), 4, 20, "none can show relief by then");
}

static void times_against_each_other(void)
{
    warned(HEAT("    min_hold: 60s\n    escalate_after: 60s\n"), 5, 21, "every one escalates");
    warned(HEAT("    min_hold: 60s\n    escalate_after: 61s\n"), 0, 0, NULL);
    warned(HEAT("    cooldown: 2h\n"), 0, 0, NULL);
    warned(HEAT("    cooldown: 2h\n    shutdown: {above: 99, clear: 70}\n"), 4, 15,
           "it holds for shutdown too");
    warned("budgets: [{name: b, limit: 5, window: 2s}]\n" HEAT(""), 1, 39, "write 6 s or more");
    warned("budgets: [{name: b, limit: 5, window: 6s}]\n" HEAT(""), 0, 0, NULL);
}

static void twins(void)
{
    warned(HEAT("") "  - name: b\n    metric: hw.gpu.temperature\n    throttle: {clear: 70, above: "
                    "80.0}\n",
           5, 5, "\"b\" judges exactly as \"a\" in line 2");
    /* One that repeats what the preset says. */
    warned("extends: default\nrules:\n  - name: busy\n    metric: process.cpu.utilization\n"
           "    throttle: { above: 90%, clear: 75%, for: 10s }\n    min_hold: 10s\n",
           3, 5, "\"busy\" judges exactly as \"cpu\"");
}

/* Names that are agreed on are no slips; slips of them are. */
static void agreed_names(void)
{
    warned(RULE("    metric: hw.battery.charge\n    throttle: {below: 30%, clear: 40%}\n"), 0, 0,
           NULL);
    warned(RULE("    metric: agent.tokns\n    throttle: {above: 3, clear: 2}\n"), 3, 13,
           "is \"agent.tokens\" meant?");
    warned(RULE("    metric: agent.x\n    throttle: {above: 3, clear: 2}\n"), 0, 0, NULL);
}

int main(void)
{
    RUN(thresholds_too_near);
    RUN(thresholds_out_of_reach);
    RUN(shown_metrics_that_nothing_fills);
    RUN(runs_too_short);
    RUN(times_below_the_tier);
    RUN(times_against_each_other);
    RUN(twins);
    RUN(agreed_names);
    return check_result();
}
