/* SPDX-License-Identifier: Apache-2.0 */
/* Alive and ready, for orchestrators. Who is not alive is restarted, so load must never look like
 * it; who is not ready is kept from work for a while. */
#include "report/findings.h"

/* A publication may be late on a machine that is overloaded; one so late will not come. */
#define ALIVE_GRACE_NS (10 * VAGUS_SECOND_NS)

/* What rules say of the agent itself, as that it makes no progress, is about this resource. */
#define ITSELF "agent"

static const struct vagus_snapshot_signal *raised(const struct report *report, uint32_t kinds,
                                                  const char *resource)
{
    for (uint32_t i = 0; i < report_raised_count(report); i++) {
        const struct vagus_snapshot_signal *signal = &report->snapshot.signals[i];
        if ((signal->kind & kinds) != 0 &&
            (resource == NULL || strcmp(signal->resource, resource) == 0))
            return signal;
    }
    return NULL;
}

static void add_signal(const struct report *report, const struct vagus_snapshot_signal *signal,
                       struct text *reason)
{
    text_addf(reason, "%s on ", vagus_signal_kind_name(signal->kind));
    text_add_safe(reason, signal->resource, VAGUS_RESOURCE_MAX);
    text_add(reason, " for ");
    text_add_duration(reason, report_span_ns(signal->since_ns, report->now_ns));
    text_add(reason, ", rule ");
    text_add_safe(reason, signal->rule, VAGUS_NAME_MAX);
}

bool report_is_alive(const struct report *report, struct text *reason)
{
    enum report_life life = report_life(report);
    const struct vagus_snapshot_signal *stuck;
    if (life == REPORT_OPENING) {
        text_add(reason, "opened, not started yet");
        return true;
    }
    if (life != REPORT_RUNNING ||
        (report->snapshot_error != 0 && report->snapshot_error != VAGUS_EAGAIN)) {
        report_add_reason(report, reason);
        return false;
    }
    if (report->snapshot_error != 0) {
        int64_t silent_ns = report_span_ns(report->header.started_ns, report->now_ns);
        text_add(reason, "nothing published yet");
        return silent_ns <= ALIVE_GRACE_NS;
    }
    if (report_span_ns(report->snapshot.good_until_ns, report->now_ns) > ALIVE_GRACE_NS) {
        report_add_reason(report, reason);
        return false;
    }
    if ((stuck = raised(report, VAGUS_SHUTDOWN, ITSELF)) != NULL) {
        add_signal(report, stuck, reason);
        return false;
    }
    text_add(reason, "published ");
    text_add_duration(reason, report_span_ns(report->snapshot.published_ns, report->now_ns));
    text_add(reason, " ago");
    return true;
}

bool report_is_ready(const struct report *report, struct text *reason)
{
    const struct vagus_snapshot_signal *signal;
    size_t before = reason->length;
    if (!report_is_alive(report, reason))
        return false;
    reason->length = before;
    if (before < reason->capacity)
        reason->data[before] = '\0';
    if (report_verdict(report) == VAGUS_VERDICT_UNKNOWN) {
        report_add_reason(report, reason);
        return false;
    }
    if ((signal = raised(report, VAGUS_SHUTDOWN, NULL)) != NULL ||
        (signal = raised(report, VAGUS_DEFER, NULL)) != NULL) {
        add_signal(report, signal, reason);
        return false;
    }
    text_add(reason, "takes work");
    return true;
}
