/* SPDX-License-Identifier: Apache-2.0 */
/* Recording into histograms: no value is lost or counted twice, whatever threads do. */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "metrics_fixture.h"

static struct vagus_histogram define(const char *name, double min, double max)
{
    const char *why = NULL;
    int index = metrics_define(
        &metrics,
        &(struct vagus_metric_desc){.name = name, .kind = VAGUS_HISTOGRAM, .min = min, .max = max},
        METRIC_RECORDED, &why);
    if (index < 0)
        return (struct vagus_histogram){0};
    const struct metric *metric = &metrics.entries[index];
    return (struct vagus_histogram){
        metrics.cells.generation, metric->index,        metric->first,
        metric->shape.buckets,    metric->shape.origin, metric->shape.shift};
}

static void a_value_is_counted_where_it_belongs(void)
{
    struct vagus_histogram histogram = define("h", 1, 1000);
    struct vagus_distribution d;
    for (int i = 1; i <= 1000; i++)
        vagus_record_integer(histogram, i);
    vagus_record_value(histogram, 0);
    vagus_record_value(histogram, -5);
    vagus_record_value(histogram, 0x1p-1074);
    vagus_record_value(histogram, 5000);
    vagus_record_value(histogram, 0x1p52);
    vagus_record_value(histogram, -0x1p52);
    CHECK_EQ(vagus_histogram_read(histogram, &d), 0);
    CHECK_EQ(d.count, 1006);
    CHECK_EQ(d.below, 4);
    CHECK_EQ(d.above, 2);
    CHECK_NEAR(d.sum, 500500 - 5 + 5000, 0);
    double median = 0;
    CHECK_EQ(vagus_distribution_quantile(&d, 0.5, &median), 0);
    CHECK_NEAR(median / 499, 1, vagus_distribution_error(&d) * 1.01);
}

static void what_is_not_finite_is_refused_and_counted(void)
{
    struct vagus_histogram histogram = define("h", 1, 1000);
    struct vagus_distribution d = {.count = 77};
    uint64_t before = cells_dropped();
    vagus_record_value(histogram, NAN);
    vagus_record_value(histogram, -NAN);
    vagus_record_value(histogram, INFINITY);
    vagus_record_value(histogram, -INFINITY);
    vagus_record_value((struct vagus_histogram){0}, 1);
    struct vagus_histogram forged = histogram;
    forged.buckets = 1u << 30;
    forged.first = UINT32_MAX;
    CHECK_EQ(vagus_histogram_read(forged, &d), VAGUS_ECLOSED);
    CHECK_EQ(d.count, 77);
    CHECK_EQ(cells_dropped() - before, 5);
    CHECK_EQ(vagus_histogram_read(histogram, &d), 0);
    CHECK_EQ(d.count, 0);
}

static void histograms_share_the_row_and_not_their_words(void)
{
    struct vagus_histogram a = define("a", 1, 1000), b = define("b", 1e-3, 1), none;
    struct vagus_distribution d;
    for (int i = 0; i < 100; i++) {
        vagus_record_value(a, 1000);
        vagus_record_value(b, 1e-3);
        vagus_record_value(b, 2); /* above */
    }
    CHECK_EQ(vagus_histogram_read(a, &d), 0);
    CHECK_EQ(d.counts[d.buckets - 1], 100);
    CHECK_EQ(d.count, 100);
    CHECK_EQ(vagus_histogram_read(b, &d), 0);
    CHECK_EQ(d.counts[0], 100);
    CHECK_EQ(d.above, 100);
    CHECK(define("a", 1, 1000).first == a.first); /* found, not made anew */
    char name[16];
    for (int i = 0; i < FIXTURE_METRICS; i++) { /* the row is full before the registry is */
        snprintf(name, sizeof(name), "more%d", i);
        none = define(name, 1, 1e9);
    }
    CHECK_EQ(none.generation, 0);
    CHECK(metrics_count(&metrics) < FIXTURE_METRICS);
    CHECK(metrics.words <= metrics.cells.words);
}

static void its_newest_value_is_its_count(void)
{
    struct vagus_histogram histogram = define("h", 1, 1000);
    for (int i = 0; i < 5; i++)
        vagus_record_value(histogram, 10);
    metrics_fold(&metrics, ~0u, 2 * VAGUS_SECOND_NS, VAGUS_SECOND_NS);
    CHECK_NEAR(metrics.readings[histogram.index].value, 5, 0);
    CHECK_EQ(metrics.entries[histogram.index].total, 5);
    vagus_record_value(histogram, -1);
    metrics_fold(&metrics, 1u << VAGUS_TIER_100MS, 2 * VAGUS_SECOND_NS, VAGUS_SECOND_NS);
    CHECK_NEAR(metrics.readings[histogram.index].value, 5, 0); /* its tier is not due */
    metrics_fold(&metrics, 1u << VAGUS_TIER_1S, 3 * VAGUS_SECOND_NS, 2 * VAGUS_SECOND_NS);
    CHECK_NEAR(metrics.readings[histogram.index].value, 6, 0);
}

struct work {
    struct vagus_histogram histogram;
    unsigned values;
};

static void *work_run(void *arg)
{
    const struct work *work = arg;
    for (unsigned i = 0; i < work->values; i++)
        vagus_record_value(work->histogram, 1 + i % 1024);
    return NULL;
}

static void *watch_run(void *arg)
{
    const struct work *work = arg;
    struct vagus_distribution d;
    uint64_t last = 0;
    double sum = 0;
    while (last < work->values) {
        if (vagus_histogram_read(work->histogram, &d) != 0 || d.count < last || d.sum < sum)
            return (void *)1;
        last = d.count;
        sum = d.sum;
    }
    return NULL;
}

/* Eight threads at once, four slots: the shared one is used too. */
static void threads_lose_nothing_and_no_count_runs_backward(void)
{
    enum { ROUNDS = 60, PARALLEL = 8, VALUES = 1024 };
    struct vagus_histogram histogram = define("h", 1, 1024);
    struct work work = {histogram, VALUES}, watched = {histogram, ROUNDS * PARALLEL * VALUES};
    struct vagus_distribution d;
    pthread_t watcher, threads[PARALLEL];
    void *went_back = NULL;
    pthread_create(&watcher, NULL, watch_run, &watched);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < PARALLEL; i++)
            pthread_create(&threads[i], NULL, work_run, &work);
        metrics_fold(&metrics, ~0u, (round + 2) * VAGUS_SECOND_NS, (round + 1) * VAGUS_SECOND_NS);
        for (int i = 0; i < PARALLEL; i++)
            pthread_join(threads[i], NULL);
    }
    pthread_join(watcher, &went_back);
    CHECK(went_back == NULL);
    CHECK_EQ(vagus_histogram_read(histogram, &d), 0);
    CHECK_EQ(d.count, watched.values);
    CHECK_NEAR(d.sum, (double)ROUNDS * PARALLEL * (1024.0 * 1025 / 2), 0);
    CHECK_EQ(d.below + d.above, 0);
}

static void more_threads_than_slots_are_exact(void)
{
    enum { HELD = 4 };
    struct vagus_histogram histogram = define("h", 1, 1024);
    struct vagus_distribution d;
    /* The fixture has four slots, and this thread holds one. */
    struct work work = {histogram, 50000};
    pthread_t threads[2 * HELD];
    work_run(&work);
    for (int i = 0; i < 2 * HELD; i++)
        pthread_create(&threads[i], NULL, work_run, &work);
    for (int i = 0; i < 2 * HELD; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(vagus_histogram_read(histogram, &d), 0);
    CHECK_EQ(d.count, (2 * HELD + 1) * 50000);
}

static void short_threads_hand_their_words_on(void)
{
    struct vagus_histogram histogram = define("h", 1, 1024);
    struct work work = {histogram, 3};
    struct vagus_distribution d;
    for (int i = 0; i < 10000; i++) {
        pthread_t thread;
        REQUIRE(pthread_create(&thread, NULL, work_run, &work) == 0);
        pthread_join(thread, NULL);
    }
    CHECK_EQ(vagus_histogram_read(histogram, &d), 0);
    CHECK_EQ(d.count, 30000);
    CHECK_NEAR(d.sum, 60000, 0);
    CHECK(!cells_shared_used(&metrics.cells));
}

static void the_child_of_a_fork_is_inert(void)
{
    struct vagus_histogram histogram = define("h", 1, 1024);
    struct vagus_distribution d;
    vagus_record_value(histogram, 5);
    cells_before_fork();
    pid_t child = fork();
    if (child == 0) {
        cells_after_fork_in_child();
        uint64_t before = cells_dropped();
        vagus_record_value(histogram, 5);
        _exit(cells_dropped() == before + 1 && vagus_histogram_read(histogram, &d) == VAGUS_ECLOSED
                  ? 0
                  : 1);
    }
    cells_after_fork_in_parent();
    int status = 1;
    waitpid(child, &status, 0);
    CHECK_EQ(status, 0);
    vagus_record_value(histogram, 5);
    CHECK_EQ(vagus_histogram_read(histogram, &d), 0);
    CHECK_EQ(d.count, 2);
}

int main(void)
{
    RUN_WITH_METRICS(a_value_is_counted_where_it_belongs);
    RUN_WITH_METRICS(what_is_not_finite_is_refused_and_counted);
    RUN_WITH_METRICS(histograms_share_the_row_and_not_their_words);
    RUN_WITH_METRICS(its_newest_value_is_its_count);
    RUN_WITH_METRICS(threads_lose_nothing_and_no_count_runs_backward);
    RUN_WITH_METRICS(more_threads_than_slots_are_exact);
    RUN_WITH_METRICS(short_threads_hand_their_words_on);
    RUN_WITH_METRICS(the_child_of_a_fork_is_inert);
    return check_result();
}
