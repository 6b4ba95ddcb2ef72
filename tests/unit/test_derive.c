/* SPDX-License-Identifier: Apache-2.0 */
/* Derived metrics: what the policy makes of others, and that a missing input is never a zero. */
#include "check.h"
#include "monitor_fixture.h"

static struct vagus_fault_list faults;

static int open_with(const char *policy, struct vagus_monitor **monitor)
{
    atomic_store(&test_now_ns, 1000 * S);
    return vagus_monitor_open(
        &(struct vagus_monitor_options){.size = sizeof(struct vagus_monitor_options),
                                        .policy_text = policy,
                                        .clock = &test_clock,
                                        .flags = VAGUS_STEPPED | VAGUS_NO_COLLECTORS |
                                                 VAGUS_ANONYMOUS_SEGMENT,
                                        .faults = &faults},
        monitor);
}

static struct vagus_reading reading_of(struct vagus_monitor *monitor, const char *name)
{
    struct vagus_reading reading = {.value = NAN};
    CHECK_EQ(vagus_reading_get(monitor, name, NULL, &reading), 0);
    return reading;
}

static const char policy[] =
    "derived:\n"
    "  - { name: d.rate, kind: rate, of: [messages], unit: \"{message}/s\" }\n"
    "  - { name: d.ratio, kind: ratio, of: [errors, messages], resource: agent }\n"
    "  - { name: d.sum, kind: sum, of: [errors, messages, level] }\n"
    "  - { name: d.difference, kind: difference, of: [messages, errors] }\n"
    "  - { name: d.twice, kind: sum, of: [d.ratio, messages] }\n"
    "rules:\n"
    "  - { name: r, metric: d.ratio, throttle: { above: 20%, clear: 10% }, min_hold: 0s }\n";

static void each_kind_gives_its_number(void)
{
    struct vagus_monitor *monitor = NULL;
    REQUIRE(open_with(policy, &monitor) == 0);
    struct vagus_counter messages =
        vagus_counter_define(monitor, &(struct vagus_metric_desc){.name = "messages"});
    struct vagus_counter errors =
        vagus_counter_define(monitor, &(struct vagus_metric_desc){.name = "errors"});
    CHECK_EQ(vagus_monitor_start(monitor), 0);
    vagus_add(messages, 20);
    organ_run(monitor, S);
    vagus_add(messages, 30);
    vagus_add(errors, 5);
    organ_run(monitor, S);
    CHECK_NEAR(reading_of(monitor, "d.rate").value, 30, 1e-9);
    CHECK_NEAR(reading_of(monitor, "d.ratio").value, 0.1, 1e-12);
    CHECK_NEAR(reading_of(monitor, "d.difference").value, 45, 0);
    CHECK_NEAR(reading_of(monitor, "d.twice").value, 50.1, 1e-9);
    CHECK_EQ(reading_of(monitor, "d.sum").error, VAGUS_ENOENT); /* there is no level */
    CHECK_EQ(reading_of(monitor, "d.sum").taken_ns, 0);
    CHECK_NEAR(vagus_signal_level(monitor, VAGUS_THROTTLE), 0, 0);
    vagus_add(errors, 20);
    vagus_set(vagus_gauge_define(monitor, &(struct vagus_metric_desc){.name = "level"}), -0.5);
    organ_run(monitor, 2 * S);
    CHECK_NEAR(reading_of(monitor, "d.ratio").value, 0.5, 1e-12);
    CHECK_NEAR(reading_of(monitor, "d.rate").value, 0, 0);
    CHECK_NEAR(reading_of(monitor, "d.sum").value, 74.5, 0);
    CHECK(vagus_signal_level(monitor, VAGUS_THROTTLE) > 0);
    vagus_monitor_close(monitor);
}

static void a_missing_input_is_a_missing_output(void)
{
    struct vagus_monitor *monitor = NULL;
    REQUIRE(open_with(policy, &monitor) == 0);
    vagus_counter_define(monitor, &(struct vagus_metric_desc){.name = "messages"});
    vagus_counter_define(monitor, &(struct vagus_metric_desc){.name = "errors"});
    CHECK_EQ(vagus_monitor_start(monitor), 0);
    organ_run(monitor, S);
    CHECK_EQ(reading_of(monitor, "d.ratio").error, VAGUS_EAGAIN); /* 0 / 0 */
    CHECK_EQ(reading_of(monitor, "d.twice").error, VAGUS_EAGAIN); /* of what is missing */
    CHECK_EQ(reading_of(monitor, "d.difference").error, 0);
    vagus_monitor_close(monitor);
}

/* Whoever never reported is unknown; who did has an age that grows until it does again. */
static void progress_has_an_age(void)
{
    struct vagus_monitor *monitor = NULL;
    struct vagus_reading reading;
    REQUIRE(open_with("derived:\n"
                      "  - { name: d.age, kind: age, of: [level], unit: s }\n"
                      "rules: []\n",
                      &monitor) == 0);
    CHECK_EQ(vagus_monitor_start(monitor), 0);
    organ_run(monitor, 2 * S);
    CHECK_EQ(vagus_reading_get(monitor, "agent.progress.age", NULL, &reading), VAGUS_ENOENT);
    CHECK_EQ(reading_of(monitor, "d.age").error, VAGUS_ENOENT);
    struct vagus_counter progress =
        vagus_counter_define(monitor, &(struct vagus_metric_desc){.name = "agent.progress"});
    struct vagus_gauge level =
        vagus_gauge_define(monitor, &(struct vagus_metric_desc){.name = "level"});
    organ_run(monitor, 30 * S);
    reading = reading_of(monitor, "agent.progress.age");
    CHECK_EQ(vagus_reading_state(&reading, atomic_load(&test_now_ns)), VAGUS_STATE_NEVER);
    vagus_add(progress, 1);
    vagus_set(level, 5);
    organ_run(monitor, S);
    CHECK_NEAR(reading_of(monitor, "agent.progress.age").value, 0, 1);
    organ_run(monitor, 7 * S);
    CHECK_NEAR(reading_of(monitor, "agent.progress.age").value, 7, 1);
    CHECK_NEAR(reading_of(monitor, "d.age").value, 7, 1);
    vagus_set(level, 5); /* the same again is no change */
    organ_run(monitor, 60 * S);
    CHECK_NEAR(reading_of(monitor, "agent.progress.age").value, 67, 1);
    CHECK_NEAR(reading_of(monitor, "d.age").value, 67, 1);
    vagus_add(progress, 1);
    vagus_set(level, 0);
    organ_run(monitor, S);
    CHECK_NEAR(reading_of(monitor, "agent.progress.age").value, 0, 1);
    CHECK_NEAR(reading_of(monitor, "d.age").value, 0, 1);
    vagus_monitor_close(monitor);
}

/* A policy that has one of its own keeps it. */
static void own_age_of_progress_stands(void)
{
    struct vagus_monitor *monitor = NULL;
    REQUIRE(open_with("derived:\n"
                      "  - { name: agent.progress.age, kind: sum, of: [agent.progress] }\n"
                      "rules: []\n",
                      &monitor) == 0);
    struct vagus_counter progress =
        vagus_counter_define(monitor, &(struct vagus_metric_desc){.name = "agent.progress"});
    CHECK_EQ(vagus_monitor_start(monitor), 0);
    vagus_add(progress, 40);
    organ_run(monitor, 3 * S);
    CHECK_NEAR(reading_of(monitor, "agent.progress.age").value, 40, 0);
    vagus_monitor_close(monitor);
}

static void what_cannot_be_is_refused(void)
{
    struct vagus_monitor *monitor = NULL;
    CHECK_EQ(open_with("derived:\n"
                       "  - { name: a, kind: ratio, of: [b] }\n"
                       "  - { name: a, kind: rate, of: [b, c] }\n"
                       "  - { name: c, kind: sum, of: [c] }\n"
                       "  - { name: f, kind: age, of: [b, c] }\n"
                       "  - { name: d, kind: product, of: [b] }\n"
                       "  - { kind: sum, of: [Bad Name] }\n"
                       "  - { name: e, kind: sum, of: [] }\n"
                       "  - just a word\n"
                       "rules: []\n",
                       &monitor),
             VAGUS_EPOLICY);
    static const char *const wanted[] = {"exactly two",    "exactly one", "is taken",
                                         "made of itself", "product",     "needs",
                                         "Bad Name",       "0 entries",   "just a word"};
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        uint32_t j = 0;
        while (j < faults.count && strstr(faults.faults[j].text, wanted[i]) == NULL)
            j++;
        if (j == faults.count)
            CHECK_FAIL_("no fault says \"%s\"", wanted[i]);
    }
}

static void a_name_that_is_taken_is_told_and_the_rest_works(void)
{
    struct vagus_monitor *monitor = NULL;
    static char health[65536];
    REQUIRE(open_with("derived:\n"
                      "  - { name: sum, kind: sum, of: [x] }\n"
                      "rules: []\n",
                      &monitor) == 0);
    CHECK_EQ(vagus_counter_define(monitor, &(struct vagus_metric_desc){.name = "sum"}).generation,
             0);
    CHECK_EQ(vagus_monitor_start(monitor), 0);
    CHECK_EQ(vagus_health_format(monitor, 0, health, sizeof(health), NULL), 0);
    CHECK_CONTAINS(health, "metric sum refused");
    vagus_monitor_close(monitor);
}

int main(void)
{
    RUN(each_kind_gives_its_number);
    RUN(a_missing_input_is_a_missing_output);
    RUN(progress_has_an_age);
    RUN(own_age_of_progress_stands);
    RUN(what_cannot_be_is_refused);
    RUN(a_name_that_is_taken_is_told_and_the_rest_works);
    return check_result();
}
