/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded readers of kernel text. A number counts only if a byte follows it that ends it: the
 * kernel ends every line, so digits at the very end of a buffer are a number that was cut. */
#ifndef HOST_PARSE_H
#define HOST_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is left of a text. Not ended by 0. Pure functions; on failure the output is untouched and
 * the position unspecified. */
struct parse {
    const char *at, *end;
};

static inline struct parse parse_text(const char *text, size_t length)
{
    return (struct parse){text, text + length};
}

/* The next line, its newline left out; what stands after the last newline is a line too, and
 * `whole` (may be NULL) is false for it. False when nothing is left. */
bool parse_line(struct parse *text, struct parse *line, bool *whole);

/* The next run of bytes between spaces and tabs; false at the end of the line. */
bool parse_word(struct parse *line, struct parse *word);
bool parse_skip_words(struct parse *line, unsigned count);

/* Everything up to `delimiter`, which is passed over. False if it is not there. */
bool parse_until(struct parse *text, char delimiter, struct parse *before);

/* Passes over exactly this text, if it comes next. */
bool parse_literal(struct parse *text, const char *literal);
bool parse_equals(struct parse text, const char *literal);

/* Leading spaces, decimal digits, then a byte that is no digit, letter or dot. Refuses signs and
 * what exceeds 64 bits. */
bool parse_u64(struct parse *text, uint64_t *value);

/* The same with up to 9 decimals, "0.52": load averages and uptime. At most 2^53 before the dot. */
bool parse_decimal(struct parse *text, double *value);

/* A file that is one number or the word "max" (which gives UINT64_MAX) and a newline. */
bool parse_number_file(const char *text, size_t length, uint64_t *value);

/* The number after "key " at the start of a line, as in memory.stat. */
bool parse_keyed_u64(const char *text, size_t length, const char *key, uint64_t *value);

/* How many there are in "0-3,8,10-11", up to the end of the line. */
bool parse_list_count(struct parse line, uint64_t *count);

#endif
