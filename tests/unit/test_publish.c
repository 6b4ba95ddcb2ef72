/* SPDX-License-Identifier: Apache-2.0 */
/* The snapshot as a monitor publishes it: signals with their reasons, budgets, forecasts, named
 * metrics, what is computed of history, and where each value comes from. */
#include <math.h>

#include "check.h"
#include "gpu_fixture.h"
#include "reload_fixture.h"

static struct vagus_system_snapshot s;

static int64_t now(void)
{
    return atomic_load(&test_now_ns);
}

static struct vagus_monitor *open_with(const char *policy)
{
    struct vagus_monitor *m = NULL;
    atomic_store(&test_now_ns, 1000 * S);
    atomic_store(&organ_value, 0.9);
    atomic_store(&organ_error, 0);
    int error = vagus_monitor_open(
        &(struct vagus_monitor_options){.size = sizeof(struct vagus_monitor_options),
                                        .policy_text = policy,
                                        .clock = &test_clock,
                                        .flags = VAGUS_STEPPED | VAGUS_NO_COLLECTORS |
                                                 VAGUS_ANONYMOUS_SEGMENT},
        &m);
    if (error != 0 || vagus_collector_add(m, &organ) != 0) {
        fprintf(stderr, "the monitor could not be made: %s\n", vagus_error_message(error));
        exit(1);
    }
    return m;
}

static void run(struct vagus_monitor *m, int64_t span_ns)
{
    organ_run(m, span_ns);
    CHECK_EQ(vagus_step(m, NULL), 0);
    CHECK_EQ(vagus_snapshot_read(m, &s), 0);
}

static void signals_say_why(void)
{
    struct vagus_monitor *m = organ_open(VAGUS_STEPPED);
    REQUIRE(vagus_monitor_start(m) == 0);
    atomic_store(&organ_value, 0.15);
    run(m, S);
    REQUIRE(s.signal_count == 1);
    CHECK_STR(s.signals[0].rule, "organ-headroom");
    CHECK(strstr(s.signals[0].reason, "organ.headroom") != NULL);
    CHECK(strstr(s.signals[0].reason, "20") != NULL);
    CHECK_EQ(s.judged, VAGUS_VERDICT_DEGRADED);
    atomic_store(&organ_value, 0.9);
    run(m, S);
    CHECK_EQ(s.signal_count, 0);
    CHECK_STR(s.signals[0].reason, "");
    CHECK_EQ(s.judged, VAGUS_VERDICT_OK);
    vagus_monitor_close(m);
}

static const char everything[] =
    "budgets:\n"
    "  - { name: hourly, limit: 7200, window: 1h, unit: \"{token}\" }\n"
    "  - { name: slots, limit: 10 }\n"
    "  - { name: room, live: organ.missing }\n"
    "rules:\n"
    "  - name: goes\n"
    "    metric: tank.left\n"
    "    kind: forecast\n"
    "    window: 1min\n"
    "    shadow: true\n"
    "    throttle: { below: 10min, clear: 20min }\n"
    "  - name: nobody\n"
    "    metric: no.such\n"
    "    kind: forecast\n"
    "    window: 1min\n"
    "    optional: true\n"
    "    throttle: { below: 10min, clear: 20min }\n";

static void budgets_tell_when_they_end(void)
{
    struct vagus_monitor *m = open_with(everything);
    struct vagus_budget hourly, slots;
    struct vagus_ticket ticket;
    REQUIRE(vagus_monitor_start(m) == 0);
    REQUIRE(vagus_budget_find(m, "hourly", &hourly) == 0);
    REQUIRE(vagus_budget_find(m, "slots", &slots) == 0);
    run(m, 2 * S);
    CHECK_EQ(s.budget_count, 3);
    CHECK_STR(s.budgets[0].name, "hourly");
    CHECK_STR(s.budgets[0].unit, "{token}");
    CHECK_STR(s.budgets[0].resource, "budget");
    CHECK_EQ(s.budgets[0].window_ns, 3600 * S);
    CHECK(isinf(s.budgets[0].exhausted_in.value)); /* nothing was ever spent */
    CHECK_EQ(vagus_reading_state(&s.budgets[0].exhausted_in, now()), VAGUS_STATE_OK);
    CHECK_EQ(s.budgets[0].exhausted_in.source, VAGUS_SOURCE_BUDGET);
    CHECK_EQ(s.budgets[2].status.known, 0);
    CHECK_EQ(vagus_reading_state(&s.budgets[2].exhausted_in, now()), VAGUS_STATE_ERROR);

    for (int i = 0; i < 120; i++) {
        vagus_budget_spend(hourly, 20);
        run(m, S);
    }
    CHECK_EQ(s.budgets[0].status.used, 2400);
    CHECK_EQ(s.budgets[0].status.left, 4800);
    CHECK_NEAR(s.budgets[0].exhausted_in.value, 240, 10);
    CHECK(vagus_budget_reserve(hourly, 100, 60 * S, &ticket, NULL) == 0);
    CHECK(vagus_budget_take(slots, 4, NULL) == 0);
    run(m, 2 * S);
    CHECK_EQ(s.budgets[0].status.reserved, 100);
    CHECK_EQ(s.budgets[1].status.used, 4);
    CHECK(s.budgets[1].exhausted_in.value > 0 && isfinite(s.budgets[1].exhausted_in.value));
    vagus_budget_commit(ticket, 0);
    CHECK_EQ(vagus_budget_give(slots, 4), 0);
    run(m, 400 * S); /* longer than "of late" */
    CHECK(isinf(s.budgets[0].exhausted_in.value));
    CHECK(isinf(s.budgets[1].exhausted_in.value));
    vagus_budget_spend(hourly, 9000);
    run(m, S);
    CHECK_EQ(s.budgets[0].exhausted_in.value, 0);
    vagus_monitor_close(m);
}

/* What is spent no faster than it is forgotten lasts for ever; what a slow pace meets before an old
 * burst is forgotten does not. */
static void a_pace_that_a_window_bears(void)
{
    struct vagus_monitor *m = open_with(
        "budgets: [{ name: hourly, limit: 7200, window: 1h, unit: \"{token}\" }]\nrules: []\n");
    struct vagus_budget hourly;
    REQUIRE(vagus_monitor_start(m) == 0);
    REQUIRE(vagus_budget_find(m, "hourly", &hourly) == 0);
    for (int i = 0; i < 2 * 3600; i++) {
        vagus_budget_spend(hourly, 1);
        run(m, S);
        CHECK(vagus_reading_state(&s.budgets[0].exhausted_in, now()) == VAGUS_STATE_OK);
        CHECK(isinf(s.budgets[0].exhausted_in.value));
    }
    CHECK_NEAR((double)s.budgets[0].status.left, 3600, 61);
    vagus_budget_spend(hourly, 3000);
    run(m, 330 * S); /* the burst is not "of late" any more, and about 900 are left */
    for (int i = 0; i < 310; i++) {
        vagus_budget_spend(hourly, 1);
        run(m, S);
    }
    CHECK(isinf(s.budgets[0].exhausted_in.value)); /* each second one comes back, too */
    for (int i = 0; i < 310; i++) {
        vagus_budget_spend(hourly, 2);
        run(m, S);
    }
    double left = (double)s.budgets[0].status.left, lasts = s.budgets[0].exhausted_in.value;
    CHECK(lasts > left / 2 && lasts < left * 1.2); /* two go, and about one comes back */
    double before = lasts;
    for (int i = 0; i < 100; i++) {
        vagus_budget_spend(hourly, 2);
        run(m, S);
    }
    CHECK_NEAR(s.budgets[0].exhausted_in.value, before - 100, 70);
    vagus_monitor_close(m);
}

static void forecasts_are_shown_of_shadows_too(void)
{
    struct vagus_monitor *m = open_with(everything);
    struct vagus_gauge tank =
        vagus_gauge_define(m, &(struct vagus_metric_desc){.name = "tank.left", .unit = "By"});
    REQUIRE(vagus_monitor_start(m) == 0);
    run(m, S);
    REQUIRE(s.forecast_count == 2);
    CHECK_STR(s.forecasts[0].rule, "goes");
    CHECK_STR(s.forecasts[0].metric, "tank.left");
    CHECK_STR(s.forecasts[0].resource, "tank");
    CHECK(vagus_reading_state(&s.forecasts[0].exhausted_in, now()) != VAGUS_STATE_OK);
    CHECK_STR(s.forecasts[1].metric, "no.such");
    CHECK_EQ(vagus_reading_state(&s.forecasts[1].exhausted_in, now()), VAGUS_STATE_NEVER);
    for (int i = 0; i < 90; i++) {
        vagus_set(tank, 1e6 - 1000.0 * i);
        run(m, S);
        if (i > 40)
            CHECK_EQ(vagus_reading_state(&s.forecasts[0].exhausted_in, now()), VAGUS_STATE_OK);
    }
    CHECK_NEAR(s.forecasts[0].exhausted_in.value, 911, 15);
    CHECK_EQ(s.forecasts[0].exhausted_in.source, VAGUS_SOURCE_FORECAST);
    CHECK_EQ(s.signal_count, 0);
    for (int i = 0; i < 90; i++) {
        vagus_set(tank, 1e6);
        run(m, S);
    }
    CHECK(isinf(s.forecasts[0].exhausted_in.value));
    vagus_monitor_close(m);
}

/* "57 messages, 0 of them in this hour" is what nobody should be told in the first ten seconds. */
static void a_young_hour_is_the_total(void)
{
    struct vagus_monitor *m = open_with("rules: []\n");
    struct vagus_snapshot_change changes[64];
    static struct vagus_system_snapshot before;
    struct vagus_counter tokens =
        vagus_counter_define(m, &(struct vagus_metric_desc){.name = "agent.tokens"});
    REQUIRE(vagus_monitor_start(m) == 0);
    run(m, 2 * S);
    before = s;
    vagus_add(tokens, 7);
    run(m, 2 * S);
    CHECK_NEAR(s.agent.tokens.total.value, 7, 0);
    CHECK_NEAR(s.agent.tokens.hour.value, 7, 0);
    CHECK_NEAR(s.agent.tokens.day.value, 7, 0);
    CHECK_EQ(s.agent.tokens.hour.taken_ns, s.agent.tokens.total.taken_ns);
    /* It changed once, and not three times. */
    int count = vagus_snapshot_diff(&before, &s, changes, 64), told = 0;
    for (int i = 0; i < count && i < 64; i++)
        told += strncmp(changes[i].what, "agent.tokens", 12) == 0;
    CHECK_EQ(told, 1);
    vagus_monitor_close(m);
}

static void values_tell_where_they_come_from(void)
{
    static const char policy[] =
        "snapshot: { metrics: [organ.headroom, agent.tokens, both, organ.nothing] }\n"
        "derived: [{ name: both, kind: sum, of: [organ.headroom, organ.slow] }]\n"
        "rules: []\n";
    struct vagus_monitor *m = open_with(policy);
    struct vagus_counter tokens =
        vagus_counter_define(m, &(struct vagus_metric_desc){.name = "agent.tokens"});
    REQUIRE(vagus_monitor_start(m) == 0);
    vagus_add(tokens, 3);
    run(m, 2 * S);
    REQUIRE(s.metric_count == 4);
    CHECK_EQ(s.metrics[0].reading.source, 1); /* the first collector */
    CHECK_STR(vagus_source_name(1), "collector");
    CHECK_NEAR(s.metrics[0].reading.value, 0.9, 1e-9);
    CHECK_STR(vagus_source_name(s.metrics[1].reading.source), "agent");
    CHECK_STR(vagus_source_name(s.agent.tokens.total.source), "agent");
    CHECK_STR(vagus_source_name(s.agent.tokens.hour.source), "derived");
    CHECK_STR(vagus_source_name(s.metrics[2].reading.source), "derived");
    CHECK_STR(vagus_source_name(s.metrics[3].reading.source), "unknown");
    CHECK_EQ(s.metrics[3].reading.error, VAGUS_ENOENT);
    CHECK_STR(vagus_source_name(s.monitor.cpu_ratio.source), "monitor");
    CHECK_STR(vagus_source_name(VAGUS_SOURCE_OWN), "unknown");
    atomic_store(&organ_error, VAGUS_EIO);
    run(m, S);
    CHECK_EQ(s.metrics[0].reading.source, 1);
    CHECK_EQ(s.metrics[0].reading.error, VAGUS_EIO);
    vagus_monitor_close(m);
}

static void another_policy_names_other_metrics(void)
{
    policy_begin();
    struct vagus_monitor *m =
        policy_open(VAGUS_STEPPED, "snapshot: { metrics: [organ.headroom] }\nrules: []\n");
    REQUIRE(vagus_monitor_start(m) == 0);
    run(m, S);
    REQUIRE(s.metric_count == 1);
    CHECK_STR(s.metrics[0].name, "organ.headroom");
    policy_put(policy_file, "snapshot: { metrics: [organ.slow, organ.headroom] }\nrules: []\n");
    CHECK_EQ(vagus_policy_reload(m, NULL, &faults), 0);
    run(m, S);
    REQUIRE(s.metric_count == 2);
    CHECK_STR(s.metrics[0].name, "organ.slow");
    CHECK_STR(s.metrics[0].unit, "By");
    CHECK_NEAR(s.metrics[0].reading.value, 4096, 0);
    policy_put(policy_file, "rules: []\n");
    CHECK_EQ(vagus_policy_reload(m, NULL, &faults), 0);
    run(m, S);
    CHECK_EQ(s.metric_count, 0);
    vagus_monitor_close(m);
    policy_end();
}

static void an_agent_is_seen(void)
{
    struct vagus_monitor *m = open_with("rules: []\n");
    struct vagus_agent agent = {.size = sizeof(agent)};
    REQUIRE(vagus_agent_define(m, &agent) == 0);
    REQUIRE(vagus_monitor_start(m) == 0);
    run(m, 0);
    CHECK_EQ(vagus_reading_state(&s.agent.llm_p50, now()), VAGUS_STATE_NEVER);
    CHECK_EQ(vagus_reading_state(&s.agent.error_rate, now()), VAGUS_STATE_NEVER);
    vagus_set(agent.tasks_queued, 6);
    vagus_set(agent.queue_capacity, 8);
    vagus_set(agent.context_usage, 1000);
    vagus_set(agent.context_limit, 4000);
    vagus_set(agent.breakers_open, 2);
    for (int i = 1; i <= 100; i++) {
        vagus_record_value(agent.llm.duration, i * 10.0 * MS);
        vagus_record_value(agent.tool.duration, i < 99 ? 5e6 : 2e9);
        vagus_add(agent.errors, i % 10 == 0);
        vagus_add(agent.progress, 1);
        run(m, S);
    }
    CHECK_NEAR(s.agent.queue_saturation.value, 0.75, 1e-9);
    CHECK_NEAR(s.agent.context_used.value, 0.25, 1e-9);
    CHECK_NEAR(s.agent.breakers_open.value, 2, 0);
    CHECK_NEAR(s.agent.progress_age.value, 0, 2);
    CHECK_NEAR(s.agent.llm_p50.value, 0.5, 0.05);
    CHECK_NEAR(s.agent.llm_p99.value, 0.99, 0.08);
    CHECK_NEAR(s.agent.tool_p50.value, 0.005, 0.0005);
    CHECK_NEAR(s.agent.tool_p99.value, 2, 0.2);
    CHECK_NEAR(s.agent.error_rate.value, 0.1, 0.01);
    CHECK_NEAR(s.agent.errors.hour.value, 10, 0);
    CHECK_NEAR(s.agent.errors.day.value, 10, 0);
    CHECK_NEAR(s.agent.messages.day.value, 0, 0);
    CHECK_EQ(vagus_reading_state(&s.agent.messages.day, now()), VAGUS_STATE_OK);
    run(m, 320 * S);
    CHECK_NEAR(s.agent.error_rate.value, 0, 0);
    CHECK_EQ(vagus_reading_state(&s.agent.llm_p50, now()), VAGUS_STATE_NEVER);
    CHECK_NEAR(s.agent.progress_age.value, 321, 2);
    vagus_monitor_close(m);
}

/* --- Machines in a temporary folder. --- */

static void gpus_and_their_readings(void)
{
    REQUIRE(root_begin());
    for (int card = 0; card < 10; card++) {
        char name[160], device[80];
        snprintf(device, sizeof(device), "sys/devices/pci0000:00/0000:%02d:00.0/", card + 3);
        snprintf(name, sizeof(name), "sys/class/drm/card%d/device", card);
        char target[96];
        snprintf(target, sizeof(target), "../../../devices/pci0000:00/0000:%02d:00.0", card + 3);
        gpu_link(name, target);
#define PUT(file, text) (snprintf(name, sizeof(name), "%s%s", device, file), gpu_file(name, text))
        PUT("vendor", "0x1002\n");
        PUT("power/runtime_status", "active\n");
        PUT("mem_info_vram_total", "17163091968\n");
        PUT("mem_info_vram_used", "4290772992\n");
        PUT("gpu_busy_percent", "37\n");
        PUT("hwmon/hwmon5/temp1_input", "61500\n");
#undef PUT
    }
    struct vagus_monitor *m = gpu_monitor(VAGUS_STEPPED);
    CHECK_EQ(vagus_snapshot_read(m, &s), 0);
    CHECK_EQ(s.gpu_count, 10); /* two more than it has room for */
    for (int i = 0; i < VAGUS_SNAPSHOT_GPUS; i++) {
        CHECK(strncmp(s.gpus[i].device, "card", 4) == 0);
        CHECK_NEAR(s.gpus[i].memory_limit.value, 17163091968.0, 0);
        CHECK_NEAR(s.gpus[i].memory_usage.value, 4290772992.0, 0);
        CHECK_NEAR(s.gpus[i].memory_free.value, 12872318976.0, 0);
        CHECK_NEAR(s.gpus[i].memory_utilization.value, 0.25, 1e-9);
        CHECK_NEAR(s.gpus[i].utilization.value, 0.37, 1e-9);
        CHECK_NEAR(s.gpus[i].temperature.value, 61.5, 1e-9);
        CHECK(vagus_reading_state(&s.gpus[i].throttled, now()) != VAGUS_STATE_OK);
    }
    vagus_monitor_close(m);
    root_end();
}

/* Interfaces that receive 1000 and 500 bytes in a second, and lo a million. */
static void write_interfaces(int64_t seconds)
{
    char text[1024];
    snprintf(text, sizeof(text),
             "Inter-|   Receive                                                |  Transmit\n"
             " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets "
             "errs drop fifo colls carrier compressed\n"
             "    lo: %020lld 1 0 0 0 0 0 0 7 1 0 0 0 0 0 0\n"
             "  eth0: %020lld 1 0 0 0 0 0 0 %020lld 1 0 0 0 0 0 0\n"
             "  eth1: %020lld 1 0 0 0 0 0 0 9 1 0 0 0 0 0 0\n",
             (long long)(1000000 * seconds), (long long)(1000 * seconds), (long long)(20 * seconds),
             (long long)(500 * seconds));
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/proc/net/dev", root_dir);
    FILE *file = fopen(path, "r+");
    REQUIRE(file != NULL);
    fputs(text, file);
    fclose(file);
}

static void network_rates_are_of_all_but_lo(void)
{
    REQUIRE(root_begin());
    gpu_file("proc/net/dev", "");
    write_interfaces(1);
    struct vagus_monitor *m = gpu_monitor(VAGUS_STEPPED);
    CHECK_EQ(vagus_snapshot_read(m, &s), 0);
    CHECK_EQ(vagus_reading_state(&s.network.receive_rate, now()), VAGUS_STATE_NEVER);
    int64_t next_ns;
    for (int second = 1; second < 100; second++) {
        write_interfaces(second);
        for (int64_t end_ns = now() + S; now() < end_ns; atomic_store(&test_now_ns, next_ns))
            REQUIRE(vagus_step(m, &next_ns) == 0);
    }
    CHECK_EQ(vagus_snapshot_read(m, &s), 0);
    CHECK_NEAR(s.network.receive_rate.value, 1500, 30);
    CHECK_NEAR(s.network.transmit_rate.value, 20, 1);
    CHECK_EQ(vagus_reading_state(&s.network.receive_rate, now()), VAGUS_STATE_OK);
    vagus_monitor_close(m);
    root_end();
}

int main(void)
{
    RUN(signals_say_why);
    RUN(budgets_tell_when_they_end);
    RUN(a_pace_that_a_window_bears);
    RUN(forecasts_are_shown_of_shadows_too);
    RUN(a_young_hour_is_the_total);
    RUN(values_tell_where_they_come_from);
    RUN(another_policy_names_other_metrics);
    RUN(an_agent_is_seen);
    RUN(gpus_and_their_readings);
    RUN(network_rates_are_of_all_but_lo);
    return check_result();
}
