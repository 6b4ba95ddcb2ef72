/* SPDX-License-Identifier: Apache-2.0 */
/* The memory behind the cells, for the two files that know it: cells.c makes it and says who owns
 * which row, record.c is the slow side of recording. */
#ifndef METRICS_CELLS_BLOCK_H
#define METRICS_CELLS_BLOCK_H

#include "base/notation.h"
#include "metrics/cells.h"

struct attachment;

/* A metric as vagus_record() finds it. Complete before its place is published. */
struct cells_named {
    uint64_t hash;
    uint32_t kind, first;
    struct histogram_shape shape;
    char key[NOTATION_MAX]; /* name{label=instance} */
};

struct cells_block {
    size_t bytes; /* of the whole mapping */
    uint32_t generation, capacity, slots, row_words;
    uint32_t used;        /* slots ever owned */
    uint32_t shared_used; /* a thread records into the shared slot */
    struct wake *wake;
    struct cells_block *next; /* while resting */
    struct attachment *attached;
    struct vagus__board *board;
    struct vagus__cell *cells; /* slots + 1 rows of capacity; the last row is shared */
    uint64_t *words;           /* likewise, rows of row_words */
    uint8_t *taken;            /* by slot */
    uint8_t *armed;            /* by metric */
    struct cells_named *named; /* by metric: those that may be recorded by name */
    uint32_t *places;          /* open addressing by hash: entry + 1, 0 free */
    uint32_t places_mask;
};

/* The block that a handle of this generation leads to, with this thread attached to it, or NULL. */
struct cells_block *block_enter(uint32_t generation);

/* True if the thread has a slot of its own in it, false if it records into the shared one. */
static inline bool block_owns_slot(uint32_t generation)
{
    return __atomic_load_n(&vagus__doors[generation % VAGUS__DOORS].generation, __ATOMIC_RELAXED) ==
           generation;
}

static inline struct vagus__cell *block_row(const struct cells_block *block, uint32_t slot)
{
    return block->cells + (size_t)slot * block->capacity;
}

static inline uint64_t *block_words(const struct cells_block *block, uint32_t slot)
{
    return block->words + (size_t)slot * block->row_words;
}

/* Rings the sampler's bell. */
void block_ring(const struct cells_block *block);

#endif
