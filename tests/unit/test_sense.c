/* SPDX-License-Identifier: Apache-2.0 */
/* Collectors at work in a monitor: instances that come and go while it runs. */
#include "check.h"
#include "monitor_fixture.h"

#define ROOM 3

/* The devices that are plugged in, and what the collector was answered for each. */
static bool plugged[5];
static int numbers[5];

static const struct vagus_metric_desc port_metrics[] = {
    {.name = "port.count", .kind = VAGUS_GAUGE},
    {.name = "port.load", .instance = "*", .label = "port", .kind = VAGUS_GAUGE},
};

static int port_sample(struct vagus_collector *collector, unsigned due)
{
    unsigned count = 0;
    (void)due;
    for (unsigned i = 0; i < 5; i++) {
        char name[] = {'p', (char)('0' + i), '\0'};
        if (!plugged[i])
            continue;
        count++;
        numbers[i] = vagus_collector_instance_add(collector, name);
        if (numbers[i] >= 0)
            vagus_put(collector, 1, (size_t)numbers[i], 10.0 * i);
    }
    vagus_put(collector, 0, 0, count);
    return 0;
}

static const struct vagus_collector_desc port = {.size = sizeof(struct vagus_collector_desc),
                                                 .name = "port",
                                                 .instances_max = ROOM,
                                                 .metrics = port_metrics,
                                                 .metric_count = 2,
                                                 .sample = port_sample};

static void check_load(struct vagus_monitor *m, const char *name, enum vagus_state state,
                       double value)
{
    struct vagus_reading reading = {0};
    REQUIRE(vagus_reading_get(m, "port.load", name, &reading) == 0);
    CHECK_EQ(vagus_reading_state(&reading, atomic_load(&test_now_ns)), state);
    CHECK(reading.value == value);
}

static void instances_come_and_go(void)
{
    struct vagus_monitor *m = organ_open(VAGUS_STEPPED);
    struct vagus_reading reading;
    plugged[1] = true;
    REQUIRE(vagus_collector_add(m, &port) == 0);
    REQUIRE(vagus_monitor_start(m) == 0);
    check_load(m, "p1", VAGUS_STATE_OK, 10);
    CHECK_EQ(vagus_reading_get(m, "port.load", "p2", &reading), VAGUS_ENOENT);

    plugged[1] = false;
    plugged[2] = true;
    organ_run(m, 5 * S);
    check_load(m, "p1", VAGUS_STATE_STALE, 10);
    check_load(m, "p2", VAGUS_STATE_OK, 20);

    /* One that comes back goes on where it was; one too many has no place. */
    plugged[1] = plugged[3] = plugged[4] = true;
    organ_run(m, 2 * S);
    check_load(m, "p1", VAGUS_STATE_OK, 10);
    check_load(m, "p3", VAGUS_STATE_OK, 30);
    CHECK_EQ(numbers[1], 0);
    CHECK_EQ(numbers[3], 2);
    CHECK_EQ(numbers[4], VAGUS_EFULL);
    CHECK_EQ(vagus_reading_get(m, "port.load", "p4", &reading), VAGUS_ENOENT);
    vagus_monitor_close(m);
}

static int name_badly(struct vagus_collector *collector)
{
    char name[VAGUS_INSTANCE_MAX + 1];
    memset(name, 'x', sizeof(name));
    name[VAGUS_INSTANCE_MAX] = '\0';
    CHECK_EQ(vagus_collector_instance_add(collector, name), VAGUS_EINVAL);
    CHECK_EQ(vagus_collector_instance_add(collector, ""), VAGUS_EINVAL);
    CHECK_EQ(vagus_collector_instance_add(collector, NULL), VAGUS_EINVAL);
    name[VAGUS_INSTANCE_MAX - 1] = '\0';
    CHECK_EQ(vagus_collector_instance_add(collector, name), 0);
    return 0;
}

static void names_are_whole_or_refused(void)
{
    struct vagus_collector_desc desc = port;
    struct vagus_monitor *m = organ_open(VAGUS_STEPPED);
    desc.instances_max = VAGUS_COLLECTOR_INSTANCES_MAX + 1;
    CHECK_EQ(vagus_collector_add(m, &desc), VAGUS_EINVAL);
    desc.instances_max = 0;
    desc.open = name_badly;
    CHECK_EQ(vagus_collector_add(m, &desc), 0);
    vagus_monitor_close(m);
}

static unsigned absent_samples;
static bool absent;

static int absent_sample(struct vagus_collector *collector, unsigned due)
{
    (void)due;
    absent_samples++;
    if (absent)
        return VAGUS_EUNSUPPORTED;
    vagus_put(collector, 0, 0, 1);
    return 0;
}

static void what_is_not_there_is_asked_for_once_a_minute(void)
{
    static const struct vagus_metric_desc metrics[] = {
        {.name = "absent.value", .kind = VAGUS_GAUGE, .tier = VAGUS_TIER_100MS}};
    static const struct vagus_collector_desc desc = {.size = sizeof(struct vagus_collector_desc),
                                                     .name = "absent",
                                                     .metrics = metrics,
                                                     .metric_count = 1,
                                                     .sample = absent_sample};
    struct vagus_monitor *m = organ_open(VAGUS_STEPPED);
    struct vagus_reading reading;
    struct vagus_system_snapshot s;
    absent = true;
    REQUIRE(vagus_collector_add(m, &desc) == 0);
    REQUIRE(vagus_monitor_start(m) == 0);
    organ_run(m, 59 * S);
    CHECK_EQ(absent_samples, 1);
    CHECK_EQ(vagus_reading_get(m, "absent.value", NULL, &reading), 0);
    CHECK_EQ(vagus_reading_state(&reading, atomic_load(&test_now_ns)), VAGUS_STATE_UNSUPPORTED);
    CHECK_EQ(vagus_snapshot_read(m, &s), 0);
    CHECK_EQ(s.monitor.failed_collectors, 0);
    CHECK_EQ(vagus_snapshot_verdict(&s, s.published_ns), VAGUS_VERDICT_OK);

    absent = false;
    organ_run(m, 2 * S); /* the minute is over: it is there, and felt on its own tier again */
    CHECK_EQ(vagus_reading_get(m, "absent.value", NULL, &reading), 0);
    CHECK_EQ(vagus_reading_state(&reading, atomic_load(&test_now_ns)), VAGUS_STATE_OK);
    CHECK(absent_samples > 10);
    vagus_monitor_close(m);
}

int main(void)
{
    RUN(what_is_not_there_is_asked_for_once_a_minute);
    RUN(instances_come_and_go);
    RUN(names_are_whole_or_refused);
    return check_result();
}
