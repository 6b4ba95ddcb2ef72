/* SPDX-License-Identifier: Apache-2.0 */
/* Making and filling a segment. One writer thread at a time but for what says otherwise. */
#ifndef SEGMENT_WRITER_H
#define SEGMENT_WRITER_H

#include <stdbool.h>

#include "segment/copy.h"
#include "segment/layout.h"

struct segment_options {
    const char *dir;   /* absolute; NULL: $XDG_RUNTIME_DIR/vagus, else /dev/shm/vagus-UID */
    const char *agent; /* a valid name of at most 32 characters */
    uint64_t bytes;
    uint32_t metrics_max;
    uint32_t keep;       /* dead segments of this agent name to leave in the folder */
    int64_t keep_for_ns; /* and for how long after their last sign of life; 0: for ever */
    const struct segment_continuity *continuity; /* its entry; NULL: none */
    bool anonymous;
    const struct vagus_clock *clock;
};

struct segment {
    struct segment_header *header; /* the mapping */
    uint64_t bytes;
    int fd; /* holds the flock; -1: anonymous */
    const struct vagus_clock *clock;
    uint32_t series_blocks;  /* in the pool */
    char path[256];          /* "" if anonymous */
    char why_anonymous[160]; /* "" unless a file was wanted and could not be had */
    /* Where things lie, for the writer alone: nothing in the mapping ever steers it. */
    struct segment_extent extents[SEGMENT_SECTION_COUNT];
    void *sections[SEGMENT_SECTION_COUNT];
};

/* Creates a segment of exactly options->bytes, every page of it reserved; its life is
 * SEGMENT_OPENING. Where a file on tmpfs cannot be had, memory is anonymous and why_anonymous says
 * so: that is no failure. VAGUS_EINVAL (no valid name, or a size too small for metrics_max),
 * VAGUS_ENOMEM; *segment is untouched then. */
int segment_create(const struct segment_options *options, struct segment *segment);

/* Marks it closed, leaves the file where it is as the black box, and lets go of it. */
void segment_close(struct segment *segment);

/* Lets go of it and removes the file: for a monitor that never started. */
void segment_discard(struct segment *segment);

/* In a forked child: puts private memory in the mapping's place and closes the descriptor without
 * letting go of the parent's lock. Async-signal-safe. */
void segment_after_fork_in_child(struct segment *segment);

static inline struct segment_head *segment_head(struct segment *segment, enum segment_section_id id)
{
    return segment->sections[id];
}

static inline void *segment_entries(struct segment *segment, enum segment_section_id id)
{
    return (char *)segment->sections[id] + sizeof(struct segment_head);
}

/* Between these two, entries of a section may change; a reader that looks meanwhile tries again. */
static inline void segment_write_begin(uint64_t *stamp)
{
    __atomic_store_n(stamp, __atomic_load_n(stamp, __ATOMIC_RELAXED) | 1, __ATOMIC_RELAXED);
    /* The odd stamp must be visible before any change that follows it. */
    segment_fence_release();
}

static inline void segment_write_end(uint64_t *stamp)
{
    __atomic_store_n(stamp, (__atomic_load_n(stamp, __ATOMIC_RELAXED) | 1) + 1, __ATOMIC_RELEASE);
}

/* The slots of a segment. */
static inline struct segment_slots *segment_slots(struct segment *segment)
{
    return segment->sections[SEGMENT_SNAPSHOT];
}

/* Announces that the monitor has started. */
static inline void segment_run(struct segment *segment)
{
    __atomic_store_n(&segment->header->life, SEGMENT_RUNNING, __ATOMIC_RELEASE);
}

/* Publishes a snapshot in the next slot. Numbers are counted from 1 without a gap. */
void segment_publish(struct segment_slots *slots, uint64_t number,
                     const struct vagus_system_snapshot *snapshot);

/* The same where it is known which of it changed since the slot was last written, SEGMENT_SLOTS
 * publications before: only these ranges are copied. Bounds are multiples of 8. */
struct segment_range {
    uint32_t begin, end;
};
void segment_publish_ranges(struct segment_slots *slots, uint64_t number,
                            const struct vagus_system_snapshot *snapshot,
                            const struct segment_range *ranges, unsigned count);

/* Copies the first `bytes` of the newest snapshot, a multiple of 8, in this process. Any thread.
 * VAGUS_EAGAIN, and the output untouched, if nothing was published yet or four tries found their
 * slot gone. A copy that is overtaken in its middle is begun again: that takes three publications
 * within it, so it happens to a thread that was put to sleep there, and not twice. */
int segment_snapshot_copy(const struct segment_slots *slots, struct vagus_system_snapshot *snapshot,
                          size_t bytes);

#endif
