/* SPDX-License-Identifier: Apache-2.0 */
/* Machines as folders: what is read there is computed by hand here. */
#include "check.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

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
    reads = 0;
    host_trace(host, on_read, NULL);
    /* Usage of each limited level, and what it consists of, as there is cache in both. */
    CHECK_EQ(host_cgroup_memory(host, levels, &count), 0);
    CHECK_EQ(reads, 4);
    CHECK_STR(last_read, "/sys/fs/cgroup/memory.stat");
    reads = 0;
    CHECK_EQ(host_cgroup_resolve(host), 0); /* nothing changed: one file */
    CHECK_EQ(reads, 1);
    CHECK_STR(last_read, "proc/self/cgroup");
    host_trace(host, NULL, NULL);
    CHECK_EQ(host_cgroup_resolve(host), 0);
    CHECK_EQ(reads, 1);
    host_unref(host);
}

/* --- A root that changes under our feet. --- */

static char changing[64];

static void write_file(const char *path, const char *text)
{
    char full[256];
    snprintf(full, sizeof(full), "%s/%s", changing, path);
    for (char *slash = full + strlen(changing) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        mkdir(full, 0700);
        *slash = '/';
    }
    FILE *file = fopen(full, "w");
    REQUIRE(file != NULL);
    fputs(text, file);
    fclose(file);
}

static void remove_file(const char *path)
{
    char full[256];
    snprintf(full, sizeof(full), "%s/%s", changing, path);
    CHECK_EQ(unlink(full), 0);
    /* And the folders that are empty now, up to and with the root itself, and no further. */
    char *end = full + strlen(changing);
    for (char *slash; (slash = strrchr(full, '/')) >= end && slash != NULL;) {
        *slash = '\0';
        if (rmdir(full) != 0)
            break;
    }
}

#define CHECK_WORKING_SET(wanted)                                                                  \
    do {                                                                                           \
        CHECK_EQ(host_cgroup_memory(host, levels, &count), 0);                                     \
        CHECK_EQ(count, 1);                                                                        \
        CHECK_EQ(levels[0].working_set_bytes, wanted);                                             \
    } while (0)

/* inactive_file is read again only where usage moved by more than 1/64 of the limit, or where it
 * may have changed without that. */
static void statistics_follow_usage(void)
{
    struct host_cgroup_memory levels[HOST_CGROUP_DEPTH_MAX];
    unsigned count = 0;
    strcpy(changing, "/tmp/vagus-root-XXXXXX");
    REQUIRE(mkdtemp(changing) != NULL);
    write_file("proc/self/cgroup", "0::/x\n");
    write_file("proc/self/mountinfo", "1 2 0:3 / /cg rw - cgroup2 cgroup2 rw\n");
    write_file("cg/x/memory.max", "6400\n");
    write_file("cg/x/memory.current", "1000\n");
    write_file("cg/x/memory.stat", "inactive_file 200\n");
    struct host *host = open_fixture(changing);
    REQUIRE(host != NULL);
    CHECK_WORKING_SET(800);
    host_trace(host, on_read, NULL);
    reads = 0;
    CHECK_WORKING_SET(800);
    CHECK_EQ(reads, 1); /* usage alone */
    host_trace(host, NULL, NULL);
    write_file("cg/x/memory.stat", "inactive_file 350\n");
    write_file("cg/x/memory.current", "1100\n");
    CHECK_WORKING_SET(900); /* moved by 100: the 200 of before still count */
    write_file("cg/x/memory.current", "1101\n");
    CHECK_WORKING_SET(751);
    /* Cache fills the cgroup; then a leak takes its place, and usage stands still. */
    write_file("cg/x/memory.current", "6400\n");
    write_file("cg/x/memory.stat", "inactive_file 6000\n");
    CHECK_WORKING_SET(400);
    write_file("cg/x/memory.stat", "inactive_file 1000\n");
    CHECK_WORKING_SET(5400);
    write_file("cg/x/memory.stat", "inactive_file 100\n");
    CHECK_WORKING_SET(6300);
    write_file("cg/x/memory.stat", "inactive_file 0\n"); /* too little to hide anything */
    CHECK_WORKING_SET(6300);
    write_file("cg/x/memory.max", "max\n");
    CHECK_EQ(host_cgroup_memory_refresh(host), 0);
    CHECK_EQ(host_cgroup_memory(host, levels, &count), 0);
    CHECK_EQ(count, 0);

    /* Moved to a cgroup that sets its first limit later; then out of the namespace. */
    write_file("cg/y/memory.max", "max\n");
    write_file("cg/y/memory.current", "5000\n");
    write_file("cg/y/memory.stat", "inactive_file 0\n");
    write_file("proc/self/cgroup", "0::/y\n");
    CHECK_EQ(host_cgroup_resolve(host), 0);
    write_file("cg/y/memory.max", "10000\n");
    CHECK_EQ(host_cgroup_memory_refresh(host), 0);
    CHECK_WORKING_SET(5000);
    write_file("proc/self/cgroup", "0::/../y\n");
    CHECK_EQ(host_cgroup_resolve(host), 0);
    CHECK_EQ(host_cgroup_memory(host, levels, &count), VAGUS_EUNSUPPORTED);
    host_unref(host);
    static const char *const files[] = {
        "proc/self/cgroup", "proc/self/mountinfo", "cg/x/memory.max",     "cg/x/memory.current",
        "cg/x/memory.stat", "cg/y/memory.max",     "cg/y/memory.current", "cg/y/memory.stat"};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        remove_file(files[i]);
    CHECK(access(changing, F_OK) != 0);
}

static void finds_the_mount_in(const char *mountinfo)
{
    static const char *const files[] = {"proc/self/cgroup", "proc/self/mountinfo",
                                        "cg/x/memory.max", "cg/x/memory.current",
                                        "cg/x/memory.stat"};
    struct host_cgroup_memory levels[HOST_CGROUP_DEPTH_MAX];
    unsigned count = 0;
    strcpy(changing, "/tmp/vagus-root-XXXXXX");
    REQUIRE(mkdtemp(changing) != NULL);
    write_file("proc/self/cgroup", "0::/x\n");
    write_file("proc/self/mountinfo", mountinfo);
    write_file("cg/x/memory.max", "6400\n");
    write_file("cg/x/memory.current", "1000\n");
    write_file("cg/x/memory.stat", "inactive_file 200\n");
    struct host *host = open_fixture(changing);
    REQUIRE(host != NULL);
    CHECK_WORKING_SET(800);
    host_unref(host);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        remove_file(files[i]);
}

/* More mounts than pass through the buffer at once: ours lies across its end, or after a line that
 * is longer than all of it. */
static void long_mountinfo(void)
{
    static const char ours[] = "\n1 2 0:3 / /cg rw - cgroup2 cgroup2 rw\n";
    static char text[60000];
    size_t length = 0;
    while (length + 200 < 16384 - 10)
        length += (size_t)sprintf(text + length, "9 1 0:9 / /m rw - overlay o rw,%0120d\n", 0);
    memset(text + length, 'x', 16384 - 10 - length);
    strcpy(text + 16384 - 10, ours);
    finds_the_mount_in(text);
    memset(text + length, 'x', 39000);
    strcpy(text + length + 39000, ours);
    finds_the_mount_in(text);
}

int main(void)
{
    RUN(statistics_follow_usage);
    RUN(long_mountinfo);
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
