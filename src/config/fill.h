/* SPDX-License-Identifier: Apache-2.0 */
/* libcyaml, fenced in: from the normalised text into the structs. */
#ifndef CONFIG_FILL_H
#define CONFIG_FILL_H

#include <stddef.h>

#include "config/config.h"

/* 0, VAGUS_ENOMEM, or VAGUS_EPOLICY with libcyaml's complaint in `why`: that one is a mistake of
 * vagus, since the text was checked. */
int fill_config(const char *text, size_t length, struct vagus_config **config, char *why,
                size_t why_bytes);

#endif
