/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded text: a writer into a fixed buffer that never overflows, never allocates, and knows how
 * long the text would have become. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    char *data;      /* always ended by 0 while capacity > 0 */
    size_t capacity; /* of data, the final 0 included */
    size_t length;   /* what was asked for; beyond capacity - 1 it was cut */
};

void text_init(struct text *text, char *buffer, size_t capacity);
static inline bool text_cut(const struct text *text)
{
    return text->length >= text->capacity;
}

void text_add(struct text *text, const char *string);
void text_add_bytes(struct text *text, const char *bytes, size_t count);
void text_addf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_addv(struct text *text, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/* A number with so many decimals, or with so many digits in all: always with a point, whatever the
 * host's locale says. */
void text_add_fixed(struct text *text, double value, int decimals);
void text_add_digits(struct text *text, double value, int digits);

/* Untrusted text for a terminal: control characters, bytes that are not UTF-8 and directional
 * overrides come out as \xNN; at most max_columns bytes of it, then an ellipsis. */
void text_add_safe(struct text *text, const char *string, size_t max_bytes);

/* A JSON string with its quotes: always valid UTF-8, whatever came in. */
void text_add_json(struct text *text, const char *string);

/* A JSON number, or null for what is not finite. */
void text_add_json_number(struct text *text, double value);
/* Seconds to the millisecond, of a time too: a number as above has too few digits for these. What
 * is negative is 0. */
void text_add_json_seconds(struct text *text, int64_t ns);

/* "1.5 GiB", "512 MiB", "0 B". */
void text_add_size(struct text *text, double bytes);
/* The same with so many digits at most: "127.85 MiB". */
void text_add_size_digits(struct text *text, double bytes, int digits);

/* "350 ms", "12 s", "3 min 20 s", "2 h 5 min", "4 d 1 h". */
void text_add_duration(struct text *text, int64_t ns);

/* A value in its UCUM unit: "By" as a size, "1" as a percentage, "s" as a duration, else the number
 * with the unit after it, escaped: it may be a stranger's. */
void text_add_value(struct text *text, double value, const char *unit);

/* Copies a string into an array field: cut to fit, never in the middle of a UTF-8 character, ended
 * by 0, the rest zeroed (no stale bytes leave the process). False if it was cut. */
bool text_copy(char *field, size_t capacity, const char *string);

/* True for [a-z0-9._-] in 1 .. max_length characters. */
bool text_is_name(const char *string, size_t max_length);

#endif
