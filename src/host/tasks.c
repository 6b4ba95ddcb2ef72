/* SPDX-License-Identifier: Apache-2.0 */
/* Threads and processes of the machine, from loadavg and from the end of stat. */
#include "host/tasks.h"

#include <string.h>

#include "host/inside.h"
#include "host/parse.h"

/* 512 CPUs with 4,096 interrupts take some 100 KiB. */
#define STAT_BYTES_MAX (UINT64_C(4) << 20)

int host_parse_tasks(const char *text, size_t length, struct host_tasks *tasks)
{
    struct parse rest = parse_text(text, length);
    struct host_tasks found;
    /* "0.20 0.18 0.12 1/80 11206" */
    if (!parse_skip_words(&rest, 3) || !parse_u64(&rest, &found.runnable) ||
        !parse_literal(&rest, "/") || !parse_u64(&rest, &found.threads))
        return VAGUS_EPARSE;
    *tasks = found;
    return 0;
}

int host_tasks(struct host *host, struct host_tasks *tasks)
{
    char text[256];
    size_t length;
    int error = host_file_read(host, &host->loadavg, text, sizeof(text), &length);
    return error != 0 ? error : host_parse_tasks(text, length, tasks);
}

int host_births(struct host *host, struct host_births *births)
{
    struct host_births found = {0};
    bool created = false, blocked = false;
    size_t kept = 0, count = 1;
    for (uint64_t offset = 0; count > 0 && offset < STAT_BYTES_MAX; offset += count) {
        int error = host_file_read_at(host, &host->stat, host->scratch + kept,
                                      sizeof(host->scratch) - kept, offset, &count);
        if (error != 0)
            return error;
        struct parse rest = parse_text(host->scratch, kept + count), line;
        bool whole = true;
        kept = 0;
        while (parse_line(&rest, &line, &whole)) {
            if (!whole)
                break;
            line.end++; /* the newline ends the number */
            struct parse value = line;
            if (parse_literal(&value, "processes "))
                created = parse_u64(&value, &found.created);
            value = line;
            if (parse_literal(&value, "procs_blocked "))
                blocked = parse_u64(&value, &found.blocked);
        }
        /* A piece of a line longer than the scratch (the interrupts) is passed over. */
        if (!whole && (size_t)(line.end - line.at) < sizeof(host->scratch)) {
            kept = (size_t)(line.end - line.at);
            memmove(host->scratch, line.at, kept);
        }
    }
    if (!created || !blocked)
        return VAGUS_EPARSE;
    *births = found;
    return 0;
}
