/* SPDX-License-Identifier: Apache-2.0 */
/* The nearest valid name to a mistyped one. */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stddef.h>

/* Feed candidates one by one; the best one so far stays in `best`. */
struct nearest {
    const char *wanted;
    const char *best; /* NULL while nothing comes near enough to be helpful */
    unsigned distance;
};

void nearest_init(struct nearest *nearest, const char *wanted);
void nearest_offer(struct nearest *nearest, const char *candidate);

#endif
