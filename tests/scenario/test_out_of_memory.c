/* SPDX-License-Identifier: Apache-2.0 */
/* Memory runs out at each single allocation of a monitor's making: it says so or does without, and
 * leaves nothing behind; the next attempt works. */
#include "malloc_watch.h"

#include <signal.h>
#include <unistd.h>

#include "check.h"
#include "host/topology.h"
#include "reload_fixture.h"
#include "segment_fixture.h"

/* hwloc asserts that it gets what it asks for, and leaks when it does not: it stays out of this.
 * These two stand in for src/host/topology.c. */
void host_topology_open(struct host *host);

void host_topology_open(struct host *host)
{
    (void)host;
}

int host_topology(const struct host *host, struct host_topology *topology)
{
    (void)host;
    (void)topology;
    return VAGUS_EUNSUPPORTED;
}

static void on_signal(const struct vagus_signal *signal, void *arg)
{
    (void)signal;
    (void)arg;
}

static void act(const struct vagus_beat *beat, int decision, void *arg)
{
    (void)beat;
    (void)decision;
    (void)arg;
}

/* One whole life with the nth allocation failing. The first error that it met, or 0. */
static int live(long fail_at, const struct vagus_monitor_options *options)
{
    struct vagus_monitor *m = NULL;
    struct vagus_brainstem *stem = NULL;
    atomic_store(&malloc_count, 0);
    atomic_store(&malloc_fail_at, fail_at);
    atomic_store(&malloc_watched, true);
    int error = vagus_monitor_open(options, &m);
    if (error == 0)
        error = vagus_collector_add(m, &organ);
    if (error == 0)
        error = vagus_listener_add(
            m,
            &(struct vagus_listener_desc){.size = sizeof(struct vagus_listener_desc),
                                          .name = "service",
                                          .kinds = VAGUS_SIGNAL_ANY,
                                          .on_signal = on_signal},
            NULL);
    if (error == 0)
        error =
            vagus_brainstem_create(m,
                                   &(struct vagus_brainstem_options){
                                       .size = sizeof(struct vagus_brainstem_options), .act = act},
                                   &stem);
    if (error == 0)
        error = vagus_monitor_start(m);
    if (error == 0)
        error = vagus_brainstem_beat(stem, NULL);
    vagus_brainstem_destroy(stem);
    if (m != NULL) {
        int closed = vagus_monitor_close(m); /* on a busy machine 100 ms are not always enough */
        CHECK(closed == 0 || closed == VAGUS_EABANDONED);
    }
    /* A thread that has said that it ends may not have freed the last of it yet. */
    for (int i = 0; i < 1000 && fail_at != 0 && atomic_load(&malloc_live) > 0; i++)
        usleep(1000);
    atomic_store(&malloc_watched, false);
    atomic_store(&malloc_fail_at, 0);
    return error;
}

/* Fails each allocation in turn until a life needs no more of them. */
static void sweep(const struct vagus_monitor_options *options)
{
    if (!MALLOC_WATCHED)
        SKIP_TEST("a sanitizer has malloc in its hands");
    atomic_store(&test_now_ns, 1000 * S);
    CHECK_EQ(live(0, options), 0);
    CHECK_EQ(live(0, options), 0); /* whatever libraries keep for ever is there now */
    long total = atomic_load(&malloc_count), refused = 0;
    CHECK(total > 20);
    for (long n = 1; n <= total; n++) {
        atomic_store(&malloc_live, 0);
        int error = live(n, options);
        if (error != 0 && error != VAGUS_ENOMEM && error != VAGUS_ERESOURCE)
            CHECK_FAIL_("allocation %ld of %ld: %s", n, total, vagus_error_name(error));
        if (atomic_load(&malloc_live) > 0)
            CHECK_FAIL_("allocation %ld of %ld: %ld left behind", n, total,
                        atomic_load(&malloc_live));
        refused += error != 0;
    }
    CHECK(refused > 0);
    CHECK_EQ(live(0, options), 0);
    printf("%ld allocations, %ld of them refused the monitor\n", total, refused);
}

static void a_monitor_with_a_collector_of_the_program(void)
{
    sweep(&(struct vagus_monitor_options){.size = sizeof(struct vagus_monitor_options),
                                          .policy_text = organ_policy,
                                          .clock = &test_clock,
                                          .flags = VAGUS_STEPPED | VAGUS_ANONYMOUS_SEGMENT |
                                                   VAGUS_NO_COLLECTORS,
                                          .health_signal = SIGUSR2,
                                          .health_fd = 2,
                                          .faults = &faults});
}

static void a_monitor_with_all_senses(void)
{
    sweep(&(struct vagus_monitor_options){.size = sizeof(struct vagus_monitor_options),
                                          .clock = &test_clock,
                                          .flags = VAGUS_STEPPED | VAGUS_ANONYMOUS_SEGMENT,
                                          .health_signal = SIGUSR2,
                                          .health_fd = 2,
                                          .faults = &faults});
}

/* With its threads, a black box, what is known of the lives before, and a policy file that it
 * watches. */
static void a_monitor_with_a_past(void)
{
    char policy[512];
    if (!fixture_begin())
        SKIP_TEST("no folder for segments");
    snprintf(policy, sizeof(policy),
             "%ssegment: { dir: %s, keep: 2 }\nstate: { dir: %s }\nreload: on_change\n",
             organ_policy, fixture_dir, fixture_dir);
    policy_begin();
    policy_put(policy_file, policy);
    sweep(&(struct vagus_monitor_options){.size = sizeof(struct vagus_monitor_options),
                                          .policy_path = policy_file,
                                          .segment_bytes = 4 << 20,
                                          .metrics_max = 512,
                                          .flags = VAGUS_NO_COLLECTORS,
                                          .faults = &faults});
    policy_end();
    fixture_clear();
    rmdir(fixture_dir);
}

int main(void)
{
    RUN(a_monitor_with_a_collector_of_the_program);
    RUN(a_monitor_with_all_senses);
    RUN(a_monitor_with_a_past);
    return check_result();
}
