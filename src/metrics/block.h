/* SPDX-License-Identifier: Apache-2.0 */
/* The code of a block: values as integers at the metric's resolution, each as its difference from a
 * prediction, in codes that follow the widths of the last ones, entries that are as predicted as
 * runs. Times are numbers of periods; a step other than the expected one is coded, so a hole is a
 * hole. */
#ifndef METRICS_BLOCK_H
#define METRICS_BLOCK_H

#include <stdbool.h>

#include "segment/layout.h"

/* One entry: a value, or all that is known of a bucket, or a gap (count 0). */
struct block_entry {
    int64_t at_ns;
    double last, min, max, sum;
    uint32_t count; /* values in it; 0: an attempt that brought nothing */
};

enum block_field { BLOCK_LAST, BLOCK_MIN, BLOCK_MAX, BLOCK_SUM, BLOCK_COUNT, BLOCK_FIELDS };

/* What both sides know after each entry, and predict the next one from. */
struct block_model {
    uint64_t last;                     /* the newest value as an integer */
    uint64_t slope;                    /* its difference from the one before */
    uint64_t count;                    /* of the newest bucket */
    int16_t runs, means[BLOCK_FIELDS]; /* mean widths of recent numbers */
    int16_t bent;    /* below 0: "on as before" was nearer lately than "as before" */
    bool begun, any; /* there was an entry; a value */
    bool raw, wide;  /* bits of doubles; five fields */
    bool loose;      /* the expected step follows the last one: the instant tier */
    uint32_t step;   /* expected, in periods */
};

/* A part of a block of single integers: what the model was where it begins, so that reading may
 * begin there, and what a head would say of it. Kept in private memory, beside the block. */
struct block_part {
    uint64_t last, slope;
    int16_t runs, mean, bent;
    uint16_t bits, entries, gaps; /* of the block before it */
    uint32_t index;               /* of the entry before it, in periods, */
    uint32_t first;               /* and of its own first value */
    double min, max, sum;
};

#define BLOCK_PARTS 8

struct block_parts {
    uint32_t
        count; /* those that are complete; the next one has begun, unless the block is sealed */
    bool sealed;
    struct block_part part[BLOCK_PARTS];
};

/* The open block of a series. Whatever steers the writer lies here, in private memory. */
struct block_writer {
    struct block_model model;
    uint64_t tail; /* the payload's newest, unfinished byte */
    double resolution, inverse;
    struct segment_block_head head; /* all but the stamp, which lies in the segment alone */
    int64_t period_ns;
    struct block_parts *parts; /* of the place; NULL: none are kept */
    struct block_part part;    /* the one that is being filled */
    bool odd; /* there were values that integers cannot hold: the next block is raw */
};

/* Begins a block in a place of the pool that nobody else uses. first: the entry that will be put
 * next. */
void block_open(struct block_writer *writer, struct segment_block *block, uint32_t metric,
                uint8_t level, uint8_t fields, double resolution, uint32_t previous,
                const struct block_entry *first);

/* Puts an entry; what is earlier than the newest one counts at its time. False if it does not fit:
 * the block must be sealed then, and is unchanged. */
bool block_put(struct block_writer *writer, struct segment_block *block,
               const struct block_entry *entry);

void block_seal(struct block_writer *writer, struct segment_block *block);

/* The value that is kept for a given one: the nearest multiple of the resolution. Values that are
 * to be put were rounded so. inverse: 1 / resolution. */
double block_rounded(double value, double resolution, double inverse);

/* Reads a block out of private memory, whose head was checked. However wrong its payload is, this
 * ends after block->entries entries. */
struct block_reader {
    const struct segment_block *block;
    struct block_model model;
    double resolution;
    int64_t period_ns;
    uint64_t run; /* entries that are as predicted */
    uint64_t index;
    uint32_t left;  /* entries */
    uint32_t at;    /* bit */
    bool announced; /* after the run an entry is coded, */
    bool busy;      /* and there was no run before it */
    bool failed;    /* the payload makes no sense */
};

void block_read(struct block_reader *reader, const struct segment_block *block, double resolution);
bool block_next(struct block_reader *reader, struct block_entry *entry);
/* As many as there are and there is room for: faster. */
unsigned block_next_many(struct block_reader *reader, struct block_entry *entries, unsigned room);

/* Parts of a block, numbered from 0; one that has none is one part. Parts that do not fit the
 * block, since somebody wrote over it, count as none. block_part_head() is false for a part that is
 * not complete; where there is but one part it is not to be asked. *until: what reader->left is
 * where the part ends. */
unsigned block_parts_count(const struct segment_block *block, const struct block_parts *parts);
bool block_part_head(const struct segment_block *block, const struct block_parts *parts,
                     unsigned number, double resolution, struct segment_block_head *head);
void block_part_read(struct block_reader *reader, const struct segment_block *block,
                     const struct block_parts *parts, unsigned number, double resolution,
                     uint32_t *until);

/* Takes at once the entries up to a time, as long as reader->left is more than until, and tells of
 * the values among them what a head would. False if there are none, or no single integers. */
bool block_take(struct block_reader *reader, int64_t to_ns, uint32_t until,
                struct segment_block_head *head);

#endif
