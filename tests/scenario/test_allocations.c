/* SPDX-License-Identifier: Apache-2.0 */
/* After start nothing allocates: not in a simulated hour of pressure, nor in five real seconds of
 * the machine's own senses, with recording, snapshots and health going on. */
#include "malloc_watch.h"

#include <unistd.h>

#include "check.h"
#include "reload_fixture.h"
#include "segment_fixture.h"

static void on_signal(const struct vagus_signal *signal, void *arg)
{
    (void)signal;
    atomic_fetch_add((_Atomic unsigned *)arg, 1);
}

static void listen_with_a_thread(struct vagus_monitor *monitor, _Atomic unsigned *calls)
{
    CHECK_EQ(
        vagus_listener_add(monitor,
                           &(struct vagus_listener_desc){.size = sizeof(struct vagus_listener_desc),
                                                         .name = "service",
                                                         .kinds = VAGUS_SIGNAL_ANY,
                                                         .on_signal = on_signal,
                                                         .arg = calls},
                           NULL),
        0);
}

static char text[32768];

static void look(struct vagus_monitor *monitor)
{
    static struct vagus_system_snapshot snapshot, before;
    static struct vagus_snapshot_change changes[64];
    before = snapshot;
    CHECK_EQ(vagus_snapshot_read(monitor, &snapshot), 0);
    int64_t now_ns = snapshot.published_ns;
    CHECK(vagus_snapshot_diff(&before, &snapshot, changes, 64) >= 0);
    CHECK_EQ(vagus_snapshot_format(&snapshot, now_ns, text, sizeof(text), NULL), 0);
    CHECK_EQ(vagus_snapshot_json(&snapshot, now_ns, text, sizeof(text), NULL), 0);
    CHECK_EQ(vagus_snapshot_prompt(&snapshot, now_ns, text, 1024), 0);
    CHECK(vagus_alive(monitor, text, sizeof(text)));
    vagus_ready(monitor, text, sizeof(text));
    CHECK_EQ(vagus_health_format(monitor, 0, text, sizeof(text), NULL), 0);
    CHECK_EQ(vagus_health_format(monitor, VAGUS_HEALTH_JSON, text, sizeof(text), NULL), 0);
}

static void a_simulated_hour(void)
{
    if (!MALLOC_WATCHED)
        SKIP_TEST("a sanitizer has malloc in its hands");
    _Atomic unsigned calls = 0;
    struct vagus_monitor *m = organ_open(VAGUS_STEPPED);
    struct vagus_counter tokens =
        vagus_counter_define(m, &(struct vagus_metric_desc){.name = "agent.tokens"});
    listen_with_a_thread(m, &calls);
    REQUIRE(vagus_monitor_start(m) == 0);
    vagus_add(tokens, 1); /* this thread takes its slot */
    atomic_store(&malloc_count, 0);
    atomic_store(&malloc_watched, true);
    for (int minute = 0; minute < 60; minute++) {
        atomic_store(&organ_value, minute % 4 == 1 ? 0.01 : minute % 4 == 2 ? 0.12 : 0.9);
        atomic_store(&organ_error, minute % 7 == 6 ? VAGUS_EIO : 0);
        organ_run(m, 60 * S);
        vagus_add(tokens, 1000);
        look(m);
    }
    atomic_store(&malloc_watched, false);
    CHECK_EQ(atomic_load(&malloc_count), 0);
    CHECK(atomic_load(&organ_samples) > 36000);
    for (int i = 0; i < 5000 && atomic_load(&calls) < 2; i++)
        usleep(1000);
    CHECK(atomic_load(&calls) >= 2); /* it was no idle hour */
    CHECK_EQ(vagus_monitor_close(m), 0);
}

static void five_real_seconds(void)
{
    if (!MALLOC_WATCHED)
        SKIP_TEST("a sanitizer has malloc in its hands");
    _Atomic unsigned calls = 0;
    struct vagus_monitor *m = NULL;
    struct vagus_system_snapshot s;
    REQUIRE(vagus_monitor_open(
                &(struct vagus_monitor_options){.size = sizeof(struct vagus_monitor_options),
                                                .flags = VAGUS_ANONYMOUS_SEGMENT},
                &m) == 0);
    struct vagus_counter tokens =
        vagus_counter_define(m, &(struct vagus_metric_desc){.name = "agent.tokens"});
    struct vagus_gauge depth =
        vagus_gauge_define(m, &(struct vagus_metric_desc){.name = "agent.queue.depth"});
    listen_with_a_thread(m, &calls);
    REQUIRE(vagus_monitor_start(m) == 0);
    vagus_add(tokens, 1);
    atomic_store(&malloc_count, 0);
    atomic_store(&malloc_watched, true);
    for (int i = 0; i < 100; i++) {
        usleep(50000);
        vagus_add(tokens, 10);
        vagus_set(depth, i);
        look(m);
    }
    atomic_store(&malloc_watched, false);
    CHECK_EQ(atomic_load(&malloc_count), 0);
    CHECK_EQ(vagus_snapshot_read(m, &s), 0);
    CHECK(s.monitor.ticks > 20);
    CHECK_EQ(vagus_reading_state(&s.memory.headroom, vagus_now_ns()), VAGUS_STATE_OK);
    CHECK(s.path_count > 0);
    CHECK_EQ(vagus_reading_state(&s.paths[0].free, vagus_now_ns()), VAGUS_STATE_OK);
    CHECK_EQ(vagus_monitor_close(m), 0);
}

int main(void)
{
    RUN(a_simulated_hour);
    RUN(five_real_seconds);
    return check_result();
}
