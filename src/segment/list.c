/* SPDX-License-Identifier: Apache-2.0 */
/* Finding segments: one's own, or for root those of every user. Folders are named by others, so
 * nothing here follows a link, and what is found is attached to as suspiciously as ever. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "segment/folder.h"
#include "segment/reader.h"

#define ENTRIES_MAX 4096 /* looked at in one folder */

struct listing {
    struct segment_found *found; /* SEGMENT_LIST_MAX of them, the newest first */
    unsigned count;
};

/* Where a segment of that start belongs in the list, or SEGMENT_LIST_MAX: it is too old for it. */
static unsigned place(const struct listing *list, const struct segment_header *header)
{
    unsigned at = 0;
    for (; at < list->count; at++) {
        const struct segment_header *other = &list->found[at].header;
        if (header->started_wall_ns > other->started_wall_ns ||
            (header->started_wall_ns == other->started_wall_ns && header->stamp > other->stamp))
            break;
    }
    return at;
}

static void list_file(struct listing *list, int folder, const char *dir, const char *name)
{
    struct segment_reader reader;
    if (segment_attach_at(folder, name, &reader) != 0)
        return;
    unsigned at = place(list, &reader.header);
    if (at < SEGMENT_LIST_MAX) {
        unsigned last = list->count < SEGMENT_LIST_MAX ? list->count++ : SEGMENT_LIST_MAX - 1;
        struct segment_found *found = &list->found[at];
        memmove(found + 1, found, (last - at) * sizeof(*found));
        memset(found, 0, sizeof(*found));
        snprintf(found->path, sizeof(found->path), "%s/%s", dir, name);
        found->header = reader.header;
        found->alive = segment_alive(&reader);
    }
    segment_detach(&reader);
}

static int list_folder(struct listing *list, const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? VAGUS_ENOENT : VAGUS_EPERM;
    struct stat st;
    if (fstat(fd, &st) != 0 || (st.st_uid != geteuid() && geteuid() != 0)) {
        close(fd);
        return VAGUS_EPERM;
    }
    DIR *entries = fdopendir(fd);
    if (entries == NULL) {
        close(fd);
        return VAGUS_ENOMEM;
    }
    struct dirent *entry;
    for (int seen = 0; seen < ENTRIES_MAX && (entry = readdir(entries)) != NULL; seen++) {
        char agent[SEGMENT_AGENT_MAX];
        if (folder_is_segment(entry->d_name, agent))
            list_file(list, fd, dir, entry->d_name);
    }
    closedir(entries);
    return 0;
}

/* Every PARENT/PREFIX…/REST. */
static void list_users(struct listing *list, const char *parent, const char *prefix,
                       const char *rest)
{
    DIR *users = opendir(parent);
    if (users == NULL)
        return;
    struct dirent *user;
    for (int seen = 0; seen < ENTRIES_MAX && (user = readdir(users)) != NULL; seen++) {
        char dir[384];
        if (user->d_name[0] == '.' || strncmp(user->d_name, prefix, strlen(prefix)) != 0)
            continue;
        snprintf(dir, sizeof(dir), "%s/%s%s", parent, user->d_name, rest);
        list_folder(list, dir);
    }
    closedir(users);
}

static void list_default(struct listing *list)
{
    char dir[FOLDER_PATH_MAX];
    bool all = geteuid() == 0;
    /* That of root's own session is met below, if it lies where sessions lie. */
    if (folder_of_session(dir) && !(all && strncmp(dir, "/run/user/", 10) == 0))
        list_folder(list, dir);
    if (all) {
        list_users(list, "/dev/shm", "vagus-", "");
        list_users(list, "/run/user", "", "/vagus");
        return;
    }
    folder_of_user(dir);
    list_folder(list, dir);
}

int segment_list(const char *dir, bool (*on_found)(const struct segment_found *found, void *arg),
                 void *arg)
{
    struct listing list = {malloc(SEGMENT_LIST_MAX * sizeof(struct segment_found)), 0};
    if (list.found == NULL)
        return VAGUS_ENOMEM;
    int result = 0;
    if (dir != NULL)
        result = list_folder(&list, dir);
    else
        list_default(&list);
    if (result == 0)
        for (bool more = true; more && (unsigned)result < list.count; result++)
            more = on_found(&list.found[result], arg);
    free(list.found);
    return result;
}
