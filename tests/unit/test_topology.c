/* SPDX-License-Identifier: Apache-2.0 */
/* hwloc where there is no /sys, as in a bare chroot: nothing is known, and nothing is printed. */
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "host/host.h"
#include "host/topology.h"

/* In a child with a mount namespace of its own. Exit status: 0 fine, 1 not, 2 not to be had. */
static int without_sys(int out)
{
    struct host *host;
    struct host_topology topology;
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", "/sys", "tmpfs", 0, NULL) != 0)
        return 2;
    if (dup2(out, STDERR_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || host_open(NULL, &host) != 0)
        return 1;
    int error = host_topology(host, &topology);
    host_unref(host);
    return error == VAGUS_EUNSUPPORTED ? 0 : 1;
}

static void no_sys_no_words(void)
{
    int ends[2], status = 0;
    char said[256] = "";
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    pid_t child = fork();
    if (child == 0)
        _exit(without_sys(ends[1]));
    close(ends[1]);
    ssize_t length = read(ends[0], said, sizeof(said) - 1);
    close(ends[0]);
    REQUIRE(waitpid(child, &status, 0) == child && WIFEXITED(status));
    if (WEXITSTATUS(status) == 2)
        SKIP_TEST("no mount namespace of its own is to be had here");
    CHECK_EQ(WEXITSTATUS(status), 0);
    if (length != 0)
        CHECK_FAIL_("it says: %s", said);
}

int main(void)
{
    RUN(no_sys_no_words);
    return check_result();
}
