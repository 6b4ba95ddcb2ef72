/* SPDX-License-Identifier: Apache-2.0 */
/* Where threads record. Each thread owns a slot in each monitor that it records into: a row of
 * counter cells and a row of words for histograms; when it ends, its slot goes to the next thread
 * with the sums left standing, so nothing is lost and nothing runs backward. Threads beyond the
 * slots share one by fetch_add. Gauges have one cell for all threads. Memory of a closed monitor is
 * kept aside for a while before it is used again: a thread that was stopped in mid-record finds it
 * harmless. */
#ifndef METRICS_CELLS_H
#define METRICS_CELLS_H

#include <stdbool.h>

#include "base/wake.h"
#include "metrics/histogram.h"

struct cells_block; /* the memory: board, slots, shared slot */

struct cells {
    struct cells_block *block;
    struct vagus__board *board;
    uint32_t generation;
    uint32_t capacity; /* metrics */
    uint32_t slots;    /* owned ones */
    uint32_t words;    /* of a row, for what takes more than a counter's cell: histograms */
};

/* Room for a histogram of the default size with each twenty metrics, and for six more. */
#define CELLS_WORDS(capacity) (1024u + 8u * (capacity))

/* What this process ever dropped because a handle led nowhere or a value was not finite. */
uint64_t cells_dropped(void);
void cells_drop(void);

/* A generation whose door is free, or 0 if all four are taken. Held until cells_door_free(). */
uint32_t cells_door_take(void);
void cells_door_free(uint32_t generation);

int cells_init(struct cells *cells, uint32_t generation, uint32_t capacity, uint32_t slots);
void cells_finish(struct cells *cells);

/* The sum of a counter over all slots. Any thread. */
uint64_t cells_total(const struct cells *cells, uint32_t index);

/* Slots that were ever owned; the shared one is not among them. */
uint32_t cells_used(const struct cells *cells);
bool cells_shared_used(const struct cells *cells);

/* One slot's cells, slot < cells_used() or == slots for the shared one. */
struct vagus__cell *cells_slot(const struct cells *cells, uint32_t slot);

/* The same slot's words. */
uint64_t *cells_words(const struct cells *cells, uint32_t slot);

/* What all threads recorded into a histogram. Any thread. */
void cells_distribution(const struct cells *cells, uint32_t first,
                        const struct histogram_shape *shape,
                        struct vagus_distribution *distribution);

/* Only how many values that are. */
uint64_t cells_distribution_count(const struct cells *cells, uint32_t first, uint32_t buckets);

/* Begun and not ended: a counter's total less the values of a histogram. Never too low by a race;
 * *ended: those values. */
uint64_t cells_in_flight(const struct cells *cells, uint32_t started, uint32_t first,
                         uint32_t buckets, uint64_t *ended);

/* Lets a metric be found by its name and instance, as notation_key() writes them. Under whatever
 * lock orders definitions; never twice the same. */
void cells_name(struct cells *cells, uint32_t index, const char *key, uint32_t kind, uint32_t first,
                const struct histogram_shape *shape);

/* Records into the metric of that name: adds to a counter, sets a gauge, counts a histogram's
 * value. False if the monitor of that generation is open and knows no such name; what is refused
 * for another reason is dropped and counted. Any thread, at any time. */
bool cells_record(uint32_t generation, const char *key, double value);

/* Of a key of at most NOTATION_MAX - 1 bytes; 0 for a longer one. */
uint64_t cells_hash(const char *key);

/* Divides the headroom of a counter among the slots as trip points: whichever uses up its share
 * wakes the sampler. headroom 0 disarms. Called by the sampler. */
void cells_arm(struct cells *cells, uint32_t index, uint64_t headroom);

/* Rings the bell, if there is one. */
void cells_ring(const struct cells *cells);

/* The bell that a tripped cell rings; it must stay in memory for ever. */
void cells_set_wake(struct cells *cells, struct wake *wake);

/* In a forked child: this thread's doors are shut and the locks are as new. */
void cells_before_fork(void);
void cells_after_fork_in_parent(void);
void cells_after_fork_in_child(void);

#endif
