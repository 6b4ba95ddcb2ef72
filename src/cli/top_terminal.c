/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal of `vagus top`: the only file that knows ncurses. Signals are blocked but while it
 * waits, so that none is missed between a look and the wait, and whatever ends it comes by the same
 * way out, on which the terminal is given back. */
#include "cli/top.h"

#ifdef VAGUS_NCURSES

#include <errno.h>
#include <locale.h>
#include <ncurses.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/terminal.h"

#define PAIR_GOOD 1
#define PAIR_WARN 2
#define PAIR_BAD 3

static SCREEN *screen;
static bool coloured;
static sigset_t before; /* the mask as it was found, with which it waits */
static volatile sig_atomic_t ended_by;
static const int endings[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
#define ENDINGS (sizeof(endings) / sizeof(endings[0]))
static struct sigaction found[ENDINGS];

static void on_ending(int number)
{
    ended_by = number;
}

static void take_signals(void)
{
    struct sigaction action = {.sa_handler = on_ending};
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGWINCH);
    for (size_t i = 0; i < ENDINGS; i++) {
        sigaddset(&blocked, endings[i]);
        sigaction(endings[i], NULL, &found[i]);
        if (found[i].sa_handler != SIG_IGN) /* nohup means it */
            sigaction(endings[i], &action, NULL);
    }
    sigprocmask(SIG_BLOCK, &blocked, &before);
}

static void give_signals_back(void)
{
    for (size_t i = 0; i < ENDINGS; i++)
        sigaction(endings[i], &found[i], NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

static void choose_colours(void)
{
    const char *no_color = getenv("NO_COLOR");
    coloured = has_colors() && (no_color == NULL || no_color[0] == '\0') && start_color() == OK;
    if (!coloured)
        return;
    use_default_colors();
    init_pair(PAIR_GOOD, COLOR_GREEN, -1);
    init_pair(PAIR_WARN, COLOR_YELLOW, -1);
    init_pair(PAIR_BAD, COLOR_RED, -1);
}

const char *top_terminal_begin(struct canvas *canvas)
{
    const char *name = getenv("TERM");
    if (name == NULL || name[0] == '\0')
        return "TERM is not set, so what the terminal can do is not known";
    bool utf8 = terminal_utf8();
    take_signals();
    screen = newterm(NULL, stdout, stdin);
    if (screen == NULL) {
        give_signals_back();
        return "the terminal named by TERM is not known here: try TERM=vt100";
    }
    set_term(screen);
    if (tigetstr("cup") == NULL) {
        top_terminal_end();
        return "the terminal named by TERM cannot move its cursor: try TERM=vt100, or vagus health";
    }
    cbreak();
    noecho();
    curs_set(0);
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(25);
    choose_colours();
    canvas->ascii = !utf8;
    if (canvas_resize(canvas, (unsigned)LINES, (unsigned)COLS))
        return NULL;
    top_terminal_end();
    return vagus_error_message(VAGUS_ENOMEM);
}

/* Where there are no colours, only what is bad stands out further than what is bold. */
static attr_t attributes_of(uint32_t style, short *pair)
{
    *pair = 0;
    switch (style) {
    case SCREEN_BOLD:
        return A_BOLD;
    case SCREEN_DIM:
        return coloured ? A_DIM : A_NORMAL;
    case SCREEN_GOOD:
        *pair = coloured ? PAIR_GOOD : 0;
        return A_NORMAL;
    case SCREEN_WARN:
        *pair = coloured ? PAIR_WARN : 0;
        return coloured ? A_NORMAL : A_BOLD;
    case SCREEN_BAD:
        *pair = coloured ? PAIR_BAD : 0;
        return coloured ? A_BOLD : A_BOLD | A_REVERSE;
    default:
        return A_NORMAL;
    }
}

void top_terminal_show(const struct canvas *canvas)
{
    erase();
    for (unsigned row = 0; row < canvas->rows; row++)
        for (unsigned column = 0; column < canvas->columns; column++) {
            const struct canvas_cell *cell = &canvas->cells[(size_t)row * canvas->columns + column];
            wchar_t glyph[2] = {(wchar_t)cell->glyph, 0};
            cchar_t character;
            short pair;
            attr_t attributes = attributes_of(cell->style, &pair);
            if (cell->glyph == ' ')
                continue;
            setcchar(&character, glyph, attributes, pair, NULL);
            mvadd_wch((int)row, (int)column, &character);
        }
    refresh();
}

static enum top_key key_of(int code, struct canvas *canvas)
{
    switch (code) {
    case KEY_RESIZE:
        canvas_resize(canvas, (unsigned)LINES, (unsigned)COLS);
        return TOP_KEY_RESIZED;
    case 'q':
    case 'Q':
        return TOP_KEY_QUIT;
    case 'p':
    case ' ':
        return TOP_KEY_PAUSE;
    case 's':
        return TOP_KEY_SORT;
    case '?':
    case 'h':
        return TOP_KEY_HELP;
    case '\t':
    case KEY_RIGHT:
        return TOP_KEY_NEXT;
    case KEY_BTAB:
    case KEY_LEFT:
        return TOP_KEY_BEFORE;
    case KEY_UP:
    case 'k':
        return TOP_KEY_UP;
    case KEY_DOWN:
    case 'j':
        return TOP_KEY_DOWN;
    case '\f': /* as everywhere: draw it all anew */
        clearok(curscr, TRUE);
        return TOP_KEY_RESIZED;
    default:
        return TOP_KEY_NONE;
    }
}

enum top_key top_terminal_wait(int64_t span_ns, struct canvas *canvas, int *ended)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    struct timespec span = {.tv_sec = span_ns / VAGUS_SECOND_NS,
                            .tv_nsec = span_ns % VAGUS_SECOND_NS};
    *ended = 0;
    int code = getch(); /* what was read already */
    if (code == ERR) {
        int ready = ppoll(&input, 1, span_ns > 0 ? &span : &(struct timespec){0}, &before);
        if (ended_by != 0) {
            *ended = ended_by;
            return TOP_KEY_NONE;
        }
        code = getch();
        /* Readable, and nothing to read: the terminal has gone. */
        if (ready > 0 && code == ERR && (input.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0)
            *ended = SIGHUP;
    }
    return code == ERR ? TOP_KEY_NONE : key_of(code, canvas);
}

void top_terminal_end(void)
{
    if (screen == NULL)
        return;
    endwin();
    delscreen(screen);
    screen = NULL;
    give_signals_back();
}

#else

const char *top_terminal_begin(struct canvas *canvas)
{
    (void)canvas;
    return "this vagus was built without ncurses; vagus health shows the same once";
}

void top_terminal_show(const struct canvas *canvas)
{
    (void)canvas;
}

enum top_key top_terminal_wait(int64_t span_ns, struct canvas *canvas, int *ended)
{
    (void)span_ns;
    (void)canvas;
    *ended = 0;
    return TOP_KEY_QUIT;
}

void top_terminal_end(void)
{
}

#endif
