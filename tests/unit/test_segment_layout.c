/* SPDX-License-Identifier: Apache-2.0 */
/* Pins every size and offset that leaves the process. A change here is a new SEGMENT_VERSION, or of
 * the snapshot an appended field: never only a new number. */
#include "segment/layout.h"

#include "check.h"

#define AT(type, field, wanted) CHECK_EQ(offsetof(struct type, field), wanted)
#define SIZE(type, wanted) CHECK_EQ(sizeof(struct type), wanted)

static void header_is_pinned(void)
{
    SIZE(segment_header, 912);
    AT(segment_header, magic, 0);
    AT(segment_header, version, 8);
    AT(segment_header, header_bytes, 12);
    AT(segment_header, total_bytes, 16);
    AT(segment_header, stamp, 24);
    AT(segment_header, pid, 32);
    AT(segment_header, started_ns, 40);
    AT(segment_header, started_wall_ns, 48);
    AT(segment_header, closed_ns, 56);
    AT(segment_header, closed_wall_ns, 64);
    AT(segment_header, life, 72);
    AT(segment_header, agent, 80);
    AT(segment_header, program, 144);
    AT(segment_header, boot_id, 208);
    AT(segment_header, library_version, 248);
    AT(segment_header, sections, 272);
    AT(segment_header, fatal, 656);
    AT(segment_header, reserved, 688);
    SIZE(segment_fatal, 32);
    AT(segment_fatal, at_ns, 0);
    AT(segment_fatal, address, 8);
    AT(segment_fatal, number, 16);
    AT(segment_fatal, code, 20);
    AT(segment_fatal, thread, 24);
    SIZE(segment_extent, 24);
    AT(segment_extent, offset, 0);
    AT(segment_extent, bytes, 8);
    AT(segment_extent, entry_bytes, 16);
    AT(segment_extent, capacity, 20);
}

static void sections_are_pinned(void)
{
    SIZE(segment_head, 64);
    AT(segment_head, stamp, 0);
    AT(segment_head, count, 8);
    AT(segment_head, updated_ns, 16);
    AT(segment_head, reserved, 24);
    SIZE(segment_slots, 76352);
    AT(segment_slots, newest, 0);
    AT(segment_slots, slots, 64);
    SIZE(segment_slot, 19072);
    AT(segment_slot, stamp, 0);
    AT(segment_slot, snapshot, 64);
    SIZE(segment_metric, 408);
    AT(segment_metric, name, 0);
    AT(segment_metric, instance, 64);
    AT(segment_metric, help, 128);
    AT(segment_metric, unit, 256);
    AT(segment_metric, resource, 272);
    AT(segment_metric, kind, 288);
    AT(segment_metric, tier, 292);
    AT(segment_metric, min, 296);
    AT(segment_metric, max, 304);
    AT(segment_metric, resolution, 312);
    AT(segment_metric, good_for_ns, 320);
    AT(segment_metric, label, 328);
    AT(segment_metric, buckets, 360);
    AT(segment_metric, scale, 364);
    AT(segment_metric, offset, 368);
    AT(segment_metric, reserved, 376);
    SIZE(segment_signal, 1304);
    AT(segment_signal, wall_ns, 0);
    AT(segment_signal, shadow, 8);
    AT(segment_signal, told, 12);
    AT(segment_signal, signal, 16);
    AT(segment_signal, why, 496);
    AT(segment_signal, outcome, 500);
    AT(segment_signal, level_before, 504);
    AT(segment_signal, outcome_ns, 512);
    AT(segment_signal, value_after, 520);
    AT(segment_signal, deed_count, 528);
    AT(segment_signal, deeds, 536);
    SIZE(segment_deed, 96);
    AT(segment_deed, listener, 0);
    AT(segment_deed, began_ns, 64);
    AT(segment_deed, took_ns, 72);
    AT(segment_deed, released, 80);
    AT(segment_deed, flags, 88);
    SIZE(segment_listener, 168);
    AT(segment_listener, name, 0);
    AT(segment_listener, kinds, 64);
    AT(segment_listener, flags, 68);
    AT(segment_listener, calls, 72);
    AT(segment_listener, busy_since_ns, 80);
    AT(segment_listener, last_call_ns, 88);
    AT(segment_listener, last_took_ns, 96);
    AT(segment_listener, last_sequence, 104);
    AT(segment_listener, last_kind, 112);
    AT(segment_listener, last_change, 116);
    AT(segment_listener, last_resource, 120);
    AT(segment_listener, acknowledged, 136);
    AT(segment_listener, relieved, 144);
    AT(segment_listener, unrelieved, 148);
    AT(segment_listener, reserved, 152);
    SIZE(segment_collector, 136);
    AT(segment_collector, name, 0);
    AT(segment_collector, error, 32);
    AT(segment_collector, flags, 36);
    AT(segment_collector, metrics, 40);
    AT(segment_collector, samples, 48);
    AT(segment_collector, failures, 56);
    AT(segment_collector, skipped, 64);
    AT(segment_collector, last_ns, 72);
    AT(segment_collector, took_ns, 80);
    AT(segment_collector, took_total_ns, 88);
    AT(segment_collector, busy_since_ns, 96);
    AT(segment_collector, reserved, 104);
    SIZE(segment_budget, 600);
    AT(segment_budget, name, 0);
    AT(segment_budget, window_ns, 64);
    AT(segment_budget, newest_end_ns, 72);
    AT(segment_budget, newest_end_wall_ns, 80);
    AT(segment_budget, limit, 88);
    AT(segment_budget, buckets, 96);
    AT(segment_budget, reserved, 584);
    SIZE(segment_continuity, 4296);
    AT(segment_continuity, starts, 0);
    AT(segment_continuity, deaths, 8);
    AT(segment_continuity, online_ns, 16);
    AT(segment_continuity, first_started_wall_ns, 24);
    AT(segment_continuity, last_end, 32);
    AT(segment_continuity, end_signal, 36);
    AT(segment_continuity, last_started_wall_ns, 40);
    AT(segment_continuity, last_ended_wall_ns, 48);
    AT(segment_continuity, newest_minute, 56);
    AT(segment_continuity, cgroup, 64);
    AT(segment_continuity, cgroup_version, 320);
    AT(segment_continuity, counted_count, 324);
    AT(segment_continuity, counted, 328);
    AT(segment_continuity, deaths_in, 1352);
    AT(segment_continuity, reserved, 4232);
    SIZE(segment_operation, 192);
    AT(segment_operation, name, 0);
    AT(segment_operation, instance, 64);
    AT(segment_operation, in_flight, 128);
    AT(segment_operation, since_ns, 136);
    AT(segment_operation, began_ns, 144);
    AT(segment_operation, ended_ns, 152);
    AT(segment_operation, started, 160);
    AT(segment_operation, ended, 168);
    AT(segment_operation, reserved, 176);
    SIZE(segment_ticket, 120);
    AT(segment_ticket, budget, 0);
    AT(segment_ticket, unit, 64);
    AT(segment_ticket, amount, 80);
    AT(segment_ticket, opened_ns, 88);
    AT(segment_ticket, until_ns, 96);
    AT(segment_ticket, reserved, 104);
    SIZE(segment_note, 256);
    AT(segment_note, at_ns, 0);
    AT(segment_note, kind, 8);
    AT(segment_note, times, 12);
    AT(segment_note, text, 16);
}

static void series_are_pinned(void)
{
    SIZE(segment_block_head, 80);
    AT(segment_block_head, stamp, 0);
    AT(segment_block_head, number, 8);
    AT(segment_block_head, metric, 12);
    AT(segment_block_head, level, 16);
    AT(segment_block_head, fields, 17);
    AT(segment_block_head, flags, 18);
    AT(segment_block_head, previous, 20);
    AT(segment_block_head, entries, 24);
    AT(segment_block_head, pending, 26);
    AT(segment_block_head, bits, 28);
    AT(segment_block_head, gaps, 30);
    AT(segment_block_head, count, 32);
    AT(segment_block_head, span, 36);
    AT(segment_block_head, first_ns, 40);
    AT(segment_block_head, min, 48);
    AT(segment_block_head, max, 56);
    AT(segment_block_head, sum, 64);
    AT(segment_block_head, last, 72);
    SIZE(segment_block, 1024);
    AT(segment_block, head, 0);
    AT(segment_block, payload, 80);
}

static void signals_are_pinned(void)
{
    SIZE(vagus_signal, 480);
    AT(vagus_signal, kind, 0);
    AT(vagus_signal, change, 4);
    AT(vagus_signal, sequence, 8);
    AT(vagus_signal, at_ns, 16);
    AT(vagus_signal, since_ns, 24);
    AT(vagus_signal, sample_age_ns, 32);
    AT(vagus_signal, level, 40);
    AT(vagus_signal, value, 48);
    AT(vagus_signal, threshold, 56);
    AT(vagus_signal, resource, 64);
    AT(vagus_signal, rule, 80);
    AT(vagus_signal, metric, 144);
    AT(vagus_signal, instance, 208);
    AT(vagus_signal, unit, 272);
    AT(vagus_signal, reason, 288);
    AT(vagus_signal, label, 448);
}

static void snapshot_is_pinned(void)
{
    SIZE(vagus_reading, 32);
    AT(vagus_reading, value, 0);
    AT(vagus_reading, taken_ns, 8);
    AT(vagus_reading, good_until_ns, 16);
    AT(vagus_reading, error, 24);
    AT(vagus_reading, source, 28);
    SIZE(vagus_snapshot_signal, 272);
    AT(vagus_snapshot_signal, kind, 0);
    AT(vagus_snapshot_signal, level, 4);
    AT(vagus_snapshot_signal, since_ns, 8);
    AT(vagus_snapshot_signal, resource, 16);
    AT(vagus_snapshot_signal, rule, 32);
    AT(vagus_snapshot_signal, reason, 96);
    AT(vagus_snapshot_signal, reserved, 256);
    SIZE(vagus_snapshot_cpu, 384);
    AT(vagus_snapshot_cpu, throttled_ratio, 160);
    AT(vagus_snapshot_cpu, reserved, 256);
    SIZE(vagus_snapshot_memory, 448);
    AT(vagus_snapshot_memory, oom_kills, 288);
    AT(vagus_snapshot_memory, reserved, 320);
    SIZE(vagus_snapshot_gpu, 384);
    AT(vagus_snapshot_gpu, utilization, 64);
    AT(vagus_snapshot_gpu, throttled, 288);
    AT(vagus_snapshot_gpu, reserved, 320);
    SIZE(vagus_snapshot_path, 320);
    AT(vagus_snapshot_path, free, 64);
    AT(vagus_snapshot_path, writable, 224);
    AT(vagus_snapshot_path, reserved, 256);
    SIZE(vagus_snapshot_network, 384);
    AT(vagus_snapshot_network, sockets, 192);
    AT(vagus_snapshot_network, reserved, 224);
    SIZE(vagus_snapshot_process, 448);
    AT(vagus_snapshot_process, tree_cores, 256);
    AT(vagus_snapshot_process, reserved, 288);
    SIZE(vagus_snapshot_count, 96);
    AT(vagus_snapshot_count, hour, 32);
    AT(vagus_snapshot_count, day, 64);
    SIZE(vagus_snapshot_agent, 1184);
    AT(vagus_snapshot_agent, deferrals, 576);
    AT(vagus_snapshot_agent, error_rate, 672);
    AT(vagus_snapshot_agent, breakers_open, 992);
    AT(vagus_snapshot_agent, reserved, 1024);
    SIZE(vagus_budget_status, 56);
    SIZE(vagus_snapshot_budget, 224);
    AT(vagus_snapshot_budget, window_ns, 96);
    AT(vagus_snapshot_budget, status, 104);
    AT(vagus_snapshot_budget, exhausted_in, 160);
    AT(vagus_snapshot_budget, reserved, 192);
    SIZE(vagus_snapshot_forecast, 256);
    AT(vagus_snapshot_forecast, exhausted_in, 208);
    AT(vagus_snapshot_forecast, reserved, 240);
    SIZE(vagus_snapshot_continuity, 120);
    AT(vagus_snapshot_continuity, last_started_wall_ns, 8);
    AT(vagus_snapshot_continuity, starts, 24);
    AT(vagus_snapshot_continuity, online_s, 48);
    AT(vagus_snapshot_continuity, reserved, 56);
    SIZE(vagus_snapshot_monitor, 160);
    AT(vagus_snapshot_monitor, ticks, 32);
    AT(vagus_snapshot_monitor, anonymous_segment, 92);
    AT(vagus_snapshot_monitor, reserved, 96);
    SIZE(vagus_snapshot_metric, 208);
    AT(vagus_snapshot_metric, label, 128);
    AT(vagus_snapshot_metric, reading, 176);
    SIZE(vagus_system_snapshot, 18984);
    AT(vagus_system_snapshot, size, 0);
    AT(vagus_system_snapshot, version, 4);
    AT(vagus_system_snapshot, sequence, 8);
    AT(vagus_system_snapshot, published_ns, 16);
    AT(vagus_system_snapshot, good_until_ns, 24);
    AT(vagus_system_snapshot, wall_ns, 32);
    AT(vagus_system_snapshot, started_ns, 40);
    AT(vagus_system_snapshot, judged, 48);
    AT(vagus_system_snapshot, signal_count, 52);
    AT(vagus_system_snapshot, gpu_count, 56);
    AT(vagus_system_snapshot, metric_count, 72);
    AT(vagus_system_snapshot, signals, 80);
    AT(vagus_system_snapshot, mode, 2256);
    AT(vagus_system_snapshot, cpu, 2480);
    AT(vagus_system_snapshot, memory, 2864);
    AT(vagus_system_snapshot, network, 3312);
    AT(vagus_system_snapshot, process, 3696);
    AT(vagus_system_snapshot, agent, 4144);
    AT(vagus_system_snapshot, continuity, 5328);
    AT(vagus_system_snapshot, monitor, 5448);
    AT(vagus_system_snapshot, gpus, 5608);
    AT(vagus_system_snapshot, paths, 8680);
    AT(vagus_system_snapshot, budgets, 11240);
    AT(vagus_system_snapshot, forecasts, 13928);
    AT(vagus_system_snapshot, metrics, 15976);
    AT(vagus_system_snapshot, reserved, 18472);
    SIZE(vagus_snapshot_mode, 224);
    AT(vagus_snapshot_mode, before, 32);
    AT(vagus_snapshot_mode, waits_for, 64);
    AT(vagus_snapshot_mode, since_ns, 96);
    AT(vagus_snapshot_mode, changes, 104);
    AT(vagus_snapshot_mode, index, 112);
    AT(vagus_snapshot_mode, count, 116);
    AT(vagus_snapshot_mode, unknown, 120);
}

static void organs_are_pinned(void)
{
    AT(vagus_snapshot_cpu, utilization, 0);
    AT(vagus_snapshot_cpu, process_cores, 32);
    AT(vagus_snapshot_cpu, allowance_cores, 64);
    AT(vagus_snapshot_cpu, process_utilization, 96);
    AT(vagus_snapshot_cpu, load_1m, 128);
    AT(vagus_snapshot_memory, total, 0);
    AT(vagus_snapshot_memory, available, 32);
    AT(vagus_snapshot_memory, limit, 64);
    AT(vagus_snapshot_memory, usage, 96);
    AT(vagus_snapshot_memory, headroom, 128);
    AT(vagus_snapshot_memory, headroom_ratio, 160);
    AT(vagus_snapshot_memory, swap_total, 192);
    AT(vagus_snapshot_process, resident, 0);
    AT(vagus_snapshot_process, virtual_size, 32);
    AT(vagus_snapshot_process, threads, 64);
    AT(vagus_snapshot_process, descriptors, 96);
    AT(vagus_snapshot_process, descriptors_limit, 128);
    AT(vagus_snapshot_process, uptime, 160);
    AT(vagus_snapshot_agent, messages, 0);
    AT(vagus_snapshot_agent, tokens, 288);
    AT(vagus_snapshot_agent, errors, 192);
    AT(vagus_snapshot_agent, tool_calls, 480);
    AT(vagus_snapshot_monitor, cpu_ratio, 0);
    AT(vagus_snapshot_monitor, missed_ticks, 40);
    AT(vagus_snapshot_monitor, dropped_records, 48);
    AT(vagus_snapshot_monitor, refused_metrics, 56);
    AT(vagus_snapshot_monitor, metrics, 64);
    AT(vagus_snapshot_monitor, collectors, 68);
    AT(vagus_snapshot_monitor, failed_collectors, 72);
    AT(vagus_snapshot_monitor, listeners, 76);
    AT(vagus_snapshot_monitor, hung_listeners, 80);
    AT(vagus_snapshot_monitor, unwired, 84);
    AT(vagus_snapshot_monitor, shared_slot, 88);
}

static void sections_do_not_overlap(void)
{
    static const struct {
        uint64_t bytes;
        uint32_t metrics;
    } wanted[] = {{SEGMENT_BYTES_MIN, 1},
                  {SEGMENT_BYTES_MIN, 256},
                  {SEGMENT_BYTES_DEFAULT, 512},
                  {SEGMENT_BYTES_DEFAULT - 40, 511},
                  {SEGMENT_BYTES_MAX, 65536}};
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        struct segment_extent extents[SEGMENT_SECTION_COUNT];
        CHECK(segment_lay_out(wanted[i].bytes, wanted[i].metrics, extents));
        uint64_t end = SEGMENT_HEADER_BYTES;
        for (int s = 0; s < SEGMENT_SECTION_COUNT; s++) {
            CHECK_EQ(extents[s].offset % 64, 0);
            CHECK(extents[s].offset >= end);
            CHECK(extents[s].bytes >= (uint64_t)extents[s].entry_bytes * extents[s].capacity + 64);
            end = extents[s].offset + extents[s].bytes;
        }
        CHECK(end <= wanted[i].bytes);
        CHECK(extents[SEGMENT_SERIES].capacity >= 2 * wanted[i].metrics);
    }
}

static void what_does_not_fit_is_refused(void)
{
    struct segment_extent extents[SEGMENT_SECTION_COUNT];
    CHECK(!segment_lay_out(SEGMENT_BYTES_MIN, 512, extents));
    CHECK(!segment_lay_out(SEGMENT_BYTES_MIN - 1, 1, extents));
    CHECK(!segment_lay_out((uint64_t)SEGMENT_BYTES_MAX + 1, 1, extents));
    CHECK(!segment_lay_out(SEGMENT_BYTES_DEFAULT, 0, extents));
    CHECK(!segment_lay_out(SEGMENT_BYTES_MAX, UINT32_MAX, extents));
}

int main(void)
{
    RUN(header_is_pinned);
    RUN(sections_are_pinned);
    RUN(series_are_pinned);
    RUN(signals_are_pinned);
    RUN(snapshot_is_pinned);
    RUN(organs_are_pinned);
    RUN(sections_do_not_overlap);
    RUN(what_does_not_fit_is_refused);
    return check_result();
}
