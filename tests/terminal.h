/* SPDX-License-Identifier: Apache-2.0 */
/* A terminal for tests: a program runs on its other side, and what it draws can be looked at. It
 * knows what ncurses sends for xterm-256color and vt100, and remembers what it does not know. */
#ifndef TESTS_TERMINAL_H
#define TESTS_TERMINAL_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TERMINAL_MAX 200

struct terminal {
    pid_t pid;
    int fd;
    int rows, columns, row, column;
    int top, bottom; /* of the part that scrolls */
    char cells[TERMINAL_MAX][TERMINAL_MAX][5];
    bool alternate, hidden; /* another screen than the shell's, and no cursor */
    bool coloured;          /* any colour was ever used */
    char unknown[64];       /* the first sequence that is not known here */
    char pending[256];      /* of a sequence or character that is not complete */
    size_t pending_bytes;
    char screen[TERMINAL_MAX * TERMINAL_MAX];
    char said[65536]; /* what came before the screen was taken, and after it was given back */
    size_t said_bytes;
};

static void terminal_blank(struct terminal *t, int row, int from, int to)
{
    for (int column = from; column < to; column++)
        strcpy(t->cells[row][column], " ");
}

static void terminal_clear(struct terminal *t)
{
    for (int row = 0; row < TERMINAL_MAX; row++)
        terminal_blank(t, row, 0, TERMINAL_MAX);
}

/* Lines from a row on move down (count > 0) or up, within the part that scrolls. */
static void terminal_move(struct terminal *t, int from, int count)
{
    int height = t->bottom - from + 1, by = abs(count) < height ? abs(count) : height;
    size_t line = sizeof(t->cells[0]);
    if (height <= 0)
        return;
    if (count > 0)
        memmove(t->cells[from + by], t->cells[from], (size_t)(height - by) * line);
    else
        memmove(t->cells[from], t->cells[from + by], (size_t)(height - by) * line);
    for (int i = 0; i < by; i++)
        terminal_blank(t, count > 0 ? from + i : t->bottom - i, 0, TERMINAL_MAX);
}

static int terminal_within(int value, int least, int most)
{
    return value < least ? least : value > most ? most : value;
}

static void terminal_shift(struct terminal *t, int count)
{
    char(*line)[5] = t->cells[t->row];
    int by = terminal_within(abs(count), 0, t->columns - t->column);
    size_t rest = (size_t)(t->columns - t->column - by) * 5;
    if (count > 0) {
        memmove(line[t->column + by], line[t->column], rest);
        terminal_blank(t, t->row, t->column, t->column + by);
    } else {
        memmove(line[t->column], line[t->column + by], rest);
        terminal_blank(t, t->row, t->columns - by, t->columns);
    }
}

static void terminal_erase(struct terminal *t, char what, int how)
{
    int from = how == 0 ? t->column : 0, to = how == 1 ? t->column + 1 : t->columns;
    terminal_blank(t, t->row, from, to);
    for (int row = 0; what == 'J' && row < t->rows; row++)
        if ((how == 0 && row > t->row) || (how == 1 && row < t->row) || how >= 2)
            terminal_blank(t, row, 0, t->columns);
}

static void terminal_repeat(struct terminal *t, int count)
{
    for (int i = 0; i < count && t->column > 0 && t->column < t->columns; i++, t->column++)
        memcpy(t->cells[t->row][t->column], t->cells[t->row][t->column - 1], 5);
}

/* A control sequence: its parameters and its last character. */
static void terminal_control(struct terminal *t, const char *sequence, char last)
{
    int n[8] = {0}, count = 0;
    bool private = sequence[0] == '?';
    for (const char *at = sequence + private; count < 8; count++) {
        char *end;
        n[count] = (int)strtol(at, &end, 10);
        if (*end != ';')
            break;
        at = end + 1;
    }
    int one = n[0] > 0 ? n[0] : 1;
    switch (last) {
    case 'H':
    case 'f':
        t->row = terminal_within(one, 1, t->rows) - 1;
        t->column = terminal_within(n[1] > 0 ? n[1] : 1, 1, t->columns) - 1;
        break;
    case 'A':
        t->row = terminal_within(t->row - one, 0, t->rows - 1);
        break;
    case 'B':
        t->row = terminal_within(t->row + one, 0, t->rows - 1);
        break;
    case 'C':
        t->column = terminal_within(t->column + one, 0, t->columns - 1);
        break;
    case 'D':
        t->column = terminal_within(t->column - one, 0, t->columns - 1);
        break;
    case 'G':
        t->column = terminal_within(one, 1, t->columns) - 1;
        break;
    case 'd':
        t->row = terminal_within(one, 1, t->rows) - 1;
        break;
    case 'J':
    case 'K':
        terminal_erase(t, last, n[0]);
        break;
    case 'X':
        terminal_blank(t, t->row, t->column, terminal_within(t->column + one, 0, t->columns));
        break;
    case 'P':
        terminal_shift(t, -one);
        break;
    case '@':
        terminal_shift(t, one);
        break;
    case 'L':
        terminal_move(t, t->row, one);
        break;
    case 'M':
        terminal_move(t, t->row, -one);
        break;
    case 'S':
        terminal_move(t, t->top, -one);
        break;
    case 'T':
        terminal_move(t, t->top, one);
        break;
    case 'b':
        terminal_repeat(t, one);
        break;
    case 'r':
        t->top = one - 1;
        t->bottom = (n[1] > 0 ? n[1] : t->rows) - 1;
        t->row = t->column = 0;
        break;
    case 'h':
    case 'l':
        if (private && n[0] == 1049)
            t->alternate = last == 'h';
        if (private && n[0] == 25)
            t->hidden = last == 'l';
        break;
    case 'm':
        for (int i = 0; i <= count; i++)
            t->coloured |= n[i] >= 30 && n[i] < 39;
        break;
    case 't':
        break; /* window titles */
    default:
        if (t->unknown[0] == '\0')
            snprintf(t->unknown, sizeof(t->unknown), "ESC [ %.40s %c", sequence, last);
    }
}

static void terminal_line_feed(struct terminal *t)
{
    if (t->row == t->bottom)
        terminal_move(t, t->top, -1);
    else
        t->row = terminal_within(t->row + 1, 0, t->rows - 1);
}

/* Takes one character or sequence from the front; returns its bytes, 0 if it is not complete. */
static size_t terminal_take(struct terminal *t, const char *at, size_t bytes)
{
    unsigned char first = (unsigned char)at[0];
    if (first == 033) {
        if (bytes < 2)
            return 0;
        if (at[1] == '[') {
            char sequence[64];
            size_t end = 2;
            while (end < bytes && end < 60 && (unsigned char)at[end] < 0x40)
                end++;
            if (end == bytes)
                return 0;
            memcpy(sequence, at + 2, end - 2);
            sequence[end - 2] = '\0';
            terminal_control(t, sequence, at[end]);
            return end + 1;
        }
        if (strchr("()*+", at[1]) != NULL)
            return bytes < 3 ? 0 : 3; /* a character set */
        if (at[1] == 'M') {
            if (t->row == t->top)
                terminal_move(t, t->top, 1);
            else
                t->row = terminal_within(t->row - 1, 0, t->rows - 1);
        } else if (strchr("78=>c", at[1]) == NULL && t->unknown[0] == '\0') {
            snprintf(t->unknown, sizeof(t->unknown), "ESC %c", at[1]);
        }
        return 2;
    }
    if (first == '\n')
        terminal_line_feed(t);
    else if (first == '\r')
        t->column = 0;
    else if (first == '\b')
        t->column -= t->column > 0;
    if (first < 0x20)
        return 1;
    size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (bytes < length)
        return 0;
    if (t->row < TERMINAL_MAX && t->column < t->columns) {
        memcpy(t->cells[t->row][t->column], at, length);
        t->cells[t->row][t->column][length] = '\0';
        t->column++;
    }
    return length;
}

static void terminal_feed(struct terminal *t, const char *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        t->pending[t->pending_bytes++] = data[i];
        if (!t->alternate && t->said_bytes + 1 < sizeof(t->said))
            t->said[t->said_bytes++] = data[i];
        if (terminal_take(t, t->pending, t->pending_bytes) > 0 ||
            t->pending_bytes == sizeof(t->pending))
            t->pending_bytes = 0;
    }
}

/* Rows without their trailing blanks. */
static const char *terminal_screen(struct terminal *t)
{
    size_t bytes = 0;
    for (int row = 0; row < t->rows; row++) {
        size_t end = bytes;
        for (int column = 0; column < t->columns; column++) {
            size_t length = strlen(t->cells[row][column]);
            memcpy(t->screen + bytes, t->cells[row][column], length);
            bytes += length;
            if (t->cells[row][column][0] != ' ')
                end = bytes;
        }
        bytes = end;
        t->screen[bytes++] = '\n';
    }
    t->screen[bytes] = '\0';
    return t->screen;
}

/* Runs a program on a terminal of this size. */
static bool terminal_begin(struct terminal *t, int rows, int columns, char *const argv[])
{
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
    memset(t, 0, sizeof(*t));
    t->rows = rows;
    t->columns = columns;
    t->bottom = rows - 1;
    terminal_clear(t);
    t->pid = forkpty(&t->fd, NULL, NULL, &size);
    if (t->pid == 0) {
        execv(argv[0], argv);
        _exit(127);
    }
    return t->pid > 0;
}

/* Reads for so long, or until the screen, or what was said outside it, has all of a text. */
static bool terminal_wait(struct terminal *t, const char *text, int ms)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t until = now.tv_sec * 1000 + now.tv_nsec / 1000000 + ms, left = ms;
    while (left > 0) {
        struct pollfd ready = {.fd = t->fd, .events = POLLIN};
        char data[4096];
        t->said[t->said_bytes] = '\0';
        if (text != NULL &&
            (strstr(terminal_screen(t), text) != NULL || strstr(t->said, text) != NULL))
            return true;
        if (poll(&ready, 1, left < 50 ? (int)left : 50) > 0) {
            ssize_t n = read(t->fd, data, sizeof(data));
            if (n <= 0)
                break; /* the other side has gone */
            terminal_feed(t, data, (size_t)n);
        }
        clock_gettime(CLOCK_MONOTONIC, &now);
        left = until - (now.tv_sec * 1000 + now.tv_nsec / 1000000);
    }
    t->said[t->said_bytes] = '\0';
    return text != NULL &&
           (strstr(terminal_screen(t), text) != NULL || strstr(t->said, text) != NULL);
}

static void terminal_type(struct terminal *t, const char *keys)
{
    ssize_t written = write(t->fd, keys, strlen(keys));
    (void)written; /* what does not come through is missed on the screen */
}

static void terminal_resize(struct terminal *t, int rows, int columns)
{
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
    t->rows = rows;
    t->columns = columns;
    t->top = 0;
    t->bottom = rows - 1;
    ioctl(t->fd, TIOCSWINSZ, &size);
}

/* Waits until the program has ended; its wait status, or -1 after some seconds. */
static int terminal_end(struct terminal *t)
{
    int status = -1;
    terminal_wait(t, NULL, 50);
    for (int i = 0; i < 100; i++) {
        if (waitpid(t->pid, &status, WNOHANG) == t->pid) {
            terminal_wait(t, NULL, 50);
            close(t->fd);
            return status;
        }
        terminal_wait(t, NULL, 50);
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    kill(t->pid, SIGKILL);
    waitpid(t->pid, NULL, 0);
    close(t->fd);
    return -1;
}

#endif
