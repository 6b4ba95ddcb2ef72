/* SPDX-License-Identifier: Apache-2.0 */
/* Suggestions: near slips are found, far ones are not guessed at. */
#include "base/nearest.h"

#include "check.h"

static const char *nearest_of(const char *wanted)
{
    static const char *const words[] = {"throttle", "defer",      "shutdown", "min_hold",
                                        "max_age",  "on_missing", "for",      "level"};
    struct nearest nearest;
    nearest_init(&nearest, wanted);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        nearest_offer(&nearest, words[i]);
    return nearest.best != NULL ? nearest.best : "(none)";
}

static void slips(void)
{
    CHECK_STR(nearest_of("throtle"), "throttle");
    CHECK_STR(nearest_of("throttel"), "throttle");
    CHECK_STR(nearest_of("Throttle"), "throttle");
    CHECK_STR(nearest_of("min-hold"), "min_hold");
    CHECK_STR(nearest_of("minhold"), "min_hold");
    CHECK_STR(nearest_of("SHUTDOWN"), "shutdown");
    CHECK_STR(nearest_of("differ"), "defer");
    CHECK_STR(nearest_of("fro"), "for");
}

static void no_guessing(void)
{
    CHECK_STR(nearest_of("budget"), "(none)");
    CHECK_STR(nearest_of("x"), "(none)");
    CHECK_STR(nearest_of(""), "(none)");
    CHECK_STR(nearest_of("abc"), "(none)");
    char long_name[300];
    memset(long_name, 'a', sizeof(long_name));
    long_name[299] = '\0';
    CHECK_STR(nearest_of(long_name), "(none)");
    char longest[65];
    memset(longest, 'a', sizeof(longest));
    longest[64] = '\0';
    CHECK_STR(nearest_of(longest), "(none)");
}

static void distances(void)
{
    struct nearest nearest;
    nearest_init(&nearest, "kittens");
    nearest_offer(&nearest, "sitting");
    CHECK(nearest.best == NULL || nearest.distance <= 3);
    nearest_init(&nearest, "abcdef");
    nearest_offer(&nearest, "abcdfe"); /* a swap is one slip */
    CHECK_EQ(nearest.distance, 1);
    nearest_offer(&nearest, "abcdef");
    CHECK_EQ(nearest.distance, 0);
    nearest_offer(&nearest, "abcde"); /* a worse one changes nothing */
    CHECK_STR(nearest.best, "abcdef");
}

int main(void)
{
    RUN(slips);
    RUN(no_guessing);
    RUN(distances);
    return check_result();
}
