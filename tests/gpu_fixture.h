/* SPDX-License-Identifier: Apache-2.0 */
/* A machine in a temporary folder, with a driver library of the tests' own where it is wanted. */
#ifndef TESTS_GPU_FIXTURE_H
#define TESTS_GPU_FIXTURE_H

#include <dlfcn.h>
#include <limits.h>
#include <unistd.h>

#include "gpu/nvml_fake.h"
#include "monitor_fixture.h"
#include "root_fixture.h"

/* A file of the machine, in place of what had that name. NULL text: there is none. */
static inline void gpu_file(const char *name, const char *text)
{
    root_write(name, NULL);
    if (text != NULL)
        root_write(name, text);
}

static inline void gpu_link(const char *name, const char *target)
{
    char path[PATH_MAX];
    gpu_file(name, ""); /* for the folders */
    gpu_file(name, NULL);
    snprintf(path, sizeof(path), "%s/%s", root_dir, name);
    if (symlink(target, path) != 0)
        perror(path);
}

#ifdef NVML_FAKE
/* Puts the library on the machine, "new" or "old", and resets what it answers: `gpus` devices. */
static inline struct nvml_fake *gpu_driver(const char *age, unsigned gpus)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s%s/libnvidia-ml.so.1", NVML_FAKE, age);
    gpu_file("dev/nvidiactl", "");
    gpu_link("proc/self/ns/pid", "pid:[4026531836]");
    gpu_link("usr/lib/libnvidia-ml.so.1", path);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL); /* stays loaded, so what it holds stays */
    struct nvml_fake *fake = library != NULL ? dlsym(library, "nvml_fake") : NULL;
    if (fake == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    memset(fake, 0, sizeof(*fake));
    fake->xid_gpu = -1;
    fake->process_bytes = 24;
    fake->gpus = gpus;
    for (unsigned i = 0; i < FAKE_GPUS + FAKE_SLICES; i++) {
        struct nvml_fake_device *device =
            i < FAKE_GPUS ? &fake->devices[i] : &fake->slices[i - FAKE_GPUS];
        *device = (struct nvml_fake_device){.total = 1000 * (i + 1),
                                            .reserved = 100,
                                            .free = 300 + 1000 * i,
                                            .used = 600,
                                            .utilization = 40 + i % 50,
                                            .present = i < FAKE_GPUS};
        snprintf(device->uuid, sizeof(device->uuid), "GPU-%u", i);
        if (i < FAKE_GPUS)
            fake->order[i] = i;
    }
    return fake;
}
#endif

/* A monitor of this machine, on the test's clock where it is stepped. */
static inline struct vagus_monitor *gpu_monitor_of(const char *policy, uint32_t flags)
{
    struct vagus_monitor *monitor = NULL;
    atomic_store(&test_now_ns, 1000 * S);
    int error = vagus_monitor_open(
        &(struct vagus_monitor_options){.size = sizeof(struct vagus_monitor_options),
                                        .policy_text = policy,
                                        .host_root = root_dir,
                                        .metrics_max = 4096,
                                        .segment_bytes = 32u << 20,
                                        .clock = flags & VAGUS_STEPPED ? &test_clock : NULL,
                                        .flags = flags | VAGUS_ANONYMOUS_SEGMENT},
        &monitor);
    if (error != 0 || (error = vagus_monitor_start(monitor)) != 0) {
        fprintf(stderr, "the monitor could not be made: %s\n", vagus_error_message(error));
        exit(1);
    }
    return monitor;
}

static inline struct vagus_monitor *gpu_monitor(uint32_t flags)
{
    return gpu_monitor_of("agent: test\n", flags);
}

/* The value where it is good, else its state as a negative number; -100: there is no such metric.
 */
static inline double gpu_value(struct vagus_monitor *m, const char *name, const char *instance)
{
    struct vagus_reading reading = {0};
    if (vagus_reading_get(m, name, instance, &reading) != 0)
        return -100;
    enum vagus_state state = vagus_reading_state(&reading, atomic_load(&test_now_ns));
    return state == VAGUS_STATE_OK ? reading.value : -(double)state;
}

/* Steps to the next deadline; how long that was. */
static inline int64_t gpu_next(struct vagus_monitor *m)
{
    int64_t next_ns = 0, from_ns = atomic_load(&test_now_ns);
    if (vagus_step(m, &next_ns) != 0)
        return -1;
    atomic_store(&test_now_ns, next_ns);
    return next_ns - from_ns;
}

#define STALE (-(double)VAGUS_STATE_STALE)
#define UNSUPPORTED (-(double)VAGUS_STATE_UNSUPPORTED)
#define FAILED (-(double)VAGUS_STATE_ERROR)
#define ABSENT (-100.0)

#endif
