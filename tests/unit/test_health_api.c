/* SPDX-License-Identifier: Apache-2.0 */
/* Alive, ready and the brief line, asked of a monitor of this process. */
#include "check.h"
#include "monitor_fixture.h"

static char reason[256], text[4096];

static void before_the_start_it_is_alive_and_not_ready(void)
{
    struct vagus_monitor *monitor = organ_open(VAGUS_STEPPED);
    CHECK(vagus_alive(monitor, reason, sizeof(reason)));
    CHECK_STR(reason, "opened, not started yet");
    CHECK(!vagus_ready(monitor, reason, sizeof(reason)));
    CHECK_STR(reason, "opened, but not started");
    vagus_monitor_close(monitor);
}

static void a_signal_takes_it_from_work_and_its_end_brings_it_back(void)
{
    struct vagus_monitor *monitor = organ_open(VAGUS_STEPPED);
    REQUIRE(vagus_monitor_start(monitor) == 0);
    organ_run(monitor, 2 * S);
    CHECK(vagus_alive(monitor, NULL, 0) && vagus_ready(monitor, NULL, 0));
    atomic_store(&organ_value, 0.05);
    organ_run(monitor, S);
    CHECK(vagus_alive(monitor, reason, sizeof(reason)));
    CHECK(!vagus_ready(monitor, reason, sizeof(reason)));
    CHECK_CONTAINS(reason, "defer on organ for ");
    CHECK_EQ(vagus_health_format(monitor, VAGUS_HEALTH_BRIEF, text, sizeof(text), NULL), 0);
    CHECK_CONTAINS(text, "DEGRADED defer on organ for ");
    CHECK(strchr(text, '\n') == text + strlen(text) - 1);
    atomic_store(&organ_value, 0.9);
    organ_run(monitor, S);
    CHECK(vagus_ready(monitor, reason, sizeof(reason)));
    CHECK_STR(reason, "takes work");
    vagus_monitor_close(monitor);
}

static void who_does_not_step_is_late_and_then_stuck(void)
{
    struct vagus_monitor *monitor = organ_open(VAGUS_STEPPED);
    REQUIRE(vagus_monitor_start(monitor) == 0);
    organ_run(monitor, S);
    atomic_fetch_add(&test_now_ns, 3 * S);
    CHECK(vagus_alive(monitor, reason, sizeof(reason)));
    CHECK(!vagus_ready(monitor, reason, sizeof(reason)));
    CHECK_CONTAINS(reason, "overdue");
    atomic_fetch_add(&test_now_ns, 10 * S);
    CHECK(!vagus_alive(monitor, reason, sizeof(reason)));
    CHECK_CONTAINS(reason, "overdue, last published 13 s ago");
    organ_run(monitor, S); /* and goes on */
    CHECK(vagus_ready(monitor, reason, sizeof(reason)));
    vagus_monitor_close(monitor);
}

static void a_closed_one_is_neither(void)
{
    struct vagus_monitor *monitor = organ_open(VAGUS_STEPPED);
    vagus_monitor_close(monitor);
    CHECK(!vagus_alive(monitor, reason, sizeof(reason)));
    CHECK_CONTAINS(reason, "closed");
    CHECK(!vagus_ready(monitor, NULL, 0));
    CHECK(!vagus_alive(NULL, reason, 4));
    CHECK_STR(reason, "no ");
}

int main(void)
{
    RUN(before_the_start_it_is_alive_and_not_ready);
    RUN(a_signal_takes_it_from_work_and_its_end_brings_it_back);
    RUN(who_does_not_step_is_late_and_then_stuck);
    RUN(a_closed_one_is_neither);
    return check_result();
}
