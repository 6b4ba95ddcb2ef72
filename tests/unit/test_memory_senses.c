/* SPDX-License-Identifier: Apache-2.0 */
/* The sense memory at work in a monitor, tier by tier, while the machine changes under it: a limit
 * that is lowered, a process that is moved. */
#include "check.h"

#include "monitor_fixture.h"
#include "root_fixture.h"

#define MIB 1048576.0

static struct vagus_monitor *monitor;

static void make_cgroup(const char *name, unsigned limit_mib, unsigned usage_mib)
{
    char path[64];
    snprintf(path, sizeof(path), "cg/%s/memory.max", name);
    root_print(path, "%u\n", limit_mib << 20);
    snprintf(path, sizeof(path), "cg/%s/memory.current", name);
    root_print(path, "%u\n", usage_mib << 20);
    snprintf(path, sizeof(path), "cg/%s/memory.stat", name);
    root_print(path, "inactive_file 0\n");
}

static void begin(void)
{
    CHECK(root_begin());
    root_print("proc/meminfo", "MemTotal: 8388608 kB\nMemFree: 8388608 kB\n"
                               "MemAvailable: 8388608 kB\n");
    root_print("proc/self/limits", "Max address space unlimited \nMax open files 100 100 files\n");
    root_print("proc/self/mountinfo", "1 2 0:3 / /cg rw - cgroup2 cgroup2 rw\n");
    root_print("proc/self/cgroup", "0::/wide\n");
    make_cgroup("wide", 1024, 24);
    make_cgroup("tight", 64, 24);
    atomic_store(&test_now_ns, 1000 * S);
    REQUIRE(vagus_monitor_open(
                &(struct vagus_monitor_options){.size = sizeof(struct vagus_monitor_options),
                                                .policy_text = "rules: []\n",
                                                .host_root = root_dir,
                                                .clock = &test_clock,
                                                .flags = VAGUS_STEPPED | VAGUS_ANONYMOUS_SEGMENT},
                &monitor) == 0);
    REQUIRE(vagus_monitor_start(monitor) == 0);
}

static void end(void)
{
    vagus_monitor_close(monitor);
    root_end();
}

/* A second, tick by tick: what is due together hides what is due apart. */
static void next_second(void)
{
    for (int tick = 0; tick < 10; tick++) {
        atomic_fetch_add(&test_now_ns, S / 10);
        CHECK_EQ(vagus_step(monitor, NULL), 0);
    }
}

static double value_of(const char *name)
{
    struct vagus_reading reading = {.error = 99};
    CHECK_EQ(vagus_reading_get(monitor, name, NULL, &reading), 0);
    CHECK_EQ(vagus_reading_state(&reading, atomic_load(&test_now_ns)), VAGUS_STATE_OK);
    return reading.value;
}

static void a_limit_that_is_lowered(void)
{
    begin();
    next_second();
    CHECK_NEAR(value_of("memory.headroom"), 1000 * MIB, 1);
    root_print("cg/wide/memory.max", "%u\n", 128u << 20);
    next_second();
    CHECK_NEAR(value_of("memory.limit"), 128 * MIB, 1);
    CHECK_NEAR(value_of("memory.headroom"), 104 * MIB, 1);
    end();
}

static void a_process_that_is_moved(void)
{
    begin();
    next_second();
    CHECK_NEAR(value_of("memory.limit"), 1024 * MIB, 1);
    root_print("proc/self/cgroup", "0::/tight\n");
    next_second();
    CHECK_NEAR(value_of("memory.limit"), 64 * MIB, 1);
    CHECK_NEAR(value_of("memory.headroom"), 40 * MIB, 1);
    end();
}

int main(void)
{
    RUN(a_limit_that_is_lowered);
    RUN(a_process_that_is_moved);
    return check_result();
}
