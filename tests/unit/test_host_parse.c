/* SPDX-License-Identifier: Apache-2.0 */
/* The parsers over text that the kernel writes, and over text that it never should. */
#include "check.h"

#include "host/cgroup.h"
#include "host/parse.h"
#include "host/procfs.h"
#include "vagus/base.h"

static bool number(const char *text, uint64_t *value)
{
    struct parse p = parse_text(text, strlen(text));
    return parse_u64(&p, value);
}

static void numbers_are_whole_or_refused(void)
{
    static const char *const refused[] = {"",  " ",   "-1 ",  "+1 ",   "12",
                                          "x", "1x ", "1.5 ", "0x10 ", "18446744073709551616 "};
    uint64_t value = 7;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        CHECK(!number(refused[i], &value));
    CHECK_EQ(value, 7);
    CHECK(number("  42\n", &value));
    CHECK_EQ(value, 42);
    CHECK(number("18446744073709551615 ", &value));
    CHECK(value == UINT64_MAX);
}

static bool decimal(const char *text, double *value)
{
    struct parse p = parse_text(text, strlen(text));
    return parse_decimal(&p, value);
}

static void decimals(void)
{
    double value = -1;
    CHECK(!decimal("nan ", &value));
    CHECK(!decimal("1. ", &value));
    CHECK(!decimal(".5 ", &value));
    CHECK(!decimal("0.52", &value));
    CHECK(!decimal("-0.52 ", &value));
    CHECK(!decimal("0.1234567890 ", &value));
    CHECK_NEAR(value, -1, 0);
    CHECK(decimal("0.52 0.3", &value));
    CHECK_NEAR(value, 0.52, 1e-12);
    CHECK(decimal("1470 ", &value));
    CHECK_NEAR(value, 1470, 0);
}

static bool number_file(const char *text, uint64_t *value)
{
    return parse_number_file(text, strlen(text), value);
}

static void files_of_one_number(void)
{
    uint64_t value = 7;
    CHECK(!number_file("", &value));
    CHECK(!number_file("12", &value));
    CHECK(!number_file("-1\n", &value));
    CHECK(!number_file("max", &value));
    CHECK(!number_file("maximum\n", &value));
    CHECK(!number_file("12 13\n", &value));
    CHECK_EQ(value, 7);
    CHECK(number_file("max\n", &value));
    CHECK(value == UINT64_MAX);
    CHECK(number_file("9223372036854771712\n", &value));
    CHECK(value == UINT64_C(9223372036854771712));
}

static void keys_match_whole_words(void)
{
    static const char text[] = "inactive_file_x 1\ntotal_inactive_file 2\ninactive_file 3\ncut 4";
    uint64_t value = 0;
    CHECK(parse_keyed_u64(text, sizeof(text) - 1, "inactive_file", &value));
    CHECK_EQ(value, 3);
    CHECK(parse_keyed_u64(text, sizeof(text) - 1, "total_inactive_file", &value));
    CHECK_EQ(value, 2);
    CHECK(!parse_keyed_u64(text, sizeof(text) - 1, "cut", &value));
    CHECK(!parse_keyed_u64(text, sizeof(text) - 1, "absent", &value));
}

static bool list(const char *text, uint64_t *count)
{
    return parse_list_count(parse_text(text, strlen(text)), count);
}

static void lists(void)
{
    uint64_t count = 7;
    CHECK(!list("", &count));
    CHECK(!list("3-1", &count));
    CHECK(!list("1,,2", &count));
    CHECK(!list("0-4294967296", &count));
    CHECK(!list("1-", &count));
    CHECK_EQ(count, 7);
    CHECK(list("0-3,8,10-11", &count));
    CHECK_EQ(count, 7);
    CHECK(list("5\n", &count));
    CHECK_EQ(count, 1);
    CHECK(list("0-511", &count));
    CHECK_EQ(count, 512);
}

static void cpu_times_of_old_and_new_kernels(void)
{
    static const char old[] = "cpu  1 2 3 4\ncpu0 1 2 3 4\n", now[] = "cpu  1 2 3 4 5 6 7 8 9 10\n";
    struct host_cpu_times t = {0};
    CHECK_EQ(host_parse_cpu_times(old, sizeof(old) - 1, &t), 0);
    CHECK_EQ(t.idle, 4);
    CHECK_EQ(t.iowait, 0);
    CHECK_EQ(host_parse_cpu_times(now, sizeof(now) - 1, &t), 0);
    CHECK_EQ(t.user, 1);
    CHECK_EQ(t.steal, 8);
    CHECK_EQ(host_parse_cpu_times("cpu  1 2 3\n", 11, &t), VAGUS_EPARSE);
    CHECK_EQ(host_parse_cpu_times("cpu0 1 2 3 4\n", 13, &t), VAGUS_EPARSE);
}

/* Every text that a read may have cut is refused, and what was there before stays; where enough
 * was left the answer is the whole one. */
static void cut_texts(void)
{
    static const char meminfo[] = "MemTotal:  100 kB\nMemFree:  40 kB\nMemAvailable:  60 kB\n"
                                  "Cached:  10 kB\nSwapTotal:  5 kB\nSwapFree:  4 kB\n";
    for (size_t length = 0; length < sizeof(meminfo); length++) {
        struct host_memory m = {.total_bytes = 1};
        int error = host_parse_memory(meminfo, length, true, &m);
        CHECK_EQ(m.total_bytes, error == 0 ? 102400 : 1);
        if (error == 0 && !m.available_estimated)
            CHECK_EQ(m.available_bytes, 61440);
        if (error == 0 && m.swap_known)
            CHECK_EQ(m.swap_free_bytes, 4096);
    }
    static const char stat[] = "1 (a b) c) S 1 1 1 0 -1 0 0 0 0 0 200 100 0 0 20 0 3 0 50 8192 2 ";
    for (size_t length = 0; length < sizeof(stat) - 1; length++) {
        struct host_process p = {.threads = 99};
        CHECK_EQ(host_parse_process(stat, length, 4096, 100, &p), VAGUS_EPARSE);
        CHECK_EQ(p.threads, 99);
    }
    struct host_process p;
    CHECK_EQ(host_parse_process(stat, sizeof(stat) - 1, 4096, 100, &p), 0);
    CHECK_EQ(p.cpu_ns, 3000000000);
    CHECK_EQ(p.threads, 3);
    CHECK_EQ(p.started_ns, 500000000);
    CHECK_EQ(p.virtual_bytes, 8192);
    CHECK_EQ(p.resident_bytes, 8192);
}

static void overflow_is_refused(void)
{
    struct host_process_size size = {1, 2};
    CHECK_EQ(host_parse_process_size("18446744073709551615 1 ", 23, 4096, &size), VAGUS_EPARSE);
    CHECK_EQ(size.virtual_bytes, 1);
    struct host_memory m;
    static const char huge[] = "MemTotal: 18446744073709551615 kB\n";
    CHECK_EQ(host_parse_memory(huge, sizeof(huge) - 1, true, &m), VAGUS_EPARSE);
    static const char more_than_all[] = "MemTotal: 4 kB\nMemAvailable: 9 kB\n";
    CHECK_EQ(host_parse_memory(more_than_all, sizeof(more_than_all) - 1, true, &m), 0);
    CHECK_EQ(m.available_bytes, 4096);
    CHECK(!m.swap_known);
}

/* What the kernel tells of a process whose main thread has left. */
static void zeros_are_no_size(void)
{
    static const char stat[] = "1 (a) Z 1 1 1 0 -1 0 0 0 0 0 200 100 0 0 20 0 3 0 50 0 0 ";
    struct host_process_size size = {1, 2};
    struct host_process process = {.threads = 99};
    CHECK_EQ(host_parse_process_size("0 0 0 0 0 0 0\n", 14, 4096, &size), VAGUS_EPARSE);
    CHECK_EQ(size.resident_bytes, 2);
    CHECK_EQ(host_parse_process(stat, sizeof(stat) - 1, 4096, 100, &process), VAGUS_EPARSE);
    CHECK_EQ(process.threads, 99);
}

static int path_of(const char *text, const char *controller, char *path, size_t capacity)
{
    return host_parse_cgroup_path(text, strlen(text), controller, path, capacity);
}

static void cgroup_paths(void)
{
    static const char text[] = "9:name=systemd:/s\n4:memory:/a:b/c d\n2:cpu,cpuacct:/q\n0::/u\n";
    char path[32] = "before";
    CHECK_EQ(path_of(text, "memory", path, sizeof(path)), 0);
    CHECK_STR(path, "/a:b/c d");
    CHECK_EQ(path_of(text, "cpuacct", path, sizeof(path)), 0);
    CHECK_STR(path, "/q");
    CHECK_EQ(path_of(text, "", path, sizeof(path)), 0);
    CHECK_STR(path, "/u");
    CHECK_EQ(path_of(text, "mem", path, sizeof(path)), VAGUS_ENOENT);
    CHECK_EQ(path_of(text, "memory", path, 8), VAGUS_EPARSE);
    CHECK_EQ(path_of("4:memory:/cut", "memory", path, sizeof(path)), VAGUS_EPARSE);
    CHECK_EQ(path_of("4:memory:relative\n", "memory", path, sizeof(path)), VAGUS_EPARSE);
    CHECK_EQ(path_of("rubbish\n", "memory", path, sizeof(path)), VAGUS_EPARSE);
    CHECK_EQ(path_of("", "memory", path, sizeof(path)), VAGUS_ENOENT);
    CHECK_STR(path, "/u");
}

static bool mount_of(const char *line, const char *controller, struct host_cgroup_mount *mount)
{
    return host_parse_cgroup_mount(line, strlen(line), controller, mount);
}

static void cgroup_mounts(void)
{
    struct host_cgroup_mount m;
    REQUIRE(mount_of("1 2 0:3 /r\\134x /p\\040q rw a:1 b:2 - cgroup  rw,memory", "memory", &m));
    CHECK_STR(m.root, "/r\\x");
    CHECK_STR(m.point, "/p q");
    CHECK(mount_of("1 2 0:3 / /c rw - cgroup2 cgroup rw", "", &m));
    CHECK(!mount_of("1 2 0:3 / /c rw - cgroup2 cgroup rw", "memory", &m));
    CHECK(!mount_of("1 2 0:3 / /c rw - cgroup cgroup rw,memory_x", "memory", &m));
    CHECK(!mount_of("1 2 0:3 / /c rw cgroup cgroup rw,memory", "memory", &m));
    CHECK(!mount_of("1 2 0:3 / c rw - cgroup2 cgroup rw", "", &m));
    CHECK(!mount_of("1 2 0:3 / /\\000 rw - cgroup2 cgroup rw", "", &m));
    CHECK(!mount_of("1 2 0:3 / /\\777 rw - cgroup2 cgroup rw", "", &m));
}

static void cpu_max(void)
{
    double cores = -1;
    CHECK_EQ(host_parse_cpu_max("50000 0\n", 8, &cores), VAGUS_EPARSE);
    CHECK_EQ(host_parse_cpu_max("0 100000\n", 9, &cores), VAGUS_EPARSE);
    CHECK_EQ(host_parse_cpu_max("50000 100000", 12, &cores), VAGUS_EPARSE);
    CHECK_NEAR(cores, -1, 0);
    CHECK_EQ(host_parse_cpu_max("250000 100000\n", 14, &cores), 0);
    CHECK_NEAR(cores, 2.5, 1e-12);
    CHECK_EQ(host_parse_cpu_max("max 100000\n", 11, &cores), 0);
    CHECK(isinf(cores));
}

static void limits(void)
{
    static const char text[] = "Max open files   1024   4096   files\n"
                               "Max address space   unlimited   unlimited   bytes\n";
    struct host_limits l;
    CHECK_EQ(host_parse_limits(text, sizeof(text) - 1, &l), 0);
    CHECK_EQ(l.descriptors, 1024);
    CHECK(l.address_space_bytes == HOST_UNLIMITED);
    CHECK_EQ(host_parse_limits(text, 40, &l), VAGUS_EPARSE);
}

int main(void)
{
    RUN(numbers_are_whole_or_refused);
    RUN(decimals);
    RUN(files_of_one_number);
    RUN(keys_match_whole_words);
    RUN(lists);
    RUN(cpu_times_of_old_and_new_kernels);
    RUN(cut_texts);
    RUN(overflow_is_refused);
    RUN(zeros_are_no_size);
    RUN(cgroup_paths);
    RUN(cgroup_mounts);
    RUN(cpu_max);
    RUN(limits);
    return check_result();
}
