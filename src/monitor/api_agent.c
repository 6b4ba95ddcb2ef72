/* SPDX-License-Identifier: Apache-2.0 */
/* The standard metrics of an agent, defined in one call from the tables of vagus/agent.h. */
#include "vagus/agent.h"

#include "monitor/monitor.h"

#define RESOURCE "agent"
#define TOKENS_MAX 0x1p24 /* of one call: 16 million */

static int keep_first(int before, uint32_t generation)
{
    return before != 0 || generation != 0 ? before : VAGUS_EFULL;
}

static int define_counters(struct vagus_monitor *monitor, struct vagus_agent *agent)
{
    int error = 0;
#define DEFINE(member, name_, unit_, help_)                                                        \
    agent->member = vagus_counter_define(                                                          \
        monitor, &(struct vagus_metric_desc){                                                      \
                     .name = name_, .unit = unit_, .help = help_, .resource = RESOURCE});          \
    error = keep_first(error, agent->member.generation);
    VAGUS_AGENT_COUNTERS(DEFINE)
#undef DEFINE
    return error;
}

static int define_gauges(struct vagus_monitor *monitor, struct vagus_agent *agent)
{
    int error = 0;
#define DEFINE(member, name_, unit_, help_)                                                        \
    agent->member = vagus_gauge_define(                                                            \
        monitor, &(struct vagus_metric_desc){                                                      \
                     .name = name_, .unit = unit_, .help = help_, .resource = RESOURCE});          \
    error = keep_first(error, agent->member.generation);
    VAGUS_AGENT_GAUGES(DEFINE)
#undef DEFINE
    return error;
}

static int define_risks(struct vagus_monitor *monitor, struct vagus_agent *agent)
{
    static const char *const names[VAGUS_RISKS] = {"low", "medium", "high", "critical"};
    int error = 0;
    for (unsigned i = 0; i < VAGUS_RISKS; i++) {
        agent->tool_risks[i] = vagus_counter_define(
            monitor, &(struct vagus_metric_desc){.name = "agent.tool.risks",
                                                 .instance = names[i],
                                                 .label = "risk",
                                                 .unit = "{call}",
                                                 .help = "tools called, by risk",
                                                 .resource = RESOURCE});
        error = keep_first(error, agent->tool_risks[i].generation);
    }
    return error;
}

static struct vagus_histogram define_tokens(struct vagus_monitor *monitor, const char *type)
{
    return vagus_histogram_define(monitor,
                                  &(struct vagus_metric_desc){.name = "gen_ai.client.token.usage",
                                                              .instance = type,
                                                              .label = "type",
                                                              .unit = "{token}",
                                                              .help = "tokens of one LLM call",
                                                              .resource = RESOURCE,
                                                              .min = 1,
                                                              .max = TOKENS_MAX});
}

static int define_operations(struct vagus_monitor *monitor, struct vagus_agent *agent)
{
    int error = vagus_operation_define(
        monitor,
        &(struct vagus_metric_desc){.name = "gen_ai.client.operation", .resource = RESOURCE}, 0,
        &agent->llm);
    int tool_error = vagus_operation_define(
        monitor, &(struct vagus_metric_desc){.name = "agent.tool", .resource = RESOURCE}, 0,
        &agent->tool);
    return error != 0 ? error : tool_error;
}

int vagus_agent_define(struct vagus_monitor *monitor, struct vagus_agent *agent)
{
    if (monitor == NULL || agent == NULL || agent->size != sizeof(*agent))
        return VAGUS_EINVAL;
    *agent = (struct vagus_agent){.size = sizeof(*agent)};
    if (!monitor_enter(monitor))
        return VAGUS_ECLOSED;
    monitor_leave();
    int errors[] = {define_operations(monitor, agent), define_counters(monitor, agent),
                    define_gauges(monitor, agent), define_risks(monitor, agent), 0};
    agent->input_tokens = define_tokens(monitor, "input");
    agent->output_tokens = define_tokens(monitor, "output");
    errors[4] =
        keep_first(keep_first(0, agent->input_tokens.generation), agent->output_tokens.generation);
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        if (errors[i] != 0)
            return errors[i];
    return 0;
}

struct vagus_counter vagus_agent_tool_define(struct vagus_monitor *monitor, const char *tool)
{
    return vagus_counter_define(monitor, &(struct vagus_metric_desc){.name = "agent.tool.calls",
                                                                     .instance = tool,
                                                                     .label = "tool",
                                                                     .unit = "{call}",
                                                                     .help = "calls of one tool",
                                                                     .resource = RESOURCE});
}

struct vagus_counter vagus_agent_error_define(struct vagus_monitor *monitor, const char *kind)
{
    return vagus_counter_define(monitor, &(struct vagus_metric_desc){.name = "agent.errors",
                                                                     .instance = kind,
                                                                     .label = "kind",
                                                                     .unit = "{error}",
                                                                     .help = "errors of one kind",
                                                                     .resource = RESOURCE});
}
