/* SPDX-License-Identifier: Apache-2.0 */
/* The judge: level rules with three severities each, over metrics that all have a new value at
 * each step and cross nothing. */
#include <stdlib.h>

#include "base/clock.h"
#include "bench.h"
#include "bench_metrics.h"
#include "judge/judge.h"

#define RULES_MAX 1000
#define RULE_BYTES 192

static struct bench_metrics all;
static struct bus *bus;
static struct judge *judge;
static struct vagus_config *config;
static uint64_t levels;
static unsigned rules;
static int64_t now_ns;

/* What is compared with what, and which severities are raised. */
static struct {
    const double *value;
    double enter[VAGUS_SIGNAL_KINDS], clear[VAGUS_SIGNAL_KINDS];
    uint8_t raised[VAGUS_SIGNAL_KINDS];
} bare[RULES_MAX];

static int load_rules(void)
{
    struct config_vocabulary vocabulary = {.kinds = judge_kind_names};
    size_t capacity = (size_t)rules * RULE_BYTES + 64;
    char *policy = malloc(capacity);
    if (policy == NULL)
        return VAGUS_ENOMEM;
    size_t length = (size_t)snprintf(policy, capacity, "rules:\n");
    for (unsigned i = 0; i < rules && length < capacity; i++)
        length += (size_t)snprintf(policy + length, capacity - length,
                                   "  - name: r%u\n    metric: bench.m%u\n"
                                   "    throttle: { above: 1000, clear: 900 }\n"
                                   "    defer: { above: 2000, clear: 1900 }\n"
                                   "    shutdown: { above: 3000, clear: 2900, for: 1s }\n",
                                   i, i);
    int error = config_load(NULL, policy, &vocabulary, NULL, &config);
    free(policy);
    return error;
}

static void put_new_values(void *arg)
{
    (void)arg;
    now_ns += 100 * VAGUS_MILLISECOND_NS;
    for (unsigned i = 0; i < rules; i++)
        metrics_put(&all.metrics, i, now_ns, (double)((uint64_t)now_ns / 7 % 800));
}

static void step(void *arg, uint64_t iterations)
{
    (void)arg;
    MEASURE_LOOP(iterations, judge_step(judge, now_ns));
}

static void compare_all(void)
{
    for (unsigned i = 0; i < rules; i++)
        for (unsigned s = 0; s < VAGUS_SIGNAL_KINDS; s++)
            bare[i].raised[s] =
                *bare[i].value > (bare[i].raised[s] ? bare[i].clear[s] : bare[i].enter[s]);
}

static void step_bare(void *arg, uint64_t iterations)
{
    (void)arg;
    MEASURE_LOOP(iterations, compare_all());
}

static void prepare_bare(void)
{
    for (unsigned i = 0; i < rules; i++) {
        bare[i].value = &all.metrics.entries[i].reading.value;
        for (unsigned s = 0; s < VAGUS_SIGNAL_KINDS; s++) {
            bare[i].enter[s] = 1000 * (s + 1);
            bare[i].clear[s] = bare[i].enter[s] - 100;
        }
    }
}

static const char *measure_rules(struct bench_result *result, double per)
{
    struct contender contenders[] = {
        {.loop = step, .prepare = put_new_values, .iterations = 1, .per = per},
        {.loop = step_bare, .prepare = put_new_values, .iterations = 1, .per = per}};
    if (!bench_metrics_define(&all, rules, VAGUS_GAUGE, METRIC_SENSED))
        return "metrics could not be defined";
    if (load_rules() != 0)
        return "the policy has faults";
    if (bus_create(all.metrics.cells.generation, &clock_of_machine, &levels, &bus) != 0)
        return "no bus";
    if (judge_create(config, &all.metrics, bus, &all.segment, &judge) != 0)
        return "no judge";
    prepare_bare();
    if (!measure(contenders, 2, 1))
        return "no memory";
    result->value = contenders[0].ns;
    result->floor = contenders[1].ns;
    return NULL;
}

/* The argument is how many rules there are; "each": 64, and the time of one of them. */
void bench_rules(const struct bench_row *row, struct bench_result *result)
{
    unsigned long whole = strtoul(row->argument, NULL, 10);
    rules = whole != 0 ? (unsigned)whole : 64;
    now_ns = VAGUS_SECOND_NS;
    if (bench_metrics_begin(&all, RULES_MAX) != 0) {
        result->why = "no segment";
        return;
    }
    result->why = measure_rules(result, whole != 0 ? 1 : rules);
    judge_free(judge);
    if (bus != NULL)
        bus_close(bus, 0, NULL, 0);
    config_free(config);
    judge = NULL;
    bus = NULL;
    config = NULL;
    bench_metrics_end(&all);
}
