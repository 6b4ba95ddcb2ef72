/* SPDX-License-Identifier: Apache-2.0 */
/* policies/default.yaml, compiled in: src/config/embed.cmake writes the source file at build time.
 */
#ifndef CONFIG_DEFAULT_POLICY_H
#define CONFIG_DEFAULT_POLICY_H

#include <stddef.h>

extern const char config_default_policy[]; /* ended by 0 */
extern const size_t config_default_policy_bytes;

#endif
