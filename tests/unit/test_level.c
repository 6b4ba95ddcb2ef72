/* SPDX-License-Identifier: Apache-2.0 */
/* The level kind: which number of a window it takes. */
#include "vagus/rule.h"

#include "check.h"

extern const struct vagus_rule_kind vagus__rule_kind_level;

static const struct vagus_window window = {
    .from_ns = 0,
    .now_ns = 5,
    .first_ns = 1,
    .last_ns = 4,
    .count = 4,
    .first = 7,
    .last = 3,
    .min = 2,
    .max = 8,
    .sum = 20,
};

static double measured(enum vagus_stat stat)
{
    struct vagus_rule_params params = {.stat = stat, .window_ns = 5};
    double measure = NAN;
    CHECK_EQ(vagus__rule_kind_level.measure(&window, &params, &measure), 0);
    return measure;
}

static void each_stat_takes_its_number(void)
{
    CHECK_EQ(measured(VAGUS_STAT_LAST), 3);
    CHECK_EQ(measured(VAGUS_STAT_MIN), 2);
    CHECK_EQ(measured(VAGUS_STAT_MAX), 8);
    CHECK_EQ(measured(VAGUS_STAT_MEAN), 5);
}

/* An empty window is no zero. */
static void empty_window_has_no_measure(void)
{
    struct vagus_window empty = {.from_ns = 0, .now_ns = 5, .gaps = 3};
    for (int stat = VAGUS_STAT_LAST; stat <= VAGUS_STAT_MEAN; stat++) {
        struct vagus_rule_params params = {.stat = (enum vagus_stat)stat};
        double measure = 42;
        CHECK_EQ(vagus__rule_kind_level.measure(&empty, &params, &measure), VAGUS_EAGAIN);
        CHECK_EQ(measure, 42);
    }
}

static void other_statistics_are_asked_of_the_series(void)
{
    struct vagus_rule_params params = {.stat = VAGUS_STAT_P99};
    struct vagus_window answered = window;
    double measure = 42;
    answered.asked = NAN;
    CHECK_EQ(vagus__rule_kind_level.measure(&answered, &params, &measure), VAGUS_EAGAIN);
    CHECK_EQ(measure, 42);
    answered.asked = 7;
    CHECK_EQ(vagus__rule_kind_level.measure(&answered, &params, &measure), 0);
    CHECK_EQ(measure, 7);
}

static void it_is_named_as_its_file(void)
{
    CHECK_STR(vagus__rule_kind_level.name, "level");
}

int main(void)
{
    RUN(each_stat_takes_its_number);
    RUN(empty_window_has_no_measure);
    RUN(other_statistics_are_asked_of_the_series);
    RUN(it_is_named_as_its_file);
    return check_result();
}
