/* SPDX-License-Identifier: Apache-2.0 */
/* Machines as folders: what is read there is computed by hand here. */
#include "check.h"

#include "host/cgroup.h"
#include "host/host.h"
#include "host/procfs.h"
#include "host/statgrab.h"
#include "host/topology.h"

#define MIB (1024.0 * 1024.0)

static struct host *open_fixture(const char *root)
{
    struct host *host = NULL;
    CHECK_EQ(host_open(&(struct host_options){.root = root}, &host), 0);
    return host;
}

static void this_machine(void)
{
    struct host *host = open_fixture(FIXTURES "/thismachine");
    REQUIRE(host != NULL);
    struct host_cpu_times t;
    CHECK_EQ(host_cpu_times(host, &t), 0);
    CHECK_EQ(t.user, 1342);
    CHECK_EQ(t.nice, 10);
    CHECK_EQ(t.system, 1357);
    CHECK_EQ(t.idle, 290549);
    CHECK_EQ(t.iowait, 289);
    CHECK_EQ(t.irq, 5);
    CHECK_EQ(t.softirq, 17);
    CHECK_EQ(t.steal, 8);
    struct host_memory m;
    CHECK_EQ(host_memory(host, &m), 0);
    CHECK_EQ(m.total_bytes, 24684084LL * 1024);
    CHECK_EQ(m.available_bytes, 24344952LL * 1024);
    CHECK(!m.available_estimated && m.swap_known);
    CHECK_EQ(m.swap_total_bytes, 0);
    struct host_process p;
    CHECK_EQ(host_process(host, &p), 0);
    CHECK_EQ(p.cpu_ns, 13000000000);
    CHECK_EQ(p.threads, 7);
    CHECK_EQ(p.started_ns, 300000000000);
    CHECK_EQ(p.resident_bytes, 380 * 4096);
    uint64_t value = 0;
    CHECK_EQ(host_process_cpu_ns(host, &value), 0);
    CHECK_EQ(value, 13000000000);
    CHECK_EQ(host_uptime_ns(host, &value), 0);
    CHECK_EQ(value, 1470270000000);
    CHECK_EQ(host_descriptor_count(host, &value), 0);
    CHECK_EQ(value, 3);
    CHECK_EQ(host_affinity(host, &value), 0);
    CHECK_EQ(value, 2);
    struct host_limits l;
    CHECK_EQ(host_limits(host, &l), 0);
    CHECK_EQ(l.descriptors, 20000);
    CHECK(l.address_space_bytes == HOST_UNLIMITED);
    double load;
    CHECK_EQ(host_load(host, &load), 0);
    CHECK_NEAR(load, 0.52, 1e-12);
    struct host_identity identity;
    CHECK_EQ(host_identity(host, &identity), 0);
    CHECK_STR(identity.os, "Linux");
    CHECK_STR(identity.release, "6.18.44");
    CHECK_STR(identity.hostname, "vm");
    struct host_topology topology;
    CHECK_EQ(host_topology(host, &topology), VAGUS_EUNSUPPORTED);
    host_unref(host);
}

/* v1 beside an empty v2: the limit is the parent's, the nearest level and the root have none. */
static void this_machine_limits(void)
{
    struct host *host = open_fixture(FIXTURES "/thismachine");
    REQUIRE(host != NULL);
    struct host_cgroup_memory levels[HOST_CGROUP_DEPTH_MAX];
    struct host_cgroup_place place;
    unsigned count = 99;
    double cores = 0;
    host_cgroup_memory_place(host, &place);
    CHECK_EQ(place.version, HOST_CGROUP_V1);
    CHECK_STR(place.directory, "/sys/fs/cgroup/memory/process_api/agent");
    CHECK_EQ(place.levels, 3);
    CHECK_EQ(host_cgroup_memory(host, levels, &count), 0);
    REQUIRE(count == 1);
    CHECK_EQ(levels[0].level, 1);
    CHECK_NEAR((double)levels[0].limit_bytes, 2048 * MIB, 0);
    CHECK_NEAR((double)levels[0].working_set_bytes, 768 * MIB, 0);
    CHECK_EQ(host_cgroup_cpu_quota(host, &cores), 0);
    CHECK_NEAR(cores, 1.5, 1e-12);
    host_unref(host);
}

static void v2_container(void)
{
    struct host *host = open_fixture(FIXTURES "/v2-container");
    REQUIRE(host != NULL);
    struct host_cgroup_memory levels[HOST_CGROUP_DEPTH_MAX];
    struct host_cgroup_place place;
    unsigned count = 0;
    double cores = 0;
    CHECK_EQ(host_cgroup_memory(host, levels, &count), 0);
    REQUIRE(count == 2);
    CHECK_EQ(levels[0].level, 0);
    CHECK_NEAR((double)levels[0].limit_bytes, 384 * MIB, 0);
    CHECK_NEAR((double)levels[0].working_set_bytes, 192 * MIB, 0);
    CHECK_EQ(levels[1].level, 1);
    CHECK_NEAR((double)levels[1].limit_bytes, 512 * MIB, 0);
    CHECK_NEAR((double)levels[1].working_set_bytes, 400 * MIB, 0);
    CHECK_EQ(host_cgroup_cpu_quota(host, &cores), 0);
    CHECK_NEAR(cores, 0.5, 1e-12);
    host_cgroup_cpu_place(host, &place);
    CHECK_EQ(place.version, HOST_CGROUP_V2);
    struct host_process p; /* its name is "tool) S 1 (x" */
    CHECK_EQ(host_process(host, &p), 0);
    CHECK_EQ(p.threads, 7);
    uint64_t cpus = 0;
    CHECK_EQ(host_affinity(host, &cpus), 0);
    CHECK_EQ(cpus, 7);
    host_unref(host);
}

/* The mount shows a part of the hierarchy, another mount shows somebody else's. */
static void v1_hybrid_container(void)
{
    struct host *host = open_fixture(FIXTURES "/v1-hybrid-container");
    REQUIRE(host != NULL);
    struct host_cgroup_memory levels[HOST_CGROUP_DEPTH_MAX];
    unsigned count = 0;
    double cores = 0;
    CHECK_EQ(host_cgroup_memory(host, levels, &count), 0);
    REQUIRE(count == 1);
    CHECK_NEAR((double)levels[0].limit_bytes, 256 * MIB, 0);
    CHECK_NEAR((double)levels[0].working_set_bytes, 150 * MIB, 0);
    CHECK_EQ(host_cgroup_cpu_quota(host, &cores), 0);
    CHECK_NEAR(cores, 0.25, 1e-12);
    host_unref(host);
}

/* No MemAvailable, and a parent that does not count its children, whose tighter limit binds none.
 */
static void old_kernel(void)
{
    struct host *host = open_fixture(FIXTURES "/old-kernel");
    REQUIRE(host != NULL);
    struct host_memory m;
    CHECK_EQ(host_memory(host, &m), 0);
    CHECK(m.available_estimated);
    CHECK_EQ(m.available_bytes, (1048576LL + 3145728 - 524288) * 1024);
    struct host_limits l;
    CHECK_EQ(host_limits(host, &l), 0);
    CHECK_EQ(l.address_space_bytes, 4294967296);
    struct host_cgroup_memory levels[HOST_CGROUP_DEPTH_MAX];
    unsigned count = 0;
    double cores = -1;
    CHECK_EQ(host_cgroup_memory(host, levels, &count), 0);
    REQUIRE(count == 1);
    CHECK_EQ(levels[0].limit_bytes, 1073741824);
    CHECK_EQ(levels[0].working_set_bytes, 536870912 - 4096);
    CHECK_EQ(host_cgroup_cpu_quota(host, &cores), VAGUS_EUNSUPPORTED); /* cpu is not mounted */
    CHECK_NEAR(cores, -1, 0);
    host_unref(host);
}

static void garbage(void)
{
    struct host *host = open_fixture(FIXTURES "/garbage");
    REQUIRE(host != NULL);
    struct host_cpu_times t;
    struct host_memory m;
    struct host_process p;
    struct host_process_size s;
    struct host_limits l;
    struct host_cgroup_memory levels[HOST_CGROUP_DEPTH_MAX];
    struct host_identity identity;
    unsigned count = 99;
    uint64_t value = 99;
    double number = 99;
    CHECK_EQ(host_cpu_times(host, &t), VAGUS_EPARSE);
    CHECK_EQ(host_memory(host, &m), VAGUS_EPARSE);
    CHECK_EQ(host_process(host, &p), VAGUS_EPARSE);
    CHECK_EQ(host_process_size(host, &s), VAGUS_EPARSE);
    CHECK_EQ(host_limits(host, &l), VAGUS_EPARSE);
    CHECK_EQ(host_uptime_ns(host, &value), VAGUS_EPARSE);
    CHECK_EQ(host_affinity(host, &value), VAGUS_EPARSE);
    CHECK_EQ(host_load(host, &number), VAGUS_EPARSE);
    CHECK_EQ(host_descriptor_count(host, &value), VAGUS_EUNSUPPORTED);
    CHECK_EQ(host_cgroup_resolve(host), 0);
    CHECK_EQ(host_cgroup_memory_refresh(host), VAGUS_EPARSE);
    CHECK_EQ(host_cgroup_memory(host, levels, &count), VAGUS_EPARSE);
    CHECK_EQ(host_cgroup_cpu_quota(host, &number), VAGUS_EPARSE);
    CHECK_EQ(host_identity(host, &identity), VAGUS_EUNSUPPORTED);
    CHECK_EQ(value, 99);
    CHECK_EQ(count, 99);
    CHECK_NEAR(number, 99, 0);
    host_unref(host);
}

/* A root in which there is nothing at all. */
static void nothing(void)
{
    struct host *host = open_fixture(FIXTURES "/garbage/proc/self");
    REQUIRE(host != NULL);
    struct host_memory m;
    struct host_cgroup_memory levels[HOST_CGROUP_DEPTH_MAX];
    unsigned count = 99;
    double number = 99;
    CHECK_EQ(host_memory(host, &m), VAGUS_EUNSUPPORTED);
    CHECK_EQ(host_load(host, &number), VAGUS_EUNSUPPORTED);
    CHECK_EQ(host_cgroup_resolve(host), VAGUS_EUNSUPPORTED);
    CHECK_EQ(host_cgroup_memory(host, levels, &count), VAGUS_EUNSUPPORTED);
    host_unref(host);
    CHECK_EQ(host_open(&(struct host_options){.root = "/no/such/folder"}, &host), VAGUS_EINVAL);
}

static unsigned reads;
static char last_read[256];

static void on_read(void *arg, const char *path)
{
    (void)arg;
    reads++;
    snprintf(last_read, sizeof(last_read), "%s", path);
}

static void reads_are_traced(void)
{
    struct host *host = open_fixture(FIXTURES "/v2-container");
    REQUIRE(host != NULL);
    struct host_cgroup_memory levels[HOST_CGROUP_DEPTH_MAX];
    unsigned count;
    CHECK_EQ(host_cgroup_memory(host, levels, &count), 0);
    host_trace(host, on_read, NULL);
    /* Usage alone, once for each limited level, while usage stands still. */
    CHECK_EQ(host_cgroup_memory(host, levels, &count), 0);
    CHECK_EQ(reads, 2);
    CHECK_STR(last_read, "/sys/fs/cgroup/memory.current");
    reads = 0;
    CHECK_EQ(host_cgroup_resolve(host), 0); /* nothing changed: one file */
    CHECK_EQ(reads, 1);
    CHECK_STR(last_read, "proc/self/cgroup");
    host_trace(host, NULL, NULL);
    CHECK_EQ(host_cgroup_resolve(host), 0);
    CHECK_EQ(reads, 1);
    host_unref(host);
}

int main(void)
{
    RUN(this_machine);
    RUN(this_machine_limits);
    RUN(v2_container);
    RUN(v1_hybrid_container);
    RUN(old_kernel);
    RUN(garbage);
    RUN(nothing);
    RUN(reads_are_traced);
    return check_result();
}
