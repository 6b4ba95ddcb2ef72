/* SPDX-License-Identifier: Apache-2.0 */
/* Operations: count, errors, in flight and duration follow from begin and end. */
#include "check.h"
#include "monitor/monitor.h"
#include "monitor_fixture.h"

#include <pthread.h>

static struct vagus_operation define(struct vagus_monitor *monitor, uint32_t flags)
{
    struct vagus_operation operation;
    CHECK_EQ(vagus_operation_define(monitor, &(struct vagus_metric_desc){.name = "agent.llm"},
                                    flags, &operation),
             0);
    return operation;
}

static void begin_and_end_are_counted(void)
{
    struct vagus_monitor *monitor = organ_open(VAGUS_STEPPED);
    struct vagus_operation operation = define(monitor, 0);
    struct vagus_operation_state state;
    struct vagus_distribution d;
    struct vagus_reading reading;
    CHECK_EQ(vagus_monitor_start(monitor), 0);
    struct vagus_span a = vagus_span_begin(&operation), b = vagus_span_begin(&operation);
    struct vagus_span c = vagus_span_begin(&operation);
    vagus_span_end(&a, true);
    vagus_span_end(&a, false); /* it has ended */
    vagus_span_end(&b, false);
    CHECK_EQ(vagus_operation_read(&operation, &state), 0);
    CHECK_EQ(state.started, 3);
    CHECK_EQ(state.ended, 2);
    CHECK_EQ(state.errors, 1);
    CHECK_EQ(state.in_flight, 1);
    organ_run(monitor, 2 * S);
    CHECK_EQ(vagus_reading_get(monitor, "agent.llm.in_flight", NULL, &reading), 0);
    CHECK_NEAR(reading.value, 1, 0);
    CHECK_EQ(vagus_reading_get(monitor, "agent.llm.errors", NULL, &reading), 0);
    CHECK_NEAR(reading.value, 1, 0);
    CHECK_EQ(vagus_reading_get(monitor, "agent.llm.duration", NULL, &reading), 0);
    CHECK_NEAR(reading.value, 2, 0);
    CHECK_EQ(vagus_reading_get(monitor, "agent.llm.cpu.time", NULL, &reading), VAGUS_ENOENT);
    vagus_span_end(&c, true);
    organ_run(monitor, 2 * S);
    CHECK_EQ(vagus_reading_get(monitor, "agent.llm.in_flight", NULL, &reading), 0);
    CHECK_NEAR(reading.value, 0, 0);
    CHECK_EQ(vagus_histogram_read(operation.duration, &d), 0);
    CHECK_EQ(d.count, 3);
    vagus_monitor_close(monitor);
    CHECK_EQ(vagus_operation_read(&operation, &state), VAGUS_ECLOSED);
    a = vagus_span_begin(&operation); /* harmless */
    vagus_span_end(&a, true);
}

static int leave_early(const struct vagus_operation *operation, bool fail)
{
    VAGUS_SPAN(span, operation);
    if (fail) {
        vagus_span_fail(&span);
        return -1;
    }
    return 0;
}

static void a_block_is_timed_however_it_is_left(void)
{
    struct vagus_monitor *monitor = organ_open(VAGUS_STEPPED);
    struct vagus_operation operation = define(monitor, VAGUS_OPERATION_CPU);
    struct vagus_operation_state state;
    struct vagus_distribution d;
    leave_early(&operation, true);
    leave_early(&operation, false);
    CHECK_EQ(vagus_operation_read(&operation, &state), 0);
    CHECK_EQ(state.ended, 2);
    CHECK_EQ(state.errors, 1);
    CHECK_EQ(state.in_flight, 0);
    CHECK_EQ(vagus_histogram_read(operation.cpu, &d), 0);
    CHECK_EQ(d.count, 2);
    vagus_monitor_close(monitor);
}

static void what_cannot_be_made_is_harmless_and_said(void)
{
    static char health[65536];
    struct vagus_monitor *monitor = organ_open(VAGUS_STEPPED);
    struct vagus_operation operation;
    struct vagus_metric_desc desc = {
        .name = "a-name-that-is-too-long-with-what-is-appended-to-it-for.each"};
    CHECK_EQ(vagus_operation_define(monitor, &desc, 0, &operation), VAGUS_EINVAL);
    CHECK_EQ(operation.started.generation, 0);
    desc.name = "Bad Name";
    CHECK_EQ(vagus_operation_define(monitor, &desc, 0, &operation), VAGUS_EINVAL);
    CHECK_EQ(vagus_operation_define(NULL, &desc, 0, &operation), VAGUS_EINVAL);
    struct vagus_span span = vagus_span_begin(&operation);
    vagus_span_end(&span, true);
    CHECK_EQ(vagus_monitor_start(monitor), 0);
    CHECK_EQ(vagus_health_format(monitor, 0, health, sizeof(health), NULL), 0);
    CHECK_CONTAINS(health, "operation Bad Name refused");
    vagus_monitor_close(monitor);
}

enum { THREADS = 6, EACH = 3000 };
static struct vagus_span spans[THREADS][EACH];

static void *begin_all(void *arg)
{
    const struct vagus_operation *operation = arg;
    static _Atomic int next;
    int mine = atomic_fetch_add(&next, 1) % THREADS;
    for (int i = 0; i < EACH; i++)
        spans[mine][i] = vagus_span_begin(operation);
    for (int i = 0; i < EACH; i += 2) /* the others end elsewhere */
        vagus_span_end(&spans[mine][i], i % 4 == 0);
    return NULL;
}

static void threads_lose_none_and_none_is_in_flight_at_the_end(void)
{
    struct vagus_monitor *monitor = organ_open(0);
    struct vagus_operation operation = define(monitor, 0);
    struct vagus_operation_state state;
    pthread_t threads[THREADS];
    uint64_t ended = 0;
    CHECK_EQ(vagus_monitor_start(monitor), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, begin_all, &operation);
    for (int i = 0; i < 1000; i++) {
        CHECK_EQ(vagus_operation_read(&operation, &state), 0);
        CHECK(state.in_flight <= THREADS * EACH && state.ended >= ended);
        ended = state.ended;
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(vagus_operation_read(&operation, &state), 0);
    CHECK_EQ(state.in_flight, THREADS * EACH / 2);
    for (int i = 0; i < THREADS; i++)
        for (int j = 0; j < EACH; j++)
            vagus_span_end(&spans[i][j], true);
    CHECK_EQ(vagus_operation_read(&operation, &state), 0);
    CHECK_EQ(state.in_flight, 0);
    CHECK_EQ(state.started, THREADS * EACH);
    CHECK_EQ(state.errors, THREADS * EACH / 4);
    vagus_monitor_close(monitor);
}

/* What is under way stands in the segment, told from counts alone. */
static void what_is_under_way_can_be_seen(void)
{
    struct vagus_monitor *monitor = organ_open(VAGUS_STEPPED);
    struct vagus_operation operation = define(monitor, 0);
    struct segment_reader reader;
    struct segment_operation seen[SEGMENT_OPERATIONS_MAX];
    uint64_t got;
    CHECK_EQ(vagus_monitor_start(monitor), 0);
    segment_attach_own(&monitor->segment, &reader);
    struct vagus_span a = vagus_span_begin(&operation);
    organ_run(monitor, S / 10);
    int64_t first_ns = atomic_load(&test_now_ns);
    CHECK_EQ(segment_read_entries(&reader, SEGMENT_OPERATIONS, 0, 64, seen, &got, NULL), 0);
    REQUIRE(got == 1);
    CHECK_STR(seen[0].name, "agent.llm");
    CHECK_EQ(seen[0].in_flight, 1);
    CHECK_EQ(seen[0].since_ns, first_ns);
    CHECK_EQ(seen[0].began_ns, first_ns);
    CHECK_EQ(seen[0].ended_ns, 0);
    organ_run(monitor, 5 * S);
    struct vagus_span b = vagus_span_begin(&operation);
    organ_run(monitor, S / 10);
    vagus_span_end(&b, true); /* the first one hangs on */
    organ_run(monitor, 5 * S);
    CHECK_EQ(segment_read_entries(&reader, SEGMENT_OPERATIONS, 0, 64, seen, &got, NULL), 0);
    CHECK_EQ(seen[0].in_flight, 1);
    CHECK_EQ(seen[0].since_ns, first_ns);
    CHECK_EQ(seen[0].began_ns, first_ns + 5 * S + S / 10);
    CHECK_EQ(seen[0].ended_ns, first_ns + 5 * S + 2 * (S / 10));
    vagus_span_end(&a, true);
    organ_run(monitor, S);
    CHECK_EQ(segment_read_entries(&reader, SEGMENT_OPERATIONS, 0, 64, seen, &got, NULL), 0);
    CHECK_EQ(seen[0].in_flight, 0);
    CHECK_EQ(seen[0].since_ns, 0);
    CHECK_EQ(seen[0].ended, 2);
    vagus_monitor_close(monitor);
}

int main(void)
{
    RUN(begin_and_end_are_counted);
    RUN(a_block_is_timed_however_it_is_left);
    RUN(what_cannot_be_made_is_harmless_and_said);
    RUN(threads_lose_none_and_none_is_in_flight_at_the_end);
    RUN(what_is_under_way_can_be_seen);
    return check_result();
}
