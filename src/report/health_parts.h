/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the health summary for a person. Each adds whole lines, or none. */
#ifndef REPORT_HEALTH_PARTS_H
#define REPORT_HEALTH_PARTS_H

#include "report/report.h"
#include "report/screen.h"

/* Each raised signal: for how long, why, what listeners did about it. */
void report_add_raised(const struct report *report, int64_t as_of_ns, struct screen *screen);

/* Memory, cpu, process, each watched path, and the agent's own counters if it has any. */
void report_add_organs(const struct report *report, int64_t as_of_ns, struct screen *screen);

/* How far back history reaches: one line. */
void report_add_history(const struct report *report, int64_t as_of_ns, struct screen *screen);

/* The monitor's own line, then a line for each of its troubles and notes. */
void report_add_monitor(const struct report *report, int64_t as_of_ns, struct screen *screen);

#endif
