/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of at most 80 columns: styles, bars, and items that go on to the next line where they no
 * longer fit. What is added must already be safe to show. */
#ifndef REPORT_SCREEN_H
#define REPORT_SCREEN_H

#include "base/text.h"

#define SCREEN_COLUMNS 80

enum screen_style { SCREEN_PLAIN, SCREEN_BOLD, SCREEN_DIM, SCREEN_GOOD, SCREEN_WARN, SCREEN_BAD };

struct screen {
    struct text *text;
    bool colour;
    bool begun;      /* an item stands on this line: the next one needs a separator */
    unsigned indent; /* where continued lines begin */
    unsigned column;
};

void screen_init(struct screen *screen, struct text *text, bool colour);

void screen_add(struct screen *screen, enum screen_style style, const char *string);
void screen_addf(struct screen *screen, enum screen_style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Spaces up to a column; at least one unless the line is empty. */
void screen_to(struct screen *screen, unsigned column);

/* " · " and the string; on a new line if it no longer fits. */
void screen_item(struct screen *screen, enum screen_style style, const char *string);

/* Running words, broken at spaces. */
void screen_words(struct screen *screen, enum screen_style style, const char *string);

/* The string, cut with an ellipsis at the end of the line. */
void screen_cut(struct screen *screen, enum screen_style style, const char *string);

/* A bar of the share that is used: 0 and less is empty, 1 and more is full. */
void screen_bar(struct screen *screen, enum screen_style style, double used_ratio, unsigned cells);

/* Ends the line. Continued lines of the next one begin at column indent. */
void screen_line(struct screen *screen, unsigned indent);

#endif
