/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks are mappings of their own: what is unmapped goes back to the kernel at once, which no
 * malloc promises. The kernel fills them: a sanitizer that saw each page touched would take as much
 * again. */
#include <sys/mman.h>

#include "cli/demo_memory.h"

/* At the head of its mapping. */
struct demo_block {
    struct demo_block *newer;
    size_t bytes;
};

void demo_pool_init(struct demo_pool *pool, struct demo_allowance *allowance)
{
    *pool = (struct demo_pool){.allowance = allowance};
    pthread_mutex_init(&pool->lock, NULL);
}

void demo_pool_finish(struct demo_pool *pool)
{
    while (demo_pool_shrink(pool) > 0)
        continue;
    pthread_mutex_destroy(&pool->lock);
}

bool demo_pool_grow(struct demo_pool *pool, size_t bytes)
{
    struct demo_allowance *allowance = pool->allowance;
    if (atomic_fetch_add(&allowance->held_bytes, bytes) + bytes > allowance->most_bytes)
        goto no_room;
    struct demo_block *block = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (block == MAP_FAILED)
        goto no_room;
    block->newer = NULL;
    block->bytes = bytes;

    pthread_mutex_lock(&pool->lock);
    if (pool->newest != NULL)
        pool->newest->newer = block;
    else
        pool->oldest = block;
    pool->newest = block;
    pthread_mutex_unlock(&pool->lock);
    atomic_fetch_add(&pool->held_bytes, bytes);
    return true;

no_room:
    atomic_fetch_sub(&allowance->held_bytes, bytes);
    return false;
}

size_t demo_pool_shrink(struct demo_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    struct demo_block *block = pool->oldest;
    if (block != NULL) {
        pool->oldest = block->newer;
        if (pool->oldest == NULL)
            pool->newest = NULL;
    }
    pthread_mutex_unlock(&pool->lock);
    if (block == NULL)
        return 0;
    size_t bytes = block->bytes;
    munmap(block, bytes);
    atomic_fetch_sub(&pool->held_bytes, bytes);
    atomic_fetch_sub(&pool->allowance->held_bytes, bytes);
    return bytes;
}
