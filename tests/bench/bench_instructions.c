/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions of one recording, by callgrind: the client runs a loop so many times and twice as
 * many; the difference is free of opening and closing, and that of an empty loop is taken off. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define ITERATIONS 200000u /* opening differs by some hundred instructions from run to run */

/* What callgrind counts in a whole run of the client; NaN if there is no callgrind. */
static double instructions(const char *recording, const char *which, unsigned iterations)
{
    char times[16], line[256];
    double collected = NAN;
    struct child child;
    snprintf(times, sizeof(times), "%u", iterations);
    const char *const arguments[] = {"valgrind",     "--tool=callgrind",
                                     "--log-fd=1",   "--callgrind-out-file=/dev/null",
                                     child_client(), "count",
                                     recording,      which,
                                     times,          NULL};
    if (!child_exec(&child, arguments))
        return NAN;
    while (fgets(line, sizeof(line), child.out) != NULL) {
        const char *found = strstr(line, "Collected : ");
        if (found != NULL)
            collected = strtod(found + strlen("Collected : "), NULL);
    }
    return child_end(&child) ? collected : NAN;
}

static double of_one(const char *recording, const char *which)
{
    return (instructions(recording, which, 2 * ITERATIONS) -
            instructions(recording, which, ITERATIONS)) /
           ITERATIONS;
}

void bench_instructions(const struct bench_row *row, struct bench_result *result)
{
    double loop = of_one(row->argument, "nothing");
    double per = strcmp(row->argument, "in_turn") == 0 ? 8 : 1;
    if (isnan(loop)) {
        result->why = "valgrind is not here, or could not run it";
        return;
    }
    /* A hundredth of an instruction is noise from outside the loop. */
    result->value = round((of_one(row->argument, "value") - loop) / per * 100) / 100;
    result->floor = round((of_one(row->argument, "floor") - loop) / per * 100) / 100;
}
