/* SPDX-License-Identifier: Apache-2.0 */
/* A GPU driver that does not come back, in real time: its readings alone grow stale, the other
 * senses keep their cadence, and closing is bounded. One that comes back is felt again. */
#include "check.h"
#include "gpu_fixture.h"

static enum vagus_state state_of(struct vagus_monitor *m, const char *name, const char *instance,
                                 struct vagus_reading *reading)
{
    *reading = (struct vagus_reading){0};
    vagus_reading_get(m, name, instance, reading);
    return vagus_reading_state(reading, vagus_now_ns());
}

static bool eventually(struct vagus_monitor *m, const char *name, enum vagus_state wanted)
{
    struct vagus_reading reading;
    for (int i = 0; i < 2000; i++) {
        if (state_of(m, name, "0", &reading) == wanted)
            return true;
        usleep(5000);
    }
    CHECK_FAIL_("%s does not become %s", name, vagus_state_name(wanted));
    return false;
}

/* The organs that need no driver, on a machine of which only they are told. */
static void make_machine(void)
{
    CHECK(root_begin());
    gpu_file("proc/meminfo", "MemTotal: 1000 kB\nMemFree: 500 kB\nMemAvailable: 600 kB\n"
                             "Cached: 100 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n");
    gpu_file("proc/stat", "cpu 1 2 3 4 5 6 7 8 0 0\n");
    gpu_file("proc/self/stat", "1 (x) S 1 1 1 0 -1 0 0 0 0 0 1 1 0 0 20 0 1 0 5 4096 1 0 0\n");
}

static void a_hung_driver_makes_its_own_readings_stale_and_no_others(void)
{
    make_machine();
    struct nvml_fake *fake = gpu_driver("new", 1);
    struct vagus_monitor *m = gpu_monitor(0);
    struct vagus_reading reading;
    struct vagus_system_snapshot before, after;
    REQUIRE(eventually(m, "hw.gpu.memory.free", VAGUS_STATE_OK));
    atomic_store(&fake->hang, 1);
    CHECK_EQ(vagus_snapshot_read(m, &before), 0);
    REQUIRE(eventually(m, "hw.gpu.memory.free", VAGUS_STATE_STALE));
    CHECK_EQ(vagus_snapshot_read(m, &after), 0);

    /* Memory on 100 ms and CPU on 1 s were sampled at each of the ticks that passed. */
    CHECK_EQ(state_of(m, "memory.headroom", NULL, &reading), VAGUS_STATE_OK);
    CHECK(reading.taken_ns > before.published_ns + 2 * S);
    CHECK_EQ(state_of(m, "process.cpu.time", NULL, &reading), VAGUS_STATE_OK);
    CHECK(reading.taken_ns > before.published_ns + S);
    CHECK(after.monitor.ticks - before.monitor.ticks >= 20);
    CHECK_EQ(after.monitor.failed_collectors, before.monitor.failed_collectors + 1);

    atomic_store(&fake->hang, 0);
    CHECK(eventually(m, "hw.gpu.memory.free", VAGUS_STATE_OK));
    CHECK_EQ(vagus_monitor_close(m), 0);
    CHECK_EQ(fake->inits, fake->shutdowns);
    root_end();
}

static void closing_does_not_wait_for_it(void)
{
    make_machine();
    struct nvml_fake *fake = gpu_driver("new", 1);
    struct vagus_monitor *m = gpu_monitor(0);
    REQUIRE(eventually(m, "hw.gpu.memory.free", VAGUS_STATE_OK));
    atomic_store(&fake->hang, 1);
    while (atomic_load(&fake->waiting) == 0)
        usleep(1000);
    CHECK_EQ(vagus_monitor_close(m), VAGUS_EABANDONED); /* hangs, and the test too, if it waits */
    atomic_store(&fake->hang, 0);
    while (atomic_load(&fake->shutdowns) == 0) /* the lane cleans up behind itself */
        usleep(1000);
    root_end();
}

static void a_driver_that_hangs_as_it_is_let_go_holds_up_no_close(void)
{
    make_machine();
    struct nvml_fake *fake = gpu_driver("new", 1);
    struct vagus_monitor *m = gpu_monitor(0);
    REQUIRE(eventually(m, "hw.gpu.memory.free", VAGUS_STATE_OK));
    /* Between two samples: the first call that meets it is the shutdown, or a sample; both hang. */
    atomic_store(&fake->hang, 1);
    CHECK_EQ(vagus_monitor_close(m), VAGUS_EABANDONED);
    atomic_store(&fake->hang, 0);
    while (atomic_load(&fake->shutdowns) == 0)
        usleep(1000);
    root_end();
}

static void a_driver_that_hangs_at_once_does_not_hold_up_the_start(void)
{
    make_machine();
    struct nvml_fake *fake = gpu_driver("new", 1);
    struct vagus_reading reading;
    atomic_store(&fake->hang, 1);
    struct vagus_monitor *m = gpu_monitor(0); /* hangs, and the test with it, if it waits */
    CHECK_EQ(state_of(m, "gpu.nvidia.count", NULL, &reading), VAGUS_STATE_NEVER);
    CHECK_EQ(state_of(m, "memory.headroom", NULL, &reading), VAGUS_STATE_OK);
    atomic_store(&fake->hang, 0);
    CHECK(eventually(m, "hw.gpu.memory.free", VAGUS_STATE_OK));
    CHECK_EQ(vagus_monitor_close(m), 0);
    root_end();
}

int main(void)
{
    RUN(a_hung_driver_makes_its_own_readings_stale_and_no_others);
    RUN(closing_does_not_wait_for_it);
    RUN(a_driver_that_hangs_as_it_is_let_go_holds_up_no_close);
    RUN(a_driver_that_hangs_at_once_does_not_hold_up_the_start);
    return check_result();
}
