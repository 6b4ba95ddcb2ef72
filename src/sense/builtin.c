/* SPDX-License-Identifier: Apache-2.0 */
/* The table of built-in collectors. */
#include "sense/sense.h"

#define VAGUS_COLLECTOR(name) extern const struct vagus_collector_desc vagus__collector_##name;
#define VAGUS_COLLECTOR_OF_PATHS VAGUS_COLLECTOR
#include "../../collectors/collectors.def"
#undef VAGUS_COLLECTOR
#undef VAGUS_COLLECTOR_OF_PATHS

const struct vagus_collector_desc *const sense_builtin[] = {
#define VAGUS_COLLECTOR(name) &vagus__collector_##name,
#define VAGUS_COLLECTOR_OF_PATHS VAGUS_COLLECTOR
#include "../../collectors/collectors.def"
#undef VAGUS_COLLECTOR
#undef VAGUS_COLLECTOR_OF_PATHS
    NULL,
};

const bool sense_is_of_paths[] = {
#define VAGUS_COLLECTOR(name) false,
#define VAGUS_COLLECTOR_OF_PATHS(name) true,
#include "../../collectors/collectors.def"
#undef VAGUS_COLLECTOR
#undef VAGUS_COLLECTOR_OF_PATHS
};
