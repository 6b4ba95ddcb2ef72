/* SPDX-License-Identifier: Apache-2.0 */
/* Others that record, each in a file of its own that is built where its package is there. */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef void peer_loop(void *arg, uint64_t iterations);

/* The loop that does what record.<name> does: "counter", "histogram", "by_name". NULL: it has none,
 * or could not be set up. */
peer_loop *peer_prometheus_loop(const char *name);
peer_loop *peer_mmv_loop(const char *name);

#ifdef __cplusplus
}
#endif

#endif
