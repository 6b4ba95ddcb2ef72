/* SPDX-License-Identifier: Apache-2.0 */
/* What every agent counts of itself, under names that are the same everywhere: those of the
 * OpenTelemetry conventions for generative AI where these exist. */
#ifndef VAGUS_AGENT_H
#define VAGUS_AGENT_H

#include "operation.h"

VAGUS_BEGIN_DECLS

/* How much harm a tool call may do. */
enum vagus_risk { VAGUS_RISK_LOW, VAGUS_RISK_MEDIUM, VAGUS_RISK_HIGH, VAGUS_RISK_CRITICAL };
#define VAGUS_RISKS 4

/* The counters and gauges: member of struct vagus_agent, name, unit, help. Append only. */
#define VAGUS_AGENT_COUNTERS(X)                                                                    \
    X(messages, "agent.messages", "{message}", "messages handled")                                 \
    X(thoughts, "agent.thoughts", "{thought}", "steps of reasoning")                               \
    X(errors, "agent.errors", "{error}", "errors of all kinds; by kind: its instances")            \
    X(tokens, "agent.tokens", "{token}", "LLM tokens used, in and out")                            \
    X(cost, "agent.cost", "{microUSD}", "money spent, in millionths of a dollar")                  \
    X(tool_calls, "agent.tool.calls", "{call}", "tools called; by tool: its instances")            \
    X(deferrals, "agent.deferrals", "{task}", "tasks put off")                                     \
    X(violations, "agent.policy.violations", "{violation}", "what the agent's policy forbids")     \
    X(memory_operations, "agent.memory.operations", "{operation}", "reads and writes of memory")   \
    X(progress, "agent.progress", "{step}", "heartbeat: grows with each step that led on")

#define VAGUS_AGENT_GAUGES(X)                                                                      \
    X(tasks_active, "agent.tasks.active", "{task}", "tasks being worked on")                       \
    X(tasks_queued, "agent.tasks.queued", "{task}", "tasks that wait")                             \
    X(queue_capacity, "agent.queue.capacity", "{task}", "tasks that may wait")                     \
    X(context_usage, "agent.context.usage", "{token}", "tokens in the context")                    \
    X(context_limit, "agent.context.limit", "{token}", "tokens that the context holds")            \
    X(breakers_open, "agent.circuit_breakers.open", "{breaker}", "circuit breakers that are open")

struct vagus_agent {
    size_t size;                 /* sizeof(struct vagus_agent), set before vagus_agent_define() */
    struct vagus_operation llm;  /* gen_ai.client.operation: LLM calls */
    struct vagus_operation tool; /* agent.tool: tool calls, how long and with what end */
    struct vagus_histogram
        input_tokens; /* gen_ai.client.token.usage, instance "input": each call */
    struct vagus_histogram output_tokens;         /* the same, "output" */
    struct vagus_counter tool_risks[VAGUS_RISKS]; /* agent.tool.risks, "low" to "critical" */
#define VAGUS__MEMBER(member, name, unit, help) struct vagus_counter member;
    VAGUS_AGENT_COUNTERS(VAGUS__MEMBER)
#undef VAGUS__MEMBER
#define VAGUS__MEMBER(member, name, unit, help) struct vagus_gauge member;
    VAGUS_AGENT_GAUGES(VAGUS__MEMBER)
#undef VAGUS__MEMBER
};

/* Defines all of them, or finds them. The struct must live as long as its operations are used. 0,
 * VAGUS_EINVAL, VAGUS_ECLOSED, or the first error that a definition met: its handle is harmless,
 * the others work. */
VAGUS_API int vagus_agent_define(struct vagus_monitor *monitor, struct vagus_agent *agent);

/* One tool's calls, and one kind's errors: instances of agent.tool.calls and agent.errors. Resolve
 * each once and keep the handle; the 65th and later share "other". */
VAGUS_API struct vagus_counter vagus_agent_tool_define(struct vagus_monitor *monitor,
                                                       const char *tool);
VAGUS_API struct vagus_counter vagus_agent_error_define(struct vagus_monitor *monitor,
                                                        const char *kind);

/* Counts a tool call in all, by tool and by risk. */
static inline void vagus_agent_tool_called(const struct vagus_agent *agent,
                                           struct vagus_counter tool, enum vagus_risk risk)
{
    vagus_add(agent->tool_calls, 1);
    vagus_add(tool, 1);
    if ((unsigned)risk < VAGUS_RISKS)
        vagus_add(agent->tool_risks[risk], 1);
}

/* Counts an error in all and by kind. */
static inline void vagus_agent_failed(const struct vagus_agent *agent, struct vagus_counter kind)
{
    vagus_add(agent->errors, 1);
    vagus_add(kind, 1);
}

/* Counts the tokens of one LLM call. */
static inline void vagus_agent_used_tokens(const struct vagus_agent *agent, uint32_t input,
                                           uint32_t output)
{
    vagus_add(agent->tokens, (uint64_t)input + output);
    vagus_record_integer(agent->input_tokens, input);
    vagus_record_integer(agent->output_tokens, output);
}

VAGUS_END_DECLS

#endif
