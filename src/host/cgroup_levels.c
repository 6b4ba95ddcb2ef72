/* SPDX-License-Identifier: Apache-2.0 */
/* Each level of the cgroup ancestry by itself, and the events of the process's own cgroup. */
#include "host/cgroup_levels.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/inside.h"
#include "host/parse.h"

/* v1 writes "no limit" as 2^63 rounded down to pages. */
#define NO_LIMIT (UINT64_C(1) << 60)

static struct cgroup_tree *tree_of(struct host *host, enum host_cgroup_controller controller)
{
    return controller == HOST_CGROUP_MEMORY ? &host->memory
           : controller == HOST_CGROUP_CPU  ? &host->cpu
                                            : &host->pids;
}

/* A level's share of the directory; 0 beyond the last. Trees that are folders alone have levels by
 * their slashes. */
static size_t level_length(const struct cgroup_tree *tree, unsigned level)
{
    if (tree->level_count > 0)
        return level < tree->level_count ? tree->levels[level].directory_length : 0;
    if (tree->error != 0)
        return 0;
    size_t length = strlen(tree->directory);
    for (; level > 0; level--) {
        if (length <= tree->mount_length)
            return 0;
        do
            length--;
        while (length > tree->mount_length && tree->directory[length] != '/');
    }
    return length;
}

unsigned host_cgroup_level_count(struct host *host, enum host_cgroup_controller controller)
{
    return tree_of(host, controller)->level_count;
}

unsigned host_cgroup_level_path(struct host *host, enum host_cgroup_controller controller,
                                unsigned level, char *path, size_t capacity)
{
    const struct cgroup_tree *tree = tree_of(host, controller);
    /* The directory may show a part of the hierarchy alone; from below both end alike. */
    size_t cut = strlen(tree->directory) - level_length(tree, level);
    size_t length = strlen(tree->path);
    length = length > cut ? length - cut : 0;
    if (length == 0 || (length == 1 && tree->path[0] == '/')) {
        snprintf(path, capacity, "/");
        return 0;
    }
    snprintf(path, capacity, "%.*s", (int)length, tree->path);
    unsigned depth = 0;
    for (size_t i = 0; i < length; i++)
        depth += tree->path[i] == '/';
    return depth;
}

/* Opened, read once and closed again. */
static int read_aside(struct host *host, const struct cgroup_tree *tree, size_t directory_length,
                      const char *name, char *text, size_t capacity, size_t *length)
{
    struct host_file file = {
        .directory = tree->directory, .directory_length = directory_length, .name = name};
    host_file_open(host, &file);
    int error = file.error != 0 ? file.error : host_file_read(host, &file, text, capacity, length);
    host_file_close(&file);
    return error;
}

/* Where there is no such file there is no such limit: the root of a hierarchy has none. The file is
 * opened when it is first asked for, and stays open. */
static int read_number(struct host *host, const struct cgroup_tree *tree,
                       const struct cgroup_level *level, struct host_file *file, const char *name,
                       double *number)
{
    char text[64];
    size_t length;
    uint64_t value;
    if (file->name == NULL) {
        *file = (struct host_file){.directory = tree->directory,
                                   .directory_length = level->directory_length,
                                   .name = name};
        host_file_open(host, file);
    }
    int error = host_file_read(host, file, text, sizeof(text), &length);
    if (error == VAGUS_EUNSUPPORTED)
        return 0;
    if (error != 0)
        return error;
    if (!parse_number_file(text, length, &value))
        return VAGUS_EPARSE;
    *number = value < NO_LIMIT ? (double)value : INFINITY;
    return 0;
}

static int first_of(int a, int b)
{
    return a != 0 ? a : b;
}

int host_cgroup_level_limit(struct host *host, enum host_cgroup_controller controller,
                            unsigned number, struct host_cgroup_limit *limit)
{
    struct cgroup_tree *tree = tree_of(host, controller);
    struct host_cgroup_limit found = {INFINITY, INFINITY, NAN};
    int error = 0;
    if (tree->error != 0)
        return tree->error;
    if (number >= tree->level_count)
        return VAGUS_EINVAL;
    struct cgroup_level *level = &tree->levels[number];
    bool v2 = tree->version == HOST_CGROUP_V2;
    if (controller == HOST_CGROUP_CPU) {
        error = host_cgroup_level_quota(host, number, &found.limit);
    } else if (controller == HOST_CGROUP_PIDS) {
        error =
            first_of(read_number(host, tree, level, &level->limit, "/pids.max", &found.limit),
                     read_number(host, tree, level, &level->usage, "/pids.current", &found.usage));
    } else {
        const char *usage = v2 ? "/memory.current" : "/memory.usage_in_bytes";
        error = first_of(read_number(host, tree, level, &level->limit, NULL, &found.limit),
                         read_number(host, tree, level, &level->usage, usage, &found.usage));
        if (v2 && error == 0)
            error = read_number(host, tree, level, &level->high, "/memory.high", &found.high);
    }
    if (error == 0)
        *limit = found;
    return error;
}

/* v2 has the file only where the controller was handed down; "effective" came to v1 with 3.17. */
int host_cgroup_cpuset(struct host *host, uint64_t *cpus)
{
    static const char *const names[] = {"/cpuset.cpus.effective", "/cpuset.effective_cpus",
                                        "/cpuset.cpus"};
    const struct cgroup_tree *tree = &host->cpuset;
    char text[4096];
    size_t length, directory_length;
    for (unsigned level = 0; (directory_length = level_length(tree, level)) > 0; level++)
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
            if (read_aside(host, tree, directory_length, names[i], text, sizeof(text), &length) ==
                    0 &&
                length > 0 && text[length - 1] == '\n' &&
                parse_list_count(parse_text(text, length), cpus))
                return 0;
    return VAGUS_EUNSUPPORTED;
}

/* --- What happened in the process's own cgroup --- */

int host_parse_throttling(const char *text, size_t length, enum host_cgroup_version version,
                          struct host_cgroup_throttling *throttling)
{
    bool v2 = version == HOST_CGROUP_V2;
    struct host_cgroup_throttling found = {0};
    uint64_t time;
    if (!parse_keyed_u64(text, length, "nr_periods", &found.periods) ||
        !parse_keyed_u64(text, length, "nr_throttled", &found.throttled_periods) ||
        !parse_keyed_u64(text, length, v2 ? "throttled_usec" : "throttled_time", &time) ||
        __builtin_mul_overflow(time, v2 ? UINT64_C(1000) : UINT64_C(1), &found.throttled_ns))
        return VAGUS_EPARSE;
    *throttling = found;
    return 0;
}

int host_cgroup_throttling(struct host *host, struct host_cgroup_throttling *throttling)
{
    struct cgroup_tree *tree = &host->cpu;
    char text[1024];
    size_t length;
    unsigned binding = tree->binding;
    if (tree->error != 0)
        return tree->error;
    if (binding >= tree->level_count)
        return VAGUS_EUNSUPPORTED;
    struct host_file *file = &tree->levels[binding].statistics;
    if (file->name == NULL) {
        *file = (struct host_file){.directory = tree->directory,
                                   .directory_length = tree->levels[binding].directory_length,
                                   .name = "/cpu.stat"};
        host_file_open(host, file);
    }
    int error = host_file_read(host, file, text, sizeof(text), &length);
    if (error == 0)
        error = host_parse_throttling(text, length, tree->version, throttling);
    if (error == 0)
        throttling->source = tree->epoch * HOST_CGROUP_DEPTH_MAX + binding;
    return error;
}

/* The number after a key that came with a later kernel. False if it is there but damaged. */
static bool parse_later(const char *text, size_t length, const char *key, uint64_t *value)
{
    struct parse rest = parse_text(text, length), line;
    while (parse_line(&rest, &line, NULL))
        if (parse_literal(&line, key) && line.at < line.end && *line.at == ' ')
            return parse_keyed_u64(text, length, key, value);
    *value = HOST_CGROUP_UNTOLD;
    return text[length - 1] == '\n';
}

int host_parse_memory_events(const char *text, size_t length,
                             struct host_cgroup_memory_events *events)
{
    struct host_cgroup_memory_events found;
    if (!parse_keyed_u64(text, length, "low", &found.low) ||
        !parse_keyed_u64(text, length, "high", &found.high) ||
        !parse_keyed_u64(text, length, "max", &found.max) ||
        !parse_keyed_u64(text, length, "oom", &found.oom) ||
        !parse_later(text, length, "oom_kill", &found.oom_kill))
        return VAGUS_EPARSE;
    *events = found;
    return 0;
}

int host_parse_oom_control(const char *text, size_t length,
                           struct host_cgroup_memory_events *events)
{
    uint64_t kills, under;
    if (!parse_keyed_u64(text, length, "under_oom", &under) ||
        !parse_later(text, length, "oom_kill", &kills))
        return VAGUS_EPARSE;
    *events = (struct host_cgroup_memory_events){HOST_CGROUP_UNTOLD, HOST_CGROUP_UNTOLD,
                                                 HOST_CGROUP_UNTOLD, HOST_CGROUP_UNTOLD, kills};
    return 0;
}

int host_cgroup_memory_events(struct host *host, struct host_cgroup_memory_events *events)
{
    struct host_cgroup_memory_events found;
    bool v1 = host->memory.version == HOST_CGROUP_V1;
    char text[512];
    size_t length;
    if (host->memory.error != 0)
        return host->memory.error;
    int error = host_file_read(host, &host->memory_events, text, sizeof(text), &length);
    if (error == 0)
        error = v1 ? host_parse_oom_control(text, length, &found)
                   : host_parse_memory_events(text, length, &found);
    if (error == 0 && v1) {
        error = host_file_read(host, &host->memory_failures, text, sizeof(text), &length);
        if (error == 0 && !parse_number_file(text, length, &found.max))
            error = VAGUS_EPARSE;
    }
    if (error == 0)
        *events = found;
    return error;
}

int host_parse_frozen(const char *text, size_t length, enum host_cgroup_version version,
                      bool *frozen)
{
    struct parse rest = parse_text(text, length), line;
    uint64_t value;
    if (version == HOST_CGROUP_V2) {
        if (!parse_keyed_u64(text, length, "frozen", &value) || value > 1)
            return VAGUS_EPARSE;
        *frozen = value == 1;
        return 0;
    }
    bool whole;
    if (!parse_line(&rest, &line, &whole) || !whole)
        return VAGUS_EPARSE;
    bool thawed = parse_equals(line, "THAWED");
    if (!thawed && !parse_equals(line, "FROZEN") && !parse_equals(line, "FREEZING"))
        return VAGUS_EPARSE;
    *frozen = !thawed;
    return 0;
}

int host_cgroup_frozen(struct host *host, bool *frozen)
{
    char text[256];
    size_t length;
    if (host->freezer.error != 0)
        return host->freezer.error;
    int error = host_file_read(host, &host->frozen, text, sizeof(text), &length);
    return error != 0 ? error : host_parse_frozen(text, length, host->freezer.version, frozen);
}

/* Of v1 only the true root has release_agent; of v2 only the others have cgroup.events. */
int host_cgroup_hidden(struct host *host, bool *hidden)
{
    const struct cgroup_tree *tree = host->memory.error == 0 ? &host->memory : &host->unified;
    char path[PATH_MAX];
    /* The kernel tells a path that no mount here shows. */
    if (host->memory.version != HOST_CGROUP_NONE && host->memory.directory[0] == '\0') {
        *hidden = true;
        return 0;
    }
    if (tree->error != 0)
        return tree->error;
    bool v1 = tree->version == HOST_CGROUP_V1;
    int length = snprintf(path, sizeof(path), "%.*s/%s", (int)tree->mount_length, tree->directory,
                          v1 ? "release_agent" : "cgroup.events");
    if (length < 0 || (size_t)length >= sizeof(path))
        return VAGUS_EUNSUPPORTED;
    bool found = faccessat(host->root_fd, path + strspn(path, "/"), F_OK, 0) == 0;
    *hidden = v1 ? !found : found;
    return 0;
}

/* --- Life --- */

/* Its files are opened when they are first asked for. */
void host_cgroup_pids_follow(struct host *host)
{
    struct cgroup_tree *tree = &host->pids;
    size_t length;
    unsigned count = 0;
    while (count < HOST_CGROUP_DEPTH_MAX && (length = level_length(tree, count)) > 0)
        tree->levels[count++] = (struct cgroup_level){.directory_length = length};
    tree->level_count = count;
}

static void open_own(struct host *host, const struct cgroup_tree *tree, size_t directory_length,
                     struct host_file *file, const char *name)
{
    host_file_close(file);
    if (tree->error != 0)
        return;
    *file = (struct host_file){
        .directory = tree->directory, .directory_length = directory_length, .name = name};
    host_file_open(host, file);
}

void host_cgroup_levels_follow(struct host *host)
{
    const struct cgroup_tree *memory = &host->memory, *freezer = &host->freezer;
    bool v1 = memory->version == HOST_CGROUP_V1;
    /* The nearest level that has the controller: where v2 hands it down no further, this counts. */
    open_own(host, memory, level_length(memory, 0), &host->memory_events,
             v1 ? "/memory.oom_control" : "/memory.events");
    open_own(host, memory, level_length(memory, 0), &host->memory_failures, "/memory.failcnt");
    open_own(host, freezer, level_length(freezer, 0), &host->frozen,
             freezer->version == HOST_CGROUP_V1 ? "/freezer.state" : "/cgroup.events");
}

void host_cgroup_levels_close(struct host *host)
{
    host_file_close(&host->memory_events);
    host_file_close(&host->memory_failures);
    host_file_close(&host->frozen);
}
