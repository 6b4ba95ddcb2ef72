/* SPDX-License-Identifier: Apache-2.0 */
/* The words for enumerations of snapshot, readings and segment. */
#include "report/findings.h"

const char *vagus_verdict_name(enum vagus_verdict verdict)
{
    switch (verdict) {
    case VAGUS_VERDICT_OK:
        return "ok";
    case VAGUS_VERDICT_DEGRADED:
        return "degraded";
    case VAGUS_VERDICT_CRITICAL:
        return "critical";
    case VAGUS_VERDICT_UNKNOWN:
        break;
    }
    return "unknown";
}

const char *vagus_state_name(enum vagus_state state)
{
    switch (state) {
    case VAGUS_STATE_NEVER:
        return "never";
    case VAGUS_STATE_OK:
        return "ok";
    case VAGUS_STATE_STALE:
        return "stale";
    case VAGUS_STATE_UNSUPPORTED:
        return "unsupported";
    case VAGUS_STATE_ERROR:
        return "error";
    }
    return "?";
}

const char *vagus_source_name(uint32_t source)
{
    switch (source) {
    case VAGUS_SOURCE_AGENT:
        return "agent";
    case VAGUS_SOURCE_DERIVED:
        return "derived";
    case VAGUS_SOURCE_BUDGET:
        return "budget";
    case VAGUS_SOURCE_FORECAST:
        return "forecast";
    case VAGUS_SOURCE_MONITOR:
        return "monitor";
    default:
        return source == VAGUS_SOURCE_UNKNOWN || source >= VAGUS_SOURCE_OWN ? "unknown"
                                                                            : "collector";
    }
}

const char *report_source_name(const struct report *report, uint32_t source)
{
    if (source == VAGUS_SOURCE_UNKNOWN || source > report->collector_count ||
        source > SEGMENT_COLLECTORS_MAX)
        return vagus_source_name(source);
    return report->collectors[source - 1].name;
}

const char *report_life_name(enum report_life life)
{
    switch (life) {
    case REPORT_OPENING:
        return "opening";
    case REPORT_RUNNING:
        return "running";
    case REPORT_CLOSED:
        return "closed";
    case REPORT_ENDED:
        return "ended";
    }
    return "?";
}

const char *report_change_name(uint32_t change)
{
    switch (change) {
    case VAGUS_SIGNAL_RAISED:
        return "raised";
    case VAGUS_SIGNAL_UPDATED:
        return "updated";
    case VAGUS_SIGNAL_CLEARED:
        return "cleared";
    default:
        return "?";
    }
}

const char *report_note_name(uint32_t kind)
{
    switch (kind) {
    case SEGMENT_NOTE_INFO:
        return "info";
    case SEGMENT_NOTE_WARNING:
        return "warning";
    case SEGMENT_NOTE_UNWIRED:
        return "unwired";
    case SEGMENT_NOTE_REFUSED:
        return "refused";
    case SEGMENT_NOTE_PACE:
        return "pace";
    default:
        return "?";
    }
}

const char *report_why_name(uint32_t why)
{
    switch (why) {
    case SEGMENT_WHY_THRESHOLD:
        return "threshold";
    case SEGMENT_WHY_NO_RELIEF:
        return "no relief";
    case SEGMENT_WHY_TOO_LONG:
        return "too long";
    case SEGMENT_WHY_MISSING:
        return "missing";
    case SEGMENT_WHY_RULES:
        return "rules";
    case SEGMENT_WHY_MODE:
        return "mode";
    default:
        return "?";
    }
}

const char *report_outcome_name(uint32_t outcome)
{
    switch (outcome) {
    case SEGMENT_OUTCOME_NONE:
        return "none";
    case SEGMENT_OUTCOME_OPEN:
        return "open";
    case SEGMENT_OUTCOME_RELIEF:
        return "relief";
    case SEGMENT_OUTCOME_NO_RELIEF:
        return "no relief";
    case SEGMENT_OUTCOME_UNKNOWN:
        return "unknown";
    default:
        return "?";
    }
}

void report_add_end(struct text *text, const struct vagus_snapshot_continuity *continuity)
{
    switch (continuity->last_end) {
    case VAGUS_END_NONE:
        text_add(text, "there was no run before");
        return;
    case VAGUS_END_CLOSED:
        text_add(text, "closed in order");
        return;
    case VAGUS_END_UNCLOSED:
        text_add(text, "ended without closing");
        return;
    case VAGUS_END_OUT_OF_MEMORY:
        text_add(text, "ended for lack of memory");
        return;
    case VAGUS_END_SIGNAL:
        text_addf(text, "ended by signal %u", continuity->end_signal);
        return;
    case VAGUS_END_REBOOT:
        text_add(text, "ended with the machine");
        return;
    default:
        text_add(text, continuity->starts > 1 ? "it is not known how it ended" : "none is known");
        return;
    }
}

const char *report_end_name(uint32_t end)
{
    static const char *const names[] = {
        [VAGUS_END_UNKNOWN] = "unknown",
        [VAGUS_END_NONE] = "none",
        [VAGUS_END_CLOSED] = "closed",
        [VAGUS_END_UNCLOSED] = "unclosed",
        [VAGUS_END_OUT_OF_MEMORY] = "out of memory",
        [VAGUS_END_SIGNAL] = "signal",
        [VAGUS_END_REBOOT] = "reboot",
    };
    return names[end < sizeof(names) / sizeof(names[0]) ? end : VAGUS_END_UNKNOWN];
}
