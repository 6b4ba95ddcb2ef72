/* SPDX-License-Identifier: Apache-2.0 */
/* The bell: a ring is never lost, and rings do not add up. */
#include "base/wake.h"

#include <pthread.h>

#include "check.h"
#include "vagus/base.h"

static void a_ring_before_the_wait_counts_once(void)
{
    struct wake wake = {0};
    CHECK(!wake_wait(&wake, vagus_now_ns()));
    wake_ring(&wake);
    wake_ring(&wake);
    CHECK(wake_wait(&wake, vagus_now_ns() - VAGUS_SECOND_NS));
    CHECK(!wake_wait(&wake, vagus_now_ns()));
}

static void a_deadline_passes(void)
{
    struct wake wake = {0};
    int64_t deadline_ns = vagus_now_ns() + 20 * VAGUS_MILLISECOND_NS;
    while (vagus_now_ns() < deadline_ns)
        CHECK(!wake_wait(&wake, deadline_ns));
}

struct pair {
    struct wake there, back;
};

static void *answer(void *arg)
{
    struct pair *pair = arg;
    for (int i = 0; i < 10000; i++) {
        while (!wake_wait(&pair->there, INT64_MAX))
            continue;
        wake_ring(&pair->back);
    }
    return NULL;
}

/* Hangs if a single ring is lost. */
static void no_ring_is_lost(void)
{
    struct pair pair = {{0}, {0}};
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, answer, &pair) == 0);
    for (int i = 0; i < 10000; i++) {
        wake_ring(&pair.there);
        while (!wake_wait(&pair.back, INT64_MAX))
            continue;
    }
    pthread_join(thread, NULL);
}

int main(void)
{
    RUN(a_ring_before_the_wait_counts_once);
    RUN(a_deadline_passes);
    RUN(no_ring_is_lost);
    return check_result();
}
