/* SPDX-License-Identifier: Apache-2.0 */
/* gpu_nvidia over a driver library of the tests' own, on an injected clock. */
#include "check.h"
#include "gpu_fixture.h"

#include "host/host.h"
#include "host/nvml.h"
#include "host/nvml_library.h"

#define CHECK_READS(name, instance, wanted) CHECK_NEAR(gpu_value(m, name, instance), wanted, 1e-9)

static void a_machine_without_a_driver_costs_nothing_until_there_is_one(void)
{
    CHECK(root_begin());
    struct vagus_monitor *m = gpu_monitor(VAGUS_STEPPED);
    CHECK_READS("gpu.nvidia.count", NULL, UNSUPPORTED);
    CHECK_READS("hw.gpu.utilization", "0", ABSENT);
    struct nvml_fake *fake = gpu_driver("new", 1);
    organ_run(m, 59 * S);
    CHECK_EQ(fake->calls, 0);
    struct vagus_system_snapshot s;
    CHECK_EQ(vagus_snapshot_read(m, &s), 0);
    organ_run(m, 2 * S);
    CHECK_READS("gpu.nvidia.count", NULL, 1);
    CHECK_READS("hw.gpu.utilization", "0", 0.4);
    vagus_monitor_close(m);
    CHECK_EQ(fake->inits, 1);
    CHECK_EQ(fake->shutdowns, 1);
    root_end();
}

static void a_driver_without_a_library_that_can_be_used_is_none(void)
{
    CHECK(root_begin());
    gpu_file("dev/nvidiactl", "");
    gpu_file("usr/lib/libnvidia-ml.so.1", "no library");
    struct vagus_monitor *m = gpu_monitor(VAGUS_STEPPED);
    CHECK_READS("gpu.nvidia.count", NULL, UNSUPPORTED);
    vagus_monitor_close(m);
    struct nvml_fake *fake = gpu_driver("new", 1);
    atomic_store(&fake->init_result, NVML_DRIVER_NOT_LOADED);
    m = gpu_monitor(VAGUS_STEPPED);
    CHECK_READS("gpu.nvidia.count", NULL, UNSUPPORTED);
    organ_run(m, 59 * S);
    CHECK_EQ(fake->inits, 1);
    vagus_monitor_close(m);
    root_end();
}

static void fill_first(struct nvml_fake *fake)
{
    struct nvml_fake_device *device = &fake->devices[0];
    device->power_mw = 345600;
    device->power_limit_mw = 700000;
    device->temperature = 61;
    device->energy_mj = 12345678;
    device->reasons = 0x40 | 0x4;
    device->ecc[0] = 7;
    device->ecc[1] = 2;
    device->process_count = 3;
    device->process_pid = (unsigned)getpid();
    device->process_used = 123;
}

static void every_reading_arrives_in_its_unit(void)
{
    CHECK(root_begin());
    struct nvml_fake *fake = gpu_driver("new", 2);
    fill_first(fake);
    struct vagus_monitor *m = gpu_monitor(VAGUS_STEPPED);
    CHECK_READS("hw.gpu.memory.limit", "0", 1000);
    CHECK_READS("hw.gpu.memory.usage", "0", 600);
    CHECK_READS("hw.gpu.memory.free", "0", 300);
    CHECK_READS("hw.gpu.memory.utilization", "0", 0.7);
    CHECK_READS("hw.gpu.memory.free", "1", 1300);
    CHECK_READS("hw.gpu.utilization", "1", 0.41);
    CHECK_READS("hw.gpu.power", "0", 345.6);
    CHECK_READS("hw.gpu.power.limit", "0", 700);
    CHECK_READS("hw.gpu.energy", "0", 12345.678);
    CHECK_READS("hw.gpu.temperature", "0", 61);
    CHECK_READS("hw.gpu.throttle.reasons", "0", 0x44);
    CHECK_READS("hw.gpu.throttled", "0", 1);
    CHECK_READS("hw.gpu.throttled", "1", 0);
    CHECK_READS("hw.gpu.ecc.corrected", "0", 7);
    CHECK_READS("hw.gpu.ecc.uncorrected", "0", 2);
    CHECK_READS("process.gpu.memory.usage", "0", 123);
    CHECK_READS("process.gpu.memory.usage", "1", 0);
    CHECK_READS("hw.gpu.mig.mode", "0", 0);
    CHECK_READS("hw.gpu.xid.count", "0", 0);
    CHECK_READS("gpu.nvidia.count", NULL, 2);
    CHECK_READS("gpu.nvidia.uncounted", NULL, 0);
    CHECK(gpu_value(m, "vagus.gpu.call.duration", NULL) > 0);
    CHECK(gpu_value(m, "vagus.gpu.connect.duration", NULL) > 0);

    fake->devices[0].reasons = 0x1 | 0x4; /* idle, and a cap on power: no alarm */
    fake->devices[0].used = 700;
    fake->devices[0].free = 200;
    organ_run(m, 1 * S);
    CHECK_READS("hw.gpu.memory.free", "0", 200);
    CHECK_READS("hw.gpu.throttled", "0", 0);
    vagus_monitor_close(m);
    root_end();
}

static void the_snapshot_shows_each_of_them(void)
{
    CHECK(root_begin());
    struct nvml_fake *fake = gpu_driver("new", 2);
    fill_first(fake);
    struct vagus_monitor *m = gpu_monitor(VAGUS_STEPPED);
    struct vagus_system_snapshot s;
    CHECK_EQ(vagus_snapshot_read(m, &s), 0);
    CHECK_EQ(s.gpu_count, 2);
    CHECK_STR(s.gpus[0].device, "0");
    CHECK_STR(s.gpus[1].device, "1");
    CHECK_NEAR(s.gpus[0].utilization.value, 0.4, 1e-9);
    CHECK_NEAR(s.gpus[0].memory_free.value, 300, 0);
    CHECK_NEAR(s.gpus[0].power.value, 345.6, 1e-9);
    CHECK_NEAR(s.gpus[0].temperature.value, 61, 0);
    CHECK_NEAR(s.gpus[0].throttled.value, 1, 0);
    CHECK_NEAR(s.gpus[1].memory_limit.value, 2000, 0);
    CHECK_STR(vagus_source_name(s.gpus[1].power.source), "collector");
    fake->devices[1].utilization = 7;
    organ_run(m, S);
    CHECK_EQ(vagus_snapshot_read(m, &s), 0);
    CHECK_NEAR(s.gpus[1].utilization.value, 0.07, 1e-9);
    vagus_monitor_close(m);
    root_end();
}

static void an_old_library_tells_what_it_can(void)
{
    CHECK(root_begin());
    struct nvml_fake *fake = gpu_driver("old", 1);
    fill_first(fake);
    struct vagus_monitor *m = gpu_monitor(VAGUS_STEPPED);
    CHECK_READS("hw.gpu.memory.limit", "0", 1000);
    CHECK_READS("hw.gpu.memory.usage", "0", 700); /* the driver's own share cannot be told apart */
    CHECK_READS("hw.gpu.memory.free", "0", 300);
    CHECK_READS("hw.gpu.power", "0", 345.6);
    CHECK_READS("hw.gpu.throttled", "0", 1);
    CHECK_READS("process.gpu.memory.usage", "0", 123);
    CHECK_READS("hw.gpu.energy", "0", UNSUPPORTED);
    CHECK_READS("hw.gpu.mig.mode", "0", UNSUPPORTED);
    CHECK_READS("hw.gpu.xid.count", "0", UNSUPPORTED);
    vagus_monitor_close(m);
    root_end();
}

static void processes_of_others_are_never_ones_own(void)
{
    CHECK(root_begin());
    struct nvml_fake *fake = gpu_driver("new", 1);
    fill_first(fake);
    atomic_store(&fake->process_bytes, 32); /* as drivers 535.43 to 535.86 had it */
    struct vagus_monitor *m = gpu_monitor(VAGUS_STEPPED);
    CHECK_READS("process.gpu.memory.usage", "0", 123);
    fake->devices[0].process_used = NVML_NOT_AVAILABLE;
    organ_run(m, 11 * S);
    CHECK_READS("process.gpu.memory.usage", "0", UNSUPPORTED);
    fake->devices[0].process_used = 5;
    fake->devices[0].process_count = 257;
    organ_run(m, 11 * S);
    CHECK_READS("process.gpu.memory.usage", "0", FAILED);
    fake->devices[0].process_count = 256;
    organ_run(m, 11 * S);
    CHECK_READS("process.gpu.memory.usage", "0", 5);
    gpu_link("proc/self/ns/pid", "pid:[4026532000]"); /* PIDs of a namespace are other ones */
    organ_run(m, 11 * S);
    CHECK_READS("process.gpu.memory.usage", "0", UNSUPPORTED);
    CHECK_READS("hw.gpu.memory.free", "0", 300);
    vagus_monitor_close(m);
    root_end();
}

/* The only metric of these monitors that a rule judges. */
#define RULE(metric, thresholds)                                                                   \
    "rules:\n  - name: vram\n    metric: " metric "\n    min_hold: 0s\n" thresholds

static void memory_near_a_limit_is_read_alone_and_sooner(void)
{
    CHECK(root_begin());
    struct nvml_fake *fake = gpu_driver("new", 2);
    for (unsigned i = 0; i < 2; i++)
        fake->devices[i].total = 80000000000;
    fake->devices[0].free = 18000000000;
    fake->devices[1].free = 70000000000;
    struct vagus_monitor *m = gpu_monitor_of(
        RULE("hw.gpu.memory.free", "    throttle: { below: 10000000000B, clear: 12000000000B }\n"),
        VAGUS_STEPPED);
    organ_run(m, 0); /* at 16 GB/s, 8 GB are half a second */
    unsigned calls = fake->calls;
    for (int64_t left_ns = 100 * MS; left_ns > 0;)
        left_ns -= gpu_next(m);
    CHECK_EQ(fake->calls, calls);
    fake->devices[0].free = 10000001000;
    organ_run(m, 1 * S);
    calls = fake->calls;
    for (int i = 1; i <= 10; i++) {
        CHECK(gpu_next(m) <= 5 * MS);
        CHECK(fake->calls <= calls + (unsigned)i); /* nothing else, and not of the other GPU */
    }
    CHECK(fake->calls >= calls + 8);
    CHECK_EQ(vagus_signal_level(m, VAGUS_THROTTLE) > 0, 0);
    fake->devices[0].free = 9000000000;
    gpu_next(m);
    gpu_next(m);
    CHECK(vagus_signal_level(m, VAGUS_THROTTLE) > 0);
    calls = fake->calls; /* nothing lies ahead any more */
    for (int64_t left_ns = 300 * MS; left_ns > 0;)
        left_ns -= gpu_next(m);
    CHECK_EQ(fake->calls, calls);
    vagus_monitor_close(m);
    root_end();
}

static void a_share_of_memory_goes_by_its_whole(void)
{
    CHECK(root_begin());
    struct nvml_fake *fake = gpu_driver("new", 1);
    fake->devices[0].total = 80000000000;
    fake->devices[0].free = 11200000000;
    struct vagus_monitor *m = gpu_monitor_of(
        "limits: { max_rate: { vram: 3200000000B } }\n" RULE(
            "hw.gpu.memory.utilization", "    throttle: { above: 90%, clear: 80% }\n"),
        VAGUS_STEPPED);
    unsigned calls = fake->calls;
    organ_run(m, 499 * MS); /* 4 % of 80 GB are a second */
    CHECK_EQ(fake->calls, calls);
    organ_run(m, 2 * MS);
    CHECK_EQ(fake->calls, calls + 1);
    fake->driver_result = NVML_GPU_IS_LOST;
    organ_run(m, 490 * MS);
    CHECK_EQ(fake->calls, calls + 1);
    organ_run(m, 3 * S); /* reads that fail are the tier's to tell */
    CHECK_READS("hw.gpu.memory.free", "0", FAILED);
    vagus_monitor_close(m);
    root_end();
}

static void nonsense_is_no_reading(void)
{
    CHECK(root_begin());
    struct nvml_fake *fake = gpu_driver("new", 1);
    struct vagus_monitor *m = gpu_monitor(VAGUS_STEPPED);
    fake->devices[0].total = 0;
    fake->devices[0].utilization = 101;
    fake->devices[0].temperature = 4000000000u;
    organ_run(m, 11 * S);
    CHECK_READS("hw.gpu.memory.free", "0", FAILED);
    CHECK_READS("hw.gpu.memory.utilization", "0", FAILED);
    CHECK_READS("hw.gpu.utilization", "0", FAILED);
    CHECK_READS("hw.gpu.temperature", "0", FAILED);
    fake->devices[0].total = 1000;
    fake->devices[0].free = 1001;
    organ_run(m, 1 * S);
    CHECK_READS("hw.gpu.memory.free", "0", FAILED);
    atomic_store(&fake->gpus, 4000000000u);
    organ_run(m, 60 * S);
    CHECK_READS("gpu.nvidia.count", NULL, FAILED);
    vagus_monitor_close(m);
    root_end();
}

static void faults_are_counted(void)
{
    CHECK(root_begin());
    struct nvml_fake *fake = gpu_driver("new", 2);
    struct vagus_monitor *m = gpu_monitor(VAGUS_STEPPED);
    for (unsigned i = 0; i < 3; i++) {
        atomic_store(&fake->xid, 79 + i);
        atomic_store(&fake->xid_gpu, 1);
        organ_run(m, 1 * S);
    }
    CHECK_READS("hw.gpu.xid.count", "0", 0);
    CHECK_READS("hw.gpu.xid.count", "1", 3);
    CHECK_READS("hw.gpu.xid.last", "1", 81);
    vagus_monitor_close(m);
    root_end();
}

static void slices_come_and_go(void)
{
    CHECK(root_begin());
    struct nvml_fake *fake = gpu_driver("new", 1);
    atomic_store(&fake->mig, 1);
    fake->slices[0].present = fake->slices[2].present = 1;
    struct vagus_monitor *m = gpu_monitor(VAGUS_STEPPED);
    CHECK_READS("gpu.nvidia.count", NULL, 3);
    CHECK_READS("hw.gpu.mig.mode", "0", 1);
    CHECK_READS("hw.gpu.memory.limit", "0/0", 81000);
    CHECK_READS("hw.gpu.memory.limit", "0/2", 83000);
    CHECK_READS("hw.gpu.utilization", "0/2", UNSUPPORTED);
    CHECK_READS("hw.gpu.memory.limit", "0/1", ABSENT);

    fake->slices[2].present = 0; /* its handle is invalid from here on */
    fake->slices[1].present = 1;
    organ_run(m, 35 * S);
    CHECK_READS("gpu.nvidia.count", NULL, 3);
    CHECK_READS("hw.gpu.memory.limit", "0/1", 82000);
    CHECK_READS("hw.gpu.memory.free", "0/2", FAILED); /* what it said last: that slice is no more */
    CHECK_EQ(fake->inits, 1);
    vagus_monitor_close(m);
    root_end();
}

static void a_lost_gpu_is_missed_alone_and_comes_back(void)
{
    CHECK(root_begin());
    struct nvml_fake *fake = gpu_driver("new", 3);
    atomic_store(&fake->latches, 1);
    struct vagus_monitor *m = gpu_monitor(VAGUS_STEPPED);
    atomic_store(&fake->devices[1].result, NVML_GPU_IS_LOST);
    organ_run(m, 5 * S);
    CHECK_READS("hw.gpu.memory.free", "1", FAILED);
    CHECK_READS("hw.gpu.memory.free", "2", 2300);
    CHECK_EQ(fake->inits, 1);
    organ_run(m, 25 * S);
    CHECK(fake->inits >= 2 && fake->inits <= 3);
    CHECK_READS("hw.gpu.memory.free", "1", FAILED);
    CHECK_READS("hw.gpu.memory.free", "2", 2300);

    /* The driver forgets it: the third is now number 1 there, and keeps its name here. */
    atomic_store(&fake->gpus, 2);
    fake->order[1] = 2;
    organ_run(m, 120 * S);
    CHECK_READS("hw.gpu.memory.free", "0", 300);
    CHECK_READS("hw.gpu.memory.free", "2", 2300);
    CHECK(gpu_value(m, "hw.gpu.memory.free", "1") < 0);

    fake->order[1] = 1;
    fake->order[2] = 2;
    atomic_store(&fake->gpus, 3);
    atomic_store(&fake->devices[1].result, 0);
    organ_run(m, 600 * S);
    CHECK_READS("hw.gpu.memory.free", "1", 1300);
    CHECK_READS("hw.gpu.memory.free", "2", 2300);
    CHECK_READS("gpu.nvidia.count", NULL, 3);
    unsigned inits = fake->inits;
    organ_run(m, 120 * S);
    CHECK_EQ(fake->inits, inits);
    vagus_monitor_close(m);
    CHECK_EQ(fake->inits, fake->shutdowns);
    root_end();
}

static void a_driver_that_goes_is_waited_for(void)
{
    CHECK(root_begin());
    struct nvml_fake *fake = gpu_driver("new", 1);
    struct vagus_monitor *m = gpu_monitor(VAGUS_STEPPED);
    atomic_store(&fake->driver_result, NVML_UNINITIALIZED);
    atomic_store(&fake->init_result, NVML_DRIVER_NOT_LOADED);
    organ_run(m, 5 * S);
    CHECK_READS("hw.gpu.memory.free", "0", FAILED);
    organ_run(m, 100 * S);
    unsigned tries = fake->inits;
    CHECK(tries >= 3 && tries <= 6); /* after 10, 20, 40, 60 s */
    CHECK_READS("gpu.nvidia.count", NULL, FAILED);
    atomic_store(&fake->driver_result, 0);
    atomic_store(&fake->init_result, 0);
    organ_run(m, 61 * S);
    CHECK_READS("hw.gpu.memory.free", "0", 300);
    CHECK_READS("gpu.nvidia.count", NULL, 1);
    vagus_monitor_close(m);
    root_end();
}

static void a_driver_that_refuses_at_first_is_no_absence(void)
{
    CHECK(root_begin());
    struct nvml_fake *fake = gpu_driver("new", 1);
    atomic_store(&fake->init_result, NVML_NO_PERMISSION);
    struct vagus_monitor *m = gpu_monitor(VAGUS_STEPPED);
    struct vagus_reading reading = {0};
    organ_run(m, 5 * S);
    CHECK_EQ(vagus_reading_get(m, "gpu.nvidia.count", NULL, &reading), 0);
    CHECK_EQ(reading.error, VAGUS_EPERM);
    CHECK_EQ(fake->inits, 1);
    vagus_monitor_close(m);
    root_end();
}

static void more_gpus_than_there_is_room_for_are_counted(void)
{
    CHECK(root_begin());
    gpu_driver("new", NVML_DEVICES_MAX + 6);
    struct vagus_monitor *m = gpu_monitor(VAGUS_STEPPED);
    CHECK_READS("gpu.nvidia.count", NULL, NVML_DEVICES_MAX);
    CHECK_READS("gpu.nvidia.uncounted", NULL, 6);
    CHECK_READS("hw.gpu.memory.free", "63", 63300);
    vagus_monitor_close(m);
    root_end();
}

static void processes_are_listed_no_more_often_than_each_ten_seconds(void)
{
    CHECK(root_begin());
    struct nvml_fake *fake = gpu_driver("new", 1);
    struct vagus_monitor *m = gpu_monitor(VAGUS_STEPPED);
    organ_run(m, 35 * S);
    CHECK_EQ(fake->process_lists, 4);
    vagus_monitor_close(m);
    root_end();
}

static void a_rule_watches_the_memory_of_every_gpu(void)
{
    CHECK(root_begin());
    struct nvml_fake *fake = gpu_driver("new", 2);
    struct vagus_monitor *m = gpu_monitor_of("agent: test\n"
                                             "rules:\n"
                                             "  - name: vram\n"
                                             "    metric: hw.gpu.memory.utilization\n"
                                             "    throttle: { above: 90%, clear: 80% }\n"
                                             "    min_hold: 0s\n",
                                             VAGUS_STEPPED);
    struct vagus_system_snapshot s;
    organ_run(m, 3 * S);
    CHECK_EQ(vagus_snapshot_read(m, &s), 0);
    CHECK_EQ(s.signal_count, 0);
    fake->devices[1].free = 20; /* of 2000 */
    organ_run(m, 3 * S);
    CHECK_EQ(vagus_snapshot_read(m, &s), 0);
    REQUIRE(s.signal_count == 1);
    CHECK_STR(s.signals[0].resource, "vram");
    CHECK_STR(s.signals[0].rule, "vram");
    fake->devices[1].free = 1300;
    organ_run(m, 3 * S);
    CHECK_EQ(vagus_snapshot_read(m, &s), 0);
    CHECK_EQ(s.signal_count, 0);
    vagus_monitor_close(m);
    root_end();
}

static void memory_alone_is_one_call_and_its_cost_is_booked(void)
{
    CHECK(root_begin());
    struct nvml_fake *fake = gpu_driver("new", 1);
    struct host *host = NULL;
    struct nvml *nvml = NULL;
    struct nvml_memory memory;
    REQUIRE(host_open(&(struct host_options){.root = root_dir}, &host) == 0);
    REQUIRE(nvml_create(host, &nvml) == 0);
    REQUIRE(nvml_connect(nvml) == 0);
    unsigned calls = fake->calls;
    CHECK_EQ(nvml_memory(nvml, 0, &memory), 0);
    CHECK_EQ(memory.used_bytes, 600);
    CHECK_EQ(fake->calls, calls + 1);
    CHECK_EQ(nvml_memory(nvml, 1, &memory), VAGUS_EINVAL);
    struct nvml_cost cost, of_memory = {0};
    uint64_t sum = 0;
    for (uint32_t i = 0; nvml_cost(nvml, i, &cost); i++) {
        sum += cost.calls;
        if (strcmp(cost.call, "nvmlDeviceGetMemoryInfo_v2") == 0)
            of_memory = cost;
    }
    CHECK_EQ(sum, fake->calls);
    CHECK_EQ(of_memory.calls, 1);
    CHECK(of_memory.max_ns > 0);
    CHECK(nvml_longest_ns(nvml) >= of_memory.max_ns);
    CHECK_EQ(nvml_longest_ns(nvml), 0);
    nvml_destroy(nvml);
    host_unref(host);
    root_end();
}

int main(void)
{
    RUN(a_machine_without_a_driver_costs_nothing_until_there_is_one);
    RUN(a_driver_without_a_library_that_can_be_used_is_none);
    RUN(every_reading_arrives_in_its_unit);
    RUN(the_snapshot_shows_each_of_them);
    RUN(an_old_library_tells_what_it_can);
    RUN(processes_of_others_are_never_ones_own);
    RUN(memory_near_a_limit_is_read_alone_and_sooner);
    RUN(a_share_of_memory_goes_by_its_whole);
    RUN(nonsense_is_no_reading);
    RUN(faults_are_counted);
    RUN(slices_come_and_go);
    RUN(a_lost_gpu_is_missed_alone_and_comes_back);
    RUN(a_driver_that_goes_is_waited_for);
    RUN(a_driver_that_refuses_at_first_is_no_absence);
    RUN(more_gpus_than_there_is_room_for_are_counted);
    RUN(processes_are_listed_no_more_often_than_each_ten_seconds);
    RUN(a_rule_watches_the_memory_of_every_gpu);
    RUN(memory_alone_is_one_call_and_its_cost_is_booked);
    return check_result();
}
