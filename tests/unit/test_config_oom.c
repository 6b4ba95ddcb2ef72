/* SPDX-License-Identifier: Apache-2.0 */
/* Loading a policy while memory runs out: every single allocation fails once, in libyaml and
 * libcyaml as in vagus, and nothing crashes, leaks or is half done. */
#include "malloc_watch.h"

#include "check.h"
#include "config/config.h"
#include "monitor/monitor.h"

static struct vagus_fault_list faults;

/* One load with the nth allocation failing. */
static int load(const char *path, const char *text, long nth, struct vagus_config **config)
{
    atomic_store(&malloc_fail_at, nth);
    atomic_store(&malloc_count, 0);
    atomic_store(&malloc_live, 0);
    atomic_store(&malloc_watched, true);
    int error = config_load(path, text, &monitor_vocabulary, &faults, config);
    if (error == 0)
        config_free(*config);
    atomic_store(&malloc_watched, false);
    return error;
}

static void sweep_over(const char *path, const char *text, int wanted)
{
    static char marker;
    struct vagus_config *config = (struct vagus_config *)(void *)&marker;
    CHECK_EQ(load(path, text, 0, &config), wanted);
    long total = atomic_load(&malloc_count);
    CHECK(total > 10);
    CHECK_EQ(atomic_load(&malloc_live), 0);
    for (long nth = 1; nth <= total; nth++) {
        config = (struct vagus_config *)(void *)&marker;
        int error = load(path, text, nth, &config);
        if (error != VAGUS_ENOMEM && error != wanted)
            CHECK_FAIL_("allocation %ld of %ld: %s: %s", nth, total, vagus_error_name(error),
                        faults.faults[0].text);
        if (error != 0 && config != (struct vagus_config *)(void *)&marker)
            CHECK_FAIL_("allocation %ld of %ld: the output was touched", nth, total);
        if (error == VAGUS_ENOMEM && faults.faults[faults.count - 1].code != VAGUS_ENOMEM)
            CHECK_FAIL_("allocation %ld of %ld: no fault says that memory ran out", nth, total);
        if (atomic_load(&malloc_live) != 0)
            CHECK_FAIL_("allocation %ld of %ld: %ld left behind", nth, total,
                        atomic_load(&malloc_live));
    }
}

static void built_in_policy(void)
{
    if (!MALLOC_WATCHED)
        SKIP_TEST("a sanitizer has malloc in its hands");
    sweep_over(NULL, NULL, 0);
    sweep_over("preset:llm-gpu", NULL, 0);
    sweep_over(NULL, "extends: container\ndisable: [cpu]\nsegment: {keep: 1}\nrules: []\n", 0);
}

static void everything_given(void)
{
    if (!MALLOC_WATCHED)
        SKIP_TEST("a sanitizer has malloc in its hands");
    sweep_over(NULL,
               "agent: a\nstrict: true\nsegment: {dir: /dev/shm/x, size: 2MiB, keep: 1}\n"
               "limits: {memory: 1GiB}\nwatch: {paths: [/a, /b, /c]}\n"
               "tiers: [{name: disk, tier: 60s}]\n"
               "filters: {without_collectors: [host], without_metrics: [\"numa.*\"]}\n"
               "metrics: [{name: own.x, kind: gauge, unit: By, help: h, resource: r, label: l}]\n"
               "listeners: [{name: llm, kinds: [defer], resources: [a, b]}]\n"
               "modes: [{name: a, caps: [{name: x, most: 1}]}, {name: b, caps: [{name: x, most: "
               "0}]}]\ntransitions: [{from: a, to: b, when: defer, resource: r}, {from: b, to: a, "
               "when: clear}]\n"
               "rules: [{name: a, metric: b, instance: c, resource: d, throttle: "
               "{above: 2, clear: 1, full: 3, for: 1s}}]\n",
               0);
}

static void faulty_policy(void)
{
    if (!MALLOC_WATCHED)
        SKIP_TEST("a sanitizer has malloc in its hands");
    sweep_over(NULL, "agent: [\"x\", {y: *z}]\nrules: [{nam: a}, &a 3, !b {}]\n", VAGUS_EPOLICY);
    sweep_over(NULL, "rules:\n  - {name: a, metric: b, throttle: {below: 1\n", VAGUS_EPOLICY);
}

int main(void)
{
    RUN(built_in_policy);
    RUN(everything_given);
    RUN(faulty_policy);
    return check_result();
}
