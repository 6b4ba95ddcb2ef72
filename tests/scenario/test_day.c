/* SPDX-License-Identifier: Apache-2.0 */
/* A simulated day of all tiers, stepped from an in-memory source: nothing drifts, nothing is
 * missed, noise around a threshold makes one transition. How long it takes is printed, not judged.
 */
#include "check.h"
#include "monitor_fixture.h"

static void a_day(void)
{
    struct vagus_monitor *m = organ_open(VAGUS_STEPPED);
    struct vagus_counter tokens =
        vagus_counter_define(m, &(struct vagus_metric_desc){.name = "agent.tokens"});
    struct vagus_listener listener = {0, 0};
    struct vagus_system_snapshot s;
    struct vagus_signal signal;
    unsigned transitions = 0, samples_before = atomic_load(&organ_samples);
    CHECK_EQ(
        vagus_listener_add(m,
                           &(struct vagus_listener_desc){.size = sizeof(struct vagus_listener_desc),
                                                         .name = "day",
                                                         .kinds = VAGUS_SIGNAL_ANY,
                                                         .flags = VAGUS_LISTENER_POLLED},
                           &listener),
        0);
    REQUIRE(vagus_monitor_start(m) == 0);
    int64_t began_ns = vagus_now_ns();
    for (int minute = 0; minute < 24 * 60; minute++) {
        /* One unit to either side of the threshold of 20 %. */
        atomic_store(&organ_value, minute % 2 == 0 ? 0.19 : 0.21);
        organ_run(m, 60 * S);
        vagus_add(tokens, 7);
        while (vagus_listener_next(listener, &signal) == 0)
            transitions += signal.change != VAGUS_SIGNAL_UPDATED;
    }
    printf("a day took %.2f s\n", (double)(vagus_now_ns() - began_ns) / 1e9);
    CHECK_EQ(transitions, 1);
    CHECK_EQ(vagus_step(m, NULL), 0);
    CHECK_EQ(vagus_snapshot_read(m, &s), 0);
    CHECK_EQ(s.monitor.missed_ticks, 0);
    CHECK_EQ(s.monitor.ticks, 864000 + 86400 + 8640 + 1440 + 4); /* both ends belong to it */
    CHECK_EQ(atomic_load(&organ_samples) - samples_before, 864000 + 1);
    CHECK_NEAR(s.agent.tokens.total.value, 7 * 24 * 60, 0);
    CHECK_EQ(vagus_monitor_close(m), 0);
}

int main(void)
{
    RUN(a_day);
    return check_result();
}
