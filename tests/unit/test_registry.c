/* SPDX-License-Identifier: Apache-2.0 */
/* The registry: defining, finding, refusing. */
#include "metrics/metrics.h"

#include <stdio.h>

#include "check.h"
#include "metrics_fixture.h"

static int define(const char *name, const char *instance, enum vagus_metric_kind kind,
                  const char **why)
{
    return metrics_define(
        &metrics, &(struct vagus_metric_desc){.name = name, .instance = instance, .kind = kind},
        METRIC_RECORDED, why);
}

static void what_is_defined_is_found(void)
{
    const char *why;
    CHECK_EQ(define("agent.tokens", NULL, VAGUS_COUNTER, &why), 0);
    CHECK_EQ(define("agent.tool.calls", "browser", VAGUS_COUNTER, &why), 1);
    CHECK_EQ(define("agent.tool.calls", "shell", VAGUS_COUNTER, &why), 2);
    CHECK_EQ(define("agent.tokens", NULL, VAGUS_COUNTER, &why), 0);
    CHECK_EQ(metrics_find(&metrics, "agent.tool.calls", "shell"), 2);
    CHECK_EQ(metrics_find(&metrics, "agent.tool.calls", NULL), VAGUS_ENOENT);
    CHECK_EQ(metrics_find(&metrics, "agent.token", NULL), VAGUS_ENOENT);
    CHECK_EQ(metrics_count(&metrics), 3);
    CHECK_STR(metrics_describe(&metrics, 1)->resource, "agent");
    CHECK_STR(metrics_describe(&metrics, 1)->unit, "{count}");
    CHECK_EQ(metrics.entries[0].tier, VAGUS_TIER_1S);
    CHECK_NEAR(metrics.entries[0].resolution, 1, 0);
}

static void what_is_wrong_is_refused_with_a_reason(void)
{
    const char *why = NULL;
    const double nan_value = NAN;
    CHECK_EQ(define("Agent tokens", NULL, VAGUS_COUNTER, &why), VAGUS_EINVAL);
    CHECK_CONTAINS(why, "name");
    CHECK_EQ(define(NULL, NULL, VAGUS_COUNTER, &why), VAGUS_EINVAL);
    CHECK_EQ(define("a", "", VAGUS_COUNTER, &why), VAGUS_EINVAL);
    CHECK_EQ(define("a", NULL, (enum vagus_metric_kind)7, &why), VAGUS_EINVAL);
    struct vagus_metric_desc desc = {.name = "a", .kind = VAGUS_GAUGE, .min = 2, .max = 1};
    CHECK_EQ(metrics_define(&metrics, &desc, METRIC_SENSED, &why), VAGUS_EINVAL);
    desc.min = nan_value;
    CHECK_EQ(metrics_define(&metrics, &desc, METRIC_SENSED, &why), VAGUS_EINVAL);
    CHECK_EQ(define("a", NULL, VAGUS_COUNTER, &why), 0);
    CHECK_EQ(define("a", NULL, VAGUS_GAUGE, &why), VAGUS_EEXIST);
    CHECK_CONTAINS(why, "exists");
    CHECK_EQ(metrics.refused, 7);
    CHECK_EQ(metrics_count(&metrics), 1);
}

static void a_full_registry_says_so(void)
{
    char name[16];
    const char *why = NULL;
    for (int i = 0; i < FIXTURE_METRICS; i++) {
        snprintf(name, sizeof(name), "m%d", i);
        CHECK_EQ(define(name, NULL, VAGUS_GAUGE, &why), i);
    }
    CHECK_EQ(define("one.more", NULL, VAGUS_GAUGE, &why), VAGUS_EFULL);
    CHECK_CONTAINS(why, "metrics_max");
    CHECK_EQ(define("m3", NULL, VAGUS_GAUGE, &why), 3);
    for (int i = 0; i < FIXTURE_METRICS; i++) {
        snprintf(name, sizeof(name), "m%d", i);
        CHECK_EQ(metrics_find(&metrics, name, NULL), i);
    }
}

static void descriptions_stand_in_the_segment(void)
{
    const char *why;
    define("agent.tokens", NULL, VAGUS_COUNTER, &why);
    struct segment_head *head = segment_head(&segment, SEGMENT_DIRECTORY);
    struct segment_metric *mirror = segment_entries(&segment, SEGMENT_DIRECTORY);
    CHECK_EQ(head->count, 1);
    CHECK_EQ(head->stamp % 2, 0);
    CHECK_STR(mirror[0].name, "agent.tokens");
    CHECK_EQ(mirror[0].kind, VAGUS_COUNTER);
}

static void what_is_more_than_the_bound_is_recorded_as_other(void)
{
    const char *why = NULL;
    struct vagus_metric_desc desc = {
        .name = "agent.tool.calls", .kind = VAGUS_COUNTER, .instances_max = 3};
    char instance[16];
    int indices[10];
    for (int i = 0; i < 10; i++) {
        snprintf(instance, sizeof(instance), "tool%d", i);
        desc.instance = instance;
        indices[i] = metrics_define(&metrics, &desc, METRIC_RECORDED, &why);
        CHECK_EQ(why != NULL, i >= 3);
    }
    CHECK_EQ(indices[2], 2);
    for (int i = 3; i < 10; i++)
        CHECK_EQ(indices[i], 3);
    CHECK_STR(metrics_describe(&metrics, 3)->instance, "other");
    desc.instance = "tool1"; /* those that are there are found */
    CHECK_EQ(metrics_define(&metrics, &desc, METRIC_RECORDED, &why), 1);
    CHECK(why == NULL);
    desc.instance = "other";
    CHECK_EQ(metrics_define(&metrics, &desc, METRIC_RECORDED, &why), 3);
    CHECK(why == NULL);
    desc.instance = NULL; /* the one without an instance is no instance */
    CHECK_EQ(metrics_define(&metrics, &desc, METRIC_RECORDED, &why), 4);
    CHECK_EQ(define("another", "x", VAGUS_COUNTER, &why), 5); /* another name has its own bound */
    CHECK_EQ(define("agent.tool.calls", "tool9", VAGUS_GAUGE, &why), VAGUS_EEXIST);
    CHECK_EQ(metrics_count(&metrics), 6);
}

static void a_label_is_kept_and_mirrored_or_refused(void)
{
    struct segment_metric *mirror = segment_entries(&segment, SEGMENT_DIRECTORY);
    struct vagus_metric_desc desc = {
        .name = "l.calls", .instance = "a=b", .label = "tool", .kind = VAGUS_COUNTER};
    const char *why = NULL;
    char longest[33];
    int index = metrics_define(&metrics, &desc, METRIC_RECORDED, &why);
    REQUIRE(index >= 0);
    CHECK_STR(metrics_describe(&metrics, (uint32_t)index)->label, "tool");
    CHECK_STR(mirror[index].label, "tool");
    CHECK_EQ(metrics_find_written(&metrics, "l.calls{tool=a=b}"), index);
    CHECK_EQ(metrics_find_written(&metrics, "l.calls{a=b}"), index);
    CHECK_EQ(metrics_find_written(&metrics, "l.calls{x=a=b}"), VAGUS_ENOENT);
    CHECK_EQ(metrics_find_written(&metrics, "l.calls"), VAGUS_ENOENT);
    CHECK_EQ(metrics_find_written(&metrics, "l.calls{"), VAGUS_ENOENT);
    memset(longest, 'x', 32);
    longest[32] = '\0';
    desc.instance = "c";
    for (const char *const *bad = (const char *const[]){"", "Tool", "a b", "a=b", longest, NULL};
         *bad != NULL; bad++) {
        desc.label = *bad;
        CHECK_EQ(metrics_define(&metrics, &desc, METRIC_RECORDED, &why), VAGUS_EINVAL);
        CHECK_CONTAINS(why, "label");
    }
    desc.label = NULL;
    index = metrics_define(&metrics, &desc, METRIC_RECORDED, &why);
    REQUIRE(index >= 0);
    CHECK_STR(mirror[index].label, "instance");
    desc.instance = NULL;
    index = metrics_define(&metrics, &desc, METRIC_RECORDED, &why);
    REQUIRE(index >= 0);
    CHECK_STR(mirror[index].label, "");
}

int main(void)
{
    RUN_WITH_METRICS(what_is_defined_is_found);
    RUN_WITH_METRICS(what_is_wrong_is_refused_with_a_reason);
    RUN_WITH_METRICS(a_full_registry_says_so);
    RUN_WITH_METRICS(descriptions_stand_in_the_segment);
    RUN_WITH_METRICS(what_is_more_than_the_bound_is_recorded_as_other);
    RUN_WITH_METRICS(a_label_is_kept_and_mirrored_or_refused);
    return check_result();
}
