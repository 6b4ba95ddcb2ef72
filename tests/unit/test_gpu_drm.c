/* SPDX-License-Identifier: Apache-2.0 */
/* gpu_drm: the text that drivers write, and the sums over a process's descriptors. */
#include "check.h"
#include "gpu_fixture.h"

#include "host/drm.h"

#define CHECK_READS(name, instance, wanted) CHECK_NEAR(gpu_value(m, name, instance), wanted, 1e-9)
#define KIB 1024.0
#define MIB (1024.0 * KIB)

/* As the drivers of Linux 6.12 write it. */
static const char amdgpu[] = "pos:\t0\nflags:\t02100002\nmnt_id:\t26\nino:\t1053\n"
                             "drm-driver:\tamdgpu\ndrm-client-id:\t28\ndrm-pdev:\t0000:03:00.0\n"
                             "pasid:\t32770\n"
                             "drm-total-cpu:\t0\ndrm-shared-cpu:\t0\ndrm-resident-cpu:\t0\n"
                             "drm-total-gtt:\t2052 KiB\ndrm-resident-gtt:\t2052 KiB\n"
                             "drm-total-vram:\t24 MiB\ndrm-resident-vram:\t20 MiB\n"
                             "drm-memory-vram:\t20480 KiB\ndrm-memory-gtt: \t2052 KiB\n"
                             "amd-evicted-vram:\t0 KiB\namd-requested-vram:\t20480 KiB\n"
                             "drm-engine-gfx:\t7000000 ns\ndrm-engine-compute:\t500000 ns\n";
static const char amdgpu_old[] = "drm-driver:\tamdgpu\ndrm-pdev:\t0000:03:00.0\n"
                                 "drm-client-id:\t28\ndrm-memory-vram:\t128 KiB\n"
                                 "drm-memory-gtt: \t0 KiB\ndrm-memory-cpu: \t8 KiB\n";
static const char xe[] = "drm-driver:\txe\ndrm-client-id:\t5\ndrm-pdev:\t0000:04:00.0\n"
                         "drm-total-system:\t0\ndrm-resident-system:\t0\n"
                         "drm-total-gtt:\t192 KiB\ndrm-resident-gtt:\t64 KiB\n"
                         "drm-total-vram0:\t23992 KiB\ndrm-resident-vram0:\t16 MiB\n"
                         "drm-cycles-rcs:\t28257900\ndrm-total-cycles-rcs:\t7655183225\n"
                         "drm-engine-capacity-bcs:\t2\n";
static const char i915[] = "drm-driver:\ti915\ndrm-client-id:\t12\ndrm-pdev:\t0000:00:02.0\n"
                           "drm-total-system0:\t100 KiB\ndrm-total-local0:\t3 MiB\n"
                           "drm-engine-render:\t90 ns\ndrm-engine-capacity-video:\t2\n";
static const char panfrost[] =
    "drm-driver:\tpanfrost\ndrm-client-id:\t3\n"
    "drm-engine-fragment:\t1846584880 ns\ndrm-maxfreq-fragment:\t799 Hz\n"
    "drm-total-memory:\t290 MiB\ndrm-resident-memory:\t256 MiB\n";

static int parse(const char *text, struct drm_client *client)
{
    return host_parse_drm(text, strlen(text), client);
}

static void each_driver_is_understood(void)
{
    struct drm_client c;
    REQUIRE(parse(amdgpu, &c) == 0);
    CHECK_STR(c.device, "0000:03:00.0");
    CHECK_EQ(c.id, 28);
    CHECK_EQ(c.vram_bytes, 20 * MIB);
    CHECK_EQ(c.shared_bytes, 2052 * KIB);
    CHECK_EQ(c.engine_ns, 7500000);
    REQUIRE(parse(amdgpu_old, &c) == 0);
    CHECK_EQ(c.vram_bytes, 128 * KIB);
    CHECK_EQ(c.shared_bytes, 8 * KIB);
    CHECK(!c.has_engines);
    REQUIRE(parse(xe, &c) == 0);
    CHECK_EQ(c.vram_bytes, 16 * MIB);
    CHECK_EQ(c.shared_bytes, 64 * KIB);
    CHECK(!c.has_engines);
    REQUIRE(parse(i915, &c) == 0);
    CHECK_EQ(c.vram_bytes, 3 * MIB);
    CHECK_EQ(c.engine_ns, 90);
    REQUIRE(parse(panfrost, &c) == 0);
    CHECK_STR(c.device, "panfrost");
    CHECK(!c.has_vram);
    CHECK_EQ(c.shared_bytes, 256 * MIB);
}

static void damaged_text_is_refused(void)
{
    static const char *const refused[] = {
        "drm-driver:\txe\ndrm-client-id:\t5",
        "drm-driver:\txe\ndrm-client-id:\t5\ndrm-memory-vram:\t12",
        "drm-driver:\txe\ndrm-client-id:\tx\n",
        "drm-driver:\txe\ndrm-client-id:\t-1\n",
        "drm-driver:\txe\ndrm-client-id:\t\n",
        "drm-driver:\n",
        "drm-driver:\t0123456789012345678901234567890123456789\n",
        "drm-pdev: \n",
        "drm-memory-vram:\t18446744073709551616 KiB\n",
        "drm-memory-vram:\t18014398509481984 KiB\n",
        "drm-memory-vram:\t18446744073709551615\ndrm-memory-vram0:\t1\n",
        "drm-memory-vram:\t1 GiB\n",
        "drm-memory-vram:\t-1 KiB\n",
        "drm-memory-vram:\t\n",
        "drm-engine-gfx:\t1\n",
        "drm-engine-gfx:\t1 ms\n",
        "drm-engine-gfx:\t18446744073709551615 ns\ndrm-engine-dec:\t1 ns\n",
    };
    struct drm_client c;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (parse(refused[i], &c) != VAGUS_EPARSE)
            CHECK_FAIL_("accepted: %s", refused[i]);
    CHECK_EQ(parse("", &c), VAGUS_EUNSUPPORTED);
    CHECK_EQ(parse("pos:\t0\nflags:\t0100002\n", &c), VAGUS_EUNSUPPORTED);
    CHECK_EQ(parse("drm-driver:\tnouveau\n", &c), VAGUS_EUNSUPPORTED);
    for (size_t length = 0; length < sizeof(amdgpu) - 1; length++)
        if (amdgpu[length - (length > 0)] != '\n' && length > 0)
            CHECK_EQ(host_parse_drm(amdgpu, length, &c), VAGUS_EPARSE);
}

static void descriptor(unsigned number, const char *target, const char *text)
{
    char name[64];
    snprintf(name, sizeof(name), "proc/self/fd/%u", number);
    if (target != NULL)
        gpu_link(name, target);
    else
        gpu_file(name, NULL);
    snprintf(name, sizeof(name), "proc/self/fdinfo/%u", number);
    gpu_file(name, text);
}

static void a_client_is_counted_once(void)
{
    CHECK(root_begin());
    gpu_file("dev/dri/renderD128", "");
    descriptor(0, "/dev/null", amdgpu); /* no GPU, whatever it says */
    descriptor(3, "/dev/dri/renderD128", amdgpu);
    descriptor(4, "/dev/dri/renderD128", amdgpu); /* the same by dup() */
    descriptor(5, "/dev/dri/card1", xe);
    descriptor(6, "/dev/dri/card2", "drm-driver:\tnvidia-drm\n");
    struct vagus_monitor *m = gpu_monitor(VAGUS_STEPPED);
    CHECK_READS("gpu.drm.clients", NULL, 2);
    CHECK_READS("gpu.drm.uncounted", NULL, 0);
    CHECK_READS("process.gpu.memory.usage", "0000:03:00.0", 20 * MIB);
    CHECK_READS("process.gpu.memory.shared", "0000:03:00.0", 2052 * KIB);
    CHECK_READS("process.gpu.engine.time", "0000:03:00.0", 0.0075);
    CHECK_READS("process.gpu.memory.usage", "0000:04:00.0", 16 * MIB);
    CHECK_READS("process.gpu.engine.time", "0000:04:00.0", UNSUPPORTED);
    vagus_monitor_close(m);
    root_end();
}

static void a_client_that_is_closed_takes_no_time_along(void)
{
    char text[200];
    CHECK(root_begin());
    gpu_file("dev/dri/renderD128", "");
    descriptor(3, "/dev/dri/renderD128", amdgpu);
    struct vagus_monitor *m = gpu_monitor(VAGUS_STEPPED);
    snprintf(text, sizeof(text),
             "drm-driver:\tamdgpu\ndrm-client-id:\t28\n"
             "drm-pdev:\t0000:03:00.0\ndrm-engine-gfx:\t9500000 ns\n");
    descriptor(3, "/dev/dri/renderD128", text);
    organ_run(m, 11 * S);
    CHECK_READS("process.gpu.engine.time", "0000:03:00.0", 0.0095);
    descriptor(3, NULL, NULL);
    organ_run(m, 11 * S);
    CHECK_READS("process.gpu.engine.time", "0000:03:00.0", 0.0095);
    CHECK_READS("process.gpu.memory.usage", "0000:03:00.0", 0);
    CHECK_READS("gpu.drm.clients", NULL, 0);
    descriptor(7, "/dev/dri/renderD128", amdgpu); /* opened anew, it begins at 0 */
    organ_run(m, 11 * S);
    CHECK_READS("process.gpu.engine.time", "0000:03:00.0", 0.017);
    vagus_monitor_close(m);
    root_end();
}

static void damage_and_surplus_are_said(void)
{
    char text[200];
    CHECK(root_begin());
    gpu_file("dev/dri/renderD128", "");
    descriptor(3, "/dev/dri/renderD128", amdgpu);
    struct vagus_monitor *m = gpu_monitor(VAGUS_STEPPED);
    descriptor(4, "/dev/dri/renderD129", "drm-driver:\txe\ndrm-client-id:\t5");
    organ_run(m, 11 * S);
    CHECK_READS("process.gpu.memory.usage", "0000:03:00.0", FAILED);
    CHECK_READS("gpu.drm.clients", NULL, FAILED);
    descriptor(4, NULL, NULL);
    for (unsigned i = 0; i < DRM_CLIENTS_MAX; i++) {
        snprintf(text, sizeof(text),
                 "drm-driver:\tamdgpu\ndrm-client-id:\t%u\ndrm-pdev:\t0000:03:00.0\n"
                 "drm-memory-vram:\t1 KiB\n",
                 1000 + i);
        descriptor(10 + i, "/dev/dri/renderD128", text);
    }
    organ_run(m, 11 * S);
    CHECK_READS("gpu.drm.clients", NULL, DRM_CLIENTS_MAX);
    CHECK_READS("gpu.drm.uncounted", NULL, 1);
    CHECK_READS("process.gpu.memory.usage", "0000:03:00.0", FAILED);
    vagus_monitor_close(m);
    root_end();
}

static void a_machine_without_such_devices_has_no_such_sense(void)
{
    CHECK(root_begin());
    descriptor(3, "/dev/dri/renderD128", amdgpu);
    struct vagus_monitor *m = gpu_monitor(VAGUS_STEPPED);
    CHECK_READS("gpu.drm.clients", NULL, UNSUPPORTED);
    vagus_monitor_close(m);
    root_end();
}

int main(void)
{
    RUN(each_driver_is_understood);
    RUN(damaged_text_is_refused);
    RUN(a_client_is_counted_once);
    RUN(a_client_that_is_closed_takes_no_time_along);
    RUN(damage_and_surplus_are_said);
    RUN(a_machine_without_such_devices_has_no_such_sense);
    return check_result();
}
