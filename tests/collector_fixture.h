/* SPDX-License-Identifier: Apache-2.0 */
/* A fake of what a monitor does for a collector: it keeps the newest value of each metric, so that
 * nothing stands between a reading and its check. */
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
    struct host *host;
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
    return c->host;
}

int64_t vagus_collector_now_ns(struct vagus_collector *c)
{
    return c->now_ns;
}

int vagus_collector_instance_add(struct vagus_collector *c, const char *value)
{
    CHECK(strlen(value) < VAGUS_INSTANCE_MAX);
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

static inline bool begin_with(const struct vagus_collector_desc *desc,
                              const struct host_options *options)
{
    memset(&fake, 0, sizeof(fake));
    fake.desc = desc;
    fake.now_ns = VAGUS_SECOND_NS;
    int error = host_open(options, &fake.host);
    CHECK_EQ(error, 0);
    if (error != 0)
        return false;
    fake.memory = calloc(1, desc->state_size + 1);
    if (desc->open != NULL)
        CHECK_EQ(desc->open(&fake), 0);
    return fake.memory != NULL;
}

static inline bool begin(const struct vagus_collector_desc *desc, const char *root)
{
    return begin_with(desc, &(struct host_options){.root = root});
}

static inline void end(void)
{
    free(fake.memory);
    host_unref(fake.host);
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

/* The instance of that name; a failed check and 0 if there is none. */
static inline size_t instance_named(const char *name)
{
    for (int i = 0; i < fake.instances; i++)
        if (strcmp(fake.names[i], name) == 0)
            return (size_t)i;
    CHECK_FAIL_("no instance %s", name);
    return 0;
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
    for (size_t m = 0; m < desc->metric_count; m++) {
        const struct vagus_metric_desc *metric = &desc->metrics[m];
        CHECK(metric->name != NULL && strlen(metric->name) < VAGUS_NAME_MAX);
        CHECK(strlen(metric->help) < VAGUS_HELP_MAX && strlen(metric->unit) < VAGUS_UNIT_MAX);
        CHECK(metric->tier >= VAGUS_TIER_100MS && metric->resolution > 0);
        CHECK((metric->instance == NULL) == (metric->label == NULL));
    }
}

#endif
