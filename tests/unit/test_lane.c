/* SPDX-License-Identifier: Apache-2.0 */
/* Lanes: asking never blocks, a hung lane is left behind and cleans up after itself. */
#include "sense/lane.h"

#include <pthread.h>
#include <semaphore.h>
#include <time.h>

#include "check.h"
#include "vagus/base.h"

struct job {
    sem_t began, go_on, released;
    int runs;
    bool waits, exits;
};

static void job_init(struct job *job)
{
    *job = (struct job){0};
    sem_init(&job->began, 0, 0);
    sem_init(&job->go_on, 0, 0);
    sem_init(&job->released, 0, 0);
}

static void job_work(void *arg)
{
    struct job *job = arg;
    job->runs++;
    sem_post(&job->began);
    if (job->waits)
        sem_wait(&job->go_on);
    if (job->exits)
        pthread_exit(NULL);
}

static void job_release(void *arg)
{
    sem_post(&((struct job *)arg)->released);
}

/* However long it takes on a busy machine: what never comes hangs the test. */
#define HOWEVER_LONG INT64_MAX

static void await_and_take(struct lane *lane)
{
    while (!lane_take(lane))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static int64_t soon(int64_t ms)
{
    return vagus_now_ns() + ms * VAGUS_MILLISECOND_NS;
}

static void each_request_is_one_run(void)
{
    struct job job;
    struct lane *lane = NULL;
    job_init(&job);
    REQUIRE(lane_create("test", job_work, job_release, &job, &lane) == 0);
    for (int i = 1; i <= 3; i++) {
        CHECK(lane_idle(lane));
        CHECK(lane_request(lane));
        await_and_take(lane);
        CHECK_EQ(job.runs, i);
        CHECK(!lane_take(lane));
    }
    CHECK(lane_cpu_ns(lane) > 0);
    CHECK(lane_close(lane, HOWEVER_LONG));
    sem_wait(&job.released);
}

static void a_lane_at_work_takes_no_request(void)
{
    struct job job;
    struct lane *lane = NULL;
    job_init(&job);
    job.waits = true;
    REQUIRE(lane_create("test", job_work, job_release, &job, &lane) == 0);
    CHECK(lane_request(lane));
    sem_wait(&job.began);
    CHECK(!lane_request(lane));
    CHECK(!lane_take(lane));
    CHECK(lane_busy_since_ns(lane) != 0);
    sem_post(&job.go_on);
    await_and_take(lane);
    CHECK_EQ(lane_busy_since_ns(lane), 0);
    CHECK(lane_close(lane, HOWEVER_LONG));
    CHECK_EQ(job.runs, 1);
}

static void a_hung_lane_is_left_behind_and_releases_later(void)
{
    struct job job;
    struct lane *lane = NULL;
    job_init(&job);
    job.waits = true;
    REQUIRE(lane_create("test", job_work, job_release, &job, &lane) == 0);
    lane_request(lane);
    sem_wait(&job.began);
    CHECK(!lane_close(lane, soon(20)));
    CHECK(sem_trywait(&job.released) != 0);
    sem_post(&job.go_on);
    sem_wait(&job.released); /* hangs, and the test with it, if it is never released */
}

static sem_t release_may_end;

static void job_release_hangs(void *arg)
{
    sem_wait(&release_may_end);
    job_release(arg);
}

static void a_release_that_hangs_is_left_behind_too(void)
{
    struct job job;
    struct lane *lane = NULL;
    job_init(&job);
    sem_init(&release_may_end, 0, 0);
    REQUIRE(lane_create("test", job_work, job_release_hangs, &job, &lane) == 0);
    CHECK(!lane_close(lane, soon(20)));
    sem_post(&release_may_end);
    sem_wait(&job.released);
}

static void work_that_ends_its_thread_is_survived(void)
{
    struct job job;
    struct lane *lane = NULL;
    job_init(&job);
    job.exits = true;
    REQUIRE(lane_create("test", job_work, job_release, &job, &lane) == 0);
    lane_request(lane);
    sem_wait(&job.began);
    CHECK(lane_close(lane, HOWEVER_LONG));
    sem_wait(&job.released);
}

int main(void)
{
    RUN(each_request_is_one_run);
    RUN(a_lane_at_work_takes_no_request);
    RUN(a_hung_lane_is_left_behind_and_releases_later);
    RUN(a_release_that_hangs_is_left_behind_too);
    RUN(work_that_ends_its_thread_is_survived);
    return check_result();
}
