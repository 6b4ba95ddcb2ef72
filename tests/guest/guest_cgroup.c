/* SPDX-License-Identifier: Apache-2.0 */
/* What only a kernel with cgroup v2 can show. Runs as root in the guest, in the cgroup body/work
 * that `init` made: 128 MiB, told at 96 MiB, below 192 MiB and half a CPU. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/cgroup.h"
#include "host/procfs.h"
#include "vagus/vagus.h"

#define WORK "/sys/fs/cgroup/body/work/"
#define MIB ((size_t)1 << 20)

static bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return done;
}

/* The number after a key, or of the whole file if the key is NULL; -1 if there is none. */
static long long number_in(const char *path, const char *key)
{
    char line[256];
    long long number = -1;
    FILE *file = fopen(path, "re");
    while (file != NULL && number < 0 && fgets(line, sizeof(line), file) != NULL) {
        char word[128];
        if (key == NULL)
            number = strtoll(line, NULL, 10);
        else if (sscanf(line, "%127s %lld", word, &number) != 2 || strcmp(word, key) != 0)
            number = -1;
    }
    if (file != NULL)
        fclose(file);
    return number;
}

static char *hold(size_t bytes)
{
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    return memory != MAP_FAILED ? memory : NULL;
}

/* --- Limits. --- */

static void every_level_is_seen(void)
{
    struct host *host;
    struct host_cgroup_memory levels[HOST_CGROUP_DEPTH_MAX];
    struct host_cgroup_place place;
    unsigned count = 0;
    double cores = 0;
    REQUIRE(host_open(NULL, &host) == 0);
    CHECK_EQ(host_cgroup_memory(host, levels, &count), 0);
    REQUIRE(count == 2);
    CHECK_EQ(levels[0].limit_bytes, 128 * MIB);
    CHECK_EQ(levels[0].level, 0);
    CHECK_EQ(levels[1].limit_bytes, 192 * MIB);
    CHECK_EQ(levels[1].level, 1);
    CHECK(levels[0].working_set_bytes > 0 && levels[0].working_set_bytes < 64 * MIB);
    CHECK(levels[1].working_set_bytes >= levels[0].working_set_bytes);
    CHECK_EQ(host_cgroup_cpu_quota(host, &cores), 0);
    CHECK_NEAR(cores, 0.5, 1e-9); /* the parent's: it binds */
    host_cgroup_memory_place(host, &place);
    CHECK_EQ(place.version, HOST_CGROUP_V2);
    CHECK_STR(place.directory, "/sys/fs/cgroup/body/work");
    host_unref(host);
}

static int64_t clock_ns;
static int64_t monotonic_ns(void *arg)
{
    (void)arg;
    return clock_ns;
}
static const struct vagus_clock clock_set = {monotonic_ns, monotonic_ns, NULL};

static double reading(struct vagus_monitor *monitor, const char *name)
{
    struct vagus_reading reading = {0};
    return vagus_reading_get(monitor, name, NULL, &reading) == 0 && reading.error == 0 &&
                   reading.taken_ns != 0
               ? reading.value
               : NAN;
}

/* What is taken is missing from the headroom, within what else changed meanwhile. */
static void headroom_follows(void)
{
    struct vagus_monitor *monitor;
    struct vagus_monitor_options options = {
        .size = sizeof(options), .flags = VAGUS_STEPPED, .clock = &clock_set};
    clock_ns = 1000 * VAGUS_SECOND_NS;
    REQUIRE(vagus_monitor_open(&options, &monitor) == 0);
    CHECK_EQ(vagus_monitor_start(monitor), 0);
    CHECK_EQ(vagus_step(monitor, NULL), 0);
    CHECK_NEAR(reading(monitor, "memory.limit"), 128.0 * MIB, 0);
    double before = reading(monitor, "memory.headroom");
    char *held = hold(32 * MIB);
    clock_ns += VAGUS_SECOND_NS;
    CHECK_EQ(vagus_step(monitor, NULL), 0);
    CHECK_NEAR(before - reading(monitor, "memory.headroom"), 32.0 * MIB, 1.0 * MIB);
    munmap(held, 32 * MIB);
    CHECK_EQ(vagus_monitor_close(monitor), 0);
}

/* --- Events. --- */

/* A child in a cgroup of its own, so that what it does to it is told apart. */
static int in_cgroup(const char *folder, const char *limit_file, const char *limit,
                     void (*work)(void))
{
    char path[256];
    int status = -1;
    if (mkdir(folder, 0755) != 0 && errno != EEXIST)
        return -1;
    snprintf(path, sizeof(path), "%s/%s", folder, limit_file);
    if (!write_file(path, limit))
        return -1;
    pid_t child = fork();
    if (child == 0) {
        snprintf(path, sizeof(path), "%s/cgroup.procs", folder);
        if (write_file(path, "0"))
            work();
        _exit(0);
    }
    waitpid(child, &status, 0);
    return status;
}

static void bomb(void)
{
    hold(64 * MIB);
}

static void a_kill_is_counted(void)
{
    static const char folder[] = "/sys/fs/cgroup/body/bombed";
    int status = in_cgroup(folder, "memory.max", "16777216", bomb);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    CHECK_EQ(number_in("/sys/fs/cgroup/body/bombed/memory.events", "oom_kill"), 1);
    CHECK(number_in("/sys/fs/cgroup/body/bombed/memory.events", "max") > 0);
    CHECK_EQ(rmdir(folder), 0);
}

static void burn(void)
{
    struct timespec now;
    do
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    while (now.tv_sec == 0 && now.tv_nsec < 300000000);
}

static void throttling_is_counted(void)
{
    static const char folder[] = "/sys/fs/cgroup/body/slow";
    CHECK_EQ(in_cgroup(folder, "cpu.max", "10000 100000", burn), 0);
    CHECK(number_in("/sys/fs/cgroup/body/slow/cpu.stat", "nr_throttled") > 0);
    CHECK(number_in("/sys/fs/cgroup/body/slow/cpu.stat", "throttled_usec") > 0);
    CHECK_EQ(rmdir(folder), 0);
}

/* Touched in turn, over and over: beyond memory.high the kernel makes the cgroup wait for its own
 * reclaim, and there is nothing to reclaim. */
static void overstay(void)
{
    struct timespec began, now;
    clock_gettime(CLOCK_MONOTONIC, &began);
    do {
        char *memory =
            mmap(NULL, 24 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (size_t at = 0; memory != MAP_FAILED && at < 24 * MIB; at += 4096) {
            memory[at] = 1;
            clock_gettime(CLOCK_MONOTONIC, &now);
            if (now.tv_sec - began.tv_sec > 5)
                return;
        }
        munmap(memory, 24 * MIB);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec - began.tv_sec <= 3);
}

/* The kernel wakes who asks, by a pressure trigger of a 1 s window and by memory.events. */
static void pressure_wakes(void)
{
    static const char folder[] = "/sys/fs/cgroup/body/pressed";
    REQUIRE(mkdir(folder, 0755) == 0);
    int pressure =
        open("/sys/fs/cgroup/body/pressed/memory.pressure", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    int events = open("/sys/fs/cgroup/body/pressed/memory.events", O_RDONLY | O_CLOEXEC);
    REQUIRE(pressure >= 0 && events >= 0);
    static const char trigger[] = "some 20000 1000000";
    CHECK_EQ(write(pressure, trigger, sizeof(trigger)), (long long)sizeof(trigger));
    char text[256];
    CHECK(read(events, text, sizeof(text)) > 0);

    pid_t child = fork();
    if (child == 0) {
        in_cgroup(folder, "memory.high", "8388608", overstay);
        _exit(0);
    }
    struct pollfd woken[] = {{.fd = pressure, .events = POLLPRI},
                             {.fd = events, .events = POLLPRI}};
    CHECK_EQ(poll(&woken[0], 1, 20000), 1);
    CHECK_EQ(woken[0].revents & POLLPRI, POLLPRI);
    CHECK_EQ(poll(&woken[1], 1, 20000), 1);
    int status;
    waitpid(child, &status, 0);
    CHECK(number_in("/sys/fs/cgroup/body/pressed/memory.events", "high") > 0);
    close(pressure);
    close(events);
    CHECK_EQ(rmdir(folder), 0);
}

int main(void)
{
    if (access(WORK "memory.max", R_OK) != 0) {
        puts("no guest: see tests/guest/run.sh");
        return 77;
    }
    RUN(every_level_is_seen);
    RUN(headroom_follows);
    RUN(a_kill_is_counted);
    RUN(throttling_is_counted);
    RUN(pressure_wakes);
    return check_result();
}
