/* SPDX-License-Identifier: Apache-2.0 */
/* The health summary for a person: one screen, the verdict and its reason first, then what is
 * wrong, the worst first, then the organs, then what happened lately, then the monitor itself. */
#include <math.h>

#include "report/findings.h"
#include "report/health_parts.h"
#include "report/organs.h"

#define RECENT_SHOWN 3

static enum screen_style style_of_verdict(enum vagus_verdict verdict)
{
    switch (verdict) {
    case VAGUS_VERDICT_OK:
        return SCREEN_GOOD;
    case VAGUS_VERDICT_CRITICAL:
        return SCREEN_BAD;
    default:
        return SCREEN_WARN;
    }
}

static const char *const verdict_words[] = {
    [VAGUS_VERDICT_UNKNOWN] = "UNKNOWN",
    [VAGUS_VERDICT_OK] = "OK",
    [VAGUS_VERDICT_DEGRADED] = "DEGRADED",
    [VAGUS_VERDICT_CRITICAL] = "CRITICAL",
};

static void add_headline(const struct report *report, struct screen *screen)
{
    enum vagus_verdict verdict = report_verdict(report);
    char reason[256];
    struct text text;
    text_init(&text, reason, sizeof(reason));
    report_add_reason(report, &text);

    screen->indent = 7;
    screen_add(screen, SCREEN_BOLD, "vagus: ");
    screen_add(screen, style_of_verdict(verdict), verdict_words[verdict]);
    screen_add(screen, SCREEN_PLAIN, " — ");
    screen_words(screen, SCREEN_BOLD, reason);
    screen_line(screen, 0);
}

/* Capitals, as the verdict has them. */
static void add_mode_name(struct text *text, const char *name)
{
    char capitals[VAGUS_MODE_MAX];
    text_copy(capitals, sizeof(capitals), name);
    for (char *c = capitals; *c != '\0'; c++)
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    text_add_safe(text, capitals, sizeof(capitals));
}

/* The mode, and what it waits for. A writer that knows no modes names none. */
static void add_mode(const struct report *report, int64_t as_of_ns, struct screen *screen)
{
    const struct vagus_snapshot_mode *mode = &report->snapshot.mode;
    char item[240];
    struct text text;
    if (report->snapshot_error != 0 || mode->name[0] == '\0')
        return;
    text_init(&text, item, sizeof(item));
    text_add(&text, "mode ");
    add_mode_name(&text, mode->name);
    if (mode->changes > 0) {
        text_add(&text, " for ");
        text_add_duration(&text, report_span_ns(mode->since_ns, as_of_ns));
    }
    screen_item(screen, mode->index > 0 ? SCREEN_WARN : SCREEN_PLAIN, item);
    if (mode->waits_for[0] != '\0') {
        text_init(&text, item, sizeof(item));
        text_add(&text, "waits for consent to ");
        add_mode_name(&text, mode->waits_for);
        screen_item(screen, SCREEN_WARN, item);
    }
    if (mode->unknown[0] != '\0') {
        text_init(&text, item, sizeof(item));
        text_add(&text, "stays: ");
        text_add_safe(&text, mode->unknown, sizeof(mode->unknown));
        text_add(&text, " is not known");
        screen_item(screen, SCREEN_WARN, item);
    }
}

static void add_identity(const struct report *report, struct screen *screen)
{
    const struct segment_header *header = &report->header;
    const struct vagus_reading *uptime = &report->snapshot.process.uptime;
    enum report_life life = report_life(report);
    char item[160];
    struct text text;

    text_init(&text, item, sizeof(item));
    text_add_safe(&text, header->agent[0] != '\0' ? header->agent : "?", 40);
    screen_item(screen, SCREEN_BOLD, item);

    text_init(&text, item, sizeof(item));
    text_addf(&text, "pid %lld", (long long)header->pid);
    screen_item(screen, SCREEN_PLAIN, item);

    text_init(&text, item, sizeof(item));
    if (life == REPORT_CLOSED || life == REPORT_ENDED) {
        text_add(&text, "was monitored for ");
        text_add_duration(&text, report_span_ns(header->started_ns, report_last_sign_ns(report)));
    } else if (report->snapshot_error == 0 &&
               vagus_reading_state(uptime, report->now_ns) == VAGUS_STATE_OK) {
        text_add(&text, "up ");
        text_add_value(&text, uptime->value, "s");
    } else {
        text_add(&text, "monitored for ");
        text_add_duration(&text, report_span_ns(header->started_ns, report->now_ns));
    }
    screen_item(screen, SCREEN_PLAIN, item);

    if (strcmp(header->program, header->agent) != 0 && header->program[0] != '\0') {
        text_init(&text, item, sizeof(item));
        text_add(&text, "program ");
        text_add_safe(&text, header->program, 40);
        screen_item(screen, SCREEN_PLAIN, item);
    }
    add_mode(report, report_as_of_ns(report), screen);
    screen_line(screen, 0);
}

/* "12 s", "30 min", "5 h": what a column can hold. */
static void add_roughly(struct text *text, int64_t ns)
{
    int64_t seconds = ns / VAGUS_SECOND_NS;
    if (seconds < 60)
        text_add_duration(text, ns);
    else if (seconds < 3600)
        text_addf(text, "%d min", (int)(seconds / 60));
    else if (seconds < 86400)
        text_addf(text, "%d h", (int)(seconds / 3600));
    else
        text_addf(text, "%lld d", (long long)(seconds / 86400));
}

static void add_transition(const struct segment_signal *entry, int64_t ago_ns, const char *ago,
                           struct screen *screen)
{
    const struct vagus_signal *signal = &entry->signal;
    const char *reason = signal->reason[0] != '\0' ? signal->reason : signal->rule;
    char words[480];
    struct text text;
    text_init(&text, words, sizeof(words));
    add_roughly(&text, ago_ns);
    text_add(&text, ago);
    screen_to(screen, 1);
    screen_add(screen, SCREEN_DIM, words);
    screen_to(screen, 15);

    /* The metric's name is the longest and least telling part of a reason. */
    size_t metric_length = strlen(signal->metric);
    if (metric_length > 0 && strncmp(reason, signal->metric, metric_length) == 0 &&
        reason[metric_length] == ' ')
        reason += metric_length + 1;
    text_init(&text, words, sizeof(words));
    report_add_subject(entry, &text);
    text_add_safe(&text, reason, 320);
    screen_cut(screen, SCREEN_PLAIN, words);
    screen_line(screen, 0);
}

/* True if the entry is of a signal that is explained above: its raise, or what came after. */
static bool is_raised_now(const struct report *report, const struct segment_signal *entry)
{
    for (uint32_t i = 0; i < report_raised_count(report); i++) {
        const struct vagus_snapshot_signal *raised = &report->snapshot.signals[i];
        if (!entry->shadow && raised->kind == entry->signal.kind &&
            entry->signal.at_ns >= raised->since_ns &&
            strcmp(raised->resource, entry->signal.resource) == 0)
            return true;
    }
    return false;
}

static void add_recent(const struct report *report, int64_t as_of_ns, struct screen *screen)
{
    unsigned shown = 0;
    for (uint32_t i = report->signal_count; i > 0 && shown < RECENT_SHOWN; i--) {
        const struct segment_signal *entry = &report->signals[i - 1];
        /* Updates of a signal are the noise between a raise and its clear; those of the mode are
         * its changes. */
        bool noise =
            entry->signal.change == VAGUS_SIGNAL_UPDATED && entry->signal.kind != VAGUS_MODE_CHANGE;
        if (noise || is_raised_now(report, entry))
            continue;
        if (shown++ == 0)
            screen_line(screen, 0);
        add_transition(entry, report_span_ns(entry->signal.at_ns, as_of_ns),
                       as_of_ns == report->now_ns ? " ago" : " before", screen);
    }
}

void report_health_text(const struct report *report, bool colour, unsigned columns,
                        struct text *text)
{
    struct screen screen;
    int64_t as_of_ns = report_as_of_ns(report);
    screen_init(&screen, text, columns, colour);
    add_headline(report, &screen);
    add_identity(report, &screen);
    if (report_raised_count(report) > 0) {
        screen_line(&screen, 0);
        report_add_raised(report, as_of_ns, &screen);
    }
    if (report->snapshot_error == 0) {
        screen_line(&screen, 0);
        if (as_of_ns != report->now_ns) {
            screen_add(&screen, SCREEN_DIM, " As it was last published:");
            screen_line(&screen, 0);
        }
        report_add_organs(report, as_of_ns, &screen);
        report_add_budgets(report, as_of_ns, &screen);
    }
    add_recent(report, as_of_ns, &screen);
    screen_line(&screen, 0);
    report_add_monitor(report, as_of_ns, &screen);
}

void report_health_brief(const struct report *report, bool colour, struct text *text)
{
    struct screen screen;
    struct text words;
    char line[512];
    enum vagus_verdict verdict = report_verdict(report);
    screen_init(&screen, text, SCREEN_COLUMNS_MAX, colour);
    screen_add(&screen, style_of_verdict(verdict), verdict_words[verdict]);
    text_init(&words, line, sizeof(line));
    text_add(&words, " ");
    report_add_reason(report, &words);
    screen_cut(&screen, SCREEN_PLAIN, line);
    if (report->snapshot_error == 0) {
        text_init(&words, line, sizeof(line));
        report_add_worst_organ(report, report_as_of_ns(report), &words);
        if (words.length > 0) {
            screen_add(&screen, SCREEN_PLAIN, "; ");
            screen_cut(&screen, SCREEN_PLAIN, line);
        }
    }
    screen_line(&screen, 0);
}
