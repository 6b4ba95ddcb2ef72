/* SPDX-License-Identifier: Apache-2.0 */
/* Notes what is read and does the same with nothing around it. */
#include "reads.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/text.h"

void reads_note(void *arg, const char *path)
{
    struct reads *reads = arg;
    char absolute[256];
    unsigned i = 0;
    bool watched = path[0] == '/' && reads->root != NULL; /* a watched path is the machine's */
    snprintf(absolute, sizeof(absolute), "%s%s%.200s",
             reads->root != NULL && !watched ? reads->root : "", path[0] == '/' ? "" : "/", path);
    while (i < reads->path_count && strcmp(reads->paths[i].path, absolute) != 0)
        i++;
    if (i == READS_PATHS_MAX || reads->count == READS_MAX) {
        reads->overflowed = true;
        return;
    }
    if (i == reads->path_count) {
        struct stat s;
        bool folder = stat(absolute, &s) == 0 && S_ISDIR(s.st_mode);
        text_copy(reads->paths[i].path, sizeof(reads->paths[i].path), absolute);
        reads->paths[i].how = !folder                                ? WHOLE_FILE
                              : strstr(absolute, "/self/fd") != NULL ? DESCRIPTOR_COUNT
                                                                     : FREE_SPACE;
        reads->paths[i].fd = -1;
        reads->path_count++;
    }
    unsigned at = reads->count++;
    reads->entries[at].tick = (uint16_t)reads->tick;
    reads->entries[at].path = (uint16_t)i;
    reads->entries[at].goes_on =
        at > 0 && reads->entries[at - 1].path == i && reads->entries[at - 1].tick == reads->tick;
}

void reads_open(struct reads *reads)
{
    for (unsigned i = 0; i < reads->path_count; i++)
        if (reads->paths[i].how != FREE_SPACE)
            reads->paths[i].fd = open(reads->paths[i].path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

void reads_close(struct reads *reads)
{
    for (unsigned i = 0; i < reads->path_count; i++)
        if (reads->paths[i].fd >= 0)
            close(reads->paths[i].fd);
    *reads = (struct reads){0};
}

void reads_repeat(const struct reads *reads, unsigned tick, unsigned *next)
{
    static char buffer[16384];
    off_t offset = 0;
    for (; *next < reads->count && reads->entries[*next].tick == tick; ++*next) {
        unsigned path = reads->entries[*next].path;
        struct stat s;
        struct statvfs v;
        ssize_t result = 0;
        switch (reads->paths[path].how) {
        case WHOLE_FILE:
            offset = reads->entries[*next].goes_on ? offset : 0;
            result = pread(reads->paths[path].fd, buffer, sizeof(buffer), offset);
            offset += result > 0 ? result : 0;
            break;
        case DESCRIPTOR_COUNT:
            result = fstat(reads->paths[path].fd, &s);
            break;
        case FREE_SPACE:
            result = statvfs(reads->paths[path].path, &v);
            break;
        }
        (void)result;
    }
}
