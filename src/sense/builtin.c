/* SPDX-License-Identifier: Apache-2.0 */
/* The table of built-in collectors. */
#include "sense/sense.h"

#define VAGUS_COLLECTOR(name) extern const struct vagus_collector_desc vagus__collector_##name;
#include "../../collectors/collectors.def"
#undef VAGUS_COLLECTOR

const struct vagus_collector_desc *const sense_builtin[] = {
#define VAGUS_COLLECTOR(name) &vagus__collector_##name,
#include "../../collectors/collectors.def"
#undef VAGUS_COLLECTOR
    NULL,
};
