/* SPDX-License-Identifier: Apache-2.0 */
/* The senses memory_detail, numa, process and process_tree at work in a monitor, over machines that
 * the test makes: what they are called, and what an old kernel, a reset and damage make of them. */
#include "check.h"

#include "monitor_fixture.h"
#include "root_fixture.h"

#define KIB 1024.0

static struct vagus_monitor *monitor;

static const char stat_format[] =
    "10 (a) S 1 1 1 0 -1 4194304 100 0 %u 0 100 50 7 3 20 0 2 0 3000 409600 25 "
    "18446744073709551615 1 1\n";

static void make_machine(void)
{
    CHECK(root_begin());
    root_print("proc/meminfo", "MemTotal: 1000000 kB\nMemFree: 500000 kB\nMemAvailable: 600000 kB\n"
                               "SwapTotal: 2000 kB\nSwapFree: 1500 kB\nAnonHugePages: 4096 kB\n"
                               "HugePages_Total: 10\nHugePages_Free: 4\nHugePages_Rsvd: 1\n"
                               "Hugepagesize: 2048 kB\n");
    root_print("proc/vmstat", "pgfault 1\npswpin 100\npswpout 200\n");
    root_print("proc/uptime", "100.00 0.00\n");
    root_print("proc/stat", "cpu  1 2 3 4\nbtime 1700000000\n");
    root_print("proc/self/stat", stat_format, 5);
    root_print("proc/10/stat", stat_format, 5);
    root_print("proc/10/statm", "100 25 0 0 0 0 0\n");
    root_print("proc/10/task/10/children", "%s", "");
    root_print("proc/10/task/11/children", "%s", "");
    root_print("proc/self/statm", "100 25 0 0 0 0 0\n");
    root_print("proc/self/limits", "Max address space unlimited \nMax open files 100 100 files\n");
    root_print("proc/self/oom_score", "667\n");
    root_print("proc/self/oom_score_adj", "-500\n");
    root_print("proc/self/status", "Name:\ta\nVmLck:\t8 kB\nVmHWM:\t300 kB\nRssAnon:\t60 kB\n"
                                   "VmSwap:\t20 kB\nHugetlbPages:\t2048 kB\nThreads:\t1\n"
                                   "voluntary_ctxt_switches:\t70\n"
                                   "nonvoluntary_ctxt_switches:\t9\n");
    root_print("sys/devices/system/node/online", "0,2\n");
    root_print("sys/devices/system/node/node0/meminfo",
               "Node 0 MemTotal: 1000 kB\nNode 0 MemFree: 250 kB\n");
    root_print("sys/devices/system/node/node2/meminfo",
               "Node 2 MemTotal: 0 kB\nNode 2 MemFree: 0 kB\n");
    root_print("proc/self/cgroup", "0::/x\n");
    root_print("proc/self/mountinfo", "1 2 0:3 / /cg rw - cgroup2 cgroup2 rw\n");
    root_print("cg/x/memory.max", "max\n");
    root_print("cg/x/memory.numa_stat", "anon N0=3072 N2=1024\nfile N0=0 N2=0\n");
}

static bool begin(void)
{
    atomic_store(&test_now_ns, 1000 * S);
    return vagus_monitor_open(
               &(struct vagus_monitor_options){.size = sizeof(struct vagus_monitor_options),
                                               .policy_text = "rules: []\n",
                                               .host_root = root_dir,
                                               .clock = &test_clock,
                                               .flags = VAGUS_STEPPED | VAGUS_ANONYMOUS_SEGMENT},
               &monitor) == 0 &&
           vagus_monitor_start(monitor) == 0;
}

static void end(void)
{
    vagus_monitor_close(monitor);
    root_end();
}

static void next(int seconds)
{
    atomic_fetch_add(&test_now_ns, seconds * S);
    CHECK_EQ(vagus_step(monitor, NULL), 0);
}

static struct vagus_reading reading_of(const char *name, const char *instance)
{
    struct vagus_reading reading = {.error = 99};
    if (vagus_reading_get(monitor, name, instance, &reading) != 0)
        CHECK_FAIL_("there is no %s", name);
    return reading;
}

static void check_value(const char *name, const char *instance, double wanted)
{
    struct vagus_reading reading = reading_of(name, instance);
    enum vagus_state state = vagus_reading_state(&reading, atomic_load(&test_now_ns));
    if (state != VAGUS_STATE_OK || fabs(reading.value - wanted) > 1e-6)
        CHECK_FAIL_("%s is %.9g, %s, not %.9g", name, reading.value, vagus_state_name(state),
                    wanted);
}

static void check_error(const char *name, const char *instance, int error)
{
    int got = reading_of(name, instance).error;
    if (got != error)
        CHECK_FAIL_("%s has the error %d, not %d", name, got, error);
}

static void everything_is_told(void)
{
    make_machine();
    REQUIRE(begin());
    check_value("system.paging.usage", NULL, 500 * KIB);
    check_value("system.paging.in", NULL, 100 * 4096);
    check_value("system.paging.out", NULL, 200 * 4096);
    check_value("system.linux.memory.hugepages.limit", NULL, 20480 * KIB);
    check_value("system.linux.memory.hugepages.free", NULL, 8192 * KIB);
    check_value("system.linux.memory.hugepages.reserved", NULL, 2048 * KIB);
    check_value("system.linux.memory.hugepages.transparent", NULL, 4096 * KIB);
    check_value("process.memory.usage", NULL, 25 * 4096);
    check_value("process.memory.peak", NULL, 300 * KIB);
    check_value("process.memory.swapped", NULL, 20 * KIB);
    check_value("process.memory.locked", NULL, 8 * KIB);
    check_value("process.memory.anonymous", NULL, 60 * KIB);
    check_value("process.memory.hugepages", NULL, 2048 * KIB);
    check_value("process.paging.faults.major", NULL, 5);
    check_value("process.context_switches.voluntary", NULL, 70);
    check_value("process.context_switches.involuntary", NULL, 9);
    check_value("process.linux.oom_score", NULL, 667);
    check_value("process.linux.oom_score_adj", NULL, -500);
    check_value("process.start_time", NULL, 1700000030);
    check_value("process.uptime", NULL, 70);
    check_value("process.tree.count", NULL, 1);
    check_value("process.tree.thread.count", NULL, 2);
    check_value("process.tree.cpu.time", NULL, 1.6);
    check_value("process.tree.memory.usage", NULL, 25 * 4096);
    check_value("process.tree.escaped", NULL, 0);
    check_value("process.tree.unseen", NULL, 0);
    check_value("numa.memory.limit", "0", 1000 * KIB);
    check_value("numa.memory.free", "0", 250 * KIB);
    check_value("numa.memory.utilization", "0", 0.75);
    check_error("numa.memory.utilization", "2", VAGUS_EUNSUPPORTED); /* a node of CPUs alone */
    check_value("numa.cgroup.usage", "2", 1024);
    check_value("numa.cgroup.share", "0", 0.75);
    end();
}

/* Rates need two looks, and none is made across a count that was begun anew. */
static void rates(void)
{
    make_machine();
    REQUIRE(begin());
    CHECK_EQ(reading_of("system.paging.rate", NULL).taken_ns, 0);
    root_print("proc/vmstat", "pgfault 1\npswpin 150\npswpout 250\n");
    root_print("proc/self/stat", stat_format, 25);
    root_print("proc/10/stat", stat_format, 25);
    next(10);
    check_value("system.paging.rate", NULL, 100 * 4096 / 10);
    check_value("process.paging.faults.major.rate", NULL, 2);
    check_value("process.tree.cpu.cores", NULL, 0);
    root_print("proc/vmstat", "pgfault 1\npswpin 0\npswpout 9\n");
    root_print("proc/self/stat", stat_format, 3);
    next(10);
    check_value("process.paging.faults.major", NULL, 3);
    CHECK_EQ(reading_of("system.paging.rate", NULL).taken_ns, 1010 * S);
    CHECK_EQ(reading_of("process.paging.faults.major.rate", NULL).taken_ns, 1010 * S);
    next(10);
    check_value("system.paging.rate", NULL, 0);
    end();
}

/* What a kernel does not tell is unsupported, and no zero. */
static void an_old_kernel(void)
{
    make_machine();
    root_print("proc/self/status", "Name:\ta\nVmLck:\t8 kB\nVmHWM:\t300 kB\nThreads:\t7\n");
    root_print("proc/vmstat", "pgfault 1\n");
    root_print("proc/meminfo", "MemTotal: 1000000 kB\nMemFree: 500000 kB\nCached: 600 kB\n");
    root_remove("proc/self/oom_score_adj");
    root_remove("proc/10/task/10/children");
    root_remove("proc/10/task/11/children");
    root_remove("sys");
    REQUIRE(begin());
    static const char *const unsupported[] = {
        "process.memory.swapped",
        "process.memory.anonymous",
        "process.memory.hugepages",
        "process.context_switches.voluntary",
        "process.linux.oom_score_adj",
        "system.paging.in",
        "system.paging.rate",
        "system.paging.usage",
        "system.linux.memory.hugepages.limit",
        "system.linux.memory.hugepages.transparent",
    };
    for (size_t i = 0; i < sizeof(unsupported) / sizeof(unsupported[0]); i++)
        check_error(unsupported[i], NULL, VAGUS_EUNSUPPORTED);
    check_value("process.memory.peak", NULL, 300 * KIB);
    check_value("process.linux.oom_score", NULL, 667);
    check_value("process.tree.count", NULL, 1); /* by a look at every process */
    struct vagus_reading reading;
    CHECK_EQ(vagus_reading_get(monitor, "numa.memory.free", "0", &reading), VAGUS_ENOENT);
    end();
}

static void damage_is_said_and_passes(void)
{
    make_machine();
    REQUIRE(begin());
    root_print("proc/self/status", "VmHWM:\t-1 kB\n");
    root_print("proc/vmstat", "pswpin x\n");
    root_print("proc/10/task/10/children", "x");
    root_print("proc/self/oom_score", "666");
    root_print("sys/devices/system/node/node0/meminfo", "Node 0 MemTotal: 1 kB\n");
    root_print("cg/x/memory.numa_stat", "anon N0\n");
    next(10);
    static const char *const damaged[] = {
        "process.memory.peak", "process.memory.locked", "process.context_switches.voluntary",
        "system.paging.out",   "system.paging.rate",    "process.linux.oom_score",
        "process.tree.count",  "process.tree.cpu.time", "process.tree.memory.usage"};
    for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++)
        check_error(damaged[i], NULL, VAGUS_EPARSE);
    check_error("numa.memory.free", "0", VAGUS_EPARSE);
    check_error("numa.cgroup.share", "2", VAGUS_EPARSE);
    check_value("system.paging.usage", NULL, 500 * KIB); /* each stands for itself */
    check_value("process.linux.oom_score_adj", NULL, -500);
    root_print("proc/10/task/10/children", "%s", "");
    next(10);
    check_value("process.tree.count", NULL, 1);
    end();
}

int main(void)
{
    RUN(everything_is_told);
    RUN(rates);
    RUN(an_old_kernel);
    RUN(damage_is_said_and_passes);
    return check_result();
}
