/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers in decimal: the value times a power of ten is a whole number of at most 15 digits, exact
 * but for its last rounding, which is looked after. */
#include "base/decimal.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define POWERS 10
static const double powers[POWERS] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
#define WHOLE_MAX 1e15

/* value times 10^power, rounded to even as printf does; negative if it is too large. */
static double scale(double value, int power)
{
    double product = value * powers[power];
    if (!(product < WHOLE_MAX))
        return -1;
    double below = floor(product), beyond = product - below;
    if (beyond != 0.5)
        return beyond < 0.5 ? below : below + 1;
    /* A half is one only if nothing was lost when it was multiplied. */
    double lost = fma(value, powers[power], -product);
    if (lost != 0)
        return lost < 0 ? below : below + 1;
    return fmod(below, 2) == 0 ? below : below + 1;
}

static size_t write_whole(char *out, uint64_t number, int decimals, bool negative)
{
    char digits[DECIMAL_BYTES];
    size_t at = sizeof(digits);
    for (int i = 0; number != 0 || i <= decimals; i++) {
        if (i == decimals && i > 0)
            digits[--at] = '.';
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    }
    if (negative)
        digits[--at] = '-';
    memcpy(out, digits + at, sizeof(digits) - at);
    return sizeof(digits) - at;
}

size_t decimal_fixed(char out[DECIMAL_BYTES], double value, int decimals)
{
    double whole = decimals < POWERS ? scale(fabs(value), decimals) : -1;
    return whole >= 0 ? write_whole(out, (uint64_t)whole, decimals, signbit(value) != 0) : 0;
}

size_t decimal_digits(char out[DECIMAL_BYTES], double value, int digits)
{
    double size = fabs(value);
    int before = 0; /* digits before the point */
    if (value == 0 || digits >= POWERS || !(size >= 0.1 && size < powers[digits]))
        return 0;
    while (size >= powers[before])
        before++;
    int decimals = digits - before;
    double whole = scale(size, decimals);
    if (whole < 0 || (decimals == 0 && whole >= powers[digits]))
        return 0; /* it grew by a digit, and is to be written with an exponent */
    size_t length = write_whole(out, (uint64_t)whole, decimals, value < 0);
    while (decimals > 0 && out[length - 1] == '0')
        length--;
    return length - (decimals > 0 && out[length - 1] == '.');
}
