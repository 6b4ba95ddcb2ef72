/* SPDX-License-Identifier: Apache-2.0 */
/* cpu, cpu_core and cpu_sensors over fixture machines of 1, 64 and 512 CPUs, old kernels and new.
 */
#include "check.h"

#include "host/cgroup_levels.h"
#include "host/procfs.h"
#include "host/sensors.h"

#include "collector_fixture.h"
#include "root_fixture.h"

extern const struct vagus_collector_desc vagus__collector_cpu, vagus__collector_cpu_core,
    vagus__collector_cpu_sensors;

#define EACH_1S (1u << VAGUS_TIER_1S)

static void sample(unsigned due)
{
    CHECK_EQ(fake.desc->sample(&fake, due), 0);
}

/* --- cpu --- */

/* A process that has used so many ticks of 10 ms, on a machine whose CPUs spent these. */
static void write_machine(const char *stat, unsigned process_ticks)
{
    char text[256];
    snprintf(text, sizeof(text),
             "7 (agent) S 1 7 7 0 -1 4194560 1 0 0 0 %u 0 0 0 20 0 7 0 30000 3133440 380 "
             "18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0\n",
             process_ticks);
    root_write("proc/self/stat", text);
    root_write("proc/stat", stat);
    root_write("proc/loadavg", "0.52 0.40 0.30 1/100 1234\n");
    root_write("proc/self/status", "Name:\tagent\nCpus_allowed_list:\t0-1\n");
}

static void shares_of_the_host(void)
{
    REQUIRE(root_begin());
    write_machine("cpu  1000 100 1000 5000 500 50 50 50 7 7\n", 1000);
    REQUIRE(fake_open(&vagus__collector_cpu, root_dir));
    sample(ALL_DUE);
    CHECK_PUT_NAMED("system.cpu.load_average.1m", 0.52);
    CHECK_PUT_NAMED("process.cpu.time", 10);
    CHECK_PUT_NAMED("cpu.allowance", 2);
    CHECK_EQ(PUTS_OF("system.cpu.utilization"), 0); /* there is nothing to compare with */
    CHECK_EQ(PUTS_OF("system.cpu.mode.utilization"), 0);
    CHECK_EQ(PUTS_OF("process.cpu.cores"), 0);

    /* 30 ticks busy, 70 not, and 8 of irq taken back. */
    write_machine("cpu  1010 105 1007 5050 520 42 52 56 7 7\n", 1300);
    fake.now_ns += 2 * VAGUS_SECOND_NS;
    sample(ALL_DUE);
    CHECK_PUT_NAMED("system.cpu.utilization", 0.3);
    CHECK_PUT_OF("system.cpu.mode.utilization", "user", 0.10);
    CHECK_PUT_OF("system.cpu.mode.utilization", "nice", 0.05);
    CHECK_PUT_OF("system.cpu.mode.utilization", "system", 0.07);
    CHECK_PUT_OF("system.cpu.mode.utilization", "idle", 0.5);
    CHECK_PUT_OF("system.cpu.mode.utilization", "iowait", 0.2);
    CHECK_PUT_OF("system.cpu.mode.utilization", "irq", 0);
    CHECK_PUT_OF("system.cpu.mode.utilization", "softirq", 0.02);
    CHECK_PUT_OF("system.cpu.mode.utilization", "steal", 0.06);
    CHECK_PUT_NAMED("process.cpu.cores", 1.5); /* 3 s within 2 s */
    CHECK_PUT_NAMED("process.cpu.utilization", 0.75);

    /* A clock that stands still, and counters that do: no value, rather than a wrong one. */
    sample(EACH_1S);
    CHECK_EQ(PUTS_OF("system.cpu.utilization"), 1);
    CHECK_EQ(PUTS_OF("process.cpu.cores"), 1);

    /* A second later than 10 s, modes span what passed since they were last taken. */
    write_machine("cpu  1110 105 1007 5050 520 42 52 56 7 7\n", 1300);
    fake.now_ns += VAGUS_SECOND_NS;
    sample(EACH_1S);
    CHECK_PUT_NAMED("system.cpu.utilization", 1);
    CHECK_PUT_OF("system.cpu.mode.utilization", "user", 0.10);
    fake_close();
    root_end();
}

/* Linux 2.6.0 told four states; what it did not know of is unknown, not 0. */
static void states_that_are_not_told(void)
{
    REQUIRE(root_begin());
    write_machine("cpu  100 0 100 800\ncpu0 100 0 100 800\n", 0);
    REQUIRE(fake_open(&vagus__collector_cpu, root_dir));
    sample(ALL_DUE);
    write_machine("cpu  150 0 100 850\ncpu0 150 0 100 850\n", 0);
    fake.now_ns += VAGUS_SECOND_NS;
    sample(ALL_DUE);
    CHECK_PUT_NAMED("system.cpu.utilization", 0.5);
    CHECK_PUT_OF("system.cpu.mode.utilization", "idle", 0.5);
    size_t modes = metric_named("system.cpu.mode.utilization");
    CHECK_EQ(fake.put[modes][instance_named("iowait")].error, VAGUS_EUNSUPPORTED);
    CHECK_EQ(fake.put[modes][instance_named("steal")].error, VAGUS_EUNSUPPORTED);
    fake_close();
    root_end();
}

static void allowances(void)
{
    static const struct {
        const char *root;
        double cores;
    } machines[] = {{FIXTURES "/thismachine", 1.5},
                    {FIXTURES "/v2-container", 0.5},
                    {FIXTURES "/v1-hybrid-container", 0.25},
                    {FIXTURES "/old-kernel", 64}}; /* by affinity alone */
    for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
        REQUIRE(fake_open(&vagus__collector_cpu, machines[i].root));
        sample(ALL_DUE);
        CHECK_PUT_NAMED("cpu.allowance", machines[i].cores);
        fake_close();
    }
}

static void cpu_of_garbage_is_unknown(void)
{
    REQUIRE(fake_open(&vagus__collector_cpu, FIXTURES "/garbage"));
    sample(ALL_DUE);
    for (size_t metric = 0; metric < fake.desc->metric_count; metric++)
        CHECK(fake.put[metric][0].error == VAGUS_EPARSE ||
              strncmp(fake.desc->metrics[metric].name, "cpu.throttled", 13) == 0);
    fake_close();
}

static void cpu_of_the_real_machine(void)
{
    REQUIRE(fake_open(&vagus__collector_cpu, NULL));
    sample(ALL_DUE);
    usleep(20000); /* ticks pass */
    fake.now_ns += VAGUS_SECOND_NS;
    sample(ALL_DUE);
    CHECK_EQ(fake.put[metric_named("system.cpu.utilization")][0].error, 0);
    CHECK(fake.put[metric_named("cpu.allowance")][0].value > 0);
    CHECK(fake.put[metric_named("process.cpu.time")][0].value > 0);
    fake_close();
}

/* --- A quota that holds it back --- */

static void throttling(void)
{
    static const char stat[] = "nr_periods %u\nnr_throttled %u\nthrottled_%s %llu\n";
    char text[256];
    for (int v2 = 0; v2 < 2; v2++) {
        const char *own = v2 ? "sys/fs/cgroup/a/b/" : "cpu/a/b/",
                   *above = v2 ? "sys/fs/cgroup/a/" : "cpu/a/";
        char name[128];
        REQUIRE(root_begin());
        write_machine("cpu  1 1 1 1 1 1 1 1 0 0\n", 1);
        root_write("proc/self/cgroup", v2 ? "0::/a/b\n" : "1:cpu:/a/b\n");
        root_write("proc/self/mountinfo",
                   v2 ? "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
                      : "30 1 0:26 / /cpu rw - cgroup cgroup rw,cpu\n");
        for (int level = 0; level < 2; level++) {
            const char *folder = level == 0 ? own : above;
            /* The parent's quota is the smaller one: it holds back first. */
            snprintf(name, sizeof(name), "%scpu.max", folder);
            root_write(name, level == 0 ? "200000 100000\n" : "150000 100000\n");
            snprintf(name, sizeof(name), "%scpu.cfs_quota_us", folder);
            root_write(name, level == 0 ? "200000\n" : "150000\n");
            snprintf(name, sizeof(name), "%scpu.cfs_period_us", folder);
            root_write(name, "100000\n");
            snprintf(name, sizeof(name), "%scpu.stat", folder);
            snprintf(text, sizeof(text), stat, level == 0 ? 7 : 100, level == 0 ? 7 : 40,
                     v2 ? "usec" : "time", v2 ? 2500000ull : 2500000000ull);
            root_write(name, text);
        }
        REQUIRE(fake_open(&vagus__collector_cpu, root_dir));
        sample(ALL_DUE);
        CHECK_PUT_NAMED("cpu.allowance", 1.5);
        CHECK_PUT_NAMED("cpu.throttled.periods", 40);
        CHECK_PUT_NAMED("cpu.throttled.time", 2.5);
        CHECK_EQ(PUTS_OF("cpu.throttled.ratio"), 0);
        snprintf(text, sizeof(text), stat, 120, 45, v2 ? "usec" : "time", 3000000000ull);
        root_write(name, text);
        sample(EACH_1S);
        CHECK_PUT_NAMED("cpu.throttled.ratio", 0.25);
        sample(EACH_1S); /* no period passed: nothing ran that could be held back */
        CHECK_PUT_NAMED("cpu.throttled.ratio", 0);
        /* Another level holds back now: its counts are not compared with the other's. */
        char other[128];
        unsigned puts = PUTS_OF("cpu.throttled.ratio");
        snprintf(other, sizeof(other), "%scpu.stat", own);
        snprintf(text, sizeof(text), stat, 1000, 900, v2 ? "usec" : "time", 1000000ull);
        root_write(other, text);
        snprintf(other, sizeof(other), "%s%s", own, v2 ? "cpu.max" : "cpu.cfs_quota_us");
        root_write(other, v2 ? "100000 100000\n" : "100000\n");
        sample(ALL_DUE);
        CHECK_PUT_NAMED("cpu.allowance", 1);
        CHECK_PUT_NAMED("cpu.throttled.periods", 900);
        CHECK_EQ(PUTS_OF("cpu.throttled.ratio"), puts);
        snprintf(name, sizeof(name), "%scpu.stat", own);
        root_write(name, "nr_periods");
        sample(EACH_1S);
        CHECK_MISSING_NAMED("cpu.throttled.ratio", VAGUS_EPARSE);
        CHECK_MISSING_NAMED("cpu.throttled.periods", VAGUS_EPARSE);
        fake_close();
        root_end();
    }
}

/* The main thread is pinned to one CPU, the others are not: what is seen used was allowed. Only the
 * cpuset bounds them all. */
static void threads_beyond_the_affinity(void)
{
    REQUIRE(root_begin());
    write_machine("cpu  1 1 1 1 1 1 1 1 0 0\n", 0);
    root_write("proc/self/status", "Cpus_allowed_list:\t3\n");
    root_write("proc/self/cgroup", "3:cpuset:/a\n");
    root_write("proc/self/mountinfo", "30 1 0:26 / /cg rw - cgroup cgroup rw,cpuset\n");
    root_write("cg/a/cpuset.effective_cpus", "0-5\n");
    REQUIRE(fake_open(&vagus__collector_cpu, root_dir));
    sample(ALL_DUE);
    CHECK_PUT_NAMED("cpu.allowance", 1);
    /* Within a moment the clocks may tell anything. */
    write_machine("cpu  1 1 1 1 1 1 1 1 0 0\n", 1);
    root_write("proc/self/status", "Cpus_allowed_list:\t3\n");
    fake.now_ns += VAGUS_MILLISECOND_NS;
    sample(ALL_DUE);
    CHECK_PUT_NAMED("process.cpu.cores", 10);
    CHECK_PUT_NAMED("cpu.allowance", 1);
    write_machine("cpu  1 1 1 1 1 1 1 1 0 0\n", 301);
    root_write("proc/self/status", "Cpus_allowed_list:\t3\n");
    fake.now_ns += VAGUS_SECOND_NS;
    sample(ALL_DUE);
    CHECK_PUT_NAMED("process.cpu.cores", 3);
    CHECK_PUT_NAMED("process.cpu.utilization", 0.5);
    sample(ALL_DUE);
    CHECK_PUT_NAMED("cpu.allowance", 6);
    fake_close();
    root_end();
}

/* Threads run beyond the main thread's affinity: what they may use is their cpuset. */
static void cpusets(void)
{
    static const struct {
        const char *cgroup, *mount, *name, *text;
        int error;
        unsigned cpus;
    } cases[] = {
        {"0::/a\n", "cgroup2 x rw", "sys/cg/a/cpuset.cpus.effective", "0-3,8\n", 0, 5},
        {"0::/a/b\n", "cgroup2 x rw", "sys/cg/a/cpuset.cpus.effective", "0-3\n", 0, 4}, /* above */
        {"3:cpuset:/a\n", "cgroup x rw,cpuset", "sys/cg/a/cpuset.effective_cpus", "7\n", 0, 1},
        {"3:cpuset:/a\n", "cgroup x rw,cpuset", "sys/cg/a/cpuset.cpus", "0-511\n", 0, 512},
        {"3:cpuset:/a\n", "cgroup x rw,cpuset", "sys/cg/a/cpuset.cpus", "0-5", VAGUS_EUNSUPPORTED,
         0},
        {"0::/a\n", "cgroup2 x rw", "sys/cg/a/cpuset.cpus.effective", "", VAGUS_EUNSUPPORTED, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char mountinfo[128];
        struct host *host;
        uint64_t cpus = 0;
        REQUIRE(root_begin());
        snprintf(mountinfo, sizeof(mountinfo), "30 1 0:26 / /sys/cg rw - %s\n", cases[i].mount);
        root_write("proc/self/mountinfo", mountinfo);
        root_write("proc/self/cgroup", cases[i].cgroup);
        root_write("sys/cg/a/b/cgroup.procs", "");
        root_write(cases[i].name, cases[i].text);
        REQUIRE(host_open(&(struct host_options){.root = root_dir}, &host) == 0);
        CHECK_EQ(host_cgroup_cpuset(host, &cpus), cases[i].error);
        CHECK_EQ(cpus, cases[i].cpus);
        host_unref(host);
        root_end();
    }
}

/* --- Machines of many CPUs --- */

/* Each CPU's line, then the long line of interrupts; `busy` more on the odd ones. */
static void write_cpus(unsigned cpus, unsigned busy, unsigned without)
{
    size_t capacity = 200 * (size_t)cpus + 20000, length = 0;
    char *text = malloc(capacity);
    length +=
        (size_t)snprintf(text, capacity, "cpu  %u 0 0 %u 0 0 0 0 0 0\n", 1000 * cpus, 1000 * cpus);
    for (unsigned cpu = 0; cpu < cpus; cpu++)
        if (cpu != without)
            length += (size_t)snprintf(
                text + length, capacity - length, "cpu%u %u 0 0 %u 0 0 0 0 0 0\n", cpu,
                1000000000 + (cpu % 2) * busy, 1000000000 + busy - (cpu % 2) * busy);
    length += (size_t)snprintf(text + length, capacity - length, "intr 123456");
    for (unsigned i = 0; i < 5000; i++)
        length += (size_t)snprintf(text + length, capacity - length, " 0");
    length += (size_t)snprintf(text + length, capacity - length, "\nctxt 1\n");
    CHECK(length < capacity);
    root_write("proc/stat", text);
    free(text);
}

static void each_core(void)
{
    static const unsigned sizes[] = {1, 64, 512, 1024};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        unsigned cpus = sizes[i];
        char last[16];
        REQUIRE(root_begin());
        write_cpus(cpus, 0, UINT32_MAX);
        REQUIRE(fake_open_with(&vagus__collector_cpu_core,
                               &(struct host_options){.root = root_dir, .per_core = true}));
        sample(ALL_DUE);
        CHECK_EQ(fake.instances, cpus);
        CHECK_EQ(PUTS_OF("system.cpu.core.utilization"), 0);
        write_cpus(cpus, 100, UINT32_MAX);
        sample(ALL_DUE);
        CHECK_EQ(fake.instances, cpus);
        CHECK_PUT_OF("system.cpu.core.utilization", "0", 0);
        snprintf(last, sizeof(last), "%u", cpus - 1);
        CHECK_PUT_OF("system.cpu.core.utilization", last, cpus > 1);
        /* One goes offline: it is not put, and the others go on under their own names. */
        if (cpus > 2) {
            write_cpus(cpus, 200, 1);
            sample(ALL_DUE);
            CHECK_EQ(fake.put[0][instance_named("1")].puts, 1);
            CHECK_EQ(fake.put[0][instance_named("3")].puts, 2);
            CHECK_PUT_OF("system.cpu.core.utilization", "3", 1);
            CHECK_PUT_OF("system.cpu.core.utilization", "2", 0);
        }
        fake_close();
        root_end();
    }
}

static unsigned stat_reads;

static void count_stat(void *arg, const char *path)
{
    (void)arg;
    stat_reads += strcmp(path, "proc/stat") == 0;
}

/* Nobody asked: nothing is read. Asked for, 512 CPUs take three pieces; the sum alone takes one. */
static void cores_on_demand(void)
{
    REQUIRE(root_begin());
    write_machine("", 1);
    write_cpus(512, 0, UINT32_MAX);
    REQUIRE(fake_open(&vagus__collector_cpu_core, root_dir));
    host_trace(fake.host, count_stat, NULL);
    stat_reads = 0;
    sample(ALL_DUE);
    CHECK_EQ(stat_reads, 0);
    CHECK_EQ(fake.instances, 0);
    fake_close();
    REQUIRE(fake_open_with(&vagus__collector_cpu_core,
                           &(struct host_options){.root = root_dir, .per_core = true}));
    host_trace(fake.host, count_stat, NULL);
    sample(ALL_DUE);
    CHECK(stat_reads >= 1 && stat_reads <= 3);
    fake_close();
    REQUIRE(fake_open(&vagus__collector_cpu, root_dir));
    host_trace(fake.host, count_stat, NULL);
    stat_reads = 0;
    sample(ALL_DUE);
    CHECK_EQ(stat_reads, 1);
    fake_close();
    root_end();
}

static void ignore_core(void *arg, uint64_t cpu, const struct host_cpu_times *times)
{
    (void)arg;
    (void)cpu;
    (void)times;
}

static struct host *damaged_host;

static int parse_stat_file(const char *text, size_t length)
{
    root_write_bytes("proc/stat", text, length);
    return host_cpu_times_each(damaged_host, ignore_core, NULL);
}

static int parse_sum(const char *text, size_t length)
{
    struct host_cpu_times times;
    return host_parse_cpu_times(text, length, &times);
}

static int parse_throttling_v1(const char *text, size_t length)
{
    struct host_cgroup_throttling t;
    return host_parse_throttling(text, length, HOST_CGROUP_V1, &t);
}

static int parse_throttling_v2(const char *text, size_t length)
{
    struct host_cgroup_throttling t;
    return host_parse_throttling(text, length, HOST_CGROUP_V2, &t);
}

static int parse_temperature(const char *text, size_t length)
{
    double celsius = 0;
    int error = host_parse_temperature(text, length, &celsius);
    return error == 0 && celsius < 0 ? VAGUS_EPARSE : error; /* frost is no damage */
}

static int parse_cpuinfo(const char *text, size_t length)
{
    double hertz;
    return host_parse_cpuinfo_frequency(text, length, &hertz);
}

static void damaged_files(void)
{
    static const char cpus[] = "cpu  3 0 3 9 0 0 0 0 0 0\ncpu0 1 0 1 3 0 0 0 0 0 0\n"
                               "cpu1 2 0 2 6 0 0 0 0 0 0\nintr 1 2 3\n";
    REQUIRE(root_begin());
    root_write("proc/stat", cpus);
    REQUIRE(host_open(&(struct host_options){.root = root_dir}, &damaged_host) == 0);
    CHECK_EQ(parse_stat_file(cpus, strlen(cpus)), 0);
    for (size_t cut = 0; cut < strlen(cpus) - 10; cut++)
        CHECK(parse_stat_file(cpus, cut) < 0);
    CHECK_REFUSED(parse_stat_file, "cpu  1 1 1 1\ncpu0 1 1 -1 1\nintr 1\n");
    CHECK_REFUSED(parse_stat_file, "cpu  1 1 1 1\ncpux 1 1 1 1\nintr 1\n");
    char *huge = malloc(2 << 20);
    memset(huge, '7', 2 << 20);
    CHECK(parse_stat_file(huge, 2 << 20) < 0);
    memset(huge, '\n', 2 << 20);
    CHECK(parse_stat_file(huge, 2 << 20) < 0);
    free(huge);
    root_write("proc/stat", NULL);
    host_unref(damaged_host);
    REQUIRE(host_open(&(struct host_options){.root = root_dir}, &damaged_host) == 0);
    CHECK_EQ(host_cpu_times_each(damaged_host, ignore_core, NULL), VAGUS_EUNSUPPORTED);
    host_unref(damaged_host);
    root_end();

    check_damage("cpu  1 2 3 4 5 6 7 8 9 10\n", strlen("cpu  1 2 3 4 5 6 7 8 "), parse_sum);
    check_damage("nr_periods 100\nnr_throttled 40\nthrottled_time 2500\n", 0, parse_throttling_v1);
    check_damage("nr_periods 100\nnr_throttled 40\n"
                 "throttled_usec 2500\n",
                 0, parse_throttling_v2);
    check_damage("47000\n", 0, parse_temperature);
    check_damage("cpu MHz\t\t: 2999.998\ncache size\t: 1 KB\n", strlen("cpu MHz\t\t: 2999.998\n"),
                 parse_cpuinfo);
}

/* --- Sensors --- */

static void sensors_of_two_packages(void)
{
    REQUIRE(root_begin());
    root_write("sys/class/hwmon/hwmon0/name", "acpitz\n");
    root_write("sys/class/hwmon/hwmon0/temp1_input", "99000\n");
    root_write("sys/class/hwmon/hwmon2/name", "coretemp\n");
    root_write("sys/class/hwmon/hwmon2/temp1_input", "47000\n");
    root_write("sys/class/hwmon/hwmon5/name", "coretemp\n");
    root_write("sys/class/hwmon/hwmon5/device/temp1_input", "51500\n"); /* Linux 3.10 */
    root_write("sys/devices/system/cpu/online", "0-15\n");
    for (unsigned cpu = 0; cpu < 16; cpu++) {
        char name[96];
        snprintf(name, sizeof(name), "sys/devices/system/cpu/cpu%u/cpufreq/scaling_cur_freq", cpu);
        root_write(name, cpu < 8 ? "1000000\n" : "3000000\n");
    }
    root_write("proc/cpuinfo", "cpu MHz\t\t: 1.000\n"); /* is not asked then */
    REQUIRE(fake_open(&vagus__collector_cpu_sensors, root_dir));
    sample(ALL_DUE);
    CHECK_PUT_NAMED("cpu.temperature", 51.5);
    CHECK_PUT_NAMED("system.cpu.frequency", 2e9);
    root_write("sys/class/hwmon/hwmon2/temp1_input", "-5500\n");
    root_write("sys/class/hwmon/hwmon5/device/temp1_input", "-7000\n");
    root_write("sys/devices/system/cpu/cpu2/cpufreq/scaling_cur_freq", "<unknown>\n");
    root_write("sys/devices/system/cpu/cpu10/cpufreq/scaling_cur_freq", "");
    sample(ALL_DUE);
    CHECK_PUT_NAMED("cpu.temperature", -5.5);
    CHECK_PUT_NAMED("system.cpu.frequency", 2e9);
    root_write("sys/class/hwmon/hwmon2/temp1_input", "");
    sample(ALL_DUE);
    CHECK_MISSING_NAMED("cpu.temperature", VAGUS_EPARSE); /* it may be the hotter one */
    fake_close();
    root_end();
}

static void sensors_by_other_ways(void)
{
    REQUIRE(root_begin());
    root_write("sys/class/thermal/thermal_zone0/type", "acpitz\n");
    root_write("sys/class/thermal/thermal_zone0/temp", "20000\n");
    root_write("sys/class/thermal/thermal_zone3/type", "cpu-thermal\n");
    root_write("sys/class/thermal/thermal_zone3/temp", "61000\n");
    root_write("proc/cpuinfo",
               "processor\t: 0\ncpu MHz\t\t: 2000.500\n\nprocessor\t: 1\ncpu MHz\t\t: 3000.500\n");
    REQUIRE(fake_open(&vagus__collector_cpu_sensors, root_dir));
    sample(ALL_DUE);
    CHECK_PUT_NAMED("cpu.temperature", 61);
    CHECK_PUT_NAMED("system.cpu.frequency", 2500.5e6);
    fake_close();
    root_end();
    REQUIRE(root_begin());
    REQUIRE(fake_open(&vagus__collector_cpu_sensors, root_dir));
    sample(ALL_DUE);
    CHECK_MISSING_NAMED("cpu.temperature", VAGUS_EUNSUPPORTED);
    CHECK_MISSING_NAMED("system.cpu.frequency", VAGUS_EUNSUPPORTED);
    fake_close();
    root_end();
}

static void descriptors_are_well_formed(void)
{
    check_descriptor(&vagus__collector_cpu);
    check_descriptor(&vagus__collector_cpu_core);
    check_descriptor(&vagus__collector_cpu_sensors);
}

int main(void)
{
    RUN(shares_of_the_host);
    RUN(states_that_are_not_told);
    RUN(allowances);
    RUN(cpu_of_garbage_is_unknown);
    RUN(cpu_of_the_real_machine);
    RUN(throttling);
    RUN(threads_beyond_the_affinity);
    RUN(cpusets);
    RUN(each_core);
    RUN(cores_on_demand);
    RUN(damaged_files);
    RUN(sensors_of_two_packages);
    RUN(sensors_by_other_ways);
    RUN(descriptors_are_well_formed);
    return check_result();
}
