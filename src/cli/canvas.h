/* SPDX-License-Identifier: Apache-2.0 */
/* A grid of character cells to draw on. It knows no terminal: what was drawn is shown by someone
 * else, or compared by a test. Whatever is put, no cell outside is touched, and each cell holds one
 * character that takes one column. */
#ifndef CLI_CANVAS_H
#define CLI_CANVAS_H

#include "base/text.h"
#include "report/screen.h"

#define CANVAS_ROWS_MAX 300
#define CANVAS_COLUMNS_MAX 500

struct canvas_cell {
    uint32_t glyph; /* Unicode */
    uint32_t style; /* enum screen_style */
};

struct canvas {
    unsigned rows, columns;
    bool ascii; /* blocks, dots and arrows come out as their nearest in ASCII */
    struct canvas_cell *cells;
};

/* All blank, and of another size: cut to the largest. False if there is no memory; it is then as it
 * was. A zeroed canvas is one of no cells. */
bool canvas_resize(struct canvas *canvas, unsigned rows, unsigned columns);
void canvas_clear(struct canvas *canvas);
void canvas_finish(struct canvas *canvas);

/* Puts a string at a place, cut with an ellipsis before column `end`. Returns the column after it.
 * What comes from outside must be safe for a terminal already; what would not take one column comes
 * out as '?'. */
unsigned canvas_put(struct canvas *canvas, unsigned row, unsigned column, unsigned end,
                    enum screen_style style, const char *string);

/* Before column `end`, as far right as it goes. */
void canvas_put_right(struct canvas *canvas, unsigned row, unsigned column, unsigned end,
                      enum screen_style style, const char *string);

/* A bar of the share that is used: 0 and less is empty, 1 and more is full; NaN is dots. */
void canvas_bar(struct canvas *canvas, unsigned row, unsigned column, unsigned cells,
                enum screen_style style, double used_ratio);

/* A sparkline of the last values between low and high, a dot for what is not known; several values
 * in one column are their mean. high <= low: their own least and greatest. */
void canvas_spark(struct canvas *canvas, unsigned row, unsigned column, unsigned cells,
                  const double *values, unsigned count, double low, double high);

/* One cell of such a line: of values[index], between the least and the greatest of all. */
void canvas_spark_cell(struct canvas *canvas, unsigned row, unsigned column, const double *values,
                       unsigned count, unsigned index);

/* How many columns a string takes. */
unsigned canvas_width(const char *string);

/* The rows as UTF-8, without their trailing blanks, each ended by a newline. */
void canvas_text(const struct canvas *canvas, struct text *text);

/* One character as UTF-8, ended by 0; returns its bytes. */
unsigned canvas_utf8(uint32_t glyph, char bytes[5]);

#endif
