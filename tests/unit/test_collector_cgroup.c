/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup over fixture machines: v1, v2, both at once, containers in containers, a namespace whose
 * root hides what lies above, and damaged files. */
#include "check.h"

#include "host/cgroup_levels.h"

#include "collector_fixture.h"
#include "root_fixture.h"

extern const struct vagus_collector_desc vagus__collector_cgroup;

#define NONE_V1 "9223372036854771712\n"
#define MIB 1048576.0

static void sample(unsigned due)
{
    CHECK_EQ(fake.desc->sample(&fake, due), 0);
}

static int error_of(const char *metric, const char *instance)
{
    size_t at = instance != NULL ? instance_named(instance) : 0;
    CHECK(fake.put[metric_named(metric)][at].puts > 0);
    return fake.put[metric_named(metric)][at].error;
}

#define CHECK_NOT(metric, instance) CHECK_EQ(error_of(metric, instance), VAGUS_EUNSUPPORTED)

static void write_v2_level(const char *folder, const char *max, const char *high,
                           const char *current, const char *cpu, const char *pids)
{
    const struct {
        const char *name, *text;
    } files[] = {{"memory.max", max},
                 {"memory.high", high},
                 {"memory.current", current},
                 {"memory.stat", "inactive_file 0\n"},
                 {"memory.events", "low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\noom_group_kill 0\n"},
                 {"cgroup.events", "populated 1\nfrozen 0\n"},
                 {"cpu.max", cpu},
                 {"pids.max", pids},
                 {"pids.current", "7\n"}};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char name[320];
        snprintf(name, sizeof(name), "sys/fs/cgroup%s/%s", folder, files[i].name);
        root_write(name, files[i].text);
    }
}

/* A pod's container in a pod: the nearest memory limit is not the one that binds. */
static void nested_v2(void)
{
    REQUIRE(root_begin());
    root_write("proc/self/cgroup", "0::/pod/outer/inner\n");
    root_write("proc/self/mountinfo", "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    write_v2_level("/pod", "max\n", "max\n", "900000000\n", "max 100000\n", "max\n");
    write_v2_level("/pod/outer", "536870912\n", "402653184\n", "530000000\n", "50000 100000\n",
                   "100\n");
    write_v2_level("/pod/outer/inner", "268435456\n", "max\n", "4096\n", "200000 100000\n",
                   "max\n");
    REQUIRE(fake_open(&vagus__collector_cgroup, root_dir));
    sample(ALL_DUE);
    CHECK_PUT_NAMED("cgroup.version", 2);
    CHECK_PUT_NAMED("cgroup.unified", 1);
    CHECK_PUT_NAMED("cgroup.hidden", 0);
    CHECK_PUT_NAMED("cgroup.frozen", 0);
    CHECK_PUT_NAMED("cgroup.levels.unshown", 0);
    CHECK_EQ(fake.instances, 4); /* pids shows the root, too */
    CHECK_PUT_OF("cgroup.memory.limit", "/pod/outer/inner", 256 * MIB);
    CHECK_PUT_OF("cgroup.memory.limit", "/pod/outer", 512 * MIB);
    CHECK_NOT("cgroup.memory.limit", "/pod");
    CHECK_PUT_OF("cgroup.memory.high", "/pod/outer", 384 * MIB);
    CHECK_NOT("cgroup.memory.high", "/pod/outer/inner");
    CHECK_PUT_OF("cgroup.memory.usage", "/pod/outer/inner", 4096);
    CHECK_PUT_OF("cgroup.memory.usage", "/pod", 900000000);
    CHECK_PUT_OF("cgroup.memory.binds", "/pod/outer/inner", 0);
    CHECK_PUT_OF("cgroup.memory.binds", "/pod/outer", 1);
    CHECK_PUT_OF("cgroup.memory.binds", "/pod", 0);
    CHECK_PUT_OF("cgroup.cpu.limit", "/pod/outer/inner", 2);
    CHECK_PUT_OF("cgroup.cpu.limit", "/pod/outer", 0.5);
    CHECK_NOT("cgroup.cpu.limit", "/pod");
    CHECK_PUT_OF("cgroup.cpu.binds", "/pod/outer", 1);
    CHECK_PUT_OF("cgroup.cpu.binds", "/pod/outer/inner", 0);
    CHECK_PUT_OF("cgroup.pids.limit", "/pod/outer", 100);
    CHECK_PUT_OF("cgroup.pids.usage", "/pod/outer/inner", 7);
    CHECK_PUT_OF("cgroup.pids.binds", "/pod/outer", 1);
    CHECK_NOT("cgroup.pids.limit", "/");
    CHECK_PUT_NAMED("cgroup.memory.events.low", 1);
    CHECK_PUT_NAMED("cgroup.memory.events.high", 2);
    CHECK_PUT_NAMED("cgroup.memory.events.max", 3);
    CHECK_PUT_NAMED("cgroup.memory.events.oom", 4);
    CHECK_PUT_NAMED("cgroup.memory.events.oom_kill", 5);

    /* Page cache makes room: what counts is what cannot be dropped. */
    root_write("sys/fs/cgroup/pod/outer/memory.stat", "inactive_file 500000000\n");
    CHECK_EQ(host_cgroup_memory_refresh(fake.host), 0);
    sample(ALL_DUE);
    CHECK_PUT_OF("cgroup.memory.binds", "/pod/outer", 0);
    CHECK_PUT_OF("cgroup.memory.binds", "/pod/outer/inner", 1);
    root_write("sys/fs/cgroup/pod/outer/memory.stat", "inactive_file 0\n");

    /* It is lifted; one of them cannot be read; it is frozen. */
    root_write("sys/fs/cgroup/pod/outer/memory.max", "max\n");
    root_write("sys/fs/cgroup/pod/cpu.max", "50000\n");
    root_write("sys/fs/cgroup/pod/outer/inner/cgroup.events", "populated 1\nfrozen 1\n");
    CHECK_EQ(host_cgroup_memory_refresh(fake.host), 0);
    sample(ALL_DUE);
    CHECK_NOT("cgroup.memory.limit", "/pod/outer");
    CHECK_PUT_OF("cgroup.memory.binds", "/pod/outer/inner", 1);
    CHECK_EQ(error_of("cgroup.cpu.limit", "/pod"), VAGUS_EPARSE);
    CHECK_EQ(error_of("cgroup.cpu.binds", "/pod/outer"), VAGUS_EPARSE);
    CHECK_PUT_OF("cgroup.cpu.limit", "/pod/outer", 0.5);
    CHECK_PUT_NAMED("cgroup.frozen", 1);
    fake_close();
    root_end();
}

/* A namespace: its root looks like "/", yet has what only other levels have. */
static void hidden_root(void)
{
    REQUIRE(root_begin());
    root_write("proc/self/cgroup", "0::/\n");
    root_write("proc/self/mountinfo", "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    write_v2_level("", "268435456\n", "max\n", "4096\n", "200000 100000\n", "50\n");
    REQUIRE(fake_open(&vagus__collector_cgroup, root_dir));
    sample(ALL_DUE);
    CHECK_PUT_NAMED("cgroup.hidden", 1);
    CHECK_EQ(fake.instances, 1);
    CHECK_PUT_OF("cgroup.memory.limit", "/", 256 * MIB);
    CHECK_PUT_OF("cgroup.memory.binds", "/", 1);
    CHECK_PUT_OF("cgroup.pids.limit", "/", 50);
    fake_close();
    root_end();
}

/* The kernel tells of a memory cgroup, and the container mounts none: there may be any limit. */
static void not_mounted(void)
{
    REQUIRE(root_begin());
    root_write("proc/self/cgroup", "4:memory:/docker/x\n0::/\n");
    root_write("proc/self/mountinfo", "34 1 0:30 / /cg/unified rw - cgroup2 cgroup2 rw\n");
    root_write("cg/unified/cgroup.procs", "1\n");
    REQUIRE(fake_open(&vagus__collector_cgroup, root_dir));
    CHECK_EQ(fake_sample_after(0, ALL_DUE), 0);
    CHECK_PUT_NAMED("cgroup.version", 0);
    CHECK_PUT_NAMED("cgroup.hidden", 1);
    fake_close();
    root_end();
}

/* v1 beside v2, each controller with a path of its own, shown below a partial mount. */
static void hybrid(void)
{
    REQUIRE(root_begin());
    root_write("proc/self/cgroup", "5:freezer:/docker/x\n4:memory:/docker/x/job\n"
                                   "3:cpu,cpuacct:/docker/x\n2:pids:/docker/x\n0::/docker/x\n");
    root_write("proc/self/mountinfo",
               "30 1 0:26 /docker/x /cg/memory rw - cgroup cgroup rw,memory\n"
               "31 1 0:27 /docker/x /cg/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
               "32 1 0:28 /docker/x /cg/pids rw - cgroup cgroup rw,pids\n"
               "33 1 0:29 /docker/x /cg/freezer rw - cgroup cgroup rw,freezer\n"
               "34 1 0:30 / /cg/unified rw - cgroup2 cgroup2 rw\n");
    root_write("cg/unified/docker/x/cgroup.events", "populated 1\nfrozen 0\n");
    root_write("cg/memory/memory.limit_in_bytes", "536870912\n");
    root_write("cg/memory/memory.usage_in_bytes", "4096\n");
    root_write("cg/memory/memory.stat", "total_inactive_file 0\n");
    root_write("cg/memory/job/memory.limit_in_bytes", NONE_V1);
    root_write("cg/memory/job/memory.usage_in_bytes", "4096\n");
    root_write("cg/memory/job/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
    root_write("cg/memory/job/memory.failcnt", "44\n");
    root_write("cg/cpu/cpu.cfs_quota_us", "25000\n");
    root_write("cg/cpu/cpu.cfs_period_us", "100000\n");
    root_write("cg/pids/pids.max", "64\n");
    root_write("cg/pids/pids.current", "3\n");
    root_write("cg/freezer/freezer.state", "FREEZING\n");
    REQUIRE(fake_open(&vagus__collector_cgroup, root_dir));
    sample(ALL_DUE);
    CHECK_PUT_NAMED("cgroup.version", 1);
    CHECK_PUT_NAMED("cgroup.unified", 1);
    CHECK_PUT_NAMED("cgroup.hidden", 1);
    CHECK_PUT_NAMED("cgroup.frozen", 1);
    CHECK_EQ(fake.instances, 2);
    CHECK_PUT_OF("cgroup.memory.limit", "/docker/x", 512 * MIB);
    CHECK_NOT("cgroup.memory.limit", "/docker/x/job");
    CHECK_NOT("cgroup.memory.high", "/docker/x");
    CHECK_PUT_OF("cgroup.memory.binds", "/docker/x", 1);
    CHECK_PUT_OF("cgroup.cpu.limit", "/docker/x", 0.25);
    CHECK_PUT_OF("cgroup.pids.limit", "/docker/x", 64);
    CHECK_PUT_NAMED("cgroup.memory.events.max", 44);
    CHECK_PUT_NAMED("cgroup.memory.events.oom_kill", 3);
    CHECK_NOT("cgroup.memory.events.low", NULL);
    CHECK_NOT("cgroup.memory.events.oom", NULL);
    fake_close();
    root_end();
}

/* Linux 3.10: v1, no pids controller, no count of kills. */
static void old_kernel(void)
{
    REQUIRE(root_begin());
    root_write("proc/self/cgroup", "4:memory:/\n3:freezer:/a\n");
    root_write("proc/self/mountinfo", "30 1 0:26 / /cg/memory rw - cgroup cgroup rw,memory\n"
                                      "33 1 0:29 / /cg/freezer rw - cgroup cgroup rw,freezer\n");
    root_write("cg/memory/release_agent", "\n");
    root_write("cg/memory/memory.limit_in_bytes", NONE_V1);
    root_write("cg/memory/memory.usage_in_bytes", "4096\n");
    root_write("cg/memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\n");
    root_write("cg/memory/memory.failcnt", "0\n");
    root_write("cg/freezer/a/freezer.state", "THAWED\n");
    REQUIRE(fake_open(&vagus__collector_cgroup, root_dir));
    sample(ALL_DUE);
    CHECK_PUT_NAMED("cgroup.version", 1);
    CHECK_PUT_NAMED("cgroup.unified", 0);
    CHECK_PUT_NAMED("cgroup.hidden", 0);
    CHECK_PUT_NAMED("cgroup.frozen", 0);
    CHECK_PUT_NAMED("cgroup.memory.events.max", 0);
    CHECK_NOT("cgroup.memory.events.oom_kill", NULL);
    CHECK_NOT("cgroup.memory.limit", "/");
    CHECK_PUT_OF("cgroup.memory.binds", "/", 0);
    CHECK_EQ(fake.put[metric_named("cgroup.cpu.limit")][0].puts, 0);
    fake_close();
    root_end();
}

static void nothing_at_all(void)
{
    REQUIRE(root_begin());
    REQUIRE(fake_open(&vagus__collector_cgroup, root_dir));
    sample(ALL_DUE);
    CHECK_NOT("cgroup.version", NULL);
    CHECK_NOT("cgroup.frozen", NULL);
    CHECK_NOT("cgroup.memory.events.oom_kill", NULL);
    CHECK_EQ(fake.instances, 0);
    fake_close();
    root_end();
}

/* Kubernetes' paths are longer than an instance's name: depth and end tell levels apart. Who is
 * moved about more often than there are instances is told that levels go unshown. */
static void long_paths_and_many(void)
{
    char path[200], folder[256], text[256];
    REQUIRE(root_begin());
    root_write("proc/self/mountinfo", "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    memset(path, 'k', sizeof(path));
    path[0] = path[60] = path[120] = '/';
    path[190] = '\0';
    snprintf(text, sizeof(text), "0::%s\n", path);
    root_write("proc/self/cgroup", text);
    for (size_t cut = 190; cut > 0; cut -= cut > 120 ? 70 : 60) {
        snprintf(folder, sizeof(folder), "%.*s", (int)cut, path);
        write_v2_level(folder, "max\n", "max\n", "4096\n", "max 100000\n", "max\n");
    }
    REQUIRE(fake_open(&vagus__collector_cgroup, root_dir));
    sample(ALL_DUE);
    CHECK_EQ(fake.instances, 4);
    CHECK_EQ(strncmp(fake.names[0], "3:…kkkk", 8), 0);
    CHECK_EQ(strncmp(fake.names[1], "2:…kkkk", 8), 0);
    for (unsigned i = 0; i < 30; i++) {
        snprintf(text, sizeof(text), "0::/moved%u\n", i);
        snprintf(folder, sizeof(folder), "/moved%u", i);
        write_v2_level(folder, "max\n", "max\n", "4096\n", "max 100000\n", "max\n");
        root_write("proc/self/cgroup", text);
        sample(ALL_DUE);
    }
    CHECK_EQ(fake.instances, fake.desc->instances_max);
    CHECK_PUT_NAMED("cgroup.levels.unshown", 3); /* one level of each controller */
    fake_close();
    root_end();
}

static int parse_events(const char *text, size_t length)
{
    struct host_cgroup_memory_events events;
    return host_parse_memory_events(text, length, &events);
}

static int parse_oom_control(const char *text, size_t length)
{
    struct host_cgroup_memory_events events;
    return host_parse_oom_control(text, length, &events);
}

static int parse_frozen_v1(const char *text, size_t length)
{
    bool frozen;
    return host_parse_frozen(text, length, HOST_CGROUP_V1, &frozen);
}

static int parse_frozen_v2(const char *text, size_t length)
{
    bool frozen;
    return host_parse_frozen(text, length, HOST_CGROUP_V2, &frozen);
}

static void damaged_files(void)
{
    /* Each ends where an older kernel's text did. */
    check_damage("low 1\nhigh 2\nmax 3\noom 4\n", 0, parse_events);
    CHECK_REFUSED(parse_events, "low 1\nhigh 2\nmax 3\noom 4\noom_kill 5");
    CHECK_REFUSED(parse_events, "low 1\nhigh 2\nmax 3\noom 4\noom_kill -5\n");
    check_damage("under_oom 0\n", 0, parse_oom_control);
    CHECK_REFUSED(parse_oom_control, "under_oom 0\noom_kill x\n");
    CHECK_REFUSED(parse_oom_control, "under_oom 0\noom_ki");
    check_damage("FROZEN\n", 0, parse_frozen_v1);
    check_damage("frozen 1\n", 0, parse_frozen_v2);
    CHECK_REFUSED(parse_frozen_v2, "frozen 2\n");

    REQUIRE(root_begin());
    root_write("proc/self/cgroup", "0::/a\n");
    root_write("proc/self/mountinfo", "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    write_v2_level("/a", "12x\n", "-1\n", "\xff", "0 0\n", "");
    root_write("sys/fs/cgroup/a/memory.events", "\n");
    root_write("sys/fs/cgroup/a/cgroup.events", "frozen\n");
    REQUIRE(fake_open(&vagus__collector_cgroup, root_dir));
    sample(ALL_DUE);
    static const char *const metrics[] = {
        "cgroup.memory.limit", "cgroup.memory.high", "cgroup.memory.usage", "cgroup.memory.binds",
        "cgroup.cpu.limit",    "cgroup.cpu.binds",   "cgroup.pids.limit",   "cgroup.pids.binds"};
    for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++)
        CHECK_EQ(error_of(metrics[i], "/a"), VAGUS_EPARSE);
    CHECK_EQ(error_of("cgroup.memory.events.max", NULL), VAGUS_EPARSE);
    CHECK_EQ(error_of("cgroup.frozen", NULL), VAGUS_EPARSE);
    fake_close();
    root_end();
}

static void descriptor_is_well_formed(void)
{
    check_descriptor(&vagus__collector_cgroup);
}

int main(void)
{
    RUN(nested_v2);
    RUN(hidden_root);
    RUN(not_mounted);
    RUN(hybrid);
    RUN(old_kernel);
    RUN(nothing_at_all);
    RUN(long_paths_and_many);
    RUN(damaged_files);
    RUN(descriptor_is_well_formed);
    return check_result();
}
