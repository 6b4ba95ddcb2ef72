/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of at most 80 columns. A column is a UTF-8 character: wide and combining ones are not
 * known here, and only paths could hold any. */
#include "report/screen.h"

#include <string.h>

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

void screen_init(struct screen *screen, struct text *text, bool colour)
{
    *screen = (struct screen){.text = text, .colour = colour};
}

static void add_styled(struct screen *screen, enum screen_style style, const char *string,
                       size_t bytes)
{
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

void screen_cut(struct screen *screen, enum screen_style style, const char *string)
{
    unsigned room = screen->column < SCREEN_COLUMNS ? SCREEN_COLUMNS - screen->column : 0;
    size_t bytes = strlen(string);
    if (columns_of(string, bytes) <= room) {
        add_styled(screen, style, string, bytes);
    } else if (room > 0) {
        add_styled(screen, style, string, bytes_within(string, room - 1));
        screen_add(screen, style, "…");
    }
}

void screen_item(struct screen *screen, enum screen_style style, const char *string)
{
    unsigned columns = columns_of(string, strlen(string));
    if (screen->begun && screen->column + 3 + columns > SCREEN_COLUMNS)
        continue_line(screen);
    else if (screen->begun)
        screen_add(screen, SCREEN_DIM, " · ");
    screen_cut(screen, style, string);
    screen->begun = true;
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
        unsigned room = screen->column < SCREEN_COLUMNS ? SCREEN_COLUMNS - screen->column : 0;
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
    char bar[3 * 64];
    size_t bytes = 0;
    for (unsigned i = 0; i < cells && i < 64; i++) {
        memcpy(bar + bytes, i < full ? "█" : "░", 3);
        bytes += 3;
    }
    size_t filled_bytes = 3 * (size_t)full < bytes ? 3 * (size_t)full : bytes;
    add_styled(screen, style, bar, filled_bytes);
    add_styled(screen, SCREEN_DIM, bar + filled_bytes, bytes - filled_bytes);
}
