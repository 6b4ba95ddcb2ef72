/* SPDX-License-Identifier: Apache-2.0 */
/* Of the health summary: budgets, what is foreseen to run out, and how former runs ended. */
#include <math.h>

#include "report/findings.h"
#include "report/health_parts.h"

#define NAME_COLUMNS 14
#define BUDGETS_SHOWN 8
#define LIMIT_TOO 56 /* columns: of less there is no room for it */
#define FORECASTS_SHOWN 3

static bool runs_out(const struct vagus_reading *reading, int64_t as_of_ns)
{
    return vagus_reading_state(reading, as_of_ns) == VAGUS_STATE_OK && isfinite(reading->value) &&
           reading->value >= 0;
}

/* An amount of a budget: its unit is in the name, unless it is one of bytes. */
static void add_amount(struct text *text, const struct vagus_snapshot_budget *budget, double amount)
{
    text_add_value(text, amount, strcmp(budget->unit, "By") == 0 ? "By" : "");
}

static void add_amounts(const struct vagus_snapshot_budget *budget, int64_t as_of_ns,
                        struct screen *screen)
{
    const struct vagus_budget_status *status = &budget->status;
    enum screen_style style = status->left > 0 ? SCREEN_PLAIN : SCREEN_WARN;
    char item[120];
    struct text text;
    text_init(&text, item, sizeof(item));
    add_amount(&text, budget, (double)status->left);
    text_add(&text, " left");
    if (screen->columns >= LIMIT_TOO) {
        text_add(&text, " of ");
        add_amount(&text, budget, (double)status->limit);
    }
    screen_item(screen, style, item);
    if (runs_out(&budget->exhausted_in, as_of_ns)) {
        text_init(&text, item, sizeof(item));
        if (status->left > 0) {
            text_add(&text, "gone in ");
            text_add_value(&text, budget->exhausted_in.value, "s");
        } else {
            text_add(&text, "used up");
        }
        screen_item(screen, SCREEN_WARN, item);
    }
    if (status->reserved > 0) {
        text_init(&text, item, sizeof(item));
        add_amount(&text, budget, (double)status->reserved);
        text_add(&text, " reserved");
        screen_item(screen, SCREEN_PLAIN, item);
    }
    if (status->refused > 0) {
        text_init(&text, item, sizeof(item));
        text_addf(&text, "refused %llu times", (unsigned long long)status->refused);
        screen_item_if_room(screen, SCREEN_PLAIN, item);
    }
}

/* " tokens-hour    ██████░░  76 %  48000 left of 200000 · gone in 23 min" */
static void add_budget(const struct report *report, const struct vagus_snapshot_budget *budget,
                       int64_t as_of_ns, struct screen *screen)
{
    const struct vagus_budget_status *status = &budget->status;
    char name[5 * VAGUS_NAME_MAX];
    struct text text;
    text_init(&text, name, sizeof(name));
    text_add_safe(&text, budget->name, sizeof(name) - sizeof("…"));
    screen_add(screen, SCREEN_PLAIN, " ");
    screen_cut_to(screen, SCREEN_BOLD, name, NAME_COLUMNS);
    screen_to(screen, NAME_COLUMNS + 1);
    double left = (double)status->left, limit = (double)status->limit;
    report_add_bar(screen, report_style_of_resource(report, budget->resource),
                   status->known && limit > 0 ? 1 - left / limit : NAN);
    screen_to(screen, screen->column + 1);
    screen->indent = screen->column;
    if (status->known)
        add_amounts(budget, as_of_ns, screen);
    else
        screen_item(screen, SCREEN_WARN, "what is left is not known");
    screen_line(screen, 0);
}

static void add_budgets(const struct report *report, int64_t as_of_ns, struct screen *screen)
{
    const struct vagus_system_snapshot *snapshot = &report->snapshot;
    uint32_t count = snapshot->budget_count;
    uint32_t shown = count < VAGUS_SNAPSHOT_BUDGETS ? count : VAGUS_SNAPSHOT_BUDGETS;
    shown = shown < BUDGETS_SHOWN ? shown : BUDGETS_SHOWN;
    for (uint32_t i = 0; i < shown; i++)
        add_budget(report, &snapshot->budgets[i], as_of_ns, screen);
    if (count > shown) {
        screen_addf(screen, SCREEN_PLAIN, " and %u more budgets", count - shown);
        screen_line(screen, 0);
    }
}

/* The one that runs out soonest and was not shown yet; NULL: none. */
static const struct vagus_snapshot_forecast *soonest(const struct vagus_system_snapshot *snapshot,
                                                     int64_t as_of_ns, uint32_t *shown)
{
    const struct vagus_snapshot_forecast *first = NULL;
    uint32_t at = 0;
    for (uint32_t i = 0; i < snapshot->forecast_count && i < VAGUS_SNAPSHOT_FORECASTS; i++) {
        const struct vagus_snapshot_forecast *forecast = &snapshot->forecasts[i];
        if ((*shown & 1u << i) != 0 || !runs_out(&forecast->exhausted_in, as_of_ns) ||
            (first != NULL && forecast->exhausted_in.value >= first->exhausted_in.value))
            continue;
        first = forecast;
        at = i;
    }
    *shown |= first != NULL ? 1u << at : 0;
    return first;
}

/* " ahead   memory runs out in 4 min 10 s · disk in 2 h 3 min" */
static void add_forecasts(const struct vagus_system_snapshot *snapshot, int64_t as_of_ns,
                          struct screen *screen)
{
    const struct vagus_snapshot_forecast *forecast;
    uint32_t shown = 0;
    for (unsigned i = 0;
         i < FORECASTS_SHOWN && (forecast = soonest(snapshot, as_of_ns, &shown)) != NULL; i++) {
        char item[5 * VAGUS_RESOURCE_MAX + 5 * VAGUS_INSTANCE_MAX];
        struct text text;
        if (i == 0) {
            screen_add(screen, SCREEN_BOLD, " ahead");
            screen_to(screen, 9);
            screen->indent = 9;
        }
        text_init(&text, item, sizeof(item));
        text_add_safe(&text, forecast->resource, VAGUS_RESOURCE_MAX);
        if (forecast->instance[0] != '\0') {
            text_add(&text, " ");
            text_add_safe(&text, forecast->instance, 48);
        }
        text_add(&text, i == 0 ? " runs out in " : " in ");
        text_add_value(&text, forecast->exhausted_in.value, "s");
        screen_item(screen, SCREEN_WARN, item);
    }
    if (shown != 0)
        screen_line(screen, 0);
}

void report_add_budgets(const struct report *report, int64_t as_of_ns, struct screen *screen)
{
    add_budgets(report, as_of_ns, screen);
    add_forecasts(&report->snapshot, as_of_ns, screen);
}

/* " before  killed for lack of memory 20 min ago · 5 starts, 2 deaths within a day" */
void report_add_continuity(const struct report *report, struct screen *screen)
{
    const struct vagus_snapshot_continuity *continuity = &report->snapshot.continuity;
    bool died = continuity->last_end >= VAGUS_END_UNCLOSED;
    char item[160];
    struct text text;
    if (!died && continuity->deaths_day == 0)
        return;
    screen_add(screen, SCREEN_BOLD, " before");
    screen_to(screen, 9);
    screen->indent = 9;
    text_init(&text, item, sizeof(item));
    report_add_end(&text, continuity);
    if (continuity->last_ended_wall_ns > 0) {
        text_add(&text, " ");
        text_add_duration(&text,
                          report_span_ns(continuity->last_ended_wall_ns, report->snapshot.wall_ns));
        text_add(&text, " ago");
    }
    screen_item(screen, died ? SCREEN_WARN : SCREEN_PLAIN, item);
    text_init(&text, item, sizeof(item));
    text_addf(&text, "%llu starts, %llu deaths, %u in an hour, %u in a day",
              (unsigned long long)continuity->starts, (unsigned long long)continuity->deaths,
              continuity->deaths_hour, continuity->deaths_day);
    screen_item(screen, SCREEN_PLAIN, item);
    screen_line(screen, 0);
}
