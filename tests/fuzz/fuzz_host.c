/* SPDX-License-Identifier: Apache-2.0 */
/* Every parser of kernel text over any bytes. They all read the same input: each is fast, and what
 * one of them learns to reach the others may use. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "host/cgroup.h"
#include "host/numa.h"
#include "host/parse.h"
#include "host/procfs.h"
#include "host/status.h"
#include "host/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
