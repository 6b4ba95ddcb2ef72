/* SPDX-License-Identifier: Apache-2.0 */
/* Which files the senses read, as host_trace() tells, and a bare loop that reads the same ones: the
 * floor that a sense is measured against. */
#ifndef BENCH_READS_H
#define BENCH_READS_H

#include <stdbool.h>
#include <stdint.h>

#define READS_PATHS_MAX 256
#define READS_MAX 65536

struct reads {
    const char *root; /* NULL: the machine itself */
    unsigned tick;    /* that reads are being noted of */
    bool overflowed;
    unsigned path_count, count;
    struct {
        char path[256];
        enum { WHOLE_FILE, DESCRIPTOR_COUNT, FREE_SPACE } how;
        int fd;
    } paths[READS_PATHS_MAX];
    struct {
        uint16_t tick, path;
        bool goes_on; /* where the read before it ended: a long file in pieces */
    } entries[READS_MAX];
};

/* For host_trace(), with the reads as arg. */
void reads_note(void *arg, const char *path);

/* Opens every file that was noted; those that cannot be opened fail when they are read. */
void reads_open(struct reads *reads);
void reads_close(struct reads *reads);

/* Does what was noted of one tick; *next is where to go on, 0 at first. */
void reads_repeat(const struct reads *reads, unsigned tick, unsigned *next);

#endif
