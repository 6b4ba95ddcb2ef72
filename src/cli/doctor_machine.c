/* SPDX-License-Identifier: Apache-2.0 */
/* What the place allows: container, cgroups, kernel support, permissions. Below a root the files
 * alone are looked at; what only a system call tells is left out. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "cli/doctor_place.h"
#include "host/cgroup.h"
#include "host/host.h"
#include "host/procfs.h"

/* What a monitor locks: text, stack and hot pages. */
#define LOCK_BYTES ((size_t)2 << 20)

/* The kernel gives the first cgroup namespace this inode (PROC_CGROUP_INIT_INO). */
#define FIRST_CGROUP_NAMESPACE 0xEFFFFFFB

bool doctor_read(const char *root, const char *path, char *text, size_t capacity)
{
    char whole[4096];
    snprintf(whole, sizeof(whole), "%s%s", root != NULL ? root : "", path);
    int fd = open(whole, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return false;
    ssize_t length = read(fd, text, capacity - 1);
    int error = errno;
    close(fd);
    errno = error;
    if (length < 0)
        return false;
    text[length] = '\0';
    return true;
}

bool doctor_exists(const char *root, const char *path)
{
    char whole[4096];
    snprintf(whole, sizeof(whole), "%s%s", root != NULL ? root : "", path);
    return access(whole, F_OK) == 0;
}

/* --- The container. --- */

static const char *container_kind(const char *root, char *text, size_t capacity)
{
    static const struct {
        const char *path, *kind;
    } marks[] = {{"/.dockerenv", "docker"}, {"/run/.containerenv", "podman"}};
    static const char *const words[][2] = {
        {"kubepods", "kubernetes"}, {"docker", "docker"}, {"libpod", "podman"}, {"/lxc", "lxc"}};
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
        if (doctor_exists(root, marks[i].path))
            return marks[i].kind;
    if (doctor_read(root, "/run/systemd/container", text, capacity) && text[0] != '\0') {
        text[strcspn(text, "\n")] = '\0';
        return text;
    }
    if (doctor_read(root, "/proc/self/cgroup", text, capacity))
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
            if (strstr(text, words[i][0]) != NULL)
                return words[i][1];
    if (doctor_read(root, "/proc/self/mountinfo", text, capacity)) {
        const char *slash = strstr(text, " / / ");
        const char *end = slash != NULL ? strchr(slash, '\n') : NULL;
        const char *overlay = slash != NULL ? strstr(slash, " - overlay ") : NULL;
        if (overlay != NULL && (end == NULL || overlay < end))
            return "unnamed; its root is an overlay";
    }
    return NULL;
}

static void look_at_container(struct doctor *doctor, const char *root)
{
    char text[16384];
    const char *kind = container_kind(root, text, sizeof(text));
    doctor->container = kind != NULL;
    if (kind != NULL)
        doctor_add(doctor, DOCTOR_MACHINE, DOCTOR_FINE, "container", "this is one (%.60s)", kind);
    else
        doctor_add(doctor, DOCTOR_MACHINE, DOCTOR_FINE, "container", "nothing here looks like one");
    if (doctor_read(root, "/proc/self/mountinfo", text, sizeof(text)) &&
        strstr(text, " /proc/meminfo ") != NULL)
        doctor_add(doctor, DOCTOR_MACHINE, DOCTOR_FINE, "meminfo",
                   "another file lies over /proc/meminfo (lxcfs does that): what it calls the host "
                   "is the container");
}

/* --- cgroups. --- */

static void look_at_namespace(struct doctor *doctor)
{
    struct stat namespace;
    if (stat("/proc/self/ns/cgroup", &namespace) != 0 || namespace.st_ino == FIRST_CGROUP_NAMESPACE)
        return;
    doctor_advise(doctor_add(doctor, DOCTOR_MACHINE,
                             isnan(doctor->limit_bytes) ? DOCTOR_CHANGE : DOCTOR_FINE,
                             "cgroup namespace",
                             "this process is in one of its own: limits above its root bind and "
                             "cannot be seen"),
                  "if there are such limits, declare the smallest as limits.memory in the policy");
}

/* Whose limit it is that binds. */
static void add_limit(struct doctor *doctor, struct host *host)
{
    struct host_cgroup_memory levels[HOST_CGROUP_DEPTH_MAX];
    struct host_memory memory;
    double of_cgroups = INFINITY, of_host = INFINITY;
    unsigned count = 0;
    char size[32], left[32];
    struct text text;
    if (isnan(doctor->limit_bytes))
        return; /* doctor_judge_senses() says so */
    if (host_memory(host, &memory) == 0)
        of_host = (double)memory.total_bytes;
    if (host_cgroup_memory(host, levels, &count) == 0)
        for (unsigned i = 0; i < count; i++)
            of_cgroups = fmin(of_cgroups, (double)levels[i].limit_bytes);
    text_init(&text, size, sizeof(size));
    text_add_size(&text, doctor->limit_bytes);
    text_init(&text, left, sizeof(left));
    text_add_size(&text, doctor->headroom_bytes);
    if (doctor->limit_bytes < of_cgroups && doctor->limit_bytes < of_host)
        doctor_add(doctor, DOCTOR_MACHINE, DOCTOR_FINE, "memory limit",
                   "%s, of which %s are left; the policy or RLIMIT_AS sets it", size, left);
    else if (of_cgroups <= of_host && !isinf(of_cgroups))
        doctor_add(doctor, DOCTOR_MACHINE, DOCTOR_FINE, "memory limit",
                   "%s, of which %s are left; of %u cgroup level%s with a limit this binds", size,
                   left, count, count == 1 ? "" : "s");
    else if (doctor->container)
        doctor_advise(doctor_add(doctor, DOCTOR_MACHINE, DOCTOR_CHANGE, "memory limit",
                                 "%s, that of the host: no limit of this container can be seen",
                                 size),
                      "give the container a limit, or declare limits.memory in the policy; without "
                      "one the host's other tenants decide when the agent is killed");
    else
        doctor_add(doctor, DOCTOR_MACHINE, DOCTOR_FINE, "memory limit",
                   "%s, that of the machine, of which %s are left; no cgroup sets one", size, left);
}

/* How the kernel can wake the monitor before memory is gone. */
static void look_at_wakeup(struct doctor *doctor, const char *root,
                           const struct host_cgroup_place *place)
{
    char path[4200];
    bool v1 = place->version == HOST_CGROUP_V1;
    snprintf(path, sizeof(path), "%s%.2000s/%s", root != NULL ? root : "", place->directory,
             v1 ? "cgroup.event_control" : "memory.events");
    if (access(path, v1 ? W_OK : R_OK) == 0)
        doctor_add(doctor, DOCTOR_MACHINE, DOCTOR_FINE, "memory wake-up",
                   v1 ? "the kernel can tell of a usage threshold (cgroup.event_control)"
                      : "the kernel can tell of memory.high and of kills (memory.events)");
    else
        doctor_advise(doctor_add(doctor, DOCTOR_MACHINE, DOCTOR_FINE, "memory wake-up",
                                 "%s: %s; near the limit it is read more often instead",
                                 v1 ? "cgroup.event_control" : "memory.events", strerror(errno)),
                      v1 ? "mount the memory cgroup writable, so that the kernel wakes the monitor"
                         : "");
}

static void look_at_cgroups(struct doctor *doctor, const char *root)
{
    struct host *host;
    struct host_cgroup_place memory, cpu;
    if (host_open(&(struct host_options){.root = root}, &host) != 0)
        return;
    host_cgroup_memory_place(host, &memory);
    host_cgroup_cpu_place(host, &cpu);
    if (memory.directory[0] != '\0')
        doctor_add(doctor, DOCTOR_MACHINE, DOCTOR_FINE, "cgroup",
                   "memory by v%d, %u level%s visible, in %.120s", memory.version, memory.levels,
                   memory.levels == 1 ? "" : "s", memory.directory);
    else
        doctor_advise(
            doctor_add(doctor, DOCTOR_MACHINE, DOCTOR_CHANGE, "cgroup",
                       doctor_exists(root, "/proc/self/cgroup")
                           ? "no memory cgroup can be seen: none is mounted here, or the container "
                             "hides it"
                           : "this kernel shows none"),
            "mount /sys/fs/cgroup into this place (read-only will do), or declare limits.memory in "
            "the policy");
    if (cpu.directory[0] == '\0')
        doctor_add(doctor, DOCTOR_MACHINE, DOCTOR_FINE, "cgroup cpu",
                   "no CPU controller can be seen: a quota that it sets is not known");
    if (root == NULL)
        look_at_namespace(doctor);
    add_limit(doctor, host);
    if (memory.directory[0] != '\0')
        look_at_wakeup(doctor, root, &memory);
    host_unref(host);
}

/* --- The kernel. --- */

/* Without CAP_SYS_RESOURCE the kernel takes windows of 2 s alone; then readings do. */
static const char *try_trigger(const char *trigger)
{
    int fd = open("/proc/pressure/memory", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    bool taken = fd >= 0 && write(fd, trigger, strlen(trigger) + 1) > 0;
    const char *why = taken ? NULL : strerror(errno);
    if (fd >= 0)
        close(fd);
    return why;
}

static void look_at_pressure(struct doctor *doctor, const char *root)
{
    char text[512];
    if (!doctor_read(root, "/proc/pressure/memory", text, sizeof(text))) {
        bool off = errno == EOPNOTSUPP, absent = errno == ENOENT || errno == ENOTDIR;
        doctor_advise(
            doctor_add(doctor, DOCTOR_MACHINE, DOCTOR_CHANGE, "pressure",
                       off      ? "/proc/pressure does not answer: it is switched off"
                       : absent ? "there is no /proc/pressure: the kernel has no PSI, or hides it"
                                : "/proc/pressure/memory: %s",
                       strerror(errno)),
            off || absent ? "boot with psi=1, on Linux 4.20 or later built with CONFIG_PSI=y"
                          : "let the agent's user read /proc/pressure");
        return;
    }
    if (root != NULL)
        return;
    const char *short_refused = try_trigger("some 100000 1000000");
    const char *long_refused = try_trigger("some 100000 2000000");
    if (short_refused == NULL)
        doctor_add(doctor, DOCTOR_MACHINE, DOCTOR_FINE, "pressure",
                   "readable, and the kernel wakes the monitor at windows of 1 s");
    else if (long_refused == NULL)
        doctor_advise(doctor_add(doctor, DOCTOR_MACHINE, DOCTOR_FINE, "pressure",
                                 "readable; the kernel wakes the monitor at windows of 2 s alone"),
                      "with CAP_SYS_RESOURCE it would at shorter ones");
    else
        doctor_add(doctor, DOCTOR_MACHINE, DOCTOR_FINE, "pressure",
                   "readable, but no wake-up from it: %s", long_refused);
}

static void look_at_memory_lock(struct doctor *doctor)
{
    struct rlimit limit = {0};
    void *pages =
        mmap(NULL, LOCK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return;
    bool locked = mlock(pages, LOCK_BYTES) == 0;
    int error = errno;
    munmap(pages, LOCK_BYTES);
    getrlimit(RLIMIT_MEMLOCK, &limit);
    if (locked)
        doctor_add(doctor, DOCTOR_MACHINE, DOCTOR_FINE, "memory lock",
                   "allowed: the monitor's own pages stay when memory is short");
    else
        doctor_advise(doctor_add(doctor, DOCTOR_MACHINE, DOCTOR_CHANGE, "memory lock",
                                 "refused (%s; RLIMIT_MEMLOCK is %llu KiB): near the limit the "
                                 "monitor's own pages are taken away, and it is slow when it "
                                 "matters",
                                 strerror(error), (unsigned long long)limit.rlim_cur / 1024),
                      "raise RLIMIT_MEMLOCK to 4 MiB (ulimit -l 4096, LimitMEMLOCK=4M, docker run "
                      "--ulimit memlock=4194304)");
}

static void look_at_gpus(struct doctor *doctor, const char *root)
{
    bool driver = doctor_exists(root, "/proc/driver/nvidia/version");
    bool device = doctor_exists(root, "/dev/nvidiactl");
    if (driver && !device)
        doctor_advise(doctor_add(doctor, DOCTOR_MACHINE, DOCTOR_CHANGE, "gpu",
                                 "the kernel has NVIDIA's driver, and no device is visible here"),
                      "start the container with its GPUs (docker run --gpus all), if the agent "
                      "uses them");
    else if (driver || device || doctor_exists(root, "/dev/dri"))
        doctor_add(doctor, DOCTOR_MACHINE, DOCTOR_FINE, "gpu", "%s",
                   device ? "NVIDIA's devices are visible" : "a DRM device is visible");
    else
        doctor_add(doctor, DOCTOR_MACHINE, DOCTOR_FINE, "gpu", "no driver and no device here");
}

void doctor_look_at_machine(struct doctor *doctor, const char *root)
{
    char release[256];
    if (doctor_read(root, "/proc/sys/kernel/osrelease", release, sizeof(release))) {
        release[strcspn(release, "\n")] = '\0';
        doctor_add(doctor, DOCTOR_MACHINE, DOCTOR_FINE, "kernel", "%.100s", release);
    } else {
        doctor_advise(doctor_add(doctor, DOCTOR_MACHINE, DOCTOR_SERIOUS, "kernel",
                                 "there is no readable /proc here: %s", strerror(errno)),
                      "mount /proc in this place");
    }
    look_at_container(doctor, root);
    look_at_cgroups(doctor, root);
    look_at_pressure(doctor, root);
    if (root == NULL)
        look_at_memory_lock(doctor);
    look_at_gpus(doctor, root);
}
