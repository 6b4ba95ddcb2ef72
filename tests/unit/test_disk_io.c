/* SPDX-License-Identifier: Apache-2.0 */
/* The devices behind paths: what the kernel tells of them, whole and damaged, and the sense disk_io
 * over machines made of files. The paths are this machine's, hence also the numbers of devices. */
#include "check.h"
#include "collector_fixture.h"
#include "root_fixture.h"

#include <fcntl.h>

#include "../../collectors/disk_io.c"

/* --- Texts. --- */

static int parse(const char *text, struct host_device_statistics *s)
{
    return host_parse_device_statistics(text, strlen(text), s);
}

static void statistics_of_kernels_old_and_new(void)
{
    static const char *const texts[] = {
        "  1 2 3 4 5 6 7 8 9 10 11\n",                 /* 3.10 */
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15\n",       /* 4.18: discards */
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n", /* 5.5: flushes */
        "1 2 3 4 5 6 7 8 9 10 11 12 what comes later\n",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct host_device_statistics s = {{0}, 0};
        CHECK_EQ(parse(texts[i], &s), 0);
        static const uint64_t wanted[] = {1, 3, 4, 5, 7, 8, 10, 11};
        for (size_t k = 0; k < HOST_DEVICE_COUNTS; k++)
            CHECK_EQ(s.counts[k], wanted[k]);
        CHECK_EQ(s.in_flight, 9);
    }
}

static void damaged_statistics_are_refused(void)
{
    static const char *const texts[] = {
        "",
        "\n",
        "1 2 3 4", /* of partitions, long ago */
        "1 2 3 4\n5 6 7 8 9 10 11\n",
        "1 2 3 4 5 6 7 8 9 10 11", /* cut within a number, for all one knows */
        "1 2 3 4 5 6 7 8 9 10 -11\n",
        "-1 2 3 4 5 6 7 8 9 10 11\n",
        "1 2 3 4 5 6 7 8 9 10 18446744073709551616\n",
        "1 2 x 4 5 6 7 8 9 10 11\n",
        "disk\n",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct host_device_statistics s = {{77}, 0};
        CHECK_EQ(parse(texts[i], &s), VAGUS_EPARSE);
        CHECK_EQ(s.counts[0], 77);
    }
}

static void lines_of_diskstats(void)
{
    struct host_device device;
    struct host_device_statistics s;
    char name[HOST_DEVICE_NAME_MAX];
    const char *good = " 259       3 nvme0n1p3 1 2 3 4 5 6 7 8 9 10 11 0 0 0 0 0 0\n";
    CHECK_EQ(host_parse_diskstats_line(good, strlen(good), &device, name, &s), 0);
    CHECK_EQ(device.major, 259);
    CHECK_EQ(device.minor, 3);
    CHECK_STR(name, "nvme0n1p3");
    CHECK_EQ(s.counts[HOST_DEVICE_WRITE_SECTORS], 7);
    for (size_t length = 0; length < strlen(good) - 14; length++) /* up to the eleventh number */
        CHECK_EQ(host_parse_diskstats_line(good, length, &device, name, &s), VAGUS_EPARSE);
    char far[200];
    int length = snprintf(far, sizeof(far), "1 2 %080d 1 2 3 4 5 6 7 8 9 10 11\n", 5);
    CHECK_EQ(host_parse_diskstats_line(far, (size_t)length, &device, name, &s), VAGUS_EPARSE);
    const char *great = "4294967296 0 x 1 2 3 4 5 6 7 8 9 10 11\n";
    CHECK_EQ(host_parse_diskstats_line(great, strlen(great), &device, name, &s), VAGUS_EPARSE);
}

static bool mount_of(const char *line, struct host_mount *mount)
{
    return host_parse_mount(line, strlen(line), mount);
}

static void lines_of_mountinfo(void)
{
    struct host_mount m;
    REQUIRE(mount_of("27 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw\n", &m));
    CHECK_EQ(m.id, 27);
    CHECK_EQ(m.device.major, 254);
    CHECK_STR(m.type, "ext4");
    CHECK_STR(m.source, "/dev/vda");
    REQUIRE(mount_of("40 27 0:35 /@home /home rw - btrfs /dev/sda2 rw,subvol=/@home\n", &m));
    CHECK_EQ(m.device.major, 0);
    CHECK_STR(m.source, "/dev/sda2");
    REQUIRE(mount_of("40 27 0:36 / / rw - overlay overlay rw,upperdir=/x\n", &m));
    CHECK_STR(m.source, "");
    REQUIRE(mount_of("40 27 0:36 / / rw - tmpfs  rw\n", &m)); /* an empty source */
    CHECK_STR(m.source, "");
    static const char *const bad[] = {"",
                                      "\n",
                                      "x",
                                      "27 1 254 / / rw - ext4 /dev/vda rw\n",
                                      "27 1 254:0 / / rw ext4 /dev/vda rw\n",
                                      "27 1 254:0 / / rw -\n",
                                      "-1 1 1:0 / / rw - ext4 a rw\n",
                                      "27 1 9999999999:0 / / rw - ext4 /dev/vda rw\n"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK(!mount_of(bad[i], &m));
}

static void process_io_text(void)
{
    struct host_process_io io = {5, 5};
    const char *good = "rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: 4096\n"
                       "write_bytes: 8192\ncancelled_write_bytes: 77\n";
    CHECK_EQ(host_parse_process_io(good, strlen(good), &io), 0);
    CHECK_EQ(io.read_bytes, 4096);
    CHECK_EQ(io.written_bytes, 8192);
    const char *cut = strstr(good, "192");
    CHECK_EQ(host_parse_process_io(good, (size_t)(cut - good), &io), VAGUS_EPARSE);
    CHECK_EQ(host_parse_process_io("", 0, &io), VAGUS_EPARSE);
}

/* --- The sense. --- */

static struct host *host;
static char stat_file[64]; /* of the device that this test's own file system has */
static struct host_device device_here;

/* False where no block device is behind the working directory: then there is nothing to be read. */
static bool look_around(void)
{
    static const char *const paths[] = {"."};
    struct host *machine;
    if (host_open(&(struct host_options){.watch_paths = paths, .watch_path_count = 1}, &machine) !=
        0)
        return false;
    CHECK_EQ(host_path_device(machine, 0, &device_here), VAGUS_EAGAIN);
    int error = host_path_find_device(machine, 0);
    CHECK_EQ(host_path_device(machine, 0, &device_here), error);
    CHECK_EQ(host_path_device(machine, 1, &device_here), VAGUS_EINVAL);
    host_unref(machine);
    snprintf(stat_file, sizeof(stat_file), "sys/dev/block/%u:%u/stat", device_here.major,
             device_here.minor);
    return error == 0;
}

/* Two paths on one file system, below the machine made of files. */
static void begin(void)
{
    static const char *const paths[] = {".", ".."};
    const struct host_options options = {
        .root = root_dir, .watch_paths = paths, .watch_path_count = 2};
    CHECK_EQ(host_open(&options, &host), 0);
    host_path_find_device(host, 0);
    host_path_find_device(host, 1);
    fake_begin(&vagus__collector_disk_io, host);
}

static void end(void)
{
    fake_end();
    host_unref(host);
    root_end();
}

static const unsigned second = 1u << VAGUS_TIER_1S;

static void load_of_a_device(void)
{
    if (!look_around())
        SKIP_TEST("no block device is behind the working directory");
    CHECK(root_begin());
    root_write(stat_file, "100 0 2048 500 10 0 800 40 3 1000 9000 0 0 0 0 0 0\n");
    begin();
    CHECK_EQ(fake_sample_after(0, ALL_DUE), 0);
    CHECK_EQ(fake.instances, 1); /* both paths are on it */
    CHECK_PUT(READ_BYTES, 2048 * 512.0);
    CHECK_PUT(WRITE_BYTES, 800 * 512.0);
    CHECK_PUT(READS, 100);
    CHECK_PUT(WRITES, 10);
    CHECK_PUT(READ_TIME, 0.5);
    CHECK_PUT(WRITE_TIME, 0.04);
    CHECK_PUT(IO_TIME, 1);
    CHECK_EQ(fake.put[UTILIZATION][0].puts, 0); /* of no span */
    CHECK_EQ(fake.put[READ_LATENCY][0].puts, 0);

    /* 50 reads that took 8 ms each, nothing written, half of two seconds busy, 3 in flight. */
    root_write(stat_file, "150 0 4096 900 10 0 800 40 3 2000 15000 0 0 0 0 0 0\n");
    CHECK_EQ(fake_sample_after(2 * VAGUS_SECOND_NS, second), 0);
    CHECK_PUT(READ_LATENCY, 0.008);
    CHECK_EQ(fake.put[WRITE_LATENCY][0].puts, 0); /* not known, and not nothing */
    CHECK_PUT(UTILIZATION, 0.5);
    CHECK_PUT(QUEUE, 3);
    CHECK_EQ(fake.put[READS][0].puts, 1); /* of a slower tier */

    /* The clock of the device runs a little ahead of ours. */
    root_write(stat_file, "150 0 4096 900 10 0 800 40 3 3100 15000 0 0 0 0 0 0\n");
    fake_sample_after(VAGUS_SECOND_NS, second);
    CHECK_PUT(UTILIZATION, 1);
    end();
}

static void a_device_begins_anew_and_wraps(void)
{
    if (!look_around())
        SKIP_TEST("no block device is behind the working directory");
    CHECK(root_begin());
    root_write(stat_file, "1000 0 20480 500 1000 0 8000 400 0 1000 9000\n");
    begin();
    fake_sample_after(0, ALL_DUE);
    root_write(stat_file, "10 0 20 5 10 0 80 40 0 100 90\n");
    fake_sample_after(10 * VAGUS_SECOND_NS, ALL_DUE);
    CHECK_PUT(READS, 1010);
    CHECK_PUT(READ_BYTES, 20500 * 512.0);
    CHECK_EQ(fake.put[UTILIZATION][0].puts, 0); /* of a span that is not known */
    /* Times are 32 bits wide in every kernel. */
    root_write(stat_file, "1000 0 20480 4294967290 1000 0 8000 400 0 4294967200 4294967000\n");
    fake_sample_after(10 * VAGUS_SECOND_NS, ALL_DUE);
    root_write(stat_file, "1001 0 20488 6 1000 0 8000 400 0 100 804\n");
    fake_sample_after(VAGUS_SECOND_NS, ALL_DUE);
    CHECK_PUT(READ_LATENCY, 0.012);
    CHECK_NEAR(fake.put[UTILIZATION][0].value, 0.196, 1e-9);
    CHECK_NEAR(fake.put[QUEUE][0].value, 1.1, 1e-9);
    end();
}

static void damage_is_said_and_passes(void)
{
    static const char *const bad[] = {"", "1 2 3 4\n", "garbage\n", "1 2 3 4 5 6 7 8 9 10 11"};
    if (!look_around())
        SKIP_TEST("no block device is behind the working directory");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK(root_begin());
        root_write(stat_file, bad[i]);
        begin();
        CHECK_EQ(fake_sample_after(0, ALL_DUE), 0);
        for (size_t metric = 0; metric < PROCESS_READ; metric++)
            CHECK_EQ(fake.put[metric][0].error, VAGUS_EPARSE);
        root_write(stat_file, "1 2 3 4 5 6 7 8 9 10 11\n");
        fake_sample_after(VAGUS_SECOND_NS, ALL_DUE);
        CHECK_PUT(READS, 1);
        end();
    }
}

/* Without sysfs the device is found among 300 others, whose lines do not fit into one read. */
static void three_hundred_disks_without_sysfs(void)
{
    static char text[64 * 1024];
    size_t length = 0;
    if (!look_around())
        SKIP_TEST("no block device is behind the working directory");
    for (int i = 0; i < 300; i++)
        length += (size_t)snprintf(text + length, sizeof(text) - length,
                                   "  65 %6d sd%d 100%d 0 2048 500 10 0 800 40 0 1000 9000 0 0 0 0 "
                                   "0 0\n",
                                   i, i, i);
    length += (size_t)snprintf(text + length, sizeof(text) - length,
                               " %3u %7u mine 42 0 2048 500 10 0 800 40 0 1000 9000\n",
                               device_here.major, device_here.minor);
    CHECK(length > HOST_SECTOR_BYTES * 40);
    CHECK(root_begin());
    root_write_bytes("proc/diskstats", text, length);
    begin();
    CHECK_EQ(fake_sample_after(0, ALL_DUE), 0);
    CHECK_EQ(fake.instances, 1);
    CHECK_STR(fake.names[0], "mine");
    CHECK_PUT(READS, 42);
    /* It is gone from the list, as from that of a container. */
    root_write("proc/diskstats", "");
    fake_sample_after(VAGUS_SECOND_NS, ALL_DUE);
    CHECK_EQ(fake.put[READS][0].error, VAGUS_EUNSUPPORTED);
    end();
}

static void a_machine_that_tells_nothing(void)
{
    CHECK(root_begin());
    begin();
    CHECK_EQ(fake_sample_after(0, ALL_DUE), 0);
    CHECK_EQ(fake.put[PROCESS_READ][0].error, VAGUS_EUNSUPPORTED);
    if (fake.instances > 0)
        CHECK_EQ(fake.put[READS][0].error, VAGUS_EUNSUPPORTED);
    end();
    CHECK(root_begin());
    root_write("proc/self/io", "read_bytes: 1\nwrite_bytes: 2\n");
    begin();
    fake_sample_after(0, ALL_DUE);
    CHECK_PUT(PROCESS_READ, 1);
    CHECK_PUT(PROCESS_WRITE, 2);
    end();
}

/* What no block device is behind, and what is not there. */
static void paths_without_a_device(void)
{
    static const char *const paths[] = {"/proc", "/no/such/path", "/dev/shm"};
    struct host_device device;
    REQUIRE(host_open(&(struct host_options){.watch_paths = paths, .watch_path_count = 3}, &host) ==
            0);
    CHECK_EQ(host_path_find_device(host, 0), VAGUS_EUNSUPPORTED);
    CHECK_EQ(host_path_device(host, 0, &device), VAGUS_EUNSUPPORTED);
    CHECK_EQ(host_path_find_device(host, 1), VAGUS_ENOENT);
    CHECK_EQ(host_path_device(host, 1, &device), VAGUS_ENOENT);
    CHECK_EQ(host_path_find_device(host, 2), VAGUS_EUNSUPPORTED);
    host_unref(host);
}

/* A file system with a number of its own, as btrfs has: a tmpfs, of which mountinfo is made to say
 * something else. */
static void devices_by_what_was_mounted(void)
{
    static const char *const paths[] = {"/dev/shm"};
    static const struct {
        const char *rest; /* of the line, behind the mount's number */
        int error;
    } mounts[] = {
        {" 1 0:99 /@ /x rw shared:1 - btrfs /dev/loop0 rw\n", 0},
        {" 1 0:99 / /x rw - overlay overlay rw,upperdir=/dev/loop0\n", VAGUS_EUNSUPPORTED},
        {" 1 0:99 / /x rw - nfs4 server:/dev/loop0 rw\n", VAGUS_EUNSUPPORTED},
        {" 1 0:99 / /x rw - btrfs /dev/null rw\n", VAGUS_EUNSUPPORTED},
        {" 1 0:99 / /x rw - btrfs /dev/no-such-device rw\n", VAGUS_EUNSUPPORTED},
        {" garbage\n", VAGUS_EUNSUPPORTED},
        {"", VAGUS_EUNSUPPORTED},
    };
    struct statx s, loop;
    if (statx(AT_FDCWD, paths[0], 0, STATX_MNT_ID, &s) != 0 || (s.stx_mask & STATX_MNT_ID) == 0 ||
        s.stx_dev_major != 0 || statx(AT_FDCWD, "/dev/loop0", 0, STATX_TYPE, &loop) != 0)
        SKIP_TEST("this kernel does not tell of mounts, or there is no /dev/loop0");
    for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
        char text[256];
        struct host_device device;
        CHECK(root_begin());
        snprintf(text, sizeof(text), "1 1 8:1 / / rw - ext4 /dev/sda1 rw\n%llu%s",
                 (unsigned long long)s.stx_mnt_id, mounts[i].rest);
        root_write("proc/self/mountinfo", text);
        const struct host_options options = {
            .root = root_dir, .watch_paths = paths, .watch_path_count = 1};
        REQUIRE(host_open(&options, &host) == 0);
        CHECK_EQ(host_path_find_device(host, 0), mounts[i].error);
        CHECK_EQ(host_path_device(host, 0, &device), mounts[i].error);
        if (mounts[i].error == 0) {
            CHECK_EQ(device.major, loop.stx_rdev_major);
            CHECK_EQ(device.minor, loop.stx_rdev_minor);
        }
        host_unref(host);
        root_end();
    }
}

static void the_table_is_well_formed(void)
{
    check_descriptor(&vagus__collector_disk_io);
}

int main(void)
{
    RUN(statistics_of_kernels_old_and_new);
    RUN(damaged_statistics_are_refused);
    RUN(lines_of_diskstats);
    RUN(lines_of_mountinfo);
    RUN(process_io_text);
    RUN(load_of_a_device);
    RUN(a_device_begins_anew_and_wraps);
    RUN(damage_is_said_and_passes);
    RUN(three_hundred_disks_without_sysfs);
    RUN(a_machine_that_tells_nothing);
    RUN(paths_without_a_device);
    RUN(devices_by_what_was_mounted);
    RUN(the_table_is_well_formed);
    return check_result();
}
