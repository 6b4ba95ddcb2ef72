/* SPDX-License-Identifier: Apache-2.0 */
/* Loading a policy: from its text to the structs, all checks included; beside it one bare pass of
 * libyaml over the same text. */
#include <stdlib.h>
#include <yaml.h>

#include "bench.h"
#include "monitor/monitor.h"

#define RULE_BYTES 320

static char *policy;
static size_t policy_bytes;
static bool failed;

static bool write_policy(unsigned rules)
{
    size_t capacity = (size_t)rules * RULE_BYTES + 64;
    policy = malloc(capacity);
    if (policy == NULL)
        return false;
    policy_bytes = (size_t)snprintf(policy, capacity, "agent: bench\nrules:\n");
    for (unsigned i = 0; i < rules; i++)
        policy_bytes += (size_t)snprintf(policy + policy_bytes, capacity - policy_bytes,
                                         "  - name: rule-%u\n    metric: memory.headroom.ratio\n"
                                         "    throttle: { below: 20%%, clear: 25%%, full: 10%% }\n"
                                         "    defer: { below: 12%%, clear: 16%%, for: 200ms }\n"
                                         "    shutdown: { below: 5%%, clear: 10%%, for: 1s }\n"
                                         "    min_hold: %ums\n",
                                         i, i + 1);
    return true;
}

static void load(void *arg, uint64_t iterations)
{
    (void)arg;
    for (; iterations > 0; iterations--) {
        struct vagus_config *config = NULL;
        failed |= config_load(NULL, policy, &monitor_vocabulary, NULL, &config) != 0;
        config_free(config);
    }
}

static void parse(void *arg, uint64_t iterations)
{
    (void)arg;
    for (; iterations > 0; iterations--) {
        yaml_parser_t parser;
        yaml_event_t event;
        bool ended = !yaml_parser_initialize(&parser);
        yaml_parser_set_input_string(&parser, (const unsigned char *)policy, policy_bytes);
        while (!ended && yaml_parser_parse(&parser, &event)) {
            ended = event.type == YAML_STREAM_END_EVENT;
            yaml_event_delete(&event);
        }
        yaml_parser_delete(&parser);
    }
}

/* The argument is how many rules the policy has. */
void bench_policy_load(const struct bench_row *row, struct bench_result *result)
{
    struct contender contenders[] = {{.loop = load, .iterations = 1},
                                     {.loop = parse, .iterations = 1}};
    failed = false;
    if (!write_policy((unsigned)strtoul(row->argument, NULL, 10)) || !measure(contenders, 2, 1))
        result->why = "no memory";
    else if (failed)
        result->why = "the policy has faults";
    if (result->why == NULL) {
        result->value = contenders[0].ns;
        result->floor = contenders[1].ns;
    }
    free(policy);
    policy = NULL;
}
