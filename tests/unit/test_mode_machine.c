/* SPDX-License-Identifier: Apache-2.0 */
/* The machine of the modes: against a reference that remembers the whole past and looks through it
 * anew at each step, and consent from other threads. */
#include "judge/mode_machine.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/thread.h"
#include "check.h"
#include "vagus/base.h"

#define S VAGUS_SECOND_NS
#define STEPS 400
#define MODES 5
#define RESOURCES 3

static struct mode_machine machine;
static struct mode_pressure past[STEPS];
static int64_t times[STEPS];
static int entered; /* the step at which the present mode was entered */

static bool severe(const struct mode_transition *t, const struct mode_pressure *p)
{
    bool any = false;
    for (int i = 0; i < 3; i++)
        if (t->when == CONFIG_WHEN_CLEAR || i + 1 >= t->when)
            any = any || (p->raised[i] & t->resources) != 0;
    return t->when == CONFIG_WHEN_CLEAR ? !any : any;
}

static bool blind(const struct mode_transition *t, const struct mode_pressure *p)
{
    return t->when == CONFIG_WHEN_CLEAR && (p->gap || (p->unknown & t->resources) != 0);
}

/* How long the condition has held, looking back from this step: -1 if it does not now. */
static int64_t held(const struct mode_transition *t, int step)
{
    int64_t total = 0;
    if (!severe(t, &past[step]) || blind(t, &past[step]))
        return -1;
    for (int i = step; i > entered && severe(t, &past[i - 1]); i--)
        if (!blind(t, &past[i]) && !blind(t, &past[i - 1]))
            total += times[i] - times[i - 1];
    return total;
}

static struct mode_transition *expected(int step)
{
    struct mode_transition *best = NULL;
    for (uint32_t i = 0; i < machine.transition_count; i++) {
        struct mode_transition *t = &machine.transitions[i];
        if (t->from == machine.mode && !t->consent && held(t, step) >= t->for_ns &&
            (best == NULL || t->when > best->when))
            best = t;
    }
    return best;
}

static void make_machine(void)
{
    machine = (struct mode_machine){.count = MODES};
    for (int i = 0; i < 14; i++) {
        uint8_t from = (uint8_t)(rand() % MODES);
        mode_add(&machine,
                 &(struct mode_transition){
                     .from = from,
                     .to = (uint8_t)((from + 1 + rand() % (MODES - 1)) % MODES),
                     .when = (uint8_t)(rand() % 4),
                     .consent = rand() % 8 == 0,
                     .resources = rand() % 2 ? MODE_ANY_RESOURCE : 1u << (rand() % RESOURCES),
                     .for_ns = rand() % 3 == 0 ? 0 : (rand() % 20) * S});
    }
}

/* Pressure as weather: it mostly stays as it was. */
static void next_pressure(struct mode_pressure *p)
{
    for (int i = 0; i < 3; i++)
        if (rand() % 6 == 0)
            p->raised[i] = rand() % 2 ? 0 : (uint32_t)(rand() % (1 << RESOURCES));
    if (rand() % 10 == 0)
        p->unknown = rand() % 2 ? 0 : (uint32_t)(rand() % (1 << RESOURCES));
    p->gap = rand() % 20 == 0;
}

static void as_the_reference_says(void)
{
    srand(5);
    uint64_t taken = 0;
    for (int round = 0; round < 2000; round++) {
        struct mode_pressure pressure = {0};
        make_machine();
        entered = 0;
        for (int step = 0; step < STEPS; step++) {
            next_pressure(&pressure);
            past[step] = pressure;
            times[step] = step > 0 ? times[step - 1] + (1 + rand() % 30) * S / 10 : S;
            struct mode_transition *wanted = expected(step);
            struct mode_transition *got = mode_step(&machine, &pressure, times[step]);
            if (got != wanted) {
                CHECK_FAIL_("round %d, step %d: transition %td, not %td", round, step,
                            got != NULL ? got - machine.transitions : -1,
                            wanted != NULL ? wanted - machine.transitions : -1);
                return;
            }
            if (got == NULL)
                continue;
            taken++;
            entered = step;
            CHECK_EQ(machine.mode, got->to);
            CHECK_EQ(machine.since_ns, times[step]);
        }
    }
    CHECK(taken > 20000);
}

/* --- Consent. --- */

static const struct mode_pressure clear, raised = {.raised = {1, 0, 0}}, blinded = {.unknown = 1};

static void make_locked(void)
{
    machine = (struct mode_machine){.count = 2};
    mode_add(&machine,
             &(struct mode_transition){
                 .from = 0, .to = 1, .when = CONFIG_WHEN_THROTTLE, .resources = MODE_ANY_RESOURCE});
    mode_add(&machine, &(struct mode_transition){.from = 1,
                                                 .to = 0,
                                                 .when = CONFIG_WHEN_CLEAR,
                                                 .resources = MODE_ANY_RESOURCE,
                                                 .for_ns = 2 * S,
                                                 .consent = true});
    CHECK(mode_step(&machine, &raised, S) != NULL);
}

static void consent_is_waited_for(void)
{
    make_locked();
    CHECK(!mode_consent(&machine, 0)); /* too early */
    CHECK(mode_step(&machine, &clear, 2 * S) == NULL);
    CHECK(mode_step(&machine, &clear, 3 * S) == NULL);
    CHECK(mode_waiting(&machine) == NULL && !mode_consent(&machine, 0));
    CHECK(mode_step(&machine, &clear, 4 * S) == NULL);
    CHECK(mode_waiting(&machine) != NULL);
    CHECK(mode_step(&machine, &clear, 400 * S) == NULL);
    CHECK(!mode_consent(&machine, 1));
    CHECK(mode_consent(&machine, 0));
    CHECK(mode_step(&machine, &clear, 401 * S) != NULL);
    CHECK_EQ(machine.mode, 0);
    CHECK(mode_waiting(&machine) == NULL);
}

/* What was agreed to is not what holds now: it has to be asked for again. */
static void consent_is_for_one_request(void)
{
    make_locked();
    mode_step(&machine, &clear, 2 * S);
    mode_step(&machine, &clear, 4 * S);
    CHECK(mode_consent(&machine, 0));
    CHECK(mode_step(&machine, &raised, 5 * S) == NULL);
    CHECK(mode_waiting(&machine) == NULL);
    mode_step(&machine, &clear, 6 * S);
    CHECK(mode_step(&machine, &clear, 8 * S) == NULL);
    CHECK(mode_waiting(&machine) != NULL);
    CHECK(mode_step(&machine, &clear, 9 * S) == NULL);
    /* And nobody agrees to what is not known. */
    CHECK(mode_consent(&machine, 0));
    CHECK(mode_step(&machine, &blinded, 10 * S) == NULL);
    CHECK(machine.unknown && !mode_consent(&machine, 0));
    CHECK(mode_step(&machine, &clear, 11 * S) == NULL);
    CHECK(mode_consent(&machine, 0));
    CHECK(mode_step(&machine, &clear, 12 * S) != NULL);
}

static int agreed, over;

static void *agree(void *arg)
{
    while (!__atomic_load_n(&over, __ATOMIC_RELAXED))
        if (mode_consent(&machine, 0))
            __atomic_add_fetch(&agreed, 1, __ATOMIC_RELAXED);
    return arg;
}

static void consent_comes_from_any_thread(void)
{
    pthread_t threads[2];
    make_locked();
    for (int i = 0; i < 2; i++)
        REQUIRE(pthread_create(&threads[i], NULL, agree, NULL) == 0);
    int changes = 0;
    for (int64_t step = 2; changes < 20 && step < 50000000; step++)
        changes += mode_step(&machine, machine.mode == 0 ? &raised : &clear, step * S) != NULL;
    __atomic_store_n(&over, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(changes, 20);
    CHECK(agreed >= 9);
}

/* --- Flips. --- */

static void three_within_ten_minutes_flap(void)
{
    struct flips flips = {0};
    CHECK(!flips_add(&flips, -1, 1000 * S));
    CHECK(!flips_add(&flips, 30 * S, 1200 * S));
    CHECK(flips_add(&flips, 10 * S, 1600 * S));
    CHECK_EQ(flips.longest_ns, 30 * S);
    CHECK_EQ(flips_proposed_ns(&flips), 38 * S);
    flips.told_ns = 1600 * S;
    CHECK(!flips_add(&flips, 10 * S, 1700 * S));
    CHECK(!flips_add(&flips, 10 * S, 2199 * S));
    CHECK(flips_add(&flips, 10 * S, 2200 * S));
    /* After a rest it begins anew. */
    CHECK(!flips_add(&flips, 700 * S, 2900 * S));
    CHECK_EQ(flips.longest_ns, 0);
    CHECK(!flips_add(&flips, 5 * S, 3300 * S));
    CHECK(!flips_add(&flips, 5 * S, 3501 * S)); /* the first is too long ago */
}

int main(void)
{
    RUN(as_the_reference_says);
    RUN(consent_is_waited_for);
    RUN(consent_is_for_one_request);
    RUN(consent_comes_from_any_thread);
    RUN(three_within_ten_minutes_flap);
    return check_result();
}
