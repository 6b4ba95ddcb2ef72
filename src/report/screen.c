/* SPDX-License-Identifier: Apache-2.0 */
/* Lines that never go beyond their columns. A column is a UTF-8 character: wide and combining ones
 * are not known here, and only paths could hold any. */
#include "report/screen.h"

#include <limits.h>
#include <math.h>
#include <string.h>
#include <sys/ioctl.h>

#include "report/spark.h"

#define NEARLY_ALL 0.995 /* is told as 100 % */
#define TAIL_LEAST 8     /* columns: of less there is no use */

static const char *const codes[] = {
    [SCREEN_PLAIN] = "",        [SCREEN_BOLD] = "\033[1m",  [SCREEN_DIM] = "\033[2m",
    [SCREEN_GOOD] = "\033[32m", [SCREEN_WARN] = "\033[33m", [SCREEN_BAD] = "\033[1;31m",
};

/* Columns of the first `bytes` bytes. */
static unsigned columns_of(const char *string, size_t bytes)
{
    unsigned columns = 0;
    for (size_t i = 0; i < bytes; i++)
        columns += ((unsigned char)string[i] & 0xc0) != 0x80;
    return columns;
}

/* How many bytes of a string fit into so many columns. */
static size_t bytes_within(const char *string, unsigned columns)
{
    size_t i = 0;
    for (; string[i] != '\0'; i++)
        if (((unsigned char)string[i] & 0xc0) != 0x80 && columns-- == 0)
            break;
    return i;
}

void screen_init(struct screen *screen, struct text *text, unsigned columns, bool colour)
{
    columns = columns == 0 ? SCREEN_COLUMNS : columns;
    columns = columns < SCREEN_COLUMNS_MIN ? SCREEN_COLUMNS_MIN : columns;
    columns = columns > SCREEN_COLUMNS_MAX ? SCREEN_COLUMNS_MAX : columns;
    *screen = (struct screen){.text = text, .colour = colour, .columns = columns};
}

unsigned screen_columns_of(int fd)
{
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

static unsigned room_of(const struct screen *screen)
{
    return screen->column < screen->columns ? screen->columns - screen->column : 0;
}

static void add_styled(struct screen *screen, enum screen_style style, const char *string,
                       size_t bytes)
{
    /* Who adds looks first whether it fits; this is for a line that nobody thought of. */
    size_t fits = bytes_within(string, room_of(screen));
    bytes = bytes < fits ? bytes : fits;
    bool coloured = screen->colour && style != SCREEN_PLAIN && bytes > 0;
    if (coloured)
        text_add(screen->text, codes[style]);
    text_add_bytes(screen->text, string, bytes);
    if (coloured)
        text_add(screen->text, "\033[0m");
    screen->column += columns_of(string, bytes);
}

void screen_add(struct screen *screen, enum screen_style style, const char *string)
{
    add_styled(screen, style, string, strlen(string));
}

void screen_addf(struct screen *screen, enum screen_style style, const char *format, ...)
{
    char buffer[256];
    struct text text;
    text_init(&text, buffer, sizeof(buffer));
    va_list arguments;
    va_start(arguments, format);
    text_addv(&text, format, arguments);
    va_end(arguments);
    screen_add(screen, style, buffer);
}

void screen_to(struct screen *screen, unsigned column)
{
    unsigned spaces = column > screen->column ? column - screen->column : screen->column > 0;
    while (spaces-- > 0)
        screen_add(screen, SCREEN_PLAIN, " ");
}

void screen_line(struct screen *screen, unsigned indent)
{
    text_add(screen->text, "\n");
    screen->column = 0;
    screen->begun = false;
    screen->indent = indent;
}

static void continue_line(struct screen *screen)
{
    screen_line(screen, screen->indent);
    screen_to(screen, screen->indent);
}

void screen_cut_to(struct screen *screen, enum screen_style style, const char *string,
                   unsigned columns)
{
    unsigned room = room_of(screen);
    size_t bytes = strlen(string);
    room = columns < room ? columns : room;
    if (columns_of(string, bytes) <= room) {
        add_styled(screen, style, string, bytes);
    } else if (room > 0) {
        add_styled(screen, style, string, bytes_within(string, room - 1));
        screen_add(screen, style, "…");
    }
}

void screen_cut(struct screen *screen, enum screen_style style, const char *string)
{
    screen_cut_to(screen, style, string, UINT_MAX);
}

void screen_item(struct screen *screen, enum screen_style style, const char *string)
{
    unsigned columns = columns_of(string, strlen(string));
    if (screen->begun && screen->column + 3 + columns > screen->columns)
        continue_line(screen);
    else if (screen->begun)
        screen_add(screen, SCREEN_DIM, " · ");
    screen_cut(screen, style, string);
    screen->begun = true;
}

void screen_item_if_room(struct screen *screen, enum screen_style style, const char *string)
{
    if (columns_of(string, strlen(string)) + (screen->begun ? 3 : 0) <= room_of(screen))
        screen_item(screen, style, string);
}

void screen_item_tail(struct screen *screen, enum screen_style style, const char *string)
{
    unsigned columns = columns_of(string, strlen(string)), before = screen->begun ? 3 : 0;
    unsigned room = room_of(screen);
    if (columns + before <= room || room < before + TAIL_LEAST) {
        screen_item(screen, style, string);
        return;
    }
    screen_item(screen, style, "…");
    screen_add(screen, style, string + bytes_within(string, columns - (room - before - 1)));
}

/* The bytes of the longest run of whole words that fits into so many columns; 0 if not even one. */
static size_t words_within(const char *string, unsigned columns)
{
    size_t bytes = bytes_within(string, columns);
    if (string[bytes] == '\0' || string[bytes] == ' ')
        return bytes;
    while (bytes > 0 && string[bytes - 1] != ' ')
        bytes--;
    return bytes > 0 ? bytes - 1 : 0;
}

void screen_words(struct screen *screen, enum screen_style style, const char *string)
{
    while (*string != '\0') {
        unsigned room = room_of(screen);
        size_t bytes = words_within(string, room);
        /* A word longer than a line is broken where the line ends. */
        if (bytes == 0 && screen->column <= screen->indent)
            bytes = bytes_within(string, room);
        add_styled(screen, style, string, bytes);
        string += bytes;
        string += strspn(string, " ");
        if (*string != '\0')
            continue_line(screen);
    }
}

void screen_bar(struct screen *screen, enum screen_style style, double used_ratio, unsigned cells)
{
    /* Written so that NaN is empty. */
    double filled = used_ratio > 0 ? used_ratio * cells + 0.5 : 0;
    unsigned full = filled < cells ? (unsigned)filled : cells;
    if (full == cells && full > 1 && used_ratio < NEARLY_ALL)
        full--; /* a full bar is one that is used up */
    char bar[3 * 64 + 1] = "";
    size_t bytes = 0;
    for (unsigned i = 0; i < cells && i < 64; i++) {
        memcpy(bar + bytes, i < full ? "█" : "░", 3);
        bytes += 3;
    }
    size_t filled_bytes = 3 * (size_t)full < bytes ? 3 * (size_t)full : bytes;
    add_styled(screen, style, bar, filled_bytes);
    add_styled(screen, SCREEN_DIM, bar + filled_bytes, bytes - filled_bytes);
}

void screen_spark(struct screen *screen, enum screen_style style, const double *values,
                  unsigned columns, unsigned each, double span)
{
    double means[SCREEN_COLUMNS_MAX], low = INFINITY, high = -INFINITY;
    char line[3 * SCREEN_COLUMNS_MAX + 1];
    struct text text;
    columns = columns < SCREEN_COLUMNS_MAX ? columns : SCREEN_COLUMNS_MAX;
    for (unsigned i = 0; i < columns; i++) {
        double sum = 0;
        unsigned count = 0;
        for (unsigned k = i * each; values != NULL && k < (i + 1) * each; k++)
            if (isfinite(values[k])) {
                sum += values[k];
                count++;
            }
        means[i] = count > 0 ? sum / count : NAN;
        low = fmin(low, means[i]);
        high = fmax(high, means[i]);
    }
    if (span == 0) {
        low = 0;
    } else if (high - low < span) {
        /* What hardly moves lies low if it is little, and high if it is much. */
        low = fmin(fmax(0, (low + high - span) / 2), 1 - span);
        high = low + span;
    }
    text_init(&text, line, sizeof(line));
    spark_draw(means, columns, low, high, &text);
    screen_add(screen, style, line);
}
