/* SPDX-License-Identifier: Apache-2.0 */
/* What a policy's filters leave out of the senses: names with * and ?, and instances in braces. */
#ifndef CONFIG_FILTER_H
#define CONFIG_FILTER_H

#include "config/config.h"

/* "numa.*", "network.*{interface=veth*}", "disk.free{?:tmp}". */
bool filter_is_pattern(const char *pattern);

/* Whether it means the metric as a whole (instance NULL), or this instance of it ("" as a label:
 * none is known). A pattern without braces means every instance. */
bool filter_matches(const char *pattern, const char *name, const char *label, const char *instance);

/* The same for all patterns of a policy. */
bool filter_drops(const struct vagus_config *config, const char *name, const char *label,
                  const char *instance);

/* Whether the policy leaves the collector out. */
bool filter_drops_collector(const struct vagus_config *config, const char *name);

#endif
