/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel is asked for, over folders that look like cgroups; and what may then be believed
 * of it. */
#include "host/memory_wake.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "host/inside.h"

#define MIB (UINT64_C(1) << 20)
#define RULE_AT (256 * MIB * 8 / 10)

static char root[64];
static struct host *host;
static struct host_wake_request request;

static void write_below(const char *path, const char *text)
{
    char whole[256];
    snprintf(whole, sizeof(whole), "%s/%s", root, path);
    for (char *slash = whole + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        mkdir(whole, 0755);
        *slash = '/';
    }
    FILE *file = fopen(whole, "w");
    CHECK(file != NULL);
    if (file != NULL) {
        fputs(text, file);
        fclose(file);
    }
}

static void read_below(const char *path, char *text, size_t capacity)
{
    char whole[256];
    snprintf(whole, sizeof(whole), "%s/%s", root, path);
    FILE *file = fopen(whole, "r");
    size_t length = file != NULL ? fread(text, 1, capacity - 1, file) : 0;
    text[length] = '\0';
    if (file != NULL)
        fclose(file);
}

static void open_host(bool set_high)
{
    static const struct host_wake_threshold thresholds[] = {{0.2, true}, {16.0 * MIB, false}};
    CHECK_EQ(host_open(&(struct host_options){.root = root}, &host), 0);
    if (host == NULL)
        exit(1);
    host->machine = true; /* this folder is a kernel */
    host_memory_wake_want(host, thresholds, 2, set_high);
}

static void begin(void)
{
    strcpy(root, "/tmp/vagus-wake-XXXXXX");
    CHECK(mkdtemp(root) != NULL);
}

static void end(void)
{
    char command[128];
    host_unref(host);
    host = NULL;
    for (unsigned i = 0; i < request.fd_count; i++)
        close(request.fds[i].fd);
    for (unsigned i = 0; i < request.order_count; i++)
        close(request.orders[i].fd);
    request = (struct host_wake_request){0};
    snprintf(command, sizeof(command), "rm -rf %s", root);
    CHECK_EQ(system(command), 0);
}

static void begin_v1(const char *usage)
{
    begin();
    write_below("proc/self/cgroup", "4:memory:/a\n");
    write_below("proc/self/mountinfo", "30 29 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup "
                                       "rw,memory\n");
    write_below("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "268435456\n");
    write_below("sys/fs/cgroup/memory/a/memory.usage_in_bytes", usage);
    write_below("sys/fs/cgroup/memory/a/memory.stat", "total_inactive_file 0\n");
    write_below("sys/fs/cgroup/memory/a/cgroup.event_control", "");
    open_host(false);
}

static void begin_v2(bool set_high)
{
    begin();
    write_below("proc/self/cgroup", "0::/a\n");
    write_below("proc/self/mountinfo", "30 29 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    write_below("sys/fs/cgroup/a/memory.max", "268435456\n");
    write_below("sys/fs/cgroup/a/memory.high", "max\n");
    write_below("sys/fs/cgroup/a/memory.current", "1048576\n");
    write_below("sys/fs/cgroup/a/memory.stat", "inactive_file 0\n");
    write_below("sys/fs/cgroup/a/memory.events", "high 0\n");
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
    write_below("sys/fs/cgroup/memory/a/memory.usage_in_bytes", "230000000\n");
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
    write_below("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "134217728\n");
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
    int folder = open(root, O_PATH | O_CLOEXEC);
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
    char path[128];
    snprintf(path, sizeof(path), "%s/sys/fs/cgroup/memory/a/cgroup.event_control", root);
    unlink(path);
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
    write_below("sys/fs/cgroup/a/memory.events", "high 1\n");
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

static void v2_leaves_a_high_of_somebody_else_alone(void)
{
    struct host_wake_told told;
    begin_v2(true);
    write_below("sys/fs/cgroup/a/memory.high", "100000000\n");
    CHECK(host_memory_wake_ask(host, &request));
    CHECK_EQ(request.order_count, 0);
    host_memory_wake_told(host, &told);
    CHECK_EQ(told.error, VAGUS_EEXIST);
    host_memory_wake_close(host);
    end();
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
    RUN(v2_leaves_a_high_of_somebody_else_alone);
    RUN(below_an_injected_root_nobody_is_asked);
    return check_result();
}
