/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that sleeps in poll() on descriptors by which the kernel says that something may run
 * out, and rings the sampler's bell. It decides nothing. */
#ifndef SENSE_WATCHER_H
#define SENSE_WATCHER_H

#include <stdbool.h>
#include <stdint.h>

struct wake;
struct watcher;

struct watcher_fd {
    int fd;
    short events; /* of poll() */
};
#define WATCHER_FDS_MAX 8

/* A text to be written to a descriptor, which then is closed. */
struct watcher_order {
    int fd;
    char text[64];
};
#define WATCHER_ORDERS_MAX 64

/* `seen` takes note of a descriptor that was ready; false: it is of no more use. The bell is static
 * memory: a watcher that was left behind may ring it once more. Starts the thread. 0, VAGUS_ENOMEM,
 * VAGUS_ERESOURCE. */
int watcher_create(struct wake *bell, bool (*seen)(int fd, short events), struct watcher **watcher);

/* From now on these, and no others, once these orders were carried out: the thread writes them, for
 * as long as the kernel takes. At most WATCHER_FDS_MAX and WATCHER_ORDERS_MAX, the rest is closed.
 * The watcher owns the descriptors, and closes those that it had. For one thread at a time. */
void watcher_set(struct watcher *watcher, const struct watcher_fd *fds, unsigned count,
                 const struct watcher_order *orders, unsigned order_count);

/* False while the newest set waits to be taken over: to replace it now would be to close it here,
 * which for a PSI trigger takes 20 ms. */
bool watcher_ready(struct watcher *watcher);

/* The orders of the newest set that were carried out, bit 1 << index. */
uint64_t watcher_done(const struct watcher *watcher);

/* True once after it rang. */
bool watcher_take(struct watcher *watcher);

/* How often it rang, ever. */
uint64_t watcher_rings(const struct watcher *watcher);

/* Ends it and closes its descriptors; false if it did not come back by deadline_ns
 * (CLOCK_MONOTONIC) and was left behind. NULL is fine. */
bool watcher_close(struct watcher *watcher, int64_t deadline_ns);

#endif
