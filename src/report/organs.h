/* SPDX-License-Identifier: Apache-2.0 */
/* The organs of a report, each with its foremost reading, how much of it is used up, and its latest
 * minute: what the lines of the summary, the brief one and whoever draws them have in common. */
#ifndef REPORT_ORGANS_H
#define REPORT_ORGANS_H

#include "report/report.h"

struct report_organ {
    const char *name;              /* "memory", also the resource whose signals colour it */
    const char *instance;          /* the GPU's or path's name, a stranger's; "" */
    unsigned number;               /* among its kind */
    bool shared;                   /* of an allowance: used_ratio says how much of it is used */
    double used_ratio;             /* NaN: not known */
    struct vagus_reading foremost; /* decides the state of the whole organ */
    const char *unit;              /* of a spark that is no share: " tokens"; "": bytes */
    const double *spark;           /* REPORT_SPARK_STEPS values; NULL: nothing is known of any */
};

/* The organs that the snapshot tells of, the most vital first. Of those that a writer need not have
 * (gpu, network, agent) only what was ever sensed. */
uint32_t report_organs(const struct report *report, int64_t as_of_ns,
                       struct report_organ organs[REPORT_ORGANS_MAX]);

/* "memory 94 %": the one that the worst signal is about, else the one that is used up most; nothing
 * if none is known. */
void report_add_worst_organ(const struct report *report, int64_t as_of_ns, struct text *text);

#endif
