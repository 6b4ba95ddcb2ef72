/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in senses over fixture machines. What a monitor would do for them is done by a fake, so
 * that nothing stands between a reading and its check. */
#include "check.h"

#include <stdlib.h>

#include "host/host.h"
#include "vagus/collector.h"

/* The files share names of static things; each gets its own here. */
#define state memory_state
#define table memory_table
#define take_sample memory_sample
#define put memory_put
#define LIMIT MEMORY_LIMIT
#define METRIC_COUNT MEMORY_METRIC_COUNT
#include "../../collectors/memory.c"
#undef state
#undef table
#undef take_sample
#undef put
#undef LIMIT
#undef METRIC_COUNT
#define state cpu_state
#define table cpu_table
#define take_sample cpu_sample
#define sample_process cpu_sample_process
#define METRIC_COUNT CPU_METRIC_COUNT
#include "../../collectors/cpu.c"
#undef state
#undef table
#undef take_sample
#undef sample_process
#undef METRIC_COUNT
#define state process_state
#define table process_table
#define take_sample process_sample
#define METRIC_COUNT PROCESS_METRIC_COUNT
#include "../../collectors/process.c"
#undef state
#undef table
#undef take_sample
#undef METRIC_COUNT
#define ALL_DUE 0x3fu
#define MIB (1024.0 * 1024.0)

/* --- The fake: one collector, the newest value of each metric. --- */

#define FAKE_METRICS 64
#define FAKE_INSTANCES 128

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
    if (c->instances == FAKE_INSTANCES)
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

static struct vagus_collector fake;

static bool begin_with(const struct vagus_collector_desc *desc, const struct host_options *options)
{
    fake = (struct vagus_collector){.desc = desc, .now_ns = VAGUS_SECOND_NS};
    int error = host_open(options, &fake.host);
    CHECK_EQ(error, 0);
    if (error != 0)
        return false;
    fake.memory = calloc(1, desc->state_size);
    if (desc->open != NULL)
        CHECK_EQ(desc->open(&fake), 0);
    return fake.memory != NULL;
}

static bool begin(const struct vagus_collector_desc *desc, const char *root)
{
    return begin_with(desc, &(struct host_options){.root = root});
}

static void end(void)
{
    free(fake.memory);
    host_unref(fake.host);
}

#define CHECK_PUT(metric, wanted)                                                                  \
    do {                                                                                           \
        CHECK_EQ(fake.put[metric][0].error, 0);                                                    \
        CHECK(fake.put[metric][0].puts > 0);                                                       \
        CHECK_NEAR(fake.put[metric][0].value, wanted, 1e-9);                                       \
    } while (0)

/* --- memory --- */

static void memory_of_this_machine(void)
{
    REQUIRE(begin(&vagus__collector_memory, FIXTURES "/thismachine"));
    CHECK_EQ(memory_sample(&fake, ALL_DUE), 0);
    CHECK_PUT(SYSTEM_LIMIT, 24684084.0 * 1024);
    CHECK_PUT(SYSTEM_AVAILABLE, 24344952.0 * 1024);
    CHECK_PUT(PAGING_LIMIT, 0);
    CHECK_PUT(MEMORY_LIMIT, 2048 * MIB);
    CHECK_PUT(USAGE, 768 * MIB);
    CHECK_PUT(HEADROOM, 1280 * MIB);
    CHECK_PUT(HEADROOM_RATIO, 0.625);
    end();
}

/* The smallest limit is the nearest, yet the least is left one level up. */
static void memory_of_a_v2_container(void)
{
    REQUIRE(begin(&vagus__collector_memory, FIXTURES "/v2-container"));
    CHECK_EQ(memory_sample(&fake, ALL_DUE), 0);
    CHECK_PUT(MEMORY_LIMIT, 384 * MIB);
    CHECK_PUT(USAGE, 192 * MIB);
    CHECK_PUT(HEADROOM, 112 * MIB);
    CHECK_PUT(HEADROOM_RATIO, 112.0 / 512);
    CHECK_PUT(PAGING_LIMIT, 2097148.0 * 1024);
    end();
}

static void memory_under_a_declared_limit(void)
{
    /* The process has 1024 resident pages: 4 MiB. */
    REQUIRE(begin_with(&vagus__collector_memory,
                       &(struct host_options){.root = FIXTURES "/v2-container",
                                              .memory_limit_bytes = 5 * 1024 * 1024}));
    CHECK_EQ(memory_sample(&fake, ALL_DUE), 0);
    CHECK_PUT(MEMORY_LIMIT, 5 * MIB);
    CHECK_PUT(USAGE, 4 * MIB);
    CHECK_PUT(HEADROOM, 1 * MIB);
    CHECK_PUT(HEADROOM_RATIO, 0.2);
    end();
}

/* RLIMIT_AS of 4 GiB with 1 GiB mapped, beside a cgroup of 1 GiB that is half full. */
static void memory_of_an_old_kernel(void)
{
    REQUIRE(begin(&vagus__collector_memory, FIXTURES "/old-kernel"));
    CHECK_EQ(memory_sample(&fake, ALL_DUE), 0);
    CHECK_PUT(SYSTEM_AVAILABLE, 3670016.0 * 1024);
    CHECK_PUT(MEMORY_LIMIT, 1024 * MIB);
    CHECK_PUT(USAGE, 512 * MIB - 4096);
    CHECK_PUT(HEADROOM, 512 * MIB + 4096);
    CHECK_PUT(HEADROOM_RATIO, 3670016.0 / 8388608); /* the host's is the least share */
    end();
}

static void memory_of_garbage_is_unknown(void)
{
    REQUIRE(begin(&vagus__collector_memory, FIXTURES "/garbage"));
    CHECK_EQ(memory_sample(&fake, ALL_DUE), 0);
    for (size_t metric = 0; metric < MEMORY_METRIC_COUNT; metric++) {
        CHECK_EQ(fake.put[metric][0].error,
                 metric == PAGING_LIMIT ? VAGUS_EUNSUPPORTED : VAGUS_EPARSE);
        CHECK_EQ(fake.put[metric][0].puts, 1);
    }
    end();
}

static unsigned reads_of(const char *end_of_path, bool clear)
{
    static char seen[64][64];
    static unsigned count;
    unsigned found = 0;
    if (clear)
        return count = 0;
    if (end_of_path[0] == '+')
        snprintf(seen[count++ % 64], 64, "%s", end_of_path + 1);
    else
        for (unsigned i = 0; i < count; i++)
            found += strcmp(seen[i], end_of_path) == 0;
    return found;
}

static void on_read(void *arg, const char *path)
{
    (void)arg;
    const char *slash = strrchr(path, '/');
    char entry[64];
    snprintf(entry, sizeof(entry), "+%s", slash != NULL ? slash + 1 : path);
    reads_of(entry, false);
}

/* Limits are read each second, usage each 100 ms; statistics too, as cache fills both levels. */
static void memory_reads_no_more_than_its_tier_needs(void)
{
    REQUIRE(begin(&vagus__collector_memory, FIXTURES "/v2-container"));
    memory_sample(&fake, ALL_DUE);
    host_trace(fake.host, on_read, NULL);
    memory_sample(&fake, 1u << VAGUS_TIER_100MS);
    CHECK_EQ(reads_of("memory.current", false), 2);
    CHECK_EQ(reads_of("meminfo", false), 1);
    CHECK_EQ(reads_of("memory.max", false), 0);
    CHECK_EQ(reads_of("memory.stat", false), 2);
    CHECK_EQ(reads_of("statm", false), 0); /* no limit asks for it */
    reads_of("", true);
    memory_sample(&fake, 1u << VAGUS_TIER_100MS | 1u << VAGUS_TIER_1S);
    CHECK_EQ(reads_of("memory.stat", false), 2);
    CHECK_EQ(reads_of("memory.max", false), 2);
    CHECK_EQ(reads_of("memory.current", false), 2);
    reads_of("", true);
    end();
}

/* --- cpu --- */

static void cpu_of_this_machine(void)
{
    REQUIRE(begin(&vagus__collector_cpu, FIXTURES "/thismachine"));
    CHECK_EQ(cpu_sample(&fake, ALL_DUE), 0);
    CHECK_PUT(ALLOWANCE, 1.5);
    CHECK_PUT(LOAD_1M, 0.52);
    CHECK_PUT(PROCESS_TIME, 13);
    CHECK_EQ(fake.put[SYSTEM_UTILIZATION][0].puts, 0); /* there is nothing to compare with */
    CHECK_EQ(fake.put[PROCESS_CORES][0].puts, 0);

    /* As if the sample before had seen less: 30 ticks busy (one state ran backwards), 70 not. */
    struct cpu_state *s = fake.memory;
    s->host_before = (struct host_cpu_times){.user = 1342 - 10,
                                             .nice = 10,
                                             .system = 1357 - 12,
                                             .idle = 290549 - 50,
                                             .iowait = 289 - 20,
                                             .irq = 5 + 1000,
                                             .softirq = 17,
                                             .steal = 0};
    s->process_before_ns = 10000000000;
    fake.now_ns += 2 * VAGUS_SECOND_NS;
    CHECK_EQ(cpu_sample(&fake, 1u << VAGUS_TIER_1S), 0);
    CHECK_PUT(SYSTEM_UTILIZATION, 0.3);
    CHECK_PUT(PROCESS_CORES, 1.5); /* 3 s within 2 s */
    CHECK_PUT(PROCESS_UTILIZATION, 1);
    CHECK_EQ(fake.put[ALLOWANCE][0].puts, 1);

    /* A clock that stands still, and counters that do: no value, rather than a wrong one. */
    CHECK_EQ(cpu_sample(&fake, 1u << VAGUS_TIER_1S), 0);
    CHECK_EQ(fake.put[SYSTEM_UTILIZATION][0].puts, 1);
    CHECK_EQ(fake.put[PROCESS_CORES][0].puts, 1);
    end();
}

static void cpu_allowances(void)
{
    REQUIRE(begin(&vagus__collector_cpu, FIXTURES "/v2-container"));
    cpu_sample(&fake, ALL_DUE);
    CHECK_PUT(ALLOWANCE, 0.5);
    end();
    REQUIRE(begin(&vagus__collector_cpu, FIXTURES "/v1-hybrid-container"));
    cpu_sample(&fake, ALL_DUE);
    CHECK_PUT(ALLOWANCE, 0.25);
    end();
    REQUIRE(begin(&vagus__collector_cpu, FIXTURES "/old-kernel"));
    cpu_sample(&fake, ALL_DUE);
    CHECK_PUT(ALLOWANCE, 64); /* by affinity alone */
    end();
}

static void cpu_of_garbage_is_unknown(void)
{
    REQUIRE(begin(&vagus__collector_cpu, FIXTURES "/garbage"));
    CHECK_EQ(cpu_sample(&fake, ALL_DUE), 0);
    for (size_t metric = 0; metric < CPU_METRIC_COUNT; metric++)
        CHECK_EQ(fake.put[metric][0].error, VAGUS_EPARSE);
    end();
}

static void cpu_of_the_real_machine(void)
{
    REQUIRE(begin(&vagus__collector_cpu, NULL));
    CHECK_EQ(cpu_sample(&fake, ALL_DUE), 0);
    fake.now_ns += VAGUS_SECOND_NS;
    CHECK_EQ(cpu_sample(&fake, ALL_DUE), 0);
    for (size_t metric = 0; metric < CPU_METRIC_COUNT; metric++)
        CHECK_EQ(fake.put[metric][0].error, 0);
    CHECK(fake.put[ALLOWANCE][0].value > 0);
    CHECK(fake.put[PROCESS_TIME][0].value > 0);
    end();
}

/* --- process --- */

static void process_of_this_machine(void)
{
    REQUIRE(begin(&vagus__collector_process, FIXTURES "/thismachine"));
    CHECK_EQ(process_sample(&fake, ALL_DUE), 0);
    CHECK_PUT(RESIDENT, 380 * 4096.0);
    CHECK_PUT(VIRTUAL_SIZE, 3133440);
    CHECK_PUT(THREADS, 7);
    CHECK_PUT(DESCRIPTORS, 3);
    CHECK_PUT(DESCRIPTORS_LIMIT, 20000);
    CHECK_PUT(DESCRIPTORS_UTILIZATION, 3 / 20000.0);
    CHECK_PUT(UPTIME, 1170.27);
    end();
}

static void process_of_garbage_is_unknown(void)
{
    REQUIRE(begin(&vagus__collector_process, FIXTURES "/garbage"));
    CHECK_EQ(process_sample(&fake, ALL_DUE), 0);
    CHECK_EQ(fake.put[RESIDENT][0].error, VAGUS_EPARSE);
    CHECK_EQ(fake.put[UPTIME][0].error, VAGUS_EPARSE);
    CHECK_EQ(fake.put[DESCRIPTORS][0].error, VAGUS_EUNSUPPORTED);
    CHECK_EQ(fake.put[DESCRIPTORS_LIMIT][0].error, VAGUS_EPARSE);
    CHECK_EQ(fake.put[DESCRIPTORS_UTILIZATION][0].error, VAGUS_EUNSUPPORTED);
    end();
}

/* Names, bounds and tiers that a monitor would refuse. */
static void descriptors_are_well_formed(void)
{
    const struct vagus_collector_desc *const all[] = {
        &vagus__collector_memory, &vagus__collector_cpu, &vagus__collector_process};
    for (size_t i = 0; i < 3; i++) {
        CHECK_EQ(all[i]->size, sizeof(struct vagus_collector_desc));
        for (size_t m = 0; m < all[i]->metric_count; m++) {
            const struct vagus_metric_desc *metric = &all[i]->metrics[m];
            CHECK(metric->name != NULL && strlen(metric->name) < VAGUS_NAME_MAX);
            CHECK(strlen(metric->help) < VAGUS_HELP_MAX && strlen(metric->unit) < VAGUS_UNIT_MAX);
            CHECK(metric->tier >= VAGUS_TIER_100MS && metric->resolution > 0);
        }
    }
}

int main(void)
{
    RUN(memory_of_this_machine);
    RUN(memory_of_a_v2_container);
    RUN(memory_under_a_declared_limit);
    RUN(memory_of_an_old_kernel);
    RUN(memory_of_garbage_is_unknown);
    RUN(memory_reads_no_more_than_its_tier_needs);
    RUN(cpu_of_this_machine);
    RUN(cpu_allowances);
    RUN(cpu_of_garbage_is_unknown);
    RUN(cpu_of_the_real_machine);
    RUN(process_of_this_machine);
    RUN(process_of_garbage_is_unknown);
    RUN(descriptors_are_well_formed);
    return check_result();
}
