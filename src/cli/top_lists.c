/* SPDX-License-Identifier: Apache-2.0 */
/* The lists of `vagus top`: signals, budgets, operations, transitions, the monitor itself. One row
 * for each entry. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/top.h"
#include "report/findings.h"

#define NARROW 60
#define LINE_BYTES 1024

/* --- Raised signals. --- */

static unsigned signals_count(const struct top_state *state)
{
    return report_raised_count(&state->report);
}

/* Older writers give the reason in the transition alone. */
static const char *reason_of(const struct report *report,
                             const struct vagus_snapshot_signal *raised)
{
    const struct segment_signal *entry = report_transition_of(report, raised);
    if (raised->reason[0] != '\0')
        return raised->reason;
    return entry != NULL && entry->signal.reason[0] != '\0' ? entry->signal.reason : raised->rule;
}

static void signals_draw(const struct top_state *state, unsigned index, struct canvas *canvas,
                         unsigned row)
{
    const struct vagus_snapshot_signal *raised = &state->report.snapshot.signals[index];
    enum screen_style style = raised->kind == VAGUS_SHUTDOWN ? SCREEN_BAD : SCREEN_WARN;
    char line[LINE_BYTES];
    struct text text;
    text_init(&text, line, sizeof(line));
    text_addf(&text, "%s on ", vagus_signal_kind_name(raised->kind));
    text_add_safe(&text, raised->resource, VAGUS_RESOURCE_MAX);
    text_add(&text, " ");
    text_add_fixed(&text, (double)raised->level, 2);
    unsigned column = canvas_put(canvas, row, 1, canvas->columns, style, line);
    text_init(&text, line, sizeof(line));
    text_add(&text, " for ");
    text_add_duration(&text, report_span_ns(raised->since_ns, state->as_of_ns));
    text_add(&text, ": ");
    text_add_safe(&text, reason_of(&state->report, raised), 320);
    canvas_put(canvas, row, column, canvas->columns, SCREEN_PLAIN, line);
}

/* --- Budgets. --- */

static unsigned budgets_count(const struct top_state *state)
{
    uint32_t count = state->report.snapshot_error == 0 ? state->report.snapshot.budget_count : 0;
    return count < VAGUS_SNAPSHOT_BUDGETS ? count : VAGUS_SNAPSHOT_BUDGETS;
}

static void add_amount(struct text *text, const char *label, double amount, const char *unit,
                       const char *after)
{
    text_add(text, label);
    /* A budget without a unit counts; it is no share. */
    text_add_value(text, amount, strcmp(unit, "1") == 0 ? "" : unit);
    text_add(text, after);
}

static void add_exhaustion(struct text *text, const struct vagus_reading *in, bool used_up,
                           int64_t as_of_ns)
{
    if (vagus_reading_state(in, as_of_ns) != VAGUS_STATE_OK)
        return;
    if (used_up) {
        text_add(text, " · used up");
    } else if (isfinite(in->value) && in->value >= 0) {
        text_add(text, " · empty in ");
        text_add_value(text, in->value, "s");
    } else {
        text_add(text, " · not at this pace");
    }
}

static void budgets_draw(const struct top_state *state, unsigned index, struct canvas *canvas,
                         unsigned row)
{
    const struct vagus_snapshot_budget *budget = &state->report.snapshot.budgets[index];
    const struct vagus_budget_status *status = &budget->status;
    bool narrow = canvas->columns < NARROW;
    unsigned names = narrow ? 14 : 20, bar = narrow ? 8 : 12;
    double used = (double)status->used + (double)status->reserved;
    double share = status->known == 0 || status->limit == 0 ? NAN : used / (double)status->limit;
    char line[LINE_BYTES];
    struct text text;
    text_init(&text, line, sizeof(line));
    text_add_safe(&text, budget->name, 200);
    canvas_put(canvas, row, 1, 1 + names, SCREEN_BOLD, line);
    canvas_bar(canvas, row, 2 + names, bar, share >= 1 ? SCREEN_WARN : SCREEN_GOOD, share);
    text_init(&text, line, sizeof(line));
    if (status->known == 0) {
        text_add(&text, "what is left is not known");
    } else {
        add_amount(&text, "", (double)status->left, budget->unit, " left of ");
        add_amount(&text, "", (double)status->limit, budget->unit, "");
        add_exhaustion(&text, &budget->exhausted_in, status->left <= 0, state->as_of_ns);
        add_amount(&text, " · used ", (double)status->used, budget->unit, "");
        if (status->reserved > 0)
            add_amount(&text, " · reserved ", (double)status->reserved, budget->unit, "");
    }
    if (status->refused > 0)
        text_addf(&text, " · %llu refused", (unsigned long long)status->refused);
    canvas_put(canvas, row, 3 + names + bar, canvas->columns,
               status->known == 0 || status->left <= 0 ? SCREEN_WARN : SCREEN_PLAIN, line);
}

/* --- Operations. --- */

static unsigned operations_count(const struct top_state *state)
{
    return state->operation_count;
}

static void add_rate(struct text *text, double rate)
{
    if (isnan(rate))
        text_add(text, "?");
    else
        text_add_fixed(text, rate, rate < 100 ? 1 : 0);
    text_add(text, "/s");
}

static void operations_draw(const struct top_state *state, unsigned index, struct canvas *canvas,
                            unsigned row)
{
    const struct top_operation *operation = &state->operations[index];
    bool narrow = canvas->columns < NARROW;
    unsigned names = narrow ? 14 : canvas->columns / 3, column = 2 + names;
    char line[LINE_BYTES];
    struct text text;
    canvas_put(canvas, row, 1, 1 + names, SCREEN_BOLD, operation->name);
    text_init(&text, line, sizeof(line));
    text_add_value(&text, operation->in_flight, "");
    canvas_put_right(canvas, row, column, column + 5, SCREEN_PLAIN, line);
    column = canvas_put(canvas, row, column + 5, canvas->columns, SCREEN_DIM,
                        narrow ? "" : " in flight");
    text_init(&text, line, sizeof(line));
    add_rate(&text, operation->rate);
    canvas_put_right(canvas, row, column, column + 9, SCREEN_PLAIN, line);
    text_init(&text, line, sizeof(line));
    text_add(&text, narrow ? " " : "  p99 ");
    if (isnan(operation->p99_s))
        text_add(&text, "-");
    else
        text_add_value(&text, operation->p99_s, "s");
    column = canvas_put(canvas, row, column + 9, canvas->columns, SCREEN_PLAIN, line);
    if (operation->errors_rate > 0 && column + 12 <= canvas->columns) {
        text_init(&text, line, sizeof(line));
        text_add(&text, "  ");
        add_rate(&text, operation->errors_rate);
        text_add(&text, " fail");
        canvas_put(canvas, row, column, canvas->columns, SCREEN_WARN, line);
    }
}

static enum top_sort sorted_by;

/* NaN goes last. */
static int by_number(double a, double b)
{
    if (isnan(a) || isnan(b))
        return isnan(a) - isnan(b);
    return (a < b) - (a > b);
}

static int compare(const void *left, const void *right)
{
    const struct top_operation *a = left, *b = right;
    int order = 0;
    if (sorted_by == TOP_BY_IN_FLIGHT)
        order = by_number(a->in_flight, b->in_flight);
    if (sorted_by == TOP_BY_P99)
        order = by_number(a->p99_s, b->p99_s);
    if (order == 0 && sorted_by != TOP_BY_NAME)
        order = by_number(a->rate, b->rate);
    return order != 0 ? order : strcmp(a->name, b->name);
}

void top_sort(struct top_state *state, enum top_sort by)
{
    sorted_by = by;
    qsort(state->operations, state->operation_count, sizeof(state->operations[0]), compare);
}

/* --- The newest transitions. --- */

static unsigned recent_count(const struct top_state *state)
{
    return state->report.signal_count;
}

static void recent_draw(const struct top_state *state, unsigned index, struct canvas *canvas,
                        unsigned row)
{
    const struct report *report = &state->report;
    const struct segment_signal *entry = &report->signals[report->signal_count - 1 - index];
    const struct vagus_signal *signal = &entry->signal;
    char line[LINE_BYTES];
    struct text text;
    text_init(&text, line, sizeof(line));
    text_add_duration(&text, report_span_ns(signal->at_ns, state->as_of_ns));
    canvas_put_right(canvas, row, 1, canvas->columns < NARROW ? 11 : 13, SCREEN_DIM, line);
    text_init(&text, line, sizeof(line));
    report_add_subject(entry, &text);
    text_add_safe(&text, signal->reason[0] != '\0' ? signal->reason : signal->rule, 320);
    canvas_put(canvas, row, canvas->columns < NARROW ? 12 : 15, canvas->columns, SCREEN_PLAIN,
               line);
}

/* --- The monitor: its own line, and a line for each thing that it must say. --- */

static bool is_trouble(const struct segment_note *note)
{
    return note->kind != SEGMENT_NOTE_INFO;
}

static unsigned monitor_count(const struct top_state *state)
{
    unsigned count = state->report.snapshot_error == 0;
    for (uint32_t i = 0; i < state->report.note_count; i++)
        count += is_trouble(&state->report.notes[i]);
    return count;
}

static void add_count(struct text *text, uint64_t count, const char *one, const char *many)
{
    if (count > 0)
        text_addf(text, " · %llu %s", (unsigned long long)count, count == 1 ? one : many);
}

static void draw_monitor_line(const struct top_state *state, struct canvas *canvas, unsigned row)
{
    const struct vagus_snapshot_monitor *monitor = &state->report.snapshot.monitor;
    char line[LINE_BYTES];
    struct text text;
    text_init(&text, line, sizeof(line));
    if (vagus_reading_state(&monitor->cpu_ratio, state->as_of_ns) == VAGUS_STATE_OK) {
        text_add_value(&text, monitor->cpu_ratio.value, "1");
        text_add(&text, " of a core");
    } else {
        text_add(&text, "own cost ");
        report_add_state(&text, &monitor->cpu_ratio, state->as_of_ns);
    }
    add_count(&text, monitor->missed_ticks, "tick missed", "ticks missed");
    add_count(&text, monitor->failed_collectors, "sense fails", "senses fail");
    add_count(&text, monitor->hung_listeners, "listener hangs", "listeners hang");
    add_count(&text, monitor->unwired, "chain not wired", "chains not wired");
    add_count(&text, monitor->dropped_records, "record dropped", "records dropped");
    text_addf(&text, " · %llu ticks · %u metrics · %u senses · %u listeners",
              (unsigned long long)monitor->ticks, monitor->metrics, monitor->collectors,
              monitor->listeners);
    canvas_put(canvas, row, 1, canvas->columns, SCREEN_BOLD, "monitor");
    canvas_put(canvas, row, 9, canvas->columns, SCREEN_PLAIN, line);
}

static void monitor_draw(const struct top_state *state, unsigned index, struct canvas *canvas,
                         unsigned row)
{
    if (state->report.snapshot_error == 0 && index-- == 0) {
        draw_monitor_line(state, canvas, row);
        return;
    }
    for (uint32_t i = 0; i < state->report.note_count; i++) {
        const struct segment_note *note = &state->report.notes[i];
        if (!is_trouble(note) || index-- > 0)
            continue;
        char line[LINE_BYTES];
        struct text text;
        text_init(&text, line, sizeof(line));
        text_add(&text, note->kind == SEGMENT_NOTE_UNWIRED ? "! not wired: " : "! ");
        text_add_safe(&text, note->text, 480);
        canvas_put(canvas, row, 1, canvas->columns, SCREEN_WARN, line);
        return;
    }
}

const struct top_panel top_panels[TOP_PANEL_COUNT] = {
    [TOP_SIGNALS] = {"raised signals", 2, signals_count, signals_draw},
    [TOP_ORGANS] = {"organs", 4, top_organs_count, top_organ_draw},
    [TOP_BUDGETS] = {"budgets", 2, budgets_count, budgets_draw},
    [TOP_OPERATIONS] = {"operations", 2, operations_count, operations_draw},
    [TOP_RECENT] = {"newest transitions", 2, recent_count, recent_draw},
    [TOP_MONITOR] = {"monitor", 1, monitor_count, monitor_draw},
};
