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

#include "base/text.h"
#include "segment/folder.h"
#include "segment/reader.h"

#define ENTRIES_MAX 4096 /* looked at in one folder */

struct listing {
    struct segment_found *found; /* SEGMENT_LIST_MAX of them, in their order */
    unsigned count;
};

static bool goes_before(const struct segment_found *a, const struct segment_found *b)
{
    if (a->alive != b->alive)
        return a->alive;
    if (a->header.started_wall_ns != b->header.started_wall_ns)
        return a->header.started_wall_ns > b->header.started_wall_ns;
    return a->header.stamp > b->header.stamp;
}

static void list_file(struct listing *list, int folder, const char *dir, const char *name,
                      const char *agent)
{
    static const struct segment_found nothing;
    struct segment_found found = nothing;
    struct segment_reader reader;
    found.error = segment_attach_at(folder, name, &reader);
    if (found.error == VAGUS_ENOENT)
        return; /* gone meanwhile */
    snprintf(found.path, sizeof(found.path), "%s/%s", dir, name);
    if (found.error == 0) {
        found.header = reader.header;
        found.alive = segment_alive(&reader);
        segment_detach(&reader);
    } else {
        text_copy(found.header.agent, sizeof(found.header.agent), agent);
    }
    unsigned at = 0;
    while (at < list->count && !goes_before(&found, &list->found[at]))
        at++;
    if (at == SEGMENT_LIST_MAX)
        return;
    unsigned last = list->count < SEGMENT_LIST_MAX ? list->count++ : SEGMENT_LIST_MAX - 1;
    memmove(&list->found[at + 1], &list->found[at], (last - at) * sizeof(found));
    list->found[at] = found;
}

static int list_folder(struct listing *list, const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT                      ? VAGUS_ENOENT
               : errno == ENOTDIR || errno == ELOOP ? VAGUS_EINVAL
                                                    : VAGUS_EPERM;
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
            list_file(list, fd, dir, entry->d_name, agent);
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
