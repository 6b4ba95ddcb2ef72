/* SPDX-License-Identifier: Apache-2.0 */
/* Times as arguments: --from 14:05, --to "2026-11-21 14:05", --from -10m. */
#ifndef CLI_MOMENT_H
#define CLI_MOMENT_H

#include <stdint.h>

#define MOMENT_EXAMPLES "write 14:05, '2026-11-21 14:05', -10m, or seconds since 1970"

/* Reads a time on the wall: of day (the newest one that is not ahead of now), of a day (local;
 * ended by Z: UTC), so long before `end`, "now", or seconds since 1970. 0, or VAGUS_EPARSE with
 * *why
 * ("is no time of day"; static) and *wall_ns untouched. */
int moment_parse(const char *given, int64_t now_wall_ns, int64_t end_wall_ns, int64_t *wall_ns,
                 const char **why);

#endif
