/* SPDX-License-Identifier: Apache-2.0 */
/* The picture of `vagus top` as a whole: verdict and identity above, keys below, and between them
 * the panels, which share what rows there are by priority. */
#include <stdio.h>
#include <string.h>

#include "cli/top.h"
#include "report/findings.h"

#define LINE_BYTES 1024

/* Who is given rows first. The panel that was chosen goes before all. */
static const enum top_panel_id priority[] = {TOP_ORGANS,     TOP_SIGNALS, TOP_BUDGETS,
                                             TOP_OPERATIONS, TOP_MONITOR, TOP_RECENT};

static enum screen_style style_of(enum vagus_verdict verdict)
{
    return verdict == VAGUS_VERDICT_OK         ? SCREEN_GOOD
           : verdict == VAGUS_VERDICT_CRITICAL ? SCREEN_BAD
                                               : SCREEN_WARN;
}

static void add_capitals(struct text *text, const char *name)
{
    char capitals[VAGUS_MODE_MAX];
    text_copy(capitals, sizeof(capitals), name);
    for (char *c = capitals; *c != '\0'; c++)
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    text_add_safe(text, capitals, 4 * sizeof(capitals));
}

static void draw_verdict(const struct top_state *state, const struct top_view *view,
                         struct canvas *canvas, unsigned row)
{
    enum vagus_verdict verdict = report_verdict(&state->report);
    char line[LINE_BYTES];
    struct text text;
    unsigned end = canvas->columns;
    if (view->paused && end > 10) {
        canvas_put_right(canvas, row, 0, end, SCREEN_WARN, "PAUSED");
        end -= 7;
    }
    text_init(&text, line, sizeof(line));
    add_capitals(&text, vagus_verdict_name(verdict));
    unsigned column = canvas_put(canvas, row, 0, end, style_of(verdict), line);
    text_init(&text, line, sizeof(line));
    text_add(&text, " — ");
    report_add_reason(&state->report, &text);
    canvas_put(canvas, row, column, end, SCREEN_BOLD, line);
}

/* Why it is in this mode: the newest change that the ring still has. */
static const char *mode_reason(const struct report *report)
{
    for (uint32_t i = report->signal_count; i > 0; i--)
        if (report->signals[i - 1].signal.kind == VAGUS_MODE_CHANGE)
            return report->signals[i - 1].signal.reason;
    return "";
}

static void add_mode(const struct top_state *state, struct text *text)
{
    const struct vagus_snapshot_mode *mode = &state->report.snapshot.mode;
    if (state->report.snapshot_error != 0 || mode->name[0] == '\0')
        return;
    text_add(text, " · mode ");
    add_capitals(text, mode->name);
    if (mode->changes > 0) {
        text_add(text, " for ");
        text_add_duration(text, report_span_ns(mode->since_ns, state->as_of_ns));
    }
    if (mode->waits_for[0] != '\0') {
        text_add(text, ", waits for consent to ");
        add_capitals(text, mode->waits_for);
    } else if (mode->unknown[0] != '\0') {
        text_add(text, ", stays: ");
        text_add_safe(text, mode->unknown, 2 * sizeof(mode->unknown));
        text_add(text, " is not known");
    } else if (mode->changes > 0 && mode_reason(&state->report)[0] != '\0') {
        text_add(text, ": ");
        text_add_safe(text, mode_reason(&state->report), 320);
    }
}

static void draw_identity(const struct top_state *state, struct canvas *canvas, unsigned row)
{
    const struct segment_header *header = &state->report.header;
    enum report_life life = report_life(&state->report);
    char line[LINE_BYTES];
    struct text text;
    text_init(&text, line, sizeof(line));
    text_add_safe(&text, header->agent[0] != '\0' ? header->agent : "?", 40);
    unsigned column = canvas_put(canvas, row, 0, canvas->columns, SCREEN_BOLD, line);
    text_init(&text, line, sizeof(line));
    text_addf(&text, " · pid %lld", (long long)header->pid);
    if (life == REPORT_CLOSED || life == REPORT_ENDED) {
        text_add(&text, " · its last picture");
        if (state->ended[0] != '\0')
            text_addf(&text, "; %s", state->ended);
    }
    add_mode(state, &text);
    canvas_put(canvas, row, column, canvas->columns, SCREEN_PLAIN, line);
}

/* --- Keys. --- */

static const struct {
    const char *key, *ascii, *means;
} keys[] = {{"q", NULL, "quit"}, {"?", NULL, "help"},    {"p", NULL, "pause"},
            {"s", NULL, "sort"}, {"Tab", NULL, "panel"}, {"↑↓", "Up Down", "scroll"}};

static void draw_keys(const struct top_view *view, struct canvas *canvas, unsigned row)
{
    unsigned column = 0;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const char *key = canvas->ascii && keys[i].ascii != NULL ? keys[i].ascii : keys[i].key;
        const char *means = view->paused && strcmp(key, "p") == 0 ? "go on"
                            : view->help && strcmp(key, "?") == 0 ? "back"
                                                                  : keys[i].means;
        if (column + canvas_width(key) + 1 + canvas_width(means) > canvas->columns)
            continue;
        column = canvas_put(canvas, row, column, canvas->columns, SCREEN_BOLD, key);
        column = canvas_put(canvas, row, column + 1, canvas->columns, SCREEN_DIM, means) + 1;
    }
}

static void draw_help(struct canvas *canvas, unsigned row, unsigned end)
{
    static const char *const lines[] = {
        "q quit",
        "p pause: the picture stands still",
        "s sort operations: in flight, rate,",
        "  p99, name",
        "Tab next panel: it goes first, and the",
        "  arrows scroll it",
        "bar: used; line: the last minute; dot:",
        "  not known; operations: in flight,",
        "  begun a second, p99 of a minute",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]) && row < end; i++)
        canvas_put(canvas, row++, 1, canvas->columns, SCREEN_PLAIN, lines[i]);
}

/* --- Who gets how many rows. --- */

struct share {
    unsigned count, given;
    bool titled;
};

static unsigned take(unsigned wanted, unsigned *room)
{
    unsigned taken = wanted < *room ? wanted : *room;
    *room -= taken;
    return taken;
}

static unsigned least_of(unsigned least, unsigned count)
{
    return least < count ? least : count;
}

static void divide(const struct top_state *state, enum top_panel_id focus, unsigned room,
                   struct share shares[TOP_PANEL_COUNT])
{
    for (unsigned i = 0; i < TOP_PANEL_COUNT; i++)
        shares[i] = (struct share){.count = top_panels[i].count(state)};
    unsigned most = room * 2 / 3; /* the chosen one leaves the others a few rows */
    if (focus < TOP_PANEL_COUNT)
        shares[focus].given = take(least_of(most, shares[focus].count), &room);
    for (unsigned i = 0; i < TOP_PANEL_COUNT; i++) {
        struct share *share = &shares[priority[i]];
        if (priority[i] != focus)
            share->given = take(least_of(top_panels[priority[i]].least, share->count), &room);
    }
    for (unsigned i = 0; i < TOP_PANEL_COUNT; i++) {
        struct share *share = &shares[priority[i]];
        share->given += take(share->count - share->given, &room);
    }
    for (unsigned i = 0; i < TOP_PANEL_COUNT; i++)
        if (shares[i].given > 0 && room > 0) {
            shares[i].titled = true;
            room--;
        }
}

/* "operations, by rate ─ 3 more". */
static void draw_title(enum top_panel_id id, const struct share *share, const struct top_view *view,
                       struct canvas *canvas, unsigned row)
{
    static const char *const sorts[] = {"in flight", "rate", "p99", "name"};
    char line[LINE_BYTES];
    struct text text;
    text_init(&text, line, sizeof(line));
    text_add(&text, top_panels[id].title);
    if (id == TOP_OPERATIONS)
        text_addf(&text, " by %s", sorts[view->sort]);
    unsigned column = canvas_put(canvas, row, 1, canvas->columns,
                                 id == view->focus ? SCREEN_BOLD : SCREEN_DIM, line);
    if (share->count > share->given) {
        text_init(&text, line, sizeof(line));
        text_addf(&text, ", %u of %u", share->given, share->count);
        canvas_put(canvas, row, column, canvas->columns, SCREEN_DIM, line);
    }
}

static unsigned draw_panel(const struct top_state *state, enum top_panel_id id,
                           const struct share *share, struct top_view *view, struct canvas *canvas,
                           unsigned row)
{
    unsigned first = 0;
    if (id == view->focus) {
        unsigned most = share->count - share->given;
        view->scroll = view->scroll < most ? view->scroll : most;
        first = view->scroll;
    }
    if (share->titled)
        draw_title(id, share, view, canvas, row++);
    for (unsigned i = 0; i < share->given; i++, row++) {
        if (id == view->focus)
            canvas_put(canvas, row, 0, 1, SCREEN_BOLD, "▌");
        top_panels[id].draw(state, first + i, canvas, row);
    }
    return row;
}

/* Rows that are not shown and not told of in a title are told of at the right edge. */
static void draw_more(const struct share *share, struct canvas *canvas, unsigned row)
{
    char more[24];
    if (share->titled || share->given == 0 || share->given == share->count)
        return;
    snprintf(more, sizeof(more), " +%u", share->count - share->given);
    canvas_put_right(canvas, row - 1, 0, canvas->columns, SCREEN_DIM, more);
}

void top_draw(const struct top_state *state, struct top_view *view, struct canvas *canvas)
{
    struct share shares[TOP_PANEL_COUNT];
    canvas_clear(canvas);
    if (canvas->rows == 0)
        return;
    unsigned row = 0, end = canvas->rows - (canvas->rows > 1);
    draw_verdict(state, view, canvas, row++);
    if (row < end)
        draw_identity(state, canvas, row++);
    if (row < end && state->notice[0] != '\0')
        canvas_put(canvas, row++, 0, canvas->columns, SCREEN_WARN, state->notice);
    if (canvas->rows > 1)
        draw_keys(view, canvas, canvas->rows - 1);
    if (view->help) {
        draw_help(canvas, row, end);
        return;
    }
    divide(state, view->focus, end - row, shares);
    for (unsigned i = 0; i < TOP_PANEL_COUNT; i++) {
        row = draw_panel(state, i, &shares[i], view, canvas, row);
        draw_more(&shares[i], canvas, row);
    }
}

/* The next panel that has anything to show. */
static void move_focus(const struct top_state *state, struct top_view *view, int step)
{
    view->scroll = 0;
    if (view->focus == TOP_PANEL_COUNT)
        view->focus = step > 0 ? TOP_PANEL_COUNT - 1 : 0;
    for (unsigned i = 0; i < TOP_PANEL_COUNT; i++) {
        view->focus = (enum top_panel_id)((view->focus + TOP_PANEL_COUNT + step) % TOP_PANEL_COUNT);
        if (top_panels[view->focus].count(state) > 0)
            return;
    }
}

bool top_key(const struct top_state *state, struct top_view *view, enum top_key key)
{
    switch (key) {
    case TOP_KEY_QUIT:
        return false;
    case TOP_KEY_PAUSE:
        view->paused = !view->paused;
        break;
    case TOP_KEY_SORT:
        view->sort = (view->sort + 1) % TOP_SORT_COUNT;
        break;
    case TOP_KEY_NEXT:
        move_focus(state, view, 1);
        break;
    case TOP_KEY_BEFORE:
        move_focus(state, view, -1);
        break;
    case TOP_KEY_UP:
        view->scroll -= view->scroll > 0;
        break;
    case TOP_KEY_DOWN:
        view->scroll++; /* drawing brings it back to what there is */
        break;
    case TOP_KEY_HELP:
        view->help = !view->help;
        break;
    case TOP_KEY_NONE:
    case TOP_KEY_RESIZED:
        break;
    }
    return true;
}
