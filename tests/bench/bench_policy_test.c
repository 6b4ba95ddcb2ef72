/* SPDX-License-Identifier: Apache-2.0 */
/* A simulated day at one second through the default policy: as `vagus test` runs it, beside a loop
 * that makes the same input and compares it with one threshold. */
#include <stdlib.h>
#include <time.h>

#include "bench.h"
#include "cli/policy_test.h"

#define RUNS 5

static const char day[] = "policy: " SOURCE_FOLDER "/policies/default.yaml\n"
                          "cases:\n"
                          "  - name: a day\n"
                          "    every: 1s\n"
                          "    exact: false\n"
                          "    series: { memory.headroom.ratio: 20%~1% for 1d }\n"
                          "    expect: []\n";

/* One thread does it all and waits for nothing, so its own time is what it takes where nobody else
 * wants the CPU. */
static int64_t used_ns(void)
{
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return used.tv_sec * VAGUS_SECOND_NS + used.tv_nsec;
}

static int64_t run_bare(const struct policy_case *one)
{
    int64_t began_ns = used_ns();
    struct series_cursor cursor = {.random = 1};
    volatile unsigned below = 0;
    double value = 1;
    for (uint64_t step = 0; step < one->steps; step++)
        if (series_next(&one->series[0], &cursor, &value) == SERIES_VALUE && value < 0.2)
            below = below + 1;
    return used_ns() - began_ns;
}

static int64_t run_case(const struct policy_test *test, const struct policy_case *one)
{
    struct policy_outcome outcome;
    int64_t began_ns = used_ns();
    int error = policy_case_run(test, one, NULL, &outcome);
    int64_t took_ns = used_ns() - began_ns;
    policy_outcome_finish(&outcome);
    return error == 0 ? took_ns : -1;
}

static int by_size(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

void bench_policy_day(const struct bench_row *row, struct bench_result *result)
{
    static struct vagus_fault_list faults;
    struct policy_test test;
    int64_t took_ns[RUNS], bare_ns[RUNS];
    (void)row;
    if (policy_test_read(&test, "day.test.yaml", day, &faults) != 0) {
        result->why = "the test could not be read";
        policy_test_finish(&test);
        return;
    }
    for (int i = 0; i < RUNS; i++) {
        took_ns[i] = run_case(&test, &test.cases[0]);
        bare_ns[i] = run_bare(&test.cases[0]);
    }
    qsort(took_ns, RUNS, sizeof(took_ns[0]), by_size);
    qsort(bare_ns, RUNS, sizeof(bare_ns[0]), by_size);
    policy_test_finish(&test);
    if (took_ns[0] < 0) {
        result->why = "the test could not be run";
        return;
    }
    result->value = (double)took_ns[RUNS / 2];
    result->floor = (double)bare_ns[RUNS / 2];
}
