/* SPDX-License-Identifier: Apache-2.0 */
/* The proof of wiring for budgets: counters and gauges that are not there, marks that nobody hears,
 * budgets that nobody asks. */
#include "check.h"
#include "monitor_fixture.h"

static struct vagus_monitor *m;
static struct vagus_fault_list faults;

static void open_with(const char *policy)
{
    struct vagus_monitor_options options = {.size = sizeof(options),
                                            .policy_text = policy,
                                            .clock = &test_clock,
                                            .flags = VAGUS_STEPPED | VAGUS_NO_COLLECTORS |
                                                     VAGUS_ANONYMOUS_SEGMENT};
    atomic_store(&test_now_ns, 1000 * S);
    REQUIRE(vagus_monitor_open(&options, &m) == 0);
}

static bool is_said(const char *words)
{
    vagus_wiring_check(m, &faults);
    for (uint32_t i = 0; i < faults.count; i++)
        if (strcmp(faults.faults[i].text, words) == 0)
            return true;
    return false;
}

static void metrics_that_are_not_there(void)
{
    open_with("strict: true\n"
              "budgets:\n"
              "  - { name: tokens, limit: 100, window: 1h, counts: agent.tokns }\n"
              "  - { name: calls, limit: 100, window: 1h, counts: tank.used }\n"
              "  - { name: vram, live: gpu.free }\n");
    vagus_counter_define(m, &(struct vagus_metric_desc){.name = "agent.tokens"});
    vagus_gauge_define(m, &(struct vagus_metric_desc){.name = "tank.used"});
    CHECK(is_said("budget 'tokens' counts 'agent.tokns', which nothing defines: is 'agent.tokens' "
                  "meant?"));
    CHECK(is_said("budget 'calls' counts 'tank.used', which is no counter"));
    CHECK(is_said("budget 'vram' follows 'gpu.free', which nothing defines"));
    CHECK_EQ(vagus_monitor_start(m), VAGUS_EUNWIRED); /* known at start: strict refuses */
    vagus_counter_define(m, &(struct vagus_metric_desc){.name = "agent.tokns"});
    CHECK(!is_said("budget 'tokens' counts 'agent.tokns', which nothing defines: is 'agent.tokens' "
                   "meant?"));
    vagus_monitor_close(m);
}

static void a_mark_that_nobody_hears(void)
{
    open_with("budgets:\n"
              "  - { name: tokens, limit: 100, window: 1h, warning: { at: 80%, raise: defer } }\n");
    CHECK(is_said("budget 'tokens' raises defer about budget, and nobody listens to anything"));
    vagus_monitor_close(m);
}

static void a_budget_that_nobody_asks(void)
{
    static const char said[] = "budget 'slots' has not been asked in the first 10 min 0 s: nobody "
                               "reserves from it or spends it";
    struct vagus_budget slots;
    open_with("budgets: [{ name: slots, limit: 4 }]\n");
    REQUIRE(vagus_budget_find(m, "slots", &slots) == 0);
    REQUIRE(vagus_monitor_start(m) == 0);
    organ_run(m, 599 * S);
    CHECK(!is_said(said));
    organ_run(m, 2 * S);
    CHECK(is_said(said));
    CHECK(vagus_budget_take(slots, 5, NULL) != 0); /* a refusal is an answer, too */
    organ_run(m, 1 * S);
    CHECK(!is_said(said));
    vagus_monitor_close(m);
}

/* Without its handle nobody ever will. */
static void a_budget_that_nobody_can_ask(void)
{
    static const char said[] = "budget 'slots' has not been looked for in the first 1 min 0 s: "
                               "without vagus_budget_find() nobody can ask it";
    struct vagus_budget slots, made;
    const struct vagus_budget_desc desc = {.size = sizeof(desc), .name = "made", .limit = 4};
    open_with("budgets: [{ name: slots, limit: 4 }]\n");
    REQUIRE(vagus_budget_define(m, &desc, &made) == 0);
    REQUIRE(vagus_monitor_start(m) == 0);
    organ_run(m, 59 * S);
    CHECK(!is_said(said));
    organ_run(m, 1 * S);
    CHECK(is_said(said));
    CHECK_EQ(faults.count, 1); /* who made one holds it */
    REQUIRE(vagus_budget_find(m, "slots", &slots) == 0);
    CHECK(!is_said(said));
    vagus_monitor_close(m);
}

int main(void)
{
    RUN(metrics_that_are_not_there);
    RUN(a_mark_that_nobody_hears);
    RUN(a_budget_that_nobody_asks);
    RUN(a_budget_that_nobody_can_ask);
    return check_result();
}
