/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets: what may be taken, when it comes back, who is told. Time is the test's. */
#include <math.h>
#include <pthread.h>

#include "check.h"
#include "monitor/monitor.h"
#include "monitor_fixture.h"

#define HOUR (3600 * S)

static struct vagus_monitor *m;
static struct vagus_answer answer;

static struct vagus_budget make(struct vagus_budget_desc desc)
{
    struct vagus_budget budget = {0};
    desc.size = sizeof(desc);
    CHECK_EQ(vagus_budget_define(m, &desc, &budget), 0);
    return budget;
}

static void begin(void)
{
    m = organ_open(VAGUS_STEPPED);
}

static void go(void)
{
    REQUIRE(vagus_monitor_start(m) == 0);
}

static int64_t left(struct vagus_budget budget)
{
    struct vagus_budget_status status = {0};
    CHECK_EQ(vagus_budget_read(budget, &status), 0);
    return status.left;
}

static struct vagus_budget tokens(void)
{
    return make((struct vagus_budget_desc){
        .name = "tokens", .unit = "{token}", .limit = 1000, .window_ns = HOUR});
}

static void reservations_are_not_spent_twice(void)
{
    struct vagus_ticket first, second, third = {0};
    begin();
    struct vagus_budget budget = tokens();
    go();
    CHECK_EQ(vagus_budget_reserve(budget, 600, 10 * S, &first, &answer), 0);
    CHECK_EQ(vagus_budget_reserve(budget, 600, 10 * S, &third, &answer), VAGUS_EAGAIN);
    CHECK_EQ(third.number, 0);
    CHECK_STR(answer.reason, "tokens: 600 asked for, 400 left of 1000");
    CHECK(answer.wait_ns > 0);
    CHECK_EQ(vagus_budget_reserve(budget, 400, 10 * S, &second, &answer), 0);
    CHECK_EQ(left(budget), 0);

    /* Less was used than was set aside: the rest is there at once. */
    CHECK_EQ(vagus_budget_commit(first, 250), 0);
    CHECK_EQ(left(budget), 350);
    CHECK_EQ(vagus_budget_commit(first, 250), VAGUS_ENOENT);
    CHECK_EQ(vagus_budget_commit(second, 0), 0);
    CHECK_EQ(left(budget), 750);
    CHECK_EQ(vagus_budget_reserve(budget, 1001, S, &third, &answer), VAGUS_EFULL);
    CHECK_EQ(answer.wait_ns, 0);
    CHECK_CONTAINS(answer.reason, "more than the whole limit");
    vagus_monitor_close(m);
}

static void what_was_spent_comes_back_late_not_early(void)
{
    begin();
    struct vagus_budget budget = tokens();
    go();
    organ_run(m, 17 * S);
    CHECK_EQ(vagus_budget_take(budget, 700, &answer), 0);
    int64_t spent_ns = atomic_load(&test_now_ns);
    organ_run(m, 10 * 60 * S);
    CHECK_EQ(vagus_budget_take(budget, 300, &answer), 0);
    CHECK_EQ(vagus_budget_take(budget, 1, &answer), VAGUS_EAGAIN);
    int64_t told_ns = atomic_load(&test_now_ns) + answer.wait_ns;
    CHECK(told_ns >= spent_ns + HOUR && told_ns <= spent_ns + HOUR + HOUR / 60);
    CHECK_EQ(vagus_budget_take(budget, 701, &answer), VAGUS_EAGAIN);
    CHECK(atomic_load(&test_now_ns) + answer.wait_ns >= spent_ns + HOUR + 10 * 60 * S);

    organ_run(m, spent_ns + HOUR - atomic_load(&test_now_ns));
    CHECK_EQ(left(budget), 0);
    organ_run(m, told_ns - atomic_load(&test_now_ns) + S);
    CHECK_EQ(left(budget), 700);
    organ_run(m, 12 * 60 * S);
    CHECK_EQ(left(budget), 1000);
    organ_run(m, 3 * HOUR); /* nothing comes back twice */
    CHECK_EQ(left(budget), 1000);
    vagus_monitor_close(m);
}

/* Spending at random against a list of what was spent when: never more than the limit within any
 * window, and no more than a sixtieth and a tick late. */
static void a_window_never_holds_more_than_its_limit(void)
{
    static struct {
        int64_t at_ns;
        uint64_t amount;
    } spent[20000];
    unsigned count = 0;
    begin();
    struct vagus_budget budget = tokens();
    go();
    srand(1);
    while (count < 2000) {
        organ_run(m, (rand() % 40) * S);
        uint64_t amount = 1 + (uint64_t)(rand() % 120);
        int64_t now_ns = atomic_load(&test_now_ns);
        uint64_t within = 0, lately = 0;
        for (unsigned i = 0; i < count; i++) {
            within += spent[i].at_ns > now_ns - HOUR ? spent[i].amount : 0;
            lately += spent[i].at_ns > now_ns - HOUR - HOUR / 60 - 2 * S ? spent[i].amount : 0;
        }
        int error = vagus_budget_take(budget, amount, &answer);
        if (error == 0) {
            if (within + amount > 1000)
                CHECK_FAIL_("%ju in one window", (uintmax_t)(within + amount));
            spent[count].at_ns = now_ns;
            spent[count++].amount = amount;
        } else if (lately + amount <= 1000) {
            CHECK_FAIL_("refused although %ju would be allowed", (uintmax_t)(lately + amount));
        } else if (error == VAGUS_EAGAIN && rand() % 4 == 0) {
            organ_run(m, answer.wait_ns + S);
            if (vagus_budget_take(budget, amount, NULL) != 0)
                CHECK_FAIL_("refused after the wait that it asked for%s", "");
            spent[count].at_ns = atomic_load(&test_now_ns);
            spent[count++].amount = amount;
        }
    }
    vagus_monitor_close(m);
}

static void a_ticket_that_nobody_settles_comes_back(void)
{
    struct vagus_ticket ticket;
    struct vagus_budget_status status;
    begin();
    struct vagus_budget budget = tokens();
    go();
    CHECK_EQ(vagus_budget_reserve(budget, 900, 30 * S, &ticket, &answer), 0);
    organ_run(m, 29 * S);
    CHECK_EQ(left(budget), 100);
    organ_run(m, 2 * S);
    CHECK_EQ(left(budget), 1000);
    REQUIRE(vagus_budget_read(budget, &status) == 0);
    CHECK_EQ(status.expired, 1);
    CHECK_EQ(status.reserved, 0);
    /* It was only late: its use counts, once. */
    CHECK_EQ(vagus_budget_commit(ticket, 500), 0);
    CHECK_EQ(left(budget), 500);
    CHECK_EQ(vagus_budget_commit(ticket, 500), VAGUS_ENOENT);
    CHECK_EQ(left(budget), 500);
    vagus_monitor_close(m);
}

static void a_standing_amount_is_given_back(void)
{
    begin();
    struct vagus_budget slots = make((struct vagus_budget_desc){.name = "slots", .limit = 2});
    go();
    CHECK_EQ(vagus_budget_take(slots, 1, NULL), 0);
    CHECK_EQ(vagus_budget_take(slots, 1, NULL), 0);
    CHECK_EQ(vagus_budget_take(slots, 1, NULL), VAGUS_EAGAIN);
    organ_run(m, 100 * S);
    CHECK_EQ(left(slots), 0);
    CHECK_EQ(vagus_budget_give(slots, 3), VAGUS_EINVAL);
    CHECK_EQ(vagus_budget_give(slots, 2), 0);
    CHECK_EQ(vagus_budget_give(slots, 1), VAGUS_EINVAL);
    CHECK_EQ(left(slots), 2);
    vagus_monitor_close(m);
}

static void a_live_budget_follows_its_gauge(void)
{
    struct vagus_ticket ticket;
    begin();
    struct vagus_gauge free_bytes = vagus_gauge_define(
        m, &(struct vagus_metric_desc){.name = "vram.free", .unit = "By", .good_for_ns = 5 * S});
    struct vagus_budget strict = make((struct vagus_budget_desc){
        .name = "vram", .unit = "By", .live = "vram.free", .unknown = VAGUS_UNKNOWN_REFUSES});
    struct vagus_budget lax = make((struct vagus_budget_desc){
        .name = "vram-lax", .unit = "By", .live = "vram.free", .unknown = VAGUS_UNKNOWN_ALLOWS});
    go();
    CHECK_EQ(vagus_budget_take(strict, 1, &answer), VAGUS_EAGAIN);
    CHECK_CONTAINS(answer.reason, "not known");
    CHECK_EQ(vagus_budget_take(lax, 1, &answer), 0);

    vagus_set(free_bytes, 8000);
    organ_run(m, S);
    CHECK_EQ(left(strict), 8000);
    CHECK_EQ(vagus_budget_reserve(strict, 3000, 60 * S, &ticket, &answer), 0);
    CHECK_EQ(left(strict), 5000);
    CHECK_EQ(vagus_budget_reserve(strict, 6000, 60 * S, &ticket, &answer), VAGUS_EAGAIN);

    /* Loaded and settled. The gauge does not show it yet: nobody may have it a second time. */
    CHECK_EQ(vagus_budget_commit(ticket, 3000), 0);
    CHECK_EQ(left(strict), 5000);
    vagus_set(free_bytes, 8000);
    organ_run(m, S);
    CHECK_EQ(left(strict), 5000);
    vagus_set(free_bytes, 5000);
    organ_run(m, S);
    CHECK_EQ(left(strict), 5000);
    vagus_set(free_bytes, 5000);
    organ_run(m, S);
    CHECK_EQ(left(strict), 5000);

    organ_run(m, 10 * S); /* stale */
    CHECK_EQ(vagus_budget_take(strict, 1, &answer), VAGUS_EAGAIN);
    CHECK_EQ(vagus_budget_take(lax, 1, &answer), 0);
    vagus_monitor_close(m);
}

static void a_counter_spends_by_itself(void)
{
    begin();
    struct vagus_counter counter =
        vagus_counter_define(m, &(struct vagus_metric_desc){.name = "agent.tokens"});
    struct vagus_budget budget = make((struct vagus_budget_desc){
        .name = "tokens", .limit = 1000, .window_ns = HOUR, .counts = "agent.tokens"});
    go();
    vagus_add(counter, 1500); /* what happened happened */
    organ_run(m, S);
    CHECK_EQ(left(budget), -500);
    CHECK_EQ(vagus_budget_take(budget, 1, &answer), VAGUS_EAGAIN);
    CHECK_CONTAINS(answer.reason, "nothing left");
    organ_run(m, HOUR + HOUR / 60 + S);
    CHECK_EQ(left(budget), 1000);
    vagus_monitor_close(m);
}

static void all_needs_or_none(void)
{
    struct vagus_ticket tickets[2];
    begin();
    struct vagus_budget a = tokens();
    struct vagus_budget b = make((struct vagus_budget_desc){.name = "slots", .limit = 1});
    go();
    const struct vagus_need needs[] = {{a, 400}, {b, 1}};
    CHECK_EQ(vagus_admit(needs, 2, S, NULL, &answer), 0); /* only asked */
    CHECK_EQ(left(a), 1000);
    CHECK_EQ(vagus_admit(needs, 2, 60 * S, tickets, &answer), 0);
    CHECK_EQ(left(a), 600);
    struct vagus_ticket more[2];
    CHECK_EQ(vagus_admit(needs, 2, 60 * S, more, &answer), VAGUS_EAGAIN);
    CHECK_CONTAINS(answer.reason, "slots:");
    CHECK_EQ(left(a), 600);
    CHECK_EQ(more[0].number, 0);
    const struct vagus_need never[] = {{b, 1}, {a, 2000}};
    CHECK_EQ(vagus_admit(never, 2, 60 * S, more, &answer), VAGUS_EFULL);
    CHECK_CONTAINS(answer.reason, "tokens:");
    CHECK_EQ(vagus_budget_commit(tickets[0], 400), 0);
    CHECK_EQ(vagus_budget_commit(tickets[1], 0), 0);
    CHECK_EQ(left(b), 1);
    vagus_monitor_close(m);
}

static void marks_raise_and_clear(void)
{
    begin();
    struct vagus_budget budget =
        make((struct vagus_budget_desc){.name = "tokens",
                                        .limit = 1000,
                                        .window_ns = HOUR,
                                        .resource = "tokens",
                                        .warning = {.at_ratio = 0.8, .raises = VAGUS_THROTTLE},
                                        .critical = {.at_ratio = 0.95, .raises = VAGUS_DEFER}});
    go();
    CHECK_EQ(vagus_budget_take(budget, 799, &answer), 0);
    organ_run(m, S);
    CHECK(vagus_signal_level(m, VAGUS_THROTTLE) == 0);
    CHECK_EQ(vagus_budget_take(budget, 1, &answer), 0);
    organ_run(m, S);
    CHECK(vagus_signal_level(m, VAGUS_THROTTLE) > 0);
    CHECK(vagus_signal_level(m, VAGUS_DEFER) == 0);
    CHECK_EQ(vagus_budget_take(budget, 150, &answer), 0);
    organ_run(m, S);
    CHECK(vagus_signal_level(m, VAGUS_DEFER) > 0);
    organ_run(m, HOUR + HOUR / 60 + S);
    CHECK(vagus_signal_level(m, VAGUS_SIGNAL_ANY) == 0);
    vagus_monitor_close(m);
}

static void handles_outlive_their_monitor(void)
{
    struct vagus_ticket ticket, other;
    struct vagus_budget_status status;
    struct vagus_budget found, none = {0};
    begin();
    struct vagus_budget budget = tokens();
    go();
    CHECK_EQ(vagus_budget_find(m, "tokens", &found), 0);
    CHECK_EQ(found.index, budget.index);
    CHECK_EQ(vagus_budget_find(m, "tokenz", &found), VAGUS_ENOENT);
    CHECK_EQ(vagus_budget_reserve(budget, 10, S, &ticket, &answer), 0);
    vagus_monitor_close(m);
    CHECK_EQ(vagus_budget_take(budget, 1, &answer), VAGUS_ECLOSED);
    CHECK_EQ(vagus_budget_commit(ticket, 1), VAGUS_ENOENT);
    CHECK_EQ(vagus_budget_read(budget, &status), VAGUS_ECLOSED);
    CHECK_EQ(vagus_budget_reserve(none, 1, S, &other, &answer), VAGUS_ECLOSED);
    CHECK_EQ(vagus_budget_spend(none, 1), VAGUS_ECLOSED);
    CHECK_EQ(vagus_budget_commit((struct vagus_ticket){.number = 7}, 1), VAGUS_ENOENT);
}

static void bad_descriptions_are_refused(void)
{
    struct vagus_budget budget;
    begin();
    static const struct vagus_budget_desc bad[] = {
        {.name = NULL, .limit = 1},
        {.name = "Tokens", .limit = 1},
        {.name = "t"},
        {.name = "t", .limit = VAGUS_AMOUNT_MAX + 1},
        {.name = "t", .limit = 1, .live = "x"},
        {.name = "t", .live = "x", .window_ns = S},
        {.name = "t", .limit = 1, .window_ns = -1},
        {.name = "t", .limit = 1, .warning = {.at_ratio = NAN, .raises = VAGUS_DEFER}},
        {.name = "t", .limit = 1, .warning = {.at_ratio = 0.5, .raises = 8}},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct vagus_budget_desc desc = bad[i];
        desc.size = sizeof(desc);
        CHECK_EQ(vagus_budget_define(m, &desc, &budget), VAGUS_EINVAL);
    }
    tokens();
    CHECK_EQ(vagus_budget_define(
                 m,
                 &(struct vagus_budget_desc){.size = sizeof(bad[0]), .name = "tokens", .limit = 1},
                 &budget),
             VAGUS_EEXIST);
    go();
    CHECK_EQ(vagus_budget_define(
                 m, &(struct vagus_budget_desc){.size = sizeof(bad[0]), .name = "late", .limit = 1},
                 &budget),
             VAGUS_ESTATE);
    vagus_monitor_close(m);
}

/* --- Threads: what was granted never exceeds the limit, and all of it comes back. --- */

#define THREADS 4
#define ROUNDS 20000

static struct vagus_budget shared;
static _Atomic int64_t out;

static void *hammer(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg;
    for (int i = 0; i < ROUNDS; i++) {
        struct vagus_ticket ticket;
        int64_t amount = 1 + rand_r(&seed) % 60;
        if (vagus_budget_reserve(shared, (uint64_t)amount, HOUR, &ticket, NULL) != 0)
            continue;
        if (atomic_fetch_add(&out, amount) + amount > 100)
            CHECK_FAIL_("more is out than there is%s", "");
        atomic_fetch_sub(&out, amount);
        CHECK_EQ(vagus_budget_commit(ticket, 0), 0);
    }
    return NULL;
}

static void threads_never_overspend(void)
{
    pthread_t threads[THREADS];
    begin();
    shared = make((struct vagus_budget_desc){.name = "shared", .limit = 100});
    go();
    for (uintptr_t i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, hammer, (void *)(i + 1)) == 0);
    for (int i = 0; i < 200; i++)
        organ_run(m, S);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(left(shared), 100);
    vagus_monitor_close(m);
}

/* More tickets than there are places. */
static void too_many_tickets_are_refused(void)
{
    static struct vagus_ticket tickets[VAGUS_TICKETS_MAX + 1];
    begin();
    struct vagus_budget budget = make((struct vagus_budget_desc){.name = "many", .limit = 1000000});
    go();
    for (int i = 0; i < VAGUS_TICKETS_MAX; i++)
        REQUIRE(vagus_budget_reserve(budget, 1, HOUR, &tickets[i], NULL) == 0);
    CHECK_EQ(vagus_budget_reserve(budget, 1, HOUR, &tickets[VAGUS_TICKETS_MAX], &answer),
             VAGUS_EFULL);
    CHECK_STR(answer.reason, "too many tickets are open");
    CHECK_EQ(left(budget), 1000000 - VAGUS_TICKETS_MAX);
    vagus_monitor_close(m); /* their places are free again */
    begin();
    budget = make((struct vagus_budget_desc){.name = "many", .limit = 1000000});
    go();
    CHECK_EQ(vagus_budget_reserve(budget, 1, HOUR, &tickets[0], NULL), 0);
    vagus_monitor_close(m);
}

/* Open ones stand in the segment; where there is no room for all, those open for longest do. */
static void open_tickets_can_be_seen(void)
{
    static struct vagus_ticket tickets[200];
    static struct segment_ticket seen[SEGMENT_TICKETS_MAX];
    struct segment_reader reader;
    struct segment_head head;
    uint64_t got;
    begin();
    struct vagus_budget budget =
        make((struct vagus_budget_desc){.name = "many", .unit = "{token}", .limit = 1000000});
    go();
    segment_attach_own(&m->segment, &reader);
    int64_t first_ns = atomic_load(&test_now_ns);
    for (int i = 0; i < 200; i++) {
        REQUIRE(vagus_budget_reserve(budget, (uint64_t)i + 1, HOUR, &tickets[i], NULL) == 0);
        organ_run(m, S / 10);
    }
    CHECK_EQ(segment_read_entries(&reader, SEGMENT_TICKETS, 0, 64, seen, &got, &head), 0);
    CHECK_EQ(got, SEGMENT_TICKETS_MAX);
    CHECK_EQ(head.count, 200);
    for (uint64_t i = 0; i < got; i++) {
        CHECK_STR(seen[i].budget, "many");
        CHECK(seen[i].amount >= 1 && seen[i].amount <= SEGMENT_TICKETS_MAX);
        CHECK_EQ(seen[i].opened_ns, first_ns + ((int64_t)seen[i].amount - 1) * (S / 10));
        CHECK_EQ(seen[i].until_ns, seen[i].opened_ns + HOUR);
    }
    for (int i = 0; i < 199; i++)
        CHECK_EQ(vagus_budget_commit(tickets[i], 0), 0);
    organ_run(m, S); /* many were open once: each second */
    CHECK_EQ(segment_read_entries(&reader, SEGMENT_TICKETS, 0, 64, seen, &got, &head), 0);
    CHECK_EQ(got, 1);
    CHECK_EQ(seen[0].amount, 200);
    vagus_budget_commit(tickets[199], 0);
    organ_run(m, S);
    CHECK_EQ(segment_read_entries(&reader, SEGMENT_TICKETS, 0, 64, seen, &got, &head), 0);
    CHECK_EQ(got, 0);
    vagus_monitor_close(m);
}

int main(void)
{
    RUN(reservations_are_not_spent_twice);
    RUN(what_was_spent_comes_back_late_not_early);
    RUN(a_window_never_holds_more_than_its_limit);
    RUN(a_ticket_that_nobody_settles_comes_back);
    RUN(a_standing_amount_is_given_back);
    RUN(a_live_budget_follows_its_gauge);
    RUN(a_counter_spends_by_itself);
    RUN(all_needs_or_none);
    RUN(marks_raise_and_clear);
    RUN(handles_outlive_their_monitor);
    RUN(bad_descriptions_are_refused);
    RUN(threads_never_overspend);
    RUN(too_many_tickets_are_refused);
    RUN(open_tickets_can_be_seen);
    return check_result();
}
