/* SPDX-License-Identifier: Apache-2.0 */
/* gpu_amd over machines in a temporary folder. */
#include "check.h"
#include "gpu_fixture.h"

#define CHECK_READS(name, instance, wanted) CHECK_NEAR(gpu_value(m, name, instance), wanted, 1e-9)
#define DEVICE "sys/devices/pci0000:00/0000:03:00.0/"

/* card1 beside another maker's card0, as the kernel has it: a link to the device. */
static void make_card(void)
{
    gpu_file("sys/class/drm/card0/device/vendor", "0x8086\n");
    gpu_link("sys/class/drm/card1/device", "../../../devices/pci0000:00/0000:03:00.0");
    gpu_file(DEVICE "vendor", "0x1002\n");
    gpu_file(DEVICE "power/runtime_status", "active\n");
    gpu_file(DEVICE "mem_info_vram_total", "17163091968\n");
    gpu_file(DEVICE "mem_info_vram_used", "4290772992\n");
    gpu_file(DEVICE "gpu_busy_percent", "37\n");
    gpu_file(DEVICE "hwmon/hwmon5/power1_average", "123000000\n");
    gpu_file(DEVICE "hwmon/hwmon5/power1_cap", "300000000\n");
    gpu_file(DEVICE "hwmon/hwmon5/temp1_input", "61500\n");
    gpu_file("sys/bus/pci/devices/0000:03:00.0/numa_node", "1\n");
}

static void every_reading_arrives_in_its_unit(void)
{
    CHECK(root_begin());
    make_card();
    struct vagus_monitor *m = gpu_monitor(VAGUS_STEPPED);
    CHECK_READS("hw.gpu.memory.limit", "card1", 17163091968.0);
    CHECK_READS("hw.gpu.memory.usage", "card1", 4290772992.0);
    CHECK_READS("hw.gpu.memory.free", "card1", 12872318976.0);
    CHECK_READS("hw.gpu.memory.utilization", "card1", 0.25);
    CHECK_READS("hw.gpu.utilization", "card1", 0.37);
    CHECK_READS("hw.gpu.power", "card1", 123);
    CHECK_READS("hw.gpu.power.limit", "card1", 300);
    CHECK_READS("hw.gpu.temperature", "card1", 61.5);
    CHECK_READS("hw.gpu.numa_node", "card1", 1);
    CHECK_READS("hw.gpu.package", "card1", UNSUPPORTED);
    CHECK_READS("hw.gpu.memory.free", "card0", ABSENT);
    vagus_monitor_close(m);
    root_end();
}

/* The same file, which the monitor holds open. */
static void rewrite(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", root_dir, name);
    FILE *file = fopen(path, "r+");
    REQUIRE(file != NULL);
    fputs(text, file);
    fclose(file);
}

static void memory_near_a_limit_is_read_sooner(void)
{
    CHECK(root_begin());
    make_card();
    struct vagus_monitor *m =
        gpu_monitor_of("rules:\n  - name: vram\n    metric: hw.gpu.memory.usage\n"
                       "    throttle: { above: 4300000000B, clear: 4200000000B }\n",
                       VAGUS_STEPPED);
    CHECK_EQ(gpu_next(m), 5 * MS); /* 10 MB at 16 GB/s are less */
    rewrite(DEVICE "mem_info_vram_used", "4300000001\n");
    rewrite(DEVICE "gpu_busy_percent", "99\n");
    gpu_next(m);
    CHECK_READS("hw.gpu.memory.usage", "card1", 4300000001.0);
    CHECK_READS("hw.gpu.utilization", "card1", 0.37);
    CHECK(vagus_signal_level(m, VAGUS_THROTTLE) > 0);
    vagus_monitor_close(m);
    root_end();
}

/* A card that the policy leaves out shifts no other one's readings. */
static void a_card_that_is_left_out(void)
{
#define SECOND "sys/devices/pci0000:00/0000:04:00.0/"
    CHECK(root_begin());
    make_card();
    gpu_link("sys/class/drm/card2/device", "../../../devices/pci0000:00/0000:04:00.0");
    gpu_file(SECOND "vendor", "0x1002\n");
    gpu_file(SECOND "power/runtime_status", "active\n");
    gpu_file(SECOND "mem_info_vram_total", "17163091968\n");
    gpu_file(SECOND "mem_info_vram_used", "4290772993\n");
    struct vagus_monitor *m =
        gpu_monitor_of("filters: { without_metrics: [\"*{gpu=card1}\"] }\n"
                       "rules:\n  - name: vram\n    metric: hw.gpu.memory.usage\n"
                       "    throttle: { above: 4300000000B, clear: 4200000000B }\n",
                       VAGUS_STEPPED);
    CHECK_READS("hw.gpu.memory.usage", "card1", ABSENT);
    CHECK_READS("hw.gpu.memory.usage", "card2", 4290772993.0);
    CHECK_EQ(gpu_next(m), 5 * MS);
    rewrite(SECOND "mem_info_vram_used", "4300000002\n");
    gpu_next(m);
    CHECK_READS("hw.gpu.memory.usage", "card2", 4300000002.0);
    vagus_monitor_close(m);
    root_end();
}

static void a_card_that_sleeps_is_not_woken(void)
{
    CHECK(root_begin());
    make_card();
    gpu_file(DEVICE "power/runtime_status", "suspended\n");
    struct vagus_monitor *m = gpu_monitor(VAGUS_STEPPED);
    struct vagus_reading reading = {0};
    CHECK_READS("hw.gpu.memory.usage", "card1", 4290772992.0);
    CHECK_EQ(vagus_reading_get(m, "hw.gpu.temperature", "card1", &reading), 0);
    CHECK_EQ(reading.error, VAGUS_EAGAIN);
    CHECK_READS("hw.gpu.utilization", "card1", FAILED);
    vagus_monitor_close(m);
    root_end();
}

static void a_newer_kernel_has_other_names(void)
{
    CHECK(root_begin());
    make_card();
    gpu_file(DEVICE "hwmon/hwmon5/power1_average", NULL);
    gpu_file(DEVICE "hwmon/hwmon5/power1_input", "55000000\n");
    gpu_file(DEVICE "gpu_busy_percent", NULL);
    struct vagus_monitor *m = gpu_monitor(VAGUS_STEPPED);
    CHECK_READS("hw.gpu.power", "card1", 55);
    CHECK_READS("hw.gpu.utilization", "card1", UNSUPPORTED);
    vagus_monitor_close(m);
    root_end();
}

static void damaged_files_are_no_readings(void)
{
    static const char *const damaged[] = {"",      "12",   "-1\n", "x\n", "18446744073709551616\n",
                                          "max\n", "1 2\n"};
    for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
        CHECK(root_begin());
        make_card();
        gpu_file(DEVICE "mem_info_vram_used", damaged[i]);
        gpu_file(DEVICE "gpu_busy_percent", damaged[i]);
        gpu_file(DEVICE "hwmon/hwmon5/temp1_input", damaged[i]);
        struct vagus_monitor *m = gpu_monitor(VAGUS_STEPPED);
        CHECK_READS("hw.gpu.memory.free", "card1", FAILED);
        CHECK_READS("hw.gpu.utilization", "card1", FAILED);
        CHECK_READS("hw.gpu.temperature", "card1", FAILED);
        CHECK_READS("hw.gpu.memory.limit", "card1", 17163091968.0);
        vagus_monitor_close(m);
        root_end();
    }
}

static void impossible_numbers_are_no_readings(void)
{
    CHECK(root_begin());
    make_card();
    gpu_file(DEVICE "mem_info_vram_used", "17163091969\n");
    gpu_file(DEVICE "gpu_busy_percent", "101\n");
    struct vagus_monitor *m = gpu_monitor(VAGUS_STEPPED);
    CHECK_READS("hw.gpu.memory.free", "card1", FAILED);
    CHECK_READS("hw.gpu.utilization", "card1", FAILED);
    vagus_monitor_close(m);
    root_end();
}

static void a_card_that_comes_later_is_found(void)
{
    CHECK(root_begin());
    make_card();
    struct vagus_monitor *m = gpu_monitor(VAGUS_STEPPED);
    gpu_file("sys/class/drm/card2/device/vendor", "0x1002\n");
    gpu_file("sys/class/drm/card2/device/mem_info_vram_total", "1000\n");
    gpu_file("sys/class/drm/card2/device/mem_info_vram_used", "400\n");
    CHECK_READS("hw.gpu.memory.free", "card2", ABSENT);
    organ_run(m, 61 * S);
    CHECK_READS("hw.gpu.memory.free", "card2", 600);
    CHECK_READS("hw.gpu.temperature", "card2", UNSUPPORTED);
    CHECK_READS("hw.gpu.memory.usage", "card1", 4290772992.0);
    vagus_monitor_close(m);
    root_end();
}

static void a_machine_without_one_has_no_such_sense(void)
{
    CHECK(root_begin());
    gpu_file("sys/class/drm/card0/device/vendor", "0x10de\n");
    struct vagus_monitor *m = gpu_monitor(VAGUS_STEPPED);
    static char text[65536];
    CHECK_READS("hw.gpu.memory.free", "card0", ABSENT);
    CHECK_EQ(vagus_health_format(m, 0, text, sizeof(text), NULL), 0);
    CHECK(strstr(text, "sense gpu_amd") == NULL);
    vagus_monitor_close(m);
    root_end();
}

int main(void)
{
    RUN(every_reading_arrives_in_its_unit);
    RUN(memory_near_a_limit_is_read_sooner);
    RUN(a_card_that_is_left_out);
    RUN(a_card_that_sleeps_is_not_woken);
    RUN(a_newer_kernel_has_other_names);
    RUN(damaged_files_are_no_readings);
    RUN(impossible_numbers_are_no_readings);
    RUN(a_card_that_comes_later_is_found);
    RUN(a_machine_without_one_has_no_such_sense);
    return check_result();
}
