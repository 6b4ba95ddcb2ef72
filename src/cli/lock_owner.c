/* SPDX-License-Identifier: Apache-2.0 */
/* A segment holds the pid that its writer has in its own PID namespace, perhaps that of a
 * container. /proc/locks tells the same process as it is counted here: the kernel translates it,
 * and leaves out what lives in namespaces that cannot be seen from here. */
#include "cli/lock_owner.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "vagus/base.h"

#define LOCKS_BYTES_MAX (1u << 20)

/* "1: FLOCK  ADVISORY  WRITE 4711 00:1a:12345 0 EOF"; who waits for it has "1: ->" instead. */
static int64_t parse_line(const char *line, uint64_t device, uint64_t inode)
{
    char *end;
    line += strspn(line, "0123456789");
    if (strncmp(line, ": FLOCK", 7) != 0)
        return 0;
    line += strcspn(line + 1, "0123456789\n") + 1;
    errno = 0;
    long long pid = strtoll(line, &end, 10);
    if (*end != ' ' || pid <= 0)
        return 0;
    uint64_t its_major = strtoull(end + 1, &end, 16);
    uint64_t its_minor = *end == ':' ? strtoull(end + 1, &end, 16) : 0;
    if (*end != ':' || its_major != major(device) || its_minor != minor(device))
        return 0;
    uint64_t its_inode = strtoull(end + 1, &end, 10);
    return *end == ' ' && errno == 0 && its_inode == inode ? pid : 0;
}

int64_t lock_owner_parse(const char *locks, uint64_t device, uint64_t inode)
{
    for (const char *line = locks; line != NULL;) {
        int64_t pid = parse_line(line, device, inode);
        if (pid > 0)
            return pid;
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    return VAGUS_ENOENT;
}

int64_t lock_owner(const char *path)
{
    static char locks[LOCKS_BYTES_MAX];
    struct stat st;
    size_t length = 0;
    if (lstat(path, &st) != 0)
        return VAGUS_ENOENT;
    int fd = open("/proc/locks", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return VAGUS_EUNSUPPORTED;
    for (ssize_t n = 1; n > 0 && length<sizeof(locks) - 1; length += n> 0 ? (size_t)n : 0)
        n = read(fd, locks + length, sizeof(locks) - 1 - length);
    close(fd);
    locks[length] = '\0';
    return lock_owner_parse(locks, st.st_dev, st.st_ino);
}
