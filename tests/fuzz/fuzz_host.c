/* SPDX-License-Identifier: Apache-2.0 */
/* Every parser of kernel text over any bytes. They all read the same input: each is fast, and what
 * one of them learns to reach the others may use. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "host/cgroup.h"
#include "host/parse.h"
#include "host/procfs.h"
#include "host/sockets.h"
#include "host/tasks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
    free(text);
    return 0;
}
