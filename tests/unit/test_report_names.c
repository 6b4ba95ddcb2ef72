/* SPDX-License-Identifier: Apache-2.0 */
/* The words for verdicts and states. */
#include "check.h"
#include "report/findings.h"

static void every_value_has_a_word(void)
{
    CHECK_STR(vagus_verdict_name(VAGUS_VERDICT_OK), "ok");
    CHECK_STR(vagus_verdict_name(VAGUS_VERDICT_DEGRADED), "degraded");
    CHECK_STR(vagus_verdict_name(VAGUS_VERDICT_CRITICAL), "critical");
    CHECK_STR(vagus_verdict_name(VAGUS_VERDICT_UNKNOWN), "unknown");
    CHECK_STR(vagus_state_name(VAGUS_STATE_NEVER), "never");
    CHECK_STR(vagus_state_name(VAGUS_STATE_OK), "ok");
    CHECK_STR(vagus_state_name(VAGUS_STATE_STALE), "stale");
    CHECK_STR(vagus_state_name(VAGUS_STATE_UNSUPPORTED), "unsupported");
    CHECK_STR(vagus_state_name(VAGUS_STATE_ERROR), "error");
    CHECK_STR(report_change_name(VAGUS_SIGNAL_CLEARED), "cleared");
    CHECK_STR(report_note_name(SEGMENT_NOTE_REFUSED), "refused");
    CHECK_STR(report_note_name(SEGMENT_NOTE_PACE), "pace");
}

static void nonsense_has_one_too(void)
{
    CHECK_STR(vagus_verdict_name((enum vagus_verdict)77), "unknown");
    CHECK_STR(vagus_state_name((enum vagus_state)77), "?");
    CHECK_STR(report_life_name((enum report_life)77), "?");
    CHECK_STR(report_change_name(0), "?");
    CHECK_STR(report_note_name(77), "?");
}

static void spans_never_overflow(void)
{
    CHECK_EQ(report_span_ns(3, 10), 7);
    CHECK_EQ(report_span_ns(10, 3), 0);
    CHECK_EQ(report_span_ns(INT64_MIN, INT64_MAX), INT64_MAX);
    CHECK_EQ(report_span_ns(INT64_MAX, INT64_MIN), 0);
}

int main(void)
{
    RUN(every_value_has_a_word);
    RUN(nonsense_has_one_too);
    RUN(spans_never_overflow);
    return check_result();
}
