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
static char output[REPORT_JSON_BYTES_MAX];

static struct vagus_reading taken(double value, double age_s)
{
    return (struct vagus_reading){.value = value,
                                  .taken_ns = NOW_NS - SECONDS(age_s),
                                  .good_until_ns = NOW_NS - SECONDS(age_s) + SECONDS(3)};
}

static struct vagus_reading missing(int error)
{
    return (struct vagus_reading){.error = error};
}

static void put_header(uint32_t life, bool alive)
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

static void put_listener(const char *name, uint32_t kinds, uint64_t sequence, uint32_t kind,
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

static void put_collector(const char *name, int error, uint64_t failures)
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

static void put_note(uint32_t kind, uint32_t times, const char *text)
{
    struct segment_note *note = &report.notes[report.note_count++];
    *note = (struct segment_note){.at_ns = NOW_NS - SECONDS(3780), .kind = kind, .times = times};
    strcpy(note->text, text);
}

/* A transition, and the snapshot's entry if it is still raised. */
static void put_signal(uint32_t kind, uint32_t change, double ago_s, const char *resource,
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

static void put_raised(uint32_t kind, double for_s, const char *resource, double level)
{
    struct vagus_snapshot_signal *raised = &report.snapshot.signals[report.snapshot.signal_count++];
    raised->kind = kind;
    raised->level = (float)level;
    raised->since_ns = NOW_NS - SECONDS(for_s);
    strcpy(raised->resource, resource);
    snprintf(raised->rule, sizeof(raised->rule), "%s-headroom", resource);
}

static void put_organs(void)
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
static void make_calm(void)
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

/* Two signals are raised, one listener hangs, and the monitor has troubles of its own. */
static void make_degraded(void)
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
static void check_output(const char *name, const char *got)
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
