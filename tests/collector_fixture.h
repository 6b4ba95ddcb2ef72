/* SPDX-License-Identifier: Apache-2.0 */
/* One collector without a monitor, on a host and a clock of the test's choice: what a monitor would
 * do for it is done by a fake that keeps the newest value of each metric, so that nothing stands
 * between a reading and its check. For a program that includes the collector's source. */
#ifndef TESTS_COLLECTOR_FIXTURE_H
#define TESTS_COLLECTOR_FIXTURE_H

#include <stdlib.h>

#include "host/host.h"
#include "vagus/collector.h"

#include "check.h"

#define ALL_DUE 0x3fu

#define FAKE_METRICS 64
#define FAKE_INSTANCES VAGUS_COLLECTOR_INSTANCES_MAX

struct vagus_collector {
    const struct vagus_collector_desc *desc;
    struct host *host; /* of fake_open() */
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
    CHECK(value[0] != '\0' && strlen(value) < VAGUS_INSTANCE_MAX);
    for (int i = 0; i < c->instances; i++)
        if (strcmp(c->names[i], value) == 0)
            return i;
    if (c->instances == (c->desc->instances_max != 0 ? (int)c->desc->instances_max : 16))
        return VAGUS_EFULL;
    snprintf(c->names[c->instances], VAGUS_INSTANCE_MAX, "%s", value);
    return c->instances++;
}

void vagus_put(struct vagus_collector *c, size_t metric, size_t instance, double value)
{
    CHECK(isfinite(value) && metric < c->desc->metric_count);
    CHECK(instance == 0 || (int)instance < c->instances);
    c->put[metric][instance].value = value;
    c->put[metric][instance].error = 0;
    c->put[metric][instance].puts++;
}

void vagus_put_missing(struct vagus_collector *c, size_t metric, size_t instance, int error)
{
    CHECK(error < 0 && metric < c->desc->metric_count);
    c->put[metric][instance].error = error;
    c->put[metric][instance].puts++;
}

static struct vagus_collector fake;

/* Opens the collector with what vagus_collector_arg() is to give. */
static inline void fake_begin(const struct vagus_collector_desc *desc, void *arg)
{
    memset(&fake, 0, sizeof(fake));
    fake.desc = desc;
    fake.arg = arg;
    fake.now_ns = 1000 * VAGUS_SECOND_NS;
    fake.memory = calloc(1, desc->state_size + 1);
    if (desc->open != NULL)
        CHECK_EQ(desc->open(&fake), 0);
}

static inline void fake_end(void)
{
    free(fake.memory);
    fake.memory = NULL;
}

/* The same on a host of its own. */
static inline bool fake_open_with(const struct vagus_collector_desc *desc,
                                  const struct host_options *options)
{
    struct host *host = NULL;
    CHECK_EQ(host_open(options, &host), 0);
    if (host == NULL)
        return false;
    fake_begin(desc, host);
    fake.host = host;
    return true;
}

static inline bool fake_open(const struct vagus_collector_desc *desc, const char *root)
{
    return fake_open_with(desc, &(struct host_options){.root = root});
}

static inline void fake_close(void)
{
    fake_end();
    host_unref(fake.host);
}

static inline int fake_sample_after(int64_t span_ns, unsigned due)
{
    fake.now_ns += span_ns;
    return fake.desc->sample(&fake, due);
}

/* The metric of that name in the collector's table; a failed check and 0 if there is none. */
static inline size_t metric_named(const char *name)
{
    for (size_t i = 0; i < fake.desc->metric_count; i++)
        if (strcmp(fake.desc->metrics[i].name, name) == 0)
            return i;
    CHECK_FAIL_("no metric %s", name);
    return 0;
}

/* The number of the instance of that name, or -1. */
static inline int fake_instance(const char *name)
{
    for (int i = 0; i < fake.instances; i++)
        if (strcmp(fake.names[i], name) == 0)
            return i;
    return -1;
}

/* The same; a failed check and 0 if there is none. */
static inline size_t instance_named(const char *name)
{
    int instance = fake_instance(name);
    if (instance < 0)
        CHECK_FAIL_("no instance %s", name);
    return instance < 0 ? 0 : (size_t)instance;
}

#define CHECK_PUT_NAMED(metric, wanted) CHECK_PUT_AT(metric_named(metric), 0, wanted)
#define CHECK_PUT_OF(metric, instance, wanted)                                                     \
    CHECK_PUT_AT(metric_named(metric), instance_named(instance), wanted)
#define CHECK_MISSING_NAMED(metric, wanted) CHECK_MISSING(metric_named(metric), wanted)
#define PUTS_OF(metric) (fake.put[metric_named(metric)][0].puts)

#define CHECK_PUT_AT(metric, instance, wanted)                                                     \
    do {                                                                                           \
        CHECK_EQ(fake.put[metric][instance].error, 0);                                             \
        CHECK(fake.put[metric][instance].puts > 0);                                                \
        CHECK_NEAR(fake.put[metric][instance].value, wanted, 1e-9);                                \
    } while (0)
#define CHECK_PUT(metric, wanted) CHECK_PUT_AT(metric, 0, wanted)
#define CHECK_MISSING(metric, wanted)                                                              \
    do {                                                                                           \
        CHECK(fake.put[metric][0].puts > 0);                                                       \
        CHECK_EQ(fake.put[metric][0].error, wanted);                                               \
    } while (0)

/* Names, bounds and tiers that a monitor would refuse. */
static inline void check_descriptor(const struct vagus_collector_desc *desc)
{
    CHECK_EQ(desc->size, sizeof(struct vagus_collector_desc));
    CHECK(desc->metric_count <= FAKE_METRICS && desc->instances_max <= FAKE_INSTANCES);
    for (size_t m = 0; m < desc->metric_count; m++) {
        const struct vagus_metric_desc *metric = &desc->metrics[m];
        CHECK(metric->name != NULL && strlen(metric->name) < VAGUS_NAME_MAX);
        CHECK(strlen(metric->help) < VAGUS_HELP_MAX && strlen(metric->unit) < VAGUS_UNIT_MAX);
        CHECK(metric->tier >= VAGUS_TIER_100MS && metric->resolution > 0);
        CHECK((metric->instance == NULL) == (metric->label == NULL));
        CHECK(metric->kind == VAGUS_COUNTER || metric->kind == VAGUS_GAUGE);
        for (size_t k = 0; k < m; k++)
            CHECK(strcmp(metric->name, desc->metrics[k].name) != 0);
    }
}

#endif
