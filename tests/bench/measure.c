/* SPDX-License-Identifier: Apache-2.0 */
/* Interleaved batches on one or two threads, which start each batch together by spinning: a wake-up
 * would take as long as the batch. */
#include "measure.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "vagus/base.h"

#define BATCHES 801
#define BATCH_NS 50000
#define WHOLE_NS INT64_C(3000000000) /* slow operations get fewer batches */
#define BATCHES_LEAST 21

struct run {
    struct contender *contenders;
    unsigned count, threads, batches;
    unsigned arrived; /* atomic: threads at the start of a batch, over all batches */
};

struct runner {
    struct run *run;
    double *samples; /* batches of each contender */
    double medians[MEASURE_CONTENDERS_MAX];
};

static int64_t batch_ns(const struct contender *contender)
{
    if (contender->prepare != NULL)
        contender->prepare(contender->arg);
    int64_t begin_ns = vagus_now_ns();
    contender->loop(contender->arg, contender->iterations);
    return vagus_now_ns() - begin_ns;
}

/* Finds how many iterations fill a batch; the first, cold ones are over then. Returns how long one
 * round of all contenders takes. */
static int64_t calibrate(struct contender *contenders, unsigned count)
{
    int64_t round_ns = 0;
    for (unsigned i = 0; i < count; i++) {
        struct contender *contender = &contenders[i];
        bool fixed = contender->iterations != 0;
        int64_t took_ns;
        if (!fixed)
            contender->iterations = 1;
        while ((took_ns = batch_ns(contender)) < BATCH_NS && !fixed)
            contender->iterations *= 2;
        round_ns += took_ns;
    }
    return round_ns;
}

static void start_together(struct run *run, unsigned batch)
{
    if (run->threads == 1)
        return;
    __atomic_add_fetch(&run->arrived, 1, __ATOMIC_ACQ_REL);
    while (__atomic_load_n(&run->arrived, __ATOMIC_ACQUIRE) < run->threads * batch)
        ;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void *run_batches(void *arg)
{
    struct runner *runner = arg;
    struct run *run = runner->run;
    unsigned started = 0;
    for (unsigned batch = 0; batch < run->batches; batch++)
        for (unsigned i = 0; i < run->count; i++) {
            const struct contender *contender = &run->contenders[i];
            double per = contender->per != 0 ? contender->per : 1;
            start_together(run, ++started);
            runner->samples[i * run->batches + batch] =
                (double)batch_ns(contender) / ((double)contender->iterations * per);
        }
    for (unsigned i = 0; i < run->count; i++) {
        double *samples = &runner->samples[i * run->batches];
        qsort(samples, run->batches, sizeof(*samples), ascending);
        runner->medians[i] = samples[run->batches / 2];
    }
    return NULL;
}

static unsigned cpu_count(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

bool measure(struct contender *contenders, unsigned count, unsigned threads)
{
    struct run run = {.contenders = contenders, .count = count, .threads = threads};
    struct runner runners[MEASURE_THREADS_MAX] = {0};
    pthread_t others[MEASURE_THREADS_MAX];
    if (count > MEASURE_CONTENDERS_MAX || threads > MEASURE_THREADS_MAX || threads > cpu_count())
        return false;

    int64_t rounds = WHOLE_NS / (calibrate(contenders, count) + 1);
    run.batches = rounds > BATCHES         ? BATCHES
                  : rounds < BATCHES_LEAST ? BATCHES_LEAST
                                           : (unsigned)rounds;
    double *samples = calloc((size_t)run.batches * count * threads, sizeof(*samples));
    if (samples == NULL)
        return false;
    for (unsigned i = 0; i < threads; i++)
        runners[i] = (struct runner){&run, samples + (size_t)i * run.batches * count, {0}};
    for (unsigned i = 1; i < threads; i++)
        if (pthread_create(&others[i], NULL, run_batches, &runners[i]) != 0)
            exit(1); /* the client alone: who waits for it sees that nothing was measured */
    run_batches(&runners[0]);
    for (unsigned i = 1; i < threads; i++)
        pthread_join(others[i], NULL);

    for (unsigned i = 0; i < count; i++) {
        contenders[i].ns = 0;
        for (unsigned thread = 0; thread < threads; thread++)
            contenders[i].ns += runners[thread].medians[i] / threads;
    }
    free(samples);
    return true;
}
