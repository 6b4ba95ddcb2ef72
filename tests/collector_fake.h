/* SPDX-License-Identifier: Apache-2.0 */
/* One collector without a monitor: it runs on a host of the test's choice and a clock that the test
 * sets, and what it put last is looked at directly. For a program that includes the collector's
 * source. */
#ifndef TESTS_COLLECTOR_FAKE_H
#define TESTS_COLLECTOR_FAKE_H

#include <stdlib.h>

#include "host/host.h"
#include "vagus/collector.h"

#define FAKE_METRICS 32
#define FAKE_INSTANCES 40
#define ALL_DUE 0x3fu

struct vagus_collector {
    const struct vagus_collector_desc *desc;
    void *arg;
    void *memory;
    int64_t now_ns;
    int instances;
    char names[FAKE_INSTANCES][VAGUS_INSTANCE_MAX];
    struct {
        double value;
        int error;
        unsigned puts;
    } put[FAKE_METRICS][FAKE_INSTANCES];
};

static struct vagus_collector fake;

void *vagus_collector_state(struct vagus_collector *c)
{
    return c->memory;
}

void *vagus_collector_arg(struct vagus_collector *c)
{
    return c->arg;
}

int64_t vagus_collector_now_ns(struct vagus_collector *c)
{
    return c->now_ns;
}

int vagus_collector_instance_add(struct vagus_collector *c, const char *value)
{
    uint32_t most = c->desc->instances_max != 0 ? c->desc->instances_max : 16;
    CHECK(value[0] != '\0' && strlen(value) < VAGUS_INSTANCE_MAX);
    for (int i = 0; i < c->instances; i++)
        if (strcmp(c->names[i], value) == 0)
            return i;
    if ((uint32_t)c->instances == most)
        return VAGUS_EFULL;
    snprintf(c->names[c->instances], VAGUS_INSTANCE_MAX, "%s", value);
    return c->instances++;
}

void vagus_put(struct vagus_collector *c, size_t metric, size_t instance, double value)
{
    CHECK(isfinite(value));
    c->put[metric][instance].value = value;
    c->put[metric][instance].error = 0;
    c->put[metric][instance].puts++;
}

void vagus_put_missing(struct vagus_collector *c, size_t metric, size_t instance, int error)
{
    CHECK(error < 0);
    c->put[metric][instance].error = error;
    c->put[metric][instance].puts++;
}

/* Opens the collector with what vagus_collector_arg() is to give. */
static inline void fake_begin(const struct vagus_collector_desc *desc, void *arg)
{
    fake = (struct vagus_collector){.desc = desc, .arg = arg, .now_ns = 1000 * VAGUS_SECOND_NS};
    fake.memory = calloc(1, desc->state_size);
    if (desc->open != NULL)
        CHECK_EQ(desc->open(&fake), 0);
}

static inline void fake_end(void)
{
    free(fake.memory);
    fake.memory = NULL;
}

static inline int fake_sample_after(int64_t span_ns, unsigned due)
{
    fake.now_ns += span_ns;
    return fake.desc->sample(&fake, due);
}

/* The number of the instance of that name, or -1. */
static inline int fake_instance(const char *name)
{
    for (int i = 0; i < fake.instances; i++)
        if (strcmp(fake.names[i], name) == 0)
            return i;
    return -1;
}

#define CHECK_PUT_AT(metric, instance, wanted)                                                     \
    do {                                                                                           \
        CHECK_EQ(fake.put[metric][instance].error, 0);                                             \
        CHECK(fake.put[metric][instance].puts > 0);                                                \
        CHECK_NEAR(fake.put[metric][instance].value, wanted, 1e-9);                                \
    } while (0)
#define CHECK_PUT(metric, wanted) CHECK_PUT_AT(metric, 0, wanted)

/* Names, bounds and tiers that a monitor would refuse. */
static inline void fake_check_desc(const struct vagus_collector_desc *desc)
{
    CHECK_EQ(desc->size, sizeof(struct vagus_collector_desc));
    CHECK(desc->metric_count <= FAKE_METRICS && desc->instances_max <= FAKE_INSTANCES);
    for (size_t i = 0; i < desc->metric_count; i++) {
        const struct vagus_metric_desc *metric = &desc->metrics[i];
        CHECK(metric->name != NULL && strlen(metric->name) < VAGUS_NAME_MAX);
        CHECK(strlen(metric->help) < VAGUS_HELP_MAX && strlen(metric->unit) < VAGUS_UNIT_MAX);
        CHECK(metric->tier >= VAGUS_TIER_100MS && metric->resolution > 0);
        CHECK((metric->instance == NULL) == (metric->label == NULL));
        CHECK(metric->kind == VAGUS_COUNTER || metric->kind == VAGUS_GAUGE);
        for (size_t k = 0; k < i; k++)
            CHECK(strcmp(metric->name, desc->metrics[k].name) != 0);
    }
}

#endif
