/* SPDX-License-Identifier: Apache-2.0 */
/* A small record with one writer that any thread may copy whole. The words are relaxed atomics and
 * not a memcpy: transitions are rare, so exactness under the C memory model costs nothing here. */
#ifndef SIGNALS_STAMPED_H
#define SIGNALS_STAMPED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "segment/writer.h"

/* Tries of a reader before it says that it met the writer. */
#define STAMPED_TRIES 4

static inline void stamped_store(uint64_t *stamp, uint64_t *words, const void *from, size_t bytes)
{
    segment_write_begin(stamp);
    for (size_t i = 0; i < bytes / sizeof(*words); i++) {
        uint64_t word;
        memcpy(&word, (const char *)from + i * sizeof(word), sizeof(word));
        __atomic_store_n(&words[i], word, __ATOMIC_RELAXED);
    }
    segment_write_end(stamp);
}

/* False if each try met the writer; `to` holds rubbish then. */
static inline bool stamped_load(const uint64_t *stamp, const uint64_t *words, void *to,
                                size_t bytes)
{
    for (int tries = 0; tries < STAMPED_TRIES; tries++) {
        uint64_t before = __atomic_load_n(stamp, __ATOMIC_ACQUIRE);
        if (before & 1)
            continue;
        for (size_t i = 0; i < bytes / sizeof(*words); i++) {
            uint64_t word = __atomic_load_n(&words[i], __ATOMIC_RELAXED);
            memcpy((char *)to + i * sizeof(word), &word, sizeof(word));
        }
        /* The words must have been read before the stamp is looked at again. */
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (__atomic_load_n(stamp, __ATOMIC_RELAXED) == before)
            return true;
    }
    return false;
}

#endif
