/* SPDX-License-Identifier: Apache-2.0 */
/* The public questions about the past: names are resolved, the store answers. */
#include <string.h>

#include "base/notation.h"
#include "metrics/query.h"
#include "monitor/monitor.h"

#define SCAN_BATCH 256
#define ANSWER_TRIES 4

/* What was recorded into a histogram in a span. */
static int ask(const struct vagus_monitor *monitor, uint32_t index, int64_t from_ns, int64_t to_ns,
               struct vagus_distribution *distribution, struct spread_answer *covered)
{
    struct spread_metric spread = metrics_spread(&monitor->metrics, index);
    struct segment_reader reader;
    int error = VAGUS_EAGAIN;
    segment_attach_own(&monitor->segment, &reader);
    for (int try = 0; try < ANSWER_TRIES && error == VAGUS_EAGAIN; try++)
        error = spreads_ask(&monitor->metrics.spreads, &reader, &spread, from_ns, to_ns,
                            distribution, covered);
    return error;
}

/* One number of a histogram's values. */
static int answer_values(const struct vagus_monitor *monitor, uint32_t index,
                         const struct vagus_query *query, struct vagus_query_result *result)
{
    struct vagus_distribution values;
    struct spread_answer covered;
    int error = ask(monitor, index, query->from_ns, query->to_ns, &values, &covered);
    if (error != 0)
        return error;
    result->samples = values.count;
    result->from_ns = covered.from_ns;
    result->to_ns = covered.to_ns;
    result->step_ns = covered.step_ns;
    return spread_number(&values, query->aggregation, query->quantile, &result->value);
}

static int answer(const struct vagus_monitor *monitor, uint32_t index,
                  const struct vagus_query *query, struct vagus_query_result *result)
{
    const struct metrics *metrics = &monitor->metrics;
    const struct segment_metric *described = metrics_describe(metrics, index);
    struct query_span span;
    int error = VAGUS_EAGAIN;
    query_span_of(metrics, index, query->from_ns, query->to_ns, &span);
    *result = (struct vagus_query_result){0};
    text_copy(result->name, sizeof(result->name), described->name);
    text_copy(result->label, sizeof(result->label), described->label);
    text_copy(result->instance, sizeof(result->instance), described->instance);
    if (metrics->entries[index].kind == VAGUS_HISTOGRAM && spread_answers(query->aggregation))
        return result->error = answer_values(monitor, index, query, result);
    for (int try = 0; try < ANSWER_TRIES && error == VAGUS_EAGAIN; try++)
        error = query_answer(&span, query->aggregation, query->quantile, result);
    return result->error = error;
}

struct answers {
    const struct vagus_monitor *monitor;
    const struct vagus_query *query;
    struct vagus_query_result *results;
    size_t capacity, count;
};

static void answer_one(struct answers *answers, uint32_t index)
{
    if (answers->count < answers->capacity)
        answer(answers->monitor, index, answers->query, &answers->results[answers->count]);
    answers->count++;
}

/* All metrics of that name (NULL: of any), or the one of them that the query is about. How many. */
static size_t answer_named(struct answers *answers, const char *name)
{
    const char *instance = answers->query->instance;
    uint32_t metrics = metrics_count(&answers->monitor->metrics);
    size_t before = answers->count;
    if (name != NULL && strchr(name, '{') != NULL) {
        int index = metrics_find_written(&answers->monitor->metrics, name);
        if (index >= 0)
            answer_one(answers, (uint32_t)index);
        return answers->count - before;
    }
    for (uint32_t i = 0; i < metrics; i++) {
        const struct segment_metric *described = metrics_describe(&answers->monitor->metrics, i);
        if ((name == NULL || strcmp(name, described->name) == 0) &&
            (instance == NULL || strcmp(instance, described->instance) == 0))
            answer_one(answers, i);
    }
    return answers->count - before;
}

/* There is no such metric: the answer says of which. */
static void answer_none(struct answers *answers, const char *written)
{
    const char *instance = answers->query->instance;
    struct notation notation;
    if (answers->count < answers->capacity) {
        struct vagus_query_result *result = &answers->results[answers->count];
        *result = (struct vagus_query_result){.error = VAGUS_ENOENT};
        bool sound = notation_parse(written, &notation);
        text_copy(result->name, sizeof(result->name), sound ? notation.name : written);
        text_copy(result->label, sizeof(result->label), sound ? notation.label : "");
        text_copy(result->instance, sizeof(result->instance),
                  instance != NULL ? instance
                  : sound          ? notation.instance
                                   : "");
    }
    answers->count++;
}

int vagus_metrics_get(struct vagus_monitor *monitor, const struct vagus_query *query,
                      struct vagus_query_result *results, size_t capacity, size_t *count)
{
    if (monitor == NULL || query == NULL || query->size != sizeof(*query) ||
        (results == NULL && capacity > 0) ||
        query_check(query->aggregation, query->quantile, query->from_ns, query->to_ns) != 0)
        return VAGUS_EINVAL;
    if (!monitor_enter(monitor))
        return VAGUS_ECLOSED;
    struct answers answers = {monitor, query, results, capacity, 0};
    if (query->names == NULL)
        answer_named(&answers, NULL);
    for (const char *const *name = query->names; name != NULL && *name != NULL; name++)
        if (answer_named(&answers, *name) == 0)
            answer_none(&answers, *name);
    monitor_leave();
    if (count != NULL)
        *count = answers.count;
    return answers.count > capacity ? VAGUS_EFULL : 0;
}

/* By name and instance; without an instance, by the name as it is written. */
static int find(const struct vagus_monitor *monitor, const char *name, const char *instance)
{
    return instance != NULL ? metrics_find(&monitor->metrics, name, instance)
                            : metrics_find_written(&monitor->metrics, name);
}

int vagus_metrics_scan(struct vagus_monitor *monitor, const char *name, const char *instance,
                       int64_t from_ns, int64_t to_ns,
                       int (*on_bucket)(const struct vagus_bucket *bucket, void *arg), void *arg)
{
    if (monitor == NULL || name == NULL || on_bucket == NULL || from_ns > to_ns)
        return VAGUS_EINVAL;
    struct query_cursor cursor = {0};
    for (;;) {
        struct vagus_bucket buckets[SCAN_BATCH];
        struct query_span span;
        unsigned got = 0;
        /* The monitor may not be held while the host's code runs. */
        if (!monitor_enter(monitor))
            return VAGUS_ECLOSED;
        int index = find(monitor, name, instance), error = index;
        if (index >= 0) {
            query_span_of(&monitor->metrics, (uint32_t)index, from_ns, to_ns, &span);
            error = VAGUS_EAGAIN;
            for (int try = 0; try < ANSWER_TRIES && error == VAGUS_EAGAIN; try++)
                error = query_next(&span, &cursor, buckets, SCAN_BATCH, &got);
        }
        monitor_leave();
        if (error != 0 || got == 0)
            return error;
        for (unsigned i = 0; i < got; i++) {
            int result = on_bucket(&buckets[i], arg);
            if (result != 0)
                return result;
        }
    }
}

int vagus_metrics_reach(struct vagus_monitor *monitor, const char *name, const char *instance,
                        struct vagus_reach *reach)
{
    if (monitor == NULL || name == NULL || reach == NULL)
        return VAGUS_EINVAL;
    if (!monitor_enter(monitor))
        return VAGUS_ECLOSED;
    int index = find(monitor, name, instance);
    if (index >= 0) {
        const struct store *store = &monitor->metrics.store;
        unsigned own = store_own_level(monitor->metrics.entries[index].tier);
        int64_t since_ns[STORE_LEVELS];
        for (unsigned level = 0; level < STORE_LEVELS; level++) {
            since_ns[level] = store_since_ns(store, (uint32_t)index, level);
            if (since_ns[level] == INT64_MAX)
                since_ns[level] = 0;
        }
        *reach = (struct vagus_reach){since_ns[own], since_ns[1], since_ns[2], since_ns[3]};
    }
    monitor_leave();
    return index < 0 ? index : 0;
}

int vagus_metrics_distribution(struct vagus_monitor *monitor, const char *name,
                               const char *instance, int64_t from_ns, int64_t to_ns,
                               struct vagus_distribution *distribution,
                               struct vagus_covered *covered)
{
    if (monitor == NULL || name == NULL || distribution == NULL || from_ns > to_ns)
        return VAGUS_EINVAL;
    if (!monitor_enter(monitor))
        return VAGUS_ECLOSED;
    struct vagus_distribution values;
    struct spread_answer answer = {0};
    int index = find(monitor, name, instance), error = index;
    if (index >= 0 && monitor->metrics.entries[index].kind != VAGUS_HISTOGRAM)
        error = VAGUS_EINVAL;
    else if (index >= 0)
        error = ask(monitor, (uint32_t)index, from_ns, to_ns, &values, &answer);
    monitor_leave();
    if (error != 0)
        return error;
    *distribution = values;
    if (covered != NULL)
        *covered = (struct vagus_covered){answer.from_ns, answer.to_ns, answer.step_ns};
    return 0;
}
