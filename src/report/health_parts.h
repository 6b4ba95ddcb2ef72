/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the health summary for a person. Each adds whole lines, or none. */
#ifndef REPORT_HEALTH_PARTS_H
#define REPORT_HEALTH_PARTS_H

#include "report/report.h"
#include "report/screen.h"

/* Each raised signal: for how long, why, what listeners did about it. */
void report_add_raised(const struct report *report, int64_t as_of_ns, struct screen *screen);

/* What colour the signals on a resource give it. */
enum screen_style report_style_of_resource(const struct report *report, const char *resource);

/* A bar with its percentage; NaN: dots. */
void report_add_bar(struct screen *screen, enum screen_style style, double used_ratio);

/* A line for each organ. */
void report_add_organs(const struct report *report, int64_t as_of_ns, struct screen *screen);

/* A line for each budget, and one for what is foreseen to run out. */
void report_add_budgets(const struct report *report, int64_t as_of_ns, struct screen *screen);

/* How the run before ended, if it did not in order: one line. */
void report_add_continuity(const struct report *report, struct screen *screen);

/* How far back history reaches: one line. */
void report_add_history(const struct report *report, int64_t as_of_ns, struct screen *screen);

/* The monitor's own line, then a line for each of its troubles and notes. */
void report_add_monitor(const struct report *report, int64_t as_of_ns, struct screen *screen);

#endif
