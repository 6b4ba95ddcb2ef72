/* SPDX-License-Identifier: Apache-2.0 */
/* Life of the host, and its kept-open files. */
#include "host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/inside.h"

static int error_of(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case EOPNOTSUPP: /* pressure with psi=0 */
        return VAGUS_EUNSUPPORTED;
    case EACCES:
    case EPERM:
        return VAGUS_EPERM;
    default:
        return VAGUS_EIO;
    }
}

/* The path below the root, without a leading slash. False if it is too long. */
static bool file_path(const struct host_file *file, char path[PATH_MAX])
{
    int length = snprintf(path, PATH_MAX, "%.*s%s", (int)file->directory_length,
                          file->directory_length > 0 ? file->directory : "", file->name);
    return length > 0 && length < PATH_MAX;
}

void host_file_open(struct host *host, struct host_file *file)
{
    char path[PATH_MAX];
    file->error = VAGUS_EUNSUPPORTED;
    if (!file_path(file, path))
        return;
    const char *below = path + strspn(path, "/");
    file->fd = openat(host->root_fd, below, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    file->error = file->fd >= 0 ? 0 : error_of(errno);
}

void host_file_close(struct host_file *file)
{
    if (file->name != NULL && file->error == 0)
        close(file->fd);
    *file = (struct host_file){0};
}

static ssize_t read_once(const struct host_file *file, char *buffer, size_t capacity,
                         uint64_t offset)
{
    ssize_t count;
    do
        count = pread(file->fd, buffer, capacity, (off_t)offset);
    while (count < 0 && errno == EINTR);
    return count;
}

int host_file_read_at(struct host *host, struct host_file *file, char *buffer, size_t capacity,
                      uint64_t offset, size_t *length)
{
    if (file->name == NULL || file->error == VAGUS_EUNSUPPORTED)
        return VAGUS_EUNSUPPORTED;
    if (VAGUS_UNLIKELY(host->on_read != NULL)) {
        char path[PATH_MAX];
        if (file_path(file, path))
            host->on_read(host->on_read_arg, path);
    }
    ssize_t count = file->error == 0 ? read_once(file, buffer, capacity, offset) : -1;
    if (VAGUS_UNLIKELY(count < 0)) {
        if (file->error == 0)
            close(file->fd);
        host_file_open(host, file);
        if (file->error != 0) {
            /* It was there at open, so this machine can tell; only not now. */
            if (file->error == VAGUS_EUNSUPPORTED)
                file->error = VAGUS_EIO;
            return file->error;
        }
        count = read_once(file, buffer, capacity, offset);
        if (count < 0)
            return errno == ENOENT || errno == ENOTDIR ? VAGUS_EIO : error_of(errno);
        __atomic_fetch_add(&host->returned, 1, __ATOMIC_RELAXED);
    }
    *length = (size_t)count;
    return 0;
}

bool host_memory_to_spare(void)
{
    /* Volatile, lest the compiler leave out a pair of calls that does nothing. The large piece does
     * not come from malloc(), which would keep all that is freed later, up to twice of it. */
    void *volatile probe = malloc(4096);
    void *large = mmap(NULL, 4u << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool spare = probe != NULL && large != MAP_FAILED;
    if (large != MAP_FAILED)
        munmap(large, 4u << 20);
    free(probe);
    return spare;
}

static void close_all(struct host *host)
{
    host_devices_close(host);
    host_network_close(host);
    host_paths_close(host);
    host_numa_close(host);
    host_statgrab_close(host);
    host_cgroup_close(host);
    host_pressure_close(host);
    host_sensors_close(host);
    host_procfs_close(host);
    if (host->root_fd >= 0)
        close(host->root_fd);
    free(host);
}

int host_open(const struct host_options *options, struct host **out)
{
    static const struct host_options none = {0};
    if (options == NULL)
        options = &none;
    if (out == NULL || options->watch_path_count > HOST_PATHS_MAX)
        return VAGUS_EINVAL;
    struct host *host = calloc(1, sizeof(*host));
    if (host == NULL)
        return VAGUS_ENOMEM;
    host->references = 1;
    host->descriptors_fd = -1;
    host->machine = options->root == NULL || options->root[0] == '\0';
    host->page_bytes = host->machine ? sysconf(_SC_PAGESIZE) : 4096;
    host->ticks_per_second = host->machine ? sysconf(_SC_CLK_TCK) : 100;
    host->declared_limit_bytes = options->memory_limit_bytes;
    host->per_core = options->per_core;
    host->root_fd = open(host->machine ? "/" : options->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int error = host->root_fd >= 0                   ? 0
                : errno == EMFILE || errno == ENFILE ? VAGUS_ERESOURCE
                                                     : VAGUS_EINVAL;
    if (error == 0)
        error = host_paths_open(host, options);
    if (error != 0) {
        close_all(host);
        return error;
    }
    host_procfs_open(host);
    host_devices_open(host);
    host_network_open(host);
    host_sensors_open(host);
    host_pressure_open(host);
    host_cgroup_open(host);
    host_statgrab_open(host);
    host_topology_open(host);
    host_numa_open(host);
    *out = host;
    return 0;
}

struct host *host_ref(struct host *host)
{
    if (host != NULL)
        __atomic_fetch_add(&host->references, 1, __ATOMIC_RELAXED);
    return host;
}

void host_unref(struct host *host)
{
    /* The last one out must see what the others did before they let go. */
    if (host != NULL && __atomic_fetch_sub(&host->references, 1, __ATOMIC_ACQ_REL) == 1)
        close_all(host);
}

void host_trace(struct host *host, void (*on_read)(void *arg, const char *path), void *arg)
{
    host->on_read = on_read;
    host->on_read_arg = arg;
}

uint64_t host_declared_limit_bytes(const struct host *host)
{
    return host->declared_limit_bytes != 0 ? host->declared_limit_bytes : HOST_UNLIMITED;
}

bool host_per_core(const struct host *host)
{
    return host->per_core;
}
