/* SPDX-License-Identifier: Apache-2.0 */
/* The floor below all systems, tried on this one by leaving Linux's readers out: what it tells is
 * true, and what it cannot tell is unknown, never 0. */
#include "check.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "host/cgroup.h"
#include "host/host.h"
#include "host/network.h"
#include "host/paths.h"
#include "host/procfs.h"
#include "host/statgrab.h"
#include "vagus/vagus.h"

static struct host *host;

static void machine(void)
{
    struct host_memory memory;
    struct host_cpu_times before, after;
    struct host_identity identity;
    double load = -1;
    uint64_t cpus = 0;
    CHECK_EQ(host_memory(host, &memory), 0);
    CHECK_EQ(memory.total_bytes, (long long)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE));
    CHECK(memory.available_bytes > 0 && memory.available_bytes < memory.total_bytes);
    CHECK(memory.available_estimated);
    CHECK_EQ(host_cpu_times(host, &before), 0);
    for (struct timespec used = {0}; used.tv_sec == 0 && used.tv_nsec < 50000000;)
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    CHECK_EQ(host_cpu_times(host, &after), 0);
    CHECK(after.user + after.system > before.user + before.system);
    CHECK_EQ(host_load(host, &load), 0);
    CHECK(load >= 0);
    CHECK_EQ(host_identity(host, &identity), 0);
    CHECK(identity.os[0] != '\0');
    CHECK_EQ(host_cpus(host, &cpus), 0);
    CHECK_EQ(cpus, sysconf(_SC_NPROCESSORS_ONLN));
}

static void process(void)
{
    struct host_limits limits;
    struct rlimit files;
    uint64_t cpu_ns = 0, before = 0, after = 0;
    CHECK_EQ(host_process_cpu_ns(host, &cpu_ns), 0);
    CHECK(cpu_ns > 0);
    REQUIRE(getrlimit(RLIMIT_NOFILE, &files) == 0);
    files.rlim_cur = files.rlim_max < 1000 ? files.rlim_max : 1000;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &files) == 0);
    CHECK_EQ(host_limits(host, &limits), 0);
    CHECK_EQ(limits.descriptors, files.rlim_cur);
    CHECK_EQ(host_descriptor_count(host, &before), 0);
    int opened = open("/", O_RDONLY | O_CLOEXEC);
    CHECK_EQ(host_descriptor_count(host, &after), 0);
    CHECK_EQ(after, before + 1);
    close(opened);
}

static void affinity(void)
{
    uint64_t cpus = 0;
    cpu_set_t all, one;
    REQUIRE(sched_getaffinity(0, sizeof(all), &all) == 0);
    CHECK_EQ(host_affinity(host, &cpus), 0);
    CHECK_EQ(cpus, CPU_COUNT(&all));
    CPU_ZERO(&one);
    for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
        if (CPU_ISSET(i, &all))
            CPU_SET(i, &one);
    REQUIRE(sched_setaffinity(0, sizeof(one), &one) == 0);
    CHECK_EQ(host_affinity(host, &cpus), 0);
    CHECK_EQ(cpus, 1);
    CHECK_EQ(sched_setaffinity(0, sizeof(all), &all), 0);
}

static uint64_t loopback_bytes;

static void note_loopback(void *arg, const struct host_interface *interface)
{
    (void)arg;
    CHECK((interface->untold & 1u << HOST_RECEIVE_DROPS) != 0);
    if (strcmp(interface->name, "lo") == 0)
        loopback_bytes = interface->counts[HOST_RECEIVED_BYTES];
}

/* What goes to oneself comes back by the loopback interface. */
static void network(void)
{
    char packet[512] = "";
    uint64_t count = 0;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK_EQ(host_interfaces(host, note_loopback, NULL, &count), 0);
    if (count == 0 || sender < 0)
        SKIP_TEST("no network interface here");
    uint64_t before = loopback_bytes;
    for (int i = 0; i < 100; i++)
        sendto(sender, packet, sizeof(packet), 0, (struct sockaddr *)&to, sizeof(to));
    close(sender);
    CHECK_EQ(host_interfaces(host, note_loopback, NULL, &count), 0);
    CHECK(loopback_bytes >= before + sizeof(packet));
}

static void unknown_is_not_zero(void)
{
    struct host_process told = {.threads = 7};
    struct host_cgroup_memory levels[HOST_CGROUP_DEPTH_MAX];
    struct host_cgroup_place place;
    unsigned count = 7;
    double cores = 7;
    uint64_t value = 7;
    CHECK_EQ(host_process(host, &told), VAGUS_EUNSUPPORTED);
    CHECK_EQ(told.threads, 7);
    CHECK_EQ(host_cgroup_memory(host, levels, &count), VAGUS_EUNSUPPORTED);
    CHECK_EQ(host_cgroup_cpu_quota(host, &cores), VAGUS_EUNSUPPORTED);
    CHECK_EQ(host_uptime_ns(host, &value), VAGUS_EUNSUPPORTED);
    CHECK_EQ(count, 7);
    CHECK_EQ(value, 7);
    CHECK_NEAR(cores, 7, 0);
    host_cgroup_memory_place(host, &place);
    CHECK_EQ(place.version, HOST_CGROUP_NONE);
    CHECK_STR(place.directory, "");
}

static enum vagus_state state_of(struct vagus_monitor *monitor, const char *name)
{
    struct vagus_reading reading;
    if (vagus_reading_get(monitor, name, NULL, &reading) != 0)
        return VAGUS_STATE_NEVER;
    return vagus_reading_state(&reading, vagus_now_ns());
}

/* A monitor lives on it: rules are judged, health tells what is unknown. */
static void a_monitor_says_what_is_unknown(void)
{
    struct vagus_monitor *monitor;
    static char text[131072];
    struct vagus_monitor_options options = {.size = sizeof(options),
                                            .flags = VAGUS_ANONYMOUS_SEGMENT};
    REQUIRE(vagus_monitor_open(&options, &monitor) == 0);
    CHECK_EQ(vagus_monitor_start(monitor), 0);
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
    CHECK_EQ(state_of(monitor, "memory.headroom"), VAGUS_STATE_OK);
    CHECK_EQ(state_of(monitor, "system.cpu.load_average.1m"), VAGUS_STATE_OK);
    CHECK_EQ(state_of(monitor, "process.cpu.time"), VAGUS_STATE_OK);
    CHECK_EQ(state_of(monitor, "process.memory.usage"), VAGUS_STATE_UNSUPPORTED);
    CHECK_EQ(state_of(monitor, "process.thread.count"), VAGUS_STATE_UNSUPPORTED);
    CHECK_EQ(state_of(monitor, "process.uptime"), VAGUS_STATE_UNSUPPORTED);
    CHECK_EQ(vagus_health_format(monitor, VAGUS_HEALTH_JSON, text, sizeof(text), NULL), 0);
    CHECK_CONTAINS(text, "\"unsupported\"");
    CHECK_EQ(vagus_monitor_close(monitor), 0);
}

int main(void)
{
    if (host_open(NULL, &host) != 0)
        return 1;
    RUN(machine);
    RUN(process);
    RUN(affinity);
    RUN(network);
    RUN(unknown_is_not_zero);
    RUN(a_monitor_says_what_is_unknown);
    host_unref(host);
    return check_result();
}
