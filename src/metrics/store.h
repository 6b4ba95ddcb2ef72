/* SPDX-License-Identifier: Apache-2.0 */
/* The store of all series: a pool of blocks in the segment, and in private memory all that steers
 * it. Each metric has its own tier, and buckets of each coarser level among 1 s, 10 s and 60 s.
 *
 * The sampler alone appends. Any thread may look: newest places and beginnings are published, and
 * blocks are copied by their stamps. */
#ifndef METRICS_STORE_H
#define METRICS_STORE_H

#include "metrics/block.h"
#include "segment/writer.h"

#define STORE_LEVELS 4 /* of a metric: faster than 1 s, 1 s, 10 s, 60 s */
#define STORE_RECENT 64

struct store_point {
    int64_t taken_ns;
    double value; /* NaN: a gap */
};

/* The newest points of a metric's own tier as they came, for short windows. */
struct store_recent {
    uint64_t stamp; /* odd while it changes */
    uint64_t count; /* ever */
    struct store_point points[STORE_RECENT];
};

/* Blocks of a series whose number is a multiple of this tell of those before them, too. */
#define STORE_GROUP 8

struct store_series {
    struct block_writer writer;
    struct segment_block_head group; /* of the blocks sealed since the last such */
    struct block_entry bucket;       /* being filled; count 0: none */
    int64_t bucket_end_ns;
    uint32_t newest; /* place + 1; published with release; 0: none */
};

/* A place in the pool. Places are named by their number + 1, so that 0 is none. */
struct store_place {
    uint32_t next;             /* the next newer block of the same series */
    uint32_t chain;            /* whose it is */
    uint32_t newer, older;     /* in its queue, if it is sealed */
    int64_t first_ns, last_ns; /* last_ns of a sealed one */
};

/* Sealed blocks of all series that have the same target, the oldest first. */
struct store_queue {
    uint32_t oldest, newest;
};
#define STORE_QUEUES STORE_LEVELS

/* What the store has to know of a metric. */
struct store_metric {
    uint32_t index;
    uint8_t tier;  /* enum vagus_tier, never DEFAULT */
    bool keep_day; /* 24 h at 1 s */
    double resolution, inverse;
};

struct store {
    struct segment_block *pool; /* in the segment */
    uint32_t places_count, places_used;
    uint32_t metrics;
    uint32_t chains; /* of blocks: the series, then those that others code */
    struct store_place *places;
    struct block_parts *parts; /* of each place */
    /* Of places that hold the last block of a group: one head for all of it, named as that block,
     * with `previous` of the first. It begins less than a period too late, so that it ends right.
     */
    struct segment_block_head *groups;
    struct store_series *series; /* STORE_LEVELS for each metric */
    uint32_t *oldest;            /* of each chain: place + 1; 0: none */
    int64_t *since_ns;           /* of each chain: its first entry; INT64_MAX: none; published */
    uint8_t *queue;              /* of each chain: what its target is */
    struct store_queue queues[STORE_QUEUES];
    struct store_recent *recent;    /* of each metric */
    int64_t *born_ns;               /* of each metric: its first value ever; INT64_MAX: none */
    struct segment_chains *mirrors; /* in the segment, by metric */
    struct segment_chain **mirror;  /* of each chain: its entry in the segment; NULL: it has none */
    uint64_t unstored;              /* entries for which no block could be had */
};

/* others: chains that are not of the store's own coding; they are numbered from
 * metrics * STORE_LEVELS on. */
int store_init(struct store *store, struct segment *segment, uint32_t metrics, uint32_t others);
void store_finish(struct store *store);

/* The level of a metric's own tier, 0 .. STORE_LEVELS - 1. */
unsigned store_own_level(unsigned tier);
/* The tier that a level has for a metric of this tier. */
unsigned store_level_tier(unsigned level, unsigned tier);

/* Says whose a chain is that is not of the store's own coding, before it has any block. */
static inline void store_mirror(struct store *store, size_t chain, uint32_t metric, unsigned level)
{
    store->mirror[chain] = &store->mirrors[metric].buckets[level];
}

/* Tells whoever looks from outside which block of a chain is the newest. */
static inline void store_mirror_newest(struct store *store, size_t chain, uint32_t place)
{
    if (store->mirror[chain] != NULL)
        __atomic_store_n(&store->mirror[chain]->newest, place, __ATOMIC_RELEASE);
}

/* A place for the next block of a chain, after the one at `before` (+ 1; 0: none), which is to be
 * sealed and whose last entry is of last_ns. level and keep_day say how long it is wanted. The
 * place + 1; 0: all are open. */
uint32_t store_chain(struct store *store, size_t chain, uint32_t before, int64_t last_ns,
                     int64_t first_ns, unsigned level, bool keep_day);

/* A value, rounded by block_rounded(), or NaN for an attempt that brought nothing. */
void store_append(struct store *store, const struct store_metric *metric, int64_t at_ns,
                  double value);

/* --- Any thread. --- */

/* The place of a series' newest block, + 1; 0: it has none. */
static inline uint32_t store_newest(const struct store *store, uint32_t metric, unsigned level)
{
    return __atomic_load_n(&store->series[metric * STORE_LEVELS + level].newest, __ATOMIC_ACQUIRE);
}

/* Copies a head, or a whole block, from a place + 1. VAGUS_ENOENT if there is none, VAGUS_EAGAIN if
 * four tries met the writer, VAGUS_ECORRUPT. Whose block it is, the caller checks. */
int store_copy_head(const struct store *store, uint32_t place, struct segment_block_head *head);
int store_copy_block(const struct store *store, uint32_t place, struct segment_block *block);
/* The head for a group that ends with the block of a place. Is it of another block, the caller
 * finds, then there is none. */
int store_copy_group(const struct store *store, uint32_t place, struct segment_block_head *group);
/* A block with its parts. */
int store_copy_parts(const struct store *store, uint32_t place, struct segment_block *block,
                     struct block_parts *parts);

/* Since when there are newest points, or later if the writer is at it; INT64_MIN: since ever. */
int64_t store_recent_since_ns(const struct store *store, uint32_t metric);

/* The newest points of a metric, oldest first, and whether these are all that there ever were.
 * VAGUS_EAGAIN if four tries met the writer. */
int store_copy_recent(const struct store *store, uint32_t metric,
                      struct store_point points[STORE_RECENT], uint32_t *count, bool *all);

/* Since when a series reaches back; INT64_MAX: it has nothing. */
static inline int64_t store_since_ns(const struct store *store, uint32_t metric, unsigned level)
{
    return __atomic_load_n(&store->since_ns[metric * STORE_LEVELS + level], __ATOMIC_ACQUIRE);
}

static inline int64_t store_born_ns(const struct store *store, uint32_t metric)
{
    return __atomic_load_n(&store->born_ns[metric], __ATOMIC_ACQUIRE);
}

#endif
