/* SPDX-License-Identifier: Apache-2.0 */
/* Disks against what others tell of them: df for a small tmpfs that is filled, a quota that statvfs
 * does not see, and a loop device that is given a known number of bytes to write. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "monitor_fixture.h"

#define MIB (1024.0 * 1024.0)

static char place[64];

static struct vagus_monitor *begin(void)
{
    char policy[160];
    struct vagus_monitor *m = NULL;
    atomic_store(&test_now_ns, 1000 * S);
    snprintf(policy, sizeof(policy), "watch: {paths: [%s], probe: true}\n", place);
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

/* NaN if it is not known, good and fresh. */
static double value(struct vagus_monitor *m, const char *name, const char *instance)
{
    struct vagus_reading r;
    if (vagus_reading_get(m, name, instance, &r) != 0 ||
        vagus_reading_state(&r, atomic_load(&test_now_ns)) != VAGUS_STATE_OK)
        return NAN;
    return r.value;
}

static bool run(const char *command, char *output, size_t capacity)
{
    FILE *pipe = popen(command, "re");
    size_t length = pipe != NULL ? fread(output, 1, capacity - 1, pipe) : 0;
    output[length] = '\0';
    output[strcspn(output, "\n")] = '\0';
    return pipe != NULL && pclose(pipe) == 0;
}

static double df(const char *column)
{
    char command[160], output[64];
    snprintf(command, sizeof(command), "df --output=%s -B1 %s | tail -n 1", column, place);
    return run(command, output, sizeof(output)) ? strtod(output, NULL) : NAN;
}

/* Writes until it is refused; errno of that, or 0. */
static int fill(const char *name, size_t bytes)
{
    static char zeros[65536];
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", place, name);
    int fd = open(path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600), number = 0;
    while (fd >= 0 && bytes > 0 && number == 0) {
        size_t part = bytes < sizeof(zeros) ? bytes : sizeof(zeros);
        ssize_t count = write(fd, zeros, part);
        number = count < 0 ? errno : 0;
        bytes -= count > 0 ? (size_t)count : 0;
    }
    if (fd >= 0)
        close(fd);
    return number;
}

static void a_small_tmpfs_is_filled(void)
{
    if (mount("vagus-test", place, "tmpfs", 0, "size=8m,nr_inodes=64,mode=777") != 0)
        SKIP_TEST("no tmpfs can be mounted");
    struct vagus_monitor *m = begin();
    organ_run(m, S);
    CHECK_NEAR(value(m, "disk.limit", place), 8 * MIB, 0);
    CHECK_NEAR(value(m, "disk.limit", place), df("size"), 0);
    CHECK_NEAR(value(m, "disk.free", place), df("avail"), 0);
    CHECK_NEAR(value(m, "disk.inodes.free", place), df("iavail"), 0);
    CHECK_NEAR(value(m, "disk.writable", place), 1, 0);

    CHECK_EQ(fill("half", 4 << 20), 0);
    organ_run(m, 10 * S);
    CHECK_NEAR(value(m, "disk.free", place), df("avail"), 0);
    CHECK_NEAR(value(m, "disk.free.ratio", place), 0.5, 0);
    CHECK_NEAR(value(m, "disk.free.rate", place), -4 * MIB / 10, 1); /* in ten seconds */
    CHECK_NEAR(value(m, "disk.inodes.free.ratio", place), df("iavail") / df("itotal"), 0);

    CHECK_EQ(fill("rest", 100 << 20), ENOSPC);
    organ_run(m, 60 * S);
    CHECK_NEAR(value(m, "disk.free", place), 0, 0);
    CHECK_NEAR(value(m, "disk.writable", place), 0, 0);
    CHECK_NEAR(value(m, "disk.write.errno", place), ENOSPC, 0);
    CHECK(vagus_signal_level(m, VAGUS_DEFER) == 0); /* this policy has no rules */

    char path[128];
    snprintf(path, sizeof(path), "%s/rest", place);
    unlink(path);
    organ_run(m, 60 * S);
    CHECK_NEAR(value(m, "disk.free", place), df("avail"), 0);
    CHECK_NEAR(value(m, "disk.writable", place), 1, 0);
    CHECK_EQ(vagus_monitor_close(m), 0);
    CHECK_EQ(umount2(place, 0), 0); /* nothing is open in it, nothing was left */
}

/* Statvfs says that there is room; this user may not have it. A child, since root has no quota. */
static void check_quota(void)
{
    if (setgid(65534) != 0 || setuid(65534) != 0)
        return;
    struct vagus_monitor *m = begin();
    organ_run(m, S);
    CHECK_NEAR(value(m, "disk.writable", place), 1, 0);
    CHECK_EQ(fill("mine", 8 << 20), EDQUOT);
    organ_run(m, 60 * S);
    CHECK(value(m, "disk.free.ratio", place) > 0.8);
    CHECK_NEAR(value(m, "disk.writable", place), 0, 0);
    CHECK_NEAR(value(m, "disk.write.errno", place), EDQUOT, 0);
    CHECK_EQ(vagus_monitor_close(m), 0);
}

static void a_quota_is_seen_by_the_probe(void)
{
    if (mount("vagus-test", place, "tmpfs", 0,
              "size=64m,mode=777,usrquota,usrquota_block_hardlimit=1m") != 0)
        SKIP_TEST("this kernel's tmpfs knows no quota (Linux 6.6 and later may)");
    pid_t child = fork();
    if (child == 0) {
        check_failures = 0;
        check_quota();
        fflush(NULL);
        _exit(check_failures);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CHECK_EQ(status, 0);
    umount2(place, MNT_DETACH);
}

/* --- A loop device. --- */

#define WRITTEN (16u << 20)

/* Sectors written, by another file of the kernel than the sense reads. */
static double sectors_written(const char *device)
{
    char command[160], output[64];
    snprintf(command, sizeof(command), "awk '$3 == \"%s\" { print $10 }' /proc/diskstats", device);
    return run(command, output, sizeof(output)) ? strtod(output, NULL) : NAN;
}

static bool write_synced(void)
{
    static char block[1 << 20];
    char path[128];
    snprintf(path, sizeof(path), "%s/file", place);
    memset(block, 0x5a, sizeof(block));
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    bool written = fd >= 0;
    for (size_t done = 0; written && done < WRITTEN; done += sizeof(block))
        written = write(fd, block, sizeof(block)) == (ssize_t)sizeof(block);
    written = written && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return written;
}

static void check_loop(const char *device)
{
    struct vagus_monitor *m = begin();
    /* The first step finds the device, the second takes its first sample. */
    organ_run(m, 10 * S);
    double before = value(m, "system.disk.io.write", device);
    double writes = value(m, "system.disk.operations.write", device);
    CHECK_NEAR(value(m, "disk.limit", place), df("size"), 0);
    CHECK_NEAR(value(m, "disk.free", place), df("avail"), 0);
    CHECK(write_synced());
    organ_run(m, 10 * S);
    /* What else is written is the journal and where the file lies: less than 3 %. */
    CHECK_NEAR(value(m, "system.disk.io.write", device) - before, WRITTEN * 1.015, WRITTEN * 0.015);
    CHECK_NEAR(value(m, "system.disk.io.write", device), sectors_written(device) * 512, 64 << 10);
    CHECK(value(m, "system.disk.operations.write", device) > writes);
    CHECK(value(m, "system.disk.io_time", device) > 0);
    CHECK_NEAR(value(m, "disk.free", place), df("avail"), 0);
    CHECK_NEAR(value(m, "disk.writable", place), 1, 0);
    CHECK_EQ(vagus_monitor_close(m), 0);
}

static void a_loop_device_counts_what_is_written(void)
{
    char command[256], device[64] = "", output[256], image[] = "/dev/shm/vagus-image-XXXXXX";
    int fd = mkstemp(image);
    REQUIRE(fd >= 0);
    bool sized = ftruncate(fd, 64 << 20) == 0;
    close(fd);
    snprintf(command, sizeof(command), "mkfs.ext4 -q %s && losetup -f --show %s", image, image);
    if (!sized || !run(command, device, sizeof(device)) || device[0] != '/') {
        unlink(image);
        SKIP_TEST("no loop device is to be had: mkfs.ext4 and losetup");
    }
    if (mount(device, place, "ext4", 0, NULL) == 0) {
        check_loop(device + strlen("/dev/"));
        CHECK_EQ(umount2(place, 0), 0);
    } else {
        CHECK_EQ(errno, 0);
    }
    snprintf(command, sizeof(command), "losetup -d %s", device);
    run(command, output, sizeof(output));
    unlink(image);
}

int main(void)
{
    strcpy(place, "/tmp/vagus-disk-XXXXXX");
    if (mkdtemp(place) == NULL)
        return 1;
    /* What is mounted here is seen by nobody else, and gone with this process. */
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        fprintf(stderr, "skipped: nothing can be mounted here: %s\n", strerror(errno));
        rmdir(place);
        return 77;
    }
    RUN(a_small_tmpfs_is_filled);
    RUN(a_quota_is_seen_by_the_probe);
    RUN(a_loop_device_counts_what_is_written);
    rmdir(place);
    return check_result();
}
