/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets of one process: its descriptors name inodes, the tables below net/ tell their states. */
#include "host/sockets.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/parse.h"
#include "vagus/base.h"

#define INODES_MAX 65536
#define TABLE_LINES_MAX 1000000

const char *host_tcp_state_name(unsigned state)
{
    static const char *const names[HOST_TCP_STATES] = {
        "UNKNOWN", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2",   "TIME_WAIT",
        "CLOSE",   "CLOSE_WAIT",  "LAST_ACK", "LISTEN",   "CLOSING",   "NEW_SYN_RECV"};
    return names[state < HOST_TCP_STATES ? state : 0];
}

bool host_parse_socket(const char *line, size_t length, bool unix_domain,
                       struct host_socket *socket)
{
    struct parse rest = parse_text(line, length), word;
    struct host_socket found = {0};
    if (unix_domain) {
        /* "Num: RefCount Protocol Flags Type St Inode Path" */
        if (!parse_skip_words(&rest, 6) || !parse_word(&rest, &word))
            return false;
    } else {
        /* "sl: local remote st tx:rx tr:when retransmits uid timeout inode …" */
        if (!parse_skip_words(&rest, 3) || !parse_word(&rest, &word) || word.end - word.at != 2)
            return false;
        for (const char *at = word.at; at < word.end; at++) {
            unsigned digit = *at >= '0' && *at <= '9'   ? (unsigned)(*at - '0')
                             : *at >= 'A' && *at <= 'F' ? (unsigned)(*at - 'A') + 10
                                                        : 16;
            if (digit > 15)
                return false;
            found.state = found.state * 16 + digit;
        }
        if (!parse_skip_words(&rest, 5) || !parse_word(&rest, &word))
            return false;
    }
    if (word.at == word.end || word.end - word.at > 19)
        return false;
    for (const char *at = word.at; at < word.end; at++) {
        if (*at < '0' || *at > '9')
            return false;
        found.inode = found.inode * 10 + (uint64_t)(*at - '0');
    }
    *socket = found;
    return true;
}

struct inodes {
    uint64_t *list;
    size_t count;
};

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* "socket:[12345]", as the link of a descriptor says. */
static bool inode_of_link(const char *link, uint64_t *inode)
{
    char *end;
    if (strncmp(link, "socket:[", 8) != 0)
        return false;
    *inode = strtoull(link + 8, &end, 10);
    return *end == ']';
}

static int list_inodes(int process, struct inodes *inodes, bool *cut)
{
    int fd = openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    if (folder == NULL) {
        int error = errno == EACCES || errno == EPERM ? VAGUS_EPERM : VAGUS_EUNSUPPORTED;
        if (fd >= 0)
            close(fd);
        return error;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char link[64];
        uint64_t inode;
        ssize_t length = readlinkat(fd, entry->d_name, link, sizeof(link) - 1);
        link[length > 0 ? length : 0] = '\0';
        if (!inode_of_link(link, &inode))
            continue;
        if (inodes->count == INODES_MAX) {
            *cut = true;
            break;
        }
        inodes->list[inodes->count++] = inode;
    }
    closedir(folder);
    qsort(inodes->list, inodes->count, sizeof(*inodes->list), by_number);
    return 0;
}

static bool is_own(const struct inodes *inodes, uint64_t inode)
{
    return inode != 0 &&
           bsearch(&inode, inodes->list, inodes->count, sizeof(*inodes->list), by_number) != NULL;
}

static unsigned walk_table(int process, const char *name, const struct inodes *inodes,
                           unsigned states[HOST_TCP_STATES], bool *cut)
{
    int fd = openat(process, name, O_RDONLY | O_CLOEXEC);
    FILE *table = fd >= 0 ? fdopen(fd, "re") : NULL;
    char line[512];
    unsigned found = 0, lines = 0;
    if (table == NULL) {
        if (fd >= 0)
            close(fd);
        return 0;
    }
    while (fgets(line, sizeof(line), table) != NULL) {
        struct host_socket socket;
        if (++lines > TABLE_LINES_MAX) {
            *cut = true;
            break;
        }
        if (!host_parse_socket(line, strlen(line), strcmp(name, "net/unix") == 0, &socket) ||
            !is_own(inodes, socket.inode))
            continue;
        found++;
        if (states != NULL)
            states[socket.state < HOST_TCP_STATES ? socket.state : 0]++;
    }
    fclose(table);
    return found;
}

int host_own_sockets(const char *root, long pid, struct host_own_sockets *sockets)
{
    struct host_own_sockets found = {0};
    struct inodes inodes = {0};
    char path[4096];
    if (pid > 0)
        snprintf(path, sizeof(path), "%s/proc/%ld", root != NULL ? root : "", pid);
    else
        snprintf(path, sizeof(path), "%s/proc/self", root != NULL ? root : "");
    int process = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (process < 0)
        return errno == EACCES ? VAGUS_EPERM : pid > 0 ? VAGUS_ENOENT : VAGUS_EUNSUPPORTED;
    inodes.list = calloc(INODES_MAX, sizeof(*inodes.list));
    int error = inodes.list != NULL ? list_inodes(process, &inodes, &found.cut) : VAGUS_ENOMEM;
    if (error == 0) {
        found.all = (unsigned)inodes.count;
        unsigned known = walk_table(process, "net/tcp", &inodes, found.tcp, &found.cut);
        known += walk_table(process, "net/tcp6", &inodes, found.tcp, &found.cut);
        found.udp = walk_table(process, "net/udp", &inodes, NULL, &found.cut);
        found.udp += walk_table(process, "net/udp6", &inodes, NULL, &found.cut);
        found.local = walk_table(process, "net/unix", &inodes, NULL, &found.cut);
        known += found.udp + found.local;
        found.other = found.all > known ? found.all - known : 0;
        *sockets = found;
    }
    free(inodes.list);
    close(process);
    return error;
}
