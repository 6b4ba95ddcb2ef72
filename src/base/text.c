/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded text: a writer into a fixed buffer that never overflows and never allocates. */
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "vagus/base.h"

#define UNIT_BYTES_MAX 128 /* escaped */

void text_init(struct text *text, char *buffer, size_t capacity)
{
    *text = (struct text){.data = buffer, .capacity = capacity};
    if (capacity > 0)
        buffer[0] = '\0';
}

void text_add_bytes(struct text *text, const char *bytes, size_t count)
{
    if (text->length + 1 < text->capacity) {
        size_t room = text->capacity - 1 - text->length;
        size_t copied = count < room ? count : room;
        memcpy(text->data + text->length, bytes, copied);
        text->data[text->length + copied] = '\0';
    }
    text->length += count;
}

void text_add(struct text *text, const char *string)
{
    text_add_bytes(text, string, strlen(string));
}

void text_addv(struct text *text, const char *format, va_list arguments)
{
    size_t room = text->length < text->capacity ? text->capacity - text->length : 0;
    int length = vsnprintf(room > 0 ? text->data + text->length : NULL, room, format, arguments);
    if (length > 0)
        text->length += (size_t)length;
}

void text_addf(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    text_addv(text, format, arguments);
    va_end(arguments);
}

/* Numbers as printf writes them, but for the decimal point, which is the locale's there and may
 * have several bytes. */
static void add_number(struct text *text, const char *number)
{
    for (const char *c = number; *c != '\0'; c++) {
        if (strchr("+-0123456789einfa", *c) != NULL)
            text_add_bytes(text, c, 1);
        else if (c == number || strchr("0123456789", c[-1]) != NULL)
            text_add(text, ".");
    }
}

void text_add_fixed(struct text *text, double value, int decimals)
{
    char number[350]; /* the longest double has 309 digits before the point */
    size_t length = decimal_fixed(number, value, decimals);
    if (length > 0) {
        text_add_bytes(text, number, length);
        return;
    }
    snprintf(number, sizeof(number), "%.*f", decimals, value);
    add_number(text, number);
}

void text_add_digits(struct text *text, double value, int digits)
{
    char number[64];
    size_t length = decimal_digits(number, value, digits);
    if (length > 0) {
        text_add_bytes(text, number, length);
        return;
    }
    snprintf(number, sizeof(number), "%.*g", digits, value);
    add_number(text, number);
}

/* The length of the UTF-8 character at s (1 to 4), or 0 if there is none: overlong forms,
 * surrogates and what is beyond Unicode are none. */
static size_t utf8_length(const unsigned char *s)
{
    if (s[0] < 0x80)
        return 1;
    size_t length = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0; /* this also stops at the final 0 */
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return length;
}

/* Of a character of two or three bytes; 0 for others. */
static uint32_t code_point(const unsigned char *s, size_t length)
{
    return length == 2   ? (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu)
           : length == 3 ? (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu)
                         : 0;
}

/* C1 controls, and the marks that reorder or hide what a terminal shows. */
static bool misleads(const unsigned char *s, size_t length)
{
    uint32_t point = code_point(s, length);
    return (point >= 0x80 && point < 0xa0) || point == 0x61c ||
           (point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2066 && point <= 0x2069) || point == 0xfeff;
}

void text_add_safe(struct text *text, const char *string, size_t max_bytes)
{
    const unsigned char *s = (const unsigned char *)string;
    size_t written = 0;
    while (*s != '\0') {
        size_t length = utf8_length(s);
        bool plain = length > 0 && *s >= 0x20 && *s != 0x7f && !misleads(s, length);
        size_t raw = length > 0 ? length : 1;
        size_t cost = plain ? length : 4 * raw;
        if (written + cost > max_bytes) {
            text_add(text, "…");
            return;
        }
        if (plain)
            text_add_bytes(text, (const char *)s, length);
        for (size_t i = 0; !plain && i < raw; i++)
            text_addf(text, "\\x%02x", s[i]);
        written += cost;
        s += raw;
    }
}

void text_add_json(struct text *text, const char *string)
{
    const unsigned char *s = (const unsigned char *)string;
    text_add(text, "\"");
    while (*s != '\0') {
        size_t length = utf8_length(s);
        if (length == 0) {
            text_add(text, "\\ufffd");
            s++;
            continue;
        }
        if (*s == '"' || *s == '\\')
            text_addf(text, "\\%c", *s);
        else if (*s < 0x20 || *s == 0x7f)
            text_addf(text, "\\u%04x", *s);
        else if (misleads(s, length)) /* JSON allows it, but a terminal may be what reads it */
            text_addf(text, "\\u%04x", (unsigned)code_point(s, length));
        else
            text_add_bytes(text, (const char *)s, length);
        s += length;
    }
    text_add(text, "\"");
}

void text_add_json_number(struct text *text, double value)
{
    if (!isfinite(value))
        text_add(text, "null");
    else if (value == rint(value) && fabs(value) < 9e15)
        text_add_fixed(text, value, 0);
    else
        text_add_digits(text, value, 9);
}

void text_add_json_seconds(struct text *text, int64_t ns)
{
    int64_t ms = ns > 0 ? ns / VAGUS_MILLISECOND_NS : 0;
    text_addf(text, "%lld.%03d", (long long)(ms / 1000), (int)(ms % 1000));
}

static const char *size_unit(double *bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t unit = 0;
    while (fabs(*bytes) >= 1023.95 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        *bytes /= 1024;
        unit++;
    }
    return units[unit];
}

void text_add_size(struct text *text, double bytes)
{
    if (!isfinite(bytes)) {
        text_add(text, "?");
        return;
    }
    const char *unit = size_unit(&bytes);
    bool whole = unit[0] == 'B' || fabs(bytes) >= 99.95 || bytes == rint(bytes);
    text_add_fixed(text, bytes, whole ? 0 : 1);
    text_add(text, " ");
    text_add(text, unit);
}

void text_add_size_digits(struct text *text, double bytes, int digits)
{
    const char *unit = size_unit(&bytes);
    text_add_digits(text, bytes, digits);
    text_add(text, " ");
    text_add(text, unit);
}

/* Up to ten seconds with a tenth, unless that is 0. */
static void add_seconds(struct text *text, int64_t ns)
{
    int tenths = (int)(ns / (100 * VAGUS_MILLISECOND_NS));
    if (tenths % 10 != 0)
        text_addf(text, "%d.%d s", tenths / 10, tenths % 10);
    else
        text_addf(text, "%d s", tenths / 10);
}

void text_add_duration(struct text *text, int64_t ns)
{
    if (ns < 0) {
        text_add(text, "-");
        ns = ns == INT64_MIN ? INT64_MAX : -ns;
    }
    int64_t seconds = ns / VAGUS_SECOND_NS;
    if (ns < 1000)
        text_addf(text, "%d ns", (int)ns);
    else if (ns < VAGUS_MILLISECOND_NS)
        text_addf(text, "%d µs", (int)(ns / 1000));
    else if (ns < VAGUS_SECOND_NS)
        text_addf(text, "%d ms", (int)(ns / VAGUS_MILLISECOND_NS));
    else if (seconds < 10)
        add_seconds(text, ns);
    else if (seconds < 60)
        text_addf(text, "%d s", (int)seconds);
    else if (seconds < 3600)
        text_addf(text, "%d min %d s", (int)(seconds / 60), (int)(seconds % 60));
    else if (seconds < 86400)
        text_addf(text, "%d h %d min", (int)(seconds / 3600), (int)(seconds / 60 % 60));
    else
        text_addf(text, "%lld d %d h", (long long)(seconds / 86400), (int)(seconds / 3600 % 24));
}

void text_add_value(struct text *text, double value, const char *unit)
{
    if (!isfinite(value)) {
        text_add(text, "?");
    } else if (strcmp(unit, "By") == 0) {
        text_add_size(text, value);
    } else if (strcmp(unit, "s") == 0 && fabs(value) < 9e9) {
        text_add_duration(text, (int64_t)(value * 1e9));
    } else if (strcmp(unit, "1") == 0) {
        text_add_digits(text, value * 100, 3);
        text_add(text, " %");
    } else {
        /* %g of a huge number stays short; %.0f would print hundreds of digits. */
        if (fabs(value) < 1e15 && value == rint(value))
            text_add_fixed(text, value, 0);
        else
            text_add_digits(text, value, 4);
        /* "{token}/s" counts, each second: "20/s"; so do "1/s" and "/s". */
        const char *brace = unit[0] == '{' ? strchr(unit, '}') : NULL;
        const char *over = brace != NULL ? brace + 1 : unit[0] == '1' ? unit + 1 : unit;
        if (over[0] == '/') {
            text_add_safe(text, over, UNIT_BYTES_MAX);
        } else if (unit[0] != '{' && unit[0] != '\0') {
            text_add(text, " ");
            text_add_safe(text, unit, UNIT_BYTES_MAX);
        }
    }
}

bool text_copy(char *field, size_t capacity, const char *string)
{
    size_t length = string != NULL ? strlen(string) : 0;
    size_t kept = length;
    if (kept >= capacity) {
        kept = capacity - 1;
        while (kept > 0 && ((unsigned char)string[kept] & 0xc0) == 0x80)
            kept--;
    }
    if (kept > 0)
        memmove(field, string, kept);
    memset(field + kept, 0, capacity - kept);
    return kept == length;
}

bool text_is_name(const char *string, size_t max_length)
{
    size_t length = 0;
    if (string == NULL)
        return false;
    for (; string[length] != '\0'; length++) {
        char c = string[length];
        if (length >= max_length ||
            !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-'))
            return false;
    }
    return length > 0;
}
