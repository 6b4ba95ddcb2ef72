/* SPDX-License-Identifier: Apache-2.0 */
/* The machine itself: against what other sources say of it, in a real memory cgroup, and with an
 * allocator that fails or counts. */
#include "check.h"
#include "malloc_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/cgroup.h"
#include "host/host.h"
#include "host/paths.h"
#include "host/procfs.h"
#include "host/statgrab.h"
#include "host/topology.h"

#define MIB (INT64_C(1) << 20)

#if defined(__SANITIZE_THREAD__)
#define THREAD_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREAD_SANITIZED 1
#endif
#endif
#ifndef THREAD_SANITIZED
#define THREAD_SANITIZED 0
#endif

static unsigned open_descriptors(void)
{
    unsigned count = 0;
    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* --- Against other sources. --- */

static void agrees_with_system_calls(void)
{
    struct host *host;
    REQUIRE(host_open(NULL, &host) == 0);
    struct host_memory m;
    CHECK_EQ(host_memory(host, &m), 0);
    CHECK_EQ(m.total_bytes, (long long)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE));
    uint64_t value = 0;
    CHECK_EQ(host_descriptor_count(host, &value), 0);
    CHECK_EQ(value, open_descriptors());
    cpu_set_t mask;
    REQUIRE(sched_getaffinity(0, sizeof(mask), &mask) == 0);
    CHECK_EQ(host_affinity(host, &value), 0);
    CHECK_EQ(value, CPU_COUNT(&mask));
    struct rlimit files;
    REQUIRE(getrlimit(RLIMIT_NOFILE, &files) == 0);
    struct host_limits l;
    CHECK_EQ(host_limits(host, &l), 0);
    CHECK_EQ(l.descriptors, files.rlim_cur);
    struct host_process p;
    struct host_process_size s;
    CHECK_EQ(host_process(host, &p), 0);
    CHECK_EQ(host_process_size(host, &s), 0);
    CHECK(p.threads >= 1);
    CHECK_EQ(p.virtual_bytes, s.virtual_bytes);
    struct host_identity identity;
    CHECK_EQ(host_identity(host, &identity), 0);
    CHECK_STR(identity.os, "Linux");
    double load[3], ours = -1;
    CHECK_EQ(host_load(host, &ours), 0);
    CHECK(getloadavg(load, 3) == 3 && fabs(load[0] - ours) < 1);
    struct host_topology t;
    CHECK_EQ(host_topology(host, &t), 0);
    CHECK(t.cpus >= 1 && t.cores >= 1 && t.cores <= t.cpus && t.numa_nodes >= 1);
    host_unref(host);
}

/* A thread is seen as the process: CPU time of another thread counts, and so does its number. */
static uint64_t threads_before;

static void *read_as_thread(void *arg)
{
    struct host_process p = {0};
    CHECK_EQ(host_process(arg, &p), 0);
    if (MALLOC_WATCHED) /* ThreadSanitizer begins one of its own with the first */
        CHECK_EQ(p.threads, threads_before + 1);
    CHECK(p.threads > threads_before);
    uint64_t whole = 0;
    struct timespec own;
    CHECK_EQ(host_process_cpu_ns(arg, &whole), 0);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &own);
    CHECK(whole > (uint64_t)own.tv_nsec + (uint64_t)own.tv_sec * 1000000000u);
    return NULL;
}

static void any_thread_reads_the_whole_process(void)
{
    struct host *host;
    pthread_t thread;
    REQUIRE(host_open(NULL, &host) == 0);
    struct host_process p = {0};
    CHECK_EQ(host_process(host, &p), 0);
    threads_before = p.threads;
    REQUIRE(pthread_create(&thread, NULL, read_as_thread, host) == 0);
    pthread_join(thread, NULL);
    host_unref(host);
}

static void everything_is_closed(void)
{
    unsigned before = open_descriptors();
    struct host *a, *b;
    REQUIRE(host_open(NULL, &a) == 0);
    REQUIRE(host_open(NULL, &b) == 0);
    CHECK(host_ref(a) == a);
    host_unref(a);
    double load;
    CHECK_EQ(host_load(a, &load), 0);
    host_unref(a);
    CHECK_EQ(host_load(b, &load), 0);
    host_unref(b);
    host_unref(NULL);
    CHECK_EQ(open_descriptors(), before);
}

static void paths(void)
{
    static const char *const watched[] = {"relative/./path//", "/tmp"};
    struct host *host;
    struct host_space space;
    char directory[4096], wanted[8192];
    REQUIRE(getcwd(directory, sizeof(directory)) != NULL);
    REQUIRE(host_open(&(struct host_options){.watch_paths = watched, .watch_path_count = 2},
                      &host) == 0);
    snprintf(wanted, sizeof(wanted), "%s/relative/path", directory);
    CHECK_EQ(host_path_count(host), 2);
    CHECK_STR(host_path(host, 0), wanted);
    CHECK(host_path(host, 2) == NULL);
    CHECK_EQ(host_path_space(host, 0, &space), VAGUS_ENOENT);
    CHECK_EQ(host_path_space(host, 1, &space), 0);
    CHECK(space.free_bytes <= space.total_bytes);
    CHECK_EQ(host_path_space(host, 2, &space), VAGUS_EINVAL);
    host_unref(host);
    static const char *const empty[] = {""};
    CHECK_EQ(host_open(&(struct host_options){.watch_paths = empty, .watch_path_count = 1}, &host),
             VAGUS_EINVAL);
    CHECK_EQ(
        host_open(&(struct host_options){.watch_paths = watched, .watch_path_count = 11}, &host),
        VAGUS_EINVAL);
}

/* --- With a watched allocator. --- */

static void read_everything(struct host *host)
{
    struct host_cpu_times t;
    struct host_memory m;
    struct host_process p;
    struct host_process_size s;
    struct host_limits l;
    struct host_cgroup_memory levels[HOST_CGROUP_DEPTH_MAX];
    struct host_space space;
    unsigned count;
    uint64_t value;
    double number;
    host_cpu_times(host, &t);
    host_memory(host, &m);
    host_process(host, &p);
    host_process_size(host, &s);
    host_process_cpu_ns(host, &value);
    host_uptime_ns(host, &value);
    host_limits(host, &l);
    host_descriptor_count(host, &value);
    host_affinity(host, &value);
    host_cgroup_resolve(host);
    host_cgroup_memory_refresh(host);
    host_cgroup_memory(host, levels, &count);
    host_cgroup_cpu_quota(host, &number);
    host_load(host, &number);
    host_path_space(host, 0, &space);
}

/* The allocations of a reading of everything. */
static long read_watched(struct host *host)
{
    atomic_store(&malloc_count, 0);
    atomic_store(&malloc_watched, true);
    read_everything(host);
    atomic_store(&malloc_watched, false);
    return atomic_load(&malloc_count);
}

static void *read_counted(void *arg)
{
    CHECK_EQ(read_watched(arg), 0); /* not prepared: the load comes from its file */
    host_thread_prepare(arg);
    CHECK_EQ(read_watched(arg), 0);
    return NULL;
}

static void nothing_allocates_after_open(void)
{
    static const char *const watched[] = {"/"};
    const char *const roots[] = {"", FIXTURES "/v2-container", FIXTURES "/garbage"};
    if (!MALLOC_WATCHED)
        SKIP_TEST("a sanitizer has malloc in its hands");
    for (size_t i = 0; i < 3; i++) {
        struct host *host;
        pthread_t thread;
        REQUIRE(host_open(&(struct host_options){.root = roots[i],
                                                 .watch_paths = watched,
                                                 .watch_path_count = 1},
                          &host) == 0);
        CHECK_EQ(read_watched(host), 0);
        REQUIRE(pthread_create(&thread, NULL, read_counted, host) == 0);
        pthread_join(thread, NULL);
        host_unref(host);
    }
}

/* One open with its nth own allocation refused; 0: none. hwloc asserts and libstatgrab keeps a lock
 * when theirs are, which host_memory_to_spare() makes unlikely and nothing can rule out. */
static int open_refused(const struct host_options *options, long nth, struct host **host)
{
    atomic_store(&malloc_own_only, true);
    atomic_store(&malloc_count, 0);
    atomic_store(&malloc_fail_at, nth);
    atomic_store(&malloc_watched, true);
    int error = host_open(options, host);
    atomic_store(&malloc_watched, false);
    atomic_store(&malloc_own_only, false);
    return error;
}

/* Each of its own allocations is refused to an open in turn: it fails whole or succeeds without
 * what a library could not tell. */
static void open_survives_any_failing_allocation(const char *root)
{
    static const char *const watched[] = {"/", "/tmp"};
    const struct host_options options = {
        .root = root, .watch_paths = watched, .watch_path_count = 2};
    unsigned descriptors = open_descriptors();
    unsigned failed = 0;
    struct host *host;
    REQUIRE(open_refused(&options, 0, &host) == 0);
    long needed = atomic_load(&malloc_count);
    CHECK(needed >= 3);
    host_unref(host);
    for (long nth = 1; nth <= needed; nth++) {
        host = NULL;
        int error = open_refused(&options, nth, &host);
        CHECK(error == 0 || error == VAGUS_ENOMEM);
        CHECK((error == 0) == (host != NULL));
        failed += error != 0;
        if (host != NULL)
            read_everything(host);
        host_unref(host);
        CHECK_EQ(open_descriptors(), descriptors);
    }
    CHECK_EQ(failed, 3); /* the host and two paths are its own */
}

static void open_survives_below_a_root(void)
{
    if (!MALLOC_WATCHED)
        SKIP_TEST("a sanitizer has malloc in its hands");
    open_survives_any_failing_allocation(FIXTURES "/thismachine");
}

static void open_survives_on_the_machine(void)
{
    if (!MALLOC_WATCHED)
        SKIP_TEST("a sanitizer has malloc in its hands");
    open_survives_any_failing_allocation("");
}

/* --- In a real memory cgroup. --- */

static bool write_text(const char *folder, const char *name, const char *text)
{
    char path[4352];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return written;
}

static const struct host_cgroup_memory *nearest(const struct host_cgroup_memory *levels,
                                                unsigned count)
{
    return count > 0 && levels[0].level == 0 ? &levels[0] : NULL;
}

/* Runs in a child that stands in `own` and moves itself to `limited` and back. */
static void moved_in_and_out(const char *own, const char *limited)
{
    struct host *host;
    struct host_cgroup_memory levels[HOST_CGROUP_DEPTH_MAX];
    struct host_cgroup_place place;
    unsigned count = 0;
    REQUIRE(host_open(NULL, &host) == 0);
    CHECK_EQ(host_cgroup_memory(host, levels, &count), 0);
    CHECK(nearest(levels, count) == NULL || nearest(levels, count)->limit_bytes != 64 * MIB);

    REQUIRE(write_text(limited, "cgroup.procs", "0"));
    CHECK_EQ(host_cgroup_resolve(host), 0);
    host_cgroup_memory_place(host, &place);
    CHECK_STR(place.directory, limited);
    CHECK_EQ(host_cgroup_memory(host, levels, &count), 0);
    REQUIRE(nearest(levels, count) != NULL);
    CHECK_EQ(levels[0].limit_bytes, 64 * MIB);
    uint64_t before = levels[0].working_set_bytes;

    char *memory = mmap(NULL, 16 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    memset(memory, 1, 16 * MIB);
    CHECK_EQ(host_cgroup_memory(host, levels, &count), 0);
    /* The kernel charges in batches: up to 64 pages for each CPU may be counted ahead. */
    int64_t grown = (int64_t)(levels[0].working_set_bytes - before);
    CHECK(grown >= 15 * MIB);
    if (MALLOC_WATCHED) /* a sanitizer's shadow grows along */
        CHECK(grown <= 20 * MIB);
    munmap(memory, 16 * MIB);

    /* The limit is lowered under our feet: felt at the next refresh. */
    CHECK(write_text(limited, "memory.limit_in_bytes", "48M"));
    CHECK_EQ(host_cgroup_memory_refresh(host), 0);
    CHECK_EQ(host_cgroup_memory(host, levels, &count), 0);
    CHECK_EQ(levels[0].limit_bytes, 48 * MIB);

    /* It goes away after we left it: found out at the next reading, without waiting for 10 s. */
    REQUIRE(write_text(own, "cgroup.procs", "0"));
    REQUIRE(rmdir(limited) == 0);
    CHECK_EQ(host_cgroup_memory(host, levels, &count), 0);
    host_cgroup_memory_place(host, &place);
    CHECK_STR(place.directory, own);
    host_unref(host);
}

static void a_real_memory_cgroup(void)
{
    struct host *host;
    struct host_cgroup_place place;
    char own[4096], limited[4160];
    if (THREAD_SANITIZED)
        SKIP_TEST("the sanitizer's shadow of 16 MiB does not fit into 64 MiB");
    REQUIRE(host_open(NULL, &host) == 0);
    host_cgroup_memory_place(host, &place);
    snprintf(own, sizeof(own), "%s", place.directory);
    enum host_cgroup_version version = place.version;
    host_unref(host);
    if (version != HOST_CGROUP_V1)
        SKIP_TEST("memory is not controlled by cgroup v1 here");
    snprintf(limited, sizeof(limited), "%s/vagus-test-%d", own, (int)getpid());
    if (mkdir(limited, 0755) != 0)
        SKIP_TEST("a memory cgroup cannot be created here");
    if (!write_text(limited, "memory.limit_in_bytes", "64M")) {
        rmdir(limited);
        SKIP_TEST("a memory limit cannot be set here");
    }
    pid_t child = fork();
    if (child == 0) {
        moved_in_and_out(own, limited);
        _exit(check_failures > 0);
    }
    int status = -1;
    REQUIRE(child > 0 && waitpid(child, &status, 0) == child);
    CHECK_EQ(status, 0);
    rmdir(limited); /* what the child did already, if all went well */
    CHECK(access(limited, F_OK) != 0);
}

/* A file that was replaced is opened anew, as with lxcfs after a restart; one that vanished says
 * so and comes back. */
static void files_that_vanish_and_return(void)
{
    char root[] = "/tmp/vagus-host-XXXXXX", path[64];
    struct host *host;
    double load = -1;
    REQUIRE(mkdtemp(root) != NULL);
    snprintf(path, sizeof(path), "%s/proc", root);
    REQUIRE(mkdir(path, 0700) == 0);
    snprintf(path, sizeof(path), "%s/proc/loadavg", root);
    REQUIRE(mkdir(path, 0700) == 0); /* opens, but cannot be read */
    REQUIRE(host_open(&(struct host_options){.root = root}, &host) == 0);
    CHECK_EQ(host_load(host, &load), VAGUS_EIO);
    rmdir(path);
    CHECK_EQ(host_load(host, &load), VAGUS_EIO);
    FILE *file = fopen(path, "w");
    REQUIRE(file != NULL);
    fputs("1.25 0 0\n", file);
    fclose(file);
    CHECK_EQ(host_load(host, &load), 0);
    CHECK_NEAR(load, 1.25, 0);
    host_unref(host);
    unlink(path);
    snprintf(path, sizeof(path), "%s/proc", root);
    rmdir(path);
    rmdir(root);
}

int main(void)
{
    RUN(agrees_with_system_calls);
    RUN(any_thread_reads_the_whole_process);
    RUN(everything_is_closed);
    RUN(paths);
    RUN(nothing_allocates_after_open);
    RUN(open_survives_below_a_root);
    RUN(open_survives_on_the_machine);
    RUN(a_real_memory_cgroup);
    RUN(files_that_vanish_and_return);
    return check_result();
}
