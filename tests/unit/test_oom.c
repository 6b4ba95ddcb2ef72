/* SPDX-License-Identifier: Apache-2.0 */
/* What the OOM killer leaves behind: records of the kernel's log, old and new and damaged, and the
 * counters of both hierarchies. */
#include "host/oom.h"

#include "root_fixture.h"

static bool parse(const char *record, struct host_oom_kill *kill)
{
    return host_parse_oom_record(record, strlen(record), kill);
}

static void records_of_kernels(void)
{
    struct host_oom_kill kill;
    REQUIRE(parse("3,11,17147681608,-;Memory cgroup out of memory: Killed process 29377 "
                  "(scenario_test_c) total-vm:164848kB, anon-rss:24068kB\n",
                  &kill));
    CHECK_EQ(kill.pid, 29377);
    CHECK_EQ(kill.at_ns, INT64_C(17147681608000));
    CHECK_STR(kill.program, "scenario_test_c");
    REQUIRE(
        parse("3,1,5,-;Out of memory: Killed process 1 (a b) total-vm:1kB\n SUBSYSTEM=x\n", &kill));
    CHECK_STR(kill.program, "a b");
    REQUIRE(parse("3,1,5,-;Killed process 77 (longer-than-any-name-is), UID 0\n", &kill));
    CHECK_STR(kill.program, "longer-than-any");
}

static void records_of_something_else(void)
{
    static const char *const others[] = {
        "",
        "\n",
        "6,1,5,-;total_cache 0\n",
        "6,1,5,-;Killed process\n",
        "6,1,5,-;Killed process (x)\n",
        "6,1,5,-;Killed process -5 (x) \n",
        "6,1,5,-;Killed process 99999999999 (x) \n",
        "6,1,5,-;Killed process 99999999999999999999999 (x) \n",
        "6,1,5,-;Killed process 5 x) \n",
        "6,1,5,-;Killed process 5 (x",
        "6,1,-5,-;Killed process 5 (x) \n",
        "6,1,99999999999999999999,-;Killed process 5 (x) \n",
        "6,1,9999999999999999999,-;Killed process 5 (x) \n",
        "6,1,5;Killed process 5 (x) \n",
        "Killed process 5 (x) \n",
        "6,1,5,-;first\n Killed process 5 (x) \n",
    };
    struct host_oom_kill kill = {.pid = -7};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (parse(others[i], &kill))
            CHECK_FAIL_("record %zu was taken for a kill", i);
    CHECK_EQ(kill.pid, -7);
}

static bool any(const struct host_oom_kill *kill, const void *arg)
{
    return arg == NULL || kill->pid == *(const int *)arg;
}

static void a_log_that_is_not_there(void)
{
    struct host_oom_kill kill;
    CHECK_EQ(host_oom_log("/nowhere/at/all", 0, VAGUS_SECOND_NS, any, NULL, &kill),
             VAGUS_EUNSUPPORTED);
    CHECK_EQ(host_oom_log("/dev/null", 0, VAGUS_SECOND_NS, any, NULL, &kill), VAGUS_ENOENT);
    CHECK_EQ(host_oom_log("/tmp", 0, VAGUS_SECOND_NS, any, NULL, &kill), VAGUS_EIO);
    int64_t before_ns = vagus_now_ns(); /* what never ends is left */
    CHECK_EQ(host_oom_log("/dev/zero", 0, VAGUS_MILLISECOND_NS, any, NULL, &kill), VAGUS_EAGAIN);
    CHECK(vagus_now_ns() - before_ns < 10 * VAGUS_SECOND_NS);
}

static void a_log_of_one_record(void)
{
    struct host_oom_kill kill;
    char path[128];
    int pid = 7;
    REQUIRE(root_begin());
    root_write("kmsg", "3,1,5000000,-;Killed process 7 (x) \n");
    snprintf(path, sizeof(path), "%s/kmsg", root_dir);
    CHECK_EQ(host_oom_log(path, 0, VAGUS_SECOND_NS, any, &pid, &kill), 0);
    CHECK_EQ(kill.pid, 7);
    CHECK_EQ(host_oom_log(path, 6 * VAGUS_SECOND_NS, VAGUS_SECOND_NS, any, &pid, &kill),
             VAGUS_ENOENT);
    pid = 8;
    CHECK_EQ(host_oom_log(path, 0, VAGUS_SECOND_NS, any, &pid, &kill), VAGUS_ENOENT);
    root_end();
}

static void counters(void)
{
    uint64_t kills = 99;
    REQUIRE(root_begin());
    CHECK_EQ(host_oom_kills(root_dir, HOST_CGROUP_V2, &kills), VAGUS_ENOENT);
    root_write("memory.events", "low 0\nhigh 0\nmax 12\noom 2\noom_kill 3\noom_group_kill 0\n");
    root_write("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n");
    CHECK_EQ(host_oom_kills(root_dir, HOST_CGROUP_V2, &kills), 0);
    CHECK_EQ(kills, 3);
    CHECK_EQ(host_oom_kills(root_dir, HOST_CGROUP_V1, &kills), 0);
    CHECK_EQ(kills, 5);
    root_write("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\n"); /* before 4.13 */
    CHECK_EQ(host_oom_kills(root_dir, HOST_CGROUP_V1, &kills), VAGUS_EUNSUPPORTED);
    root_write("memory.events", "low 0\nhigh 0\nmax 12\noom 2\noom_kill -3\n");
    CHECK_EQ(host_oom_kills(root_dir, HOST_CGROUP_V2, &kills), VAGUS_EPARSE);
    root_write("memory.events", "");
    CHECK_EQ(host_oom_kills(root_dir, HOST_CGROUP_V2, &kills), VAGUS_EPARSE);
    CHECK_EQ(host_oom_kills("relative", HOST_CGROUP_V2, &kills), VAGUS_ENOENT);
    CHECK_EQ(kills, 5);
    root_end();
}

int main(void)
{
    RUN(records_of_kernels);
    RUN(records_of_something_else);
    RUN(a_log_that_is_not_there);
    RUN(a_log_of_one_record);
    RUN(counters);
    return check_result();
}
