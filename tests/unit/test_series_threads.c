/* SPDX-License-Identifier: Apache-2.0 */
/* Questions while the sampler writes: what is answered is whole, blocks that are taken away in the
 * middle of an answer end the history and nothing else. */
#include <pthread.h>
#include <stdlib.h>

#include "check.h"
#include "metrics/query.h"
#include "metrics_fixture.h"

#define S VAGUS_SECOND_NS
#define PUTS 300000

static uint32_t line, noise;
static int64_t written_ns;
static int done;
static uint64_t answers[2];

static int both_answered(void)
{
    return __atomic_load_n(&answers[0], __ATOMIC_RELAXED) > 0 &&
           __atomic_load_n(&answers[1], __ATOMIC_RELAXED) > 0;
}

/* One metric whose value is its time, and noise that soon fills the pool. */
static void *write_all(void *arg)
{
    uint64_t seed = 88172645463325252u;
    (void)arg;
    /* On a busy machine the readers may come late: they are waited for. */
    for (int64_t i = 1; i <= PUTS || (i <= INT64_C(1000) * PUTS && !both_answered()); i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        metrics_put(&metrics, line, i * S, (double)i);
        metrics_put(&metrics, noise, i * S, (double)seed / 3);
        __atomic_store_n(&written_ns, i * S, __ATOMIC_RELEASE);
    }
    __atomic_store_n(&done, 1, __ATOMIC_RELEASE);
    return NULL;
}

struct scan {
    struct query_sink sink;
    uint64_t entries, wrong;
};

static void scan_entry(struct query_sink *sink, const struct block_entry *entry, int64_t width_ns)
{
    struct scan *scan = (struct scan *)sink;
    scan->entries++;
    if (width_ns == 0)
        scan->wrong += entry->last != (double)(entry->at_ns / S);
    else
        scan->wrong +=
            entry->count > width_ns / S || entry->max > (double)((entry->at_ns + width_ns) / S) ||
            entry->sum < entry->min * entry->count || entry->sum > entry->max * entry->count;
}

static void *read_all(void *arg)
{
    uint64_t *mine = arg;
    unsigned turn = 0;
    while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE)) {
        int64_t now_ns = __atomic_load_n(&written_ns, __ATOMIC_ACQUIRE);
        struct query_span span;
        struct vagus_query_result result;
        if (now_ns < 1000 * S)
            continue;
        query_span_of(&metrics, line, now_ns - (turn % 3 == 0 ? 50 : 5000) * S, now_ns, &span);
        if (query_answer(&span, VAGUS_QUERY_LAST, 0, &result) == 0) {
            /* A reader that slept meanwhile may find the newest of its span taken away, and says
             * so by what it covered; a bucket's last value is one second older than its end. */
            int64_t late_s = result.to_ns / S - (int64_t)result.value;
            CHECK(late_s == 0 || (late_s == 1 && result.step_ns > 0));
            CHECK(result.to_ns <= now_ns);
            __atomic_fetch_add(mine, 1, __ATOMIC_RELAXED);
        }
        if (query_answer(&span, VAGUS_QUERY_RATE, 0, &result) == 0)
            /* A bucket's last value is taken to be of its end: one second of 5,000. */
            CHECK_NEAR(result.value, 1, result.step_ns == 0 ? 1e-9 : 3e-4);
        struct scan scan = {.sink = {.entry = scan_entry}};
        if (turn++ % 16 == 0) {
            span.from_ns = 0;
            query_walk(&span, &scan.sink);
            CHECK_EQ(scan.wrong, 0);
        }
        query_span_of(&metrics, noise, 0, now_ns, &span);
        query_answer(&span, VAGUS_QUERY_MAX, 0, &result);
    }
    return NULL;
}

static void answers_are_whole_while_others_write(void)
{
    const char *why;
    pthread_t threads[3];
    struct vagus_metric_desc desc = {.name = "line", .kind = VAGUS_GAUGE, .resolution = 1};
    line = (uint32_t)metrics_define(&metrics, &desc, METRIC_SENSED, &why);
    desc.name = "noise";
    desc.resolution = 0;
    noise = (uint32_t)metrics_define(&metrics, &desc, METRIC_SENSED, &why);
    REQUIRE(pthread_create(&threads[0], NULL, write_all, NULL) == 0);
    REQUIRE(pthread_create(&threads[1], NULL, read_all, &answers[0]) == 0);
    REQUIRE(pthread_create(&threads[2], NULL, read_all, &answers[1]) == 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    CHECK(answers[0] > 0 && answers[1] > 0);
    CHECK(metrics.store.places_used == metrics.store.places_count);
}

int main(void)
{
    RUN_WITH_METRICS(answers_are_whole_while_others_write);
    return check_result();
}
