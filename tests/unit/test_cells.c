/* SPDX-License-Identifier: Apache-2.0 */
/* Cells: no count is lost, whatever threads do, and handles are harmless at any time. */
#include "metrics/cells.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static struct cells open_cells(uint32_t capacity, uint32_t slots)
{
    struct cells cells = {0};
    uint32_t generation = cells_door_take();
    if (generation != 0 && cells_init(&cells, generation, capacity, slots) != 0)
        cells.block = NULL;
    return cells;
}

static void close_cells(struct cells *cells)
{
    uint32_t generation = cells->generation;
    cells_finish(cells);
    cells_door_free(generation);
}

static struct vagus_counter counter_of(const struct cells *cells, uint32_t index)
{
    return (struct vagus_counter){cells->generation, index};
}

static void a_thread_counts_exactly(void)
{
    struct cells cells = open_cells(16, 4);
    REQUIRE(cells.block != NULL);
    for (int i = 0; i < 1000; i++)
        vagus_add(counter_of(&cells, 3), 2);
    CHECK_EQ(cells_total(&cells, 3), 2000);
    CHECK_EQ(cells_total(&cells, 2), 0);
    CHECK_EQ(cells_used(&cells), 1);
    CHECK(!cells_shared_used(&cells));
    close_cells(&cells);
}

static void handles_that_lead_nowhere_are_dropped_and_counted(void)
{
    struct cells cells = open_cells(16, 4);
    REQUIRE(cells.block != NULL);
    struct vagus_counter counter = counter_of(&cells, 1);
    uint64_t before = cells_dropped(), total = 77;
    vagus_add((struct vagus_counter){0, 0}, 1);
    vagus_add((struct vagus_counter){UINT32_MAX, 5}, 1);
    vagus_add((struct vagus_counter){counter.generation + VAGUS__DOORS, 1}, 1);
    vagus_set((struct vagus_gauge){0, 0}, 1);
    vagus_set((struct vagus_gauge){counter.generation, 1}, NAN);
    vagus_set((struct vagus_gauge){counter.generation, 1}, -INFINITY);
    CHECK_EQ(cells_dropped() - before, 6);
    CHECK_EQ(vagus__gauge(cells.board, 1)->tick, 0);
    vagus_add(counter, 1);
    close_cells(&cells);
    vagus_add(counter, 1); /* closed meanwhile: the thread's door must be shut */
    vagus_set((struct vagus_gauge){counter.generation, 1}, 1);
    CHECK_EQ(cells_dropped() - before, 8);
    CHECK_EQ(vagus_counter_total(counter, &total), VAGUS_ECLOSED);
    CHECK_EQ(total, 77);
}

static void a_reopened_door_starts_at_nought(void)
{
    struct vagus_counter last = {0, 0};
    for (int i = 0; i < 40; i++) {
        struct cells cells = open_cells(64, 4);
        REQUIRE(cells.block != NULL);
        vagus_add(last, 1000); /* of the monitor before: must not land here */
        vagus_add(counter_of(&cells, 7), 1);
        CHECK_EQ(cells_total(&cells, 7), 1);
        last = counter_of(&cells, 7);
        close_cells(&cells);
    }
}

static void four_doors_and_no_more(void)
{
    struct cells cells[VAGUS__DOORS];
    for (unsigned i = 0; i < VAGUS__DOORS; i++) {
        cells[i] = open_cells(8, 2);
        CHECK(cells[i].block != NULL);
    }
    CHECK_EQ(cells_door_take(), 0);
    for (unsigned i = 0; i < VAGUS__DOORS; i++)
        vagus_add(counter_of(&cells[i], 0), i + 1);
    for (unsigned i = 0; i < VAGUS__DOORS; i++) {
        CHECK_EQ(cells_total(&cells[i], 0), i + 1);
        close_cells(&cells[i]);
    }
}

struct work {
    struct vagus_counter counter;
    unsigned adds;
    pthread_barrier_t *together;
};

static void *work_run(void *arg)
{
    struct work *work = arg;
    if (work->together != NULL)
        pthread_barrier_wait(work->together);
    for (unsigned i = 0; i < work->adds; i++)
        vagus_add(work->counter, 1);
    if (work->together != NULL)
        pthread_barrier_wait(work->together);
    return NULL;
}

static void threads_beyond_the_slots_share_one_exactly(void)
{
    enum { THREADS = 9, ADDS = 20000 };
    struct cells cells = open_cells(8, 3);
    pthread_barrier_t together;
    pthread_t threads[THREADS];
    REQUIRE(cells.block != NULL);
    pthread_barrier_init(&together, NULL, THREADS);
    struct work work = {counter_of(&cells, 5), ADDS, &together};
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work_run, &work);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(cells_total(&cells, 5), THREADS * ADDS);
    CHECK_EQ(cells_used(&cells), 3);
    CHECK(cells_shared_used(&cells));
    pthread_barrier_destroy(&together);
    close_cells(&cells);
}

static void short_threads_hand_their_slots_on(void)
{
    struct cells cells = open_cells(8, 4);
    REQUIRE(cells.block != NULL);
    struct work work = {counter_of(&cells, 0), 3, NULL};
    for (int i = 0; i < 10000; i++) {
        pthread_t thread;
        REQUIRE(pthread_create(&thread, NULL, work_run, &work) == 0);
        pthread_join(thread, NULL);
    }
    CHECK_EQ(cells_total(&cells, 0), 30000);
    CHECK_EQ(cells_used(&cells), 1);
    CHECK(!cells_shared_used(&cells));
    close_cells(&cells);
}

static void *watch_run(void *arg)
{
    struct work *work = arg;
    uint64_t last = 0, total = 0;
    while (last < work->adds) {
        if (vagus_counter_total(work->counter, &total) != 0 || total < last)
            return (void *)1;
        last = total;
    }
    return NULL;
}

static void totals_never_run_backward_while_threads_come_and_go(void)
{
    enum { ROUNDS = 200, PARALLEL = 4, ADDS = 500 };
    struct cells cells = open_cells(8, 2);
    pthread_t watcher, threads[PARALLEL];
    void *went_back = NULL;
    REQUIRE(cells.block != NULL);
    struct work work = {counter_of(&cells, 1), ADDS, NULL};
    struct work watched = {work.counter, ROUNDS * PARALLEL * ADDS, NULL};
    pthread_create(&watcher, NULL, watch_run, &watched);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < PARALLEL; i++)
            pthread_create(&threads[i], NULL, work_run, &work);
        for (int i = 0; i < PARALLEL; i++)
            pthread_join(threads[i], NULL);
    }
    CHECK_EQ(cells_total(&cells, 1), watched.adds);
    pthread_join(watcher, &went_back);
    CHECK(went_back == NULL);
    close_cells(&cells);
}

static struct wake bell;

static bool was_woken(void)
{
    return wake_wait(&bell, 0);
}

static void a_trip_point_wakes_once_and_a_new_thread_wakes(void)
{
    struct cells cells = open_cells(8, 4);
    REQUIRE(cells.block != NULL);
    struct vagus_counter counter = counter_of(&cells, 2);
    cells_set_wake(&cells, &bell);
    vagus_add(counter, 5);
    CHECK(!was_woken());
    cells_arm(&cells, 2, 10);
    vagus_add(counter, 9);
    CHECK(!was_woken());
    vagus_add(counter, 1);
    CHECK(was_woken());
    vagus_add(counter, 1000); /* the sampler knows already */
    CHECK(!was_woken());
    cells_arm(&cells, 2, 1000);
    pthread_t thread;
    struct work work = {counter, 1, NULL};
    pthread_create(&thread, NULL, work_run, &work);
    pthread_join(thread, NULL);
    CHECK(was_woken()); /* its share was not known */
    cells_arm(&cells, 2, 0);
    vagus_add(counter, 1u << 20);
    CHECK(!was_woken());
    close_cells(&cells);
}

static void the_child_of_a_fork_is_inert(void)
{
    struct cells cells = open_cells(8, 4);
    REQUIRE(cells.block != NULL);
    struct vagus_counter counter = counter_of(&cells, 2);
    vagus_add(counter, 5);
    cells_before_fork();
    pid_t child = fork();
    if (child == 0) {
        cells_after_fork_in_child();
        uint64_t before = cells_dropped(), total = 0;
        vagus_add(counter, 100);
        bool inert =
            cells_dropped() == before + 1 && vagus_counter_total(counter, &total) == VAGUS_ECLOSED;
        struct cells own = open_cells(8, 4); /* the child may have one of its own */
        vagus_add(counter_of(&own, 2), 1);
        _exit(inert && own.block != NULL && cells_total(&own, 2) == 1 ? 0 : 1);
    }
    cells_after_fork_in_parent();
    int status = 1;
    waitpid(child, &status, 0);
    CHECK_EQ(status, 0);
    vagus_add(counter, 1);
    CHECK_EQ(cells_total(&cells, 2), 6);
    close_cells(&cells);
}

/* Whoever adds may be stopped between its look at the trip point and the call that takes it. */
static void a_trip_that_comes_late_leaves_the_new_trip_point(void)
{
    struct cells cells = open_cells(16, 4);
    REQUIRE(cells.block != NULL);
    vagus_add(counter_of(&cells, 3), 10);
    cells_arm(&cells, 3, 5);
    vagus__trip(counter_of(&cells, 3));
    CHECK_EQ(cells_slot(&cells, 0)[3].trip, 15);
    vagus_add(counter_of(&cells, 3), 5);
    CHECK_EQ(cells_slot(&cells, 0)[3].trip, UINT64_MAX);
    close_cells(&cells);
}

static void *add_one(void *counter)
{
    vagus_add(*(struct vagus_counter *)counter, 1);
    return NULL;
}

/* A host with a thread for each request would keep the sampler awake. */
static void a_slot_that_is_handed_on_keeps_its_trip_point(void)
{
    struct cells cells = open_cells(16, 4);
    REQUIRE(cells.block != NULL);
    static struct wake wake;
    struct vagus_counter counter = counter_of(&cells, 3);
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        REQUIRE(pthread_create(&thread, NULL, add_one, &counter) == 0);
        pthread_join(thread, NULL);
        if (i == 0) {
            cells_set_wake(&cells, &wake);
            cells_arm(&cells, 3, 100);
        }
    }
    CHECK_EQ(cells_used(&cells), 1);
    CHECK_EQ(cells_slot(&cells, 0)[3].trip, 101);
    CHECK_EQ(wake.rung, 0);
    close_cells(&cells);
}

int main(void)
{
    RUN(a_thread_counts_exactly);
    RUN(handles_that_lead_nowhere_are_dropped_and_counted);
    RUN(a_reopened_door_starts_at_nought);
    RUN(four_doors_and_no_more);
    RUN(threads_beyond_the_slots_share_one_exactly);
    RUN(short_threads_hand_their_slots_on);
    RUN(totals_never_run_backward_while_threads_come_and_go);
    RUN(a_trip_point_wakes_once_and_a_new_thread_wakes);
    RUN(a_trip_that_comes_late_leaves_the_new_trip_point);
    RUN(a_slot_that_is_handed_on_keeps_its_trip_point);
    RUN(the_child_of_a_fork_is_inert);
    return check_result();
}
