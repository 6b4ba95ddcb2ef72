/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel is asked for, over folders that look like cgroups; and what may then be believed
 * of it. */
#include "host/memory_wake.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "check.h"
#include "host/inside.h"
#include "root_fixture.h"

#define MIB (UINT64_C(1) << 20)
#define RULE_AT (256 * MIB * 8 / 10)

static struct host *host;
static struct host_wake_request request;

static void read_below(const char *path, char *text, size_t capacity)
{
    char whole[256];
    snprintf(whole, sizeof(whole), "%s/%s", root_dir, path);
    FILE *file = fopen(whole, "r");
    size_t length = file != NULL ? fread(text, 1, capacity - 1, file) : 0;
    text[length] = '\0';
    if (file != NULL)
        fclose(file);
}

static void open_host(bool set_high)
{
    static const struct host_wake_threshold thresholds[] = {{0.2, true}, {16.0 * MIB, false}};
    CHECK_EQ(host_open(&(struct host_options){.root = root_dir}, &host), 0);
    if (host == NULL)
        exit(1);
    host->machine = true; /* this folder is a kernel */
    host_memory_wake_want(host, thresholds, 2, set_high);
}

static void end(void)
{
    host_unref(host);
    host = NULL;
    for (unsigned i = 0; i < request.fd_count; i++)
        close(request.fds[i].fd);
    for (unsigned i = 0; i < request.order_count; i++)
        close(request.orders[i].fd);
    request = (struct host_wake_request){0};
    root_end();
}

static void begin_v1(const char *usage)
{
    CHECK(root_begin());
    root_write("proc/self/cgroup", "4:memory:/a\n");
    root_write("proc/self/mountinfo", "30 29 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup "
                                      "rw,memory\n");
    root_write("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "268435456\n");
    root_write("sys/fs/cgroup/memory/a/memory.usage_in_bytes", usage);
    root_write("sys/fs/cgroup/memory/a/memory.stat", "total_inactive_file 0\n");
    root_write("sys/fs/cgroup/memory/a/cgroup.event_control", "");
    open_host(false);
}

static void begin_v2(bool set_high)
{
    CHECK(root_begin());
    root_write("proc/self/cgroup", "0::/a\n");
    root_write("proc/self/mountinfo", "30 29 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    root_write("sys/fs/cgroup/a/memory.max", "268435456\n");
    root_write("sys/fs/cgroup/a/memory.high", "max\n");
    root_write("sys/fs/cgroup/a/memory.current", "1048576\n");
    root_write("sys/fs/cgroup/a/memory.stat", "inactive_file 0\n");
    root_write("sys/fs/cgroup/a/memory.events", "high 0\n");
    open_host(set_high);
}

static void look(void)
{
    struct host_cgroup_memory levels[HOST_CGROUP_DEPTH_MAX];
    unsigned count = 0;
    CHECK_EQ(host_cgroup_memory(host, levels, &count), 0);
    CHECK_EQ(count, 1);
}

static void v1_asks_at_each_threshold(void)
{
    char wanted[64];
    begin_v1("1048576\n");
    CHECK(host_memory_wake_ask(host, &request));
    CHECK_EQ(request.order_count, 2);
    CHECK_EQ(request.fd_count, 1);
    snprintf(wanted, sizeof(wanted), "%d %d %llu", request.fds[0].fd,
             host->memory.levels[0].usage.fd, (unsigned long long)RULE_AT);
    CHECK_STR(request.orders[0].text, wanted);
    CHECK_CONTAINS(request.orders[1].text, " 251658240");
    struct host_wake_request again;
    CHECK(!host_memory_wake_ask(host, &again)); /* nothing changed */
    end();
}

static void v1_is_believed_only_while_usage_is_below(void)
{
    begin_v1("1048576\n");
    CHECK(host_memory_wake_ask(host, &request));
    look();
    CHECK(!host_memory_wakes(host, 0, RULE_AT)); /* asked, not granted */
    host_memory_wake_granted(host, 1);
    CHECK(host_memory_wakes(host, 0, RULE_AT));
    CHECK(host_memory_wakes(host, 0, 250.0 * MIB)); /* it comes by the first */
    CHECK(!host_memory_wakes(host, 0, 100.0 * MIB));
    CHECK(!host_memory_wakes(host, 1, RULE_AT));
    /* Page cache has carried usage past the first: no event comes for what takes its place. */
    root_write("sys/fs/cgroup/memory/a/memory.usage_in_bytes", "230000000\n");
    look();
    CHECK(!host_memory_wakes(host, 0, RULE_AT));
    CHECK(!host_memory_wakes(host, 0, 240.0 * MIB)); /* the second was not granted */
    host_memory_wake_granted(host, 3);
    CHECK(!host_memory_wakes(host, 0, RULE_AT));
    CHECK(host_memory_wakes(host, 0, 240.0 * MIB));
    end();
}

static void another_limit_is_asked_for_anew(void)
{
    begin_v1("1048576\n");
    CHECK(host_memory_wake_ask(host, &request));
    host_memory_wake_granted(host, 3);
    for (unsigned i = 0; i < request.order_count; i++)
        close(request.orders[i].fd);
    close(request.fds[0].fd);
    root_write("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "134217728\n");
    CHECK_EQ(host_cgroup_memory_refresh(host), 0);
    CHECK(host_memory_wake_ask(host, &request));
    CHECK_CONTAINS(request.orders[0].text, " 107374182");
    look();
    CHECK(!host_memory_wakes(host, 0, 120.0 * MIB));
    end();
}

/* Removed and made anew under its name: the descriptors go bad, and the files are there again. */
static void a_cgroup_made_anew_is_asked_anew(void)
{
    begin_v1("1048576\n");
    CHECK(host_memory_wake_ask(host, &request));
    host_memory_wake_granted(host, 3);
    for (unsigned i = 0; i < request.order_count; i++)
        close(request.orders[i].fd);
    close(request.fds[0].fd);
    CHECK(!host_memory_wake_ask(host, &request));
    int folder = open(root_dir, O_PATH | O_CLOEXEC);
    CHECK(dup2(folder, host->memory.levels[0].usage.fd) >= 0); /* cannot be read */
    close(folder);
    look();
    CHECK(host_memory_wake_ask(host, &request));
    CHECK(!host_memory_wakes(host, 0, (double)RULE_AT));
    end();
}

static void v1_that_lets_nobody_ask(void)
{
    struct host_wake_told told;
    begin_v1("1048576\n");
    root_write("sys/fs/cgroup/memory/a/cgroup.event_control", NULL);
    CHECK(host_memory_wake_ask(host, &request));
    CHECK_EQ(request.order_count, 0);
    CHECK_EQ(request.fd_count, 0);
    host_memory_wake_told(host, &told);
    CHECK_EQ(told.error, VAGUS_EUNSUPPORTED);
    host_memory_wake_granted(host, ~UINT64_C(0));
    look();
    CHECK(!host_memory_wakes(host, 0, RULE_AT));
    end();
}

static void v2_watches_events_and_sets_nothing_unasked(void)
{
    char high[32];
    begin_v2(false);
    CHECK(host_memory_wake_ask(host, &request));
    CHECK_EQ(request.order_count, 0);
    CHECK_EQ(request.fd_count, 1);
    struct pollfd polled = {request.fds[0].fd, request.fds[0].events, 0};
    CHECK_EQ(poll(&polled, 1, 0), 0);
    root_write("sys/fs/cgroup/a/memory.events", "high 1\n");
    CHECK_EQ(poll(&polled, 1, 1000), 1);
    CHECK(host_memory_wake_seen(polled.fd, polled.revents));
    CHECK_EQ(poll(&polled, 1, 0), 0);
    host_memory_wake_close(host);
    read_below("sys/fs/cgroup/a/memory.high", high, sizeof(high));
    CHECK_STR(high, "max\n");
    end();
}

static void v2_sets_high_and_gives_it_back(void)
{
    char text[32];
    begin_v2(true);
    CHECK(host_memory_wake_ask(host, &request));
    CHECK_EQ(request.order_count, 1);
    CHECK_STR(request.orders[0].text, "214748364");
    host_memory_wake_granted(host, 1);
    look();
    CHECK(host_memory_wakes(host, 0, RULE_AT));
    host_memory_wake_close(host);
    read_below("sys/fs/cgroup/a/memory.high", text, sizeof(text));
    CHECK(strncmp(text, "max", 3) == 0);
    CHECK(!host_memory_wakes(host, 0, RULE_AT));
    end();
}

/* As a kill leaves it: the kernel keeps whole pages. */
static void v2_takes_over_what_a_killed_monitor_left(void)
{
    struct host_wake_told told;
    char text[32];
    begin_v2(true);
    root_write("sys/fs/cgroup/a/memory.high", "214745088\n");
    CHECK(host_memory_wake_ask(host, &request));
    CHECK_EQ(request.order_count, 1);
    host_memory_wake_told(host, &told);
    CHECK(told.high_set && told.high_left);
    CHECK_EQ(told.error, 0);
    host_memory_wake_close(host);
    read_below("sys/fs/cgroup/a/memory.high", text, sizeof(text));
    CHECK(strncmp(text, "max", 3) == 0);
    end();
}

static void v2_takes_nothing_from_a_monitor_that_lives(void)
{
    static const char *const values[] = {"max\n", "214745088\n"};
    for (size_t i = 0; i < 2; i++) {
        struct host_wake_told told;
        char path[128];
        begin_v2(true);
        root_write("sys/fs/cgroup/a/memory.high", values[i]);
        snprintf(path, sizeof(path), "%s/sys/fs/cgroup/a/memory.high", root_dir);
        int other = open(path, O_RDONLY | O_CLOEXEC);
        CHECK_EQ(flock(other, LOCK_EX), 0);
        CHECK(host_memory_wake_ask(host, &request));
        CHECK_EQ(request.order_count, 0);
        host_memory_wake_told(host, &told);
        CHECK(!told.high_set);
        CHECK_EQ(told.error, VAGUS_EEXIST);
        host_memory_wake_close(host);
        read_below("sys/fs/cgroup/a/memory.high", path, sizeof(path));
        CHECK_STR(path, values[i]);
        close(other);
        end();
    }
}

static void v2_gives_it_back_where_the_process_was(void)
{
    char text[32];
    begin_v2(true);
    CHECK(host_memory_wake_ask(host, &request));
    for (unsigned i = 0; i < request.order_count; i++)
        close(request.orders[i].fd);
    for (unsigned i = 0; i < request.fd_count; i++)
        close(request.fds[i].fd);
    root_write("sys/fs/cgroup/a/memory.high", "214745088\n");
    root_write("sys/fs/cgroup/b/memory.max", "268435456\n");
    root_write("sys/fs/cgroup/b/memory.high", "max\n");
    root_write("sys/fs/cgroup/b/memory.current", "1048576\n");
    root_write("sys/fs/cgroup/b/memory.stat", "inactive_file 0\n");
    root_write("sys/fs/cgroup/b/memory.events", "high 0\n");
    root_write("proc/self/cgroup", "0::/b\n");
    CHECK_EQ(host_cgroup_resolve(host), 0);
    CHECK(host_memory_wake_ask(host, &request));
    CHECK_EQ(request.order_count, 1);
    read_below("sys/fs/cgroup/a/memory.high", text, sizeof(text));
    CHECK(strncmp(text, "max", 3) == 0);
    host_memory_wake_close(host);
    end();
}

static void v2_leaves_a_high_of_somebody_else_alone(void)
{
    struct host_wake_told told;
    begin_v2(true);
    root_write("sys/fs/cgroup/a/memory.high", "100000000\n");
    CHECK(host_memory_wake_ask(host, &request));
    CHECK_EQ(request.order_count, 0);
    host_memory_wake_told(host, &told);
    CHECK_EQ(told.error, VAGUS_EEXIST);
    host_memory_wake_close(host);
    end();
}

/* That it fires, the guest shows: tests/guest/guest_wake.c. */
static void this_kernel_takes_a_pressure_trigger(void)
{
    struct host_wake_told told;
    int fd = open("/proc/pressure/memory", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        SKIP_TEST("no /proc/pressure/memory that this user may write to");
    close(fd);
    REQUIRE(host_open(NULL, &host) == 0);
    host_memory_wake_want(host, &(struct host_wake_threshold){0.2, true}, 1, false);
    CHECK(host_memory_wake_ask(host, &request));
    host_memory_wake_told(host, &told);
    CHECK(told.host_stalls);
    unsigned triggers = 0;
    for (unsigned i = 0; i < request.fd_count; i++) {
        struct pollfd polled = {request.fds[i].fd, request.fds[i].events, 0};
        triggers += polled.events == POLLPRI;
        CHECK(poll(&polled, 1, 0) >= 0);
        CHECK_EQ(polled.revents & (POLLERR | POLLNVAL | POLLHUP), 0);
        close(polled.fd);
    }
    CHECK(triggers >= 1);
    for (unsigned i = 0; i < request.order_count; i++)
        close(request.orders[i].fd);
    request = (struct host_wake_request){0};
    host_memory_wake_close(host);
    host_unref(host);
    host = NULL;
}

static void below_an_injected_root_nobody_is_asked(void)
{
    begin_v1("1048576\n");
    host->machine = false;
    CHECK(host_memory_wake_ask(host, &request));
    CHECK_EQ(request.order_count + request.fd_count, 0);
    end();
}

int main(void)
{
    RUN(v1_asks_at_each_threshold);
    RUN(v1_is_believed_only_while_usage_is_below);
    RUN(another_limit_is_asked_for_anew);
    RUN(a_cgroup_made_anew_is_asked_anew);
    RUN(v1_that_lets_nobody_ask);
    RUN(v2_watches_events_and_sets_nothing_unasked);
    RUN(v2_sets_high_and_gives_it_back);
    RUN(v2_takes_over_what_a_killed_monitor_left);
    RUN(v2_takes_nothing_from_a_monitor_that_lives);
    RUN(v2_gives_it_back_where_the_process_was);
    RUN(v2_leaves_a_high_of_somebody_else_alone);
    RUN(this_kernel_takes_a_pressure_trigger);
    RUN(below_an_injected_root_nobody_is_asked);
    return check_result();
}
