/* SPDX-License-Identifier: Apache-2.0 */
/* The snapshot's readings, from real metrics. */
#include "base/clock.h"
#include "check.h"
#include "report/assemble.h"

#define METRICS 256

static struct segment segment;
static struct metrics metrics;
static struct assembly assembly;
static struct vagus_system_snapshot snapshot;

static bool begin(void)
{
    struct segment_options options = {.agent = "assemble",
                                      .bytes = SEGMENT_BYTES_MIN,
                                      .metrics_max = METRICS,
                                      .anonymous = true,
                                      .clock = &clock_of_machine};
    memset(&snapshot, 0, sizeof(snapshot));
    memset(&assembly, 0, sizeof(assembly));
    uint32_t generation = cells_door_take();
    return segment_create(&options, &segment) == 0 &&
           metrics_init(&metrics, &segment, METRICS, 4, generation, &clock_of_machine) == 0;
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

static const struct assemble_names no_names;

static void bind(void)
{
    assemble_bind(&assembly, &metrics, &no_names, &snapshot);
}

/* As the sampler does it: what was put is copied, and mirrored only afterwards. */
static void copy(void)
{
    assemble_readings(&assembly, &metrics, &snapshot);
    metrics_mirror(&metrics, 1);
}

/* Every metric of the table gets its own number; each must arrive in its own field: when it is
 * bound, and when it is put again. */
static void every_field_has_its_metric(void)
{
    static const char *const names[] = {
#define SNAPSHOT_FIELD(part, field, metric, unit) metric,
#define SNAPSHOT_COUNT(field, metric, unit) metric,
#include "report/snapshot.def"
    };
    const unsigned count = sizeof(names) / sizeof(names[0]);
    REQUIRE(begin());
    for (unsigned i = 0; i < count; i++) {
        int index = define(names[i], NULL, "1");
        REQUIRE(index >= 0);
        metrics_put(&metrics, (uint32_t)index, 1000, i + 1);
    }
    bind();
    for (int round = 0; round < 2; round++) {
        unsigned i = 0;
#define SNAPSHOT_FIELD(part, field, metric, unit)                                                  \
    CHECK_NEAR(snapshot.part.field.value, ++i + 1000 * round, 0);                                  \
    CHECK_EQ(snapshot.part.field.taken_ns, 1000 + round);
#define SNAPSHOT_COUNT(field, metric, unit)                                                        \
    CHECK_NEAR(snapshot.agent.field.total.value, ++i + 1000 * round, 0);
#include "report/snapshot.def"
        for (i = 0; i < count; i++)
            metrics_put(&metrics, i, 1001, i + 1001);
        copy();
    }
    CHECK_EQ(assembly.bound_count, count);
    CHECK_EQ(snapshot.path_count, 0);
    CHECK_EQ(snapshot.gpu_count, 0);
    end();
}

/* No field is forgotten: each reading of these structs is in the table. */
#define READINGS(type) (offsetof(type, reserved) / sizeof(struct vagus_reading))
static void every_field_is_in_the_table(void)
{
    unsigned cpu = 0, memory = 0, network = 0, process = 0, agent = 0, monitor = 0;
    unsigned path = 0, gpu = 0;
#define SNAPSHOT_FIELD(part, field, metric, unit) part++;
#define SNAPSHOT_EITHER(part, field, metric, other, unit) part++;
#define SNAPSHOT_RATIO(part, field, over, under) part++;
#define SNAPSHOT_QUANTILE(part, field, metric, quantile) part++;
#define SNAPSHOT_NETWORK_RATE(part, field, metric, unit) part++;
#define SNAPSHOT_COUNT(field, metric, unit) agent += 3;
#define SNAPSHOT_PATH_FIELD(field, metric, unit) path++;
#define SNAPSHOT_GPU_FIELD(field, metric, unit) gpu++;
#include "report/snapshot.def"
    CHECK_EQ(cpu, READINGS(struct vagus_snapshot_cpu));
    CHECK_EQ(memory, READINGS(struct vagus_snapshot_memory));
    CHECK_EQ(network, READINGS(struct vagus_snapshot_network));
    CHECK_EQ(process, READINGS(struct vagus_snapshot_process));
    CHECK_EQ(agent + 1, READINGS(struct vagus_snapshot_agent)); /* error_rate, by code */
    CHECK_EQ(monitor, 1);
    CHECK_EQ(VAGUS_INSTANCE_MAX + path * sizeof(struct vagus_reading),
             offsetof(struct vagus_snapshot_path, reserved));
    CHECK_EQ(VAGUS_INSTANCE_MAX + gpu * sizeof(struct vagus_reading),
             offsetof(struct vagus_snapshot_gpu, reserved));
}

static void what_is_not_put_is_not_copied(void)
{
    REQUIRE(begin());
    int usage = define("memory.usage", NULL, "By"),
        load = define("system.cpu.utilization", NULL, "1");
    metrics_put(&metrics, (uint32_t)usage, 1, 1);
    metrics_put(&metrics, (uint32_t)load, 1, 1);
    bind();
    metrics_mirror(&metrics, 1);
    assembly.dirty = 0;
    snapshot.cpu.utilization.value = 5;
    metrics_put(&metrics, (uint32_t)usage, 2, 2);
    copy();
    CHECK_NEAR(snapshot.memory.usage.value, 2, 0);
    CHECK_NEAR(snapshot.cpu.utilization.value, 5, 0);
    CHECK_EQ(assembly.dirty, 1u << PART_MEMORY);
    end();
}

static void what_is_not_defined_was_never_read(void)
{
    REQUIRE(begin());
    bind();
    copy();
    CHECK_EQ(vagus_reading_state(&snapshot.memory.usage, 1), VAGUS_STATE_NEVER);
    CHECK_EQ(vagus_reading_state(&snapshot.agent.tokens.total, 1), VAGUS_STATE_NEVER);
    end();
}

static void later_metrics_are_bound_again(void)
{
    REQUIRE(begin());
    bind();
    int index = define("agent.tokens", NULL, "{token}");
    CHECK(metrics_count(&metrics) != assembly.bound_count);
    metrics_put(&metrics, (uint32_t)index, 7, 12);
    bind();
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
        REQUIRE(define("disk.limit", paths[i], "By") >= 0);
    }
    int ratio = define("disk.free.ratio", "/var", "1");
    metrics_put_missing(&metrics, (uint32_t)ratio, 9, VAGUS_EIO);
    bind();
    CHECK_EQ(snapshot.path_count, VAGUS_SNAPSHOT_PATHS + 1); /* how many there are */
    CHECK_STR(snapshot.paths[1].path, "/var");
    CHECK_STR(snapshot.paths[VAGUS_SNAPSHOT_PATHS - 1].path, "/b");
    CHECK_NEAR(snapshot.paths[1].free.value, 200, 0);
    CHECK_EQ(vagus_reading_state(&snapshot.paths[1].free_ratio, 10), VAGUS_STATE_ERROR);
    CHECK_EQ(vagus_reading_state(&snapshot.paths[2].free_ratio, 10), VAGUS_STATE_NEVER);
    end();
}

static void gpus_are_there_by_whatever_they_tell(void)
{
    REQUIRE(begin());
    int hot = define("hw.gpu.temperature", "card0", "Cel");
    int free = define("hw.gpu.memory.free", "GPU-1", "By");
    metrics_put(&metrics, (uint32_t)hot, 9, 71);
    metrics_put(&metrics, (uint32_t)free, 9, 1e9);
    bind();
    CHECK_EQ(snapshot.gpu_count, 2);
    CHECK_STR(snapshot.gpus[0].device, "card0");
    CHECK_STR(snapshot.gpus[1].device, "GPU-1");
    CHECK_NEAR(snapshot.gpus[0].temperature.value, 71, 0);
    CHECK_EQ(vagus_reading_state(&snapshot.gpus[0].memory_free, 10), VAGUS_STATE_NEVER);
    CHECK_NEAR(snapshot.gpus[1].memory_free.value, 1e9, 0);
    metrics_mirror(&metrics, 9);
    metrics_put(&metrics, (uint32_t)hot, 19, 72);
    copy();
    CHECK_NEAR(snapshot.gpus[0].temperature.value, 72, 0);
    end();
}

static void pressure_is_the_cgroups_where_there_is_one(void)
{
    REQUIRE(begin());
    int host = define("system.pressure.cpu.some", NULL, "1");
    metrics_put(&metrics, (uint32_t)host, 1, 0.5);
    bind();
    CHECK_NEAR(snapshot.cpu.pressure_ratio.value, 0.5, 0);
    int own = define("cgroup.pressure.cpu.some", NULL, "1");
    metrics_put_missing(&metrics, (uint32_t)own, 2, VAGUS_EUNSUPPORTED);
    bind();
    CHECK_EQ(vagus_reading_state(&snapshot.cpu.pressure_ratio, 2), VAGUS_STATE_OK);
    CHECK_NEAR(snapshot.cpu.pressure_ratio.value, 0.5, 0);
    metrics_put(&metrics, (uint32_t)own, 3, 0.1);
    metrics_put(&metrics, (uint32_t)host, 3, 0.6);
    copy();
    CHECK_NEAR(snapshot.cpu.pressure_ratio.value, 0.1, 0);
    metrics_put_missing(&metrics, (uint32_t)own, 4, VAGUS_EIO); /* it is there, and fails */
    metrics_put(&metrics, (uint32_t)host, 4, 0.7);
    copy();
    CHECK_EQ(vagus_reading_state(&snapshot.cpu.pressure_ratio, 4), VAGUS_STATE_ERROR);
    end();
}

static void a_share_is_as_good_as_both_of_its_parts(void)
{
    const struct vagus_reading *share = &snapshot.agent.queue_saturation;
    REQUIRE(begin());
    int queued = define("agent.tasks.queued", NULL, "{task}");
    int capacity = define("agent.queue.capacity", NULL, "{task}");
    metrics_put(&metrics, (uint32_t)queued, 5, 3);
    bind();
    CHECK_EQ(vagus_reading_state(share, 5), VAGUS_STATE_NEVER);
    metrics_put(&metrics, (uint32_t)capacity, 4, 12);
    copy();
    CHECK_NEAR(share->value, 0.25, 0);
    CHECK_EQ(share->taken_ns, 4);
    CHECK_EQ(share->good_until_ns, 4 + VAGUS_SECOND_NS);
    CHECK_STR(vagus_source_name(share->source), "derived");
    metrics_put(&metrics, (uint32_t)capacity, 6, 0);
    copy();
    CHECK_EQ(share->error, VAGUS_EAGAIN);
    metrics_put_missing(&metrics, (uint32_t)queued, 7, VAGUS_EIO);
    copy();
    CHECK_EQ(share->error, VAGUS_EIO);
    end();
}

static void named_metrics_are_shown(void)
{
    char *list[] = {(char *)"my.own", (char *)"disk.free{path=/var}", (char *)"no.such{tool=x}"};
    const struct assemble_names names = {list, 3};
    REQUIRE(begin());
    int own = define("my.own", NULL, "W");
    const char *why;
    struct vagus_metric_desc desc = {.name = "disk.free",
                                     .instance = "/var",
                                     .label = "path",
                                     .unit = "By",
                                     .kind = VAGUS_GAUGE};
    int var = metrics_define(&metrics, &desc, METRIC_SENSED, &why);
    metrics_put(&metrics, (uint32_t)own, 1, 3);
    metrics_put(&metrics, (uint32_t)var, 1, 4);
    assemble_bind(&assembly, &metrics, &names, &snapshot);
    CHECK_EQ(snapshot.metric_count, 3);
    CHECK_STR(snapshot.metrics[0].name, "my.own");
    CHECK_STR(snapshot.metrics[0].unit, "W");
    CHECK_NEAR(snapshot.metrics[0].reading.value, 3, 0);
    CHECK_STR(snapshot.metrics[1].instance, "/var");
    CHECK_NEAR(snapshot.metrics[1].reading.value, 4, 0);
    CHECK_NEAR(snapshot.paths[0].free.value, 4, 0); /* and where it always stands */
    CHECK_STR(snapshot.metrics[2].name, "no.such");
    CHECK_STR(snapshot.metrics[2].instance, "x");
    CHECK_EQ(snapshot.metrics[2].reading.error, VAGUS_ENOENT);
    metrics_put(&metrics, (uint32_t)var, 2, 5);
    copy();
    CHECK_NEAR(snapshot.metrics[1].reading.value, 5, 0);
    CHECK_NEAR(snapshot.paths[0].free.value, 5, 0);
    bind();
    CHECK_EQ(snapshot.metric_count, 0);
    CHECK_STR(snapshot.metrics[0].name, "");
    end();
}

/* Whatever parts change, a slot that is copied by ranges holds what a whole copy would. */
static void ranges_make_whole_snapshots(void)
{
    static struct segment_slots slots;
    static struct vagus_system_snapshot out;
    const unsigned parts = ASSEMBLE_PARTS;
    uint32_t random = 1, copied = 0;
    memset(&slots, 0, sizeof(slots));
    memset(&slots.slots, 0x5a, sizeof(slots.slots)); /* of whoever had this place before */
    memset(&snapshot, 0, sizeof(snapshot));
    memset(&assembly, 0, sizeof(assembly));
    assembly.dirty = (1u << ASSEMBLE_PARTS) - 1;
    for (uint64_t number = 1; number < 2000; number++) {
        struct segment_range ranges[ASSEMBLE_PARTS];
        random = random * 1664525 + 1013904223;
        if (random >> 31 != 0) {
            snapshot.memory.usage.value = (double)number;
            assemble_touch(&assembly, PART_MEMORY);
        }
        if ((random >> 28 & 7) == 0) {
            snapshot.metrics[11].reading.value = (double)number;
            assemble_touch(&assembly, PART_METRICS);
        }
        if ((random >> 20 & 15) == 0) {
            snapshot.gpus[7].throttled.value = snapshot.paths[0].free.value = (double)number;
            assemble_touch(&assembly, PART_GPUS);
            assemble_touch(&assembly, PART_PATHS);
        }
        snapshot.sequence = number;
        snapshot.monitor.ticks = number;
        unsigned count = assemble_ranges(&assembly, number, ranges);
        REQUIRE(count <= parts);
        for (unsigned i = 0; i < count; i++)
            copied += ranges[i].end - ranges[i].begin;
        segment_publish_ranges(&slots, number, &snapshot, ranges, count);
        REQUIRE(segment_snapshot_copy(&slots, &out, sizeof(out)) == 0);
        REQUIRE(memcmp(&out, &snapshot, sizeof(out)) == 0);
    }
    CHECK(copied < 2000 * sizeof(snapshot) / 2);
}

static void a_metric_leads_back_to_its_reading(void)
{
    const char *unit = NULL;
    memset(&snapshot, 0, sizeof(snapshot));
    snapshot.path_count = snapshot.gpu_count = 1;
    strcpy(snapshot.paths[0].path, "/var");
    strcpy(snapshot.gpus[0].device, "GPU-1");
    CHECK(assemble_reading_of(&snapshot, "memory.usage", "", &unit) == &snapshot.memory.usage);
    CHECK_STR(unit, "By");
    CHECK(assemble_reading_of(&snapshot, "disk.free.ratio", "/var", &unit) ==
          &snapshot.paths[0].free_ratio);
    CHECK_STR(unit, "1");
    CHECK(assemble_reading_of(&snapshot, "hw.gpu.power", "GPU-1", &unit) ==
          &snapshot.gpus[0].power);
    CHECK_STR(unit, "W");
    CHECK(assemble_reading_of(&snapshot, "hw.gpu.power", "/var", &unit) == NULL);
    CHECK(assemble_reading_of(&snapshot, "disk.free", "/", &unit) == NULL);
    CHECK(assemble_reading_of(&snapshot, "memory.usage", "/var", &unit) == NULL);
    CHECK(assemble_reading_of(&snapshot, "no.such", "", &unit) == NULL);
    snapshot.path_count = 77;
    CHECK(assemble_reading_of(&snapshot, "disk.free", "/nowhere", &unit) == NULL);
}

int main(void)
{
    RUN(every_field_has_its_metric);
    RUN(every_field_is_in_the_table);
    RUN(what_is_not_put_is_not_copied);
    RUN(what_is_not_defined_was_never_read);
    RUN(later_metrics_are_bound_again);
    RUN(paths_are_the_instances_of_disk_free);
    RUN(gpus_are_there_by_whatever_they_tell);
    RUN(pressure_is_the_cgroups_where_there_is_one);
    RUN(a_share_is_as_good_as_both_of_its_parts);
    RUN(named_metrics_are_shown);
    RUN(ranges_make_whole_snapshots);
    RUN(a_metric_leads_back_to_its_reading);
    return check_result();
}
