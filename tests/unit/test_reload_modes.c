/* SPDX-License-Identifier: Apache-2.0 */
/* Modes, caps, derived metrics and the agent's own under another policy, while the monitor runs. */
#include "reload_fixture.h"
#include "vagus/health.h"
#include "vagus/mode.h"

#define RULE                                                                                       \
    "rules: [{name: low, metric: organ.headroom, throttle: {below: 20%, clear: 25%}, min_hold: "   \
    "0}]\n"
#define MODES(alert, cap)                                                                          \
    "modes:\n  - {name: calm, caps: [{name: tasks, most: 8}]}\n"                                   \
    "  - {name: " alert ", caps: [{name: tasks, most: " cap "}]}\n"                                \
    "transitions:\n"                                                                               \
    "  - {from: calm, to: " alert ", when: throttle, for: 1s}\n"                                   \
    "  - {from: " alert ", to: calm, when: clear, for: 10s}\n" RULE

static struct vagus_snapshot_mode mode;

static struct vagus_monitor *begin(const char *text)
{
    struct vagus_monitor *monitor = policy_open(VAGUS_STEPPED, text);
    CHECK_EQ(vagus_monitor_start(monitor), 0);
    return monitor;
}

static void reload(struct vagus_monitor *monitor, const char *text)
{
    policy_put(policy_file, text);
    int error = vagus_policy_reload(monitor, NULL, &faults);
    if (error != 0)
        CHECK_FAIL_("%s: line %u: %s", vagus_error_name(error), faults.faults[0].line,
                    faults.faults[0].text);
}

static bool warned(const char *words)
{
    for (uint32_t i = 0; i < faults.count; i++)
        if (strstr(faults.faults[i].text, words) != NULL)
            return true;
    return false;
}

static const char *mode_name(struct vagus_monitor *monitor)
{
    CHECK_EQ(vagus_mode_read(monitor, &mode), 0);
    return mode.name;
}

static void the_mode_stays_and_its_caps_change(void)
{
    struct vagus_monitor *monitor = begin(MODES("alert", "4"));
    struct vagus_cap tasks = vagus_cap_find(monitor, "tasks");
    atomic_store(&organ_value, 0.1);
    organ_run(monitor, 2 * S);
    CHECK_STR(mode_name(monitor), "alert");
    CHECK(vagus_cap_value(tasks) == 4);
    int64_t since_ns = mode.since_ns;
    uint64_t changes = mode.changes;
    reload(monitor, MODES("alert", "2"));
    CHECK(vagus_cap_value(tasks) == 4); /* not before the tick */
    organ_run(monitor, S);
    CHECK(vagus_cap_value(tasks) == 2); /* by the handle that was there */
    CHECK_STR(mode_name(monitor), "alert");
    CHECK_EQ(mode.since_ns, since_ns);
    CHECK_EQ(mode.changes, changes);
    CHECK_STR(mode.before, "calm");
    vagus_monitor_close(monitor);
}

static void a_mode_that_is_gone_leads_to_the_first(void)
{
    struct vagus_monitor *monitor = begin(MODES("alert", "4"));
    struct vagus_listener ear;
    struct vagus_signal heard;
    CHECK_EQ(
        vagus_listener_add(monitor,
                           &(struct vagus_listener_desc){.size = sizeof(struct vagus_listener_desc),
                                                         .name = "modes",
                                                         .kinds = VAGUS_MODE_CHANGE,
                                                         .flags = VAGUS_LISTENER_POLLED},
                           &ear),
        0);
    struct vagus_cap tasks = vagus_cap_find(monitor, "tasks");
    atomic_store(&organ_value, 0.1);
    organ_run(monitor, 2 * S);
    CHECK_STR(mode_name(monitor), "alert");
    while (vagus_listener_next(ear, &heard) == 0)
        continue;
    reload(monitor, MODES("other", "3"));
    organ_run(monitor, 100 * MS);
    CHECK_STR(mode_name(monitor), "calm");
    CHECK_STR(mode.before, "alert");
    CHECK_EQ(mode.changes, 2);
    CHECK_EQ(vagus_mode_index(monitor), 0);
    CHECK(vagus_cap_value(tasks) == 8);
    REQUIRE(vagus_listener_next(ear, &heard) == 0);
    CHECK_STR(heard.reason,
              "alert to calm: the policy was replaced, and has no mode alert any more");
    organ_run(monitor, 2 * S);
    CHECK_STR(mode_name(monitor), "other");
    CHECK(vagus_cap_value(tasks) == 3);
    vagus_monitor_close(monitor);
}

/* Ten seconds of calm lead back: five before the reload and five after it. */
static void what_a_transition_waited_for_counts(void)
{
    struct vagus_monitor *monitor = begin(MODES("alert", "4"));
    atomic_store(&organ_value, 0.1);
    organ_run(monitor, 2 * S);
    atomic_store(&organ_value, 0.9);
    organ_run(monitor, 5 * S);
    reload(monitor, "agent: test\n" MODES("alert", "3"));
    organ_run(monitor, 4 * S);
    CHECK_STR(mode_name(monitor), "alert");
    organ_run(monitor, 1500 * MS);
    CHECK_STR(mode_name(monitor), "calm");
    vagus_monitor_close(monitor);
}

/* Whoever answered once can answer under another policy, too. */
static void who_consents_is_still_there(void)
{
    static const char waits[] =
        "modes: [{name: calm}, {name: alert}]\n"
        "transitions:\n"
        "  - {from: calm, to: alert, when: throttle}\n"
        "  - {from: alert, to: calm, when: clear, for: 10s, consent: true}\n" RULE;
    struct vagus_monitor *monitor = begin(waits);
    atomic_store(&organ_value, 0.1);
    organ_run(monitor, S);
    CHECK_EQ(vagus_mode_consent(monitor, "calm"), VAGUS_ESTATE); /* too early */
    atomic_store(&organ_value, 0.9);
    organ_run(monitor, S);
    reload(monitor, waits);
    organ_run(monitor, 650 * S);
    vagus_wiring_check(monitor, &faults);
    CHECK(!warned("has waited for consent"));
    CHECK_EQ(vagus_mode_consent(monitor, "calm"), 0);
    vagus_monitor_close(monitor);
}

static void caps_come_and_go(void)
{
    struct vagus_monitor *monitor = begin(MODES("alert", "4"));
    struct vagus_cap tasks = vagus_cap_find(monitor, "tasks"), calls;
    organ_run(monitor, S);
    CHECK(vagus_cap_value(tasks) == 8);
    /* Back to the built-in modes: whose first limits nothing. */
    reload(monitor, RULE);
    organ_run(monitor, S);
    CHECK_STR(mode_name(monitor), "normal");
    CHECK(vagus_cap_value(tasks) > 1e9);
    /* Caps of other names altogether: `tasks` limits nothing, and is remembered. */
    reload(monitor, "modes: [{name: calm, caps: [{name: calls, most: 5}]}]\n" RULE);
    organ_run(monitor, S);
    calls = vagus_cap_find(monitor, "calls");
    CHECK(vagus_cap_value(calls) == 5);
    CHECK(vagus_cap_value(tasks) > 1e9);
    reload(monitor, MODES("alert", "4"));
    organ_run(monitor, S);
    CHECK(vagus_cap_value(tasks) == 8);
    CHECK(vagus_cap_value(calls) > 1e9);
    vagus_monitor_close(monitor);
    CHECK(vagus_cap_value(tasks) > 1e9);
}

/* Caps are few in a process: those of a policy that never came into force go back. */
static void words_of_caps_are_given_back(void)
{
    struct vagus_monitor *monitor = begin(MODES("alert", "4"));
    for (int i = 0; i < 3 * VAGUS__CAPS; i++) {
        char text[300];
        snprintf(text, sizeof(text), "modes: [{name: calm, caps: [{name: cap%d, most: 5}]}]\n%s", i,
                 RULE);
        reload(monitor, text); /* the one before is overtaken */
        if (i % 3 == 0)
            organ_run(monitor, S);
    }
    organ_run(monitor, S);
    vagus_monitor_close(monitor);
}

/* --- Derived metrics. --- */

#define DERIVED(of)                                                                                \
    "derived: [{name: both, kind: sum, of: [" of "], tier: 100ms}]\n"                              \
    "rules: [{name: low, metric: both, throttle: {below: 50%, clear: 55%}, min_hold: 0, "          \
    "on_missing: raise}]\n"

static struct vagus_reading reading_of(struct vagus_monitor *monitor, const char *name)
{
    struct vagus_reading reading = {0};
    CHECK_EQ(vagus_reading_get(monitor, name, NULL, &reading), 0);
    return reading;
}

static void derived_metrics_come_change_and_go(void)
{
    struct vagus_monitor *monitor = begin("rules: []\n");
    struct vagus_reading reading;
    organ_run(monitor, S);
    /* New, and its rule does not take it for missing. */
    reload(monitor, DERIVED("organ.headroom, organ.slow"));
    organ_run(monitor, 100 * MS);
    CHECK(vagus_signal_level(monitor, VAGUS_THROTTLE) == 0);
    organ_run(monitor, S);
    CHECK_NEAR(reading_of(monitor, "both").value, 4096.9, 1e-9);
    /* Made of something else at once. */
    reload(monitor, DERIVED("organ.headroom"));
    organ_run(monitor, S);
    CHECK_NEAR(reading_of(monitor, "both").value, 0.9, 1e-9);
    /* Gone: it grows stale, which is told. */
    reload(monitor, "rules: []\n");
    CHECK(warned("derived metric both is no longer in the policy: its value grows stale"));
    organ_run(monitor, 5 * S);
    reading = reading_of(monitor, "both");
    CHECK_EQ(vagus_reading_state(&reading, atomic_load(&test_now_ns)), VAGUS_STATE_STALE);
    /* And back. */
    reload(monitor, DERIVED("organ.headroom"));
    organ_run(monitor, S);
    reading = reading_of(monitor, "both");
    CHECK_EQ(vagus_reading_state(&reading, atomic_load(&test_now_ns)), VAGUS_STATE_OK);
    /* Tier and unit stand in the directory. */
    reload(monitor, "derived: [{name: both, kind: sum, of: [organ.headroom], tier: 10s, unit: "
                    "By}]\nrules: []\n");
    CHECK(warned("tier, unit and resource take effect at the next start"));
    vagus_monitor_close(monitor);
}

/* A rate goes on over a reload that does not change it. */
static void what_is_the_same_knows_what_it_knew(void)
{
#define RATE "derived: [{name: falls, kind: rate, of: [organ.headroom], tier: 1s}]\nrules: []\n"
    struct vagus_monitor *monitor = begin(RATE);
    for (int i = 0; i < 5; i++) {
        atomic_store(&organ_value, 0.9 - 0.1 * i);
        organ_run(monitor, S);
    }
    reload(monitor, "agent: test\n" RATE);
    atomic_store(&organ_value, 0.4);
    organ_run(monitor, S);
    struct vagus_reading reading = reading_of(monitor, "falls");
    CHECK_EQ(vagus_reading_state(&reading, atomic_load(&test_now_ns)), VAGUS_STATE_OK);
    CHECK_NEAR(reading.value, -0.1, 1e-9);
    vagus_monitor_close(monitor);
}

/* --- What cannot be, changes nothing. --- */

static void nothing_changes_with_a_fault(void)
{
    struct vagus_monitor *monitor = begin(MODES("alert", "4"));
    struct vagus_cap tasks = vagus_cap_find(monitor, "tasks");
    struct vagus_reading reading;
    organ_run(monitor, S);
    policy_put(policy_file, "derived: [{name: organ.slow, kind: sum, of: [organ.headroom]}]\n"
                            "metrics: [{name: own.x, kind: gauge}]\n"
                            "modes: [{name: calm, caps: [{name: tasks, most: 1}]}]\nrules: []\n");
    CHECK_EQ(vagus_policy_reload(monitor, NULL, &faults), VAGUS_EEXIST);
    CHECK(warned("derived metric organ.slow: its name is taken"));
    policy_put(policy_file, "metrics: [{name: own.y, kind: gauge}, {name: organ.slow, kind: gauge}]"
                            "\nmodes: [{name: calm, caps: [{name: tasks, most: 1}]}]\nrules: []\n");
    CHECK_EQ(vagus_policy_reload(monitor, NULL, &faults), VAGUS_EEXIST);
    CHECK(warned("metric organ.slow: it is there already"));
    organ_run(monitor, S);
    CHECK(vagus_cap_value(tasks) == 8);
    CHECK_EQ(vagus_reading_get(monitor, "own.x", NULL, &reading), VAGUS_ENOENT);
    CHECK_EQ(vagus_reading_get(monitor, "own.y", NULL, &reading), VAGUS_ENOENT);
    vagus_monitor_close(monitor);
}

static void metrics_come_by_reload(void)
{
    struct vagus_monitor *monitor = begin("metrics: [{name: own.a, kind: gauge}]\nrules: []\n");
    struct vagus_reading reading;
    vagus_record(monitor, "own.b", 1); /* told, and dropped */
    organ_run(monitor, S);
    CHECK_EQ(vagus_reading_get(monitor, "own.b", NULL, &reading), VAGUS_ENOENT);
    reload(monitor, "metrics: [{name: own.b, kind: gauge}]\nrules: []\n");
    CHECK(warned("metric own.a: it is no longer in the policy"));
    organ_run(monitor, 100 * MS);
    vagus_record(monitor, "own.b", 7);
    vagus_record(monitor, "own.a", 8);
    organ_run(monitor, S);
    CHECK(reading_of(monitor, "own.b").value == 7);
    CHECK(reading_of(monitor, "own.a").value == 8);
    reload(monitor, "metrics: [{name: own.b, kind: gauge, unit: By}]\nrules: []\n");
    CHECK(warned("metric own.b: it stays as it was defined first"));
    vagus_monitor_close(monitor);
}

static void senses_need_a_new_start(void)
{
    struct vagus_monitor *monitor = begin("rules: []\n");
    reload(monitor, "tiers: [{name: organ, tier: 1s}]\nrules: []\n");
    CHECK(warned("tiers: what changed here takes effect at the next start"));
    reload(monitor, "filters: {without_metrics: [organ.slow]}\nrules: []\n");
    CHECK(warned("filters: what changed here takes effect at the next start"));
    reload(monitor, "listeners: [{name: llm}]\nrules: []\n"); /* but this at once */
    CHECK(!warned("next start"));
    organ_run(monitor, 2 * S);
    CHECK_EQ(vagus_wiring_check(monitor, &faults), VAGUS_EUNWIRED);
    CHECK(warned("listener 'llm' is expected"));
    vagus_monitor_close(monitor);
}

int main(void)
{
    policy_begin();
    RUN(the_mode_stays_and_its_caps_change);
    RUN(a_mode_that_is_gone_leads_to_the_first);
    RUN(what_a_transition_waited_for_counts);
    RUN(who_consents_is_still_there);
    RUN(caps_come_and_go);
    RUN(words_of_caps_are_given_back);
    RUN(derived_metrics_come_change_and_go);
    RUN(what_is_the_same_knows_what_it_knew);
    RUN(nothing_changes_with_a_fault);
    RUN(metrics_come_by_reload);
    RUN(senses_need_a_new_start);
    policy_end();
    return check_result();
}
