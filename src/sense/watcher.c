/* SPDX-License-Identifier: Apache-2.0 */
/* The watcher. Descriptors change hands under a lock that is held for a few loads and stores. */
#include "sense/watcher.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/thread.h"
#include "base/wake.h"
#include "vagus/base.h"

/* Between two rings: what comes in between would find the sampler reading at that pace anyway, and
 * usage that sways about a threshold makes an event each time. */
#define PAUSE_NS (2 * VAGUS_MILLISECOND_NS)

struct watcher {
    struct wake *bell;
    bool (*seen)(int fd, short events);
    int control; /* an eventfd: the set is another, or it is over */
    struct latch ended;
    int quit;
    int holders; /* the maker and the thread; the last one frees */
    int rang;
    uint64_t rings;
    pthread_mutex_t lock;
    struct watcher_fd next[WATCHER_FDS_MAX]; /* under the lock: to be taken over */
    unsigned next_count;
    struct watcher_order orders[WATCHER_ORDERS_MAX];
    unsigned order_count;
    bool has_next;
    uint64_t set;  /* how many there were */
    uint64_t done; /* orders of the newest set */
    /* The thread's own. Slot 0 is `control`. */
    struct pollfd polled[WATCHER_FDS_MAX + 1];
    unsigned count;
};

static void close_polled(struct watcher *watcher)
{
    for (unsigned i = 1; i < watcher->count; i++)
        if (watcher->polled[i].fd >= 0)
            close(watcher->polled[i].fd);
    watcher->count = 1;
}

static void close_next(struct watcher *watcher)
{
    for (unsigned i = 0; watcher->has_next && i < watcher->next_count; i++)
        close(watcher->next[i].fd);
    for (unsigned i = 0; watcher->has_next && i < watcher->order_count; i++)
        close(watcher->orders[i].fd);
    watcher->has_next = false;
}

static void let_go(struct watcher *watcher)
{
    if (__atomic_sub_fetch(&watcher->holders, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    close_polled(watcher);
    close_next(watcher);
    close(watcher->control);
    pthread_mutex_destroy(&watcher->lock);
    latch_finish(&watcher->ended);
    free(watcher);
}

/* An order may name a descriptor of its set, so they come first. */
static void carry_out(struct watcher *watcher, const struct watcher_order *order, uint64_t set,
                      unsigned number)
{
    size_t length = strnlen(order->text, sizeof(order->text));
    bool written = !__atomic_load_n(&watcher->quit, __ATOMIC_ACQUIRE) &&
                   write(order->fd, order->text, length) == (ssize_t)length;
    close(order->fd);
    pthread_mutex_lock(&watcher->lock);
    if (written && watcher->set == set)
        __atomic_fetch_or(&watcher->done, UINT64_C(1) << number, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&watcher->lock);
}

static void take_over(struct watcher *watcher)
{
    struct watcher_order orders[WATCHER_ORDERS_MAX];
    struct watcher_fd fds[WATCHER_FDS_MAX];
    unsigned order_count = 0, fd_count = 0;
    pthread_mutex_lock(&watcher->lock);
    uint64_t set = watcher->set;
    bool any = watcher->has_next;
    if (any) {
        fd_count = watcher->next_count;
        memcpy(fds, watcher->next, fd_count * sizeof(fds[0]));
        order_count = watcher->order_count;
        memcpy(orders, watcher->orders, order_count * sizeof(orders[0]));
        watcher->has_next = false;
    }
    pthread_mutex_unlock(&watcher->lock);
    if (any)
        close_polled(watcher); /* a PSI trigger takes 20 ms */
    for (unsigned i = 0; i < fd_count; i++)
        watcher->polled[watcher->count++] = (struct pollfd){fds[i].fd, fds[i].events, 0};
    for (unsigned i = 0; i < order_count; i++)
        carry_out(watcher, &orders[i], set, i);
}

static void ring(struct watcher *watcher)
{
    __atomic_store_n(&watcher->rang, 1, __ATOMIC_RELEASE);
    __atomic_fetch_add(&watcher->rings, 1, __ATOMIC_RELAXED);
    wake_ring_for(watcher->bell, WAKE_NEAR);
}

/* True if one of them was ready. One that is of no more use is polled no longer. */
static bool look(struct watcher *watcher)
{
    bool any = false;
    for (unsigned i = 1; i < watcher->count; i++) {
        struct pollfd *polled = &watcher->polled[i];
        if (polled->fd < 0 || polled->revents == 0)
            continue;
        any = true;
        if (!watcher->seen(polled->fd, polled->revents)) {
            close(polled->fd);
            polled->fd = -1;
        }
    }
    return any;
}

static void *run(void *arg)
{
    struct watcher *watcher = arg;
    thread_hurry();
    while (!__atomic_load_n(&watcher->quit, __ATOMIC_ACQUIRE)) {
        take_over(watcher);
        if (poll(watcher->polled, watcher->count, -1) < 0 && errno != EINTR)
            break; /* no memory in the kernel: the reads are there */
        if (look(watcher)) {
            ring(watcher);
            nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
        }
        if (watcher->polled[0].revents != 0) {
            uint64_t told;
            while (read(watcher->control, &told, sizeof(told)) < 0 && errno == EINTR)
                ;
        }
    }
    close_polled(watcher); /* what was asked for is taken back by then */
    latch_open(&watcher->ended);
    let_go(watcher);
    return NULL;
}

static void nudge(struct watcher *watcher)
{
    uint64_t one = 1;
    while (write(watcher->control, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

int watcher_create(struct wake *bell, bool (*seen)(int fd, short events), struct watcher **result)
{
    struct watcher *watcher = calloc(1, sizeof(*watcher));
    if (watcher == NULL)
        return VAGUS_ENOMEM;
    *watcher = (struct watcher){.bell = bell, .seen = seen, .holders = 2, .count = 1};
    watcher->control = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    watcher->polled[0] = (struct pollfd){watcher->control, POLLIN, 0};
    pthread_mutex_init(&watcher->lock, NULL);
    latch_init(&watcher->ended);
    int error =
        watcher->control >= 0 ? thread_start("vagus-watcher", run, watcher) : VAGUS_ERESOURCE;
    if (error != 0) {
        watcher->holders = 1;
        let_go(watcher);
        return error;
    }
    *result = watcher;
    return 0;
}

void watcher_set(struct watcher *watcher, const struct watcher_fd *fds, unsigned count,
                 const struct watcher_order *orders, unsigned order_count)
{
    pthread_mutex_lock(&watcher->lock);
    close_next(watcher); /* nobody has taken them over yet */
    watcher->next_count = 0;
    for (unsigned i = 0; i < count; i++)
        if (i < WATCHER_FDS_MAX)
            watcher->next[watcher->next_count++] = fds[i];
        else
            close(fds[i].fd);
    watcher->order_count = 0;
    for (unsigned i = 0; i < order_count; i++)
        if (i < WATCHER_ORDERS_MAX)
            watcher->orders[watcher->order_count++] = orders[i];
        else
            close(orders[i].fd);
    watcher->set++;
    __atomic_store_n(&watcher->done, 0, __ATOMIC_RELAXED);
    watcher->has_next = true;
    pthread_mutex_unlock(&watcher->lock);
    nudge(watcher);
}

bool watcher_ready(struct watcher *watcher)
{
    pthread_mutex_lock(&watcher->lock);
    bool ready = !watcher->has_next;
    pthread_mutex_unlock(&watcher->lock);
    return ready;
}

uint64_t watcher_done(const struct watcher *watcher)
{
    return __atomic_load_n(&watcher->done, __ATOMIC_ACQUIRE);
}

bool watcher_take(struct watcher *watcher)
{
    return watcher != NULL && __atomic_load_n(&watcher->rang, __ATOMIC_RELAXED) != 0 &&
           __atomic_exchange_n(&watcher->rang, 0, __ATOMIC_ACQUIRE) != 0;
}

uint64_t watcher_rings(const struct watcher *watcher)
{
    return watcher != NULL ? __atomic_load_n(&watcher->rings, __ATOMIC_RELAXED) : 0;
}

bool watcher_close(struct watcher *watcher, int64_t deadline_ns)
{
    if (watcher == NULL)
        return true;
    __atomic_store_n(&watcher->quit, 1, __ATOMIC_RELEASE);
    nudge(watcher);
    bool ended = latch_wait(&watcher->ended, deadline_ns);
    let_go(watcher);
    return ended;
}
