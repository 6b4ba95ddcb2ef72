/* SPDX-License-Identifier: Apache-2.0 */
/* A histogram's history is asked while another thread writes it and the pool drives it out: what is
 * answered is whole, or the question is refused. */
#include <pthread.h>

#include "check.h"
#include "metrics_fixture.h"

#define S VAGUS_SECOND_NS
#define SECONDS 6000
#define EACH 25 /* values in a second */

static struct vagus_histogram histogram;
static struct spread_metric spread;
static int64_t began_ns;
static int ended;

static void *write_on(void *arg)
{
    int64_t now_ns = began_ns;
    (void)arg;
    for (unsigned i = 0; i < SECONDS; i++, now_ns += S) {
        for (unsigned k = 0; k < EACH; k++)
            vagus_record_value(histogram, 1 + (i * 31 + k * 7919) % 100000);
        metrics_fold(&metrics, ~0u, now_ns + S, now_ns);
    }
    __atomic_store_n(&ended, 1, __ATOMIC_RELEASE);
    return NULL;
}

static void what_is_answered_is_whole(void)
{
    const char *why;
    pthread_t writer;
    int index = metrics_define(
        &metrics,
        &(struct vagus_metric_desc){.name = "h", .kind = VAGUS_HISTOGRAM, .min = 1, .max = 1e5},
        METRIC_RECORDED, &why);
    REQUIRE(index >= 0);
    spread = metrics_spread(&metrics, (uint32_t)index);
    histogram = (struct vagus_histogram){
        metrics.cells.generation, (uint32_t)index,      spread.first,
        spread.shape->buckets,    spread.shape->origin, spread.shape->shift};
    began_ns = fixture_now_ns;
    REQUIRE(pthread_create(&writer, NULL, write_on, NULL) == 0);
    unsigned answers = 0;
    for (unsigned i = 0; !__atomic_load_n(&ended, __ATOMIC_ACQUIRE) || answers == 0; i++) {
        struct vagus_distribution got;
        struct spread_answer covered;
        struct segment_reader reader;
        int64_t from_ns = began_ns + (int64_t)(i * 7907 % SECONDS) * S;
        segment_attach_own(&segment, &reader);
        int error = spreads_ask(&metrics.spreads, &reader, &spread, from_ns,
                                from_ns + (int64_t)(i % 700) * S, &got, &covered);
        if (error != 0) {
            CHECK(error == VAGUS_EAGAIN || error == VAGUS_ENOENT);
            continue;
        }
        answers++;
        /* Each second has as many values: none is missing, none is told twice. */
        CHECK_EQ(got.count, (uint64_t)((covered.to_ns - covered.from_ns) / S) * EACH);
    }
    pthread_join(writer, NULL);
    CHECK(answers > 0);
}

int main(void)
{
    RUN_WITH_METRICS(what_is_answered_is_whole);
    return check_result();
}
