/* SPDX-License-Identifier: Apache-2.0 */
/* What two snapshots differ in: what moved by more than noise, what is no longer known, what came
 * and went; and nothing by the passing of time alone. */
#include "check.h"
#include "snapshot_fixture.h"

static struct vagus_system_snapshot before;
static struct vagus_snapshot_change changes[64];
static char line[VAGUS_SNAPSHOT_CHANGE_MAX];

static int diff(void)
{
    memset(changes, 0xee, sizeof(changes));
    return vagus_snapshot_diff(&before, &s, changes, 64);
}

static void begin(void)
{
    make_calm();
    before = s;
}

static const char *as_text(int i)
{
    CHECK_EQ(vagus_snapshot_change_format(&changes[i], line, sizeof(line), NULL), 0);
    return line;
}

static const char *as_json(int i)
{
    CHECK_EQ(vagus_snapshot_change_json(&changes[i], line, sizeof(line), NULL), 0);
    return line;
}

static void shift(struct vagus_reading *reading, int64_t ns)
{
    if (reading->taken_ns == 0)
        return;
    reading->taken_ns += ns;
    reading->good_until_ns += ns;
}

static void the_same_is_no_change(void)
{
    begin();
    CHECK_EQ(diff(), 0);
    /* Ten seconds later, with all read anew. */
    int64_t later_ns = 10 * VAGUS_SECOND_NS;
    s.published_ns += later_ns;
    s.good_until_ns += later_ns;
    s.wall_ns += later_ns;
    s.sequence += 100;
    s.monitor.ticks += 100;
    for (struct vagus_reading *r = (void *)&s.cpu; r < (struct vagus_reading *)(&s.agent + 1); r++)
        shift(r, later_ns);
    shift(&s.monitor.cpu_ratio, later_ns);
    for (int i = 0; i < 2; i++) {
        shift(&s.paths[i].free, later_ns);
        shift(&s.paths[i].writable, later_ns);
    }
    shift(&s.gpus[0].memory_free, later_ns);
    shift(&s.gpus[0].power, later_ns);
    shift(&s.budgets[0].exhausted_in, later_ns);
    shift(&s.forecasts[0].exhausted_in, later_ns);
    shift(&s.metrics[0].reading, later_ns);
    s.process.uptime.value += 10;
    s.agent.progress_age.value += 10;
    s.forecasts[0].exhausted_in.value -= 10;
    if (diff() != 0)
        CHECK_FAIL_("%s", as_text(0));
}

static void noise_is_no_change(void)
{
    begin();
    s.memory.headroom.value += 4000;
    s.memory.headroom_ratio.value += 0.0009;
    s.cpu.load_1m.value += 0.009;
    s.agent.llm_p50.value *= 1.009;
    s.network.receive_rate.value *= 1.009;
    s.gpus[0].power.value += 0.4;
    s.forecasts[0].exhausted_in.value *= 0.92;
    CHECK_EQ(diff(), 0);
}

static void what_moved_is_told(void)
{
    begin();
    s.memory.headroom.value = 12.1 * MIB;
    s.agent.tokens.total.value += 1;
    s.agent.progress_age.value = 0.5;
    s.monitor.missed_ticks++;
    s.paths[0].free.value /= 2;
    s.budgets[0].status.left -= 1000;
    s.budgets[0].exhausted_in.value = 600;
    s.forecasts[0].exhausted_in.value = 3600;
    s.metrics[0].reading.value = 42;
    CHECK_EQ(diff(), 9);
    CHECK_EQ(changes[0].kind, VAGUS_CHANGE_VALUE);
    CHECK_STR(changes[0].what, "memory.headroom");
    CHECK_STR(changes[0].unit, "By");
    CHECK_NEAR(changes[0].before.value, 99.8 * MIB, 1);
    CHECK_EQ(changes[0].after_state, VAGUS_STATE_OK);
    CHECK_STR(as_text(0), "memory.headroom 99.8 MiB -> 12.1 MiB");
    CHECK_STR(as_text(1), "agent.tokens.total 51234 -> 51235");
    CHECK_STR(as_json(1), "{\"change\":\"value\",\"what\":\"agent.tokens.total\",\"unit\":"
                          "\"{token}\",\"before\":51234,\"after\":51235}");
    CHECK_STR(as_text(2), "agent.progress_age 4 s -> 500 ms");
    CHECK_STR(as_text(3), "monitor.missed_ticks 0 -> 1");
    CHECK_STR(as_text(4), "disk{/tmp}.free 4 GiB -> 2 GiB");
    CHECK_STR(as_text(5), "budget{tokens-hour}.left 150000 -> 149000");
    CHECK_STR(as_text(6), "budget{tokens-hour}.exhausted_in not at this pace -> 10 min 0 s");
    CHECK_STR(as_text(7), "forecast{disk-fills,/var/lib/\\x1b[31mresearcher}.exhausted_in "
                          "1 d 0 h -> 1 h 0 min");
    CHECK_STR(as_text(8), "agent.tool.calls{tool=browser} 41 -> 42");
}

static void what_is_no_longer_known_is_told(void)
{
    begin();
    s.cpu.utilization = stale(0.354);
    s.cpu.load_1m = failed(VAGUS_EIO);
    s.memory.limit = failed(VAGUS_EUNSUPPORTED);
    s.memory.total = taken(1024 * MIB);
    s.agent.tokens.day = failed(VAGUS_EIO); /* another error */
    s.budgets[0].status.known = 0;
    CHECK_EQ(diff(), 7);
    CHECK_STR(as_text(0), "cpu.utilization 35.4 % -> 35.4 % stale");
    CHECK_STR(as_text(1), "cpu.load_1m 0.81 -> error (VAGUS_EIO)");
    CHECK_STR(as_json(1), "{\"change\":\"state\",\"what\":\"cpu.load_1m\",\"unit\":\"{thread}\","
                          "\"before\":0.81,\"before_state\":\"ok\",\"after\":null,"
                          "\"after_state\":\"error\",\"error\":\"VAGUS_EIO\"}");
    CHECK_STR(as_text(2), "memory.total never -> 1 GiB");
    CHECK_STR(as_text(3), "memory.limit 256 MiB -> unsupported");
    CHECK_STR(as_text(4), "agent.tokens.day error (VAGUS_EAGAIN) -> error (VAGUS_EIO)");
    CHECK_STR(as_text(5), "budget{tokens-hour}.limit 200000 -> never");
    CHECK_STR(as_text(6), "budget{tokens-hour}.left 150000 -> never");
    /* The state is that at the publication: a later look at the same two tells the same. */
    CHECK_EQ(changes[0].before_state, VAGUS_STATE_OK);
}

static void words_and_signals(void)
{
    begin();
    make_bad();
    before.path_count = s.path_count = 0;
    s.cpu = before.cpu;
    s.memory = before.memory;
    s.budget_count = before.budget_count = s.forecast_count = before.forecast_count = 0;
    s.monitor = before.monitor;
    CHECK_EQ(diff(), 4);
    CHECK_STR(as_text(0), "verdict ok -> degraded");
    CHECK_STR(
        as_json(0),
        "{\"change\":\"word\",\"what\":\"verdict\",\"before\":\"ok\",\"after\":\"degraded\"}");
    CHECK_STR(as_text(1), "mode normal -> degraded");
    CHECK_STR(as_text(2), "defer{memory} appeared");
    CHECK_STR(as_text(3), "throttle{memory} appeared");
    CHECK_NEAR(changes[3].after.value, 0.82, 1e-6);
    before = s;
    s.signals[0].level = 0.5f;
    strcpy(s.signals[1].resource, "cpu");
    CHECK_EQ(diff(), 3);
    CHECK_STR(as_text(0), "defer{memory}.level 27 % -> 50 %");
    CHECK_STR(as_text(1), "throttle{cpu} appeared");
    CHECK_STR(as_text(2), "throttle{memory} vanished");
    CHECK_STR(as_json(2), "{\"change\":\"vanished\",\"what\":\"throttle{memory}\"}");
}

static void elements_are_known_by_name(void)
{
    begin();
    struct vagus_snapshot_path kept = s.paths[1];
    s.paths[1] = s.paths[0]; /* they swap places */
    s.paths[0] = kept;
    CHECK_EQ(diff(), 0);
    s.path_count = 1;
    strcpy(s.gpus[0].device, "1");
    CHECK_EQ(diff(), 3);
    CHECK_STR(as_text(0), "gpu{1} appeared");
    CHECK_STR(as_text(1), "gpu{0} vanished");
    CHECK_STR(as_text(2), "disk{/tmp} vanished");
    CHECK_EQ(changes[0].kind, VAGUS_CHANGE_APPEARED);
}

static void what_there_is_no_room_for_is_counted(void)
{
    begin();
    make_bad();
    int all = diff();
    CHECK(all > 5);
    memset(changes, 0xee, sizeof(changes));
    CHECK_EQ(vagus_snapshot_diff(&before, &s, changes, 2), all);
    CHECK_STR(changes[1].what, "mode");
    CHECK_EQ(changes[2].kind, 0xeeeeeeee);
    CHECK_EQ(vagus_snapshot_diff(&before, &s, NULL, 0), all);
    CHECK_EQ(vagus_snapshot_diff(&before, &s, NULL, 1), VAGUS_EINVAL);
    CHECK_EQ(vagus_snapshot_diff(NULL, &s, changes, 1), VAGUS_EINVAL);
    CHECK_STR(vagus_change_name(VAGUS_CHANGE_WORD), "word");
    CHECK_STR(vagus_change_name(99), "?");
}

int main(void)
{
    RUN(the_same_is_no_change);
    RUN(noise_is_no_change);
    RUN(what_moved_is_told);
    RUN(what_is_no_longer_known_is_told);
    RUN(words_and_signals);
    RUN(elements_are_known_by_name);
    RUN(what_there_is_no_room_for_is_counted);
    return check_result();
}
