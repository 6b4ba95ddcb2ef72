/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments such as --last 10m. */
#include "cli/span.h"

#include <stdio.h>
#include <string.h>

#include "base/quantity.h"
#include "vagus/base.h"

int span_parse(const char *given, int64_t *ns, const char **why)
{
    char minutes[32];
    size_t length = strlen(given);
    if (length >= 2 && length < sizeof(minutes) - 3 && given[length - 1] == 'm' &&
        ((given[length - 2] >= '0' && given[length - 2] <= '9') || given[length - 2] == ' ')) {
        snprintf(minutes, sizeof(minutes), "%sin", given);
        given = minutes;
    }
    int error = duration_parse(given, ns, why);
    if (error == 0 && *ns == 0) {
        *why = "is no time at all";
        error = VAGUS_EPARSE;
    }
    return error;
}
