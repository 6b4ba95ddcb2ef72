/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor's life on an injected clock: what may be done when, and that the loop is closed. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "monitor_fixture.h"

static struct vagus_signal heard[64];
static unsigned heard_count;

/* Takes what waits for a polled listener, in the order in which it is delivered. */
static void hear(struct vagus_listener listener)
{
    struct vagus_signal signal;
    while (vagus_listener_next(listener, &signal) == 0)
        if (heard_count < 64)
            heard[heard_count++] = signal;
}

static struct vagus_listener listen_to_all(struct vagus_monitor *monitor)
{
    struct vagus_listener listener = {0, 0};
    heard_count = 0;
    CHECK_EQ(
        vagus_listener_add(monitor,
                           &(struct vagus_listener_desc){.size = sizeof(struct vagus_listener_desc),
                                                         .name = "test",
                                                         .kinds = VAGUS_SIGNAL_ANY,
                                                         .flags = VAGUS_LISTENER_POLLED},
                           &listener),
        0);
    return listener;
}

static void a_life_in_order(void)
{
    struct vagus_monitor *m = organ_open(VAGUS_STEPPED);
    struct vagus_system_snapshot s;
    CHECK_EQ(vagus_step(m, NULL), VAGUS_ESTATE);
    CHECK_EQ(vagus_snapshot_read(m, &s), VAGUS_EAGAIN);
    CHECK_EQ(vagus_monitor_start(m), 0);
    CHECK_EQ(vagus_monitor_start(m), VAGUS_ESTATE);
    CHECK_EQ(vagus_collector_add(m, &organ), VAGUS_ESTATE);
    CHECK_EQ(vagus_step(m, NULL), 0);
    CHECK_EQ(vagus_snapshot_read(m, &s), 0);
    CHECK_EQ(s.size, sizeof(s));
    CHECK_EQ(vagus_monitor_close(m), 0);
    CHECK_EQ(vagus_monitor_close(m), VAGUS_ECLOSED);
    CHECK_EQ(vagus_step(m, NULL), VAGUS_ECLOSED);
    CHECK_EQ(vagus_snapshot_read(m, &s), VAGUS_ECLOSED);
    CHECK_EQ(vagus_monitor_start(m), VAGUS_ECLOSED);
    CHECK_NEAR(vagus_signal_level(m, VAGUS_SIGNAL_ANY), 0, 0);
    CHECK_EQ(vagus_monitor_close(NULL), 0);
}

static void signals_are_raised_updated_and_cleared(void)
{
    struct vagus_monitor *m = organ_open(VAGUS_STEPPED);
    struct vagus_listener listener = listen_to_all(m);
    REQUIRE(vagus_monitor_start(m) == 0);
    organ_run(m, 2 * S);
    hear(listener);
    CHECK_EQ(heard_count, 0);
    CHECK_NEAR(vagus_signal_level(m, VAGUS_SIGNAL_ANY), 0, 0);

    atomic_store(&organ_value, 0.18);
    organ_run(m, 100 * MS);
    hear(listener);
    REQUIRE(heard_count == 1);
    CHECK_EQ(heard[0].kind, VAGUS_THROTTLE);
    CHECK_EQ(heard[0].change, VAGUS_SIGNAL_RAISED);
    CHECK_STR(heard[0].resource, "organ");
    CHECK_STR(heard[0].metric, "organ.headroom");
    CHECK_NEAR(heard[0].threshold, 0.20, 1e-12);
    CHECK_NEAR(heard[0].value, 0.18, 1e-12);
    CHECK_CONTAINS(heard[0].reason, "organ.headroom");
    CHECK(vagus_signal_level(m, VAGUS_THROTTLE) > 0);
    CHECK_NEAR(vagus_signal_level(m, VAGUS_DEFER | VAGUS_SHUTDOWN), 0, 0);

    /* Shutdown waits for its own `for`, not for defer; the gravest is told first. */
    heard_count = 0;
    atomic_store(&organ_value, 0.01);
    organ_run(m, 1200 * MS);
    hear(listener);
    REQUIRE(heard_count >= 3);
    CHECK_EQ(heard[0].kind, VAGUS_SHUTDOWN);
    CHECK_EQ(heard[1].kind, VAGUS_DEFER);
    CHECK_EQ(heard[2].kind, VAGUS_THROTTLE);
    CHECK_EQ(heard[2].change, VAGUS_SIGNAL_UPDATED);
    struct vagus_system_snapshot s;
    CHECK_EQ(vagus_snapshot_read(m, &s), 0);
    CHECK_EQ(vagus_snapshot_verdict(&s, test_now_ns), VAGUS_VERDICT_CRITICAL);
    CHECK_EQ(s.signal_count, 3);
    CHECK_EQ(s.signals[0].kind, VAGUS_SHUTDOWN);

    heard_count = 0;
    atomic_store(&organ_value, 0.9);
    organ_run(m, 3 * S); /* the window of 2 s must have forgotten */
    hear(listener);
    CHECK_EQ(heard_count, 3);
    for (unsigned i = 0; i < heard_count; i++)
        CHECK_EQ(heard[i].change, VAGUS_SIGNAL_CLEARED);
    CHECK_NEAR(vagus_signal_level(m, VAGUS_SIGNAL_ANY), 0, 0);
    CHECK_EQ(vagus_snapshot_read(m, &s), 0);
    CHECK_EQ(vagus_snapshot_verdict(&s, test_now_ns), VAGUS_VERDICT_OK);
    CHECK_EQ(vagus_monitor_close(m), 0);
}

static void a_sampler_that_stopped_makes_the_verdict_unknown(void)
{
    struct vagus_monitor *m = organ_open(VAGUS_STEPPED);
    struct vagus_system_snapshot s;
    REQUIRE(vagus_monitor_start(m) == 0);
    organ_run(m, 1 * S);
    CHECK_EQ(vagus_snapshot_read(m, &s), 0);
    CHECK_EQ(vagus_snapshot_verdict(&s, test_now_ns), VAGUS_VERDICT_OK);
    atomic_fetch_add(&test_now_ns, 5 * S); /* nobody steps */
    CHECK_EQ(vagus_snapshot_read(m, &s), 0);
    CHECK_EQ(vagus_snapshot_verdict(&s, test_now_ns), VAGUS_VERDICT_UNKNOWN);
    char text[16384];
    CHECK_EQ(vagus_health_format(m, 0, text, sizeof(text), NULL), 0);
    CHECK_CONTAINS(text, "UNKNOWN");
    organ_run(m, 200 * MS);
    CHECK_EQ(vagus_snapshot_read(m, &s), 0);
    CHECK_EQ(vagus_snapshot_verdict(&s, test_now_ns), VAGUS_VERDICT_OK);
    CHECK(s.monitor.missed_ticks >= 50);
    CHECK_EQ(vagus_monitor_close(m), 0);
}

static void a_failing_collector_is_said_and_its_values_keep_their_age(void)
{
    struct vagus_monitor *m = organ_open(VAGUS_STEPPED);
    struct vagus_system_snapshot s;
    struct vagus_reading r;
    REQUIRE(vagus_monitor_start(m) == 0);
    organ_run(m, 1 * S);
    atomic_store(&organ_error, VAGUS_EIO);
    int64_t failed_ns = test_now_ns;
    organ_run(m, 1 * S);
    CHECK_EQ(vagus_reading_get(m, "organ.headroom", NULL, &r), 0);
    CHECK_EQ(vagus_reading_state(&r, test_now_ns), VAGUS_STATE_ERROR);
    CHECK_EQ(r.error, VAGUS_EIO);
    CHECK_NEAR(r.value, 0.9, 0);
    CHECK(r.taken_ns <= failed_ns);
    CHECK_EQ(vagus_reading_get(m, "organ.slow", NULL, &r), 0); /* was not due: still good */
    CHECK_EQ(vagus_reading_state(&r, test_now_ns), VAGUS_STATE_OK);
    CHECK_EQ(vagus_reading_get(m, "organ.none", NULL, &r), VAGUS_ENOENT);
    CHECK_EQ(vagus_snapshot_read(m, &s), 0);
    CHECK_EQ(s.monitor.failed_collectors, 1);
    CHECK_EQ(s.judged, VAGUS_VERDICT_DEGRADED);
    atomic_store(&organ_error, 0);
    organ_run(m, 1 * S);
    CHECK_EQ(vagus_reading_get(m, "organ.headroom", NULL, &r), 0);
    CHECK_EQ(vagus_reading_state(&r, test_now_ns), VAGUS_STATE_OK);
    CHECK_EQ(vagus_monitor_close(m), 0);
}

static void counters_reach_the_snapshot_and_survive_misuse(void)
{
    struct vagus_monitor *m = organ_open(VAGUS_STEPPED);
    struct vagus_metric_desc desc = {.name = "agent.tokens", .unit = "{token}"};
    struct vagus_counter tokens = vagus_counter_define(m, &desc);
    struct vagus_system_snapshot s;
    uint64_t total = 0;
    REQUIRE(vagus_monitor_start(m) == 0);
    vagus_add(tokens, 512);
    CHECK_EQ(vagus_counter_total(tokens, &total), 0);
    CHECK_EQ(total, 512);
    organ_run(m, 1 * S);
    CHECK_EQ(vagus_snapshot_read(m, &s), 0);
    CHECK_NEAR(s.agent.tokens.total.value, 512, 0);
    CHECK_EQ(vagus_reading_state(&s.agent.messages.total, test_now_ns), VAGUS_STATE_NEVER);

    /* Defined after start; then with a name that cannot be, and as another kind. */
    desc.name = "agent.messages";
    vagus_add(vagus_counter_define(m, &desc), 3);
    desc.name = "Agent Messages";
    vagus_add(vagus_counter_define(m, &desc), 1);
    desc.name = "agent.tokens";
    vagus_set(vagus_gauge_define(m, &desc), 1);
    organ_run(m, 1 * S);
    CHECK_EQ(vagus_snapshot_read(m, &s), 0);
    CHECK_NEAR(s.agent.messages.total.value, 3, 0);
    CHECK_EQ(s.monitor.refused_metrics, 2);
    CHECK_EQ(s.monitor.dropped_records, 2);
    char text[16384];
    CHECK_EQ(vagus_health_format(m, 0, text, sizeof(text), NULL), 0);
    CHECK_CONTAINS(text, "Agent Messages");
    CHECK_EQ(vagus_monitor_close(m), 0);
    vagus_add(tokens, 1); /* harmless */
    CHECK_EQ(vagus_counter_total(tokens, &total), VAGUS_ECLOSED);
    CHECK_EQ(total, 512);
}

static void capacity_reached_is_harmless_and_shown(void)
{
    struct vagus_monitor *m = NULL;
    struct vagus_system_snapshot s;
    char name[32];
    REQUIRE(vagus_monitor_open(
                &(struct vagus_monitor_options){.size = sizeof(struct vagus_monitor_options),
                                                .policy_text = organ_policy,
                                                .metrics_max = 13,
                                                .flags = VAGUS_STEPPED | VAGUS_NO_COLLECTORS |
                                                         VAGUS_ANONYMOUS_SEGMENT},
                &m) == 0);
    struct vagus_counter last = {0, 0};
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "agent.m%d", i);
        last = vagus_counter_define(m, &(struct vagus_metric_desc){.name = name});
    }
    REQUIRE(vagus_monitor_start(m) == 0);
    vagus_add(last, 1);
    CHECK_EQ(vagus_step(m, NULL), 0);
    CHECK_EQ(vagus_snapshot_read(m, &s), 0);
    CHECK_EQ(s.monitor.metrics, 13);
    CHECK_EQ(s.monitor.refused_metrics, 13); /* six places are the monitor's own */
    CHECK_EQ(s.monitor.dropped_records, 1);
    CHECK_EQ(vagus_monitor_close(m), 0);
}

static void an_unwired_chain_is_named_and_strict_refuses(void)
{
    struct vagus_fault_list faults;
    struct vagus_monitor *m = organ_open(VAGUS_STEPPED | VAGUS_STRICT);
    CHECK_EQ(vagus_monitor_start(m), VAGUS_EUNWIRED); /* nobody listens */
    CHECK_EQ(vagus_wiring_check(m, &faults), VAGUS_EUNWIRED);
    CHECK(faults.count > 0);
    CHECK_CONTAINS(faults.faults[0].text, "organ-headroom");
    listen_to_all(m);
    CHECK_EQ(vagus_wiring_check(m, &faults), 0);
    CHECK_EQ(vagus_monitor_start(m), 0);
    CHECK_EQ(vagus_monitor_close(m), 0);
}

static void a_counter_wakes_the_sampler_between_ticks(void)
{
    static const char policy[] = "rules:\n"
                                 "  - name: tokens\n"
                                 "    metric: agent.tokens\n"
                                 "    stat: last\n"
                                 "    throttle: { above: 1000, clear: 500 }\n";
    struct vagus_monitor *m = NULL;
    struct pollfd readable;
    REQUIRE(
        vagus_monitor_open(
            &(struct vagus_monitor_options){.size = sizeof(struct vagus_monitor_options),
                                            .policy_text = policy,
                                            .flags = VAGUS_NO_COLLECTORS | VAGUS_ANONYMOUS_SEGMENT},
            &m) == 0);
    struct vagus_counter tokens = vagus_counter_define(
        m, &(struct vagus_metric_desc){.name = "agent.tokens", .unit = "{token}"});
    struct vagus_listener listener = listen_to_all(m);
    REQUIRE(vagus_monitor_start(m) == 0);
    readable = (struct pollfd){.fd = vagus_listener_fd(listener), .events = POLLIN};
    vagus_add(tokens, 1001);
    CHECK_EQ(poll(&readable, 1, 10000), 1);
    hear(listener);
    REQUIRE(heard_count == 1);
    CHECK_EQ(heard[0].kind, VAGUS_THROTTLE);
    CHECK_NEAR(heard[0].value, 1001, 0);
    CHECK_EQ(vagus_monitor_close(m), 0);
}

static void the_child_of_a_fork_is_inert_and_may_have_its_own(void)
{
    struct vagus_monitor *m = organ_open(0);
    struct vagus_counter tokens =
        vagus_counter_define(m, &(struct vagus_metric_desc){.name = "agent.tokens"});
    REQUIRE(vagus_monitor_start(m) == 0);
    vagus_add(tokens, 1);
    pid_t child = fork();
    if (child == 0) {
        struct vagus_system_snapshot s;
        uint64_t total;
        vagus_add(tokens, 100);
        bool inert = vagus_snapshot_read(m, &s) == VAGUS_ECLOSED &&
                     vagus_counter_total(tokens, &total) == VAGUS_ECLOSED &&
                     vagus_monitor_close(m) == VAGUS_ECLOSED;
        struct vagus_monitor *own = organ_open(VAGUS_STEPPED);
        bool works = vagus_monitor_start(own) == 0 && vagus_step(own, NULL) == 0 &&
                     vagus_monitor_close(own) == 0;
        _exit(inert && works ? 0 : 1);
    }
    int status = 1;
    waitpid(child, &status, 0);
    CHECK_EQ(status, 0);
    uint64_t total = 0;
    vagus_add(tokens, 1);
    CHECK_EQ(vagus_counter_total(tokens, &total), 0);
    CHECK_EQ(total, 2);
    CHECK_EQ(vagus_monitor_close(m), 0);
}

/* All that comes out of a pipe until `wanted` stands in it. */
static bool pipe_brings(int fd, const char *wanted)
{
    static char text[65536];
    size_t length = 0;
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    while (length < sizeof(text) - 1 && poll(&readable, 1, 10000) == 1) {
        ssize_t got = read(fd, text + length, sizeof(text) - 1 - length);
        if (got <= 0)
            return false;
        length += (size_t)got;
        text[length] = '\0';
        if (strstr(text, wanted) != NULL)
            return true;
    }
    return false;
}

static void health_is_printed_on_a_signal_only_if_asked_for(void)
{
    int ends[2];
    struct sigaction before = {.sa_handler = SIG_IGN}, after;
    struct vagus_monitor *m = organ_open(0);
    struct vagus_monitor *other = NULL;
    REQUIRE(pipe(ends) == 0);
    sigaction(SIGUSR1, &before, NULL);
    REQUIRE(vagus_monitor_start(m) == 0);
    sigaction(SIGUSR1, NULL, &after);
    CHECK(after.sa_handler == SIG_IGN); /* unasked, no handler is touched */
    CHECK_EQ(vagus_monitor_close(m), 0);

    REQUIRE(
        vagus_monitor_open(
            &(struct vagus_monitor_options){.size = sizeof(struct vagus_monitor_options),
                                            .policy_text = organ_policy,
                                            .flags = VAGUS_NO_COLLECTORS | VAGUS_ANONYMOUS_SEGMENT,
                                            .health_signal = SIGUSR1,
                                            .health_fd = ends[1]},
            &other) == 0);
    REQUIRE(vagus_monitor_start(other) == 0);
    for (int i = 0; i < 2; i++) {
        raise(SIGUSR1);
        CHECK(pipe_brings(ends[0], "monitor"));
        usleep(20000); /* a signal while the lane is at work is one and the same request */
    }
    CHECK_EQ(vagus_monitor_close(other), 0);
    sigaction(SIGUSR1, NULL, &after);
    CHECK(after.sa_handler == SIG_IGN); /* given back */
    raise(SIGUSR1);
    close(ends[0]);
    close(ends[1]);
}

static int instant_sample(struct vagus_collector *collector, unsigned due)
{
    if (due & (1u << VAGUS_TIER_INSTANT))
        vagus_put(collector, 0, 0, 1);
    return 0;
}

static void the_instant_tier_is_due_at_each_step(void)
{
    static const struct vagus_metric_desc metrics[] = {
        {.name = "organ.instant", .kind = VAGUS_GAUGE, .tier = VAGUS_TIER_INSTANT}};
    static const struct vagus_collector_desc instant = {.size = sizeof(struct vagus_collector_desc),
                                                        .name = "instant",
                                                        .metrics = metrics,
                                                        .metric_count = 1,
                                                        .sample = instant_sample};
    struct vagus_monitor *m = organ_open(VAGUS_STEPPED);
    struct vagus_reading r;
    REQUIRE(vagus_collector_add(m, &instant) == 0);
    REQUIRE(vagus_monitor_start(m) == 0);
    for (int i = 0; i < 5; i++) {
        atomic_fetch_add(&test_now_ns, 7 * MS); /* between two ticks */
        CHECK_EQ(vagus_step(m, NULL), 0);
        CHECK_EQ(vagus_reading_get(m, "organ.instant", NULL, &r), 0);
        CHECK_EQ(r.taken_ns, atomic_load(&test_now_ns));
    }
    CHECK_EQ(vagus_monitor_close(m), 0);
}

static void four_monitors_and_no_fifth(void)
{
    struct vagus_monitor *m[5] = {0};
    for (int i = 0; i < 4; i++)
        m[i] = organ_open(VAGUS_STEPPED);
    CHECK_EQ(vagus_monitor_open(NULL, &m[4]), VAGUS_EFULL);
    CHECK(m[4] == NULL);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(vagus_monitor_close(m[i]), 0);
    for (int i = 0; i < 200; i++) {
        m[0] = organ_open(VAGUS_STEPPED);
        vagus_monitor_start(m[0]);
        CHECK_EQ(vagus_monitor_close(m[0]), 0);
    }
}

static struct vagus_monitor *closing;
static _Atomic int close_result;

static void close_from_callback(const struct vagus_signal *signal, void *arg)
{
    (void)signal;
    (void)arg;
    atomic_store(&close_result, vagus_monitor_close(closing));
}

static void a_callback_may_not_close_its_monitor(void)
{
    closing = organ_open(VAGUS_STEPPED);
    atomic_store(&close_result, 1);
    CHECK_EQ(
        vagus_listener_add(closing,
                           &(struct vagus_listener_desc){.size = sizeof(struct vagus_listener_desc),
                                                         .name = "closer",
                                                         .kinds = VAGUS_SIGNAL_ANY,
                                                         .on_signal = close_from_callback},
                           NULL),
        0);
    REQUIRE(vagus_monitor_start(closing) == 0);
    atomic_store(&organ_value, 0.05);
    organ_run(closing, 1 * S);
    for (int i = 0; i < 10000 && atomic_load(&close_result) == 1; i++)
        usleep(1000);
    CHECK_EQ(atomic_load(&close_result), VAGUS_ESTATE);
    CHECK_EQ(vagus_monitor_close(closing), 0);
}

static void wrong_options_are_refused(void)
{
    struct vagus_monitor *m = NULL;
    struct vagus_monitor_options o = {.size = sizeof(o), .clock = &test_clock};
    CHECK_EQ(vagus_monitor_open(&o, &m), VAGUS_EINVAL); /* a clock without steps */
    o = (struct vagus_monitor_options){.size = sizeof(o), .agent_name = "No Good"};
    CHECK_EQ(vagus_monitor_open(&o, &m), VAGUS_EINVAL);
    o = (struct vagus_monitor_options){.size = sizeof(o), .policy_path = "x", .policy_text = "y"};
    CHECK_EQ(vagus_monitor_open(&o, &m), VAGUS_EINVAL);
    o = (struct vagus_monitor_options){.size = 3};
    CHECK_EQ(vagus_monitor_open(&o, &m), VAGUS_EINVAL);
    CHECK_EQ(vagus_monitor_open(&o, NULL), VAGUS_EINVAL);
    o = (struct vagus_monitor_options){.size = sizeof(o), .flags = 1u << 20};
    CHECK_EQ(vagus_monitor_open(&o, &m), VAGUS_EINVAL);
    struct vagus_fault_list faults;
    o = (struct vagus_monitor_options){
        .size = sizeof(o), .policy_text = "rulez: []\nstrict: perhaps\n", .faults = &faults};
    CHECK_EQ(vagus_monitor_open(&o, &m), VAGUS_EPOLICY);
    CHECK_EQ(faults.errors, 2);
    CHECK(m == NULL);
}

/* A limit that cannot be seen must not look like none. */
static void no_cgroup_is_said(void)
{
    static char text[128 * 1024];
    struct vagus_monitor *monitor;
    REQUIRE(vagus_monitor_open(
                &(struct vagus_monitor_options){.size = sizeof(struct vagus_monitor_options),
                                                .host_root = FIXTURES
                                                "/report" /* nothing of a machine is there */,
                                                .clock = &test_clock,
                                                .flags = VAGUS_STEPPED | VAGUS_ANONYMOUS_SEGMENT},
                &monitor) == 0);
    CHECK_EQ(vagus_health_format(monitor, VAGUS_HEALTH_JSON, text, sizeof(text), NULL), 0);
    CHECK_CONTAINS(text, "no memory cgroup can be seen here");
    vagus_monitor_close(monitor);
}

int main(void)
{
    RUN(a_life_in_order);
    RUN(signals_are_raised_updated_and_cleared);
    RUN(a_sampler_that_stopped_makes_the_verdict_unknown);
    RUN(a_failing_collector_is_said_and_its_values_keep_their_age);
    RUN(counters_reach_the_snapshot_and_survive_misuse);
    RUN(capacity_reached_is_harmless_and_shown);
    RUN(an_unwired_chain_is_named_and_strict_refuses);
    RUN(a_counter_wakes_the_sampler_between_ticks);
    RUN(the_child_of_a_fork_is_inert_and_may_have_its_own);
    RUN(health_is_printed_on_a_signal_only_if_asked_for);
    RUN(the_instant_tier_is_due_at_each_step);
    RUN(four_monitors_and_no_fifth);
    RUN(a_callback_may_not_close_its_monitor);
    RUN(no_cgroup_is_said);
    RUN(wrong_options_are_refused);
    return check_result();
}
