/* SPDX-License-Identifier: Apache-2.0 */
/* Every parser of kernel text over any bytes. They all read the same input: each is fast, and what
 * one of them learns to reach the others may use. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "host/cgroup_levels.h"
#include "host/numa.h"
#include "host/parse.h"
#include "host/pressure.h"
#include "host/procfs.h"
#include "host/sensors.h"
#include "host/sockets.h"
#include "host/status.h"
#include "host/tasks.h"
#include "host/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse_cgroup_files(const char *text, size_t size)
{
    struct host_cgroup_throttling throttling;
    struct host_cgroup_memory_events events;
    bool frozen;
    for (int version = HOST_CGROUP_V1; version <= HOST_CGROUP_V2; version++) {
        host_parse_throttling(text, size, (enum host_cgroup_version)version, &throttling);
        host_parse_frozen(text, size, (enum host_cgroup_version)version, &frozen);
    }
    host_parse_memory_events(text, size, &events);
    host_parse_oom_control(text, size, &events);
}

static void parse_cpu_files(const char *text, size_t size)
{
    struct host_cpu_times times = {0}, none = {0};
    struct host_pressure pressure;
    double shares[HOST_CPU_STATES], value;
    uint64_t cpu;
    if (host_parse_core_times(text, size, &cpu, &times) == 0 &&
        host_cpu_shares(&none, &times, shares))
        for (unsigned i = 0; i < HOST_CPU_STATES; i++)
            if (!(shares[i] >= 0 && shares[i] <= 1))
                __builtin_trap();
    if (host_parse_pressure(text, size, &pressure) == 0 &&
        ((!pressure.some.known && !pressure.full.known) ||
         !(pressure.some.avg10_ratio >= 0 && pressure.full.avg10_ratio <= 1)))
        __builtin_trap();
    if (host_parse_temperature(text, size, &value) == 0 && !(value >= -1000 && value <= 1000))
        __builtin_trap();
    if (host_parse_cpuinfo_frequency(text, size, &value) == 0 && !(value >= 0))
        __builtin_trap();
}

static void parse_status(const char *text, size_t size)
{
    struct host_process_memory memory;
    struct host_paging paging;
    struct host_memory_detail huge;
    struct host_switches switches;
    int64_t number;
    if (host_parse_process_memory(text, size, &memory) == 0 && memory.peak_bytes == HOST_UNTOLD)
        __builtin_trap();
    host_parse_paging(text, size, 4096, &paging);
    if (host_parse_memory_detail(text, size, &huge) == 0 && huge.huge_total_bytes != HOST_UNTOLD &&
        huge.huge_free_bytes > huge.huge_total_bytes)
        __builtin_trap();
    host_parse_switches(text, size, &switches);
    host_parse_signed_file(text, size, &number);
}

static void parse_nodes_and_tree(const char *text, size_t size)
{
    static const unsigned numbers[] = {0, 3};
    struct host_numa numa;
    struct host_tree_process process;
    uint64_t bytes[2];
    int32_t pids[4];
    size_t count;
    if (host_parse_numa(text, size, &numa) == 0 && numa.free_bytes > numa.total_bytes)
        __builtin_trap();
    host_parse_numa_cgroup(text, size, 4096, numbers, 2, bytes);
    if (host_parse_tree_process(text, size, 100, &process) == 0 && process.pid <= 0)
        __builtin_trap();
    if (host_parse_children(text, size, pids, 4, &count) == 0 && count > size)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct host_cpu_times times;
    struct host_memory memory;
    struct host_process process;
    struct host_process_size process_size;
    struct host_limits limits;
    struct host_cgroup_mount mount;
    char path[256];
    uint64_t number;
    double value;
    /* A copy of exactly this size, so that one byte too far is noticed. */
    char *text = malloc(size > 0 ? size : 1);
    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    struct parse whole = parse_text(text, size);

    host_parse_cpu_times(text, size, &times);
    parse_cpu_files(text, size);
    parse_cgroup_files(text, size);
    if (host_parse_memory(text, size, true, &memory) == 0 &&
        (memory.available_bytes > memory.total_bytes || memory.total_bytes == 0))
        __builtin_trap();
    host_parse_process(text, size, 4096, 100, &process);
    host_parse_process_size(text, size, 4096, &process_size);
    host_parse_limits(text, size, &limits);
    if (host_parse_cgroup_path(text, size, "memory", path, sizeof(path)) == 0 && path[0] != '/')
        __builtin_trap();
    host_parse_cgroup_path(text, size, "", path, sizeof(path));
    if (host_parse_cgroup_mount(text, size, "memory", &mount) && mount.root[0] != '/')
        __builtin_trap();
    host_parse_cgroup_mount(text, size, "", &mount);
    if (host_parse_cpu_max(text, size, &value) == 0 && !(value > 0))
        __builtin_trap();
    struct host_socket socket;
    struct host_tasks tasks;
    host_parse_socket(text, size, false, &socket);
    host_parse_socket(text, size, true, &socket);
    host_parse_tasks(text, size, &tasks);
    parse_number_file(text, size, &number);
    parse_keyed_u64(text, size, "inactive_file", &number);
    parse_list_count(whole, &number);
    if (parse_decimal(&whole, &value) && !(value >= 0 && value < 1e16))
        __builtin_trap();
    parse_status(text, size);
    parse_nodes_and_tree(text, size);
    free(text);
    return 0;
}
