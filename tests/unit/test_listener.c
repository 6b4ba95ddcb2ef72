/* SPDX-License-Identifier: Apache-2.0 */
/* Listeners with threads: who hangs delays nobody, removal from anywhere, ends of every kind.
 * Whatever must happen is waited for; nothing is measured. */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bus_fixture.h"

/* A service that records what it is told and can be held inside its call. It lies on the test's
 * stack, so each test closes the bus before it returns. */
struct service {
    sem_t called;    /* posted when a call begins */
    sem_t go_on;     /* waited for inside the call, if `holds` */
    sem_t destroyed; /* posted by destroy() */
    bool holds;
    void (*inside)(struct service *service); /* what else it does in its call */
    void (*at_destroy)(void);
    struct vagus_listener handle, other;
    int calls, destructions;
    struct vagus_signal last;
};

static void service_init(struct service *service)
{
    *service = (struct service){0};
    sem_init(&service->called, 0, 0);
    sem_init(&service->go_on, 0, 0);
    sem_init(&service->destroyed, 0, 0);
}

/* False after ten seconds: then something hangs. */
static bool wait_for(sem_t *semaphore)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    return sem_timedwait(semaphore, &until) == 0;
}

static void on_signal(const struct vagus_signal *signal, void *arg)
{
    struct service *service = arg;
    service->calls++;
    service->last = *signal;
    sem_post(&service->called);
    if (service->holds)
        wait_for(&service->go_on);
    if (service->inside != NULL)
        service->inside(service);
}

static void on_destroy(void *arg)
{
    struct service *service = arg;
    void (*at_destroy)(void) = service->at_destroy;
    service->destructions++;
    sem_post(&service->destroyed);
    if (at_destroy != NULL)
        at_destroy();
}

static void listen(struct service *service, const char *name)
{
    service->handle = fixture_listen(&(struct vagus_listener_desc){
        .name = name, .on_signal = on_signal, .arg = service, .destroy = on_destroy});
}

static void who_hangs_delays_nobody(void)
{
    struct service hanging, quick;
    service_init(&hanging);
    service_init(&quick);
    hanging.holds = true;
    listen(&hanging, "hanging");
    listen(&quick, "quick");
    fixture_raise(VAGUS_THROTTLE, "memory", 0.5);
    CHECK(wait_for(&hanging.called));
    CHECK(wait_for(&quick.called));
    for (int i = 1; i <= 20; i++) {
        fixture_update(VAGUS_THROTTLE, "memory", i / 20.0);
        CHECK(wait_for(&quick.called));
        CHECK_NEAR(quick.last.level, i / 20.0, 0);
    }
    fixture_clear(VAGUS_THROTTLE, "memory");
    CHECK(wait_for(&quick.called));
    CHECK_EQ(quick.calls, 22);
    CHECK_EQ(hanging.calls, 1);

    /* It slept through all of it and sees what is left: the end. */
    sem_post(&hanging.go_on);
    CHECK(wait_for(&hanging.called));
    CHECK_EQ(hanging.last.change, VAGUS_SIGNAL_CLEARED);
    sem_post(&hanging.go_on);
    CHECK_EQ(bus_fixture_close(10 * VAGUS_SECOND_NS, NULL, 0), 0);
    CHECK_EQ(hanging.calls, 2);
    CHECK_EQ(hanging.destructions, 1);
}

static void what_rose_and_fell_meanwhile_is_not_told(void)
{
    struct service service;
    service_init(&service);
    service.holds = true;
    listen(&service, "busy");
    fixture_raise(VAGUS_THROTTLE, "memory", 0.5);
    CHECK(wait_for(&service.called));
    fixture_raise(VAGUS_SHUTDOWN, "disk", 0.5);
    fixture_clear(VAGUS_SHUTDOWN, "disk");
    fixture_raise(VAGUS_DEFER, "disk", 0.5);
    sem_post(&service.go_on);
    CHECK(wait_for(&service.called));
    CHECK_EQ(service.last.kind, VAGUS_DEFER);
    sem_post(&service.go_on);
    CHECK_EQ(bus_fixture_close(10 * VAGUS_SECOND_NS, NULL, 0), 0);
    CHECK_EQ(service.calls, 2);
}

static void who_comes_late_is_called_at_once(void)
{
    struct service service;
    service_init(&service);
    fixture_raise(VAGUS_DEFER, "memory", 0.5);
    listen(&service, "late");
    CHECK(wait_for(&service.called));
    CHECK_EQ(service.last.change, VAGUS_SIGNAL_RAISED);
    CHECK_STR(service.last.resource, "memory");
    bus_fixture_end();
    CHECK_EQ(service.calls, 1);
}

static void remove_self(struct service *service)
{
    CHECK_EQ(fixture_remove(service->handle), 0);
    CHECK_EQ(fixture_remove(service->handle), VAGUS_ENOENT);
}

static void removal_from_inside_its_own_call(void)
{
    struct service service;
    service_init(&service);
    service.inside = remove_self;
    service.holds = true; /* until the handle is known */
    listen(&service, "leaving");
    fixture_raise(VAGUS_DEFER, "memory", 0.5);
    CHECK(wait_for(&service.called));
    fixture_update(VAGUS_DEFER, "memory", 0.9);
    sem_post(&service.go_on);
    CHECK(wait_for(&service.destroyed));
    CHECK_EQ(fixture_clear(VAGUS_DEFER, "memory"), 0);
    bus_fixture_end();
    CHECK_EQ(service.calls, 1);
    CHECK_EQ(service.destructions, 1);
}

static void remove_other(struct service *service)
{
    CHECK_EQ(fixture_remove(service->other), 0);
}

static void removal_while_it_runs_from_anothers_call(void)
{
    struct service victim, remover;
    service_init(&victim);
    service_init(&remover);
    victim.holds = true;
    remover.inside = remove_other;
    remover.holds = true;
    listen(&victim, "victim");
    listen(&remover, "remover");
    remover.other = victim.handle;
    fixture_raise(VAGUS_DEFER, "memory", 0.5);
    CHECK(wait_for(&victim.called));
    CHECK(wait_for(&remover.called));
    sem_post(&remover.go_on);
    while (bus_listener_fd(bus, victim.handle) != VAGUS_ENOENT)
        usleep(1000);
    CHECK_EQ(fixture_update(VAGUS_DEFER, "memory", 0.9), 1);
    CHECK_EQ(sem_trywait(&victim.destroyed), -1); /* its call still runs */
    sem_post(&victim.go_on);
    CHECK(wait_for(&victim.destroyed));
    remover.inside = NULL;
    sem_post(&remover.go_on);
    bus_fixture_end();
    CHECK_EQ(victim.calls, 1);
    CHECK_EQ(victim.destructions, 1);
}

static void add_another(struct service *service)
{
    static struct service second;
    service_init(&second);
    listen(&second, "second");
    CHECK(wait_for(&second.called));
    service->other = second.handle;
    sem_post(&service->go_on);
}

static void adding_from_inside_a_call(void)
{
    struct service service;
    service_init(&service);
    service.inside = add_another;
    listen(&service, "first");
    fixture_raise(VAGUS_DEFER, "memory", 0.5);
    CHECK(wait_for(&service.called));
    CHECK(wait_for(&service.go_on));
    bus_fixture_end();
    CHECK(service.other.index != 0);
}

static void leave_thread(struct service *service)
{
    (void)service;
    pthread_exit(NULL);
}

static void leave_thread_again(void)
{
    pthread_exit(NULL);
}

static void pthread_exit_is_survived(void)
{
    struct service service, other;
    service_init(&service);
    service_init(&other);
    service.inside = leave_thread;
    service.at_destroy = leave_thread_again;
    listen(&service, "exiting");
    listen(&other, "other");
    fixture_raise(VAGUS_DEFER, "memory", 0.5);
    CHECK(wait_for(&service.destroyed));
    CHECK(wait_for(&other.called));
    CHECK_EQ(fixture_clear(VAGUS_DEFER, "memory"), 1);
    CHECK(wait_for(&other.called));
    CHECK_EQ(fixture_remove(service.handle), VAGUS_ENOENT);
    bus_fixture_end();
    CHECK_EQ(service.calls, 1);
    CHECK_EQ(service.destructions, 1);
}

static void who_does_not_come_back_is_left_behind(void)
{
    static struct service service; /* outlives this function, as its thread may */
    char name[VAGUS_NAME_MAX] = "";
    service_init(&service);
    service.holds = true;
    listen(&service, "stuck");
    fixture_raise(VAGUS_DEFER, "memory", 0.5);
    CHECK(wait_for(&service.called));
    CHECK_EQ(bus_fixture_close(10 * VAGUS_MILLISECOND_NS, name, sizeof(name)), 1);
    CHECK_STR(name, "stuck");
    CHECK_EQ(service.destructions, 0);
    /* It comes back after all, and cleans up after itself and after the bus. */
    sem_post(&service.go_on);
    CHECK(wait_for(&service.destroyed));
    CHECK_EQ(service.calls, 1);
}

static void a_hung_one_is_counted(void)
{
    struct segment segment;
    struct segment_options options = {.agent = "test",
                                      .bytes = SEGMENT_BYTES_MIN,
                                      .metrics_max = 8,
                                      .anonymous = true,
                                      .clock = &clock_of_machine};
    struct service service;
    uint32_t listeners, hung;
    REQUIRE(segment_create(&options, &segment) == 0);
    const struct segment_listener *entry = segment_entries(&segment, SEGMENT_LISTENERS);
    service_init(&service);
    service.holds = true;
    listen(&service, "stuck");
    fixture_raise(VAGUS_DEFER, "memory", 0.5);
    CHECK(wait_for(&service.called));
    bus_mirror(bus, &segment, vagus_now_ns(), &listeners, &hung);
    CHECK_EQ(hung, 0);
    CHECK(entry->busy_since_ns > 0);
    bus_mirror(bus, &segment, vagus_now_ns() + 2 * VAGUS_SECOND_NS, &listeners, &hung);
    CHECK_EQ(hung, 1);
    CHECK_EQ(listeners, 1);
    sem_post(&service.go_on);
    do {
        usleep(1000);
        bus_mirror(bus, &segment, vagus_now_ns(), &listeners, &hung);
    } while (entry->calls == 0);
    CHECK_EQ(entry->busy_since_ns, 0);
    CHECK(entry->last_took_ns > 0);
    CHECK_EQ(hung, 0);
    bus_fixture_end();
    segment_close(&segment);
}

static void look_at_mask(struct service *service)
{
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    CHECK(sigismember(&mask, SIGUSR1) == 1);
    CHECK(sigismember(&mask, SIGTERM) == 1);
    CHECK(sigismember(&mask, SIGSEGV) == 0);
    CHECK(bus_is_own_thread(bus));
    sem_post(&service->go_on);
}

static void signals_of_the_process_stay_away(void)
{
    struct service service;
    service_init(&service);
    service.inside = look_at_mask;
    listen(&service, "masked");
    CHECK(!bus_is_own_thread(bus));
    fixture_raise(VAGUS_DEFER, "memory", 0.5);
    CHECK(wait_for(&service.go_on));
    bus_fixture_end();
}

/* One posts without end, others add and remove: nothing is lost, nothing is called after its
 * destruction. What ThreadSanitizer is for. */

static int churn_live; /* atomic */

static void churn_called(const struct vagus_signal *signal, void *arg)
{
    int *alive = arg;
    if (__atomic_load_n(alive, __ATOMIC_ACQUIRE) != 1 || signal->kind != VAGUS_DEFER ||
        signal->level != signal->value)
        __atomic_add_fetch(&churn_live, 1000000, __ATOMIC_RELAXED);
}

static void churn_destroyed(void *arg)
{
    int *alive = arg;
    __atomic_store_n(alive, 2, __ATOMIC_RELEASE);
    __atomic_sub_fetch(&churn_live, 1, __ATOMIC_RELAXED);
}

#define CHURNS 150

static void *churn(void *arg)
{
    int *alive = arg;
    for (int i = 0; i < CHURNS; i++) {
        struct vagus_listener handle;
        struct vagus_listener_desc desc = {.size = sizeof(desc),
                                           .name = "churn",
                                           .kinds = VAGUS_DEFER,
                                           .on_signal = churn_called,
                                           .arg = &alive[i],
                                           .destroy = churn_destroyed};
        alive[i] = 1;
        if (i % 3 == 0) {
            desc.flags = VAGUS_LISTENER_POLLED;
            desc.on_signal = NULL;
        }
        __atomic_add_fetch(&churn_live, 1, __ATOMIC_RELAXED);
        while (bus_listener_add(bus, &desc, &handle) != 0)
            usleep(100);
        struct vagus_signal signal;
        if (i % 3 == 0 && bus_listener_next(bus, handle, &signal) == 0 &&
            signal.level != signal.value)
            __atomic_add_fetch(&churn_live, 1000000, __ATOMIC_RELAXED);
        if (i % 2 == 0)
            usleep(50);
        fixture_remove(handle);
    }
    return NULL;
}

static void coming_and_going_while_signals_are_posted(void)
{
    static int alive[2][CHURNS];
    pthread_t threads[2];
    uint32_t listeners, hung;
    struct segment segment;
    struct segment_options options = {.agent = "test",
                                      .bytes = SEGMENT_BYTES_MIN,
                                      .metrics_max = 8,
                                      .anonymous = true,
                                      .clock = &clock_of_machine};
    REQUIRE(segment_create(&options, &segment) == 0);
    churn_live = 0;
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, churn, alive[i]);
    for (int i = 0; i < 4000; i++) {
        if (i % 8 == 0)
            fixture_clear(VAGUS_DEFER, "memory");
        else
            fixture_update(VAGUS_DEFER, "memory", (i % 100) / 100.0);
        bus_mirror(bus, &segment, vagus_now_ns(), &listeners, &hung);
        if (i % 64 == 0)
            usleep(100);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(bus_fixture_close(20 * VAGUS_SECOND_NS, NULL, 0), 0);
    CHECK_EQ(churn_live, 0);
    segment_close(&segment);
}

static void a_forked_child_is_inert(void)
{
    struct service service;
    service_init(&service);
    listen(&service, "parent");
    fixture_raise(VAGUS_DEFER, "memory", 0.5);
    CHECK(wait_for(&service.called));
    pid_t child = fork();
    if (child == 0) {
        bus_after_fork_in_child(bus);
        bool good = fixture_levels == 0 && fixture_update(VAGUS_DEFER, "memory", 0.6) == 0 &&
                    fixture_remove(service.handle) == VAGUS_ENOENT &&
                    bus_close(bus, 0, NULL, 0) == 0 && service.destructions == 0;
        _exit(good ? 0 : 1);
    }
    int status = 1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_EQ(status, 0);
    CHECK_EQ(fixture_update(VAGUS_DEFER, "memory", 0.9), 1);
    CHECK(wait_for(&service.called));
    bus_fixture_end();
}

int main(void)
{
    RUN_WITH_BUS(who_hangs_delays_nobody);
    RUN_WITH_BUS(what_rose_and_fell_meanwhile_is_not_told);
    RUN_WITH_BUS(who_comes_late_is_called_at_once);
    RUN_WITH_BUS(removal_from_inside_its_own_call);
    RUN_WITH_BUS(removal_while_it_runs_from_anothers_call);
    RUN_WITH_BUS(adding_from_inside_a_call);
    RUN_WITH_BUS(pthread_exit_is_survived);
    RUN_WITH_BUS(who_does_not_come_back_is_left_behind);
    RUN_WITH_BUS(a_hung_one_is_counted);
    RUN_WITH_BUS(signals_of_the_process_stay_away);
    RUN_WITH_BUS(coming_and_going_while_signals_are_posted);
    RUN_WITH_BUS(a_forked_child_is_inert);
    return check_result();
}
