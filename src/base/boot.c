/* SPDX-License-Identifier: Apache-2.0 */
/* One file of the kernel's. */
#include "base/boot.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void boot_id_read(char id[BOOT_ID_MAX])
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd >= 0 ? read(fd, id, BOOT_ID_MAX - 1) : 0;
    if (fd >= 0)
        close(fd);
    id[length > 0 ? length : 0] = '\0';
    id[strcspn(id, "\n")] = '\0';
}
