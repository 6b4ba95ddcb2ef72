/* SPDX-License-Identifier: Apache-2.0 */
/* A metric's latest history as a line of small bars, one for each column. Allocates nothing. */
#ifndef REPORT_SPARK_H
#define REPORT_SPARK_H

#include "base/text.h"
#include "segment/reader.h"

#define SPARK_COLUMNS_MAX 256

/* The newest `columns` steps of the history of entry `index` of the directory as a segment holds
 * it, oldest first, the last one ending at end_ns; NaN: nothing is known. Of a gauge the mean of
 * what was read in a step, or else what is still good of what was read before; of a counter, and of
 * a histogram's count, how fast it grew, per second. VAGUS_EINVAL: more than SPARK_COLUMNS_MAX, or
 * steps that no time has; the values are untouched then. */
int spark_read(const struct segment_reader *reader, uint32_t index,
               const struct segment_metric *metric, int64_t end_ns, int64_t step_ns, double *values,
               unsigned columns);

/* As eighths of a column between low and high (NaN: their own least and greatest), a dot for what
 * is not known. */
void spark_draw(const double *values, unsigned count, double low, double high, struct text *text);

#endif
