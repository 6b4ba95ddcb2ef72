/* SPDX-License-Identifier: Apache-2.0 */
/* Reading memory that its writer may be changing: copy first, believe it only if the stamp did not
 * move. The one place that tells ThreadSanitizer so. */
#ifndef SEGMENT_COPY_H
#define SEGMENT_COPY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SANITIZE_THREAD__)
#define SEGMENT_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SEGMENT_TSAN 1
#endif
#endif

/* Copies bytes that may change meanwhile; both sides are aligned to 8, bytes is a multiple of 8. */
#ifdef SEGMENT_TSAN
/* ThreadSanitizer intercepts memcpy wherever it is called from, so here it is words; volatile keeps
 * the compiler from making a memcpy of them again. */
__attribute__((no_sanitize("thread"), noinline, unused)) static void segment_copy(void *to,
                                                                                  const void *from,
                                                                                  size_t bytes)
{
    volatile uint64_t *t = to;
    const volatile uint64_t *f = from;
    for (size_t i = 0; i < bytes / 8; i++)
        t[i] = f[i];
}
#else
static inline void segment_copy(void *to, const void *from, size_t bytes)
{
    memcpy(to, from, bytes);
}
#endif

/* ThreadSanitizer does not model fences, and gcc says so at each; what they order here is hidden
 * from it anyhow. */
#if defined(SEGMENT_TSAN) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wtsan"
#endif

/* Between the odd stamp and the changes that follow it. */
static inline void segment_fence_release(void)
{
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

/* Between the copy and the second look at the stamp. */
static inline void segment_fence_acquire(void)
{
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
}

#if defined(SEGMENT_TSAN) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#endif
