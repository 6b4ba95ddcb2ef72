/* SPDX-License-Identifier: Apache-2.0 */
/* Reports made by hand, all times counted from one fixed moment, and the comparison of what they
 * print with tests/fixtures/report/. VAGUS_REFRESH=1 writes those files anew. */
#ifndef TESTS_UNIT_REPORT_FIXTURE_H
#define TESTS_UNIT_REPORT_FIXTURE_H

#include <stdlib.h>

#include "base/text.h"
#include "check.h"
#include "report/report.h"

#define SECONDS(n) ((int64_t)((n)*1e9))
#define NOW_NS SECONDS(100000)
#define MIB (1024.0 * 1024.0)

static struct report report;
static __attribute__((unused)) char output[REPORT_JSON_BYTES_MAX];

static inline struct vagus_reading taken(double value, double age_s)
{
    return (struct vagus_reading){.value = value,
                                  .taken_ns = NOW_NS - SECONDS(age_s),
                                  .good_until_ns = NOW_NS - SECONDS(age_s) + SECONDS(3)};
}

static inline struct vagus_reading missing(int error)
{
    return (struct vagus_reading){.error = error};
}

static inline void put_header(uint32_t life, bool alive)
{
    struct segment_header *header = &report.header;
    header->pid = 4242;
    header->life = life;
    header->started_ns = NOW_NS - SECONDS(3780);
    strcpy(header->agent, "researcher");
    strcpy(header->program, "python3");
    strcpy(header->library_version, "0.1.0");
    report.alive = alive;
    report.now_ns = NOW_NS;
}

static inline void put_listener(const char *name, uint32_t kinds, uint64_t sequence, uint32_t kind,
                                const char *resource, double took_s, double busy_s)
{
    struct segment_listener *listener = &report.listeners[report.listener_count++];
    strcpy(listener->name, name);
    strcpy(listener->last_resource, resource);
    listener->kinds = kinds;
    listener->last_kind = kind;
    listener->last_sequence = sequence;
    listener->last_took_ns = SECONDS(took_s);
    listener->busy_since_ns = busy_s > 0 ? NOW_NS - SECONDS(busy_s) : 0;
    listener->last_call_ns = NOW_NS - SECONDS(busy_s > 0 ? busy_s : 12);
    listener->calls = sequence;
    report.snapshot.monitor.listeners++;
    report.snapshot.monitor.hung_listeners += busy_s > 1;
}

static inline void put_collector(const char *name, int error, uint64_t failures)
{
    struct segment_collector *collector = &report.collectors[report.collector_count++];
    strcpy(collector->name, name);
    collector->error = error;
    collector->samples = 37800;
    collector->failures = failures;
    collector->metrics = 6;
    collector->took_ns = 21000;
    collector->last_ns = NOW_NS - SECONDS(0.05);
    report.snapshot.monitor.collectors++;
    report.snapshot.monitor.failed_collectors += error != 0;
}

static inline void put_note(uint32_t kind, uint32_t times, const char *text)
{
    struct segment_note *note = &report.notes[report.note_count++];
    *note = (struct segment_note){.at_ns = NOW_NS - SECONDS(3780), .kind = kind, .times = times};
    strcpy(note->text, text);
}

/* A transition, and the snapshot's entry if it is still raised. */
static inline void put_signal(uint32_t kind, uint32_t change, double ago_s, const char *resource,
                              const char *metric, double value, double threshold, double level,
                              const char *reason)
{
    struct segment_signal *entry = &report.signals[report.signal_count++];
    struct vagus_signal *signal = &entry->signal;
    report.signal_total++;
    entry->told = 2;
    entry->wall_ns = SECONDS(1800000000) - SECONDS(ago_s);
    *signal = (struct vagus_signal){.kind = kind,
                                    .change = change,
                                    .sequence = report.signal_total,
                                    .at_ns = NOW_NS - SECONDS(ago_s),
                                    .since_ns = NOW_NS - SECONDS(ago_s),
                                    .sample_age_ns = SECONDS(0.03),
                                    .level = level,
                                    .value = value,
                                    .threshold = threshold};
    strcpy(signal->resource, resource);
    snprintf(signal->rule, sizeof(signal->rule), "%s-headroom", resource);
    strcpy(signal->metric, metric);
    strcpy(signal->unit, "1");
    strcpy(signal->reason, reason);
}

static inline void put_raised(uint32_t kind, double for_s, const char *resource, double level)
{
    struct vagus_snapshot_signal *raised = &report.snapshot.signals[report.snapshot.signal_count++];
    raised->kind = kind;
    raised->level = (float)level;
    raised->since_ns = NOW_NS - SECONDS(for_s);
    strcpy(raised->resource, resource);
    snprintf(raised->rule, sizeof(raised->rule), "%s-headroom", resource);
}

static inline void put_organs(void)
{
    struct vagus_system_snapshot *s = &report.snapshot;
    s->cpu.utilization = taken(0.354, 0.4);
    s->cpu.process_cores = taken(0.24, 0.4);
    s->cpu.allowance_cores = taken(2, 2);
    s->cpu.process_utilization = taken(0.12, 0.4);
    s->cpu.load_1m = taken(0.81, 0.4);
    s->memory.total = taken(8192 * MIB, 2);
    s->memory.available = taken(3000 * MIB, 0.05);
    s->memory.limit = taken(256 * MIB, 2);
    s->memory.usage = taken(156.2 * MIB, 0.05);
    s->memory.headroom = taken(99.8 * MIB, 0.05);
    s->memory.headroom_ratio = taken(99.8 / 256, 0.05);
    s->memory.swap_total = taken(0, 2);
    s->process.resident = taken(148 * MIB, 0.4);
    s->process.virtual_size = taken(900 * MIB, 0.4);
    s->process.threads = taken(7, 0.4);
    s->process.descriptors = taken(12, 0.4);
    s->process.descriptors_limit = taken(1024, 2);
    s->process.uptime = taken(3781, 0.4);
    s->agent.messages.total = taken(318, 0.05);
    s->agent.tokens.total = taken(51234, 0.05);
    s->agent.errors.total = taken(2, 0.05);
    s->agent.tool_calls.total = taken(41, 0.05);
    s->path_count = 1;
    s->mode.count = 5;
    s->mode.since_ns = NOW_NS - SECONDS(3780);
    strcpy(s->mode.name, "normal");
    strcpy(s->paths[0].path, "/var/lib/researcher");
    s->paths[0].free = taken(4300 * MIB, 0.4);
    s->paths[0].free_ratio = taken(0.18, 0.4);
    s->paths[0].inodes_free_ratio = taken(0.97, 0.4);
}

/* A monitor that runs and has nothing to complain about. */
static inline void make_calm(void)
{
    struct vagus_system_snapshot *s = &report.snapshot;
    memset(&report, 0, sizeof(report));
    put_header(SEGMENT_RUNNING, true);
    put_organs();
    s->size = sizeof(*s);
    s->version = VAGUS_SNAPSHOT_VERSION;
    s->published_ns = NOW_NS - SECONDS(0.05);
    s->good_until_ns = NOW_NS + SECONDS(0.4);
    s->started_ns = report.header.started_ns;
    s->judged = VAGUS_VERDICT_OK;
    s->monitor.cpu_ratio = taken(0.0007, 0.4);
    s->monitor.ticks = 37801;
    s->monitor.metrics = 31;
    put_collector("memory", 0, 0);
    put_collector("cpu", 0, 0);
    put_collector("process", 0, 0);
    put_collector("disk", 0, 0);
    put_listener("llm", VAGUS_SIGNAL_ANY, 0, 0, "", 0, 0);
    put_listener("cache", VAGUS_THROTTLE | VAGUS_DEFER, 0, 0, "", 0, 0);
}

static inline void put_spark(unsigned slot, double from, double to, unsigned known)
{
    struct report_spark *spark = &report.sparks[slot];
    spark->known = true;
    for (unsigned i = 0; i < REPORT_SPARK_STEPS; i++)
        spark->values[i] = i < REPORT_SPARK_STEPS - known
                               ? NAN
                               : from + (to - from) * i / (REPORT_SPARK_STEPS - 1);
}

static inline void put_device(const char *device, double used_ratio, double busy_ratio)
{
    struct vagus_snapshot_gpu *gpu = &report.snapshot.gpus[report.snapshot.gpu_count];
    put_spark(REPORT_SPARK_GPUS + report.snapshot.gpu_count++, used_ratio, used_ratio, 60);
    strcpy(gpu->device, device);
    gpu->memory_utilization = taken(used_ratio, 0.2);
    gpu->memory_limit = taken(81920 * MIB, 2);
    gpu->memory_usage = taken(81920 * MIB * used_ratio, 0.2);
    gpu->memory_free = taken(81920 * MIB * (1 - used_ratio), 0.2);
    gpu->utilization = taken(busy_ratio, 0.2);
    gpu->temperature = taken(61, 0.2);
    gpu->power = taken(312, 0.2);
    gpu->throttled = taken(0, 0.2);
}

static inline struct vagus_snapshot_budget *put_allowance(const char *name, const char *unit,
                                                          uint64_t limit, uint64_t used,
                                                          uint64_t reserved)
{
    struct vagus_snapshot_budget *budget = &report.snapshot.budgets[report.snapshot.budget_count++];
    strcpy(budget->name, name);
    strcpy(budget->unit, unit);
    strcpy(budget->resource, "budget");
    budget->window_ns = SECONDS(3600);
    budget->status = (struct vagus_budget_status){.limit = limit,
                                                  .left = (int64_t)(limit - used - reserved),
                                                  .used = used,
                                                  .reserved = reserved,
                                                  .known = 1};
    return budget;
}

/* All that a summary can tell of, and nothing is wrong. */
static inline void add_everything(void)
{
    struct vagus_system_snapshot *s = &report.snapshot;
    put_spark(REPORT_SPARK_MEMORY, 0.4, 0.61, 60);
    put_spark(REPORT_SPARK_CPU, 0.9, 0.12, 45);
    put_spark(REPORT_SPARK_PROCESS, 0.01, 0.012, 60);
    put_spark(REPORT_SPARK_NETWORK, 1e6, 3e6, 60);
    put_spark(REPORT_SPARK_AGENT, 5, 40, 60);
    strcpy(report.sparks[REPORT_SPARK_AGENT].unit, " tokens");
    put_spark(REPORT_SPARK_PATHS, 0.82, 0.82, 20);
    put_device("GPU-0a1b2c3d", 0.37, 0.96);
    put_device("GPU-4e5f6071", 0.9951, 0);
    s->gpus[1].throttled = taken(1, 0.2);
    s->network.receive_rate = taken(2.1 * MIB, 1);
    s->network.transmit_rate = taken(40960, 1);
    s->network.established = taken(14, 1);
    s->agent.context_used = taken(0.71, 0.4);
    s->agent.progress_age = taken(1.5, 0.1);
    put_allowance("tokens-hour", "{token}", 200000, 148000, 4000)->exhausted_in = taken(1380, 0.1);
    put_allowance("vram", "By", 80ULL << 30, 30ULL << 30, 0)->exhausted_in = taken(INFINITY, 0.1);
    put_allowance("disk-scratch", "By", 0, 0, 0)->status.known = 0;
    s->forecast_count = 2;
    strcpy(s->forecasts[0].resource, "disk");
    strcpy(s->forecasts[0].instance, "/var");
    s->forecasts[0].exhausted_in = taken(7380, 1);
    strcpy(s->forecasts[1].resource, "memory");
    s->forecasts[1].exhausted_in = taken(250, 1);
    s->wall_ns = SECONDS(1800000000);
    s->continuity.last_end = VAGUS_END_OUT_OF_MEMORY;
    s->continuity.last_ended_wall_ns = SECONDS(1800000000) - SECONDS(5000);
    s->continuity.starts = 5;
    s->continuity.deaths = s->continuity.deaths_day = 2;
}

/* Two signals are raised, one listener hangs, and the monitor has troubles of its own. */
static inline void make_degraded(void)
{
    struct vagus_system_snapshot *s = &report.snapshot;
    make_calm();
    s->judged = VAGUS_VERDICT_DEGRADED;
    s->memory.usage = taken(240 * MIB, 0.05);
    s->memory.headroom = taken(15.9 * MIB, 0.05);
    s->memory.headroom_ratio = taken(15.9 / 256, 0.05);
    put_signal(VAGUS_THROTTLE, VAGUS_SIGNAL_RAISED, 1900, "memory", "memory.headroom.ratio", 0.19,
               0.2, 0.1, "memory.headroom.ratio 19 % is below 20 % for 500 ms");
    put_signal(VAGUS_THROTTLE, VAGUS_SIGNAL_CLEARED, 1840, "memory", "memory.headroom.ratio", 0.26,
               0.25, 0, "memory.headroom.ratio 26 % is above 25 % again");
    put_signal(VAGUS_THROTTLE, VAGUS_SIGNAL_RAISED, 12.3, "memory", "memory.headroom.ratio", 0.174,
               0.2, 0.15, "memory.headroom.ratio 17.4 % is below 20 % for 500 ms");
    put_signal(VAGUS_DEFER, VAGUS_SIGNAL_RAISED, 8, "memory", "memory.headroom.ratio", 0.081, 0.1,
               0.27, "memory.headroom.ratio 8.1 % is below 10 %");
    put_raised(VAGUS_DEFER, 8, "memory", 0.27);
    put_raised(VAGUS_THROTTLE, 12.3, "memory", 0.82);
    memset(report.listeners, 0, sizeof(report.listeners));
    report.listener_count = s->monitor.listeners = s->monitor.hung_listeners = 0;
    put_listener("llm", VAGUS_SIGNAL_ANY, 4, VAGUS_DEFER, "memory", 0.004, 0);
    put_listener("cache", VAGUS_THROTTLE | VAGUS_DEFER, 3, VAGUS_THROTTLE, "memory", 0.02, 12.2);
    memset(&report.collectors[3], 0, sizeof(report.collectors[3]));
    report.collector_count--;
    s->monitor.collectors--;
    put_collector("disk", VAGUS_EIO, 12);
    s->paths[0].free = s->paths[0].free_ratio = s->paths[0].inodes_free_ratio = missing(VAGUS_EIO);
    s->monitor.missed_ticks = 3;
    s->monitor.unwired = 1;
    put_note(SEGMENT_NOTE_UNWIRED, 1, "shutdown on memory: no listener takes it");
    put_note(SEGMENT_NOTE_INFO, 1, "pages of the sampler are not locked: RLIMIT_MEMLOCK is 64 KiB");
    s->mode.index = 2;
    s->mode.changes = 5;
    s->mode.since_ns = NOW_NS - SECONDS(6);
    strcpy(s->mode.name, "degraded");
    strcpy(s->mode.before, "alert");
}

/* Compares with the file of that name; with VAGUS_REFRESH=1 writes it instead. */
static inline void check_output(const char *name, const char *got)
{
    char path[512];
    static char wanted[REPORT_JSON_BYTES_MAX];
    snprintf(path, sizeof(path), "%s/report/%s", FIXTURES, name);
    const char *refresh = getenv("VAGUS_REFRESH");
    if (refresh != NULL && strcmp(refresh, "1") == 0) {
        FILE *file = fopen(path, "w");
        REQUIRE(file != NULL);
        CHECK(fputs(got, file) >= 0);
        CHECK_EQ(fclose(file), 0);
        return;
    }
    FILE *file = fopen(path, "r");
    REQUIRE(file != NULL);
    size_t length = fread(wanted, 1, sizeof(wanted) - 1, file);
    wanted[length] = '\0';
    fclose(file);
    if (strcmp(got, wanted) != 0)
        CHECK_FAIL_("%s differs; VAGUS_REFRESH=1 writes it anew. Got:\n%s", path, got);
}

#endif
