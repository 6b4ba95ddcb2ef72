/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the process into a locale with a decimal comma: an installed one, or one made for the test
 * by localedef, which needs its sources (Debian: package locales). */
#ifndef TESTS_DECIMAL_COMMA_H
#define TESTS_DECIMAL_COMMA_H

#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static inline bool decimal_comma_begin(void)
{
    if (setlocale(LC_ALL, "de_DE.UTF-8") != NULL)
        return true;
    char folder[] = "/tmp/vagus-locale-XXXXXX", command[200];
    if (mkdtemp(folder) == NULL)
        return false;
    snprintf(command, sizeof(command),
             "localedef --no-archive -i de_DE -f UTF-8 %s/de_DE.UTF-8 >%s/log 2>&1", folder,
             folder);
    bool made = system(command) == 0 && setenv("LOCPATH", folder, 1) == 0 &&
                setlocale(LC_ALL, "de_DE.UTF-8") != NULL;
    snprintf(command, sizeof(command), "rm -r %s", folder);
    return system(command) == 0 && made;
}

static inline void decimal_comma_end(void)
{
    setlocale(LC_ALL, "C");
}

#endif
