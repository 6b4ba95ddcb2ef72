/* SPDX-License-Identifier: Apache-2.0 */
/* schema.def as a JSON Schema, for editors that complete and check policies while they are typed.
 */
#ifndef CONFIG_JSON_SCHEMA_H
#define CONFIG_JSON_SCHEMA_H

#include "base/text.h"
#include "config/config.h"

/* Draft 2020-12. It says what stands alone; what keys mean together, `vagus check` knows. */
void json_schema_write(struct text *text, const struct config_vocabulary *vocabulary);

#endif
