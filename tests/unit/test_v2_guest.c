/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a real kernel with cgroup v2, captured by `./dev test guest --capture`: two levels
 * with limits, of which the nearer one binds for memory and the farther one for CPU. */
#include "check.h"

#include "host/cgroup.h"
#include "host/host.h"
#include "host/procfs.h"

#define MIB (INT64_C(1) << 20)

static struct host *host;

static void limits_of_both_levels(void)
{
    struct host_cgroup_memory levels[HOST_CGROUP_DEPTH_MAX];
    unsigned count = 0;
    double cores = 0;
    CHECK_EQ(host_cgroup_memory(host, levels, &count), 0);
    REQUIRE(count == 2);
    CHECK_EQ(levels[0].limit_bytes, 128 * MIB);
    CHECK_EQ(levels[1].limit_bytes, 192 * MIB);
    CHECK(levels[0].working_set_bytes > 0 && levels[0].working_set_bytes < 128u * MIB);
    CHECK(levels[1].working_set_bytes >= levels[0].working_set_bytes);
    CHECK_EQ(host_cgroup_cpu_quota(host, &cores), 0);
    CHECK_NEAR(cores, 0.5, 1e-9);
}

static void place(void)
{
    struct host_cgroup_place place;
    host_cgroup_memory_place(host, &place);
    CHECK_EQ(place.version, HOST_CGROUP_V2);
    CHECK_STR(place.directory, "/sys/fs/cgroup/body/work");
    CHECK_EQ(place.levels, 2); /* the root has no limit to read */
}

static void process_and_machine(void)
{
    struct host_memory memory;
    struct host_process process;
    struct host_cpu_times times;
    uint64_t cpus = 0;
    CHECK_EQ(host_memory(host, &memory), 0);
    CHECK(memory.total_bytes > 512u * MIB && memory.available_bytes < memory.total_bytes);
    CHECK_EQ(host_process(host, &process), 0);
    CHECK_EQ(process.threads, 1);
    CHECK_EQ(host_cpu_times(host, &times), 0);
    CHECK(times.idle > 0);
    CHECK_EQ(host_affinity(host, &cpus), 0);
    CHECK_EQ(cpus, 2);
}

int main(void)
{
    if (host_open(&(struct host_options){.root = FIXTURES "/v2-guest"}, &host) != 0)
        return 1;
    RUN(limits_of_both_levels);
    RUN(place);
    RUN(process_and_machine);
    host_unref(host);
    return check_result();
}
