/* SPDX-License-Identifier: Apache-2.0 */
/* Reading times as people write them. Local time is the C library's. */
#include "cli/moment.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/quantity.h"
#include "cli/span.h"
#include "vagus/base.h"

#define DAY_S 86400

/* Exactly so many digits; false and *at untouched if they are not there. */
static bool take_digits(const char **at, unsigned count, int *number)
{
    int value = 0;
    for (unsigned i = 0; i < count; i++) {
        if ((*at)[i] < '0' || (*at)[i] > '9')
            return false;
        value = 10 * value + ((*at)[i] - '0');
    }
    *number = value;
    *at += count;
    return true;
}

static bool take_char(const char **at, char wanted)
{
    if (**at != wanted)
        return false;
    (*at)++;
    return true;
}

/* "14:05" or "14:05:30". */
static bool take_time(const char **at, struct tm *parts)
{
    const char *one_digit = *at;
    if (!take_digits(at, 2, &parts->tm_hour) &&
        !(one_digit[0] != '\0' && one_digit[1] == ':' && take_digits(at, 1, &parts->tm_hour)))
        return false;
    if (!take_char(at, ':') || !take_digits(at, 2, &parts->tm_min))
        return false;
    parts->tm_sec = 0;
    return !take_char(at, ':') || take_digits(at, 2, &parts->tm_sec);
}

static bool take_date(const char **at, struct tm *parts)
{
    int year, month;
    if (!take_digits(at, 4, &year) || !take_char(at, '-') || !take_digits(at, 2, &month) ||
        !take_char(at, '-') || !take_digits(at, 2, &parts->tm_mday))
        return false;
    parts->tm_year = year - 1900;
    parts->tm_mon = month - 1;
    return true;
}

/* The C library would make the 31st of November the 1st of December. */
static bool seconds_of(const struct tm *wanted, bool utc, int64_t *seconds)
{
    struct tm parts = *wanted;
    parts.tm_isdst = -1;
    time_t time = utc ? timegm(&parts) : mktime(&parts);
    if (parts.tm_mday != wanted->tm_mday || parts.tm_mon != wanted->tm_mon ||
        parts.tm_year != wanted->tm_year || parts.tm_min != wanted->tm_min ||
        parts.tm_sec != wanted->tm_sec || wanted->tm_hour > 23)
        return false;
    *seconds = (int64_t)time; /* an hour that daylight saving leaves out is the one after it */
    return *seconds >= 0 && *seconds <= INT64_MAX / VAGUS_SECOND_NS;
}

static const char *parse_date(const char *at, int64_t *seconds)
{
    struct tm parts = {0};
    if (!take_date(&at, &parts))
        return "is no day: " MOMENT_EXAMPLES;
    if (*at != '\0' && *at != 'Z') {
        if (!take_char(&at, ' ') && !take_char(&at, 'T'))
            return "is no time: " MOMENT_EXAMPLES;
        if (!take_time(&at, &parts))
            return "is no time of day: " MOMENT_EXAMPLES;
    }
    bool utc = take_char(&at, 'Z');
    if (*at != '\0')
        return "is no time: " MOMENT_EXAMPLES;
    return seconds_of(&parts, utc, seconds) ? NULL : "is no time that there is";
}

static const char *parse_time(const char *at, int64_t now_s, int64_t *seconds)
{
    struct tm parts;
    time_t now = (time_t)now_s;
    if (localtime_r(&now, &parts) == NULL)
        return "cannot be told: the clock of this machine is not set";
    if (!take_time(&at, &parts) || *at != '\0')
        return "is no time of day: " MOMENT_EXAMPLES;
    if (!seconds_of(&parts, false, seconds))
        return "is no time that there is";
    if (*seconds > now_s) {
        now -= DAY_S; /* yesterday */
        struct tm day;
        if (localtime_r(&now, &day) == NULL)
            return "is no time that there is";
        parts.tm_mday = day.tm_mday;
        parts.tm_mon = day.tm_mon;
        parts.tm_year = day.tm_year;
        if (!seconds_of(&parts, false, seconds))
            return "is no time that there is";
    }
    return NULL;
}

static const char *parse_epoch(const char *given, int64_t *wall_ns)
{
    const char *why;
    double seconds;
    if (quantity_parse(given, DIMENSION_NUMBER, &seconds, &why) != 0)
        return "is no time: " MOMENT_EXAMPLES;
    if (!(seconds >= 0 && seconds < 9e9))
        return "is no number of seconds since 1970";
    int64_t whole = (int64_t)seconds;
    *wall_ns = whole * VAGUS_SECOND_NS + (int64_t)((seconds - (double)whole) * 1e9);
    return NULL;
}

int moment_parse(const char *given, int64_t now_wall_ns, int64_t end_wall_ns, int64_t *wall_ns,
                 const char **why)
{
    int64_t seconds = -1, ns = 0;
    *why = NULL;
    if (strcmp(given, "now") == 0) {
        ns = now_wall_ns;
    } else if (given[0] == '-') {
        int64_t span_ns;
        if (span_parse(given + 1, &span_ns, why) != 0)
            return VAGUS_EPARSE;
        *why = __builtin_sub_overflow(end_wall_ns, span_ns, &ns) ? "is too long ago" : NULL;
    } else if (strlen(given) >= 10 && given[4] == '-') {
        *why = parse_date(given, &seconds);
    } else if (strchr(given, ':') != NULL) {
        *why = parse_time(given, now_wall_ns / VAGUS_SECOND_NS, &seconds);
    } else {
        *why = parse_epoch(given, &ns);
    }
    if (*why != NULL)
        return VAGUS_EPARSE;
    *wall_ns = seconds >= 0 ? seconds * VAGUS_SECOND_NS : ns;
    return 0;
}
