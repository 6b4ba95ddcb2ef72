/* SPDX-License-Identifier: Apache-2.0 */
/* Another policy while the monitor runs, on a clock that the test sets. */
#include "reload_fixture.h"
#include "vagus/health.h"

#define SIGNALS_MAX 64
static struct vagus_signal heard[SIGNALS_MAX];
static unsigned heard_count;
static struct vagus_listener ear;

#define LOW(below, clear)                                                                          \
    "  - name: low\n    metric: organ.headroom\n    throttle: { below: " below ", clear: " clear   \
    " }\n    min_hold: 0\n"
#define DEEP                                                                                       \
    "  - name: deep\n    metric: organ.headroom\n    throttle: { below: 40%, clear: 45%, full: "   \
    "1% "                                                                                          \
    "}\n"                                                                                          \
    "    defer: { below: 10%, clear: 15%, for: 3s }\n    min_hold: 0\n"
#define BOTH LOW("20%", "25%") DEEP

static struct vagus_monitor *begin(const char *text)
{
    struct vagus_monitor *monitor = policy_open(VAGUS_STEPPED, text);
    heard_count = 0;
    CHECK_EQ(
        vagus_listener_add(monitor,
                           &(struct vagus_listener_desc){.size = sizeof(struct vagus_listener_desc),
                                                         .name = "test",
                                                         .kinds = VAGUS_SIGNAL_ANY,
                                                         .flags = VAGUS_LISTENER_POLLED},
                           &ear),
        0);
    CHECK_EQ(vagus_monitor_start(monitor), 0);
    return monitor;
}

static void run(struct vagus_monitor *monitor, int64_t span_ns)
{
    heard_count = 0;
    organ_run(monitor, span_ns);
    while (heard_count < SIGNALS_MAX && vagus_listener_next(ear, &heard[heard_count]) == 0)
        heard_count++;
}

static void reload(struct vagus_monitor *monitor, const char *text)
{
    policy_put(policy_file, text);
    int error = vagus_policy_reload(monitor, NULL, &faults);
    if (error != 0)
        CHECK_FAIL_("%s: line %u: %s", vagus_error_name(error), faults.faults[0].line,
                    faults.faults[0].text);
}

static bool health_says(struct vagus_monitor *monitor, const char *words)
{
    static char text[16384];
    CHECK_EQ(vagus_health_format(monitor, 0, text, sizeof(text), NULL), 0);
    return strstr(text, words) != NULL;
}

static void same_rules_keep_their_states(void)
{
    struct vagus_monitor *monitor = begin("rules:\n" BOTH);
    atomic_store(&organ_value, 0.18);
    run(monitor, S);
    REQUIRE(heard_count == 1);
    CHECK_EQ(heard[0].change, VAGUS_SIGNAL_RAISED);
    double level = vagus_signal_level(monitor, VAGUS_THROTTLE);
    CHECK(level > 0);
    /* Nothing is said for the mere reload, nor for a rule more or another order. */
    reload(monitor, "agent: test\nrules:\n" DEEP LOW("20%", "25%"));
    run(monitor, S);
    CHECK_EQ(heard_count, 0);
    CHECK(vagus_signal_level(monitor, VAGUS_THROTTLE) == level);
    /* It still ends where it would have ended. */
    atomic_store(&organ_value, 0.30);
    run(monitor, S);
    CHECK_EQ(heard_count, 1);
    CHECK_EQ(heard[0].change, VAGUS_SIGNAL_UPDATED);
    CHECK_STR(heard[0].rule, "deep");
    atomic_store(&organ_value, 0.9);
    run(monitor, S);
    CHECK_EQ(heard_count, 1);
    CHECK_EQ(heard[0].change, VAGUS_SIGNAL_CLEARED);
    vagus_monitor_close(monitor);
}

/* `for` is three seconds: two before the reload and one after it are three. */
static void what_is_pending_stays_pending(void)
{
    struct vagus_monitor *monitor = begin("rules:\n" DEEP);
    atomic_store(&organ_value, 0.05);
    run(monitor, 2 * S);
    CHECK(vagus_signal_level(monitor, VAGUS_DEFER) == 0);
    reload(monitor, "rules:\n" LOW("1%", "2%") DEEP);
    run(monitor, S + 200 * MS);
    CHECK(vagus_signal_level(monitor, VAGUS_DEFER) > 0);
    vagus_monitor_close(monitor);
}

static void a_rule_that_vanished_is_cleared(void)
{
    struct vagus_monitor *monitor = begin("rules:\n" LOW("20%", "25%"));
    atomic_store(&organ_value, 0.18);
    run(monitor, S);
    CHECK_EQ(heard_count, 1);
    reload(monitor,
           "rules:\n  - {name: other, metric: organ.headroom, shutdown: {below: 1%, clear: "
           "5%}}\n");
    run(monitor, S);
    REQUIRE(heard_count == 1);
    CHECK_EQ(heard[0].change, VAGUS_SIGNAL_CLEARED);
    CHECK_STR(heard[0].rule, "low");
    CHECK(vagus_signal_level(monitor, VAGUS_SIGNAL_ANY) == 0);
    run(monitor, S);
    CHECK_EQ(heard_count, 0);
    /* All rules but none: and the former policies are gone, which a sanitizer would tell. */
    reload(monitor, "rules: []\n");
    run(monitor, S);
    vagus_monitor_close(monitor);
}

/* Another reason is there: the signal goes on and names it. */
static void another_reason_takes_over(void)
{
    struct vagus_monitor *monitor = begin("rules:\n" BOTH);
    atomic_store(&organ_value, 0.18);
    run(monitor, S);
    REQUIRE(heard_count == 1);
    CHECK_STR(heard[0].rule, "deep");
    reload(monitor, "rules:\n" LOW("20%", "25%"));
    run(monitor, S);
    REQUIRE(heard_count == 1);
    CHECK_EQ(heard[0].change, VAGUS_SIGNAL_UPDATED);
    CHECK_STR(heard[0].rule, "low");
    /* A rule that changed and is beyond at once: not cleared in between either. */
    reload(monitor, "rules:\n" LOW("50%", "60%"));
    run(monitor, S);
    REQUIRE(heard_count == 1);
    CHECK_EQ(heard[0].change, VAGUS_SIGNAL_UPDATED);
    CHECK_STR(heard[0].rule, "low");
    vagus_monitor_close(monitor);
}

static void a_ghost_about_rules_is_cleared(void)
{
    static const char *const about = "rules:\n"
                                     "  - name: one\n    metric: organ.headroom\n    shadow: true\n"
                                     "    throttle: { below: 20%, clear: 25% }\n"
                                     "  - name: two\n    metric: organ.headroom\n    shadow: true\n"
                                     "    throttle: { below: 30%, clear: 35% }\n"
                                     "  - name: both\n    kind: all\n    of: [one, two]\n"
                                     "    resource: organ\n    defer: {}\n    min_hold: 0\n";
    struct vagus_monitor *monitor = begin(about);
    atomic_store(&organ_value, 0.1);
    run(monitor, S);
    CHECK(vagus_signal_level(monitor, VAGUS_DEFER) > 0);
    reload(monitor, about);
    run(monitor, S);
    CHECK_EQ(heard_count, 0);
    CHECK(vagus_signal_level(monitor, VAGUS_DEFER) > 0);
    reload(monitor, "rules: []\n");
    run(monitor, S);
    REQUIRE(heard_count == 1);
    CHECK_EQ(heard[0].change, VAGUS_SIGNAL_CLEARED);
    CHECK_STR(heard[0].reason, "no longer all of one, two raised");
    vagus_monitor_close(monitor);
}

static void a_bad_file_changes_nothing(void)
{
    struct vagus_monitor *monitor = begin("rules:\n" BOTH);
    atomic_store(&organ_value, 0.18);
    run(monitor, S);
    policy_put(policy_file, "agnt: x\nrules: []\n");
    CHECK_EQ(vagus_policy_reload(monitor, NULL, &faults), VAGUS_EPOLICY);
    CHECK(faults.errors > 0);
    run(monitor, S);
    CHECK_EQ(heard_count, 0);
    CHECK(vagus_signal_level(monitor, VAGUS_THROTTLE) > 0);
    CHECK(health_says(monitor, "policy not reloaded, the former one holds"));
    CHECK(health_says(monitor, "agnt"));
    unlink(policy_file);
    CHECK_EQ(vagus_policy_reload(monitor, NULL, NULL), VAGUS_ENOENT);
    /* Another path: a preset, which the next reload without one reads again. */
    CHECK_EQ(vagus_policy_reload(monitor, "preset:quiet", &faults), 0);
    run(monitor, S);
    CHECK_EQ(heard_count, 1);
    CHECK_EQ(vagus_policy_reload(monitor, NULL, &faults), 0);
    CHECK_STR(faults.source, "preset:quiet");
    CHECK_EQ(vagus_policy_reload(monitor, "preset:quite", &faults), VAGUS_ENOENT);
    CHECK(strstr(faults.faults[0].text, "\"quiet\"") != NULL);
    vagus_monitor_close(monitor);
}

static void not_at_any_time(void)
{
    struct vagus_monitor *monitor = policy_open(VAGUS_STEPPED, "rules:\n" BOTH);
    CHECK_EQ(vagus_policy_reload(NULL, NULL, NULL), VAGUS_EINVAL);
    CHECK_EQ(vagus_policy_reload(monitor, NULL, &faults), VAGUS_ESTATE);
    CHECK_EQ(faults.errors, 1);
    CHECK_EQ(vagus_monitor_start(monitor), 0);
    CHECK_EQ(vagus_policy_reload(monitor, NULL, NULL), 0);
    /* Two of which only the second is ever taken over; and one that never is. */
    CHECK_EQ(vagus_policy_reload(monitor, NULL, NULL), 0);
    run(monitor, S);
    CHECK_EQ(vagus_policy_reload(monitor, NULL, NULL), 0);
    vagus_monitor_close(monitor);
    CHECK_EQ(vagus_policy_reload(monitor, NULL, &faults), VAGUS_ECLOSED);
    monitor = organ_open(VAGUS_STEPPED); /* without a file */
    CHECK_EQ(vagus_monitor_start(monitor), 0);
    CHECK_EQ(vagus_policy_reload(monitor, NULL, &faults), VAGUS_ENOENT);
    vagus_monitor_close(monitor);
}

static bool warned(const char *words, uint32_t line)
{
    for (uint32_t i = 0; i < faults.count; i++)
        if (faults.faults[i].warning && strstr(faults.faults[i].text, words) != NULL)
            return faults.faults[i].line == line;
    return false;
}

static void what_cannot_change_is_named(void)
{
    struct vagus_monitor *monitor = begin("agent: a\nsegment: {keep: 2}\nrules:\n" BOTH);
    reload(monitor, "agent: a\nsegment: {keep: 3}\nwatch: {paths: [/var]}\nrules:\n" BOTH);
    CHECK(warned("segment: what changed here takes effect at the next start", 2));
    CHECK(warned("watch: what", 3));
    CHECK_EQ(faults.total, 2);
    reload(monitor, "agent: a\nsegment: {keep: 2}\nrules:\n" BOTH);
    CHECK_EQ(faults.total, 0);
    vagus_monitor_close(monitor);
}

#define BUDGET(limit, at)                                                                          \
    "budgets:\n  - {name: pot, limit: " limit ", resource: pot, warning: {at: " at                 \
    ", raise: throttle}}\n"

static void budgets_keep_what_was_spent(void)
{
    struct vagus_budget pot, fresh;
    struct vagus_budget_status status;
    struct vagus_monitor *monitor = begin(BUDGET("1000", "50%") "rules:\n" BOTH);
    CHECK_EQ(vagus_budget_find(monitor, "pot", &pot), 0);
    CHECK_EQ(vagus_budget_spend(pot, 700), 0);
    run(monitor, S);
    REQUIRE(heard_count == 1);
    CHECK_STR(heard[0].resource, "pot");
    /* The same marks: the signal stays. A higher limit: it ends, and 700 are still spent. */
    reload(monitor, BUDGET("1000", "50%") "rules: []\n");
    run(monitor, S);
    CHECK_EQ(heard_count, 0);
    reload(monitor, BUDGET("5000", "50%") "rules: []\n");
    run(monitor, 2 * S);
    REQUIRE(heard_count == 1);
    CHECK_EQ(heard[0].change, VAGUS_SIGNAL_CLEARED);
    CHECK_EQ(vagus_budget_read(pot, &status), 0);
    CHECK_EQ(status.limit, 5000);
    CHECK_EQ(status.used, 700);
    CHECK_EQ(status.left, 4300);
    /* Lower than what was spent, another mark, another window. */
    reload(monitor,
           "budgets:\n  - {name: pot, limit: 500, window: 1h, resource: pot, warning: {at: "
           "90%, raise: defer}}\n  - {name: more, limit: 7}\nrules: []\n");
    CHECK(warned("budget pot: its limit", 2));
    run(monitor, 2 * S);
    CHECK(vagus_signal_level(monitor, VAGUS_DEFER) > 0);
    CHECK_EQ(vagus_budget_read(pot, &status), 0);
    CHECK_EQ(status.left, -200);
    CHECK_EQ(vagus_budget_find(monitor, "more", &fresh), 0);
    CHECK_EQ(vagus_budget_take(fresh, 7, NULL), 0);
    CHECK_EQ(vagus_budget_take(fresh, 1, NULL), VAGUS_EAGAIN);
    /* One that is not there any more goes on. */
    reload(monitor, "rules: []\n");
    CHECK(warned("budget pot is no longer in the policy", 0));
    run(monitor, 2 * S);
    CHECK(vagus_signal_level(monitor, VAGUS_DEFER) > 0);
    CHECK_EQ(vagus_budget_give(pot, 700), 0);
    run(monitor, 2 * S);
    CHECK(vagus_signal_level(monitor, VAGUS_DEFER) == 0);
    vagus_monitor_close(monitor);
}

/* A counter that no rule watches any more wakes nobody, and one that a rule watches now does. */
static void counters_wake_by_the_new_rules(void)
{
    struct vagus_monitor *monitor =
        begin("rules:\n  - {name: r, metric: agent.x, shutdown: {above: 100, clear: 0}}\n");
    struct vagus_counter x =
        vagus_counter_define(monitor, &(struct vagus_metric_desc){.name = "agent.x"});
    vagus_add(x, 50);
    run(monitor, S);
    reload(monitor, "rules:\n  - {name: r, metric: agent.x, shutdown: {above: 60, clear: 0}}\n");
    run(monitor, S);
    CHECK_EQ(heard_count, 0);
    vagus_add(x, 11);
    run(monitor, 100 * MS);
    REQUIRE(heard_count == 1);
    CHECK(heard[0].threshold == 60);
    vagus_monitor_close(monitor);
}

int main(void)
{
    policy_begin();
    RUN(same_rules_keep_their_states);
    RUN(what_is_pending_stays_pending);
    RUN(a_rule_that_vanished_is_cleared);
    RUN(another_reason_takes_over);
    RUN(a_ghost_about_rules_is_cleared);
    RUN(a_bad_file_changes_nothing);
    RUN(not_at_any_time);
    RUN(what_cannot_change_is_named);
    RUN(budgets_keep_what_was_spent);
    RUN(counters_wake_by_the_new_rules);
    policy_end();
    return check_result();
}
