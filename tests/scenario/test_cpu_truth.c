/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the CPU senses are right, not only plausible: under hogs of its own, a monitor is
 * compared with psutil, getrusage() and the kernel's cgroup accounting, counter against counter
 * over the same span; a real CPU quota must be seen as the allowance and seen to hold back; a real
 * OOM kill must be counted. Needs root and v1 cgroups for most of it, and skips what it cannot do.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "sanitized.h"
#include "vagus/vagus.h"

#define SPAN_S 10
#define MIB (1u << 20)

/* --- A monitor that looks when it is told to --- */

static struct vagus_monitor *open_monitor(void)
{
    struct vagus_monitor *monitor = NULL;
    struct vagus_monitor_options options = {.size = sizeof(options),
                                            .agent_name = "truth",
                                            .policy_text = "watch: {cores: true}\nrules: []\n",
                                            .flags = VAGUS_STEPPED | VAGUS_ANONYMOUS_SEGMENT};
    CHECK_EQ(vagus_monitor_open(&options, &monitor), 0);
    if (monitor != NULL)
        CHECK_EQ(vagus_monitor_start(monitor), 0);
    return monitor;
}

/* Steps until the CPU was sampled anew: a moment ago, when it returns. */
static void step_to_next_sample(struct vagus_monitor *monitor)
{
    struct vagus_reading before = {0}, now;
    vagus_reading_get(monitor, "process.cpu.time", NULL, &before);
    do {
        struct timespec t = {.tv_nsec = 20000000};
        nanosleep(&t, NULL);
        vagus_step(monitor, NULL);
        now = before;
        vagus_reading_get(monitor, "process.cpu.time", NULL, &now);
    } while (now.taken_ns == before.taken_ns);
}

static double value_of(struct vagus_monitor *monitor, const char *name)
{
    struct vagus_reading reading = {.error = VAGUS_ENOENT};
    int error = vagus_reading_get(monitor, name, NULL, &reading);
    if (error != 0 || reading.error != 0)
        CHECK_FAIL_("%s: %s", name, vagus_error_message(error != 0 ? error : reading.error));
    return reading.value;
}

/* --- Hogs --- */

static atomic_bool hog_quit;

static void *hog(void *arg)
{
    volatile unsigned long *count = arg;
    while (!atomic_load_explicit(&hog_quit, memory_order_relaxed))
        for (int i = 0; i < 1000; i++)
            ++*count;
    return NULL;
}

/* --- Other accounts of the same --- */

static double rusage_s(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* A Python that says how much CPU time its parent has used whenever it gets a line. */
struct psutil {
    pid_t pid;
    FILE *ask, *answer;
};

static bool psutil_open(struct psutil *psutil)
{
    static const char program[] = "import sys, os\n"
                                  "try:\n"
                                  "    import psutil\n"
                                  "except ImportError:\n"
                                  "    sys.exit(0)\n"
                                  "p = psutil.Process(int(sys.argv[1]))\n"
                                  "for line in sys.stdin:\n"
                                  "    t = p.cpu_times(); print(t.user + t.system, flush=True)\n";
    int ask[2], answer[2];
    char pid[16], line[64];
    if (pipe(ask) != 0 || pipe(answer) != 0)
        return false;
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    psutil->pid = fork();
    if (psutil->pid == 0) {
        dup2(ask[0], STDIN_FILENO);
        dup2(answer[1], STDOUT_FILENO);
        close(ask[1]);
        close(answer[0]);
        execl("/usr/bin/python3", "python3", "-c", program, pid, (char *)NULL);
        _exit(127);
    }
    close(ask[0]);
    close(answer[1]);
    psutil->ask = fdopen(ask[1], "w");
    psutil->answer = fdopen(answer[0], "r");
    signal(SIGPIPE, SIG_IGN);
    fputs("\n", psutil->ask);
    fflush(psutil->ask);
    return fgets(line, sizeof(line), psutil->answer) != NULL; /* it is up */
}

static double psutil_s(struct psutil *psutil)
{
    double seconds = NAN;
    fputs("\n", psutil->ask);
    fflush(psutil->ask);
    if (fscanf(psutil->answer, "%lf", &seconds) != 1)
        return NAN;
    return seconds;
}

static void psutil_close(struct psutil *psutil)
{
    fclose(psutil->ask);
    fclose(psutil->answer);
    waitpid(psutil->pid, NULL, 0);
}

/* --- Real cgroups, of v1 --- */

static bool write_text(const char *folder, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return written;
}

static unsigned long long read_number(const char *folder, const char *name, const char *key)
{
    char path[256], line[128];
    unsigned long long number = 0;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        if (strncmp(line, key, strlen(key)) == 0)
            number = strtoull(line + strlen(key), NULL, 10);
    if (file != NULL)
        fclose(file);
    return number;
}

/* A new cgroup of this controller below the process's own, with the process in it. */
static bool enter(const char *controller, char folder[192])
{
    snprintf(folder, 192, "/sys/fs/cgroup/%s/vagus-truth-%d", controller, (int)getpid());
    return mkdir(folder, 0755) == 0 && write_text(folder, "cgroup.procs", "0\n");
}

static void leave(const char *controller, const char *folder)
{
    char root[128];
    snprintf(root, sizeof(root), "/sys/fs/cgroup/%s", controller);
    write_text(root, "cgroup.procs", "0\n");
    for (int i = 0; rmdir(folder) != 0 && errno == EBUSY && i < 100; i++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

/* --- The tests --- */

/* Within 1 % of one core over the span. */
static void process_cpu_against_other_accounts(void)
{
    struct vagus_monitor *monitor = open_monitor();
    struct psutil psutil;
    char folder[192];
    unsigned long count = 0;
    pthread_t thread;
    REQUIRE(monitor != NULL);
    bool accounted = enter("cpuacct", folder), asked = psutil_open(&psutil);
    atomic_store(&hog_quit, false);
    REQUIRE(pthread_create(&thread, NULL, hog, &count) == 0);

    step_to_next_sample(monitor);
    double vagus = value_of(monitor, "process.cpu.time"), used = rusage_s();
    double cgroup = accounted ? (double)read_number(folder, "cpuacct.usage", "") / 1e9 : 0;
    double python = asked ? psutil_s(&psutil) : 0, shares = 0;
    struct vagus_reading reading;
    CHECK_EQ(vagus_reading_get(monitor, "process.cpu.time", NULL, &reading), 0);
    int64_t begin_ns = vagus_now_ns(), before_ns = reading.taken_ns;
    for (int i = 0; i < SPAN_S; i++) {
        step_to_next_sample(monitor);
        CHECK_EQ(vagus_reading_get(monitor, "process.cpu.cores", NULL, &reading), 0);
        shares += reading.value * (double)(reading.taken_ns - before_ns) / 1e9;
        before_ns = reading.taken_ns;
    }
    CHECK_EQ(vagus_reading_get(monitor, "process.cpu.time", NULL, &reading), 0);
    double late = (double)(vagus_now_ns() - reading.taken_ns) / 1e9; /* since it looked */
    vagus = reading.value - vagus;
    used = rusage_s() - used;
    cgroup = accounted ? (double)read_number(folder, "cpuacct.usage", "") / 1e9 - cgroup : NAN;
    python = asked ? psutil_s(&psutil) - python : NAN;
    double span = (double)(vagus_now_ns() - begin_ns) / 1e9, allowed = 0.01 * span;

    printf("over %.2f s: vagus %.3f s, getrusage %.3f, cgroup %.3f, psutil %.3f, sum of cores "
           "%.3f; vagus looked %.3f s before the others\n",
           span, vagus, used, cgroup, python, shares, late);
    /* On a busy machine something may come between two looks at the same. */
    allowed += late;
    CHECK_NEAR(vagus, used, allowed);
    if (accounted)
        CHECK_NEAR(vagus, cgroup, allowed);
    if (asked)
        CHECK_NEAR(vagus, python, allowed);
    CHECK_NEAR(shares, vagus, allowed);
    CHECK(vagus > 0.1 * span); /* it did hog */
    atomic_store(&hog_quit, true);
    pthread_join(thread, NULL);
    psutil_close(&psutil);
    if (accounted)
        leave("cpuacct", folder);
    vagus_monitor_close(monitor);
    if (!accounted || !asked)
        SKIP_TEST(asked ? "no v1 cpuacct cgroup can be made" : "psutil is not installed");
}

static void in_a_quota(const char *folder)
{
    unsigned long count = 0;
    pthread_t thread;
    atomic_store(&hog_quit, false);
    struct vagus_monitor *monitor = open_monitor();
    REQUIRE(monitor != NULL);
    step_to_next_sample(monitor);
    CHECK_NEAR(value_of(monitor, "cpu.allowance"), 0.1, 1e-9);
    double before = value_of(monitor, "cpu.throttled.periods");
    REQUIRE(pthread_create(&thread, NULL, hog, &count) == 0);
    step_to_next_sample(monitor);
    step_to_next_sample(monitor);
    double share = value_of(monitor, "process.cpu.utilization");
    double ratio = value_of(monitor, "cpu.throttled.ratio");
    atomic_store(&hog_quit, true);
    pthread_join(thread, NULL);
    step_to_next_sample(monitor);
    step_to_next_sample(monitor); /* nothing was held back since: the counters stand still */
    double periods = value_of(monitor, "cpu.throttled.periods");
    double seconds = value_of(monitor, "cpu.throttled.time");
    printf("quota of 0.1 cores: utilization %.3f, throttled in %.0f %% of periods, %.0f in all, "
           "%.3f s\n",
           share, ratio * 100, periods, seconds);
    CHECK(periods > before + 5);
    CHECK_EQ(periods, read_number(folder, "cpu.stat", "nr_throttled "));
    CHECK_NEAR(seconds, (double)read_number(folder, "cpu.stat", "throttled_time ") / 1e9, 1e-6);
    CHECK(ratio > 0.3 && ratio <= 1);
    CHECK(share > 0.5 && share < 1.3); /* a period more or less falls into a second */
    vagus_monitor_close(monitor);
}

static void a_real_quota(void)
{
    char folder[192];
    if (!enter("cpu", folder) || !write_text(folder, "cpu.cfs_period_us", "50000\n") ||
        !write_text(folder, "cpu.cfs_quota_us", "5000\n")) {
        rmdir(folder);
        SKIP_TEST("no v1 cpu cgroup can be made");
    }
    in_a_quota(folder);
    leave("cpu", folder);
}

/* A child that takes four times what its cgroup may hold. */
static int overfill(void)
{
    pid_t pid = fork();
    int status = 0;
    if (pid == 0) {
        char *memory = mmap(NULL, 128 * MIB, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        _exit(memory == MAP_FAILED);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void a_real_oom_kill(void)
{
    char folder[192], text[32];
    struct vagus_reading reading;
    if (SANITIZED)
        SKIP_TEST("with a sanitizer's memory the kernel may take this process for the larger one");
    /* Beside the process's own memory cgroup, whose folder cannot be written to everywhere. */
    if (!enter("memory", folder)) {
        rmdir(folder);
        SKIP_TEST("no v1 memory cgroup can be made");
    }
    snprintf(text, sizeof(text), "%u\n", 32 * MIB);
    bool limited = write_text(folder, "memory.limit_in_bytes", text);
    struct vagus_monitor *monitor = limited ? open_monitor() : NULL;
    if (monitor != NULL) {
        CHECK_NEAR(value_of(monitor, "cgroup.memory.events.oom_kill"), 0, 0);
        snprintf(text, sizeof(text), "/vagus-truth-%d", (int)getpid());
        CHECK_EQ(vagus_reading_get(monitor, "cgroup.memory.limit", text, &reading), 0);
        CHECK_NEAR(reading.value, 32 * MIB, 0);
        CHECK_EQ(vagus_reading_get(monitor, "cgroup.memory.binds", text, &reading), 0);
        CHECK_NEAR(reading.value, 1, 0);
        CHECK_EQ(overfill(), SIGKILL);
        step_to_next_sample(monitor);
        CHECK_NEAR(value_of(monitor, "cgroup.memory.events.oom_kill"), 1, 0);
        CHECK(value_of(monitor, "cgroup.memory.events.max") > 0);
        vagus_monitor_close(monitor);
    }
    leave("memory", folder);
    CHECK(limited);
}

/* The kernel counts all CPUs together apart from each; over 5 s the two agree within 2 ticks of
 * each CPU. Any may be offline. */
static void cores_add_up(void)
{
    struct vagus_monitor *monitor = open_monitor();
    double whole = 0, sum = 0, cores = 0;
    REQUIRE(monitor != NULL);
    step_to_next_sample(monitor);
    for (int second = 0; second < 5; second++) {
        step_to_next_sample(monitor);
        whole += value_of(monitor, "system.cpu.utilization");
        cores = 0;
        for (int cpu = 0; cpu < sysconf(_SC_NPROCESSORS_CONF); cpu++) {
            char name[16];
            struct vagus_reading reading;
            snprintf(name, sizeof(name), "%d", cpu);
            if (vagus_reading_get(monitor, "system.cpu.core.utilization", name, &reading) != 0)
                continue;
            sum += reading.value;
            cores++;
        }
    }
    REQUIRE(cores > 0);
    printf("busy over 5 s: %.4f of all, %.4f in the mean of %.0f CPUs\n", whole / 5,
           sum / cores / 5, cores);
    CHECK_NEAR(sum / cores / 5, whole / 5, 0.02);
    vagus_monitor_close(monitor);
}

int main(void)
{
    RUN(a_real_oom_kill);
    RUN(a_real_quota);
    RUN(cores_add_up);
    RUN(process_cpu_against_other_accounts);
    return check_result();
}
