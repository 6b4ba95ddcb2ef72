/* SPDX-License-Identifier: Apache-2.0 */
/* A monitor that the kernel cannot wake: it starts all the same. */
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

static struct vagus_monitor *open_monitor(void)
{
    struct vagus_monitor *monitor = NULL;
    CHECK_EQ(vagus_monitor_open(
                 &(struct vagus_monitor_options){.size = sizeof(struct vagus_monitor_options),
                                                 .policy_text = policy,
                                                 .flags = VAGUS_ANONYMOUS_SEGMENT},
                 &monitor),
             0);
    return monitor;
}

/* The agent has used up its descriptors between open and start. */
static void no_descriptor_is_left(void)
{
    struct rlimit was, none;
    struct vagus_monitor *monitor = open_monitor();
    REQUIRE(monitor != NULL && getrlimit(RLIMIT_NOFILE, &was) == 0);
    int lowest = open("/", O_PATH | O_CLOEXEC);
    REQUIRE(lowest >= 0);
    close(lowest);
    none = (struct rlimit){(rlim_t)lowest, was.rlim_max};
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    int error = vagus_monitor_start(monitor);
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &was), 0);
    CHECK_EQ(error, 0);
    CHECK_EQ(vagus_monitor_close(monitor), 0);
}

int main(void)
{
    RUN(no_descriptor_is_left);
    return check_result();
}
