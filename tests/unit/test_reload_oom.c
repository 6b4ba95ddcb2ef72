/* SPDX-License-Identifier: Apache-2.0 */
/* A reload while memory runs out: each allocation fails once. The former policy holds then, and
 * nothing is left behind. */
#include "malloc_watch.h"

#include "reload_fixture.h"

static const char policy[] =
    "extends: default\n"
    "modes: [{name: calm, caps: [{name: tasks, most: 8}]}]\n"
    "derived: [{name: sum, kind: sum, of: [organ.headroom, organ.slow]}]\n"
    "metrics: [{name: own.x, kind: gauge, label: tool}, {name: own.y, kind: counter}]\n"
    "listeners: [{name: llm, kinds: [defer], resources: [memory]}]\nbudgets: [{name: pot, limit: "
    "5, warning: {at: 50%, raise: throttle}}]\n"
    "rules:\n"
    "  - {name: low, metric: organ.headroom, throttle: {below: 20%, clear: 25%}, min_hold: 0}\n";

static int reload_without(struct vagus_monitor *monitor, long nth)
{
    atomic_store(&malloc_fail_at, nth);
    atomic_store(&malloc_count, 0);
    atomic_store(&malloc_live, 0);
    atomic_store(&malloc_watched, true);
    int error = vagus_policy_reload(monitor, NULL, &faults);
    atomic_store(&malloc_watched, false);
    return error;
}

static void each_fails_once(void)
{
    if (!MALLOC_WATCHED)
        SKIP_TEST("a sanitizer has malloc in its hands");
    struct vagus_monitor *monitor = policy_open(VAGUS_STEPPED, policy);
    CHECK_EQ(vagus_monitor_start(monitor), 0);
    atomic_store(&organ_value, 0.1);
    organ_run(monitor, S);
    double level = vagus_signal_level(monitor, VAGUS_THROTTLE);
    CHECK(level > 0);
    CHECK_EQ(reload_without(monitor, 0), 0);
    long total = atomic_load(&malloc_count);
    organ_run(monitor, S);
    CHECK_EQ(vagus_policy_reload(monitor, NULL, NULL), 0); /* what is waiting is taken back below */
    organ_run(monitor, S);
    CHECK(total > 100);
    for (long nth = 1; nth <= total; nth++) {
        int error = reload_without(monitor, nth);
        if (error != VAGUS_ENOMEM)
            CHECK_FAIL_("allocation %ld of %ld: %s", nth, total, vagus_error_name(error));
        if (faults.errors == 0)
            CHECK_FAIL_("allocation %ld of %ld: no fault says why", nth, total);
        if (atomic_load(&malloc_live) > 0)
            CHECK_FAIL_("allocation %ld of %ld: %ld left behind", nth, total,
                        atomic_load(&malloc_live));
        if (nth % 100 == 0)
            organ_run(monitor, S);
        if (vagus_signal_level(monitor, VAGUS_THROTTLE) != level)
            CHECK_FAIL_("allocation %ld of %ld: the signal changed", nth, total);
    }
    CHECK_EQ(reload_without(monitor, 0), 0);
    organ_run(monitor, S);
    CHECK_EQ(vagus_monitor_close(monitor), 0);
}

int main(void)
{
    policy_begin();
    RUN(each_fails_once);
    policy_end();
    return check_result();
}
