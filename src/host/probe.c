/* SPDX-License-Identifier: Apache-2.0 */
/* The write probe: a quota is seen by who writes, not by statvfs. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "host/inside.h"
#include "host/paths.h"

#define PROBE_BYTES 4096

/* A file without a name or, on file systems that know none such (NFS, old overlayfs, many in FUSE),
 * one whose name is gone at once. */
static int open_nameless(int folder)
{
    int fd = openat(folder, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOSYS &&
                    errno != ENOENT))
        return fd;
    char name[48];
    snprintf(name, sizeof(name), ".vagus-probe-%ld", (long)getpid());
    fd = openat(folder, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0600);
    if (fd >= 0) {
        int number = unlinkat(folder, name, 0) == 0 ? 0 : errno;
        if (number != 0) {
            close(fd);
            errno = number;
            return -1;
        }
    }
    return fd;
}

/* One that is larger than the process may write would bring it SIGXFSZ. */
static bool size_allowed(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur >= PROBE_BYTES;
}

static int write_out(int fd)
{
    static const char bytes[PROBE_BYTES] = {1}; /* no hole, no page that compresses to nothing */
    ssize_t count;
    do
        count = pwrite(fd, bytes, sizeof(bytes), 0);
    while (count < 0 && errno == EINTR);
    if (count < 0)
        return errno;
    return count == (ssize_t)sizeof(bytes) ? 0 : ENOSPC;
}

int host_path_probe(struct host *host, size_t index, int *number)
{
    if (index >= host->path_count)
        return VAGUS_EINVAL;
    if (!host->probe_paths)
        return VAGUS_EUNSUPPORTED;
    int folder = open(host->paths[index], O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return errno == ENOTDIR                                        ? VAGUS_EUNSUPPORTED
               : errno == EMFILE || errno == ENFILE || errno == ENOMEM ? VAGUS_ERESOURCE
                                                                       : host_path_error(errno);
    int fd = open_nameless(folder);
    int found = fd < 0 ? errno : size_allowed() ? write_out(fd) : EFBIG;
    /* A network file system may say so only now. */
    if (fd >= 0 && close(fd) != 0 && found == 0 && errno != EINTR)
        found = errno;
    close(folder);
    if (found == EMFILE || found == ENFILE || found == ENOMEM)
        return VAGUS_ERESOURCE;
    *number = found;
    return 0;
}
