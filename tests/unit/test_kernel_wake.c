/* SPDX-License-Identifier: Apache-2.0 */
/* A monitor in a process without descriptors: it is not opened, and says why; opened before, it
 * starts, though the kernel cannot wake it. */
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "check.h"
#include "monitor_fixture.h"

static const char policy[] = "rules:\n"
                             "  - name: headroom\n"
                             "    metric: memory.headroom.ratio\n"
                             "    kind: level\n"
                             "    throttle: { below: 1%, clear: 2% }\n";

static struct rlimit was;

static int open_monitor(struct vagus_monitor **monitor)
{
    return vagus_monitor_open(
        &(struct vagus_monitor_options){.size = sizeof(struct vagus_monitor_options),
                                        .policy_text = policy,
                                        .flags = VAGUS_ANONYMOUS_SEGMENT},
        monitor);
}

static bool leave_no_descriptor(void)
{
    int lowest = open("/", O_PATH | O_CLOEXEC);
    struct rlimit none = {(rlim_t)lowest, was.rlim_max};
    return lowest >= 0 && close(lowest) == 0 && setrlimit(RLIMIT_NOFILE, &none) == 0;
}

/* The agent has used them up between open and start. */
static void none_is_left_to_be_woken_by(void)
{
    struct vagus_monitor *monitor = NULL;
    REQUIRE(open_monitor(&monitor) == 0);
    CHECK(leave_no_descriptor());
    int error = vagus_monitor_start(monitor);
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &was), 0);
    CHECK_EQ(error, 0);
    CHECK_EQ(vagus_monitor_close(monitor), 0);
}

static void none_is_left_to_open(void)
{
    struct vagus_monitor *monitor = NULL;
    CHECK(leave_no_descriptor());
    int error = open_monitor(&monitor);
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &was), 0);
    CHECK_EQ(error, VAGUS_ERESOURCE);
    CHECK(monitor == NULL);
}

int main(void)
{
    if (getrlimit(RLIMIT_NOFILE, &was) != 0)
        return 1;
    RUN(none_is_left_to_be_woken_by);
    RUN(none_is_left_to_open);
    return check_result();
}
