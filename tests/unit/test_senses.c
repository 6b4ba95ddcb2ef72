/* SPDX-License-Identifier: Apache-2.0 */
/* Which paths a monitor watches, each by a sense of its own. */
#include "check.h"
#include "monitor_fixture.h"
#include "root_fixture.h"

static struct vagus_monitor *begin(const char *policy)
{
    struct vagus_monitor *m = NULL;
    atomic_store(&test_now_ns, 1000 * S);
    CHECK_EQ(vagus_monitor_open(
                 &(struct vagus_monitor_options){.size = sizeof(struct vagus_monitor_options),
                                                 .policy_text = policy,
                                                 .clock = &test_clock,
                                                 .flags = VAGUS_STEPPED | VAGUS_ANONYMOUS_SEGMENT},
                 &m),
             0);
    CHECK_EQ(vagus_monitor_start(m), 0);
    return m;
}

static bool is_watched(struct vagus_monitor *m, const char *path)
{
    struct vagus_reading r;
    return vagus_reading_get(m, "disk.free", path, &r) == 0;
}

static bool has_sense(struct vagus_monitor *m, const char *name)
{
    struct vagus_reading r;
    return vagus_reading_get(m, "vagus.collector.duration", name, &r) == 0;
}

static void the_working_directory_and_the_temporary_one(void)
{
    char here[4096];
    REQUIRE(getcwd(here, sizeof(here)) != NULL);
    unsetenv("TMPDIR");
    struct vagus_monitor *m = begin("watch: {paths: [/proc, /tmp]}\n");
    CHECK(is_watched(m, strlen(here) < VAGUS_INSTANCE_MAX ? here : "/tmp"));
    CHECK(is_watched(m, "/tmp"));
    CHECK(is_watched(m, "/proc"));
    CHECK(has_sense(m, "disk") && has_sense(m, "disk_1") && has_sense(m, "disk_2"));
    CHECK(!has_sense(m, "disk_3")); /* /tmp is given twice */
    CHECK_EQ(vagus_monitor_close(m), 0);
}

static void as_the_environment_says(void)
{
    CHECK(root_begin());
    setenv("TMPDIR", root_dir, 1);
    struct vagus_monitor *m = begin("agent: a\n");
    CHECK(is_watched(m, root_dir));
    CHECK(!is_watched(m, "/tmp"));
    CHECK_EQ(vagus_monitor_close(m), 0);
    setenv("TMPDIR", "relative", 1); /* to what, by the time that it is used? */
    m = begin("agent: a\n");
    CHECK(is_watched(m, "/tmp"));
    CHECK_EQ(vagus_monitor_close(m), 0);
    unsetenv("TMPDIR");
    root_end();
}

static void a_working_directory_that_is_gone(void)
{
    char here[4096];
    REQUIRE(getcwd(here, sizeof(here)) != NULL);
    CHECK(root_begin());
    REQUIRE(chdir(root_dir) == 0);
    root_end();
    struct vagus_monitor *m = begin("watch: {paths: [/proc]}\n");
    CHECK(is_watched(m, "/tmp") && is_watched(m, "/proc"));
    CHECK(has_sense(m, "disk_1") && !has_sense(m, "disk_2"));
    CHECK_EQ(vagus_monitor_close(m), 0);
    CHECK_EQ(chdir(here), 0);
}

/* All that a policy may name, and no sense is left out. */
static void as_many_as_there_may_be(void)
{
    struct vagus_monitor *m = begin("watch: {paths: [/a, /b, /c, /d, /e, /f, /g, /h]}\n");
    CHECK(is_watched(m, "/a") && is_watched(m, "/h"));
    CHECK(has_sense(m, "disk_9"));
    CHECK(has_sense(m, "disk_io") && has_sense(m, "network"));
    CHECK_EQ(vagus_monitor_close(m), 0);
}

int main(void)
{
    RUN(the_working_directory_and_the_temporary_one);
    RUN(as_the_environment_says);
    RUN(a_working_directory_that_is_gone);
    RUN(as_many_as_there_may_be);
    return check_result();
}
