/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in senses over fixture machines. What a monitor would do for them is done by a fake, so
 * that nothing stands between a reading and its check. */
#include "check.h"

#include "collector_fixture.h"

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
#define state process_state
#define table process_table
#define take_sample process_sample
#define METRIC_COUNT PROCESS_METRIC_COUNT
#include "../../collectors/process.c"
#undef state
#undef table
#undef take_sample
#undef METRIC_COUNT
#define MIB (1024.0 * 1024.0)

/* --- memory --- */

static void memory_of_this_machine(void)
{
    REQUIRE(fake_open(&vagus__collector_memory, FIXTURES "/thismachine"));
    CHECK_EQ(memory_sample(&fake, ALL_DUE), 0);
    CHECK_PUT(SYSTEM_LIMIT, 24684084.0 * 1024);
    CHECK_PUT(SYSTEM_AVAILABLE, 24344952.0 * 1024);
    CHECK_PUT(PAGING_LIMIT, 0);
    CHECK_PUT(MEMORY_LIMIT, 2048 * MIB);
    CHECK_PUT(USAGE, 768 * MIB);
    CHECK_PUT(HEADROOM, 1280 * MIB);
    CHECK_PUT(HEADROOM_RATIO, 0.625);
    fake_close();
}

/* The smallest limit is the nearest, yet the least is left one level up. */
static void memory_of_a_v2_container(void)
{
    REQUIRE(fake_open(&vagus__collector_memory, FIXTURES "/v2-container"));
    CHECK_EQ(memory_sample(&fake, ALL_DUE), 0);
    CHECK_PUT(MEMORY_LIMIT, 384 * MIB);
    CHECK_PUT(USAGE, 192 * MIB);
    CHECK_PUT(HEADROOM, 112 * MIB);
    CHECK_PUT(HEADROOM_RATIO, 112.0 / 512);
    CHECK_PUT(PAGING_LIMIT, 2097148.0 * 1024);
    fake_close();
}

static void memory_under_a_declared_limit(void)
{
    /* The process has 1024 resident pages: 4 MiB. */
    REQUIRE(fake_open_with(&vagus__collector_memory,
                           &(struct host_options){.root = FIXTURES "/v2-container",
                                                  .memory_limit_bytes = 5 * 1024 * 1024}));
    CHECK_EQ(memory_sample(&fake, ALL_DUE), 0);
    CHECK_PUT(MEMORY_LIMIT, 5 * MIB);
    CHECK_PUT(USAGE, 4 * MIB);
    CHECK_PUT(HEADROOM, 1 * MIB);
    CHECK_PUT(HEADROOM_RATIO, 0.2);
    fake_close();
}

/* RLIMIT_AS of 4 GiB with 1 GiB mapped, beside a cgroup of 1 GiB that is half full. */
static void memory_of_an_old_kernel(void)
{
    REQUIRE(fake_open(&vagus__collector_memory, FIXTURES "/old-kernel"));
    CHECK_EQ(memory_sample(&fake, ALL_DUE), 0);
    CHECK_PUT(SYSTEM_AVAILABLE, 3670016.0 * 1024);
    CHECK_PUT(MEMORY_LIMIT, 1024 * MIB);
    CHECK_PUT(USAGE, 512 * MIB - 4096);
    CHECK_PUT(HEADROOM, 512 * MIB + 4096);
    CHECK_PUT(HEADROOM_RATIO, 3670016.0 / 8388608); /* the host's is the least share */
    fake_close();
}

static void memory_of_garbage_is_unknown(void)
{
    REQUIRE(fake_open(&vagus__collector_memory, FIXTURES "/garbage"));
    CHECK_EQ(memory_sample(&fake, ALL_DUE), 0);
    for (size_t metric = 0; metric < MEMORY_METRIC_COUNT; metric++) {
        CHECK_EQ(fake.put[metric][0].error,
                 metric == PAGING_LIMIT ? VAGUS_EUNSUPPORTED : VAGUS_EPARSE);
        CHECK_EQ(fake.put[metric][0].puts, 1);
    }
    fake_close();
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
    REQUIRE(fake_open(&vagus__collector_memory, FIXTURES "/v2-container"));
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
    fake_close();
}

/* --- process --- */

static void process_of_this_machine(void)
{
    REQUIRE(fake_open(&vagus__collector_process, FIXTURES "/thismachine"));
    CHECK_EQ(process_sample(&fake, ALL_DUE), 0);
    CHECK_PUT(RESIDENT, 380 * 4096.0);
    CHECK_PUT(VIRTUAL_SIZE, 3133440);
    CHECK_PUT(THREADS, 7);
    CHECK_PUT(DESCRIPTORS, 3);
    CHECK_PUT(DESCRIPTORS_LIMIT, 20000);
    CHECK_PUT(DESCRIPTORS_UTILIZATION, 3 / 20000.0);
    CHECK_PUT(UPTIME, 1170.27);
    fake_close();
}

static void process_of_garbage_is_unknown(void)
{
    REQUIRE(fake_open(&vagus__collector_process, FIXTURES "/garbage"));
    CHECK_EQ(process_sample(&fake, ALL_DUE), 0);
    CHECK_EQ(fake.put[RESIDENT][0].error, VAGUS_EPARSE);
    CHECK_EQ(fake.put[UPTIME][0].error, VAGUS_EPARSE);
    CHECK_EQ(fake.put[DESCRIPTORS][0].error, VAGUS_EUNSUPPORTED);
    CHECK_EQ(fake.put[DESCRIPTORS_LIMIT][0].error, VAGUS_EPARSE);
    CHECK_EQ(fake.put[DESCRIPTORS_UTILIZATION][0].error, VAGUS_EUNSUPPORTED);
    fake_close();
}

/* Names, bounds and tiers that a monitor would refuse. */
static void descriptors_are_well_formed(void)
{
    const struct vagus_collector_desc *const all[] = {&vagus__collector_memory,
                                                      &vagus__collector_process};
    for (size_t i = 0; i < 2; i++) {
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
    RUN(process_of_this_machine);
    RUN(process_of_garbage_is_unknown);
    RUN(descriptors_are_well_formed);
    return check_result();
}
