/* SPDX-License-Identifier: Apache-2.0 */
/* The names in a folder, by the raw call: opendir() allocates. */
#ifndef HOST_LISTING_H
#define HOST_LISTING_H

#include "host/host.h"

struct host_listing {
    int fd;
    long at, bytes;
    char buffer[2048] __attribute__((aligned(8)));
};

/* Of a folder below the root. 0, VAGUS_EUNSUPPORTED (there is none), VAGUS_EPERM, VAGUS_EIO. */
int host_listing_open(struct host *host, const char *path, struct host_listing *listing);

/* The next name, valid until the next call; those that begin with a dot are passed over. NULL at
 * the end, or if the rest cannot be read. */
const char *host_listing_next(struct host_listing *listing);

void host_listing_close(struct host_listing *listing);

#endif
