/* SPDX-License-Identifier: Apache-2.0 */
/* The organs of the health summary: one line for each. */
#ifndef REPORT_HEALTH_ORGANS_H
#define REPORT_HEALTH_ORGANS_H

#include "report/report.h"
#include "report/screen.h"

/* Memory, cpu, process, each watched path, and the agent's own counters if it has any. */
void report_add_organs(const struct report *report, int64_t as_of_ns, struct screen *screen);

#endif
