/* SPDX-License-Identifier: Apache-2.0 */
/* The public questions about the past: names are resolved, the store answers. */
#include <string.h>

#include "base/text.h"
#include "metrics/query.h"
#include "monitor/monitor.h"

#define SCAN_BATCH 256
#define ANSWER_TRIES 4

static bool is_named(const char *const *names, const char *name)
{
    if (names == NULL)
        return true;
    for (; *names != NULL; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

static int answer(const struct metrics *metrics, uint32_t index, const struct vagus_query *query,
                  struct vagus_query_result *result)
{
    const struct segment_metric *described = metrics_describe(metrics, index);
    struct query_span span;
    int error = VAGUS_EAGAIN;
    query_span_of(metrics, index, query->from_ns, query->to_ns, &span);
    *result = (struct vagus_query_result){0};
    text_copy(result->name, sizeof(result->name), described->name);
    text_copy(result->instance, sizeof(result->instance), described->instance);
    for (int try = 0; try < ANSWER_TRIES && error == VAGUS_EAGAIN; try++)
        error = query_answer(&span, query->aggregation, query->quantile, result);
    return result->error = error;
}

struct answers {
    const struct metrics *metrics;
    const struct vagus_query *query;
    struct vagus_query_result *results;
    size_t capacity, count;
};

/* All metrics that bear one of the names. How many. */
static size_t answer_named(struct answers *answers, const char *const *names)
{
    const struct vagus_query *query = answers->query;
    uint32_t metrics = metrics_count(answers->metrics);
    size_t before = answers->count;
    for (uint32_t i = 0; i < metrics; i++) {
        const struct segment_metric *described = metrics_describe(answers->metrics, i);
        if (!is_named(names, described->name) ||
            (query->instance != NULL && strcmp(query->instance, described->instance) != 0))
            continue;
        if (answers->count < answers->capacity)
            answer(answers->metrics, i, query, &answers->results[answers->count]);
        answers->count++;
    }
    return answers->count - before;
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
    struct answers answers = {&monitor->metrics, query, results, capacity, 0};
    if (query->names == NULL)
        answer_named(&answers, NULL);
    for (const char *const *name = query->names; name != NULL && *name != NULL; name++) {
        const char *const one[] = {*name, NULL};
        if (answer_named(&answers, one) > 0)
            continue;
        if (answers.count < capacity) {
            struct vagus_query_result *result = &results[answers.count];
            *result = (struct vagus_query_result){.error = VAGUS_ENOENT};
            text_copy(result->name, sizeof(result->name), *name);
            text_copy(result->instance, sizeof(result->instance),
                      query->instance != NULL ? query->instance : "");
        }
        answers.count++;
    }
    monitor_leave();
    if (count != NULL)
        *count = answers.count;
    return answers.count > capacity ? VAGUS_EFULL : 0;
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
        int index = metrics_find(&monitor->metrics, name, instance), error = index;
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
    int index = metrics_find(&monitor->metrics, name, instance);
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
