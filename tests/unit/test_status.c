/* SPDX-License-Identifier: Apache-2.0 */
/* Memory, paging, switches and the OOM killer's view: the texts of kernels old, new and damaged,
 * then this process itself, put to a known load. */
#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "host/status.h"
#include "root_fixture.h"
#include "sanitized.h"

#define MIB (1024 * 1024)
#define KIB UINT64_C(1024)

static int parse_memory(const char *text, struct host_process_memory *memory)
{
    return host_parse_process_memory(text, strlen(text), memory);
}

static const char status_text[] = "Name:\tVmHWM:\n"
                                  "VmPeak:\t    9999 kB\n"
                                  "VmLck:\t      12 kB\n"
                                  "VmPin:\t       7 kB\n"
                                  "VmHWM:\t    1760 kB\n"
                                  "VmRSS:\t    1700 kB\n"
                                  "RssAnon:\t     108 kB\n"
                                  "VmSwap:\t      64 kB\n"
                                  "HugetlbPages:\t    2048 kB\n"
                                  "Threads:\t1\n"
                                  "voluntary_ctxt_switches:\t5\n"
                                  "nonvoluntary_ctxt_switches:\t3\n";

static void status_of_a_new_kernel(void)
{
    struct host_process_memory m;
    CHECK_EQ(parse_memory(status_text, &m), 0);
    CHECK_EQ(m.peak_bytes, 1760 * KIB);
    CHECK_EQ(m.locked_bytes, 12 * KIB);
    CHECK_EQ(m.anonymous_bytes, 108 * KIB);
    CHECK_EQ(m.swapped_bytes, 64 * KIB);
    CHECK_EQ(m.huge_bytes, 2048 * KIB);
}

/* 2.6.32 knows neither swap nor kinds; that is not zero. */
static void status_of_an_old_kernel(void)
{
    struct host_process_memory m;
    CHECK_EQ(parse_memory("VmLck:\t 0 kB\nVmHWM:\t 10 kB\nVmRSS:\t 9 kB\n", &m), 0);
    CHECK_EQ(m.peak_bytes, 10 * KIB);
    CHECK_EQ(m.locked_bytes, 0);
    CHECK(m.swapped_bytes == HOST_UNTOLD && m.anonymous_bytes == HOST_UNTOLD);
    CHECK(m.huge_bytes == HOST_UNTOLD);
}

static void damaged_status(void)
{
    static const char *const bad[] = {
        "",
        "\n",
        "VmHWM:",
        "VmHWM:\t10 kB",                     /* cut */
        "VmHWM:\t10\n",                      /* no unit */
        "VmHWM:\t10 MB\n",                   /* another */
        "VmHWM:\t-10 kB\n",                  /* negative */
        "VmHWM:\t10 kB kB\n",                /* more than there should be */
        "VmHWM:\t99999999999999999999 kB\n", /* beyond 64 bits */
        "VmHWM:\t18014398509481984 kB\n",    /* beyond, once it is bytes */
        "VmHWM:\t10 kB\nVmSwap:\t-1 kB\n",   /* one damaged line spoils the whole */
        "VmHWM:\t10 kB\nVmLck:\tx kB\n",
        "VmLck:\t0 kB\nThreads:\t7\n", /* the main thread has ended */
    };
    struct host_process_memory m = {.peak_bytes = 99};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_EQ(parse_memory(bad[i], &m), VAGUS_EPARSE);
    CHECK_EQ(host_parse_process_memory("VmHWM:\t10 kB\n", 12, &m), VAGUS_EPARSE); /* no newline */
    CHECK_EQ(m.peak_bytes, 99);
    /* Cut anywhere it is damaged, or tells what the whole text tells. */
    for (size_t length = 0; length < sizeof(status_text) - 1; length++) {
        struct host_process_memory cut;
        int error = host_parse_process_memory(status_text, length, &cut);
        CHECK(error == VAGUS_EPARSE || (error == 0 && cut.peak_bytes == 1760 * KIB));
        if (error == 0 && cut.swapped_bytes != HOST_UNTOLD)
            CHECK_EQ(cut.swapped_bytes, 64 * KIB);
    }
}

static void paging_texts(void)
{
    static const char text[] = "nr_free_pages 1\npgpgin 5\npswpin 3\npswpout 4\npgfault 8\n";
    static const char *const bad[] = {"",
                                      "pswpin 3\npswpout 4\n",
                                      "pswpin -3\npgfault 1\n",
                                      "pgfault 1",
                                      "pgfault 1\npswpout 9223372036854775807\n",
                                      "pgfault 1\npswpin 2251799813685248\n"};
    struct host_paging p = {.in_bytes = 99};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_EQ(host_parse_paging(bad[i], strlen(bad[i]), 4096, &p), VAGUS_EPARSE);
    CHECK_EQ(p.in_bytes, 99);
    CHECK_EQ(host_parse_paging(text, strlen(text), 65536, &p), 0);
    CHECK_EQ(p.in_bytes, 3 * 65536);
    CHECK_EQ(p.out_bytes, 4 * 65536);
    CHECK_EQ(host_parse_paging("pgfault 1\n", 10, 4096, &p), 0); /* built without swap */
    CHECK(p.in_bytes == HOST_UNTOLD && p.out_bytes == HOST_UNTOLD);
}

static void huge_page_texts(void)
{
    static const char text[] = "MemTotal: 100 kB\nSwapTotal: 9 kB\nSwapFree: 2 kB\n"
                               "AnonHugePages: 4096 kB\nHugePages_Total: 10\n"
                               "HugePages_Free: 4\nHugePages_Rsvd: 1\nHugepagesize: 2048 kB\n";
    static const char *const bad[] = {
        "",
        "MemTotal: 1 kB\nSwapTotal: 1 kB\nSwapFree: 2 kB\n",
        "AnonHugePages: 4096 kB\n",
        "MemTotal: 1 kB\nAnonHugePages: 1\n",
        "MemTotal: 1 kB\nHugePages_Total: 1\nHugePages_Free: 2\nHugePages_Rsvd: 0\n"
        "Hugepagesize: 2048 kB\n",
        "MemTotal: 1 kB\nHugePages_Total: 9007199254740992\nHugePages_Free: 2\n"
        "HugePages_Rsvd: 0\nHugepagesize: 2048 kB\n"};
    struct host_memory_detail p = {.huge_total_bytes = 99};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_EQ(host_parse_memory_detail(bad[i], strlen(bad[i]), &p), VAGUS_EPARSE);
    CHECK_EQ(p.huge_total_bytes, 99);
    CHECK_EQ(host_parse_memory_detail(text, strlen(text), &p), 0);
    CHECK_EQ(p.swap_used_bytes, 7 * KIB);
    CHECK_EQ(p.huge_total_bytes, 20 * MIB);
    CHECK_EQ(p.huge_free_bytes, 8 * MIB);
    CHECK_EQ(p.huge_reserved_bytes, 2 * MIB);
    CHECK_EQ(p.transparent_bytes, 4 * MIB);
    CHECK_EQ(host_parse_memory_detail("MemTotal: 1 kB\n", 15, &p), 0);
    CHECK(p.huge_total_bytes == HOST_UNTOLD && p.transparent_bytes == HOST_UNTOLD);
    CHECK(p.swap_used_bytes == HOST_UNTOLD);
}

static void switch_texts(void)
{
    static const char many[] = "Threads:\t7\nvoluntary_ctxt_switches:\t5\n"
                               "nonvoluntary_ctxt_switches:\t3\n";
    struct host_switches s = {.voluntary = 99};
    CHECK_EQ(host_parse_switches(many, strlen(many), &s), VAGUS_EUNSUPPORTED);
    CHECK_EQ(host_parse_switches("Threads:\t1\n", 11, &s), VAGUS_EUNSUPPORTED); /* before 2.6.23 */
    CHECK_EQ(host_parse_switches("Threads:\t0\n", 11, &s), VAGUS_EPARSE);
    CHECK_EQ(host_parse_switches("", 0, &s), VAGUS_EPARSE);
    CHECK_EQ(s.voluntary, 99);
    CHECK_EQ(host_parse_switches(status_text, strlen(status_text), &s), 0);
    CHECK_EQ(s.voluntary, 5);
    CHECK_EQ(s.involuntary, 3);
}

static void signed_files(void)
{
    static const char *const bad[] = {"",
                                      "\n",
                                      "-",
                                      "-\n",
                                      "5",
                                      "--5\n",
                                      "- 5\n",
                                      " \n",
                                      "5 5\n",
                                      "0x5\n",
                                      "9223372036854775808\n",
                                      "-9223372036854775808\n"};
    int64_t value = 99;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_EQ(host_parse_signed_file(bad[i], strlen(bad[i]), &value), VAGUS_EPARSE);
    CHECK_EQ(value, 99);
    CHECK_EQ(host_parse_signed_file("-998\n", 5, &value), 0);
    CHECK_EQ(value, -998);
    CHECK_EQ(host_parse_signed_file("0\n", 2, &value), 0);
    CHECK_EQ(value, 0);
}

/* --- Machines that the test makes. --- */

static void oom_scores(void)
{
    uint64_t score = 99;
    int64_t adjustment = 99;
    struct host *host;
    REQUIRE(root_begin());
    root_print("proc/self/oom_score", "666\n");
    root_print("proc/self/oom_score_adj", "-1000\n");
    REQUIRE(host_open(&(struct host_options){.root = root_dir}, &host) == 0);
    CHECK_EQ(host_oom_score(host, &score), 0);
    CHECK_EQ(score, 666);
    CHECK_EQ(host_oom_score_adj(host, &adjustment), 0);
    CHECK_EQ(adjustment, -1000);
    root_print("proc/self/oom_score", "-1\n");
    root_print("proc/self/oom_score_adj", "-1001\n");
    CHECK_EQ(host_oom_score(host, &score), VAGUS_EPARSE);
    CHECK_EQ(host_oom_score_adj(host, &adjustment), VAGUS_EPARSE);
    CHECK_EQ(score, 666);
    host_unref(host);
    root_remove("proc/self");
    REQUIRE(host_open(&(struct host_options){.root = root_dir}, &host) == 0);
    CHECK_EQ(host_oom_score(host, &score), VAGUS_EUNSUPPORTED);
    CHECK_EQ(host_oom_score_adj(host, &adjustment), VAGUS_EUNSUPPORTED); /* before 2.6.36 */
    host_unref(host);
    root_end();
}

/* The line comes behind more interrupts than pass through the buffer at once. */
static void boot_time_of_a_big_machine(void)
{
    static char interrupts[40000];
    uint64_t wall_ns = 99;
    struct host *host;
    memset(interrupts, '0', sizeof(interrupts) - 1);
    REQUIRE(root_begin());
    root_print("proc/stat", "cpu  1 2 3 4\nintr %s\nctxt 9\nbtime 1700000000\nprocesses 1\n",
               interrupts);
    REQUIRE(host_open(&(struct host_options){.root = root_dir}, &host) == 0);
    CHECK_EQ(host_boot_wall_ns(host, &wall_ns), 0);
    CHECK_EQ(wall_ns, INT64_C(1700000000) * VAGUS_SECOND_NS);
    root_print("proc/stat", "cpu  1 2 3 4\nbtime 17000000000000000000\n");
    CHECK_EQ(host_boot_wall_ns(host, &wall_ns), VAGUS_EPARSE);
    root_print("proc/stat", "cpu  1 2 3 4\nbtime 1700000000");
    CHECK_EQ(host_boot_wall_ns(host, &wall_ns), VAGUS_EPARSE);
    root_print("proc/stat", "cpu  1 2 3 4\n");
    CHECK_EQ(host_boot_wall_ns(host, &wall_ns), VAGUS_EPARSE);
    host_unref(host);
    root_end();
}

/* --- This process. --- */

/* Touches 48 MiB in 4 KiB pages, locks 2 MiB of it, and gives all of it back. */
static void memory_of_a_hog(void)
{
    struct host *host;
    struct host_process_memory before = {0}, full = {0}, after = {0};
    struct host_process_size size_before, size_full;
    const size_t bytes = 48 * MIB + 5 * 4096, locked = 2 * MIB;
    if (THREAD_SANITIZED)
        SKIP_TEST("the sanitizer's shadow would be measured");
    REQUIRE(host_open(NULL, &host) == 0);
    char *hog = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(hog != MAP_FAILED);
    madvise(hog, bytes, MADV_NOHUGEPAGE);
    CHECK_EQ(host_process_memory(host, &before), 0);
    CHECK_EQ(host_process_size(host, &size_before), 0);
    memset(hog, 1, bytes);
    bool lockable = syscall(SYS_mlock, hog, locked) == 0; /* a sanitizer makes mlock() do nothing */
    CHECK_EQ(host_process_memory(host, &full), 0);
    CHECK_EQ(host_process_size(host, &size_full), 0);
    munmap(hog, bytes);
    CHECK_EQ(host_process_memory(host, &after), 0);

    /* To the page and what else was touched in between: some pages of stack and libc. Kernels from
     * 6.2 to 6.17 count in batches for each CPU. */
    const double slack = 16 * 4096, batches = 256 * 4096;
    double grown = (double)size_full.resident_bytes - (double)size_before.resident_bytes;
    CHECK_NEAR(grown, (double)bytes, batches);
    printf("resident: %+.0f bytes off of %zu\n", grown - (double)bytes, bytes);
    grown = (double)full.anonymous_bytes - (double)before.anonymous_bytes;
    CHECK_NEAR(grown, (double)bytes, batches);
    printf("anonymous: %+.0f bytes off\n", grown - (double)bytes);
    CHECK((double)full.peak_bytes + batches >= (double)size_full.resident_bytes);
    CHECK(full.peak_bytes <= size_full.resident_bytes + (uint64_t)batches + (uint64_t)slack);
    /* A peak stays, but for those batches, which the kernel leaves out when memory is given back.
     */
    CHECK((double)after.peak_bytes >= (double)full.peak_bytes - batches);
    if (lockable) {
        CHECK_EQ(full.locked_bytes, before.locked_bytes + locked);
        CHECK_EQ(after.locked_bytes, before.locked_bytes);
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage); /* what /usr/bin/time shows */
    CHECK_NEAR((double)after.peak_bytes, (double)usage.ru_maxrss * 1024, 2 * batches);
    host_unref(host);
}

static void *sleep_often(void *arg)
{
    for (int i = 0; i < 200; i++)
        usleep(10);
    return arg;
}

/* Switches of a thread that has ended count on: the main thread's own status has none of them. */
static void switches_of_ended_threads(void)
{
    struct host *host;
    struct host_switches before = {0}, after = {0};
    pthread_t thread;
    REQUIRE(host_open(NULL, &host) == 0);
    CHECK_EQ(host_switches(host, &before), 0);
    REQUIRE(pthread_create(&thread, NULL, sleep_often, NULL) == 0);
    pthread_join(thread, NULL);
    CHECK_EQ(host_switches(host, &after), 0);
    CHECK(after.voluntary >= before.voluntary + 200);
    CHECK(after.voluntary < before.voluntary + 400);
    CHECK(after.involuntary >= before.involuntary);
    host_unref(host);
}

static void faults_and_start_of_this_process(void)
{
    struct host *host;
    struct host_process process = {0};
    uint64_t boot_ns = 0, score = 0;
    int64_t adjustment = -9999;
    struct rusage usage;
    struct timespec now;
    REQUIRE(host_open(NULL, &host) == 0);
    CHECK_EQ(host_process(host, &process), 0);
    getrusage(RUSAGE_SELF, &usage);
    CHECK_EQ(process.major_faults, usage.ru_majflt);
    CHECK_EQ(host_boot_wall_ns(host, &boot_ns), 0);
    clock_gettime(CLOCK_REALTIME, &now);
    double started_s = (double)boot_ns / 1e9 + (double)process.started_ns / 1e9;
    double age_s = (double)now.tv_sec + (double)now.tv_nsec / 1e9 - started_s;
    CHECK(age_s > -0.02 && age_s < 100);
    CHECK_EQ(host_oom_score(host, &score), 0);
    CHECK_EQ(host_oom_score_adj(host, &adjustment), 0);
    CHECK(adjustment >= -1000 && adjustment <= 1000);
    struct host_paging paging;
    struct host_memory_detail pages;
    CHECK_EQ(host_paging(host, &paging), 0);
    CHECK_EQ(host_memory_detail(host, &pages), 0);
    host_unref(host);
}

int main(void)
{
    RUN(status_of_a_new_kernel);
    RUN(status_of_an_old_kernel);
    RUN(damaged_status);
    RUN(paging_texts);
    RUN(huge_page_texts);
    RUN(switch_texts);
    RUN(signed_files);
    RUN(oom_scores);
    RUN(boot_time_of_a_big_machine);
    RUN(memory_of_a_hog);
    RUN(switches_of_ended_threads);
    RUN(faults_and_start_of_this_process);
    return check_result();
}
