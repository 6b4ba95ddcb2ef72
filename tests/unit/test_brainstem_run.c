/* SPDX-License-Identifier: Apache-2.0 */
/* The loop of the brainstem, in real time: what wakes it, and what ends it. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>

#include "brainstem_fixture.h"

static int run_result;

static void *run_it(void *arg)
{
    (void)arg;
    run_result = vagus_brainstem_run(stem);
    return NULL;
}

static pthread_t begin_running(int64_t period_ns)
{
    struct vagus_brainstem_options given = options();
    pthread_t thread;
    given.period_ns = period_ns;
    open_with(0);
    CHECK_EQ(vagus_brainstem_create(m, &given, &stem), 0);
    CHECK_EQ(vagus_monitor_start(m), 0);
    CHECK_EQ(pthread_create(&thread, NULL, run_it, NULL), 0);
    return thread;
}

static void wait_for_beats(unsigned count)
{
    while (atomic_load(&beats) < count)
        poll(NULL, 0, 1);
}

static void it_beats_until_it_is_stopped(void)
{
    pthread_t thread = begin_running(2 * MS);
    wait_for_beats(20);
    vagus_brainstem_stop(stem);
    pthread_join(thread, NULL);
    CHECK_EQ(run_result, 0);
    end();
}

/* The period is an hour, so that only the signal can be what woke it; and it does not spin. */
static void a_signal_wakes_it(void)
{
    struct vagus_brainstem_options given = options();
    pthread_t thread;
    given.period_ns = 3600 * S;
    given.rest_ns = MS;
    open_with(0);
    CHECK_EQ(vagus_brainstem_create(m, &given, &stem), 0);
    CHECK_EQ(vagus_monitor_start(m), 0);
    REQUIRE(pthread_create(&thread, NULL, run_it, NULL) == 0);
    wait_for_beats(1);
    poll(NULL, 0, 300);
    unsigned before_it = atomic_load(&beats);
    CHECK(before_it <= 2); /* the first mode may have come after the first beat */
    atomic_store(&organ_value, 0.01);
    wait_for_beats(before_it + 1);
    vagus_brainstem_stop(stem);
    pthread_join(thread, NULL);
    CHECK_EQ(run_result, 0);
    CHECK_EQ(decision, 40 + VAGUS_DECISION_END);
    end();
}

static void closing_the_monitor_wakes_it(void)
{
    pthread_t thread = begin_running(3600 * S);
    wait_for_beats(1);
    CHECK_EQ(vagus_monitor_close(m), 0);
    pthread_join(thread, NULL);
    CHECK_EQ(run_result, VAGUS_ECLOSED);
    vagus_brainstem_destroy(stem);
}

/* The end of the listener and that of the brainstem may meet. */
static void closing_and_destroying_may_meet(void)
{
    for (int i = 0; i < 50; i++) {
        struct vagus_brainstem_options given = options();
        pthread_t thread;
        open_with(VAGUS_STEPPED);
        CHECK_EQ(vagus_brainstem_create(m, &given, &stem), 0);
        REQUIRE(pthread_create(&thread, NULL, (void *(*)(void *))(void *)vagus_monitor_close, m) ==
                0);
        vagus_brainstem_destroy(stem);
        pthread_join(thread, NULL);
    }
}

static volatile sig_atomic_t errno_is_kept;

static void on_number(int number)
{
    int error = errno;
    (void)number;
    errno = EXDEV;
    vagus_brainstem_stop(stem);
    errno_is_kept = errno == EXDEV;
    errno = error;
}

static void a_signal_handler_stops_it(void)
{
    struct sigaction action = {.sa_handler = on_number}, former;
    sigaction(SIGUSR1, &action, &former);
    pthread_t thread = begin_running(3600 * S);
    wait_for_beats(1);
    pthread_kill(thread, SIGUSR1);
    pthread_join(thread, NULL);
    CHECK_EQ(run_result, 0);
    CHECK(errno_is_kept);
    sigaction(SIGUSR1, &former, NULL);
    end();
}

int main(void)
{
    RUN(it_beats_until_it_is_stopped);
    RUN(a_signal_wakes_it);
    RUN(closing_the_monitor_wakes_it);
    RUN(closing_and_destroying_may_meet);
    RUN(a_signal_handler_stops_it);
    return check_result();
}
