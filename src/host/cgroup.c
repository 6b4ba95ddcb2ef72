/* SPDX-License-Identifier: Apache-2.0 */
/* Limits along the cgroup ancestry. A tree is one controller's hierarchy as this process sees it:
 * the levels from its own cgroup up to the root of the mount, each with its kept-open files. */
#include "host/cgroup.h"

#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "host/inside.h"
#include "host/parse.h"

/* v1 writes "no limit" as 2^63 rounded down to pages; no machine has 2^60 bytes. */
#define NO_LIMIT_BYTES (UINT64_C(1) << 60)
#define MOUNTINFO_BYTES_MAX (UINT64_C(4) << 20)

static const char *const limit_names[][3] = {
    [HOST_CGROUP_V1] = {"/memory.limit_in_bytes", "/memory.usage_in_bytes", "total_inactive_file"},
    [HOST_CGROUP_V2] = {"/memory.max", "/memory.current", "inactive_file"},
};

static void close_levels(struct cgroup_tree *tree)
{
    for (unsigned i = 0; i < tree->level_count; i++) {
        host_file_close(&tree->levels[i].limit);
        host_file_close(&tree->levels[i].usage);
        host_file_close(&tree->levels[i].statistics);
        host_file_close(&tree->levels[i].high);
    }
    tree->level_count = 0;
}

/* True if `path` is `root` or lies below it; *rest is what follows. */
static bool lies_below(const char *path, const char *root, const char **rest)
{
    size_t length = strcmp(root, "/") == 0 ? 0 : strlen(root);
    if (strncmp(path, root, length) != 0 || (path[length] != '\0' && path[length] != '/'))
        return false;
    *rest = path[length] == '/' && path[length + 1] == '\0' ? "" : path + length;
    return true;
}

/* The mount that shows most of the process's ancestry, into tree->directory; *mount_length is how
 * much of that is the mount point. mountinfo may be longer than the scratch: lines pass through. */
static int find_directory(struct host *host, struct cgroup_tree *tree, const char *controller,
                          size_t *mount_length)
{
    size_t kept = 0, best_root = SIZE_MAX, count;
    for (uint64_t offset = 0; offset < MOUNTINFO_BYTES_MAX; offset += count) {
        int error = host_file_read_at(host, &host->self_mountinfo, host->scratch + kept,
                                      sizeof(host->scratch) - kept, offset, &count);
        if (error != 0)
            return error;
        if (count == 0)
            break;
        struct parse rest = parse_text(host->scratch, kept + count), line;
        bool whole = true;
        kept = 0;
        while (parse_line(&rest, &line, &whole) && whole) {
            struct host_cgroup_mount mount;
            const char *below;
            if (!host_parse_cgroup_mount(line.at, (size_t)(line.end - line.at), controller,
                                         &mount) ||
                !lies_below(tree->path, mount.root, &below) || strlen(mount.root) >= best_root)
                continue;
            size_t point = strcmp(mount.point, "/") == 0 ? 0 : strlen(mount.point);
            if (point + strlen(below) >= sizeof(tree->directory))
                continue;
            best_root = strlen(mount.root);
            *mount_length = point;
            memcpy(tree->directory, mount.point, point);
            strcpy(tree->directory + point, below);
        }
        if (!whole && (size_t)(line.end - line.at) < sizeof(host->scratch)) {
            kept = (size_t)(line.end - line.at);
            memmove(host->scratch, line.at, kept);
        }
    }
    return best_root == SIZE_MAX ? VAGUS_EUNSUPPORTED : 0;
}

static void name_file(const struct cgroup_tree *tree, const struct cgroup_level *level,
                      struct host_file *file, const char *name)
{
    *file = (struct host_file){
        .directory = tree->directory, .directory_length = level->directory_length, .name = name};
}

static int read_number(struct host *host, struct host_file *file, uint64_t *number)
{
    char text[64];
    size_t length;
    int error = host_file_read(host, file, text, sizeof(text), &length);
    if (error != 0)
        return error == VAGUS_EUNSUPPORTED ? VAGUS_EIO : error;
    return parse_number_file(text, length, number) ? 0 : VAGUS_EPARSE;
}

static int read_limit(struct host *host, struct cgroup_tree *tree, struct cgroup_level *level)
{
    uint64_t limit;
    level->limit_error = read_number(host, &level->limit, &limit);
    if (level->limit_error != 0)
        return level->limit_error;
    level->limit_bytes = limit < NO_LIMIT_BYTES ? limit : HOST_UNLIMITED;
    if (level->limit_bytes != HOST_UNLIMITED && level->usage.name == NULL) {
        name_file(tree, level, &level->usage, limit_names[tree->version][1]);
        name_file(tree, level, &level->statistics, "/memory.stat");
        host_file_open(host, &level->usage);
        host_file_open(host, &level->statistics);
    }
    return 0;
}

/* Before Linux 5.11 a v1 parent may count its own processes alone; its limit binds no child then.
 */
static bool counts_children(struct host *host, const struct cgroup_tree *tree,
                            const struct cgroup_level *level)
{
    struct host_file file;
    char text[32];
    size_t length;
    uint64_t counts;
    name_file(tree, level, &file, "/memory.use_hierarchy");
    host_file_open(host, &file);
    bool told = file.error == 0 && host_file_read(host, &file, text, sizeof(text), &length) == 0 &&
                parse_number_file(text, length, &counts);
    host_file_close(&file);
    return !told || counts != 0;
}

/* Opens the limit file of each level that has one. */
static void open_levels(struct host *host, struct cgroup_tree *tree, size_t mount_length)
{
    bool memory = tree == &host->memory, v1 = tree->version == HOST_CGROUP_V1;
    const char *name = memory ? limit_names[tree->version][0]
                       : v1   ? "/cpu.cfs_quota_us"
                              : "/cpu.max";
    size_t length = strlen(tree->directory);
    while (tree->level_count < HOST_CGROUP_DEPTH_MAX) {
        struct cgroup_level *level = &tree->levels[tree->level_count];
        *level = (struct cgroup_level){.directory_length = length, .limit_bytes = HOST_UNLIMITED};
        if (memory && v1 && tree->level_count > 0 && !counts_children(host, tree, level))
            break;
        name_file(tree, level, &level->limit, name);
        host_file_open(host, &level->limit);
        if (level->limit.error == 0 || level->limit.error == VAGUS_EIO) {
            if (!memory && v1) {
                name_file(tree, level, &level->usage, "/cpu.cfs_period_us");
                host_file_open(host, &level->usage);
            }
            if (memory)
                read_limit(host, tree, level);
            tree->level_count++;
        }
        if (length <= mount_length)
            break;
        do
            length--;
        while (length > mount_length && tree->directory[length] != '/');
    }
}

static bool has_dots(const char *path)
{
    const char *found = strstr(path, "/..");
    return found != NULL && (found[3] == '/' || found[3] == '\0');
}

/* Takes note of the path that /proc/self/cgroup tells. False if nothing changed. */
static bool note_path(struct cgroup_tree *tree, enum host_cgroup_version version, const char *path,
                      int error)
{
    if (error == VAGUS_ENOENT)
        error = VAGUS_EUNSUPPORTED;
    if (error == 0 ? tree->version == version && strcmp(tree->path, path) == 0
                   : tree->version == HOST_CGROUP_NONE && tree->error == error)
        return false;
    close_levels(tree);
    tree->version = error == 0 ? version : HOST_CGROUP_NONE;
    tree->directory[0] = tree->path[0] = '\0';
    tree->binding = 0;
    tree->epoch++;
    tree->error = error;
    if (error == 0)
        strcpy(tree->path, path);
    return true;
}

/* Finds the folder of a path that was just noted, and opens its levels. */
static void follow_path(struct host *host, struct cgroup_tree *tree, const char *controller)
{
    if (tree->error != 0)
        return;
    size_t mount_length = 0;
    /* A path with dots leads out of the cgroup namespace, where nothing can be seen. */
    tree->error =
        has_dots(tree->path)
            ? VAGUS_EUNSUPPORTED
            : find_directory(host, tree, tree->version == HOST_CGROUP_V1 ? controller : "",
                             &mount_length);
    const char *below = tree->directory + strspn(tree->directory, "/");
    if (tree->error == 0 && faccessat(host->root_fd, below, F_OK, 0) != 0)
        tree->error = VAGUS_EUNSUPPORTED;
    tree->mount_length = mount_length;
    if (tree->error != 0)
        tree->directory[0] = '\0';
    else if (tree == &host->memory || tree == &host->cpu)
        open_levels(host, tree, mount_length);
    else if (tree == &host->pids)
        host_cgroup_pids_follow(host);
    if (tree->error != 0 && tree->error != VAGUS_EUNSUPPORTED)
        tree->path[0] = '\0'; /* tried again next time */
}

/* A v1 controller is used where it is mounted; else v2, which is "". */
static int path_of(const char *text, size_t length, const char *controller,
                   enum host_cgroup_version *version, char path[PATH_MAX])
{
    if (controller[0] != '\0') {
        *version = HOST_CGROUP_V1;
        int error = host_parse_cgroup_path(text, length, controller, path, PATH_MAX);
        if (error != VAGUS_ENOENT)
            return error;
    }
    *version = HOST_CGROUP_V2;
    return host_parse_cgroup_path(text, length, "", path, PATH_MAX);
}

static int read_statistics(struct host *host, struct cgroup_tree *tree, struct cgroup_level *level,
                           uint64_t usage)
{
    size_t length;
    uint64_t inactive;
    level->statistics_known = false;
    int error =
        host_file_read(host, &level->statistics, host->scratch, sizeof(host->scratch), &length);
    if (error != 0)
        return error == VAGUS_EUNSUPPORTED ? VAGUS_EIO : error;
    if (!parse_keyed_u64(host->scratch, length, limit_names[tree->version][2], &inactive))
        return VAGUS_EPARSE;
    level->inactive_file_bytes = inactive;
    level->usage_at_statistics_bytes = usage;
    level->statistics_known = true;
    return 0;
}

int host_cgroup_resolve(struct host *host)
{
    const struct {
        struct cgroup_tree *tree;
        const char *controller;
    } all[] = {{&host->memory, "memory"},   {&host->cpu, "cpu"},       {&host->pids, "pids"},
               {&host->freezer, "freezer"}, {&host->cpuset, "cpuset"}, {&host->unified, ""}};
    enum { COUNT = sizeof(all) / sizeof(all[0]) };
    char path[PATH_MAX];
    bool moved[COUNT];
    size_t length;
    int error =
        host_file_read(host, &host->self_cgroup, host->scratch, sizeof(host->scratch), &length);
    if (error != 0)
        return error;
    /* First all paths, since looking for a folder needs the scratch in which their text stands. */
    for (unsigned i = 0; i < COUNT; i++) {
        enum host_cgroup_version version;
        int found = path_of(host->scratch, length, all[i].controller, &version, path);
        moved[i] = note_path(all[i].tree, version, path, found);
    }
    bool any = false;
    for (unsigned i = 0; i < COUNT; i++) {
        if (moved[i])
            follow_path(host, all[i].tree, all[i].controller);
        any |= moved[i];
    }
    if (moved[0]) /* memory: what was asked for was of another cgroup */
        host->memory_wake.armed_count = 0;
    if (any) {
        host_cgroup_levels_follow(host);
        host_pressure_follow(host);
    }
    return 0;
}

int host_cgroup_memory_refresh(struct host *host)
{
    struct cgroup_tree *tree = &host->memory;
    int first = tree->error;
    for (unsigned i = 0; i < tree->level_count; i++) {
        struct cgroup_level *level = &tree->levels[i];
        int error = read_limit(host, tree, level);
        level->statistics_known = false; /* the next host_cgroup_memory() reads them */
        if (first == 0)
            first = error;
    }
    return first;
}

static int read_level(struct host *host, struct cgroup_tree *tree, struct cgroup_level *level,
                      uint64_t *working_set)
{
    uint64_t usage;
    int error =
        level->limit_error != 0 ? level->limit_error : read_number(host, &level->usage, &usage);
    if (error != 0)
        return error;
    level->usage_bytes = usage;
    uint64_t before = level->usage_at_statistics_bytes, limit = level->limit_bytes;
    uint64_t moved = usage > before ? usage - before : before - usage;
    /* Page cache fills what it may. A leak then takes the place of the cache, page for page, and
     * usage stands still while the working set grows. */
    bool hidden = usage > limit / 2 && level->inactive_file_bytes > limit / 64;
    if (!level->statistics_known || hidden || moved > limit / 64 ||
        usage < level->inactive_file_bytes) {
        error = read_statistics(host, tree, level, usage);
        if (error != 0)
            return error;
    }
    *working_set = usage > level->inactive_file_bytes ? usage - level->inactive_file_bytes : 0;
    return 0;
}

static int read_levels(struct host *host, struct host_cgroup_memory levels[HOST_CGROUP_DEPTH_MAX],
                       unsigned *count)
{
    struct cgroup_tree *tree = &host->memory;
    unsigned found = 0;
    if (tree->error != 0)
        return tree->error;
    for (unsigned i = 0; i < tree->level_count; i++) {
        struct cgroup_level *level = &tree->levels[i];
        if (level->limit_error == 0 && level->limit_bytes == HOST_UNLIMITED)
            continue;
        struct host_cgroup_memory *out = &levels[found++];
        int error = read_level(host, tree, level, &out->working_set_bytes);
        if (error != 0)
            return error;
        out->limit_bytes = level->limit_bytes;
        out->level = i;
    }
    *count = found;
    return 0;
}

int host_cgroup_memory(struct host *host, struct host_cgroup_memory levels[HOST_CGROUP_DEPTH_MAX],
                       unsigned *count)
{
    int error = read_levels(host, levels, count);
    if (error != VAGUS_EIO)
        return error;
    /* The process was moved and the cgroup it was in is gone: find the new one at once. */
    host->memory.path[0] = '\0';
    int resolved = host_cgroup_resolve(host);
    return resolved != 0 ? error : read_levels(host, levels, count);
}

static int level_quota(struct host *host, struct cgroup_tree *tree, struct cgroup_level *level,
                       double *cores)
{
    char text[64];
    size_t length;
    uint64_t quota, period;
    int error = host_file_read(host, &level->limit, text, sizeof(text), &length);
    if (error != 0)
        return error == VAGUS_EUNSUPPORTED ? VAGUS_EIO : error;
    if (tree->version == HOST_CGROUP_V2)
        return host_parse_cpu_max(text, length, cores);
    if (length == 3 && memcmp(text, "-1\n", 3) == 0) {
        *cores = INFINITY;
        return 0;
    }
    error = read_number(host, &level->usage, &period);
    if (error != 0)
        return error;
    if (!parse_number_file(text, length, &quota) || quota == 0 || period == 0)
        return VAGUS_EPARSE;
    *cores = (double)quota / (double)period;
    return 0;
}

int host_cgroup_level_quota(struct host *host, unsigned level, double *cores)
{
    return level_quota(host, &host->cpu, &host->cpu.levels[level], cores);
}

int host_cgroup_cpu_quota(struct host *host, double *cores)
{
    struct cgroup_tree *tree = &host->cpu;
    double least = INFINITY;
    unsigned binding = 0;
    if (tree->error != 0)
        return tree->error;
    for (unsigned i = 0; i < tree->level_count; i++) {
        double own;
        int error = level_quota(host, tree, &tree->levels[i], &own);
        if (error != 0)
            return error;
        if (own < least)
            binding = i;
        least = fmin(least, own);
    }
    tree->binding = binding;
    *cores = least;
    return 0;
}

static void place_of(const struct cgroup_tree *tree, struct host_cgroup_place *place)
{
    *place = (struct host_cgroup_place){
        .version = tree->version, .directory = tree->directory, .levels = tree->level_count};
}

void host_cgroup_memory_place(const struct host *host, struct host_cgroup_place *place)
{
    place_of(&host->memory, place);
}

void host_cgroup_cpu_place(const struct host *host, struct host_cgroup_place *place)
{
    place_of(&host->cpu, place);
}

void host_cgroup_unified_place(const struct host *host, struct host_cgroup_place *place)
{
    place_of(&host->unified, place);
}

void host_cgroup_open(struct host *host)
{
    struct cgroup_tree *const trees[] = {&host->memory,  &host->cpu,    &host->pids,
                                         &host->freezer, &host->cpuset, &host->unified};
    int error = host_cgroup_resolve(host);
    for (unsigned i = 0; error != 0 && i < sizeof(trees) / sizeof(trees[0]); i++)
        trees[i]->error = error;
}

void host_cgroup_close(struct host *host)
{
    close_levels(&host->memory);
    close_levels(&host->cpu);
    close_levels(&host->pids);
    host_cgroup_levels_close(host);
}
