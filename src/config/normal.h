/* SPDX-License-Identifier: Apache-2.0 */
/* A checked tree as text again: defaults filled in, quantities as plain numbers, texts in quotes.
 * It is what libcyaml gets to read, and nothing else is. */
#ifndef CONFIG_NORMAL_H
#define CONFIG_NORMAL_H

#include "base/text.h"
#include "config/schema.h"
#include "config/tree.h"

/* Every scalar of the tree must be valid. */
void normal_write(struct text *text, const struct tree_node *root);

/* A hash of what a mapping says in this form, but for one of its keys (NULL: for none) and for
 * where it stands; and of what a policy says under one key. Never 0. */
uint64_t normal_content(const struct schema *schema, const struct tree_node *mapping,
                        const char *without);
uint64_t normal_content_of_key(const struct tree_node *root, const char *key);

#endif
