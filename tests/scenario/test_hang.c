/* SPDX-License-Identifier: Apache-2.0 */
/* Things that do not come back: a blocking collector, a collector that was not declared blocking, a
 * listener. Nothing else is late, each is named, and closing is bounded. */
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

#include "check.h"
#include "monitor_fixture.h"

static sem_t let_go;
static _Atomic bool hang;

static void wait_if_hung(void)
{
    while (atomic_load(&hang))
        usleep(1000);
}

static int hanging_sample(struct vagus_collector *collector, unsigned due)
{
    (void)due;
    wait_if_hung();
    vagus_put(collector, 0, 0, 1);
    return 0;
}

static const struct vagus_metric_desc driver_metrics[] = {
    {.name = "driver.value", .kind = VAGUS_GAUGE, .tier = VAGUS_TIER_100MS}};
static const struct vagus_collector_desc driver = {.size = sizeof(struct vagus_collector_desc),
                                                   .name = "driver",
                                                   .flags = VAGUS_COLLECTOR_BLOCKING,
                                                   .metrics = driver_metrics,
                                                   .metric_count = 1,
                                                   .sample = hanging_sample};
static const struct vagus_collector_desc undeclared = {.size = sizeof(struct vagus_collector_desc),
                                                       .name = "undeclared",
                                                       .metrics = driver_metrics,
                                                       .metric_count = 1,
                                                       .sample = hanging_sample};

static bool eventually(struct vagus_monitor *m, const char *wanted)
{
    static char text[16384];
    for (int i = 0; i < 200; i++) {
        if (vagus_health_format(m, 0, text, sizeof(text), NULL) == 0 &&
            strstr(text, wanted) != NULL)
            return true;
        usleep(50000);
    }
    fprintf(stderr, "\"%s\" did not appear:\n%s\n", wanted, text);
    return false;
}

static void a_hung_driver_makes_its_own_readings_stale_and_no_others(void)
{
    struct vagus_monitor *m = organ_open(0);
    struct vagus_reading r;
    REQUIRE(vagus_collector_add(m, &driver) == 0);
    REQUIRE(vagus_monitor_start(m) == 0);
    for (int i = 0;
         i < 200 && vagus_reading_get(m, "driver.value", NULL, &r) == 0 && r.taken_ns == 0; i++)
        usleep(10000);
    CHECK_EQ(vagus_reading_state(&r, vagus_now_ns()), VAGUS_STATE_OK);
    atomic_store(&hang, true);
    CHECK(eventually(m, "driver"));
    for (int i = 0; i < 500; i++) {
        usleep(10000);
        if (vagus_reading_get(m, "driver.value", NULL, &r) == 0 &&
            vagus_reading_state(&r, vagus_now_ns()) == VAGUS_STATE_STALE)
            break;
    }
    CHECK_EQ(vagus_reading_state(&r, vagus_now_ns()), VAGUS_STATE_STALE);
    CHECK_EQ(vagus_reading_get(m, "organ.headroom", NULL, &r), 0);
    CHECK_EQ(vagus_reading_state(&r, vagus_now_ns()), VAGUS_STATE_OK);
    CHECK_EQ(vagus_monitor_close(m), VAGUS_EABANDONED);
    atomic_store(&hang, false); /* the lane returns to a monitor that is gone */
    usleep(50000);
}

static void a_driver_that_hangs_at_once_does_not_hold_up_the_start(void)
{
    struct vagus_monitor *m = organ_open(0);
    struct vagus_reading r;
    REQUIRE(vagus_collector_add(m, &driver) == 0);
    atomic_store(&hang, true);
    CHECK_EQ(vagus_monitor_start(m), 0); /* hangs, and the test with it, if it waits */
    CHECK_EQ(vagus_reading_get(m, "driver.value", NULL, &r), 0);
    CHECK_EQ(vagus_reading_state(&r, vagus_now_ns()), VAGUS_STATE_NEVER);
    CHECK_EQ(vagus_monitor_close(m), VAGUS_EABANDONED);
    atomic_store(&hang, false);
    usleep(50000);
}

static void listen_slowly(const struct vagus_signal *signal, void *arg)
{
    (void)signal;
    sem_post(arg);
    sem_wait(&let_go);
}

static void listen_fast(const struct vagus_signal *signal, void *arg)
{
    (void)signal;
    sem_post(arg);
}

static void add_listener(struct vagus_monitor *m, const char *name, vagus_signal_fn *fn, sem_t *sem)
{
    sem_init(sem, 0, 0);
    CHECK_EQ(
        vagus_listener_add(m,
                           &(struct vagus_listener_desc){.size = sizeof(struct vagus_listener_desc),
                                                         .name = name,
                                                         .kinds = VAGUS_THROTTLE,
                                                         .on_signal = fn,
                                                         .arg = sem},
                           NULL),
        0);
}

static void a_listener_that_sleeps_delays_no_other(void)
{
    static sem_t slow_called, fast_called;
    sem_init(&let_go, 0, 0);
    struct vagus_monitor *m = organ_open(0);
    add_listener(m, "sleeper", listen_slowly, &slow_called);
    add_listener(m, "quick", listen_fast, &fast_called);
    REQUIRE(vagus_monitor_start(m) == 0);
    atomic_store(&organ_value, 0.15);
    sem_wait(&slow_called); /* it sleeps from here on */
    sem_wait(&fast_called);
    atomic_store(&organ_value, 0.9);
    sem_wait(&fast_called); /* the clear arrives all the same */
    CHECK(eventually(m, "sleeper"));
    struct vagus_system_snapshot s;
    for (int i = 0; i < 500; i++) {
        CHECK_EQ(vagus_snapshot_read(m, &s), 0);
        if (s.monitor.hung_listeners == 1)
            break;
        usleep(10000);
    }
    CHECK_EQ(s.monitor.hung_listeners, 1);
    CHECK_EQ(vagus_monitor_close(m), VAGUS_EABANDONED);
    sem_post(&let_go);
    usleep(50000);
}

static void a_sampler_that_hangs_is_left_behind(void)
{
    struct vagus_monitor *m = organ_open(0);
    struct vagus_system_snapshot s;
    REQUIRE(vagus_collector_add(m, &undeclared) == 0);
    REQUIRE(vagus_monitor_start(m) == 0);
    atomic_store(&hang, true);
    for (int i = 0; i < 500; i++) {
        CHECK_EQ(vagus_snapshot_read(m, &s), 0);
        if (vagus_snapshot_verdict(&s, vagus_now_ns()) == VAGUS_VERDICT_UNKNOWN)
            break;
        usleep(10000);
    }
    CHECK_EQ(vagus_snapshot_verdict(&s, vagus_now_ns()), VAGUS_VERDICT_UNKNOWN);
    CHECK_EQ(vagus_monitor_close(m), VAGUS_EABANDONED);
    CHECK_EQ(vagus_snapshot_read(m, &s), VAGUS_ECLOSED);
    atomic_store(&hang, false);
    struct vagus_monitor *next = organ_open(VAGUS_STEPPED); /* in another place */
    CHECK(next != m);
    CHECK_EQ(vagus_monitor_close(next), 0);
}

int main(void)
{
    RUN(a_hung_driver_makes_its_own_readings_stale_and_no_others);
    RUN(a_driver_that_hangs_at_once_does_not_hold_up_the_start);
    RUN(a_listener_that_sleeps_delays_no_other);
    RUN(a_sampler_that_hangs_is_left_behind);
    return check_result();
}
