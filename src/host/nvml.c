/* SPDX-License-Identifier: Apache-2.0 */
/* NVIDIA's driver library: loading it, listing its devices, letting it go. */
#include "host/nvml.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "host/inside.h"
#include "host/nvml_inside.h"

#define LIBRARY "libnvidia-ml.so.1"
#define GPUS_MAX 4096 /* what claims more is damaged */
#define SLICES_MAX 16 /* of one GPU; NVIDIA's most is 7 */

static const char *const symbols[NVML_CALL_COUNT_][NVML_VERSIONS] = {
#define NVML_CALL_(name, newest, older, oldest) [NVML_CALL_##name] = {newest, older, oldest},
    NVML_CALLS(NVML_CALL_)
#undef NVML_CALL_
};

int nvml_error(int result)
{
    switch (result) {
    case NVML_SUCCESS:
        return 0;
    case NVML_NOT_SUPPORTED:
    case NVML_FUNCTION_NOT_FOUND:
    case NVML_ARGUMENT_VERSION_MISMATCH:
        return VAGUS_EUNSUPPORTED;
    case NVML_NO_PERMISSION:
        return VAGUS_EPERM;
    case NVML_INSUFFICIENT_SIZE:
        return VAGUS_EFULL;
    case NVML_TIMEOUT:
    case NVML_IN_USE:
    case NVML_NOT_READY:
        return VAGUS_EAGAIN;
    default:
        return VAGUS_EIO;
    }
}

int nvml_note(struct nvml *nvml, enum nvml_call call, int64_t began_ns, int result)
{
    struct cost *cost = &nvml->costs[call];
    int64_t took_ns = vagus_now_ns() - began_ns;
    cost->calls++;
    cost->last_ns = took_ns;
    cost->total_ns += took_ns;
    if (took_ns > cost->max_ns)
        cost->max_ns = took_ns;
    if (took_ns > nvml->longest_ns)
        nvml->longest_ns = took_ns;
    if (result == NVML_GPU_IS_LOST || result == NVML_UNINITIALIZED ||
        result == NVML_DRIVER_NOT_LOADED || result == NVML_VERSION_MISMATCH)
        nvml->lost = true;
    /* Other calls may fail so for ever on a driver that is well; this one does not. */
    if (call == NVML_CALL_MEMORY) {
        nvml->lost |= result == NVML_RESET_REQUIRED || result == NVML_UNKNOWN;
        nvml->outdated |= result == NVML_INVALID_ARGUMENT; /* a handle of a slice that is no more */
    }
    return result;
}

int nvml_create(struct host *host, struct nvml **result)
{
    struct nvml *nvml = calloc(1, sizeof(*nvml));
    if (nvml == NULL)
        return VAGUS_ENOMEM;
    nvml->host = host;
    *result = nvml;
    return 0;
}

void nvml_destroy(struct nvml *nvml)
{
    if (nvml != NULL)
        nvml_disconnect(nvml);
    free(nvml);
}

/* The library would make the device's files and load the kernel's module where these are not there,
 * by a helper that runs as root. A sense does nothing of the kind: it asks what is in use. */
static bool driver_present(const struct host *host)
{
    static const char *const signs[] = {
        "dev/nvidiactl", "proc/driver/nvidia/version", "dev/dxg", /* the Windows subsystem */
    };
    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
        if (faccessat(host->root_fd, signs[i], F_OK, 0) == 0)
            return true;
    return false;
}

static void *load(const struct host *host)
{
    /* Where the loader looks; else where containers and the Windows subsystem put it. */
    static const char *const places[] = {LIBRARY, "/usr/local/nvidia/lib64/" LIBRARY,
                                         "/usr/lib/wsl/lib/" LIBRARY};
    if (!host->machine) {
        char link[32], path[PATH_MAX + sizeof("/usr/lib/" LIBRARY)];
        snprintf(link, sizeof(link), "/proc/self/fd/%d", host->root_fd);
        ssize_t length = readlink(link, path, PATH_MAX);
        if (length <= 0)
            return NULL;
        strcpy(path + length, "/usr/lib/" LIBRARY);
        return dlopen(path, RTLD_NOW | RTLD_LOCAL);
    }
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        void *library = dlopen(places[i], RTLD_NOW | RTLD_LOCAL);
        if (library != NULL)
            return library;
    }
    return NULL;
}

static void find_symbols(struct nvml *nvml)
{
    for (int call = 0; call < NVML_CALL_COUNT_; call++) {
        nvml->symbols[call] = NULL;
        for (int i = 0; i < NVML_VERSIONS && nvml->symbols[call] == NULL; i++)
            if (symbols[call][i] != NULL) {
                nvml->symbols[call] = dlsym(nvml->library, symbols[call][i]);
                nvml->versions[call] = (uint8_t)i;
            }
    }
}

/* Faults are told through a set of events; where it cannot be had there are none to tell. */
static void watch_faults(struct nvml *nvml)
{
    if (NVML_RUN(nvml, EVENTS_CREATE, (void **), (&nvml->events)) != NVML_SUCCESS) {
        nvml->events = NULL;
        return;
    }
    for (uint32_t i = 0; i < nvml->count; i++) {
        struct nvml_device *device = &nvml->devices[i];
        if (device->slice == NVML_WHOLE && device->error == 0)
            nvml->tells_faults[device->gpu] =
                NVML_RUN(nvml, EVENTS_REGISTER, (void *, unsigned long long, void *),
                         (device->handle, NVML_EVENT_XID, nvml->events)) == NVML_SUCCESS;
    }
}

int nvml_connect(struct nvml *nvml)
{
    if (!driver_present(nvml->host) || (nvml->library = load(nvml->host)) == NULL)
        return VAGUS_EUNSUPPORTED;
    find_symbols(nvml);
    int result = NVML_RUN(nvml, INIT, (void), ());
    nvml->connected = result == NVML_SUCCESS;
    int error = nvml->connected ? nvml_list(nvml) : nvml_error(result);
    if (error != 0) {
        nvml_disconnect(nvml);
        return result == NVML_DRIVER_NOT_LOADED ? VAGUS_EUNSUPPORTED : error;
    }
    watch_faults(nvml);
    return 0;
}

void nvml_disconnect(struct nvml *nvml)
{
    if (nvml->events != NULL)
        NVML_RUN(nvml, EVENTS_FREE, (void *), (nvml->events));
    if (nvml->connected)
        NVML_RUN(nvml, SHUTDOWN, (void), ());
    if (nvml->library != NULL)
        dlclose(nvml->library); /* a driver that comes back may bring another library */
    nvml->library = nvml->events = NULL;
    nvml->connected = nvml->lost = false;
    nvml->count = nvml->surplus = 0;
    memset(nvml->tells_faults, 0, sizeof(nvml->tells_faults));
}

/* --- Listing. --- */

static struct nvml_device *append(struct nvml *nvml, uint32_t gpu, uint32_t slice)
{
    if (nvml->count == NVML_DEVICES_MAX) {
        nvml->surplus++;
        return NULL;
    }
    struct nvml_device *device = &nvml->devices[nvml->count++];
    *device = (struct nvml_device){.gpu = gpu, .slice = slice};
    return device;
}

static void identify(struct nvml *nvml, struct nvml_device *device)
{
    char text[96];
    memset(text, 0, sizeof(text));
    if (NVML_RUN(nvml, UUID, (void *, char *, unsigned),
                 (device->handle, text, (unsigned)sizeof(text) - 1)) == NVML_SUCCESS)
        text_copy(device->uuid, sizeof(device->uuid), text);
    memset(text, 0, sizeof(text));
    if (NVML_RUN(nvml, NAME, (void *, char *, unsigned),
                 (device->handle, text, (unsigned)sizeof(text) - 1)) == NVML_SUCCESS)
        text_copy(device->name, sizeof(device->name), text);
    if (device->slice != NVML_WHOLE)
        return;
    struct nvml_pci pci = {.bus_short = ""};
    if (NVML_RUN(nvml, PCI, (void *, struct nvml_pci *), (device->handle, &pci)) == NVML_SUCCESS)
        snprintf(device->bus, sizeof(device->bus), "%04x:%02x:%02x.0", pci.domain, pci.bus,
                 pci.device);
}

static void list_slices(struct nvml *nvml, const struct nvml_device *whole)
{
    unsigned enabled = 0, pending = 0, most = 0;
    if (NVML_RUN(nvml, MIG_MODE, (void *, unsigned *, unsigned *),
                 (whole->handle, &enabled, &pending)) != NVML_SUCCESS ||
        enabled == 0 ||
        NVML_RUN(nvml, MIG_COUNT, (void *, unsigned *), (whole->handle, &most)) != NVML_SUCCESS)
        return;
    for (unsigned i = 0; i < most && i < SLICES_MAX; i++) {
        void *handle = NULL;
        if (NVML_RUN(nvml, MIG_HANDLE, (void *, unsigned, void **), (whole->handle, i, &handle)) !=
            NVML_SUCCESS)
            continue; /* NOT_FOUND: there is none of this number */
        struct nvml_device *slice = append(nvml, whole->gpu, i);
        if (slice == NULL)
            continue;
        slice->handle = handle;
        text_copy(slice->bus, sizeof(slice->bus), whole->bus);
        identify(nvml, slice);
    }
}

int nvml_list(struct nvml *nvml)
{
    unsigned gpus = 0;
    nvml->count = nvml->surplus = 0;
    nvml->outdated = true; /* until it is whole */
    int result = NVML_RUN(nvml, COUNT, (unsigned *), (&gpus));
    if (result != NVML_SUCCESS)
        return nvml_error(result);
    if (gpus > GPUS_MAX)
        return VAGUS_EPARSE;
    for (uint32_t gpu = 0; gpu < gpus; gpu++) {
        struct nvml_device *device = append(nvml, gpu, NVML_WHOLE);
        if (device == NULL)
            continue;
        result = NVML_RUN(nvml, HANDLE, (unsigned, void **), (gpu, &device->handle));
        device->error = nvml_error(result);
        if (device->error != 0)
            continue;
        identify(nvml, device);
        list_slices(nvml, device);
    }
    nvml->outdated = false;
    return 0;
}

bool nvml_connected(const struct nvml *nvml)
{
    return nvml->connected;
}

bool nvml_lost(const struct nvml *nvml)
{
    return nvml->lost;
}

bool nvml_outdated(const struct nvml *nvml)
{
    return nvml->outdated;
}

uint32_t nvml_count(const struct nvml *nvml)
{
    return nvml->count;
}

uint32_t nvml_surplus(const struct nvml *nvml)
{
    return nvml->surplus;
}

const struct nvml_device *nvml_device(const struct nvml *nvml, uint32_t index)
{
    return index < nvml->count ? &nvml->devices[index] : NULL;
}

/* --- Costs. --- */

bool nvml_cost(const struct nvml *nvml, uint32_t number, struct nvml_cost *result)
{
    if (number >= NVML_CALL_COUNT_)
        return false;
    const struct cost *cost = &nvml->costs[number];
    *result = (struct nvml_cost){.call = symbols[number][nvml->versions[number]],
                                 .calls = cost->calls,
                                 .last_ns = cost->last_ns,
                                 .max_ns = cost->max_ns,
                                 .total_ns = cost->total_ns};
    return true;
}

int64_t nvml_longest_ns(struct nvml *nvml)
{
    int64_t longest_ns = nvml->longest_ns;
    nvml->longest_ns = 0;
    return longest_ns;
}
