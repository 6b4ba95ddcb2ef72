/* SPDX-License-Identifier: Apache-2.0 */
/* The policies that are compiled in, by policies/presets.def, and what `extends:` makes of one. */
#ifndef CONFIG_PRESET_H
#define CONFIG_PRESET_H

#include <stddef.h>

#include "config/check.h"

/* A path that begins so is no file but a preset. */
#define PRESET_PREFIX "preset:"

struct preset_text {
    const char *text; /* ended by 0 */
    size_t bytes;
};

/* In the order of the table. src/config/embed.cmake writes the texts at build time. */
extern const struct preset_text preset_texts[];
extern const char *const preset_names[]; /* NULL-terminated */
extern const char *const preset_summaries[];

/* The text of a preset, or NULL. */
const struct preset_text *preset_find(const char *name);

/* Merges the preset that the tree extends into it, whose places become that of the key `extends`.
 * What is wrong with that key, other than `disable`, is left for the check to tell. 0,
 * VAGUS_EPOLICY (a mistake of vagus: the preset is none), VAGUS_ENOMEM. */
int preset_extend(struct check *check, struct tree *tree);

#endif
