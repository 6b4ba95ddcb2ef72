/* SPDX-License-Identifier: Apache-2.0 */
/* What the terminal can show: its columns, and whether it takes more than ASCII. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>

#define TERMINAL_COLUMNS 80 /* where it cannot be told: a pipe, a file */
#define TERMINAL_COLUMNS_MAX 500

/* Columns of the terminal that stdout is; TERMINAL_COLUMNS if it is none; 20 to
 * TERMINAL_COLUMNS_MAX. */
unsigned terminal_columns(void);

/* Whether the locale of the environment is one of UTF-8. Sets LC_CTYPE, and nothing else, by it. */
bool terminal_utf8(void);

#endif
