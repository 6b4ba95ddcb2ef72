/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as printf writes them, whatever they are. */
#include "base/decimal.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "check.h"

static unsigned written; /* without printf's help */

static bool is_as_printf(double value, int digits)
{
    char ours[DECIMAL_BYTES + 1], theirs[400];
    size_t length = decimal_fixed(ours, value, digits);
    ours[length] = '\0';
    snprintf(theirs, sizeof(theirs), "%.*f", digits, value);
    if (length > 0 && strcmp(ours, theirs) != 0)
        return false;
    written += length > 0;
    length = digits > 0 ? decimal_digits(ours, value, digits) : 0;
    ours[length] = '\0';
    snprintf(theirs, sizeof(theirs), "%.*g", digits, value);
    written += length > 0;
    return length == 0 || strcmp(ours, theirs) == 0;
}

static bool is_so_for_all_digits(double value)
{
    for (int digits = 0; digits <= 12; digits++)
        if (!is_as_printf(value, digits) || !is_as_printf(-value, digits)) {
            fprintf(stderr, "%a with %d digits\n", value, digits);
            return false;
        }
    return true;
}

static void edges_are_as_printf(void)
{
    static const double values[] = {0,        0.05,   0.1,     0.125,   0.25,    0.35,     0.5,
                                    0.995,    0.9995, 0.9996,  1,       1.5,     2.5,      2.675,
                                    9.95,     9.995,  9.9996,  99.95,   99.995,  999.5,    999.95,
                                    9999.5,   9999.6, 1023.95, 1e5,     1234567, 1e15,     1e15 - 1,
                                    1e15 + 1, 1e22,   DBL_MAX, DBL_MIN, 5e-324,  INFINITY, NAN};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        CHECK(is_so_for_all_digits(values[i]));
}

static void random_numbers_are_as_printf(void)
{
    uint64_t seed = UINT64_C(88172645463325252);
    for (int i = 0; i < 200000; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        /* Quotients with few digits are where halves lie; others are anywhere. */
        double value = i % 2 == 0 ? (double)(seed % 2000000) / (double)(1u << seed % 21)
                                  : (double)(seed >> 20) / pow(10, (double)(seed % 13));
        int digits = (int)(seed >> 40) % 13;
        REQUIRE(is_as_printf(value, digits) && is_as_printf(-value, digits));
    }
    CHECK(written > 200000);
}

int main(void)
{
    RUN(edges_are_as_printf);
    RUN(random_numbers_are_as_printf);
    return check_result();
}
