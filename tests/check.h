/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest test harness that tells what differed. A test program is a list of functions:
 *
 *     static void ring_wraps(void) { CHECK_EQ(ring_next(3), 0); }
 *     int main(void) { RUN(ring_wraps); return check_result(); }
 *
 * A failed check is reported and the function goes on; REQUIRE leaves it. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <math.h>
#include <stdio.h>
#include <string.h>

static int check_failures, check_tests, check_skips;
static const char *check_now = "";

#define CHECK_FAIL_(...)                                                                           \
    (check_failures++, fprintf(stderr, "%s:%d: in %s: ", __FILE__, __LINE__, check_now),           \
     fprintf(stderr, __VA_ARGS__), fputc('\n', stderr))

#define CHECK(condition) ((condition) ? (void)0 : (void)CHECK_FAIL_("not true: %s", #condition))

#define CHECK_EQ(got, wanted)                                                                      \
    do {                                                                                           \
        long long got_ = (long long)(got), wanted_ = (long long)(wanted);                          \
        if (got_ != wanted_)                                                                       \
            CHECK_FAIL_("%s is %lld, not %lld", #got, got_, wanted_);                              \
    } while (0)

#define CHECK_NEAR(got, wanted, tolerance)                                                         \
    do {                                                                                           \
        double got_ = (got), wanted_ = (wanted);                                                   \
        if (!(fabs(got_ - wanted_) <= (tolerance)))                                                \
            CHECK_FAIL_("%s is %.17g, not %.17g", #got, got_, wanted_);                            \
    } while (0)

#define CHECK_STR(got, wanted)                                                                     \
    do {                                                                                           \
        const char *got_ = (got), *wanted_ = (wanted);                                             \
        if (got_ == NULL || strcmp(got_, wanted_) != 0)                                            \
            CHECK_FAIL_("%s is \"%s\", not \"%s\"", #got, got_ ? got_ : "(null)", wanted_);        \
    } while (0)

#define CHECK_CONTAINS(got, wanted)                                                                \
    do {                                                                                           \
        const char *got_ = (got), *wanted_ = (wanted);                                             \
        if (got_ == NULL || strstr(got_, wanted_) == NULL)                                         \
            CHECK_FAIL_("%s does not contain \"%s\":\n%s", #got, wanted_, got_ ? got_ : "(null)"); \
    } while (0)

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            CHECK_FAIL_("not true: %s", #condition);                                               \
            return;                                                                                \
        }                                                                                          \
    } while (0)

/* Leaves the test, counted as skipped, never as passed. */
#define SKIP_TEST(why)                                                                             \
    do {                                                                                           \
        check_skips++;                                                                             \
        fprintf(stderr, "skipped: %s: %s\n", check_now, why);                                      \
        return;                                                                                    \
    } while (0)

#define RUN(test) (check_tests++, check_now = #test, test())

/* The exit status: 1 if anything failed, 77 if everything was skipped. */
static inline int check_result(void)
{
    printf("%d run, %d skipped, %d checks failed\n", check_tests - check_skips, check_skips,
           check_failures);
    return check_failures > 0 ? 1 : check_skips == check_tests ? 77 : 0;
}

#endif
