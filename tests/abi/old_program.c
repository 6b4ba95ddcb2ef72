/* SPDX-License-Identifier: Apache-2.0 */
/* A program as it was written against a header of former days, or of days to come: opens a stepped
 * monitor, raises a signal, spends from a budget, reads the snapshot, sees what it must, and leaves
 * its segment, of which tests/fixtures/abi has one for each version. usage: old_program FOLDER */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <vagus/vagus.h>

#define CHECK(condition)                                                                           \
    ((condition)                                                                                   \
         ? (void)0                                                                                 \
         : (void)(failed = 1, fprintf(stderr, "line %d: not true: %s\n", __LINE__, #condition)))

static int failed;
static int64_t now_ns = 1000 * VAGUS_SECOND_NS;

static int64_t monotonic_ns(void *arg)
{
    (void)arg;
    return now_ns;
}

static int64_t wall_ns(void *arg)
{
    (void)arg;
    return INT64_C(1800000000) * VAGUS_SECOND_NS + now_ns;
}

static void step_for(struct vagus_monitor *monitor, int64_t span_ns)
{
    for (int64_t end_ns = now_ns + span_ns; now_ns < end_ns;) {
        now_ns += 100 * VAGUS_MILLISECOND_NS;
        CHECK(vagus_step(monitor, NULL) == 0);
    }
}

static void see(const struct vagus_system_snapshot *s)
{
    CHECK(vagus_snapshot_verdict(s, now_ns) == VAGUS_VERDICT_DEGRADED);
    CHECK(s->size != 0 && s->version != 0 && s->published_ns == now_ns);
    CHECK(s->signal_count == 1 && s->signals[0].kind == VAGUS_THROTTLE);
    CHECK(strcmp(s->signals[0].resource, "queue") == 0);
    CHECK(s->agent.messages.total.value == 7);
    CHECK(vagus_reading_state(&s->agent.messages.total, now_ns) == VAGUS_STATE_OK);
    CHECK(vagus_reading_state(&s->memory.headroom, now_ns) == VAGUS_STATE_NEVER);
    CHECK(strcmp(s->mode.name, "alert") == 0);
    CHECK(s->monitor.ticks > 0);
    for (size_t i = 0; i < sizeof(s->reserved) / sizeof(s->reserved[0]); i++)
        CHECK(s->reserved[i] == 0);
#ifdef GROWN
    for (size_t i = 0; i < sizeof(s->grown) / sizeof(s->grown[0]); i++)
        CHECK(s->grown[i] == 0);
#endif
}

int main(int argc, char **argv)
{
    char policy[512];
    struct vagus_monitor *monitor = NULL;
    struct vagus_system_snapshot snapshot;
    if (argc < 2)
        return 64;
    snprintf(policy, sizeof(policy),
             "agent: elder\n"
             "segment: { dir: %s, size: 1MiB }\n"
             "state: { dir: %s }\n"
             "rules:\n"
             "  - name: queue-long\n"
             "    metric: queue.length\n"
             "    throttle: { above: 10, clear: 5 }\n",
             argv[1], argv[1]);
    struct vagus_monitor_options options = {
        .size = sizeof(options),
        .policy_text = policy,
        .clock = &(struct vagus_clock){.monotonic_ns = monotonic_ns, .wall_ns = wall_ns},
        .flags = VAGUS_STEPPED | VAGUS_NO_COLLECTORS,
        .metrics_max = 64,
    };
    struct vagus_listener listener;
    if (vagus_monitor_open(&options, &monitor) != 0)
        return 1;
    struct vagus_counter messages = vagus_counter_define(
        monitor, &(struct vagus_metric_desc){.name = "agent.messages", .unit = "{message}"});
    struct vagus_gauge queue = vagus_gauge_define(
        monitor, &(struct vagus_metric_desc){.name = "queue.length", .unit = "{task}"});
    struct vagus_budget budget = {0};
    CHECK(vagus_budget_define(monitor,
                              &(struct vagus_budget_desc){.size = sizeof(struct vagus_budget_desc),
                                                          .name = "tokens-hour",
                                                          .unit = "{token}",
                                                          .limit = 1000,
                                                          .window_ns = 3600 * VAGUS_SECOND_NS},
                              &budget) == 0);
    CHECK(
        vagus_listener_add(monitor,
                           &(struct vagus_listener_desc){.size = sizeof(struct vagus_listener_desc),
                                                         .name = "ear",
                                                         .kinds = VAGUS_SIGNAL_ANY,
                                                         .flags = VAGUS_LISTENER_POLLED},
                           &listener) == 0);
    CHECK(vagus_monitor_start(monitor) == 0);
    step_for(monitor, 5 * VAGUS_SECOND_NS);
    vagus_add(messages, 7);
    vagus_set(queue, 20);
    CHECK(vagus_budget_take(budget, 300, NULL) == 0);
    step_for(monitor, 5 * VAGUS_SECOND_NS);
    memset(&snapshot, 0xaa, sizeof(snapshot));
    CHECK(vagus_snapshot_read(monitor, &snapshot) == 0);
    see(&snapshot);
    struct vagus_signal signal;
    CHECK(vagus_listener_next(listener, &signal) == 0 && signal.kind == VAGUS_THROTTLE);
    CHECK(strcmp(signal.reason, "queue.length 20 is above 10") == 0);
    CHECK(vagus_monitor_close(monitor) == 0);
    return failed;
}
