/* SPDX-License-Identifier: Apache-2.0 */
/* A monitor between threads, processes and signals that get in each other's way. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "monitor_fixture.h"

/* A sense that takes its time once, and says so. */
static _Atomic int slow_began, slow_ms;

static int slow_sample(struct vagus_collector *collector, unsigned due)
{
    (void)due;
    int ms = atomic_exchange(&slow_ms, 0);
    if (ms > 0) {
        atomic_store(&slow_began, 1);
        poll(NULL, 0, ms);
    }
    vagus_put(collector, 0, 0, 0.9);
    return 0;
}

static struct vagus_monitor *slow_open(uint32_t flags)
{
    struct vagus_collector_desc slow = organ;
    struct vagus_monitor *m = organ_open(flags);
    static const struct vagus_metric_desc metric = {.name = "slow.value", .kind = VAGUS_GAUGE};
    static struct vagus_collector_desc desc;
    slow.name = "slow";
    slow.metrics = &metric;
    slow.metric_count = 1;
    slow.sample = slow_sample;
    desc = slow;
    CHECK_EQ(vagus_collector_add(m, &desc), 0);
    atomic_store(&slow_began, 0);
    return m;
}

static void *start_it(void *monitor)
{
    return (void *)(intptr_t)vagus_monitor_start(monitor);
}

static void *step_it(void *monitor)
{
    return (void *)(intptr_t)vagus_step(monitor, NULL);
}

static void closing_while_another_thread_starts_it_waits_for_that(void)
{
    struct vagus_monitor *m = slow_open(0);
    pthread_t thread;
    void *result;
    atomic_store(&slow_ms, 30);
    REQUIRE(pthread_create(&thread, NULL, start_it, m) == 0);
    while (!atomic_load(&slow_began))
        poll(NULL, 0, 1);
    CHECK_EQ(vagus_monitor_close(m), 0);
    pthread_join(thread, &result);
    CHECK_EQ((int)(intptr_t)result, VAGUS_ECLOSED);
    poll(NULL, 0, 150); /* a sampler that is there after all would tick by now */
    CHECK_EQ(vagus_monitor_close(m), VAGUS_ECLOSED);
}

static void a_child_opens_its_own_though_its_parent_was_in_a_step(void)
{
    struct vagus_monitor *m = slow_open(VAGUS_STEPPED);
    pthread_t thread;
    int status;
    REQUIRE(vagus_monitor_start(m) == 0);
    atomic_fetch_add(&test_now_ns, 1 * S);
    atomic_store(&slow_ms, 50);
    REQUIRE(pthread_create(&thread, NULL, step_it, m) == 0);
    while (!atomic_load(&slow_began))
        poll(NULL, 0, 1);
    pid_t child = fork();
    if (child == 0) {
        struct vagus_monitor *own = organ_open(VAGUS_STEPPED);
        _exit(vagus_monitor_start(own) != 0 || vagus_step(own, NULL) != 0 ||
              vagus_monitor_close(own) != 0);
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    pthread_join(thread, NULL);
    CHECK_EQ(vagus_monitor_close(m), 0);
}

static void each_health_signal_is_answered_and_others_keep_theirs(void)
{
    char text[16384];
    int pipes[2];
    struct vagus_monitor *monitors[2] = {NULL, NULL};
    REQUIRE(pipe(pipes) == 0);
    for (unsigned i = 0; i < 2; i++)
        REQUIRE(vagus_monitor_open(
                    &(struct vagus_monitor_options){.size = sizeof(struct vagus_monitor_options),
                                                    .policy_text = organ_policy,
                                                    .flags = VAGUS_NO_COLLECTORS |
                                                             VAGUS_ANONYMOUS_SEGMENT,
                                                    .health_signal = SIGUSR1,
                                                    .health_fd = pipes[1]},
                    &monitors[i]) == 0);
    CHECK_EQ(vagus_monitor_close(monitors[0]), 0);
    for (unsigned i = 0; i < 3; i++) {
        struct pollfd waiting = {.fd = pipes[0], .events = POLLIN};
        raise(SIGUSR1);
        CHECK_EQ(poll(&waiting, 1, 2000), 1);
        CHECK(read(pipes[0], text, sizeof(text)) > 0);
        poll(NULL, 0, 20); /* a lane that has just written is not idle yet */
    }
    CHECK_EQ(vagus_monitor_close(monitors[1]), 0);
    struct sigaction after;
    CHECK_EQ(sigaction(SIGUSR1, NULL, &after), 0);
    CHECK(after.sa_handler == SIG_DFL);
    close(pipes[0]);
    close(pipes[1]);
}

static void destroy_forks_and_closes(void *monitor)
{
    int status = 1;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    CHECK_EQ(vagus_monitor_close(monitor), 0);
}

/* Hangs if it runs under a lock. */
static void a_polled_listener_may_fork_and_close_when_it_is_removed(void)
{
    struct vagus_monitor *m = organ_open(VAGUS_STEPPED);
    struct vagus_listener listener;
    REQUIRE(
        vagus_listener_add(m,
                           &(struct vagus_listener_desc){.size = sizeof(struct vagus_listener_desc),
                                                         .name = "polled",
                                                         .kinds = VAGUS_SIGNAL_ANY,
                                                         .flags = VAGUS_LISTENER_POLLED,
                                                         .arg = m,
                                                         .destroy = destroy_forks_and_closes},
                           &listener) == 0);
    CHECK_EQ(vagus_listener_remove(listener), 0);
    CHECK_EQ(vagus_monitor_close(m), VAGUS_ECLOSED);
}

static void *check_wiring(void *monitor)
{
    return (void *)(intptr_t)vagus_wiring_check(monitor, NULL);
}

/* A sense that takes its time holds up nobody who asks, closes or forks. Hangs if it does: the
 * sense waits for as long as the test wants. */
static void a_slow_sense_holds_no_lock(void)
{
    struct vagus_monitor *m = slow_open(VAGUS_STEPPED);
    pthread_t stepper, checker;
    int status = 1;
    REQUIRE(vagus_monitor_start(m) == 0);
    atomic_fetch_add(&test_now_ns, 1 * S);
    atomic_store(&slow_ms, 1000);
    REQUIRE(pthread_create(&stepper, NULL, step_it, m) == 0);
    while (!atomic_load(&slow_began))
        poll(NULL, 0, 1);
    REQUIRE(pthread_create(&checker, NULL, check_wiring, m) == 0);
    pthread_join(checker, NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    CHECK_EQ(vagus_monitor_close(m), VAGUS_EABANDONED);
    pthread_join(stepper, NULL);
}

int main(void)
{
    RUN(closing_while_another_thread_starts_it_waits_for_that);
    RUN(a_child_opens_its_own_though_its_parent_was_in_a_step);
    RUN(each_health_signal_is_answered_and_others_keep_theirs);
    RUN(a_polled_listener_may_fork_and_close_when_it_is_removed);
    RUN(a_slow_sense_holds_no_lock);
    return check_result();
}
