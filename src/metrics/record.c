/* SPDX-License-Identifier: Apache-2.0 */
/* The slow side of recording: the first time in a monitor, threads beyond the slots, values beyond
 * a histogram's buckets, and what cannot be recorded at all. */
#include <string.h>

#include "metrics/cells_block.h"

static uint64_t dropped;

void cells_drop(void)
{
    __atomic_fetch_add(&dropped, 1, __ATOMIC_RELAXED);
}

uint64_t cells_dropped(void)
{
    return __atomic_load_n(&dropped, __ATOMIC_RELAXED);
}

/* Once is enough: the sampler sets a new trip point. If it has done so already, that one stays. */
static void take_trip(struct vagus__cell *cell)
{
    uint64_t trip = __atomic_load_n(&cell->trip, __ATOMIC_RELAXED);
    if (trip <= __atomic_load_n(&cell->value, __ATOMIC_RELAXED))
        __atomic_compare_exchange_n(&cell->trip, &trip, UINT64_MAX, false, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED);
}

static void add_shared(struct cells_block *block, struct vagus_counter counter, uint64_t n)
{
    struct vagus__cell *cell = &block_row(block, block->slots)[counter.index];
    uint64_t value = __atomic_add_fetch(&cell->value, n, __ATOMIC_RELAXED);
    if (value >= __atomic_load_n(&cell->trip, __ATOMIC_RELAXED)) {
        take_trip(cell);
        block_ring(block);
    }
}

void vagus__add_slow(struct vagus_counter counter, uint64_t n)
{
    struct cells_block *block = block_enter(counter.generation);
    if (block == NULL || counter.index >= block->capacity)
        cells_drop();
    else if (block_owns_slot(counter.generation))
        vagus_add(counter, n);
    else
        add_shared(block, counter, n);
}

void vagus__set_slow(struct vagus_gauge gauge, double value)
{
    struct cells_block *block = NULL;
    if (__builtin_isfinite(value))
        block = block_enter(gauge.generation);
    if (block == NULL || gauge.index >= block->capacity) {
        cells_drop();
        return;
    }
    struct vagus__gauge_cell *cell = vagus__gauge(block->board, gauge.index);
    __atomic_store(&cell->value, &value, __ATOMIC_RELAXED);
    __atomic_store_n(&cell->tick, __atomic_load_n(&block->board->tick, __ATOMIC_RELAXED),
                     __ATOMIC_RELEASE);
}

static void sum_shared(uint64_t *word, double value)
{
    uint64_t before = __atomic_load_n(word, __ATOMIC_RELAXED), after;
    do {
        double sum;
        memcpy(&sum, &before, sizeof(sum));
        sum += value;
        memcpy(&after, &sum, sizeof(after));
    } while (!__atomic_compare_exchange_n(word, &before, after, true, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
}

/* The word of its run that a value is counted in. */
static uint32_t word_of(const struct vagus_histogram *histogram, double value)
{
    uint32_t bucket = (vagus__position(value) >> histogram->shift) - histogram->origin;
    if (bucket < histogram->buckets)
        return VAGUS__BUCKETS + bucket;
    /* A positive value beyond the first bucket's lower bound is beyond the last one's upper. */
    bool above = value > 0 && vagus__position(value) >> histogram->shift >= histogram->origin;
    return above ? VAGUS__ABOVE : VAGUS__BELOW;
}

void vagus__record_slow(struct vagus_histogram histogram, double value)
{
    struct cells_block *block = NULL;
    if (__builtin_isfinite(value))
        block = block_enter(histogram.generation);
    if (block == NULL || histogram.buckets > VAGUS_BUCKETS_MAX || histogram.shift >= 32 ||
        histogram.first > block->row_words - VAGUS__BUCKETS - histogram.buckets) {
        cells_drop();
        return;
    }
    bool own = block_owns_slot(histogram.generation);
    uint64_t *run = own ? vagus__doors[histogram.generation % VAGUS__DOORS].words
                        : block_words(block, block->slots);
    run += histogram.first;
    uint64_t *word = &run[word_of(&histogram, value)];
    if (!own) {
        sum_shared(&run[VAGUS__SUM], value);
        __atomic_fetch_add(word, 1, __ATOMIC_RELAXED);
        return;
    }
    double sum;
    memcpy(&sum, &run[VAGUS__SUM], sizeof(sum));
    sum += value;
    uint64_t bits;
    memcpy(&bits, &sum, sizeof(bits));
    __atomic_store_n(&run[VAGUS__SUM], bits, __ATOMIC_RELAXED);
    __atomic_store_n(word, *word + 1, __ATOMIC_RELAXED);
}

void vagus__trip(struct vagus_counter counter)
{
    struct vagus__door *door = &vagus__doors[counter.generation % VAGUS__DOORS];
    take_trip(&door->cells[counter.index]);
    struct cells_block *block = block_enter(counter.generation);
    if (block != NULL)
        block_ring(block);
}

/* --- For those who cannot inline. --- */

void vagus_counter_add(struct vagus_counter counter, uint64_t n)
{
    vagus_add(counter, n);
}

void vagus_gauge_set(struct vagus_gauge gauge, double value)
{
    vagus_set(gauge, value);
}

void vagus_histogram_record(struct vagus_histogram histogram, double value)
{
    vagus_record_value(histogram, value);
}

/* --- By name. What is looked up lies beside the cells and rests with them, so that a thread that
 * was stopped in its search while the monitor closed reads nothing worse than an old table. --- */

static uint64_t mixed(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

static uint64_t word_at(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof(word));
    return word;
}

/* Eight bytes at a time; the last word may overlap the one before. */
static uint64_t hash_of(const char *name, size_t length)
{
    uint64_t hash = length, word = 0;
    if (length < sizeof(word)) {
        for (size_t i = 0; i < length; i++)
            word = word << 8 | (unsigned char)name[i];
        return mixed(hash, word) | 1;
    }
    for (size_t i = 0; i + sizeof(word) < length; i += sizeof(word))
        hash = mixed(hash, word_at(name + i));
    return mixed(hash, word_at(name + length - sizeof(word))) | 1;
}

uint64_t cells_hash(const char *key)
{
    size_t length = strnlen(key, NOTATION_MAX);
    return length < NOTATION_MAX ? hash_of(key, length) : 0;
}

void cells_name(struct cells *cells, uint32_t index, const char *key, uint32_t kind, uint32_t first,
                const struct histogram_shape *shape)
{
    struct cells_block *block = cells->block;
    struct cells_named *named = &block->named[index];
    *named = (struct cells_named){
        .hash = cells_hash(key), .kind = kind, .first = first, .shape = *shape};
    memcpy(named->key, key, strnlen(key, NOTATION_MAX - 1));
    uint32_t place = (uint32_t)named->hash >> 1 & block->places_mask;
    while (block->places[place] != 0)
        place = (place + 1) & block->places_mask;
    __atomic_store_n(&block->places[place], index + 1, __ATOMIC_RELEASE);
}

/* The index of that name, or the capacity if there is none. */
static uint32_t find(const struct cells_block *block, const char *key)
{
    size_t length = strnlen(key, NOTATION_MAX);
    if (length == NOTATION_MAX)
        return block->capacity;
    uint64_t hash = hash_of(key, length);
    uint32_t place = (uint32_t)hash >> 1 & block->places_mask;
    for (;; place = (place + 1) & block->places_mask) {
        uint32_t entry = __atomic_load_n(&block->places[place], __ATOMIC_ACQUIRE);
        if (entry == 0)
            return block->capacity;
        const struct cells_named *named = &block->named[entry - 1];
        if (named->hash == hash && memcmp(named->key, key, length + 1) == 0)
            return entry - 1;
    }
}

bool cells_record(uint32_t generation, const char *key, double value)
{
    struct cells_block *block = block_enter(generation);
    uint32_t index = block != NULL ? find(block, key) : 0;
    if (block == NULL) {
        cells_drop();
        return true;
    }
    if (index == block->capacity)
        return false;
    const struct cells_named *named = &block->named[index];
    if (named->kind == VAGUS_GAUGE) {
        vagus_set((struct vagus_gauge){generation, index}, value);
    } else if (named->kind == VAGUS_HISTOGRAM) {
        vagus_record_value((struct vagus_histogram){generation, index, named->first,
                                                    named->shape.buckets, named->shape.origin,
                                                    named->shape.shift},
                           value);
    } else if (value >= 0 && value < 0x1p63 && value == (double)(int64_t)value) {
        vagus_add((struct vagus_counter){generation, index}, (uint64_t)(int64_t)value);
    } else {
        cells_drop(); /* a counter counts whole things, and only forward */
    }
    return true;
}
