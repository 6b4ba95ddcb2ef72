/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers with units. The grammar is checked by hand, since strtod() alone also takes hexadecimal,
 * exponents, "nan" and "inf", and reads "0.5" as 0 in a locale with a decimal comma. */
#include "base/quantity.h"

#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "vagus/base.h"

#define QUANTITY_DIGITS_MAX 40
#define TEN_YEARS_NS (3652.0 * 86400 * 1e9)

struct unit {
    const char *name;
    double factor;
};

static const struct unit number_units[] = {{"", 1}, {"k", 1e3}, {"M", 1e6}, {"G", 1e9}, {NULL, 0}};
static const struct unit ratio_units[] = {{"", 1}, {"%", 1}, {NULL, 0}};
static const struct unit byte_units[] = {
    {"", 1},
    {"B", 1},
    {"kB", 1e3},
    {"MB", 1e6},
    {"GB", 1e9},
    {"TB", 1e12},
    {"KiB", 1024},
    {"MiB", 1024.0 * 1024},
    {"GiB", 1024.0 * 1024 * 1024},
    {"TiB", 1024.0 * 1024 * 1024 * 1024},
    {NULL, 0},
};
/* In ns, so that whole numbers of any of these units stay exact. */
static const struct unit time_units[] = {
    {"ns", 1},  {"us", 1e3},   {"\u00b5s", 1e3}, {"\u03bcs", 1e3}, {"ms", 1e6},
    {"s", 1e9}, {"min", 60e9}, {"h", 36e11},     {"d", 864e11},    {NULL, 0},
};

static const struct dimension_facts {
    const struct unit *units;
    const char *example;
    const char *wrong_unit;
} facts[] = {
    [DIMENSION_NUMBER] = {number_units, "1000",
                          "has a unit, but a plain number is expected: only k, M and G may follow"},
    [DIMENSION_RATIO] = {ratio_units, "20%", "is no share: write 20% or 0.2"},
    [DIMENSION_BYTES] = {byte_units, "512MiB",
                         "is no size: the units are B, kB, MB, GB, TB, KiB, MiB, GiB and TiB"},
    [DIMENSION_TIME] = {time_units, "500ms",
                        "is no time: the units are ns, us, ms, s, min, h and d"},
};

enum dimension dimension_of_unit(const char *unit)
{
    if (unit == NULL)
        return DIMENSION_NUMBER;
    if (strcmp(unit, "1") == 0)
        return DIMENSION_RATIO;
    if (strcmp(unit, "By") == 0)
        return DIMENSION_BYTES;
    if (strcmp(unit, "s") == 0)
        return DIMENSION_TIME;
    return DIMENSION_NUMBER;
}

const char *dimension_example(enum dimension dimension)
{
    return facts[dimension].example;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The length of the decimal number that text begins with: -?(0|[1-9][0-9]*)(\.[0-9]+)?
 * 0 if there is none, with *why. */
static size_t number_length(const char *text, const char **why)
{
    size_t start = text[0] == '-', i = start;
    *why = "is not a decimal number";
    if (text[0] == '\0') {
        *why = "is empty";
        return 0;
    }
    if (text[start] == '.' && is_digit(text[start + 1])) {
        *why = "begins with a point: write 0.5";
        return 0;
    }
    while (is_digit(text[i]))
        i++;
    if (i == start)
        return 0;
    if (text[start] == '0' && i > start + 1) {
        *why = "has a leading zero, which some read as octal: leave it out";
        return 0;
    }
    if (text[i] == ',') {
        *why = "has a comma: the decimal separator is a point";
        return 0;
    }
    if (text[i] == '.') {
        size_t point = i++;
        while (is_digit(text[i]))
            i++;
        if (i == point + 1)
            return 0;
    }
    if (i > QUANTITY_DIGITS_MAX) {
        *why = "has more than 40 digits";
        return 0;
    }
    return i;
}

/* newlocale() returns glibc's and musl's built-in C locale: nothing is allocated. */
static int decimal_value(const char *text, size_t length, double *value)
{
    char digits[QUANTITY_DIGITS_MAX + 1];
    memcpy(digits, text, length);
    digits[length] = '\0';
    locale_t locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (locale == (locale_t)0)
        return VAGUS_EPARSE;
    *value = strtod_l(digits, NULL, locale);
    freelocale(locale);
    return 0;
}

/* Splits text into its number and its unit. */
static int split(const char *text, enum dimension dimension, double *number, const char **unit_name,
                 double *factor, const char **why)
{
    size_t length = number_length(text, why);
    if (length == 0)
        return VAGUS_EPARSE;
    const char *unit = text + length;
    if (unit[0] == ' ' && unit[1] != '\0')
        unit++;
    for (const struct unit *u = facts[dimension].units; u->name != NULL; u++) {
        if (strcmp(u->name, unit) != 0)
            continue;
        *why = "cannot be read here";
        *unit_name = u->name;
        *factor = u->factor;
        return decimal_value(text, length, number);
    }
    *why = facts[dimension].wrong_unit;
    if (unit[0] == '.' || is_digit(unit[0]) || strcmp(unit, " ") == 0)
        *why = "is not a decimal number";
    else if (text[0] == '0' && (unit[0] == 'x' || unit[0] == 'o' || unit[0] == 'b'))
        *why = "is not a decimal number";
    else if (dimension == DIMENSION_TIME && strcmp(unit, "m") == 0)
        *why = "could be minutes or milliseconds: write min or ms";
    else if (dimension == DIMENSION_BYTES && strlen(unit) == 1 && strchr("kKMGT", unit[0]) != NULL)
        *why = "could be powers of 1000 or of 1024: write MB or MiB";
    else if (dimension == DIMENSION_BYTES && strcmp(unit, "KB") == 0)
        *why = "could be powers of 1000 or of 1024: write kB or KiB";
    return VAGUS_EPARSE;
}

int quantity_parse(const char *text, enum dimension dimension, double *value, const char **why)
{
    const char *unit;
    double number, factor;
    if (dimension == DIMENSION_TIME && strcmp(text, "0") == 0) {
        *value = 0;
        return 0;
    }
    if (dimension == DIMENSION_TIME && text[0] != '\0' &&
        number_length(text, why) == strlen(text)) {
        *why = "has no unit: write 500ms or 2s";
        return VAGUS_EPARSE;
    }
    int error = split(text, dimension, &number, &unit, &factor, why);
    if (error != 0)
        return error;
    if (dimension == DIMENSION_RATIO && unit[0] == '\0' && fabs(number) > 1) {
        *why = "has no % sign and is more than the whole: write 20% or 0.2";
        return VAGUS_EPARSE;
    }
    /* Divisions rather than factors such as 0.01, which no double is exactly. */
    if (dimension == DIMENSION_RATIO && unit[0] == '%')
        *value = number / 100;
    else if (dimension == DIMENSION_TIME)
        *value = number * factor / 1e9;
    else
        *value = number * factor;
    return 0;
}

int duration_parse(const char *text, int64_t *ns, const char **why)
{
    double seconds;
    int error = quantity_parse(text, DIMENSION_TIME, &seconds, why);
    if (error != 0)
        return error;
    if (seconds < 0 || text[0] == '-') {
        *why = "is negative";
        return VAGUS_EPARSE;
    }
    if (seconds * 1e9 > TEN_YEARS_NS) {
        *why = "is more than ten years";
        return VAGUS_EPARSE;
    }
    *ns = (int64_t)llround(seconds * 1e9);
    return 0;
}
