/* SPDX-License-Identifier: Apache-2.0 */
/* Drawing on a grid of character cells. */
#include "cli/canvas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define GLYPH_BLOCK 0x2588u /* the full one; 0x2581 is an eighth of it */
#define GLYPH_SHADE 0x2591u
#define GLYPH_DOT 0xb7u
#define GLYPH_ELLIPSIS 0x2026u

bool canvas_resize(struct canvas *canvas, unsigned rows, unsigned columns)
{
    rows = rows < CANVAS_ROWS_MAX ? rows : CANVAS_ROWS_MAX;
    columns = columns < CANVAS_COLUMNS_MAX ? columns : CANVAS_COLUMNS_MAX;
    struct canvas_cell *cells = calloc((size_t)rows * columns + 1, sizeof(*cells));
    if (cells == NULL)
        return false;
    free(canvas->cells);
    canvas->cells = cells;
    canvas->rows = rows;
    canvas->columns = columns;
    canvas_clear(canvas);
    return true;
}

void canvas_clear(struct canvas *canvas)
{
    for (size_t i = 0; i < (size_t)canvas->rows * canvas->columns; i++)
        canvas->cells[i] = (struct canvas_cell){' ', SCREEN_PLAIN};
}

void canvas_finish(struct canvas *canvas)
{
    free(canvas->cells);
    *canvas = (struct canvas){0};
}

/* What stands for our own glyphs where there is only ASCII. */
static uint32_t ascii_of(uint32_t glyph)
{
    static const char eighths[] = "_.-:=+*#";
    if (glyph >= 0x2581 && glyph <= GLYPH_BLOCK)
        return (uint32_t)eighths[glyph - 0x2581];
    switch (glyph) {
    case GLYPH_DOT:
        return '.';
    case 0x2592: /* a darker shade */
        return ':';
    case 0x2502: /* lines: down, along, and where they meet */
        return '|';
    case GLYPH_SHADE:
    case 0x2500:
        return '-';
    case 0x2514:
    case 0x2524:
    case 0x252c:
        return '+';
    case GLYPH_ELLIPSIS:
        return '~';
    case 0x2014: /* a dash */
        return '-';
    case 0x2193: /* an arrow down: received */
        return '<';
    case 0x2191:
        return '>';
    case 0xb5: /* micro */
        return 'u';
    case 0x258c: /* the left half of a block */
        return '|';
    default:
        return '?';
    }
}

static uint32_t one_column(const struct canvas *canvas, uint32_t glyph)
{
    if (glyph >= 0x20 && glyph < 0x7f)
        return glyph;
    if (canvas->ascii)
        return ascii_of(glyph);
    if ((glyph >= 0x2580 && glyph <= 0x259f) || ascii_of(glyph) != '?')
        return glyph; /* our own, whatever the C library thinks of it */
    return wcwidth((wchar_t)glyph) == 1 ? glyph : '?';
}

static void set(struct canvas *canvas, unsigned row, unsigned column, uint32_t glyph,
                enum screen_style style)
{
    if (row < canvas->rows && column < canvas->columns)
        canvas->cells[(size_t)row * canvas->columns + column] =
            (struct canvas_cell){one_column(canvas, glyph), style};
}

/* The next character of text that may be cut in the middle of one; 0 at its end. */
static uint32_t decode(const char **at)
{
    const unsigned char *s = (const unsigned char *)*at;
    unsigned length = *s < 0x80 ? 1 : *s >= 0xf0 ? 4 : *s >= 0xe0 ? 3 : 2;
    uint32_t glyph = *s < 0x80 ? *s : *s & (0xffu >> (length + 1));
    if (*s == '\0')
        return 0;
    for (unsigned i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            *at += i;
            return '?';
        }
        glyph = glyph << 6 | (s[i] & 0x3f);
    }
    *at += length;
    return glyph;
}

unsigned canvas_width(const char *string)
{
    unsigned columns = 0;
    while (decode(&string) != 0)
        columns++;
    return columns;
}

unsigned canvas_put(struct canvas *canvas, unsigned row, unsigned column, unsigned end,
                    enum screen_style style, const char *string)
{
    end = end < canvas->columns ? end : canvas->columns;
    bool cut = column + canvas_width(string) > end;
    for (uint32_t glyph; column < end && (glyph = decode(&string)) != 0; column++)
        set(canvas, row, column, cut && column + 1 == end ? GLYPH_ELLIPSIS : glyph, style);
    return column;
}

void canvas_put_right(struct canvas *canvas, unsigned row, unsigned column, unsigned end,
                      enum screen_style style, const char *string)
{
    unsigned width = canvas_width(string);
    end = end < canvas->columns ? end : canvas->columns;
    canvas_put(canvas, row, end > column + width ? end - width : column, end, style, string);
}

void canvas_bar(struct canvas *canvas, unsigned row, unsigned column, unsigned cells,
                enum screen_style style, double used_ratio)
{
    double filled = used_ratio > 0 ? used_ratio * cells + 0.5 : 0;
    unsigned full = filled < cells ? (unsigned)filled : cells;
    for (unsigned i = 0; i < cells; i++) {
        if (isnan(used_ratio))
            set(canvas, row, column + i, GLYPH_DOT, SCREEN_DIM);
        else if (i < full)
            set(canvas, row, column + i, canvas->ascii ? '#' : GLYPH_BLOCK, style);
        else
            set(canvas, row, column + i, GLYPH_SHADE, SCREEN_DIM);
    }
}

static void bounds_of(const double *values, unsigned count, double *low, double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (unsigned i = 0; i < count; i++)
        if (isfinite(values[i])) {
            *low = fmin(*low, values[i]);
            *high = fmax(*high, values[i]);
        }
}

static void put_eighth(struct canvas *canvas, unsigned row, unsigned column, double value,
                       double low, double high)
{
    double share = high > low ? (value - low) / (high - low) : 0;
    unsigned eighth = share >= 1 ? 7 : share > 0 ? (unsigned)(share * 8) : 0;
    bool known = isfinite(value);
    set(canvas, row, column, known ? 0x2581 + eighth : GLYPH_DOT,
        known ? SCREEN_PLAIN : SCREEN_DIM);
}

void canvas_spark_cell(struct canvas *canvas, unsigned row, unsigned column, const double *values,
                       unsigned count, unsigned index)
{
    double low, high;
    bounds_of(values, count, &low, &high);
    put_eighth(canvas, row, column, values[index], low, high);
}

void canvas_spark(struct canvas *canvas, unsigned row, unsigned column, unsigned cells,
                  const double *values, unsigned count, double low, double high)
{
    if (high <= low)
        bounds_of(values, count, &low, &high);
    cells = cells < count ? cells : count;
    for (unsigned i = 0; i < cells; i++) {
        unsigned from = i * count / cells, to = (i + 1) * count / cells, known = 0;
        double sum = 0;
        for (unsigned k = from; k < to; k++)
            if (isfinite(values[k])) {
                sum += values[k];
                known++;
            }
        put_eighth(canvas, row, column + i, known > 0 ? sum / known : NAN, low, high);
    }
}

unsigned canvas_utf8(uint32_t glyph, char bytes[5])
{
    unsigned length = glyph < 0x80 ? 1 : glyph < 0x800 ? 2 : glyph < 0x10000 ? 3 : 4;
    static const uint8_t first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (unsigned i = length; i > 1; i--) {
        bytes[i - 1] = (char)(0x80 | (glyph & 0x3f));
        glyph >>= 6;
    }
    bytes[0] = (char)(glyph | first[length]);
    bytes[length] = '\0';
    return length;
}

void canvas_text(const struct canvas *canvas, struct text *text)
{
    for (unsigned row = 0; row < canvas->rows; row++) {
        const struct canvas_cell *cells = &canvas->cells[(size_t)row * canvas->columns];
        unsigned end = canvas->columns;
        while (end > 0 && cells[end - 1].glyph == ' ')
            end--;
        for (unsigned column = 0; column < end; column++) {
            char bytes[5];
            canvas_utf8(cells[column].glyph, bytes);
            text_add(text, bytes);
        }
        text_add(text, "\n");
    }
}
