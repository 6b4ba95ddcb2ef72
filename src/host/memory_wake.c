/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the kernel to be woken for memory, at each cgroup of the ancestry that has a limit. */
#include "host/memory_wake.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/inside.h"
#include "host/parse.h"

/* 200 ms of stalls in 2 s: without CAP_SYS_RESOURCE only windows of a multiple of 2 s are had. */
#define STALL_TRIGGER "some 200000 2000000"

void host_memory_wake_want(struct host *host, const struct host_wake_threshold *thresholds,
                           size_t count, bool set_high)
{
    struct memory_wake *wake = &host->memory_wake;
    wake->set_high = set_high;
    wake->wanted_count =
        count < HOST_WAKE_THRESHOLDS_MAX ? (unsigned)count : HOST_WAKE_THRESHOLDS_MAX;
    memcpy(wake->wanted, thresholds, wake->wanted_count * sizeof(*thresholds));
    wake->signature = 0;
}

/* Usage at which so much headroom is left. */
static uint64_t usage_at(uint64_t limit_bytes, const struct host_wake_threshold *threshold)
{
    double limit = (double)limit_bytes;
    double at = threshold->share ? limit * (1 - threshold->headroom) : limit - threshold->headroom;
    return at >= 1 && at <= limit ? (uint64_t)at : 0;
}

/* Below the root, at a level of the memory tree. */
static int open_at(const struct host *host, const struct cgroup_level *level, const char *name,
                   int flags)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof(path), "%.*s/%s", (int)level->directory_length,
                          host->memory.directory, name);
    if (length < 0 || length >= (int)sizeof(path))
        return -1;
    return openat(host->root_fd, path + strspn(path, "/"), flags | O_CLOEXEC | O_NOCTTY);
}

/* An order; what it arms is armed when it was carried out. The text has no longer numbers than fit.
 */
__attribute__((format(printf, 5, 6))) static void order(struct host *host,
                                                        struct host_wake_request *request, int fd,
                                                        struct memory_wake_armed armed,
                                                        const char *format, ...)
{
    va_list arguments;
    if (request->order_count == HOST_WAKE_ORDERS_MAX) {
        close(fd);
        return;
    }
    struct host_wake_order *order = &request->orders[request->order_count];
    order->fd = fd;
    va_start(arguments, format);
    vsnprintf(order->text, sizeof(order->text), format, arguments);
    va_end(arguments);
    host->memory_wake.armed[request->order_count++] = armed;
    host->memory_wake.armed_count = request->order_count;
}

/* --- v1: an event when usage crosses a threshold, up or down. --- */

static int open_control(struct host *host, const struct cgroup_level *level)
{
    int fd = open_at(host, level, "cgroup.event_control", O_WRONLY);
    if (fd < 0)
        host->memory_wake.told.error =
            errno == EACCES || errno == EPERM || errno == EROFS ? VAGUS_EPERM : VAGUS_EUNSUPPORTED;
    return fd;
}

static void order_usage(struct host *host, unsigned number, int event_fd,
                        struct host_wake_request *request)
{
    const struct memory_wake *wake = &host->memory_wake;
    const struct cgroup_level *level = &host->memory.levels[number];
    for (unsigned i = 0; i < wake->wanted_count; i++) {
        uint64_t at = usage_at(level->limit_bytes, &wake->wanted[i]);
        int control = at != 0 ? open_control(host, level) : -1;
        if (control >= 0)
            order(host, request, control, (struct memory_wake_armed){number, at, false},
                  "%d %d %" PRIu64, event_fd, level->usage.fd, at);
    }
}

static void ask_usage(struct host *host, struct host_wake_request *request)
{
    const struct cgroup_tree *tree = &host->memory;
    int event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    for (unsigned i = 0; event_fd >= 0 && i < tree->level_count; i++)
        if (tree->levels[i].limit_error == 0 && tree->levels[i].limit_bytes != HOST_UNLIMITED &&
            tree->levels[i].usage.name != NULL && tree->levels[i].usage.error == 0)
            order_usage(host, i, event_fd, request);
    host->memory_wake.told.usage_events = request->order_count;
    if (event_fd >= 0 && request->order_count == 0)
        close(event_fd);
    else if (event_fd >= 0)
        request->fds[request->fd_count++] = (struct host_wake_fd){event_fd, POLLIN};
}

/* --- v2: memory.events changes when memory.high is passed, or memory.max met. --- */

/* Writing "max" waits for nothing. */
static void give_high_back(struct memory_wake *wake)
{
    if (wake->high_fd <= 0)
        return;
    wake->told.high_set = pwrite(wake->high_fd, "max", 3, 0) != 3;
    close(wake->high_fd); /* and with it goes the lock */
    wake->high_fd = 0;
}

/* Ours to set is what is "max", to which it goes back, or what a monitor of the same policy left
 * behind when it was killed: the value that would be set now, in whole pages as the kernel keeps
 * it. Who sets it holds a lock on it for as long as it lives, so that none takes the other's for
 * left behind. */
static int look_at_high(const struct host *host, int fd, uint64_t bytes, bool *left)
{
    char text[32];
    uint64_t found = 0, page = (uint64_t)host->page_bytes;
    ssize_t length = pread(fd, text, sizeof(text), 0);
    if (length < 0)
        return VAGUS_EUNSUPPORTED;
    bool free = length == 4 && memcmp(text, "max\n", 4) == 0;
    *left = parse_number_file(text, (size_t)length, &found) && found == bytes / page * page;
    return (free || *left) && flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : VAGUS_EEXIST;
}

/* Takes hold of memory.high of the own cgroup, or keeps it. */
static int take_high(struct host *host, uint64_t bytes)
{
    struct memory_wake *wake = &host->memory_wake;
    struct stat held, own;
    int fd = open_at(host, &host->memory.levels[0], "memory.high", O_RDWR);
    if (fd < 0)
        return errno == ENOENT ? VAGUS_EUNSUPPORTED : VAGUS_EPERM;
    bool same = wake->high_fd > 0 && fstat(fd, &own) == 0 && fstat(wake->high_fd, &held) == 0 &&
                own.st_dev == held.st_dev && own.st_ino == held.st_ino;
    if (!same)
        give_high_back(wake); /* that of the cgroup which the process has left */
    int error = same ? 0 : look_at_high(host, fd, bytes, &wake->told.high_left);
    if (same || error != 0)
        close(fd);
    else
        wake->high_fd = fd;
    return error;
}

static void order_high(struct host *host, struct host_wake_request *request)
{
    struct memory_wake *wake = &host->memory_wake;
    const struct cgroup_level *own = &host->memory.levels[0];
    uint64_t first = UINT64_MAX;
    if (own->limit_error != 0 || own->limit_bytes == HOST_UNLIMITED)
        return;
    for (unsigned i = 0; i < wake->wanted_count; i++) {
        uint64_t at = usage_at(own->limit_bytes, &wake->wanted[i]);
        first = at != 0 && at < first ? at : first;
    }
    if (first == UINT64_MAX)
        return;
    wake->told.error = take_high(host, first);
    int fd = wake->told.error == 0 ? open_at(host, own, "memory.high", O_WRONLY) : -1;
    if (fd < 0)
        return;
    wake->told.high_set = true;
    order(host, request, fd, (struct memory_wake_armed){0, first, false}, "%" PRIu64, first);
}

static void ask_events(struct host *host, struct host_wake_request *request)
{
    const struct cgroup_tree *tree = &host->memory;
    bool any = false;
    int notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    for (unsigned i = 0; notify >= 0 && i < tree->level_count; i++) {
        char link[40];
        int fd = open_at(host, &tree->levels[i], "memory.events", O_RDONLY);
        if (fd < 0)
            continue;
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        any |= inotify_add_watch(notify, link, IN_MODIFY) >= 0;
        close(fd);
    }
    host->memory_wake.told.events_file = any;
    if (notify >= 0 && !any)
        close(notify);
    else if (notify >= 0)
        request->fds[request->fd_count++] = (struct host_wake_fd){notify, POLLIN};
    if (any && host->memory_wake.set_high)
        order_high(host, request);
}

/* --- PSI. --- */

static bool ask_stalls(struct host_wake_request *request, int fd)
{
    if (fd >= 0 && write(fd, STALL_TRIGGER, sizeof(STALL_TRIGGER)) < 0) {
        close(fd);
        fd = -1;
    }
    if (fd >= 0)
        request->fds[request->fd_count++] = (struct host_wake_fd){fd, POLLPRI};
    return fd >= 0;
}

/* --- Together. --- */

/* Of all that decides what is asked for. */
static uint64_t signature_of(const struct host *host)
{
    const struct cgroup_tree *tree = &host->memory;
    /* A cgroup that was removed and made anew looks the same, but knows nothing of what was asked.
     */
    unsigned returned = __atomic_load_n(&host->returned, __ATOMIC_RELAXED);
    uint64_t hash = 14695981039346656037u ^ tree->epoch ^ (uint64_t)returned << 32;
    for (const char *c = tree->path; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * 1099511628211u;
    for (unsigned i = 0; i < tree->level_count; i++)
        hash = (hash ^ tree->levels[i].limit_bytes) * 1099511628211u;
    return hash | 1;
}

bool host_memory_wake_ask(struct host *host, struct host_wake_request *request)
{
    struct memory_wake *wake = &host->memory_wake;
    const struct cgroup_tree *tree = &host->memory;
    uint64_t signature = signature_of(host);
    if (signature == wake->signature)
        return false;
    request->fd_count = request->order_count = 0;
    wake->signature = signature;
    wake->armed_count = 0;
    wake->told = (struct host_wake_told){.high_set = wake->told.high_set};
    /* Below an injected root there are files to be read, and no kernel to be asked. */
    if (wake->wanted_count == 0 || !host->machine)
        return true;
    if (tree->version == HOST_CGROUP_V1)
        ask_usage(host, request);
    else if (tree->version == HOST_CGROUP_V2)
        ask_events(host, request);
    int flags = O_RDWR | O_NONBLOCK;
    wake->told.host_stalls = ask_stalls(
        request, openat(host->root_fd, "proc/pressure/memory", flags | O_CLOEXEC | O_NOCTTY));
    if (tree->version == HOST_CGROUP_V2 && tree->level_count > 0)
        wake->told.cgroup_stalls =
            ask_stalls(request, open_at(host, &tree->levels[0], "memory.pressure", flags));
    return true;
}

void host_memory_wake_granted(struct host *host, uint64_t orders)
{
    for (unsigned i = 0; i < host->memory_wake.armed_count; i++)
        host->memory_wake.armed[i].live = (orders >> i & 1) != 0;
}

bool host_memory_wake_seen(int fd, short events)
{
    char buffer[4096];
    if ((events & POLLIN) != 0 && read(fd, buffer, sizeof(buffer)) < 0 && errno != EAGAIN &&
        errno != EINTR)
        return false;
    /* A cgroup that is gone says so for ever. */
    return (events & (POLLERR | POLLNVAL | POLLHUP)) == 0;
}

void host_memory_wake_close(struct host *host)
{
    give_high_back(&host->memory_wake);
    host->memory_wake.armed_count = 0;
}

void host_memory_wake_told(const struct host *host, struct host_wake_told *told)
{
    *told = host->memory_wake.told;
}

bool host_memory_wakes(const struct host *host, unsigned level, double working_set_bytes)
{
    const struct memory_wake *wake = &host->memory_wake;
    for (unsigned i = 0; i < wake->armed_count; i++)
        if (wake->armed[i].live && wake->armed[i].level == level &&
            (double)wake->armed[i].at_bytes <= working_set_bytes &&
            host->memory.levels[level].usage_bytes < wake->armed[i].at_bytes)
            return true;
    return false;
}
