/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's wake-ups on real cgroup v2: memory.high set, told of and given back, pressure
 * triggers, and what a killed monitor leaves. Runs as root in the guest, below the cgroup body. */
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

#include "base/wake.h"
#include "host/cgroup.h"
#include "host/memory_wake.h"
#include "sense/watcher.h"
#include "vagus/vagus.h"

#define WOKEN "/sys/fs/cgroup/body/woken"
#define MIB ((size_t)1 << 20)
#define LIMIT "100663296" /* 96 MiB, of which half is the threshold */
#define HIGH "50331648\n"

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return done;
}

static const char *text_of(const char *path)
{
    static char text[64];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (fd >= 0)
        close(fd);
    text[length > 0 ? length : 0] = '\0';
    return text;
}

/* However long that takes here: what never comes hangs the guest until its own deadline. */
static void await_text(const char *path, const char *text)
{
    while (strcmp(text_of(path), text) != 0)
        pause_ms(10);
}

/* Runs `work` in a process of its own in the cgroup, which is made for it and removed. */
static void in_cgroup(void (*work)(void))
{
    REQUIRE(mkdir(WOKEN, 0755) == 0);
    CHECK(write_file(WOKEN "/memory.max", LIMIT));
    pid_t child = fork();
    if (child == 0) {
        check_failures = 0;
        CHECK(write_file(WOKEN "/cgroup.procs", "0"));
        work();
        fflush(NULL);
        _exit(check_failures > 0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CHECK_EQ(status, 0);
    while (rmdir(WOKEN) != 0 && errno == EBUSY)
        pause_ms(10);
}

/* A process that takes so much and keeps it, in this cgroup. Beyond memory.high the kernel makes it
 * wait, so it is not waited for. */
static pid_t taker(size_t bytes)
{
    pid_t child = fork();
    if (child != 0)
        return child;
    volatile char *memory =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t at = 0; memory != MAP_FAILED && at < bytes; at += 4096)
        memory[at] = 1;
    for (;;)
        pause();
}

static void end_taker(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

/* --- The watcher on what the host asks for. --- */

static struct wake bell;
static int seen_events, seen_pressure;

static bool seen(int fd, short events)
{
    __atomic_add_fetch((events & POLLPRI) != 0 ? &seen_pressure : &seen_events, 1,
                       __ATOMIC_SEQ_CST);
    return host_memory_wake_seen(fd, events);
}

static void await_count(const int *count)
{
    while (__atomic_load_n(count, __ATOMIC_SEQ_CST) == 0)
        pause_ms(10);
}

static void the_kernel_rings(void)
{
    struct host *host;
    struct host_wake_request request;
    struct host_wake_told told;
    struct watcher *watcher;
    struct watcher_fd fds[HOST_WAKE_FDS_MAX];
    struct watcher_order order;
    struct host_cgroup_memory levels[HOST_CGROUP_DEPTH_MAX];
    unsigned count = 0;
    REQUIRE(host_open(NULL, &host) == 0);
    host_memory_wake_want(host, &(struct host_wake_threshold){0.5, true}, 1, true);
    CHECK_EQ(host_cgroup_memory(host, levels, &count), 0);
    REQUIRE(host_memory_wake_ask(host, &request));
    host_memory_wake_told(host, &told);
    CHECK_EQ(told.error, 0);
    CHECK(told.events_file && told.high_set && !told.high_left);
    CHECK(told.host_stalls && told.cgroup_stalls);
    REQUIRE(request.order_count == 1);
    memcpy(fds, request.fds, request.fd_count * sizeof(fds[0]));
    memcpy(&order, &request.orders[0], sizeof(order));
    REQUIRE(watcher_create(&bell, seen, &watcher) == 0);
    watcher_set(watcher, fds, request.fd_count, &order, 1);
    while (watcher_done(watcher) != 1)
        pause_ms(10);
    CHECK_STR(text_of(WOKEN "/memory.high"), HIGH);
    host_memory_wake_granted(host, 1);
    CHECK_EQ(host_cgroup_memory(host, levels, &count), 0);
    CHECK(host_memory_wakes(host, 0, 48.0 * MIB));
    CHECK(!host_memory_wakes(host, 0, 47.0 * MIB));
    CHECK_EQ(__atomic_load_n(&seen_events, __ATOMIC_SEQ_CST), 0);

    pid_t child = taker(64 * MIB);
    await_count(&seen_events);
    await_count(&seen_pressure); /* the kernel makes it wait for memory */
    while (!watcher_take(watcher))
        pause_ms(10);
    end_taker(child);
    CHECK(watcher_close(watcher, INT64_MAX));
    host_memory_wake_close(host);
    CHECK_STR(text_of(WOKEN "/memory.high"), "max\n");
    host_unref(host);
}

/* --- A whole monitor. --- */

static const char policy[] = "limits: { set_memory_high: true }\n"
                             "rules:\n"
                             "  - name: half\n"
                             "    metric: memory.headroom.ratio\n"
                             "    throttle: { below: 50%, clear: 70% }\n"
                             "    min_hold: 0s\n";

static struct vagus_monitor *start(void)
{
    struct vagus_monitor *monitor = NULL;
    struct vagus_monitor_options options = {
        .size = sizeof(options), .policy_text = policy, .flags = VAGUS_ANONYMOUS_SEGMENT};
    CHECK_EQ(vagus_monitor_open(&options, &monitor), 0);
    CHECK_EQ(vagus_monitor_start(monitor), 0);
    return monitor;
}

/* An emulated machine may be too slow for the 100 ms that a close waits for its threads. */
static void close_monitor(struct vagus_monitor *monitor)
{
    int error = vagus_monitor_close(monitor);
    CHECK(error == 0 || error == VAGUS_EABANDONED);
}

static double reading(struct vagus_monitor *monitor, const char *name)
{
    struct vagus_reading reading = {0};
    bool good = vagus_reading_get(monitor, name, NULL, &reading) == 0 &&
                vagus_reading_state(&reading, vagus_now_ns()) == VAGUS_STATE_OK;
    return good ? reading.value : -1;
}

static void a_monitor_is_woken_and_feels_its_cgroup(void)
{
    struct vagus_monitor *monitor = start();
    REQUIRE(monitor != NULL);
    await_text(WOKEN "/memory.high", HIGH);
    CHECK_EQ(vagus_signal_level(monitor, VAGUS_THROTTLE) > 0, 0);
    pid_t child = taker(64 * MIB);
    while (!(vagus_signal_level(monitor, VAGUS_THROTTLE) > 0))
        pause_ms(10);
    /* The taker waits: its own cgroup stalls for memory, and the sense of pressure says so. */
    while (!(reading(monitor, "cgroup.pressure.memory.some") > 0))
        pause_ms(10);
    CHECK(reading(monitor, "cgroup.pressure.memory.some") <= 1);
    CHECK(reading(monitor, "cgroup.pressure.memory.full") >= 0);
    CHECK(reading(monitor, "cgroup.pressure.cpu.some") >= 0);
    end_taker(child);
    while (vagus_signal_level(monitor, VAGUS_THROTTLE) > 0)
        pause_ms(10);
    close_monitor(monitor);
    CHECK_STR(text_of(WOKEN "/memory.high"), "max\n");
}

static void what_a_killed_one_left_is_given_back_by_the_next(void)
{
    pid_t child = fork();
    if (child == 0) {
        start();
        for (;;)
            pause();
    }
    await_text(WOKEN "/memory.high", HIGH);
    /* While it lives, it stays its own. */
    struct vagus_monitor *monitor = start();
    close_monitor(monitor);
    CHECK_STR(text_of(WOKEN "/memory.high"), HIGH);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    CHECK_STR(text_of(WOKEN "/memory.high"), HIGH);
    monitor = start();
    close_monitor(monitor);
    CHECK_STR(text_of(WOKEN "/memory.high"), "max\n");
}

static void rings_in_a_cgroup(void)
{
    in_cgroup(the_kernel_rings);
}

static void monitor_in_a_cgroup(void)
{
    in_cgroup(a_monitor_is_woken_and_feels_its_cgroup);
}

static void killed_in_a_cgroup(void)
{
    in_cgroup(what_a_killed_one_left_is_given_back_by_the_next);
}

int main(void)
{
    if (access("/sys/fs/cgroup/body/work/memory.max", R_OK) != 0) {
        puts("no guest: see tests/guest/run.sh");
        return 77;
    }
    RUN(rings_in_a_cgroup);
    RUN(monitor_in_a_cgroup);
    RUN(killed_in_a_cgroup);
    return check_result();
}
