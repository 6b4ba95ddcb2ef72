/* SPDX-License-Identifier: Apache-2.0 */
/* The standard metrics of an agent: all there after one call, and in the snapshot. */
#include "check.h"
#include "malloc_watch.h"
#include "monitor_fixture.h"

static double value_of(struct vagus_monitor *monitor, const char *name, const char *instance)
{
    struct vagus_reading reading = {.value = NAN};
    CHECK_EQ(vagus_reading_get(monitor, name, instance, &reading), 0);
    return reading.value;
}

static void one_call_defines_them_all(void)
{
    struct vagus_monitor *monitor = organ_open(VAGUS_STEPPED);
    struct vagus_agent agent = {.size = sizeof(agent)}, again = {.size = sizeof(again)};
    struct vagus_system_snapshot snapshot;
    struct vagus_distribution d;
    CHECK_EQ(vagus_agent_define(monitor, &agent), 0);
    CHECK_EQ(vagus_agent_define(monitor, &again), 0);
    CHECK(memcmp(&agent, &again, sizeof(agent)) == 0);
    struct vagus_counter browser = vagus_agent_tool_define(monitor, "browser");
    struct vagus_counter timeouts = vagus_agent_error_define(monitor, "timeout");
    CHECK_EQ(vagus_monitor_start(monitor), 0);
    {
        VAGUS_SPAN(call, &agent.llm);
        vagus_agent_used_tokens(&agent, 1200, 80);
    }
    vagus_agent_tool_called(&agent, browser, VAGUS_RISK_HIGH);
    vagus_agent_failed(&agent, timeouts);
    vagus_add(agent.messages, 3);
    vagus_set(agent.tasks_queued, 7);
    organ_run(monitor, 2 * S);
    CHECK_NEAR(value_of(monitor, "agent.tool.calls", "browser"), 1, 0);
    CHECK_NEAR(value_of(monitor, "agent.tool.risks", "high"), 1, 0);
    CHECK_NEAR(value_of(monitor, "agent.tool.risks", "low"), 0, 0);
    CHECK_NEAR(value_of(monitor, "agent.errors", "timeout"), 1, 0);
    CHECK_NEAR(value_of(monitor, "agent.tasks.queued", NULL), 7, 0);
    CHECK_NEAR(value_of(monitor, "gen_ai.client.operation.duration", NULL), 1, 0);
    CHECK_NEAR(value_of(monitor, "gen_ai.client.operation.in_flight", NULL), 0, 0);
    CHECK_EQ(vagus_histogram_read(agent.input_tokens, &d), 0);
    CHECK_NEAR(d.sum, 1200, 0);
    CHECK_EQ(vagus_snapshot_read(monitor, &snapshot), 0);
    CHECK_NEAR(snapshot.agent.messages.total.value, 3, 0);
    CHECK_NEAR(snapshot.agent.tokens.total.value, 1280, 0);
    CHECK_NEAR(snapshot.agent.errors.total.value, 1, 0);
    CHECK_NEAR(snapshot.agent.tool_calls.total.value, 1, 0);
    vagus_monitor_close(monitor);
    CHECK_EQ(vagus_agent_define(monitor, &agent), VAGUS_ECLOSED);
    CHECK_EQ(agent.messages.generation, 0);
}

static void what_there_is_no_room_for_is_harmless(void)
{
    struct vagus_monitor *monitor = NULL;
    struct vagus_agent agent = {.size = sizeof(agent)};
    CHECK_EQ(vagus_monitor_open(
                 &(struct vagus_monitor_options){.size = sizeof(struct vagus_monitor_options),
                                                 .metrics_max = 12,
                                                 .flags = VAGUS_STEPPED | VAGUS_NO_COLLECTORS |
                                                          VAGUS_ANONYMOUS_SEGMENT},
                 &monitor),
             0);
    CHECK_EQ(vagus_agent_define(monitor, &agent), VAGUS_EFULL);
    vagus_agent_used_tokens(&agent, 1, 1);
    {
        VAGUS_SPAN(call, &agent.tool);
    }
    agent.size = 8;
    CHECK_EQ(vagus_agent_define(monitor, &agent), VAGUS_EINVAL);
    CHECK_EQ(vagus_agent_define(NULL, &agent), VAGUS_EINVAL);
    vagus_monitor_close(monitor);
}

static void nothing_allocates_once_it_runs(void)
{
    if (!MALLOC_WATCHED)
        SKIP_TEST("a sanitizer has malloc in its hands");
    struct vagus_monitor *monitor = organ_open(VAGUS_STEPPED);
    struct vagus_agent agent = {.size = sizeof(agent)};
    struct vagus_operation_state state;
    struct vagus_distribution d;
    double p99;
    REQUIRE(vagus_monitor_start(monitor) == 0);
    vagus_record(monitor, "agent.messages", 1); /* this thread takes its slot */
    atomic_store(&malloc_count, 0);
    atomic_store(&malloc_watched, true);
    CHECK_EQ(vagus_agent_define(monitor, &agent), 0); /* defining does not either */
    for (int i = 0; i < 100; i++) {
        VAGUS_SPAN(call, &agent.llm);
        vagus_agent_used_tokens(&agent, (uint32_t)i, 80);
        vagus_agent_tool_called(&agent, vagus_agent_tool_define(monitor, "shell"), VAGUS_RISK_LOW);
        vagus_record(monitor, "agent.messages", 1);
        vagus_record(monitor, "agent.mesages", 1);
        organ_run(monitor, S);
        CHECK_EQ(vagus_operation_read(&agent.llm, &state), 0);
        CHECK_EQ(vagus_histogram_read(agent.input_tokens, &d), 0);
        CHECK_EQ(vagus_distribution_quantile(&d, 0.99, &p99), 0);
    }
    atomic_store(&malloc_watched, false);
    CHECK_EQ(atomic_load(&malloc_count), 0);
    vagus_monitor_close(monitor);
}

int main(void)
{
    RUN(nothing_allocates_once_it_runs);
    RUN(one_call_defines_them_all);
    RUN(what_there_is_no_room_for_is_harmless);
    return check_result();
}
