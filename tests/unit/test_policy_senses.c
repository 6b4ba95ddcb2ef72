/* SPDX-License-Identifier: Apache-2.0 */
/* What a policy says of senses, metrics and listeners, seen in a monitor: tiers, what is left out,
 * what the agent records under names that the policy defines, who must be there. */
#include "check.h"
#include "monitor_fixture.h"
#include "vagus/health.h"

static struct vagus_fault_list faults;

/* A sense with a metric of its own and one for each port. */
static bool plugged[4];
static int numbers[4];
static unsigned asked_100ms, asked_10s;

static const struct vagus_metric_desc port_metrics[] = {
    {.name = "port.count", .kind = VAGUS_GAUGE, .tier = VAGUS_TIER_100MS},
    {.name = "port.load",
     .instance = "*",
     .label = "port",
     .kind = VAGUS_GAUGE,
     .tier = VAGUS_TIER_100MS},
    {.name = "port.speed",
     .instance = "*",
     .label = "port",
     .kind = VAGUS_GAUGE,
     .tier = VAGUS_TIER_10S},
};

static int port_sample(struct vagus_collector *collector, unsigned due)
{
    static const char *const names[] = {"eth0", "veth1", "veth2", "eth1"};
    asked_100ms += (due & 1u << VAGUS_TIER_100MS) != 0;
    asked_10s += (due & 1u << VAGUS_TIER_10S) != 0;
    for (unsigned i = 0; i < 4; i++) {
        if (!plugged[i])
            continue;
        numbers[i] = vagus_collector_instance_add(collector, names[i]);
        if (numbers[i] >= 0 && (due & 1u << VAGUS_TIER_100MS) != 0)
            vagus_put(collector, 1, (size_t)numbers[i], i);
        if (numbers[i] >= 0 && (due & 1u << VAGUS_TIER_10S) != 0)
            vagus_put(collector, 2, (size_t)numbers[i], i);
    }
    vagus_put(collector, 0, 0, 4);
    return 0;
}

static const struct vagus_collector_desc port = {.size = sizeof(struct vagus_collector_desc),
                                                 .name = "port",
                                                 .instances_max = 2,
                                                 .metrics = port_metrics,
                                                 .metric_count = 3,
                                                 .sample = port_sample};

static struct vagus_monitor *open_with(const char *policy, uint32_t flags)
{
    struct vagus_monitor *monitor = NULL;
    atomic_store(&test_now_ns, 1000 * S);
    asked_100ms = asked_10s = 0;
    for (unsigned i = 0; i < 4; i++)
        plugged[i] = true;
    int error = vagus_monitor_open(
        &(struct vagus_monitor_options){.size = sizeof(struct vagus_monitor_options),
                                        .policy_text = policy,
                                        .clock = &test_clock,
                                        .flags = VAGUS_STEPPED | VAGUS_ANONYMOUS_SEGMENT | flags,
                                        .faults = &faults},
        &monitor);
    if (error != 0) {
        fprintf(stderr, "%s: %s\n", vagus_error_name(error), faults.faults[0].text);
        exit(1);
    }
    return monitor;
}

static struct vagus_monitor *open_port(const char *policy)
{
    struct vagus_monitor *monitor = open_with(policy, VAGUS_NO_COLLECTORS);
    CHECK_EQ(vagus_collector_add(monitor, &port), 0);
    return monitor;
}

static bool health_says(struct vagus_monitor *monitor, const char *words)
{
    static char text[32768];
    CHECK_EQ(vagus_health_format(monitor, 0, text, sizeof(text), NULL), 0);
    return strstr(text, words) != NULL;
}

static bool has(struct vagus_monitor *monitor, const char *name)
{
    struct vagus_reading reading;
    return vagus_reading_get(monitor, name, NULL, &reading) == 0;
}

/* --- Tiers. --- */

static void a_collector_comes_more_seldom(void)
{
    struct vagus_monitor *monitor = open_port("tiers: [{name: port, tier: 1s}]\nrules: []\n");
    REQUIRE(vagus_monitor_start(monitor) == 0);
    unsigned begun = asked_100ms;
    organ_run(monitor, 20 * S);
    CHECK_EQ(asked_100ms - begun, 20); /* what is quicker is asked each second */
    CHECK_EQ(asked_10s, 3);            /* what is slower anyway stays */
    struct vagus_reading reading;
    REQUIRE(vagus_reading_get(monitor, "port.count", NULL, &reading) == 0);
    CHECK_EQ(reading.good_until_ns - reading.taken_ns, 3 * S);
    vagus_monitor_close(monitor);
}

/* One alone: it is read along with the others, and taken in when its time has come. */
static void a_metric_comes_more_seldom(void)
{
    struct vagus_monitor *monitor = open_port("tiers: [{name: port.load, tier: 10s}]\nrules: []\n");
    struct vagus_reading load, count;
    REQUIRE(vagus_monitor_start(monitor) == 0);
    unsigned begun = asked_100ms;
    organ_run(monitor, 5 * S);
    CHECK_EQ(asked_100ms - begun, 50);
    REQUIRE(vagus_reading_get(monitor, "port.load{port=eth0}", NULL, &load) == 0);
    REQUIRE(vagus_reading_get(monitor, "port.count", NULL, &count) == 0);
    CHECK_EQ(load.taken_ns, 1000 * S);
    CHECK(count.taken_ns > 1004 * S);
    organ_run(monitor, 6 * S);
    REQUIRE(vagus_reading_get(monitor, "port.load{port=eth0}", NULL, &load) == 0);
    CHECK_EQ(load.taken_ns, 1010 * S);
    vagus_monitor_close(monitor);
}

/* A sense that is not of vagus is not known when the policy is checked. */
static void what_cannot_be_is_named(void)
{
    struct vagus_monitor *monitor =
        open_port("tiers: [{name: port.speed, tier: 1s}, {name: prot, tier: 10s}]\nrules: []\n");
    CHECK_EQ(vagus_monitor_start(monitor), 0);
    CHECK(health_says(monitor, "tier of port.speed refused: port cannot be had at 1s"));
    CHECK_EQ(vagus_wiring_check(monitor, &faults), VAGUS_EUNWIRED);
    CHECK_EQ(faults.total, 1);
    CHECK_STR(faults.faults[0].text,
              "tiers names 'prot', which is neither a collector nor a metric");
    organ_run(monitor, 20 * S);
    CHECK_EQ(asked_10s, 3);
    vagus_monitor_close(monitor);

    struct vagus_collector_desc quick = port;
    quick.quickest = VAGUS_TIER_100MS;
    monitor = open_with("tiers: [{name: port, tier: 100ms}]\nrules: []\n", VAGUS_NO_COLLECTORS);
    CHECK_EQ(vagus_collector_add(monitor, &quick), 0);
    CHECK_EQ(vagus_monitor_start(monitor), 0);
    CHECK(!health_says(monitor, "refused"));
    vagus_monitor_close(monitor);
}

/* --- Filters. --- */

static void instances_are_left_out(void)
{
    struct vagus_monitor *monitor =
        open_port("filters: {without_metrics: [\"port.*{port=veth*}\", port.count]}\nrules: []\n");
    REQUIRE(vagus_monitor_start(monitor) == 0);
    organ_run(monitor, S);
    CHECK(has(monitor, "port.load{port=eth0}"));
    CHECK(has(monitor, "port.speed{port=eth0}"));
    CHECK(!has(monitor, "port.load{port=veth1}"));
    CHECK(!has(monitor, "port.count"));
    /* They take no place, so there is one for the last, too. */
    CHECK_EQ(numbers[1], VAGUS_EUNSUPPORTED);
    CHECK_EQ(numbers[2], VAGUS_EUNSUPPORTED);
    CHECK_EQ(numbers[3], 1);
    CHECK(has(monitor, "port.load{port=eth1}"));
    vagus_monitor_close(monitor);
}

/* Only one of the two metrics: the instance is there, the metric is not. */
static void some_of_an_instance_is_left_out(void)
{
    struct vagus_monitor *monitor =
        open_port("filters: {without_metrics: [\"port.load{eth0}\"]}\nrules: []\n");
    REQUIRE(vagus_monitor_start(monitor) == 0);
    organ_run(monitor, S);
    CHECK_EQ(numbers[0], 0);
    CHECK(!has(monitor, "port.load{port=eth0}"));
    CHECK(has(monitor, "port.speed{port=eth0}"));
    CHECK(has(monitor, "port.load{port=veth1}"));
    vagus_monitor_close(monitor);
}

static void collectors_are_left_out(void)
{
    struct vagus_system_snapshot with, without;
    struct vagus_monitor *monitor = open_with("rules: []\n", 0);
    REQUIRE(vagus_monitor_start(monitor) == 0);
    REQUIRE(vagus_snapshot_read(monitor, &with) == 0);
    CHECK(has(monitor, "memory.limit"));
    vagus_monitor_close(monitor);
    monitor = open_with("filters: {without_collectors: [memory, disk], without_metrics: "
                        "[\"vagus.collector.*\"]}\nrules: []\n",
                        0);
    REQUIRE(vagus_monitor_start(monitor) == 0);
    REQUIRE(vagus_snapshot_read(monitor, &without) == 0);
    CHECK(!has(monitor, "memory.limit"));
    CHECK(without.monitor.collectors < with.monitor.collectors - 1); /* disk for each path */
    CHECK(without.monitor.metrics + 5 * without.monitor.collectors < with.monitor.metrics);
    CHECK(health_says(monitor, "left out by the policy: memory, disk"));
    vagus_monitor_close(monitor);
}

/* --- Metrics that the policy defines. --- */

#define METRICS                                                                                    \
    "metrics:\n"                                                                                   \
    "  - {name: own.depth, kind: gauge, unit: By, max: 1GiB, resource: queue, tier: 100ms, help: " \
    "\"what waits\"}\n"                                                                            \
    "  - {name: own.calls, kind: counter, unit: \"{call}\", label: tool}\n"                        \
    "  - {name: own.time, kind: histogram, unit: s}\n"                                             \
    "rules: []\n"

static void code_finds_what_the_policy_defines(void)
{
    struct vagus_monitor *monitor = open_with(METRICS, VAGUS_NO_COLLECTORS);
    struct vagus_gauge depth =
        vagus_gauge_define(monitor, &(struct vagus_metric_desc){.name = "own.depth"});
    struct vagus_counter calls = vagus_counter_define(
        monitor, &(struct vagus_metric_desc){.name = "own.calls", .instance = "browser"});
    REQUIRE(vagus_monitor_start(monitor) == 0);
    vagus_set(depth, 4096);
    vagus_add(calls, 3);
    vagus_record(monitor, "own.calls{tool=shell}", 2);
    vagus_record(monitor, "own.time", 0.5);
    vagus_record(monitor, "own.calls{tol=shell}", 2); /* another label */
    organ_run(monitor, S);
    struct vagus_reading reading;
    REQUIRE(vagus_reading_get(monitor, "own.depth", NULL, &reading) == 0);
    CHECK(reading.value == 4096);
    REQUIRE(vagus_reading_get(monitor, "own.calls{tool=browser}", NULL, &reading) == 0);
    CHECK(reading.value == 3);
    REQUIRE(vagus_reading_get(monitor, "own.calls{tool=shell}", NULL, &reading) == 0);
    CHECK(reading.value == 2);
    CHECK(has(monitor, "own.time"));
    CHECK(health_says(monitor, "own.calls{tol=shell} is recorded, but not defined"));
    vagus_monitor_close(monitor);
}

static void contradictions_are_named(void)
{
    struct vagus_monitor *monitor = open_with(METRICS, VAGUS_NO_COLLECTORS);
    struct vagus_counter other =
        vagus_counter_define(monitor, &(struct vagus_metric_desc){.name = "own.depth"});
    CHECK_EQ(other.generation, 0);
    CHECK(health_says(monitor, "metric own.depth refused: the policy defines it as another"));
    struct vagus_gauge depth = vagus_gauge_define(
        monitor, &(struct vagus_metric_desc){.name = "own.depth", .unit = "{item}"});
    CHECK(depth.generation != 0);
    CHECK(health_says(monitor, "own.depth: the policy defines it in another unit, which holds"));
    struct vagus_gauge calls = vagus_gauge_define(
        monitor, &(struct vagus_metric_desc){.name = "own.calls", .instance = "x"});
    CHECK_EQ(calls.generation, 0);
    vagus_counter_define(monitor, &(struct vagus_metric_desc){
                                      .name = "own.calls", .instance = "x", .label = "host"});
    CHECK(health_says(monitor, "own.calls: the policy calls its instances otherwise"));
    CHECK_EQ(vagus_monitor_start(monitor), 0);
    vagus_monitor_close(monitor);

    /* A collector fills it: it stands, and that is said. */
    monitor = open_port("metrics: [{name: port.count, kind: gauge}]\nrules: []\n");
    CHECK_EQ(vagus_monitor_start(monitor), 0);
    CHECK(health_says(monitor, "metric port.count of the policy refused"));
    vagus_monitor_close(monitor);
}

/* --- Listeners that must be there. --- */

static int add_listener(struct vagus_monitor *monitor, const char *name, uint32_t kinds,
                        const char *const *resources)
{
    return vagus_listener_add(
        monitor,
        &(struct vagus_listener_desc){.size = sizeof(struct vagus_listener_desc),
                                      .name = name,
                                      .kinds = kinds,
                                      .resources = resources,
                                      .flags = VAGUS_LISTENER_POLLED},
        NULL);
}

#define EXPECTED                                                                                   \
    "strict: true\n"                                                                               \
    "listeners:\n"                                                                                 \
    "  - {name: llm, kinds: [throttle, defer], resources: [queue]}\n"                              \
    "rules: [{name: r, metric: port.count, resource: queue, defer: {above: 5, clear: 4}, "         \
    "throttle: {above: 5, clear: 4}}]\n"

static bool wiring_says(struct vagus_monitor *monitor, const char *words)
{
    CHECK_EQ(vagus_wiring_check(monitor, &faults), VAGUS_EUNWIRED);
    for (uint32_t i = 0; i < faults.count; i++)
        if (strcmp(faults.faults[i].text, words) == 0)
            return faults.faults[i].line == 3;
    return false;
}

static void who_never_came_is_named(void)
{
    struct vagus_monitor *monitor = open_port(EXPECTED);
    CHECK_EQ(add_listener(monitor, "lmm", VAGUS_SIGNAL_ANY, NULL), 0);
    CHECK_EQ(vagus_monitor_start(monitor), VAGUS_EUNWIRED);
    CHECK(wiring_says(monitor, "listener 'llm' is expected, and nobody is registered by that "
                               "name: is 'lmm' meant?"));
    /* He comes, and it starts. */
    CHECK_EQ(add_listener(monitor, "llm", VAGUS_THROTTLE | VAGUS_DEFER, NULL), 0);
    CHECK_EQ(vagus_wiring_check(monitor, &faults), 0);
    CHECK_EQ(vagus_monitor_start(monitor), 0);
    vagus_monitor_close(monitor);
}

static void who_came_for_less_is_named(void)
{
    static const char *const queue[] = {"queue", NULL}, *const other[] = {"other", NULL};
    struct vagus_monitor *monitor = open_port(EXPECTED);
    CHECK_EQ(add_listener(monitor, "llm", VAGUS_THROTTLE, other), 0);
    CHECK_EQ(add_listener(monitor, "all", VAGUS_SIGNAL_ANY, NULL), 0);
    CHECK(wiring_says(monitor,
                      "listener 'llm' is expected to take defer, and did not register for it"));
    CHECK(wiring_says(monitor, "listener 'llm' is expected to take throttle about queue, and did "
                               "not register for it"));
    /* The rest of it may be registered apart. */
    CHECK_EQ(add_listener(monitor, "llm", VAGUS_DEFER, queue), 0);
    CHECK(!wiring_says(monitor,
                       "listener 'llm' is expected to take defer, and did not register for it"));
    vagus_monitor_close(monitor);
}

/* Without `strict` it starts, says so, and takes that back when somebody registers late. */
static void who_comes_late_is_seen(void)
{
    struct vagus_monitor *monitor = open_port("listeners: [{name: late}]\nrules: []\n");
    REQUIRE(vagus_monitor_start(monitor) == 0);
    organ_run(monitor, 2 * S);
    CHECK(health_says(monitor, "listener 'late' is expected"));
    CHECK_EQ(add_listener(monitor, "late", VAGUS_SHUTDOWN, NULL), 0);
    organ_run(monitor, 2 * S);
    CHECK(!health_says(monitor, "listener 'late' is expected"));
    vagus_monitor_close(monitor);
}

int main(void)
{
    RUN(a_collector_comes_more_seldom);
    RUN(a_metric_comes_more_seldom);
    RUN(what_cannot_be_is_named);
    RUN(instances_are_left_out);
    RUN(some_of_an_instance_is_left_out);
    RUN(collectors_are_left_out);
    RUN(code_finds_what_the_policy_defines);
    RUN(contradictions_are_named);
    RUN(who_never_came_is_named);
    RUN(who_came_for_less_is_named);
    RUN(who_comes_late_is_seen);
    return check_result();
}
