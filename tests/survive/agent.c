/* SPDX-License-Identifier: Apache-2.0 */
/* The agent: one process in a cgroup of its own. A tool of it takes memory without end; its cache
 * service hears throttle or defer, stops the tool and gives the memory back. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "cli/demo_cgroup.h"
#include "survive.h"
#include "vagus/vagus.h"

#define PAGE_BYTES 4096
#define ARENA_BYTES (1024 * MIB)
#define THREADS_MAX 4
#define GIVE_UP_NS (10 * VAGUS_SECOND_NS)

/* The rule of the default policy. */
#define RULES                                                                                      \
    "rules:\n"                                                                                     \
    "  - name: memory-headroom\n"                                                                  \
    "    metric: memory.headroom.ratio\n"                                                          \
    "    throttle: { below: 20%, clear: 25%, full: 10% }\n"                                        \
    "    defer:    { below: 12%, clear: 16%, full: 5% }\n"                                         \
    "    shutdown: { below: 5%,  clear: 10%, for: 100ms }\n"                                       \
    "    min_hold: 5s\n"

static struct {
    const struct attack *attack;
    struct trial *trial;
    atomic_bool go, stop;
    atomic_uint_fast64_t taken_bytes;
    uint64_t rule_at_bytes; /* of what is taken: there the first rule lies */
    char *arenas[THREADS_MAX];
    struct demo_cgroup cgroup;
    int usage_fd;
} agent;

static void sleep_ns(int64_t ns)
{
    nanosleep(&(struct timespec){ns / VAGUS_SECOND_NS, ns % VAGUS_SECOND_NS}, NULL);
}

static uint64_t read_number(const char *name)
{
    char path[1300], text[32] = "";
    snprintf(path, sizeof(path), "%s/%s", agent.cgroup.path, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && read(fd, text, sizeof(text) - 1) < 0)
        text[0] = '\0';
    if (fd >= 0)
        close(fd);
    return strtoull(text, NULL, 10);
}

static uint64_t usage_bytes(void)
{
    char text[32] = "";
    return pread(agent.usage_fd, text, sizeof(text) - 1, 0) > 0 ? strtoull(text, NULL, 10) : 0;
}

/* --- The tool that takes memory. --- */

static void count_taken(uint64_t bytes)
{
    uint64_t before = atomic_fetch_add(&agent.taken_bytes, bytes);
    if (before < agent.rule_at_bytes && before + bytes >= agent.rule_at_bytes)
        atomic_store(&agent.trial->beyond, vagus_now_ns());
}

static void take(char *from, uint64_t bytes)
{
    for (uint64_t at = 0; at < bytes && !atomic_load_explicit(&agent.stop, memory_order_relaxed);
         at += PAGE_BYTES)
        ((volatile char *)from)[at] = 1;
    count_taken(bytes);
}

static void *take_without_end(void *arg)
{
    char *arena = *(char **)arg;
    uint64_t rate = agent.attack->bytes_per_s, chunk = rate != 0 ? 64 * 1024 : 2 * MIB;
    while (!atomic_load(&agent.go))
        sched_yield();
    int64_t began_ns = vagus_now_ns();
    for (uint64_t at = 0; at < ARENA_BYTES && !atomic_load(&agent.stop); at += chunk) {
        take(arena + at, chunk);
        if (rate == 0)
            continue;
        int64_t due_ns = began_ns + (int64_t)((double)(at + chunk) / (double)rate * 1e9);
        int64_t now_ns = vagus_now_ns();
        if (due_ns > now_ns)
            sleep_ns(due_ns - now_ns);
    }
    return NULL;
}

static void start_attack(void)
{
    for (unsigned i = 0; i < agent.attack->threads; i++) {
        pthread_t thread;
        agent.arenas[i] = mmap(NULL, ARENA_BYTES + 2 * MIB, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (agent.arenas[i] == MAP_FAILED)
            _exit(3);
        agent.arenas[i] += 2 * MIB - (uintptr_t)agent.arenas[i] % (2 * MIB);
        madvise(agent.arenas[i], ARENA_BYTES,
                agent.attack->bytes_per_s == 0 ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
        if (pthread_create(&thread, NULL, take_without_end, &agent.arenas[i]) != 0)
            _exit(3);
    }
}

/* --- The service that gives it back. --- */

static void relieve(void)
{
    if (atomic_exchange(&agent.stop, true))
        return;
    for (unsigned i = 0; i < agent.attack->threads; i++)
        if (agent.arenas[i] != NULL)
            madvise(agent.arenas[i], ARENA_BYTES, MADV_DONTNEED);
    atomic_store(&agent.trial->relieved, vagus_now_ns());
}

static void on_signal(const struct vagus_signal *signal, void *arg)
{
    (void)arg;
    if (signal->change == VAGUS_SIGNAL_RAISED)
        relieve();
}

static struct vagus_monitor *start_monitor(bool kernel_wake)
{
    struct vagus_monitor *monitor = NULL;
    struct vagus_monitor_options options = {
        .size = sizeof(options),
        .agent_name = "survive",
        .policy_text = kernel_wake ? "agent: survive\n" RULES
                                   : "agent: survive\nlimits: { kernel_wake: false }\n" RULES};
    struct vagus_listener_desc cache = {.size = sizeof(cache),
                                        .name = "cache",
                                        .kinds = VAGUS_THROTTLE | VAGUS_DEFER | VAGUS_SHUTDOWN,
                                        .on_signal = on_signal};
    if (vagus_monitor_open(&options, &monitor) != 0 ||
        vagus_listener_add(monitor, &cache, NULL) != 0 || vagus_monitor_start(monitor) != 0) {
        fputs("survive: no monitor\n", stderr);
        _exit(3);
    }
    return monitor;
}

/* The control: looks at the limit itself, each period. The attack comes just after a look. */
static void *poll_usage(void *arg)
{
    int64_t period_ns = *(const int64_t *)arg;
    while (!atomic_load(&agent.go))
        sched_yield();
    for (int64_t next_ns = vagus_now_ns(); !atomic_load(&agent.stop);) {
        next_ns += period_ns;
        int64_t now_ns = vagus_now_ns();
        if (next_ns > now_ns)
            sleep_ns(next_ns - now_ns);
        if (usage_bytes() > RULE_BYTES)
            relieve();
    }
    return NULL;
}

static void start_watcher(enum watcher watcher)
{
    static int64_t period_ns;
    pthread_t thread;
    if (watcher == WATCHER_KERNEL || watcher == WATCHER_READS)
        start_monitor(watcher == WATCHER_KERNEL);
    if (watcher != WATCHER_POLL_1S && watcher != WATCHER_POLL_100MS)
        return;
    period_ns = watcher == WATCHER_POLL_1S ? VAGUS_SECOND_NS : VAGUS_SECOND_NS / 10;
    if (pthread_create(&thread, NULL, poll_usage, &period_ns) != 0)
        _exit(3);
}

static void prefill(void)
{
    uint64_t used = usage_bytes(), missing = used < PREFILL_BYTES ? PREFILL_BYTES - used : 0;
    char *filling = mmap(NULL, missing + PAGE_BYTES, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (filling == MAP_FAILED)
        _exit(3);
    madvise(filling, missing, MADV_NOHUGEPAGE);
    memset(filling, 1, missing);
}

_Noreturn void agent_run(const struct attack *attack, enum watcher watcher, struct trial *trial)
{
    char usage[1300];
    agent.attack = attack;
    agent.trial = trial;
    if (!demo_cgroup_enter(&agent.cgroup, LIMIT_BYTES)) {
        memcpy(trial->why_not, agent.cgroup.why_not, sizeof(trial->why_not));
        _exit(4);
    }
    memcpy(trial->cgroup, agent.cgroup.path, sizeof(agent.cgroup.path));
    snprintf(usage, sizeof(usage), "%s/memory.usage_in_bytes", agent.cgroup.path);
    agent.usage_fd = open(usage, O_RDONLY | O_CLOEXEC);
    if (agent.usage_fd < 0)
        _exit(4);
    start_watcher(watcher);
    start_attack();
    if (attack->bytes_per_s != 0)
        prefill();
    /* At any moment between two ticks. */
    sleep_ns(250 * VAGUS_MILLISECOND_NS + vagus_now_ns() % (100 * VAGUS_MILLISECOND_NS));
    uint64_t used = usage_bytes();
    agent.rule_at_bytes = used < RULE_BYTES ? RULE_BYTES - used : 1;
    atomic_store(&trial->attacked, true);
    atomic_store(&agent.go, true);
    int64_t until_ns = vagus_now_ns() + GIVE_UP_NS;
    while (atomic_load(&trial->relieved) == 0 && vagus_now_ns() < until_ns)
        sleep_ns(5 * VAGUS_MILLISECOND_NS);
    sleep_ns(50 * VAGUS_MILLISECOND_NS); /* what else there is to come */
    atomic_store(&trial->peak_bytes, read_number("memory.max_usage_in_bytes"));
    _exit(atomic_load(&trial->relieved) != 0 ? 0 : 5);
}
