/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of segments. A file is alive while its writer holds a flock on it; a shared lock that
 * is tried without waiting tells, and is let go at once. */
#include "segment/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/text.h"
#include "segment/reader.h"

#define SUFFIX ".vagus"
#define DRAFT_SUFFIX ".draft"
#define STAMP_DIGITS 16
#define CANDIDATES_MAX 64

static bool is_in_memory(int fd)
{
    struct statfs fs;
    return fstatfs(fd, &fs) == 0 && (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

bool folder_of_session(char path[FOLDER_PATH_MAX])
{
    path[0] = 0;
    const char *session = secure_getenv("XDG_RUNTIME_DIR");
    if (session == NULL || session[0] != '/' ||
        strlen(session) + sizeof("/vagus") > FOLDER_PATH_MAX)
        return false;
    int fd = open(session, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    struct stat st;
    bool good = fstat(fd, &st) == 0 && st.st_uid == geteuid() && is_in_memory(fd);
    close(fd);
    if (good)
        snprintf(path, FOLDER_PATH_MAX, "%s/vagus", session);
    return good;
}

void folder_of_user(char path[FOLDER_PATH_MAX])
{
    snprintf(path, FOLDER_PATH_MAX, "/dev/shm/vagus-%u", (unsigned)geteuid());
}

/* NULL if the open folder may be used, else why not. */
static const char *folder_fault(int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return "cannot be examined";
    if (st.st_uid != geteuid())
        return "belongs to another user";
    if ((st.st_mode & 077) != 0)
        return "is open to other users";
    if (!is_in_memory(fd))
        return "is not on tmpfs";
    return NULL;
}

int folder_open(const char *path, char *why, size_t capacity)
{
    char clean[FOLDER_PATH_MAX];
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--; /* a link with a slash behind it would be followed */
    if (path[0] != '/' || length >= sizeof(clean)) {
        snprintf(why, capacity, "%.80s: %s", path,
                 path[0] != '/' ? "not an absolute path" : "path too long");
        return -1;
    }
    memcpy(clean, path, length);
    clean[length] = 0;
    const char *fault = NULL;
    int fd = -1;
    if (mkdir(clean, 0700) != 0 && errno != EEXIST)
        fault = strerrordesc_np(errno);
    else if ((fd = open(clean, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0)
        fault = errno == ELOOP || errno == ENOTDIR ? "is not a folder" : strerrordesc_np(errno);
    else
        fault = folder_fault(fd);
    if (fault == NULL)
        return fd;
    snprintf(why, capacity, "%.110s: %.40s", clean, fault);
    if (fd >= 0)
        close(fd);
    return -1;
}

void folder_file_name(char name[FOLDER_NAME_MAX], const char *agent, uint64_t stamp)
{
    snprintf(name, FOLDER_NAME_MAX, "%.32s-%016" PRIx64 SUFFIX, agent, stamp);
}

void folder_draft_name(char name[FOLDER_NAME_MAX], uint64_t stamp)
{
    snprintf(name, FOLDER_NAME_MAX, "%016" PRIx64 DRAFT_SUFFIX, stamp);
}

static bool is_stamp(const char *digits)
{
    return strspn(digits, "0123456789abcdef") >= STAMP_DIGITS;
}

bool folder_is_segment(const char *name, char agent[SEGMENT_AGENT_MAX])
{
    size_t length = strlen(name), tail = 1 + STAMP_DIGITS + sizeof(SUFFIX) - 1;
    if (length <= tail || length - tail >= SEGMENT_AGENT_MAX)
        return false;
    const char *rest = name + length - tail;
    if (rest[0] != '-' || !is_stamp(rest + 1) || strcmp(rest + 1 + STAMP_DIGITS, SUFFIX) != 0)
        return false;
    char found[SEGMENT_AGENT_MAX] = {0};
    memcpy(found, name, length - tail);
    if (!text_is_name(found, SEGMENT_AGENT_MAX - 1))
        return false;
    memcpy(agent, found, sizeof(found));
    return true;
}

static bool is_draft(const char *name)
{
    return strlen(name) == STAMP_DIGITS + sizeof(DRAFT_SUFFIX) - 1 && is_stamp(name) &&
           strcmp(name + STAMP_DIGITS, DRAFT_SUFFIX) == 0;
}

/* A descriptor of a regular file of ours whose lock nobody else holds: it holds a shared one until
 * it is closed. -1 for all that is alive or none of our business. */
static int dead_open(int folder, const char *name, struct stat *st)
{
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd >= 0 && fstat(fd, st) == 0 && S_ISREG(st->st_mode) && st->st_uid == geteuid() &&
        flock(fd, LOCK_SH | LOCK_NB) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* When the writer of a segment started, as its header tells; INT64_MIN if it tells nothing. */
static int64_t started_wall_ns(int fd, const struct stat *st)
{
    struct segment_header header;
    if (pread(fd, &header, sizeof(header), 0) == (ssize_t)sizeof(header) &&
        segment_header_check(&header, (uint64_t)st->st_size) == 0)
        return header.started_wall_ns;
    return INT64_MIN;
}

static DIR *entries_open(int folder)
{
    /* A descriptor of its own: the position in the folder must not be shared. */
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
    if (entries == NULL && fd >= 0)
        close(fd);
    return entries;
}

struct candidate {
    int64_t started_wall_ns;
    char name[FOLDER_NAME_MAX];
};

/* Puts a candidate in its place, the oldest first; the newest falls out of a full list. */
static unsigned candidate_add(struct candidate *list, unsigned count, const char *name,
                              int64_t started_wall_ns)
{
    unsigned at = count;
    while (at > 0 && list[at - 1].started_wall_ns > started_wall_ns)
        at--;
    if (at == CANDIDATES_MAX)
        return count;
    unsigned moved = (count < CANDIDATES_MAX ? count : CANDIDATES_MAX - 1) - at;
    memmove(&list[at + 1], &list[at], moved * sizeof(*list));
    list[at].started_wall_ns = started_wall_ns;
    text_copy(list[at].name, sizeof(list[at].name), name);
    return count < CANDIDATES_MAX ? count + 1 : count;
}

/* Lists the oldest dead segments of an agent; how many there are in all, and how much memory they
 * hold, comes back too. */
static unsigned candidates_find(int folder, const char *agent, struct candidate *list,
                                unsigned *dead, uint64_t *bytes)
{
    unsigned count = 0;
    *dead = 0;
    *bytes = 0;
    DIR *entries = entries_open(folder);
    if (entries == NULL)
        return 0;
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        char its_agent[SEGMENT_AGENT_MAX];
        struct stat st;
        if (!folder_is_segment(entry->d_name, its_agent) ||
            (agent != NULL && strcmp(agent, its_agent) != 0))
            continue;
        int fd = dead_open(folder, entry->d_name, &st);
        if (fd < 0)
            continue;
        count = candidate_add(list, count, entry->d_name, started_wall_ns(fd, &st));
        close(fd);
        (*dead)++;
        *bytes += (uint64_t)st.st_blocks * 512;
    }
    closedir(entries);
    return count;
}

unsigned folder_evict(int folder, const char *agent, uint32_t keep, unsigned most)
{
    unsigned removed = 0;
    for (;;) {
        struct candidate list[CANDIDATES_MAX];
        unsigned dead, before = removed;
        uint64_t bytes;
        unsigned count = candidates_find(folder, agent, list, &dead, &bytes);
        for (unsigned i = 0; i < count && dead > keep && removed < most; i++, dead--)
            removed += unlinkat(folder, list[i].name, 0) == 0;
        /* More than the list holds takes another round, as long as rounds achieve anything. */
        if (dead <= keep || removed >= most || removed == before)
            return removed;
    }
}

/* By the clock on the wall: when it was closed, else when it last published, else when it started.
 */
static int64_t last_sign_wall_ns(int folder, const char *name, const struct stat *st)
{
    struct segment_reader reader;
    struct vagus_system_snapshot snapshot;
    if (segment_attach_at(folder, name, &reader) != 0)
        return st->st_mtim.tv_sec * VAGUS_SECOND_NS + st->st_mtim.tv_nsec;
    int64_t sign_ns = reader.header.started_wall_ns;
    if (reader.header.life == SEGMENT_CLOSED)
        sign_ns = reader.header.closed_wall_ns;
    else if (segment_read_snapshot(&reader, &snapshot) == 0 && snapshot.wall_ns > sign_ns)
        sign_ns = snapshot.wall_ns;
    segment_detach(&reader);
    return sign_ns;
}

unsigned folder_evict_older(int folder, const char *agent, int64_t wall_ns)
{
    unsigned removed = 0;
    DIR *entries = entries_open(folder);
    if (entries == NULL)
        return 0;
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        char its_agent[SEGMENT_AGENT_MAX];
        struct stat st;
        if (!folder_is_segment(entry->d_name, its_agent) || strcmp(agent, its_agent) != 0)
            continue;
        int fd = dead_open(folder, entry->d_name, &st);
        if (fd < 0)
            continue;
        if (last_sign_wall_ns(folder, entry->d_name, &st) < wall_ns)
            removed += unlinkat(folder, entry->d_name, 0) == 0;
        close(fd);
    }
    closedir(entries);
    return removed;
}

bool folder_has_room(int folder, uint64_t bytes)
{
    struct candidate list[CANDIDATES_MAX];
    unsigned dead;
    uint64_t dead_bytes;
    struct statfs fs;
    candidates_find(folder, NULL, list, &dead, &dead_bytes);
    return fstatfs(folder, &fs) != 0 || fs.f_blocks == 0 ||
           (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize + dead_bytes >= bytes;
}

void folder_sweep(int folder)
{
    DIR *entries = entries_open(folder);
    if (entries == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        struct stat st;
        int fd = is_draft(entry->d_name) ? dead_open(folder, entry->d_name, &st) : -1;
        if (fd < 0)
            continue;
        /* Under the lock: a maker that comes between open and lock sees one or the other. */
        unlinkat(folder, entry->d_name, 0);
        close(fd);
    }
    closedir(entries);
}
