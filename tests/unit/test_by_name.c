/* SPDX-License-Identifier: Apache-2.0 */
/* Recording by name: found, refused, told with the nearest name, defined on first use. */
#include <pthread.h>

#include "check.h"
#include "monitor_fixture.h"

static char health[65536];

static struct vagus_monitor *open_with(const char *policy)
{
    struct vagus_monitor *monitor = NULL;
    atomic_store(&test_now_ns, 1000 * S);
    int error = vagus_monitor_open(
        &(struct vagus_monitor_options){.size = sizeof(struct vagus_monitor_options),
                                        .policy_text = policy,
                                        .clock = &test_clock,
                                        .flags = VAGUS_STEPPED | VAGUS_NO_COLLECTORS |
                                                 VAGUS_ANONYMOUS_SEGMENT},
        &monitor);
    if (error != 0 || vagus_monitor_start(monitor) != 0) {
        fprintf(stderr, "the monitor could not be made: %s\n", vagus_error_message(error));
        exit(1);
    }
    return monitor;
}

static uint64_t dropped(struct vagus_monitor *monitor)
{
    struct vagus_system_snapshot snapshot;
    organ_run(monitor, S);
    CHECK_EQ(vagus_snapshot_read(monitor, &snapshot), 0);
    return snapshot.monitor.dropped_records;
}

static void each_kind_is_found_by_its_name(void)
{
    struct vagus_monitor *monitor = open_with("rules: []\n");
    char longest[VAGUS_NAME_MAX];
    memset(longest, 'n', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    struct vagus_counter counter =
        vagus_counter_define(monitor, &(struct vagus_metric_desc){.name = "agent.messages"});
    vagus_gauge_define(monitor, &(struct vagus_metric_desc){.name = "q"});
    struct vagus_histogram histogram =
        vagus_histogram_define(monitor, &(struct vagus_metric_desc){.name = longest});
    struct vagus_distribution d;
    struct vagus_reading reading;
    uint64_t total = 0;
    for (int i = 0; i < 10; i++)
        vagus_record(monitor, "agent.messages", 2);
    vagus_record(monitor, "q", -2.5);
    vagus_record(monitor, longest, 5);
    CHECK_EQ(vagus_counter_total(counter, &total), 0);
    CHECK_EQ(total, 20);
    CHECK_EQ(dropped(monitor), 0);
    CHECK_EQ(vagus_reading_get(monitor, "q", NULL, &reading), 0);
    CHECK_NEAR(reading.value, -2.5, 0);
    CHECK_EQ(vagus_histogram_read(histogram, &d), 0);
    CHECK_EQ(d.count, 1);
    vagus_record(monitor, "agent.messages", -1);
    vagus_record(monitor, "agent.messages", 0.5);
    vagus_record(monitor, "agent.messages", NAN);
    vagus_record(monitor, "agent.messages", INFINITY);
    vagus_record(monitor, "agent.messages", 0x1p63);
    vagus_record(monitor, "q", NAN);
    vagus_record(monitor, NULL, 1);
    CHECK_EQ(dropped(monitor), 7);
    CHECK_EQ(vagus_counter_total(counter, &total), 0);
    CHECK_EQ(total, 20);
    vagus_monitor_close(monitor);
    vagus_record(monitor, "agent.messages", 1); /* harmless */
    vagus_record(NULL, "agent.messages", 1);
}

static void unknown_names_are_counted_and_told_once_with_the_nearest(void)
{
    struct vagus_monitor *monitor = open_with("rules: []\n");
    char name[200];
    vagus_counter_define(monitor, &(struct vagus_metric_desc){.name = "agent.messages"});
    for (int i = 0; i < 1000; i++)
        vagus_record(monitor, "agent.mesages", 1);
    CHECK_EQ(dropped(monitor), 1000);
    CHECK_EQ(vagus_health_format(monitor, 0, health, sizeof(health), NULL), 0);
    CHECK_CONTAINS(health, "metric agent.mesages is recorded, but not defined: did you mean");
    CHECK_CONTAINS(health, " agent.messages?");
    for (int i = 0; i < 1000; i++) { /* nobody can fill the notes */
        snprintf(name, sizeof(name), "no.such.thing.%d", i);
        vagus_record(monitor, name, 1);
    }
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    vagus_record(monitor, name, 1);
    vagus_record(monitor, "", 1);
    CHECK_EQ(dropped(monitor), 2002);
    vagus_record(monitor, "vagus.monitor.cpu.ratio", 1);
    CHECK_EQ(dropped(monitor), 2003);
    vagus_counter_define(monitor, &(struct vagus_metric_desc){.name = "agent.mesages"});
    vagus_record(monitor, "agent.mesages", 1); /* it is known now */
    CHECK_EQ(dropped(monitor), 2003);
    vagus_monitor_close(monitor);
}

static void the_policy_says_what_is_defined_on_first_use(void)
{
    struct vagus_monitor *monitor = open_with("rules: []\n"
                                              "recording:\n"
                                              "  counters: [agent., scout.events.]\n"
                                              "  gauges: [scout.]\n"
                                              "  first_use_max: 5\n");
    struct vagus_reading reading;
    char name[32];
    vagus_record(monitor, "agent.tricks", 3);
    vagus_record(monitor, "agent.tricks", 4);
    vagus_record(monitor, "scout.events.seen", 1);
    vagus_record(monitor, "scout.mood", 0.5);
    vagus_record(monitor, "other.thing", 1);
    vagus_record(monitor, "agent.Bad Name", 1);
    CHECK_EQ(dropped(monitor), 2);
    CHECK_EQ(vagus_reading_get(monitor, "agent.tricks", NULL, &reading), 0);
    CHECK_NEAR(reading.value, 7, 0);
    CHECK_EQ(vagus_reading_get(monitor, "scout.mood", NULL, &reading), 0);
    CHECK_NEAR(reading.value, 0.5, 0);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "agent.made.up.%d", i);
        vagus_record(monitor, name, 1);
    }
    CHECK_EQ(dropped(monitor), 2 + 98); /* a bad name uses none of the five up */
    vagus_monitor_close(monitor);
}

static void instances_are_recorded_by_name(void)
{
    struct vagus_monitor *monitor = open_with("rules: []\n"
                                              "recording:\n"
                                              "  counters: [scout.events]\n"
                                              "  first_use_max: 4\n");
    static struct vagus_agent agent = {.size = sizeof(agent)};
    CHECK_EQ(vagus_agent_define(monitor, &agent), 0);
    struct vagus_counter browser = vagus_agent_tool_define(monitor, "browser");
    uint64_t total = 0;
    struct vagus_reading reading;
    vagus_record(monitor, "agent.tool.calls{tool=browser}", 2);
    vagus_record(monitor, "agent.tool.risks{risk=high}", 1);
    vagus_record(monitor, "gen_ai.client.token.usage{type=input}", 100);
    vagus_record(monitor, "scout.events{kind=seen}", 1);
    vagus_record(monitor, "scout.events{kind=seen}", 1);
    CHECK_EQ(dropped(monitor), 0);
    CHECK_EQ(vagus_counter_total(browser, &total), 0);
    CHECK_EQ(total, 2);
    struct vagus_distribution d;
    CHECK_EQ(vagus_histogram_read(agent.input_tokens, &d), 0);
    CHECK_EQ(d.count, 1);
    CHECK_EQ(vagus_reading_get(monitor, "scout.events{kind=seen}", NULL, &reading), 0);
    CHECK_NEAR(reading.value, 2, 0);
    CHECK_EQ(vagus_reading_get(monitor, "scout.events", "seen", &reading), 0);
    CHECK_EQ(vagus_reading_get(monitor, "scout.events{seen}", NULL, &reading), 0);
    CHECK_EQ(vagus_reading_get(monitor, "scout.events{sort=seen}", NULL, &reading), VAGUS_ENOENT);
    vagus_record(monitor, "agent.tool.calls{tool=brwser}", 1);
    CHECK_EQ(dropped(monitor), 1);
    CHECK_EQ(vagus_health_format(monitor, VAGUS_HEALTH_JSON, health, sizeof(health), NULL), 0);
    CHECK(strstr(health, "did you mean agent.tool.calls{tool=browser}?") != NULL);
    vagus_monitor_close(monitor);
}

enum { THREADS = 6, NAMES = 16, ROUNDS = 2000 };

static void *record_names(void *arg)
{
    struct vagus_monitor *monitor = arg;
    char name[32];
    for (int i = 0; i < ROUNDS * NAMES; i++) {
        snprintf(name, sizeof(name), "agent.name%d", i % NAMES);
        vagus_record(monitor, name, 1);
    }
    return NULL;
}

static void threads_that_use_a_name_first_lose_nothing(void)
{
    struct vagus_monitor *monitor = open_with("rules: []\n"
                                              "recording: { counters: [agent.] }\n");
    pthread_t threads[THREADS];
    struct vagus_reading reading;
    char name[32];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, record_names, monitor);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(dropped(monitor), 0);
    for (int i = 0; i < NAMES; i++) {
        snprintf(name, sizeof(name), "agent.name%d", i);
        CHECK_EQ(vagus_reading_get(monitor, name, NULL, &reading), 0);
        CHECK_NEAR(reading.value, THREADS * ROUNDS, 0);
    }
    vagus_monitor_close(monitor);
}

static void *record_on(void *arg)
{
    for (int i = 0; i < 300000; i++)
        vagus_record(arg, i % 100 == 0 ? "agent.unknown" : "agent.messages", 1);
    return NULL;
}

static void closing_while_others_record_is_harmless(void)
{
    for (int i = 0; i < 20; i++) {
        struct vagus_monitor *monitor = open_with("rules: []\n");
        pthread_t threads[2];
        vagus_counter_define(monitor, &(struct vagus_metric_desc){.name = "agent.messages"});
        for (int t = 0; t < 2; t++)
            pthread_create(&threads[t], NULL, record_on, monitor);
        CHECK_EQ(vagus_monitor_close(monitor), 0);
        for (int t = 0; t < 2; t++)
            pthread_join(threads[t], NULL);
    }
}

static void instances_too_many_are_told(void)
{
    struct vagus_monitor *monitor = open_with("rules: []\n");
    struct vagus_reading reading;
    char instance[16];
    for (int i = 0; i < 100; i++) {
        snprintf(instance, sizeof(instance), "%d", i);
        vagus_add(
            vagus_counter_define(monitor, &(struct vagus_metric_desc){.name = "agent.tool.calls",
                                                                      .instance = instance,
                                                                      .instances_max = 8}),
            1);
    }
    CHECK_EQ(dropped(monitor), 0);
    CHECK_EQ(vagus_reading_get(monitor, "agent.tool.calls", "other", &reading), 0);
    CHECK_NEAR(reading.value, 92, 0);
    CHECK_EQ(vagus_health_format(monitor, 0, health, sizeof(health), NULL), 0);
    CHECK_CONTAINS(health, "as many instances as it may");
    vagus_monitor_close(monitor);
}

int main(void)
{
    RUN(each_kind_is_found_by_its_name);
    RUN(unknown_names_are_counted_and_told_once_with_the_nearest);
    RUN(the_policy_says_what_is_defined_on_first_use);
    RUN(instances_are_recorded_by_name);
    RUN(threads_that_use_a_name_first_lose_nothing);
    RUN(closing_while_others_record_is_harmless);
    RUN(instances_too_many_are_told);
    return check_result();
}
