/* SPDX-License-Identifier: Apache-2.0 */
/* The rule kinds as pure functions: what each makes of a window. */
#include <math.h>
#include <stdlib.h>

#include "check.h"
#include "judge/judge.h"

#define S VAGUS_SECOND_NS

static struct vagus_window window;
static struct vagus_rule_params params;
static double points[VAGUS_WINDOW_POINTS];

static void begin(uint32_t count)
{
    params = (struct vagus_rule_params){.window_ns = 60 * S, .samples = 3};
    window = (struct vagus_window){
        .now_ns = 60 * S, .points = points, .point_count = count, .point_ns = S, .asked = NAN};
}

/* The measure, or NaN if there is none. */
static double measured(const char *kind)
{
    double measure = -12345;
    int error = judge_kind(kind)->measure(&window, &params, &measure);
    if (error != 0) {
        CHECK_EQ(error, VAGUS_EAGAIN);
        CHECK(measure == -12345);
        return NAN;
    }
    return measure;
}

static void rate(void)
{
    begin(0);
    window.count = 2;
    window.first_ns = 10 * S;
    window.last_ns = 50 * S;
    window.first = 1000;
    window.last = 1400;
    CHECK(measured("rate") == 10);
    window.last = 600;
    CHECK(measured("rate") == -10);
    window.first_ns = 21 * S; /* less than half a window */
    CHECK(isnan(measured("rate")));
    window.first_ns = 50 * S;
    window.count = 1;
    CHECK(isnan(measured("rate")));
}

static void forecast_of_a_line(void)
{
    begin(20);
    for (int i = 0; i < 20; i++)
        points[i] = 1000 - 10 * i; /* 810 left, 10 in a second */
    CHECK(fabs(measured("forecast") - 81) < 1e-9);
    params.exhausted_at = 800;
    CHECK(fabs(measured("forecast") - 1) < 1e-9);
    params.exhausted_at = 2000; /* it goes the other way */
    CHECK(measured("forecast") > 1e9);
    params.exhausted_at = 810;
    CHECK(measured("forecast") == 0);
    for (int i = 0; i < 20; i++)
        points[i] = 500; /* it stands */
    CHECK(measured("forecast") > 1e9);
}

/* 29 % of outliers do not move it; a mean of slopes would be far off. */
static void forecast_withstands_outliers(void)
{
    begin(64);
    srand(7);
    for (int i = 0; i < 64; i++)
        points[i] = 10000 - 100 * i + (rand() % 10 - 5);
    for (int i = 1; i < 63; i += 4)
        points[i] = i % 8 == 1 ? 1e6 : -1e6;
    double left_s = points[63] / 100;
    CHECK(fabs(measured("forecast") - left_s) < 0.05 * left_s);
}

/* A gap is neither a value of 0 nor a bridge. */
static void forecast_does_not_look_across_a_gap(void)
{
    begin(20);
    for (int i = 0; i < 20; i++)
        points[i] = i < 10 ? 1000 : 990 - i;
    points[16] = NAN;
    CHECK(fabs(measured("forecast") - 971) < 1e-6);
    params.samples = 4;
    CHECK(isnan(measured("forecast"))); /* three points behind the gap */
    params.samples = 3;
    points[19] = NAN;
    CHECK(isnan(measured("forecast"))); /* and now it knows nothing */
}

static void anomaly(void)
{
    begin(21);
    srand(3);
    for (int i = 0; i < 20; i++)
        points[i] = 100 + (i % 5 - 2); /* 98 to 102 */
    window.count = 1;
    window.last = 100;
    CHECK(measured("anomaly") == 0);
    window.last = 102;
    CHECK(measured("anomaly") < 2);
    window.last = 120;
    CHECK(fabs(measured("anomaly") - 20 / 1.4826) < 1e-9);
    for (int i = 0; i < 9; i++)
        points[2 * i] = 1e9; /* nearly half of the past are outliers */
    CHECK(measured("anomaly") > 3);
}

static void anomaly_of_a_past_that_never_moved(void)
{
    begin(21);
    for (int i = 0; i < 21; i++)
        points[i] = 4096;
    window.count = 1;
    window.last = 4096;
    CHECK(measured("anomaly") == 0);
    window.resolution = 4096;
    window.last = 8192;
    CHECK(measured("anomaly") == 1);
    window.resolution = 0;
    CHECK(measured("anomaly") >= 1e6);
    for (int i = 2; i < 20; i++)
        points[i] = NAN;
    CHECK(isnan(measured("anomaly"))); /* too little is known */
}

static void absence(void)
{
    begin(0);
    window.changed_ns = 18 * S;
    CHECK(measured("absence") == 42);
}

static void all_and_any(void)
{
    begin(3);
    points[0] = 0.5;
    points[1] = 0;
    points[2] = 0.8;
    CHECK(measured("all") == 0);
    CHECK(measured("any") == 0.8);
    points[1] = 0.2;
    CHECK(measured("all") == 0.2);
}

static void each_is_named_as_its_file(void)
{
    for (size_t i = 0; judge_kinds[i] != NULL; i++) {
        CHECK_STR(judge_kinds[i]->name, judge_kind_names[i]);
        CHECK(judge_kinds[i]->help != NULL);
    }
}

int main(void)
{
    RUN(rate);
    RUN(forecast_of_a_line);
    RUN(forecast_withstands_outliers);
    RUN(forecast_does_not_look_across_a_gap);
    RUN(anomaly);
    RUN(anomaly_of_a_past_that_never_moved);
    RUN(absence);
    RUN(all_and_any);
    RUN(each_is_named_as_its_file);
    return check_result();
}
