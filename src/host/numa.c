/* SPDX-License-Identifier: Apache-2.0 */
/* Memory by NUMA node, from node<N>/meminfo and the cgroup's memory.numa_stat. */
#include "host/numa.h"

#include <stdio.h>
#include <string.h>

#include "host/inside.h"
#include "host/parse.h"

unsigned host_numa_count(const struct host *host)
{
    return host->numa_count;
}

unsigned host_numa_surplus(const struct host *host)
{
    return host->numa_surplus;
}

unsigned host_numa_number(const struct host *host, unsigned index)
{
    return index < host->numa_count ? host->numa[index].number : 0;
}

/* "Node 0 MemTotal:        6514892 kB". */
static bool node_value(struct parse line, const char *key, uint64_t *bytes)
{
    uint64_t node, kib;
    line.end++; /* the newline */
    return parse_literal(&line, "Node ") && parse_u64(&line, &node) && parse_literal(&line, " ") &&
           parse_literal(&line, key) && parse_u64(&line, &kib) && parse_equals(line, " kB\n") &&
           !__builtin_mul_overflow(kib, UINT64_C(1024), bytes);
}

int host_parse_numa(const char *text, size_t length, struct host_numa *memory)
{
    struct parse rest = parse_text(text, length), line;
    struct host_numa m;
    bool whole, total = false, idle = false;
    while (!(total && idle) && parse_line(&rest, &line, &whole) && whole) {
        total = total || node_value(line, "MemTotal:", &m.total_bytes);
        idle = idle || node_value(line, "MemFree:", &m.free_bytes);
    }
    if (!total || !idle || m.free_bytes > m.total_bytes)
        return VAGUS_EPARSE;
    *memory = m;
    return 0;
}

int host_numa_memory(struct host *host, unsigned index, struct host_numa *memory)
{
    char text[2048];
    size_t length;
    if (index >= host->numa_count)
        return VAGUS_EINVAL;
    int error = host_file_read(host, &host->numa[index].meminfo, text, sizeof(text), &length);
    return error != 0 ? error : host_parse_numa(text, length, memory);
}

/* Adds the numbers of one line, " N0=6268 N1=0", to those wanted. */
static bool add_nodes(struct parse line, uint64_t unit, const unsigned *numbers, unsigned count,
                      uint64_t *bytes)
{
    while (line.at < line.end && *line.at != '\n') {
        uint64_t node, amount;
        if (!parse_literal(&line, " N") || !parse_u64(&line, &node) || !parse_literal(&line, "=") ||
            !parse_u64(&line, &amount) || __builtin_mul_overflow(amount, unit, &amount))
            return false;
        for (unsigned i = 0; i < count; i++)
            if (numbers[i] == node && __builtin_add_overflow(bytes[i], amount, &bytes[i]))
                return false;
    }
    return true;
}

/* v2 tells each kind of memory, "anon N0=4096"; v1 all of it in pages, "total=1 N0=1", and since
 * 3.11 that of the children too. */
int host_parse_numa_cgroup(const char *text, size_t length, uint64_t unit, const unsigned *numbers,
                           unsigned count, uint64_t *bytes)
{
    uint64_t sums[HOST_NUMA_NODES_MAX] = {0};
    struct parse rest = parse_text(text, length), line;
    bool whole, any = false;
    uint64_t all;
    if (count > HOST_NUMA_NODES_MAX)
        return VAGUS_EINVAL;
    while (parse_line(&rest, &line, &whole)) {
        bool hierarchical = parse_literal(&line, "hierarchical_total=");
        bool own = !hierarchical && parse_literal(&line, "total=");
        if (!hierarchical && !own && !parse_literal(&line, "anon") && !parse_literal(&line, "file"))
            continue;
        if (!hierarchical && !own && line.at < line.end && *line.at != ' ')
            continue; /* "file_mapped", and v1's "anon=" */
        if (!whole)
            return VAGUS_EPARSE;
        line.end++;
        if ((hierarchical || own) && !parse_u64(&line, &all))
            return VAGUS_EPARSE;
        if (hierarchical)
            memset(sums, 0, sizeof(sums)); /* in place of its own alone */
        if (!add_nodes(line, unit, numbers, count, sums))
            return VAGUS_EPARSE;
        any = true;
    }
    if (!any)
        return VAGUS_EPARSE;
    memcpy(bytes, sums, count * sizeof(*bytes));
    return 0;
}

int host_numa_cgroup(struct host *host, uint64_t bytes[HOST_NUMA_NODES_MAX])
{
    const struct cgroup_tree *tree = &host->memory;
    unsigned numbers[HOST_NUMA_NODES_MAX];
    size_t length;
    if (tree->error != 0)
        return tree->error;
    for (unsigned i = 0; i < host->numa_count; i++)
        numbers[i] = host->numa[i].number;
    /* Opened anew, as the process may have been moved meanwhile. */
    struct host_file file = {.directory = tree->directory,
                             .directory_length = strlen(tree->directory),
                             .name = "/memory.numa_stat"};
    host_file_open(host, &file);
    int error = host_file_read(host, &file, host->scratch, sizeof(host->scratch), &length);
    host_file_close(&file);
    if (error != 0)
        return error;
    uint64_t unit = tree->version == HOST_CGROUP_V1 ? (uint64_t)host->page_bytes : 1;
    return host_parse_numa_cgroup(host->scratch, length, unit, numbers, host->numa_count, bytes);
}

void host_numa_add(struct host *host, unsigned number)
{
    if (host->numa_count == HOST_NUMA_NODES_MAX) {
        host->numa_surplus++;
        return;
    }
    host->numa[host->numa_count++].number = number;
}

/* "0-3,8": the kernel has at most 1,024 of them. */
static void add_online(struct host *host)
{
    char text[4096];
    size_t length;
    uint64_t count, first, last;
    struct host_file file = {.name = "sys/devices/system/node/online"};
    host_file_open(host, &file);
    int error = host_file_read(host, &file, text, sizeof(text), &length);
    host_file_close(&file);
    struct parse rest = parse_text(text, length);
    if (error != 0 || !parse_list_count(rest, &count) || count > 1024)
        return;
    while (parse_u64(&rest, &first)) {
        last = first;
        if (parse_literal(&rest, "-") && !parse_u64(&rest, &last))
            return;
        for (; first <= last; first++)
            host_numa_add(host, (unsigned)first);
        if (!parse_literal(&rest, ","))
            return;
    }
}

void host_numa_open(struct host *host)
{
    if (host->numa_count == 0)
        add_online(host);
    for (unsigned i = 0; i < host->numa_count; i++) {
        struct numa_node *node = &host->numa[i];
        snprintf(node->name, sizeof(node->name), "sys/devices/system/node/node%u/meminfo",
                 node->number);
        node->meminfo.name = node->name;
        host_file_open(host, &node->meminfo);
    }
}

void host_numa_close(struct host *host)
{
    for (unsigned i = 0; i < host->numa_count; i++)
        host_file_close(&host->numa[i].meminfo);
}
