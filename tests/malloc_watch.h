/* SPDX-License-Identifier: Apache-2.0 */
/* Counts the allocations of the whole program, or of its own text alone, and can make the nth fail.
 * Defines malloc and its kin, so include it in one file of a test. Under a sanitizer, which brings
 * a malloc of its own, MALLOC_WATCHED is 0 and nothing is counted. */
#ifndef TESTS_MALLOC_WATCH_H
#define TESTS_MALLOC_WATCH_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MALLOC_WATCHED 0
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define MALLOC_WATCHED 0
#endif
#ifndef MALLOC_WATCHED
#define MALLOC_WATCHED 1
#endif

/* Atomic for the threads, and so that the compiler, which knows what malloc does not touch, leaves
 * them in memory. */
#define MALLOC_STATE __attribute__((unused)) static _Atomic
MALLOC_STATE bool malloc_watched;
MALLOC_STATE bool malloc_own_only; /* leaves shared libraries alone */
MALLOC_STATE long malloc_count;    /* since it was last set to 0 */
MALLOC_STATE long malloc_fail_at;  /* 0: never */
MALLOC_STATE long malloc_live;     /* allocations less frees, of all that were watched */

#if MALLOC_WATCHED
/* Shared libraries must find these too, whatever visibility the tests are compiled with. */
#define MALLOC_FOR_ALL __attribute__((visibility("default")))

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

extern char __executable_start, etext;

static bool malloc_refuses(const void *caller)
{
    const char *at = caller;
    bool own = at >= &__executable_start && at < &etext;
    if (!atomic_load(&malloc_watched) || (!own && atomic_load(&malloc_own_only)))
        return false;
    long number = atomic_fetch_add(&malloc_count, 1) + 1;
    if (number != atomic_load(&malloc_fail_at))
        return false;
    errno = ENOMEM;
    return true;
}

static void *malloc_given(void *memory)
{
    if (memory != NULL && atomic_load(&malloc_watched))
        atomic_fetch_add(&malloc_live, 1);
    return memory;
}

MALLOC_FOR_ALL void *malloc(size_t size)
{
    return malloc_refuses(__builtin_return_address(0)) ? NULL : malloc_given(__libc_malloc(size));
}

MALLOC_FOR_ALL void *calloc(size_t count, size_t size)
{
    return malloc_refuses(__builtin_return_address(0)) ? NULL
                                                       : malloc_given(__libc_calloc(count, size));
}

MALLOC_FOR_ALL void *realloc(void *memory, size_t size)
{
    if (malloc_refuses(__builtin_return_address(0)))
        return NULL;
    return memory == NULL ? malloc_given(__libc_malloc(size)) : __libc_realloc(memory, size);
}

MALLOC_FOR_ALL void *aligned_alloc(size_t alignment, size_t size)
{
    return malloc_refuses(__builtin_return_address(0))
               ? NULL
               : malloc_given(__libc_memalign(alignment, size));
}

MALLOC_FOR_ALL int posix_memalign(void **memory, size_t alignment, size_t size)
{
    if (malloc_refuses(__builtin_return_address(0)))
        return ENOMEM;
    *memory = malloc_given(__libc_memalign(alignment, size));
    return *memory != NULL ? 0 : ENOMEM;
}

MALLOC_FOR_ALL void free(void *memory)
{
    if (memory != NULL && atomic_load(&malloc_watched))
        atomic_fetch_sub(&malloc_live, 1);
    __libc_free(memory);
}
#endif

#endif
