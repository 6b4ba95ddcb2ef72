/* SPDX-License-Identifier: Apache-2.0 */
/* What may stand next on the line of a shell. */
#ifndef CLI_COMPLETE_H
#define CLI_COMPLETE_H

#include <stdio.h>

/* The words after "vagus" up to the cursor, the last one being what is completed, perhaps "".
 * Prints ":files", ":folders" or ":words" and then, for the last, a line for each candidate: the
 * whole word, a tab, and what it is. */
void complete(char **words, FILE *stream);

#endif
