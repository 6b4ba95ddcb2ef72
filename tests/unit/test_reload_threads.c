/* SPDX-License-Identifier: Apache-2.0 */
/* Reloads in a loop while threads record, spend and read and a listener is told; a listener that
 * reloads the policy from its callback; a monitor that closes meanwhile. */
#include <pthread.h>

#include "reload_fixture.h"

#define RUN_NS (2 * S)

static const char *const policies[] = {
    "budgets: [{name: pot, limit: 1000000, warning: {at: 50%, raise: throttle}}]\n"
    "rules:\n"
    "  - {name: a, metric: agent.x, throttle: {above: 1000000, clear: 10}}\n"
    "  - {name: low, metric: organ.headroom, throttle: {below: 20%, clear: 25%}, min_hold: 0}\n",

    "budgets: [{name: pot, limit: 2000000}, {name: more, limit: 5}]\n"
    "rules:\n"
    "  - {name: low, metric: organ.headroom, throttle: {below: 20%, clear: 25%}, min_hold: 0}\n"
    "  - {name: b, metric: agent.x, kind: rate, defer: {above: 1k, clear: 10}}\n",

    "extends: default\nrules: []\n"
    "modes: [{name: calm, caps: [{name: tasks, most: 9}]}, {name: hard, caps: [{name: tasks, most: "
    "1}]}]\n"
    "transitions: [{from: calm, to: hard, when: throttle, consent: true}, {from: hard, to: calm, "
    "when: clear}]\n"
    "derived: [{name: own.ratio, kind: ratio, of: [organ.headroom, agent.x]}]\n"
    "metrics: [{name: own.y, kind: gauge}]\nlisteners: [{name: test}]\n",
};

static struct vagus_monitor *monitor;
static struct vagus_counter x;
static _Atomic bool over;
static _Atomic unsigned told, reloaded;

static void *record(void *arg)
{
    struct vagus_budget pot;
    (void)arg;
    CHECK_EQ(vagus_budget_find(monitor, "pot", &pot), 0);
    for (unsigned i = 0; !atomic_load(&over); i++) {
        struct vagus_budget more;
        struct vagus_answer answer;
        vagus_add(x, 3);
        vagus_budget_take(pot, 1, &answer);
        if (i % 64 == 0 && vagus_budget_find(monitor, "more", &more) == 0)
            vagus_budget_take(more, 1, &answer);
        if (i % 1024 == 0) {
            atomic_store(&organ_value, i % 2048 == 0 ? 0.1 : 0.9);
            vagus_signal_level(monitor, VAGUS_SIGNAL_ANY);
            vagus_wiring_check(monitor, NULL);
            vagus_mode_consent(monitor, "hard");
            CHECK(vagus_cap_value(vagus_cap_find(monitor, "tasks")) >= 0);
            vagus_record(monitor, "own.y", i);
        }
    }
    return NULL;
}

static void on_signal(const struct vagus_signal *signal, void *arg)
{
    (void)signal, (void)arg;
    unsigned n = atomic_fetch_add(&told, 1);
    if (n % 4 == 0 && vagus_policy_reload(monitor, NULL, NULL) == 0)
        atomic_fetch_add(&reloaded, 1);
}

static void begin(void)
{
    atomic_store(&over, false);
    monitor = policy_open(0, policies[0]);
    x = vagus_counter_define(monitor, &(struct vagus_metric_desc){.name = "agent.x"});
    CHECK_EQ(
        vagus_listener_add(monitor,
                           &(struct vagus_listener_desc){.size = sizeof(struct vagus_listener_desc),
                                                         .name = "test",
                                                         .kinds = VAGUS_SIGNAL_ANY,
                                                         .on_signal = on_signal},
                           NULL),
        0);
    CHECK_EQ(vagus_monitor_start(monitor), 0);
}

static void everything_at_one_time(void)
{
    pthread_t threads[2];
    begin();
    for (unsigned i = 0; i < 2; i++)
        REQUIRE(pthread_create(&threads[i], NULL, record, NULL) == 0);
    int64_t until_ns = vagus_now_ns() + RUN_NS;
    unsigned n = 0;
    for (; vagus_now_ns() < until_ns; n++) {
        policy_put(policy_new, policies[n % 3]);
        CHECK_EQ(rename(policy_new, policy_file), 0);
        int error = vagus_policy_reload(monitor, n % 2 ? policy_file : NULL, &faults);
        if (error != 0)
            CHECK_FAIL_("%s", faults.faults[0].text);
    }
    CHECK(n > 5);
    atomic_store(&over, true);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(vagus_monitor_close(monitor), 0);
    CHECK(atomic_load(&told) > 0);
}

static void *reload_until_closed(void *arg)
{
    (void)arg;
    int error;
    while ((error = vagus_policy_reload(monitor, NULL, NULL)) == 0)
        ;
    CHECK_EQ(error, VAGUS_ECLOSED);
    return NULL;
}

static void closed_meanwhile(void)
{
    for (unsigned i = 0; i < 10; i++) {
        pthread_t threads[2];
        begin();
        for (unsigned j = 0; j < 2; j++)
            REQUIRE(pthread_create(&threads[j], NULL, reload_until_closed, NULL) == 0);
        usleep(10000 + 3000 * i);
        CHECK_EQ(vagus_monitor_close(monitor), 0);
        for (unsigned j = 0; j < 2; j++)
            pthread_join(threads[j], NULL);
    }
}

int main(void)
{
    policy_begin();
    RUN(everything_at_one_time);
    RUN(closed_meanwhile);
    policy_end();
    return check_result();
}
