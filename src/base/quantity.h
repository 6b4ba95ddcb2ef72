/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers with units, as people write them: "20%", "512MiB", "500ms", "4k". Strict: the whole text
 * must be one finite decimal number and a unit that fits the dimension, with at most one space
 * between them. Whatever locale the host has set, the decimal separator is a point. */
#ifndef BASE_QUANTITY_H
#define BASE_QUANTITY_H

#include <stddef.h>
#include <stdint.h>

enum dimension {
    DIMENSION_NUMBER, /* 12, -3.5, 4k, 2M (powers of 1000) */
    DIMENSION_RATIO,  /* 20% or 0.2: without a % sign the number is a share of 1, and at most 1 */
    DIMENSION_BYTES,  /* 512MiB, 1.5GB, 4096, 4KiB */
    DIMENSION_TIME,   /* 500ms, 2s, 5min, 1h, 1d, 10us, 3ns; a bare number is refused, except 0 */
};

/* The dimension that thresholds on a metric of this UCUM unit have. NULL is a plain number. */
enum dimension dimension_of_unit(const char *unit);

/* Reads a quantity. Bytes come out in bytes, time in seconds, ratios as a share of 1. 0, or
 * VAGUS_EPARSE with *why (never NULL, static: "has no unit: write 500ms or 2s") and *value
 * untouched. */
int quantity_parse(const char *text, enum dimension dimension, double *value, const char **why);

/* Time in ns, not negative, at most ten years. */
int duration_parse(const char *text, int64_t *ns, const char **why);

/* An example for messages: "20%", "512MiB", "500ms", "1000". */
const char *dimension_example(enum dimension dimension);

#endif
