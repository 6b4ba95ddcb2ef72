/* SPDX-License-Identifier: Apache-2.0 */
/* A checked tree as text again: defaults filled in, quantities as plain numbers, texts in quotes.
 * It is what libcyaml gets to read, and nothing else is. */
#ifndef CONFIG_NORMAL_H
#define CONFIG_NORMAL_H

#include "base/text.h"
#include "config/tree.h"

/* Every scalar of the tree must be valid. */
void normal_write(struct text *text, const struct tree_node *root);

#endif
