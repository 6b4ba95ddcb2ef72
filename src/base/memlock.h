/* SPDX-License-Identifier: Apache-2.0 */
/* Keeping in memory what must run when memory is gone: near a limit the kernel drops text first,
 * and who has to read it back from a disk comes too late. */
#ifndef BASE_MEMLOCK_H
#define BASE_MEMLOCK_H

#include <stdbool.h>
#include <stddef.h>

struct memlock {
    size_t bytes; /* locked, or to be locked when they are touched */
    int error;    /* errno of the first refusal; 0 */
};

/* The loaded object (program or library) that `address` lies in. whole: its code is brought in and
 * stays, if it is small enough to be held; else what is touched of it stays. Its data: what is
 * touched stays. */
void memlock_object(struct memlock *lock, const void *address, bool whole);

/* The pages that a range lies in; `present`: brought in as well. NULL is fine. */
void memlock_range(struct memlock *lock, const void *from, size_t bytes, bool present);

/* The top of the calling thread's stack, for so many bytes downwards; from where, to be released
 * before the thread ends, since the next one may get that stack. */
void *memlock_stack(struct memlock *lock, size_t bytes);

/* Lets a range go again, before it is given back. */
void memlock_release(const void *from, size_t bytes);

#endif
