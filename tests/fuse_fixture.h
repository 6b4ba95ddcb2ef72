/* SPDX-License-Identifier: Apache-2.0 */
/* A file system in FUSE that stalls when told to: one empty folder, served by a child that speaks
 * the kernel's protocol on /dev/fuse without a library. While `stalled` is set, statfs is left
 * unanswered. */
#ifndef TESTS_FUSE_FIXTURE_H
#define TESTS_FUSE_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define FUSE_BLOCKS 1000
#define FUSE_BLOCKS_FREE 400

struct fuse_shared {
    _Atomic bool stalled;
    _Atomic unsigned held; /* requests that wait for the end of a stall */
};

static struct fuse_shared *fuse_shared;
static pid_t fuse_child;

static inline void fuse_answer(int fd, uint64_t unique, int error, const void *body, size_t length)
{
    struct fuse_out_header head = {
        .len = (uint32_t)(sizeof(head) + length), .error = error, .unique = unique};
    struct iovec parts[2] = {{&head, sizeof(head)}, {(void *)(uintptr_t)body, length}};
    if (writev(fd, parts, 2) < 0 && errno != ENOENT)
        perror("/dev/fuse");
}

static inline void fuse_answer_statfs(int fd, uint64_t unique)
{
    struct fuse_statfs_out out = {.st = {.blocks = FUSE_BLOCKS,
                                         .bfree = FUSE_BLOCKS_FREE,
                                         .bavail = FUSE_BLOCKS_FREE,
                                         .files = 100,
                                         .ffree = 50,
                                         .bsize = 4096,
                                         .frsize = 4096,
                                         .namelen = 255}};
    fuse_answer(fd, unique, 0, &out, sizeof(out));
}

/* The protocol as of Linux 3.10 and later takes these three; to all else there is no answer. */
static inline void fuse_serve(int fd, const struct fuse_in_header *in)
{
    struct fuse_init_out init = {.major = FUSE_KERNEL_VERSION,
                                 .minor = FUSE_KERNEL_MINOR_VERSION,
                                 .max_readahead = 4096,
                                 .max_write = 4096};
    struct fuse_attr_out attributes = {.attr_valid = 3600,
                                       .attr = {.ino = 1, .mode = S_IFDIR | 0755, .nlink = 2}};
    switch (in->opcode) {
    case FUSE_INIT:
        fuse_answer(fd, in->unique, 0, &init, sizeof(init));
        break;
    case FUSE_GETATTR:
        fuse_answer(fd, in->unique, 0, &attributes, sizeof(attributes));
        break;
    case FUSE_STATFS:
        fuse_answer_statfs(fd, in->unique);
        break;
    case FUSE_FORGET:
    case FUSE_INTERRUPT:
        break;
    default:
        fuse_answer(fd, in->unique, -ENOSYS, NULL, 0);
    }
}

static inline void fuse_run(int fd)
{
    static char request[FUSE_MIN_READ_BUFFER * 2];
    uint64_t held[64];
    unsigned count = 0;
    for (;;) {
        struct pollfd p = {fd, POLLIN, 0};
        poll(&p, 1, 20);
        while (count > 0 && !atomic_load(&fuse_shared->stalled))
            fuse_answer_statfs(fd, held[--count]);
        atomic_store(&fuse_shared->held, count);
        if ((p.revents & POLLIN) == 0) {
            if (p.revents != 0)
                _exit(0);
            continue;
        }
        ssize_t length = read(fd, request, sizeof(request));
        const struct fuse_in_header *in = (const void *)request;
        if (length < (ssize_t)sizeof(*in)) {
            if (length < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT))
                continue;
            _exit(0); /* unmounted */
        }
        if (in->opcode == FUSE_STATFS && atomic_load(&fuse_shared->stalled) && count < 64)
            held[count++] = in->unique;
        else
            fuse_serve(fd, in);
        atomic_store(&fuse_shared->held, count);
    }
}

/* Mounts it on a folder that exists. False, with errno, where there is no FUSE or no right to it.
 */
static inline bool fuse_begin(const char *folder)
{
    char options[128];
    int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return false;
    fuse_shared =
        mmap(NULL, sizeof(*fuse_shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fd);
    if (fuse_shared == MAP_FAILED ||
        mount("vagus-test", folder, "fuse.vagus-test", MS_NODEV | MS_NOSUID, options) != 0) {
        int number = errno;
        close(fd);
        errno = number;
        return false;
    }
    fuse_child = fork();
    if (fuse_child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        fuse_run(fd);
    }
    close(fd);
    return fuse_child > 0;
}

/* The end of the child ends the connection, and with it whatever waits. */
static inline void fuse_end(const char *folder)
{
    kill(fuse_child, SIGKILL);
    waitpid(fuse_child, NULL, 0);
    umount2(folder, MNT_DETACH);
    munmap(fuse_shared, sizeof(*fuse_shared));
}

#endif
