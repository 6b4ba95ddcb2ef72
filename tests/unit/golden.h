/* SPDX-License-Identifier: Apache-2.0 */
/* Comparison with a file of tests/fixtures/report/. VAGUS_REFRESH=1 writes it anew. */
#ifndef TESTS_UNIT_GOLDEN_H
#define TESTS_UNIT_GOLDEN_H

#include <stdlib.h>

#include "check.h"

static inline void check_golden(const char *name, const char *got)
{
    char path[512];
    static char wanted[1 << 20];
    snprintf(path, sizeof(path), "%s/report/%s", FIXTURES, name);
    const char *refresh = getenv("VAGUS_REFRESH");
    bool anew = refresh != NULL && strcmp(refresh, "1") == 0;
    FILE *file = fopen(path, anew ? "w" : "r");
    REQUIRE(file != NULL);
    if (anew) {
        CHECK(fputs(got, file) >= 0);
        CHECK_EQ(fclose(file), 0);
        return;
    }
    wanted[fread(wanted, 1, sizeof(wanted) - 1, file)] = '\0';
    fclose(file);
    if (strcmp(got, wanted) != 0)
        CHECK_FAIL_("%s differs; VAGUS_REFRESH=1 writes it anew. Got:\n%s", path, got);
}

#endif
