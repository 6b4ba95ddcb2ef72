/* SPDX-License-Identifier: Apache-2.0 */
/* The snapshot's readings, from real metrics. */
#include "base/clock.h"
#include "check.h"
#include "report/assemble.h"

static struct segment segment;
static struct metrics metrics;
static struct assembly assembly;
static struct vagus_system_snapshot snapshot;

static bool begin(void)
{
    struct segment_options options = {.agent = "assemble",
                                      .bytes = SEGMENT_BYTES_MIN,
                                      .metrics_max = 64,
                                      .anonymous = true,
                                      .clock = &clock_of_machine};
    memset(&snapshot, 0, sizeof(snapshot));
    memset(&assembly, 0, sizeof(assembly));
    uint32_t generation = cells_door_take();
    return segment_create(&options, &segment) == 0 &&
           metrics_init(&metrics, &segment, 64, 4, generation, &clock_of_machine) == 0;
}

static void end(void)
{
    metrics_finish(&metrics);
    segment_discard(&segment);
}

static int define(const char *name, const char *instance, const char *unit)
{
    const char *why = "";
    struct vagus_metric_desc desc = {.name = name,
                                     .instance = instance,
                                     .unit = unit,
                                     .help = "of a test",
                                     .kind = VAGUS_GAUGE,
                                     .tier = VAGUS_TIER_1S,
                                     .good_for_ns = VAGUS_SECOND_NS};
    return metrics_define(&metrics, &desc, METRIC_SENSED, &why);
}

/* Every metric of the table gets its own number; each must arrive in its own field. */
static void every_field_has_its_metric(void)
{
    static const char *const names[] = {
#define SNAPSHOT_FIELD(part, field, metric, unit) metric,
#include "report/snapshot.def"
    };
    const unsigned count = sizeof(names) / sizeof(names[0]);
    REQUIRE(begin());
    for (unsigned i = 0; i < count; i++) {
        int index = define(names[i], NULL, "1");
        REQUIRE(index >= 0);
        metrics_put(&metrics, (uint32_t)index, 1000, i + 1);
    }
    assemble_bind(&assembly, &metrics, &snapshot);
    assemble_readings(&assembly, &metrics, &snapshot);
    unsigned i = 0;
#define SNAPSHOT_FIELD(part, field, metric, unit)                                                  \
    CHECK_NEAR(snapshot.part.field.value, ++i, 0);                                                 \
    CHECK_EQ(snapshot.part.field.taken_ns, 1000);
#include "report/snapshot.def"
    CHECK_EQ(assembly.bound_count, count);
    CHECK_EQ(snapshot.path_count, 0);
    end();
}

static void what_is_not_defined_was_never_read(void)
{
    REQUIRE(begin());
    snapshot.memory.usage.taken_ns = 5; /* of an earlier publication */
    assemble_bind(&assembly, &metrics, &snapshot);
    assemble_readings(&assembly, &metrics, &snapshot);
    CHECK_EQ(vagus_reading_state(&snapshot.memory.usage, 1), VAGUS_STATE_NEVER);
    CHECK_EQ(vagus_reading_state(&snapshot.agent.tokens.total, 1), VAGUS_STATE_NEVER);
    end();
}

static void later_metrics_are_bound_again(void)
{
    REQUIRE(begin());
    assemble_bind(&assembly, &metrics, &snapshot);
    int index = define("agent.tokens", NULL, "{token}");
    CHECK(metrics_count(&metrics) != assembly.bound_count);
    metrics_put(&metrics, (uint32_t)index, 7, 12);
    assemble_bind(&assembly, &metrics, &snapshot);
    assemble_readings(&assembly, &metrics, &snapshot);
    CHECK_EQ(metrics_count(&metrics), assembly.bound_count);
    CHECK_NEAR(snapshot.agent.tokens.total.value, 12, 0);
    end();
}

static void paths_are_the_instances_of_disk_free(void)
{
    static const char *const paths[] = {"/",    "/var", "/home", "/srv",     "/opt",
                                        "/mnt", "/a",   "/b",    "/too-many"};
    REQUIRE(begin());
    for (unsigned i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        int index = define("disk.free", paths[i], "By");
        REQUIRE(index >= 0);
        metrics_put(&metrics, (uint32_t)index, 9, 100.0 * (i + 1));
    }
    int ratio = define("disk.free.ratio", "/var", "1");
    metrics_put_missing(&metrics, (uint32_t)ratio, 9, VAGUS_EIO);
    assemble_bind(&assembly, &metrics, &snapshot);
    assemble_readings(&assembly, &metrics, &snapshot);
    CHECK_EQ(snapshot.path_count, VAGUS_SNAPSHOT_PATHS);
    CHECK_STR(snapshot.paths[1].path, "/var");
    CHECK_NEAR(snapshot.paths[1].free.value, 200, 0);
    CHECK_EQ(vagus_reading_state(&snapshot.paths[1].free_ratio, 10), VAGUS_STATE_ERROR);
    CHECK_EQ(vagus_reading_state(&snapshot.paths[2].free_ratio, 10), VAGUS_STATE_NEVER);
    end();
}

static void a_metric_leads_back_to_its_reading(void)
{
    const char *unit = NULL;
    memset(&snapshot, 0, sizeof(snapshot));
    snapshot.path_count = 1;
    strcpy(snapshot.paths[0].path, "/var");
    CHECK(assemble_reading_of(&snapshot, "memory.usage", "", &unit) == &snapshot.memory.usage);
    CHECK_STR(unit, "By");
    CHECK(assemble_reading_of(&snapshot, "disk.free.ratio", "/var", &unit) ==
          &snapshot.paths[0].free_ratio);
    CHECK_STR(unit, "1");
    CHECK(assemble_reading_of(&snapshot, "disk.free", "/", &unit) == NULL);
    CHECK(assemble_reading_of(&snapshot, "memory.usage", "/var", &unit) == NULL);
    CHECK(assemble_reading_of(&snapshot, "no.such", "", &unit) == NULL);
    snapshot.path_count = 77;
    CHECK(assemble_reading_of(&snapshot, "disk.free", "/nowhere", &unit) == NULL);
}

int main(void)
{
    RUN(every_field_has_its_metric);
    RUN(what_is_not_defined_was_never_read);
    RUN(later_metrics_are_bound_again);
    RUN(paths_are_the_instances_of_disk_free);
    RUN(a_metric_leads_back_to_its_reading);
    return check_result();
}
