/* SPDX-License-Identifier: Apache-2.0 */
/* Whose lock it is, out of /proc/locks, be it damaged, and of a lock of one's own. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "check.h"
#include "cli/lock_owner.h"
#include "vagus/base.h"

static void a_line_is_found(void)
{
    static const char locks[] = "1: POSIX  ADVISORY  WRITE 10 00:1a:77 0 EOF\n"
                                "2: FLOCK  ADVISORY  WRITE 11 00:1a:78 0 EOF\n"
                                "3: FLOCK  ADVISORY  WRITE 4711 00:1a:77 0 EOF\n"
                                "3: -> FLOCK  ADVISORY  READ 12 00:1a:79 0 EOF\n"
                                "12: FLOCK  ADVISORY  WRITE 13 103:02:9 0 EOF\n"
                                "13: FLOCK  ADVISORY  WRITE 0 00:1a:80 0 EOF\n";
    CHECK_EQ(lock_owner_parse(locks, makedev(0, 0x1a), 77), 4711);
    CHECK_EQ(lock_owner_parse(locks, makedev(0x103, 2), 9), 13);
    CHECK_EQ(lock_owner_parse(locks, makedev(0, 0x1b), 77), VAGUS_ENOENT);
    CHECK_EQ(lock_owner_parse(locks, makedev(0, 0x1a), 79), VAGUS_ENOENT); /* waits only */
    CHECK_EQ(lock_owner_parse(locks, makedev(0, 0x1a), 80), VAGUS_ENOENT); /* not seen from here */
    CHECK_EQ(lock_owner_parse("", makedev(0, 0x1a), 77), VAGUS_ENOENT);
}

/* Each beginning of a good line, and each with a byte changed: no more is asked than an end. */
static void damaged_text_does_no_harm(void)
{
    static const char good[] = "3: FLOCK  ADVISORY  WRITE 4711 00:1a:77 0 EOF\n";
    for (size_t length = 0; length < sizeof(good); length++) {
        char *line = strndup(good, length); /* allocated, so that a byte beyond it is seen */
        int64_t pid = lock_owner_parse(line, makedev(0, 0x1a), 77);
        CHECK(pid == VAGUS_ENOENT || pid == 4711);
        for (size_t at = 0; at < length; at++) {
            char kept = line[at];
            line[at] = '\n';
            lock_owner_parse(line, makedev(0, 0x1a), 77);
            line[at] = (char)0xff;
            lock_owner_parse(line, makedev(0, 0x1a), 77);
            line[at] = kept;
        }
        free(line);
    }
    CHECK_EQ(lock_owner_parse("1: FLOCK  ADVISORY  WRITE 99999999999999999999 00:1a:77 0 EOF\n",
                              makedev(0, 0x1a), 77),
             VAGUS_ENOENT);
    CHECK_EQ(lock_owner_parse("1: FLOCK", 0, 0), VAGUS_ENOENT);
}

static void ones_own_lock_is_ones_own(void)
{
    char path[] = "/dev/shm/vagus-lock-XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0 || access("/proc/locks", R_OK) != 0) {
        unlink(path);
        SKIP_TEST("no /dev/shm or no /proc/locks");
    }
    CHECK_EQ(lock_owner(path), VAGUS_ENOENT);
    CHECK_EQ(flock(fd, LOCK_EX | LOCK_NB), 0);
    CHECK_EQ(lock_owner(path), getpid());
    unlink(path);
    CHECK_EQ(lock_owner(path), VAGUS_ENOENT);
    close(fd);
}

int main(void)
{
    RUN(a_line_is_found);
    RUN(damaged_text_does_no_harm);
    RUN(ones_own_lock_is_ones_own);
    return check_result();
}
