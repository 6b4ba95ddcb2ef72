/* SPDX-License-Identifier: Apache-2.0 */
/* NUMA nodes: the kernel's texts, machines of many nodes, a cgroup spread over them. */
#include "check.h"

#include "host/numa.h"
#include "host/topology.h"
#include "root_fixture.h"

#define KIB UINT64_C(1024)

static void node_texts(void)
{
    static const char text[] = "Node 3 MemTotal:        6514892 kB\n"
                               "Node 3 MemFree:         5086092 kB\n"
                               "Node 3 MemUsed:         1428800 kB\n";
    static const char *const bad[] = {
        "",
        "MemTotal: 1 kB\nMemFree: 1 kB\n",
        "Node 3 MemTotal: 1 kB\n",
        "Node 3 MemTotal: 1 kB\nNode 3 MemFree: 2 kB\n",
        "Node 3 MemTotal: 1 kB\nNode 3 MemFree: 1 kB",
        "Node 3 MemTotal: -1 kB\nNode 3 MemFree: 0 kB\n",
        "Node 3 MemTotal: 1 MB\nNode 3 MemFree: 0 kB\n",
        "Node 3 MemTotal: 18446744073709551615 kB\nNode 3 MemFree: 0 kB\n",
        "Node x MemTotal: 1 kB\nNode x MemFree: 0 kB\n",
    };
    struct host_numa m = {.total_bytes = 99};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_EQ(host_parse_numa(bad[i], strlen(bad[i]), &m), VAGUS_EPARSE);
    CHECK_EQ(m.total_bytes, 99);
    CHECK_EQ(host_parse_numa(text, strlen(text), &m), 0);
    CHECK_EQ(m.total_bytes, 6514892 * KIB);
    CHECK_EQ(m.free_bytes, 5086092 * KIB);
}

static int parse_cgroup(const char *text, uint64_t unit, uint64_t bytes[3])
{
    static const unsigned numbers[] = {0, 1, 4};
    return host_parse_numa_cgroup(text, strlen(text), unit, numbers, 3, bytes);
}

static void cgroup_texts(void)
{
    uint64_t bytes[3] = {99, 99, 99};
    static const char *const bad[] = {
        "",
        "kernel_stack N0=1\n",
        "total=5\nfile=3 N0",
        "total=5 N0=\n",
        "total=5 N0=-1\n",
        "total=-5 N0=1\n",
        "total=5 Nx=1\n",
        "total=5 N0=1", /* cut: the number may go on */
        "anon N0=18446744073709551615\nfile N0=1\n",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (parse_cgroup(bad[i], 1, bytes) != VAGUS_EPARSE && i != 2)
            CHECK_FAIL_("taken: %s", bad[i]);
    CHECK_EQ(parse_cgroup("total=5 N0=9223372036854775807\n", 4096, bytes), VAGUS_EPARSE);

    /* v1: pages, and the children's too where the kernel tells them. */
    CHECK_EQ(parse_cgroup("total=30 N0=10 N1=20\nfile=1 N0=1\nanon=1 N0=1\n"
                          "hierarchical_total=60 N0=40 N1=20 N4=7\nhierarchical_file=9 N0=9\n",
                          4096, bytes),
             0);
    CHECK_EQ(bytes[0], 40 * 4096);
    CHECK_EQ(bytes[1], 20 * 4096);
    CHECK_EQ(bytes[2], 7 * 4096);
    CHECK_EQ(parse_cgroup("total=30 N0=10 N1=20\nfile=1 N0=1\n", 4096, bytes), 0);
    CHECK_EQ(bytes[0], 10 * 4096);
    CHECK_EQ(bytes[2], 0);
    /* v2: bytes, by kind; a node that is not ours is left out. */
    CHECK_EQ(parse_cgroup("anon N0=100 N1=5 N2=77\nfile N0=10 N1=0 N2=7\nkernel_stack N0=9\n"
                          "file_mapped N0=8\nanon_thp N0=64\n",
                          1, bytes),
             0);
    CHECK_EQ(bytes[0], 110);
    CHECK_EQ(bytes[1], 5);
    CHECK_EQ(bytes[2], 0);
}

static void make_node(unsigned number, unsigned total_kib, unsigned free_kib)
{
    char path[64];
    snprintf(path, sizeof(path), "sys/devices/system/node/node%u/meminfo", number);
    root_print(path, "Node %u MemTotal: %u kB\nNode %u MemFree: %u kB\n", number, total_kib, number,
               free_kib);
}

/* Nodes with gaps, one of them without memory, and a v2 cgroup that lies on two of them. */
static void a_machine_of_some_nodes(void)
{
    struct host *host;
    struct host_numa m = {0};
    uint64_t bytes[HOST_NUMA_NODES_MAX] = {0};
    REQUIRE(root_begin());
    root_print("sys/devices/system/node/online", "0-1,4\n");
    make_node(0, 1000, 250);
    make_node(1, 0, 0);
    root_print("proc/self/cgroup", "0::/x\n");
    root_print("proc/self/mountinfo", "1 2 0:3 / /cg rw - cgroup2 cgroup2 rw\n");
    root_print("cg/x/memory.max", "max\n");
    root_print("cg/x/memory.numa_stat", "anon N0=4096 N1=0 N4=8192\nfile N0=0 N1=0 N4=4096\n");
    REQUIRE(host_open(&(struct host_options){.root = root_dir}, &host) == 0);
    REQUIRE(host_numa_count(host) == 3);
    CHECK_EQ(host_numa_number(host, 2), 4);
    CHECK_EQ(host_numa_surplus(host), 0);
    CHECK_EQ(host_numa_memory(host, 0, &m), 0);
    CHECK_EQ(m.free_bytes, 250 * KIB);
    CHECK_EQ(host_numa_memory(host, 1, &m), 0);
    CHECK_EQ(m.total_bytes, 0);
    CHECK_EQ(host_numa_memory(host, 2, &m), VAGUS_EUNSUPPORTED);
    CHECK_EQ(host_numa_memory(host, 3, &m), VAGUS_EINVAL);
    CHECK_EQ(host_numa_cgroup(host, bytes), 0);
    CHECK_EQ(bytes[0], 4096);
    CHECK_EQ(bytes[2], 12288);
    root_remove("cg/x/memory.numa_stat"); /* before 5.8 */
    CHECK_EQ(host_numa_cgroup(host, bytes), VAGUS_EUNSUPPORTED);
    host_unref(host);
    root_end();
}

static void a_machine_of_too_many_nodes(void)
{
    struct host *host;
    REQUIRE(root_begin());
    root_print("sys/devices/system/node/online", "0-99\n");
    for (unsigned i = 0; i < 100; i++)
        make_node(i, 100, i);
    REQUIRE(host_open(&(struct host_options){.root = root_dir}, &host) == 0);
    CHECK_EQ(host_numa_count(host), HOST_NUMA_NODES_MAX);
    CHECK_EQ(host_numa_surplus(host), 100 - HOST_NUMA_NODES_MAX);
    struct host_numa m = {0};
    CHECK_EQ(host_numa_memory(host, 63, &m), 0);
    CHECK_EQ(m.free_bytes, 63 * KIB);
    host_unref(host);
    static const char *const damaged[] = {"", "x\n", "0-\n", "3-1\n", "0-4294967295\n", "-1\n"};
    for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
        root_print("sys/devices/system/node/online", "%s", damaged[i]);
        REQUIRE(host_open(&(struct host_options){.root = root_dir}, &host) == 0);
        CHECK_EQ(host_numa_count(host), 0);
        host_unref(host);
    }
    root_end();
}

/* The pages that all zones have, from /proc/zoneinfo. meminfo's total may be more: some virtual
 * machines plug memory in as it is needed, and show there what they might. */
static double managed_bytes(void)
{
    char line[256];
    double pages = 0;
    unsigned long one;
    FILE *file = fopen("/proc/zoneinfo", "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        if (sscanf(line, " managed %lu", &one) == 1)
            pages += (double)one;
    if (file != NULL)
        fclose(file);
    return pages * (double)sysconf(_SC_PAGESIZE);
}

/* What hwloc names, the kernel tells; together it is the machine's memory. */
static void this_machine(void)
{
    struct host *host;
    struct host_topology topology;
    double sum = 0, before = managed_bytes();
    REQUIRE(host_open(NULL, &host) == 0);
    if (host_topology(host, &topology) == 0)
        CHECK_EQ(host_numa_count(host) + host_numa_surplus(host), topology.numa_nodes);
    for (unsigned i = 0; i < host_numa_count(host); i++) {
        struct host_numa m;
        int error = host_numa_memory(host, i, &m);
        if (error == VAGUS_EUNSUPPORTED) {
            host_unref(host);
            SKIP_TEST("the kernel knows no NUMA nodes");
        }
        CHECK_EQ(error, 0);
        sum += (double)m.total_bytes;
    }
    host_unref(host);
    double after = managed_bytes();
    if (before == 0)
        SKIP_TEST("there is no /proc/zoneinfo to compare with");
    CHECK(sum >= fmin(before, after) && sum <= fmax(before, after));
}

int main(void)
{
    RUN(node_texts);
    RUN(cgroup_texts);
    RUN(a_machine_of_some_nodes);
    RUN(a_machine_of_too_many_nodes);
    RUN(this_machine);
    return check_result();
}
