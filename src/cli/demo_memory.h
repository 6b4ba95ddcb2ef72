/* SPDX-License-Identifier: Apache-2.0 */
/* Real memory in blocks, oldest first: what the demo agent caches and what it leaks. All pools
 * together never hold more than an allowance, so that the demo cannot be killed for memory. */
#ifndef CLI_DEMO_MEMORY_H
#define CLI_DEMO_MEMORY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct demo_block;

struct demo_allowance {
    size_t most_bytes;
    atomic_size_t held_bytes;
};

struct demo_pool {
    pthread_mutex_t lock;
    struct demo_allowance *allowance;
    struct demo_block *oldest, *newest;
    atomic_size_t held_bytes;
};

void demo_pool_init(struct demo_pool *pool, struct demo_allowance *allowance);
void demo_pool_finish(struct demo_pool *pool);

/* Maps one block more, all its pages at once. False if the allowance or the machine has no room for
 * it. Any thread. */
bool demo_pool_grow(struct demo_pool *pool, size_t bytes);

/* Unmaps the oldest block; returns its size, 0 if there was none. Any thread. */
size_t demo_pool_shrink(struct demo_pool *pool);

#endif
