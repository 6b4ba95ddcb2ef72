/* SPDX-License-Identifier: Apache-2.0 */
/* Pressure stall information: two lines of text in each file, which stays open. */
#include "host/pressure.h"

#include <stdio.h>
#include <string.h>

#include "host/inside.h"
#include "host/parse.h"

static const char *const names[HOST_PRESSURE_SCOPES][HOST_PRESSURE_KINDS] = {
    {"proc/pressure/cpu", "proc/pressure/memory", "proc/pressure/io", "proc/pressure/irq"},
    {"/cpu.pressure", "/memory.pressure", "/io.pressure", "/irq.pressure"},
};

/* " avg10=0.52 avg60=0.10 avg300=0.02 total=12345\n", what stands before it being passed over. */
static bool parse_stall(struct parse line, struct host_stall *stall)
{
    double average, others;
    uint64_t total_us;
    line.end++; /* the newline ends the last number */
    if (!parse_literal(&line, " avg10=") || !parse_decimal(&line, &average) ||
        !parse_literal(&line, " avg60=") || !parse_decimal(&line, &others) ||
        !parse_literal(&line, " avg300=") || !parse_decimal(&line, &others) ||
        !parse_literal(&line, " total=") || !parse_u64(&line, &total_us) || average > 100)
        return false;
    *stall = (struct host_stall){true, total_us, average / 100};
    return true;
}

int host_parse_pressure(const char *text, size_t length, struct host_pressure *pressure)
{
    struct host_pressure found = {0};
    struct parse rest = parse_text(text, length), line;
    bool whole;
    while (parse_line(&rest, &line, &whole)) {
        struct host_stall *stall = parse_literal(&line, "some")   ? &found.some
                                   : parse_literal(&line, "full") ? &found.full
                                                                  : NULL;
        if (!whole || (stall != NULL && !parse_stall(line, stall)))
            return VAGUS_EPARSE;
    }
    if (!found.some.known && !found.full.known)
        return VAGUS_EPARSE;
    *pressure = found;
    return 0;
}

int host_pressure(struct host *host, enum host_pressure_scope scope, enum host_pressure_kind kind,
                  struct host_pressure *pressure)
{
    char text[512];
    size_t length;
    if (scope == HOST_PRESSURE_CGROUP && host->unified.error != 0)
        return host->unified.error;
    int error = host_file_read(host, &host->pressure[scope][kind], text, sizeof(text), &length);
    if (error == 0)
        error = host_parse_pressure(text, length, pressure);
    if (error == 0)
        pressure->epoch = scope == HOST_PRESSURE_CGROUP ? host->unified.epoch : 0;
    return error;
}

int host_pressure_path(const struct host *host, enum host_pressure_scope scope,
                       enum host_pressure_kind kind, char *path, size_t capacity)
{
    const struct host_file *file = &host->pressure[scope][kind];
    if (file->name == NULL || file->error == VAGUS_EUNSUPPORTED)
        return VAGUS_EUNSUPPORTED;
    int length = snprintf(path, capacity, "%.*s%s%s", (int)file->directory_length,
                          file->directory_length > 0 ? file->directory : "",
                          file->name[0] == '/' ? "" : "/", file->name);
    return length > 0 && (size_t)length < capacity ? 0 : VAGUS_EFULL;
}

void host_pressure_follow(struct host *host)
{
    for (unsigned kind = 0; kind < HOST_PRESSURE_KINDS; kind++) {
        struct host_file *file = &host->pressure[HOST_PRESSURE_CGROUP][kind];
        host_file_close(file);
        if (host->unified.error != 0)
            continue;
        *file = (struct host_file){.directory = host->unified.directory,
                                   .directory_length = strlen(host->unified.directory),
                                   .name = names[HOST_PRESSURE_CGROUP][kind]};
        host_file_open(host, file);
    }
}

void host_pressure_open(struct host *host)
{
    for (unsigned kind = 0; kind < HOST_PRESSURE_KINDS; kind++) {
        struct host_file *file = &host->pressure[HOST_PRESSURE_SYSTEM][kind];
        file->name = names[HOST_PRESSURE_SYSTEM][kind];
        host_file_open(host, file);
    }
}

void host_pressure_close(struct host *host)
{
    for (unsigned scope = 0; scope < HOST_PRESSURE_SCOPES; scope++)
        for (unsigned kind = 0; kind < HOST_PRESSURE_KINDS; kind++)
            host_file_close(&host->pressure[scope][kind]);
}
