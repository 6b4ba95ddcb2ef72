/* SPDX-License-Identifier: Apache-2.0 */
/* pressure over fixture machines: kernels that tell all, some and nothing, and damaged files. */
#include "check.h"

#include "host/cgroup.h"
#include "host/pressure.h"

#include "collector_fixture.h"
#include "root_fixture.h"

extern const struct vagus_collector_desc vagus__collector_pressure;

static void sample_after(int64_t ns)
{
    fake.now_ns += ns;
    CHECK_EQ(fake.desc->sample(&fake, ALL_DUE), 0);
}

static void write_pressure(const char *name, unsigned some_us, unsigned full_us)
{
    char text[256];
    snprintf(text, sizeof(text),
             "some avg10=1.50 avg60=0.10 avg300=0.02 total=%u\n"
             "full avg10=0.25 avg60=0.00 avg300=0.00 total=%u\n",
             some_us, full_us);
    root_write(name, text);
}

static void write_v2(const char *path)
{
    char text[128];
    snprintf(text, sizeof(text), "0::%s\n", path);
    root_write("proc/self/cgroup", text);
    root_write("proc/self/mountinfo", "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
}

static void of_host_and_cgroup(void)
{
    REQUIRE(root_begin());
    write_v2("/a");
    write_pressure("proc/pressure/cpu", 1000, 0);
    write_pressure("proc/pressure/memory", 5000, 2000);
    write_pressure("proc/pressure/io", 0, 0);
    root_write("proc/pressure/irq", "full avg10=3.00 avg60=0.00 avg300=0.00 total=70\n");
    write_pressure("sys/fs/cgroup/a/cpu.pressure", 100, 50);
    write_pressure("sys/fs/cgroup/a/memory.pressure", 900000, 900000);
    write_pressure("sys/fs/cgroup/b/memory.pressure", 2000000, 1900000);
    REQUIRE(fake_open(&vagus__collector_pressure, root_dir));
    sample_after(0);
    CHECK_EQ(PUTS_OF("system.pressure.memory.some"), 0);
    CHECK_PUT_NAMED("system.pressure.memory.some.avg10", 0.015);
    CHECK_PUT_NAMED("system.pressure.memory.full.avg10", 0.0025);
    CHECK_PUT_NAMED("system.pressure.irq.full.avg10", 0.03);
    CHECK_MISSING_NAMED("cgroup.pressure.io.some", VAGUS_EUNSUPPORTED);

    write_pressure("proc/pressure/memory", 505000, 202000);
    write_pressure("sys/fs/cgroup/a/cpu.pressure", 2000101, 250050);
    sample_after(2 * VAGUS_SECOND_NS);
    CHECK_PUT_NAMED("system.pressure.memory.some", 0.25);
    CHECK_PUT_NAMED("system.pressure.memory.full", 0.1);
    CHECK_PUT_NAMED("system.pressure.cpu.some", 0);
    CHECK_PUT_NAMED("cgroup.pressure.cpu.some", 1); /* a little more than all, read a little late */
    CHECK_PUT_NAMED("cgroup.pressure.cpu.full", 0.125);
    CHECK_PUT_NAMED("cgroup.pressure.memory.full", 0);

    /* In another cgroup another total counts: the two are not compared. */
    write_v2("/b");
    CHECK_EQ(host_cgroup_resolve(fake.host), 0);
    sample_after(VAGUS_SECOND_NS);
    CHECK_EQ(PUTS_OF("cgroup.pressure.memory.full"), 1);
    CHECK_MISSING_NAMED("cgroup.pressure.cpu.some", VAGUS_EUNSUPPORTED);
    write_pressure("sys/fs/cgroup/b/memory.pressure", 2500000, 1900000);
    sample_after(VAGUS_SECOND_NS);
    CHECK_PUT_NAMED("cgroup.pressure.memory.some", 0.5);
    CHECK_PUT_NAMED("cgroup.pressure.memory.full", 0);

    /* A total that runs backwards, and a clock that stands: no value. */
    unsigned puts = PUTS_OF("cgroup.pressure.memory.some");
    write_pressure("sys/fs/cgroup/b/memory.pressure", 7, 7);
    sample_after(VAGUS_SECOND_NS);
    sample_after(0);
    CHECK_EQ(PUTS_OF("cgroup.pressure.memory.some"), puts);
    fake_close();
    root_end();
}

/* Linux 4.20 has no full of CPU and nothing of interrupts; 3.10 has nothing at all. */
static void of_old_kernels(void)
{
    REQUIRE(root_begin());
    root_write("proc/pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=5\n");
    REQUIRE(fake_open(&vagus__collector_pressure, root_dir));
    sample_after(0);
    sample_after(VAGUS_SECOND_NS);
    CHECK_PUT_NAMED("system.pressure.cpu.some", 0);
    CHECK_MISSING_NAMED("system.pressure.irq.full", VAGUS_EUNSUPPORTED);
    fake_close();
    root_end();
    REQUIRE(fake_open(&vagus__collector_pressure, FIXTURES "/old-kernel"));
    sample_after(0);
    for (size_t i = 0; i < fake.desc->metric_count; i++)
        CHECK_MISSING(i, VAGUS_EUNSUPPORTED);
    fake_close();
}

static void full_of_cpu_is_unknown_where_it_is_not_told(void)
{
    REQUIRE(root_begin());
    write_v2("/a");
    root_write("sys/fs/cgroup/a/cpu.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=5\n");
    REQUIRE(fake_open(&vagus__collector_pressure, root_dir));
    sample_after(0);
    CHECK_PUT_NAMED("cgroup.pressure.cpu.some.avg10", 0);
    CHECK_MISSING_NAMED("cgroup.pressure.cpu.full", VAGUS_EUNSUPPORTED);
    CHECK_MISSING_NAMED("cgroup.pressure.cpu.full.avg10", VAGUS_EUNSUPPORTED);
    fake_close();
    root_end();
}

/* After a gap the share spans what passed since, or nothing. */
static void a_gap(void)
{
    REQUIRE(root_begin());
    write_pressure("proc/pressure/io", 0, 0);
    REQUIRE(fake_open(&vagus__collector_pressure, root_dir));
    sample_after(0);
    root_write("proc/pressure/io", "some avg10=");
    sample_after(VAGUS_SECOND_NS);
    CHECK_MISSING_NAMED("system.pressure.io.some", VAGUS_EPARSE);
    write_pressure("proc/pressure/io", 900000, 0);
    sample_after(VAGUS_SECOND_NS);
    CHECK_EQ(PUTS_OF("system.pressure.io.some"), 1); /* the one that said that it was missing */
    write_pressure("proc/pressure/io", 1000000, 0);
    sample_after(VAGUS_SECOND_NS);
    CHECK_PUT_NAMED("system.pressure.io.some", 0.1);
    fake_close();
    root_end();
}

static void paths_for_triggers(void)
{
    struct host *host;
    char path[256];
    REQUIRE(root_begin());
    write_v2("/a");
    write_pressure("proc/pressure/memory", 1, 1);
    write_pressure("sys/fs/cgroup/a/memory.pressure", 1, 1);
    REQUIRE(host_open(&(struct host_options){.root = root_dir}, &host) == 0);
    CHECK_EQ(host_pressure_path(host, HOST_PRESSURE_SYSTEM, HOST_PRESSURE_MEMORY, path, 256), 0);
    CHECK_STR(path, "/proc/pressure/memory");
    CHECK_EQ(host_pressure_path(host, HOST_PRESSURE_CGROUP, HOST_PRESSURE_MEMORY, path, 256), 0);
    CHECK_STR(path, "/sys/fs/cgroup/a/memory.pressure");
    CHECK_EQ(host_pressure_path(host, HOST_PRESSURE_CGROUP, HOST_PRESSURE_MEMORY, path, 32),
             VAGUS_EFULL);
    CHECK_EQ(host_pressure_path(host, HOST_PRESSURE_CGROUP, HOST_PRESSURE_IO, path, 256),
             VAGUS_EUNSUPPORTED);
    host_unref(host);
    root_end();
}

static int parse(const char *text, size_t length)
{
    struct host_pressure pressure;
    return host_parse_pressure(text, length, &pressure);
}

static void damaged_files(void)
{
    static const char both[] = "some avg10=1.50 avg60=0.10 avg300=0.02 total=12\n"
                               "full avg10=0.25 avg60=0.00 avg300=0.00 total=34\n";
    /* Cut after its first line it is what older kernels write of CPU. */
    check_damage("some avg10=1.50 avg60=0.10 avg300=0.02 total=12\n", 0, parse);
    for (size_t cut = 1; cut < sizeof(both) - 1; cut++)
        CHECK((parse(both, cut) == 0) == (both[cut - 1] == '\n'));
    CHECK_REFUSED(parse, "some avg10=100.01 avg60=0.10 avg300=0.02 total=12\n");
    CHECK_REFUSED(parse, "some avg10=-1.00 avg60=0.10 avg300=0.02 total=12\n");
    char *huge = malloc(1 << 20);
    memset(huge, 's', 1 << 20);
    CHECK(parse(huge, 1 << 20) < 0);
    free(huge);
}

static void the_real_machine(void)
{
    REQUIRE(fake_open(&vagus__collector_pressure, NULL));
    sample_after(0);
    sample_after(VAGUS_SECOND_NS);
    size_t some = metric_named("system.pressure.cpu.some");
    if (fake.put[some][0].error == VAGUS_EUNSUPPORTED) {
        fake_close();
        SKIP_TEST("this kernel tells no pressure");
    }
    CHECK_EQ(fake.put[some][0].error, 0);
    CHECK(fake.put[some][0].value >= 0 && fake.put[some][0].value <= 1);
    fake_close();
}

static void descriptor_is_well_formed(void)
{
    check_descriptor(&vagus__collector_pressure);
}

int main(void)
{
    RUN(of_host_and_cgroup);
    RUN(of_old_kernels);
    RUN(full_of_cpu_is_unknown_where_it_is_not_told);
    RUN(a_gap);
    RUN(paths_for_triggers);
    RUN(damaged_files);
    RUN(the_real_machine);
    RUN(descriptor_is_well_formed);
    return check_result();
}
