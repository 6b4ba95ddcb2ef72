/* SPDX-License-Identifier: Apache-2.0 */
/* Alive and ready: what makes an orchestrator restart an agent, and what keeps work from it. */
#include "report/findings.h"
#include "report_fixture.h"

static char reason[256];

/* "alive ready", "alive", "" */
static const char *answers(void)
{
    struct text text;
    text_init(&text, reason, sizeof(reason));
    bool alive = report_is_alive(&report, &text);
    CHECK(text.length > 0);
    text_init(&text, reason, sizeof(reason));
    bool ready = report_is_ready(&report, &text);
    CHECK(text.length > 0);
    return alive && ready ? "alive ready" : alive ? "alive" : ready ? "ready" : "";
}

static void calm_is_both(void)
{
    make_calm();
    CHECK_STR(answers(), "alive ready");
    CHECK_STR(reason, "takes work");
}

/* A restart does not make a loaded machine faster. */
static void load_is_no_reason_to_restart(void)
{
    make_calm();
    put_raised(VAGUS_THROTTLE, 3, "memory", 1);
    report.snapshot.judged = VAGUS_VERDICT_DEGRADED;
    CHECK_STR(answers(), "alive ready");
    put_raised(VAGUS_DEFER, 3, "cpu", 1);
    CHECK_STR(answers(), "alive");
    CHECK_STR(reason, "defer on cpu for 3 s, rule cpu-headroom");
    put_raised(VAGUS_SHUTDOWN, 2, "memory", 1);
    report.snapshot.judged = VAGUS_VERDICT_CRITICAL;
    CHECK_STR(answers(), "alive");
    CHECK_STR(reason, "shutdown on memory for 2 s, rule memory-headroom");
}

static void an_agent_that_a_rule_finds_stuck_is_not_alive(void)
{
    make_calm();
    put_raised(VAGUS_DEFER, 30, "agent", 1);
    CHECK_STR(answers(), "alive");
    put_raised(VAGUS_SHUTDOWN, 4, "agent", 1);
    CHECK_STR(answers(), "");
    CHECK_STR(reason, "shutdown on agent for 4 s, rule agent-headroom");
}

static void a_late_sampler_is_not_ready_and_a_stuck_one_not_alive(void)
{
    make_calm();
    report.now_ns = report.snapshot.good_until_ns;
    CHECK_STR(answers(), "alive ready");
    report.now_ns++;
    CHECK_STR(answers(), "alive");
    CHECK_CONTAINS(reason, "overdue");
    report.now_ns = report.snapshot.good_until_ns + SECONDS(10);
    CHECK_STR(answers(), "alive");
    report.now_ns++;
    CHECK_STR(answers(), "");
    CHECK_CONTAINS(reason, "overdue");
}

static void what_ended_is_not_alive(void)
{
    make_calm();
    report.alive = false;
    CHECK_STR(answers(), "");
    CHECK_CONTAINS(reason, "ended without closing");
    report.header.life = SEGMENT_CLOSED;
    CHECK_STR(answers(), "");
    CHECK_CONTAINS(reason, "closed in order");
}

static void before_the_first_publication_it_is_not_ready(void)
{
    make_calm();
    report.header.life = SEGMENT_OPENING;
    report.snapshot_error = VAGUS_EAGAIN;
    CHECK_STR(answers(), "alive");
    CHECK_STR(reason, "opened, but not started");
    report.header.life = SEGMENT_RUNNING;
    report.header.started_ns = NOW_NS - SECONDS(2);
    CHECK_STR(answers(), "alive");
    CHECK_STR(reason, "nothing published yet");
    report.header.started_ns = NOW_NS - SECONDS(11);
    CHECK_STR(answers(), "");
    report.snapshot_error = VAGUS_ECORRUPT;
    CHECK_STR(answers(), "");
}

int main(void)
{
    RUN(calm_is_both);
    RUN(load_is_no_reason_to_restart);
    RUN(an_agent_that_a_rule_finds_stuck_is_not_alive);
    RUN(a_late_sampler_is_not_ready_and_a_stuck_one_not_alive);
    RUN(what_ended_is_not_alive);
    RUN(before_the_first_publication_it_is_not_ready);
    return check_result();
}
