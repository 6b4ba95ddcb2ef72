/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of at most so many columns: styles, bars, and items that go on to the next line where they
 * no longer fit. What is added must already be safe to show. */
#ifndef REPORT_SCREEN_H
#define REPORT_SCREEN_H

#include "base/text.h"

#define SCREEN_COLUMNS 80 /* where nobody knows better */
#define SCREEN_COLUMNS_MIN 32
#define SCREEN_COLUMNS_MAX 160

enum screen_style { SCREEN_PLAIN, SCREEN_BOLD, SCREEN_DIM, SCREEN_GOOD, SCREEN_WARN, SCREEN_BAD };

struct screen {
    struct text *text;
    bool colour;
    unsigned columns; /* of a line: nothing goes beyond */
    bool begun;       /* an item stands on this line: the next one needs a separator */
    unsigned indent;  /* where continued lines begin */
    unsigned column;
};

/* columns: 0 stands for SCREEN_COLUMNS; what is too few or too many is brought between. */
void screen_init(struct screen *screen, struct text *text, unsigned columns, bool colour);

/* How many columns a terminal has; 0: it is none, or does not say. */
unsigned screen_columns_of(int fd);

void screen_add(struct screen *screen, enum screen_style style, const char *string);
void screen_addf(struct screen *screen, enum screen_style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Spaces up to a column; at least one unless the line is empty. */
void screen_to(struct screen *screen, unsigned column);

/* " · " and the string; on a new line if it no longer fits. */
void screen_item(struct screen *screen, enum screen_style style, const char *string);

/* The same, or nothing if it no longer fits on this line. */
void screen_item_if_room(struct screen *screen, enum screen_style style, const char *string);

/* An item that is cut at its beginning where it does not fit on this line: the end of a path says
 * more. */
void screen_item_tail(struct screen *screen, enum screen_style style, const char *string);

/* Running words, broken at spaces. */
void screen_words(struct screen *screen, enum screen_style style, const char *string);

/* The string, cut with an ellipsis at the end of the line. */
void screen_cut(struct screen *screen, enum screen_style style, const char *string);

/* A bar of the share that is used: 0 and less is empty, 1 and more is full. */
void screen_bar(struct screen *screen, enum screen_style style, double used_ratio, unsigned cells);

/* Bars of one row for columns * each values, each bar the mean of `each`, a dot for what is not
 * known; values NULL: all dots. Shares are drawn between their least and greatest, which are made
 * to be `span` apart, so that noise stays flat; what is no share has a span of 0 and is drawn from
 * 0. */
void screen_spark(struct screen *screen, enum screen_style style, const double *values,
                  unsigned columns, unsigned each, double span);

/* The string, cut with an ellipsis so that it takes at most so many columns. */
void screen_cut_to(struct screen *screen, enum screen_style style, const char *string,
                   unsigned columns);

/* Ends the line. Continued lines of the next one begin at column indent. */
void screen_line(struct screen *screen, unsigned indent);

#endif
