/* SPDX-License-Identifier: Apache-2.0 */
/* The file systems of the watched paths. */
#include "host/paths.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "host/inside.h"

/* Makes a path absolute and drops what does not change it: doubled slashes, "/." and a final slash.
 * By the text alone, since realpath() would block on a mount that does not answer. */
static int absolute_path(const char *path, char out[PATH_MAX])
{
    char joined[2 * PATH_MAX], directory[PATH_MAX];
    if (path == NULL || path[0] == '\0' || strlen(path) >= PATH_MAX)
        return VAGUS_EINVAL;
    if (path[0] != '/' && getcwd(directory, sizeof(directory)) == NULL)
        return VAGUS_EINVAL;
    snprintf(joined, sizeof(joined), "%s/%s", path[0] == '/' ? "" : directory, path);
    size_t length = 0;
    for (const char *at = joined; *at != '\0';) {
        size_t part = strcspn(at, "/");
        if (part > 0 && !(part == 1 && at[0] == '.')) {
            if (length + 1 + part >= PATH_MAX)
                return VAGUS_EINVAL;
            out[length++] = '/';
            memcpy(out + length, at, part);
            length += part;
        }
        at += part + (at[part] == '/');
    }
    if (length == 0)
        out[length++] = '/';
    out[length] = '\0';
    return 0;
}

static bool is_watched(const struct host *host, const char *path)
{
    for (size_t i = 0; i < host->path_count; i++)
        if (strcmp(host->paths[i], path) == 0)
            return true;
    return false;
}

int host_paths_open(struct host *host, const struct host_options *options)
{
    for (size_t i = 0; i < options->watch_path_count; i++) {
        char path[PATH_MAX];
        int error = absolute_path(options->watch_paths[i], path);
        if (error != 0)
            return error;
        if (is_watched(host, path))
            continue; /* "." and "/tmp", and the program was started in /tmp */
        size_t bytes = strlen(path) + 1;
        host->paths[host->path_count] = malloc(bytes);
        if (host->paths[host->path_count] == NULL)
            return VAGUS_ENOMEM;
        memcpy(host->paths[host->path_count], path, bytes);
        host->watches[host->path_count] = (struct host_watch){host, host->path_count};
        host->path_count++;
    }
    host->probe_paths = options->probe_paths;
    return 0;
}

void host_paths_close(struct host *host)
{
    for (size_t i = 0; i < host->path_count; i++)
        free(host->paths[i]);
}

size_t host_path_count(const struct host *host)
{
    return host->path_count;
}

const char *host_path(const struct host *host, size_t index)
{
    return index < host->path_count ? host->paths[index] : NULL;
}

struct host_watch *host_path_watch(struct host *host, size_t index)
{
    return index < host->path_count ? &host->watches[index] : NULL;
}

int host_path_error(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return VAGUS_ENOENT;
    case EACCES:
    case EPERM:
        return VAGUS_EPERM;
    case ENOSYS:
        return VAGUS_EUNSUPPORTED;
    default:
        return VAGUS_EIO;
    }
}

int host_path_space(struct host *host, size_t index, struct host_space *space)
{
    struct statvfs v;
    if (index >= host->path_count)
        return VAGUS_EINVAL;
    if (host->on_read != NULL)
        host->on_read(host->on_read_arg, host->paths[index]);
    int result;
    do
        result = statvfs(host->paths[index], &v);
    while (result != 0 && errno == EINTR);
    if (result != 0)
        return host_path_error(errno);
    struct host_space found = {.inodes_total = v.f_files, .inodes_free = v.f_favail};
    if (v.f_blocks == 0)
        return VAGUS_EUNSUPPORTED;
    /* Where root's reserve is in use, some file systems tell a negative number. */
    uint64_t free_blocks = v.f_bavail <= v.f_blocks ? v.f_bavail : 0;
    if (__builtin_mul_overflow((uint64_t)v.f_blocks, (uint64_t)v.f_frsize, &found.total_bytes))
        return VAGUS_EPARSE;
    found.free_bytes = free_blocks * v.f_frsize;
    if (found.inodes_free > found.inodes_total)
        found.inodes_free = 0;
    *space = found;
    return 0;
}
