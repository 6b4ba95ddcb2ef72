/* SPDX-License-Identifier: Apache-2.0 */
/* The sense disk on paths of this machine: names, room, rate, and the write probe. */
#include "check.h"
#include "collector_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../collectors/disk.c"

static struct host *host;

static bool begin_at(const char *const *paths, size_t count, bool may_probe)
{
    int error = host_open(&(struct host_options){.watch_paths = paths,
                                                 .watch_path_count = count,
                                                 .probe_paths = may_probe},
                          &host);
    CHECK_EQ(error, 0);
    return error == 0;
}

static void begin_path(size_t index)
{
    fake_begin(&vagus__collector_disk, host_path_watch(host, index));
}

static void each_path_is_seen(void)
{
    static const char *const paths[] = {"/", "/no/such/path", "//./", "/proc"};
    static const int errors[] = {0, VAGUS_ENOENT, VAGUS_EUNSUPPORTED};
    static const char *const names[] = {"/", "/no/such/path", "/proc"};
    REQUIRE(begin_at(paths, 4, false));
    REQUIRE(host_path_count(host) == 3); /* the same path twice is watched once */
    CHECK(host_path_watch(host, 3) == NULL);
    for (size_t i = 0; i < 3; i++) {
        begin_path(i);
        CHECK_STR(fake.names[0], names[i]);
        CHECK_EQ(fake_sample_after(0, ALL_DUE), 0);
        for (size_t metric = LIMIT; metric <= INODES_FREE_RATIO; metric++)
            if (i > 0)
                CHECK_EQ(fake.put[metric][0].error, errors[i]);
            else
                CHECK_EQ(fake.put[metric][0].error, 0);
        CHECK_EQ(fake.put[WRITABLE][0].error, VAGUS_EUNSUPPORTED); /* nobody asked for it */
        fake_end();
    }
    host_unref(host);
}

/* As df tells: the same call, at another time. */
static void room_is_that_of_statvfs(void)
{
    static const char *const paths[] = {"/dev/shm"};
    struct statvfs v;
    REQUIRE(begin_at(paths, 1, false));
    begin_path(0);
    CHECK_EQ(fake_sample_after(0, ALL_DUE), 0);
    REQUIRE(statvfs("/dev/shm", &v) == 0);
    CHECK_PUT(LIMIT, (double)v.f_blocks * (double)v.f_frsize);
    CHECK_NEAR(fake.put[FREE][0].value, (double)v.f_bavail * (double)v.f_frsize, 256e6);
    CHECK_NEAR(fake.put[FREE_RATIO][0].value, fake.put[FREE][0].value / fake.put[LIMIT][0].value,
               1e-12);
    CHECK_NEAR(fake.put[INODES_FREE][0].value, (double)v.f_favail, 10000);
    CHECK_EQ(fake.put[FREE_RATE][0].puts, 0); /* there is nothing to compare with */
    fake_end();
    host_unref(host);
}

/* The rate is of the bytes free and of the time that passed between two samples. */
static void a_rate_needs_two_samples_of_one_file_system(void)
{
    static const char *const paths[] = {"/tmp"};
    const unsigned due = 1u << VAGUS_TIER_10S;
    REQUIRE(begin_at(paths, 1, false));
    begin_path(0);
    struct state *s = fake.memory;
    fake_sample_after(0, due);
    s->before.free_bytes = (uint64_t)fake.put[FREE][0].value + 1000000;
    fake_sample_after(2 * VAGUS_SECOND_NS, due);
    CHECK_EQ(fake.put[FREE_RATE][0].puts, 1);
    CHECK_NEAR(fake.put[FREE_RATE][0].value, -500000, 64e6); /* others write there too */
    s->before.total_bytes--;                                 /* it was resized */
    fake_sample_after(VAGUS_SECOND_NS, due);
    CHECK_EQ(fake.put[FREE_RATE][0].puts, 1);
    fake_sample_after(0, due); /* the clock stands still */
    CHECK_EQ(fake.put[FREE_RATE][0].puts, 1);
    fake_end();
    host_unref(host);
}

/* Two long paths that end alike keep names of their own; none begins within a character. */
static void long_paths_have_names(void)
{
    static char first[160], second[160];
    memset(first, 'a', 60);
    first[0] = '/';
    for (size_t i = 60; i < 150; i += 2)
        memcpy(first + i, "ü", 2);
    memcpy(second, first, sizeof(first));
    second[1] = 'b';
    const char *const paths[] = {first, second};
    REQUIRE(begin_at(paths, 2, false));
    for (size_t i = 0; i < 2; i++) {
        begin_path(i);
        CHECK_EQ(fake.names[0][0], '0' + (char)i);
        CHECK_EQ((unsigned char)fake.names[0][2], 0xe2);
        CHECK_EQ((unsigned char)fake.names[0][5], 0xc3);
        fake_end();
    }
    host_unref(host);
}

/* --- The write probe. --- */

static char place[64];

/* File systems that this machine may not have: these stand before libc's. */
static bool no_nameless_files;
static int refusal; /* errno of every write, or 0 */
static unsigned named_files;

int openat(int at, const char *path, int flags, ...)
{
    if (no_nameless_files && (flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    named_files += (flags & O_EXCL) != 0;
    return (int)syscall(SYS_openat, at, path, flags, 0600);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
    if (refusal != 0) {
        errno = refusal;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, bytes, length, offset);
}

static unsigned entries(const char *path)
{
    unsigned count = 0;
    DIR *dir = opendir(path);
    while (dir != NULL && readdir(dir) != NULL)
        count++;
    if (dir != NULL)
        closedir(dir);
    return count;
}

static void check_probe(int error, int number)
{
    CHECK_EQ(fake_sample_after(VAGUS_SECOND_NS, 1u << VAGUS_TIER_60S), 0);
    CHECK_EQ(fake.put[WRITABLE][0].error, error);
    CHECK_EQ(fake.put[WRITE_ERRNO][0].error, error);
    if (error == 0) {
        CHECK_EQ(fake.put[WRITABLE][0].value, number == 0);
        CHECK_EQ(fake.put[WRITE_ERRNO][0].value, number);
    }
    CHECK_EQ(entries(place), 2); /* nothing but . and .. */
}

static bool begin_probe(void)
{
    const char *const paths[] = {place};
    strcpy(place, "/tmp/vagus-probe-XXXXXX");
    if (mkdtemp(place) == NULL || !begin_at(paths, 1, true))
        return false;
    begin_path(0);
    return true;
}

static void end_probe(void)
{
    fake_end();
    host_unref(host);
    rmdir(place);
}

static void a_probe_writes_and_leaves_nothing(void)
{
    REQUIRE(begin_probe());
    check_probe(0, 0);
    CHECK_EQ(fake.put[FREE][0].puts, 0); /* it is the slowest tier's, and alone there */
    struct rlimit before, none;
    REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
    none = (struct rlimit){100, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &none);
    check_probe(0, EFBIG); /* without the signal that would end the process */
    setrlimit(RLIMIT_FSIZE, &before);
    check_probe(0, 0);
    rmdir(place);
    fake_sample_after(VAGUS_SECOND_NS, 1u << VAGUS_TIER_60S);
    CHECK_EQ(fake.put[WRITABLE][0].error, VAGUS_ENOENT);
    end_probe();
}

static void a_probe_on_a_file_system_that_names_every_file(void)
{
    REQUIRE(begin_probe());
    no_nameless_files = true;
    named_files = 0;
    check_probe(0, 0);
    CHECK_EQ(named_files, 1);
    refusal = EDQUOT; /* as where there is room, but a quota is used up */
    check_probe(0, EDQUOT);
    no_nameless_files = false;
    check_probe(0, EDQUOT);
    refusal = EIO;
    check_probe(0, EIO);
    refusal = 0;
    check_probe(0, 0);
    end_probe();
}

static void a_probe_needs_a_folder(void)
{
    REQUIRE(begin_probe());
    rmdir(place);
    int fd = open(place, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    REQUIRE(fd >= 0);
    close(fd);
    fake_sample_after(VAGUS_SECOND_NS, 1u << VAGUS_TIER_60S);
    CHECK_EQ(fake.put[WRITABLE][0].error, VAGUS_EUNSUPPORTED);
    unlink(place);
    end_probe();
}

/* A process that may open no more descriptors knows nothing about the disk. */
static void a_probe_without_a_descriptor_does_not_blame_the_disk(void)
{
    REQUIRE(begin_probe());
    struct rlimit before, none;
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
    none = (struct rlimit){0, before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    fake_sample_after(VAGUS_SECOND_NS, 1u << VAGUS_TIER_60S);
    setrlimit(RLIMIT_NOFILE, &before);
    CHECK_EQ(fake.put[WRITABLE][0].error, VAGUS_ERESOURCE);
    end_probe();
}

static void the_table_is_well_formed(void)
{
    check_descriptor(&vagus__collector_disk);
}

int main(void)
{
    RUN(each_path_is_seen);
    RUN(room_is_that_of_statvfs);
    RUN(a_rate_needs_two_samples_of_one_file_system);
    RUN(long_paths_have_names);
    RUN(a_probe_writes_and_leaves_nothing);
    RUN(a_probe_on_a_file_system_that_names_every_file);
    RUN(a_probe_needs_a_folder);
    RUN(a_probe_without_a_descriptor_does_not_blame_the_disk);
    RUN(the_table_is_well_formed);
    return check_result();
}
