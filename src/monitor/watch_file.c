/* SPDX-License-Identifier: Apache-2.0 */
/* `reload: on_change`: a thread that watches the folder of the policy file, so that a file which is
 * replaced is seen as well as one that is written to, and reads it again once it has come to rest.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/text.h"
#include "config/preset.h"
#include "monitor/monitor.h"
#include "vagus/policy.h"

#define REST_MS 100        /* nothing happened to the file for so long */
#define RESTLESS_MS 1000   /* something always does: read it all the same */
#define LOOK_MS 10000      /* what inotify cannot see: a network, the far end of a link */
#define LOOK_BLIND_MS 1000 /* no inotify to be had */
#define EVENTS                                                                                     \
    (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB | IN_ONLYDIR)

struct watch_file {
    uint32_t references; /* the thread's and the monitor's */
    struct latch ended;
    struct vagus_monitor *monitor;
    uint32_t generation;
    int quit;
    int bell;           /* an eventfd: quit, or another path */
    int inotify, place; /* -1: none */
    struct stat read;   /* the file as it was last read */
    char path[PATH_MAX];
    struct vagus_fault_list faults;
};

static void unref(struct watch_file *watch)
{
    if (__atomic_sub_fetch(&watch->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    if (watch->inotify >= 0)
        close(watch->inotify);
    if (watch->bell >= 0)
        close(watch->bell);
    latch_finish(&watch->ended);
    free(watch);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* The folder; it may be a link that leads elsewhere by and by, so it is looked up anew. */
static void place_watch(struct watch_file *watch)
{
    char folder[PATH_MAX];
    char *slash;
    if (watch->inotify < 0)
        return;
    text_copy(folder, sizeof(folder), watch->path);
    slash = strrchr(folder, '/');
    if (slash == NULL)
        text_copy(folder, sizeof(folder), ".");
    else
        slash[slash == folder] = '\0';
    int place = inotify_add_watch(watch->inotify, folder, EVENTS);
    if (watch->place >= 0 && watch->place != place)
        inotify_rm_watch(watch->inotify, watch->place);
    watch->place = place;
}

/* A reload may have named another file. False if the monitor is gone. */
static bool follow_path(struct watch_file *watch)
{
    struct vagus_monitor *monitor = monitor_enter_generation(watch->generation);
    if (monitor == NULL)
        return false;
    pthread_mutex_lock(&monitor->reload_lock);
    bool other = strcmp(watch->path, monitor->policy_path) != 0;
    if (other)
        text_copy(watch->path, sizeof(watch->path), monitor->policy_path);
    pthread_mutex_unlock(&monitor->reload_lock);
    monitor_leave();
    if (other && stat(watch->path, &watch->read) != 0)
        watch->read = (struct stat){0};
    return true;
}

/* A file that is not there is one that is being replaced. False if it is to be looked at again
 * soon: the monitor is not quite started yet. */
static bool look(struct watch_file *watch)
{
    struct stat now;
    place_watch(watch);
    if (stat(watch->path, &now) != 0 || is_same(&now, &watch->read))
        return true;
    if (vagus_policy_reload(watch->monitor, NULL, &watch->faults) == VAGUS_ESTATE)
        return false;
    watch->read = now;
    return true;
}

static void drain(int fd)
{
    char events[4096];
    while (read(fd, events, sizeof(events)) > 0)
        ;
}

static void over(void *arg)
{
    struct watch_file *watch = arg;
    latch_open(&watch->ended);
    unref(watch);
}

static void *run(void *arg)
{
    struct watch_file *watch = arg;
    /* It may have changed since the monitor was opened. */
    int64_t restless_since_ns = look(watch) ? 0 : vagus_now_ns();
    while (!__atomic_load_n(&watch->quit, __ATOMIC_ACQUIRE)) {
        struct pollfd polled[2] = {{watch->bell, POLLIN, 0}, {watch->inotify, POLLIN, 0}};
        int wait_ms = restless_since_ns != 0 ? REST_MS : watch->place < 0 ? LOOK_BLIND_MS : LOOK_MS;
        int ready = poll(polled, 2, wait_ms);
        if (polled[0].revents != 0 && ready > 0) {
            drain(watch->bell);
            if (!follow_path(watch))
                break;
            place_watch(watch);
        }
        if (polled[1].revents != 0 && ready > 0) {
            drain(watch->inotify);
            restless_since_ns = restless_since_ns != 0 ? restless_since_ns : vagus_now_ns();
            if (vagus_now_ns() - restless_since_ns < RESTLESS_MS * VAGUS_MILLISECOND_NS)
                continue;
        }
        if (ready < 0 && errno != EINTR)
            break;
        restless_since_ns = look(watch) ? 0 : vagus_now_ns();
    }
    over(watch);
    return NULL;
}

static struct watch_file *make(struct vagus_monitor *monitor)
{
    struct watch_file *watch = calloc(1, sizeof(*watch));
    if (watch == NULL)
        return NULL;
    *watch = (struct watch_file){.references = 2,
                                 .monitor = monitor,
                                 .generation = monitor->generation,
                                 .read = monitor->policy_stat,
                                 .place = -1};
    text_copy(watch->path, sizeof(watch->path), monitor->policy_path);
    latch_init(&watch->ended);
    monitor_hold_forks();
    watch->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    watch->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    monitor->watch_file = watch;
    monitor_leave();
    return watch;
}

void watch_file_start(struct vagus_monitor *monitor)
{
    bool is_file = monitor->policy_path[0] != '\0' &&
                   strncmp(monitor->policy_path, PRESET_PREFIX, strlen(PRESET_PREFIX)) != 0;
    if (monitor->config->reload != CONFIG_RELOAD_ON_CHANGE)
        return;
    if (!is_file || (monitor->flags & VAGUS_STEPPED) != 0) {
        monitor_note(monitor, SEGMENT_NOTE_WARNING, "reload: on_change has no effect here: %s",
                     is_file ? "a stepped monitor has no thread that could watch the file"
                             : "there is no policy file");
        return;
    }
    struct watch_file *watch = make(monitor);
    if (watch != NULL && watch->bell >= 0 && thread_start("vagus-policy", run, watch) == 0)
        return;
    monitor_note(monitor, SEGMENT_NOTE_WARNING,
                 "the policy file is not watched: no thread or no descriptor for it");
    monitor->watch_file = NULL;
    if (watch != NULL) {
        watch->references = 1;
        unref(watch);
    }
}

void watch_file_ring(struct watch_file *watch)
{
    uint64_t one = 1;
    if (watch != NULL && write(watch->bell, &one, sizeof(one)) < 0)
        return; /* it is rung already */
}

bool watch_file_stop(struct vagus_monitor *monitor, int64_t deadline_ns)
{
    struct watch_file *watch = monitor->watch_file;
    if (watch == NULL)
        return true;
    monitor->watch_file = NULL;
    __atomic_store_n(&watch->quit, 1, __ATOMIC_RELEASE);
    watch_file_ring(watch);
    bool ended = latch_wait(&watch->ended, deadline_ns);
    unref(watch);
    return ended;
}

/* The thread is not here; what it held lies where it lies. */
void watch_file_after_fork_in_child(struct vagus_monitor *monitor)
{
    struct watch_file *watch = monitor->watch_file;
    monitor->watch_file = NULL;
    if (watch == NULL)
        return;
    if (watch->inotify >= 0)
        close(watch->inotify);
    if (watch->bell >= 0)
        close(watch->bell);
}
