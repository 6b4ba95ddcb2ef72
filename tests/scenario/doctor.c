/* SPDX-License-Identifier: Apache-2.0 */
/* doctor.sh's own program: mounts a file system that never answers on a folder, in a mount
 * namespace of its own, and runs a command beside it. usage: FOLDER COMMAND... */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    char options[128];
    int status = 0, fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (argc < 3 || fuse < 0 || unshare(CLONE_NEWNS) != 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return 77;
    snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse);
    if (mount("stall", argv[1], "fuse", 0, options) != 0)
        return 77;
    pid_t child = fork();
    if (child == 0) {
        execvp(argv[2], argv + 2);
        _exit(127);
    }
    waitpid(child, &status, 0);
    umount2(argv[1], MNT_DETACH);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
