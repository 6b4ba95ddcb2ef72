/* SPDX-License-Identifier: Apache-2.0 */
/* v1 has a hierarchy for memory; in v2 the controller must be switched on in the parent, which the
 * kernel refuses while the parent holds processes itself, so the process moves first. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/demo_cgroup.h"

#define NAME_PREFIX "vagus-demo-"

static bool refuse(struct demo_cgroup *cgroup, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse(struct demo_cgroup *cgroup, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(cgroup->why_not, sizeof(cgroup->why_not), format, arguments);
    va_end(arguments);
    return false;
}

/* Writes into a control file; false with errno set. */
static bool write_file(const char *folder, const char *name, const char *text)
{
    char path[DEMO_CGROUP_PATH_MAX + 128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t written = write(fd, text, strlen(text));
    int error = errno;
    close(fd);
    errno = error;
    return written == (ssize_t)strlen(text);
}

static bool move_self(const char *folder)
{
    char pid[24];
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    return write_file(folder, "cgroup.procs", pid);
}

/* True if a comma-separated list holds the word. */
static bool lists(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; (at = strstr(at, word)) != NULL; at += length)
        if ((at == list || at[-1] == ',') && (at[length] == '\0' || at[length] == ','))
            return true;
    return false;
}

/* The path of the process's cgroup in the hierarchy that has the memory controller: v1 if one of
 * them has it, else v2. */
static bool find_path(char *path, size_t capacity, bool *v1)
{
    char line[DEMO_CGROUP_PATH_MAX + 256];
    bool found = false;
    FILE *file = fopen("/proc/self/cgroup", "re");
    *v1 = false;
    while (file != NULL && !*v1 && fgets(line, sizeof(line), file) != NULL) {
        char *controllers = strchr(line, ':');
        char *value = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
        if (value == NULL)
            continue;
        *controllers++ = '\0';
        *value++ = '\0';
        value[strcspn(value, "\n")] = '\0';
        *v1 = lists(controllers, "memory");
        if ((*v1 || controllers[0] == '\0') && strlen(value) < capacity) {
            strcpy(path, value);
            found = true;
        }
    }
    if (file != NULL)
        fclose(file);
    return found;
}

/* Where that hierarchy is mounted, and which part of it. */
static bool find_mount(bool v1, char *root, char *point)
{
    char line[4 * DEMO_CGROUP_PATH_MAX];
    bool found = false;
    FILE *file = fopen("/proc/self/mountinfo", "re");
    while (file != NULL && !found && fgets(line, sizeof(line), file) != NULL) {
        char type[32], options[DEMO_CGROUP_PATH_MAX];
        const char *tail = strstr(line, " - ");
        if (tail == NULL || sscanf(tail, " - %31s %*s %1023s", type, options) != 2 ||
            sscanf(line, "%*s %*s %*s %1023s %1023s", root, point) != 2)
            continue;
        found = v1 ? strcmp(type, "cgroup") == 0 && lists(options, "memory")
                   : strcmp(type, "cgroup2") == 0;
    }
    if (file != NULL)
        fclose(file);
    return found;
}

/* The folder of the process's own cgroup, as parent of the demo's. */
static bool find_parent(struct demo_cgroup *cgroup, bool *v1)
{
    char path[DEMO_CGROUP_PATH_MAX], root[DEMO_CGROUP_PATH_MAX], point[DEMO_CGROUP_PATH_MAX];
    if (!find_path(path, sizeof(path), v1))
        return refuse(cgroup, "this process is in no cgroup");
    if (!find_mount(*v1, root, point))
        return refuse(cgroup, "no memory cgroups are mounted here");
    /* A bind mount shows a part of the hierarchy; the path counts from its top. */
    size_t skip = strcmp(root, "/") == 0 ? 0 : strlen(root);
    if (strncmp(path, root, skip) != 0 || (path[skip] != '\0' && path[skip] != '/'))
        return refuse(cgroup, "its own cgroup %.100s is not visible in %.100s", path, point);
    const char *below = strcmp(path + skip, "/") == 0 ? "" : path + skip;
    if (strlen(point) + strlen(below) >= sizeof(cgroup->parent))
        return refuse(cgroup, "the path of its own cgroup is too long");
    memcpy(cgroup->parent, point, strlen(point) + 1);
    strcat(cgroup->parent, below);
    return true;
}

/* A demo that was killed leaves an empty folder. One that lives is never empty, so rmdir cannot
 * harm it; the look at the process spares one that is about to move in. */
static void remove_stale(const char *parent)
{
    DIR *folder = opendir(parent);
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        char path[DEMO_CGROUP_PATH_MAX + 320];
        const char *digits = entry->d_name + strlen(NAME_PREFIX);
        if (strncmp(entry->d_name, NAME_PREFIX, strlen(NAME_PREFIX)) != 0 ||
            strspn(digits, "0123456789") != strlen(digits))
            continue;
        int pid = atoi(digits);
        if (pid <= 0 || kill(pid, 0) == 0 || errno != ESRCH)
            continue;
        snprintf(path, sizeof(path), "%s/%s", parent, entry->d_name);
        rmdir(path);
    }
    if (folder != NULL)
        closedir(folder);
}

/* v2: the limit's file exists once the parent hands the controller down. */
static bool enable_v2(struct demo_cgroup *cgroup)
{
    char file[DEMO_CGROUP_PATH_MAX + 128];
    snprintf(file, sizeof(file), "%s/memory.max", cgroup->path);
    if (access(file, F_OK) == 0)
        return true;
    if (!write_file(cgroup->parent, "cgroup.subtree_control", "+memory")) {
        if (errno == EBUSY)
            return refuse(cgroup,
                          "%.160s holds other processes, so the kernel hands no memory "
                          "controller down from it",
                          cgroup->parent);
        if (errno == ENOENT || errno == EINVAL)
            return refuse(cgroup, "%.160s has no memory controller to hand down", cgroup->parent);
        return refuse(cgroup, "%.160s/cgroup.subtree_control: %s", cgroup->parent, strerror(errno));
    }
    cgroup->enabled = true;
    if (access(file, F_OK) != 0)
        return refuse(cgroup, "%.200s did not appear", file);
    return true;
}

static bool fill(struct demo_cgroup *cgroup, bool v1, uint64_t limit_bytes)
{
    const char *file = v1 ? "memory.limit_in_bytes" : "memory.max";
    char limit[24];
    snprintf(limit, sizeof(limit), "%" PRIu64, limit_bytes);
    if (v1 && !write_file(cgroup->path, file, limit))
        return refuse(cgroup, "%.160s/%s: %s", cgroup->path, file, strerror(errno));
    if (!move_self(cgroup->path))
        return refuse(cgroup, "it may not move into %.160s: %s", cgroup->path, strerror(errno));
    cgroup->inside = true;
    if (v1)
        return true;
    if (!enable_v2(cgroup))
        return false;
    if (!write_file(cgroup->path, file, limit))
        return refuse(cgroup, "%.160s/%s: %s", cgroup->path, file, strerror(errno));
    return true;
}

bool demo_cgroup_enter(struct demo_cgroup *cgroup, uint64_t limit_bytes)
{
    bool v1;
    *cgroup = (struct demo_cgroup){0};
    if (!find_parent(cgroup, &v1))
        return false;
    remove_stale(cgroup->parent);
    snprintf(cgroup->path, sizeof(cgroup->path), "%s/" NAME_PREFIX "%d", cgroup->parent,
             (int)getpid());
    if (mkdir(cgroup->path, 0755) != 0)
        return refuse(cgroup, "it may not create a cgroup in %.200s: %s", cgroup->parent,
                      strerror(errno));
    if (fill(cgroup, v1, limit_bytes))
        return true;

    struct demo_cgroup undone = *cgroup;
    if (!undone.inside)
        rmdir(cgroup->path);
    else if (!demo_cgroup_leave(&undone))
        refuse(cgroup, "%.150s; then %.150s", undone.why_not, cgroup->why_not);
    cgroup->inside = undone.inside;
    return false;
}

bool demo_cgroup_leave(struct demo_cgroup *cgroup)
{
    if (!cgroup->inside)
        return true;
    /* v2 lets no process into a cgroup that hands controllers down. */
    if (cgroup->enabled && write_file(cgroup->parent, "cgroup.subtree_control", "-memory"))
        cgroup->enabled = false;
    if (!move_self(cgroup->parent))
        return refuse(cgroup, "it may not move back to %.200s: %s", cgroup->parent,
                      strerror(errno));
    cgroup->inside = false;
    /* Busy for a moment while the last charges are handed to the parent. */
    for (int attempt = 0; attempt < 50; attempt++) {
        if (rmdir(cgroup->path) == 0 || errno == ENOENT)
            return true;
        if (errno != EBUSY)
            break;
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
    }
    return refuse(cgroup, "it may not remove %.200s: %s", cgroup->path, strerror(errno));
}
