/* SPDX-License-Identifier: Apache-2.0 */
/* What an agent counted in the last hour and day, over thirty simulated hours, against a list of
 * everything that it ever counted; and where history has no room for a day, the word that it is not
 * known, in place of a number. */
#include "check.h"
#include "monitor_fixture.h"

#define STEP_NS (10 * S)
#define STEPS (30 * 360)
#define COARSEST_NS                                                                                \
    (60 * S) /* of buckets: what lies at the edge of a span is in or out as a whole */

static uint32_t counted[STEPS + 1]; /* before each step */
static uint64_t known, refused;

static uint32_t random_of(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 16;
}

/* What was counted after a time, up to a step. */
static uint64_t since(int64_t from_ns, int step)
{
    uint64_t sum = 0;
    for (int i = step; i >= 0 && 1000 * S + i * STEP_NS > from_ns; i--)
        sum += counted[i];
    return sum;
}

static void check_span(const struct vagus_reading *reading, int64_t span_ns, int step)
{
    int64_t now_ns = 1000 * S + step * STEP_NS, from_ns = now_ns - span_ns;
    if (reading->error != 0) {
        CHECK_EQ(reading->error, VAGUS_EAGAIN);
        CHECK(from_ns > 1000 * S); /* a young process knows all that there was */
        refused++;
        return;
    }
    CHECK_EQ(vagus_reading_state(reading, now_ns), VAGUS_STATE_OK);
    CHECK(reading->value >= (double)since(from_ns + COARSEST_NS, step));
    CHECK(reading->value <= (double)since(from_ns - COARSEST_NS, step));
    known++;
}

/* Bursts, and hours without anything. */
static uint32_t next_count(uint32_t *random, int step)
{
    if (step / 360 % 5 == 3)
        return 0;
    return random_of(random) % 7 == 0 ? random_of(random) % 1000 : random_of(random) % 3;
}

static void thirty_hours(uint64_t segment_bytes, unsigned others)
{
    struct vagus_monitor *m = NULL;
    struct vagus_system_snapshot s;
    struct vagus_gauge noise[256];
    uint32_t random = 20261121;
    known = refused = 0;
    atomic_store(&test_now_ns, 1000 * S);
    REQUIRE(vagus_monitor_open(
                &(struct vagus_monitor_options){.size = sizeof(struct vagus_monitor_options),
                                                .policy_text = "rules: []\nretention: {day: []}\n",
                                                .segment_bytes = segment_bytes,
                                                .metrics_max = 320,
                                                .clock = &test_clock,
                                                .flags = VAGUS_STEPPED | VAGUS_NO_COLLECTORS |
                                                         VAGUS_ANONYMOUS_SEGMENT},
                &m) == 0);
    struct vagus_counter tokens = vagus_counter_define(
        m, &(struct vagus_metric_desc){.name = "agent.tokens", .unit = "{token}"});
    for (unsigned i = 0; i < others; i++) {
        char name[32];
        snprintf(name, sizeof(name), "noise.%u", i);
        noise[i] = vagus_gauge_define(m, &(struct vagus_metric_desc){.name = name});
    }
    REQUIRE(vagus_monitor_start(m) == 0);
    for (int step = 1; step <= STEPS; step++) {
        counted[step] = next_count(&random, step);
        vagus_add(tokens, counted[step]);
        for (unsigned i = 0; i < others; i++)
            vagus_set(noise[i], random_of(&random) / 7.0);
        atomic_store(&test_now_ns, 1000 * S + step * STEP_NS);
        REQUIRE(vagus_step(m, NULL) == 0);
        if (step % 61 != 0)
            continue;
        REQUIRE(vagus_snapshot_read(m, &s) == 0);
        CHECK_NEAR(s.agent.tokens.total.value, (double)since(0, step), 0);
        check_span(&s.agent.tokens.hour, 3600 * S, step);
        check_span(&s.agent.tokens.day, 86400 * S, step);
    }
    CHECK_EQ(vagus_monitor_close(m), 0);
    printf("%llu windows as counted, %llu said not to be known\n", (unsigned long long)known,
           (unsigned long long)refused);
}

static void with_room_for_a_day(void)
{
    thirty_hours(8u << 20, 0);
    CHECK_EQ(refused, 0);
}

static void without_room_for_a_day(void)
{
    thirty_hours(2u << 20, 250);
    CHECK(refused > 0);
    CHECK(known > 0);
}

int main(void)
{
    RUN(with_room_for_a_day);
    RUN(without_room_for_a_day);
    return check_result();
}
