/* SPDX-License-Identifier: Apache-2.0 */
/* Edit distance (insert, delete, replace, swap neighbours) between short names, case ignored. */
#include "base/nearest.h"

#include <limits.h>
#include <string.h>

#define NEAREST_LENGTH_MAX 64

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Three rows are enough: a swap looks back two. What is beyond the limit is not told exactly. */
static unsigned distance(const char *a, size_t a_length, const char *b, size_t b_length,
                         unsigned limit)
{
    unsigned least_above = 0; /* of the row above */
    unsigned rows[3][NEAREST_LENGTH_MAX + 1];
    unsigned *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b_length; j++)
        before[j] = above[j] = (unsigned)j;
    for (size_t i = 1; i <= a_length; i++) {
        unsigned least_here = row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_length; j++) {
            char x = lower(a[i - 1]), y = lower(b[j - 1]);
            row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == lower(b[j - 2]) && y == lower(a[i - 2]))
                row[j] = least(row[j], before[j - 2] + 1);
            least_here = least(least_here, row[j]);
        }
        if (least_here > limit && least_above > limit)
            return limit + 1; /* no row below becomes less than these two */
        least_above = least_here;
        unsigned *free_row = before;
        before = above;
        above = row;
        row = free_row;
    }
    return above[b_length];
}

void nearest_init(struct nearest *nearest, const char *wanted)
{
    *nearest = (struct nearest){.wanted = wanted, .distance = UINT_MAX};
}

void nearest_offer(struct nearest *nearest, const char *candidate)
{
    size_t wanted_length = strlen(nearest->wanted), length = strlen(candidate);
    if (wanted_length == 0 || wanted_length > NEAREST_LENGTH_MAX || length > NEAREST_LENGTH_MAX)
        return;
    /* A third of the letters wrong is still a slip; more would be guessing. */
    unsigned limit = (unsigned)((length + 2) / 3);
    limit = least(limit, nearest->distance);
    if (wanted_length > length + limit || length > wanted_length + limit)
        return; /* what is missing must be inserted, at the least */
    unsigned found = distance(nearest->wanted, wanted_length, candidate, length, limit);
    if (found > limit || found >= nearest->distance || found >= length)
        return;
    nearest->distance = found;
    nearest->best = candidate;
}
