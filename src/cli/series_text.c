/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a series in words, and walking along it. */
#include "cli/series_text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "vagus/base.h"

#define WORD_MAX 48

struct parser {
    struct series *series;
    const char *text, *at;
    enum dimension dimension;
    int64_t every_ns;
    struct series_fault *fault;
    bool in_group;
};

__attribute__((format(printf, 3, 4))) static int refuse(struct parser *parser, const char *at,
                                                        const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(parser->fault->text, sizeof(parser->fault->text), format, arguments);
    va_end(arguments);
    parser->fault->offset = (size_t)(at - parser->text);
    return VAGUS_EPARSE;
}

static void skip_space(struct parser *parser)
{
    while (*parser->at == ' ' || *parser->at == '\t' || *parser->at == '\n')
        parser->at++;
}

/* Up to where a word of the notation ends. */
static size_t word_length(const char *at)
{
    size_t length = 0;
    while (at[length] != '\0' && strchr(" \t\n,()~", at[length]) == NULL &&
           !(at[length] == '.' && at[length + 1] == '.'))
        length++;
    return length;
}

struct word {
    char text[WORD_MAX];
    char shown[4 * WORD_MAX + 8];
};

static int take_word(struct parser *parser, struct word *word)
{
    const char *start = parser->at;
    size_t length = word_length(start);
    if (length >= sizeof(word->text))
        return refuse(parser, start, "there is no such long value");
    memcpy(word->text, start, length);
    word->text[length] = '\0';
    struct text shown;
    text_init(&shown, word->shown, sizeof(word->shown));
    text_add_safe(&shown, word->text, sizeof(word->text));
    parser->at += length;
    return 0;
}

static int take_value(struct parser *parser, double *value)
{
    struct word word;
    const char *start = parser->at, *why;
    int error = take_word(parser, &word);
    if (error != 0)
        return error;
    if (word.text[0] == '\0')
        return refuse(parser, start, "a value is missing; expected one such as %s",
                      dimension_example(parser->dimension));
    if (quantity_parse(word.text, parser->dimension, value, &why) != 0)
        return refuse(parser, start, "\"%s\" %s; expected a value such as %s, _ or =", word.shown,
                      why, dimension_example(parser->dimension));
    return 0;
}

/* "_", "=", "+N", "A", "A..B", and "~N" after the last two. */
static int take_term(struct parser *parser, struct series_piece *piece, bool *ramp)
{
    size_t length = word_length(parser->at);
    *ramp = false;
    if (length == 1 && (*parser->at == '_' || *parser->at == '=')) {
        piece->what = *parser->at++ == '_' ? SERIES_MISSING : SERIES_SILENT;
        return 0;
    }
    piece->what = *parser->at == '+' ? SERIES_GROWS : SERIES_VALUE;
    parser->at += piece->what == SERIES_GROWS;
    int error = take_value(parser, &piece->from);
    piece->to = piece->from;
    if (error == 0 && piece->what == SERIES_VALUE && strncmp(parser->at, "..", 2) == 0) {
        parser->at += 2;
        *ramp = true;
        error = take_value(parser, &piece->to);
    }
    if (error == 0 && *parser->at == '~') {
        const char *start = ++parser->at;
        error = take_value(parser, &piece->noise);
        if (error == 0 && piece->noise < 0)
            error = refuse(parser, start, "noise is not negative");
    }
    return error;
}

static int take_times(struct parser *parser, uint64_t *count)
{
    struct word word;
    const char *start = parser->at;
    int error = take_word(parser, &word);
    if (error != 0)
        return error;
    size_t digits = strspn(word.text + 1, "0123456789");
    if (digits == 0 || digits > 9 || word.text[1 + digits] != '\0' ||
        (*count = strtoull(word.text + 1, NULL, 10)) == 0)
        return refuse(parser, start, "\"%s\" is no count; expected x1 to x100000000", word.shown);
    return 0;
}

static int take_span(struct parser *parser, uint64_t *count)
{
    struct word word;
    const char *why;
    int64_t span_ns;
    parser->at += strlen("for");
    skip_space(parser);
    const char *start = parser->at;
    int error = take_word(parser, &word);
    if (error != 0)
        return error;
    if (duration_parse(word.text, &span_ns, &why) != 0)
        return refuse(parser, start, "for: \"%s\" %s; expected a time such as 10s", word.shown,
                      word.text[0] == '\0' ? "is no time" : why);
    if (span_ns == 0 || span_ns % parser->every_ns != 0)
        return refuse(parser, start, "for: %s is no whole number of steps", word.shown);
    *count = (uint64_t)(span_ns / parser->every_ns);
    return 0;
}

/* "xN", "for TIME" or nothing: *count stays 0 then. */
static int take_count(struct parser *parser, uint64_t *count)
{
    int error = 0;
    *count = 0;
    skip_space(parser);
    const char *start = parser->at;
    if (*start == 'x')
        error = take_times(parser, count);
    else if (strncmp(start, "for", 3) == 0 && word_length(start) == 3)
        error = take_span(parser, count);
    if (error == 0 && *count > SERIES_STEPS_MAX)
        error = refuse(parser, start, "a series has at most %llu steps",
                       (unsigned long long)SERIES_STEPS_MAX);
    return error;
}

static int add_steps(struct parser *parser, const char *start, uint64_t count)
{
    parser->series->steps += count;
    if (parser->series->steps > SERIES_STEPS_MAX)
        return refuse(parser, start, "a series has at most %llu steps",
                      (unsigned long long)SERIES_STEPS_MAX);
    return 0;
}

static int add_piece(struct parser *parser, const char *start, const struct series_piece *piece)
{
    struct series *series = parser->series;
    if (series->count == series->room) {
        uint32_t room = series->room == 0 ? 16 : 2 * series->room;
        if (series->count == SERIES_PIECES_MAX)
            return refuse(parser, start, "a series has at most %d pieces", SERIES_PIECES_MAX);
        struct series_piece *pieces = realloc(series->pieces, room * sizeof(*pieces));
        if (pieces == NULL)
            return VAGUS_ENOMEM;
        series->pieces = pieces;
        series->room = room;
    }
    series->pieces[series->count++] = *piece;
    return add_steps(parser, start, piece->count);
}

static int take_piece(struct parser *parser)
{
    struct series_piece piece = {0};
    const char *start = parser->at;
    bool ramp;
    int error = take_term(parser, &piece, &ramp);
    if (error == 0)
        error = take_count(parser, &piece.count);
    if (error != 0)
        return error;
    skip_space(parser);
    bool last = *parser->at == '\0' && !parser->in_group;
    if (piece.count == 0 && ramp)
        return refuse(parser, start, "a ramp needs a length: xN or for TIME");
    if (piece.count == 0 && !last)
        piece.count = 1;
    parser->series->endless = piece.count == 0;
    return add_piece(parser, start, &piece);
}

static int take_list(struct parser *parser);

static int take_group(struct parser *parser)
{
    const char *start = parser->at++;
    uint32_t first = parser->series->count;
    uint64_t before = parser->series->steps, repeats;
    if (parser->in_group)
        return refuse(parser, start, "a group cannot lie within a group");
    parser->in_group = true;
    int error = take_list(parser);
    if (error != 0)
        return error;
    if (*parser->at != ')')
        return refuse(parser, parser->at, "\")\" is missing");
    parser->at++;
    parser->in_group = false;
    error = take_count(parser, &repeats);
    if (error != 0)
        return error;
    skip_space(parser);
    if (repeats == 0)
        return refuse(parser, start, "a group needs to be told how often: (…) xN");
    uint64_t steps = parser->series->steps - before, all;
    struct series_piece *end = &parser->series->pieces[parser->series->count - 1];
    end->group = first;
    end->repeats = repeats;
    if (__builtin_mul_overflow(steps, repeats - 1, &all) || all > SERIES_STEPS_MAX)
        all = SERIES_STEPS_MAX + 1;
    parser->series->endless = false;
    return add_steps(parser, start, all);
}

static int take_list(struct parser *parser)
{
    for (;;) {
        skip_space(parser);
        int error = *parser->at == '(' ? take_group(parser) : take_piece(parser);
        if (error != 0)
            return error;
        skip_space(parser);
        if (*parser->at == '\0' || (*parser->at == ')' && parser->in_group))
            return 0;
        if (*parser->at != ',')
            return refuse(parser, parser->at, "expected xN, for TIME, a comma or the end");
        parser->at++;
    }
}

int series_parse(struct series *series, const char *text, enum dimension dimension,
                 int64_t every_ns, struct series_fault *fault)
{
    struct parser parser = {.series = series,
                            .text = text,
                            .at = text,
                            .dimension = dimension,
                            .every_ns = every_ns,
                            .fault = fault};
    if (series->endless && series->count > 0) {
        /* What seemed to be the last piece is not: it is one step. */
        series->pieces[series->count - 1].count = 1;
        series->endless = false;
        int error = add_steps(&parser, text, 1);
        if (error != 0)
            return error;
    }
    return take_list(&parser);
}

void series_finish(struct series *series)
{
    free(series->pieces);
    *series = (struct series){0};
}

/* --- Walking. --- */

/* -1 to 1, the same in each run. */
static double noise(struct series_cursor *cursor)
{
    cursor->random ^= cursor->random << 13;
    cursor->random ^= cursor->random >> 7;
    cursor->random ^= cursor->random << 17;
    return (double)(int64_t)(cursor->random >> 11) / 0x1p52 - 1;
}

static void go_on(const struct series_piece *piece, struct series_cursor *cursor)
{
    if (piece->count == 0 || ++cursor->done < piece->count)
        return;
    cursor->done = 0;
    if (piece->repeats > 0 && ++cursor->repeated < piece->repeats) {
        cursor->piece = piece->group;
        return;
    }
    if (piece->repeats > 0)
        cursor->repeated = 0;
    cursor->piece++;
}

enum series_what series_next(const struct series *series, struct series_cursor *cursor,
                             double *value)
{
    if (cursor->piece >= series->count)
        return SERIES_SILENT;
    const struct series_piece *piece = &series->pieces[cursor->piece];
    if (piece->what == SERIES_VALUE || piece->what == SERIES_GROWS) {
        double share = piece->count > 1 ? (double)cursor->done / (double)(piece->count - 1) : 1;
        double base = piece->what == SERIES_GROWS ? cursor->value + piece->from
                                                  : piece->from + (piece->to - piece->from) * share;
        if (cursor->done + 1 == piece->count && piece->what == SERIES_VALUE)
            base = piece->to; /* without what rounding adds */
        cursor->value = base;
        *value = piece->noise > 0 ? base + piece->noise * noise(cursor) : base;
    }
    enum series_what what = piece->what == SERIES_GROWS ? SERIES_VALUE : piece->what;
    go_on(piece, cursor);
    return what;
}

const char *series_parse_range(const char *text, enum dimension dimension, double *from, double *to)
{
    char first[WORD_MAX];
    const char *why = NULL, *dots = strstr(text, "..");
    size_t length = dots != NULL ? (size_t)(dots - text) : strlen(text);
    if (length >= sizeof(first))
        return "is too long";
    memcpy(first, text, length);
    first[length] = '\0';
    if (quantity_parse(first, dimension, from, &why) != 0 ||
        quantity_parse(dots != NULL ? dots + 2 : first, dimension, to, &why) != 0)
        return why;
    return *from > *to ? "runs backwards" : NULL;
}
