/* SPDX-License-Identifier: Apache-2.0 */
/* Processes and their children as /proc tells them. Each file is opened for its one reading: the
 * processes come and go. */
#include "host/tree_read.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/inside.h"
#include "host/parse.h"

int host_parse_tree_process(const char *text, size_t length, long ticks_per_second,
                            struct host_tree_process *process)
{
    /* The name in parentheses may itself hold spaces and parentheses. */
    const char *name_end = length > 0 ? memrchr(text, ')', length) : NULL;
    struct parse rest = parse_text(text, length), word;
    struct host_tree_process p;
    uint64_t pid, parent, threads, user, system, children_user, children_system;
    uint64_t tick_ns = (uint64_t)(VAGUS_SECOND_NS / ticks_per_second);
    if (name_end == NULL || !parse_u64(&rest, &pid))
        return VAGUS_EPARSE;
    rest.at = name_end + 1;
    if (!parse_word(&rest, &word) || word.end - word.at != 1 || !parse_u64(&rest, &parent) ||
        !parse_skip_words(&rest, 9) || !parse_u64(&rest, &user) || !parse_u64(&rest, &system) ||
        !parse_u64(&rest, &children_user) || !parse_u64(&rest, &children_system) ||
        !parse_skip_words(&rest, 2) || !parse_u64(&rest, &threads) || !parse_skip_words(&rest, 1) ||
        !parse_u64(&rest, &p.started))
        return VAGUS_EPARSE;
    if (pid == 0 || pid > INT32_MAX || parent > INT32_MAX || threads > INT32_MAX ||
        __builtin_add_overflow(user, system, &p.own_ns) ||
        __builtin_mul_overflow(p.own_ns, tick_ns, &p.own_ns) ||
        __builtin_add_overflow(children_user, children_system, &p.children_ns) ||
        __builtin_mul_overflow(p.children_ns, tick_ns, &p.children_ns) || p.own_ns > INT64_MAX ||
        p.children_ns > INT64_MAX)
        return VAGUS_EPARSE;
    p.pid = (int32_t)pid;
    p.parent_pid = (int32_t)parent;
    p.threads = (uint32_t)threads;
    p.state = *word.at;
    *process = p;
    return 0;
}

int host_parse_children(const char *text, size_t length, int32_t *pids, size_t capacity,
                        size_t *count)
{
    struct parse rest = parse_text(text, length);
    size_t found = 0;
    uint64_t pid;
    for (;;) {
        while (rest.at < rest.end && (*rest.at == ' ' || *rest.at == '\n'))
            rest.at++;
        if (rest.at == rest.end)
            break;
        if (!parse_u64(&rest, &pid) || pid > INT32_MAX)
            return VAGUS_EPARSE;
        if (found < capacity)
            pids[found] = (int32_t)pid;
        found++;
    }
    *count = found;
    return 0;
}

static int error_of(int number)
{
    return number == ENOENT || number == ESRCH || number == ENOTDIR ? VAGUS_ENOENT
           : number == EACCES || number == EPERM                    ? VAGUS_EPERM
                                                                    : VAGUS_EIO;
}

static int open_below(const struct tree_reader *reader, const char *path, int flags)
{
    int fd = openat(reader->proc_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | flags);
    return fd >= 0 ? fd : error_of(errno);
}

/* The whole of a small file into reader->text; a longer one is cut. */
static int read_file(struct tree_reader *reader, const char *path, size_t *length)
{
    size_t had = 0;
    ssize_t count;
    int fd = open_below(reader, path, 0);
    if (fd < 0)
        return fd;
    if (reader->host->on_read != NULL) {
        char below[80];
        snprintf(below, sizeof(below), "proc/%s", path);
        reader->host->on_read(reader->host->on_read_arg, below);
    }
    do {
        count = read(fd, reader->text + had, sizeof(reader->text) - had);
        if (count > 0)
            had += (size_t)count;
    } while ((count > 0 && had < sizeof(reader->text)) || (count < 0 && errno == EINTR));
    int error = count < 0 ? error_of(errno) : 0;
    close(fd);
    *length = had;
    return error;
}

int tree_read_process(struct tree_reader *reader, int32_t pid, struct host_tree_process *process)
{
    char path[32] = "self/stat";
    size_t length;
    struct host_tree_process p;
    if (pid != 0)
        snprintf(path, sizeof(path), "%d/stat", (int)pid);
    int error = read_file(reader, path, &length);
    if (error == 0)
        error = host_parse_tree_process(reader->text, length, reader->host->ticks_per_second, &p);
    if (error == 0 && pid != 0 && p.pid != pid)
        error = VAGUS_EPARSE;
    if (error == 0)
        *process = p;
    return error;
}

int tree_read_resident(struct tree_reader *reader, const struct host_tree_process *process,
                       uint64_t *bytes)
{
    char path[32];
    size_t length;
    struct host_process_size size;
    snprintf(path, sizeof(path), "%d/statm", (int)process->pid);
    int error = read_file(reader, path, &length);
    /* One that ended meanwhile, or waits to be reaped, has no memory. Zeros of one whose main
     * thread alone has ended are not known, and no zeros. */
    bool nothing = error == VAGUS_ENOENT || (error == 0 && process->threads <= 1 && length > 2 &&
                                             memcmp(reader->text, "0 ", 2) == 0);
    if (nothing) {
        *bytes = 0;
        return 0;
    }
    if (error == 0)
        error = host_parse_process_size(reader->text, length, reader->host->page_bytes, &size);
    if (error == 0)
        *bytes = size.resident_bytes;
    return error;
}

/* Calls each() for all names that are numbers in a folder; by the raw call, as opendir()
 * allocates. */
static int list_numbers(struct tree_reader *reader, const char *path,
                        int (*each)(void *arg, int32_t number), void *arg)
{
    _Alignas(struct dirent64) char entries[4096];
    int error = 0, fd = open_below(reader, path, O_DIRECTORY);
    if (fd < 0)
        return fd;
    for (;;) {
        long bytes = syscall(SYS_getdents64, fd, entries, sizeof(entries));
        if (bytes < 0)
            error = error_of(errno);
        if (bytes <= 0 || error != 0)
            break;
        for (long at = 0; error == 0 && at < bytes;) {
            struct dirent64 *entry = (struct dirent64 *)(void *)(entries + at);
            int32_t number;
            size_t count, length = strlen(entry->d_name);
            at += entry->d_reclen;
            entry->d_name[length] = ' '; /* ends the number; its 0 is not needed any more */
            if (host_parse_children(entry->d_name, length + 1, &number, 1, &count) == 0 &&
                count == 1 && number > 0)
                error = each(arg, number);
        }
    }
    close(fd);
    return error;
}

/* --- Children by the file of that name, of each thread. --- */

struct asking {
    struct tree_reader *reader;
    int32_t pid;
    int (*take)(void *arg, int32_t pid);
    void *arg;
};

static int ask_thread(void *arg, int32_t tid)
{
    struct asking *asking = arg;
    struct tree_reader *reader = asking->reader;
    char path[64];
    size_t length, count;
    if (reader->threads_left == 0) {
        reader->unseen++; /* it may have none, but then that is not known */
        return 0;
    }
    reader->threads_left--;
    snprintf(path, sizeof(path), "%d/task/%d/children", (int)asking->pid, (int)tid);
    int error = read_file(reader, path, &length);
    if (error != 0)
        return error == VAGUS_ENOENT ? 0 : error; /* the thread ended */
    error = host_parse_children(reader->text, length, reader->children, TREE_CHILDREN_MAX, &count);
    if (error != 0)
        return error;
    if (count > TREE_CHILDREN_MAX) {
        reader->unseen += count - TREE_CHILDREN_MAX;
        count = TREE_CHILDREN_MAX;
    }
    for (size_t i = 0; error == 0 && i < count; i++) {
        if (reader->children[i] == 0)
            reader->unseen++; /* outside of this PID namespace */
        else
            error = asking->take(asking->arg, reader->children[i]);
    }
    return error;
}

int tree_read_children(struct tree_reader *reader, const struct host_tree_process *process,
                       int (*take)(void *arg, int32_t pid), void *arg)
{
    struct asking asking = {.reader = reader, .pid = process->pid, .take = take, .arg = arg};
    char path[32];
    int error = 0;
    if (reader->scanned) {
        for (uint32_t i = 0; error == 0 && i < reader->pair_count; i++)
            if (reader->pairs[i].parent_pid == process->pid)
                error = take(arg, reader->pairs[i].pid);
        return error;
    }
    if (process->threads <= 1)
        return ask_thread(&asking, process->pid);
    snprintf(path, sizeof(path), "%d/task", (int)process->pid);
    error = list_numbers(reader, path, ask_thread, &asking);
    return error == VAGUS_ENOENT ? 0 : error;
}

/* --- Children by a look at every process. --- */

static int note_pair(void *arg, int32_t pid)
{
    struct tree_reader *reader = arg;
    struct host_tree_process process;
    if (reader->pair_count == HOST_TREE_SCANNED_MAX) {
        reader->unseen++;
        return 0;
    }
    /* Gone, or another user's where these are hidden: none of ours, as far as can be known. */
    if (tree_read_process(reader, pid, &process) == 0)
        reader->pairs[reader->pair_count++] =
            (struct tree_pair){.pid = pid, .parent_pid = process.parent_pid};
    return 0;
}

int tree_reader_begin(struct tree_reader *reader)
{
    reader->unseen = 0;
    reader->threads_left = HOST_TREE_THREADS_MAX;
    reader->pair_count = 0;
    return reader->scanned ? list_numbers(reader, ".", note_pair, reader) : 0;
}

int tree_reader_open(struct tree_reader *reader, struct host *host)
{
    struct host_tree_process self;
    char path[64];
    reader->host = host;
    reader->proc_fd = openat(host->root_fd, "proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int error = reader->proc_fd >= 0 ? tree_read_process(reader, 0, &self) : error_of(errno);
    if (error != 0)
        return error == VAGUS_ENOENT ? VAGUS_EUNSUPPORTED : error;
    snprintf(path, sizeof(path), "%d/task/%d/children", (int)self.pid, (int)self.pid);
    reader->scanned = faccessat(reader->proc_fd, path, F_OK, 0) != 0;
    return 0;
}

void tree_reader_close(struct tree_reader *reader)
{
    if (reader->proc_fd >= 0)
        close(reader->proc_fd);
}
