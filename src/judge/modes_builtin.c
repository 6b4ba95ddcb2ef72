/* SPDX-License-Identifier: Apache-2.0 */
/* The modes that hold where the policy names none; docs/modes.md shows them as a policy would write
 * them. None needs consent: an agent that nobody tends must find its own way back. */
#include "judge/modes.h"

#define SECONDS(n) ((n)*VAGUS_SECOND_NS)
#define CAPS(n, tasks, tools, llm)                                                                 \
    static struct config_cap n##_caps[] = {{(char *)"tasks", tasks},                               \
                                           {(char *)"tool-calls-per-minute", tools},               \
                                           {(char *)"llm-calls-per-minute", llm}};
#define MODE(n)                                                                                    \
    {                                                                                              \
        .name = (char *)#n, .caps = n##_caps, .cap_count = 3                                       \
    }
#define WAY(a, b, w, hold)                                                                         \
    {                                                                                              \
        .from = (char *)#a, .to = (char *)#b, .when = CONFIG_WHEN_##w, .for_ns = SECONDS(hold)     \
    }

CAPS(alert, 4, 60, 30)
CAPS(degraded, 1, 20, 10)
CAPS(lockdown, 0, 0, 0)
CAPS(recovery, 1, 20, 10)

static struct config_mode modes[] = {
    {.name = (char *)"normal"}, MODE(alert), MODE(degraded), MODE(lockdown), MODE(recovery),
};

static struct config_transition transitions[] = {
    WAY(normal, lockdown, SHUTDOWN, 0),   WAY(normal, degraded, DEFER, 2),
    WAY(normal, alert, THROTTLE, 2),      WAY(alert, lockdown, SHUTDOWN, 0),
    WAY(alert, degraded, DEFER, 2),       WAY(alert, normal, CLEAR, 30),
    WAY(degraded, lockdown, SHUTDOWN, 0), WAY(degraded, recovery, CLEAR, 30),
    WAY(lockdown, recovery, CLEAR, 60),   WAY(recovery, lockdown, SHUTDOWN, 0),
    WAY(recovery, degraded, THROTTLE, 2), WAY(recovery, normal, CLEAR, 60),
};

const struct vagus_config modes_builtin = {
    .modes = modes,
    .mode_count = sizeof(modes) / sizeof(modes[0]),
    .transitions = transitions,
    .transition_count = sizeof(transitions) / sizeof(transitions[0]),
};
