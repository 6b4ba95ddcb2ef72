/* SPDX-License-Identifier: Apache-2.0 */
/* What `vagus top` shows, from a report to cells on a canvas. Only top_terminal.c knows ncurses;
 * all the rest is pure but for top_read.c, which reads a segment. */
#ifndef CLI_TOP_H
#define CLI_TOP_H

#include "cli/canvas.h"
#include "report/organs.h"

struct outside_block;

#define TOP_OPERATIONS_MAX 64
#define SHORT_NAME_BYTES 32 /* seven columns of UTF-8 */

/* A line with a bar, its last minute and words, which are safe for a terminal. */
struct top_organ {
    struct report_organ organ;         /* points into the report */
    char short_name[SHORT_NAME_BYTES]; /* where there is no room for words that tell which one */
    uint32_t style;                    /* enum screen_style, of the signals on its resource */
    bool stale;
    char flow[48]; /* in place of a bar */
    char detail[256];
};

struct top_operation {
    char name[256]; /* with its instance, safe for a terminal */
    double in_flight;
    double rate;        /* 1/s, begun; NaN: not known yet */
    double errors_rate; /* 1/s */
    double p99_s;       /* over the last minute; NaN: nothing ended in it */
};

enum top_sort { TOP_BY_IN_FLIGHT, TOP_BY_RATE, TOP_BY_P99, TOP_BY_NAME, TOP_SORT_COUNT };

enum top_panel_id {
    TOP_SIGNALS,
    TOP_ORGANS,
    TOP_BUDGETS,
    TOP_OPERATIONS,
    TOP_RECENT,
    TOP_MONITOR,
    TOP_PANEL_COUNT
};

/* What was read, and what follows from it. Large: static in the command. */
struct top_state {
    struct report report;
    int64_t as_of_ns;
    unsigned organ_count;
    struct top_organ organs[REPORT_ORGANS_MAX];
    unsigned operation_count;
    struct top_operation operations[TOP_OPERATIONS_MAX];
    char ended[200];  /* how, if more is known than the verdict says: safe for a terminal; "" */
    char notice[200]; /* a process was followed, or could not be read; "" */
};

/* What who looks at it chose. */
struct top_view {
    enum top_panel_id focus; /* TOP_PANEL_COUNT: none yet */
    unsigned scroll;         /* rows of that panel that are above its first */
    enum top_sort sort;
    bool paused, help;
};

/* One part of the picture: rows that can be counted and drawn one by one. */
struct top_panel {
    const char *title;
    unsigned least; /* rows that it is given before others are given more */
    unsigned (*count)(const struct top_state *state);
    void (*draw)(const struct top_state *state, unsigned index, struct canvas *canvas,
                 unsigned row);
};

/* In the order of the picture. */
extern const struct top_panel top_panels[TOP_PANEL_COUNT];

/* Fills organs from the report. */
void top_organs(struct top_state *state);
unsigned top_organs_count(const struct top_state *state);
void top_organ_draw(const struct top_state *state, unsigned index, struct canvas *canvas,
                    unsigned row);

void top_sort(struct top_state *state, enum top_sort by);

/* The whole picture. view->scroll is brought back to what there is. */
void top_draw(const struct top_state *state, struct top_view *view, struct canvas *canvas);

/* What a key does. */
enum top_key {
    TOP_KEY_NONE,
    TOP_KEY_QUIT,
    TOP_KEY_PAUSE,
    TOP_KEY_SORT,
    TOP_KEY_NEXT,
    TOP_KEY_BEFORE,
    TOP_KEY_UP,
    TOP_KEY_DOWN,
    TOP_KEY_HELP,
    TOP_KEY_RESIZED,
};
/* False: it was the key to quit. */
bool top_key(const struct top_state *state, struct top_view *view, enum top_key key);

/* --- Reading. --- */

/* A counter as it was some seconds ago, from which its rate is reckoned. */
struct top_counted {
    struct vagus_reading before, middle, newest;
};

struct top_reading_operation {
    uint32_t started, errors, in_flight, duration; /* metrics; UINT32_MAX: there is none */
    struct top_counted begun, failed;
    double rate, errors_rate, p99_s;
};

/* What is kept between two looks. */
struct top_reading {
    struct segment_reader reader;
    bool attached;
    uint64_t metric_count, metrics_room;
    struct segment_metric *metrics;
    struct vagus_reading *values;
    struct outside_block *blocks;
    struct top_reading_operation operations[TOP_OPERATIONS_MAX];
    unsigned operation_count;
    int64_t quantiles_ns; /* when the histories of durations were looked through last */
};

/* Takes over an attached reader. VAGUS_ENOMEM leaves it with the caller. */
int top_attach(struct top_reading *reading, struct top_state *state,
               const struct segment_reader *reader);
void top_detach(struct top_reading *reading);

/* Looks once; what cannot be read any more leaves the picture as it was, and its error comes
 * back. */
int top_look(struct top_reading *reading, struct top_state *state);

/* --- The terminal. --- */

/* Takes hold of the terminal. NULL, or why it cannot be done. */
const char *top_terminal_begin(struct canvas *canvas);
/* Shows what was drawn. */
void top_terminal_show(const struct canvas *canvas);
/* Waits for a key, for at most so long. *ended: by a signal, which is then its number; or the
 * terminal has gone, which is SIGHUP. */
enum top_key top_terminal_wait(int64_t span_ns, struct canvas *canvas, int *ended);
/* Gives it back as it was found. Harmless if it never began. */
void top_terminal_end(void);

#endif
