/* SPDX-License-Identifier: Apache-2.0 */
/* A span of time as an argument: 30s, 10m, 1h. */
#ifndef CLI_SPAN_H
#define CLI_SPAN_H

#include <stdint.h>

/* As duration_parse(), and "10m" for ten minutes; no time at all is refused. */
int span_parse(const char *given, int64_t *ns, const char **why);

#endif
