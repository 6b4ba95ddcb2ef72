/* SPDX-License-Identifier: Apache-2.0 */
/* A chart of columns over time with both axes, drawn on a canvas. Knows no metric and no segment.
 */
#ifndef CLI_CHART_H
#define CLI_CHART_H

#include "cli/canvas.h"

#define CHART_LABEL 11 /* columns left of the plot */
#define CHART_ROWS_MAX 12

/* What one column stands for. */
struct chart_column {
    double bar;   /* NaN: nothing is known: a gap */
    double above; /* shaded up to it; NaN, or no more than bar: nothing */
};

struct chart {
    const struct chart_column *columns;
    unsigned count;
    unsigned wide;         /* cells of each */
    const char *unit;      /* UCUM, of the labels, safe for a terminal; "ns" is shown as a time */
    int64_t first_wall_ns; /* when the first column begins, by the clock on the wall */
    int64_t step_ns;       /* of a column */
};

/* How many columns there is room for on a canvas of so many. */
static inline unsigned chart_room(unsigned width)
{
    return width > CHART_LABEL + 1 ? width - CHART_LABEL - 1 : 1;
}

/* A step that people count in, at which a span takes at most so many columns: 1 s, 2 s, 5 s, 10 s …
 * a week and its multiples. */
int64_t chart_step_ns(int64_t span_ns, unsigned columns);

/* Draws it from a row on; returns the row below. It takes at most CHART_ROWS_MAX rows. */
unsigned chart_draw(const struct chart *chart, struct canvas *canvas, unsigned row);

#endif
