/* SPDX-License-Identifier: Apache-2.0 */
/* Real processes below this one: they burn, end, are waited for or not, escape, and come from one
 * of a thousand threads. What the tree tells is held against what the kernel tells each of them. */
#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/tree.h"
#include "sanitized.h"

#define TICK_S 0.01 /* user and system time are each cut to it */
#define MIB (1024.0 * 1024.0)

static struct host *host;
static struct host_tree *tree;
static struct host_tree_sum sum;

static double clock_s(clockid_t clock)
{
    struct timespec t = {0};
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_of(pid_t pid)
{
    clockid_t clock;
    return clock_getcpuclockid(pid, &clock) == 0 ? clock_s(clock) : 0;
}

static double usage_s(int who)
{
    struct rusage u;
    getrusage(who, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void burn(double seconds)
{
    double until = clock_s(CLOCK_PROCESS_CPUTIME_ID) + seconds;
    while (clock_s(CLOCK_PROCESS_CPUTIME_ID) < until)
        continue;
}

static bool begin(void)
{
    return host_open(NULL, &host) == 0 && host_tree_create(host, &tree) == 0;
}

static void end(void)
{
    host_tree_destroy(tree);
    host_unref(host);
}

static double walk(void)
{
    CHECK_EQ(host_tree_sample(tree, &sum), 0);
    return (double)sum.cpu_ns / 1e9;
}

static void tell(int fd, pid_t pid)
{
    if (write(fd, &pid, sizeof(pid)) != sizeof(pid))
        _exit(3);
}

static pid_t hear(int fd)
{
    pid_t pid = 0;
    return read(fd, &pid, sizeof(pid)) == sizeof(pid) ? pid : -1;
}

static void wait_for_death(pid_t pid)
{
    for (int i = 0; i < 1000 && kill(pid, 0) == 0; i++)
        usleep(1000);
}

/* Two children and a grandchild burn, and stand still while they are looked at; then all end and
 * are waited for, and what they used is counted still. */
static void who_burns_is_counted_alive_and_dead(void)
{
    int fds[2];
    pid_t pids[3], children[2];
    REQUIRE(begin() && pipe(fds) == 0);
    double before = walk();
    uint64_t processes = sum.processes;
    for (int i = 0; i < 2; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            pid_t grandchild = i == 0 ? fork() : -1;
            burn(0.25 + 0.1 * i);
            tell(fds[1], getpid());
            if (grandchild == 0)
                pause();
            sigset_t set;
            sigemptyset(&set);
            sigaddset(&set, SIGUSR1);
            sigprocmask(SIG_BLOCK, &set, NULL);
            sigwaitinfo(&set, NULL);
            if (grandchild > 0) {
                kill(grandchild, SIGKILL);
                waitpid(grandchild, NULL, 0);
            }
            burn(0.05);
            _exit(0);
        }
    }
    for (int i = 0; i < 3; i++)
        pids[i] = hear(fds[0]);
    usleep(20000);
    double told = 0, own = clock_s(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < 3; i++)
        told += cpu_of(pids[i]);
    double seen = walk() - before;
    CHECK_EQ(sum.processes, processes + 3);
    CHECK_EQ(sum.unseen, 0);
    CHECK_NEAR(seen, told, 4 * 2 * TICK_S + 0.01);
    printf("alive: %+.3f s off of %.3f s, 4 processes\n", seen - told, told);

    kill(children[0], SIGUSR1);
    kill(children[1], SIGUSR1);
    waitpid(children[0], NULL, 0);
    waitpid(children[1], NULL, 0);
    seen = walk() - before;
    told = usage_s(RUSAGE_CHILDREN);
    own = clock_s(CLOCK_PROCESS_CPUTIME_ID) - own;
    CHECK_EQ(sum.processes, processes);
    CHECK_NEAR(seen, told + own, 4 * TICK_S + 0.01);
    printf("dead: %+.3f s off of %.3f s\n", seen - told - own, told);
    CHECK_EQ(sum.escaped, 0);
    close(fds[0]);
    close(fds[1]);
    end();
}

/* None of them lives when the tree is looked at. */
static void who_comes_and_goes_between_walks(void)
{
    REQUIRE(begin());
    double before = walk(), told = usage_s(RUSAGE_CHILDREN) + usage_s(RUSAGE_SELF);
    for (int i = 0; i < 50; i++) {
        pid_t child = fork();
        if (child == 0) {
            burn(0.004);
            _exit(0);
        }
        waitpid(child, NULL, 0);
    }
    double seen = walk() - before;
    told = usage_s(RUSAGE_CHILDREN) + usage_s(RUSAGE_SELF) - told;
    CHECK_NEAR(seen, told, 4 * TICK_S);
    printf("50 between walks: %+.3f s off of %.3f s\n", seen - told, told);
    end();
}

/* A daemon: its parent ends, and it goes to another. Not counted further, and named. */
static void who_forks_twice_escapes(void)
{
    int fds[2];
    char go = 0;
    int gate[2];
    REQUIRE(begin() && pipe(fds) == 0 && pipe(gate) == 0);
    pid_t middle = fork();
    if (middle == 0) {
        if (fork() == 0) {
            setsid();
            burn(0.1);
            tell(fds[1], getpid());
            pause();
        }
        (void)!read(gate[0], &go, 1);
        _exit(0);
    }
    pid_t daemon = hear(fds[0]);
    double before = walk();
    uint64_t processes = sum.processes;
    CHECK_EQ(sum.escaped, 0);
    (void)!write(gate[1], &go, 1);
    waitpid(middle, NULL, 0);
    double after = walk();
    CHECK_EQ(sum.escaped, 1);
    CHECK_EQ(sum.processes, processes - 2);
    CHECK(after >= before); /* not backward by what it used */
    CHECK(after < before + 0.05);
    kill(daemon, SIGKILL);
    wait_for_death(daemon);
    walk();
    CHECK_EQ(sum.escaped, 0);
    for (int i = 0; i < 2; i++) {
        close(fds[i]);
        close(gate[i]);
    }
    end();
}

/* A subreaper loses none. */
static void nobody_escapes_a_subreaper(void)
{
    int fds[2];
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
        SKIP_TEST("no subreapers here");
    REQUIRE(begin() && pipe(fds) == 0);
    pid_t middle = fork();
    if (middle == 0) {
        if (fork() == 0) {
            tell(fds[1], getpid());
            pause();
        }
        pause();
    }
    pid_t daemon = hear(fds[0]);
    walk();
    uint64_t processes = sum.processes;
    kill(middle, SIGKILL);
    waitpid(middle, NULL, 0);
    walk();
    CHECK_EQ(sum.escaped, 0);
    CHECK_EQ(sum.processes, processes - 1);
    kill(daemon, SIGKILL);
    waitpid(daemon, NULL, 0);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    close(fds[0]);
    close(fds[1]);
    end();
}

/* Whose parent does not wait is lost to the kernel's account, but what was seen of it stays. */
static void time_does_not_run_backward(void)
{
    int fds[2];
    REQUIRE(begin() && pipe(fds) == 0);
    signal(SIGCHLD, SIG_IGN);
    double start = walk();
    pid_t child = fork();
    if (child == 0) {
        burn(0.2);
        tell(fds[1], getpid());
        pause();
    }
    hear(fds[0]);
    double seen = walk();
    CHECK_NEAR(seen - start, 0.2, 4 * TICK_S);
    kill(child, SIGKILL);
    wait_for_death(child);
    double after = walk();
    CHECK(after >= seen);
    CHECK_NEAR(after, seen, 2 * TICK_S);
    signal(SIGCHLD, SIG_DFL);
    close(fds[0]);
    close(fds[1]);
    end();
}

static void memory_is_summed_up(void)
{
    int fds[2];
    const size_t bytes = 32 << 20;
    if (THREAD_SANITIZED)
        SKIP_TEST("the sanitizer's shadow would be measured");
    REQUIRE(begin() && pipe(fds) == 0);
    pid_t child = fork();
    if (child == 0) {
        char *hog = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        madvise(hog, bytes, MADV_NOHUGEPAGE);
        tell(fds[1], getpid());
        raise(SIGSTOP);
        memset(hog, 1, bytes);
        tell(fds[1], getpid());
        pause();
    }
    hear(fds[0]);
    waitpid(child, NULL, WUNTRACED);
    walk();
    double before = (double)sum.resident_bytes;
    kill(child, SIGCONT);
    hear(fds[0]);
    walk();
    CHECK_EQ(sum.resident_error, 0);
    double grown = (double)sum.resident_bytes - before;
    printf("memory: %+.0f bytes off of %zu\n", grown - (double)bytes, bytes);
    CHECK_NEAR(grown, (double)bytes, MIB);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(fds[0]);
    close(fds[1]);
    end();
}

/* --- A thousand threads. --- */

static pthread_barrier_t all_there, all_go;
static pid_t child_of_thread;
static int threads_ended;

static void *be_there(void *arg)
{
    if (arg != NULL) {
        child_of_thread = fork();
        if (child_of_thread == 0)
            while (true)
                pause();
    }
    pthread_barrier_wait(&all_there);
    pthread_barrier_wait(&all_go);
    __atomic_fetch_add(&threads_ended, 1, __ATOMIC_RELAXED);
    return NULL;
}

static void a_thousand_threads(void)
{
    enum { MANY = 1000 };
    static pthread_t threads[MANY];
    pthread_attr_t attr;
    int made = 0;
    REQUIRE(begin());
    walk();
    uint64_t processes = sum.processes, few = sum.threads;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 64 << 10);
    pthread_barrier_init(&all_there, NULL, MANY + 1);
    pthread_barrier_init(&all_go, NULL, MANY + 1);
    while (made < MANY &&
           pthread_create(&threads[made], &attr, be_there, made == 700 ? tree : NULL) == 0)
        made++;
    pthread_attr_destroy(&attr);
    if (made < MANY) {
        fprintf(stderr, "no more than %d threads can be had here\n", made);
        _exit(77); /* those that wait at the barrier cannot be called off */
    }
    pthread_barrier_wait(&all_there);
    walk(); /* warm */
    double start = clock_s(CLOCK_MONOTONIC);
    walk();
    printf("a walk over %d threads took %.2f ms\n", MANY + 1,
           (clock_s(CLOCK_MONOTONIC) - start) * 1e3);
    CHECK_EQ(sum.threads, few + MANY + 1 + THREAD_SANITIZED); /* the child's, too */
    CHECK_EQ(sum.processes, processes + 1);
    pthread_barrier_wait(&all_go);
    for (int i = 0; i < MANY; i++)
        pthread_join(threads[i], NULL);
    walk(); /* its thread has ended; it went to another of this process */
    CHECK_EQ(sum.processes, processes + 1);
    CHECK_EQ(sum.escaped, 0);
    kill(child_of_thread, SIGKILL);
    waitpid(child_of_thread, NULL, 0);
    walk();
    CHECK_EQ(sum.processes, processes);
    pthread_barrier_destroy(&all_there);
    pthread_barrier_destroy(&all_go);
    end();
}

int main(void)
{
    RUN(who_burns_is_counted_alive_and_dead);
    RUN(who_comes_and_goes_between_walks);
    RUN(who_forks_twice_escapes);
    RUN(nobody_escapes_a_subreaper);
    RUN(time_does_not_run_backward);
    RUN(memory_is_summed_up);
    RUN(a_thousand_threads);
    return check_result();
}
