/* SPDX-License-Identifier: Apache-2.0 */
/* An autopsy for a person: how it ended and what speaks for it, then the last minute, the last
 * signals, what was left open, and what the monitor had to say. */
#include <math.h>

#include "base/notation.h"
#include "report/autopsy.h"
#include "report/findings.h"
#include "report/screen.h"
#include "report/spark.h"

#define COLUMNS_WIDE 76 /* from here on charts have their full width */
#define FIGURES_COLUMN 33
#define RESERVATIONS_SHOWN 16

static void add_title(struct screen *screen, const char *title)
{
    screen_line(screen, 0);
    screen_add(screen, SCREEN_BOLD, title);
    screen_line(screen, 0);
}

/* "  label  words, broken at spaces below themselves". */
static void add_words(struct screen *screen, const char *label, enum screen_style style,
                      const char *words)
{
    screen_to(screen, 2);
    screen_add(screen, SCREEN_DIM, label);
    screen->indent = label[0] != '\0' ? 13 : 2;
    if (label[0] != '\0')
        screen_to(screen, screen->indent);
    screen_words(screen, style, words);
    screen_line(screen, 0);
}

static void add_headline(const struct autopsy *autopsy, struct screen *screen)
{
    const struct segment_header *header = &autopsy->report.header;
    bool well = autopsy->ending.running || autopsy->ending.end == VAGUS_END_CLOSED;
    char line[512];
    struct text text;
    text_init(&text, line, sizeof(line));
    text_add_safe(&text, header->agent[0] != '\0' ? header->agent : "?", 64);
    text_addf(&text, ", pid %lld, ", (long long)header->pid);
    text_add_safe(&text, header->program, 64);
    text_add(&text, ":");
    screen_words(screen, SCREEN_BOLD, line);
    text_init(&text, line, sizeof(line));
    ending_add_sentence(&autopsy->ending, &text);
    screen_to(screen, 0);
    screen_words(screen, well ? SCREEN_GOOD : SCREEN_BAD, line);
    screen_line(screen, 0);
}

static void add_times(const struct autopsy *autopsy, struct screen *screen)
{
    const struct segment_header *header = &autopsy->report.header;
    char line[256];
    struct text text;
    text_init(&text, line, sizeof(line));
    report_add_time(&text, header->started_wall_ns);
    add_words(screen, "started", SCREEN_PLAIN, line);
    text_init(&text, line, sizeof(line));
    report_add_time(&text, autopsy->end_wall_ns);
    text_add(&text, ", after ");
    text_add_duration(&text, report_span_ns(header->started_ns, autopsy->ending.last_sign_ns));
    text_add(&text, ", ");
    text_add_duration(&text, report_span_ns(autopsy->ending.last_sign_ns, autopsy->report.now_ns));
    text_add(&text, " ago");
    add_words(screen, autopsy->ending.end == VAGUS_END_CLOSED ? "closed" : "last sign",
              SCREEN_PLAIN, line);
    for (unsigned i = 0; i < autopsy->ending.evidence_count; i++)
        add_words(screen, i == 0 ? "evidence" : " ", SCREEN_PLAIN, autopsy->ending.evidence[i]);
}

/* What was known of the runs before it. */
static void add_continuity(const struct autopsy *autopsy, struct screen *screen)
{
    const struct vagus_snapshot_continuity *c = &autopsy->report.snapshot.continuity;
    char line[256];
    struct text text;
    if (autopsy->report.snapshot_error != 0 || c->starts == 0)
        return;
    text_init(&text, line, sizeof(line));
    text_addf(&text, "start %llu of this agent; %llu death%s before, %u in the last hour",
              (unsigned long long)c->starts, (unsigned long long)c->deaths,
              c->deaths == 1 ? "" : "s", c->deaths_hour);
    if (c->last_end > VAGUS_END_NONE) {
        text_add(&text, "; the run before ended: ");
        text_add(&text, report_end_name(c->last_end));
    }
    add_words(screen, "runs", SCREEN_PLAIN, line);
}

static void add_mode(const struct autopsy *autopsy, struct screen *screen)
{
    const struct vagus_snapshot_mode *mode = &autopsy->report.snapshot.mode;
    char line[256];
    struct text text;
    if (autopsy->report.snapshot_error != 0 || mode->name[0] == '\0')
        return;
    text_init(&text, line, sizeof(line));
    text_add_safe(&text, mode->name, VAGUS_MODE_MAX);
    text_add(&text, " for ");
    text_add_duration(&text, report_span_ns(mode->since_ns, autopsy->end_ns));
    if (mode->before[0] != '\0') {
        text_add(&text, ", before that ");
        text_add_safe(&text, mode->before, VAGUS_MODE_MAX);
    }
    add_words(screen, "mode", mode->index > 0 ? SCREEN_WARN : SCREEN_PLAIN, line);
}

/* --- Charts. --- */

static void add_figure(struct text *text, const char *label, double value,
                       const struct segment_metric *metric)
{
    char unit[VAGUS_UNIT_MAX + 2];
    struct text words;
    text_init(&words, unit, sizeof(unit));
    text_add(&words, metric->kind == VAGUS_HISTOGRAM ? "{value}" : metric->unit);
    if (metric->kind != VAGUS_GAUGE)
        text_add(&words, "/s");
    text_add(text, label);
    text_add_value(text, value, unit);
}

static void add_vital(const struct autopsy_vital *vital, bool narrow, struct screen *screen)
{
    char line[4 * AUTOPSY_COLUMNS + 512];
    double halves[AUTOPSY_COLUMNS / 2];
    struct text text;
    text_init(&text, line, sizeof(line));
    notation_add(&text, vital->metric.name, vital->metric.label, vital->metric.instance);
    screen_to(screen, 2);
    screen_cut(screen, SCREEN_PLAIN, line);
    text_init(&text, line, sizeof(line));
    add_figure(&text, "min ", vital->min, &vital->metric);
    add_figure(&text, ", max ", vital->max, &vital->metric);
    add_figure(&text, ", last ", vital->last, &vital->metric);
    if (narrow || screen->column > FIGURES_COLUMN - 2)
        screen_line(screen, 0);
    screen_to(screen, narrow ? 3 : FIGURES_COLUMN);
    screen_cut(screen, SCREEN_DIM, line);
    screen_line(screen, 0);
    for (unsigned i = 0; i < AUTOPSY_COLUMNS / 2; i++) {
        double a = vital->values[2 * i], b = vital->values[2 * i + 1];
        halves[i] = isnan(a) ? b : isnan(b) ? a : (a + b) / 2;
    }
    text_init(&text, line, sizeof(line));
    text_add(&text, "│");
    spark_draw(narrow ? halves : vital->values, AUTOPSY_COLUMNS / (narrow ? 2 : 1), NAN, NAN,
               &text);
    text_add(&text, "│");
    screen_to(screen, 2);
    screen_add(screen, SCREEN_PLAIN, line);
    screen_line(screen, 0);
}

static void add_vitals(const struct autopsy *autopsy, bool narrow, struct screen *screen)
{
    add_title(screen,
              autopsy->ending.running ? "the last minute" : "the last minute before its end");
    if (autopsy->vital_count == 0)
        add_words(screen, "", SCREEN_PLAIN, "nothing of it is known");
    for (uint32_t i = 0; i < autopsy->vital_count; i++)
        add_vital(&autopsy->vitals[i], narrow, screen);
    if (autopsy->vital_count == 0)
        return;
    screen_add(screen, SCREEN_DIM,
               narrow ? "  └─ 60 s before    30 s     0 s ─┘"
                      : "  └─ 60 s before                30 s                       0 s ─┘");
    screen_line(screen, 0);
}

/* --- Signals, and what was open. --- */

static void add_signals(const struct autopsy *autopsy, struct screen *screen)
{
    const struct report *report = &autopsy->report;
    uint32_t shown =
        report->signal_count < AUTOPSY_SIGNALS_SHOWN ? report->signal_count : AUTOPSY_SIGNALS_SHOWN;
    add_title(screen, "the last signals");
    if (shown == 0)
        add_words(screen, "", SCREEN_PLAIN, "none were raised");
    for (uint32_t i = report->signal_count - shown; i < report->signal_count; i++) {
        char lines[REPORT_TRANSITION_BYTES_MAX];
        struct text text;
        text_init(&text, lines, sizeof(lines));
        report_transition_text(&report->signals[i], &text);
        text_add(screen->text, lines);
    }
    if (report->signal_total > shown) {
        screen_addf(screen, SCREEN_DIM, "  %u of %llu shown; all of them: vagus signals", shown,
                    (unsigned long long)report->signal_total);
        screen_line(screen, 0);
    }
}

static void add_operations(const struct autopsy *autopsy, struct screen *screen)
{
    add_title(screen, "operations under way");
    if (autopsy->operation_count == 0)
        add_words(screen, "", SCREEN_PLAIN, "none");
    for (uint32_t i = 0; i < autopsy->operation_count; i++) {
        const struct segment_operation *operation = &autopsy->operations[i];
        char line[600];
        struct text text;
        text_init(&text, line, sizeof(line));
        notation_add(&text, operation->name, "", operation->instance);
        text_addf(&text, ": %llu under way, the newest for ",
                  (unsigned long long)operation->in_flight);
        text_add_duration(&text, report_span_ns(operation->began_ns, autopsy->end_ns));
        if (operation->since_ns < operation->began_ns) {
            text_add(&text, "; never none for ");
            text_add_duration(&text, report_span_ns(operation->since_ns, autopsy->end_ns));
        }
        if (operation->ended_ns != 0) {
            text_add(&text, "; one ended last ");
            text_add_duration(&text, report_span_ns(operation->ended_ns, autopsy->end_ns));
            text_add(&text, " before");
        }
        add_words(screen, "", SCREEN_PLAIN, line);
    }
}

static void add_reservations(const struct autopsy *autopsy, struct screen *screen)
{
    add_title(screen, "reservations open");
    if (autopsy->ticket_count == 0)
        add_words(screen, "", SCREEN_PLAIN, "none");
    uint32_t shown =
        autopsy->ticket_count < RESERVATIONS_SHOWN ? autopsy->ticket_count : RESERVATIONS_SHOWN;
    for (uint32_t i = 0; i < shown; i++) {
        const struct segment_ticket *ticket = &autopsy->tickets[i];
        char line[400];
        struct text text;
        text_init(&text, line, sizeof(line));
        text_add_safe(&text, ticket->budget, VAGUS_NAME_MAX);
        text_add(&text, ": ");
        text_add_value(&text, (double)ticket->amount, ticket->unit);
        text_add(&text, ", for ");
        text_add_duration(&text, report_span_ns(ticket->opened_ns, autopsy->end_ns));
        text_add(&text, "; would have expired in ");
        text_add_duration(&text, report_span_ns(autopsy->end_ns, ticket->until_ns));
        add_words(screen, "", SCREEN_PLAIN, line);
    }
    if (autopsy->ticket_total > shown) {
        screen_addf(screen, SCREEN_DIM, "  and %llu more",
                    (unsigned long long)(autopsy->ticket_total - shown));
        screen_line(screen, 0);
    }
}

static void add_budgets(const struct autopsy *autopsy, struct screen *screen)
{
    const struct vagus_system_snapshot *s = &autopsy->report.snapshot;
    uint32_t count =
        s->budget_count < VAGUS_SNAPSHOT_BUDGETS ? s->budget_count : VAGUS_SNAPSHOT_BUDGETS;
    if (autopsy->report.snapshot_error != 0 || count == 0)
        return;
    add_title(screen, "budgets");
    for (uint32_t i = 0; i < count; i++) {
        const struct vagus_snapshot_budget *budget = &s->budgets[i];
        char line[400];
        struct text text;
        text_init(&text, line, sizeof(line));
        text_add_safe(&text, budget->name, VAGUS_NAME_MAX);
        text_add(&text, ": ");
        if (budget->status.known) {
            text_add_value(&text, (double)budget->status.left, budget->unit);
            text_add(&text, " left of ");
            text_add_value(&text, (double)budget->status.limit, budget->unit);
        } else {
            text_add(&text, "what is left is not known");
        }
        add_words(screen, "", SCREEN_PLAIN, line);
    }
}

static void add_notes(const struct autopsy *autopsy, struct screen *screen)
{
    const struct report *report = &autopsy->report;
    if (report->note_count == 0)
        return;
    add_title(screen, "notes");
    for (uint32_t i = 0; i < report->note_count; i++) {
        char line[4 * sizeof(report->notes[0].text) + 32];
        struct text text;
        text_init(&text, line, sizeof(line));
        text_addf(&text, "%s: ", report_note_name(report->notes[i].kind));
        text_add_safe(&text, report->notes[i].text, sizeof(line) - 32);
        add_words(screen, "", SCREEN_PLAIN, line);
    }
}

void autopsy_text(const struct autopsy *autopsy, unsigned columns, bool colour, struct text *text)
{
    struct screen screen;
    bool narrow = columns != 0 && columns < COLUMNS_WIDE;
    screen_init(&screen, text, columns, colour);
    add_headline(autopsy, &screen);
    add_times(autopsy, &screen);
    add_continuity(autopsy, &screen);
    add_mode(autopsy, &screen);
    add_vitals(autopsy, narrow, &screen);
    add_signals(autopsy, &screen);
    add_operations(autopsy, &screen);
    add_reservations(autopsy, &screen);
    add_budgets(autopsy, &screen);
    add_notes(autopsy, &screen);
}
