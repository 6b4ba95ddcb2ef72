/* SPDX-License-Identifier: Apache-2.0 */
/* The names in a folder, without allocating. */
#include "host/listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/inside.h"

int host_listing_open(struct host *host, const char *path, struct host_listing *listing)
{
    listing->at = listing->bytes = 0;
    listing->fd =
        openat(host->root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (listing->fd >= 0)
        return 0;
    return errno == ENOENT || errno == ENOTDIR ? VAGUS_EUNSUPPORTED
           : errno == EACCES                   ? VAGUS_EPERM
                                               : VAGUS_EIO;
}

const char *host_listing_next(struct host_listing *listing)
{
    for (;;) {
        if (listing->at >= listing->bytes) {
            listing->bytes =
                syscall(SYS_getdents64, listing->fd, listing->buffer, sizeof(listing->buffer));
            listing->at = 0;
            if (listing->bytes <= 0)
                return NULL;
        }
        struct dirent64 *entry = (struct dirent64 *)(void *)(listing->buffer + listing->at);
        listing->at += entry->d_reclen;
        if (entry->d_name[0] != '.')
            return entry->d_name;
    }
}

void host_listing_close(struct host_listing *listing)
{
    close(listing->fd);
}
