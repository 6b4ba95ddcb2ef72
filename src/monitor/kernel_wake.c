/* SPDX-License-Identifier: Apache-2.0 */
/* Where the kernel can wake the monitor for memory: the thresholds of the rules go to the host, who
 * knows what to ask for, and what it asks for goes to the watcher, who may wait. */
#include <string.h>

#include "host/memory_wake.h"
#include "monitor/monitor.h"
#include "sense/watcher.h"

_Static_assert(sizeof(struct watcher_fd) == sizeof(struct host_wake_fd) &&
                   sizeof(struct watcher_order) == sizeof(struct host_wake_order) &&
                   HOST_WAKE_ORDERS_MAX <= WATCHER_ORDERS_MAX &&
                   HOST_WAKE_FDS_MAX <= WATCHER_FDS_MAX,
               "what the host asks for, the watcher takes as it is");

struct gathered {
    struct host_wake_threshold thresholds[HOST_WAKE_THRESHOLDS_MAX];
    size_t count;
    bool share;
};

static void gather(void *arg, double enter, bool below)
{
    struct gathered *gathered = arg;
    if (below && gathered->count < HOST_WAKE_THRESHOLDS_MAX)
        gathered->thresholds[gathered->count++] =
            (struct host_wake_threshold){enter, gathered->share};
}

static void ask(struct vagus_monitor *monitor)
{
    struct host_wake_request request;
    struct watcher_fd fds[HOST_WAKE_FDS_MAX];
    struct watcher_order orders[HOST_WAKE_ORDERS_MAX];
    if (!watcher_ready(monitor->watcher) || !host_memory_wake_ask(monitor->host, &request))
        return;
    memcpy(fds, request.fds, request.fd_count * sizeof(fds[0]));
    memcpy(orders, request.orders, request.order_count * sizeof(orders[0]));
    struct host_wake_told told;
    host_memory_wake_told(monitor->host, &told);
    if (told.high_left)
        monitor_note(monitor, SEGMENT_NOTE_INFO,
                     "memory.high was left behind by a monitor that was killed: it goes back to "
                     "max when this one closes");
    if (told.error == VAGUS_EEXIST)
        monitor_note(monitor, SEGMENT_NOTE_WARNING,
                     "memory.high of the cgroup is not ours (another monitor, or whoever set it, "
                     "or left by one that was killed): it stays as it is");
    else if (told.error != 0)
        monitor_note(monitor, SEGMENT_NOTE_INFO,
                     "the kernel does not wake the monitor for each memory limit (%s): they are "
                     "read as often as they need",
                     vagus_error_name(told.error));
    watcher_set(monitor->watcher, fds, request.fd_count, orders, request.order_count);
}

/* Tells the host the thresholds of the rules; how many there are. */
static size_t want(struct vagus_monitor *monitor)
{
    struct gathered gathered = {.count = 0};
    gathered.share = true;
    judge_thresholds(monitor->judge, "memory.headroom.ratio", gather, &gathered);
    gathered.share = false;
    judge_thresholds(monitor->judge, "memory.headroom", gather, &gathered);
    if (gathered.count > 0)
        host_memory_wake_want(monitor->host, gathered.thresholds, gathered.count,
                              monitor->config->set_memory_high);
    return gathered.count;
}

void kernel_wake_start(struct vagus_monitor *monitor)
{
    if (!monitor->config->kernel_wake || monitor->host == NULL || monitor->watcher != NULL ||
        want(monitor) == 0)
        return;
    int error = watcher_create(&monitor->wake, host_memory_wake_seen, &monitor->watcher);
    if (error == 0)
        ask(monitor);
    else
        monitor_note(
            monitor, SEGMENT_NOTE_INFO,
            "the kernel cannot wake the monitor for memory (%s): it is read as often as it "
            "needs",
            vagus_error_name(error));
}

void kernel_wake_renew(struct vagus_monitor *monitor)
{
    if (monitor->watcher != NULL)
        want(monitor);
}

void kernel_wake_step(struct vagus_monitor *monitor, unsigned due)
{
    if (monitor->watcher == NULL)
        return;
    if ((due & (1u << VAGUS_TIER_1S)) != 0)
        ask(monitor);
    uint64_t done = watcher_done(monitor->watcher);
    if (done != monitor->orders_done)
        host_memory_wake_granted(monitor->host, done);
    monitor->orders_done = done;
}

bool kernel_wake_take(struct vagus_monitor *monitor)
{
    return watcher_take(monitor->watcher);
}

bool kernel_wake_finish(struct vagus_monitor *monitor, int64_t deadline_ns)
{
    bool ended = watcher_close(monitor->watcher, deadline_ns);
    if (monitor->watcher != NULL)
        host_memory_wake_close(monitor->host);
    monitor->watcher = NULL;
    return ended;
}
