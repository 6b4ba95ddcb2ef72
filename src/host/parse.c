/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded readers of kernel text: no locale, no allocation, no byte read beyond the end. */
#include "host/parse.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void skip_blanks(struct parse *text)
{
    while (text->at < text->end && is_blank(*text->at))
        text->at++;
}

bool parse_line(struct parse *text, struct parse *line, bool *whole)
{
    if (text->at >= text->end)
        return false;
    /* A loop, as below: lines are short, and after a sleep a call into libc costs more than it. */
    const char *end = text->at;
    while (end < text->end && *end != '\n')
        end++;
    *line = (struct parse){text->at, end};
    text->at = end < text->end ? end + 1 : end;
    if (whole != NULL)
        *whole = end < text->end;
    return true;
}

bool parse_word(struct parse *line, struct parse *word)
{
    skip_blanks(line);
    const char *start = line->at;
    while (line->at < line->end && !is_blank(*line->at) && *line->at != '\n')
        line->at++;
    if (line->at == start)
        return false;
    *word = (struct parse){start, line->at};
    return true;
}

bool parse_skip_words(struct parse *line, unsigned count)
{
    struct parse word;
    while (count > 0 && parse_word(line, &word))
        count--;
    return count == 0;
}

bool parse_until(struct parse *text, char delimiter, struct parse *before)
{
    if (text->at >= text->end)
        return false;
    const char *found = memchr(text->at, delimiter, (size_t)(text->end - text->at));
    if (found == NULL)
        return false;
    *before = (struct parse){text->at, found};
    text->at = found + 1;
    return true;
}

bool parse_literal(struct parse *text, const char *literal)
{
    const char *at = text->at;
    for (; *literal != '\0'; literal++, at++)
        if (at == text->end || *at != *literal)
            return false;
    text->at = at;
    return true;
}

bool parse_equals(struct parse text, const char *literal)
{
    return parse_literal(&text, literal) && text.at == text.end;
}

/* Digits alone; what follows them is the caller's to judge. */
static bool take_digits(struct parse *text, uint64_t *value)
{
    uint64_t sum = 0;
    const char *start = text->at;
    for (; text->at < text->end && is_digit(*text->at); text->at++) {
        uint64_t digit = (uint64_t)(*text->at - '0');
        if (__builtin_mul_overflow(sum, UINT64_C(10), &sum) ||
            __builtin_add_overflow(sum, digit, &sum))
            return false;
    }
    if (text->at == start)
        return false;
    *value = sum;
    return true;
}

static bool ends_number(const struct parse *text)
{
    if (text->at >= text->end)
        return false;
    char c = *text->at;
    return c == ' ' || c == '\n' || c == '\t' || c == ',' || c == ':' || c == '-' || c == '=';
}

bool parse_u64(struct parse *text, uint64_t *value)
{
    uint64_t number;
    skip_blanks(text);
    if (!take_digits(text, &number) || !ends_number(text))
        return false;
    *value = number;
    return true;
}

bool parse_decimal(struct parse *text, double *value)
{
    uint64_t whole, fraction = 0;
    double scale = 1;
    skip_blanks(text);
    if (!take_digits(text, &whole) || whole > (UINT64_C(1) << 53))
        return false;
    if (text->at < text->end && *text->at == '.') {
        const char *start = ++text->at;
        if (!take_digits(text, &fraction) || text->at - start > 9)
            return false;
        for (const char *c = start; c < text->at; c++)
            scale *= 10;
    }
    if (!ends_number(text))
        return false;
    *value = (double)whole + (double)fraction / scale;
    return true;
}

bool parse_number_file(const char *text, size_t length, uint64_t *value)
{
    struct parse rest = parse_text(text, length);
    uint64_t number = UINT64_MAX;
    if (!parse_literal(&rest, "max") && !parse_u64(&rest, &number))
        return false;
    if (rest.at == rest.end || *rest.at != '\n')
        return false;
    *value = number;
    return true;
}

bool parse_keyed_u64(const char *text, size_t length, const char *key, uint64_t *value)
{
    struct parse rest = parse_text(text, length), line;
    bool whole;
    while (parse_line(&rest, &line, &whole)) {
        if (!parse_literal(&line, key) || line.at == line.end || *line.at != ' ')
            continue;
        if (!whole)
            return false;
        line.end++; /* the newline ends the number */
        return parse_u64(&line, value);
    }
    return false;
}

bool parse_list_count(struct parse line, uint64_t *count)
{
    uint64_t sum = 0, first, last;
    skip_blanks(&line);
    for (;;) {
        if (!take_digits(&line, &first))
            return false;
        last = first;
        if (line.at < line.end && *line.at == '-') {
            line.at++;
            if (!take_digits(&line, &last))
                return false;
        }
        /* No machine has 2^32 of anything that is listed so; this keeps the sum from wrapping. */
        if (last < first || last > UINT32_MAX || sum > UINT32_MAX)
            return false;
        sum += last - first + 1;
        if (line.at == line.end || *line.at == '\n')
            break;
        if (*line.at++ != ',')
            return false;
    }
    *count = sum;
    return true;
}
