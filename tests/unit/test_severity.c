/* SPDX-License-Identifier: Apache-2.0 */
/* The state machine of a severity: by example, and against a reference model that keeps the whole
 * history and looks back over it instead of keeping a state. */
#include <stdbool.h>
#include <stdlib.h>

#include "judge/rule.h"
#include "vagus/base.h"

#include "check.h"

#define MS VAGUS_MILLISECOND_NS

static const struct config_threshold below_10 = {
    .present = true, .below = true, .enter = 10, .clear = 15, .full = NAN};
static const struct severity_timing plain = {0, CONFIG_MISSING_HOLD, 0};

static enum severity_event feed(struct severity *severity, const struct config_threshold *threshold,
                                const struct severity_timing *timing, int64_t now_ns,
                                double measure)
{
    struct severity_input input = {now_ns, !isnan(measure), measure};
    return severity_step(severity, threshold, threshold->full, timing, &input);
}

/* --- By example. --- */

static void enter_and_clear_differ(void)
{
    struct severity s = {0};
    CHECK_EQ(feed(&s, &below_10, &plain, 1, 10), SEVERITY_NOTHING); /* at it is not below it */
    CHECK_EQ(feed(&s, &below_10, &plain, 2, 9.9), SEVERITY_RAISE);
    CHECK_EQ(feed(&s, &below_10, &plain, 3, 14.9), SEVERITY_NOTHING);
    CHECK_EQ(s.phase, SEVERITY_RAISED);
    CHECK_EQ(feed(&s, &below_10, &plain, 4, 15), SEVERITY_END);
    CHECK_EQ(s.level, 0);
    CHECK_EQ(feed(&s, &below_10, &plain, 5, 14), SEVERITY_NOTHING);
}

static void for_wants_an_unbroken_run(void)
{
    struct config_threshold threshold = below_10;
    struct severity s = {0};
    threshold.for_ns = 100;
    CHECK_EQ(feed(&s, &threshold, &plain, 1000, 5), SEVERITY_NOTHING);
    CHECK_EQ(feed(&s, &threshold, &plain, 1099, 5), SEVERITY_NOTHING);
    CHECK_EQ(feed(&s, &threshold, &plain, 1099, 12), SEVERITY_NOTHING); /* broken */
    CHECK_EQ(feed(&s, &threshold, &plain, 1100, 5), SEVERITY_NOTHING);
    CHECK_EQ(feed(&s, &threshold, &plain, 1199, 5), SEVERITY_NOTHING);
    CHECK_EQ(feed(&s, &threshold, &plain, 1200, 5), SEVERITY_RAISE);
}

static void a_missed_sample_resets_nothing(void)
{
    struct config_threshold threshold = below_10;
    struct severity s = {0};
    threshold.for_ns = 100;
    feed(&s, &threshold, &plain, 1000, 5);
    CHECK_EQ(feed(&s, &threshold, &plain, 1050, NAN), SEVERITY_NOTHING);
    /* Nor does it raise by itself, however long it is missed. */
    CHECK_EQ(feed(&s, &threshold, &plain, 1150, NAN), SEVERITY_NOTHING);
    CHECK_EQ(feed(&s, &threshold, &plain, 1160, 5), SEVERITY_RAISE);
    CHECK_EQ(feed(&s, &threshold, &plain, 9000, NAN), SEVERITY_NOTHING);
    CHECK_EQ(s.phase, SEVERITY_RAISED);
}

static void missing_may_raise_or_clear(void)
{
    struct severity_timing raising = {0, CONFIG_MISSING_RAISE, 0};
    struct severity_timing clearing = {50, CONFIG_MISSING_CLEAR, 0};
    struct config_threshold threshold = below_10;
    struct severity s = {0};
    threshold.for_ns = 100;
    threshold.full = 0;
    CHECK_EQ(feed(&s, &threshold, &raising, 1000, NAN), SEVERITY_NOTHING);
    CHECK_EQ(feed(&s, &threshold, &raising, 1100, NAN), SEVERITY_RAISE);
    CHECK_NEAR(s.level, 1, 0);
    CHECK_EQ(feed(&s, &threshold, &raising, 1200, 20), SEVERITY_END);

    s = (struct severity){0};
    threshold.for_ns = 0;
    CHECK_EQ(feed(&s, &threshold, &clearing, 1000, 5), SEVERITY_RAISE);
    CHECK_EQ(feed(&s, &threshold, &clearing, 1049, NAN), SEVERITY_NOTHING); /* min_hold */
    CHECK_NEAR(s.level, 0.5, 1e-12);
    CHECK_EQ(feed(&s, &threshold, &clearing, 1050, NAN), SEVERITY_END);
}

static void min_hold_outlasts_the_clear(void)
{
    struct severity_timing timing = {1000, CONFIG_MISSING_HOLD, 0};
    struct severity s = {0};
    CHECK_EQ(feed(&s, &below_10, &timing, 100, 5), SEVERITY_RAISE);
    CHECK_EQ(feed(&s, &below_10, &timing, 1099, 50), SEVERITY_NOTHING);
    CHECK_EQ(feed(&s, &below_10, &timing, 1100, 50), SEVERITY_END);
}

static void clear_for_wants_an_unbroken_run(void)
{
    struct config_threshold threshold = below_10;
    struct severity s = {0};
    threshold.clear_for_ns = 100;
    CHECK_EQ(feed(&s, &threshold, &plain, 1000, 5), SEVERITY_RAISE);
    CHECK_EQ(feed(&s, &threshold, &plain, 1001, 20), SEVERITY_NOTHING);
    CHECK_EQ(feed(&s, &threshold, &plain, 1090, 14), SEVERITY_NOTHING); /* broken */
    CHECK_EQ(feed(&s, &threshold, &plain, 1100, 20), SEVERITY_NOTHING);
    CHECK_EQ(feed(&s, &threshold, &plain, 1150, NAN), SEVERITY_NOTHING);
    CHECK_EQ(feed(&s, &threshold, &plain, 1199, 20), SEVERITY_NOTHING);
    CHECK_EQ(feed(&s, &threshold, &plain, 1200, 20), SEVERITY_END);
}

static void cooldown_keeps_it_quiet(void)
{
    struct severity_timing timing = {0, CONFIG_MISSING_HOLD, 1000};
    struct severity s = {0};
    CHECK_EQ(feed(&s, &below_10, &timing, 100, 5), SEVERITY_RAISE); /* the first one waits not */
    CHECK_EQ(feed(&s, &below_10, &timing, 200, 20), SEVERITY_END);
    CHECK_EQ(feed(&s, &below_10, &timing, 300, 5), SEVERITY_NOTHING);
    CHECK_EQ(feed(&s, &below_10, &timing, 1199, 5), SEVERITY_NOTHING);
    CHECK_EQ(feed(&s, &below_10, &timing, 1200, 5), SEVERITY_RAISE);
}

static void level_grows_towards_full(void)
{
    struct config_threshold above = {
        .present = true, .below = false, .enter = 80, .clear = 70, .full = 100};
    CHECK_NEAR(severity_level(&above, 100, 90), 0.5, 1e-12);
    CHECK_NEAR(severity_level(&above, 100, 1000), 1, 0);
    CHECK(severity_level(&above, 100, 80) > 0);
    CHECK(severity_level(&above, 100, 75) > 0);
    CHECK_NEAR(severity_level(&above, NAN, 81), 1, 0);
    CHECK_NEAR(severity_level(&above, 80, 81), 1, 0); /* nothing between enter and full */
    CHECK_NEAR(severity_level(&below_10, 0, 2.5), 0.75, 1e-12);

    struct severity s = {0};
    CHECK_EQ(feed(&s, &above, &plain, 1, 85), SEVERITY_RAISE);   /* 0.25 */
    CHECK_EQ(feed(&s, &above, &plain, 2, 86), SEVERITY_NOTHING); /* 0.3 */
    CHECK_EQ(feed(&s, &above, &plain, 3, 87), SEVERITY_UPDATE);  /* 0.35 */
    CHECK_EQ(feed(&s, &above, &plain, 4, 99), SEVERITY_UPDATE);
    CHECK_EQ(feed(&s, &above, &plain, 5, 100), SEVERITY_UPDATE); /* 1 is always told */
    CHECK_EQ(feed(&s, &above, &plain, 6, 99.9), SEVERITY_NOTHING);
    CHECK_EQ(feed(&s, &above, &plain, 7, 100), SEVERITY_NOTHING);
    CHECK_EQ(feed(&s, &above, &plain, 8, 80), SEVERITY_UPDATE);
}

/* --- Against the model. --- */

static uint64_t random_state;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static int64_t below(int64_t limit)
{
    return (int64_t)(next_random() % (uint64_t)limit);
}

#define EPISODE 120

struct moment {
    int64_t at_ns;
    double measure; /* NaN: missing */
};

struct model {
    struct config_threshold threshold;
    struct severity_timing timing;
    double full;
    struct moment history[EPISODE];
    int count;
    int raised_at;   /* index of the moment that raised it; -1: not raised */
    int cleared_at;  /* that last cleared it; -1: never */
    double told;     /* level at the last transition */
    double now_told; /* what the level is by the model */
};

/* 'b' beyond, 'c' clear, '-' between, '?' nothing known. */
static char letter(const struct model *m, int i)
{
    double x = m->history[i].measure, sign = m->threshold.below ? -1 : 1;
    if (isnan(x))
        return "?bc"[m->timing.missing];
    if (sign * x > sign * m->threshold.enter)
        return 'b';
    return sign * x <= sign * m->threshold.clear ? 'c' : '-';
}

static double model_level(const struct model *m, double measure)
{
    double way = m->full - m->threshold.enter;
    double gone = measure - m->threshold.enter;
    if (isnan(measure) || isnan(m->full) || way == 0 || (way < 0) != m->threshold.below)
        return 1;
    double level = gone / way;
    return level > 1 ? 1 : level < 0.01 ? 0.01 : level;
}

static enum severity_event model_told(struct model *m, enum severity_event event, double level)
{
    if (event == SEVERITY_UPDATE && fabs(level - m->told) < 0.1 - 1e-9 &&
        !(level == 1 && m->told < 1))
        return SEVERITY_NOTHING;
    m->told = level;
    return event;
}

/* What the newest moment must bring, found by looking back. */
static enum severity_event model_step(struct model *m)
{
    int i = m->count - 1;
    char now = letter(m, i);
    if (now == '?')
        return SEVERITY_NOTHING;
    if (m->raised_at < 0) {
        int first = i;
        for (int j = i; j > m->cleared_at && (letter(m, j) == 'b' || letter(m, j) == '?'); j--)
            if (letter(m, j) == 'b')
                first = j;
        if (now != 'b' || m->history[i].at_ns - m->history[first].at_ns < m->threshold.for_ns)
            return SEVERITY_NOTHING;
        if (m->cleared_at >= 0 &&
            m->history[i].at_ns - m->history[m->cleared_at].at_ns < m->timing.cooldown_ns)
            return SEVERITY_NOTHING;
        m->raised_at = i;
        m->now_told = model_level(m, m->history[i].measure);
        return model_told(m, SEVERITY_RAISE, m->now_told);
    }
    int back = i;
    for (int j = i; j > m->raised_at && (letter(m, j) == 'c' || letter(m, j) == '?'); j--)
        if (letter(m, j) == 'c')
            back = j;
    if (now == 'c' &&
        m->history[i].at_ns - m->history[m->raised_at].at_ns >= m->timing.min_hold_ns &&
        m->history[i].at_ns - m->history[back].at_ns >= m->threshold.clear_for_ns) {
        m->raised_at = -1;
        m->cleared_at = i;
        m->told = m->now_told = 0;
        return SEVERITY_END;
    }
    if (now == 'c' && isnan(m->history[i].measure))
        return SEVERITY_NOTHING;
    m->now_told = model_level(m, m->history[i].measure);
    return model_told(m, SEVERITY_UPDATE, m->now_told);
}

static void model_begin(struct model *m)
{
    *m = (struct model){.raised_at = -1, .cleared_at = -1};
    int64_t gap = below(4);
    m->threshold = (struct config_threshold){
        .present = true, .below = below(2) == 0, .enter = 10, .for_ns = below(3) * below(50)};
    m->threshold.clear = m->threshold.below ? 10 + (double)gap : 10 - (double)gap;
    m->threshold.clear_for_ns = below(3) * below(40);
    m->timing = (struct severity_timing){below(3) * below(80), (enum config_missing)below(3),
                                         below(3) * below(100)};
    m->full = below(3) == 0 ? NAN : (double)below(21);
}

static void machine_agrees_with_the_model(void)
{
    const uint64_t seed = 20251121;
    enum { EPISODES = 40000 };
    uint64_t events[4] = {0};
    random_state = seed;
    printf("seed %llu, %d steps\n", (unsigned long long)seed, EPISODES * EPISODE);
    for (int episode = 0; episode < EPISODES; episode++) {
        struct model m;
        struct severity s = {0};
        int64_t now_ns = 1 + below(1000);
        double measure = 10;
        model_begin(&m);
        while (m.count < EPISODE) {
            now_ns += below(20);
            measure += (double)below(7) - 3 + (10 - measure) / 16;
            double seen = below(8) == 0 ? NAN : rint(measure * 2) / 2;
            m.history[m.count++] = (struct moment){now_ns, seen};
            struct severity_input input = {now_ns, !isnan(seen), seen};
            enum severity_event wanted = model_step(&m);
            enum severity_event got = severity_step(&s, &m.threshold, m.full, &m.timing, &input);
            events[got]++;
            if (got != wanted || (s.phase == SEVERITY_RAISED) != (m.raised_at >= 0) ||
                fabs(s.level - m.now_told) > 1e-9) {
                CHECK_EQ(got, wanted);
                CHECK_NEAR(s.level, m.now_told, 1e-9);
                CHECK_EQ(s.phase == SEVERITY_RAISED, m.raised_at >= 0);
                fprintf(stderr, "seed %llu, episode %d, step %d\n", (unsigned long long)seed,
                        episode, m.count);
                return;
            }
        }
    }
    /* The walk went everywhere. */
    for (int event = SEVERITY_NOTHING; event <= SEVERITY_END; event++)
        CHECK(events[event] > 1000);
}

/* A day at 10 Hz, at the threshold give or take one unit: one transition, not thousands. */
static void noise_around_a_threshold_is_one_transition(void)
{
    struct severity s = {0};
    int transitions = 0;
    random_state = 42;
    for (int64_t step = 0; step < 864000; step++)
        transitions += feed(&s, &below_10, &plain, step * 100 * MS,
                            10 + (double)below(2001) / 1000 - 1) != SEVERITY_NOTHING;
    CHECK_EQ(transitions, 1);
}

int main(void)
{
    RUN(enter_and_clear_differ);
    RUN(for_wants_an_unbroken_run);
    RUN(a_missed_sample_resets_nothing);
    RUN(missing_may_raise_or_clear);
    RUN(min_hold_outlasts_the_clear);
    RUN(clear_for_wants_an_unbroken_run);
    RUN(cooldown_keeps_it_quiet);
    RUN(level_grows_towards_full);
    RUN(machine_agrees_with_the_model);
    RUN(noise_around_a_threshold_is_one_transition);
    return check_result();
}
