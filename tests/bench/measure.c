/* SPDX-License-Identifier: Apache-2.0 */
/* Interleaved batches on one or two threads, which start each batch together by spinning: a wake-up
 * would take as long as the batch. */
#include "measure.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "vagus/base.h"

#define BATCHES 801
#define BATCH_NS 50000
#define WHOLE_NS INT64_C(3000000000) /* slow operations get fewer batches */
#define BATCHES_LEAST 21

struct span {
    int64_t begin_ns, end_ns;
};

struct run {
    struct contender *contenders;
    unsigned count, threads, batches;
    unsigned arrived;   /* atomic: threads at the start of a batch, over all batches */
    struct span *spans; /* of each thread, of each contender, each batch's */
};

struct runner {
    struct run *run;
    unsigned thread;
};

static struct span *span_at(const struct run *run, unsigned thread, unsigned contender,
                            unsigned batch)
{
    return &run->spans[((size_t)thread * run->count + contender) * run->batches + batch];
}

static struct span time_batch(const struct contender *contender)
{
    struct span span;
    if (contender->prepare != NULL)
        contender->prepare(contender->arg);
    span.begin_ns = vagus_now_ns();
    contender->loop(contender->arg, contender->iterations);
    span.end_ns = vagus_now_ns();
    return span;
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
        for (;; contender->iterations *= 2) {
            struct span span = time_batch(contender);
            took_ns = span.end_ns - span.begin_ns;
            if (fixed || took_ns >= BATCH_NS)
                break;
        }
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

static void *run_batches(void *arg)
{
    const struct runner *runner = arg;
    struct run *run = runner->run;
    unsigned started = 0;
    for (unsigned batch = 0; batch < run->batches; batch++)
        for (unsigned i = 0; i < run->count; i++) {
            start_together(run, ++started);
            *span_at(run, runner->thread, i, batch) = time_batch(&run->contenders[i]);
        }
    return NULL;
}

/* The threads' mean duration of one batch. Where a thread was put to sleep the others had the
 * machine for themselves: such a batch says nothing about several at once. NaN then. */
static double batch_ns(const struct run *run, unsigned contender, unsigned batch)
{
    double sum_ns = 0;
    int64_t begin_ns = INT64_MIN, end_ns = INT64_MAX, longest_ns = 0;
    for (unsigned thread = 0; thread < run->threads; thread++) {
        const struct span *span = span_at(run, thread, contender, batch);
        int64_t took_ns = span->end_ns - span->begin_ns;
        begin_ns = span->begin_ns > begin_ns ? span->begin_ns : begin_ns;
        end_ns = span->end_ns < end_ns ? span->end_ns : end_ns;
        longest_ns = took_ns > longest_ns ? took_ns : longest_ns;
        sum_ns += (double)took_ns;
    }
    return (end_ns - begin_ns) * 10 >= longest_ns * 8 ? sum_ns / run->threads : NAN;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* scratch has room for all batches. NaN if too few of them are worth anything. */
static double median_ns(const struct run *run, unsigned contender, double *scratch)
{
    unsigned count = 0;
    for (unsigned batch = 0; batch < run->batches; batch++) {
        double ns = batch_ns(run, contender, batch);
        if (!isnan(ns))
            scratch[count++] = ns;
    }
    qsort(scratch, count, sizeof(*scratch), ascending);
    return count >= BATCHES_LEAST ? scratch[count / 2] : NAN;
}

static unsigned cpu_count(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

static bool run_threads(struct run *run)
{
    struct runner runners[MEASURE_THREADS_MAX];
    pthread_t others[MEASURE_THREADS_MAX];
    for (unsigned i = 1; i < run->threads; i++) {
        runners[i] = (struct runner){run, i};
        if (pthread_create(&others[i], NULL, run_batches, &runners[i]) != 0)
            return false;
    }
    runners[0] = (struct runner){run, 0};
    run_batches(&runners[0]);
    for (unsigned i = 1; i < run->threads; i++)
        pthread_join(others[i], NULL);
    return true;
}

bool measure(struct contender *contenders, unsigned count, unsigned threads)
{
    struct run run = {.contenders = contenders, .count = count, .threads = threads};
    if (threads > MEASURE_THREADS_MAX || threads > cpu_count())
        return false;
    int64_t rounds = WHOLE_NS / (calibrate(contenders, count) + 1);
    run.batches = rounds > BATCHES         ? BATCHES
                  : rounds < BATCHES_LEAST ? BATCHES_LEAST
                                           : (unsigned)rounds;
    run.spans = calloc((size_t)run.batches * count * threads, sizeof(*run.spans));
    double *scratch = calloc(run.batches, sizeof(*scratch));
    bool measured = run.spans != NULL && scratch != NULL && run_threads(&run);
    for (unsigned i = 0; i < count && measured; i++) {
        double per = contenders[i].per != 0 ? contenders[i].per : 1;
        contenders[i].ns = median_ns(&run, i, scratch) / ((double)contenders[i].iterations * per);
        measured = !isnan(contenders[i].ns);
    }
    free(scratch);
    free(run.spans);
    return measured;
}
