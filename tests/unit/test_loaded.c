/* SPDX-License-Identifier: Apache-2.0 */
/* Giving back what a library left resident: nothing that is used is lost. */
#include "base/loaded.h"

#include <dlfcn.h>

#include "check.h"

/* A library that is there wherever the C library is, and that nobody here needs. */
#define STRANGER "libBrokenLocale.so.1"

static void what_was_loaded_since_is_let_go_and_still_works(void)
{
    size_t before = loaded_count();
    CHECK(before > 1);
    void *stranger = dlopen(STRANGER, RTLD_NOW);
    if (stranger == NULL)
        SKIP_TEST("no " STRANGER " here");
    size_t brought = loaded_count() - before;
    CHECK(brought >= 1);
    CHECK_EQ(loaded_let_go(before), brought);
    CHECK(dlsym(stranger, "__ctype_get_mb_cur_max") != NULL);
    CHECK_EQ(dlclose(stranger), 0);
    CHECK_EQ(loaded_let_go(before), 0);
}

/* All that is loaded, this program and the C library among it, goes on after it. */
static void what_is_let_go_comes_back(void)
{
    size_t count = loaded_count();
    CHECK_EQ(loaded_let_go(0), count);
    CHECK_EQ(loaded_count(), count);
}

static void beyond_the_end_there_is_nothing(void)
{
    CHECK_EQ(loaded_let_go(loaded_count() + 5), 0);
}

int main(void)
{
    RUN(what_was_loaded_since_is_let_go_and_still_works);
    RUN(what_is_let_go_comes_back);
    RUN(beyond_the_end_there_is_nothing);
    return check_result();
}
