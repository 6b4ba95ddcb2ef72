/* SPDX-License-Identifier: Apache-2.0 */
/* The watcher over eventfds and pipes: it rings, carries out orders, lets go of what it had, ends.
 */
#include "sense/watcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/wake.h"
#include "check.h"
#include "vagus/base.h"

static struct wake bell;
static struct watcher *watcher;
static int seen_count;

static bool seen(int fd, short events)
{
    uint64_t told;
    __atomic_add_fetch(&seen_count, 1, __ATOMIC_SEQ_CST);
    if ((events & POLLIN) != 0 && read(fd, &told, sizeof(told)) < 0 && errno != EAGAIN)
        return false;
    return (events & (POLLHUP | POLLERR)) == 0;
}

static int64_t soon(void)
{
    return vagus_now_ns() + 10 * VAGUS_SECOND_NS;
}

static int event(void)
{
    return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static void raise_event(int fd)
{
    uint64_t one = 1;
    CHECK_EQ(write(fd, &one, sizeof(one)), sizeof(one));
}

static bool rings(void)
{
    for (int64_t until = soon(); vagus_now_ns() < until;)
        if ((wake_wait(&bell, until) & WAKE_NEAR) != 0 && watcher_take(watcher))
            return true;
    return false;
}

static bool is_closed(int fd)
{
    for (int64_t until = soon(); vagus_now_ns() < until; usleep(1000))
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            return true;
    return false;
}

static void it_rings_for_each_that_is_ready(void)
{
    int a = event(), b = event();
    CHECK_EQ(watcher_create(&bell, seen, &watcher), 0);
    watcher_set(watcher, (const struct watcher_fd[]){{a, POLLIN}, {b, POLLIN}}, 2, NULL, 0);
    raise_event(a);
    CHECK(rings());
    raise_event(b);
    CHECK(rings());
    CHECK_EQ(watcher_rings(watcher), 2);
    CHECK(!watcher_take(watcher));
    CHECK(watcher_close(watcher, soon()));
    CHECK(fcntl(a, F_GETFD) < 0 && fcntl(b, F_GETFD) < 0);
}

static void a_new_set_takes_the_place_of_the_old(void)
{
    int a = event(), b = event();
    CHECK_EQ(watcher_create(&bell, seen, &watcher), 0);
    watcher_set(watcher, (const struct watcher_fd[]){{a, POLLIN}}, 1, NULL, 0);
    watcher_set(watcher, (const struct watcher_fd[]){{b, POLLIN}}, 1, NULL, 0);
    CHECK(is_closed(a));
    raise_event(b);
    CHECK(rings());
    CHECK(watcher_close(watcher, soon()));
}

/* The watcher hangs in an order, as long as the kernel takes. */
static void not_ready_until_the_set_was_taken_over(void)
{
    int ends[2];
    char full[4096] = "";
    CHECK_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    while (write(ends[1], full, sizeof(full)) > 0)
        continue;
    CHECK_EQ(fcntl(ends[1], F_SETFL, 0), 0); /* now it blocks */
    CHECK_EQ(watcher_create(&bell, seen, &watcher), 0);
    watcher_set(watcher, NULL, 0, (const struct watcher_order[]){{ends[1], "hangs"}}, 1);
    for (int64_t until = soon(); !watcher_ready(watcher) && vagus_now_ns() < until;)
        usleep(1000);
    CHECK(watcher_ready(watcher));
    watcher_set(watcher, (const struct watcher_fd[]){{event(), POLLIN}}, 1, NULL, 0);
    CHECK(!watcher_ready(watcher));
    while (read(ends[0], full, sizeof(full)) > 0)
        continue;
    for (int64_t until = soon(); !watcher_ready(watcher) && vagus_now_ns() < until;)
        usleep(1000);
    CHECK(watcher_ready(watcher));
    CHECK(watcher_close(watcher, soon()));
    close(ends[0]);
}

static void orders_are_carried_out_and_told(void)
{
    int ends[2], closed[2];
    char text[32] = "";
    CHECK_EQ(pipe2(ends, O_CLOEXEC), 0);
    CHECK_EQ(pipe2(closed, O_CLOEXEC), 0);
    CHECK_EQ(watcher_create(&bell, seen, &watcher), 0);
    struct watcher_order orders[] = {{ends[1], "first order"}, {closed[0], "cannot be written"}};
    watcher_set(watcher, NULL, 0, orders, 2);
    CHECK_EQ(read(ends[0], text, sizeof(text) - 1), 11);
    CHECK_STR(text, "first order");
    CHECK(is_closed(closed[0]));
    for (int64_t until = soon(); watcher_done(watcher) == 0 && vagus_now_ns() < until;)
        usleep(1000);
    CHECK_EQ(watcher_done(watcher), 1);
    watcher_set(watcher, NULL, 0, NULL, 0);
    CHECK_EQ(watcher_done(watcher), 0);
    CHECK(watcher_close(watcher, soon()));
    close(ends[0]);
    close(closed[1]);
}

static void what_hangs_up_is_polled_no_longer(void)
{
    int ends[2];
    CHECK_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    CHECK_EQ(watcher_create(&bell, seen, &watcher), 0);
    watcher_set(watcher, (const struct watcher_fd[]){{ends[0], POLLIN}}, 1, NULL, 0);
    close(ends[1]);
    CHECK(rings());
    CHECK(is_closed(ends[0]));
    int before = __atomic_load_n(&seen_count, __ATOMIC_SEQ_CST);
    usleep(20000);
    CHECK_EQ(__atomic_load_n(&seen_count, __ATOMIC_SEQ_CST), before);
    CHECK(watcher_close(watcher, soon()));
}

int main(void)
{
    RUN(it_rings_for_each_that_is_ready);
    RUN(a_new_set_takes_the_place_of_the_old);
    RUN(not_ready_until_the_set_was_taken_over);
    RUN(orders_are_carried_out_and_told);
    RUN(what_hangs_up_is_polled_no_longer);
    CHECK(watcher_close(NULL, 0));
    return check_result();
}
